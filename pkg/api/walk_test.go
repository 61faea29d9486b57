package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// Random sequences of imports, edits, merges, erases and restores, against the model. To soak:
//
//	go test ./pkg/chartmogul -run SequencesOfEdits -rapid.checks=10000 -rapid.steps=100 -timeout 0

func TestSequencesOfEditsAndErases(t *testing.T) {
	t.Parallel()
	steps := 0
	rapid.Check(t, func(r *rapid.T) {
		w := newWalk(t, r)
		r.Repeat(w.actions())
		w.endure()
		steps += w.steps
	})
	t.Log(steps, " steps")
}

// drawn is a rapid.T where a testing.TB is wanted.
type drawn struct {
	testing.TB
	r *rapid.T
}

func (d drawn) Helper()                      { d.r.Helper() }
func (d drawn) Context() context.Context     { return d.r.Context() }
func (d drawn) Error(args ...any)            { d.r.Error(args...) }
func (d drawn) Errorf(f string, args ...any) { d.r.Errorf(f, args...) }
func (d drawn) Fatal(args ...any)            { d.r.Fatal(args...) }
func (d drawn) Fatalf(f string, args ...any) { d.r.Fatalf(f, args...) }

// walk is a sequence being drawn: a bed and its model.
type walk struct {
	*bed
	mem    *mem.Driver
	w      *world
	hash   *store.Hasher
	names  map[string]string // of identities
	fuse   atomic.Int64      // calls of the table until one fails; 0: none does
	steps  int
	beside string // what is stored of the source that nobody touches
}

const bystander = "Bystander"

func someNames() []string { return []string{"First", "Second", "Third"} }

func newWalk(tb testing.TB, r *rapid.T) *walk {
	tb.Helper()
	w := &walk{w: newWorld()}
	burn := func(late bool) func(mem.Op, int) error {
		return func(mem.Op, int) error {
			n := w.fuse.Load()
			if n == 0 || n%2 == 0 != late {
				return nil
			}
			if w.fuse.Add(-2) <= 0 {
				w.fuse.Store(0)
				return fault.New(fault.Unavailable, "store_unavailable", "the engine cannot be reached")
			}
			return nil
		}
	}
	limits := rapid.SampledFrom([]table.Limits{
		{Get: 100, Write: 25, Transact: 100, Parallel: 8}, {Get: 2, Write: 3, Transact: 20, Parallel: 2},
	}).Draw(r, "limits")
	w.mem = mem.New(mem.Options{Before: burn(false), After: burn(true), Limits: limits})
	w.bed = newBedOn(drawn{tb, r}, nil, w.mem)
	w.learn()
	for _, name := range []string{"First", "Second"} {
		src, _ := w.directory().ByName(name)
		w.w.sources = append(w.w.sources, &origin{src.UUID, name, src.Tag, newSpace()})
	}
	w.w.tags = 2
	w.aside()
	return w
}

// aside fills the source that nothing is done to.
func (w *walk) aside() {
	w.newSource(bystander)
	s := w.w.byName(bystander)
	for _, ext := range []string{"c1", "c2"} {
		w.createCustomer(s, ext, 0)
		w.createInvoice(s, "i"+ext[1:])
		w.must(200, "POST", "/v1/customers/"+w.customerID(ref{s.tag, ext})+"/attributes/tags", `{"tags":["kept"]}`)
		w.w.change(s, customerOf(ext), "tags", w.milli(), func(e *editItem) { e.tags = []string{"kept"} })
	}
	w.beside = w.stored(s.tag)
}

