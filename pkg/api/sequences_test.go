package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"reseed/pkg/job"
)

// The universe: customers c1 to c6, and invoices i1 to i6 with a line item, a fee and a transaction each.
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

// sound leaves out what would be rejected in a replace.
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
			w.steps++ // unless it was skipped
		}
	}
	actions[""] = func(*rapid.T) { w.sees() }
	return actions
}

// draw draws one of some, and skips the action if there is none.
func draw[T any](t *rapid.T, what string, some []T) T {
	if len(some) == 0 {
		t.Skip("there is none")
	}
	return rapid.SampledFrom(some).Draw(t, what)
}

// own are the sources that something is done to.
func (w *walk) own() []*origin {
	return slices.DeleteFunc(slices.Clone(w.w.sources), func(s *origin) bool { return s.name == bystander })
}

// records are the records of some kinds that are to be seen; parts must have an external id.
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

// GoString is how a drawn one is told.
func (p place) GoString() string { return p.s.name + " " + p.id }

// expect makes a call that is answered with a status.
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
	rejected := w.w.load(s, in, replace, id) // now: an erase whose time comes meanwhile waits for the import's end
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
	if ans.status == http.StatusNotFound { // an erase whose time came meanwhile has taken it: it may name what was erased
		return
	}
	text := ans.body
	for _, code := range []string{"being_erased", "forgotten"} {
		want := slices.DeleteFunc(slices.Clone(rejected), func(r string) bool { return !strings.HasPrefix(r, code+" ") })
		if got := strings.Count(text, ","+code+","); got != len(want) {
			w.t.Fatalf("%d rejects are %s, want %v:\n%s", got, code, want, text)
		}
	}
}

