package eraser_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"reseed/internal/effort"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func TestEraseRemovesTheSelectionAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, x := prepared(t, kind, mem.Options{})
			before, neighbour := w.items(w.acme), w.items(w.acme2)
			plan, err := w.eraser().Plan(t.Context(), x.sel, x.opt)
			must(t, err)
			same(t, "planned rows", x.want.Rows(), plan.Removes)
			same(t, "planned pointers", x.want.Pointers(), plan.Pointers)
			j := w.sweep(w.start(x.sel, x.opt).ID)
			same(t, "removed", x.want, removed(j))
			after, after2 := w.items(w.acme), w.items(w.acme2)
			same(t, "what vanished", x.want.Total(), int64(len(before)-len(after)+len(neighbour)-len(after2)))
			if len(after) != x.acme || len(after2) != x.acme2 || j.Status != job.Done {
				t.Fatalf("%d and %d items are left, job %s", len(after), len(after2), j.Status)
			}
			for k, v := range after {
				same(t, "a survivor", before[k], v)
			}
			for k, v := range after2 {
				same(t, "a survivor next door", neighbour[k], v)
			}
			if j.Cost.WriteMilli < 1000*x.want.Total() {
				t.Fatalf("the cost of %d deletes is said to be %v", x.want.Total(), j.Cost)
			}
			w.quiet()
		})
	}
}

func TestASelectionIsInvisibleAndItsNameFreeAtOnce(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	hr := w.directory().Hasher()
	j := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
	_, err := w.st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		_, err := d.Add("ds_new", "Acme", "CSV", time.Now())
		return nil, err
	})
	must(t, err)
	fresh, _ := w.directory().ByName("Acme")
	if fresh.Tag == w.acme.Tag {
		t.Fatal("a tag was used twice")
	}
	w.seed(fresh, 3, 1)
	mine := w.items(fresh)
	same(t, "removed", withPlans(counts(12)), removed(w.sweep(j.ID)))
	same(t, "the new source of the name", mine, w.items(fresh))

	w.start(eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{})
	if d := w.directory(); d.Visible(attrs(d.ManualEpoch - 1)) {
		t.Fatal("manual customers are still visible")
	}
	w.start(eraser.Selection{Kind: eraser.Customer, Source: w.acme2.UUID, H: customerH(hr, 3)}, eraser.Options{})
	if !w.directory().Hidden(w.acme2.Tag, store.KindCustomer, customerH(hr, 3)) {
		t.Fatal("the customer is still visible")
	}
}

func TestErasingTwice(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	all := selections(w)
	for _, kind := range []string{"invoice", "customer"} {
		first, second := w.start(all[kind].sel, eraser.Options{}), w.start(all[kind].sel, eraser.Options{})
		same(t, "the second job", first.ID, second.ID)
		w.sweep(first.ID)
		_, err := w.eraser().Start(t.Context(), all[kind].sel, eraser.Options{})
		wantFault(t, err, fault.NotFound)
		_, err = w.eraser().Plan(t.Context(), all[kind].sel, eraser.Options{})
		wantFault(t, err, fault.NotFound)
	}
	first := w.sweep(w.start(all["manual"].sel, eraser.Options{}).ID)
	same(t, "removed at first", counts(6), removed(first)) // one of them has gone before
	same(t, "removed then", eraser.Counts{}.Total(), removed(w.sweep(w.start(all["manual"].sel, eraser.Options{}).ID)).Total())
	j := w.start(all["source"].sel, eraser.Options{})
	_, err := w.eraser().Start(t.Context(), all["source"].sel, eraser.Options{})
	wantFault(t, err, fault.NotFound)
	done := w.sweep(j.ID)
	same(t, "removed again", done, w.sweep(j.ID))
}

