package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/internal/effort"
	"reseed/pkg/api/wire"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
	"reseed/pkg/notify"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// overview is what the overview says.
func (b *bed) overview() (o wire.Overview) {
	b.t.Helper()
	ans := b.do("GET", "/v1/overview", "")
	if ans.status != 200 {
		b.t.Fatalf("%d %s", ans.status, ans.body)
	}
	decode(b.t, ans.body, &o)
	return o
}

// first is what it says of the source First.
func (b *bed) first() wire.SourceOverview {
	b.t.Helper()
	for _, s := range b.overview().Sources {
		if s.UUID == b.source {
			return s
		}
	}
	b.t.Fatal("the source is not there")
	return wire.SourceOverview{}
}

func (b *bed) counts(want string) {
	b.t.Helper()
	s := b.first()
	if got := fmt.Sprint(s.Rows, s.Unknown); got != want {
		b.t.Errorf("rows %s, want %s", got, want)
	}
}

func overview(b *bed) {
	b.counts("map[] []")
	b.done("done", file("february.csv", february))
	b.counts("map[customers:3] []")
	last := b.done("done", file("march.csv", march))
	b.counts("map[customers:4] []")
	if s := b.first(); idOf(s.Latest) != last || s.Latest.Rejects != 1 || idOf(s.Running)+idOf(s.Plan) != "" || s.Waiting != 0 || s.Sync != nil {
		b.t.Errorf("%+v", s)
	}
	b.plansAndTurns(last)
	b.syncAndErases()
	b.status(405, "POST", "/v1/overview", "")
	if n := len(b.overview().Sources); n != 2 {
		b.t.Errorf("%d sources", n)
	}
}

// idOf is the id of a job; empty if there is none.
func idOf(j *wire.Job) string {
	if j == nil {
		return ""
	}
	return j.ID
}

func (b *bed) plansAndTurns(last string) {
	plan := b.id(b.imported(part{"plan", "", "true"}, file("x.csv", "Name,External ID\nEva,c5\n")))
	b.work()
	if s := b.first(); idOf(s.Plan) != plan || idOf(s.Latest) != last {
		b.t.Errorf("%+v", s)
	}
	b.must(202, "POST", "/v1/imports/"+plan+"/apply", "")
	b.imported(file("february.csv", february))
	if s := b.first(); idOf(s.Running) != plan || s.Plan != nil || s.Waiting != 1 {
		b.t.Errorf("%+v", s)
	}
	b.work()
	b.counts("map[customers:5] []")
	undo := text(b.t, b.must(202, "POST", "/v1/imports/"+plan+"/undo", ""), "id")
	b.work()
	b.is(undo, "done")
	b.counts("map[customers:4] []")
}

func (b *bed) syncAndErases() {
	b.must(200, "PATCH", "/v1/data_sources/"+b.source+"/syncs", `{"spreadsheet":"`+syncSheet+`","every":"6h"}`)
	if s := b.first(); s.Sync == nil || !strings.Contains(s.Sync.SpreadsheetURL, syncSheet) || s.Sync.Next == nil || s.Sync.Every != "6h" {
		b.t.Errorf("%+v", s.Sync)
	}
	manual := b.erase(`{"selection":"manual-customers","grace":"48h"}`)
	if o := b.overview(); len(o.Restorable) != 1 || o.Restorable[0].ID != manual {
		b.t.Errorf("restorable: %+v", o.Restorable)
	}
	b.must(200, "POST", "/v1/erasures/"+manual+"/restore", "")
	b.erase(`{"selection":"manual-customers"}`)
	if o := b.overview(); len(o.Several) != 1 || o.Several[0].Kind != wire.Erase {
		b.t.Errorf("of several sources: %+v", o.Several)
	}
	b.work()
	b.counts("map[customers:0] []")
}

