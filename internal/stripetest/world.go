package stripetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Key is a key that the account accepts.
const Key = "rk_test_51Bystander"

// World is one account. It is safe for concurrent use.
type World struct {
	judge *Judge

	mu       sync.Mutex
	now      time.Time
	objects  map[string]*object // by id
	order    []*object          // as they were made
	kinds    map[string][]*object
	parts    map[inside][]*object
	deleted  map[string]string // kind, by id
	numbers  map[string]int    // of the last id, by its prefix
	calls    []Call
	faults   map[int]Fault
	hooks    map[int]func()
	revoked  bool
	without  map[string]string // permission that the key lacks, by path
	verdicts []error
}

type object struct {
	kind    string
	id      string
	parent  string // of parts: id of the object that they are a part of
	created int64
	fields  Fields
	text    []byte // of the fields, without the brace at its end; nil: not written yet
}

// inside says which objects of a kind are parts of an object.
type inside struct{ parent, kind string }

// Call is a request that was made.
type Call struct {
	Path  string
	Query string
}

// New makes an empty account whose clock stands still.
func New(now time.Time) (*World, error) {
	j, err := TheJudge()
	if err != nil {
		return nil, err
	}
	return newWorld(j, now), nil
}

func newWorld(j *Judge, now time.Time) *World {
	return &World{
		judge: j, now: now, objects: map[string]*object{}, kinds: map[string][]*object{}, parts: map[inside][]*object{}, deleted: map[string]string{}, numbers: map[string]int{},
		faults: map[int]Fault{}, hooks: map[int]func(){}, without: map[string]string{},
	}
}

// prefixes of ids, by kind. The kinds are Stripe's names of objects.
func prefix(kind string) string {
	return map[string]string{
		"customer": "cus", "product": "prod", "price": "price", "subscription": "sub", "subscription_item": "si", "invoice": "in", "line_item": "il",
		"invoice_payment": "inpay", "credit_note": "cn", "credit_note_line_item": "cnli", "charge": "ch", "refund": "re", "dispute": "du",
	}[kind]
}

// Now is the time of the account's clock.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Advance moves the clock forward.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Add makes an object now, and returns its id. Fields that are not given are those of stripe-mock's own object.
func (w *World) Add(kind string, given Fields) string { return w.AddTo("", kind, given) }

// AddTo makes an object that is a part of another one, such as a line of an invoice.
func (w *World) AddTo(parent, kind string, given Fields) string {
	fields := w.judge.Fixture(kind)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := prefix(kind)
	w.numbers[p]++
	id := id(p, w.numbers[p])
	maps.Copy(fields, blank(kind))
	fields["id"], fields["created"], fields["livemode"] = id, w.now.Unix(), false
	if kind == "line_item" {
		fields["invoice"] = parent
		delete(fields, "created")
	}
	maps.Copy(fields, given)
	o := &object{kind: kind, id: id, parent: parent, created: w.now.Unix(), fields: fields}
	w.objects[id] = o
	w.order = append(w.order, o)
	w.kinds[kind] = append(w.kinds[kind], o)
	w.parts[inside{parent, kind}] = append(w.parts[inside{parent, kind}], o)
	return id
}

// blank are fields that stripe-mock's objects have, and which would mean something.
func blank(kind string) Fields {
	switch kind {
	case "customer":
		return Fields{"address": nil, "name": nil, "email": nil, "metadata": Fields{}}
	case "invoice":
		return Fields{
			"amount_paid": 0, "due_date": nil, "shipping_cost": nil, "customer_name": nil, "customer_email": nil, "status": "open", "from_invoice": nil,
			"status_transitions": Fields{"finalized_at": nil, "marked_uncollectible_at": nil, "paid_at": nil, "voided_at": nil},
		}
	case "line_item":
		return Fields{"discount_amounts": []any{}, "pretax_credit_amounts": []any{}, "taxes": []any{}, "parent": nil, "pricing": nil, "quantity": 1}
	case "subscription":
		return Fields{"cancel_at": nil, "cancel_at_period_end": false, "canceled_at": nil, "ended_at": nil, "trial_start": nil, "trial_end": nil, "status": "active"}
	case "credit_note":
		return Fields{"out_of_band_amount": nil, "pre_payment_amount": 0, "post_payment_amount": 0, "status": "issued"}
	case "charge":
		return Fields{"payment_intent": nil, "status": "succeeded"}
	case "refund":
		return Fields{"payment_intent": nil, "status": "succeeded"}
	case "dispute":
		return Fields{"payment_intent": nil, "status": "lost"}
	}
	return Fields{}
}

