package console_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"reseed/internal/consoletest"
	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// jobs is a console over a source with customers a000 to a119, and a bystander.
type jobs struct {
	*consoletest.Bed
	*consoletest.Browser

	t      *testing.T
	source string
}

const manyRows = 120

func newJobs(t *testing.T) *jobs {
	t.Helper()
	b := consoletest.New(t)
	s, err := b.API.AddSource(t.Context(), "Billing", "Custom")
	if err != nil {
		t.Fatal(err)
	}
	j := &jobs{Bed: b, Browser: b.SignIn(), t: t, source: s.UUID}
	j.imported(wire.ImportOptions{}, "first.csv", "Name,External ID\nBystander,z\n"+table("Ann"))
	return j
}

// table has customers whose names begin so, without a header row.
func table(name string) string {
	var s strings.Builder
	for i := range manyRows {
		fmt.Fprintf(&s, "%s %d,a%03d\n", name, i, i)
	}
	return s.String()
}

// imported imports a file, and returns the id of the job.
func (j *jobs) imported(how wire.ImportOptions, name, text string) string {
	j.t.Helper()
	id := j.begun(how, name, text)
	j.Work()
	return id
}

// begun asks for an import, which waits.
func (j *jobs) begun(how wire.ImportOptions, name, text string) string {
	j.t.Helper()
	job, err := j.API.Import(j.t.Context(), j.source, how, []client.File{{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}})
	if err != nil {
		j.t.Fatal(err)
	}
	return job.ID
}

// page opens a page, which must have all the texts.
func (j *jobs) page(path string, texts ...string) consoletest.Page {
	j.t.Helper()
	p := j.Get(path)
	j.has(p, http.StatusOK, texts...)
	return p
}

// has checks the status of a page, and that it has all the texts.
func (j *jobs) has(p consoletest.Page, status int, texts ...string) {
	j.t.Helper()
	if p.Status != status {
		j.t.Errorf("%s: %d, want %d", p.Path, p.Status, status)
	}
	for _, text := range texts {
		if !strings.Contains(p.Text, text) {
			_, main, _ := strings.Cut(p.Text, "<main")
			j.t.Errorf("%s lacks %q:\n%.3000s", p.Path, text, main)
			return
		}
	}
}

// names lists the names of all customers, those of the bystander included.
func (j *jobs) names(begin string) (n int) {
	j.t.Helper()
	var page struct {
		Entries []struct{ Name string }
	}
	if err := j.API.Call(j.t.Context(), http.MethodGet, "/v1/customers", nil, &page); err != nil {
		j.t.Fatal(err)
	}
	for _, c := range page.Entries {
		if strings.HasPrefix(c.Name, begin) {
			n++
		}
	}
	return n
}

// A preview is a page with a button; the end of the job is the sum; an undo is previewed, too.
func TestPreviewImportUndo(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	id := j.imported(wire.ImportOptions{Plan: true}, "second.csv", "Name,External ID\n"+table("Bob")+"New,n1\nNobody,\n")
	path := "/jobs/" + id
	j.page(path, "waits for you", `<a href="`+path+`/changes?action=added">1</a></b> added`, `/changes?action=changed">120</a></b> changed`, "<b>0</b> unchanged", "<b>0</b> removed",
		`/rejects">1</a></b> rejected`, "122 rows read", "121 rows", "DynamoDB", "External ID: This must not be blank.", ">Import</button>", ">Discard</button>", "Download rejects")
	if j.names("Ann") != manyRows {
		t.Error("a preview has written something")
	}
	page := j.Post(path+"/apply", nil)
	j.has(page, http.StatusOK, ">Cancel</button>")
	if page.Path != path {
		t.Errorf("Import leads to %s", page.Path)
	}
	if again := j.Post(path+"/apply", nil); again.Path != path || again.Status != http.StatusOK {
		t.Errorf("a second click leads to %s, %d", again.Path, again.Status)
	}
	j.Work()
	page = j.page(path, "done with rejects", "What it did", ">Undo</button>")
	if j.names("Bob") != manyRows || strings.Contains(page.Text, "hx-get") || strings.Contains(page.Text, ">Import</button>") {
		t.Errorf("the import is done: %s", page.Text)
	}
	j.undone(path)
}

