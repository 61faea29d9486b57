package api_test

import (
	"net/url"
	"testing"

	"reseed/pkg/table/mem"
)

// FuzzBody: no body makes the server crash or answer with a 5xx.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"invoices":[{}]}`, lines("x", 3), `{"invoices":[` + invoice("a", "2020-01-01") + `]}`, `{"tags":["a"]}`,
		`{"custom":[{"type":"Integer","key":"a","value":1}]}`, `{"custom":{"a":{"value":1e400}}}`, `{"custom":["a"]}`, `{"email":"a@b","tags":[null]}`,
		`{"data_source_uuid":"ds_11111111-1111-1111-1111-111111111111","external_id":7,"name":"\u0000","email":"a@b","attributes":{"tags":[1],"custom":[]}}`,
		`{"data_source_uuid":"ds_11111111-1111-1111-1111-111111111111","name":"x","interval_count":1e2,"interval_unit":"DAY"}`,
		`{"selection":"customer","id":"cus_","dry_run":"1"}`, `{"name":"\ud800"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a := newAPI(t, mem.Options{})
		first, _ := a.fixed()
		c := a.customer(first, "c1", `,"email":"a@b"`)
		for path, methods := range map[string][]string{
			"/v1/customers": {"POST"}, "/v1/plans": {"POST"}, "/v1/data_sources": {"POST"}, "/v1/import/customers/" + c + "/invoices": {"POST"},
			"/v1/customers/" + c + "/attributes/tags": {"POST", "DELETE"}, "/v1/customers/" + c + "/attributes/custom": {"POST", "PUT", "DELETE"},
			"/v1/customers/attributes/tags": {"POST"}, "/v1/customers/attributes/custom": {"POST"}, "/v1/erasures": {"POST"},
		} {
			for _, m := range methods {
				if ans := a.do(m, path, body); ans.status >= 500 {
					t.Errorf("%s %s: %d\n%s", m, path, ans.status, a.log.String())
				}
			}
		}
		for _, path := range []string{"/v1/customers", "/v1/invoices", "/v1/plans"} {
			a.status(200, "GET", path, "")
		}
	})
}

// FuzzCursor: a cursor is refused or accepted, and never an error of the server.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "x", "YwAAAAEAAAAAAAAAADqp67ye3i4IHKS0Mh4", "cAAAAAEAAAAAAAAAABL4c5ws_WyAp28PMAE", "bwAAAAEAAAFR_Q8KAKz6HU25lfP2SD6X9fw", "YwD_____AAAAAAAAADqp67ye3i4IHKS0Mh4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		a := newAPI(t, mem.Options{})
		first, _ := a.fixed()
		c := a.customer(first, "c1", "")
		for _, path := range []string{"/v1/customers?", "/v1/invoices?", "/v1/plans?", "/v1/invoices?customer_uuid=" + c + "&", "/v1/jobs?"} {
			if ans := a.do("GET", path+"cursor="+url.QueryEscape(cursor), ""); ans.status != 200 && ans.status != 400 {
				t.Errorf("%s: %d %s", path, ans.status, ans.body)
			}
		}
	})
}
