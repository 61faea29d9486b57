package chargifytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"reseed/internal/standin"
)

// What the site accepts.
const (
	Subdomain = "world"
	Key       = "k3yOfAbystander_7Fq2"
)

// Secrets that no object may keep.
const (
	VaultToken  = "vault51token"
	PublicToken = "public52token"
)

// Kinds of objects.
const (
	Customers     = "customer"
	Metadata      = "metadata"
	Products      = "product"
	PricePoints   = "price_point"
	Components    = "component"
	Subscriptions = "subscription"
	Events        = "event"
	Invoices      = "invoice"
	InvoiceEvents = "invoice_event"
	CreditNotes   = "credit_note"
)

// kinds are all of them. The number of an object begins with the place of its kind.
func kinds() []string {
	return []string{"", Customers, Metadata, Products, PricePoints, Components, Subscriptions, Events, Invoices, InvoiceEvents, CreditNotes}
}

// Fields are the fields of an object.
type Fields map[string]any

// World is one site. It is safe for concurrent use.
type World struct {
	*standin.Wire

	mu      sync.Mutex
	now     time.Time
	objects map[string]*object // by id
	order   map[string][]*object
	numbers map[string]int // of the last id, by kind
	revoked bool
	legacy  bool
	closed  bool
	denied  map[string]bool // paths that the key may not read
	paid    map[string]int64
}

type object struct {
	kind    string
	number  int
	id      string // number, or uid
	created time.Time
	updated time.Time
	fields  Fields
}

// New makes an empty site whose clock stands still.
func New(now time.Time, j *Judge) *World {
	w := &World{
		now: now.UTC(), objects: map[string]*object{}, order: map[string][]*object{}, numbers: map[string]int{}, denied: map[string]bool{}, paid: map[string]int64{},
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

// Add makes an object now, and returns its id.
func (w *World) Add(kind string, given Fields) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.add(kind, given)
}

func (w *World) add(kind string, given Fields) string {
	w.numbers[kind]++
	number := slices.Index(kinds(), kind)*10_000_000 + w.numbers[kind]
	o := &object{kind: kind, number: number, id: strconv.Itoa(number), created: w.now, updated: w.now, fields: Fields{"id": number}}
	switch kind {
	case Invoices:
		o.id = fmt.Sprintf("inv_%d", number)
		o.fields["uid"] = o.id
	case CreditNotes:
		o.id = fmt.Sprintf("cn_%d", number)
		o.fields = Fields{"uid": o.id}
	}
	maps.Copy(o.fields, given)
	w.objects[o.id] = o
	w.order[kind] = append(w.order[kind], o)
	return o.id
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

// Delete deletes an object, and the metadata of a customer.
func (w *World) Delete(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.objects[id]
	if o.kind == Customers {
		for _, m := range slices.Clone(w.order[Metadata]) {
			if m.fields["resource_id"] == o.number {
				w.remove(m)
			}
		}
	}
	w.remove(o)
}

func (w *World) remove(o *object) {
	delete(w.objects, o.id)
	w.order[o.kind] = slices.DeleteFunc(w.order[o.kind], func(other *object) bool { return other == o })
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

// Age makes the site one from before 2018, which has statements in place of invoices.
func (w *World) Age() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.legacy = true
}

// Close makes the site one whose plan at Maxio has expired.
func (w *World) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// Number is the number of an object.
func (w *World) Number(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.objects[id].number
}

// Field returns a field of an object.
func (w *World) Field(id, name string) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.objects[id].fields[name]
}

// All returns the ids of all objects, and those of the lines and payments of invoices.
func (w *World) All() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for id, o := range w.objects {
		all = append(all, id)
		if o.kind != Invoices {
			continue
		}
		for _, l := range list(o.fields, "line_items") {
			all = append(all, fmt.Sprint(l["uid"]))
		}
		for _, p := range list(o.fields, "payments") {
			all = append(all, fmt.Sprint(p["transaction_id"]))
		}
	}
	slices.Sort(all)
	return all
}

func list(f Fields, name string) []Fields {
	l, _ := f[name].([]Fields)
	return l
}

// IDs returns the ids of the objects of a kind, in the order in which they were made.
func (w *World) IDs(kind string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, o := range w.order[kind] {
		ids = append(ids, o.id)
	}
	return ids
}

// render writes an object as an answer shows it, without fields that are not asked for.
func (w *World) render(o *object, without []string) json.RawMessage {
	fields := maps.Clone(o.fields)
	for _, name := range without {
		delete(fields, name)
	}
	switch o.kind {
	case Metadata, InvoiceEvents, CreditNotes:
	case Events:
		fields["created_at"] = spell(o.created)
	default:
		fields["created_at"], fields["updated_at"] = spell(o.created), spell(o.updated)
	}
	if o.kind == Subscriptions {
		number := fields["customer_number"]
		delete(fields, "customer_number")
		fields["customer"] = Fields{"id": number, "email": "ann@example.com"}
	}
	text, _ := json.Marshal(fields) // texts and numbers
	return text
}

// zone is the time zone of the site.
func zone() *time.Location { return time.FixedZone("", 3600) }

func spell(t time.Time) string { return t.In(zone()).Format(time.RFC3339) }

func date(t time.Time) string { return t.In(zone()).Format(time.DateOnly) }
