package paypal

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// The streams, in the order in which they are read. Customers are those whom subscriptions name; payments are parts of a subscription; and
// events are what the search for transactions has of payments: refunds and chargebacks.
const (
	Plans         system.Stream = "plans"
	Subscriptions system.Stream = "subscriptions"
	Customers     system.Stream = "customers"
	Payments      system.Stream = "payments"
	Events        system.Stream = "events"
)

// Codes of errors; others are those of package remote.
const (
	CodeBadCursor  = "bad_cursor"
	CodePermission = "paypal_permission_missing"
)

const (
	listSize   = 20  // plans or subscriptions of a page
	searchSize = 500 // transactions of a page
	foundSize  = 250 // the same, if the subscriptions that they name are to be read
	chunk      = 5   // subscriptions that one page reads; each is two requests
)

// How far one search reaches, and all together: some days less than PayPal allows, so that a pull may take that long.
const (
	window = 31*24*time.Hour - time.Second
	years  = 3
	spare  = 7 // days
)

// Stages of a pull.
const (
	atPlans = iota
	atSubscriptions
	atSearch
)

// reader reads one account.
type reader struct {
	client *remote.Client
	live   bool
	site   string   // where people see it
	named  []string // ids of subscriptions that people have named, sorted
	most   int      // transactions of a page

	mu     sync.Mutex
	pull   int64                  // Until of the pull that seen is of
	seenAt map[string]cursorPlace // where a subscription was found first, if there is no list of them
}

// cursorPlace is a page of the search.
type cursorPlace struct {
	from int64
	page int
}

func (p cursorPlace) before(q cursorPlace) bool {
	return p.from < q.from || p.from == q.from && p.page < q.page
}

// cursor says which page is next.
type cursor struct {
	Until    int64    `json:"until"` // Unix time in seconds: nothing that was made later is read
	Customer string   `json:"customer,omitempty"`
	Stage    int      `json:"stage"`
	Page     int      `json:"page"`               // from 1: of plans, subscriptions or the search
	Last     bool     `json:"last,omitempty"`     // there is no further page of subscriptions
	Pending  []string `json:"pending,omitempty"`  // subscriptions that are read before anything else
	Unlisted bool     `json:"unlisted,omitempty"` // PayPal refuses to list subscriptions
	After    string   `json:"after,omitempty"`    // then: the last one of those that people have named
	From     int64    `json:"from,omitempty"`     // of the search
	To       int64    `json:"to,omitempty"`
	Ended    bool     `json:"ended,omitempty"` // the search has ended
	Done     bool     `json:"done,omitempty"`
}

// Begin is the cursor of the first page.
func (r *reader) Begin(now time.Time, customer string) json.RawMessage {
	return cursor{Until: now.Unix(), Customer: customer, Page: 1}.encode()
}

func (c cursor) encode() json.RawMessage {
	text, _ := json.Marshal(c) //nolint:errchkjson // numbers and texts
	return text
}

// Page reads a page of plans, five subscriptions with all their payments, or a page of the search for transactions.
func (r *reader) Page(ctx context.Context, at json.RawMessage) (system.Page, error) {
	var c cursor
	if err := json.Unmarshal(at, &c); err != nil || c.Done || c.Stage < atPlans || c.Stage > atSearch || c.Page < 1 {
		return system.Page{}, fault.New(fault.Invalid, CodeBadCursor, "There is no page at this place. Start the pull again.")
	}
	step := r.plans
	switch {
	case len(c.Pending) > 0:
		step = r.pending
	case c.Stage == atSubscriptions:
		step = r.subscriptions
	case c.Stage == atSearch:
		step = r.search
	}
	p, c, err := step(ctx, c)
	if err != nil {
		return system.Page{}, err
	}
	p.Next, p.Done = c.encode(), c.Done
	return p, nil
}

// plans reads a page of plans.
func (r *reader) plans(ctx context.Context, c cursor) (system.Page, cursor, error) {
	var got struct {
		envelope

		Plans elements[json.RawMessage] `json:"plans"`
		Total int64                     `json:"total_items"`
		Pages int                       `json:"total_pages"`
	}
	err := r.get(ctx, remote.Request{
		Path: "/v1/billing/plans", Query: url.Values{"page_size": {strconv.Itoa(listSize)}, "page": {strconv.Itoa(c.Page)}, "total_required": {"true"}},
		Header: http.Header{"Prefer": {"return=representation"}},
	}, &got)
	if err != nil {
		return system.Page{}, c, err
	}
	if got.Plans == nil && got.Links == nil {
		return system.Page{}, c, r.noPage("plans")
	}
	p := system.Page{Stream: Plans, Total: got.Total}
	for _, plan := range got.Plans {
		if plan, err = r.wholePlan(ctx, plan); err != nil {
			return system.Page{}, c, err
		}
		if err := r.put(&p, Plans, "", plan); err != nil {
			return system.Page{}, c, err
		}
	}
	if c.Page++; len(got.Plans) < listSize || c.Page > got.Pages {
		c.Stage, c.Page = atSubscriptions, 1
	}
	return p, c, nil
}

