package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/api"
	"reseed/pkg/app"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// bed is the API over a whole line in memory, whose messages wait until work is called.
type bed struct {
	*service
	app     *app.App
	source  string // uuid of "First"
	imports []importer.Message
	sweeps  []app.Sweep
	link    string // where every file is said to be, if set
}

func newBed(tb testing.TB, spec *openAPI) *bed {
	tb.Helper()
	return newBedOn(tb, spec, mem.New(mem.Options{}))
}

func newBedOn(tb testing.TB, spec *openAPI, d table.Driver) *bed {
	tb.Helper()
	return newBedWith(tb, spec, d, objects.Mem())
}

func newBedWith(tb testing.TB, spec *openAPI, d table.Driver, objs *objects.Objects) *bed {
	tb.Helper()
	st := store.New(d)
	b := &bed{service: &service{t: tb, store: st, log: &lockedBuffer{}, passed: &atomic.Int64{}, spec: spec}}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	b.app = app.New(app.Config{
		Store: st, Objects: objs, Now: b.now, Log: log, PieceBytes: 100_000, SweepUploads: true,
		Imports: func(_ context.Context, m ...importer.Message) error { b.imports = append(b.imports, m...); return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { b.sweeps = append(b.sweeps, m...); return nil },
	})
	b.ledger, b.eraser = b.app.Ledger, b.app.Eraser
	imports := api.ImportsOf(b.app)
	given := func(d app.Download, err error) (app.Download, error) {
		if b.link == "" || err != nil {
			return d, err
		}
		return app.Download{Link: b.link}, d.Body.Close()
	}
	changes, rejects := imports.Changes, imports.Rejects
	imports.Changes = func(ctx context.Context, j *job.Job, f importer.Format) (app.Download, error) {
		return given(changes(ctx, j, f))
	}
	imports.Rejects = func(ctx context.Context, j *job.Job) (app.Download, error) { return given(rejects(ctx, j)) }
	b.handler = api.New(api.Config{
		Store: st, Keys: []httpapi.Key{{Hash: httpapi.HashKey(testKey)}}, Edits: edit.New(st, b.now), Jobs: b.ledger, Now: b.now, Log: log,
		MaxUpload: 1 << 20, Imports: imports, Erase: api.EraseOf(b.eraser, b.app.StartErase),
	})
	b.source, _ = b.fixed()
	return b
}

// step handles the next message; false if there is none.
func (b *bed) step() bool {
	b.t.Helper()
	var err error
	switch {
	case len(b.imports) > 0:
		m := b.imports[0]
		b.imports = b.imports[1:]
		err = b.app.Importer.Handle(b.t.Context(), m)
	case len(b.sweeps) > 0:
		m := b.sweeps[0]
		b.sweeps = b.sweeps[1:]
		err = b.app.Sweep(b.t.Context(), m)
	default:
		return false
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.wait(time.Second)
	return true
}

func (b *bed) work() {
	for b.step() {
	}
}

// part is one part of a form: an option, or a file.
type part struct{ name, file, text string }

func file(name, text string) part            { return part{"file", name, text} }
func (b *bed) imported(parts ...part) answer { return b.form(b.source, parts...) }

func (b *bed) form(source string, parts ...part) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, p := range parts {
		var w io.Writer
		var err error
		if p.file != "" {
			w, err = form.CreateFormFile(p.name, p.file)
		} else {
			w, err = form.CreateFormField(p.name)
		}
		if err == nil {
			_, err = io.WriteString(w, p.text)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	r := b.request("POST", "/v1/data_sources/"+source+"/imports", body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	return b.serve(r)
}

// ordered posts an import in JSON.
func (b *bed) ordered(body string) answer {
	b.t.Helper()
	r := b.request("POST", "/v1/data_sources/"+b.source+"/imports", body)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return b.serve(r)
}

// id is the job that an order has made.
func (b *bed) id(ans answer) string {
	b.t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(ans.body), &out); err != nil || ans.status != http.StatusAccepted {
		b.t.Fatalf("status %d: %s", ans.status, ans.body)
	}
	return text(b.t, out, "id")
}

// done posts an import and works until it has ended in a state.
func (b *bed) done(want string, parts ...part) string {
	b.t.Helper()
	id := b.id(b.imported(parts...))
	b.work()
	b.is(id, want)
	return id
}

func (b *bed) is(id, want string) map[string]any {
	b.t.Helper()
	j := b.must(200, "GET", "/v1/imports/"+id, "")
	if j["status"] != want {
		b.t.Fatalf("the import is %v, want %s: %v", j["status"], want, j["error"])
	}
	return j
}

// unpacked is the text of a gzip file.
func (b *bed) unpacked(packed string) string {
	b.t.Helper()
	t := b.t
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

const (
	february = "Name,External ID\nAnn,c1\nBob,c2\nCid,c3\n"
	march    = "Name,External ID\nAnna,c1\nBob,c2\nDan,c4\nNobody,\n"
)

// TestOwnRoutes upholds docs/openapi.yaml, too: every answer is as it is described, and every description was seen.
func TestOwnRoutes(t *testing.T) { //nolint:tparallel // it waits for the group of its subtests
	t.Parallel()
	spec := loadOpenAPI(t)
	tests := map[string]func(*bed){
		"plan, apply, undo": planApplyUndo, "replace waits": replaceWaits, "objects": objectsInJSON, "options": options, "wrong options": wrongOptions,
		"states": states, "unknown jobs": unknownJobs, "erasures": erasures, "restored": restored, "receipts": receipts, "forgotten": forgotten, "emptied": emptied,
		"lists": lists, "records": records, "elsewhere": elsewhere, "progress": progress,
		"too large": tooLarge, "no key": noKey, "broken": broken, "edits": editsOfASource, "customers": customersAndPlans, "invoices": invoices, "line items": partRoutes(samples()[0]),
		"transactions": partRoutes(samples()[1]), "slow uploads": slowUploads, "keys": keys,
	}
	var ran atomic.Int64
	t.Run("all", func(t *testing.T) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ran.Add(1)
				test(newBed(t, spec))
			})
		}
	})
	if int(ran.Load()) < len(tests) { // only some were asked for
		return
	}
	_, answers := spec.described()
	for _, a := range answers {
		if !spec.seen[a] {
			t.Errorf("docs/openapi.yaml describes %s, which no test has seen", a)
		}
	}
}

