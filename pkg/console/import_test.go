package console_test

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"reseed/internal/consoletest"
	"reseed/internal/ziptest"
	"reseed/pkg/api/wire"
)

// importBed is a console with a data source, and a browser that is signed in.
type importBed struct {
	*consoletest.Bed
	t      *testing.T
	w      *consoletest.Browser
	source wire.Source
}

func newImportBed(t *testing.T) *importBed {
	t.Helper()
	b := consoletest.New(t)
	src, err := b.API.AddSource(t.Context(), "Kunden <b> & Co", "CSV")
	if err != nil {
		t.Fatal(err)
	}
	return &importBed{b, t, b.SignIn(), src}
}

// choose sends files, given by name and text, with the form of the import page.
func (b *importBed) choose(mode string, files ...string) consoletest.Page {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	err := form.WriteField("mode", mode)
	for i := 0; i < len(files) && err == nil; i += 2 {
		var w io.Writer
		if w, err = form.CreateFormFile("file", files[i]); err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return b.w.Send(http.MethodPost, "/sources/"+b.source.UUID+"/uploads", &body, http.Header{"Content-Type": {form.FormDataContentType()}})
}

// fields are the fields of the form of cards, as a browser would send them.
func fields(page string) url.Values {
	form := url.Values{}
	attr := func(tag, name string) string {
		m := regexp.MustCompile(name + `="([^"]*)"`).FindStringSubmatch(tag)
		if m == nil {
			return ""
		}
		return html.UnescapeString(m[1])
	}
	page = page[strings.Index(page, `id="how"`):strings.Index(page, "Discard the files")]
	for _, tag := range regexp.MustCompile(`<input [^>]*>`).FindAllString(page, -1) {
		if kind := attr(tag, "type"); kind != "checkbox" && kind != "radio" || strings.Contains(tag, " checked") {
			form.Add(attr(tag, "name"), attr(tag, " value"))
		}
	}
	for _, m := range regexp.MustCompile(`(?s)<select ([^>]*)>(.*?)</select>`).FindAllStringSubmatch(page, -1) {
		chosen := regexp.MustCompile(`<option value="([^"]*)" selected>`).FindStringSubmatch(m[2])
		if chosen == nil {
			chosen = regexp.MustCompile(`<option value="([^"]*)"`).FindStringSubmatch(m[2])
		}
		form.Add(attr(m[1], "name"), html.UnescapeString(chosen[1]))
	}
	return form
}

func (b *importBed) has(p consoletest.Page, texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.Text, text) {
			b.t.Errorf("%s (%d) lacks %q:\n%s", p.Path, p.Status, text, p.Text)
		}
	}
}

const kunden = "Name;External ID;Emaill\nM\xfcller & <b>;c1;a@example.com\nJos\xe9;;b@example.com\n"