// wholePlan reads a plan of which a list does not show the cycles.
func (r *reader) wholePlan(ctx context.Context, plan json.RawMessage) (json.RawMessage, error) {
	var shown struct {
		ID     string          `json:"id"`
		Cycles json.RawMessage `json:"billing_cycles"`
	}
	if json.Unmarshal(plan, &shown) != nil || shown.ID == "" {
		return nil, r.noPage("plans")
	}
	if shown.Cycles != nil {
		return plan, nil
	}
	err := r.get(ctx, remote.Request{Path: "/v1/billing/plans/" + url.PathEscape(shown.ID)}, &plan)
	return plan, err
}

// subscriptions reads a page of the list of subscriptions, and the first of them. If PayPal refuses it, those that people have named are read, and
// later those that the search for transactions finds.
func (r *reader) subscriptions(ctx context.Context, c cursor) (system.Page, cursor, error) {
	if c.Unlisted {
		return r.pending(ctx, r.someNamed(c))
	}
	ids, n, err := r.list(ctx, c)
	if refused(err) && c.Page == 1 {
		c.Unlisted = true
		return r.pending(ctx, r.someNamed(c))
	}
	if err != nil {
		return system.Page{}, c, err
	}
	c.Pending, c.Last = ids, n < listSize
	c.Page++
	return r.pending(ctx, c)
}

// envelope is what is around every list.
type envelope struct {
	Links json.RawMessage `json:"links"`
}

// elements are those of a list. PayPal leaves an empty list out, but never writes null.
type elements[T any] []T

// UnmarshalJSON takes a list.
func (e *elements[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return errors.New("null in place of a list")
	}
	return json.Unmarshal(b, (*[]T)(e))
}

// listed is a subscription as the list shows it.
type listed struct {
	ID         string `json:"id"`
	Subscriber struct {
		Payer string `json:"payer_id"`
	} `json:"subscriber"`
}

// refused reports whether PayPal does not offer something to this account.
func refused(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && (e.Status == http.StatusForbidden || e.Status == http.StatusNotFound)
}

// list reads a page of the list of subscriptions, and returns the ids of those that are wanted, and how many there are in all.
func (r *reader) list(ctx context.Context, c cursor) (ids []string, n int, err error) {
	var got struct {
		envelope

		Subscriptions elements[listed] `json:"subscriptions"`
	}
	err = r.get(ctx, remote.Request{Path: "/v1/billing/subscriptions", Query: url.Values{
		"page_size": {strconv.Itoa(listSize)}, "page": {strconv.Itoa(c.Page)}, "created_before": {stamp(c.Until)},
	}}, &got)
	if err != nil {
		return nil, 0, err
	}
	if got.Subscriptions == nil && got.Links == nil {
		return nil, 0, r.noPage("subscriptions")
	}
	for _, s := range got.Subscriptions {
		if s.ID == "" {
			return nil, 0, r.noPage("subscriptions")
		}
		if c.Customer == "" || s.Subscriber.Payer == "" || s.Subscriber.Payer == c.Customer {
			ids = append(ids, s.ID)
		}
	}
	return ids, len(got.Subscriptions), nil
}

// someNamed takes the next of those subscriptions that people have named.
func (r *reader) someNamed(c cursor) cursor {
	at, there := slices.BinarySearch(r.named, c.After)
	if there {
		at++
	}
	c.Pending = r.named[at:min(len(r.named), at+listSize)]
	if len(c.Pending) > 0 {
		c.After = c.Pending[len(c.Pending)-1]
	}
	c.Last = at+listSize >= len(r.named)
	return c
}