func planApplyUndo(b *bed) {
	t := b.t
	b.done("done", file("february.csv", february))
	id := b.id(b.imported(part{"plan", "", "true"}, file("march.csv", march)))
	b.work()
	j := b.is(id, "planned")
	if got := fmt.Sprint(j["datasets"]); got != "map[customers:map[added:1 changed:1 read:4 rejected:1 removed:0 unchanged:1]]" || j["rejects"] != 1.0 {
		t.Errorf("datasets %s", got)
	}
	b.count(3, "/v1/customers", "entries")

	planFiles(b, id)

	b.must(202, "POST", "/v1/imports/"+id+"/apply", "")
	b.work()
	b.is(id, "done")
	b.count(4, "/v1/customers", "entries")
	b.status(400, "POST", "/v1/imports/"+id+"/undo", "plan")
	b.status(422, "POST", "/v1/imports/"+id+"/undo", `{"plann":true}`)
	planned := text(t, b.must(202, "POST", "/v1/imports/"+id+"/undo", `{"plan":true}`), "id")
	b.work()
	if j = b.is(planned, "planned"); fmt.Sprint(j["datasets"]) != "map[customers:map[added:0 changed:1 read:2 rejected:0 removed:1 unchanged:0]]" {
		t.Errorf("planned undo: %v", j["datasets"])
	}
	b.count(4, "/v1/customers", "entries")
	if samples := entries(t, b.must(200, "GET", "/v1/imports/"+planned+"/samples", ""), "changes"); len(samples) != 2 {
		t.Errorf("samples %v", samples)
	}
	undo := text(t, b.must(202, "POST", "/v1/imports/"+id+"/undo", ""), "id")
	b.work()
	b.status(409, "POST", "/v1/imports/"+planned+"/apply", "") // it was undone otherwise
	if j = b.is(undo, "done"); fmt.Sprint(j["datasets"]) != "map[customers:map[added:0 changed:1 read:2 rejected:0 removed:1 unchanged:0]]" {
		t.Errorf("undo: %v", j["datasets"])
	}
	if by, _ := b.is(id, "done")["import"].(map[string]any); by["undone_by"] != undo {
		t.Errorf("undone_by is %v", by["undone_by"])
	}
	b.count(3, "/v1/customers", "entries")
	b.status(409, "POST", "/v1/imports/"+id+"/undo", "")
	b.must(202, "POST", "/v1/imports/"+undo+"/undo", "")
	b.work()
	b.count(4, "/v1/customers", "entries")
}

// planFiles looks at all that can be had of the plan of march.
func planFiles(b *bed, id string) {
	t := b.t
	samples := entries(t, b.must(200, "GET", "/v1/imports/"+id+"/samples", ""), "changes")
	if len(samples) != 2 || samples[0]["action"] != "added" || samples[1]["action"] != "changed" || fmt.Sprint(samples[1]["line"]) != "2" {
		t.Errorf("samples %v", samples)
	}
	ans := b.do("GET", "/v1/imports/"+id+"/changes", "")
	lines := strings.Split(strings.TrimSpace(b.unpacked(ans.body)), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], `"status":"planned"`) || !strings.HasPrefix(lines[3], `{"changes":2,`) ||
		ans.header.Get("Content-Disposition") != `attachment; filename="`+id+`.ndjson.gz"` {
		t.Errorf("changes %v %q", ans.header, lines)
	}
	items := b.unpacked(b.do("GET", "/v1/imports/"+id+"/changes?format=dynamodb-json", "").body)
	if strings.Count(items, "\n") != 1 || !strings.HasPrefix(items, `{"Item":{"pk":{"S":`) || !strings.Contains(items, `"external_id":{"S":"c4"}`) {
		t.Errorf("items %q", items)
	}
	b.status(400, "GET", "/v1/imports/"+id+"/changes?format=csv", "")
	rejects := b.do("GET", "/v1/imports/"+id+"/rejects", "")
	if rejects.status != 200 || !strings.Contains(rejects.body, ",march.csv,5,External ID,required,") {
		t.Errorf("rejects %d %q", rejects.status, rejects.body)
	}
}

func replaceWaits(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	const two = "Name,External ID\nAnn,c1\nBob,c2\n"
	id := b.done("planned", part{"mode", "", "replace"}, file("a.csv", two))
	spec, _ := b.is(id, "planned")["import"].(map[string]any)
	if !strings.Contains(fmt.Sprint(spec["confirm"]), "1 of 3 stored rows of customers (33.3 %)") || spec["plan"] != false || spec["estimate"] == nil {
		t.Errorf("%v", spec)
	}
	b.must(202, "POST", "/v1/imports/"+id+"/apply", "")
	b.work()
	b.count(2, "/v1/customers", "entries")
	b.done("done", file("a.csv", february))
	b.done("done", part{"mode", "", "replace"}, part{"max_removed", "", "34"}, file("a.csv", two))
	b.count(2, "/v1/customers", "entries")
	b.done("failed", part{"mode", "", "replace"}, file("a.csv", "Name,External ID\n"))
	b.count(2, "/v1/customers", "entries")
	b.done("done", part{"mode", "", "replace"}, part{"max_removed", "", "100"}, part{"allow_empty", "", "1"}, file("a.csv", "Name,External ID\n"))
	b.count(0, "/v1/customers", "entries")

	// A plan whose ground has moved fails, with nothing written.
	b.done("done", file("a.csv", february))
	plan := b.done("planned", part{"plan", "", "true"}, file("a.csv", march))
	b.done("done", file("a.csv", strings.ReplaceAll(february, "Ann", "Annika")))
	b.must(202, "POST", "/v1/imports/"+plan+"/apply", "")
	b.work()
	if j := b.is(plan, "failed"); !strings.Contains(fmt.Sprint(j["error"]), "Nothing was written; make a new plan.") {
		t.Errorf("%v", j["error"])
	}
	b.count(3, "/v1/customers", "entries")
}

func (b *bed) put(key, text string) {
	b.t.Helper()
	if err := b.app.Objects.Put(b.t.Context(), key, strings.NewReader(text)); err != nil {
		b.t.Fatal(err)
	}
}

