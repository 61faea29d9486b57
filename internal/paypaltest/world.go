package paypaltest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"reseed/internal/standin"
)

// The credentials that the account accepts.
const (
	ClientID = "client51bystander"
	Secret   = "secret51bystander"
	Account  = "WORLDACCOUNT"
)

// Kinds of objects.
const (
	Plans         = "plan"
	Payers        = "payer"
	Subscriptions = "subscription"
	Payments      = "payment" // of a subscription
	Rows          = "row"     // of the search for transactions
)

// late is how long a transaction is not found by the search.
const late = 3 * time.Hour

// Fields are the fields of an object, by PayPal's names.
type Fields map[string]any

// World is one account. It is safe for concurrent use.
type World struct {
	*standin.Wire

	mu       sync.Mutex
	now      time.Time
	objects  map[string]*object // by id
	order    []*object          // as they were made
	numbers  map[string]int     // of the last id, by kind
	most     int                // transactions that a search finds
	token    int                // number of the token
	used     int                // requests with it
	uses     int                // after so many a token expires; 0: never
	unlisted bool               // there is no list of subscriptions
	unfound  bool               // the search may not be used
	revoked  bool
}

type object struct {
	kind    string
	id      string
	created time.Time
	parent  string // of payments: the subscription; of subscriptions: the payer
	fields  Fields
}

// New makes an empty account whose clock stands still.
func New(now time.Time, j *Judge) *World {
	w := &World{now: now, objects: map[string]*object{}, numbers: map[string]int{}, most: 10_000}
	w.Wire = &standin.Wire{Answer: w.answer, Judge: j.judge}
	return w
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

// Expire makes tokens expire after so many requests.
func (w *World) Expire(uses int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.uses = uses
}

// Cap says how many transactions a search finds at most.
func (w *World) Cap(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.most = n
}

// Unlist makes the account refuse to list subscriptions.
func (w *World) Unlist() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlisted = true
}

// DenySearch takes the right to search transactions from the app.
func (w *World) DenySearch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unfound = true
}

// Revoke makes the account refuse tokens and credentials from now on.
func (w *World) Revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = true
}

func (w *World) add(kind, parent string, usual, given Fields) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.numbers[kind]++
	prefix := map[string]string{Plans: "P-0PLAN", Payers: "PAYER", Subscriptions: "I-0SUB", Payments: "PAY", Rows: "TX"}[kind]
	id := fmt.Sprintf("%s%06d", prefix, w.numbers[kind])
	o := &object{kind: kind, id: id, created: w.now, parent: parent, fields: Fields{}}
	if kind != Rows && kind != Payers {
		o.fields["id"] = id
	}
	maps.Copy(o.fields, usual)
	maps.Copy(o.fields, given)
	if kind == Rows {
		if _, ok := o.fields["transaction_id"]; !ok {
			o.fields["transaction_id"] = id
		}
		o.id = fmt.Sprintf("%s:%s:%s", o.fields["transaction_id"], o.fields["transaction_event_code"], o.fields["transaction_initiation_date"])
	}
	w.objects[o.id] = o
	w.order = append(w.order, o)
	return o.id
}

// Change sets fields of an object. It reports whether there is one.
func (w *World) Change(id string, fields Fields) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, ok := w.objects[id]
	if ok {
		maps.Copy(o.fields, fields)
	}
	return ok
}

// IDs returns the ids of all objects of a kind, in the order in which they were made.
func (w *World) IDs(kind string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, o := range w.of(func(o *object) bool { return o.kind == kind }) {
		ids = append(ids, o.id)
	}
	return ids
}

// All returns the ids of all objects that a pull reads: not those of rows that are payments of subscriptions.
func (w *World) All() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, o := range w.of(func(o *object) bool { return o.kind != Rows || o.fields["paypal_reference_id_type"] == "TXN" }) {
		ids = append(ids, o.id)
	}
	return ids
}

func (w *World) of(fits func(*object) bool) []*object {
	var all []*object
	for _, o := range w.order {
		if fits(o) {
			all = append(all, o)
		}
	}
	return all
}

// newest returns what fits, newest first.
func (w *World) newest(fits func(*object) bool) []*object {
	all := w.of(fits)
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b *object) int { return b.created.Compare(a.created) })
	return all
}

// render returns an object as an answer shows it, with all its fields.
func (w *World) render(o *object) Fields {
	f := maps.Clone(o.fields)
	switch o.kind {
	case Plans:
		f["links"] = []any{}
	case Subscriptions:
		if p := w.objects[o.parent]; p != nil {
			f["subscriber"] = p.fields
		}
		if p := w.objects[fmt.Sprint(o.fields["plan_id"])]; p != nil {
			f["plan"] = Fields{"name": p.fields["name"], "billing_cycles": p.fields["billing_cycles"], "payment_preferences": p.fields["payment_preferences"]}
		}
	}
	return f
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