func TestEmptyAndUnknownSelectionsAreRefused(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	h := customerH(w.directory().Hasher(), 99)
	before := w.directory()
	for name, x := range map[string]struct {
		sel  eraser.Selection
		want fault.Kind
	}{
		"nothing":              {eraser.Selection{}, fault.Invalid},
		"no kind":              {eraser.Selection{Source: w.acme.UUID}, fault.Invalid},
		"unknown kind":         {eraser.Selection{Kind: "all", Source: w.acme.UUID}, fault.Invalid},
		"no source":            {eraser.Selection{Kind: eraser.Source}, fault.Invalid},
		"no customer":          {eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID}, fault.Invalid},
		"no invoice":           {eraser.Selection{Kind: eraser.Invoice, Source: w.acme.UUID}, fault.Invalid},
		"customer, no source":  {eraser.Selection{Kind: eraser.Customer, H: h}, fault.Invalid},
		"source and customer":  {eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID, H: h}, fault.Invalid},
		"manual of one source": {eraser.Selection{Kind: eraser.ManualCustomers, Source: w.acme.UUID}, fault.Invalid},
		"unknown source":       {eraser.Selection{Kind: eraser.Source, Source: "ds_none"}, fault.NotFound},
		"name for an id":       {eraser.Selection{Kind: eraser.Source, Source: "Acme"}, fault.NotFound},
		"unknown customer":     {eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: h}, fault.NotFound},
		"unknown invoice":      {eraser.Selection{Kind: eraser.Invoice, Source: w.acme.UUID, H: h}, fault.NotFound},
	} {
		_, err := w.eraser().Start(t.Context(), x.sel, eraser.Options{})
		if !fault.Is(err, x.want) {
			t.Errorf("%s: start answers %v", name, err)
		}
		if _, err = w.eraser().Plan(t.Context(), x.sel, eraser.Options{}); !fault.Is(err, x.want) {
			t.Errorf("%s: plan answers %v", name, err)
		}
	}
	same(t, "the directory", before, w.directory())
}

// Kill it anywhere and run it again: same end state, same counts (I6). Every
// call is cut once: before or after it is applied, alone or with all that follow.
func TestCutAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		for _, how := range []string{"before", "after", "before and dead", "after and dead"} {
			t.Run(kind+" "+how, func(t *testing.T) {
				t.Parallel()
				for n := range effort.Cases(t.Name(), 2000, 1) {
					if cut(t, kind, how, int64(n)) {
						return
					}
				}
				t.Fatal("no run ever survives")
			})
		}
	}
}

// cut fails the n-th call of an erase, then runs it again; it tells whether there was no such call.
func cut(t *testing.T, kind, how string, n int64) (survived bool) {
	t.Helper()
	w, x := prepared(t, kind, mem.Options{})
	calls := w.cutAt(n, how)
	w.armed.Store(true)
	e := w.eraser()
	j, err := e.Start(t.Context(), x.sel, x.opt)
	if err == nil {
		_, err = e.Sweep(t.Context(), j.ID)
	}
	w.armed.Store(false)
	if err == nil && calls.Load() < n {
		survived = true
	}
	if j == nil {
		j = w.resume(x)
	}
	j = w.sweep(j.ID)
	same(t, "removed", x.want, removed(j))
	if a, b := len(w.items(w.acme)), len(w.items(w.acme2)); a != x.acme || b != x.acme2 {
		t.Fatalf("cut %d: %d and %d items are left, want %d and %d", n, a, b, x.acme, x.acme2)
	}
	if next, err := w.ledger().StartWaiting(t.Context()); err != nil || len(next) > 0 {
		t.Fatalf("started %v, %v", next, err)
	}
	w.quiet()
	return survived
}

// cutAt makes the n-th call fail, before or after it is applied, alone or with
// all that follow, and counts the calls.
func (w *world) cutAt(n int64, how string) *atomic.Int64 {
	var calls atomic.Int64
	fail := func(mem.Op) error {
		if c := calls.Load(); c == n || c > n && strings.HasSuffix(how, "dead") {
			return fault.New(fault.Unavailable, "cut", "the test cut it here")
		}
		return nil
	}
	w.before = func(op mem.Op) error {
		if calls.Add(1) > n || strings.HasPrefix(how, "before") {
			return fail(op)
		}
		return nil
	}
	if strings.HasPrefix(how, "after") {
		w.after = fail
	}
	return &calls
}

// resume finds the job of an erase that was cut while it was started: either
// all of that has happened, or nothing.
func (w *world) resume(x expectation) *job.Job {
	w.t.Helper()
	open, err := w.ledger().Open(w.t.Context())
	must(w.t, err)
	if len(open) > 0 {
		return open[0]
	}
	return w.start(x.sel, x.opt)
}

