package chargify

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// CodeBadCursor is the code of the error for a cursor of another version.
const CodeBadCursor = "bad_cursor"

// Reader reads one site. It is safe for concurrent use.
type Reader struct {
	client *remote.Client
	site   string // host, such as acme.chargify.com
}

// cursor says which page is next.
type cursor struct {
	Until    time.Time `json:"until"`              // what was created later is not read
	Customer string    `json:"customer,omitempty"` // id; empty: everything
	List     int       `json:"list"`               // place of the list in the order of streams
	Last     bool      `json:"last,omitempty"`     // the list has no further page
	Done     bool      `json:"done,omitempty"`
	place

	// of a pull of one customer
	Subscriptions []string `json:"subscriptions,omitempty"` // all of the customer, once they are read
	At            int      `json:"at,omitempty"`            // which of them the list is read for
	Invoices      []string `json:"invoices,omitempty"`      // whose events are read before the next page of invoices
	Behind        string   `json:"behind,omitempty"`        // id of the last event of the first of them
}

// place is a place in a list.
type place struct {
	Page  int       `json:"page,omitempty"`  // number of the page; 0: the first
	From  time.Time `json:"from,omitzero"`   // the page begins with what was created then
	Seen  []string  `json:"seen,omitempty"`  // what was created then, and is read already
	ID    string    `json:"id,omitempty"`    // the page begins behind this id
	Total int64     `json:"total,omitempty"` // how many objects the list has, if Chargify says so
}

// Begin is the cursor of the first page of a pull that begins now. Only what was created until now is read, oldest first.
func (r *Reader) Begin(now time.Time, customer string) json.RawMessage {
	return encode(cursor{Until: now.UTC().Truncate(time.Second), Customer: customer})
}

func encode(c cursor) json.RawMessage {
	text, _ := json.Marshal(c) // texts and numbers
	return text
}

// Page reads one page, which is one request. The error is fault.Invalid for a cursor of another version, fault.Forbidden with
// [CodeClosed], or one of package remote.
func (r *Reader) Page(ctx context.Context, at json.RawMessage) (system.Page, error) {
	var c cursor
	all := lists()
	if err := json.Unmarshal(at, &c); err != nil || c.Done || c.List < 0 || c.List >= len(all) || c.Until.IsZero() || c.At > len(c.Subscriptions) {
		return system.Page{}, fault.New(fault.Invalid, CodeBadCursor, "There is no page at this place. Start the pull again.")
	}
	l := all[c.List]
	var page system.Page
	var err error
	switch {
	case c.Customer == "" || l.catalog:
		page, err = r.next(ctx, l, &c)
	default:
		page, err = r.ofCustomer(ctx, l, &c)
	}
	if err != nil {
		return system.Page{}, err
	}
	c = c.forward(all)
	page.Next, page.Done = encode(c), c.Done
	return page, nil
}

// forward moves on to the next list, if nothing is left of this one. A pull of one customer reads events of invoices with the
// invoices, and nothing for each subscription if there is none.
func (c cursor) forward(all []list) cursor {
	for c.Last && len(c.Invoices) == 0 {
		if l := all[c.List]; l.of != "" && c.At+1 < len(c.Subscriptions) {
			c.Last, c.place, c.At = false, place{}, c.At+1
			continue
		}
		c = cursor{Until: c.Until, Customer: c.Customer, Subscriptions: c.Subscriptions, List: c.List + 1}
		if c.Done = c.List == len(all); c.Done {
			return cursor{Until: c.Until, Customer: c.Customer, List: c.List, Done: true}
		}
		l := all[c.List]
		c.Last = c.Customer != "" && (l.stream == InvoiceEvents || l.of != "" && len(c.Subscriptions) == 0)
	}
	return c
}

