package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/table/mem"
)

// sample is a line item or a transaction of the files, and the changes that are tried on it.
type sample struct {
	list, ext, prefix string
	edit              string // a PATCH
	edited, imported  object
	old, new          string // a change of the files
	reimported        object
	wrong             map[string]string // PATCHes that are refused, and the member that is wrong
}

func samples() []sample {
	return []sample{
		{
			"line_items", "l1", "li_",
			`{"amount_in_cents":7000,"quantity":7,"service_period_end":"2025-03-01","discount_code":"ten","external_id":"l1","invoice_uuid":"ignored"}`,
			object{"amount_in_cents": 7000, "quantity": 7, "service_period_end": "2025-03-01T00:00:00.000Z", "discount_code": "ten"},
			object{"amount_in_cents": 5000, "quantity": 5, "service_period_end": "2025-02-01T00:00:00.000Z", "discount_code": ""},
			"5000", "6000",
			object{"amount_in_cents": 6000, "quantity": 5},
			map[string]string{
				`{"amount_in_cents":"much"}`: "amount_in_cents", `{"amount_in_cents":null}`: "amount_in_cents", `{"quantity":0}`: "quantity",
				`{"type":"gift"}`: "type", `{"service_period_end":"2024-01-01"}`: "service_period_end", `{"service_period_start":"2026-01-01"}`: "service_period_end",
				`{"plan_uuid":"pl_x"}`: "plan_uuid", `{"plan_uuid":null}`: "plan_uuid", `{"external_id":"l2"}`: "external_id", `{"prorated":"x"}`: "prorated",
				`{"subscription_external_id":""}`: "subscription_external_id", `{"transaction_fees_currency":"XXQ"}`: "transaction_fees_currency",
			},
		},
		{
			"transactions", "t1", "tr_",
			`{"type":"refund","result":"successful","date":"2025-02-02","amount_in_cents":70,"external_id":"t1"}`,
			object{"type": "refund", "result": "successful", "date": "2025-02-02T00:00:00.000Z", "amount_in_cents": 70},
			object{"type": "payment", "result": "failed", "date": "2025-01-02T00:00:00.000Z", "amount_in_cents": nil},
			"2025-01-02", "2025-01-12",
			object{"result": "failed", "date": "2025-01-12T00:00:00.000Z"},
			map[string]string{
				`{"type":"gift"}`: "type", `{"result":null}`: "result", `{"date":"2030-01-01"}`: "date", `{"amount_in_cents":1.5}`: "amount_in_cents",
				`{"external_id":"t2"}`: "external_id", `{"transaction_fees_currency":"XXQ"}`: "transaction_fees_currency",
			},
		},
	}
}

// parts runs a test on line items and on transactions.
func parts(t *testing.T, test func(b *bed, s sample)) {
	t.Helper()
	for _, s := range samples() {
		t.Run(s.list, func(t *testing.T) {
			t.Parallel()
			b := filed(t)
			defer b.untouched()()
			test(b, s)
		})
	}
}

// within is a line item or transaction as its invoice shows it; nil if the invoice does not show
// it.
func (b *bed) within(list, id, more string) object {
	b.t.Helper()
	var all []object
	for _, path := range []string{
		"/v1/invoices/" + b.uuid("invoices", "i1") + "?", b.byExternalID("invoices", "i1") + "&", "/v1/invoices?data_source_uuid=" + b.source + "&",
		"/v1/invoices?customer_uuid=" + b.c1() + "&", "/v1/import/customers/" + b.c1() + "/invoices?",
	} {
		out := b.must(200, "GET", path+more, "")
		if out["invoices"] == nil {
			out = object{"invoices": []any{out}}
		}
		var found object
		for _, inv := range entries(b.t, out, "invoices") {
			for _, p := range entries(b.t, inv, list) {
				if p["uuid"] == id {
					found = p
				}
			}
		}
		all = append(all, found)
	}
	for i, o := range all {
		if (o == nil) != (all[0] == nil) || o["amount_in_cents"] != all[0]["amount_in_cents"] {
			b.t.Errorf("read %d is %v, the first %v", i, o, all[0])
		}
	}
	return all[0]
}

