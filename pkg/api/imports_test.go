package api_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

const (
	february = "Name,External ID\nAnn,c1\nBob,c2\nCid,c3\n"
	march    = "Name,External ID\nAnna,c1\nBob,c2\nDan,c4\nNobody,\n"
)

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
	undoing, _ := j["import"].(map[string]any)
	undone, _ := b.is(id, "done")["import"].(map[string]any)
	if undoing["by"] == nil || undoing["by"] != undone["by"] {
		t.Errorf("the undo was asked for by %v", undoing["by"])
	}
	b.count(4, "/v1/customers", "entries")
	if samples := entries(t, b.must(200, "GET", "/v1/imports/"+planned+"/samples", ""), "changes"); len(samples) != 2 {
		t.Errorf("samples %v", samples)
	}
	undo := text(t, b.must(202, "POST", "/v1/imports/"+id+"/undo", ""), "id")
	b.work()
	b.status(409, "POST", "/v1/imports/"+planned+"/apply", "") // another undo took the import back
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

// planFiles reads everything that the API shows of the plan of march.
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

	// A plan fails, and nothing is written, if what it rests on has changed.
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

// options: a form has options as texts; JSON has them with their types, or as texts.
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
	b.done("planned", file("a.csv", february), part{"plan", "", "true"}) // the option may follow the file
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

// states tries every action on an import in every state.
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
	// A running import ends when its workers have seen the cancel; then the next job of its source
	// starts.
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

// progress: a running job and its source show progress, which never goes back.
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

// adds reports whether the figures sum up to about so many rows.
func adds(processing object, rows float64) bool {
	done, failed, pending := figureOf(processing, "processed"), figureOf(processing, "failed"), figureOf(processing, "pending")
	return min(done, failed, pending) >= 0 && math.Abs(done+failed+pending-rows) <= rows/10
}

func figureOf(o object, name string) float64 {
	n, _ := o[name].(float64)
	return n
}

// TestOpenAPIOrders: handlers know every member that the document describes for imports and erases,
// and both kinds of import request have the same ones.
func TestOpenAPIOrders(t *testing.T) {
	t.Parallel()
	spec := loadOpenAPI(t)
	b := newBed(t, nil)
	_, op := spec.operation("POST", "/v1/data_sources/x/imports")
	content := spec.follow(spec.follow(op["requestBody"])["content"])
	var members [2][]string
	for i, kind := range []string{"application/json", "multipart/form-data"} {
		properties := spec.follow(spec.follow(spec.follow(content[kind])["schema"])["properties"])
		for name := range properties {
			if !slices.Contains([]string{"objects", "upload", "files", "file"}, name) {
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
		known(b.ordered(fmt.Sprintf(`{"objects":["x"],%q:{}}`, name)), name)
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

// TestOpenAPIChanges: handlers know every member that the document describes for changes.
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

// textOf is the text of rejects: of all files, if they are a ZIP.
func textOf(tb testing.TB, body string) string {
	tb.Helper()
	if !strings.HasPrefix(body, "PK\x03\x04") {
		return body
	}
	z, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		tb.Fatal(err)
	}
	var all strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err == nil {
			_, err = io.Copy(&all, r)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return all.String()
}

// Rejects are CSV or NDJSON, as their file is, or a ZIP if several files have some.
func TestRejectsOverREST(t *testing.T) {
	t.Parallel()
	csv, lines := file("c.csv", "External ID,Name\n,A\n"), file("l.ndjson", `{"dataset":"customers","name":"B"}`+"\n")
	for name, test := range map[string]struct {
		parts []part
		kind  string
		want  []string
	}{
		"a table":  {[]part{csv}, "text/csv; charset=utf-8", []string{",A,,c.csv,2,External ID,required,"}},
		"lines":    {[]part{lines}, "application/x-ndjson", []string{`"_reject":{"file":"l.ndjson","line":1`}},
		"both":     {[]part{csv, lines}, "application/zip", []string{",A,,c.csv,2,", `"file":"l.ndjson","line":1`}},
		"the same": {[]part{csv, csv}, "application/zip", []string{",A,,c.csv,2,"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, nil)
			id := b.id(b.imported(test.parts...))
			b.work()
			ans := b.do("GET", "/v1/imports/"+id+"/rejects", "")
			text := textOf(t, ans.body)
			if ans.status != 200 || ans.header.Get("Content-Type") != test.kind {
				t.Errorf("%d %s", ans.status, ans.header.Get("Content-Type"))
			}
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("%s lacks %s", text, want)
				}
			}
		})
	}
}
