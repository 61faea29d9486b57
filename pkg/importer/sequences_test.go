package importer_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo"
	"reseed/pkg/table/dynamo/dynotest"
	"reseed/pkg/table/mem"
	"reseed/pkg/table/pebble"
)

// Random sequences of imports, replaces, plans, undos and edits, against the model, on all three
// tables. To soak:
//
//	go test ./pkg/importer -run Sequences -rapid.checks=10000 -timeout 0

func TestSequencesInMemory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limits := rapid.SampledFrom([]table.Limits{
			{Get: 100, Write: 25, Transact: 100, Parallel: 8}, {Get: 2, Write: 3, Transact: 10, Parallel: 2},
		}).Draw(t, "limits")
		sequences(t, mem.New(mem.Options{Limits: limits, PageBytes: rapid.SampledFrom([]int{table.PageBytes, 300}).Draw(t, "page")}))
	})
}

func TestSequencesOnPebble(t *testing.T) {
	t.Parallel()
	fewer(t, 20, func(r *rapid.T) {
		d, err := pebble.Open(t.TempDir(), pebble.Options{Cache: 1 << 20, MemTable: 1 << 20})
		if err != nil {
			r.Fatal(err)
		}
		defer func() { _ = d.Close() }()
		sequences(r, d)
	})
}

func TestSequencesOnDynamoDB(t *testing.T) {
	t.Parallel()
	var engine dynotest.Engine
	if err := engine.Start(t.Context()); err != nil {
		t.Skip("no engine that is compatible with DynamoDB: ", err)
	}
	t.Cleanup(engine.Stop)
	fewer(t, 20, func(r *rapid.T) { sequences(r, dynamo.New(engine.Table(t))) })
}

// fewer checks a property on a slow table: only one time in n, but every time once it has failed,
// so that the failure can be made small.
func fewer(t *testing.T, in int, property func(*rapid.T)) {
	t.Helper()
	checks, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
	if err != nil {
		t.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(max(1, checks/in)))
	rapid.Check(t, func(r *rapid.T) {
		if left.Add(-1) < 0 {
			return
		}
		passed := false
		defer func() {
			if !passed {
				left.Store(1 << 62)
			}
		}()
		property(r)
		passed = true
	})
}

// walk is a sequence that is being drawn.
type walk struct{ *subject }

func sequences(t *rapid.T, d table.Driver) {
	w := walk{newSubject(t, d, rapid.SampledFrom([]int{1, 2, 16}).Draw(t, "shards"))}
	t.Repeat(map[string]func(*rapid.T){
		"":        func(t *rapid.T) { w.check(t) },
		"import":  func(t *rapid.T) { w.submit(t, request{sheets: drawSheets(t), maxRemoved: job.DefaultMaxRemoved}) },
		"replace": func(t *rapid.T) { w.submit(t, drawReplace(t)) },
		"pull":    func(t *rapid.T) { w.submit(t, drawPull(t)) },
		"plan": func(t *rapid.T) {
			q := drawReplace(t)
			q.plan, q.replace = true, rapid.Bool().Draw(t, "replace")
			w.submit(t, q)
		},
		"apply":  func(t *rapid.T) { w.next(t); w.apply(t, w.pick(t, planned)) },
		"cancel": func(t *rapid.T) { w.next(t); w.cancel(t, w.pick(t, planned)) },
		"undo": func(t *rapid.T) {
			which := rapid.SampledFrom([]func(*past) bool{worth, worth, (*past).undoable, always[*past]}).Draw(t, "which")
			w.next(t)
			w.undo(t, w.pick(t, which))
		},
		"plan undo": func(t *rapid.T) { w.next(t); w.planUndo(t, w.pick(t, worth)) },
		"touch":     w.touch,
		"api":       w.api,
		"tag": func(t *rapid.T) {
			w.next(t)
			w.tag(t, rapid.SampledFrom(someCustomers).Draw(t, "customer"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "tag"))
		},
	})
}

func planned(p *past) bool { return p.status == job.Planned }

func worth(p *past) bool { return p.undoable() && len(p.meant()) > 0 }

func drawReplace(t *rapid.T) request {
	return request{
		sheets: drawSheets(t), replace: true, allowEmpty: rapid.Bool().Draw(t, "allow empty"),
		maxRemoved: rapid.SampledFrom([]int64{100, 100, 100, 20}).Draw(t, "max removed"),
	}
}

// drawPull draws a pull: tabs without rows are left out of it.
func drawPull(t *rapid.T) request {
	q := drawReplace(t)
	q.pull, q.plan = true, rapid.IntRange(0, 4).Draw(t, "plan") == 0
	q.sheets = slices.DeleteFunc(q.sheets, func(s sheet) bool {
		return !slices.ContainsFunc(s.rows, func(r row) bool { return !r.empty() })
	})
	if len(q.sheets) == 0 {
		t.Skip("there are no rows")
	}
	if rapid.Bool().Draw(t, "of one customer") {
		q.only = rapid.SampledFrom(someCustomers).Draw(t, "customer")
	}
	return q
}

// next is another process, with its own sizes of pieces and of small imports, that takes messages
// in random order.
func (w walk) next(t *rapid.T) {
	w.process(
		rapid.SampledFrom([]int64{1 << 20, 200, 40}).Draw(t, "piece"), rapid.SampledFrom([]int64{1 << 20, 1}).Draw(t, "small"),
		rapid.Uint64().Draw(t, "order"),
	)
}

func (w walk) submit(t *rapid.T, q request) {
	w.next(t)
	q.spelled = rapid.SampledFrom(spellings()).Draw(t, "spelled")
	p := w.subject.submit(t, q)
	if p.status == job.Done && rapid.IntRange(0, 2).Draw(t, "again") == 0 {
		w.check(t)
		w.next(t)
		w.again(t, q)
	}
}

// pick draws one of the jobs that fit, often the latest.
func (w walk) pick(t *rapid.T, fits func(*past) bool) *past {
	var fitting []*past
	for _, p := range slices.Backward(w.model.jobs) {
		if fits(p) {
			fitting = append(fitting, p)
		}
	}
	if len(fitting) == 0 {
		t.Skip("there is none")
	}
	n := rapid.SampledFrom([]int{0, 0, len(fitting) - 1}).Draw(t, "oldest")
	return fitting[rapid.IntRange(0, n).Draw(t, "job from the end")]
}

// touch changes a row as a request to the API does.
func (w walk) touch(t *rapid.T) {
	ids := slices.SortedFunc(maps.Keys(w.model.rows), func(a, b ident) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	if len(ids) == 0 {
		t.Skip("there is nothing")
	}
	id := rapid.SampledFrom(ids).Draw(t, "record")
	w.next(t)
	w.subject.touch(t, id, rapid.SampledFrom([]string{"somebody", "somebody else"}).Draw(t, "owner"))
}

// api makes a customer that is not manual.
func (w walk) api(t *rapid.T) {
	id := rapid.SampledFrom(someCustomers).Draw(t, "customer")
	if w.model.rows[row{"External ID": id}.ident(billing.Customers)] != nil {
		t.Skip("there is one")
	}
	w.next(t)
	w.create(t, id)
}
