package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/internal/ziptest"
	"reseed/pkg/api/wire"
	"reseed/pkg/app"
	"reseed/pkg/httpapi"
	"reseed/pkg/objects"
	"reseed/pkg/table/mem"
)

// waits sends files that wait, and returns the upload.
func (b *bed) waits(source string, files ...part) (u wire.Upload) {
	b.t.Helper()
	ans := b.formTo("/v1/data_sources/"+source+"/uploads", files...)
	if err := json.Unmarshal([]byte(ans.body), &u); err != nil || ans.status != 201 {
		b.t.Fatalf("status %d: %s", ans.status, ans.body)
	}
	return u
}

// inspected gets an upload of the first source with a query.
func (b *bed) inspected(id, query string) (u wire.Upload) {
	b.t.Helper()
	ans := b.do("GET", b.uploadPath(id)+query, "")
	if err := json.Unmarshal([]byte(ans.body), &u); err != nil || ans.status != 200 {
		b.t.Fatalf("status %d: %s", ans.status, ans.body)
	}
	return u
}

func (b *bed) uploadPath(id string) string { return "/v1/data_sources/" + b.source + "/uploads/" + id }

const (
	kunden  = "Name;External ID;Emaill\nM\xfcller;c1;x\nJos\xe9;c2;y\n" // windows-1252
	another = "Plan,Interval count,Interval unit,External ID\nGold,1,month,p9\n"
)

