package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// The universe: customers c1 to c6, and invoices i1 to i6 with a line item, a fee and a transaction
// each.
const universe = 6

func somePlans() []string  { return []string{"gold", "iron"} }
func someEmails() []string { return []string{"shared@example.com", "new@example.com"} }

// ownerOf is the customer of an invoice: the first two have two each, the last two have none.
func ownerOf(invoice string) string {
	n, _ := strconv.Atoi(invoice[1:])
	return fmt.Sprint("c", (n-1)%4+1)
}

func day(version int, invoice string) string {
	n, _ := strconv.Atoi(invoice[1:])
	return fmt.Sprintf("2025-0%d-%02d", 1+version, 10+n)
}

// Rows of the universe. There are three versions of each.

func customerRow(ext string, version int) record {
	email := []string{"shared@example.com", ext + "@example.com", ""}[version]
	return record{fields: map[string]string{"name": fmt.Sprint(ext, " ", version), "email": email, "company": []string{"", "Acme", "Bolt"}[version]}}
}

func planRow(ext string, version int) record {
	return record{fields: map[string]string{"name": fmt.Sprint(ext, " ", version), "count": fmt.Sprint(version + 1)}}
}

func invoiceRow(ext string, version int) record {
	return record{fields: map[string]string{"customer": ownerOf(ext), "date": day(version, ext), "status": []string{"open", "paid", "voided"}[version]}}
}

func lineRow(invoice string, version int) record {
	n, _ := strconv.Atoi(invoice[1:])
	return record{fields: map[string]string{"amount": fmt.Sprint(100*n + version), "plan": somePlans()[n%2]}}
}

func feeRow(version int) record {
	return record{fields: map[string]string{"amount": fmt.Sprint(10 + version), "plan": ""}}
}

func transRow(version int) record {
	return record{fields: map[string]string{"amount": fmt.Sprint(1 + version), "result": []string{"successful", "failed", "successful"}[version]}}
}

// draw picks rows of the universe, each dataset of one version.
func drawRows(t *rapid.T) rows {
	in := rows{}
	version := func() int { return rapid.IntRange(0, 2).Draw(t, "version") }
	some := func(what string, n int, add func(n, version int)) {
		v := version()
		mask := rapid.SampledFrom([]int{1<<n - 1, -1, -1}).Draw(t, what)
		if mask < 0 {
			mask = rapid.IntRange(0, 1<<n-1).Draw(t, "which")
		}
		for i := range n {
			if mask>>i&1 == 1 {
				add(i+1, v)
			}
		}
	}
	some("plans", 2, func(n, v int) { in[planOf(somePlans()[n-1])] = planRow(somePlans()[n-1], v) })
	some("customers", universe, func(n, v int) { in[customerOf(fmt.Sprint("c", n))] = customerRow(fmt.Sprint("c", n), v) })
	some("invoices", universe, func(n, v int) { in[invoiceOf(fmt.Sprint("i", n))] = invoiceRow(fmt.Sprint("i", n), v) })
	some("line items", universe, func(n, v int) {
		i := fmt.Sprint("i", n)
		in[partOf("l", i, fmt.Sprint("l", n))] = lineRow(i, v)
	})
	some("fees", universe, func(n, v int) { in[partOf("l", fmt.Sprint("i", n), "")] = feeRow(v) })
	some("transactions", universe, func(n, v int) { in[partOf("t", fmt.Sprint("i", n), fmt.Sprint("t", n))] = transRow(v) })
	return in
}

// sound leaves out the rows that a replace would reject.
func sound(in rows) rows {
	out := rows{}
	for _, kinds := range []string{"pc", "i", "lt"} {
		for id, r := range in {
			_, plan := out[planOf(r.fields["plan"])]
			_, customer := out[customerOf(r.fields["customer"])]
			_, invoice := out[invoiceOf(invoiceIn(id))]
			ok := kinds == "pc" || kinds == "i" && customer || kinds == "lt" && invoice && (plan || r.fields["plan"] == "")
			if ok && strings.Contains(kinds, kindOf(id)) {
				out[id] = r
			}
		}
	}
	return out
}