// blow lets one of the next calls of the table fail, now and then: before or after it did its work.
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
	if w.w.hidden(s, customerOf(ext)) && !w.hasCustomer(s, ext) { // a sweep that was cut has removed it already
		delete(s.customers, customerOf(ext))
	}
	_, there := w.w.row(s, customerOf(ext))
	status := http.StatusCreated
	switch {
	case w.w.buried(s.tag, "customer", ext) != nil:
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

// hasCustomer tells whether the table has the customer, visible or not.
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
	case w.w.invoiceBuried(s.tag, ext, ownerOf(ext)), w.w.hidden(s, invoiceOf(ext)),
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

// path is where a record is changed, behind what is done to it.
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

// there tells whether a record can be changed: it is not merged into another, nor deleted as an edit.
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

func (w *walk) editSome(t *rapid.T) {
	p := draw(t, "record", w.records(rapid.SampledFrom([]string{"c", "p", "i", "lt", "cpilt"}).Draw(t, "kinds")))
	choices := map[string]map[string][]string{
		"c": {"name": {"New", ""}, "email": {"new@example.com", "shared@example.com", ""}, "company": {"Acme", "Other", ""}},
		"p": {"name": {"New", "gold 0", "iron 1"}, "count": {"1", "9"}},
		"i": {"date": {"2025-06-01", day(0, "i1"), "2024-01-01"}, "status": {"open", "paid", "refunded"}},
		"l": {"amount": {"7", "100", "202"}}, "t": {"amount": {"7", "1"}, "result": {"failed", "successful"}},
	}[kindOf(p.id)]
	name := rapid.SampledFrom(sorted(choices)).Draw(t, "field")
	value := rapid.SampledFrom(choices[name]).Draw(t, "value")
	body := object{map[string]string{"amount": "amount_in_cents", "count": "interval_count"}[name] + strings.TrimPrefix(strings.TrimPrefix(name, "amount"), "count"): value}
	if name == "name" && value == "" {
		return // it would show the company
	}
	asEdit := strings.Contains("cp", kindOf(p.id)) || rapid.IntRange(0, 3).Draw(t, "as edit") > 0
	if !strings.Contains("cp", kindOf(p.id)) && asEdit {
		body["handle_as_user_edit"] = true
	}
	if n, err := strconv.Atoi(value); err == nil {
		for k, v := range body {
			if v == value {
				body[k] = n
			}
		}
	}
	if !w.there(p) {
		w.expect(404, "PATCH", w.path(p, ""), encoded(body))
		return
	}
	w.expect(map[bool]int{true: 202, false: 200}[kindOf(p.id) == "p"], "PATCH", w.path(p, ""), encoded(body))
	if asEdit {
		w.w.editField(p.s, p.id, name, value, w.milli())
		return
	}
	r, _ := w.w.row(p.s, p.id)
	p.s.data[p.id] = r.with(name, value)
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// disable hides a record, shows it again or deletes it, all as an edit.
func (w *walk) disable(t *rapid.T) {
	p := draw(t, "record", w.records("ilt"))
	what := rapid.SampledFrom([]string{"disable", "disable", "enable", "delete"}).Draw(t, "what")
	there := w.there(p)
	status := map[bool]int{true: 200, false: 404}[there]
	switch what {
	case "delete":
		w.expect(map[bool]int{true: 204, false: 404}[there], "DELETE", w.path(p, "")+"&handle_as_user_edit=true", "")
	case "disable":
		w.expect(status, "PATCH", w.path(p, "/disabled_state"), `{"disabled":true}`)
	case "enable":
		w.expect(status, "PATCH", w.path(p, "/disabled_state"), `{"disabled":false}`)
	}
	if there {
		w.w.change(p.s, p.id, "fields", w.milli(), func(e *editItem) {
			if what == "delete" {
				e.deleted = true
			} else {
				e.disabled = what == "disable"
			}
		})
	}
}

// ofRoot draws a customer, skipping those that are merged into another.
func (w *walk) ofRoot(t *rapid.T) place {
	p := draw(t, "customer", w.records("c"))
	if !w.there(p) {
		w.expect(404, "GET", w.path(p, ""), "")
		t.Skip("it is merged into another")
	}
	return p
}

func (w *walk) tag(t *rapid.T) {
	p := w.ofRoot(t)
	tag := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tag")
	add := rapid.IntRange(0, 2).Draw(t, "add") > 0
	w.expect(200, map[bool]string{true: "POST", false: "DELETE"}[add], w.path(p, "")+"/attributes/tags", fmt.Sprintf(`{"tags":[%q]}`, tag))
	members := w.w.group(p.ref())
	if add {
		members = members[:1]
	}
	for _, m := range members {
		w.w.change(w.w.byTag(m.tag), customerOf(m.ext), "tags", w.milli(), func(e *editItem) {
			if add {
				e.tags = union(e.tags, []string{tag})
			} else {
				e.tags = slices.DeleteFunc(slices.Clone(e.tags), func(s string) bool { return s == tag })
			}
		})
	}
}

// patch changes a field, the tags and a custom attribute of a customer in one request.
func (w *walk) patch(t *rapid.T) {
	p := w.ofRoot(t)
	name, tags := fmt.Sprint("New ", rapid.IntRange(1, 2).Draw(t, "name")), rapid.SampledFrom([][]string{{"a"}, {"b", "c"}}).Draw(t, "tags")
	value := rapid.IntRange(1, 3).Draw(t, "value")
	w.expect(200, "PATCH", w.path(p, ""), encoded(object{"name": name, "attributes": object{"tags": tags, "custom": object{"n": value}}}))
	w.w.editField(p.s, p.id, "name", name, w.milli())
	w.w.change(p.s, p.id, "custom", w.milli(), func(e *editItem) { e.put("n", value) })
	for i, m := range w.w.group(p.ref()) {
		w.w.change(w.w.byTag(m.tag), customerOf(m.ext), "tags", w.milli(), func(e *editItem) {
			if i == 0 {
				e.tags = tags
			} else {
				e.tags = slices.DeleteFunc(slices.Clone(e.tags), func(s string) bool { return !slices.Contains(tags, s) })
			}
		})
	}
}

func (w *walk) attribute(t *rapid.T) {
	p := w.ofRoot(t)
	name, value := rapid.SampledFrom([]string{"m", "n"}).Draw(t, "name"), rapid.IntRange(1, 3).Draw(t, "value")
	path := w.path(p, "") + "/attributes/custom"
	if rapid.IntRange(0, 2).Draw(t, "set") > 0 {
		w.expect(200, "POST", path, fmt.Sprintf(`{"custom":[{"type":"Integer","key":%q,"value":%d}]}`, name, value))
		w.w.change(p.s, p.id, "custom", w.milli(), func(e *editItem) { e.put(name, value) })
		return
	}
	w.expect(200, "DELETE", path, fmt.Sprintf(`{"custom":[%q]}`, name))
	for _, m := range w.w.group(p.ref()) {
		w.w.change(w.w.byTag(m.tag), customerOf(m.ext), "custom", w.milli(), func(e *editItem) { delete(e.custom, name) })
	}
}

func (w *walk) join(t *rapid.T) {
	from, into := draw(t, "from", w.records("c")), draw(t, "into", w.records("c"))
	name := func(p place) string {
		return fmt.Sprintf(`{"data_source_uuid":%q,"external_id":%q}`, p.s.uuid, p.id[2:])
	}
	a, b := w.w.root(from.ref()), w.w.root(into.ref())
	w.expect(map[bool]int{true: 422, false: 202}[a == b], "POST", "/v1/customers/merges", fmt.Sprintf(`{"from":%s,"into":%s}`, name(from), name(into)))
	if a != b {
		w.w.merge(a, b, w.milli())
	}
}

func (w *walk) split(t *rapid.T) {
	list := w.records("c")
	if merged := slices.DeleteFunc(slices.Clone(list), w.there); len(merged) > 0 {
		list = merged
	}
	p := draw(t, "part", list)
	root := w.w.root(p.ref())
	w.expect(map[bool]int{true: 422, false: 202}[root == p.ref()], "POST", "/v1/customers/unmerges",
		fmt.Sprintf(`{"customer_uuid":%q,"data_source_uuid":%q,"external_id":%q}`, w.customerID(root), p.s.uuid, p.id[2:]))
	if root != p.ref() {
		w.w.untie(p.ref(), w.milli())
	}
}

// order posts an erase, which the model makes too.
func (w *walk) order(t *rapid.T, e *erasing, s *origin, id string, keep string) {
	grace := rapid.SampledFrom([]string{"", "0s", "48h", "48h", "720h"}).Draw(t, "grace")
	if e.kind == "dependent" && keep == "false" { // its edits could not be hidden
		grace = "0s"
	}
	body := object{"selection": e.kind, "grace": grace}
	e.imported = map[bool]string{true: id}[e.kind == "import"]
	if id != "" {
		body["id"] = id
	}
	switch e.keep = keep == "true"; keep {
	case "":
		e.keep = e.kind == "content" || e.kind == "dependent"
	default:
		body["keep_edits"] = e.keep
	}
	if len(e.forgets) > 0 {
		body["forget"] = true
	}
	e.id = text(w.t, w.must(202, "POST", "/v1/erasures", encoded(body)), "id")
	e.created, e.until, e.state = w.milli(), w.milli(), "running"
	if period, _ := time.ParseDuration(grace); period > 0 {
		e.state, e.until = "grace", w.now().Add(period).UnixMilli()
	}
	w.w.erase(e, s)
}

func drawKeep(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "true", "false"}).Draw(t, "keep edits")
}