func TestAnEngineAtItsWorst(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for seed := range uint64(5) {
					w, x := prepared(t, kind, mem.Options{Seed: seed, Busy: 0.2, Partial: 0.5})
					same(t, "removed", x.want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
					if a, b := len(w.items(w.acme)), len(w.items(w.acme2)); a != x.acme || b != x.acme2 {
						t.Fatalf("%d and %d items are left", a, b)
					}
					w.quiet()
				}
			})
		})
	}
}

// A manual customer that is made again while its erase is under way survives
// and is not counted, unless it had vanished before.
func TestARowMadeAgainMeanwhileSurvives(t *testing.T) {
	t.Parallel()
	for n := int64(1); ; n++ {
		w := seeded(t, mem.Options{})
		j := w.start(eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{})
		d := w.directory()
		key := w.acme.Space().Customer(customerH(d.Hasher(), 2))
		again := table.Item{Key: key, Attrs: attrs(d.ManualEpoch, "external_id", "cus-2", "name", "anew")}
		var calls atomic.Int64
		was := false
		w.before = func(mem.Op) error {
			if calls.Add(1) != n {
				return nil
			}
			found, err := w.st.Lookup(t.Context(), key)
			_, was = found[key]
			if err != nil {
				return err
			}
			return w.st.Write(t.Context(), []table.Write{{Item: again}})
		}
		w.armed.Store(true)
		j = w.sweep(j.ID)
		w.armed.Store(false)
		want := counts(7)
		if was {
			want["customers"]--
		}
		same(t, "removed", want, removed(j))
		if calls.Load() < n {
			if n < 20 {
				t.Fatalf("the sweep made only %d calls", n)
			}
			return
		}
		same(t, "the row made again", string(again.Attrs), w.items(w.acme)[key.PK+" "+key.SK])
	}
}

func TestASweepStopsBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, x := prepared(t, kind, mem.Options{})
				j := w.start(x.sel, x.opt)
				w.before = func(mem.Op) error { time.Sleep(200 * time.Millisecond); return nil }
				runs := 0
				for done := false; !done; runs++ {
					func() {
						w.armed.Store(true)
						defer w.armed.Store(false)
						ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
						defer cancel()
						var err error
						done, err = w.eraser().Sweep(ctx, j.ID)
						must(t, err)
						must(t, ctx.Err())
					}()
				}
				j = w.sweep(j.ID)
				same(t, "removed", x.want, removed(j))
				if runs < 2 && (kind == "source" || kind == "manual") {
					t.Fatalf("%d run did it all: nothing was tested", runs)
				}
				w.quiet()
			})
		})
	}
}

// What a late writer puts under an erased epoch goes too, and is counted.
func TestNothingIsVerifiedWhileALateWriterMayBeLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, mem.Options{})
		w.settle = 30 * time.Second
		j := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
		go func() {
			time.Sleep(29 * time.Second)
			sp, hr := w.acme.Space(), w.directory().Hasher()
			for i := range 3 {
				w.put(table.Item{Key: sp.Customer(customerH(hr, 100+i)), Attrs: attrs(0)})
			}
		}()
		short, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if done, err := w.eraser().Sweep(short, j.ID); done || err != nil {
			t.Fatalf("done %v, %v: before a late writer must have ended", done, err)
		}
		began := time.Now()
		want := withPlans(counts(12))
		want["customers"] += 3
		same(t, "removed", want, removed(w.sweep(j.ID)))
		if time.Since(began) < 29*time.Second || len(w.items(w.acme)) > 0 {
			t.Fatalf("verified after %v, %d items are left", time.Since(began), len(w.items(w.acme)))
		}
	})
}

func TestErasesAndImportsOfASourceTakeTurns(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	ctx, l := t.Context(), w.ledger()
	running, err := l.Create(ctx, &job.Job{Kind: job.Import, Tag: w.acme.Tag})
	must(t, err)
	manual := w.start(eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{})
	source := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
	if source.Status != job.Waiting || manual.Status != job.Running {
		t.Fatalf("the erases are %s and %s", source.Status, manual.Status)
	}
	if _, there := w.directory().ByUUID(w.acme.UUID); there {
		t.Fatal("an erase that waits does not hide")
	}
	before := len(w.items(w.acme))
	for _, id := range []string{source.ID, manual.ID} {
		if done, err := w.eraser().Sweep(ctx, id); done || err != nil {
			t.Fatalf("done %v, %v: while an import has the source", done, err)
		}
	}
	if len(w.items(w.acme)) != before || len(w.items(w.acme2)) != 2*perCustomer+planItems {
		t.Fatal("the source that is held was touched, or the free one was not swept")
	}
	_, next, err := l.End(ctx, running.ID, func(j *job.Job) error { j.Status = job.Failed; return nil })
	must(t, err)
	same(t, "the next job", source.ID, next.ID)
	same(t, "removed of the source", withPlans(counts(12)), removed(w.sweep(source.ID)))
	same(t, "removed of the other", counts(2), removed(w.sweep(manual.ID)))
	w.quiet()
}

