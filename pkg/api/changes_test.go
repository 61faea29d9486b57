package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// manyCustomers is a table of n customers, each with a name that begins so.
func manyCustomers(n int, name string) string {
	var s strings.Builder
	s.WriteString("Name,External ID,Email\n")
	for i := range n {
		fmt.Fprintf(&s, "%s %d,c%04d,\n", name, i, i)
	}
	return s.String()
}

// walked reads all pages of a list of an import. The cursor of each page leads to the next one.
func walked(b *bed, path, list string) (all []map[string]any, pages int) {
	t := b.t
	for cursor := ""; ; {
		page := b.must(200, "GET", path+"&cursor="+url.QueryEscape(cursor), "")
		all = append(all, entries(t, page, list)...)
		if pages++; page["has_more"] != true {
			if page["cursor"] != nil && list != "edits" { // whose cursor leads behind the last one
				t.Errorf("the last page has a cursor, %v", page["cursor"])
			}
			return all, pages
		}
		cursor = text(t, page, "cursor")
	}
}

func changesByPage(b *bed) {
	t := b.t
	b.done("done", file("a.csv", manyCustomers(1200, "Ann")))
	plan := manyCustomers(1300, "Anna") + strings.Repeat("Nobody,,\n", 3) + "Bad,cx,nowhere\n"
	id := b.done("planned", part{"plan", "", "true"}, file("b.csv", plan))
	of := func(query string) string { return "/v1/imports/" + id + "/changes?format=json&" + query }
	for query, want := range map[string]int{
		"": 1300, "action=added": 100, "action=changed": 1200, "action=removed": 0, "action=kept": 0,
		"dataset=customers": 1300, "dataset=invoices": 0, "dataset=customers&action=added": 100,
	} {
		for _, size := range []int{1, 7, 200} {
			if size == 1 && want > 100 {
				continue
			}
			all, pages := walked(b, of(fmt.Sprintf("%s&per_page=%d", query, size)), "changes")
			if len(all) != want || pages < (want+size-1)/size {
				t.Errorf("%q by %d: %d changes on %d pages, want %d", query, size, len(all), pages, want)
			}
			keys := map[any]bool{}
			for _, c := range all {
				keys[c["key"]] = true
			}
			if len(keys) != len(all) {
				t.Errorf("%q by %d: %d of %d changes differ", query, size, len(keys), len(all))
			}
		}
	}
	if spec, _ := b.is(id, "planned")["import"].(map[string]any); fmt.Sprint(spec["fields"]) != "map[customers:map[name:1200]]" {
		t.Errorf("fields %v", spec["fields"])
	}
	oddCursors(b, of(""))
	rejectsByPage(b, id)
}

// oddCursors: cursors that no page gave are refused, whatever they are.
func oddCursors(b *bed, path string) {
	for _, query := range []string{"per_page=0", "per_page=x", "action=kill", "dataset=cats"} {
		b.status(400, "GET", path+query, "")
	}
	for _, cursor := range []string{"x", "-1", "0-0", "0-0-0-0", "99999-0-0", "0-1-0", "0-99999999999-0", "0-0-99999999", "0-9223372036854775808-0", "00-0-0", "0-0-9999"} {
		b.status(400, "GET", path+"cursor="+cursor, "")
	}
}

// TestACursorMayLeadAnywhere: cursors into the middle of a change set, to every byte of it, are refused.
// The names consist of bytes that could begin a size without an end.
func TestACursorMayLeadAnywhere(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	names := "Name,External ID,Email\nАлександра Константиновна,c1,\n王小明李小红张伟刘洋,c2,\nАнна,c3,\n"
	id := b.done("planned", part{"plan", "", "true"}, file("a.csv", names))
	path := "/v1/imports/" + id + "/changes?format=json&per_page=1&cursor="
	set, _, _ := strings.Cut(text(t, b.must(200, "GET", path, ""), "cursor"), "-")
	found := map[int]int{}
	for offset := range 600 {
		ans := b.do("GET", fmt.Sprintf("%s%s-%d-0", path, set, offset), "")
		found[ans.status]++
		if ans.status != 200 && ans.status != 400 {
			t.Fatalf("offset %d: %d %s", offset, ans.status, ans.body)
		}
	}
	if found[200] != 1 {
		t.Errorf("answers by status: %v", found)
	}
}