// ofCustomer reads the next page of what one customer has of a list.
func (r *Reader) ofCustomer(ctx context.Context, l list, c *cursor) (system.Page, error) {
	switch {
	case l.stream == Customers:
		c.Last = true
		page := system.Page{Stream: Customers}
		o, found, err := r.Customer(ctx, c.Customer)
		if found {
			page.Objects = []system.Object{o}
		}
		return page, err
	case !isID(c.Customer):
		c.Last = true
		return system.Page{Stream: l.stream}, nil
	case l.stream == Subscriptions:
		l = list{stream: l.stream, path: subscriptionsPath(c.Customer), paging: whole, wrapper: l.wrapper}
		page, err := r.next(ctx, l, c)
		for _, o := range page.Objects {
			h, _ := headOf(Subscriptions, o.JSON) // it was read before
			c.Subscriptions = append(c.Subscriptions, h.own)
		}
		return page, err
	case len(c.Invoices) > 0:
		return r.eventsOf(ctx, c)
	case strings.HasPrefix(l.of, "/"):
		l.path = fmt.Sprintf(l.of, c.Subscriptions[c.At])
	case l.of != "":
		l.query.Set(l.of, c.Subscriptions[c.At])
	default:
		l.query.Set(l.customer, c.Customer)
	}
	page, err := r.next(ctx, l, c)
	if l.stream == Invoices {
		for _, o := range page.Objects {
			h, _ := headOf(Invoices, o.JSON) // it was read before
			c.Invoices = append(c.Invoices, h.own)
		}
	}
	return page, err
}

// eventsOf reads the next page of events of the first invoice of a cursor.
func (r *Reader) eventsOf(ctx context.Context, c *cursor) (system.Page, error) {
	all := lists()
	l := all[slices.IndexFunc(all, func(l list) bool { return l.stream == InvoiceEvents })]
	l.query.Set("invoice_uid", c.Invoices[0])
	within := cursor{Until: c.Until, place: place{ID: c.Behind, Seen: []string{c.Behind}}}
	page, err := r.next(ctx, l, &within)
	if c.Behind = within.ID; within.Last {
		c.Invoices, c.Behind = c.Invoices[1:], ""
	}
	return page, err
}

// next reads the next page of a list. A list of something that is gone is empty.
func (r *Reader) next(ctx context.Context, l list, c *cursor) (system.Page, error) {
	rows, total, err := r.list(ctx, l, l.at(c))
	if c.Customer != "" && gone(err) {
		rows, err = nil, nil
	}
	if err != nil {
		return system.Page{}, err
	}
	page := system.Page{Stream: l.stream, Total: total}
	heads := make([]head, len(rows))
	for i, o := range rows {
		if heads[i], err = headOf(l.stream, o); err != nil {
			return system.Page{}, r.noObject(l.path)
		}
		if !slices.Contains(c.Seen, heads[i].own) {
			page.Objects = append(page.Objects, system.Object{Stream: l.stream, Parent: r.site, JSON: kept(l.stream, o)})
		}
	}
	c.Last = l.paging == whole || len(rows) < pageSize && total >= c.Total
	c.place = l.after(c.place, heads, total)
	return page, nil
}

// at is the query of the page at a cursor.
func (l list) at(c *cursor) url.Values {
	q := maps.Clone(l.query)
	if l.paging == whole {
		return q
	}
	q.Set("per_page", strconv.Itoa(pageSize))
	q.Set("page", strconv.Itoa(max(c.Page, 1)))
	switch l.paging {
	case byTime:
		q.Set("date_field", "created_at")
		q.Set("end_datetime", spell(c.Until))
		if !c.From.IsZero() {
			q.Set("start_datetime", spell(c.From))
		}
	case byID:
		if c.ID != "" {
			q.Set("since_id", c.ID)
		}
	case byNumber, whole:
	}
	return q
}

