package puller_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/googletest"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// The story of the sheet: pulled, changed, pulled again, a row removed, undone.
func TestAStory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab([]any{42, "Acme"}, nil, []any{"x", "Bolt"}), plansTab([]any{"gold", "Gold", 1, "month"}),
			&googletest.Tab{ID: 5, Title: "Scratch", Cells: [][]any{{"todo"}, {"call them"}}})
		first := b.done("customers +2 ~0 =0 -0 !0, plans +1 ~0 =0 -0 !0")
		same(t, "names", map[string]string{"42": "Acme", "x": "Bolt"}, b.names(b.src))
		if notes := strings.Join(first.Notes, "\n"); !strings.Contains(notes, "left out: Scratch") {
			t.Errorf("notes: %q", first.Notes)
		}
		if left := b.inputsOf(first); len(left) > 0 {
			t.Errorf("frozen tables are left: %q", left)
		}
		b.edit(func(s *googletest.Spreadsheet) {
			s.Tab("Customers").Cells[1][1] = "Acme Ltd"
			s.Tab("Customers").Cells = append(s.Tab("Customers").Cells, []any{"y", "New"}, []any{"z", "Newer"}, []any{"zz", "Newest"})
		})
		plan := b.pull(puller.Request{Plan: true})
		same(t, "a plan", job.Planned, plan.Status)
		same(t, "names before the plan is applied", map[string]string{"42": "Acme", "x": "Bolt"}, b.names(b.src))
		b.edit(func(s *googletest.Spreadsheet) { s.Tab("Customers").Cells[1][1] = "Something else" })
		_, err := b.Importer.Apply(t.Context(), plan.ID)
		must(t, err)
		b.work()
		same(t, "the plan", "customers +3 ~1 =1 -0 !0, plans +0 ~0 =1 -0 !0", counts(b.job(plan.ID)))
		b.edit(func(s *googletest.Spreadsheet) {
			s.Tab("Customers").Cells[3] = nil
			s.Tab("Customers").Cells[1][1] = "Acme Ltd"
		})
		j := b.done("customers +0 ~0 =4 -1 !0, plans +0 ~0 =1 -0 !0")
		same(t, "names", map[string]string{"42": "Acme Ltd", "y": "New", "z": "Newer", "zz": "Newest"}, b.names(b.src))
		undo, err := b.Importer.Undo(t.Context(), j.ID, importer.UndoOptions{})
		must(t, err)
		b.work()
		same(t, "the undo", job.Done, b.job(undo.ID).Status)
		same(t, "names after the undo", "Bolt", b.names(b.src)["x"])
		b.untouched()
	})
}

// A pull ends at once if nothing has changed: one call, no cells. It reads if anything has touched the
// source since, or if the last pull is younger than ten minutes.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab(many(5)...))
		now := time.Now()
		b.clock = func() time.Time { return now }
		b.done("customers +5 ~0 =0 -0 !0")
		unread := func(what string, want bool) {
			t.Helper()
			before := len(b.google.Calls())
			j := b.pull(puller.Request{})
			calls := b.google.Calls()[before:]
			if j.Status != job.Done || j.Import.Pull.Unchanged != want || want && (len(calls) != 1 || calls[0].ID != "drive.files.get") {
				t.Fatalf("%s: %s, unchanged is %t, %d calls", what, j.Status, j.Import.Pull.Unchanged, len(calls))
			}
		}
		unread("at once", false)
		now = now.Add(11 * time.Minute)
		unread("later", true)
		unread("again", true)
		b.edit(func(*googletest.Spreadsheet) {})
		unread("edited", false)
		now = now.Add(11 * time.Minute)
		unread("after the edit", true)

		touched := func(what string, touch func()) {
			t.Helper()
			touch()
			now = now.Add(11 * time.Minute)
			unread(what, false)
			now = now.Add(11 * time.Minute)
			unread("after "+what, true)
		}
		touched("an import", func() { b.upload(b.src, "Name,External ID\nOther,c00001\n") })
		touched("an undo", func() {
			j := b.upload(b.src, "Name,External ID\nOther,c00001\n")
			_, err := b.Importer.Undo(t.Context(), j.ID, importer.UndoOptions{})
			must(t, err)
			b.work()
		})
		touched("a setting", func() {
			_, err := b.Puller.Set(t.Context(), b.src.Tag, puller.Change{MaxChanged: new(60)})
			must(t, err)
		})
		b.upload(b.other, "Name,External ID\nA,a\n")
		unread("an import elsewhere", true)
		touched("a request", func() { must(t, b.rest("r", "Over REST")) })
		b.untouched()
	})
}