func rejectsByPage(b *bed, id string) {
	t := b.t
	of := func(query string) string { return "/v1/imports/" + id + "/rejects?format=json&" + query }
	for query, want := range map[string]int{
		"": 4, "code=required": 3, "column=Email": 1, "dataset=customers": 4, "dataset=plans": 0, "code=nothing": 0, "code=required&column=External+ID": 3,
	} {
		for _, size := range []int{1, 3, 200} {
			if all, _ := walked(b, of(fmt.Sprintf("%s&per_page=%d", query, size)), "rejects"); len(all) != want {
				t.Errorf("%q by %d: %v, want %d", query, size, all, want)
			}
		}
	}
	all, _ := walked(b, of("column=Email"), "rejects")
	want := "map[cells:[map[column:Name value:Bad] map[column:External ID value:cx] map[column:Email value:nowhere]] code:bad_email column:Email dataset:customers file:b.csv line:1305"
	if len(all) != 1 || !strings.HasPrefix(fmt.Sprint(all[0]), want) {
		t.Errorf("%v, want %s…", all, want)
	}
	for _, cursor := range []string{"x", "0", "1-0", "0-1", "0-9999999", "0--1", "0-0-0"} {
		if ans := b.do("GET", of("cursor="+cursor), ""); ans.status != 400 {
			t.Errorf("cursor %s: %d %s", cursor, ans.status, ans.body)
		}
	}
	b.status(400, "GET", "/v1/imports/"+id+"/rejects?format=xml", "")
	b.status(400, "GET", of("dataset=cats"), "")
}

// leftAlone: what an undo left alone is listed with the reasons, and as rows of no file.
func leftAlone(b *bed) {
	t := b.t
	b.done("done", file("a.csv", manyCustomers(3, "Ann")))
	id := b.done("done", file("b.csv", manyCustomers(3, "Bob")))
	b.done("done", file("c.csv", "Name,External ID,Email\nCid,c0001,\n"))
	undo := text(t, b.must(202, "POST", "/v1/imports/"+id+"/undo", `{"plan":true}`), "id")
	b.work()
	b.is(undo, "planned")
	all, _ := walked(b, "/v1/imports/"+undo+"/rejects?format=json&per_page=1", "rejects")
	if len(all) != 1 || all[0]["code"] != "touched_since" || all[0]["dataset"] != "customers" || all[0]["file"] != nil || all[0]["record"] == nil {
		t.Errorf("%v", all)
	}
	if all, _ := walked(b, "/v1/imports/"+undo+"/changes?format=json&action=changed", "changes"); len(all) != 2 {
		t.Errorf("%v", all)
	}
	if all, _ := walked(b, "/v1/imports/"+id+"/rejects?format=json", "rejects"); len(all) != 0 {
		t.Errorf("%v", all)
	}
}

// editsAddedBy asks for the edits of records that one import added, and gets no others.
func editsAddedBy(b *bed) {
	t := b.t
	b.done("done", file("a.csv", "Name,External ID\nBystander,z\n"))
	id := b.done("done", file("b.csv", manyCustomers(5, "Ann")+"Bystander,z,\n"))
	for _, entry := range entries(t, b.must(200, "GET", "/v1/customers", ""), "entries") {
		if entry["external_id"] != "c0003" {
			b.must(200, "PATCH", "/v1/customers/"+text(t, entry, "uuid"), `{"company":"Edited"}`)
		}
	}
	path := "/v1/data_sources/" + b.source + "/edits?added_by="
	if all, pages := walked(b, path+id+"&per_page=1", "edits"); len(all) != 4 || pages < 4 {
		t.Errorf("%d edits on %d pages: %v", len(all), pages, all)
	}
	if all, _ := walked(b, path+strings.Repeat("1", 32), "edits"); len(all) != 0 {
		t.Errorf("of no import: %v", all)
	}
	for _, bad := range []string{"x", "UPPER", "%2F"} {
		b.status(400, "GET", path+bad, "")
	}
}

