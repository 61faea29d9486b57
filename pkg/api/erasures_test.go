package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func erasures(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	imported := text(t, entries(t, b.must(200, "GET", "/v1/imports", ""), "jobs")[0], "id")
	b.status(404, "GET", "/v1/erasures/"+imported, "")
	plan := b.must(200, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"source","id":%q,"dry_run":true}`, b.source))
	if fmt.Sprint(plan["counts"]) != "map[customers:3]" {
		t.Errorf("%v", plan)
	}
	for body, want := range map[string]int{
		`{}`: 400, `{`: 400, `{"selection":"source"}`: 422, `{"selection":"import"}`: 422, `{"selection":"import","id":"nobody"}`: 404, `{"selection":"source","id":"ds_nobody"}`: 404, `{"selection":"all"}`: 422,
		`{"selection":"manual-customers","dryrun":true}`: 422, `{"selection":"manual-customers","dry_run":"maybe"}`: 422, `{"selection":["source"]}`: 422,
	} {
		b.status(want, "POST", "/v1/erasures", body)
	}
	b.count(3, "/v1/customers", "entries")
	id := text(t, b.must(202, "POST", "/v1/erasures", `{"selection":"manual-customers"}`), "id")
	b.count(0, "/v1/customers", "entries")
	b.work()
	if j := b.must(200, "GET", "/v1/erasures/"+id, ""); j["status"] != "done" || !strings.Contains(fmt.Sprint(j["erase"]), "customers:3") {
		t.Errorf("%v", j)
	}
}

// erase asks for an erase and returns its job.
func (b *bed) erase(format string, args ...any) string {
	b.t.Helper()
	return text(b.t, b.must(202, "POST", "/v1/erasures", fmt.Sprintf(format, args...)), "id")
}

func restored(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	whole := b.erase(`{"selection":"source","id":%q,"grace":"48h"}`, b.source)
	b.count(0, "/v1/customers", "entries")
	b.status(404, "GET", "/v1/data_sources/"+b.source, "")
	if j := b.must(200, "GET", "/v1/erasures/"+whole, ""); j["status"] != "grace" {
		t.Errorf("%v", j)
	}
	b.status(400, "POST", "/v1/erasures/"+whole+"/restore", "mail")
	b.status(422, "POST", "/v1/erasures/"+whole+"/restore", `{"mial":false}`)
	if j := b.must(200, "POST", "/v1/erasures/"+whole+"/restore", ""); j["status"] != "restored" {
		t.Errorf("%v", j)
	}
	b.count(3, "/v1/customers", "entries")
	b.status(409, "POST", "/v1/erasures/"+whole+"/restore", "")
	b.status(404, "POST", "/v1/erasures/"+strings.Repeat("0", 32)+"/restore", "")

	content := b.erase(`{"selection":"content","source":"First","grace":"48h"}`)
	b.count(0, "/v1/customers", "entries")
	running := b.id(b.imported(file("a.csv", february)))
	b.status(429, "POST", "/v1/erasures/"+content+"/restore", "")
	b.must(200, "DELETE", "/v1/imports/"+running, "")
	b.work()
	b.must(200, "POST", "/v1/erasures/"+content+"/restore", "")
	b.count(3, "/v1/customers", "entries")

	again := b.erase(`{"selection":"content","source":"First","grace":"1h"}`)
	b.done("done", file("a.csv", march))
	b.status(409, "POST", "/v1/erasures/"+again+"/restore", "") // it was filled since
	b.count(3, "/v1/customers", "entries")
	b.wait(2 * time.Hour)
	b.status(409, "POST", "/v1/erasures/"+again+"/restore", "")
	if err := b.app.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.work()
	b.status(409, "POST", "/v1/erasures/"+again+"/restore", "")
	b.count(3, "/v1/customers", "entries")
	if r := b.must(200, "GET", "/v1/erasures/"+again+"/receipt", ""); fmt.Sprint(r["removed"]) != "map[customers:3]" {
		t.Errorf("%v", r)
	}
}

func receipts(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	n := b.must(200, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"content","id":%q,"dry_run":true}`, b.source))["counts"]
	b.status(409, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"content","id":%q,"confirm":4}`, b.source))
	b.count(3, "/v1/customers", "entries")
	id := b.erase(`{"selection":"content","id":%q,"confirm":3}`, b.source)
	b.status(404, "GET", "/v1/erasures/"+id+"/receipt", "")
	b.work()
	r := b.must(200, "GET", "/v1/erasures/"+id+"/receipt", "")
	if fmt.Sprint(r["removed"]) != fmt.Sprint(n) || r["total"] != 3.0 || r["imports_cleared"] != 1.0 || len(text(t, r, "key_digest")) != 64 {
		t.Errorf("%v, planned %v", r, n)
	}
	if page := b.do("GET", "/v1/erasures/"+id+"/receipt?format=html", ""); page.status != 200 || !strings.Contains(page.body, "<h1>Receipt of an erase</h1>") {
		t.Errorf("%d %s", page.status, page.body)
	}
	b.status(400, "GET", "/v1/erasures/"+id+"/receipt?format=pdf", "")
	second := b.erase(`{"selection":"source","id":%q}`, b.source)
	b.work()
	if got := column(t, b.must(200, "GET", "/v1/receipts", ""), "receipts", "job"); !slices.Equal(got, []string{second, id}) {
		t.Errorf("%v", got)
	}
	if got := column(t, b.must(200, "GET", "/v1/erasures?per_page=1", ""), "jobs", "id"); !slices.Equal(got, []string{second}) {
		t.Errorf("%v", got)
	}
	b.status(400, "GET", "/v1/receipts?cursor=UPPER", "")
	b.status(400, "GET", "/v1/erasures?per_page=0", "")
}

func forgotten(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	ann := column(t, b.must(200, "GET", "/v1/customers?external_id=c1", ""), "entries", "uuid")[0]
	b.status(422, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"source","id":%q,"forget":true}`, b.source))
	id := b.erase(`{"selection":"customer","id":%q,"forget":true}`, ann)
	b.work()
	if r := b.must(200, "GET", "/v1/erasures/"+id+"/receipt", ""); r["forgotten"] != 1.0 {
		t.Errorf("%v", r)
	}
	j := b.is(b.done("done", file("a.csv", february)), "done")
	if j["rejects"] != 1.0 {
		t.Errorf("%v", j)
	}
	rejects := b.do("GET", "/v1/imports/"+text(t, j, "id")+"/rejects", "").body
	if !strings.Contains(rejects, ",forgotten,") {
		t.Errorf("%s", rejects)
	}
	b.count(2, "/v1/customers", "entries")
	anew := fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"c1"}`, b.source)
	b.status(422, "POST", "/v1/customers", anew)
	list := "/v1/data_sources/" + b.source + "/forgotten"
	b.status(400, "DELETE", list, "")
	b.status(404, "DELETE", list+"?external_id=c2", "")
	b.status(204, "DELETE", list+"?external_id=c1", "")
	b.status(201, "POST", "/v1/customers", anew)
}

// emptied: after a source was emptied, edits take effect again when the same external ids return,
// unless the erase took the edits, too.
func emptied(b *bed) {
	t := b.t
	b.done("done", file("a.csv", february))
	ann := column(t, b.must(200, "GET", "/v1/customers?external_id=c1", ""), "entries", "uuid")[0]
	tags := "/v1/customers/" + ann + "/attributes/tags"
	b.must(200, "POST", tags, `{"tags":["vip"]}`)
	source := "/v1/data_sources/" + b.source
	if p := b.must(200, "DELETE", source+"/all?dry_run=true&keep_edits=false", ""); fmt.Sprint(p["counts"]) != "map[customers:3 edits:1]" {
		t.Errorf("%v", p)
	}
	for _, path := range []string{"/all", "/all?keep_edits=false"} {
		b.must(204, "DELETE", source+path, "")
		b.count(0, "/v1/customers", "entries")
		b.status(404, "GET", "/v1/customers/"+ann, "")
		b.must(200, "GET", source, "")
		b.work()
		b.done("done", file("a.csv", february))
		want := "[vip]"
		if strings.Contains(path, "false") {
			want = "[]"
		}
		if got := b.must(200, "GET", "/v1/customers/"+ann+"/attributes", ""); fmt.Sprint(got["tags"]) != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	b.must(204, "DELETE", source+"/dependent", "")
	b.work()
	b.count(3, "/v1/customers", "entries")
}

// An invoice that is made while all invoices of its customer are being erased would be erased with
// them, so it is refused.
func TestNoInvoiceIsMadeForAnEraseToTake(t *testing.T) {
	t.Parallel()
	b := filed(t)
	c1 := b.c1()
	erase := b.erase(`{"selection":"customer-invoices","id":%q,"grace":"48h"}`, c1)
	path := "/v1/import/customers/" + c1 + "/invoices"
	b.status(429, "POST", path, `{"invoices":[`+invoice("new", "2025-01-01")+`]}`)
	// Nor may a line item of another customer take the external id of a hidden one: that can be
	// restored.
	c2 := column(t, b.must(200, "GET", "/v1/customers?external_id=c2&data_source_uuid="+b.source, ""), "entries", "uuid")[0]
	b.status(429, "POST", "/v1/import/customers/"+c2+"/invoices", `{"invoices":[`+strings.ReplaceAll(invoice("new", "2025-01-01"), "li-new", "l1")+`]}`)
	// Nor may a file bring an invoice, or what would belong to it; it may bring the customer and
	// its contacts.
	id := b.done("done", file("c.csv", "Name,External ID\nAnna,c1\n"), file("i.csv", "Customer external ID,Invoice external ID,Invoiced date,Currency\nc1,new,2025-01-01,USD\nc2,other,2025-01-01,USD\n"),
		file("l.csv", "Invoice external ID,External ID,Type,Amount in cents\ni1,l10,one_time,1\n"))
	if text := textOf(t, b.do("GET", "/v1/imports/"+id+"/rejects", "").body); strings.Count(text, ",being_erased,") != 2 || b.is(id, "done")["rejects"] != 2.0 {
		t.Errorf("rejects: %s", text)
	}
	b.tells("Anna", "/v1/customers/"+c1, "name")
	b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
	b.must(201, "POST", path, `{"invoices":[`+invoice("new", "2025-01-01")+`]}`)
}

// A replace leaves what is being erased as it is, and the customer to whom a restore brings it
// back.
func TestAReplaceLeavesWhatCanBeRestored(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"customer-invoices", "customer", "invoice"} {
		b := filed(t)
		before := b.must(200, "GET", "/v1/invoices?data_source_uuid="+b.source, "")
		ids := map[string]string{"customer-invoices": b.c1(), "customer": b.c1(), "invoice": b.uuid("invoices", "i1")}
		erase := b.erase(`{"selection":%q,"id":%q,"grace":"48h"}`, kind, ids[kind])
		all := []part{{"mode", "", "replace"}, {"max_removed", "", "100"}, {"allow_empty", "", "true"}}
		for name, text := range map[string]string{"c": "Name,External ID\nBob,c2\n", "p": plansFile, "i": invoicesFile, "l": linesFile, "t": transactionsFile} {
			lines := slices.DeleteFunc(strings.SplitAfter(text, "\n"), func(l string) bool {
				return strings.HasPrefix(l, "c1,") || strings.HasPrefix(l, "i1,") || strings.HasPrefix(l, "i2,")
			})
			all = append(all, file(name+".csv", strings.Join(lines, "")))
		}
		if j := b.is(b.done("done", all...), "done"); j["rejects"] != 0.0 {
			t.Fatalf("%v", j)
		}
		b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
		after := b.must(200, "GET", "/v1/invoices?data_source_uuid="+b.source, "")
		for _, inv := range entries(t, before, "invoices") {
			back := slices.ContainsFunc(entries(t, after, "invoices"), func(o object) bool { return fmt.Sprint(o) == fmt.Sprint(inv) })
			if hidden := inv["external_id"] == "i1" || kind != "invoice" && inv["customer_external_id"] == "c1"; hidden && !back {
				t.Errorf("%s: %v is not back as it was", kind, inv["external_id"])
			}
		}
		b.c1()
	}
}

// Once all manual customers were erased, no restore of an earlier erase brings one back.
func TestNoManualCustomerHidesInAGracePeriod(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"source", "content"} {
		b := newBed(t, nil)
		b.done("done", file("a.csv", february))
		away := b.erase(`{"selection":%q,"id":%q,"grace":"48h"}`, kind, b.source)
		manual := b.erase(`{"selection":"manual-customers"}`)
		b.work()
		if r := b.must(200, "GET", "/v1/erasures/"+manual+"/receipt", ""); fmt.Sprint(r["removed"]) != "map[customers:3]" {
			t.Errorf("%s: %v", kind, r["removed"])
		}
		b.must(200, "POST", "/v1/erasures/"+away+"/restore", "")
		b.count(0, "/v1/customers", "entries")
		last := b.erase(`{"selection":"source","id":%q}`, b.source)
		b.work()
		if r := b.must(200, "GET", "/v1/erasures/"+last+"/receipt", ""); r["total"] != 0.0 {
			t.Errorf("%s: %v was left", kind, r["removed"])
		}
	}
}
