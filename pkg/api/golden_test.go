package api_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/table/mem"
)

var update = flag.Bool("update", false, "write the golden files anew")

// step is one request; {name} stands for the uuid that an earlier step of that name answered with.
type step struct{ name, method, path, body string }

// Random ids: those made by a client's request without an external id, of sources and of jobs.
var (
	randomID  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	randomJob = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	firstUUID = regexp.MustCompile(`"uuid":"([^"]+)"`)
	firstID   = regexp.MustCompile(`"id":"([^"]+)"`)
)

// TestGolden pins status, content type and exact body of every route.
func TestGolden(t *testing.T) {
	t.Parallel()
	const ds = "ds_11111111-1111-1111-1111-111111111111"
	scenarios := map[string][]step{
		"ping": {{"", "GET", "/v1/ping", ""}},
		"sources": {
			{"", "GET", "/v1/data_sources", ""},
			{"new", "POST", "/v1/data_sources", `{"name":"Billing","unknown":1}`},
			{"", "POST", "/v1/data_sources", `{"name":"Billing"}`},
			{"", "POST", "/v1/data_sources", `{"system":"Custom"}`},
			{"", "POST", "/v1/data_sources", `{"name":null}`},
			{"", "POST", "/v1/data_sources", `{"name":"two\nlines"}`},
			{"", "POST", "/v1/data_sources", `{"name":"Sheets","system":"Google Sheets"}`},
			{"", "GET", "/v1/data_sources?name=Billing&system=", ""},
			{"", "GET", "/v1/data_sources?system=Stripe", ""},
			{"", "GET", "/v1/data_sources/" + ds + "?with_processing_status=true&with_auto_churn_subscription_setting=1&with_invoice_handling_setting=true", ""},
			{"", "GET", "/v1/data_sources/ds_33333333-3333-3333-3333-333333333333", ""},
			{"", "DELETE", "/v1/data_sources/{new}", ""},
			{"", "GET", "/v1/data_sources/{new}", ""},
			{"", "DELETE", "/v1/data_sources/{new}", ""},
			{"", "POST", "/v1/data_sources", `{"name":"Billing"}`},
		},
		"customers": {
			{"", "GET", "/v1/customers", ""},
			{"min", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `","external_id":"c1"}`},
			{"full", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `","external_id":"c2","name":" Ann & Co ","email":"Ann@Example.com",
				"company":"ACME","country":"us","state":"CA","city":"Nowhere","zip":"0185128","lead_created_at":"2016-01-01 12:00:00 UTC",
				"free_trial_started_at":"2000-01-01 00:00:00 +0200","owner":"me@example.com","website_url":"https://example.com",
				"primary_contact":{"first_name":"Ann","email":"ann@example.com"},
				"attributes":{"tags":["vip","vip"," new "],"custom":[{"type":"Integer","key":"age","value":18},{"type":"Timestamp","key":"since","value":"2016-01-31"}]}}`},
			{"", "GET", "/v1/customers/{full}", "{}"},
			{"", "GET", "/v1/customers/{full}/attributes", ""},
			{"", "GET", "/v1/customers?per_page=1", ""},
			{"", "GET", "/v1/customers?external_id=c1&data_source_uuid=" + ds, ""},
			{"", "GET", "/v1/customers?external_id=c1&data_source_uuid=ds_22222222-2222-2222-2222-222222222222", ""},
			{"", "GET", "/v1/customers?status=Active", ""},
			{"", "GET", "/v1/customers?status=New_Lead&system=Custom&page=1", ""},
			{"", "GET", "/v1/customers?page=2", ""},
			{"", "GET", "/v1/customers?per_page=0", ""},
			{"", "GET", "/v1/customers?cursor=nonsense", ""},
			{"", "GET", "/v1/customers/search?email=ANN@example.com", ""},
			{"", "GET", "/v1/customers/search?email=no@email.com", ""},
			{"", "GET", "/v1/customers/search", ""},
			{"", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `","external_id":"c1"}`},
			{"", "POST", "/v1/customers", `{"external_id":"c1"}`},
			{"", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `"}`},
			{"", "POST", "/v1/customers", `{"data_source_uuid":"ds_33333333-3333-3333-3333-333333333333","external_id":"c1"}`},
			{"", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `","external_id":"","email":"x","country":"Atlantis","lead_created_at":"2030-01-01","free_trial_started_at":"soon","name":[]}`},
			{"", "DELETE", "/v1/customers/{min}", ""},
			{"", "GET", "/v1/customers/{min}", ""},
			{"", "DELETE", "/v1/customers/{min}", ""},
			{"", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `","external_id":"c1"}`},
		},
		"attributes": {
			{"c", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `","external_id":"c1","email":"a@example.com"}`},
			{"", "GET", "/v1/customers/{c}/attributes", ""},
			{"", "POST", "/v1/customers/{c}/attributes/tags", `{"tags":["b","a","b"]}`},
			{"", "POST", "/v1/customers/{c}/attributes/tags", `{"tags":["a"]}`},
			{"", "DELETE", "/v1/customers/{c}/attributes/tags", `{"tags":["b","zzz"]}`},
			{"", "POST", "/v1/customers/{c}/attributes/tags", `{}`},
			{"", "POST", "/v1/customers/{c}/attributes/tags", `{"tags":[{}]}`},
			{"", "POST", "/v1/customers/{c}/attributes/custom", `{"custom":[{"type":"String","key":"Channel","value":"Web","source":"api"},
				{"type":"Decimal","key":"score","value":1.5},{"type":"Boolean","key":"pro","value":"t"},{"type":"Timestamp","key":"at","value":"2016-01-31 00:00:00"}]}`},
			{"", "POST", "/v1/customers/{c}/attributes/custom", `{"custom":[{"type":"Colour","key":"x","value":1}]}`},
			{"", "POST", "/v1/customers/{c}/attributes/custom", `{"custom":[{"type":"Integer","key":"x","value":"many"}]}`},
			{"", "PUT", "/v1/customers/{c}/attributes/custom", `{"custom":{"score":"2.25","Channel":{"value":"Phone","source":"x"},"age":18}}`},
			{"", "PUT", "/v1/customers/{c}/attributes/custom", `{"custom":{"score":"high"}}`},
			{"", "PUT", "/v1/customers/{c}/attributes/custom", `{"custom":[]}`},
			{"", "DELETE", "/v1/customers/{c}/attributes/custom", `{"custom":["score","pro","age"]}`},
			{"", "POST", "/v1/customers/attributes/tags", `{"email":"A@example.com","tags":["c"]}`},
			{"", "POST", "/v1/customers/attributes/custom", `{"email":"a@example.com","custom":[{"type":"Integer","key":"n","value":1}]}`},
			{"", "POST", "/v1/customers/attributes/tags", `{"email":"no@email.com","tags":["c"]}`},
			{"", "POST", "/v1/customers/attributes/tags", `{"tags":["c"]}`},
			{"", "GET", "/v1/customers/{c}/attributes", ""},
		},
		"plans": {
			{"", "GET", "/v1/plans", ""},
			{"p", "POST", "/v1/plans", `{"data_source_uuid":"` + ds + `","external_id":"plan_0001","name":"Bronze Plan","interval_count":1,"interval_unit":"month"}`},
			{"", "POST", "/v1/plans", `{"data_source_uuid":"` + ds + `","external_id":"plan_0001","name":"Other","interval_count":1,"interval_unit":"month"}`},
			{"", "POST", "/v1/plans", `{"data_source_uuid":"` + ds + `","external_id":"x","name":"","interval_count":0,"interval_unit":"week"}`},
			{"", "POST", "/v1/plans", `{"data_source_uuid":"` + ds + `","name":"x","interval_unit":"day"}`},
			{"", "POST", "/v1/plans", `{"data_source_uuid":"nope","name":"x","interval_count":1,"interval_unit":"day"}`},
			{"", "GET", "/v1/plans/{p}", ""},
			{"", "GET", "/v1/plans/pl_00000000-0000-0000-0000-000000000000", ""},
			{"", "GET", "/v1/plans?external_id=plan_0001&system=", ""},
			{"", "GET", "/v1/plans?data_source_uuid=ds_22222222-2222-2222-2222-222222222222", ""},
		},
		"invoices": {
			{"c", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `","external_id":"c1"}`},
			{"p", "POST", "/v1/plans", `{"data_source_uuid":"` + ds + `","external_id":"plan_0001","name":"Bronze Plan","interval_count":1,"interval_unit":"month"}`},
			{"", "GET", "/v1/import/customers/{c}/invoices", ""},
			{"i", "POST", "/v1/import/customers/{c}/invoices", `{"invoices":[{"external_id":"INV1","date":"2016-01-01 12:00:00 UTC","currency":"usd","due_date":"2016-01-15",
				"status":"paid","collection_method":"automatic",
				"line_items":[{"type":"subscription","external_id":"L2","subscription_external_id":"sub_1","plan_uuid":"{p}","service_period_start":"2016-01-01","service_period_end":"2016-02-01",
					"amount_in_cents":5000,"quantity":5,"discount_code":"DISC","discount_amount_in_cents":1200,"tax_amount_in_cents":200,"subscription_set_external_id":"set1","cancelled_at":"2016-01-20"},
					{"type":"one_time","external_id":"L1","description":"Setup","amount_in_cents":2500}],
				"transactions":[{"type":"payment","result":"failed","date":"2016-01-02","external_id":"T2"},{"type":"payment","result":"successful","date":"2016-01-03","external_id":"T1","amount_in_cents":10}]}]}`},
			{"", "GET", "/v1/import/customers/{c}/invoices", ""},
			{"", "GET", "/v1/invoices", ""},
			{"", "GET", "/v1/invoices/{i}", ""},
			{"", "GET", "/v1/invoices?customer_uuid={c}&external_id=INV1&validation_type=all", ""},
			{"", "GET", "/v1/invoices?external_id=INV1", ""},
			{"", "GET", "/v1/invoices?external_id=INV2", ""},
			{"", "GET", "/v1/invoices?customer_uuid=cus_nobody", ""},
			{"", "GET", "/v1/invoices?validation_type=invalid", ""},
			{"", "GET", "/v1/invoices?validation_type=strange", ""},
			{"", "POST", "/v1/import/customers/{c}/invoices", `{"invoices":[{"external_id":"INV1","date":"2016-01-01","currency":"USD",
				"line_items":[{"type":"one_time","external_id":"L1","amount_in_cents":1}],"transactions":[{"type":"payment","result":"failed","date":"2016-01-02","external_id":"T1"}]},
				{"external_id":"INV2","date":"2016-01-01","currency":"USD","line_items":[{"type":"one_time","amount_in_cents":1}]}]}`},
			{"", "POST", "/v1/import/customers/{c}/invoices", `{"invoices":[{"external_id":"INV3","date":"2030-01-01","currency":"XXQ",
				"line_items":[{"type":"subscription","plan_uuid":"pl_x","quantity":0,"amount_in_cents":"ten"}],"transactions":[{"type":"gift"}]},
				{},5,{"external_id":"D","date":"2016-01-01","currency":"USD","line_items":[{"type":"one_time","amount_in_cents":1}]},
				{"external_id":"D","date":"2016-01-01","currency":"USD","line_items":[{"type":"one_time","amount_in_cents":1}]}]}`},
			{"", "GET", "/v1/invoices?external_id=INV2", ""},
			{"", "POST", "/v1/import/customers/{c}/invoices", `{}`},
			{"", "POST", "/v1/import/customers/cus_x/invoices", `{"invoices":[]}`},
			{"", "DELETE", "/v1/invoices/{i}", ""},
			{"", "GET", "/v1/invoices/{i}", ""},
			{"", "DELETE", "/v1/invoices/{i}", ""},
			{"", "DELETE", "/v1/invoices?data_source_uuid=" + ds + "&external_id=INV1", ""},
			{"", "DELETE", "/v1/invoices?external_id=INV1", ""},
			{"", "GET", "/v1/import/customers/{c}/invoices", ""},
		},
		"changes": {
			{"c", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `","external_id":"c1"}`},
			{"p", "POST", "/v1/plans", `{"data_source_uuid":"` + ds + `","external_id":"gold","name":"Gold","interval_count":1,"interval_unit":"month"}`},
			{"i", "POST", "/v1/import/customers/{c}/invoices", `{"invoices":[{"external_id":"I1","date":"2016-01-01","currency":"USD",
				"line_items":[{"type":"one_time","external_id":"L1","description":"Setup","amount_in_cents":2500}]}]}`},
			{"l", "POST", "/v1/import/invoices/{i}/line_items", `{"type":"subscription","external_id":"L2","subscription_external_id":"S1","plan_uuid":"{p}",
				"service_period_start":"2016-01-01","service_period_end":"2016-02-01","amount_in_cents":5000}`},
			{"", "POST", "/v1/import/invoices/{i}/line_items", `{"type":"one_time","external_id":"L2","amount_in_cents":1}`},
			{"t", "POST", "/v1/import/invoices/{i}/transactions", `{"type":"payment","result":"successful","date":"2016-01-02","external_id":"T1"}`},
			{"", "POST", "/v1/import/invoices/{i}/transactions", `{"type":"payment","result":"successful","date":"2016-01-02","external_id":"T1"}`},
			{"", "PATCH", "/v1/invoices/{i}?handle_as_user_edit=true", `{"status":"paid","due_date":"2016-01-15","date":"2016-01-03"}`},
			{"", "PATCH", "/v1/invoices?data_source_uuid=" + ds + "&external_id=I1", `{"currency":"EUR"}`},
			{"", "PATCH", "/v1/line_items/{l}", `{"handle_as_user_edit":true,"amount_in_cents":4000,"subscription_set_external_id":"set"}`},
			{"", "PATCH", "/v1/transactions?data_source_uuid=" + ds + "&external_id=T1&handle_as_user_edit=1", `{"result":"failed"}`},
			{"", "PATCH", "/v1/line_items/disabled_state?data_source_uuid=" + ds + "&external_id=L1", `{"disabled":true}`},
			{"", "GET", "/v1/line_items?data_source_uuid=" + ds + "&external_id=L1", ""},
			{"", "GET", "/v1/line_items?data_source_uuid=" + ds + "&external_id=L1&with_disabled=true", ""},
			{"", "GET", "/v1/line_items/{l}?include_edit_histories=true", ""},
			{"", "GET", "/v1/transactions/{t}?include_edit_histories=true", ""},
			{"", "GET", "/v1/invoices/{i}?include_edit_histories=true", ""},
			{"", "GET", "/v1/invoices?with_disabled=true", ""},
			{"", "GET", "/v1/import/customers/{c}/invoices", ""},
			{"", "PUT", "/v1/data_sources/" + ds + "/invoices/I1/status", `{"status":"paid"}`},
			{"", "PUT", "/v1/data_sources/" + ds + "/invoices/I1/status", `{"status":"voided"}`},
			{"", "PATCH", "/v1/invoices/{i}", `{"external_id":"I2","customer_external_id":"c2","date":"soon"}`},
			{"", "PATCH", "/v1/line_items/{l}", `{"plan_uuid":"pl_x","quantity":0}`},
			{"", "DELETE", "/v1/line_items/{l}", ""},
			{"", "GET", "/v1/line_items/{l}", ""},
			{"", "DELETE", "/v1/transactions/{t}?handle_as_user_edit=true", ""},
			{"", "GET", "/v1/transactions/{t}?with_disabled=true", ""},
			{"", "PATCH", "/v1/invoices/{i}/disabled_state", `{"disabled":true}`},
			{"", "GET", "/v1/invoices/{i}", ""},
			{"", "DELETE", "/v1/invoices/{i}?handle_as_user_edit=true", ""},
			{"", "GET", "/v1/invoices/{i}?with_disabled=true", ""},
		},
		"own": {
			{"c", "POST", "/v1/customers", `{"data_source_uuid":"` + ds + `","external_id":"c1","email":"a@example.com"}`},
			{"", "GET", "/v1/jobs", ""},
			{"", "POST", "/v1/erasures", `{"selection":"customer","id":"{c}","dry_run":true}`},
			{"j", "POST", "/v1/erasures", `{"selection":"customer","id":"{c}"}`},
			{"", "GET", "/v1/erasures/{j}", ""},
			{"", "GET", "/v1/jobs/{j}", ""},
			{"", "GET", "/v1/jobs?per_page=1", ""},
			{"", "GET", "/v1/imports", ""},
			{"", "GET", "/v1/imports/{j}", ""},
			{"", "GET", "/v1/imports/{j}/rejects", ""},
			{"", "GET", "/v1/jobs/nothing", ""},
			{"", "GET", "/v1/jobs/UPPER", ""},
			{"", "POST", "/v1/erasures", `{}`},
			{"", "POST", "/v1/erasures", `{"selection":""}`},
			{"", "POST", "/v1/erasures", `{"selection":"everything"}`},
			{"", "POST", "/v1/erasures", `{"selection":"source"}`},
			{"", "POST", "/v1/erasures", `{"selection":"source","id":"First"}`},
			{"", "POST", "/v1/erasures", `{"selection":"manual-customers","id":"x"}`},
			{"", "POST", "/v1/data_sources/" + ds + "/imports", `{}`},
		},
		"errors": {
			{"", "GET", "/v1/nothing", ""},
			{"", "GET", "/", ""},
			{"", "GET", "/v1//customers", ""},
			{"", "GET", "/v1/customers/", ""},
			{"", "PATCH", "/v1/ping", ""},
			{"", "POST", "/v1/customers", `{`},
			{"", "POST", "/v1/customers", `[]`},
			{"", "POST", "/v1/customers", ``},
			{"", "POST", "/v1/customers", `{"a":1} {}`},
		},
	}
	for name, steps := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, play(t, steps))
		})
	}
}

