package braintree

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// Codes of errors; others are those of package remote.
const (
	CodeBadCursor  = "bad_cursor"
	CodePermission = "braintree_permission_missing"
)

// reader reads one merchant.
type reader struct {
	client   *remote.Client
	merchant string
	live     bool
	panel    string // address of the merchant in the control panel
	most     int    // ids that a search may find

	mu   sync.Mutex
	last found // what was searched last: each page needs the ids of its window
}

// cursor says which page is next. Only what was created from From to To is searched; and of the ids that are found,
// those after After, in their order as texts: so what is deleted or made meanwhile moves nothing.
type cursor struct {
	Until    int64  `json:"until"` // Unix time in seconds: nothing that was created later is read
	Customer string `json:"customer,omitempty"`
	List     int    `json:"list"` // 0: plans; n: the n-th of the lists
	From     int64  `json:"from,omitempty"`
	To       int64  `json:"to,omitempty"`
	After    string `json:"after,omitempty"`
	Gone     int    `json:"gone,omitempty"` // ids of the list that were found, and were no objects any more
	Done     bool   `json:"done,omitempty"`
}

// first is when there was no Braintree yet.
const first = 1136073600 // 2006-01-01

// Begin is the cursor of the first page.
func (r *reader) Begin(now time.Time, customer string) json.RawMessage {
	return cursor{Until: now.Unix(), Customer: customer}.encode()
}

func (c cursor) encode() json.RawMessage {
	text, _ := json.Marshal(c) //nolint:errchkjson // numbers and texts
	return text
}

// Page reads a page: the plans, or at most 50 objects. That is one request; one more for the first page of a window of time, which
// finds the ids in it; more if it has to be halved.
func (r *reader) Page(ctx context.Context, at json.RawMessage) (system.Page, error) {
	var c cursor
	if err := json.Unmarshal(at, &c); err != nil || c.Done || c.List < 0 || c.List > len(lists()) {
		return system.Page{}, fault.New(fault.Invalid, CodeBadCursor, "There is no page at this place. Start the pull again.")
	}
	var p system.Page
	var err error
	if c.List == 0 {
		p, c, err = r.plans(ctx, c)
	} else {
		p, c, err = r.page(ctx, lists()[c.List-1], c)
	}
	if err != nil {
		return system.Page{}, err
	}
	p.Next, p.Done = c.encode(), c.Done
	return p, nil
}

func (r *reader) page(ctx context.Context, l list, c cursor) (system.Page, cursor, error) {
	switch {
	case c.Customer == "":
		return r.window(ctx, l, c)
	case l.stream == Customers:
		return r.theCustomer(ctx, l, c)
	case l.stream == Transactions:
		return r.itsTransactions(ctx, l, c)
	}
	return system.Page{Stream: l.stream}, c.list(), nil // its subscriptions come with the others
}

// list moves on to the next list.
func (c cursor) list() cursor {
	return cursor{Until: c.Until, Customer: c.Customer, List: c.List + 1, Done: c.List == len(lists())}
}

// plans reads all plans.
func (r *reader) plans(ctx context.Context, c cursor) (system.Page, cursor, error) {
	value, err := r.get(ctx, "/plans", "plans")
	if err != nil {
		return system.Page{}, c, err
	}
	all, ok := value.([]any)
	if !ok {
		return system.Page{}, c, r.noPage("plans")
	}
	objects, err := r.objects(Plans, all)
	return system.Page{Stream: Plans, Objects: objects, Total: int64(len(objects))}, c.list(), err
}

// window reads the next objects of a window of time.
func (r *reader) window(ctx context.Context, l list, c cursor) (system.Page, cursor, error) {
	if c.To == 0 {
		c.From, c.To = first, c.Until
	}
	ids, c, err := r.ids(ctx, l, c)
	if err != nil {
		return system.Page{}, c, err
	}
	p := system.Page{Stream: l.stream}
	rest := ids[place(ids, c.After):]
	chunk := rest[:min(len(rest), pageSize)]
	if p.Objects, err = r.byID(ctx, l, c.criteria(), chunk); err != nil {
		return system.Page{}, c, err
	}
	c.Gone += len(chunk)
	for _, o := range p.Objects {
		if o.Stream == l.stream {
			c.Gone--
		}
	}
	if c.From == first && c.To == c.Until {
		p.Total = int64(len(ids) - c.Gone)
	}
	if len(chunk) < len(rest) {
		c.After = chunk[len(chunk)-1]
		return p, c, nil
	}
	return p, c.window(), nil
}

