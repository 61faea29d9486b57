package importer_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/effort"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// story is something that is done to a source: undisturbed once, then disturbed.
type story struct {
	name    string
	setup   func(tester, *world)
	act     func(tester, *world)
	removes bool // removes rows, and puts other rows with the same external ids
	parks   bool // other jobs may run between two of its steps
}

func stories() []story {
	undo := func(t tester, w *world) { t.Helper(); w.undoes(t) }
	return []story{
		{name: "an import", setup: first, act: func(t tester, w *world) { t.Helper(); w.imports(t, messy()) }},
		{name: "an import of NDJSON", setup: first, act: func(t tester, w *world) {
			t.Helper()
			w.imports(t, mingle(messy()))
		}},
		{name: "an import of amounts in units", setup: first, act: func(t tester, w *world) {
			t.Helper()
			w.imports(t, inUnits())
		}},
		{name: "an import of edits", setup: editedOnce, act: func(t tester, w *world) { t.Helper(); w.imports(t, handmade()) }},
		{name: "an undo of edits", act: undo, setup: func(t tester, w *world) {
			t.Helper()
			editedOnce(t, w)
			w.imports(t, handmade())
		}},
		{name: "a plan that is applied", parks: true, setup: first, act: func(t tester, w *world) {
			t.Helper()
			q := messy()
			q.plan = true
			w.imports(t, q)
			w.applies(t)
		}},
		{name: "a replace that removes rows", removes: true, setup: first, act: func(t tester, w *world) { t.Helper(); w.imports(t, clean()) }},
		{name: "an undo of a replace", removes: true, act: undo, setup: func(t tester, w *world) {
			t.Helper()
			first(t, w)
			w.imports(t, clean())
		}},
		{name: "a pull with rejects", removes: true, setup: first, act: func(t tester, w *world) { t.Helper(); w.pulls(t, "", odd()) }},
		{name: "a pull of one customer", removes: true, setup: first, act: func(t tester, w *world) {
			t.Helper()
			q := odd()
			for i, s := range q.sheets {
				q.sheets[i].rows = slices.DeleteFunc(slices.Clone(s.rows), func(r row) bool { return slices.Contains(slices.Collect(maps.Values(r)), "c1") })
			}
			w.pulls(t, "c2", q)
		}},
		{name: "an undo of a pull with rejects", removes: true, act: undo, setup: func(t tester, w *world) {
			t.Helper()
			first(t, w)
			w.pulls(t, "", odd())
		}},
		{name: "an undo of an import", act: undo, setup: func(t tester, w *world) {
			t.Helper()
			first(t, w)
			w.imports(t, messy())
		}},
		{name: "an undo that is planned and applied", parks: true, removes: true, setup: func(t tester, w *world) {
			t.Helper()
			first(t, w)
			w.imports(t, clean())
		}, act: func(t tester, w *world) {
			t.Helper()
			w.plansUndo(t)
			w.applies(t)
		}},
	}
}

// editedOnce is a source with one edit.
func editedOnce(t tester, w *world) {
	t.Helper()
	q := all()
	q.edits = handmadeLine(`"of":"customers","customer_external_id":"c1","field":"city","value":"Rome"`, 1)
	w.imports(t, q)
}

// handmade is an import of rows and of edits: of rows that are stored, or come with it; some are kept or
// rejected, and some have pointers.
func handmade() request {
	q := messy()
	of := func(id, what string) string { return `"of":"customers","customer_external_id":"` + id + `",` + what }
	for i, line := range []string{
		of("c1", `"tag":"a"`), of("c1", `"tag":"b"`), of("c4", `"tag":"a"`), of("c1", `"field":"city","value":"Oslo"`), of("c1", `"field":"company","value":"X"`),
		of("c2", `"field":"email","value":"by@hand.com"`), of("c9", `"tag":"a"`), of("c3", `"attribute":"n","value_type":"Integer","value":1`),
		of("c2", `"merged_into":"c1"`), of("c4", `"merged_into":"c2"`), of("c1", `"merged_into":"c4"`),
		`"of":"plans","plan_external_id":"p1","field":"name","value":"P"`, `"of":"invoices","invoice_external_id":"i1","field":"date","value":"2025-01-01"`,
		`"of":"line_items","invoice_external_id":"i1","external_id":"l1","disabled":true`, `"of":"invoices","invoice_external_id":"i2","deleted":true`,
	} {
		q.edits += handmadeLine(line, i)
	}
	return q
}

