package importer_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// pulls is the import of a pull of a billing system that has frozen these lines, and brings all of every dataset. customer is
// the only one that it is about, or empty.
func (l *line) pulls(t tester, src store.Source, customer string, most int, plan bool, text string) *job.Job {
	t.Helper()
	l.pass(time.Minute)
	files := l.put(t.Context(), t, []input{{name: "mapped.ndjson", body: []byte(text)}})
	files[0].Records = true
	for _, ds := range billing.Order() {
		if ds != billing.Cancellations {
			files[0].Datasets = append(files[0].Datasets, string(ds))
		}
	}
	j, err := l.Pull(t.Context(), src, &job.Job{Import: &job.ImportSpec{
		Files: files, Origin: job.ByPull, Mode: job.Replace, MaxRemoved: most, Plan: plan, Datasets: []string{job.RejectedStay},
		Pull: &job.PullSpec{Whole: true, Customer: customer},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return l.finished(t, j.ID)
}

// account are the lines of customers, each with a plan of its own, a contact, two invoices with a line item and a payment, and an
// event.
func account(customers ...string) string {
	var b strings.Builder
	line := func(ds billing.Dataset, format string, args ...any) {
		fmt.Fprintf(&b, `{"dataset":%q,`+format+"}\n", append([]any{ds}, args...)...)
	}
	for _, c := range customers {
		line(billing.Plans, `"external_id":"plan-%[2]s","name":"Plan %[2]s","interval_count":1,"interval_unit":"month"`, c)
		line(billing.Customers, `"external_id":%q,"name":"Name"`, c)
		line(billing.Contacts, `"customer_external_id":%[2]q,"external_id":"k-%[2]s","email":"k@example.com"`, c)
		for n := range 2 {
			in := fmt.Sprintf("%s-%d", c, n)
			line(billing.Invoices, `"external_id":%q,"customer_external_id":%q,"date":"2026-01-01","currency":"EUR"`, in, c)
			line(billing.LineItems, `"external_id":"l-%[2]s","invoice_external_id":%[2]q,"type":"subscription","subscription_external_id":"s-%[3]s","plan_external_id":"plan-%[3]s","service_period_start":"2026-01-01","service_period_end":"2026-02-01","amount_in_cents":1000`, in, c)
			line(billing.Transactions, `"external_id":"t-%[2]s","invoice_external_id":%[2]q,"type":"payment","result":"successful","date":"2026-01-02"`, in)
		}
		line(billing.Events, `"customer_external_id":%[2]q,"external_id":"e-%[2]s","subscription_external_id":"s-%[2]s","event_type":"subscription_cancelled","event_date":"2026-02-01","effective_date":"2026-02-01"`, c)
	}
	return b.String()
}

// lacking are lines without those that say one of these things.
func lacking(text string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(strings.SplitAfter(text, "\n"), func(line string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(line, part) })
	}), "")
}

func notMapped(ds billing.Dataset, id string) string {
	if id != "" {
		id = fmt.Sprintf(`"external_id":%q,`, id)
	}
	return fmt.Sprintf(`{"dataset":%q,%s"_reject":{"code":"shop_odd","column":"total","object":"o_1","reason":"It is odd. https://shop.example.com/o_1"}}`+"\n", ds, id)
}

// eachPull does a test on pulls that one worker does in memory, and that are cut into pieces.
func eachPull(t *testing.T, test func(*testing.T, *line, store.Source)) {
	t.Helper()
	for name, sizes := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), sizes[0], sizes[1])
			setSecret(t, l)
			test(t, l, l.source(t, "S"))
		})
	}
}

// contents are the stored items without their stamps.
func (l *line) contents(t tester, src store.Source) map[table.Key]string {
	t.Helper()
	out := map[table.Key]string{}
	for k, attrs := range l.dump(t, src) {
		out[k] = string(table.Attrs(attrs).Content())
	}
	return out
}