// place finds the first id after another one.
func place(ids []string, after string) int {
	at, there := slices.BinarySearch(ids, after)
	if there {
		at++
	}
	return at
}

// window moves on to the next window of time, which is twice as long as the last one, or to the next list.
func (c cursor) window() cursor {
	if c.To >= c.Until {
		return c.list()
	}
	long := 2 * (c.To - c.From + 1)
	c.From, c.After = c.To+1, ""
	c.To = min(c.From+long-1, c.Until)
	return c
}

// found are the ids of a window, sorted.
type found struct {
	at  cursor
	ids []string
}

// ids finds the ids in the window of a cursor, or in a shorter one, if that has too many.
func (r *reader) ids(ctx context.Context, l list, c cursor) ([]string, cursor, error) {
	for {
		at := c
		at.After, at.Gone = "", 0
		if ids, ok := r.known(at); ok {
			return ids, c, nil
		}
		ids, err := r.search(ctx, l, c.criteria())
		if err != nil {
			return nil, c, err
		}
		if len(ids) < r.most {
			r.mu.Lock()
			r.last = found{at, ids}
			r.mu.Unlock()
			return ids, c, nil
		}
		if c.From == c.To {
			return nil, c, r.client.Unexpected("it has too many " + string(l.stream) + " of one second to list them all. Ask for help")
		}
		c.To, c.After = c.From+(c.To-c.From)/2, "" // what was found may have holes
	}
}

func (r *reader) known(at cursor) ([]string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.ids, r.last.at == at
}

// criteria are those of a search.
type criteria struct {
	CreatedAt  *span    `json:"created_at,omitempty"`
	CustomerID *is      `json:"customer_id,omitempty"`
	IDs        []string `json:"ids,omitempty"`
}

// criteria are those of the window of a cursor.
func (c cursor) criteria() criteria {
	by := criteria{CreatedAt: during(c.From, c.To)}
	if c.Customer != "" {
		by.CustomerID = &is{c.Customer}
	}
	return by
}

type span struct {
	Min string `json:"min"`
	Max string `json:"max"`
}

type is struct {
	Is string `json:"is"`
}

// during are two seconds and all between them.
func during(from, to int64) *span {
	spell := func(at int64) string { return time.Unix(at, 0).UTC().Format("2006-01-02T15:04:05.000Z") }
	return &span{spell(from), spell(to)}
}

