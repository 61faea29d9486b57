package importer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// csvOf is a file of n rows.
func csvOf(name, header string, n int, row func(i int) string) input {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range n {
		if r := row(i); r != "" {
			b.WriteString(r + "\n")
		}
	}
	return input{name: name, body: []byte(b.String())}
}

// Customers stay if later imports brought contacts, invoices or events of them: in more than one
// block, in many key ranges, with more dependent rows than a page or a batch holds, and with a
// single one. The plan says so, and apply does it.
func TestAnUndoKeepsWhatIsNeededInEveryBlockAndRange(t *testing.T) {
	t.Parallel()
	const customers = 2500
	base := csvOf("customers.csv", "External ID,Email", customers, func(i int) string { return fmt.Sprintf("c%04d,%d@x.com", i, i) })
	later := []input{
		csvOf("contacts.csv", "Customer External ID,Email", 3000, func(i int) string { return fmt.Sprintf("c%04d,%d@y.com", i/30*7, i) }),
		csvOf("invoices.csv", "Customer external ID,Invoice external ID,Invoiced date,Currency", customers, func(i int) string {
			if i%10 != 3 {
				return ""
			}
			return fmt.Sprintf("c%04d,i%d,2026-01-01,EUR", i, i)
		}),
		csvOf("subscription_events.csv", "Customer external ID,Subscription external ID,External ID,Event type,Date,Effective date", customers, func(i int) string {
			if i%10 != 4 {
				return ""
			}
			return fmt.Sprintf("c%04d,s%d,e%d,subscription_cancelled,2026-01-01,2026-01-01", i, i, i)
		}),
	}
	needed := map[int]bool{}
	for i := range customers {
		if i%10 == 3 || i%10 == 4 {
			needed[i] = true
		}
	}
	for i := range 100 {
		needed[i*7] = true
	}
	for name, sizes := range map[string][2]int64{"one range": {0, 1 << 30}, "many ranges": {2000, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{PageBytes: 20_000}), objects.Mem(), sizes[0], sizes[1])
			src := l.source(t, "S")
			first := l.done(t, src, base)
			if j := l.done(t, src, later...); j.Rejects > 0 {
				t.Fatal(counts(j), l.rejects(t, j))
			}
			before := l.dump(t, src)
			plan, err := l.Undo(t.Context(), first.ID, importer.UndoOptions{Plan: true})
			if err != nil {
				t.Fatal(err)
			}
			plan = l.finished(t, plan.ID)
			same(t, l.dump(t, src), before)
			want := map[string]job.Counts{"customers": {Read: customers, Removed: int64(customers - len(needed)), Rejected: int64(len(needed))}}
			if diff := cmp.Diff(want, plan.Datasets); diff != "" || plan.Status != job.Planned {
				t.Fatalf("%s %s: -want +got\n%s", plan.Status, plan.Error, diff)
			}
			shown := l.changes(t, plan)
			done := l.applied(t, plan)
			if diff := cmp.Diff(want, done.Datasets); diff != "" || done.Status != job.Done {
				t.Fatalf("%s %s: -want +got\n%s", done.Status, done.Error, diff)
			}
			onlyNeeded(t, l, src, before, shown, needed, customers)
		})
	}
}

// onlyNeeded checks that of n customers only the needed ones are left, and that the plan said so.
func onlyNeeded(t *testing.T, l *line, src store.Source, before map[table.Key]string, shown map[string]importer.Action, needed map[int]bool, customers int) {
	t.Helper()
	after := l.dump(t, src)
	hr := l.hasher(t)
	for i := range customers {
		k := src.Space().Customer(hr.CustomerH(fmt.Sprintf("c%04d", i)))
		if _, there := after[k]; there != needed[i] || needed[i] == (shown[k.SK] == importer.Removed) {
			t.Fatalf("c%04d is there: %v, needed: %v, the plan said %q", i, there, needed[i], shown[k.SK])
		}
	}
	// Each customer has one pointer from its e-mail address.
	if gone := len(before) - len(after); gone != 2*(customers-len(needed)) {
		t.Errorf("%d items are gone", gone)
	}
}