// An unchanged pull writes no row, although it reads the cells.
func TestNothingIsWrittenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab(many(50)...))
		b.done("customers +50 ~0 =0 -0 !0")
		b.done("customers +0 ~0 =50 -0 !0")
	})
}

// Nothing is removed because of a tab that has vanished, become empty, or lost its header: a person is
// asked, and the rows stay after a yes as well.
func TestLostTabs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*googletest.Spreadsheet)
		says   string
	}{
		"vanished":           {func(s *googletest.Spreadsheet) { s.Tabs = s.Tabs[1:] }, "No tab of the spreadsheet has rows of customers any more"},
		"renamed, no header": {func(s *googletest.Spreadsheet) { s.Tabs[0].Title, s.Tabs[0].Cells[0] = "Old", []any{"?", "!"} }, "No tab of the spreadsheet has rows of customers any more"},
		"empty":              {func(s *googletest.Spreadsheet) { s.Tabs[0].Cells = nil }, "No tab of the spreadsheet has rows of customers any more"},
		"only the header":    {func(s *googletest.Spreadsheet) { s.Tabs[0].Cells = s.Tabs[0].Cells[:1] }, "No tab of the spreadsheet has rows of customers any more"},
		"no header":          {func(s *googletest.Spreadsheet) { s.Tabs[0].Cells = s.Tabs[0].Cells[1:] }, "The tab Customers looks like a dataset's, but cannot be read"},
		"misspelt header below titles": {func(s *googletest.Spreadsheet) {
			t := s.Tabs[0]
			t.Title, t.Cells[0] = "Kunden", []any{"Exernal ID", "Name", "Email", "Company"}
			t.Cells = append([][]any{{"Our customers"}, {"2026"}}, t.Cells...)
		}, `If "Exernal ID" is "External ID"`},
		"misspelt header": {func(s *googletest.Spreadsheet) { s.Tabs[0].Cells[0][0] = "Exernal ID" }, "The tab Customers looks like a dataset's, but cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, customersTab(many(5)...), plansTab([]any{"gold", "Gold", 1, "month"}))
				b.done("customers +5 ~0 =0 -0 !0, plans +1 ~0 =0 -0 !0")
				b.edit(tt.change)
				b.edit(func(s *googletest.Spreadsheet) { s.Tab("Plans").Cells[1][1] = "Golden" })
				j := b.pull(puller.Request{})
				if j.Status != job.Planned || !strings.Contains(j.Import.Confirm, tt.says) {
					t.Fatalf("%s, %q, %q", j.Status, j.Import.Confirm, j.Error)
				}
				same(t, "customers", 5, len(b.names(b.src)))
				_, err := b.Importer.Apply(t.Context(), j.ID)
				must(t, err)
				b.work()
				same(t, "after the yes", job.Done, b.job(j.ID).Status)
				same(t, "customers after the yes", 5, len(b.names(b.src)))
				if !strings.Contains(name, "header") || name == "only the header" || strings.HasPrefix(name, "renamed") {
					b.done("plans +0 ~0 =1 -0 !0") // a yes counts from then on
				}
				b.untouched()
			})
		})
	}
}