// search finds ids, and sorts them.
func (r *reader) search(ctx context.Context, l list, by criteria) ([]string, error) {
	value, err := r.post(ctx, l.path()+"/advanced_search_ids", "search_results", by)
	if err != nil {
		return nil, err
	}
	fields, _ := value.(map[string]any)
	all, ok := fields["ids"].([]any)
	ids := make([]string, len(all))
	for i, v := range all {
		var text bool
		ids[i], text = v.(string)
		ok = ok && text && ids[i] != ""
	}
	if !ok {
		return nil, r.noPage(l.path())
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (l list) path() string { return string(l.stream) }

// byID reads objects by their ids. Those that are gone are left out. If Braintree cannot answer for all together, they are asked for one by
// one.
func (r *reader) byID(ctx context.Context, l list, by criteria, ids []string) ([]system.Object, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	by.IDs = ids
	value, err := r.post(ctx, l.path()+"/advanced_search", l.page, by)
	if unanswered(err) {
		return r.oneByOne(ctx, l, ids)
	}
	if err != nil {
		return nil, err
	}
	all, ok := l.items(value)
	if !ok {
		return nil, r.noPage(l.path())
	}
	for _, v := range all {
		fields, _ := v.(map[string]any)
		if id, _ := fields["id"].(string); !slices.Contains(ids, id) {
			return nil, r.noPage(l.path())
		}
	}
	return r.objects(l.stream, all)
}

// items returns the values of the elements of a page.
func (l list) items(page any) ([]any, bool) {
	fields, ok := page.(map[string]any)
	switch v := fields[l.item].(type) {
	case repeated:
		return v, ok
	case map[string]any:
		return []any{v}, ok
	case nil:
		return nil, ok
	}
	return nil, false
}

// unanswered reports whether Braintree could not answer, although it was there.
func unanswered(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && e.Kind == remote.Wait && e.Status >= http.StatusInternalServerError
}

func (r *reader) oneByOne(ctx context.Context, l list, ids []string) ([]system.Object, error) {
	var all []system.Object
	for _, id := range ids {
		objects, err := r.one(ctx, l, id)
		if kind, _ := remote.KindOf(err); err != nil && kind == remote.Gone {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	return all, nil
}

// one reads an object, with its parts.
func (r *reader) one(ctx context.Context, l list, id string) ([]system.Object, error) {
	value, err := r.get(ctx, "/"+l.path()+"/"+url.PathEscape(id), l.item)
	if err != nil {
		return nil, err
	}
	objects, err := r.objects(l.stream, []any{value})
	if err != nil {
		return nil, err
	}
	if h, _ := headOf(objects[0].JSON); h.ID != id {
		return nil, r.client.Unexpected("its answer is not the object that was asked for. Try again later")
	}
	return objects, nil
}

// Customer reads one customer. Braintree forgets those that are deleted.
func (r *reader) Customer(ctx context.Context, id string) (o system.Object, found bool, err error) {
	objects, err := r.one(ctx, lists()[0], id)
	if kind, _ := remote.KindOf(err); err != nil && kind == remote.Gone {
		return system.Object{}, false, nil
	}
	if err != nil {
		return system.Object{}, false, err
	}
	return objects[0], true, nil
}

// get asks for a document whose root has a name, and returns its value.
func (r *reader) get(ctx context.Context, path, root string) (any, error) {
	body, err := r.client.Do(ctx, remote.Request{Path: path})
	if err != nil {
		return nil, err
	}
	return r.read(body, path, root)
}

// post makes a search, which changes nothing.
func (r *reader) post(ctx context.Context, path, root string, by criteria) (any, error) {
	text, err := json.Marshal(map[string]criteria{"search": by})
	if err != nil {
		return nil, err
	}
	body, err := r.client.Do(ctx, remote.Request{Method: http.MethodPost, Path: "/" + path, Body: text, Type: "application/json"})
	if err != nil {
		return nil, err
	}
	return r.read(body, path, root)
}

func (r *reader) read(body []byte, path, root string) (any, error) {
	name, value, err := decode(body)
	if err != nil || name != root {
		return nil, r.noPage(strings.TrimPrefix(path, "/"))
	}
	return value, nil
}

func (r *reader) noPage(of string) error {
	what, _, _ := strings.Cut(of, "/")
	return r.client.Unexpected("its answer for " + what + " is not what was asked for. Try again later")
}

// objects makes objects of the values of elements. Payment methods of customers become objects, too.
func (r *reader) objects(s system.Stream, values []any) ([]system.Object, error) {
	all := make([]system.Object, 0, len(values))
	for _, v := range values {
		fields, _ := v.(map[string]any)
		id, _ := fields["id"].(string)
		if id == "" {
			return nil, r.client.Unexpected("its answer for " + string(s) + " holds something that is no object. Try again later")
		}
		o, err := r.object(s, "", fields)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
		if s == Customers {
			methods, err := r.methods(id, fields)
			if err != nil {
				return nil, err
			}
			all = append(all, methods...)
		}
	}
	return all, nil
}

// fieldPanel is added to each object: where people see the merchant. Braintree does not say it.
const fieldPanel = "control_panel"

func (r *reader) object(s system.Stream, parent string, fields map[string]any) (system.Object, error) {
	fields[fieldPanel] = r.panel
	text, err := json.Marshal(fields)
	return system.Object{Stream: s, Parent: parent, JSON: text}, err
}

// methods makes an object of each payment method of a customer: its token, and whose it is.
func (r *reader) methods(customer string, fields map[string]any) ([]system.Object, error) {
	var all []system.Object
	seen := map[string]bool{}
	for _, v := range fields {
		list, _ := v.([]any)
		for _, v := range list {
			method, _ := v.(map[string]any)
			token, _ := method["token"].(string)
			if token == "" || seen[token] {
				continue
			}
			seen[token] = true
			o, err := r.object(PaymentMethods, customer, map[string]any{"token": token, "customer_id": customer})
			if err != nil {
				return nil, err
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b system.Object) int { return strings.Compare(string(a.JSON), string(b.JSON)) })
	return all, nil
}

// head is what all objects but payment methods have.
type head struct {
	ID string `json:"id"`
}

func headOf(o json.RawMessage) (head, error) {
	var h head
	return h, json.Unmarshal(o, &h)
}