// All records of companies go, with all that belongs to customers and names plans, whether one
// import or several brought them.
func TestAnUndoOfEverythingLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, sizes := range map[string][2]int64{"small": {0, 1 << 30}, "large": {2000, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), sizes[0], sizes[1])
			src := l.source(t, "S")
			j := l.done(t, src, folder(t, "twelve")...)
			all := l.dump(t, src)
			undo := l.undone(t, j)
			if left := l.dump(t, src); len(left) > 0 || undo.Rejects > 0 {
				t.Fatalf("%d items are left: %s", len(left), counts(undo))
			}
			again := l.undone(t, undo)
			same(t, l.dump(t, src), all)
			if again.Rejects > 0 {
				t.Fatal(counts(again))
			}
		})
	}
}

// undone undoes a job.
func (l *line) undone(t tester, j *job.Job) *job.Job {
	t.Helper()
	u, err := l.Undo(t.Context(), j.ID, importer.UndoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if u = l.finished(t, u.ID); u.Status != job.Done {
		t.Fatalf("%s %s", u.Status, u.Error)
	}
	return u
}

// A plan that an import added stays while a row names it that was added over the API, which no
// change set lists.
func TestAnUndoKeepsThePlanOfARowThatCameOverTheAPI(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t tester, s *subject) {
		s.submit(t, all())
		p := s.submit(t, rows(billing.Plans, row{"Name": "New", "Interval count": "1", "Interval unit": "month", "Plan ID": "p9"}))
		id := row{"Invoice external ID": "i1", "External ID": "l1"}.ident(billing.LineItems)
		r := *s.model.rows[id]
		r.attrs = map[string]any{"external_id": "l1", "invoice": "i1", "type": "one_time", "amount_in_cents": int64(1), "plan": "p9"}
		s.write(t, &r, table.Cond{})
		if u := s.undo(t, p); fmt.Sprint(u.left) != "[needed_since]" {
			t.Fatalf("left alone: %v", u.left)
		}
		s.holds(t, plan, "p9", true)
	})
}

// An undo can be planned any number of times, but only one plan is applied. When that undo is
// undone, another one can be applied.
func TestOneUndoAtATime(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t tester, s *subject) {
		s.submit(t, all())
		p := s.submit(t, replacing(billing.Order(), "i1", "c3"))
		first, second := s.planUndo(t, p), s.planUndo(t, p)
		s.apply(t, first)
		s.apply(t, second)
		if _, err := s.Undo(t.Context(), p.id, importer.UndoOptions{}); fault.CodeOf(err) != "undone_already" || !strings.Contains(err.Error(), first.id) {
			t.Fatal(err)
		}
		if s.undo(t, first); second.status != job.Planned {
			t.Fatalf("the second plan is %s", second.status)
		}
		s.check(t)
		if s.apply(t, second); second.status != job.Done {
			t.Fatalf("the second plan is %s %s", second.status, second.refused)
		}
	})
}

// The ground of a planned undo: what it reverses, what the rows that come back belong to, and what
// belongs to the rows that go.
func TestAPlannedUndoIsOutdated(t *testing.T) {
	t.Parallel()
	line := rows(billing.LineItems, row{"Invoice external ID": "i1", "External ID": "l9", "Type": "one_time", "Amount in cents": "1"})
	contact := rows(billing.Contacts, row{"Customer External ID": "c3", "Email": "new@x.com"})
	for name, c := range map[string]struct {
		then func(tester, *subject, *past)
		want job.Status
	}{
		"not by other rows":                        {func(t tester, s *subject, _ *past) { s.submit(t, rows(billing.Customers, row{"External ID": "c8"})) }, job.Done},
		"by a line item of an invoice that goes":   {func(t tester, s *subject, _ *past) { s.submit(t, line) }, job.Failed},
		"by a contact of a customer that goes":     {func(t tester, s *subject, _ *past) { s.submit(t, contact) }, job.Failed},
		"by a change of a row that goes":           {func(t tester, s *subject, p *past) { s.touch(t, p.deltas[0].id, "somebody") }, job.Failed},
		"by an undo of all, of which it is a part": {func(t tester, s *subject, p *past) { s.undo(t, p) }, job.Planned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWay(t, func(t tester, s *subject) {
				p := s.submit(t, all())
				plan := s.planUndo(t, p)
				c.then(t, s, p)
				if s.apply(t, plan); plan.status != c.want {
					t.Fatalf("it is %s, want %s", plan.status, c.want)
				}
			})
		})
	}
}

