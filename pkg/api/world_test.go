package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/store"
)

// world is what the sources hold, what people have done to it and what is erased of it, in plain maps: no keys, no
// pointers, no pages and no shards. A hidden row is in its map until it is swept.
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

// space is where the rows of a source lie. Whoever empties the source gives it new maps, and can give back the old ones.
type space struct {
	customers rows
	data      rows // plans, invoices, line items, transactions
	edits     edits
}

type rows map[string]record

type edits map[string]editItem

func newSpace() space { return space{rows{}, rows{}, edits{}} }

// sameMap tells whether the two are one map, not only equal.
func sameMap[M ~map[K]V, K comparable, V any](a, b M) bool {
	return fmt.Sprintf("%p", a) == fmt.Sprintf("%p", b)
}

// origin is a data source.
type origin struct {
	uuid, name string
	tag        store.Tag
	space
}

// GoString is how a drawn one is told.
func (s *origin) GoString() string { return s.name }

// record is a stored row. It is never changed: a change makes another.
type record struct {
	manual int64  // manual epoch; 0: it did not come by file
	by     string // the import that added it; none: it came over REST
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
	into     ref   // zero: into nobody
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

// invoiceIn is the external id of the invoice that a record is or hangs on.
func invoiceIn(id string) string { return strings.Split(id, "/")[1] }

// erasing is one erase.
type erasing struct {
	id       string
	kind     string
	state    string // grace, running, done, restored
	created  int64
	until    int64
	keep     bool
	was      origin   // as it was before
	sources  []origin // as they were, of those concerned
	records  []ref    // customers, or the invoice
	imported string   // the import whose rows go
	epoch    int64    // manual epoch from then on
	epochWas int64
	forgets  []string
	removed  int // items that were seen to go
}

// GoString is how a drawn one is told.
func (e *erasing) GoString() string {
	return fmt.Sprint(e.kind, " ", e.was.name, " ", e.records, " ", e.state)
}

func (e *erasing) hides() bool { return e.state == "grace" || e.state == "running" }

func (e *erasing) ofRecords() bool {
	return e.kind == "customer" || e.kind == "customer-invoices" || e.kind == "invoice" || e.kind == "import"
}

// concerns tells whether it hides records of a source one by one.
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

// Who sees what.

func (w *world) current(manual int64) bool { return manual == 0 || manual >= w.epoch }

// buried is the erase that hides a record as such; nil if there is none.
func (w *world) buried(tag store.Tag, kind, ext string) *erasing {
	for _, e := range w.erases {
		if e.hides() && e.kind == kind && slices.Contains(e.records, ref{tag, ext}) {
			return e
		}
	}
	return nil
}

// erasing is the erase that hides the rows which an import added; nil if there is none.
func (w *world) erasing(by string) *erasing {
	for _, e := range w.erases {
		if by != "" && e.hides() && e.imported == by {
			return e
		}
	}
	return nil
}

// leaving tells whether a row is there that is hidden with the rows of an import.
func (w *world) leaving(s *origin, id string) bool {
	from := s.data
	if kindOf(id) == "c" {
		from = s.customers
	}
	return w.erasing(from[id].by) != nil
}

// hidden tells whether a row is there that an erase of manual customers, or of an import, has hidden.
func (w *world) hidden(s *origin, id string) bool {
	from := s.data
	if kindOf(id) == "c" {
		from = s.customers
	}
	r, ok := from[id]
	return ok && !w.current(r.manual) || w.erasing(r.by) != nil
}

func (w *world) invoiceBuried(tag store.Tag, invoice, customer string) bool {
	return w.buried(tag, "invoice", invoice) != nil || w.buried(tag, "customer-invoices", customer) != nil || w.buried(tag, "customer", customer) != nil
}

// row is a record that is to be seen: it is there, of this epoch, and neither it nor what it hangs on is being erased.
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
		ok = w.buried(s.tag, "customer", id[2:]) == nil
	case "i":
		ok = !w.invoiceBuried(s.tag, id[2:], r.fields["customer"])
	case "l", "t":
		_, ok = w.row(s, invoiceOf(invoiceIn(id)))
	}
	return r, ok
}

// all are the records of some kinds that are to be seen, by name.
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

// editField gives a field another value for good; the one that it is imported with is no edit.
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

// Merges. A link counts while both ends are to be seen and both have it.

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
			// Others than these may be to be seen again, with their ends of the links.
			e.from = slices.DeleteFunc(e.from, func(child ref) bool { return w.seen(child) != nil && w.link(child).into != r })
		})
	}
}

