package api_test

import (
	"fmt"
	"strings"
	"testing"
)

// customerExports exports one customer, by its id and by its external id, and as it is erased.
func customerExports(b *bed) {
	t := b.t
	b.done("done", file("a.csv", march))
	uuid := text(t, b.must(200, "GET", "/v1/customers?external_id=c1", "")["entries"].([]any)[0].(object), "uuid") //nolint:forcetypeassert // described
	for _, order := range []string{fmt.Sprintf(`{"customer":%q}`, uuid), fmt.Sprintf(`{"source":%q,"external_id":"c1"}`, b.source)} {
		id := text(t, b.must(202, "POST", "/v1/exports", order), "id")
		b.status(409, "GET", "/v1/exports/"+id+"/file", "")
		for b.step() {
			b.must(200, "GET", "/v1/exports/"+id, "")
		}
		spec, _ := b.must(200, "GET", "/v1/exports/"+id, "")["export"].(object)
		if spec["customer"] != uuid || spec["format"] != "json" || spec["kept_until"] == nil {
			t.Errorf("%v", spec)
		}
		if body := textOf(t, b.do("GET", "/v1/exports/"+id+"/file", "").body); !strings.Contains(body, `"name":"Anna"`) || strings.Contains(body, "Bob") {
			t.Errorf("%q", body)
		}
		fresh(t, b.must(200, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","id":%q,"dry_run":true}`, uuid)), true)
	}
	b.must(200, "PATCH", "/v1/customers/"+uuid, `{"name":"Anne"}`)
	fresh(t, b.must(200, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","id":%q,"dry_run":true}`, uuid)), false)
	b.status(422, "POST", "/v1/exports", `{"customer":"cus_x","external_id":"c1"}`)
	b.status(422, "POST", "/v1/exports", `{}`)
	b.status(422, "POST", "/v1/exports", `{"customers":"c1"}`)
	b.status(400, "POST", "/v1/exports", `{`)
	b.status(404, "POST", "/v1/exports", `{"customer":"cus_00007024-aa6f-8c81-8b3d-8d293055fbfb"}`)
	b.status(404, "POST", "/v1/exports", `{"customer":"c1"}`)
	b.status(404, "POST", "/v1/exports", `{"source":"Nowhere","external_id":"c1"}`)
	b.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","id":%q,"grace":"1h"}`, uuid))
	b.status(409, "POST", "/v1/exports", fmt.Sprintf(`{"customer":%q}`, uuid))
}

// fresh checks what the plan of an erase says about exports.
func fresh(tb testing.TB, plan object, want bool) {
	tb.Helper()
	list, _ := plan["exports"].([]any)
	if len(list) != 1 || list[0].(object)["fresh"] != want { //nolint:forcetypeassert // described
		tb.Errorf("%v, want %v", list, want)
	}
}
