package recurlytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"reseed/internal/standin"
)

// Key is a key that the site accepts.
const Key = "5a1bystander0f7c9e2d4b6a8c0e1f3a"

// LoginToken is a part of the tokens with which pages of customers can be opened.
const LoginToken = "hosted51token"

// Kinds of objects.
const (
	Accounts      = "account"
	Plans         = "plan"
	AddOns        = "add_on"
	Subscriptions = "subscription"
	Invoices      = "invoice"
	Lines         = "line_item"
	Transactions  = "transaction"
)

// Fields are the fields of an object.
type Fields map[string]any

// World is one site. It is safe for concurrent use.
type World struct {
	*standin.Wire

	mu      sync.Mutex
	now     time.Time
	objects map[string]*object // by id
	deleted map[string]*object // by id; others go on to name them
	order   []*object          // as they were made
	parts   map[string][]*object
	numbers map[string]int  // of the last id, by kind
	given   map[string]bool // addresses of next pages
	revoked bool
	denied  map[string]bool // paths that the key may not read
}

type object struct {
	kind    string
	id      string
	parent  string // of lines and transactions: id of the invoice
	created time.Time
	updated time.Time
	account string // id of the account; empty: of nobody
	fields  Fields
}

// New makes an empty site whose clock stands still.
func New(now time.Time, j *Judge) *World {
	w := &World{
		now: now.UTC(), objects: map[string]*object{}, deleted: map[string]*object{}, parts: map[string][]*object{}, numbers: map[string]int{}, given: map[string]bool{}, denied: map[string]bool{},
	}
	w.Wire = &standin.Wire{Answer: w.answer, Judge: j.judge}
	return w
}

// Now is the time of the site's clock.
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

// Add makes an object now, and returns its id. account is the id of the account that it belongs to.
func (w *World) Add(kind, account string, given Fields) string {
	return w.AddTo("", kind, account, given)
}

// AddTo makes a line or transaction of an invoice.
func (w *World) AddTo(invoice, kind, account string, given Fields) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.numbers[kind]++
	n := w.numbers[kind]
	id := fmt.Sprintf("%s%011d", kind[:2], n)
	fields := Fields{"id": id, "object": kind}
	switch kind {
	case Accounts:
		fields["code"], fields["state"], fields["hosted_login_token"] = fmt.Sprintf("code-%d", n), "active", fmt.Sprint(LoginToken, n)
	case Plans, AddOns:
		fields["code"], fields["name"], fields["state"] = fmt.Sprintf("%s-%d", kind, n), "Plan", "active"
	case Invoices:
		fields["uuid"], fields["number"] = fmt.Sprintf("%032x", n), fmt.Sprint(1000+n)
	default:
		fields["uuid"] = fmt.Sprintf("%032x", n)
	}
	maps.Copy(fields, given)
	o := &object{kind: kind, id: id, parent: invoice, created: w.now, updated: w.now, account: account, fields: fields}
	w.objects[id] = o
	if invoice != "" {
		w.parts[invoice] = append(w.parts[invoice], o)
	} else {
		w.order = append(w.order, o)
	}
	return id
}

// Change sets fields of an object.
func (w *World) Change(id string, fields Fields) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o, ok := w.objects[id]; ok {
		maps.Copy(o.fields, fields)
		o.updated = w.now
	}
}

// Delete deletes an object with its parts.
func (w *World) Delete(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.parts[id] {
		delete(w.objects, p.id)
	}
	delete(w.parts, id)
	w.deleted[id] = w.objects[id]
	delete(w.objects, id)
	w.order = slices.DeleteFunc(w.order, func(o *object) bool { return o.id == id })
}

// Revoke makes the site refuse the key from now on.
func (w *World) Revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = true
}

// Forbid makes the site refuse to list something at a path.
func (w *World) Forbid(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.denied[path] = true
}

// Field returns a field of an object.
func (w *World) Field(id, name string) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.objects[id].fields[name]
}

// All returns the ids of all objects.
func (w *World) All() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.objects))
}

// IDs returns the ids of the objects of a kind, in the order in which they were made.
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

// Shown is how many lines an invoice shows at most.
const Shown = 10

// render writes an object as an answer shows it.
func (w *World) render(o *object) json.RawMessage {
	fields := maps.Clone(o.fields)
	fields["created_at"], fields["updated_at"] = spell(o.created), spell(o.updated)
	if o.account != "" {
		fields["account"] = w.mini(o.account, "code", "email")
	}
	if o.kind == Invoices {
		lines, transactions := []json.RawMessage{}, []json.RawMessage{}
		for _, p := range w.parts[o.id] {
			if p.kind == Transactions {
				transactions = append(transactions, w.render(p))
				continue
			}
			if len(lines) < Shown {
				lines = append(lines, w.render(p))
			} else {
				fields["has_more_line_items"] = true
			}
		}
		fields["line_items"], fields["transactions"] = lines, transactions
	}
	if o.parent != "" && o.kind == Transactions {
		fields["invoice"] = w.mini(o.parent, "number", "type", "state")
	}
	if o.kind == Lines {
		fields["invoice_id"], fields["invoice_number"], fields["state"] = o.parent, w.objects[o.parent].fields["number"], "invoiced"
	}
	text, _ := json.Marshal(fields) // texts and numbers
	return text
}

// mini is how other objects show an object: by its id, and a few fields.
func (w *World) mini(id string, names ...string) Fields {
	o := w.objects[id]
	if o == nil {
		o = w.deleted[id]
	}
	f := Fields{"id": id, "object": o.kind}
	for _, name := range names {
		if v, ok := o.fields[name]; ok {
			f[name] = v
		}
	}
	return f
}

func spell(t time.Time) string { return t.Format(time.RFC3339) }
