package importer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/store/mem"
)

// story is something that is done to a source: first in peace, then disturbed.
type story struct {
	name  string
	peace func(tester, *world)
	told  func(tester, *world)
}

func stories() []story {
	return []story{
		{"an import", first, func(t tester, w *world) { t.Helper(); w.imports(t, "2", messy()) }},
		{"a plan that is applied", first, func(t tester, w *world) {
			t.Helper()
			q := messy()
			q.plan = true
			w.imports(t, "2", q)
			w.applies(t)
		}},
		{"a replace that removes rows", first, func(t tester, w *world) { t.Helper(); w.imports(t, "2", clean()) }},
		{"an undo of a replace", func(t tester, w *world) {
			t.Helper()
			first(t, w)
			w.imports(t, "2", clean())
		}, func(t tester, w *world) { t.Helper(); w.undoes(t) }},
		{"an undo of an import", func(t tester, w *world) {
			t.Helper()
			first(t, w)
			w.imports(t, "2", messy())
		}, func(t tester, w *world) { t.Helper(); w.undoes(t) }},
	}
}

// first is the first import of a source.
func first(t tester, w *world) {
	t.Helper()
	w.imports(t, "1", all())
}

// clean is a replace by an input without fault: rows are removed, changed, moved and added.
func clean() request {
	q := replacing(billing.Order(), "i1", "c3")
	for i, s := range q.sheets {
		switch s.dataset {
		case billing.Customers:
			q.sheets[i].rows = append(s.rows, row{"External ID": "c4", "Email": "d@x.com"})
		case billing.Invoices:
			q.sheets[i].rows = append(s.rows[:1], changed(billing.Invoices, s.rows[1]))
			q.sheets[i].rows[1]["Customer external ID"] = "c4"
		case billing.LineItems:
			q.sheets[i].rows = append(s.rows, row{"Invoice external ID": "i3", "External ID": "l1", "Type": "one_time", "Amount in cents": "1"})
		}
	}
	return q
}

// messy is an import of new, changed, unchanged, repeated and poisonous rows, and of rows that contradict others.
func messy() request {
	q := all("t1")
	q.sheets = append([]sheet{{billing.Customers, []row{
		{"External ID": "c1", "Name": "Changed", "Email": "b@x.com"}, {"External ID": "c4", "Email": "d@x.com"}, {"External ID": "c4", "Email": "d@x.com"}, {"Name": "Nobody"},
	}}}, q.sheets...)
	q.sheets = append(q.sheets, sheet{billing.Invoices, []row{
		{"Customer external ID": "c4", "Invoice external ID": "i4", "Invoiced date": "2026-01-01", "Currency": "EUR"},
		{"Customer external ID": "c9", "Invoice external ID": "i9", "Invoiced date": "2026-01-01", "Currency": "EUR"},
	}}, sheet{billing.LineItems, []row{
		{"Invoice external ID": "i4", "External ID": "l1", "Type": "one_time", "Amount in cents": "1"},
		{"Invoice external ID": "i4", "External ID": "l4", "Type": "one_time", "Amount in cents": "4", "Plan": "p2"},
	}})
	return q
}

// imports runs an import to its end.
func (w *world) imports(t tester, once string, q request) {
	t.Helper()
	time.Sleep(time.Minute)
	r := q.request(t, w.quiet.line, w.src)
	r.Once = once
	w.do(t, func(p *process) error { _, err := p.Submit(t.Context(), r); return err })
	w.settle(t)
}

func (w *world) applies(t tester) {
	t.Helper()
	plan := w.latest(t)
	w.do(t, func(p *process) error {
		_, err := p.Apply(t.Context(), plan.ID)
		if fault.CodeOf(err) == "not_planned" { // it was applied, but the answer was lost
			return nil
		}
		return err
	})
	w.settle(t)
}

func (w *world) undoes(t tester) {
	t.Helper()
	time.Sleep(time.Minute)
	target := w.latest(t)
	w.do(t, func(p *process) error {
		_, err := p.Undo(t.Context(), target.ID)
		if fault.CodeOf(err) == "undone_already" { // it was asked for, but the answer was lost
			return nil
		}
		return err
	})
	w.settle(t)
}

// ways are the sizes of pieces and of small imports to try.
func ways() map[string][2]int64 {
	return map[string][2]int64{"small": {1 << 20, 1 << 20}, "large": {400, 1}}
}

// quick are limits that make many calls, one after the other, of a table that many processes share, or one owns.
func quick(exclusive bool) store.Limits {
	return store.Limits{Get: 25, Write: 10, Transact: 25, Parallel: 1, Exclusive: exclusive}
}

// begun is a story after its peace, and its end if nothing disturbs it.
type begun struct {
	story
	sizes [2]int64
	still *still
	want  outcome
	calls int
}

// each begins every story in every way.
func each(t *testing.T, test func(*testing.T, begun)) {
	t.Helper()
	for _, s := range stories() {
		for way, sizes := range ways() {
			t.Run(s.name+"/"+way, func(t *testing.T) {
				t.Parallel()
				b := begun{story: s, sizes: sizes, still: genesis(t).then(t, sizes, s.peace)}
				b.still.run(t, mem.Options{Limits: quick(false)}, sizes, func(t tester, w *world) {
					w.trouble = func(*process, int, string, bool) error { return nil }
					s.told(t, w)
					b.want, b.calls = w.outcome(t), w.calls
					consistent(t, b.want)
				})
				test(t, b)
			})
		}
	}
}

// disturbed tells the story with a trouble, and demands the same end.
func (b begun) disturbed(t *testing.T, name string, opt mem.Options, prepare func(*world)) {
	t.Helper()
	b.still.run(t, opt, b.sizes, func(t tester, w *world) {
		prepare(w)
		b.told(t, w)
		if diff := cmp.Diff(b.want, w.outcome(t)); diff != "" {
			t.Fatalf("%s: -want +got\n%s", name, diff)
		}
	})
}

// Cut everywhere: one call of the table or of the object store fails, before or after it took effect; and the process
// goes on, or is killed there. The end is always the same.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		step, cases := 1, 0
		if b.sizes[1] == 1 && !soak(t) {
			step = 7
		}
		for n := 1; n <= b.calls; n += step {
			for kind := range 4 {
				if !soak(t) && kind != n%4 { // each call in one kind, at least
					continue
				}
				after, kill := kind%2 == 1, kind/2 == 1
				name := fmt.Sprintf("call %d of %d, after %v, kill %v", n, b.calls, after, kill)
				b.disturbed(t, name, mem.Options{Limits: quick(n%3 == 0)}, func(w *world) {
					w.trouble = func(p *process, call int, _ string, done bool) error {
						if call != n || done != after {
							return nil
						}
						p.dead = kill
						return errCut()
					}
				})
				cases++
			}
		}
		t.Logf("%d cases", cases)
	})
}
