package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/table/mem"
)

// spelledEdits spells a list of edits as "id what", with a star for orphaned ones.
func spelledEdits(list []map[string]any) []string {
	var out []string
	for _, e := range list {
		s := fmt.Sprint(e["id"], e["what"])
		if e["orphaned"] == true {
			s += "*"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func editsOfASource(b *bed) {
	t := b.t
	b.done("done", file("customers.csv", "Name,External ID\nAnn,c1\nBob,c2\nCid,c3\n"))
	list := entries(t, b.must(200, "GET", "/v1/customers", ""), "entries")
	ids := map[string]string{}
	for _, e := range list {
		ids[text(t, e, "name")] = text(t, e, "uuid")
	}
	ann, bob, cid := ids["Ann"], ids["Bob"], ids["Cid"]
	plan := b.plan(b.source, "p1")
	invoice := b.invoice(ann, "i1", "2020-01-01")
	line := text(t, entries(t, b.must(200, "GET", "/v1/invoices/"+invoice, ""), "line_items")[0], "uuid")
	edits := "/v1/data_sources/" + b.source + "/edits"
	b.count(0, edits, "edits")

	b.must(200, "POST", "/v1/customers/"+ann+"/attributes/tags", `{"tags":["vip"]}`)
	b.must(200, "PUT", "/v1/customers/"+ann+"/attributes/custom", `{"custom":{"age":8}}`)
	b.must(200, "PATCH", "/v1/customers/"+ann, `{"name":"Anna","city":"Rome","lead_created_at":"2020-01-01"}`)
	b.must(202, "PATCH", "/v1/plans/"+plan, `{"name":"Gold","interval_count":3}`)
	b.must(202, "POST", "/v1/customers/merges", fmt.Sprintf(`{"from":{"customer_uuid":%q},"into":{"customer_uuid":%q}}`, cid, bob))
	b.must(200, "PATCH", "/v1/line_items/"+line+"/disabled_state", `{"disabled":true}`)

	want := []string{ann + "[attributes]", ann + "[fields]", ann + "[tags]", plan + "[fields]", cid + "[merge]", bob + "[merge]", line + "[disabled]"}
	slices.Sort(want)
	for _, size := range []int{1, 3, 7, 200} {
		var got []map[string]any
		for cursor := ""; ; {
			out := b.must(200, "GET", fmt.Sprintf("%s?per_page=%d&cursor=%s", edits, size, cursor), "")
			got = append(got, entries(t, out, "edits")...)
			if cursor, _ = out["cursor"].(string); out["has_more"] != true {
				break
			}
		}
		if !slices.Equal(spelledEdits(got), want) {
			t.Errorf("by %d: %v, want %v", size, spelledEdits(got), want)
		}
		for _, e := range got {
			if author, _ := e["author"].(string); e["id"] != bob && !strings.HasPrefix(author, "key ") {
				t.Errorf("%v is by %q", e, author)
			}
		}
	}
	ans := b.do("GET", edits+"?format=ndjson", "")
	var lines []map[string]any
	for l := range strings.Lines(ans.body) {
		var e map[string]any
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, e)
	}
	if !slices.Equal(spelledEdits(lines), want) {
		t.Errorf("all at once: %v", spelledEdits(lines))
	}
	oneEdit(b, ann, bob, line)

	b.status(400, "DELETE", edits, "")
	b.status(400, "DELETE", edits+"?orphaned=false", "")
	b.status(404, "DELETE", "/v1/data_sources/ds_x/edits?orphaned=true", "")
	b.status(404, "GET", "/v1/data_sources/ds_x/edits", "")
	for _, query := range []string{"per_page=0", "per_page=x", "cursor=%2F", "cursor=MC54", "format=csv"} {
		b.status(400, "GET", edits+"?"+query, "")
	}
	orphans(b, edits, plan)
}

func oneEdit(b *bed, ann, bob, line string) {
	t := b.t
	out := b.must(200, "GET", "/v1/edits/"+ann, "")
	changed, _ := out["fields"].(object)
	if got := slices.Sorted(maps.Keys(changed)); !slices.Equal(got, []string{"city", "lead_created_at", "name"}) {
		t.Errorf("changed fields %v", got)
	}
	if at, _ := changed["lead_created_at"].(object); at["value"] != "2020-01-01T00:00:00Z" {
		t.Errorf("a time: %v", at)
	}
	b.status(422, "DELETE", "/v1/edits/"+ann+"?fields=zip", "")
	out = b.must(200, "DELETE", "/v1/edits/"+ann+"?fields=name,%20lead_created_at", "")
	if left, _ := out["fields"].(object); len(left) != 1 {
		t.Errorf("left: %v", out)
	}
	if cu := b.must(200, "GET", "/v1/customers/"+ann, ""); cu["name"] != "Ann" || cu["city"] != "Rome" || cu["lead_created_at"] != nil {
		t.Errorf("reverted: %v", cu)
	}
	if out = b.must(200, "DELETE", "/v1/edits/"+line, ""); fmt.Sprint(out["what"]) != "[]" {
		t.Errorf("left: %v", out)
	}
	if out = b.must(200, "GET", "/v1/edits/"+bob, ""); fmt.Sprint(out["what"]) != "[]" || out["orphaned"] != false {
		t.Errorf("of one that was not edited: %v", out)
	}
	for _, id := range []string{"x", "con_" + ann[4:], "li_" + ann[4:], "cus_00fff024-aa6f-8c81-8b3d-8d293055fbfa", b.source} {
		b.status(404, "GET", "/v1/edits/"+id, "")
		b.status(404, "DELETE", "/v1/edits/"+id, "")
	}
}

func orphans(b *bed, edits, plan string) {
	t := b.t
	b.count(0, edits+"?orphaned=true", "edits")
	b.done("done", part{"mode", "", "replace"}, part{"max_removed", "", "100"}, file("customers.csv", "Name,External ID\nAnn,c1\n"))
	b.count(2, edits+"?orphaned=true", "edits")
	if out := b.must(200, "DELETE", edits+"?orphaned=true", ""); out["dropped"] != 2.0 {
		t.Errorf("dropped: %v", out)
	}
	b.must(202, "POST", "/v1/erasures", `{"selection":"manual-customers"}`)
	if out := spelledEdits(entries(t, b.must(200, "GET", edits, ""), "edits")); !slices.Equal(out, []string{plan + "[fields]"}) {
		t.Errorf("edits of customers that are being erased: %v", out)
	}
	b.work()
	if out := spelledEdits(entries(t, b.must(200, "GET", edits, ""), "edits")); !slices.Equal(out, []string{plan + "[fields]"}) {
		t.Errorf("left: %v", out)
	}
}

// A stream that breaks off must not look complete.
func TestAStreamOfEditsThatBreaksOff(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	a := newAPI(t, mem.Options{Before: func(op mem.Op, _ int) error {
		if op == mem.Query && broken.Load() {
			return fault.New(fault.Unavailable, "store_unavailable", "the engine cannot be reached")
		}
		return nil
	}})
	first, _ := a.fixed()
	a.customer(first, "c1", `,"attributes":{"tags":["x"]}`)
	path := "/v1/data_sources/" + first + "/edits?format=ndjson"
	if ans := a.do("GET", path, ""); strings.Count(ans.body, "\n") != 1 || ans.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%v %q", ans.header, ans.body)
	}
	broken.Store(true)
	if ans := a.do("GET", path, ""); !strings.HasPrefix(ans.body, `{"error":"Something went wrong`) || !strings.Contains(a.log.String(), "broke off") {
		t.Errorf("%d %q", ans.status, ans.body)
	}
	a.status(http.StatusServiceUnavailable, "GET", "/v1/data_sources/"+first+"/edits", "")
}

// customersAndPlans makes the changes that are always edits, and has their answers checked.
func customersAndPlans(b *bed) {
	one, other, plan := b.customer(b.source, "c1", ""), b.customer(b.source, "c2", ""), b.plan(b.source, "p1")
	for path, body := range map[string]string{
		"/v1/customers/" + one: `{"city":"Rome","attributes":{"tags":["x"],"custom":{"k":1}}}`, "/v1/plans/" + plan: `{"name":"Gold"}`,
	} {
		if ans := b.do("PATCH", path, body); ans.status != 200 && ans.status != 202 {
			b.t.Errorf("%s: %d %s", path, ans.status, ans.body)
		}
		b.status(400, "PATCH", path, "[]")
		b.status(404, "PATCH", path[:len(path)-1], body)
		b.status(413, "PATCH", path, `{"x":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
		b.status(422, "PATCH", path, `{"external_id":"x"}`)
	}
	for path, body := range map[string]string{
		"/v1/customers/merges":   fmt.Sprintf(`{"from":{"customer_uuid":%q},"into":{"customer_uuid":%q}}`, other, one),
		"/v1/customers/unmerges": fmt.Sprintf(`{"customer_uuid":%q,"data_source_uuid":%q,"external_id":"c2"}`, one, b.source),
	} {
		b.status(400, "POST", path, "{}")
		b.status(404, "POST", path, strings.ReplaceAll(body, one, "cus_x"))
		b.status(413, "POST", path, `{"x":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
		b.status(422, "POST", path, strings.NewReplacer(other, one, "c2", "c1").Replace(body))
	}
	b.merge(other, one)
	b.unmerge(one, b.source, "c2")
}

func TestAPlanIsPatched(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	const csv = "Name,Plan ID,Interval Count,Interval Unit\nSilver,p1,1,month\n"
	b.done("done", file("plans.csv", csv))
	id := text(t, entries(t, b.must(200, "GET", "/v1/plans", ""), "plans")[0], "uuid")
	out := b.must(202, "PATCH", "/v1/plans/"+id, `{"name":"Gold","interval_unit":"year","external_id":"p1"}`)
	if out["name"] != "Gold" || out["interval_unit"] != "year" || out["interval_count"] != 1.0 {
		t.Errorf("patched: %v", out)
	}
	b.plan(b.source, "p2")
	for _, body := range []string{
		`{"name":""}`, `{"name":null}`, `{"interval_count":0}`, `{"interval_count":"x"}`, `{"interval_unit":"week"}`,
		`{"external_id":"p2"}`, `{"data_source_uuid":"ds_x"}`,
	} {
		b.status(422, "PATCH", "/v1/plans/"+id, body)
	}
	b.status(404, "PATCH", "/v1/plans/pl_x", `{"name":"x"}`)
	b.status(400, "PATCH", "/v1/plans/"+id, `[]`)
	b.done("done", file("plans.csv", strings.ReplaceAll(csv, "Silver", "Bronze")))
	for _, path := range []string{"/v1/plans?external_id=p1", "/v1/plans", "/v1/plans?data_source_uuid=" + b.source} {
		for _, p := range entries(t, b.must(200, "GET", path, ""), "plans") {
			if want := map[string]string{"p1": "Gold", "p2": "Plan"}[text(t, p, "external_id")]; p["name"] != want {
				t.Errorf("%s: %v, want %s", path, p, want)
			}
		}
	}
	b.must(202, "PATCH", "/v1/plans/"+id, `{"name":"Bronze","interval_unit":"month"}`)
	if out := b.must(200, "GET", "/v1/edits/"+id, ""); out["fields"] != nil {
		t.Errorf("given back: %v", out)
	}
}