func TestPartsAreReadByBothIDs(t *testing.T) {
	t.Parallel()
	parts(t, func(b *bed, s sample) {
		byExt := b.do("GET", b.byExternalID(s.list, s.ext), "")
		id := b.uuid(s.list, s.ext)
		byID := b.do("GET", "/v1/"+s.list+"/"+id, "")
		if byExt.status != 200 || byID.status != 200 || byExt.body != byID.body || !strings.HasPrefix(id, s.prefix) {
			b.t.Errorf("%d %s\n%d %s", byExt.status, byExt.body, byID.status, byID.body)
		}
		b.shows(b.must(200, "GET", "/v1/"+s.list+"/"+id, ""), s.imported)
		b.shows(b.must(200, "GET", "/v1/"+s.list+"/"+id, ""), object{"external_id": s.ext, "disabled": false, "user_created": false})
		// Those without an external id have an id, too.
		inv := b.must(200, "GET", "/v1/invoices/"+b.uuid("invoices", "i1"), "")
		for _, p := range entries(b.t, inv, s.list) {
			b.shows(b.must(200, "GET", "/v1/"+s.list+"/"+text(b.t, p, "uuid"), ""), object{"uuid": p["uuid"], "amount_in_cents": p["amount_in_cents"]})
		}
	})
}

func TestAnEditOfAPartSurvivesImports(t *testing.T) {
	t.Parallel()
	parts(t, func(b *bed, s sample) {
		id := b.uuid(s.list, s.ext)
		path := "/v1/" + s.list + "/" + id
		b.shows(b.must(200, "PATCH", path+"?handle_as_user_edit=true", s.edit), s.edited)
		for _, old := range []string{"", s.old} {
			b.refiled(b.source, old, s.new)
			b.shows(b.must(200, "GET", path, ""), s.edited)
			b.shows(b.within(s.list, id, ""), s.edited)
		}
		changed := func(out object) object {
			history, _ := out["edit_history_summary"].(object)
			b.shows(history, object{"latest_edit_author": "key " + keyHash()})
			changed, _ := history["values_changed"].(object)
			return changed
		}
		alone := changed(b.must(200, "GET", path+"?include_edit_histories=true", ""))
		inv := b.must(200, "GET", "/v1/invoices/"+b.uuid("invoices", "i1")+"?include_edit_histories=true", "")
		if i := slices.IndexFunc(entries(b.t, inv, s.list), func(p map[string]any) bool { return p["uuid"] == id }); i >= 0 {
			b.shows(alone, changed(entries(b.t, inv, s.list)[i]))
		}
		if len(alone) != len(s.edited) {
			b.t.Errorf("changed: %v", alone)
		}
		for name := range s.edited {
			was := s.imported[name]
			if v, ok := s.reimported[name]; ok {
				was = v
			}
			b.shows(alone, object{name: object{"original_value": was, "edited_value": s.edited[name]}})
		}
	})
}

func TestAChangeOfAPartLastsUntilAnImport(t *testing.T) {
	t.Parallel()
	parts(t, func(b *bed, s sample) {
		path := b.byExternalID(s.list, s.ext)
		items := strings.Count(b.table(b.source), "\n")
		b.shows(b.must(200, "PATCH", path, s.edit), s.edited)
		b.shows(b.must(200, "GET", path, ""), s.edited)
		b.shows(b.within(s.list, b.uuid(s.list, s.ext), ""), s.edited)
		if out := b.must(200, "GET", path+"&include_edit_histories=true", ""); out["edit_history_summary"] != nil {
			b.t.Errorf("history: %v", out)
		}
		if n := strings.Count(b.table(b.source), "\n"); n != items {
			b.t.Errorf("%d items, then %d", items, n)
		}
		b.refiled(b.source, "", "")
		b.shows(b.must(200, "GET", path, ""), s.imported)
	})
}