func objectsInJSON(b *bed) {
	t := b.t
	b.put("uploads/First/customers.csv", february)
	b.put("uploads/"+b.source+"/deep/down/more.csv", "Name,External ID\nEve,c5\n")
	b.put("uploads/Second/customers.csv", february)
	b.put("jobs/x/rejects.csv", february)
	id := b.id(b.ordered(fmt.Sprintf(`{"objects":["uploads/First/customers.csv","uploads/%s/deep/down/more.csv"]}`, b.source)))
	b.work()
	if j := b.is(id, "done"); !strings.Contains(fmt.Sprint(j["import"]), "name:customers.csv") || !strings.Contains(fmt.Sprint(j["import"]), "name:more.csv") {
		t.Errorf("%v", j["import"])
	}
	b.count(4, "/v1/customers", "entries")

	for _, key := range []string{
		"uploads/Second/customers.csv", "jobs/x/rejects.csv", "uploads/First/../Second/customers.csv", "uploads/" + b.source + "/../../jobs/x/rejects.csv",
		"../uploads/First/customers.csv", "/uploads/First/customers.csv", "uploads//First/customers.csv", "uploads/First", "uploads/First/", "uploads", "", ".",
		"uploads/First/nothing.csv", "uploads/First/a\x00b.csv", "uploads/First/" + strings.Repeat("x", 2000), `uploads\First\customers.csv`,
		"uploads/First/customers.csv/", "s3://bucket/uploads/First/customers.csv", "UPLOADS/First/customers.csv",
	} {
		list, err := json.Marshal([]string{"uploads/First/customers.csv", key})
		if err != nil {
			t.Fatal(err)
		}
		ans := b.ordered(`{"objects":` + string(list) + `}`)
		if ans.status != 422 || !strings.HasPrefix(ans.body, `{"errors":{"objects":"`) {
			t.Errorf("key %q: %d %s", key, ans.status, ans.body)
		}
	}
	for body, want := range map[string]int{
		`{}`: 400, `{"plan":true}`: 400, `[]`: 400, `{`: 400, ``: 400, `{"objects":null}`: 422, `{"objects":""}`: 422, `{"objects":[]}`: 422, `{"objects":{}}`: 422,
		`{"objects":"uploads/First/customers.csv"}`: 422, `{"objects":[1]}`: 422, `{"objects":[null]}`: 422, `{"objects":[[]]}`: 422,
		`{"objects":[` + strings.Repeat(`"uploads/First/customers.csv",`, 100) + `"x"]}`: 422,
	} {
		if ans := b.ordered(body); ans.status != want {
			t.Errorf("%.60s: %d %s", body, ans.status, ans.body)
		}
	}
	b.count(1, "/v1/imports", "jobs")
}

// options are accepted as texts of a form, and in JSON as what they are, or as texts.
func options(b *bed) {
	t := b.t
	b.put("uploads/First/a.csv", february)
	for i, more := range []string{
		`"plan":true,"max_removed":7,"allow_empty":true,"mode":"replace","dataset":"customers"`,
		`"plan":"true","max_removed":"7","allow_empty":"1","mode":"REPLACE","dataset":"Customers"`,
		`"plan":1,"max_removed":7.0,"allow_empty":false,"mode":" replace "`,
		`"plan":true,"max_removed":null,"allow_empty":null,"mode":"replace","dataset":""`,
	} {
		id := b.id(b.ordered(`{"objects":["uploads/First/a.csv"],` + more + `}`))
		b.work()
		if spec, _ := b.is(id, "planned")["import"].(map[string]any); spec["plan"] != true || spec["mode"] != "replace" {
			t.Errorf("%s: %v", more, spec)
		}
		j, err := b.ledger.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if want := [...]int{7, 7, 7, 20}[i]; j.Import.MaxRemoved != want || j.Import.AllowEmpty != (i < 2) {
			t.Errorf("%s: %+v", more, j.Import)
		}
	}
	for _, plan := range []string{"true", "1", " true\n"} {
		b.done("planned", part{"plan", "", plan}, file("a.csv", february))
	}
	for _, plan := range []string{"false", "0", ""} {
		b.done("done", part{"plan", "", plan}, part{"dataset", "", "customers"}, part{"mode", "", "upsert"}, file("a.csv", february))
	}
	b.done("planned", file("a.csv", february), part{"plan", "", "true"}) // behind the file
	b.done("done", file("a.csv", "Name,External ID\nAnn,c1\n"), file("b.csv", "Name,External ID\nBob,c2\n"))
}

func wrongOptions(b *bed) {
	t := b.t
	b.put("uploads/First/a.csv", february)
	for name, values := range map[string][]string{
		"dataset":     {`"cats"`, `7`, `true`, `[]`, `{}`},
		"mode":        {`"mirror"`, `1`, `false`, `["replace"]`},
		"plan":        {`"maybe"`, `2`, `[]`, `{}`, `"truee"`},
		"allow_empty": {`"yes"`, `-1`, `[true]`},
		"max_removed": {`101`, `-1`, `"many"`, `1.5`, `true`, `[]`, `1e9`, `9007199254740993`, `"99999999999999999999"`},
		"plann":       {`true`, `null`},
		"max-removed": {`5`},
	} {
		for _, v := range values {
			ans := b.ordered(fmt.Sprintf(`{"objects":["uploads/First/a.csv"],%q:%s}`, name, v))
			if ans.status != 422 || !strings.HasPrefix(ans.body, fmt.Sprintf(`{"errors":{%q:"`, name)) {
				t.Errorf("%s %s: %d %s", name, v, ans.status, ans.body)
			}
			if v == "true" || v == "null" || strings.ContainsAny(v, "[{") {
				continue // in a form everything is a text
			}
			ans = b.imported(part{name, "", strings.Trim(v, `"`)}, file("a.csv", february))
			if ans.status != 422 || !strings.HasPrefix(ans.body, fmt.Sprintf(`{"errors":{%q:"`, name)) {
				t.Errorf("form: %s %s: %d %s", name, v, ans.status, ans.body)
			}
		}
	}
	for what, ans := range map[string]answer{
		"a name too long": b.imported(file(strings.Repeat("x", 300), february)),
		"too many files":  b.imported(slices.Repeat([]part{file("a.csv", february)}, 101)...),
	} {
		if ans.status != 422 {
			t.Errorf("%s: %d %s", what, ans.status, ans.body)
		}
	}
	for what, ans := range map[string]answer{"no file": b.imported(part{"plan", "", "true"}), "nothing": b.imported()} {
		if ans.status != 400 {
			t.Errorf("%s: %d %s", what, ans.status, ans.body)
		}
	}
	b.status(404, "POST", "/v1/data_sources/ds_nobody/imports", "")
	b.count(0, "/v1/jobs", "jobs")
}