// Of the whole spreadsheet nothing is left that can be imported.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*googletest.Spreadsheet){
		"no tabs":  func(s *googletest.Spreadsheet) { s.Tabs = nil },
		"empty":    func(s *googletest.Spreadsheet) { s.Tabs[0].Cells = nil },
		"no rows":  func(s *googletest.Spreadsheet) { s.Tabs[0].Cells = s.Tabs[0].Cells[:1] },
		"a chart":  func(s *googletest.Spreadsheet) { s.Tabs[0].Chart = true },
		"unshared": func(s *googletest.Spreadsheet) { s.Shared = nil },
		"binned":   func(s *googletest.Spreadsheet) { s.Trashed = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, customersTab(many(5)...))
				b.done("customers +5 ~0 =0 -0 !0")
				b.edit(change)
				j := b.pull(puller.Request{})
				if j.Status != job.Failed || j.Error == "" {
					t.Errorf("%s %q", j.Status, j.Error)
				}
				if name == "unshared" && !strings.Contains(j.Error, address) {
					t.Errorf("the error does not say whom to share it with: %s", j.Error)
				}
				same(t, "customers", 5, len(b.names(b.src)))
				if left := b.inputsOf(j); len(left) > 0 {
					t.Errorf("left: %q", left)
				}
			})
		})
	}
}

// A large removal, and in a pull that nobody watches also large changes, wait for a yes.
func TestLargeChangesWait(t *testing.T) {
	t.Parallel()
	sorted := func(s *googletest.Spreadsheet) {
		cells := s.Tab("Customers").Cells[1:]
		first := cells[0][1]
		for i := range cells[:len(cells)-1] {
			cells[i][1] = cells[i+1][1]
		}
		cells[len(cells)-1][1] = first
	}
	for name, tt := range map[string]struct {
		rows   int
		r      puller.Request
		change func(*googletest.Spreadsheet)
		says   string
	}{
		"watched":   {80, puller.Request{}, sorted, ""},
		"unwatched": {80, puller.Request{Unwatched: true}, sorted, "It would change 80 of 80 stored rows of customers (100.0 %), which is more than 50 %."},
		"few":       {19, puller.Request{Unwatched: true}, sorted, ""},
		"enough":    {20, puller.Request{Unwatched: true}, sorted, "It would change 20 of 20"},
		"a removal": {80, puller.Request{}, func(s *googletest.Spreadsheet) { s.Tab("Customers").Cells = s.Tab("Customers").Cells[:41] }, "It would remove 40 of 80"},
		"rows on top": {80, puller.Request{Unwatched: true}, func(s *googletest.Spreadsheet) {
			s.Tab("Customers").Cells = append([][]any{nil, {"Our customers"}, nil}, s.Tab("Customers").Cells...)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, customersTab(many(tt.rows)...))
				b.pull(puller.Request{})
				b.edit(tt.change)
				j := b.pull(tt.r)
				want := job.Done
				if tt.says != "" {
					want = job.Planned
				}
				if j.Status != want || !strings.Contains(j.Import.Confirm, tt.says) {
					t.Fatalf("%s, %q, %q, %s", j.Status, j.Import.Confirm, j.Error, counts(j))
				}
				if tt.says != "" && name != "a removal" && (len(j.Notes) == 0 || !strings.Contains(j.Notes[len(j.Notes)-1], "Alike changes of customers: name: ")) {
					t.Errorf("notes: %q", j.Notes)
				}
			})
		})
	}
}

// What came over REST or by hand stays, although the sheet lacks it; what a file has brought goes.
func TestAPullRemovesOnlyWhatImportsAdded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab(many(20)...))
		b.done("customers +20 ~0 =0 -0 !0")
		b.upload(b.src, "Name,External ID\nFrom a file,f\n")
		must(t, b.rest("r", "Over REST"))
		j := b.done("customers +0 ~0 =20 -1 !0")
		names := b.names(b.src)
		if names["r"] != "Over REST" || names["f"] != "" || len(names) != 21 {
			t.Errorf("%v; notes %q", names, j.Notes)
		}
	})
}

// Two pulls of a source never run at the same time.
func TestTwoPulls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab(many(5)...))
		j := b.begin(puller.Request{})
		_, err := b.Puller.Start(t.Context(), b.src.UUID, puller.Request{})
		if fault.CodeOf(err) != puller.CodeRunning || !strings.Contains(err.Error(), j.ID) {
			t.Fatal(err)
		}
		b.work()
		same(t, "the first", job.Done, b.job(j.ID).Status)
		b.done("customers +0 ~0 =5 -0 !0")
	})
}

