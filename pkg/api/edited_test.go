package api_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/httpapi"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// The files of a source with two customers: i1 to i3 are c1's, i9 is c2's.
const (
	customersFile = "Name,External ID\nAnn,c1\nBob,c2\n"
	plansFile     = "Name,Interval count,Interval unit,Plan ID\nGold,1,month,gold\nIron,1,month,iron\n"
	invoicesFile  = `Customer external ID,Invoice external ID,Invoiced date,Due date,Currency,Status
c1,i1,2025-01-01,2025-01-15,USD,open
c1,i2,2025-02-01,,USD,open
c1,i3,2025-03-01,,USD,paid
c2,i9,2025-01-01,,EUR,
`
	linesFile = `Invoice external ID,External ID,Subscription external ID,Type,Amount in cents,Plan,Service period start,Service period end,Quantity,Description
i1,l1,s1,subscription,5000,gold,2025-01-01,2025-02-01,5,Seats
i1,l2,,one_time,2500,,,,1,Setup
i1,,,one_time,100,,,,1,Fee
i2,l3,,one_time,700,,,,1,Setup
i9,l9,,one_time,900,,,,1,Setup
`
	transactionsFile = `Invoice external ID,External ID,Type,Result,Date,Amount in cents
i1,t1,payment,failed,2025-01-02,
i1,t2,payment,successful,2025-01-03,7500
i1,,refund,successful,2025-01-04,100
i9,t9,payment,successful,2025-01-02,
`
)

// filed is a bed whose two sources hold the same files.
func filed(t *testing.T) *bed {
	t.Helper()
	b := newBed(t, nil)
	b.refiled(b.source, "", "")
	b.refiled(second, "", "")
	return b
}

const second = "ds_22222222-2222-2222-2222-222222222222"

// refiled imports the files again, with a text replaced by another one in all of them.
func (b *bed) refiled(source, from, to string) {
	b.t.Helper()
	var parts []part
	for _, text := range []string{customersFile, plansFile, invoicesFile, linesFile, transactionsFile} {
		if from != "" {
			text = strings.ReplaceAll(text, from, to)
		}
		parts = append(parts, file(fmt.Sprintf("%d.csv", len(parts)), text))
	}
	id := b.id(b.form(source, parts...))
	b.work()
	if j := b.is(id, "done"); j["rejects"] != 0.0 {
		b.t.Fatalf("rejects: %v", j)
	}
}

// untouched notes what is stored in the second source. The function it returns checks that nothing
// has changed.
func (b *bed) untouched() func() {
	was := b.table(second)
	return func() {
		if b.table(second) != was {
			b.t.Error("the other source was touched")
		}
	}
}

