package console_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"reseed/internal/consoletest"
	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// filled is a bed with a source of so many customers, and a bystander.
type filled struct {
	*consoletest.Bed
	t         *testing.T
	w         *consoletest.Browser
	source    wire.Source
	bystander wire.Source
	imported  string // the job that filled the source
}

const billAndCo = `Bill & "Co" <b>`

func newFilled(t *testing.T, customers int) *filled {
	t.Helper()
	b := &filled{Bed: consoletest.New(t), t: t}
	b.source, b.bystander = b.added(billAndCo), b.added("Bystander")
	b.w = b.SignIn()
	var rows strings.Builder
	rows.WriteString("Name,External ID\n")
	for i := range customers {
		fmt.Fprintf(&rows, "Ann %d,c%d\n", i, i)
	}
	b.imported = b.imports(b.source, rows.String())
	b.imports(b.bystander, "Name,External ID\nZoe,z\n")
	return b
}

func (b *filled) added(name string) wire.Source {
	b.t.Helper()
	s, err := b.API.AddSource(b.t.Context(), name, "Custom")
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *filled) imports(s wire.Source, rows string) (job string) {
	b.t.Helper()
	file := client.File{Name: "customers.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(rows)), nil }}
	j, err := b.API.Import(b.t.Context(), s.UUID, wire.ImportOptions{}, []client.File{file})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Work()
	return j.ID
}

// customers counts those that people see in a source.
func (b *filled) customers(s wire.Source) int {
	b.t.Helper()
	var list struct {
		Entries []struct{} `json:"entries"`
	}
	if err := b.API.Call(b.t.Context(), http.MethodGet, "/v1/customers?per_page=200&data_source_uuid="+s.UUID, nil, &list); err != nil {
		b.t.Fatal(err)
	}
	return len(list.Entries)
}

// holds fails the test unless the source has so many customers, and the bystander its one.
func (b *filled) holds(want int) {
	b.t.Helper()
	if n := b.customers(b.source); n != want {
		b.t.Errorf("the source has %d customers, want %d", n, want)
	}
	if n := b.customers(b.bystander); n != 1 {
		b.t.Errorf("the bystander has %d customers", n)
	}
}

// erases lists all erases.
func (b *filled) erases() []wire.Job {
	b.t.Helper()
	page, err := b.API.Erasures(b.t.Context(), "")
	if err != nil {
		b.t.Fatal(err)
	}
	return page.Jobs
}

func (b *filled) jobOf(p consoletest.Page) *wire.Job {
	b.t.Helper()
	id, ok := strings.CutPrefix(p.Path, "/jobs/")
	if !ok {
		b.t.Fatalf("the form leads to %s, status %d\n%s", p.Path, p.Status, p.Text)
	}
	j, err := b.API.Job(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return j
}

// A source goes only when its name is typed. Sent again, the form leads to the same job, also when
// nothing is left.
func TestDeleteADataSource(t *testing.T) {
	t.Parallel()
	b := newFilled(t, 3)
	at := "/erase?selection=source&source=" + b.source.UUID
	p := b.w.Get(at)
	shows(t, p, 200, "<h1><bdi>Delete this data source</bdi></h1>", "<td class=\"number\">3</td>", "can't be restored", "Every other source stays as it is.",
		"/erase?selection=content&source="+b.source.UUID, "No export since the last change", "<bdi class=\"code\">"+billAndCo)
	if strings.Contains(p.Text, billAndCo) {
		t.Error("the name is not escaped")
	}
	b.holds(3)
	form := formOf(t, p, "/erase")
	for what, typed := range map[string]string{"nothing": "", "another": "Bystander", "in another case": strings.ToUpper(billAndCo)} {
		form.Set("typed", typed)
		again := b.w.Post("/erase", form)
		shows(t, again, 422, "This is not the name. Nothing was deleted.", `aria-invalid="true"`)
		if formOf(t, again, "/erase").Get("selection") != "source" {
			t.Errorf("%s: the form is not filled again", what)
		}
	}
	b.holds(3)
	form.Set("typed", " "+billAndCo+" ")
	form.Set("reason", "the contract has ended")
	first := b.jobOf(b.w.Post("/erase", form))
	if second := b.jobOf(b.w.Post("/erase", form)); second.ID != first.ID {
		t.Errorf("the form sent twice began %s and %s", first.ID, second.ID)
	}
	b.Work()
	if third := b.jobOf(b.w.Post("/erase", form)); third.ID != first.ID || len(b.erases()) != 1 {
		t.Errorf("after the end the form leads to %s; erases: %d", third.ID, len(b.erases()))
	}
	if n := b.customers(b.bystander); n != 1 {
		t.Errorf("the bystander has %d customers", n)
	}
	shows(t, b.w.Get(at), 404, "there is no such data source")
	receipt := b.w.Get("/receipts/" + first.ID)
	shows(t, receipt, 200, "Receipt of an erase", "the contract has ended", "<bdi>Finance</bdi>", "<td class=\"number\">3</td>", first.ID, "What stays", "copies may live on")
}

// With a grace period nothing is typed, and the erase can be restored.
func TestEmptyWithAGracePeriod(t *testing.T) {
	t.Parallel()
	b := newFilled(t, 3)
	p := b.w.Get("/erase?selection=content&grace=72h&source=" + b.source.UUID)
	shows(t, p, 200, "Empty this data source", "can be restored until "+`<time datetime="`+b.Now().Add(72*time.Hour).UTC().Format("2006-01-02T"))
	hides(t, p, `name="typed"`)
	form := formOf(t, p, "/erase")
	if form.Get("grace") != "72h" || form.Get("keep_edits") != "true" {
		t.Fatalf("the form has %v", form)
	}
	j := b.jobOf(b.w.Post("/erase", form))
	if j.Status != wire.Grace || !j.Erase.KeepEdits {
		t.Errorf("the erase is %s, %+v", j.Status, j.Erase)
	}
	b.holds(0)
	shows(t, b.w.Get("/receipts"), 200, "restorable until", "/jobs/"+j.ID)
	shows(t, b.w.Get("/receipts/"+j.ID), 404, "there is no receipt")
	if _, err := b.API.Restore(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	b.holds(3)
	if again := b.jobOf(b.w.Post("/erase", form)); again.ID != j.ID {
		t.Error("the tab of an erase that was restored began another one")
	}
	b.holds(3)
}

// A tab that shows what is no longer so erases nothing, and shows what has changed.
func TestAStaleTab(t *testing.T) {
	t.Parallel()
	b := newFilled(t, 3)
	p := b.w.Get("/erase?selection=content&grace=1h&source=" + b.source.UUID)
	form := formOf(t, p, "/erase")
	b.imports(b.source, "Name,External ID\nDan,c9\n")
	stale := b.w.Post("/erase", form)
	shows(t, stale, 409, "Nothing was deleted.", "The data has changed since you looked", `<tr class="changed"><th scope="row">customers</th><td class="number">4</td><td>▲ was 3</td>`)
	hides(t, stale, "The options have changed")
	b.holds(4)

	form = formOf(t, stale, "/erase")
	form.Set("grace", "24h")
	form.Set("reason", "moved")
	options := b.w.Post("/erase", form)
	shows(t, options, 409, "Nothing was deleted.", "The options have changed", `<option value="24h" selected>`, `value="moved"`)
	hides(t, options, `class="changed"`)
	b.holds(4)

	form = formOf(t, options, "/erase")
	form.Del("plan")
	shows(t, b.w.Post("/erase", form), 409, "Nothing was deleted.")
	b.holds(4)
	form = formOf(t, options, "/erase")
	form.Set("source", b.bystander.UUID)
	shows(t, b.w.Post("/erase", form), 409, "Nothing was deleted.")
	b.holds(4)

	j := b.jobOf(b.w.Post("/erase", formOf(t, options, "/erase")))
	if until := j.Erase.Until.Sub(j.CreatedAt); until != 24*time.Hour || j.Erase.Reason != "moved" {
		t.Errorf("restorable for %s, reason %q", until, j.Erase.Reason)
	}
	b.holds(0)
}

// The button of the options only shows the plan again. Options that do not fit are said at their field.
func TestOptionsOfAnErase(t *testing.T) {
	t.Parallel()
	b := newFilled(t, 2)
	p := b.w.Get("/erase?selection=dependent&source=" + b.source.UUID)
	form := formOf(t, p, "/erase")
	form.Set("grace", "72h")
	form.Set("keep_edits", "false")
	form.Set("reason", "wrong year")
	form.Set("do", "look")
	refused := b.w.Post("/erase", form)
	shows(t, refused, 422, "edits of invoices and plans can't be hidden", `href="#grace"`, `value="wrong year"`)
	hides(t, refused, `class="danger primary"`)
	form = formOf(t, refused, "/erase")
	form.Set("keep_edits", "true")
	form.Set("do", "look")
	again := b.w.Post("/erase", form)
	shows(t, again, 200, "can be restored until", `value="wrong year"`)
	form = formOf(t, again, "/erase")
	form.Set("reason", strings.Repeat("x", 301))
	shows(t, b.w.Post("/erase", form), 422, `href="#reason"`)
	if len(b.erases()) > 0 {
		t.Error("something was erased")
	}
	b.holds(2)
	for path, status := range map[string]int{
		"/erase": 200, "/erase?selection=everything": 404, "/erase?selection=source": 422, "/erase?selection=source&source=nobody": 404, "/erase?selection=import&id=nobody": 404,
		"/erase?selection=content&grace=soon&source=" + b.source.UUID: 422, "/erase?selection=content&grace=9999h&source=" + b.source.UUID: 422,
		"/receipts/nobody": 404, "/receipts/nobody.json": 404, "/receipts?after=%00": 400, "/sources/nobody/export": 404,
	} {
		shows(t, b.w.Get(path), status)
	}
}

// Every kind of selection has its page, and erases what it says.
func TestEverySelectionHasAPage(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		query func(b *filled) string
		typed string
		left  int // customers of the source
		texts []string
	}{
		"manual":    {func(*filled) string { return "selection=manual-customers" }, "all manual customers", 0, []string{"Delete all manual customers", "Customers</a> and press Delete"}},
		"customer":  {func(b *filled) string { return "selection=customer&id=" + b.customer("c1") }, "Ann 1", 2, []string{`<b><bdi>Ann 1</bdi></b>`, "do-not-reload"}},
		"named":     {func(b *filled) string { return "selection=customer&external_id=c1&source=" + b.source.UUID }, "c1", 2, nil},
		"absent":    {func(b *filled) string { return "selection=customer&external_id=nobody&source=" + b.source.UUID }, "nobody", 3, []string{"No record of this customer is stored."}},
		"invoices":  {func(b *filled) string { return "selection=customer-invoices&id=" + b.customer("c1") }, "Ann 1", 3, []string{"The customer stays"}},
		"invoice":   {func(b *filled) string { return "selection=invoice&id=" + b.invoice("c1") }, "i-c1", 3, []string{"line items"}},
		"import":    {func(b *filled) string { return "selection=import&id=" + b.imported }, billAndCo, 0, []string{"use Undo on the"}},
		"dependent": {func(b *filled) string { return "selection=dependent&source=" + b.source.UUID }, billAndCo, 3, []string{"plans, invoices and subscription events"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newFilled(t, 3)
			at := "/erase?" + x.query(b)
			p := b.w.Get(at)
			shows(t, p, 200, x.texts...)
			form := formOf(t, p, "/erase")
			if form.Set("typed", "no"); b.w.Post("/erase", form).Status != 422 {
				t.Error("another name will do")
			}
			form.Set("typed", x.typed)
			j := b.jobOf(b.w.Post("/erase", form))
			if again := b.jobOf(b.w.Post("/erase", form)); again.ID != j.ID {
				t.Error("the form sent twice began two erases")
			}
			b.Work()
			if name == "manual" {
				if n := b.customers(b.source) + b.customers(b.bystander); n != 0 {
					t.Errorf("%d manual customers are left", n)
				}
				return
			}
			b.holds(x.left)
		})
	}
}

// What the API refuses is said, before and after the form is sent.
func TestAnEraseThatIsRefused(t *testing.T) {
	t.Parallel()
	b := newFilled(t, 3)
	at := "/erase?selection=import&grace=1h&id=" + b.imported
	p := b.w.Get(at)
	b.invoice("c1") // came otherwise, and belongs to a row of the import
	shows(t, b.w.Post("/erase", formOf(t, p, "/erase")), 409, "rows that came otherwise belong to what this import added")
	shows(t, b.w.Get(at), 409, "rows that came otherwise belong to what this import added")
	b.holds(3)
	if len(b.erases()) > 0 {
		t.Error("something was erased")
	}
}

func (b *filled) customer(ext string) string {
	b.t.Helper()
	var list struct {
		Entries []struct {
			UUID string `json:"uuid"`
		} `json:"entries"`
	}
	if err := b.API.Call(b.t.Context(), http.MethodGet, "/v1/customers?external_id="+ext+"&data_source_uuid="+b.source.UUID, nil, &list); err != nil || len(list.Entries) != 1 {
		b.t.Fatal(list, err)
	}
	return list.Entries[0].UUID
}

// invoice makes one, and returns its id.
func (b *filled) invoice(customer string) string {
	b.t.Helper()
	order := map[string]any{"invoices": []any{map[string]any{
		"external_id": "i-" + customer, "date": "2026-01-01", "currency": "USD",
		"line_items": []any{map[string]any{"type": "one_time", "amount_in_cents": 500}},
	}}}
	var made struct {
		Invoices []struct {
			UUID string `json:"uuid"`
		} `json:"invoices"`
	}
	if err := b.API.Call(b.t.Context(), http.MethodPost, "/v1/import/customers/"+b.customer(customer)+"/invoices", order, &made); err != nil || len(made.Invoices) != 1 {
		b.t.Fatal(made, err)
	}
	return made.Invoices[0].UUID
}

// An export from the page of an erase comes back to it, and does not make its plan stale.
func TestExportFirst(t *testing.T) {
	t.Parallel()
	b := newFilled(t, 3)
	p := b.w.Get("/erase?selection=content&grace=1h&source=" + b.source.UUID)
	form := formOf(t, p, "/erase")
	back := b.w.Post("/erase/export", formOf(t, p, "/erase/export"))
	shows(t, back, 200, "The export:", "Refresh", "exporting=")
	b.Work()
	shows(t, b.w.Get(back.Path), 200, "The export:", "✓", "Export again")
	if j := b.jobOf(b.w.Post("/erase", form)); j.Status != wire.Grace {
		t.Errorf("after an export the erase is %s", j.Status)
	}
	b.holds(0)

	one := b.w.Get("/erase?selection=customer&id=" + b.restored(t).customer("c1"))
	b.w.Post("/erase/export", formOf(t, one, "/erase/export"))
	b.Work()
	jobs, err := b.API.Jobs(t.Context(), "")
	if err != nil || jobs.Jobs[0].Export == nil || jobs.Jobs[0].Export.Customer != b.customer("c1") || jobs.Jobs[0].Status != wire.Done {
		t.Errorf("%+v, %v", jobs.Jobs[0], err)
	}
}

// restored takes back the latest erase.
func (b *filled) restored(t *testing.T) *filled {
	t.Helper()
	if _, err := b.API.Restore(t.Context(), b.erases()[0].ID); err != nil {
		t.Fatal(err)
	}
	return b
}

// Receipts are listed page by page, and come as files.
func TestReceipts(t *testing.T) {
	t.Parallel()
	b := newFilled(t, 1)
	shows(t, b.w.Get("/receipts"), 200, "There is no receipt yet")
	const all = 52
	for range all {
		if _, err := b.API.Erase(t.Context(), wire.Erasure{Selection: wire.SelectContent, Source: b.source.UUID}); err != nil {
			t.Fatal(err)
		}
		b.Work()
	}
	first := b.w.Get("/receipts")
	shows(t, first, 200, "everything in a data source: <bdi>"+billAndCo, "Next")
	hides(t, first, "Not ended yet", ">First<")
	_, rest, _ := strings.Cut(first.Text, `href="/receipts?after=`)
	next, _, _ := strings.Cut(rest, `"`)
	second := b.w.Get("/receipts?after=" + next)
	shows(t, second, 200, ">First<")
	hides(t, second, ">Next<")
	if a, z := strings.Count(first.Text, "<tr><th scope=\"row\">"), strings.Count(second.Text, "<tr><th scope=\"row\">"); a != 50 || z != all-50 {
		t.Errorf("the pages have %d and %d receipts", a, z)
	}
	id := b.erases()[0].ID
	file := b.w.Get("/receipts/" + id + ".json")
	shows(t, file, 200, `"job": "`+id+`"`)
	if got := file.Header.Get("Content-Disposition"); !strings.Contains(got, "receipt-"+id+".json") {
		t.Errorf("Content-Disposition: %s", got)
	}
}

// An export of a data source is a job; what does not fit together is said at its field.
func TestExportADataSource(t *testing.T) {
	t.Parallel()
	b := newFilled(t, 3)
	at := "/sources/" + b.source.UUID + "/export"
	p := b.w.Get(at)
	form := formOf(t, p, at)
	if len(form["datasets"]) != 7 || form.Get("format") != "csv" {
		t.Fatalf("the form has %v", form)
	}
	form.Set("format", "sheet")
	form.Set("edits", "apart")
	form.Set("delimiter", ";")
	refused := b.w.Post(at, form)
	shows(t, refused, 422, "A copy for spreadsheets has edits laid over, or none.", `href="#edits"`, `value=";" selected`)
	form = formOf(t, refused, at)
	form.Del("datasets")
	shows(t, b.w.Post(at, form), 422, "Choose one dataset or more.")
	form = url.Values{"format": {"sheet"}, "edits": {"laid-over"}, "delimiter": {"\t"}, "datasets": {"customers", "plans"}}
	j := b.jobOf(b.w.Post(at, form))
	if x := j.Export; !x.Sheet || x.Delimiter != "\t" || x.Edits != wire.EditsLaidOver || fmt.Sprint(x.Datasets) != "[plans customers]" {
		t.Errorf("the export is %+v", x)
	}
	b.Work()
	if j, err := b.API.Job(t.Context(), j.ID); err != nil || j.Status != wire.Done || j.Export.Rows["customers"] != 3 {
		t.Errorf("%+v, %v", j, err)
	}
	b.holds(3)
}