// spell writes a time as Chargify's filters take it.
func spell(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 -0700") }

// after is the place behind a page. If a list has become shorter, objects may have moved to pages that are read already; so it is read
// again.
func (l list) after(at place, heads []head, total int64) place {
	switch {
	case total < at.Total:
		return place{Total: total}
	case len(heads) == 0:
		return place{}
	case l.paging == byID:
		last := heads[len(heads)-1].own // some lists begin behind it, and some with it
		return place{ID: last, Seen: []string{last}}
	case l.paging == byNumber:
		return place{Page: max(at.Page, 1) + 1, Total: total}
	}
	last := heads[len(heads)-1].CreatedAt.UTC().Truncate(time.Second)
	if last.Equal(at.From) {
		at.Page = max(at.Page, 1) + 1
		return at
	}
	at = place{From: last}
	for _, h := range heads {
		if h.CreatedAt.UTC().Truncate(time.Second).Equal(last) {
			at.Seen = append(at.Seen, h.own)
		}
	}
	return at
}

// Customer reads a customer by its id.
func (r *Reader) Customer(ctx context.Context, id string) (system.Object, bool, error) {
	if !isID(id) {
		return system.Object{}, false, nil
	}
	body, err := r.get(ctx, customerPath(id), nil)
	if gone(err) {
		return system.Object{}, false, nil
	}
	if err != nil {
		return system.Object{}, false, err
	}
	var answer struct {
		Customer json.RawMessage `json:"customer"`
	}
	_ = json.Unmarshal(body, &answer) // then it has no customer
	if h, err := headOf(Customers, answer.Customer); err != nil || h.own != id {
		return system.Object{}, false, r.client.Unexpected("its answer is not the customer that was asked for. Try again later")
	}
	return system.Object{Stream: Customers, Parent: r.site, JSON: answer.Customer}, true, nil
}

// list reads a page, and refuses what is none. total is how many objects the list has, if Chargify says so.
func (r *Reader) list(ctx context.Context, l list, q url.Values) (rows []json.RawMessage, total int64, err error) {
	body, err := r.get(ctx, l.path, q)
	if err != nil {
		return nil, 0, err
	}
	text := body
	if l.inner != "" {
		var page map[string]json.RawMessage
		if json.Unmarshal(body, &page) != nil {
			return nil, 0, r.noPage(l.path)
		}
		text = page[l.inner]
		_ = json.Unmarshal(page["total_count"], &total) // most lists do not say
	}
	var all *[]json.RawMessage
	if json.Unmarshal(text, &all) != nil || all == nil {
		return nil, 0, r.noPage(l.path)
	}
	if l.wrapper == "" {
		return *all, total, nil
	}
	for _, wrapped := range *all {
		var o map[string]json.RawMessage
		if json.Unmarshal(wrapped, &o) != nil || o[l.wrapper] == nil {
			return nil, 0, r.noObject(l.path)
		}
		rows = append(rows, o[l.wrapper])
	}
	return rows, total, nil
}

func (r *Reader) noPage(path string) error {
	return r.client.Unexpected("its answer for " + path + " is not a page of a list. Try again later")
}

func (r *Reader) noObject(path string) error {
	return r.client.Unexpected("its answer for " + path + " holds something that is no object. Try again later")
}

// gone reports whether an error says that there is no such object.
func gone(err error) bool {
	kind, ok := remote.KindOf(err)
	return ok && kind == remote.Gone
}

// kept is an object without what is secret, such as tokens of payment methods and addresses of public pages, and without copies of
// other objects.
func kept(s system.Stream, o json.RawMessage) json.RawMessage {
	switch s {
	case Subscriptions:
		return without(o, "credit_card", "bank_account", "self_service_page_token", "referral_code")
	case Invoices:
		return without(o, "public_url")
	case InvoiceEvents:
		return withShortInvoice(o)
	}
	return o
}

func without(o json.RawMessage, names ...string) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(o, &fields) != nil {
		return o
	}
	for _, n := range names {
		delete(fields, n)
	}
	text, _ := json.Marshal(fields) // they were JSON before
	return text
}

// withShortInvoice leaves of the copy of the invoice that an event holds only what says which one it is; and nothing of the copy of a credit note.
func withShortInvoice(event json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(event, &fields) != nil {
		return event
	}
	var invoice map[string]json.RawMessage
	if json.Unmarshal(fields["invoice"], &invoice) == nil && invoice != nil {
		maps.DeleteFunc(invoice, func(name string, _ json.RawMessage) bool { return name != "uid" && name != "customer_id" })
		fields["invoice"], _ = json.Marshal(invoice) // it was JSON before
	}
	if data := fields["event_data"]; data != nil {
		fields["event_data"] = without(data, "credit_note_attributes", "payment_method")
	}
	text, _ := json.Marshal(fields) // they were JSON before
	return text
}