// edit changes a field of the customer of a name by hand, and returns the customer's id.
func (j *jobs) edit(name string) string {
	j.t.Helper()
	var page struct {
		Entries []struct{ Name, UUID string }
	}
	if err := j.API.Call(j.t.Context(), http.MethodGet, "/v1/customers", nil, &page); err != nil {
		j.t.Fatal(err)
	}
	for _, c := range page.Entries {
		if c.Name == name {
			if err := j.API.EditCustomer(j.t.Context(), c.UUID, map[string]string{"city": "Rome"}); err != nil {
				j.t.Fatal(err)
			}
			return c.UUID
		}
	}
	j.t.Fatalf("there is no %s", name)
	return ""
}

// undone changes a row of an import, and then takes the import back.
func (j *jobs) undone(path string) {
	j.t.Helper()
	j.imported(wire.ImportOptions{}, "third.csv", "Name,External ID\nCid,a007\n")
	edited := j.edit("New")
	j.edit("Bystander")
	undo := j.Post(path+"/undo", nil)
	j.Work()
	if p := j.page(undo.Path+"/edits", `<a href="/customers/`+edited+`">`, "City: Rome", "Finance"); strings.Count(p.Text, `<th scope="row">`) != 1 {
		j.t.Errorf("edits that lose their record: %s", p.Text)
	}
	if again := j.Post(path+"/undo", nil); again.Path != undo.Path || undo.Path == path {
		j.t.Errorf("a second click leads to %s, not %s", again.Path, undo.Path)
	}
	j.page(undo.Path, "What “Undo it” will do", "Asked for by", "1</a></b> removed again", "119</a></b> changed back", "1</a></b> left alone", ">Undo it</button>", `<a href="`+path+`">an earlier job</a>`)
	j.page(undo.Path+"/rejects", "a007", "These rows stay as they are")
	if j.names("Bob") != manyRows-1 {
		j.t.Error("a preview of an undo has written something")
	}
	j.Post(undo.Path+"/apply", nil)
	j.Work()
	j.page(undo.Path, "done, with rows left alone", "What it did", ">Undo</button>")
	page := j.page(path, "This was undone by", `href="`+undo.Path+`"`)
	if j.names("Ann") != manyRows-1 || j.names("Cid") != 1 || j.names("Bystander") != 1 || j.names("New") != 0 {
		j.t.Error("the undo has not taken back what it showed")
	}
	if strings.Contains(page.Text, ">Undo</button>") {
		j.t.Error("what is undone can be undone again")
	}
	j.Post(undo.Path+"/undo", nil) // an undo of the undo
	j.Work()
}

// A plan whose ground has changed writes nothing, and the page says so. One that is dropped cannot be
// applied any more.
func TestStaleAndDroppedPreviews(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	stale := j.imported(wire.ImportOptions{Plan: true}, "second.csv", "Name,External ID\n"+table("Bob"))
	j.imported(wire.ImportOptions{}, "third.csv", "Name,External ID\nCid,a007\n")
	j.Post("/jobs/"+stale+"/apply", nil)
	j.Work()
	if p := j.page("/jobs/"+stale, "failed", "make a new plan", "What it would have done", "No row has changed."); strings.Contains(p.Text, "halfway") || strings.Contains(p.Text, ">Undo<") {
		t.Errorf("it has written nothing: %s", p.Text)
	}
	dropped := j.imported(wire.ImportOptions{Plan: true}, "second.csv", "Name,External ID\n"+table("Bob"))
	j.has(j.Post("/jobs/"+dropped+"/cancel", nil), http.StatusOK, "cancelled", "What it would have done", "No row has changed.")
	j.page("/jobs", "no row has changed; it would have been 120 changed")
	j.has(j.Post("/jobs/"+dropped+"/apply", nil), http.StatusConflict, `role="alert"`, "cancelled")
	if j.names("Bob") != 0 || j.names("Cid") != 1 || j.names("Bystander") != 1 {
		t.Error("rows have changed")
	}
}

// A preview whose files went with an erase can only be discarded, and no list says that it waits.
func TestPreviewsThatAnEraseHasOvertaken(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	plan := "/jobs/" + j.imported(wire.ImportOptions{Plan: true}, "second.csv", "Name,External ID\n"+table("Bob"))
	other, err := j.API.AddSource(t.Context(), "Bystanders", "Custom")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = j.API.Erase(t.Context(), wire.Erasure{Selection: wire.SelectContent, ID: j.source}); err != nil {
		t.Fatal(err)
	}
	j.Work()
	p := j.page(plan, "outdated", "Data of its source was erased since this preview was made", "Discard")
	list := j.page("/jobs", "outdated", "Discard it.")
	if strings.Contains(p.Text, "/apply") || strings.Contains(list.Text, "presses Import") {
		t.Errorf("it cannot be imported: %s", p.Text)
	}
	j.source = other.UUID
	waits := j.imported(wire.ImportOptions{Plan: true}, "third.csv", "Name,External ID\nCid,c\n")
	j.page("/jobs/"+waits, "waits for you", "/apply")
}