// notDecided: there are no changes and rejects before rows are decided, and none after an erase.
func notDecided(b *bed) {
	t := b.t
	id := b.id(b.imported(file("a.csv", march)))
	next := b.id(b.imported(file("b.csv", february)))
	for _, list := range []string{"changes", "rejects"} {
		b.status(409, "GET", "/v1/imports/"+id+"/"+list+"?format=json", "")
	}
	if j := b.must(200, "GET", "/v1/jobs/"+next, ""); j["state"] != "waiting" || fmt.Sprint(j["signs"]) != "map[before:"+id+"]" {
		t.Errorf("%v %v", j["state"], j["signs"])
	}
	b.work()
	b.is(id, "done")
	b.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"content","id":%q}`, b.source))
	b.work()
	for _, list := range []string{"changes", "rejects"} {
		b.status(404, "GET", "/v1/imports/"+id+"/"+list+"?format=json", "")
	}
}

// A reject of NDJSON has its fields as they came; a line that is no JSON stands whole.
func rejectsOfLines(b *bed) {
	t := b.t
	id := b.done("done", file("a.ndjson", `{"dataset":"customers","external_id":"c1","name":"Ann"}
{"dataset":"customers","name":"No id","attributes":{"n":1}}
not JSON
`), file("b.csv", "Name,External ID\n=Ann,\n"))
	all, _ := walked(b, "/v1/imports/"+id+"/rejects?format=json&per_page=1", "rejects")
	if len(all) != 3 || all[1]["row"] != "not JSON" || all[1]["code"] != "bad_json" || all[2]["file"] != "b.csv" {
		t.Fatalf("%v", all)
	}
	cells := fmt.Sprint(all[0]["cells"])
	if want := `[map[column:name value:No id] map[column:attributes value:{"n":1}]]`; cells != want {
		t.Errorf("%s, want %s", cells, want)
	}
	if cells := fmt.Sprint(all[2]["cells"]); cells != "[map[column:Name value:=Ann] map[column:External ID value:]]" {
		t.Errorf("%s", cells)
	}
}

func TestListsOfChangesAreInOrder(t *testing.T) {
	t.Parallel()
	b := newBed(t, loadOpenAPI(t))
	id := b.done("planned", part{"plan", "", "true"}, file("a.csv", manyCustomers(1000, "Ann")))
	all, _ := walked(b, "/v1/imports/"+id+"/changes?format=json&per_page=13", "changes")
	var keys []string
	for _, c := range all {
		keys = append(keys, fmt.Sprint(c["key"]))
	}
	if len(keys) != 1000 || !slices.IsSorted(keys) {
		t.Errorf("%d keys, sorted %v", len(keys), slices.IsSorted(keys))
	}
}

// The reasons of a job lead to their rows, in every format.
func TestReasonsLeadToTheirRows(t *testing.T) {
	t.Parallel()
	b := newBed(t, loadOpenAPI(t))
	id := b.done("planned", part{"plan", "", "true"}, file("a.ndjson", `{"dataset":"customers","name":"Nobody"}
{"dataset":"customers","name":"Nobody","nothing":1}
{"dataset":"invoices","external_id":"i1","customer_external_id":"none","date":"2024-01-05","currency":"EUR"}
{"dataset":"invoices","external_id":"i2","customer_external_id":"none","date":"never","currency":"EUR"}
{"dataset":"invoices","external_id":"i2","customer_external_id":"none","date":"2024-01-05","currency":"XXQ"}
no JSON
`), file("b.csv", "Name,External ID,Email\nAnn,,\nBob,b,nowhere\n"), file("c.csv", "Customer external ID,Invoice external ID,Invoiced date,Due Date,Currency\nnobody,i9,2024-01-05,,EUR\n"))
	reasons := entries(t, b.is(id, "planned"), "reasons")
	if len(reasons) < 7 {
		t.Fatalf("%v", reasons)
	}
	for _, r := range reasons {
		q := url.Values{}
		for _, name := range []string{"dataset", "column", "code"} {
			if value, has := r[name].(string); has && value != "unrecognised" {
				q.Set(name, value)
			}
		}
		all, _ := walked(b, "/v1/imports/"+id+"/rejects?format=json&per_page=1&"+q.Encode(), "rejects")
		// a reason of tables may lead to rows of lines of JSON, too, which are counted under the name of the field
		if n, _ := r["count"].(float64); len(all) < int(n) || len(all) > int(n)+1 || len(all) == 0 || all[0]["code"] != r["code"] {
			t.Errorf("%v leads to %d rows, %v", r, len(all), all)
		}
	}
}

// The pages of a change set are the lines of its file, whatever their size: of a large import in many
// ranges and stages, and of its undo, which has two sets for each range.
func TestPagesOfChangesAreTheWholeSet(t *testing.T) {
	t.Parallel()
	b := newBed(t, loadOpenAPI(t))
	b.done("done", file("bystander.csv", "Name,External ID\nBystander,z\n"))
	var lines strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&lines, `{"dataset":"customers","external_id":"c%d","name":"Ann %d"}`+"\n", i, i)
		fmt.Fprintf(&lines, `{"dataset":"invoices","external_id":"i%d","customer_external_id":"c%d","date":"2024-01-05","currency":"EUR"}`+"\n", i, i)
	}
	id := b.done("done", file("a.ndjson", lines.String()+`{"dataset":"customers","external_id":"z","name":"Changed"}`+"\n"))
	undo := text(t, b.must(202, "POST", "/v1/imports/"+id+"/undo", `{"plan":true}`), "id")
	b.work()
	for _, job := range []string{id, undo} {
		if sets, err := b.app.Objects.Names(t.Context(), "jobs/"+job+"/changes/"); err != nil || len(sets) < 4 {
			t.Fatalf("only %d sets, %v", len(sets), err)
		}
		file := strings.Split(strings.TrimSpace(b.unpacked(b.do("GET", "/v1/imports/"+job+"/changes", "").body)), "\n")
		want := file[1 : len(file)-1]
		if len(want) != 6001 {
			t.Fatalf("%d changes", len(want))
		}
		for _, size := range []int{97, 200} {
			all, _ := walked(b, fmt.Sprintf("/v1/imports/%s/changes?format=json&per_page=%d", job, size), "changes")
			for i, c := range all {
				var line map[string]any
				if err := json.Unmarshal([]byte(want[min(i, len(want)-1)]), &line); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(line, c); diff != "" {
					t.Fatalf("change %d of %d:\n%s", i, len(all), diff)
				}
			}
			if len(all) != len(want) {
				t.Errorf("%d changes by %d, want %d", len(all), size, len(want))
			}
		}
		if all, pages := walked(b, "/v1/imports/"+job+"/changes?format=json&action=changed", "changes"); len(all) != 1 || pages > 3 {
			t.Errorf("%d changed rows on %d pages", len(all), pages)
		}
	}
}