// states tries everything that can be done to an import in every state.
func states(first *bed) {
	t := first.t
	setups := map[string]func(b *bed) string{
		"running": func(b *bed) string { return b.id(b.imported(file("a.csv", february))) },
		"waiting": func(b *bed) string {
			b.imported(file("a.csv", february))
			return b.id(b.imported(file("a.csv", february)))
		},
		"planned": func(b *bed) string { return b.done("planned", part{"plan", "", "true"}, file("a.csv", february)) },
		"done":    func(b *bed) string { return b.done("done", file("a.csv", february)) },
		"failed":  func(b *bed) string { return b.done("failed", file("a.csv", "no,header\n")) },
		"cancelled": func(b *bed) string {
			id := b.done("planned", part{"plan", "", "true"}, file("a.csv", february))
			b.must(200, "DELETE", "/v1/imports/"+id, "")
			return id
		},
	}
	for state, want := range map[string]map[string]int{
		"running":   {"POST /apply": 409, "POST /undo": 409, "DELETE ": 200, "GET ": 200, "GET /samples": 200, "GET /changes": 409, "GET /rejects": 404},
		"waiting":   {"POST /apply": 409, "POST /undo": 409, "DELETE ": 200, "GET ": 200, "GET /samples": 200, "GET /changes": 409, "GET /rejects": 404},
		"planned":   {"POST /apply": 202, "POST /undo": 409, "DELETE ": 200, "GET ": 200, "GET /samples": 200, "GET /changes": 200, "GET /rejects": 404},
		"done":      {"POST /apply": 409, "POST /undo": 202, "DELETE ": 409, "GET ": 200, "GET /samples": 200, "GET /changes": 200, "GET /rejects": 404},
		"failed":    {"POST /apply": 409, "POST /undo": 409, "DELETE ": 409, "GET ": 200, "GET /samples": 200, "GET /changes": 404, "GET /rejects": 404},
		"cancelled": {"POST /apply": 409, "POST /undo": 409, "DELETE ": 409, "GET ": 200, "GET /samples": 200, "GET /changes": 200, "GET /rejects": 404},
	} {
		for call, status := range want {
			b := newBed(t, first.spec)
			id := setups[state](b)
			b.is(id, state)
			method, path, _ := strings.Cut(call, " ")
			if ans := b.do(method, "/v1/imports/"+id+path, ""); ans.status != status {
				t.Errorf("%s of one that is %s: %d, want %d: %s", call, state, ans.status, status, ans.body)
			}
			b.work()
			if log := b.log.String(); strings.Contains(log, "level=ERROR") {
				t.Errorf("%s of one that is %s: %s", call, state, log)
			}
		}
	}
	// One that runs is cancelled by its workers, and leaves its source to the next.
	id, next := first.id(first.imported(file("a.csv", february))), first.id(first.imported(file("a.csv", february)))
	first.must(200, "DELETE", "/v1/imports/"+id, "")
	first.work()
	first.is(id, "cancelled")
	first.is(next, "done")
}

func unknownJobs(b *bed) {
	t := b.t
	erase := text(t, b.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"source","id":%q}`, b.source)), "id")
	imports := map[string][]string{
		"": {"GET", "DELETE"}, "/apply": {"POST"}, "/undo": {"POST"}, "/samples": {"GET"}, "/changes": {"GET"}, "/rejects": {"GET"},
	}
	for _, id := range []string{erase, "x", "UPPER", strings.Repeat("0", 32), strings.Repeat("0", 65), "%2e%2e", "a%2Fb", "%00", "job%23x", b.source} {
		for path, methods := range imports {
			for _, m := range methods {
				b.status(404, m, "/v1/imports/"+id+path, "")
			}
		}
		if id != erase {
			b.status(404, "GET", "/v1/jobs/"+id, "")
			b.status(404, "GET", "/v1/erasures/"+id, "")
		}
	}
	b.work()
	b.status(200, "GET", "/v1/jobs/"+erase, "")
	b.status(404, "GET", "/v1/data_sources/"+b.source, "")
	if ans := b.imported(file("a.csv", february)); ans.status != 404 {
		t.Errorf("an import into an erased source: %d", ans.status)
	}
}

func erasures(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	imported := text(t, entries(t, b.must(200, "GET", "/v1/imports", ""), "jobs")[0], "id")
	b.status(404, "GET", "/v1/erasures/"+imported, "")
	plan := b.must(200, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"source","id":%q,"dry_run":true}`, b.source))
	if fmt.Sprint(plan["counts"]) != "map[customers:3]" {
		t.Errorf("%v", plan)
	}
	for body, want := range map[string]int{
		`{}`: 400, `{`: 400, `{"selection":"source"}`: 422, `{"selection":"import"}`: 422, `{"selection":"import","id":"nobody"}`: 404, `{"selection":"source","id":"ds_nobody"}`: 404, `{"selection":"all"}`: 422,
		`{"selection":"manual-customers","dryrun":true}`: 422, `{"selection":"manual-customers","dry_run":"maybe"}`: 422, `{"selection":["source"]}`: 422,
	} {
		b.status(want, "POST", "/v1/erasures", body)
	}
	b.count(3, "/v1/customers", "entries")
	id := text(t, b.must(202, "POST", "/v1/erasures", `{"selection":"manual-customers"}`), "id")
	b.count(0, "/v1/customers", "entries")
	b.work()
	if j := b.must(200, "GET", "/v1/erasures/"+id, ""); j["status"] != "done" || !strings.Contains(fmt.Sprint(j["erase"]), "customers:3") {
		t.Errorf("%v", j)
	}
}

// erase asks for an erase and gives its job.
func (b *bed) erase(format string, args ...any) string {
	b.t.Helper()
	return text(b.t, b.must(202, "POST", "/v1/erasures", fmt.Sprintf(format, args...)), "id")
}