func sorted(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// pending reads the first of the subscriptions that are pending.
func (r *reader) pending(ctx context.Context, c cursor) (system.Page, cursor, error) {
	p := system.Page{Stream: Subscriptions}
	now := c.Pending[:min(len(c.Pending), chunk)]
	for _, id := range now {
		if err := r.subscription(ctx, &p, c, id); err != nil {
			return system.Page{}, c, err
		}
	}
	if c.Pending = c.Pending[len(now):]; len(c.Pending) == 0 {
		c.Pending = nil
	}
	if c.Ended {
		c.Done = c.Pending == nil
		return p, c, nil
	}
	if c.Stage == atSubscriptions && c.Last && c.Pending == nil {
		c.Stage, c.Page, c.Last = atSearch, 1, false
		c.From = time.Unix(c.Until, 0).UTC().AddDate(-years, 0, spare).Unix()
		c.To = min(c.From+int64(window/time.Second), c.Until)
	}
	return p, c, nil
}

// subscription reads a subscription, whom it names, and its payments. One that is gone is left out.
func (r *reader) subscription(ctx context.Context, p *system.Page, c cursor, id string) error {
	path := "/v1/billing/subscriptions/" + url.PathEscape(id)
	var object json.RawMessage
	err := r.get(ctx, remote.Request{Path: path, Query: url.Values{"fields": {"plan,last_failed_payment"}}}, &object)
	if kind, _ := remote.KindOf(err); err != nil && kind == remote.Gone {
		return nil
	}
	if err != nil {
		return err
	}
	s, payer, ok := subscribed(object)
	if !ok || s.ID != id {
		return r.noPage("subscriptions")
	}
	if c.Customer != "" && payer != c.Customer {
		return nil
	}
	if err := r.put(p, Subscriptions, "", object); err != nil {
		return err
	}
	if payer != "" {
		if err := r.put(p, Customers, id, s.Subscriber); err != nil {
			return err
		}
	}
	return r.payments(ctx, p, c, id, s.since())
}

// whole is what the reader looks at of a subscription.
type whole struct {
	ID         string          `json:"id"`
	Created    system.Moment   `json:"create_time"`
	Start      system.Moment   `json:"start_time"`
	Subscriber json.RawMessage `json:"subscriber"`
}

// subscribed reads a subscription, and the id of who pays; empty if nobody does yet.
func subscribed(o json.RawMessage) (s whole, payer string, ok bool) {
	var by struct {
		ID string `json:"payer_id"`
	}
	ok = json.Unmarshal(o, &s) == nil && (s.Subscriber == nil || json.Unmarshal(s.Subscriber, &by) == nil)
	return s, by.ID, ok
}

// since is when a subscription may have been paid for first; zero if it does not say.
func (s whole) since() time.Time {
	if s.Created.IsZero() || !s.Start.IsZero() && s.Start.Before(s.Created.Time) {
		return s.Start.Time
	}
	return s.Created.Time
}

// payments reads all payments of a subscription.
func (r *reader) payments(ctx context.Context, p *system.Page, c cursor, of string, since time.Time) error {
	if since.IsZero() {
		since = time.Unix(c.Until, 0).AddDate(-20, 0, 0)
	}
	var got struct {
		envelope

		Transactions elements[json.RawMessage] `json:"transactions"`
		Total        int                       `json:"total_items"`
	}
	err := r.get(ctx, remote.Request{Path: "/v1/billing/subscriptions/" + url.PathEscape(of) + "/transactions", Query: url.Values{
		"start_time": {stamp(since.AddDate(0, 0, -1).Unix())}, "end_time": {stamp(c.Until)},
	}}, &got)
	if kind, _ := remote.KindOf(err); err != nil && kind == remote.Gone {
		return nil
	}
	if err != nil {
		return err
	}
	if got.Transactions == nil && got.Links == nil {
		return r.noPage("subscriptions")
	}
	if got.Total > len(got.Transactions) {
		return r.client.Unexpected("it does not show all payments of a subscription. Ask for help")
	}
	for _, t := range got.Transactions {
		if err := r.put(p, Payments, of, t); err != nil {
			return err
		}
	}
	return nil
}

func stamp(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

// Customer finds nobody: PayPal has no customers apart from subscriptions.
func (r *reader) Customer(context.Context, string) (o system.Object, found bool, err error) {
	return system.Object{}, false, nil
}

// get asks for an object, and decodes it.
func (r *reader) get(ctx context.Context, q remote.Request, into any) error {
	body, err := r.client.Do(ctx, q)
	if err != nil {
		return err
	}
	if json.Unmarshal(body, into) != nil {
		return r.noPage(strings.Split(q.Path, "/")[3])
	}
	return nil
}

func (r *reader) noPage(of string) error {
	return r.client.Unexpected("its answer for " + of + " is not what was asked for. Try again later")
}

// put adds an object to a page. One field is added: where people see the account.
func (r *reader) put(p *system.Page, s system.Stream, parent string, o json.RawMessage) error {
	o = slices.Clone(o)
	if len(o) < 2 || o[0] != '{' {
		return r.noPage(string(s))
	}
	var named names
	if json.Unmarshal(o, &named) != nil || named.own(s) == "" {
		return r.noPage(string(s))
	}
	text := append([]byte(`{"site":"`+r.site+`",`), o[1:]...)
	p.Objects = append(p.Objects, system.Object{Stream: s, Parent: parent, JSON: text})
	return nil
}
