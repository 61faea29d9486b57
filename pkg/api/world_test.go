package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/store"
)

// world is the model: what the sources hold, what people have done to it, and what is erased, in
// plain maps without keys, pointers, pages and shards. A hidden row is in its map until it is
// swept.
type world struct {
	sources   []*origin
	tags      store.Tag // the latest
	epoch     int64     // manual rows below it are hidden
	top       int64
	forgotten map[string]bool // source name and customer
	brought   map[int64]bool  // manual epochs in which files were imported
	erases    []*erasing
	loads     []load
}

// load is an import.
type load struct {
	id  string
	tag store.Tag
	was space
}

// space has the rows of a source. An erase of the content gives the source a new space, and a
// restore gives it the old one back.
type space struct {
	customers rows
	data      rows // plans, invoices, line items, transactions
	edits     edits
}

type rows map[string]record

type edits map[string]editItem

func newSpace() space { return space{rows{}, rows{}, edits{}} }

// sameMap reports whether a and b are the same map, not only equal.
func sameMap[M ~map[K]V, K comparable, V any](a, b M) bool {
	return fmt.Sprintf("%p", a) == fmt.Sprintf("%p", b)
}

// origin is a data source.
type origin struct {
	uuid, name string
	tag        store.Tag
	space
}

// GoString spells a source for reports of rapid.
func (s *origin) GoString() string { return s.name }

// record is a stored row. It is never changed: a change makes another.
type record struct {
	manual int64  // manual epoch; 0: the record is not manual
	by     string // the import that added it; empty: it came over REST
	fields map[string]string
}

func (r record) with(name, value string) record {
	r.fields = maps.Clone(r.fields)
	r.fields[name] = value
	return r
}

// editItem is one edit of a record. It is never changed, either.
type editItem struct {
	manual   int64 // of the record
	at       int64
	tags     []string
	custom   map[string]int
	fields   map[string]string
	disabled bool
	deleted  bool
	into     ref   // the customer that it is merged into; zero: none
	from     []ref // in the order of their merging
}

func (e editItem) empty() bool {
	return len(e.tags)+len(e.custom)+len(e.fields)+len(e.from) == 0 && !e.disabled && !e.deleted && e.into == ref{}
}

func (e *editItem) put(name string, value int) {
	if e.custom == nil {
		e.custom = map[string]int{}
	}
	e.custom[name] = value
}

func (e editItem) text() string {
	return fmt.Sprint(e.manual, e.tags, e.custom, e.fields, e.disabled, e.deleted, e.into, e.from)
}

// ref names a source customer.
type ref struct {
	tag store.Tag
	ext string
}

// Names of records: what they are, and their external ids.
func customerOf(ext string) string            { return "c/" + ext }
func planOf(ext string) string                { return "p/" + ext }
func invoiceOf(ext string) string             { return "i/" + ext }
func partOf(kind, invoice, ext string) string { return kind + "/" + invoice + "/" + ext }

func kindOf(id string) string { return id[:1] }

// invoiceIn is the external id of the invoice that a record is, or belongs to.
func invoiceIn(id string) string { return strings.Split(id, "/")[1] }

// erasing is one erase.
type erasing struct {
	id       string
	kind     string
	state    string // grace, running, done, restored
	created  int64
	until    int64
	keep     bool
	was      origin   // the source before the erase
	sources  []origin // all sources that it is about, before the erase
	records  []ref    // customers, or the invoice
	imported string   // the import whose rows go
	epoch    int64    // manual epoch from then on
	epochWas int64
	forgets  []string
	removed  int // items that were seen to be removed
}

// GoString spells an erase for reports of rapid.
func (e *erasing) GoString() string {
	return fmt.Sprint(e.kind, " ", e.was.name, " ", e.records, " ", e.state)
}

func (e *erasing) hides() bool { return e.state == "grace" || e.state == "running" }

func (e *erasing) ofRecords() bool {
	return e.kind == "customer" || e.kind == "customer-invoices" || e.kind == "invoice" || e.kind == "import"
}

// concerns reports whether the erase hides single records of a source.
func (e *erasing) concerns(s *origin) bool {
	return e.kind == "import" && e.was.tag == s.tag || slices.ContainsFunc(e.records, func(r ref) bool { return r.tag == s.tag })
}

func newWorld() *world {
	return &world{epoch: 1, top: 1, forgotten: map[string]bool{}, brought: map[int64]bool{}}
}

func (w *world) byTag(tag store.Tag) *origin {
	for _, s := range w.sources {
		if s.tag == tag {
			return s
		}
	}
	return nil
}

func (w *world) byName(name string) *origin {
	for _, s := range w.sources {
		if s.name == name {
			return s
		}
	}
	return nil
}

// Which records are visible.

func (w *world) current(manual int64) bool { return manual == 0 || manual >= w.epoch }

// hiding is the erase that hides a record by itself; nil if there is none.
func (w *world) hiding(tag store.Tag, kind, ext string) *erasing {
	for _, e := range w.erases {
		if e.hides() && e.kind == kind && slices.Contains(e.records, ref{tag, ext}) {
			return e
		}
	}
	return nil
}

// erasing is the erase that hides the rows that an import added; nil if there is none.
func (w *world) erasing(by string) *erasing {
	for _, e := range w.erases {
		if by != "" && e.hides() && e.imported == by {
			return e
		}
	}
	return nil
}

