package recurly

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
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
}

// cursor says which page is next.
type cursor struct {
	Until    time.Time `json:"until"`              // what was created later is not read
	Customer string    `json:"customer,omitempty"` // code of the account; empty: everything
	List     int       `json:"list"`               // place of the list in the order of streams
	Next     string    `json:"next,omitempty"`     // query of the next page, as Recurly gives it; empty: the first page
	Last     bool      `json:"last,omitempty"`     // the list has no further page
	Total    int64     `json:"total,omitempty"`    // how many objects the list has
	Long     []long    `json:"long,omitempty"`     // read before anything else
	Done     bool      `json:"done,omitempty"`
}

// long is an invoice with more lines than Recurly shows: its id, and the query of the next page of its lines.
type long [2]string

// Begin is the cursor of the first page of a pull that begins now. Only what was created until now is read, oldest first: so what is
// created or changed during a pull moves nothing.
func (r *Reader) Begin(now time.Time, customer string) json.RawMessage {
	return encode(cursor{Until: now.UTC().Truncate(time.Second), Customer: customer})
}

func encode(c cursor) json.RawMessage {
	text, _ := json.Marshal(c) // texts and numbers
	return text
}

// Page reads one page, which is one request; the first page of a list is two, since Recurly is asked first how many objects it has. The error is fault.Invalid for a cursor of another version, or one of package remote.
func (r *Reader) Page(ctx context.Context, at json.RawMessage) (system.Page, error) {
	var c cursor
	all := lists()
	if err := json.Unmarshal(at, &c); err != nil || c.Done || c.List < 0 || c.List >= len(all) || c.Until.IsZero() {
		return system.Page{}, fault.New(fault.Invalid, CodeBadCursor, "There is no page at this place. Start the pull again.")
	}
	l := all[c.List]
	var page system.Page
	var err error
	switch {
	case len(c.Long) > 0:
		page, err = r.lines(ctx, &c)
	case l.stream == Accounts && c.Customer != "":
		page, err = r.account(ctx, &c)
	default:
		page, err = r.next(ctx, l, &c)
	}
	if err != nil {
		return system.Page{}, err
	}
	c = c.forward()
	page.Next, page.Done = encode(c), c.Done
	return page, nil
}

// forward moves on to the next list, if nothing is left of this one.
func (c cursor) forward() cursor {
	if !c.Last || len(c.Long) > 0 {
		return c
	}
	at := c.List + 1
	return cursor{Until: c.Until, Customer: c.Customer, List: at, Done: at == len(lists())}
}

// account reads the account of a cursor in place of all accounts.
func (r *Reader) account(ctx context.Context, c *cursor) (system.Page, error) {
	c.Last = true
	page := system.Page{Stream: Accounts}
	o, found, err := r.Customer(ctx, c.Customer)
	if found {
		page.Objects = []system.Object{o}
	}
	return page, err
}

// next reads the next page of a list.
func (r *Reader) next(ctx context.Context, l list, c *cursor) (system.Page, error) {
	path := l.at(c.Customer)
	first := query()
	first.Set("end_time", c.Until.Format(time.RFC3339))
	if c.Next == "" && c.Customer == "" {
		total, err := r.count(ctx, path, first)
		if err != nil {
			return system.Page{}, err
		}
		c.Total = total
	}
	got, err := r.list(ctx, path, c.Next, first)
	if c.Customer != "" && gone(err) {
		got, err = listing{}, nil
	}
	if err != nil {
		return system.Page{}, err
	}
	c.Next, c.Last = got.next, got.next == ""
	page := system.Page{Stream: l.stream, Total: c.Total}
	for _, o := range got.data {
		h, err := headOf(o)
		if err != nil {
			return system.Page{}, r.noObject(path)
		}
		if h.MoreLines {
			c.Long = append(c.Long, long{h.ID})
		}
		if l.stream == Accounts {
			o = withoutToken(o)
		}
		page.Objects = append(page.Objects, system.Object{Stream: l.stream, JSON: o})
	}
	return page, nil
}

