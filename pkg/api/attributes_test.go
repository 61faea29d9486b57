package api_test

import (
	"fmt"
	"strings"
	"testing"
)

// Custom attributes come with imports, and people set some of their own. These count more: imports, undo and merges leave them,
// and if people take them back what was imported shows again.
func TestImportedAttributes(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	row := func(id, attributes string) string {
		return `{"dataset":"customers","external_id":"` + id + `","custom_attributes":` + attributes + "}\n"
	}
	first := row("c1", `{"segment":"SMB","seats":5,"vip":true}`) + row("c2", `{"segment":"big","only":"c2"}`) + row("c3", `null`)
	b.done("done", file("data.ndjson", first))
	ids := map[string]string{}
	for _, e := range entries(t, b.must(200, "GET", "/v1/customers", ""), "entries") {
		ids[text(t, e, "external_id")] = text(t, e, "uuid")
	}
	one := "/v1/customers/" + ids["c1"]
	tells := func(id, want string) {
		t.Helper()
		b.tells(want, "/v1/customers/"+ids[id]+"/attributes", "custom")
	}
	tells("c1", "map[seats:5 segment:SMB vip:true]")
	tells("c3", "map[]")

	b.must(200, "PUT", one+"/attributes/custom", `{"custom":{"seats":"7","own":1}}`)
	tells("c1", "map[own:1 seats:7 segment:SMB vip:true]")
	b.status(422, "PUT", one+"/attributes/custom", `{"custom":{"seats":"many"}}`) // it stays a number
	out := b.must(200, "GET", one, "")
	if got := fmt.Sprint(out["attributes"]); got != "map[custom:map[own:1 seats:7 segment:SMB vip:true] stripe:map[] tags:[]]" {
		t.Error(got)
	}

	second := b.done("done", file("data.ndjson", row("c1", `{"seats":6,"segment":"Enterprise"}`)))
	tells("c1", "map[own:1 seats:7 segment:Enterprise]")
	tells("c2", "map[only:c2 segment:big]")
	if got := fmt.Sprint(b.is(second, "done")["datasets"]); got != "map[customers:map[added:0 changed:1 read:1 rejected:0 removed:0 unchanged:0]]" {
		t.Error(got)
	}
	b.done("done", file("data.ndjson", row("c1", ` { "segment" : "Enterprise", "none":null, "seats":6 } `)))
	tells("c1", "map[own:1 seats:7 segment:Enterprise]")

	b.merge(ids["c2"], ids["c1"])
	tells("c1", "map[only:c2 own:1 seats:7 segment:Enterprise]")
	b.must(200, "DELETE", one+"/attributes/custom", `{"custom":["seats","own"]}`)
	tells("c1", "map[only:c2 seats:6 segment:Enterprise]")
	b.undone(second)
	tells("c1", "map[only:c2 seats:5 segment:SMB vip:true]")
	tells("c3", "map[]")

	rejected := b.done("done", file("data.ndjson", row("c1", `{"a":["x"]}`)+row("c2", `"a"`)+row("c3", `{"a":1,"a":2}`)))
	ans := b.do("GET", "/v1/imports/"+rejected+"/rejects", "")
	for _, code := range []string{"bad_attributes", "wrong_type", "duplicate_field"} {
		if !strings.Contains(ans.body, `"field":"custom_attributes","code":"`+code+`"`) {
			t.Errorf("no %s in %s", code, ans.body)
		}
	}
	tells("c1", "map[only:c2 seats:5 segment:SMB vip:true]")
}