func handmadeLine(line string, n int) string {
	return fmt.Sprintf(`{"dataset":"edits","by":"me","at":"2025-06-01 00:00:%02d",%s}`+"\n", n, line)
}

// first is the first import of a source.
func first(t tester, w *world) {
	t.Helper()
	w.imports(t, all())
}

// clean is a replace by a faultless input: it removes, changes, moves and adds rows.
func clean() request {
	q := replacing(billing.Order(), "i1", "c3")
	for i, s := range q.sheets {
		switch s.dataset { //nolint:exhaustive // the others stay
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

// odd is a pull that lacks, changes and adds rows. Some of its rows are rejected: one whose record stays with what that needs,
// one whose record is found by its external id only, and one that is rejected late, for a customer that is to go.
func odd() request {
	q := replacing(billing.Order(), "c3", "k1", "p2", "i1")
	q.pull = true
	for i, s := range q.sheets {
		rows := slices.Clone(s.rows)
		switch s.dataset { //nolint:exhaustive // the others stay
		case billing.Customers:
			rows = append(rows, row{"External ID": "c4", "Email": "d@x.com"})
		case billing.Invoices:
			rows = append(rows, row{"Customer external ID": "c9", "Invoice external ID": "i3", "Invoiced date": "2026-01-01", "Currency": "EUR"})
			rows = slices.DeleteFunc(rows, func(r row) bool { return r["Invoice external ID"] == "i3" && r["Customer external ID"] != "c9" })
		case billing.LineItems:
			rows = append(rows, row{"External ID": "l1", "Type": "one_time", "Amount in cents": "1"})
		case billing.Events:
			for n := range rows {
				rows[n] = changed(billing.Events, rows[n])
			}
		}
		q.sheets[i].rows = rows
	}
	return q
}

// messy is an import of new, changed, unchanged, repeated and bad rows, and of rows that contradict
// others.
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

// inUnits is an import of amounts in units: of rows that are new, changed, repeated, and not exact;
// and of rows without an external id beside those that are there.
func inUnits() request {
	return request{units: true, sheets: []sheet{
		{billing.Invoices, []row{
			{"Customer external ID": "c1", "Invoice external ID": "i1", "Invoiced date": "2026-01-01", "Currency": "JPY"},
			{"Customer external ID": "c1", "Invoice external ID": "i4", "Invoiced date": "2026-01-01", "Currency": "KWD"},
		}},
		{billing.LineItems, []row{
			{"Invoice external ID": "i1", "External ID": "l1", "Type": "one_time", "Amount in cents": "12.5"},
			{"Invoice external ID": "i2", "Type": "one_time", "Amount in cents": "1.25"},
			{"Invoice external ID": "i2", "Type": "one_time", "Amount in cents": "1.25", "Description": "D"},
			{"Invoice external ID": "i3", "External ID": "l2", "Type": "one_time", "Amount in cents": "2.50"},
			{"Invoice external ID": "i3", "External ID": "l2", "Type": "one_time", "Amount in cents": "2.5"},
			{"Invoice external ID": "i4", "External ID": "l4", "Type": "one_time", "Amount in cents": "0.001"},
		}},
		{billing.Transactions, []row{
			{"Invoice external ID": "i2", "Type": "payment", "Result": "failed", "Date": "2026-02-01", "Amount in cents": "3.33"},
			{"Invoice external ID": "i3", "External ID": "t2", "Type": "payment", "Result": "successful", "Date": "2026-02-01", "Amount in cents": "7.777"},
		}},
	}}
}

// mingle is an import of the same rows in one packed file, which at least two stages read.
func mingle(q request) request {
	var sheets []sheet
	for _, s := range q.sheets {
		if i := slices.IndexFunc(sheets, func(o sheet) bool { return o.dataset == s.dataset }); i >= 0 {
			sheets[i].rows = append(sheets[i].rows, s.rows...)
			continue
		}
		sheets = append(sheets, s)
	}
	q.sheets, q.spelled = sheets, inGzip
	return q
}

// imports runs an import to its end.
func (w *world) imports(t tester, q request) {
	t.Helper()
	time.Sleep(time.Minute)
	r := q.request(t, w.quiet.line, w.src)
	r.Once = fmt.Sprint("event ", time.Now().Unix())
	w.do(t, func(p *process) error { _, err := p.Submit(t.Context(), r); return err })
	w.settle(t)
}

// pulls runs the import of a pull to its end: of one customer, unless that is empty.
func (w *world) pulls(t tester, customer string, q request) {
	t.Helper()
	time.Sleep(time.Minute)
	r := q.request(t, w.quiet.line, w.src)
	made := len(w.jobs(t))
	w.do(t, func(p *process) error {
		if len(w.jobs(t)) > made { // it was asked for, but the answer was lost
			return nil
		}
		_, err := p.Pull(t.Context(), w.src, pullOf(r, customer))
		return err
	})
	w.settle(t)
}

func (w *world) applies(t tester) {
	t.Helper()
	plan := w.latest(t, always)
	w.do(t, func(p *process) error {
		_, err := p.Apply(t.Context(), plan.ID)
		if fault.CodeOf(err) == "not_planned" { // the plan was applied, but the answer was lost
			return nil
		}
		return err
	})
	w.settle(t)
}

func (w *world) undoes(t tester) {
	t.Helper()
	time.Sleep(time.Minute)
	target := w.latest(t, func(j *job.Job) bool { return j.Import.Undo == "" })
	w.do(t, func(p *process) error {
		_, err := p.Undo(t.Context(), target.ID, importer.UndoOptions{})
		if fault.CodeOf(err) == "undone_already" { // it was asked for, but the answer was lost
			return nil
		}
		return err
	})
	w.settle(t)
}

func (w *world) plansUndo(t tester) {
	t.Helper()
	time.Sleep(time.Minute)
	target := w.latest(t, func(j *job.Job) bool { return j.Import.Undo == "" })
	last := w.latest(t, always)
	w.do(t, func(p *process) error {
		if w.latest(t, always).ID != last.ID { // it was asked for, but the answer was lost
			return nil
		}
		_, err := p.Undo(t.Context(), target.ID, importer.UndoOptions{Plan: true})
		return err
	})
	w.settle(t)
}

// ways are the sizes to try: of pieces, and of small imports.
func ways() map[string][2]int64 {
	return map[string][2]int64{"small": {1 << 20, 1 << 20}, "large": {400, 1}}
}

// quick are limits that cause many calls, one after the other, of a table that one process owns or
// many share.
func quick(exclusive bool) table.Limits {
	return table.Limits{Get: 25, Write: 10, Transact: 25, Parallel: 1, Exclusive: exclusive}
}

// begun is a story after its setup, and its outcome if nothing disturbs it.
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
				b := begun{story: s, sizes: sizes, still: genesis(t).then(t, sizes, s.setup)}
				b.still.run(t, mem.Options{Limits: quick(false)}, sizes, func(t tester, w *world) {
					w.trouble = func(*process, int, string, bool) error { return nil }
					s.act(t, w)
					b.want, b.calls = w.outcome(t), int(w.calls.Load())
					consistent(t, b.want)
				})
				test(t, b)
			})
		}
	}
}