// Versions before 2026-11-29 decided and applied an undo range by range, pass by pass. This version
// takes over such an undo at every message, and the outcome and the counts are the same.
func TestAnUndoOfAnOlderVersionComesToItsEnd(t *testing.T) {
	t.Parallel()
	n := 1
	for ; takenOver(t, n); n += 3 {
	}
	if n < 20 {
		t.Errorf("the older version took only %d messages", n)
	}
}

// takenOver lets an older version handle n messages of an undo, and this version the others. It is
// false if there are no others.
func takenOver(t *testing.T, n int) (more bool) {
	t.Helper()
	s := newSubject(t, mem.New(mem.Options{}), 2)
	s.process(400, 1, 1)
	s.submit(t, all())
	was := s.dump(t, s.src)
	p := s.submit(t, clean())
	target, err := s.ledger.Get(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	j, err := s.ledger.Create(t.Context(), &job.Job{Kind: job.Import, Source: s.src.UUID, SourceName: s.src.Name, Tag: s.src.Tag, Import: &job.ImportSpec{
		Undo: p.id, Mode: job.Replace, Datasets: target.Import.Datasets, Ranges: target.Import.Ranges, Scanned: true, Applying: true,
		Stepwise: true, Epochs: target.Import.Epochs, ManualEpoch: target.Import.ManualEpoch,
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.queue = []importer.Message{{Job: j.ID}}
	for i := 0; i < n && len(s.queue) > 0; i++ {
		m := s.queue[0]
		s.queue = s.queue[1:]
		if err := s.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	more = len(s.queue) > 0
	s.forgetNewSteps(t, j.ID)
	s.queue = []importer.Message{{Job: j.ID}}
	if j = s.finished(t, j.ID); j.Status != job.Done || j.Rejects > 0 {
		t.Fatalf("after %d messages: %s %s, %s", n, j.Status, j.Error, counts(j))
	}
	same(t, s.dump(t, s.src), was)
	sum := job.Counts{}
	for _, c := range j.Datasets {
		sum = sum.Add(c)
	}
	if int(sum.Added+sum.Changed+sum.Removed) != len(p.meant()) || sum.Unchanged > 0 {
		t.Fatalf("after %d messages: %s, want %d changes", n, counts(j), len(p.meant()))
	}
	return more
}

// forgetNewSteps leaves a running undo as an older version would have it at this point: without the
// steps that it did not know, and without their runs.
func (s *subject) forgetNewSteps(t tester, id string) {
	t.Helper()
	j, err := s.ledger.Update(t.Context(), id, func(j *job.Job) error {
		j.Import.Stepwise = false
		return nil
	})
	if err != nil || j.Status.Ended() {
		return
	}
	tasks, err := s.ledger.Tasks(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if !strings.HasSuffix(task.Phase, "takeback") && !strings.HasSuffix(task.Phase, "putback") {
			if err := s.store.Write(t.Context(), []table.Write{{Item: table.Item{Key: store.TaskKey(id, task.ID)}, Delete: true}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := s.objects.DeleteAll(t.Context(), "jobs/"+id+"/runs/"); err != nil {
		t.Fatal(err)
	}
}