func without(list []ref, r ref) []ref {
	return slices.DeleteFunc(list, func(x ref) bool { return x == r })
}

// untie gives up the link of a customer, whether it counts or not.
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

// Imports.

// load imports rows by name, and tells what it rejects, each with its code before.
func (w *world) load(s *origin, input rows, replace bool, by string) (rejected []string) {
	w.loads = append(w.loads, load{by, s.tag, s.space})
	w.brought[w.epoch] = true
	in, named := map[string]bool{}, w.plansNamed(s)
	stays := func(id string) bool { return named[id] || w.stays(s, id) }
	there := func(id string) bool {
		_, stored := w.row(s, id)
		return in[id] || stored && (!replace || kindOf(id) != "i" && stays(id))
	}
	seen := w.all(s, "cpilt")
	manual := map[string]int64{}
	for _, kind := range []string{"p", "c", "i", "l", "t"} {
		for _, id := range slices.Sorted(maps.Keys(input)) {
			if kindOf(id) != kind {
				continue
			}
			f := input[id].fields
			if code := w.refused(s, id, f, there); code != "" {
				rejected = append(rejected, code+" "+id)
				continue
			}
			in[id] = true
			manual[id] = w.origin(s, id, f, manual)
			w.put(s, id, record{manual[id], by, f})
		}
	}
	if !replace || len(rejected) > 0 {
		return rejected
	}
	for _, id := range seen {
		if !in[id] && !stays(id) {
			delete(s.customers, id)
			delete(s.data, id)
		}
	}
	return rejected
}

// stays tells whether a replace keeps what it lacks: a customer with an invoice that is being erased or stays, or an invoice with
// a row that is being erased.
func (w *world) stays(s *origin, id string) bool {
	for other, r := range s.data {
		switch kindOf(other) {
		case "i":
			if customerOf(r.fields["customer"]) == id && (w.invoiceBuried(s.tag, other[2:], id[2:]) || w.leaving(s, other) || w.stays(s, other)) {
				return true
			}
		case "l", "t":
			if invoiceOf(invoiceIn(other)) == id && w.leaving(s, other) {
				return true
			}
		}
	}
	return false
}

// left tells whether anything is left of what an import added, and where it was put.
func (w *world) left(s *origin, l load) bool {
	ours := func(from rows) bool {
		for _, r := range from {
			if r.by == l.id {
				return true
			}
		}
		return false
	}
	return sameMap(s.customers, l.was.customers) && sameMap(s.data, l.was.data) && (ours(s.customers) || ours(s.data))
}

// needed tells whether rows that came otherwise hang on what an import added.
func (w *world) needed(s *origin, by string) bool {
	for id, r := range s.data {
		var on []record
		switch kindOf(id) {
		case "i":
			on = append(on, s.customers[customerOf(r.fields["customer"])])
		case "l", "t":
			on = append(on, s.data[invoiceOf(invoiceIn(id))], s.data[planOf(r.fields["plan"])])
		}
		if r.by != by && slices.ContainsFunc(on, func(o record) bool { return o.by == by }) {
			return true
		}
	}
	return false
}

// plansNamed are the plans that a replace keeps since line items name them: only while records of the source are being erased.
func (w *world) plansNamed(s *origin) map[string]bool {
	named := map[string]bool{}
	for _, e := range w.erases {
		if e.hides() && e.concerns(s) {
			for _, r := range s.data {
				named[planOf(r.fields["plan"])] = true
			}
		}
	}
	return named
}

// refused says why a row is no part of an import.
func (w *world) refused(s *origin, id string, f map[string]string, there func(string) bool) string {
	customer, invoice := f["customer"], invoiceIn(id)
	if kindOf(id) == "c" {
		customer = id[2:]
	}
	switch kindOf(id) {
	case "p":
		return map[bool]string{true: "being_erased"}[w.leaving(s, id)]
	case "l", "t":
		switch plan := f["plan"]; {
		case plan != "" && !there(planOf(plan)):
			return "unknown_plan"
		case w.buried(s.tag, "invoice", invoice) != nil, w.leaving(s, id), w.hiddenInvoice(s, invoiceOf(invoice)):
			return "being_erased"
		case !there(invoiceOf(invoice)):
			return "unknown_invoice"
		}
		return ""
	}
	switch {
	case w.forgotten[s.name+"/"+customer]:
		return "forgotten"
	case w.buried(s.tag, "customer", customer) != nil, kindOf(id) == "i" && w.invoiceBuried(s.tag, invoice, customer):
		return "being_erased"
	case w.leaving(s, customerOf(customer)):
		return "being_erased"
	case kindOf(id) == "i" && !there(customerOf(customer)):
		return "unknown_customer"
	case w.hiddenInvoice(s, id): // of another customer, or of an import
		return "being_erased"
	}
	return ""
}