// A new pull replaces the plan of an older one, and deletes its frozen tables.
func TestANewPullReplacesAPlan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab(many(5)...))
		old := b.pull(puller.Request{Plan: true})
		if old.Status != job.Planned || len(b.inputsOf(old)) == 0 {
			t.Fatalf("%s, %q", old.Status, b.inputsOf(old))
		}
		b.google.Before(func(googletest.Call) *googletest.Failure {
			return &googletest.Failure{Status: 403, Message: "The caller does not have permission"}
		})
		same(t, "one that fails", job.Failed, b.pull(puller.Request{}).Status)
		same(t, "the plan after one that fails", job.Planned, b.job(old.ID).Status)
		b.google.Before(nil)
		j := b.done("customers +5 ~0 =0 -0 !0")
		same(t, "what it replaces", old.ID, j.Import.Pull.Replaces)
		same(t, "the plan", job.Cancelled, b.job(old.ID).Status)
		if left := b.inputsOf(old); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
	})
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab(many(5)...))
		now := time.Now()
		b.clock = func() time.Time { return now }
		set := func(every time.Duration) {
			t.Helper()
			_, err := b.Puller.Set(t.Context(), b.src.Tag, puller.Change{Every: &every})
			must(t, err)
		}
		jobs := func() int {
			t.Helper()
			list, err := b.Ledger.List(t.Context(), 100, "")
			must(t, err)
			n := 0
			for _, j := range list {
				if j.Import != nil && j.Import.Pull != nil {
					n++
				}
			}
			return n
		}
		tick := func(want int) {
			t.Helper()
			must(t, b.Tick(t.Context()))
			must(t, b.Tick(t.Context()))
			b.work()
			same(t, "pulls so far", want, jobs())
		}
		tick(0)
		set(6 * time.Hour)
		tick(0)
		now = now.Add(6 * time.Hour)
		tick(1)
		now = now.Add(5 * time.Hour)
		tick(1)
		now = now.Add(time.Hour)
		running := b.begin(puller.Request{By: "a person"})
		b.queue = nil
		must(t, b.Puller.Tick(t.Context()))
		must(t, b.Puller.Tick(t.Context()))
		st, err := b.Puller.Status(t.Context(), b.src.Tag)
		must(t, err)
		same(t, "skipped", int64(1), st.Skipped)
		tick(2)
		same(t, "the one that ran", job.Done, b.job(running.ID).Status)
		now = now.Add(7 * time.Hour)
		tick(3)
		st, err = b.Puller.Status(t.Context(), b.src.Tag)
		must(t, err)
		if st.Skipped != 0 || !st.Latest.Import.Pull.Unwatched || st.Latest.Import.By != puller.BySchedule || st.ShareWith != address {
			t.Errorf("%+v", st)
		}
		set(0)
		now = now.Add(100 * time.Hour)
		tick(3)
		b.untouched()
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		for name, c := range map[string]puller.Change{
			"short": {Every: new(time.Minute)}, "long": {Every: new(1000 * time.Hour)}, "share": {MaxChanged: new(101)}, "share of removals": {MaxRemoved: new(-1)},
			"address": {Spreadsheet: new("https://example.com")},
		} {
			if _, err := b.Puller.Set(t.Context(), b.src.Tag, c); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.Puller.Set(t.Context(), b.other.Tag, puller.Change{Every: new(time.Hour)}); fault.CodeOf(err) != "no_spreadsheet" {
			t.Error(err)
		}
		if _, err := b.Puller.Start(t.Context(), b.other.UUID, puller.Request{}); fault.CodeOf(err) != "no_spreadsheet" {
			t.Error(err)
		}
		if _, err := b.Puller.Set(t.Context(), 999, puller.Change{Spreadsheet: new(sheetID)}); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

// The story that pulls are for: a customer is renamed in the sheet, and a plan's row deleted by accident.
// The preview names the cell and says how many invoices use the plan. Once the sheet is mended, the
// import changes one row, and people get one message.
func TestPreview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		afterTheSamples()
		b := newBed(t, storyTabs()...)
		b.done("customers +20 ~0 =0 -0 !0, invoices +14 ~0 =0 -0 !0, line_items +28 ~0 =0 -0 !0, plans +2 ~0 =0 -0 !0")
		var plans [][]any
		b.edit(func(s *googletest.Spreadsheet) {
			s.Tab("Customers").Cells[11][1] = "Acme Ltd"
			plans = s.Tab("Plans").Cells
			s.Tab("Plans").Cells = slices.Delete(slices.Clone(plans), 1, 2)
		})
		preview := b.pull(puller.Request{Plan: true, By: "a person"})
		same(t, "the preview", "customers +0 ~1 =19 -0 !0, invoices +0 ~0 =14 -0 !0, line_items +0 ~0 =0 -0 !28, plans +0 ~0 =1 -0 !0", counts(preview))
		same(t, "what uses the plan", []job.PlanUse{{Plan: "gold", Invoices: 14}}, preview.Import.UsedPlans)
		if notes := strings.Join(preview.Notes, "\n"); !strings.Contains(notes, "gold (used by 14 invoices)") {
			t.Errorf("notes: %q", preview.Notes)
		}
		samples, err := b.Importer.Samples(t.Context(), preview)
		must(t, err)
		if len(samples) != 1 || samples[0].Place != "Customers!B12" || samples[0].Before["name"] != "Name 10" || samples[0].After["name"] != "Acme Ltd" {
			t.Errorf("samples: %+v", samples)
		}
		b.edit(func(s *googletest.Spreadsheet) { s.Tab("Plans").Cells = plans })
		j := b.done("customers +0 ~1 =19 -0 !0, invoices +0 ~0 =14 -0 !0, line_items +0 ~0 =28 -0 !0, plans +0 ~0 =2 -0 !0")
		if len(j.Import.UsedPlans) > 0 {
			t.Errorf("plans that stay: %+v", j.Import.UsedPlans)
		}
		// The rows that used the plan go with it.
		b.edit(func(s *googletest.Spreadsheet) {
			s.Tab("Plans").Cells = slices.Delete(slices.Clone(plans), 1, 2)
			for _, row := range s.Tab("Line items").Cells[1:] {
				row[4] = "silver"
			}
		})
		j = b.pull(puller.Request{Plan: true})
		if j.Rejects > 0 || j.Datasets["plans"].Removed != 1 || len(j.Import.UsedPlans) > 0 {
			t.Errorf("%s, plans that stay: %+v", counts(j), j.Import.UsedPlans)
		}
		b.untouched()
	})
}