func TestAnEndedEraseStartsWhoWaited(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	x := selections(w)["customer"]
	j := w.start(x.sel, x.opt)
	waiting, err := w.ledger().Create(t.Context(), &job.Job{Kind: job.Import, Tag: w.acme.Tag})
	must(t, err)
	w.sweep(j.ID)
	same(t, "dispatched", []string{waiting.ID}, w.dispatch)
}

// Two sweeps of one job never both count.
func TestTwoSweepsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, mem.Options{Limits: table.Limits{Get: 100, Write: 25, Transact: 10, Parallel: 4}})
		w.seed(w.acme, 12, 5)
		j := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
		w.before = func(mem.Op) error { time.Sleep(time.Second); return nil }
		w.armed.Store(true)
		go func() {
			time.Sleep(8 * time.Second) // the first has the lead by now
			if done, err := w.eraser().Sweep(t.Context(), j.ID); done || err != nil {
				t.Errorf("the second sweep: %v %v", done, err)
			}
		}()
		same(t, "removed", withPlans(counts(12)), removed(w.sweep(j.ID)))
		time.Sleep(time.Minute)
	})
}

func TestACustomerLeavesWhatIsNotIts(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	hr, sp := w.directory().Hasher(), w.acme.Space()
	line := hr.External(store.KindLineItem, "line-3")
	taken := table.Item{Key: sp.External(store.KindLineItem, line), Attrs: attrs(0, "invoice", invoiceH(hr, 4).String())}
	w.put(taken) // the external id points to a line of another invoice by now
	x := selections(w)["customer"]
	want := maps.Clone(x.want)
	want["id_pointers"]--
	same(t, "removed", want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
	same(t, "the other's pointer", string(taken.Attrs), w.items(w.acme)[taken.PK+" "+taken.SK])
	w.put(customer(hr, sp, 3, 0)...) // and it can live anew
	same(t, "removed again", counts(1), removed(w.sweep(w.start(x.sel, x.opt).ID)))
}

func TestACustomerWithManyInvoicesAndEvents(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	hr, sp := w.directory().Hasher(), w.acme.Space()
	h := customerH(hr, 3)
	for i := range 130 {
		inv := invoiceH(hr, 1000+i)
		event := hr.External(store.KindEvent, string(rune('a'+i))).EventID()
		w.put(
			table.Item{Key: sp.Owner(h, inv), Attrs: attrs(0)},
			table.Item{Key: sp.Invoice(inv), Attrs: attrs(0, "customer", "cus-3")},
			table.Item{Key: sp.Event(h, event), Attrs: attrs(0)},
			table.Item{Key: sp.ExternalEvent(event), Attrs: attrs(0, "customer", h.String())},
		)
	}
	want := counts(1)
	want.Add(eraser.Counts{"invoices": 130, "invoice_pointers": 130, "subscription_events": 130, "id_pointers": 130})
	j := w.sweep(w.start(eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: h}, eraser.Options{}).ID)
	same(t, "removed", want, removed(j))
	same(t, "what is left", 11*perCustomer+planItems, len(w.items(w.acme)))
}