// disturbed runs the story with a trouble, and demands the same outcome.
func (b begun) disturbed(t *testing.T, name string, opt mem.Options, prepare func(tester, *world)) {
	t.Helper()
	b.still.run(t, opt, b.sizes, func(t tester, w *world) {
		prepare(t, w)
		b.act(t, w)
		if diff := cmp.Diff(b.want, w.outcome(t)); diff != "" {
			t.Fatalf("%s: -want +got\n%s", name, diff)
		}
	})
}

// One call of the table or of the object store fails, before or after it took effect, and the
// process goes on or is killed there: at every call. The outcome is always the same.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		step, cases := 1, 0
		if b.sizes[1] == 1 && !soak(t) {
			step = 7
		}
		for n := range effort.Cases(t.Name(), b.calls, step) {
			for kind := range 4 {
				if !soak(t) && kind != n%4 { // each call fails in at least one way
					continue
				}
				after, kill := kind%2 == 1, kind/2 == 1
				name := fmt.Sprintf("call %d of %d, after %v, kill %v", n, b.calls, after, kill)
				b.disturbed(t, name, mem.Options{Limits: quick(n%3 == 0)}, func(t tester, w *world) {
					w.trouble = func(p *process, call int, _ string, done bool) error {
						if call != n || done != after {
							return nil
						}
						p.dead.Store(kill)
						return errCut()
					}
				})
				cases++
			}
		}
		t.Logf("%d cases", cases)
	})
}