func (w *walk) eraseSource(t *rapid.T) {
	s := draw(t, "source", w.own())
	kind := rapid.SampledFrom([]string{"dependent", "content", "source"}).Draw(t, "kind")
	keep := ""
	if kind != "source" {
		keep = drawKeep(t)
	}
	w.order(t, &erasing{kind: kind}, s, s.uuid, keep)
}

func (w *walk) eraseManual(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "really") > 0 {
		t.Skip("else there is too little")
	}
	w.order(t, &erasing{kind: "manual-customers"}, nil, "", "")
}

func (w *walk) eraseCustomer(t *rapid.T) {
	p := draw(t, "customer", w.records("c"))
	id := w.customerID(p.ref())
	if rapid.Bool().Draw(t, "invoices only") {
		if w.w.buried(p.s.tag, "customer-invoices", p.id[2:]) != nil {
			w.again("customer-invoices", id, p.ref())
			return
		}
		w.order(t, &erasing{kind: "customer-invoices", records: []ref{p.ref()}}, p.s, id, drawKeep(t))
		return
	}
	if !w.there(p) {
		w.expect(404, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","id":%q}`, id))
		return
	}
	e := &erasing{kind: "customer", records: w.w.group(p.ref())}
	if rapid.IntRange(0, 3).Draw(t, "forget") == 0 {
		for _, m := range e.records {
			e.forgets = append(e.forgets, w.w.byTag(m.tag).name+"/"+m.ext)
		}
	}
	w.order(t, e, p.s, id, "")
	w.again("customer", id, p.ref())
}

// again orders what is being erased already: that is the same job.
func (w *walk) again(kind, id string, r ref) {
	w.t.Helper()
	want := w.w.buried(r.tag, kind, r.ext).id
	if got := w.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":%q,"id":%q}`, kind, id)); got["id"] != want {
		w.t.Fatalf("another job erases the same: %v", got)
	}
}