// files are the CSV files of rows: all five, or those that have rows.
func files(in rows, all bool) (parts []part) {
	text := map[string]string{
		"c": "Name,External ID,Email,Company\n", "p": "Name,Interval count,Interval unit,Plan ID\n",
		"i": "Customer external ID,Invoice external ID,Invoiced date,Currency,Status\n",
		"l": "Invoice external ID,External ID,Type,Amount in cents,Plan,Description\n",
		"t": "Invoice external ID,External ID,Type,Result,Date,Amount in cents\n",
	}
	given := map[string]bool{}
	for id, r := range in {
		f, own := r.fields, id[strings.LastIndex(id, "/")+1:]
		given[kindOf(id)] = true
		text[kindOf(id)] += map[string]string{
			"c": fmt.Sprintf("%s,%s,%s,%s\n", f["name"], own, f["email"], f["company"]),
			"p": fmt.Sprintf("%s,%s,month,%s\n", f["name"], f["count"], own),
			"i": fmt.Sprintf("%s,%s,%s,USD,%s\n", f["customer"], own, f["date"], f["status"]),
			"l": fmt.Sprintf("%s,%s,one_time,%s,%s,%s\n", invoiceIn(id), own, f["amount"], f["plan"], map[bool]string{true: "Fee"}[own == ""]),
			"t": fmt.Sprintf("%s,%s,payment,%s,2025-01-02,%s\n", invoiceIn(id), own, f["result"], f["amount"]),
		}[kindOf(id)]
	}
	for _, kind := range []string{"c", "p", "i", "l", "t"} {
		if all || given[kind] {
			parts = append(parts, file(kind+".csv", text[kind]))
		}
	}
	return parts
}

func (w *walk) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){
		"import": w.load, "import again": w.load, "source": w.addSource, "customer": w.addCustomer, "invoice": w.addInvoice,
		"edit": w.editSome, "edit more": w.editSome, "state": w.disable, "tag": w.tag, "attribute": w.attribute, "patch": w.patch, "merge": w.join, "merge more": w.join, "unmerge": w.split,
		"erase a source": w.eraseSource, "erase a customer": w.eraseCustomer, "erase an invoice": w.eraseInvoice, "erase manual customers": w.eraseManual,
		"erase an import": w.eraseImport,
		"restore":         w.restore, "restore more": w.restore, "time": w.pass, "work": w.some, "remember": w.remember,
	}
	for name, action := range actions {
		actions[name] = func(t *rapid.T) {
			w.wait(time.Second)
			action(t)
			w.steps++ // not reached if the action was skipped
		}
	}
	actions[""] = func(*rapid.T) { w.sees() }
	return actions
}

// draw draws an element of a list, and skips the action if the list is empty.
func draw[T any](t *rapid.T, what string, some []T) T {
	if len(some) == 0 {
		t.Skip("there is none")
	}
	return rapid.SampledFrom(some).Draw(t, what)
}

// own are the sources in which the actions of a walk happen.
func (w *walk) own() []*origin {
	return slices.DeleteFunc(slices.Clone(w.w.sources), func(s *origin) bool { return s.name == bystander })
}

// records are the visible records of some kinds, but for line items and transactions without an
// external id.
func (w *walk) records(kinds string) (list []place) {
	for _, s := range w.own() {
		for _, id := range w.w.all(s, kinds) {
			if !strings.HasSuffix(id, "/") {
				list = append(list, place{s, id})
			}
		}
	}
	return list
}

// place is a record of a source.
type place struct {
	s  *origin
	id string
}

func (p place) ref() ref { return ref{p.s.tag, p.id[2:]} }

// GoString spells a place for reports of rapid.
func (p place) GoString() string { return p.s.name + " " + p.id }

// expect makes a request that must be answered with a status.
func (w *walk) expect(status int, method, path, body string) {
	w.t.Helper()
	if ans := w.do(method, path, body); ans.status != status {
		w.t.Fatalf("%s %s %s: status %d, want %d: %s", method, path, body, ans.status, status, ans.body)
	}
}