func restored(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	whole := b.erase(`{"selection":"source","id":%q,"grace":"48h"}`, b.source)
	b.count(0, "/v1/customers", "entries")
	b.status(404, "GET", "/v1/data_sources/"+b.source, "")
	if j := b.must(200, "GET", "/v1/erasures/"+whole, ""); j["status"] != "grace" {
		t.Errorf("%v", j)
	}
	if j := b.must(200, "POST", "/v1/erasures/"+whole+"/restore", ""); j["status"] != "restored" {
		t.Errorf("%v", j)
	}
	b.count(3, "/v1/customers", "entries")
	b.status(409, "POST", "/v1/erasures/"+whole+"/restore", "")
	b.status(404, "POST", "/v1/erasures/"+strings.Repeat("0", 32)+"/restore", "")

	content := b.erase(`{"selection":"content","source":"First","grace":"48h"}`)
	b.count(0, "/v1/customers", "entries")
	running := b.id(b.imported(file("a.csv", february)))
	b.status(429, "POST", "/v1/erasures/"+content+"/restore", "")
	b.must(200, "DELETE", "/v1/imports/"+running, "")
	b.work()
	b.must(200, "POST", "/v1/erasures/"+content+"/restore", "")
	b.count(3, "/v1/customers", "entries")

	again := b.erase(`{"selection":"content","source":"First","grace":"1h"}`)
	b.done("done", file("a.csv", march))
	b.status(409, "POST", "/v1/erasures/"+again+"/restore", "") // it was filled since
	b.count(3, "/v1/customers", "entries")
	b.wait(2 * time.Hour)
	b.status(409, "POST", "/v1/erasures/"+again+"/restore", "")
	if err := b.app.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.work()
	b.status(409, "POST", "/v1/erasures/"+again+"/restore", "")
	b.count(3, "/v1/customers", "entries")
	if r := b.must(200, "GET", "/v1/erasures/"+again+"/receipt", ""); fmt.Sprint(r["removed"]) != "map[customers:3]" {
		t.Errorf("%v", r)
	}
}

func receipts(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	n := b.must(200, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"content","id":%q,"dry_run":true}`, b.source))["counts"]
	b.status(409, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"content","id":%q,"confirm":4}`, b.source))
	b.count(3, "/v1/customers", "entries")
	id := b.erase(`{"selection":"content","id":%q,"confirm":3}`, b.source)
	b.status(404, "GET", "/v1/erasures/"+id+"/receipt", "")
	b.work()
	r := b.must(200, "GET", "/v1/erasures/"+id+"/receipt", "")
	if fmt.Sprint(r["removed"]) != fmt.Sprint(n) || r["total"] != 3.0 || r["imports_cleared"] != 1.0 || len(text(t, r, "key_digest")) != 64 {
		t.Errorf("%v, planned %v", r, n)
	}
	if page := b.do("GET", "/v1/erasures/"+id+"/receipt?format=html", ""); page.status != 200 || !strings.Contains(page.body, "<h1>Receipt of an erase</h1>") {
		t.Errorf("%d %s", page.status, page.body)
	}
	b.status(400, "GET", "/v1/erasures/"+id+"/receipt?format=pdf", "")
	second := b.erase(`{"selection":"source","id":%q}`, b.source)
	b.work()
	if got := column(t, b.must(200, "GET", "/v1/receipts", ""), "receipts", "job"); !slices.Equal(got, []string{second, id}) {
		t.Errorf("%v", got)
	}
	if got := column(t, b.must(200, "GET", "/v1/erasures?per_page=1", ""), "jobs", "id"); !slices.Equal(got, []string{second}) {
		t.Errorf("%v", got)
	}
	b.status(400, "GET", "/v1/receipts?cursor=UPPER", "")
	b.status(400, "GET", "/v1/erasures?per_page=0", "")
}

func forgotten(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	ann := column(t, b.must(200, "GET", "/v1/customers?external_id=c1", ""), "entries", "uuid")[0]
	b.status(422, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"source","id":%q,"forget":true}`, b.source))
	id := b.erase(`{"selection":"customer","id":%q,"forget":true}`, ann)
	b.work()
	if r := b.must(200, "GET", "/v1/erasures/"+id+"/receipt", ""); r["forgotten"] != 1.0 {
		t.Errorf("%v", r)
	}
	j := b.is(b.done("done", file("a.csv", february)), "done")
	if j["rejects"] != 1.0 {
		t.Errorf("%v", j)
	}
	rejects := b.do("GET", "/v1/imports/"+text(t, j, "id")+"/rejects", "").body
	if !strings.Contains(rejects, ",forgotten,") {
		t.Errorf("%s", rejects)
	}
	b.count(2, "/v1/customers", "entries")
	anew := fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"c1"}`, b.source)
	b.status(422, "POST", "/v1/customers", anew)
	list := "/v1/data_sources/" + b.source + "/forgotten"
	b.status(400, "DELETE", list, "")
	b.status(404, "DELETE", list+"?external_id=c2", "")
	b.status(204, "DELETE", list+"?external_id=c1", "")
	b.status(201, "POST", "/v1/customers", anew)
}