// nasty is a table and an object store at their worst: throttled for a while, down, or silent after
// they did what was asked; and a process that is killed from time to time. In the end all is well
// again.
func nasty(seed uint64) trouble {
	var mu sync.Mutex // a lease is renewed beside the work
	rnd := rand.New(rand.NewPCG(seed, 2))
	burst := 0
	return func(p *process, call int, op string, done bool) error {
		mu.Lock()
		defer mu.Unlock()
		table := !strings.HasPrefix(op, "object ")
		switch n := rnd.IntN(1000); {
		case call > 1500:
			return nil
		case burst > 0 && table && !done:
			burst--
			return fault.New(fault.Busy, "busy", "throttled")
		case n < 10 && !done:
			burst = rnd.IntN(40)
		case n < 20: // a 500, or a time-out after the work was done
			return errCut()
		case n < 23:
			p.dead.Store(true)
			return errCut()
		}
		return nil
	}
}

// Throttling in bursts, errors 500, time-outs after a write was applied, batches that are partly or
// wholly left undone, and kills, all at random in one run.
func TestEverythingGoesWrongAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		seeds := effort.Some(15)
		if soak(t) {
			seeds = 1000
		}
		for seed := range uint64(seeds) {
			opt := mem.Options{Seed: seed, Partial: 0.5, Limits: quick(seed%2 == 0)}
			b.disturbed(t, fmt.Sprintf("seed %d", seed), opt, func(t tester, w *world) { w.trouble = nasty(seed) })
		}
		t.Logf("%d cases", seeds)
	})
}

// The clocks of processes differ by hours, in both directions, from one process to the next.
func TestClocksJump(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		cases := 0
		for n := range effort.Cases(t.Name(), b.calls, 1+b.calls/10) {
			b.disturbed(t, fmt.Sprintf("kills at every %d. call", n), mem.Options{Limits: quick(n%2 == 0)}, func(t tester, w *world) {
				w.skew = []time.Duration{time.Hour, 0, 90 * time.Minute, -30 * time.Second, 26 * time.Hour}
				w.trouble = func(p *process, call int, _ string, done bool) error {
					if done && call%n == 0 && call/n <= 8 {
						p.dead.Store(true)
						return errCut()
					}
					return nil
				}
			})
			cases++
		}
		t.Logf("%d cases", cases)
	})
}