// TestRowsOfOldSources: what was there before jobs counted is unknown, not 0, until the source is
// emptied; a restore of it is unknown again.
func TestRowsOfOldSources(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	_, err := b.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		for i := range d.Sources {
			d.Sources[i].Counted = 0
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.done("done", file("a.csv", february))
	if s := b.first(); len(s.Rows) > 0 || len(s.Unknown) != len(store.Kinds()) {
		t.Errorf("%+v", s)
	}
	content := b.erase(`{"selection":"content","source":"First","grace":"48h"}`)
	b.counts("map[] []")
	b.must(200, "POST", "/v1/erasures/"+content+"/restore", "")
	if s := b.first(); len(s.Unknown) == 0 {
		t.Errorf("%+v", s)
	}
	b.erase(`{"selection":"content","source":"First"}`)
	b.work()
	b.done("done", file("march.csv", march))
	b.counts("map[customers:3] []")
}

// removable is how many rows of each dataset an erase of the content would remove.
func (b *bed) removable() map[string]int64 {
	b.t.Helper()
	ans := b.do("POST", "/v1/erasures", `{"selection":"content","source":"First","dry_run":true}`)
	if ans.status != 200 {
		b.t.Fatalf("%d %s", ans.status, ans.body)
	}
	var plan wire.ErasePlan
	decode(b.t, ans.body, &plan)
	return plan.Removes
}

// TestRowsAreCountedExactly does what jobs can do in any order, with messages that come twice and
// calls of the table that fail, and compares what they have counted with what is stored whenever no
// erase is open. Nothing is written but by jobs.
func TestRowsAreCountedExactly(t *testing.T) {
	t.Parallel()
	for seed := range effort.Some(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := &counting{bed: newBed(t, nil), random: rand.New(rand.NewPCG(uint64(seed), 1))}
			for range 40 {
				c.act()
				c.compare()
			}
			if c.compared < 5 {
				t.Errorf("compared only %d times", c.compared)
			}
			c.erase(`{"selection":"source","id":%q}`, c.source)
			c.work()
			tallies, err := c.ledger.Tallies(t.Context())
			if err != nil || len(tallies) > 1 {
				t.Errorf("the tally outlives its source: %v, %v", tallies, err)
			}
		})
	}
}

// counting is a walk of jobs over the source First.
type counting struct {
	*bed

	random   *rand.Rand
	imports  []string
	graces   []string
	compared int
}

func (c *counting) act() {
	actions := []func(){c.load, c.load, c.load, c.undo, c.export, c.eraseOne, c.eraseMany, c.restore, c.pass}
	actions[c.random.IntN(len(actions))]()
	if c.random.IntN(3) == 0 && len(c.bed.imports) > 0 { // a message that comes twice
		c.bed.imports = append(c.bed.imports, c.bed.imports[0])
	}
	c.work()
	c.wait(time.Second)
}

func (c *counting) load() {
	customers, invoices, lines := "Name,External ID\n", "Customer external ID,Invoice external ID,Invoiced date,Currency\n", "Invoice external ID,External ID,Type,Amount in cents\n"
	for i := range 8 {
		if c.random.IntN(2) == 0 {
			continue
		}
		customers += fmt.Sprintf("Customer %d of %d,c%d\n", i, c.random.IntN(3), i)
		if c.random.IntN(2) == 0 {
			invoices += fmt.Sprintf("c%d,i%d,2025-01-0%d,EUR\n", i, i, 1+c.random.IntN(3))
			lines += fmt.Sprintf("i%d,l%d,one_time,%d\n", i, i, c.random.IntN(3))
		}
	}
	parts := []part{file("c.csv", customers), file("i.csv", invoices), file("l.csv", lines)}
	if c.random.IntN(3) == 0 {
		parts = append(parts, part{"mode", "", "replace"}, part{"max_removed", "", "100"}, part{"allow_empty", "", "true"})
	}
	ans := c.imported(parts...)
	if ans.status == 202 {
		c.imports = append(c.imports, c.id(ans))
	}
}

func (c *counting) some(list []string) string {
	if len(list) == 0 {
		return "0"
	}
	return list[c.random.IntN(len(list))]
}

func (c *counting) undo() { c.do("POST", "/v1/imports/"+c.some(c.imports)+"/undo", "") }

func (c *counting) export() { c.do("POST", "/v1/data_sources/"+c.source+"/exports", "") }

func (c *counting) begin(body string) {
	grace := []string{"0s", "1h"}[c.random.IntN(2)]
	ans := c.do("POST", "/v1/erasures", strings.TrimSuffix(body, "}")+fmt.Sprintf(`,"grace":%q}`, grace))
	if ans.status == 202 && grace != "0s" {
		c.graces = append(c.graces, c.id(ans))
	}
}