func (w *walk) directory() *store.Directory {
	w.t.Helper()
	d, err := w.store.Directory(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *walk) milli() int64 { return w.now().UnixMilli() }

// learn notes the names of identities.
func (w *walk) learn() {
	w.hash = w.directory().Hasher()
	w.names = map[string]string{}
	name := func(h store.H, name string) { w.names[h.String()] = name }
	for n := 1; n <= universe; n++ {
		c, i := fmt.Sprint("c", n), fmt.Sprint("i", n)
		name(w.hash.CustomerH(c), c)
		name(w.hash.InvoiceH(i), i)
		name(w.hash.External(store.KindLineItem, fmt.Sprint("l", n)), fmt.Sprint("l", n))
		name(w.hash.External(store.KindTransaction, fmt.Sprint("t", n)), fmt.Sprint("t", n))
		name(w.hash.EmailH(c+"@example.com"), c+"@example.com")
	}
	for _, email := range someEmails() {
		name(w.hash.EmailH(email), email)
	}
	for _, plan := range somePlans() {
		name(w.hash.External(store.KindPlan, plan), plan)
	}
}

func (w *walk) customerID(r ref) string {
	return store.ID(store.PrefixCustomer, r.tag, w.hash.CustomerH(r.ext))
}

func (w *walk) invoiceID(s *origin, ext string) string {
	return store.ID(store.PrefixInvoice, s.tag, w.hash.InvoiceH(ext))
}

func (w *walk) planID(s *origin, ext string) string {
	return store.ID(store.PrefixPlan, s.tag, w.hash.External(store.KindPlan, ext))
}

// Workers.

// ofSources are all items of sources, or of one of them.
func (w *walk) ofSources(tag store.Tag) (items []table.Item) {
	for _, it := range w.mem.All() {
		if len(it.PK) > 5 && it.PK[5] == '.' && (tag == 0 || strings.HasPrefix(it.PK, fmt.Sprintf("%05x.", uint32(tag)))) {
			items = append(items, it)
		}
	}
	return items
}

func (w *walk) stored(tag store.Tag) string {
	var out strings.Builder
	for _, it := range w.ofSources(tag) {
		fmt.Fprintf(&out, "%s %s %x\n", it.PK, it.SK, it.Attrs)
	}
	return out.String()
}

// handle handles the next message, and tells whether there was one. What a fault has cut goes on with the next tick.
func (w *walk) handle() bool {
	w.t.Helper()
	var err error
	faulty := w.fuse.Load() != 0
	switch {
	case len(w.imports) > 0:
		m := w.imports[0]
		w.imports = w.imports[1:]
		err = w.app.Importer.Handle(w.t.Context(), m)
	case len(w.sweeps) > 0:
		m := w.sweeps[0]
		w.sweeps = w.sweeps[1:]
		before := len(w.ofSources(0))
		err = w.app.Sweep(w.t.Context(), m)
		if e := w.erase(m.Job); e != nil {
			e.removed += before - len(w.ofSources(0))
		}
	default:
		return false
	}
	if burnt := faulty && w.fuse.Load() == 0; err != nil && !burnt {
		w.t.Fatal(err)
	}
	w.wait(time.Second)
	fuse := w.fuse.Swap(0) // faults are for workers
	w.settle()
	w.fuse.Store(fuse)
	return true
}

func (w *walk) erase(id string) *erasing {
	for _, e := range w.w.erases {
		if e.id == id {
			return e
		}
	}
	return nil
}

// settle tells the model which erases are done.
func (w *walk) settle() {
	w.t.Helper()
	for _, e := range w.w.erases {
		if !e.hides() {
			continue
		}
		j, err := w.ledger.Get(w.t.Context(), e.id)
		if err != nil {
			w.t.Fatal(err)
		}
		if j.Status != job.Grace && e.state == "grace" {
			e.state = "running"
			if !slices.ContainsFunc(w.w.erases, func(later *erasing) bool { return later.covers(e) }) {
				w.t.Fatalf("the sweep of %#v began before its time", e)
			}
		}
		if j.Status != job.Done {
			continue
		}
		w.w.sweep(e)
		if r := w.must(200, "GET", "/v1/erasures/"+e.id+"/receipt", ""); r["total"] != float64(e.removed) {
			w.t.Fatalf("the receipt of %s tells %v, but %d items went: %v", e.kind, r["total"], e.removed, r["removed"])
		}
	}
}

// tick is the ticker's: erases whose time has come begin.
func (w *walk) tick() {
	w.t.Helper()
	w.fuse.Store(0)
	if err := w.app.Tick(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	for _, e := range w.w.erases {
		if e.state == "grace" && w.milli() >= e.until {
			e.state = "running"
		}
	}
}

// finish works until nothing is open any more, but what waits for the end of its grace period.
func (w *walk) finish(jobs ...string) {
	w.t.Helper()
	for range 50 {
		for w.handle() {
		}
		w.fuse.Store(0)
		if !w.open(jobs) {
			return
		}
		w.wait(job.LeaseLength)
		w.tick()
	}
	w.t.Fatal("it does not come to an end")
}

func (w *walk) open(jobs []string) bool {
	w.t.Helper()
	for _, id := range jobs {
		j, err := w.ledger.Get(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		if !j.Status.Ended() {
			return true
		}
	}
	return slices.ContainsFunc(w.w.erases, func(e *erasing) bool { return e.state == "running" })
}

// Views.

func opt(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// sees compares all that is to be seen with the model.
func (w *walk) sees() {
	w.t.Helper()
	var want, got []string
	for _, s := range w.w.sources {
		want = append(want, "source "+s.uuid+" "+s.name)
		for _, id := range w.w.all(s, "cpi") {
			want = append(want, w.tells(s, id)...)
		}
	}
	for _, o := range entries(w.t, w.must(200, "GET", "/v1/data_sources", ""), "data_sources") {
		got = append(got, fmt.Sprint("source ", o["uuid"], " ", o["name"]))
	}
	for _, o := range entries(w.t, w.must(200, "GET", "/v1/customers?per_page=200", ""), "entries") {
		got = append(got, customerLine(o))
		got = append(got, w.listed(o["uuid"]))
	}
	for _, o := range entries(w.t, w.must(200, "GET", "/v1/plans?per_page=200", ""), "plans") {
		got = append(got, fmt.Sprint("plan ", o["uuid"], " ", o["data_source_uuid"], " ", o["external_id"], " ", o["name"], " ", o["interval_count"]))
	}
	for _, o := range entries(w.t, w.must(200, "GET", "/v1/invoices?per_page=200&with_disabled=true", ""), "invoices") {
		got = append(got, invoiceLine(w.t, o))
	}
	for _, email := range someEmails() {
		want = append(want, w.found(email))
		ans := w.do("GET", "/v1/customers/search?per_page=200&email="+email, "")
		var ids []string
		if ans.status == http.StatusOK {
			ids = column(w.t, w.must(200, "GET", "/v1/customers/search?per_page=200&email="+email, ""), "entries", "uuid")
		}
		slices.Sort(ids)
		got = append(got, fmt.Sprint(email, " ", ids))
	}
	w.same("seen", got, want)
	if s := w.w.byName(bystander); w.stored(s.tag) != w.beside {
		w.t.Fatal("the source beside was touched")
	}
}

func (w *walk) same(what string, got, want []string) {
	w.t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	var diff strings.Builder
	for _, l := range got {
		if !slices.Contains(want, l) {
			diff.WriteString("\n+ " + l)
		}
	}
	for _, l := range want {
		if !slices.Contains(got, l) {
			diff.WriteString("\n- " + l)
		}
	}
	w.t.Fatalf("%s (+) is not as it is meant (-):%s", what, diff.String())
}

// tells is what the model has to tell of a record.
func (w *walk) tells(s *origin, id string) []string {
	f, disabled, deleted := w.w.shown(s, id)
	ext := id[2:]
	switch kindOf(id) {
	case "c":
		r := ref{s.tag, ext}
		if w.w.root(r) != r {
			return nil
		}
		return []string{w.customerTold(r, f), w.listTold(r)}
	case "p":
		return []string{fmt.Sprint("plan ", w.planID(s, ext), " ", s.uuid, " ", ext, " ", f["name"], " ", f["count"])}
	}
	if deleted {
		return nil
	}
	var parts []string
	for _, part := range w.w.all(s, "lt") {
		pf, pd, gone := w.w.shown(s, part)
		if invoiceIn(part) != ext || gone {
			continue
		}
		plan := ""
		if pf["plan"] != "" {
			plan = w.planID(s, pf["plan"])
		}
		parts = append(parts, fmt.Sprintf("%s %s amount=%s plan=%s result=%s disabled=%v", kindOf(part), part[strings.LastIndex(part, "/")+1:], pf["amount"], plan, pf["result"], pd))
	}
	slices.Sort(parts)
	return []string{fmt.Sprintf("invoice %s of %s %s %s date=%s status=%s disabled=%v %v",
		w.invoiceID(s, ext), w.customerID(w.w.root(ref{s.tag, f["customer"]})), f["customer"], ext, f["date"], f["status"], disabled, parts)}
}

func (w *walk) customerTold(r ref, f map[string]string) string {
	tags, custom, sources, ids := []string{}, map[string]int{}, []string{}, []string{}
	for _, m := range w.w.group(r) {
		s := w.w.byTag(m.tag)
		sources, ids = append(sources, s.uuid), append(ids, m.ext)
		for _, t := range w.w.edit(s, customerOf(m.ext), "tags").tags {
			if !slices.Contains(tags, t) {
				tags = append(tags, t)
			}
		}
		for name, v := range w.w.edit(s, customerOf(m.ext), "custom").custom {
			if _, ok := custom[name]; !ok {
				custom[name] = v
			}
		}
	}
	return fmt.Sprintf("customer %s of %s %s name=%s email=%s company=%s %v %v %v %v",
		w.customerID(r), sources[0], r.ext, f["name"], f["email"], f["company"], tags, custom, sources, ids)
}

func customerLine(o object) string {
	attributes, _ := o["attributes"].(object)
	return fmt.Sprintf("customer %s of %s %s name=%s email=%s company=%s %v %v %v %v",
		o["uuid"], o["data_source_uuid"], o["external_id"], o["name"], o["email"], o["company"],
		attributes["tags"], attributes["custom"], o["data_source_uuids"], o["external_ids"])
}

func invoiceLine(tb testing.TB, o object) string {
	tb.Helper()
	var parts []string
	for _, l := range entries(tb, o, "line_items") {
		parts = append(parts, fmt.Sprintf("l %s amount=%v plan=%s result= disabled=%v", opt(l["external_id"]), l["amount_in_cents"], opt(l["plan_uuid"]), l["disabled"]))
	}
	for _, t := range entries(tb, o, "transactions") {
		parts = append(parts, fmt.Sprintf("t %s amount=%v plan= result=%v disabled=%v", opt(t["external_id"]), t["amount_in_cents"], t["result"], t["disabled"]))
	}
	slices.Sort(parts)
	return fmt.Sprintf("invoice %s of %s %s %s date=%.10s status=%s disabled=%v %v",
		o["uuid"], o["customer_uuid"], o["customer_external_id"], o["external_id"], o["date"], opt(o["status"]), o["disabled"], parts)
}

// listed are the invoices of a customer, in their order.
func (w *walk) listed(id any) string {
	w.t.Helper()
	var list []string
	for _, o := range entries(w.t, w.must(200, "GET", fmt.Sprintf("/v1/import/customers/%s/invoices?per_page=200", id), ""), "invoices") {
		list = append(list, fmt.Sprintf("%.10s %s", o["date"], o["uuid"]))
	}
	return fmt.Sprint("invoices of ", id, " ", sameDay(list))
}

// sameDay puts invoices of one day in the order of their ids, and leaves the others.
func sameDay(list []string) []string {
	slices.SortStableFunc(list, func(a, b string) int {
		if a[:10] != b[:10] {
			return 0
		}
		return strings.Compare(a, b)
	})
	return list
}

func (w *walk) listTold(r ref) string {
	var list []string
	for _, m := range w.w.group(r) {
		s := w.w.byTag(m.tag)
		for _, id := range w.w.all(s, "i") {
			if f, disabled, deleted := w.w.shown(s, id); f["customer"] == m.ext && !disabled && !deleted {
				list = append(list, f["date"]+" "+w.invoiceID(s, id[2:]))
			}
		}
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(b[:10]+a[10:], a[:10]+b[10:]) })
	return fmt.Sprint("invoices of ", w.customerID(r), " ", list)
}

func (w *walk) found(email string) string {
	var ids []string
	for _, s := range w.w.sources {
		for _, id := range w.w.all(s, "c") {
			if f, _, _ := w.w.shown(s, id); f["email"] != email {
				continue
			}
			if root := w.customerID(w.w.root(ref{s.tag, id[2:]})); !slices.Contains(ids, root) {
				ids = append(ids, root)
			}
		}
	}
	slices.Sort(ids)
	return fmt.Sprint(email, " ", ids)
}

// endure lets everything come to its end, and looks for what is left in the table.
func (w *walk) endure() {
	w.t.Helper()
	w.finish()
	w.sees()
	w.wait(job.MaxGrace)
	w.tick()
	w.finish()
	w.sees()
	var got, want []string
	d := w.directory()
	for _, it := range w.ofSources(0) {
		got = append(got, w.spelled(d, it.Key))
	}
	for _, s := range w.w.sources {
		want = append(want, w.expected(s)...)
		w.fresh(s)
	}
	w.same("the table", got, want)
	if d.TombstoneCount() > 0 {
		w.t.Fatal("there are tombstones")
	}
	for _, it := range w.mem.All() {
		if it.PK == store.TombstoneLogKey().PK {
			w.t.Fatal("it was left: ", it.SK)
		}
		if it.PK == store.AccountPK && slices.ContainsFunc([]string{store.SKLock, store.SKOpen, store.SKGrace}, func(of string) bool { return strings.HasPrefix(it.SK, of) }) {
			w.t.Fatal("it was left: ", it.SK)
		}
	}
}

// fresh looks for what nobody will ever see or sweep.
func (w *walk) fresh(s *origin) {
	w.t.Helper()
	epochs := map[string]int64{}
	for _, from := range []rows{s.customers, s.data} {
		for id, r := range from {
			epochs[id] = r.manual
		}
	}
	for key, e := range s.edits {
		epochs[key] = e.manual
	}
	for id, manual := range epochs {
		if !w.w.current(manual) {
			w.t.Fatalf("%s of %s is hidden for ever", id, s.name)
		}
	}
}

// spelled is a key with names in place of identities.
func (w *walk) spelled(d *store.Directory, k table.Key) string {
	var tag uint32
	_, _ = fmt.Sscanf(k.PK[:5], "%x", &tag)
	src, ok := d.ByTag(store.Tag(tag))
	area := "old: " + k.PK
	for i := range src.Shards {
		sp := src.Space()
		switch k.PK {
		case sp.CustomerPK(i):
			area = "c"
		case sp.DataPK(i), sp.PlanPK():
			area = "d"
		case sp.EditPK(i), sp.PlanEditPK():
			area = "e"
		}
	}
	if !ok {
		area = "gone"
	}
	words := strings.Split(k.SK, "#")
	for i, word := range words {
		if name := w.names[word]; name != "" {
			words[i] = name
		} else if len(word) > 20 {
			words[i] = "?"
		}
	}
	return fmt.Sprint(tag, " ", area, " ", strings.Join(words, "#"))
}

// expected are the keys of what the model holds, and of the pointers to it.
func (w *walk) expected(s *origin) (keys []string) {
	add := func(area, format string, args ...any) {
		keys = append(keys, fmt.Sprint(s.tag, " ", area, " ", fmt.Sprintf(format, args...)))
	}
	for id, r := range s.customers {
		if kindOf(id) == "m" {
			add("c", "%s", strings.ReplaceAll(id, "/", "#"))
			continue
		}
		add("c", "c#%s", id[2:])
		if email := r.fields["email"]; email != "" {
			add("c", "m#%s#%s", email, id[2:])
		}
	}
	for id, r := range s.data {
		own := id[strings.LastIndex(id, "/")+1:]
		switch kind := kindOf(id); {
		case kind == "p":
			add("d", "p#%s", own)
		case kind == "i":
			add("d", "i#%s", own)
			add("d", "o#%s#%s", r.fields["customer"], own)
		case own == "":
			add("d", "i#%s#%s#?", invoiceIn(id), kind)
		default:
			add("d", "i#%s#%s#%s", invoiceIn(id), kind, own)
			add("d", "x#%s#%s", kind, own)
		}
	}
	for key, e := range s.edits {
		id, what, _ := strings.Cut(key, "#")
		words := strings.Split(id, "/")
		if words[0] == "l" || words[0] == "t" {
			words = []string{"i", words[1], words[0], words[2]}
		}
		add("e", "%s#%s", strings.Join(words, "#"), map[string]string{"custom": "attributes"}[what]+strings.TrimPrefix(what, "custom"))
		if email := e.fields["email"]; email != "" {
			add("e", "m#%s#%s", email, id[2:])
		}
		if e.fields["date"] != "" {
			add("e", "o#%s#%s", ownerOf(id[2:]), id[2:])
		}
	}
	return keys
}

func encoded(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