func TestFilesGoWithTheSource(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	ctx, l := t.Context(), w.ledger()
	put := func(key string) {
		t.Helper()
		must(t, w.objects.Put(ctx, key, strings.NewReader("text")))
	}
	past := func(tag store.Tag, object string) *job.Job {
		t.Helper()
		j, err := l.Create(ctx, &job.Job{
			Kind: job.Import, Tag: tag,
			Import: &job.ImportSpec{Files: []job.File{{Name: "ada.csv", Object: object, Header: []string{"Ada"}}}, Failing: "it fails"},
		})
		must(t, err)
		_, _, err = l.End(ctx, j.ID, func(j *job.Job) error {
			j.Status, j.Error, j.Notes = job.Failed, "ada.csv: line 2 is no row", []string{"ada.csv: columns ignored: Ada"}
			return nil
		})
		must(t, err)
		put(object)
		put(j.Prefix() + "rejects.csv")
		return j
	}
	ours := past(w.acme.Tag, "uploads/Acme/a.csv")
	past(w.acme.Tag, "uploads/ds_1/b.csv")
	past(w.acme.Tag, "uploads/shared.csv")
	other := past(w.acme2.Tag, "uploads/Acme2/a.csv")
	past2 := past(w.acme2.Tag, "uploads/shared.csv")
	put("uploads/Acme/never-read.csv")
	put("uploads/Acme.csv")
	w.sweep(w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{}).ID)
	names, err := w.objects.Names(ctx, "")
	must(t, err)
	want := []string{
		other.Prefix() + "rejects.csv", past2.Prefix() + "rejects.csv",
		"uploads/Acme.csv", "uploads/Acme2/a.csv", "uploads/shared.csv",
	}
	same(t, "the files that are left", want, names)
	ours, err = l.Get(ctx, ours.ID)
	must(t, err)
	same(t, "what is known of its files", []job.File{{Name: "file 1"}}, ours.Import.Files)
	if ours.Error == "" || strings.Contains(ours.Error, "ada") || strings.Contains(strings.Join(ours.Notes, ""), "Ada") {
		t.Errorf("it still says %q %q", ours.Error, ours.Notes)
	}
	others, err := l.Get(ctx, other.ID)
	must(t, err)
	same(t, "the other's files", other.Import.Files, others.Import.Files)
}

// Uploads whose request died before there was an import of them go with any erase in their source, since they may name what
// is erased. What is younger, what an import waits for, and what people have put there by themselves stays.
func TestUploadsOfNoImportGo(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		kind eraser.Kind
		goes []string
	}{
		{eraser.Content, []string{"ds_1"}},
		{eraser.Customer, []string{"ds_1"}},
		{eraser.ManualCustomers, []string{"ds_1", "ds_2"}},
		{eraser.Invoice, nil},
	} {
		t.Run(string(x.kind), func(t *testing.T) {
			t.Parallel()
			w := seeded(t, mem.Options{})
			put := func(folder, name string) string {
				key := "uploads/" + folder + "/" + name
				must(t, w.objects.Put(t.Context(), key, strings.NewReader("text")))
				return key
			}
			posted := func(minutes int64) string { // from now
				id := uuid.Must(uuid.NewV7())
				for i, ms := 0, time.Now().UnixMilli()+60_000*minutes; i < 6; i++ {
					id[i] = byte(ms >> (40 - 8*i))
				}
				return id.String() + "/input"
			}
			var want []string
			for _, folder := range []string{"ds_1", "ds_2"} {
				waits := put(folder, posted(-1))
				_, err := w.ledger().Create(t.Context(), &job.Job{
					Kind: job.Import, Status: job.Planned, Tag: 77, Import: &job.ImportSpec{Files: []job.File{{Object: waits}}},
				})
				must(t, err)
				want = append(want, waits, put(folder, "own/input"), put(folder, uuid.NewString()+"/input"), put(folder, "own.csv"))
				if stray := put(folder, posted(-1)); !slices.Contains(x.goes, folder) {
					want = append(want, stray)
				}
			}
			sel := eraser.Selection{Kind: x.kind, Source: w.acme.UUID}
			switch hr := w.directory().Hasher(); x.kind { //nolint:exhaustive // the others name no record
			case eraser.ManualCustomers:
				sel.Source = ""
			case eraser.Customer:
				sel.H = customerH(hr, 3)
			case eraser.Invoice:
				sel.H = invoiceH(hr, 3)
			}
			j := w.start(sel, eraser.Options{})
			want = append(want, put("ds_1", posted(+1)))
			w.sweep(j.ID)
			names, err := w.objects.Names(t.Context(), "")
			must(t, err)
			slices.Sort(want)
			same(t, "the files that are left", want, names)
		})
	}
}

func TestANewUploadUnderTheNameOfAnErasedSourceStays(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	must(t, w.objects.Put(t.Context(), "uploads/Acme/old.csv", strings.NewReader("old")))
	j := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
	must(t, w.objects.Put(t.Context(), "uploads/Acme/new.csv", strings.NewReader("new")))
	w.sweep(j.ID)
	if _, err := w.objects.Stat(t.Context(), "uploads/Acme/new.csv"); err != nil {
		t.Fatal(err)
	}
}