// An import that finds nothing to change says so, before and after, and offers no undo.
func TestNothingToChange(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	id := j.imported(wire.ImportOptions{Plan: true}, "same.csv", "Name,External ID\n"+table("Ann"))
	j.page("/jobs/"+id, "waits for you", "No row would change.")
	j.Post("/jobs/"+id+"/apply", nil)
	j.Work()
	if done := j.page("/jobs/"+id, "What it did"); strings.Contains(done.Text, "/undo") || strings.Contains(done.Text, "would have") {
		t.Errorf("it did nothing: %s", done.Text)
	}
}

var version = regexp.MustCompile(`hx-get="([^"]+)\?v=([0-9a-f]+)" hx-trigger="every (\d+s)"`)

// The progress of a job is asked for every two seconds, after a minute every ten, and never once it has
// ended or updates are paused. While nothing has changed, nothing is answered.
func TestProgress(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	first := j.begun(wire.ImportOptions{}, "second.csv", "Name,External ID\n"+table("Bob"))
	second := j.begun(wire.ImportOptions{}, "third.csv", "Name,External ID\nCid,a007\n")
	path := "/jobs/" + first
	asks := func(text string) []string {
		t.Helper()
		m := version.FindStringSubmatch(text)
		if m == nil || m[1] != path+"/progress" {
			t.Fatalf("the page does not ask again: %q\n%s", m, text)
		}
		return m
	}
	m := asks(j.page(path, "reading", `<p role="status" id="said" class="hidden">reading</p>`, "Pause live updates", ">Refresh</a>").Text)
	if p := j.Get(m[1] + "?v=" + m[2]); p.Status != http.StatusNoContent || p.Text != "" || m[3] != "2s" {
		t.Errorf("nothing has changed: %d %q, every %s", p.Status, p.Text, m[3])
	}
	part := j.page(m[1] + "?v=old")
	if strings.Contains(part.Text, "<html") || asks(part.Text)[2] != m[2] {
		t.Errorf("not the part of the page: %s", part.Text)
	}
	j.Skip(61 * time.Second)
	if slow := asks(j.page(m[1] + "?v=" + m[2]).Text); slow[3] != "10s" {
		t.Errorf("after a minute it asks every %s", slow[3])
	}
	j.page(path, "stalled", "No worker has shown signs of life since")
	j.page("/jobs/"+second, "waiting for its turn", `<a href="`+path+`">another job of this data source</a>`)
	if p := j.Post("/choices", url.Values{"paused": {"yes"}, "to": {path}}); p.Path != path || strings.Contains(p.Text, "hx-get") || !strings.Contains(p.Text, ">Refresh</a>") {
		t.Errorf("paused: %s", p.Text)
	}
	j.Post("/choices", url.Values{"paused": {"no"}, "to": {path}})
	j.Work()
	j.Skip(time.Second) // for which a job that was read is shown
	if p := j.Bed.Browser().Get(m[1]); !strings.HasPrefix(p.Path, "/login") {
		t.Errorf("signed out, the progress is %s", p.Path)
	}
	if p := j.page(m[1]+"?v="+m[2], "done", ">Undo</button>", "id=\"said\" class=\"hidden\">done<"); strings.Contains(p.Text, "hx-") {
		t.Errorf("it asks again after its end: %s", p.Text)
	}
}

// A job that is cancelled says so at once, and ends when its workers have stopped.
func TestCancel(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	id := j.begun(wire.ImportOptions{}, "second.csv", "Name,External ID\n"+table("Bob"))
	page := j.Post("/jobs/"+id+"/cancel", nil)
	j.has(page, http.StatusOK, "cancel")
	if page.Path != "/jobs/"+id || strings.Contains(page.Text, ">Cancel</button>") {
		t.Errorf("%s: %s", page.Path, page.Text)
	}
	j.Post("/jobs/"+id+"/cancel", nil)
	j.Work()
	j.page("/jobs/"+id, "cancelled")
	if j.names("Bob") != 0 || j.names("Ann") != manyRows {
		t.Error("a cancelled import has written something")
	}
}