func play(t *testing.T, steps []step) string {
	t.Helper()
	a := newAPI(t, mem.Options{})
	a.fixed()
	ids := strings.NewReplacer()
	var known []string
	var out strings.Builder
	for _, s := range steps {
		ans := a.do(s.method, ids.Replace(s.path), ids.Replace(s.body))
		if s.name != "" {
			found := firstUUID.FindStringSubmatch(ans.body)
			if found == nil {
				found = firstID.FindStringSubmatch(ans.body)
			}
			if found == nil {
				t.Fatalf("no id in the answer to %s %s: %s", s.method, s.path, ans.body)
			}
			known = append(known, "{"+s.name+"}", found[1])
			ids = strings.NewReplacer(known...)
		}
		fmt.Fprintf(&out, "%s %s %s\n%d %s", s.method, s.path, strings.Join(strings.Fields(s.body), " "), ans.status, ans.header.Get("Content-Type"))
		for _, h := range []string{"Allow", "Retry-After"} {
			if v := ans.header.Get(h); v != "" {
				fmt.Fprintf(&out, " [%s: %s]", h, v)
			}
		}
		fmt.Fprintf(&out, "\n%s\n\n", ans.body)
	}
	return randomJob.ReplaceAllString(randomID.ReplaceAllString(out.String(), "<random>"), "<job>")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs from its golden file (-want +got):\n%s", name, diff)
	}
}