func (w *walk) load(t *rapid.T) {
	s := draw(t, "source", w.own())
	in := drawRows(t)
	replace := rapid.IntRange(0, 2).Draw(t, "replace") == 0
	if replace && rapid.IntRange(0, 4).Draw(t, "sound") > 0 {
		in = sound(in)
	}
	w.finish()
	parts := files(in, replace)
	if len(parts) == 0 {
		t.Skip("nothing to import")
	}
	if replace {
		parts = append(parts, part{"mode", "", "replace"}, part{"max_removed", "", "100"}, part{"allow_empty", "", "true"})
	}
	id := w.id(w.form(s.uuid, parts...))
	rejected := w.w.load(s, in, replace, id) // already here: an erase that starts meanwhile waits for the import's end
	w.blow(t)
	w.finish(id)
	j := w.must(200, "GET", "/v1/imports/"+id, "")
	if j["status"] != "done" || j["rejects"] != float64(len(rejected)) {
		w.t.Fatalf("%v, %v rejects, want %v: %v\n%s", j["status"], j["rejects"], rejected, j["error"], w.do("GET", "/v1/imports/"+id+"/rejects", "").body)
	}
	if len(rejected) == 0 {
		return
	}
	ans := w.do("GET", "/v1/imports/"+id+"/rejects", "")
	// An erase that started meanwhile has removed the rejects: they may name what it erased.
	if ans.status == http.StatusNotFound {
		return
	}
	text := textOf(w.t, ans.body)
	for _, code := range []string{"being_erased", "forgotten"} {
		want := slices.DeleteFunc(slices.Clone(rejected), func(r string) bool { return !strings.HasPrefix(r, code+" ") })
		if got := strings.Count(text, ","+code+","); got != len(want) {
			w.t.Fatalf("%d rejects are %s, want %v:\n%s", got, code, want, text)
		}
	}
}

// blow lets one of the next calls of the table fail, now and then, before or after it has taken
// effect.
func (w *walk) blow(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "fault") == 0 {
		w.fuse.Store(int64(rapid.IntRange(1, 300).Draw(t, "call")))
	}
}

func (w *walk) addSource(t *rapid.T) {
	name := rapid.SampledFrom(someNames()).Draw(t, "name")
	if w.w.byName(name) != nil {
		w.expect(422, "POST", "/v1/data_sources", fmt.Sprintf(`{"name":%q}`, name))
		return
	}
	w.newSource(name)
}

func (w *walk) newSource(name string) {
	w.t.Helper()
	id := text(w.t, w.must(201, "POST", "/v1/data_sources", fmt.Sprintf(`{"name":%q}`, name)), "uuid")
	src, _ := w.directory().ByUUID(id)
	w.w.sources = append(w.w.sources, &origin{id, name, src.Tag, newSpace()})
}

func (w *walk) addCustomer(t *rapid.T) {
	s := draw(t, "source", w.own())
	tags := rapid.SampledFrom([][]string{nil, {"a"}, {"b", "c"}}).Draw(t, "tags")
	w.createCustomer(s, fmt.Sprint("c", rapid.IntRange(1, universe).Draw(t, "customer")), rapid.IntRange(0, 2).Draw(t, "version"), tags...)
}

// createCustomer makes a customer; with tags it has a custom attribute, too.
func (w *walk) createCustomer(s *origin, ext string, version int, tags ...string) {
	w.t.Helper()
	r := customerRow(ext, version)
	f := object{"data_source_uuid": s.uuid, "external_id": ext}
	for name, v := range r.fields {
		if v != "" {
			f[name] = v
		}
	}
	if len(tags) > 0 {
		f["attributes"] = object{"tags": tags, "custom": []object{{"type": "Integer", "key": "m", "value": version}}}
	}
	if w.w.hidden(s, customerOf(ext)) && !w.hasCustomer(s, ext) { // a sweep that failed later has removed it already
		delete(s.customers, customerOf(ext))
	}
	_, there := w.w.row(s, customerOf(ext))
	status := http.StatusCreated
	switch {
	case w.w.hiding(s.tag, "customer", ext) != nil:
		status = http.StatusTooManyRequests
	case there:
		status = http.StatusUnprocessableEntity
	case w.w.hidden(s, customerOf(ext)):
		status = http.StatusTooManyRequests
	case w.w.forgotten[s.name+"/"+ext]:
		status = http.StatusUnprocessableEntity
	}
	w.expect(status, "POST", "/v1/customers", encoded(f))
	if status != http.StatusCreated {
		return
	}
	s.putCustomer(customerOf(ext), r)
	if len(tags) > 0 {
		w.w.change(s, customerOf(ext), "tags", w.milli(), func(e *editItem) { e.tags = union(e.tags, tags) })
		w.w.change(s, customerOf(ext), "custom", w.milli(), func(e *editItem) { e.put("m", version) })
	}
}