// rowsOf walks the pages of a list by the links on them, and counts the rows.
func (j *jobs) rowsOf(path string) (rows, pages int) {
	j.t.Helper()
	next := regexp.MustCompile(`<a href="([^"]+)">(?:Next|Search on)</a>`)
	for {
		p := j.page(path)
		rows += strings.Count(p.Text, `<tr><th scope="row">`)
		pages++
		m := next.FindStringSubmatch(p.Text)
		if m == nil {
			return rows, pages
		}
		if len(p.Text) > 60_000 {
			j.t.Errorf("%s has %d bytes", path, len(p.Text))
		}
		path = html.UnescapeString(m[1])
	}
}

func TestListsOfChangesAndRejects(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	id := j.imported(wire.ImportOptions{Plan: true}, "second.csv", "Name,External ID\n"+table("Bob")+"New,n1\n"+strings.Repeat("Nobody,\n", manyRows))
	path := "/jobs/" + id
	for list, want := range map[string][2]int{
		"/changes": {121, 3}, "/changes?action=added": {1, 1}, "/changes?action=changed&dataset=customers": {120, 3}, "/changes?dataset=invoices": {0, 1},
		"/rejects": {120, 2}, "/rejects?code=required&column=External+ID": {120, 2}, "/rejects?code=other": {0, 1},
	} {
		if rows, pages := j.rowsOf(path + list); rows != want[0] || pages != want[1] {
			t.Errorf("%s: %d rows on %d pages, want %v", list, rows, pages, want)
		}
	}
	j.page(path+"/changes", "customers, <b>name</b>: 120 of 120 changed rows", "<del><bdi>Ann ", "</bdi></del> → <ins><bdi>Bob ", "second.csv, line ")
	j.page(path+"/rejects?whole=yes", `name="v.0.0" value="Nobody"`)
	for _, bad := range []string{"/changes?cursor=x", "/changes?action=kill", "/changes?dataset=cats", "/rejects?cursor=x"} {
		if p := j.Get(path + bad); p.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, p.Status)
		}
	}
	for _, none := range []string{"/jobs/none", "/jobs/none/progress", "/jobs/none/changes", "/jobs/none/rejects", "/jobs/none/edits", "/jobs/none/export", "/jobs/none/changes/file", "/jobs/none/rejects/file"} {
		if p := j.Get(none); p.Status != http.StatusNotFound {
			t.Errorf("%s: %d", none, p.Status)
		}
	}
	for _, action := range []string{"apply", "cancel", "undo", "restore", "rejects"} {
		if p := j.Post("/jobs/none/"+action, nil); p.Status != http.StatusNotFound {
			t.Errorf("POST %s: %d", action, p.Status)
		}
	}
	if p := j.Get(path + "/rejects/file"); p.Header.Get("Content-Disposition") != "attachment; filename="+id+".rejects.csv" || strings.Count(p.Text, "Nobody") != manyRows {
		t.Errorf("%v %.200s", p.Header, p.Text)
	}
	if p := j.Get(path + "/changes/file"); p.Header.Get("Content-Type") != "application/gzip" || len(p.Text) == 0 {
		t.Errorf("%v", p.Header)
	}
	j.has(j.Post(path+"/rejects", url.Values{"at.0": {"2 other.csv"}, "v.0.1": {"c9"}}), http.StatusUnprocessableEntity, "Nothing was corrected")
}

// Amounts are in units of their currency.
func TestControlTotals(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	id := j.imported(wire.ImportOptions{Plan: true}, "rows.ndjson", `{"dataset":"invoices","customer_external_id":"z","external_id":"i1","date":"2024-01-05","currency":"JPY"}
{"dataset":"invoices","customer_external_id":"z","external_id":"i2","date":"2024-01-05","currency":"KWD"}
{"dataset":"line_items","invoice_external_id":"i1","external_id":"l1","type":"one_time","amount_in_cents":1234567}
{"dataset":"line_items","invoice_external_id":"i2","external_id":"l2","type":"one_time","amount_in_cents":-1234567}
{"dataset":"line_items","invoice_external_id":"i2","external_id":"l3","type":"one_time","amount_in_cents":5}
{"dataset":"transactions","invoice_external_id":"i1","external_id":"t1","type":"payment","result":"successful","date":"2024-01-05"}
`)
	j.page("/jobs/"+id, `<th scope="row">payments</th><td>JPY</td><td colspan="5">1 row is of a whole invoice`)
	j.page("/jobs/"+id, "<th scope=\"row\">line items</th><td>JPY</td><td class=\"number\">1\u202f234\u202f567</td>", "<th scope=\"row\">line items</th><td>KWD</td><td class=\"number\">−1\u202f234.562</td>")
	j.page("/jobs/"+id+"/changes?dataset=line_items", "0.005 KWD", "1\u202f234\u202f567 JPY")
	j.Post("/jobs/"+id+"/apply", nil)
	j.Work()
	// Only an amount changes: its currency is that of the stored invoice.
	id = j.imported(wire.ImportOptions{Plan: true}, "row.ndjson", `{"dataset":"line_items","invoice_external_id":"i2","external_id":"l3","type":"one_time","amount_in_cents":1005}`)
	j.page("/jobs/"+id+"/changes", "<del><bdi>0.005 KWD</bdi></del> → <ins><bdi>1.005 KWD</bdi></ins>")
	id = j.imported(wire.ImportOptions{Plan: true}, "row.ndjson", `{"dataset":"invoices","customer_external_id":"z","external_id":"i3","date":"2024-01-05","currency":"JPY"}`)
	j.page("/jobs/"+id+"/changes?dataset=invoices", "2024-01-05 00:00:00")
}