// Change sets fields of an object. It reports whether there is one.
func (w *World) Change(id string, fields Fields) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, ok := w.objects[id]
	if ok {
		maps.Copy(o.fields, fields)
		o.text = nil
	}
	return ok
}

// Delete deletes an object. A customer leaves a stub.
func (w *World) Delete(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o, ok := w.objects[id]; ok {
		w.deleted[id] = o.kind
		delete(w.objects, id)
		is := func(other *object) bool { return other == o }
		at := inside{o.parent, o.kind}
		w.order, w.kinds[o.kind], w.parts[at] = slices.DeleteFunc(w.order, is), slices.DeleteFunc(w.kinds[o.kind], is), slices.DeleteFunc(w.parts[at], is)
	}
}

// Revoke makes the account refuse the key from now on.
func (w *World) Revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = true
}

// Deny takes a permission from the key, without which a path is refused.
func (w *World) Deny(path, permission string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.without[path] = permission
}

// FailAt makes the n-th call fail, counted from 1.
func (w *World) FailAt(n int, f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[n] = f
}

// Before runs a function before the n-th call, counted from 1.
func (w *World) Before(n int, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hooks[n] = do
}

// Calls returns the requests so far.
func (w *World) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// Verdicts returns what the judge has found.
func (w *World) Verdicts() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.verdicts)
}

// IDs returns the ids of all objects of a kind, in the order in which they were made.
func (w *World) IDs(kind string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, o := range w.kinds[kind] {
		ids = append(ids, o.id)
	}
	return ids
}

// shown is how many objects a list inside an object shows.
const shown = 10

// list is a list inside an object.
type list struct{ field, kind, address string }

// listsOf are the lists inside an object.
func listsOf(o *object, expanded bool) []list {
	switch o.kind {
	case "invoice":
		all := []list{{"lines", "line_item", "/v1/invoices/" + o.id + "/lines"}}
		if expanded {
			all = append(all, list{"payments", "invoice_payment", "/v1/invoice_payments"})
		}
		return all
	case "subscription":
		return []list{{"items", "subscription_item", "/v1/subscription_items?subscription=" + o.id}}
	case "credit_note":
		return []list{{"lines", "credit_note_line_item", "/v1/credit_notes/" + o.id + "/lines"}}
	}
	return nil
}

// render writes an object as an answer shows it.
func (w *World) render(o *object, expanded bool) ([]byte, error) {
	text, err := o.open()
	if err != nil {
		return nil, err
	}
	body := slices.Clone(text)
	for _, l := range listsOf(o, expanded) {
		body = fmt.Appendf(body, `,%q:`, l.field)
		if o.fields[l.field] == Broken {
			body = append(body, "null"...)
			continue
		}
		parts := w.parts[inside{o.id, l.kind}]
		if body, err = appendList(body, parts[:min(len(parts), shown)], l.address, len(parts) > shown, func(part *object) ([]byte, error) { return w.render(part, false) }); err != nil {
			return nil, err
		}
	}
	return append(body, '}'), nil
}

// open writes the fields of an object but those that are lists, as Stripe does: its id comes first. The brace at the end is missing.
func (o *object) open() ([]byte, error) {
	if o.text != nil {
		return o.text, nil
	}
	rest := maps.Clone(o.fields)
	for _, name := range []string{"id", "object"} {
		delete(rest, name)
	}
	for _, l := range listsOf(o, true) {
		delete(rest, l.field)
	}
	text, err := json.Marshal(rest)
	if err != nil {
		return nil, err
	}
	o.text = fmt.Appendf(nil, `{"id":%q,"object":%q,%s`, o.id, o.fields["object"], text[1:len(text)-1])
	return o.text, nil
}

// appendList writes a list of objects.
func appendList(body []byte, objects []*object, address string, more bool, render func(*object) ([]byte, error)) ([]byte, error) {
	body = append(body, `{"object":"list","data":[`...)
	for i, o := range objects {
		if i > 0 {
			body = append(body, ',')
		}
		text, err := render(o)
		if err != nil {
			return nil, err
		}
		body = append(body, text...)
	}
	return fmt.Appendf(body, `],"has_more":%t,"url":%q}`, more, address), nil
}

// Broken in place of a list inside an object makes it null, which Stripe never does.
const Broken = "null in place of a list"

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
