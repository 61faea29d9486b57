package braintreetest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"reseed/internal/standin"
)

// The credentials that the merchant accepts.
const (
	Merchant   = "world_merchant"
	PublicKey  = "pub51bystander"
	PrivateKey = "priv51bystander"
)

// Kinds of objects.
const (
	Plans         = "plan"
	Customers     = "customer"
	Cards         = "credit_card"
	Subscriptions = "subscription"
	Transactions  = "transaction"
)

// World is one merchant. It is safe for concurrent use.
type World struct {
	*standin.Wire

	mu      sync.Mutex
	now     time.Time
	objects map[string]*object // by id
	order   []*object          // as they were made
	numbers map[string]int     // of the last id, by kind
	caps    map[string]int     // how many ids a search finds at most, by kind
	revoked bool
	denied  map[string]bool // kinds that the key may not read
}

type object struct {
	kind    string
	id      string
	created time.Time
	owner   string // id of the customer
	sub     string // of transactions: id of the subscription
	fields  Fields
}

// New makes an empty merchant whose clock stands still.
func New(now time.Time, j *Judge) *World {
	w := &World{
		now: now, objects: map[string]*object{}, numbers: map[string]int{}, denied: map[string]bool{},
		caps: map[string]int{Customers: 10_000, Subscriptions: 10_000, Transactions: 50_000},
	}
	w.Wire = &standin.Wire{Answer: w.answer, Judge: j.judgeWire}
	return w
}

// Now is the time of the merchant's clock.
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

// Cap says how many ids of a kind a search finds at most.
func (w *World) Cap(kind string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.caps[kind] = n
}

// Revoke makes the merchant refuse the keys from now on.
func (w *World) Revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = true
}

// DenyKind takes the right to read a kind of objects from the keys.
func (w *World) DenyKind(kind string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.denied[kind] = true
}

// add makes an object now. Fields that are given replace others.
func (w *World) add(kind, owner, sub string, usual, given Fields) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.numbers[kind]++
	id := fmt.Sprintf("%c%06d", kind[0], w.numbers[kind])
	if kind == Cards {
		id = fmt.Sprintf("k%06d", w.numbers[kind])
	}
	o := &object{kind: kind, id: id, created: w.now, owner: owner, sub: sub, fields: Fields{"created_at": w.now, "updated_at": w.now}}
	o.fields["id"] = id
	if kind == Cards {
		o.fields["token"] = id
		delete(o.fields, "id")
	}
	maps.Copy(o.fields, usual)
	maps.Copy(o.fields, given)
	w.objects[id] = o
	w.order = append(w.order, o)
	return id
}

// Change sets fields of an object. It reports whether there is one.
func (w *World) Change(id string, fields Fields) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, ok := w.objects[id]
	if ok {
		maps.Copy(o.fields, fields)
		o.fields["updated_at"] = w.now
	}
	return ok
}

// Delete deletes an object. The payment methods and subscriptions of a customer go with it; its transactions stay.
func (w *World) Delete(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	gone := func(o *object) bool { return o.id == id || o.owner == id && o.kind != Transactions }
	for _, o := range w.order {
		if gone(o) {
			delete(w.objects, o.id)
		}
	}
	w.order = slices.DeleteFunc(w.order, gone)
}

// IDs returns the ids of all objects of a kind, in the order in which they were made.
func (w *World) IDs(kind string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, o := range w.order {
		if o.kind == kind {
			ids = append(ids, o.id)
		}
	}
	return ids
}

// All returns the ids of all objects.
func (w *World) All() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]string, len(w.order))
	for i, o := range w.order {
		ids[i] = o.id
	}
	return ids
}

// Get returns a field of an object.
func (w *World) Get(id, field string) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.objects[id]; o != nil {
		return o.fields[field]
	}
	return nil
}

// embedded is how many transactions a subscription shows.
const embedded = 20

// render returns an object as an answer shows it.
func (w *World) render(o *object) Fields {
	f := maps.Clone(o.fields)
	switch o.kind {
	case Customers:
		f["credit_cards"] = List{Cards, w.of(func(p *object) bool { return p.kind == Cards && p.owner == o.id })}
	case Cards:
		f["subscriptions"] = List{Subscriptions, w.of(func(p *object) bool { return p.kind == Subscriptions && p.fields["payment_method_token"] == o.id })}
	case Subscriptions:
		if _, set := f["transactions"]; !set {
			all := w.of(func(p *object) bool { return p.kind == Transactions && p.sub == o.id })
			slices.Reverse(all)
			f["transactions"] = List{Transactions, all[:min(len(all), embedded)]}
		}
	}
	return f
}

// of renders the objects that fit.
func (w *World) of(fits func(*object) bool) []Fields {
	var all []Fields
	for _, o := range w.order {
		if fits(o) {
			all = append(all, w.render(o))
		}
	}
	return all
}
