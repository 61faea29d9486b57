package api_test

import (
	"net/http"
	"strings"
)

// exports exports a source, fetches the file, and imports it again.
func exports(b *bed) {
	t := b.t
	route := "/v1/data_sources/" + b.source + "/exports"
	b.done("done", file("a.csv", march))
	j := b.must(202, "POST", route, `{"datasets":["invoices","customers"]}`)
	id := text(t, j, "id")
	b.status(409, "GET", "/v1/exports/"+id+"/file", "")
	for b.step() {
		b.must(200, "GET", "/v1/exports/"+id, "")
	}
	j = b.must(200, "GET", "/v1/jobs/"+id, "")
	spec, _ := j["export"].(object)
	if j["kind"] != "export" || j["status"] != "done" || spec["format"] != "csv" || !strings.HasPrefix(text(t, spec, "by"), "key ") {
		t.Errorf("%v", j)
	}
	ans := b.do("GET", "/v1/exports/"+id+"/file", "")
	if ans.status != 200 || ans.header.Get("Content-Type") != "application/zip" || ans.header.Get("Content-Disposition") != `attachment; filename="`+id+`.zip"` || float64(len(ans.body)) != spec["size"] {
		t.Fatalf("%d %v", ans.status, ans.header)
	}
	b.unchanged(b.done("done", file("again.zip", ans.body)))
	lines := text(t, b.must(202, "POST", route, `{"format":"ndjson","edits":"laid-over"}`), "id")
	b.work()
	if body := textOf(t, b.do("GET", "/v1/exports/"+lines+"/file", "").body); !strings.HasPrefix(body, `{"dataset":"`) {
		t.Errorf("%q", body)
	}
	if ans := b.linked("/v1/exports/" + lines + "/file"); ans.status != http.StatusSeeOther {
		t.Errorf("%d %v", ans.status, ans.header)
	}
	b.must(200, "DELETE", "/v1/exports/"+id, "")
	b.status(404, "GET", "/v1/exports/"+id+"/file", "")
	for _, path := range []string{"/v1/imports/" + id, "/v1/erasures/" + id, "/v1/exports/nowhere/file", "/v1/exports/nowhere"} {
		b.status(404, "GET", path, "")
	}
}

// unchanged checks that an import has changed nothing.
func (b *bed) unchanged(id string) {
	for ds, counts := range b.is(id, "done")["datasets"].(object) { //nolint:forcetypeassert // described
		if c := counts.(object); c["unchanged"] != c["read"] || c["read"] == 0.0 { //nolint:forcetypeassert // described
			b.t.Errorf("%s: %v", ds, c)
		}
	}
}

// linked asks for a file that is too large for an answer.
func (b *bed) linked(path string) answer {
	b.link = "https://bucket.example/file?signature=x"
	defer func() { b.link = "" }()
	ans := b.do("GET", path, "")
	if ans.header.Get("Location") != b.link {
		b.t.Errorf("%v", ans.header)
	}
	return ans
}

// oddExports are exports without a file, and requests that make none.
func oddExports(b *bed) {
	t := b.t
	route := "/v1/data_sources/" + b.source + "/exports"
	b.done("done", file("a.csv", march))
	empty := text(t, b.must(202, "POST", route, `{"datasets":["plans"],"sheet":true,"delimiter":";"}`), "id")
	cancelled := text(t, b.must(202, "POST", route, ""), "id")
	if j := b.must(200, "DELETE", "/v1/exports/"+cancelled, ""); j["status"] != "cancelled" {
		t.Errorf("%v", j)
	}
	b.work()
	b.status(404, "GET", "/v1/exports/"+empty+"/file", "")
	b.status(409, "DELETE", "/v1/exports/"+cancelled, "")
	b.count(2, "/v1/exports", "jobs")
	b.count(1, "/v1/imports", "jobs")
	b.status(400, "GET", "/v1/exports?per_page=x", "")
	b.status(404, "DELETE", "/v1/exports/nowhere", "")
	b.status(404, "POST", "/v1/data_sources/ds_none/exports", "")
	b.status(400, "POST", route, "{")
	for _, wrong := range []string{`{"format":"xlsx"}`, `{"datasets":"all"}`, `{"datasets":["all"]}`, `{"edits":"aside"}`, `{"sheet":true,"edits":"apart"}`, `{"sheet":true,"format":"ndjson"}`, `{"delimiter":";"}`, `{"sheet":true,"delimiter":"x"}`, `{"sheet":true,"delimiter":7}`} {
		b.status(422, "POST", route, wrong)
	}
	tabs := b.must(202, "POST", route, `{"sheet":true,"delimiter":"\t"}`)
	if x, _ := tabs["export"].(object); x["delimiter"] != "\t" {
		t.Errorf("a tab between cells became %q", x["delimiter"])
	}
}