func union(list, more []string) []string {
	list = slices.Clone(list)
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// hasCustomer reports whether the table has the customer, visible or not.
func (w *walk) hasCustomer(s *origin, ext string) bool {
	w.t.Helper()
	src, _ := w.directory().ByUUID(s.uuid)
	items, err := w.store.Get(w.t.Context(), src.Space().Customer(w.hash.CustomerH(ext)))
	if err != nil {
		w.t.Fatal(err)
	}
	return len(items) > 0
}

func (w *walk) addInvoice(t *rapid.T) {
	c := draw(t, "customer", w.records("c"))
	if w.w.root(c.ref()) != c.ref() {
		t.Skip("it is merged into another")
	}
	w.finish()
	for n := range universe {
		if ext := fmt.Sprint("i", n+1); ownerOf(ext) == c.id[2:] && rapid.Bool().Draw(t, ext) {
			w.createInvoice(c.s, ext)
			return
		}
	}
	t.Skip("none")
}

func (w *walk) createInvoice(s *origin, ext string) {
	w.t.Helper()
	customer, ok := w.w.row(s, customerOf(ownerOf(ext)))
	if !ok {
		return
	}
	_, there := w.w.row(s, invoiceOf(ext))
	n, status := ext[1:], http.StatusCreated
	switch {
	case w.w.invoiceHidden(s.tag, ext, ownerOf(ext)), w.w.hidden(s, invoiceOf(ext)),
		w.w.hidden(s, partOf("l", ext, "l"+n)), w.w.hidden(s, partOf("t", ext, "t"+n)):
		status = http.StatusTooManyRequests
	case there:
		status = http.StatusUnprocessableEntity
	case w.w.hidden(s, partOf("l", ext, "")):
		status = http.StatusTooManyRequests
	}
	w.expect(status, "POST", "/v1/import/customers/"+w.customerID(ref{s.tag, ownerOf(ext)})+"/invoices", fmt.Sprintf(`{"invoices":[{"external_id":%q,
		"date":"2025-05-05","currency":"USD","line_items":[{"type":"one_time","amount_in_cents":500,"external_id":"l%s"}],
		"transactions":[{"type":"payment","result":"successful","date":"2025-05-06","external_id":"t%s","amount_in_cents":500}]}]}`, ext, n, n))
	if status != http.StatusCreated {
		return
	}
	m := customer.manual
	s.data[invoiceOf(ext)] = record{m, "", map[string]string{"customer": ownerOf(ext), "date": "2025-05-05", "status": ""}}
	s.data[partOf("l", ext, "l"+n)] = record{m, "", map[string]string{"amount": "500", "plan": ""}}
	s.data[partOf("t", ext, "t"+n)] = record{m, "", map[string]string{"amount": "500", "result": "successful"}}
}

// path is the path of a record, with more behind it.
func (w *walk) path(p place, more string) string {
	switch kindOf(p.id) {
	case "c":
		return "/v1/customers/" + w.customerID(p.ref())
	case "p":
		return "/v1/plans/" + w.planID(p.s, p.id[2:])
	}
	list := map[string]string{"i": "invoices", "l": "line_items", "t": "transactions"}[kindOf(p.id)]
	return fmt.Sprintf("/v1/%s%s?data_source_uuid=%s&external_id=%s", list, more, p.s.uuid, p.id[strings.LastIndex(p.id, "/")+1:])
}

// there reports whether a record can be changed: it is not merged into another one, and not deleted
// by an edit.
func (w *walk) there(p place) bool {
	if kindOf(p.id) == "c" {
		return w.w.root(p.ref()) == p.ref()
	}
	_, _, deleted := w.w.shown(p.s, p.id)
	if strings.Contains("lt", kindOf(p.id)) {
		_, _, gone := w.w.shown(p.s, invoiceOf(invoiceIn(p.id)))
		deleted = deleted || gone
	}
	return !deleted
}