// waitingUploads: files wait, are looked at, imported, dropped; what is wrong with a request.
func waitingUploads(b *bed) {
	t := b.t
	u := b.waits(b.source, file("kunden.csv", kunden), file("more.zip", ziptest.Of(t, "a.csv", "Name,External ID\nAnn,c5\n", "b.csv", another, "read me.txt", "Hello")))
	if len(u.Files) != 2 || !u.Files[0].Arrived || u.Files[0].Size != int64(len(kunden)) || u.Files[1].Number != 2 || u.Source != b.source || u.Imported {
		t.Errorf("upload %+v", u)
	}
	b.count(0, "/v1/jobs", "jobs")
	inspectedKunden(t, b.inspected(u.ID, ""))
	b.wrongUploads(u.ID)
	b.status(204, "DELETE", b.uploadPath(u.ID), "")
	b.status(404, "DELETE", b.uploadPath(u.ID), "")
	b.status(404, "GET", b.uploadPath(u.ID), "")
	if left := b.below("uploads/"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	u = b.waits(b.source, file("kunden.csv", kunden))
	b.erase(`{"selection":"content","source":"First"}`)
	b.status(409, "GET", b.uploadPath(u.ID), "")
	b.status(404, "GET", b.uploadPath(u.ID), "")
	u = b.waits(b.source, file("kunden.csv", kunden))
	b.work()
	b.erase(`{"selection":"content","source":"First"}`)
	b.status(409, "DELETE", b.uploadPath(u.ID), "")
	if left := b.below("uploads/"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// inspectedKunden checks what was understood of kunden, and of the ZIP beside it.
func inspectedKunden(tb testing.TB, got wire.Upload) {
	tb.Helper()
	if len(got.Files[0].Parts) != 1 || len(got.Files[1].Parts) != 2 {
		tb.Fatalf("parts %+v", got.Files)
	}
	p := got.Files[0].Parts[0]
	if text := fmt.Sprintln(p.Dataset, p.Settings.Encoding, p.Guessed, p.Delimiter, p.Rows[0].Record["name"]); text != "customers windows-1252 true ; Müller\n" {
		tb.Errorf("kunden.csv: %s, of %+v", text, p)
	}
	if p.Columns[2].Field != "" || p.Columns[2].Nearest != "Email" || !slices.Contains(p.Unused, "Email") || slices.Contains(p.Unused, "Name") {
		tb.Errorf("columns of kunden.csv: %+v, %q", p.Columns, p.Unused)
	}
	if !slices.Contains(p.Encodings, "macintosh") || slices.Contains(p.Encodings, "utf-8") {
		tb.Errorf("encodings of kunden.csv: %q", p.Encodings)
	}
	p = got.Files[1].Parts[0]
	if text := fmt.Sprintln(p.File, p.Dataset, p.Guessed, p.Encodings); text != "more.zip/a.csv customers false [utf-8]\n" {
		tb.Errorf("a.csv: %s, of %+v", text, p)
	}
}

func (b *bed) wrongUploads(id string) {
	t := b.t
	path := "/v1/data_sources/" + b.source + "/uploads"
	for query, names := range map[string]string{
		"?file=3": "file", "?file=x": "file", "?encoding=latin9000": "encoding", "?decimal=colon": "decimal", "?dataset=people": "dataset", "?colour=red": "colour", "?map=x": "map",
	} {
		if ans := b.do("GET", b.uploadPath(id)+query, ""); ans.status != 422 || !strings.Contains(ans.body, names) {
			t.Errorf("%s: %d %s", query, ans.status, ans.body)
		}
	}
	for _, unknown := range []string{"x", "..", strings.Repeat("0", 32), "0192f0c4-a3b8-7c5e-9d1f-000000000000"} {
		b.status(404, "GET", b.uploadPath(unknown), "")
		if ans := b.ordered(fmt.Sprintf(`{"upload":%q}`, unknown)); ans.status != 404 {
			t.Errorf("an import of %q: %d %s", unknown, ans.status, ans.body)
		}
	}
	b.status(404, "GET", strings.Replace(b.uploadPath(id), b.source, b.second(), 1), "")
	b.status(404, "POST", "/v1/data_sources/ds_x/uploads", `{"files":[]}`)
	b.status(405, "GET", path, "")
	for body, want := range map[string]int{
		`{`: 400, `{}`: 400, `{"files":[]}`: 422, `{"files":[1]}`: 422, `{"files":[{"name":"a.csv"}]}`: 422, `{"files":[{"name":"a.csv","size":-1}]}`: 422,
		`{"files":[{"name":"a\u202e.csv","size":1}]}`: 422, `{"files":[{"name":"a.csv","size":1048577}]}`: 422, `{"files":[{"name":"a.csv","size":1,"x":1}]}`: 422,
		`{"files":[{"name":"a.csv","size":1}]}`: 409, `{"files":["` + strings.Repeat("x", httpapi.MaxBody) + `"]}`: 413,
	} {
		r := b.request("POST", path, body)
		r.Header.Set("Content-Type", "application/json")
		if ans := b.serve(r); ans.status != want {
			t.Errorf("%.60s: %d, want %d: %s", body, ans.status, want, ans.body)
		}
	}
	for name, parts := range map[string][]part{"no file": {}, "an option": {{"plan", "", "true"}, file("a.csv", february)}, "large": {file("a.csv", strings.Repeat("x", 1<<20))}} {
		if ans := b.formTo(path, parts...); ans.status < 400 || ans.status >= 500 {
			t.Errorf("%s: %d %s", name, ans.status, ans.body)
		}
	}
	for _, more := range []string{
		`"files":[{"number":3}]`, `"files":[{"number":1,"encoding":"x"}]`, `"files":[{"number":1},{"number":1}]`, `"files":[{"dataset":"customers"}]`, `"files":[1]`,
		`"files":[{"number":1,"left_out":true},{"number":2,"left_out":true}]`, `"objects":["x"],"colour":1`,
	} {
		if ans := b.ordered(fmt.Sprintf(`{"upload":%q,%s}`, id, more)); ans.status != 422 {
			t.Errorf("%s: %d %s", more, ans.status, ans.body)
		}
	}
	b.count(0, "/v1/jobs", "jobs")
}

// readingsOfUploads: each file is read as it is said for it, and what is remembered counts for the next
// upload. The same upload can be planned twice; what was left out goes, what a job has stays.
func readingsOfUploads(b *bed) {
	t := b.t
	u := b.waits(b.source, file("kunden.csv", kunden), file("b.csv", another), file("notes.txt", "Hello"))
	if p := b.inspected(u.ID, "?file=2&dataset=plans&map=Plan%3DName").Files; len(p[0].Parts)+len(p[2].Parts) > 0 || p[1].Parts[0].Rows[0].Record["name"] != "Gold" {
		t.Errorf("inspected %+v", p)
	}
	order := fmt.Sprintf(`{"upload":%q,"plan":true,"remember":true,"files":[
		{"number":1,"encoding":"windows-1252","delimiter":";"},{"number":2,"dataset":"plans","map":["Plan=Name"]},{"number":3,"left_out":true}]}`, u.ID)
	b.id(b.ordered(order))
	id := b.id(b.ordered(order))
	b.work()
	j := b.is(id, "planned")
	if got := fmt.Sprint(j["datasets"]); got != "map[customers:map[added:2 changed:0 read:2 rejected:0 removed:0 unchanged:0] plans:map[added:1 changed:0 read:1 rejected:0 removed:0 unchanged:0]]" {
		t.Errorf("datasets %s: %v", got, j["reasons"])
	}
	b.must(202, "POST", "/v1/imports/"+id+"/apply", "")
	b.work()
	b.is(id, "done")
	b.count(2, "/v1/customers", "entries")
	if !b.inspected(u.ID, "").Imported {
		t.Error("the upload does not tell that it was imported")
	}
	b.status(204, "DELETE", b.uploadPath(u.ID), "")
	if left := b.below("uploads/"); len(left) != 3 {
		t.Errorf("left: %v", left)
	}
	next := b.waits(b.source, file("kunden.csv", kunden))
	if p := b.inspected(next.ID, "").Files[0].Parts[0]; p.Kept != "customers" || p.Guessed || p.Rows[0].Record["name"] != "Müller" {
		t.Errorf("the next one: %+v", p)
	}
}

// TestHostileFilesAreInspected: what cannot be imported is said of each file, and the others are read.
func TestHostileFilesAreInspected(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	for name, want := range map[string]string{
		ziptest.Of(t, "a.csv", strings.Repeat("\n", 120<<20)): "times its size",
		"PK\x03\x04 and no more":                              "cannot be read",
		ziptest.Of(t, "a.pdf", "%PDF-"):                       "no CSV or NDJSON file",
		"%PDF-1.7":                                            "a PDF document",
		"":                                                    "empty",
		"\x1f\x8b\x08 and no more":                            "damaged",
		"Name,External ID\n" + strings.Repeat("\"", 999): "",
	} {
		u := b.inspected(b.waits(b.source, file("x", name), file("a.csv", february)).ID, "")
		if parts := u.Files[0].Parts; len(parts) != 1 || !strings.Contains(parts[0].Error, want) {
			t.Errorf("%.20q: %+v, want %s", name, parts, want)
		}
		if parts := u.Files[1].Parts; len(parts) != 1 || parts[0].Read != 3 {
			t.Errorf("beside %.20q: %+v", name, parts)
		}
	}
}

// TestUploadsThatBecomeNoImportGo: after a day, with their files; what an import has stays.
func TestUploadsThatBecomeNoImportGo(t *testing.T) {
	t.Parallel()
	for store, open := range objectStores() {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			b := newBedWith(t, nil, mem.New(mem.Options{}), open(t))
			dropped := b.waits(b.source, file("a.csv", february))
			u := b.waits(b.source, file("a.csv", february), file("b.csv", february))
			b.id(b.ordered(fmt.Sprintf(`{"upload":%q,"files":[{"number":2,"left_out":true}]}`, u.ID)))
			b.work()
			b.put("uploads/Second/own.csv", "Name\n")
			b.wait(app.WaitLife - time.Minute)
			b.inspected(dropped.ID, "")
			b.wait(2 * time.Minute)
			b.status(404, "GET", b.uploadPath(dropped.ID), "")
			if ans := b.ordered(fmt.Sprintf(`{"upload":%q}`, dropped.ID)); ans.status != 404 {
				t.Errorf("a late import: %d %s", ans.status, ans.body)
			}
			for range 2 {
				b.wait(3 * time.Hour)
				if err := b.app.Tick(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.work()
			}
			if left := b.below("uploads/"); len(left) != 2 {
				t.Errorf("left: %v", left)
			}
			b.onlyAdopted("a day later")
		})
	}
}

// TestErasesTakeWaitingUploads: an erase that deletes files deletes those that wait, or refuses their
// import; uploads into other sources wait on.
func TestErasesTakeWaitingUploads(t *testing.T) {
	t.Parallel()
	for store, open := range objectStores() {
		for _, kind := range []string{"source", "content", "dependent", "manual-customers", "customer", "import"} {
			for _, swept := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%v", store, kind, swept), func(t *testing.T) {
					t.Parallel()
					eraseWhileUploadsWait(t, open(t), kind, swept)
				})
			}
		}
	}
}