// emptied: what people did by hand comes back to life with the same external ids, unless it was told otherwise.
func emptied(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	ann := column(t, b.must(200, "GET", "/v1/customers?external_id=c1", ""), "entries", "uuid")[0]
	tags := "/v1/customers/" + ann + "/attributes/tags"
	b.must(200, "POST", tags, `{"tags":["vip"]}`)
	source := "/v1/data_sources/" + b.source
	if p := b.must(200, "DELETE", source+"/all?dry_run=true&keep_edits=false", ""); fmt.Sprint(p["counts"]) != "map[customers:3 edits:1]" {
		t.Errorf("%v", p)
	}
	for _, path := range []string{"/all", "/all?keep_edits=false"} {
		b.must(204, "DELETE", source+path, "")
		b.count(0, "/v1/customers", "entries")
		b.status(404, "GET", "/v1/customers/"+ann, "")
		b.must(200, "GET", source, "")
		b.work()
		b.done("done", file("a.csv", february))
		want := "[vip]"
		if strings.Contains(path, "false") {
			want = "[]"
		}
		if got := b.must(200, "GET", "/v1/customers/"+ann+"/attributes", ""); fmt.Sprint(got["tags"]) != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	b.must(204, "DELETE", source+"/dependent", "")
	b.work()
	b.count(3, "/v1/customers", "entries")
}

func lists(b *bed) {
	t := b.t
	var want []string
	for range 5 {
		want = append(want, b.done("done", file("a.csv", february)))
	}
	b.must(202, "POST", "/v1/erasures", `{"selection":"manual-customers"}`)
	b.work()
	slices.Reverse(want)
	for _, size := range []int{1, 2, 5, 200} {
		var got []string
		for cursor := ""; ; {
			out := b.must(200, "GET", fmt.Sprintf("/v1/imports?per_page=%d&cursor=%s", size, cursor), "")
			got = append(got, column(t, out, "jobs", "id")...)
			if out["has_more"] != true {
				break
			}
			cursor = text(t, out, "cursor")
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", size, got, want)
		}
	}
	b.count(6, "/v1/jobs", "jobs")
	for _, path := range []string{"/v1/jobs", "/v1/imports"} {
		for _, query := range []string{"per_page=0", "per_page=x", "per_page=-1", "cursor=UPPER", "cursor=%2F", "cursor=" + strings.Repeat("1", 65)} {
			b.status(400, "GET", path+"?"+query, "")
		}
	}
	b.status(200, "GET", "/v1/data_sources", "")
	b.status(200, "GET", "/v1/data_sources/"+b.source, "")
}

// elsewhere is how files are given that are too large for an answer of a Lambda function.
func elsewhere(b *bed) {
	t := b.t
	id := b.done("done", file("a.csv", march))
	b.link = "https://bucket.example/file?signature=x"
	for _, path := range []string{"/changes", "/changes?format=dynamodb-json", "/rejects"} {
		ans := b.do("GET", "/v1/imports/"+id+path, "")
		if ans.status != http.StatusSeeOther || ans.header.Get("Location") != b.link || ans.body != "" {
			t.Errorf("%s: %d %v %q", path, ans.status, ans.header, ans.body)
		}
	}
}

// progress is told while a job runs, and of its source. It never goes back.
func progress(b *bed) {
	t := b.t
	const rows = 9000 // long enough together to be cut into pieces
	var csv strings.Builder
	csv.WriteString("Name,External ID\n")
	for i := range rows {
		fmt.Fprintf(&csv, "%0250d,c%d\n", i, i)
	}
	csv.WriteString("Nobody,\n")
	b.put("uploads/First/a.csv", csv.String())
	if p := b.processing(); fmt.Sprint(p) != "map[failed:0 pending:0 processed:0]" {
		t.Errorf("at first %v", p)
	}
	plan := b.id(b.ordered(`{"objects":["uploads/First/a.csv"],"plan":true}`))
	b.work()
	b.is(plan, "planned")
	if p := b.processing(); fmt.Sprint(p) != "map[failed:0 pending:0 processed:0]" {
		t.Errorf("of a plan %v", p)
	}
	id := b.id(b.ordered(`{"objects":["uploads/First/a.csv"]}`))
	looks := 0
	for last := (object{"fraction": -1.0}); b.step(); {
		j := b.must(200, "GET", "/v1/imports/"+id, "")
		if j["status"] != "running" {
			continue
		}
		p, _ := j["progress"].(object)
		fraction := figureOf(p, "fraction")
		if fraction < figureOf(last, "fraction") || figureOf(p, "rows_done") > rows+1 {
			t.Fatalf("progress %v after %v", p, last)
		}
		if last = p; fraction > 0 && fraction < 1 {
			looks++
			if s := b.processing(); !adds(s, rows) {
				t.Errorf("at %v of the work: %v", fraction, s)
			}
		}
	}
	if looks < 10 {
		t.Errorf("only %d looks", looks)
	}
	if p := b.processing(); fmt.Sprint(p) != "map[failed:1 pending:0 processed:9000]" {
		t.Errorf("in the end %v", p)
	}
	list := entries(t, b.must(200, "GET", "/v1/data_sources?with_processing_status=1", ""), "data_sources")
	if fmt.Sprint(list[0]["processing_status"], list[1]["processing_status"]) != "map[failed:1 pending:0 processed:9000] map[failed:0 pending:0 processed:0]" {
		t.Errorf("%v", list)
	}
}

// processing is the processing_status of the source.
func (b *bed) processing() object {
	b.t.Helper()
	src := b.must(200, "GET", "/v1/data_sources/"+b.source+"?with_processing_status=true", "")
	p, _ := src["processing_status"].(object)
	return p
}

// adds tells whether the figures come to about so many rows.
func adds(processing object, rows float64) bool {
	done, failed, pending := figureOf(processing, "processed"), figureOf(processing, "failed"), figureOf(processing, "pending")
	return min(done, failed, pending) >= 0 && math.Abs(done+failed+pending-rows) <= rows/10
}

func figureOf(o object, name string) float64 {
	n, _ := o[name].(float64)
	return n
}

func tooLarge(b *bed) {
	t := b.t
	if ans := b.imported(file("a.csv", strings.Repeat("x", 1<<20))); ans.status != 413 {
		t.Errorf("a file: %d %s", ans.status, ans.body)
	}
	if ans := b.ordered(`{"objects":["` + strings.Repeat("x", httpapi.MaxBody) + `"]}`); ans.status != 413 {
		t.Errorf("an order: %d %s", ans.status, ans.body)
	}
	b.status(413, "POST", "/v1/erasures", `{"selection":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	b.count(0, "/v1/jobs", "jobs")
}

// everywhere makes a request to everything that is described.
func everywhere(b *bed, do func(method, path string)) {
	operations, _ := b.spec.described()
	for path, methods := range operations {
		for _, m := range methods {
			id := b.source
			for list, prefix := range map[string]string{
				"/invoices/{": "inv_", "/line_items/{": "li_", "/transactions/{": "tr_", "/customers/{": "cus_", "/plans/{": "pl_",
			} {
				if strings.Contains(path, list) && !strings.Contains(path, "/data_sources/") {
					id = prefix + "00007024-aa6f-8c81-8b3d-8d293055fbfa"
				}
			}
			path := strings.NewReplacer("{uuid}", id, "{id}", strings.Repeat("0", 32), "{name}", "nobody").Replace(path)
			do(m, path+"?external_id=x&data_source_uuid="+b.source)
		}
	}
}

func noKey(b *bed) {
	t := b.t
	everywhere(b, func(method, path string) {
		r := b.request(method, path, "{}")
		r.SetBasicAuth("another", "")
		if ans := b.serve(r); ans.status != 401 || ans.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s: %d", method, path, ans.status)
		}
	})
}

// broken: when the table is gone, nobody learns why, but for the log.
func broken(b *bed) {
	t := b.t
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	everywhere(b, func(method, path string) {
		if strings.HasSuffix(path, "/forgotten") {
			path += "?external_id=x"
		}
		const id = `"cus_00007024-aa6f-8c81-8b3d-8d293055fbfa"`
		body := `{"disabled":true,"status":"voided","from":{"customer_uuid":` + id + `},"into":{"customer_uuid":` + id + `},
			"customer_uuid":` + id + `,"data_source_uuid":"x","external_id":"x"}`
		if strings.HasPrefix(path, "/v1/erasures") {
			body = fmt.Sprintf(`{"selection":"source","id":%q}`, b.source)
		}
		if strings.HasPrefix(path, "/v1/keys") {
			body = `{"name":"x"}`
		}
		ans := b.do(method, path, body)
		if ans.status < 500 || strings.Contains(ans.body, "closed") {
			t.Errorf("%s %s: %d %s", method, path, ans.status, ans.body)
		}
	})
}

// all makes requests of all that the routes of one kind of record can be asked, and checks the statuses.
func (b *bed) all(list, id, ext, change, wrong string) {
	b.t.Helper()
	one, byExt := "/v1/"+list+"/"+id, b.byExternalID(list, ext)
	state, byState := one+"/disabled_state", b.byExternalID(list+"/disabled_state", ext)
	nobody, byNobody := "/v1/"+list+"/nobody", b.byExternalID(list, "nobody")
	large := `{"x":"` + strings.Repeat("x", httpapi.MaxBody) + `"}`
	for _, path := range []string{one, byExt} {
		b.must(200, "GET", path, "")
		b.must(200, "PATCH", path, change)
		b.status(422, "PATCH", path, wrong)
		b.status(400, "PATCH", path, "")
		b.status(413, "PATCH", path, large)
		b.status(400, "DELETE", path, "[")
		b.status(413, "DELETE", path, large)
		b.status(422, "DELETE", path, `{"handle_as_user_edit":"perhaps"}`)
	}
	for _, path := range []string{state, byState} {
		b.must(200, "PATCH", path, `{"disabled":true}`)
		b.must(200, "PATCH", path, `{"disabled":false}`)
		b.status(400, "PATCH", path, `{}`)
		b.status(422, "PATCH", path, `{"disabled":"perhaps"}`)
		b.status(413, "PATCH", path, large)
	}
	b.status(404, "PATCH", nobody+"/disabled_state", `{"disabled":true}`)
	b.status(404, "PATCH", b.byExternalID(list+"/disabled_state", "nobody"), `{"disabled":true}`)
	b.status(400, "PATCH", "/v1/"+list+"/disabled_state", `{"disabled":true}`)
	b.status(400, "PATCH", "/v1/"+list, `{}`)
	b.status(400, "DELETE", "/v1/"+list, `{}`)
	for _, m := range []string{"PATCH", "DELETE"} {
		b.status(404, m, nobody, `{}`)
		b.status(404, m, byNobody, `{}`)
	}
	b.status(404, "GET", nobody, "")
	b.must(200, "PATCH", one+"?handle_as_user_edit=true&include_edit_histories=true", change)
}

func invoices(b *bed) {
	b.refiled(b.source, "", "")
	id := b.uuid("invoices", "i1")
	b.all("invoices", id, "i1", `{"status":"paid","date":"2025-01-05"}`, `{"status":"gone"}`)
	b.status(400, "GET", "/v1/invoices?per_page=0", "")
	b.status(400, "GET", "/v1/invoices/"+id+"?validation_type=strange", "")
	b.count(4, "/v1/invoices?include_edit_histories=true&with_disabled=true&data_source_uuid="+b.source, "invoices")
	path := "/v1/data_sources/" + b.source + "/invoices/"
	b.must(200, "PUT", path+"i1/status", `{"status":"voided"}`)
	b.must(422, "PUT", path+"i1/status", `{"status":"paid"}`)
	b.status(400, "PUT", path+"i1/status", `{}`)
	b.status(404, "PUT", path+"nobody/status", `{"status":"voided"}`)
	b.status(413, "PUT", path+"i1/status", `{"status":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	b.must(204, "DELETE", "/v1/invoices/"+id, "")
	b.must(204, "DELETE", b.byExternalID("invoices", "i2"), "")
}

func partRoutes(s sample) func(*bed) {
	return func(b *bed) {
		b.refiled(b.source, "", "")
		var wrong string
		for wrong = range s.wrong {
			break
		}
		b.all(s.list, b.uuid(s.list, s.ext), s.ext, s.edit, wrong)
		path := "/v1/import/invoices/" + b.uuid("invoices", "i2") + "/" + s.list
		added := map[string]string{
			"line_items":   `{"external_id":"new","type":"one_time","amount_in_cents":1}`,
			"transactions": `{"external_id":"new","type":"payment","result":"failed","date":"2025-01-01"}`,
		}[s.list]
		id := text(b.t, b.must(201, "POST", path, added), "uuid")
		b.must(422, "POST", path, added)
		b.status(400, "POST", path, "[]")
		b.status(404, "POST", "/v1/import/invoices/x/"+s.list, added)
		b.status(413, "POST", path, `{"x":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
		b.status(400, "GET", "/v1/"+s.list, "")
		b.status(404, "GET", b.byExternalID(s.list, "nobody"), "")
		ofInvoice := "/v1/invoices/" + b.uuid("invoices", "i2") + "/" + s.list
		if !slices.Contains(column(b.t, b.must(200, "GET", ofInvoice, ""), s.list, "uuid"), id) {
			b.t.Errorf("%s lacks what was added", ofInvoice)
		}
		b.status(400, "GET", ofInvoice+"?per_page=0", "")
		b.status(404, "GET", "/v1/invoices/x/"+s.list, "")
		b.must(204, "DELETE", "/v1/"+s.list+"/"+id, "")
		b.must(204, "DELETE", b.byExternalID(s.list, s.ext), "")
	}
}

// TestOpenAPIOrders: every member of a described order is known to its handler, and the two forms of an import have the same.
func TestOpenAPIOrders(t *testing.T) {
	t.Parallel()
	spec := loadOpenAPI(t)
	b := newBed(t, spec)
	_, op := spec.operation("POST", "/v1/data_sources/x/imports")
	content := spec.follow(spec.follow(op["requestBody"])["content"])
	var members [2][]string
	for i, kind := range []string{"application/json", "multipart/form-data"} {
		properties := spec.follow(spec.follow(spec.follow(content[kind])["schema"])["properties"])
		for name := range properties {
			if name != "objects" && name != "file" {
				members[i] = append(members[i], name)
			}
		}
		slices.Sort(members[i])
	}
	if !slices.Equal(members[0], members[1]) || len(members[0]) < 5 {
		t.Errorf("in JSON %v, in a form %v", members[0], members[1])
	}
	known := func(ans answer, name string) {
		t.Helper()
		if ans.status != 422 || !strings.Contains(ans.body, fmt.Sprintf("%q", name)) || strings.Contains(ans.body, "not known") {
			t.Errorf("%s: %d %s", name, ans.status, ans.body)
		}
	}
	for _, name := range members[0] {
		known(b.ordered(fmt.Sprintf(`{"objects":["x"],%q:[]}`, name)), name)
		known(b.imported(part{name, "", "nonsense"}), name)
	}
	for name := range spec.follow(spec.follow(spec.follow(spec.follow(spec.root["components"])["schemas"])["ErasureOrder"])["properties"]) {
		order := object{"selection": "manual-customers"}
		order[name] = []int{1}
		body, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		known(b.do("POST", "/v1/erasures", string(body)), name)
	}
}

// TestOpenAPIChanges: every member of a described change is known to its handler.
func TestOpenAPIChanges(t *testing.T) {
	t.Parallel()
	spec := loadOpenAPI(t)
	b := filed(t)
	for schema, path := range map[string]string{
		"InvoiceChange": b.byExternalID("invoices", "i1"), "LineItemOrder": b.byExternalID("line_items", "l1"),
		"TransactionOrder": b.byExternalID("transactions", "t1"),
	} {
		properties := spec.follow(spec.follow(spec.follow(spec.follow(spec.root["components"])["schemas"])[schema])["properties"])
		for name := range properties {
			if name == "cancelled_at" {
				continue
			}
			if errs, _ := b.must(422, "PATCH", path, fmt.Sprintf(`{%q:[1]}`, name))["errors"].(object); errs[name] == nil {
				t.Errorf("%s.%s: %v", schema, name, errs)
			}
		}
	}
}

// An invoice that was made while all of its customer's are being erased would be erased with them.
func TestNoInvoiceIsMadeForAnEraseToTake(t *testing.T) {
	t.Parallel()
	b := filed(t)
	c1 := b.c1()
	erase := b.erase(`{"selection":"customer-invoices","id":%q,"grace":"48h"}`, c1)
	path := "/v1/import/customers/" + c1 + "/invoices"
	b.status(429, "POST", path, `{"invoices":[`+invoice("new", "2025-01-01")+`]}`)
	// Nor may a line item of another customer take the external id of a hidden one: that can be restored.
	c2 := column(t, b.must(200, "GET", "/v1/customers?external_id=c2&data_source_uuid="+b.source, ""), "entries", "uuid")[0]
	b.status(429, "POST", "/v1/import/customers/"+c2+"/invoices", `{"invoices":[`+strings.ReplaceAll(invoice("new", "2025-01-01"), "li-new", "l1")+`]}`)
	// Nor does a file bring one, nor what would hang on it; the customer itself, and its contacts, it may.
	id := b.done("done", file("c.csv", "Name,External ID\nAnna,c1\n"), file("i.csv", "Customer external ID,Invoice external ID,Invoiced date,Currency\nc1,new,2025-01-01,USD\nc2,other,2025-01-01,USD\n"),
		file("l.csv", "Invoice external ID,External ID,Type,Amount in cents\ni1,l10,one_time,1\n"))
	if text := b.do("GET", "/v1/imports/"+id+"/rejects", "").body; strings.Count(text, ",being_erased,") != 2 || b.is(id, "done")["rejects"] != 2.0 {
		t.Errorf("rejects: %s", text)
	}
	b.tells("Anna", "/v1/customers/"+c1, "name")
	b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
	b.must(201, "POST", path, `{"invoices":[`+invoice("new", "2025-01-01")+`]}`)
}

// A replace leaves what is being erased as it is, and the customer that it comes back to.
func TestAReplaceLeavesWhatCanBeRestored(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"customer-invoices", "customer", "invoice"} {
		b := filed(t)
		before := b.must(200, "GET", "/v1/invoices?data_source_uuid="+b.source, "")
		ids := map[string]string{"customer-invoices": b.c1(), "customer": b.c1(), "invoice": b.uuid("invoices", "i1")}
		erase := b.erase(`{"selection":%q,"id":%q,"grace":"48h"}`, kind, ids[kind])
		all := []part{{"mode", "", "replace"}, {"max_removed", "", "100"}, {"allow_empty", "", "true"}}
		for name, text := range map[string]string{"c": "Name,External ID\nBob,c2\n", "p": plansFile, "i": invoicesFile, "l": linesFile, "t": transactionsFile} {
			lines := slices.DeleteFunc(strings.SplitAfter(text, "\n"), func(l string) bool {
				return strings.HasPrefix(l, "c1,") || strings.HasPrefix(l, "i1,") || strings.HasPrefix(l, "i2,")
			})
			all = append(all, file(name+".csv", strings.Join(lines, "")))
		}
		if j := b.is(b.done("done", all...), "done"); j["rejects"] != 0.0 {
			t.Fatalf("%v", j)
		}
		b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
		after := b.must(200, "GET", "/v1/invoices?data_source_uuid="+b.source, "")
		for _, inv := range entries(t, before, "invoices") {
			back := slices.ContainsFunc(entries(t, after, "invoices"), func(o object) bool { return fmt.Sprint(o) == fmt.Sprint(inv) })
			if hidden := inv["external_id"] == "i1" || kind != "invoice" && inv["customer_external_id"] == "c1"; hidden && !back {
				t.Errorf("%s: %v is not back as it was", kind, inv["external_id"])
			}
		}
		b.c1()
	}
}

// What is away in a grace period holds no manual customer any more, once all of them were erased.
func TestNoManualCustomerHidesInAGracePeriod(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"source", "content"} {
		b := newBed(t, nil)
		b.done("done", file("a.csv", february))
		away := b.erase(`{"selection":%q,"id":%q,"grace":"48h"}`, kind, b.source)
		manual := b.erase(`{"selection":"manual-customers"}`)
		b.work()
		if r := b.must(200, "GET", "/v1/erasures/"+manual+"/receipt", ""); fmt.Sprint(r["removed"]) != "map[customers:3]" {
			t.Errorf("%s: %v", kind, r["removed"])
		}
		b.must(200, "POST", "/v1/erasures/"+away+"/restore", "")
		b.count(0, "/v1/customers", "entries")
		last := b.erase(`{"selection":"source","id":%q}`, b.source)
		b.work()
		if r := b.must(200, "GET", "/v1/erasures/"+last+"/receipt", ""); r["total"] != 0.0 {
			t.Errorf("%s: %v was left", kind, r["removed"])
		}
	}
}