// lines reads the next page of the lines of the first long invoice. If the invoice is gone it has none.
func (r *Reader) lines(ctx context.Context, c *cursor) (system.Page, error) {
	at := c.Long[0]
	path := linesPath(at[0])
	got, err := r.list(ctx, path, at[1], query())
	if gone(err) {
		got, err = listing{}, nil
	}
	if err != nil {
		return system.Page{}, err
	}
	page := system.Page{Stream: Lines}
	for _, o := range got.data {
		if _, err := headOf(o); err != nil {
			return system.Page{}, r.noObject(path)
		}
		page.Objects = append(page.Objects, system.Object{Stream: Lines, Parent: at[0], JSON: o})
	}
	left := c.Long[1:]
	c.Long = nil
	if got.next != "" {
		c.Long = append(c.Long, long{at[0], got.next})
	}
	c.Long = append(c.Long, left...)
	return page, nil
}

// Customer reads an account by its code. Closed accounts are there, too.
func (r *Reader) Customer(ctx context.Context, id string) (system.Object, bool, error) {
	body, err := r.client.Get(ctx, accountPath(id), nil)
	if gone(err) {
		return system.Object{}, false, nil
	}
	if err != nil {
		return system.Object{}, false, err
	}
	if h, err := headOf(body); err != nil || h.Code != id {
		return system.Object{}, false, r.client.Unexpected("its answer is not the account that was asked for. Try again later")
	}
	return system.Object{Stream: Accounts, JSON: withoutToken(body)}, true, nil
}

// query is that of the first page of a list. When an object was created never changes: so none moves to another page.
func query() url.Values {
	return url.Values{"limit": {pageSize}, "sort": {"created_at"}, "order": {"asc"}}
}

// count is how many objects a list has in all. 0 if Recurly does not say it.
func (r *Reader) count(ctx context.Context, path string, q url.Values) (int64, error) {
	header, err := r.client.Head(ctx, path, q)
	if err != nil {
		return 0, err
	}
	total, _ := strconv.ParseInt(header.Get("Recurly-Total-Records"), 10, 64) // else it is 0
	return max(total, 0), nil
}

// listing is a page of a list, and the query of the page after it.
type listing struct {
	data []json.RawMessage
	next string // empty: there is none
}

// list reads a page, and refuses what is none. at is the query of the page; if it is empty the page is the first.
func (r *Reader) list(ctx context.Context, path, at string, first url.Values) (listing, error) {
	q := first
	if at != "" {
		given, err := url.ParseQuery(at)
		if err != nil {
			return listing{}, fault.New(fault.Invalid, CodeBadCursor, "There is no page at this place. Start the pull again.")
		}
		q = given
	}
	body, err := r.client.Get(ctx, path, q)
	if err != nil {
		return listing{}, err
	}
	var l struct {
		Data    *[]json.RawMessage `json:"data"`
		HasMore *bool              `json:"has_more"`
		Next    string             `json:"next"`
	}
	if err := json.Unmarshal(body, &l); err != nil || l.Data == nil || l.HasMore == nil {
		return listing{}, r.noPage(path)
	}
	got := listing{data: *l.Data}
	if !*l.HasMore {
		return got, nil
	}
	// Only the query counts: so an answer leads to no other list, and to no other system.
	_, got.next, _ = strings.Cut(l.Next, "?")
	if got.next == "" || got.next == at {
		return listing{}, r.noPage(path)
	}
	return got, nil
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

// head is what says which object it is.
type head struct {
	ID        string `json:"id"`
	UUID      string `json:"uuid"`
	Code      string `json:"code"`
	Number    string `json:"number"`
	MoreLines bool   `json:"has_more_line_items"`
}

func headOf(o json.RawMessage) (head, error) {
	var h head
	if err := json.Unmarshal(o, &h); err != nil {
		return h, err
	}
	if h.ID == "" {
		return h, errors.New("an object has no id")
	}
	return h, nil
}

// withoutToken removes from an account the token with which anybody could open the customer's own pages.
func withoutToken(account json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(account, &fields) != nil {
		return account
	}
	delete(fields, "hosted_login_token")
	text, _ := json.Marshal(fields) // they were JSON before
	return text
}