func TestADisabledPartIsLeftOut(t *testing.T) {
	t.Parallel()
	parts(t, func(b *bed, s sample) {
		id := b.uuid(s.list, s.ext)
		path, byExt := "/v1/"+s.list+"/"+id, b.byExternalID(s.list, s.ext)
		b.shows(b.must(200, "PATCH", path+"/disabled_state", `{"disabled":true}`), object{"disabled": true, "disabled_by": "key " + keyHash()})
		b.refiled(b.source, "", "")
		b.refiled(b.source, s.old, s.new)
		for _, p := range []string{path + "?", byExt + "&"} {
			b.status(404, "GET", p, "")
			b.shows(b.must(200, "GET", p+"with_disabled=true", ""), object{"disabled": true, "uuid": id})
		}
		if b.within(s.list, id, "") != nil || b.within(s.list, id, "with_disabled=true") == nil {
			b.t.Error("its invoice shows it unasked, or not at all")
		}
		b.must(200, "PATCH", b.byExternalID(s.list+"/disabled_state", s.ext), `{"disabled":false}`)
		b.shows(b.must(200, "GET", path, ""), object{"disabled": false, "disabled_at": nil})
		if b.within(s.list, id, "") == nil {
			b.t.Error("its invoice does not show it again")
		}
	})
}

func TestAPartDeletedAsAnEditStaysAway(t *testing.T) {
	t.Parallel()
	parts(t, func(b *bed, s sample) {
		id := b.uuid(s.list, s.ext)
		path := "/v1/" + s.list + "/" + id
		b.must(204, "DELETE", path, `{"handle_as_user_edit":true}`)
		b.refiled(b.source, "", "")
		b.refiled(b.source, s.old, s.new)
		b.status(404, "GET", path+"?with_disabled=true", "")
		b.status(404, "GET", b.byExternalID(s.list, s.ext)+"&with_disabled=true", "")
		b.status(404, "PATCH", path, `{}`)
		b.status(404, "PATCH", path+"/disabled_state", `{"disabled":false}`)
		b.status(404, "DELETE", path, "")
		if b.within(s.list, id, "with_disabled=true") != nil {
			b.t.Error("its invoice shows it")
		}
	})
}

func TestADeletedPartComesBackWithAnImport(t *testing.T) {
	t.Parallel()
	parts(t, func(b *bed, s sample) {
		id := b.uuid(s.list, s.ext)
		path := "/v1/" + s.list + "/" + id
		before := strings.Count(b.table(b.source), "\n")
		b.must(200, "PATCH", path+"?handle_as_user_edit=true", s.edit)
		b.must(204, "DELETE", b.byExternalID(s.list, s.ext), "")
		if after := strings.Count(b.table(b.source), "\n"); after != before-2 {
			b.t.Errorf("%d items, then %d: row, pointer and edit should be gone", before, after)
		}
		b.status(404, "GET", path, "")
		b.status(404, "GET", b.byExternalID(s.list, s.ext), "")
		b.status(404, "DELETE", path, "")
		if b.within(s.list, id, "with_disabled=true") != nil {
			b.t.Error("its invoice shows it")
		}
		b.refiled(b.source, "", "")
		b.shows(b.must(200, "GET", path, ""), s.imported)
		// One without an external id has no pointer.
		inv := b.must(200, "GET", "/v1/invoices/"+b.uuid("invoices", "i1"), "")
		for _, p := range entries(b.t, inv, s.list) {
			if p["external_id"] == nil {
				b.must(204, "DELETE", "/v1/"+s.list+"/"+text(b.t, p, "uuid"), "")
			}
		}
		if after := strings.Count(b.table(b.source), "\n"); after != before-1 {
			b.t.Errorf("%d items, then %d", before, after)
		}
	})
}

