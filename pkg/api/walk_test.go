package api_test

import (
	"context"
	"fmt"
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

// This test makes random sequences of imports, edits, merges, erases and restores, and compares
// what comes of them with a model. To run it for long:
//
//	go test ./pkg/api -run SequencesOfEdits -rapid.checks=10000 -rapid.steps=100 -timeout 0

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

// drawn is a rapid.T as a testing.TB.
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
	beside string // what is stored in the bystander's source
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

// aside fills the bystander's source.
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

// ofSources are the items of all sources; of one source if tag is not 0.
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

// handle handles the next message, and reports whether there was one. If a call of the table fails,
// the next tick goes on with the work.
func (w *walk) handle() bool {
	w.t.Helper()
	var err error
	faulty := w.fuse.Load() != 0
	switch {
	case len(w.imports) > 0:
		m := w.imports[0]
		w.imports = w.imports[1:]
		err = w.app.Work(w.t.Context(), m)
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
	fuse := w.fuse.Swap(0) // only workers' calls fail
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

// tick does a tick, which begins the erases whose grace period is over.
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

// finish works until no job is open, but for erases in their grace period.
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