func (c *counting) eraseOne() {
	kind := []string{"customer", "customer-invoices", "invoice"}[c.random.IntN(3)]
	letter := "c"
	if kind == "invoice" {
		letter = "i"
	}
	c.begin(fmt.Sprintf(`{"selection":%q,"source":"First","external_id":"%s%d"}`, kind, letter, c.random.IntN(8)))
}

func (c *counting) eraseMany() {
	c.begin([]string{
		`{"selection":"content","source":"First"}`, `{"selection":"dependent","source":"First","keep_edits":true}`, `{"selection":"manual-customers"}`,
		fmt.Sprintf(`{"selection":"import","id":%q}`, c.some(c.imports)),
	}[c.random.IntN(4)])
}

func (c *counting) restore() { c.do("POST", "/v1/erasures/"+c.some(c.graces)+"/restore", "") }

// pass lets all grace periods end.
func (c *counting) pass() {
	c.wait(2 * time.Hour)
	if err := c.app.Tick(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// compare compares what jobs have counted with what is stored. As long as an erase is open, rows are
// stored that nobody sees.
func (c *counting) compare() {
	open, err := c.ledger.Open(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	hidden, err := c.ledger.Graces(c.t.Context(), time.Time{})
	if err != nil {
		c.t.Fatal(err)
	}
	if len(open)+len(hidden) > 0 {
		return
	}
	s, want := c.first(), c.removable()
	maps.DeleteFunc(s.Rows, func(_ string, n int64) bool { return n == 0 })
	maps.DeleteFunc(want, func(ds string, n int64) bool { return n == 0 || slices.Contains(s.Unknown, ds) })
	if !maps.Equal(s.Rows, want) {
		c.t.Fatalf("jobs have counted %v, %v are stored", s.Rows, want)
	}
	if len(s.Unknown) == 0 {
		c.compared++
	}
}

func filteredJobs(b *bed) {
	t := b.t
	var done []string
	for range 3 {
		done = append([]string{b.done("done", file("a.csv", february))}, done...)
	}
	rejects := b.done("done", file("a.csv", march))
	second := b.id(b.form("ds_22222222-2222-2222-2222-222222222222", file("a.csv", february)))
	b.work()
	planned := b.id(b.imported(part{"plan", "", "true"}, file("a.csv", february)))
	b.work()
	manual := b.erase(`{"selection":"manual-customers"}`)
	b.work()
	for query, want := range map[string][]string{
		"kind=import":              append([]string{planned, second, rejects}, done...),
		"kind=erase":               {manual},
		"kind=export":              nil,
		"state=planned":            {planned},
		"state=rejects":            {rejects},
		"state=rejects&kind=erase": nil,
		"source=" + b.source:       append([]string{manual, planned, rejects}, done...),
		"source=ds_22222222-2222-2222-2222-222222222222": {manual, second},
		"state=done&kind=import&source=" + b.source:      append([]string{rejects}, done...),
		"source=nobody": nil,
	} {
		for _, size := range []int{1, 2, 50} {
			var got []string
			searched := 0
			for cursor := ""; ; {
				var page wire.JobPage
				decode(t, b.do("GET", fmt.Sprintf("/v1/jobs?%s&per_page=%d&cursor=%s", query, size, cursor), "").body, &page)
				for _, j := range page.Jobs {
					got = append(got, j.ID)
				}
				searched += *page.Searched
				if !page.HasMore {
					break
				}
				cursor = *page.Cursor
			}
			if !slices.Equal(got, want) || searched != 7 {
				t.Errorf("%s by %d: %v after %v, want %v", query, size, got, searched, want)
			}
		}
	}
	for _, wrong := range []string{"state=over", "kind=thing", "state=done&per_page=0", "kind=import&cursor=%2F"} {
		b.status(400, "GET", "/v1/jobs?"+wrong, "")
	}
}

func accountSettings(b *bed) {
	t := b.t
	set := b.must(200, "GET", "/v1/settings", "")
	if got := fmt.Sprint(set); got != "map[grace:map[environment:0s from:default value:0s] mail:map[from:default on:true to:[]] max_removed:map[from:default value:20]]" {
		t.Error(got)
	}
	for _, wrong := range []string{
		`{"grace":"soon"}`, `{"grace":"-1h"}`, `{"grace":"2161h"}`, `{"max_removed":101}`, `{"max_removed":-1}`, `{"max_removed":"many"}`, `{"mail":"perhaps"}`,
		`{"mail_to":["nobody"]}`, `{"mail_to":"ann@example.com"}`, `{"mail_to":["a@b.c\r\nBcc: x@y.z"]}`, `{"smtp":"x"}`,
		`{"mail_to":["a@example.com"` + strings.Repeat(`,"a@example.com"`, 20) + `]}`,
	} {
		b.status(422, "PATCH", "/v1/settings", wrong)
	}
	b.status(400, "PATCH", "/v1/settings", `[]`)
	b.status(413, "PATCH", "/v1/settings", `{"grace":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	b.must(200, "PATCH", "/v1/settings", `{"grace":"48h","max_removed":0}`)
	set = b.must(200, "PATCH", "/v1/settings", `{"mail_to":["ann@example.com","bob@example.com"]}`)
	if got := fmt.Sprint(set["grace"], set["max_removed"], set["mail"]); got != "map[environment:0s from:account value:48h] map[from:account value:0] map[from:account on:true to:[ann@example.com bob@example.com]]" {
		t.Error(got)
	}
	if set["changed_by"] == nil || set["changed_at"] == nil {
		t.Errorf("%v", set)
	}
	b.grace()
	b.share()
	set = b.must(200, "PATCH", "/v1/settings", `{"grace":null,"max_removed":null,"mail":null,"mail_to":[]}`)
	if got := fmt.Sprint(set["grace"], set["max_removed"], set["mail"]); got != "map[environment:0s from:default value:0s] map[from:default value:20] map[from:default on:true to:[]]" {
		t.Error(got)
	}
	b.testMail()
	b.status(405, "PUT", "/v1/settings", `{}`)
	b.status(405, "GET", "/v1/settings/test_mail", "")
}

// grace: an erase can be restored for as long as the account says, unless its request says otherwise.
func (b *bed) grace() {
	t := b.t
	b.done("done", file("a.csv", february))
	plan := b.must(200, "POST", "/v1/erasures", `{"selection":"content","source":"First","dry_run":true}`)
	if plan["grace_seconds"] != (48 * time.Hour).Seconds() {
		t.Errorf("%v", plan)
	}
	id := b.erase(`{"selection":"content","source":"First"}`)
	b.must(200, "POST", "/v1/erasures/"+id+"/restore", "")
	b.erase(`{"selection":"content","source":"First","grace":"0s"}`)
	b.work()
	b.count(0, "/v1/customers", "entries")
}

// share: a removal of more than the account says waits, unless the import says otherwise.
func (b *bed) share() {
	b.done("done", file("a.csv", february))
	replace := []part{{"mode", "", "replace"}, file("a.csv", "Name,External ID\nAnn,c1\nBob,c2\n")}
	b.done("planned", replace...)
	b.done("done", append(replace, part{"max_removed", "", "50"})...)
	b.must(200, "PATCH", "/v1/data_sources/"+b.source+"/syncs", `{"spreadsheet":"`+syncSheet+`"}`)
	if s := b.must(200, "GET", "/v1/data_sources/"+b.source+"/syncs", ""); s["max_removed"] != 0.0 {
		b.t.Errorf("%v", s)
	}
	if s := b.must(200, "PATCH", "/v1/data_sources/"+b.source+"/syncs", `{"max_removed":7}`); s["max_removed"] != 7.0 {
		b.t.Errorf("%v", s)
	}
}

func (b *bed) testMail() {
	t := b.t
	var to []string
	deliver := func() {
		t.Helper()
		n := notify.New(notify.Config{
			Store: b.store, Ledger: b.ledger, Now: b.now, Log: slog.New(slog.DiscardHandler),
			Mail: func(_ context.Context, m *notify.Message) error {
				to = append(to, fmt.Sprint(m.Subject, " ", m.To))
				return nil
			},
		})
		if err := n.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	deliver() // what the jobs above have left
	to = nil
	b.must(200, "PATCH", "/v1/settings", `{"mail_to":["ann@example.com"]}`)
	for range 2 {
		if set := b.must(202, "POST", "/v1/settings/test_mail", `{}`); !strings.Contains(fmt.Sprint(set["test_mail"]), "tries:0") {
			t.Errorf("%v", set)
		}
	}
	deliver()
	deliver()
	if want := []string{"Test of Reseed's mail [ann@example.com]"}; !slices.Equal(to, want) {
		t.Errorf("sent %v, want %v", to, want)
	}
	if set := b.must(200, "GET", "/v1/settings", ""); !strings.Contains(fmt.Sprint(set["test_mail"]), "result:sent") {
		t.Errorf("%v", set)
	}
	b.must(200, "PATCH", "/v1/settings", `{"mail":false}`)
	b.status(409, "POST", "/v1/settings/test_mail", "")
	b.done("done", file("a.csv", february))
	deliver()
	if len(to) != 1 {
		t.Errorf("mail is switched off, and was sent: %v", to)
	}
	b.must(200, "PATCH", "/v1/settings", `{"mail":true}`)
	b.done("done", file("a.csv", march))
	deliver()
	if len(to) != 2 || !strings.Contains(to[1], "Import") {
		t.Errorf("sent %v", to)
	}
	b.status(400, "POST", "/v1/settings/test_mail", "[]")
	b.status(422, "POST", "/v1/settings/test_mail", `{"to":"x@example.com"}`)
	b.status(413, "POST", "/v1/settings/test_mail", `{"to":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
}

// TestAFilterLooksAtSomeJobsOnly: a page may be empty, and lead on.
func TestAFilterLooksAtSomeJobsOnly(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first := a.job(job.Export)
	for range 1200 {
		a.job(job.Import)
	}
	out := a.must(200, "GET", "/v1/jobs?kind=export", "")
	if len(entries(t, out, "jobs")) != 0 || out["has_more"] != true || out["searched"] != 1000.0 {
		t.Errorf("%v", out)
	}
	out = a.must(200, "GET", "/v1/jobs?kind=export&cursor="+text(t, out, "cursor"), "")
	if got := column(t, out, "jobs", "id"); !slices.Equal(got, []string{first}) || out["has_more"] != false || out["searched"] != 201.0 {
		t.Errorf("%v", out)
	}
}

// job stores a job of a kind.
func (a *service) job(kind job.Kind) string {
	a.t.Helper()
	j := &job.Job{Kind: kind}
	if kind == job.Import {
		j.Import = &job.ImportSpec{}
	} else {
		j.Export = &job.ExportSpec{}
	}
	made, err := a.ledger.Create(a.t.Context(), j)
	if err != nil {
		a.t.Fatal(err)
	}
	return made.ID
}

func decode(tb testing.TB, text string, out any) {
	tb.Helper()
	if err := json.Unmarshal([]byte(text), out); err != nil {
		tb.Fatal(err)
	}
}

// TestTheOverviewReadsNoRows: what it reads depends on the number of sources, not on what is in them or
// how often they were filled.
func TestTheOverviewReadsNoRows(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	b := newBedOn(t, nil, mem.New(mem.Options{After: func(mem.Op, int) error { calls.Add(1); return nil }}))
	for i := range 30 {
		id := text(t, b.must(201, "POST", "/v1/data_sources", fmt.Sprintf(`{"name":"Source %d"}`, i)), "uuid")
		b.id(b.form(id, file("a.csv", february)))
	}
	b.work()
	reads := func() int64 {
		before := calls.Load()
		if n := len(b.overview().Sources); n != 32 {
			t.Errorf("%d sources", n)
		}
		return calls.Load() - before
	}
	few := reads()
	var rows strings.Builder
	rows.WriteString("Name,External ID\n")
	for i := range 5000 {
		fmt.Fprintf(&rows, "Customer %d,c%d\n", i, i)
	}
	for range 3 {
		b.done("done", file("a.csv", rows.String()))
	}
	b.counts("map[customers:5000] []")
	if more := reads(); more > few || few > 20 {
		t.Errorf("%d calls of the table, before %d", more, few)
	}
}