func eraseWhileUploadsWait(t *testing.T, objs *objects.Objects, kind string, swept bool) {
	t.Helper()
	b, erases := newUploadBed(t, mem.Options{}, objs)
	u, other := b.waits(b.source, file("a.csv", february)), b.waits(b.second(), file("other.csv", february))
	second := b.second()
	b.wait(time.Second)
	b.erase("%s", erases[kind])
	if swept {
		b.work()
	}
	if ans := b.ordered(fmt.Sprintf(`{"upload":%q}`, u.ID)); ans.status != 409 && ans.status != 404 {
		t.Errorf("an import of it: %d %s", ans.status, ans.body)
	}
	b.work()
	if left := b.below("uploads/" + b.source + "/"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if kind != "manual-customers" {
		b.status(200, "GET", "/v1/data_sources/"+second+"/uploads/"+other.ID, "")
	}
	if left := b.below("uploads/Second/"); len(left) != 1 {
		t.Errorf("a bystander's file is gone: %v", left)
	}
}

// TestFilesComeByForms: where objects are in S3, files are sent there by forms, and wait like others.
func TestFilesComeByForms(t *testing.T) {
	t.Parallel()
	b := newBedWith(t, nil, mem.New(mem.Options{}), objectStores()["s3"](t))
	u := b.announced("a.csv", february, "late.csv", march)
	if u.Files[0].Arrived || u.Files[0].Form == nil {
		t.Fatalf("announced %+v", u)
	}
	if to, err := b.app.FormsTo(t.Context()); err != nil || !strings.HasPrefix(u.Files[0].Form.URL, to+"/") {
		t.Errorf("forms are sent to %q, not to %q: %v", u.Files[0].Form.URL, to, err)
	}
	b.sendForm(u.Files[0].Form, february)
	got := b.inspected(u.ID, "")
	if !got.Files[0].Arrived || got.Files[1].Arrived || len(got.Files[0].Parts) != 1 || got.Files[0].Parts[0].Read != 3 || got.Files[0].Form != nil {
		t.Errorf("inspected %+v", got)
	}
	if ans := b.ordered(fmt.Sprintf(`{"upload":%q}`, u.ID)); ans.status != 422 || !strings.Contains(ans.body, "late.csv") {
		t.Errorf("an import without its second file: %d %s", ans.status, ans.body)
	}
	b.id(b.ordered(fmt.Sprintf(`{"upload":%q,"files":[{"number":2,"left_out":true}]}`, u.ID)))
	b.work()
	b.count(3, "/v1/customers", "entries")

	// A file that comes after an erase becomes no import, and goes after a day.
	u = b.announced("a.csv", march)
	b.wait(time.Second)
	b.erase(`{"selection":"source","id":%q}`, b.source)
	b.work()
	b.sendForm(u.Files[0].Form, march)
	b.status(404, "GET", b.uploadPath(u.ID), "")
	for range 2 {
		b.wait(13 * time.Hour)
		if err := b.app.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if left := b.below("uploads/"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// announced announces files, given by name and text.
func (b *bed) announced(files ...string) (u wire.Upload) {
	b.t.Helper()
	var a wire.Announcement
	for i := 0; i < len(files); i += 2 {
		a.Files = append(a.Files, wire.Announced{Name: files[i], Size: int64(len(files[i+1]))})
	}
	body, err := json.Marshal(a)
	if err != nil {
		b.t.Fatal(err)
	}
	r := b.request("POST", "/v1/data_sources/"+b.source+"/uploads", string(body))
	r.Header.Set("Content-Type", "application/json")
	ans := b.serve(r)
	if err := json.Unmarshal([]byte(ans.body), &u); err != nil || ans.status != 201 {
		b.t.Fatalf("status %d: %s", ans.status, ans.body)
	}
	return u
}

// sendForm sends a file as a browser does.
func (b *bed) sendForm(f *wire.UploadForm, text string) {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range f.Fields {
		if err := form.WriteField(name, value); err != nil {
			b.t.Fatal(err)
		}
	}
	w, err := form.CreateFormFile("file", "x.csv")
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err = errors.Join(err, form.Close()); err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, f.URL, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		b.t.Fatalf("the bucket answers %d", resp.StatusCode)
	}
}