func (w *walk) eraseInvoice(t *rapid.T) {
	p := draw(t, "invoice", w.records("i"))
	w.order(t, &erasing{kind: "invoice", records: []ref{p.ref()}}, p.s, w.invoiceID(p.s, p.id[2:]), drawKeep(t))
}

// GoString is how a drawn one is told.
func (l load) GoString() string { return fmt.Sprint("import of ", l.tag) }

func (w *walk) eraseImport(t *rapid.T) {
	l := draw(t, "import", w.w.loads)
	keep := drawKeep(t)
	w.finish() // while a job is at the source, it is refused
	body := fmt.Sprintf(`{"selection":"import","id":%q}`, l.id)
	switch s := w.w.byTag(l.tag); {
	case w.w.erasing(l.id) != nil:
		if got := w.must(202, "POST", "/v1/erasures", body); got["id"] != w.w.erasing(l.id).id {
			w.t.Fatalf("another job erases the same: %v", got)
		}
	case s == nil:
		w.expect(404, "POST", "/v1/erasures", body)
	case !w.w.left(s, l), w.w.needed(s, l.id):
		w.expect(409, "POST", "/v1/erasures", body)
	default:
		w.order(t, &erasing{kind: "import"}, s, l.id, keep)
	}
}

func (w *walk) restore(t *rapid.T) {
	list := slices.DeleteFunc(slices.Clone(w.w.erases), func(e *erasing) bool { return e.state != "grace" })
	if len(list) == 0 || rapid.IntRange(0, 9).Draw(t, "any") == 0 {
		list = w.w.erases
	}
	e := draw(t, "erase", list)
	w.finish()
	ans := w.do("POST", "/v1/erasures/"+e.id+"/restore", "")
	if want := w.w.restore(e, w.milli()); want != (ans.status == http.StatusOK) || !want && ans.status != http.StatusConflict {
		w.t.Fatalf("a restore of %s: status %d, want %v: %s", e.kind, ans.status, want, ans.body)
	}
}

func (w *walk) pass(t *rapid.T) {
	w.wait(rapid.SampledFrom([]time.Duration{time.Minute, 47 * time.Hour, 720 * time.Hour}).Draw(t, "time"))
	if rapid.Bool().Draw(t, "tick") {
		w.tick()
	}
}

// some works for a while, and may be cut.
func (w *walk) some(t *rapid.T) {
	w.blow(t)
	for range rapid.IntRange(1, 5).Draw(t, "messages") {
		w.handle()
	}
	w.fuse.Store(0)
	if rapid.Bool().Draw(t, "tick") {
		w.wait(job.LeaseLength)
		w.tick()
	}
}

func (w *walk) remember(t *rapid.T) {
	var list []place
	for _, s := range w.own() {
		for n := range universe {
			if ext := fmt.Sprint("c", n+1); w.w.forgotten[s.name+"/"+ext] {
				list = append(list, place{s, customerOf(ext)})
			}
		}
	}
	p := draw(t, "customer", list)
	w.expect(204, "DELETE", "/v1/data_sources/"+p.s.uuid+"/forgotten?external_id="+p.id[2:], "")
	delete(w.w.forgotten, p.s.name+"/"+p.id[2:])
}
