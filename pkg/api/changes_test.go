package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
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
			if page["cursor"] != nil {
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
	fields := b.is(id, "planned")["import"].(map[string]any)["fields"]
	if got := fmt.Sprint(fields); got != "map[customers:map[name:1200]]" {
		t.Errorf("fields %s", got)
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