// purger is a table that has to be told where deleted bytes are to leave the disk.
type purger struct {
	*mem.Driver
	pks []string
}

func (p *purger) Purge(_ context.Context, pks []string) error {
	p.pks = append(p.pks, pks...)
	return nil
}

// Where manual rows have come into a new epoch of a source, their bytes leave the disk there too.
func TestNewEpochsArePurgedToo(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	disk := &purger{Driver: w.driver}
	w.st = store.New(disk)
	j := w.start(eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{})
	_, err := w.st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.RaiseEpochs(w.acme.UUID, store.Epochs{Customers: 1})
		return nil, nil
	})
	must(t, err)
	now, _ := w.directory().ByUUID(w.acme.UUID)
	late := now.Space().Customer(customerH(w.directory().Hasher(), 50))
	w.put(table.Item{Key: late, Attrs: attrs(j.Erase.ManualWas)})
	w.sweep(j.ID)
	if _, there := w.items(now)[late.PK+" "+late.SK]; there {
		t.Error("the row in the new epoch is left")
	}
	if !slices.Contains(disk.pks, late.PK) || !slices.Contains(disk.pks, w.acme.Space().CustomerPK(0)) {
		t.Errorf("purged: %q", disk.pks)
	}
}

func TestOnlyErasesAreSwept(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	j, err := w.ledger().Create(t.Context(), &job.Job{Kind: job.Import, Tag: w.acme.Tag})
	must(t, err)
	_, err = w.eraser().Sweep(t.Context(), j.ID)
	wantFault(t, err, fault.Invalid)
	_, err = w.eraser().Sweep(t.Context(), "none")
	wantFault(t, err, fault.NotFound)
}

// A pointer may be left that leads to an invoice of another customer by now.
func TestAStalePointerDoesNotCostAnotherItsInvoice(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"customer", "customer invoices"} {
		w, x := prepared(t, kind, mem.Options{})
		hr, sp := w.directory().Hasher(), w.acme.Space()
		w.put(table.Item{Key: sp.Owner(customerH(hr, 3), invoiceH(hr, 4)), Attrs: attrs(0)})
		key := sp.Invoice(invoiceH(hr, 4))
		want := maps.Clone(x.want)
		want["invoice_pointers"]++
		same(t, "removed", want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
		if _, there := w.items(w.acme)[key.PK+" "+key.SK]; !there {
			t.Fatal("the other's invoice is gone")
		}
	}
}

// The largest customer that can be merged, of two sources and to be forgotten, is hidden and restored in one transaction each.
func TestTheLargestMergedCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mem.Options{Limits: table.Limits{Get: 100, Write: 25, Transact: 100, Parallel: 4, Exclusive: true}}) // DynamoDB's
	w.seed(w.acme, edit.MaxMerged/2, 0)
	w.seed(w.acme2, edit.MaxMerged/2, 0)
	w.seed(w.acme, edit.MaxMerged/2+1, 0) // and a bystander
	hr, edits := w.directory().Hasher(), edit.New(w.st, time.Now)
	root := edit.Ref{Tag: w.acme.Tag, H: customerH(hr, 0)}
	for i := range edit.MaxMerged / 2 {
		for _, from := range []edit.Ref{{Tag: w.acme.Tag, H: customerH(hr, i)}, {Tag: w.acme2.Tag, H: customerH(hr, i)}} {
			if from != root {
				must(t, edits.Merge(t.Context(), from, root, "anna"))
			}
		}
	}
	sel, grace := eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: root.H}, time.Hour
	j := w.start(sel, eraser.Options{Grace: &grace, Forget: true})
	same(t, "tombstones", edit.MaxMerged, w.directory().TombstoneCount())
	_, err := w.eraser().Restore(t.Context(), j.ID)
	must(t, err)
	w.quiet()
	w.sweep(w.start(sel, eraser.Options{Forget: true}).ID)
	w.quiet()
	if d := w.directory(); d.Hidden(w.acme.Tag, store.KindCustomer, root.H) || len(w.items(w.acme2)) > planItems {
		t.Error("something is left of it")
	}
	if found, err := w.st.Get(t.Context(), w.acme.Space().Customer(customerH(hr, edit.MaxMerged/2))); err != nil || len(found) != 1 {
		t.Errorf("a bystander is gone, %v", err)
	}
}