// table spells everything that is stored of a source's invoices and edits.
func (b *bed) table(source string) string {
	b.t.Helper()
	d, err := b.store.Directory(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	src, _ := d.ByUUID(source)
	var out strings.Builder
	for shard := range src.Shards {
		for _, pk := range []string{src.Space().DataPK(shard), src.Space().EditPK(shard)} {
			for item, err := range b.store.Items(b.t.Context(), table.Query{PK: pk}) {
				if err != nil {
					b.t.Fatal(err)
				}
				fmt.Fprintf(&out, "%s %s %x\n", item.PK, item.SK, item.Attrs)
			}
		}
	}
	return out.String()
}

func (b *bed) byExternalID(list, ext string) string {
	return fmt.Sprintf("/v1/%s?data_source_uuid=%s&external_id=%s", list, b.source, ext)
}

// uuid finds the public id of an invoice, line item or transaction by its external id.
func (b *bed) uuid(list, ext string) string {
	b.t.Helper()
	out := b.must(200, "GET", b.byExternalID(list, ext)+"&with_disabled=true", "")
	if list == "invoices" {
		out = entries(b.t, out, "invoices")[0]
	}
	return text(b.t, out, "uuid")
}

func (b *bed) c1() string {
	b.t.Helper()
	return column(b.t, b.must(200, "GET", "/v1/customers?external_id=c1&data_source_uuid="+b.source, ""), "entries", "uuid")[0]
}

// shows checks members of an answer; a member that is not there is nil.
func (b *bed) shows(out object, want object) {
	b.t.Helper()
	for name, v := range want {
		if got := out[name]; fmt.Sprint(got) != fmt.Sprint(v) {
			b.t.Errorf("%s is %v, want %v", name, got, v)
		}
	}
}

func (b *bed) order(want string) {
	b.t.Helper()
	for _, path := range []string{"/v1/import/customers/" + b.c1() + "/invoices?", "/v1/invoices?customer_uuid=" + b.c1() + "&"} {
		var got []string
		for cursor := ""; ; {
			out := b.must(200, "GET", path+"per_page=1&cursor="+cursor, "")
			got = append(got, column(b.t, out, "invoices", "external_id")...)
			if out["has_more"] != true {
				break
			}
			cursor = text(b.t, out, "cursor")
		}
		if strings.Join(got, " ") != want {
			b.t.Errorf("%s: %v, want %s", path, got, want)
		}
	}
}

func TestAnEditOfAnInvoiceSurvivesImports(t *testing.T) {
	t.Parallel()
	b := filed(t)
	defer b.untouched()()
	b.order("i3 i2 i1")
	id := "/v1/invoices/" + b.uuid("invoices", "i1")
	edited := object{
		"date": "2025-06-01T00:00:00.000Z", "due_date": nil, "currency": "EUR", "status": "paid", "collection_method": "manual",
		"external_id": "i1", "customer_external_id": "c1",
	}
	out := b.must(200, "PATCH", id, `{"handle_as_user_edit":true,"date":"2025-06-01","due_date":null,"currency":"eur","status":"paid",
		"collection_method":"manual","external_id":"i1","customer_external_id":"c1","unknown":1}`)
	b.shows(out, edited)
	if len(entries(t, out, "line_items")) != 3 || len(entries(t, out, "transactions")) != 3 {
		t.Errorf("parts of the answer: %v", out)
	}
	for _, old := range []string{"", ",open", "2025-01-01"} {
		b.refiled(b.source, old, map[string]string{",open": ",refunded", "2025-01-01": "2025-01-05"}[old])
		b.shows(b.must(200, "GET", id, ""), edited)
		b.order("i1 i3 i2")
	}
	history, _ := b.must(200, "GET", id+"?include_edit_histories=true", "")["edit_history_summary"].(object)
	b.shows(history, object{"latest_edit_author": "key " + keyHash(), "latest_edit_performed_at": text(t, history, "latest_edit_performed_at")})
	changed, _ := history["values_changed"].(object)
	b.shows(changed, object{
		"date":     object{"original_value": "2025-01-05T00:00:00.000Z", "edited_value": "2025-06-01T00:00:00.000Z"},
		"due_date": object{"original_value": "2025-01-15T00:00:00.000Z", "edited_value": nil},
		"status":   object{"original_value": "open", "edited_value": "paid"},
	})
	if got := slices.Sorted(maps.Keys(changed)); fmt.Sprint(got) != "[collection_method currency date due_date status]" {
		t.Errorf("changed: %v", got)
	}
	// A field that gets its imported value again is no edit any more.
	b.must(200, "PATCH", b.byExternalID("invoices", "i1")+"&handle_as_user_edit=true",
		`{"date":"2025-01-05","due_date":"2025-01-15","currency":"USD","status":"open","collection_method":""}`)
	if out := b.must(200, "GET", id+"?include_edit_histories=1", ""); out["edit_history_summary"] != nil {
		t.Errorf("history: %v", out["edit_history_summary"])
	}
	b.order("i3 i2 i1")
}

func keyHash() string {
	hash := httpapi.HashKey(testKey)
	return hex.EncodeToString(hash[:4])
}

func TestAChangeOfAnInvoiceLastsUntilAnImport(t *testing.T) {
	t.Parallel()
	b := filed(t)
	defer b.untouched()()
	before := b.table(b.source)
	id := "/v1/invoices/" + b.uuid("invoices", "i1")
	b.shows(b.must(200, "PATCH", id, `{"date":"2025-06-01","due_date":null}`), object{"date": "2025-06-01T00:00:00.000Z", "due_date": nil})
	b.order("i1 i3 i2")
	if out := b.must(200, "GET", id+"?include_edit_histories=true", ""); out["edit_history_summary"] != nil {
		t.Errorf("history: %v", out["edit_history_summary"])
	}
	if strings.Count(before, "\n") != strings.Count(b.table(b.source), "\n") {
		t.Error("items came or went")
	}
	// A field that a person has edited still shows the edit.
	b.must(200, "PATCH", id, `{"status":"paid","handle_as_user_edit":"true"}`)
	b.shows(b.must(200, "PATCH", id, `{"status":"voided","currency":"EUR"}`), object{"status": "paid", "currency": "EUR"})

	b.refiled(b.source, "", "")
	b.shows(b.must(200, "GET", id, ""), object{"date": "2025-01-01T00:00:00.000Z", "due_date": "2025-01-15T00:00:00.000Z", "status": "paid", "currency": "USD"})
	b.order("i3 i2 i1")
}

func TestTheStatusOfAnInvoice(t *testing.T) {
	t.Parallel()
	b := filed(t)
	defer b.untouched()()
	path := "/v1/data_sources/" + b.source + "/invoices/i1/status"
	for _, status := range []string{"voided", "written_off"} {
		out := b.must(200, "PUT", path, fmt.Sprintf(`{"status":%q}`, status))
		b.shows(out, object{"message": "Invoice updated"})
		b.shows(b.must(200, "GET", "/v1/invoices/"+b.uuid("invoices", "i1"), ""), object{"status": status})
	}
	before := b.table(b.source)
	for _, status := range []string{`"paid"`, `"open"`, `"nonsense"`, `null`, `7`, `[]`} {
		b.shows(b.must(422, "PUT", path, `{"status":`+status+`}`), object{"message": "Status transition is not allowed"})
	}
	b.status(400, "PUT", path, `{}`)
	b.status(404, "PUT", "/v1/data_sources/"+b.source+"/invoices/i7/status", `{"status":"voided"}`)
	b.status(404, "PUT", "/v1/data_sources/ds_x/invoices/i1/status", `{"status":"voided"}`)
	if b.table(b.source) != before {
		t.Error("something was written")
	}
	b.refiled(b.source, "", "")
	b.shows(b.must(200, "GET", "/v1/invoices/"+b.uuid("invoices", "i1"), ""), object{"status": "open"})
}

// reads returns, for each path that reads invoices, the external ids that it shows.
func (b *bed) reads(more string) map[string]string {
	out := map[string]string{}
	for _, path := range []string{
		"/v1/invoices?data_source_uuid=" + b.source, "/v1/invoices?customer_uuid=" + b.c1(), "/v1/import/customers/" + b.c1() + "/invoices?",
		b.byExternalID("invoices", "i2"),
	} {
		list := column(b.t, b.must(200, "GET", path+"&"+more, ""), "invoices", "external_id")
		slices.Sort(list)
		out[path] = strings.Join(list, " ")
	}
	return out
}

func TestADisabledInvoiceIsLeftOut(t *testing.T) {
	t.Parallel()
	b := filed(t)
	defer b.untouched()()
	all := b.reads("")
	id := "/v1/invoices/" + b.uuid("invoices", "i2")
	line := "/v1/line_items/" + b.uuid("line_items", "l3")
	out := b.must(200, "PATCH", id+"/disabled_state", `{"disabled":true}`)
	b.shows(out, object{"disabled": true, "disabled_by": "key " + keyHash(), "user_created": false})
	b.refiled(b.source, "", "")
	b.refiled(b.source, ",open", ",paid")
	for path, want := range all {
		if got := b.reads("")[path]; strings.Contains(got, "i2") || got != strings.TrimSpace(strings.Replace(strings.Replace(want, "i2", "", 1), "  ", " ", 1)) {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := b.reads("with_disabled=true"); !maps.Equal(got, all) {
		t.Errorf("with disabled: %v, want %v", got, all)
	}
	b.order("i3 i1")
	b.status(404, "GET", id, "")
	b.shows(b.must(200, "GET", id+"?with_disabled=true", ""), object{"disabled": true, "disabled_at": out["disabled_at"]})
	b.status(404, "GET", line, "")
	b.shows(b.must(200, "GET", line+"?with_disabled=1", ""), object{"disabled": false})
	b.must(200, "PATCH", b.byExternalID("invoices/disabled_state", "i2"), `{"disabled":"false"}`)
	b.shows(b.must(200, "GET", id, ""), object{"disabled": false, "disabled_at": nil, "disabled_by": nil})
	if got := b.reads(""); !maps.Equal(got, all) {
		t.Errorf("again: %v, want %v", got, all)
	}
}

// Pages are full although there are hidden invoices in between.
func TestPagesBesideDisabledInvoices(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	c := b.customer(b.source, "c1", "")
	var want []string
	for i := range 30 {
		ext := fmt.Sprintf("i%02d", i)
		id := b.invoice(c, ext, "2025-01-01")
		if i%3 == 0 {
			b.must(200, "PATCH", "/v1/invoices/"+id+"/disabled_state", `{"disabled":true}`)
			continue
		}
		want = append(want, ext)
	}
	for _, path := range []string{"/v1/invoices?", "/v1/invoices?customer_uuid=" + c + "&", "/v1/import/customers/" + c + "/invoices?"} {
		for _, size := range []int{1, 3, 7, 30} {
			var got []string
			for cursor := ""; ; {
				out := b.must(200, "GET", fmt.Sprintf("%sper_page=%d&cursor=%s", path, size, cursor), "")
				page := column(t, out, "invoices", "external_id")
				got = append(got, page...)
				if out["has_more"] != true {
					break
				}
				if len(page) != size {
					t.Errorf("%s by %d: a page of %d", path, size, len(page))
				}
				cursor = text(t, out, "cursor")
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s by %d: %v", path, size, got)
			}
		}
	}
}

func TestAnInvoiceDeletedAsAnEditStaysAway(t *testing.T) {
	t.Parallel()
	b := filed(t)
	defer b.untouched()()
	id, line := "/v1/invoices/"+b.uuid("invoices", "i2"), "/v1/line_items/"+b.uuid("line_items", "l3")
	other := "/v1/invoices/" + b.uuid("invoices", "i3")
	b.must(204, "DELETE", id+"?handle_as_user_edit=true", "")
	b.must(204, "DELETE", b.byExternalID("invoices", "i3"), `{"handle_as_user_edit":true}`)
	b.refiled(b.source, "", "")
	b.refiled(b.source, ",open", ",paid")
	b.order("i1")
	for _, path := range []string{id, other} {
		b.status(404, "GET", path+"?with_disabled=true", "")
		b.status(404, "PATCH", path, `{"status":"paid"}`)
		b.status(404, "PATCH", path+"/disabled_state", `{"disabled":false}`)
		b.status(404, "DELETE", path, "")
	}
	b.status(404, "GET", line+"?with_disabled=true", "")
	b.status(404, "PATCH", line, `{"amount_in_cents":1}`)
	b.status(404, "PATCH", line+"/disabled_state", `{"disabled":false}`)
	b.status(404, "DELETE", line, "")
	b.status(404, "POST", "/v1/import"+strings.TrimPrefix(id, "/v1")+"/line_items", `{"type":"one_time","amount_in_cents":1}`)
	for path, got := range b.reads("with_disabled=true") {
		if strings.Contains(got, "i2") || strings.Contains(got, "i3") {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestWrongChangesOfInvoicesWriteNothing(t *testing.T) {
	t.Parallel()
	b := filed(t)
	defer b.untouched()()
	id := "/v1/invoices/" + b.uuid("invoices", "i1")
	before := b.table(b.source)
	for _, edit := range []string{"", "handle_as_user_edit=true"} {
		for body, param := range map[string]string{
			`{"date":null}`: "date", `{"date":"soon"}`: "date", `{"date":"2030-01-01"}`: "date", `{"due_date":[]}`: "due_date",
			`{"currency":"XXQ"}`: "currency", `{"currency":""}`: "currency", `{"status":"gone","due_date":null}`: "status",
			`{"collection_method":"cash"}`: "collection_method", `{"external_id":"i2"}`: "external_id",
			`{"customer_external_id":"c2"}`: "customer_external_id", `{"handle_as_user_edit":"maybe","status":"paid"}`: "handle_as_user_edit",
		} {
			if edit != "" && strings.Contains(body, "maybe") {
				continue
			}
			for _, path := range []string{id + "?", b.byExternalID("invoices", "i1") + "&"} {
				errs, _ := b.must(422, "PATCH", path+edit, body)["errors"].(object)
				if len(errs) != 1 || errs[param] == nil {
					t.Errorf("%s: %v", body, errs)
				}
			}
		}
		b.status(400, "PATCH", id+"?"+edit, `[]`)
		b.status(404, "PATCH", "/v1/invoices/inv_x?"+edit, `{}`)
		b.status(404, "PATCH", b.byExternalID("invoices", "i7")+"&"+edit, `{}`)
		b.status(400, "PATCH", "/v1/invoices?external_id=i1&"+edit, `{}`)
		b.status(404, "PATCH", "/v1/invoices?external_id=i1&data_source_uuid=ds_x&"+edit, `{}`)
		b.status(404, "DELETE", "/v1/invoices/inv_x?"+edit, "")
		b.status(400, "DELETE", id+"?"+edit, "[")
	}
	for body, status := range map[string]int{`{}`: 400, `{"disabled":null}`: 422, `{"disabled":"maybe"}`: 422, `{"disabled":[]}`: 422, ``: 400} {
		b.status(status, "PATCH", id+"/disabled_state", body)
	}
	b.status(404, "PATCH", "/v1/invoices/inv_x/disabled_state", `{"disabled":true}`)
	b.status(404, "PATCH", b.byExternalID("invoices/disabled_state", "i7"), `{"disabled":true}`)
	b.status(200, "PATCH", id, `{}`)
	b.status(200, "PATCH", id, `{"status":"open","external_id":"i1","date":"2025-01-01"}`)
	b.status(200, "PATCH", id+"?handle_as_user_edit=1", `{"status":"open","due_date":"2025-01-15"}`)
	b.status(200, "PATCH", id+"/disabled_state", `{"disabled":false}`)
	if b.table(b.source) != before {
		t.Error("something was written")
	}
}

// An imported record may have values that REST refuses. They prevent no change of other fields.
func TestAChangeBesideWhatWasWrongBefore(t *testing.T) {
	t.Parallel()
	b := filed(t)
	b.wait(-2 * 365 * 24 * time.Hour) // so all dates are in the future
	id := "/v1/invoices/" + b.uuid("invoices", "i3")
	b.shows(b.must(200, "PATCH", id, `{"status":"voided"}`), object{"status": "voided", "date": "2025-03-01T00:00:00.000Z"})
	b.status(422, "PATCH", id, `{"date":"2025-03-02"}`)
}

func TestChangesAtOnceAreAllMadeOrRefused(t *testing.T) {
	t.Parallel()
	b := filed(t)
	id := "/v1/invoices/" + b.uuid("invoices", "i1")
	var bodies []string
	for day := range 8 {
		bodies = append(bodies, fmt.Sprintf(`{"date":"2025-06-0%d"}`, day+1))
	}
	got := b.race("PATCH", id, bodies...)
	if got[http.StatusOK] == 0 || got[http.StatusOK]+got[http.StatusTooManyRequests] != 8 {
		t.Errorf("%v", got)
	}
	// The pointer from the customer has the date that was written last.
	date := text(t, b.must(200, "GET", id, ""), "date")
	b.must(200, "PATCH", "/v1/invoices/"+b.uuid("invoices", "i2"), fmt.Sprintf(`{"date":%q}`, strings.Replace(date, "00:00", "00:01", 1)))
	b.must(200, "PATCH", "/v1/invoices/"+b.uuid("invoices", "i3"), fmt.Sprintf(`{"date":%q}`, strings.Replace(date, "2025-06", "2025-05", 1)))
	b.order("i2 i1 i3")
}

// If a record changes between the read and the write of a request, the request reads again: both
// changes are made.
func TestAChangeInBetweenIsNotLost(t *testing.T) {
	t.Parallel()
	var between func()
	a := newAPI(t, mem.Options{Before: func(op mem.Op, _ int) error {
		if do := between; op == mem.Transact && do != nil {
			between = nil
			do()
		}
		return nil
	}})
	first, _ := a.fixed()
	c := a.customer(first, "c", "")
	id := a.invoice(c, "i1", "2020-01-01")
	a.invoice(c, "i2", "2020-01-01")
	for path, changes := range map[string][2]string{
		"/v1/invoices/" + id: {`{"status":"paid"}`, `{"date":"2020-02-02"}`},
		"/v1/line_items?external_id=li-i1&data_source_uuid=" + first:   {`{"amount_in_cents":7}`, `{"quantity":3}`},
		"/v1/transactions?external_id=tr-i1&data_source_uuid=" + first: {`{"amount_in_cents":7}`, `{"result":"failed"}`},
	} {
		between = func() { a.must(200, "PATCH", path, changes[0]) }
		a.must(200, "PATCH", path, changes[1])
		out := a.must(200, "GET", path, "")
		for _, change := range changes {
			var want object
			if err := json.Unmarshal([]byte(change), &want); err != nil {
				t.Fatal(err)
			}
			for name, v := range want {
				if got := fmt.Sprint(out[name]); !strings.HasPrefix(got, fmt.Sprint(v)) {
					t.Errorf("%s: %s is %s, want %v", path, name, got, v)
				}
			}
		}
	}
	// A row that changes before it is removed is removed all the same.
	path := "/v1/line_items?external_id=li-i1&data_source_uuid=" + first
	between = func() { a.must(200, "PATCH", path, `{"quantity":4}`) }
	a.must(204, "DELETE", path, "")
	a.status(404, "GET", path, "")
	path = "/v1/line_items?external_id=li-i2&data_source_uuid=" + first
	between = func() { a.must(204, "DELETE", path, "") }
	a.status(404, "DELETE", path, "")
	between = func() { a.must(204, "DELETE", "/v1/transactions?external_id=tr-i1&data_source_uuid="+first, "") }
	a.status(404, "PATCH", "/v1/transactions?external_id=tr-i1&data_source_uuid="+first, `{"amount_in_cents":8}`)
}

// An invoice was erased with its edits, is made anew, and is edited again before the old edits are
// swept. The sweep then leaves all of its edits and their pointer.
func TestTheSweepOfOldEditsLeavesNoHalves(t *testing.T) {
	t.Parallel()
	b := filed(t)
	i1 := b.byExternalID("invoices", "i1") + "&handle_as_user_edit=true"
	b.must(200, "PATCH", i1, `{"date":"2025-06-01"}`)
	b.wait(time.Second)
	b.erase(`{"selection":"dependent","id":%q,"keep_edits":false}`, b.source)
	b.wait(time.Second)
	b.must(201, "POST", "/v1/import/customers/"+b.c1()+"/invoices", `{"invoices":[{"external_id":"i1","date":"2024-01-01","currency":"EUR",
		"line_items":[{"type":"one_time","amount_in_cents":1}]}]}`)
	b.must(200, "PATCH", i1, `{"status":"paid"}`)
	b.work()
	b.shows(b.must(200, "GET", "/v1/invoices/"+b.uuid("invoices", "i1"), ""), object{"date": "2025-06-01T00:00:00.000Z", "status": "paid"})
	b.order("i1")
}

// When the edits of an invoice are swept, the pointer that was made for them goes, too, even if the
// invoice itself is gone already.
func TestTheEditsOfAnErasedInvoiceGoWithTheirPointer(t *testing.T) {
	t.Parallel()
	b := filed(t)
	b.must(200, "PATCH", b.byExternalID("invoices", "i1")+"&handle_as_user_edit=true", `{"date":"2025-06-01"}`)
	b.erase(`{"selection":"invoice","id":%q,"grace":"1h"}`, b.uuid("invoices", "i1"))
	b.erase(`{"selection":"customer-invoices","id":%q,"keep_edits":true}`, b.c1())
	b.work()
	b.wait(time.Hour)
	if err := b.app.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.work()
	d, err := b.store.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	src, _ := d.ByUUID(b.source)
	for item, err := range b.store.Items(t.Context(), src.Space().EditOwnersOf(d.Hasher().CustomerH("c1"))) {
		t.Error("it was left: ", item.SK, err)
	}
}