// leaving reports whether a row is stored that is hidden with the rows of an import.
func (w *world) leaving(s *origin, id string) bool {
	from := s.data
	if kindOf(id) == "c" {
		from = s.customers
	}
	return w.erasing(from[id].by) != nil
}

// hidden reports whether a row is stored that an erase of manual customers, or of an import, has
// hidden.
func (w *world) hidden(s *origin, id string) bool {
	from := s.data
	if kindOf(id) == "c" {
		from = s.customers
	}
	r, ok := from[id]
	return ok && !w.current(r.manual) || w.erasing(r.by) != nil
}

func (w *world) invoiceHidden(tag store.Tag, invoice, customer string) bool {
	return w.hiding(tag, "invoice", invoice) != nil || w.hiding(tag, "customer-invoices", customer) != nil || w.hiding(tag, "customer", customer) != nil
}

// row is a visible record: it is stored, its epoch is current, and neither it nor what it belongs
// to is being erased.
func (w *world) row(s *origin, id string) (record, bool) {
	from := s.data
	if kindOf(id) == "c" {
		from = s.customers
	}
	r, ok := from[id]
	if !ok || !w.current(r.manual) || w.erasing(r.by) != nil {
		return record{}, false
	}
	switch kindOf(id) {
	case "c":
		ok = w.hiding(s.tag, "customer", id[2:]) == nil
	case "i":
		ok = !w.invoiceHidden(s.tag, id[2:], r.fields["customer"])
	case "l", "t":
		_, ok = w.row(s, invoiceOf(invoiceIn(id)))
	}
	return r, ok
}

// all are the names of the visible records of some kinds.
func (w *world) all(s *origin, kinds string) []string {
	var ids []string
	for _, from := range []rows{s.customers, s.data} {
		for id := range from {
			if _, ok := w.row(s, id); ok && strings.Contains(kinds, kindOf(id)) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func (w *world) edit(s *origin, id, what string) editItem {
	if e := s.edits[id+"#"+what]; w.current(e.manual) {
		return e
	}
	return editItem{}
}

// shown is a record with the edits laid over it.
func (w *world) shown(s *origin, id string) (fields map[string]string, disabled, deleted bool) {
	r, _ := w.row(s, id)
	e := w.edit(s, id, "fields")
	fields = maps.Clone(r.fields)
	maps.Copy(fields, e.fields)
	return fields, e.disabled, e.deleted
}

// Edits.

func (w *world) change(s *origin, id, what string, now int64, change func(*editItem)) {
	key := id + "#" + what
	e := w.edit(s, id, what)
	e.custom, e.fields = maps.Clone(e.custom), maps.Clone(e.fields)
	change(&e)
	r, _ := w.row(s, id)
	e.manual = r.manual
	switch was, there := s.edits[key]; {
	case e.empty():
		delete(s.edits, key)
	case !there || was.text() != e.text():
		e.at = now
		s.edits[key] = e
	}
}

// editField gives a field another value as an edit. The imported value is no edit.
func (w *world) editField(s *origin, id, name, value string, now int64) {
	r, _ := w.row(s, id)
	w.change(s, id, "fields", now, func(e *editItem) {
		if r.fields[name] == value {
			delete(e.fields, name)
			return
		}
		if e.fields == nil {
			e.fields = map[string]string{}
		}
		e.fields[name] = value
	})
}

// Merges. A link counts while both of its ends are visible and have it.

func (w *world) seen(r ref) *origin {
	s := w.byTag(r.tag)
	if s == nil {
		return nil
	}
	if _, ok := w.row(s, customerOf(r.ext)); !ok {
		return nil
	}
	return s
}

func (w *world) link(r ref) editItem {
	if s := w.seen(r); s != nil {
		return w.edit(s, customerOf(r.ext), "merge")
	}
	return editItem{}
}

func (w *world) above(r ref) (ref, bool) {
	up := w.link(r).into
	return up, up != ref{} && slices.Contains(w.link(up).from, r)
}

func (w *world) root(r ref) ref {
	for up, ok := w.above(r); ok; up, ok = w.above(r) {
		r = up
	}
	return r
}

func (w *world) group(root ref) []ref {
	g := []ref{root}
	for _, child := range w.link(root).from {
		if up, ok := w.above(child); ok && up == root {
			g = append(g, w.group(child)...)
		}
	}
	return g
}

func (w *world) relink(r ref, now int64, change func(*editItem)) {
	if s := w.seen(r); s != nil {
		w.change(s, customerOf(r.ext), "merge", now, func(e *editItem) {
			e.from = slices.Clone(e.from)
			change(e)
			// Other customers may become visible again, with their ends of the links.
			e.from = slices.DeleteFunc(e.from, func(child ref) bool { return w.seen(child) != nil && w.link(child).into != r })
		})
	}
}

func without(list []ref, r ref) []ref {
	return slices.DeleteFunc(list, func(x ref) bool { return x == r })
}

// untie removes the link of a customer, whether it counts or not.
func (w *world) untie(r ref, now int64) {
	up := w.link(r).into
	if up == (ref{}) {
		return
	}
	w.relink(up, now, func(e *editItem) { e.from = without(e.from, r) })
	w.relink(r, now, func(e *editItem) { e.into = ref{} })
}

// merge links two roots.
func (w *world) merge(from, into ref, now int64) {
	w.untie(from, now)
	w.untie(into, now)
	w.relink(from, now, func(e *editItem) { e.into = into })
	w.relink(into, now, func(e *editItem) { e.from = append(without(e.from, from), from) })
}