// A plan of which only rows that the sheet does not have are stored stays, with a count of those.
func TestPlansUsedElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		afterTheSamples()
		b := newBed(t, storyTabs()...)
		b.pull(puller.Request{})
		b.edit(func(s *googletest.Spreadsheet) {
			s.Tabs = s.Tabs[:2] // customers and plans; the rest of the rows stays
			s.Tab("Plans").Cells = slices.Delete(s.Tab("Plans").Cells, 1, 2)
		})
		j := b.pull(puller.Request{})
		same(t, "what uses the plan", []job.PlanUse{{Plan: "gold", Invoices: 14}}, j.Import.UsedPlans)
		if notes := strings.Join(j.Notes, "\n"); !strings.Contains(notes, "such as to the plan gold (used by 14 invoices)") {
			t.Errorf("notes: %q", j.Notes)
		}
		b.untouched()
	})
}

// afterTheSamples lets the clock of a bubble run until days of the tests' data are in the past.
func afterTheSamples() { time.Sleep(time.Until(time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC))) }

// storyTabs are 20 customers, two plans, and 14 invoices with two line items of plan gold each.
func storyTabs() []*googletest.Tab {
	invoices := &googletest.Tab{ID: 13, Title: "Invoices", Cells: [][]any{{"Customer external ID", "Invoice external ID", "Invoiced date", "Currency"}}}
	items := &googletest.Tab{ID: 14, Title: "Line items", Cells: [][]any{{
		"Invoice external ID", "Type", "Subscription external ID", "Amount in cents", "Plan", "Service period start", "Service period end", "Quantity",
	}}}
	for i := range 14 {
		invoice := fmt.Sprintf("i%d", i)
		invoices.Cells = append(invoices.Cells, []any{fmt.Sprintf("c%05d", i), invoice, 45292, "EUR"})
		for n := range 2 {
			items.Cells = append(items.Cells, []any{invoice, "Subscription", fmt.Sprintf("s%d-%d", i, n), 1250, "gold", 45292, 45323, 1})
		}
	}
	return []*googletest.Tab{customersTab(many(20)...), plansTab([]any{"gold", "Gold", 1, "month"}, []any{"silver", "Silver", 1, "month"}), invoices, items}
}