// Files are chosen, looked at, read otherwise, and previewed, without a script.
func TestImport(t *testing.T) {
	t.Parallel()
	b := newImportBed(t)
	p := b.w.Get("/sources/" + b.source.UUID + "/import?mode=replace")
	b.has(p, `<input id="file" name="file" type="file" multiple`, `value="replace" checked`, "Kunden &lt;b&gt; &amp; Co", "/upload.js")
	p = b.choose("replace", "kunden.csv", kunden, "b.csv", "Plan,Interval count,Interval unit,External ID\nGold,1,month,p1\n", "notes.txt", "Hello")
	if p.Status != http.StatusOK || !strings.HasPrefix(p.Path, "/sources/"+b.source.UUID+"/uploads/") {
		t.Fatalf("%d %s\n%s", p.Status, p.Path, p.Text)
	}
	b.has(p, "3 files, 1 understood", "Müller &amp; &lt;b&gt;", `<option value="windows-1252" selected>`, "a guess", "External ID", "would be rejected", "recognised: ;",
		`<option value="Emaill=Email">Email</option>`, `value="replace" checked`)
	form := fields(p.Text)
	form.Set("1.map", "Emaill=Email")
	form.Set("2.dataset", "plans")
	form.Set("2.map", "Plan=Name")
	form.Set("3.left_out", "yes")
	form.Set("remember", "yes")
	at, _, _ := strings.Cut(p.Path, "?")
	again := b.w.Get(at + "?" + form.Encode())
	b.has(again, "2 files, 2 understood", "a@example.com", "Gold", `<option value="Plan=Name" selected>`, `name="3.left_out" value="yes" checked`, `name="remember" value="yes" checked`)
	cards := b.w.Send(http.MethodGet, at+"?"+form.Encode(), nil, http.Header{"HX-Request": {"true"}})
	b.has(cards, "2 files, 2 understood")
	if strings.Contains(cards.Text, "<html") {
		t.Error("a part is answered with the whole page")
	}
	p = b.w.Post(at, fields(again.Text))
	if !strings.HasPrefix(p.Path, "/jobs/") {
		t.Fatalf("%d %s\n%s", p.Status, p.Path, p.Text)
	}
	b.Work()
	j, err := b.API.Job(t.Context(), strings.TrimPrefix(p.Path, "/jobs/"))
	if err != nil {
		t.Fatal(err)
	}
	if j.Status != wire.Planned || j.Import.Mode != wire.Replace || j.Datasets["customers"].Added != 1 || j.Rejects != 1 || j.Datasets["plans"].Added != 1 {
		t.Errorf("the plan: %+v", j)
	}
	if left := b.w.Post(at+"/discard", nil); left.Path != "/sources/"+b.source.UUID+"/import" || b.w.Get(at).Status != http.StatusNotFound {
		t.Errorf("discarding leads to %s", left.Path)
	}
	if again := b.w.Post(at+"/discard", nil); again.Status != http.StatusOK {
		t.Errorf("discarding twice: %d", again.Status)
	}
}

// What is wrong is said on the page, which is filled as it was.
func TestImportRefusals(t *testing.T) {
	t.Parallel()
	b := newImportBed(t)
	p := b.choose("replace", "", "")
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("no file: %d", p.Status)
	}
	b.has(p, "Choose one file or more", `value="replace" checked`, `aria-invalid="true"`)
	p = b.choose("upsert", "a\u202e.csv", "x")
	b.has(p, "A file has a name that is too long or holds invisible characters.")
	cut := b.w.Send(http.MethodPost, "/sources/"+b.source.UUID+"/uploads", strings.NewReader("--x\r\nContent-Disposition: form-data; name=file; filename=a.csv\r\n\r\nName"),
		http.Header{"Content-Type": {"multipart/form-data; boundary=x"}})
	if cut.Status != http.StatusUnprocessableEntity {
		t.Errorf("a form that breaks off: %d", cut.Status)
	}
	plain := b.w.Post("/sources/"+b.source.UUID+"/uploads", url.Values{"file": {"a.csv"}})
	if plain.Status != http.StatusUnprocessableEntity {
		t.Errorf("no multipart form: %d", plain.Status)
	}
	p = b.choose("upsert", "a.csv", "Name,External ID\nAnn,c1\n")
	at, _, _ := strings.Cut(p.Path, "?")
	b.has(b.w.Get(at+"?1.encoding=latin9000"), "There is no encoding of this name", "Ann")
	b.has(b.w.Get(at+"?1.map=Nickname%3DName"), "Nickname")
	for name, form := range map[string]url.Values{"encoding": {"1.encoding": {"latin9000"}}, "all left out": {"1.left_out": {"yes"}}} {
		if p := b.w.Post(at, form); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text, `role="alert"`) {
			t.Errorf("%s: %d\n%s", name, p.Status, p.Text)
		}
	}
	jobs, err := b.API.Jobs(t.Context(), "")
	if err != nil || len(jobs.Jobs) != 0 {
		t.Errorf("%d jobs were made, %v", len(jobs.Jobs), err)
	}
	for _, path := range []string{"/sources/ds_x/import", "/sources/" + b.source.UUID + "/uploads/x", "/sources/ds_x/uploads/x"} {
		if p := b.w.Get(path); p.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, p.Status)
		}
	}
	if p := b.w.Send(http.MethodPost, at, nil, http.Header{"Sec-Fetch-Site": {"cross-site"}}); p.Status != http.StatusForbidden {
		t.Errorf("a form of another site: %d", p.Status)
	}
}