func TestWrongChangesOfPartsWriteNothing(t *testing.T) {
	t.Parallel()
	parts(t, func(b *bed, s sample) {
		t := b.t
		id := b.uuid(s.list, s.ext)
		one, all := "/v1/"+s.list+"/"+id, "/v1/"+s.list
		before := b.table(b.source)
		for body, param := range s.wrong {
			for _, path := range []string{one + "?", b.byExternalID(s.list, s.ext) + "&"} {
				for _, edit := range []string{"", "handle_as_user_edit=true"} {
					errs, _ := b.must(422, "PATCH", path+edit, body)["errors"].(object)
					if len(errs) != 1 || errs[param] == nil {
						t.Errorf("%s: %v", body, errs)
					}
				}
			}
		}
		b.status(200, "PATCH", one, `{}`)
		b.status(200, "PATCH", one+"?handle_as_user_edit=true", fmt.Sprintf(`{"external_id":%q}`, s.ext))
		other := map[string]string{"line_items": "tr_", "transactions": "li_"}[s.list] + id[3:]
		inv := "inv_" + id[3:]
		for _, m := range []string{"GET", "PATCH", "DELETE"} {
			for _, path := range []string{
				all + "/x", all + "/" + other, all + "/" + inv, all + "/" + s.prefix + "00fff024-aa6f-8c81-8b3d-8d293055fbfa",
				all + "/" + b.uuid("invoices", "i1"), b.byExternalID(s.list, "nobody"), all + "?data_source_uuid=ds_x&external_id=" + s.ext,
				all + "/" + s.prefix + b.uuid("invoices", "i1")[4:],
			} {
				b.status(404, m, path, `{}`)
			}
			b.status(400, m, all, `{}`)
			b.status(400, m, all+"?external_id="+s.ext, `{}`)
			b.status(400, m, all+"?data_source_uuid="+b.source, `{}`)
		}
		b.status(404, "PATCH", all+"/x/disabled_state", `{"disabled":true}`)
		b.status(404, "PATCH", b.byExternalID(s.list+"/disabled_state", "nobody"), `{"disabled":true}`)
		b.status(400, "PATCH", one+"/disabled_state", `{}`)
		b.status(422, "PATCH", one+"/disabled_state", `{"disabled":"perhaps"}`)
		b.status(422, "DELETE", one, `{"handle_as_user_edit":"perhaps"}`)
		if b.table(b.source) != before {
			t.Error("something was written")
		}
	})
}

func TestPartsAreAddedToAnInvoice(t *testing.T) {
	t.Parallel()
	b := filed(t)
	defer b.untouched()()
	inv := b.uuid("invoices", "i1")
	lines, trans := "/v1/import/invoices/"+inv+"/line_items", "/v1/import/invoices/"+inv+"/transactions"
	plan := column(t, b.must(200, "GET", "/v1/plans?external_id=iron&data_source_uuid="+b.source, ""), "plans", "uuid")[0]
	var want []string
	for i := range 3 {
		out := b.must(201, "POST", lines, fmt.Sprintf(`{"invoice_uuid":%q,"external_id":"new%d","type":"one_time","amount_in_cents":%d}`, inv, i, i))
		b.shows(out, object{"external_id": fmt.Sprint("new", i), "invoice_uuid": inv, "amount_in_cents": i, "quantity": 1, "plan_external_id": nil, "disabled": false})
		want = append(want, fmt.Sprint("new", i))
		b.wait(time.Millisecond)
	}
	sub := b.must(201, "POST", lines, fmt.Sprintf(`{"type":"subscription","plan_uuid":%q,"amount_in_cents":1,"service_period_start":"2025-01-01",
		"service_period_end":"2025-02-01","cancelled_at":"2025-01-20"}`, plan))
	b.shows(sub, object{"external_id": nil, "plan_uuid": plan, "plan_external_id": "iron"})
	b.shows(b.must(200, "GET", "/v1/line_items/"+text(t, sub, "uuid"), ""), sub)
	paid := b.must(201, "POST", trans, `{"type":"payment","result":"successful","date":"2025-01-09","external_id":"late"}`)
	b.shows(b.must(200, "GET", b.byExternalID("transactions", "late"), ""), paid)

	var got []string
	for _, l := range entries(t, b.must(200, "GET", "/v1/invoices/"+inv, ""), "line_items") {
		got = append(got, fmt.Sprint(l["external_id"]))
	}
	if !slices.Equal(got[len(got)-4:], append(want, "<nil>")) {
		t.Errorf("line items: %v", got)
	}
	c2 := entries(t, b.must(200, "GET", "/v1/invoices?external_id=i9&data_source_uuid="+b.source, ""), "invoices")[0]
	for path, bodies := range map[string]map[string]string{
		lines: {
			`{"type":"one_time","amount_in_cents":1,"external_id":"new1"}`: "The external ID for this line item already exists in our system.",
			`{"type":"one_time","amount_in_cents":1,"external_id":"l9"}`:   "The external ID for this line item already exists in our system.",
		},
		trans: {`{"type":"payment","result":"successful","date":"2025-01-09","external_id":"t9"}`: "has already been taken"},
	} {
		for body, want := range bodies {
			errs, _ := b.must(422, "POST", path, body)["errors"].(object)
			if len(errs) != 1 || errs["external_id"] != want {
				t.Errorf("%s: %v", body, errs)
			}
		}
	}
	b.wrongParts(lines, trans, text(t, c2, "uuid"))
}