// Dates that are texts are read in the order of the spreadsheet's locale, and that is said. Without a
// locale that is known they are rejects, and so is a day that the locale does not have.
func TestTextDates(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]struct {
		day  string // of c00000; empty: rejected
		says string
	}{
		"en_US": {"2024-03-04", "Dates that are texts were read month first, such as 01/02/2024 for 2024-01-02, since the locale of the spreadsheet is en_US: Customers (160). If that is wrong"},
		"en_GB": {"2024-04-03", "Dates that are texts were read day first, such as 02/01/2024 for 2024-01-02"},
		"de_DE": {"2024-04-03", "day first"},
		"ja_JP": {"", ""},
		"":      {"", ""},
	} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				afterTheSamples()
				tab := &googletest.Tab{ID: 11, Title: "Customers", Cells: [][]any{{"External ID", "Name", "Lead created at"}}}
				for _, row := range many(160) { // past the first page
					tab.Cells = append(tab.Cells, append(row, "03/04/2024"))
				}
				b := newBed(t, tab)
				b.edit(func(s *googletest.Spreadsheet) { s.Locale = locale })
				j := b.pull(puller.Request{})
				notes := strings.Join(j.Notes, "\n")
				if want.day == "" {
					if j.Rejects != 160 || j.Reasons[0].Code != "not_a_date" || strings.Contains(notes, "that are texts") {
						t.Errorf("%d rejects, %q", j.Rejects, j.Notes)
					}
					return
				}
				if j.Rejects > 0 || !strings.Contains(notes, want.says) {
					t.Errorf("%d rejects, %q", j.Rejects, j.Notes)
				}
				same(t, "the day", want.day, b.leadCreated("c00000"))
				wrong := map[string]string{"en_US": "31/12/2024"}[locale] // else month first
				b.edit(func(s *googletest.Spreadsheet) { s.Tab("Customers").Cells[150][2] = cmp.Or(wrong, "12/31/2024") })
				j = b.pull(puller.Request{})
				if notes := strings.Join(j.Notes, "\n"); j.Rejects != 1 || !strings.Contains(notes, "in another order are rejected: Customers (1). Correct") {
					t.Errorf("%d rejects, %q", j.Rejects, j.Notes)
				}
				b.untouched()
			})
		})
	}
}

// leadCreated is the day on which a lead was created.
func (b *bed) leadCreated(id string) string {
	b.t.Helper()
	dir, err := b.Store.Directory(b.t.Context())
	must(b.t, err)
	src, _ := dir.ByTag(b.src.Tag)
	for shard := range src.Shards {
		q := table.Query{PK: src.Space().CustomerPK(shard), From: store.SKCustomer, To: store.After(store.SKCustomer)}
		for it, err := range b.Store.Items(b.t.Context(), q) {
			must(b.t, err)
			if ms, _ := it.Attrs.Int("lead_created_at"); it.Attrs.Str("external_id") == id {
				return time.UnixMilli(ms).UTC().Format(time.DateOnly)
			}
		}
	}
	b.t.Fatalf("there is no customer %s", id)
	return ""
}
