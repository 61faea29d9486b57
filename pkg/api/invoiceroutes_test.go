package api_test

import (
	"slices"
	"strings"

	"reseed/pkg/httpapi"
)

// all makes every request to the routes of one kind of record, and checks the statuses.
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