// Erases can be restored on their pages, and end with a receipt; exports end with a file.
func TestPagesOfErasesAndExports(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	x, err := j.API.Export(t.Context(), j.source, wire.ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	path := "/jobs/" + x.ID
	j.page(path, "Export – Billing", ">Cancel</button>")
	j.Work()
	j.page(path, ">Download</a>", `<th scope="row">customers</th><td class="number">121</td>`)
	if p := j.Get(path + "/export"); p.Status != http.StatusOK || !strings.HasPrefix(p.Text, "PK") || !strings.Contains(p.Header.Get("Content-Disposition"), "Billing-") {
		t.Errorf("the file: %d %v", p.Status, p.Header)
	}
	j.has(j.Post(path+"/cancel", nil), http.StatusOK, "The file is deleted")

	e, err := j.API.Erase(t.Context(), wire.Erasure{Selection: wire.SelectContent, ID: j.source, Grace: "72h"})
	if err != nil {
		t.Fatal(err)
	}
	path = "/jobs/" + e.ID
	j.page(path, "Erase – Billing", "restorable until", ">Restore</button>", "everything in the data source")
	if j.names("Ann") != 0 {
		t.Error("it is not erased")
	}
	j.has(j.Post(path+"/restore", nil), http.StatusOK, "Everything is back as it was.")
	if p := j.Post(path+"/restore", nil); p.Path != path && p.Status != http.StatusConflict {
		t.Errorf("a second click: %s %d", p.Path, p.Status)
	}
	if j.names("Ann") != manyRows || j.names("Bystander") != 1 {
		t.Error("it is not restored")
	}
	e, err = j.API.Erase(t.Context(), wire.Erasure{Selection: wire.SelectContent, ID: j.source})
	if err != nil {
		t.Fatal(err)
	}
	j.Work()
	j.page("/jobs/"+e.ID, "done", `href="/receipts/`+e.ID+`"`, `<th scope="row">customers</th><td class="number">121</td>`)
}

// Rejects that are corrected in the form become a new preview of the same files, and the old one is
// dropped. What was typed stays in the form if it is refused.
func TestCorrectRejects(t *testing.T) {
	t.Parallel()
	j := newJobs(t)
	old := j.imported(wire.ImportOptions{Plan: true, Mode: wire.Replace, MaxRemoved: new(100)}, "all.csv", "Name,External ID\nBystander,z\nNobody,\nSomebody,\n")
	path := "/jobs/" + old + "/rejects"
	j.page("/jobs/"+old, "kept although the input lacks them", "Fix rejects")
	form := url.Values{"at.0": {"3 all.csv"}, "v.0.1": {"n1"}, "at.1": {"4 all.csv"}, "v.1.1": {"n1\x00"}}
	page := j.Post(path, form)
	j.has(page, http.StatusUnprocessableEntity, `role="alert"`, `name="v.0.1" value="n1"`)
	form.Set("v.1.1", "n2")
	page = j.Post(path, form)
	j.Work()
	if page.Path == "/jobs/"+old {
		t.Fatalf("the form leads to %s", page.Path)
	}
	j.page("/jobs/"+old, "cancelled")
	j.page(page.Path, "waits for you", `It reads the files of <a href="/jobs/`+old+`">an earlier job</a> again`, "2 left out", "2</a></b> added", "120</a></b> removed", "<b>0</b> rejected")
	j.Post(page.Path+"/apply", nil)
	j.Work()
	if j.names("Ann") != 0 || j.names("Nobody") != 1 || j.names("Somebody") != 1 || j.names("Bystander") != 1 {
		t.Error("the corrected preview was not imported")
	}
	j.has(j.Post(path, form), http.StatusConflict, `role="alert"`) // an old tab
}