// hiddenInvoice tells whether there is such an invoice that is being erased.
func (w *world) hiddenInvoice(s *origin, id string) bool {
	r, ok := s.data[id]
	return ok && kindOf(id) == "i" && (w.leaving(s, id) || w.invoiceBuried(s.tag, id[2:], r.fields["customer"]))
}

// origin is the manual epoch of a row of a file: a record keeps the one that its customer was made with.
func (w *world) origin(s *origin, id string, f map[string]string, now map[string]int64) int64 {
	switch kindOf(id) {
	case "p":
		return 0
	case "i":
		id = customerOf(f["customer"])
	case "l", "t":
		id = invoiceOf(invoiceIn(id))
	}
	if m, known := now[id]; known {
		return m
	}
	if r, ok := w.row(s, id); ok {
		return r.manual
	}
	return w.epoch
}

// put stores a row, unless it is there already.
func (w *world) put(s *origin, id string, r record) {
	if was, ok := w.row(s, id); ok {
		if maps.Equal(was.fields, r.fields) {
			return
		}
		r.by = was.by
	}
	if kindOf(id) == "c" {
		s.putCustomer(id, r)
	} else {
		s.data[id] = r
	}
}

// putCustomer stores a customer. If it takes the place of one that is hidden, and may be restored, the pointer from that
// one's e-mail address stays where it is: nobody knows it any more. It goes with its manual epoch, or with its source.
func (s space) putCustomer(id string, r record) {
	stale := func(email string) string { return "m/" + email + "/" + id[2:] }
	if was, ok := s.customers[id]; ok && was.manual != r.manual && was.fields["email"] != "" {
		s.customers[stale(was.fields["email"])] = record{manual: was.manual, by: was.by}
	}
	delete(s.customers, stale(r.fields["email"]))
	s.customers[id] = r
}

// Erases.

// erase hides a selection.
func (w *world) erase(e *erasing, s *origin) {
	if s != nil {
		e.was = *s
	}
	switch e.kind {
	case "source":
		w.sources = slices.DeleteFunc(w.sources, func(o *origin) bool { return o == s })
	case "content":
		s.customers, s.data = rows{}, rows{}
		if !e.keep {
			s.edits = edits{}
		}
	case "dependent":
		s.data = rows{}
	case "manual-customers":
		w.eraseManual(e)
	case "import":
		e.sources = []origin{*s}
	default:
		for _, o := range w.sources {
			if slices.ContainsFunc(e.records, func(r ref) bool { return r.tag == o.tag }) {
				e.sources = append(e.sources, *o)
			}
		}
	}
	for _, f := range e.forgets {
		w.forgotten[f] = true
	}
	w.erases = append(w.erases, e)
}

func (w *world) eraseManual(e *erasing) {
	for _, o := range w.sources {
		e.sources = append(e.sources, *o)
	}
	for _, other := range w.erases { // what can be restored is not to bring them back
		if other.state == "grace" && other.was.customers != nil && !other.ofRecords() {
			e.sources = append(e.sources, other.was)
		}
	}
	e.epochWas = w.epoch
	w.top++
	w.epoch, e.epoch = w.top, w.top
}

// restore takes an erase back, if it can be.
func (w *world) restore(e *erasing, now int64) bool {
	if e.state != "grace" || now >= e.until || !w.restorable(e) {
		return false
	}
	switch s := w.byTag(e.was.tag); e.kind {
	case "source":
		was := e.was
		w.sources = append(w.sources, &was)
	case "content", "dependent":
		s.customers, s.data = e.was.customers, e.was.data
		if e.kind == "content" && !e.keep {
			s.edits = e.was.edits
		}
	case "manual-customers":
		w.epoch = e.epochWas
	}
	for _, f := range e.forgets {
		delete(w.forgotten, f)
	}
	e.state = "restored"
	return true
}

// restorable tells whether nothing that happened since stands against a restore.
func (w *world) restorable(e *erasing) bool {
	switch s := w.byTag(e.was.tag); e.kind {
	case "source":
		return w.byName(e.was.name) == nil
	case "content":
		return s != nil && s.vacant(e)
	case "dependent":
		return s != nil && s.vacant(e) && sameMap(s.customers, e.was.customers)
	case "manual-customers":
		return w.epoch == e.epoch && !w.brought[e.epoch]
	}
	return !slices.ContainsFunc(e.sources, func(was origin) bool {
		now := w.byTag(was.tag)
		return now == nil || !sameMap(now.customers, was.customers) || !sameMap(now.data, was.data)
	})
}