// A file that is not understood stops the preview of all until somebody says what it is, or leaves it
// out. One whose rows would all be rejected does not.
func TestPreviewOfWhatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	b := newImportBed(t)
	p := b.choose("upsert", "good.csv", "Name,External ID\nAnn,c1\n", "page.csv", "<!DOCTYPE html><html><body>Sign in</body></html>", "blank.csv", "Name,External ID\nBob,\n")
	at, _, _ := strings.Cut(p.Path, "?")
	refused := b.w.Post(at, fields(p.Text))
	if refused.Status != http.StatusUnprocessableEntity {
		t.Fatalf("%d\n%s", refused.Status, refused.Text)
	}
	b.has(refused, "page.csv cannot be imported like this", "Ann")
	jobs, err := b.API.Jobs(t.Context(), "")
	if err != nil || len(jobs.Jobs) != 0 {
		t.Fatalf("%d jobs were made, %v", len(jobs.Jobs), err)
	}
	form := fields(refused.Text)
	form.Set("2.left_out", "yes")
	plan := b.w.Post(at, form)
	b.Work()
	b.has(b.w.Get(plan.Path), "waits for you", "good.csv", "blank.csv", "1 rejected")
}

// Files in ZIPs are shown one by one. Of a ZIP whose only file in another encoding is guessed, all are
// read so.
func TestImportOfAZip(t *testing.T) {
	t.Parallel()
	b := newImportBed(t)
	var files []string
	for i := range 12 {
		files = append(files, fmt.Sprintf("part-%d.csv", i), fmt.Sprintf("Name,External ID\nAnn,c%d\n", i))
	}
	files = append(files, "kunden.csv", kunden)
	p := b.choose("upsert", "all.zip", ziptest.Of(t, files...))
	b.has(p, "1 file, 1 understood", "all.zip/part-11.csv", "all.zip/kunden.csv", `<option value="windows-1252" selected>`, "Müller")
}

// Amounts are shown in units of their currency, and times as such.
func TestImportShowsAmounts(t *testing.T) {
	t.Parallel()
	b := newImportBed(t)
	p := b.choose("upsert", "events.csv", "Customer external ID,Subscription external ID,Event type,Date,Effective date,Plan external ID,Amount in cents,Currency,Quantity,External ID\n"+
		"c1,s1,subscription_start,2026-01-02,2026-01-02,p1,123456,JPY,1,e1\nc1,s1,subscription_updated,2026-02-02,2026-02-02,p1,123456,EUR,2,e2\n")
	b.has(p, "1 file, 1 understood", "<bdi>123\u202f456 JPY</bdi>", "<bdi>1\u202f234.56 EUR</bdi>", `<th scope="row">line 2</th><td><bdi>c1</bdi></td><td><bdi>s1</bdi></td><td><bdi>subscription_start</bdi></td><td><bdi>2026-01-02 00:00:00</bdi>`, `<th scope="col" class="number">amount</th>`)
}

// Without a bucket there are no forms for files, and the script sends them here.
func TestFormsWithoutABucket(t *testing.T) {
	t.Parallel()
	b := newImportBed(t)
	at := "/sources/" + b.source.UUID + "/uploads/forms"
	if p := b.w.Post(at, url.Values{"name": {"a.csv"}, "size": {"10"}, "mode": {"upsert"}}); p.Status != http.StatusNoContent {
		t.Errorf("status %d\n%s", p.Status, p.Text)
	}
	if p := b.w.Post(at, url.Values{"name": {"a.csv"}, "size": {"-1"}}); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text, `role="alert"`) {
		t.Errorf("status %d\n%s", p.Status, p.Text)
	}
}

// The sample company is imported into a data source of its own, and once more it changes nothing.
func TestSampleCompany(t *testing.T) {
	t.Parallel()
	b := newImportBed(t)
	for range 2 {
		p := b.w.Post("/sources/sample", nil)
		b.Work()
		j, err := b.API.Job(t.Context(), strings.TrimPrefix(p.Path, "/jobs/"))
		if err != nil {
			t.Fatal(err)
		}
		if n := j.Datasets["customers"]; j.Status != wire.Done || n.Added+n.Unchanged != 200 || j.SourceName != "Sample company" {
			t.Errorf("the import: %+v", j)
		}
	}
	list, err := b.API.Sources(t.Context())
	if err != nil || len(list) != 2 {
		t.Errorf("sources %+v, %v", list, err)
	}
}