func (b *bed) wrongParts(lines, trans, other string) {
	b.t.Helper()
	before := b.table(b.source)
	for body, param := range map[string]string{
		`{"amount_in_cents":1}`: "type", `{"type":"one_time"}`: "amount_in_cents", `{"type":"one_time","amount_in_cents":1,"plan_uuid":"pl_x"}`: "plan_uuid",
	} {
		if errs, _ := b.must(422, "POST", lines, body)["errors"].(object); len(errs) != 1 || errs[param] == nil {
			b.t.Errorf("%s: %v", body, errs)
		}
	}
	if errs, _ := b.must(422, "POST", trans, `{}`)["errors"].(object); len(errs) != 3 {
		b.t.Errorf("%v", errs)
	}
	b.status(400, "POST", lines, `[]`)
	b.status(404, "POST", "/v1/import/invoices/inv_x/line_items", `{"type":"one_time","amount_in_cents":1}`)
	b.status(404, "POST", "/v1/import/invoices/li_"+other[4:]+"/transactions", `{}`)
	if b.table(b.source) != before {
		b.t.Error("something was written")
	}
}

// Line items and transactions of an invoice that is not visible are not visible either, whether
// they are swept yet or not.
func TestPartsOfInvisibleInvoices(t *testing.T) {
	t.Parallel()
	for what, erase := range map[string]func(b *bed){
		"manual":   func(b *bed) { b.must(202, "POST", "/v1/erasures", `{"selection":"manual-customers"}`) },
		"customer": func(b *bed) { b.must(204, "DELETE", "/v1/customers/"+b.c1(), "") },
		"invoice":  func(b *bed) { b.must(204, "DELETE", b.byExternalID("invoices", "i1"), "") },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := filed(t)
			inv := b.uuid("invoices", "i1")
			var paths, states []string
			for _, s := range samples() {
				id := "/v1/" + s.list + "/" + b.uuid(s.list, s.ext)
				paths = append(paths, id, b.byExternalID(s.list, s.ext))
				states = append(states, id+"/disabled_state", b.byExternalID(s.list+"/disabled_state", s.ext))
			}
			erase(b)
			for range 2 {
				for _, p := range paths {
					b.status(404, "GET", p, "")
					b.status(404, "PATCH", p, `{}`)
					b.status(404, "DELETE", p, "")
				}
				for _, p := range states {
					b.status(404, "PATCH", p, `{"disabled":true}`)
				}
				b.status(404, "POST", "/v1/import/invoices/"+inv+"/transactions", `{"type":"payment","result":"failed","date":"2025-01-01"}`)
				b.work()
			}
		})
	}
}

func TestOneOfManyPartsAtOnceWins(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	inv := a.invoice(a.customer(first, "c", ""), "i1", "2025-01-01")
	for path, body := range map[string]string{
		"/v1/import/invoices/" + inv + "/line_items":   `{"type":"one_time","amount_in_cents":1,"external_id":"x"}`,
		"/v1/import/invoices/" + inv + "/transactions": `{"type":"payment","result":"failed","date":"2025-01-01","external_id":"x"}`,
	} {
		if got := a.race("POST", path, eight(body)...); got[http.StatusCreated] != 1 || got[http.StatusUnprocessableEntity] != 7 {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// An edit has to be valid together with what people see, a change of the record with the record.
func TestAChangeFitsWhatItChanges(t *testing.T) {
	t.Parallel()
	b := filed(t)
	path := b.byExternalID("line_items", "l1")
	b.must(200, "PATCH", path+"&handle_as_user_edit=true", `{"service_period_start":"2025-01-20"}`)
	b.status(422, "PATCH", path+"&handle_as_user_edit=true", `{"service_period_end":"2025-01-10"}`)
	b.must(200, "PATCH", path, `{"service_period_end":"2025-01-10"}`)
	b.status(422, "PATCH", path, `{"service_period_end":"2024-12-10"}`)
}