// vacant tells whether nothing was put into a source since it was emptied.
func (s space) vacant(e *erasing) bool {
	if e.kind == "dependent" {
		return len(s.data) == 0
	}
	return len(s.data)+len(s.customers) == 0 && (e.keep || len(s.edits) == 0)
}

// covers tells whether the sweep of an erase takes along what an earlier one has hidden.
func (e *erasing) covers(o *erasing) bool {
	return o.created < e.created && o.was.tag == e.was.tag && (o.kind == "dependent" || o.kind == "content" && e.kind != "dependent") &&
		(e.kind == "source" || e.kind == "content" || e.kind == "dependent")
}

// sweep removes what an erase has hidden.
func (w *world) sweep(e *erasing) {
	e.state = "done"
	for _, o := range w.erases {
		if o.hides() && e.covers(o) {
			o.state = "running"
			w.remove(o, true)
		}
	}
	w.remove(e, false)
}

// remove removes it; rows only: of dependent rows the edits stay.
func (w *world) remove(e *erasing, rowsOnly bool) {
	switch e.kind {
	case "source":
		clear(e.was.customers)
		clear(e.was.data)
		clear(e.was.edits)
	case "content":
		clear(e.was.customers)
		clear(e.was.data)
		if !e.keep {
			clear(e.was.edits)
		}
	case "dependent":
		clear(e.was.data)
		if !e.keep && !rowsOnly {
			maps.DeleteFunc(e.was.edits, func(key string, it editItem) bool { return kindOf(key) != "c" && it.at < e.created })
		}
	case "manual-customers":
		for _, o := range e.sources {
			w.sweepManual(o.space, e.epoch)
			if now := w.byTag(o.tag); now != nil {
				w.sweepManual(now.space, e.epoch)
			}
		}
	case "import":
		e.sources[0].sweepImport(e)
	default:
		for _, o := range e.sources {
			for _, at := range w.everywhere(o) {
				at.sweepRecords(e)
			}
		}
	}
}

func (w *world) sweepManual(s space, epoch int64) {
	old := func(m int64) bool { return m > 0 && m < epoch }
	for _, from := range []rows{s.customers, s.data} {
		maps.DeleteFunc(from, func(_ string, r record) bool { return old(r.manual) })
	}
	maps.DeleteFunc(s.edits, func(_ string, it editItem) bool { return old(it.manual) })
}

func (o origin) sweepImport(e *erasing) {
	for _, from := range []rows{o.customers, o.data} {
		for id, r := range from {
			if r.by != e.imported {
				continue
			}
			delete(from, id)
			if !e.keep {
				maps.DeleteFunc(o.edits, func(key string, _ editItem) bool { return strings.HasPrefix(key, id+"#") })
			}
		}
	}
}

// everywhere are the places where a source's rows are to be seen, or to be restored.
func (w *world) everywhere(o origin) []origin {
	all := []origin{o}
	if now := w.byTag(o.tag); now != nil {
		all = append(all, *now)
	}
	for _, e := range w.erases {
		if e.hides() && e.was.tag == o.tag && (e.kind == "content" || e.kind == "dependent") {
			all = append(all, e.was)
		}
	}
	return all
}

func (o origin) sweepRecords(e *erasing) {
	for _, r := range e.records {
		if r.tag == o.tag {
			o.sweepRecord(e, r.ext)
		}
	}
}

func (o origin) sweepRecord(e *erasing, ext string) {
	if e.kind == "invoice" {
		o.sweepInvoice(e, ext)
		return
	}
	for id, r := range o.data {
		if kindOf(id) == "i" && r.fields["customer"] == ext {
			o.sweepInvoice(e, id[2:])
		}
	}
	if e.kind == "customer" {
		delete(o.customers, customerOf(ext)) // and the pointer from its e-mail address
		maps.DeleteFunc(o.edits, func(key string, _ editItem) bool { return strings.HasPrefix(key, customerOf(ext)+"#") })
	}
}

// sweepInvoice removes an invoice with all that hangs on it. Keys of edits end with what they are.
func (o origin) sweepInvoice(e *erasing, ext string) {
	of := func(key string) bool {
		id, _, _ := strings.Cut(key, "#")
		return strings.Contains("ilt", kindOf(id)) && invoiceIn(id) == ext
	}
	maps.DeleteFunc(o.data, func(id string, _ record) bool { return of(id) })
	if !e.keep {
		maps.DeleteFunc(o.edits, func(key string, _ editItem) bool { return of(key) })
	}
}