func isDone(t tester, j *job.Job) *job.Job {
	t.Helper()
	if j.Status != job.Done {
		t.Fatalf("job is %s: %s%s", j.Status, j.Error, j.Import.Confirm)
	}
	return j
}

func noted(t tester, j *job.Job, part string) {
	t.Helper()
	if !slices.ContainsFunc(j.Notes, func(n string) bool { return strings.Contains(n, part) }) {
		t.Errorf("no note says %q: %q", part, j.Notes)
	}
}

// An invoice that could not be mapped stays as it is stored, with its line items, its payment, its customer and its plan, which
// the input all lacks. What else the input lacks goes. The pull before is as it was after an undo.
func TestWhatCouldNotBeMappedStays(t *testing.T) {
	t.Parallel()
	eachPull(t, func(t *testing.T, l *line, src store.Source) {
		t.Helper()
		isDone(t, l.pulls(t, src, "", 100, false, account("a", "b", "c")))
		was := l.contents(t, src)
		text := account("a") + notMapped(billing.Invoices, "b-0")
		j := isDone(t, l.pulls(t, src, "", 100, false, text))
		for ds, want := range map[string]int64{"plans": 1, "customers": 1, "contacts": 2, "invoices": 3, "line_items": 3, "transactions": 3, "subscription_events": 2} {
			if got := j.Datasets[ds].Removed; got != want {
				t.Errorf("%d %s removed, want %d", got, ds, want)
			}
		}
		if j.Rejects != 1 || len(j.Reasons) != 1 || j.Reasons[0].Code != "shop_odd" || j.Reasons[0].Column != "total" {
			t.Errorf("rejects: %+v", j.Reasons)
		}
		if text := l.rejects(t, j); !strings.Contains(text, "https://shop.example.com/o_1") || !strings.Contains(text, `"object":"o_1"`) || !strings.Contains(text, `"external_id":"b-0"`) {
			t.Errorf("rejects: %s", text)
		}
		noted(t, j, "3 rows were kept as they are, because what the input says of them was rejected.")
		noted(t, j, "2 rows were kept although the input lacks them, because rows that stay belong to them, such as to the plan plan-b")
		isDone(t, l.pulls(t, src, "", 100, false, account("a")+lacking(account("b"), `"contacts"`, `"subscription_events"`, "b-1")))
		if again := isDone(t, l.pulls(t, src, "", 100, false, text)); again.Cost.WriteMilli != 0 {
			t.Errorf("the same once more: %s", counts(again))
		}
		undo, err := l.Undo(t.Context(), j.ID, importer.UndoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		isDone(t, l.finished(t, undo.ID))
		same(t, l.contents(t, src), was)
	})
}

// A plan of such a pull says what it will do, and does that when it is applied.
func TestPlanOfAPullWithRejects(t *testing.T) {
	t.Parallel()
	eachPull(t, func(t *testing.T, l *line, src store.Source) {
		t.Helper()
		isDone(t, l.pulls(t, src, "", 100, false, account("a", "b", "c")))
		plan := l.pulls(t, src, "", 100, true, account("a")+notMapped(billing.Events, "e-b"))
		if plan.Status != job.Planned {
			t.Fatal(plan.Status, plan.Error)
		}
		samples, err := l.Samples(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		var gone []string
		for _, c := range samples {
			if c.Dataset == billing.Customers {
				gone = append(gone, fmt.Sprint(c.Before["external_id"]))
			}
		}
		if !slices.Equal(gone, []string{"c"}) {
			t.Errorf("customers that the plan removes: %v", gone)
		}
		announced := l.changes(t, plan)
		before := l.dump(t, src)
		j := isDone(t, l.applied(t, plan))
		var removed int64
		for _, c := range j.Datasets {
			removed += c.Removed
		}
		if int64(len(announced)) != removed || j.Import.Estimate.Changes != removed || j.Datasets["customers"].Removed != 1 {
			t.Errorf("announced %d, estimated %d, removed %d: %s", len(announced), j.Import.Estimate.Changes, removed, counts(j))
		}
		if after := l.dump(t, src); len(before)-len(after) < int(removed) {
			t.Errorf("%d items, then %d, of which %d rows were removed", len(before), len(after), removed)
		}
	})
}

// A reject without an id may be any row of its dataset: nothing of it is removed, nor what its rows need. Rows of other
// datasets go.
func TestRejectWithoutAnID(t *testing.T) {
	t.Parallel()
	eachPull(t, func(t *testing.T, l *line, src store.Source) {
		t.Helper()
		isDone(t, l.pulls(t, src, "", 100, false, account("a", "b")))
		j := isDone(t, l.pulls(t, src, "", 100, false, account("a")+notMapped(billing.Events, "")))
		for ds, want := range map[string]int64{"plans": 0, "customers": 0, "contacts": 1, "invoices": 2, "line_items": 2, "transactions": 2, "subscription_events": 0} {
			if got := j.Datasets[ds].Removed; got != want {
				t.Errorf("%d %s removed, want %d", got, ds, want)
			}
		}
		noted(t, j, "3 rows were kept although the input lacks them, because 1 row was rejected whose ID is not known")
		if j = isDone(t, l.pulls(t, src, "", 100, false, account("a"))); j.Datasets["customers"].Removed != 1 || j.Datasets["subscription_events"].Removed != 1 {
			t.Errorf("once there is no reject: %s", counts(j))
		}
	})
}

// More customers than a job names one by one stay because of rejects: then no customer is removed.
func TestManyThatRejectedRowsNeed(t *testing.T) {
	t.Parallel()
	eachPull(t, func(t *testing.T, l *line, src store.Source) {
		t.Helper()
		var first, kept []string
		rejects := ""
		for n := range 260 {
			id := fmt.Sprintf("c%03d", n)
			if first = append(first, id); n < 230 {
				kept = append(kept, id)
				rejects += notMapped(billing.Events, "e-"+id)
			}
		}
		isDone(t, l.pulls(t, src, "", 100, false, account(first...)))
		j := isDone(t, l.pulls(t, src, "", 100, false, account("z")+rejects))
		if j.Datasets["customers"].Removed != 0 || j.Datasets["subscription_events"].Removed != 30 || j.Datasets["plans"].Removed != 260 {
			t.Errorf("%s", counts(j))
		}
		some := isDone(t, l.pulls(t, src, "", 100, false, account("z")+lacking(rejects, "e-c1", "e-c2")))
		if some.Datasets["customers"].Removed != 160 || some.Datasets["subscription_events"].Removed != 130 {
			t.Errorf("%d kept: %s", len(kept), counts(some))
		}
	})
}

// A dataset of which a pull brings nothing any more is emptied, once somebody has said yes.
func TestDatasetOfWhichNothingCame(t *testing.T) {
	t.Parallel()
	eachPull(t, func(t *testing.T, l *line, src store.Source) {
		t.Helper()
		isDone(t, l.pulls(t, src, "", 20, false, account("a", "b")))
		j := l.pulls(t, src, "", 20, false, lacking(account("a", "b"), `"subscription_events"`))
		if j.Status != job.Planned || !strings.Contains(j.Import.Confirm, "2 of 2 stored rows of subscription_events") {
			t.Fatalf("%s %q", j.Status, j.Import.Confirm)
		}
		if j = isDone(t, l.applied(t, j)); j.Datasets["subscription_events"].Removed != 2 {
			t.Error(counts(j))
		}
		if j = l.pulls(t, src, "", 20, false, ""); j.Status != job.Planned {
			t.Errorf("an account that has become empty: %s %s", j.Status, j.Error)
		}
	})
}

// Versions that do not know these rules refuse such a job.
func TestYesterdaysWorkersLeaveSuchPullsAlone(t *testing.T) {
	t.Parallel()
	eachPull(t, func(t *testing.T, l *line, src store.Source) {
		t.Helper()
		j := isDone(t, l.pulls(t, src, "", 100, false, account("a")))
		if !slices.Contains(j.Import.Datasets, job.RejectedStay) || slices.Contains(billing.Datasets(), billing.Dataset(job.RejectedStay)) {
			t.Errorf("datasets %v", j.Import.Datasets)
		}
		if _, listed := j.Datasets[job.RejectedStay]; listed {
			t.Errorf("people see it: %s", counts(j))
		}
	})
}

// itemsOf tells the items of some customers, with their pointers, from all others.
func (l *line) itemsOf(t tester, src store.Source, customers ...string) (of, others map[table.Key]string) {
	t.Helper()
	hr := l.hasher(t)
	of, others = map[table.Key]string{}, l.dump(t, src)
	for _, c := range customers {
		var hs []string
		for _, h := range []store.H{hr.CustomerH(c), hr.InvoiceH(c + "-0"), hr.InvoiceH(c + "-1")} {
			hs = append(hs, h.String())
		}
		maps.DeleteFunc(others, func(k table.Key, attrs string) bool {
			is := slices.ContainsFunc(hs, func(h string) bool { return strings.Contains(k.SK, h) || strings.Contains(attrs, h) })
			if is {
				of[k] = attrs
			}
			return is
		})
	}
	return of, others
}

// A pull of one customer changes, adds and removes rows of that one, and touches no row of a bystander in the same source. It
// reads no more for a large source.
func TestPullOfOneCustomer(t *testing.T) {
	t.Parallel()
	eachPull(t, func(t *testing.T, l *line, src store.Source) {
		t.Helper()
		all := account("a", "b", "c", "d")
		isDone(t, l.pulls(t, src, "", 100, false, all))
		was := l.contents(t, src)
		_, bystanders := l.itemsOf(t, src, "b")
		text := strings.ReplaceAll(lacking(account("b"), "b-1", `"contacts"`), `"Name"`, `"Changed"`) +
			`{"dataset":"plans","external_id":"new","name":"New","interval_count":1,"interval_unit":"year"}` + "\n"
		j := isDone(t, l.pulls(t, src, "b", 100, false, text))
		for ds, want := range map[string]job.Counts{
			"plans": {Read: 2, Added: 1, Unchanged: 1}, "customers": {Read: 1, Changed: 1}, "contacts": {Removed: 1}, "invoices": {Read: 1, Unchanged: 1, Removed: 1},
			"line_items": {Read: 1, Unchanged: 1, Removed: 1}, "transactions": {Read: 1, Unchanged: 1, Removed: 1}, "subscription_events": {Read: 1, Unchanged: 1},
		} {
			if j.Datasets[ds] != want {
				t.Errorf("%s: %+v, want %+v", ds, j.Datasets[ds], want)
			}
		}
		_, after := l.itemsOf(t, src, "b")
		maps.DeleteFunc(after, func(k table.Key, attrs string) bool {
			return bystanders[k] == "" && store.PlaceOf(k.SK) == store.WithPlans
		})
		same(t, after, bystanders)
		if again := isDone(t, l.pulls(t, src, "b", 100, false, text)); again.Cost.WriteMilli != 0 {
			t.Errorf("the same once more: %s", counts(again))
		}
		undo, err := l.Undo(t.Context(), j.ID, importer.UndoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		isDone(t, l.finished(t, undo.ID))
		same(t, l.contents(t, src), was)
		// The customer is gone from the billing system, with all that it had.
		isDone(t, l.pulls(t, src, "b", 100, false, ""))
		of, after := l.itemsOf(t, src, "b")
		if len(of) != 0 {
			t.Errorf("%d items of the customer are left", len(of))
		}
		same(t, after, bystanders)
	})
}

// Rows of a pull of one customer that are about somebody else are rejected, and change nothing; also an invoice that is stored
// as another customer's.
func TestPullOfOneCustomerBringsNobodyElse(t *testing.T) {
	t.Parallel()
	eachPull(t, func(t *testing.T, l *line, src store.Source) {
		t.Helper()
		isDone(t, l.pulls(t, src, "", 100, false, account("a", "b", "c")))
		_, bystanders := l.itemsOf(t, src, "b")
		theirs := strings.ReplaceAll(account("a"), `"Name"`, `"Changed"`)
		taken := strings.ReplaceAll(lacking(account("c"), `"plans"`, `"customers"`, `"contacts"`, `"subscription_events"`), `"customer_external_id":"c"`, `"customer_external_id":"b"`)
		j := isDone(t, l.pulls(t, src, "b", 100, false, account("b")+lacking(theirs, `"plans"`)+taken))
		codes := map[string]int{}
		for line := range strings.Lines(l.rejects(t, j)) {
			_, code, _ := strings.Cut(line, `"code":"`)
			code, _, _ = strings.Cut(code, `"`)
			codes[code]++
		}
		// a's customer, contact, invoices and event, and c's invoices; the line items and transactions of both
		if codes["other_customer"] != 5+2 || codes["unknown_invoice"] != 8 || len(codes) != 2 {
			t.Errorf("rejects: %v", codes)
		}
		_, after := l.itemsOf(t, src, "b")
		same(t, after, bystanders)
		if of, _ := l.itemsOf(t, src, "b"); len(of) == 0 || j.Datasets["invoices"].Removed != 0 {
			t.Errorf("%s", counts(j))
		}
	})
}

// What a pull of one customer reads does not grow with the source.
func TestWhatAPullOfOneCustomerReads(t *testing.T) {
	t.Parallel()
	spent := func(customers int) table.Cost {
		l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
		setSecret(t, l)
		src := l.source(t, "S")
		ids := []string{"a"}
		for n := range customers {
			ids = append(ids, fmt.Sprintf("other-%d", n))
		}
		text := lacking(account(ids...), `"plans"`)
		text = strings.ReplaceAll(text, `"plan_external_id":"plan-`, `"description":"`)
		text = strings.ReplaceAll(text, `"type":"subscription"`, `"type":"one_time"`)
		isDone(t, l.pulls(t, src, "", 100, false, text))
		return isDone(t, l.pulls(t, src, "a", 100, false, lacking(text, "other-"))).Cost
	}
	small, large := spent(2), spent(700)
	if large.ReadMilli > small.ReadMilli+small.ReadMilli/5 || large.WriteMilli != 0 {
		t.Errorf("%d thousandths of a read unit in a source of 3 customers, %d in one of 701", small.ReadMilli, large.ReadMilli)
	}
	t.Logf("%d and %d", small.ReadMilli, large.ReadMilli)
}

// A row of a customer on the do-not-reload list keeps nothing, although it has no id of its own: it is known whose it is.
func TestForgottenRowsWithholdNothing(t *testing.T) {
	t.Parallel()
	eachPull(t, func(t *testing.T, l *line, src store.Source) {
		t.Helper()
		isDone(t, l.pulls(t, src, "", 100, false, account("a", "b")))
		_, err := l.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
			d.Forgets = true
			return []table.Write{{Item: table.Item{Key: store.ForgottenKey(d.Hasher().ForgottenH("S", "gone"))}}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		theirs := strings.ReplaceAll(lacking(account("gone"), `"plans"`, `"line_items"`, `"transactions"`), `"external_id":"k-gone",`, "")
		j := isDone(t, l.pulls(t, src, "", 100, false, account("a")+theirs))
		if j.Rejects == 0 || j.Datasets["contacts"].Removed != 1 || j.Datasets["customers"].Removed != 1 || len(j.Import.Withheld) > 0 {
			t.Errorf("%s, withheld %v", counts(j), j.Import.Withheld)
		}
	})
}
