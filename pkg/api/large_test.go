package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
	"reseed/pkg/trigger"
)

// largeInvoice stores an invoice as an import does, with any number of line items and transactions.
func (a *service) largeInvoice(source, customer, ext string, lines, trans int, description string) (id string) {
	a.t.Helper()
	d, err := a.store.Directory(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	src, _ := d.ByUUID(source)
	hr, sp := d.Hasher(), src.Space()
	h := hr.InvoiceH(ext)
	var writes []table.Write
	pointer := func(kind store.Kind, ext string) {
		b := table.NewBuilder().Str("invoice", h.String())
		writes = append(writes, table.Write{Item: table.Item{Key: sp.External(kind, hr.External(kind, ext)), Attrs: b.Attrs()}})
	}
	put := func(key table.Key, r billing.Record) {
		b := table.NewBuilder().Int(store.AttrUpdated, clock().UnixMilli())
		store.EncodeRecord(b, r)
		writes = append(writes, table.Write{Item: table.Item{Key: key, Attrs: b.Attrs()}})
	}
	put(sp.Invoice(h), &billing.Invoice{ExternalID: ext, CustomerExternalID: customer, Currency: "USD", Date: clock()})
	for i := range lines {
		l := &billing.LineItem{InvoiceExternalID: ext, ExternalID: fmt.Sprint(ext, "-l", i), Type: billing.OneTime, Quantity: 1, Description: description}
		put(sp.LineItem(h, hr.LineItemH(l)), l)
		pointer(store.KindLineItem, l.ExternalID)
	}
	for i := range trans {
		t := &billing.Transaction{InvoiceExternalID: ext, ExternalID: fmt.Sprint(ext, "-t", i), Type: billing.Payment, Result: billing.Successful, Date: clock()}
		put(sp.Transaction(h, hr.TransactionH(t)), t)
		pointer(store.KindTransaction, t.ExternalID)
	}
	owner := table.NewBuilder().Int("date", clock().UnixMilli()).Attrs()
	writes = append(writes, table.Write{Item: table.Item{Key: sp.Owner(hr.CustomerH(customer), h), Attrs: owner}})
	if err := a.store.Write(a.t.Context(), writes); err != nil {
		a.t.Fatal(err)
	}
	return store.ID(store.PrefixInvoice, src.Tag, h)
}

// whole returns a member of an invoice's line items or transactions: of the first, which the
// invoice has, and of all, with the rest from its route.
func (a *service) whole(inv map[string]any, list, flags string) (first, all []string) {
	a.t.Helper()
	first = column(a.t, inv, list, "external_id")
	all = slices.Clone(first)
	truncated, _ := inv[list+"_truncated"].(bool)
	if !truncated {
		return first, all
	}
	cursor, _ := inv[list+"_cursor"].(string)
	for more := true; more; {
		page := a.must(200, "GET", fmt.Sprintf("/v1/invoices/%s/%s?per_page=177&cursor=%s%s", text(a.t, inv, "uuid"), list, url.QueryEscape(cursor), flags), "")
		all = append(all, column(a.t, page, list, "external_id")...)
		more = page["has_more"] == true
		cursor, _ = page["cursor"].(string)
	}
	return first, all
}

func names(pattern string, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(pattern, i))
	}
	return list
}

// An invoice with more line items or transactions than an answer shows says so in every answer, and
// the rest can be read: nothing is lost, nothing comes twice, and its neighbours are complete.
func TestLargeInvoices(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{PageBytes: 30_000})
	first, _ := a.fixed()
	c := a.customer(first, "c1", "")
	var others []string
	for i := range 40 {
		others = append(others, a.invoice(c, fmt.Sprint("other", i), "2020-01-01"))
	}
	large := a.largeInvoice(first, "c1", "large", 2500, 1300, "")
	lines := a.largeInvoice(first, "c1", "lines", 1001, 2, "")
	edge := a.largeInvoice(first, "c1", "edge", 1000, 1000, "")
	byID := func(kind, ext string) string {
		return text(t, a.must(200, "GET", "/v1/"+kind+"?data_source_uuid="+first+"&external_id="+ext, ""), "uuid")
	}
	a.must(200, "PATCH", "/v1/line_items/"+byID("line_items", "large-l7")+"/disabled_state", `{"disabled":true}`)
	a.must(200, "PATCH", "/v1/line_items/"+byID("line_items", "large-l8")+"?handle_as_user_edit=true", `{"description":"changed"}`)
	a.must(204, "DELETE", "/v1/transactions/"+byID("transactions", "large-t9")+"?handle_as_user_edit=true", "")
	disabled := []string{"large-l7"}

	wantLines := names("large-l%d", 2500)
	seen := func(inv map[string]any, flags string) {
		t.Helper()
		want := wantLines
		if flags == "" {
			want = slices.DeleteFunc(slices.Clone(want), func(s string) bool { return slices.Contains(disabled, s) })
		}
		told, all := a.whole(inv, "line_items", flags)
		if len(told) != 1000 {
			t.Errorf("%d line items are told at once", len(told))
		}
		same(t, "line items", all, want)
		told, all = a.whole(inv, "transactions", flags)
		if len(told) != 1000 {
			t.Errorf("%d transactions are told at once", len(told))
		}
		same(t, "transactions", all, slices.DeleteFunc(names("large-t%d", 1300), func(s string) bool { return s == "large-t9" }))
	}
	seen(a.must(200, "GET", "/v1/invoices/"+large, ""), "")
	seen(a.must(200, "GET", "/v1/invoices/"+large+"?with_disabled=true", ""), "&with_disabled=true")
	seen(a.must(200, "PATCH", "/v1/invoices/"+large, `{"currency":"EUR"}`), "")
	status := a.must(200, "PUT", "/v1/data_sources/"+first+"/invoices/large/status", `{"status":"voided"}`)
	inside, _ := status["invoice"].(map[string]any)
	seen(inside, "")
	for _, path := range []string{"/v1/invoices", "/v1/invoices?customer_uuid=" + c, "/v1/import/customers/" + c + "/invoices", "/v1/invoices?external_id=large"} {
		for _, e := range entries(t, a.must(200, "GET", path, ""), "invoices") {
			if e["uuid"] == large {
				seen(e, "")
			}
		}
		if strings.HasSuffix(path, "=large") {
			continue
		}
		for _, size := range []int{1, 7, 200} {
			same(t, fmt.Sprint(path, " by ", size), a.walk(path, "invoices", "uuid", size), append([]string{large, lines, edge}, others...))
		}
	}
	inv := a.must(200, "GET", "/v1/invoices/"+lines, "")
	_, all := a.whole(inv, "line_items", "")
	same(t, "1,001 line items", all, names("lines-l%d", 1001))
	if _, said := inv["transactions_truncated"]; said || inv["line_items_truncated"] != true {
		t.Errorf("%v %v", inv["line_items_truncated"], inv["transactions_truncated"])
	}
	inv = a.must(200, "GET", "/v1/invoices/"+edge, "")
	for _, name := range []string{"line_items_truncated", "transactions_truncated", "line_items_cursor", "transactions_cursor"} {
		if _, said := inv[name]; said {
			t.Errorf("%s of 1,000 and 1,000", name)
		}
	}
	a.status(404, "GET", "/v1/invoices/"+strings.Replace(large, "inv_", "inv_f", 1)+"/line_items", "")
	a.status(400, "GET", "/v1/invoices/"+large+"/line_items?cursor=x", "")
	a.status(400, "GET", "/v1/invoices/"+large+"/transactions?cursor="+text(t, a.must(200, "GET", "/v1/invoices/"+large, ""), "line_items_cursor"), "")
	a.must(204, "DELETE", "/v1/line_items/"+byID("line_items", "large-l11"), "")
	wantLines = slices.DeleteFunc(wantLines, func(s string) bool { return s == "large-l11" })
	seen(a.must(200, "GET", "/v1/invoices/"+large, ""), "")
}

// Customers with an e-mail address are found page by page, each once, merged ones and those with an
// edited address included.
func TestSearchGoesOnWhereAPageEnded(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{PageBytes: 2000})
	first, second := a.fixed()
	var all, want []string
	for i := range 60 {
		source, email := []string{first, second}[i%2], `,"email":"same@example.com"`
		if i%10 == 3 {
			email = `,"email":"other@example.com"`
		}
		c := a.customer(source, fmt.Sprint("c", i), email)
		all = append(all, c)
		switch {
		case i%10 == 3 && i%20 == 3: // by hand
			a.must(200, "PATCH", "/v1/customers/"+c, `{"email":"same@example.com"}`)
			want = append(want, c)
		case i%10 == 4: // the pointer from the older address stays
			a.must(200, "PATCH", "/v1/customers/"+c, `{"email":"gone@example.com"}`)
		case i%10 != 3:
			want = append(want, c)
		}
	}
	// 13 and 4 lack the address; 4 is found by 5, which is merged into it.
	for _, pair := range [][2]int{{0, 1}, {21, 30}, {13, 31}, {5, 4}} {
		a.must(202, "POST", "/v1/customers/merges", fmt.Sprintf(`{"from":{"customer_uuid":%q},"into":{"customer_uuid":%q}}`, all[pair[0]], all[pair[1]]))
		want = slices.DeleteFunc(want, func(s string) bool { return s == all[pair[0]] })
	}
	want = append(want, all[4])
	for _, size := range []int{1, 7, 26, 200} {
		var got []string
		for cursor, more := "", true; more; {
			page := a.must(200, "GET", fmt.Sprintf("/v1/customers/search?email=same@example.com&per_page=%d&cursor=%s", size, url.QueryEscape(cursor)), "")
			got = append(got, column(t, page, "entries", "uuid")...)
			more = page["has_more"] == true
			cursor, _ = page["cursor"].(string)
		}
		same(t, fmt.Sprint("by ", size), got, want)
	}
}

// throughLambda makes a request as a Lambda function receives it. size is the length of the
// function's answer.
func (a *service) throughLambda(path string) (out map[string]any, size int) {
	a.t.Helper()
	var e events.APIGatewayV2HTTPRequest
	at, query, _ := strings.Cut(path, "?")
	e.RawPath, e.RawQueryString, e.RequestContext.HTTP.Method = at, query, http.MethodGet
	e.Headers = map[string]string{"authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(testKey+":"))}
	answer, err := trigger.HTTP(a.handler)(a.t.Context(), e)
	if err != nil {
		a.t.Fatal(err)
	}
	whole, err := json.Marshal(answer)
	if err != nil {
		a.t.Fatal(err)
	}
	body := []byte(answer.Body)
	if answer.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(answer.Body); err != nil {
			a.t.Fatal(err)
		}
	}
	if err := json.Unmarshal(body, &out); err != nil || answer.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: %d %v %.300s", path, answer.StatusCode, err, body)
	}
	return out, len(whole)
}

// every walks a list as a Lambda function serves it. Each answer must fit into 6 MB, and no page
// may be short.
func (a *service) every(path, list string) (ids []string, pages int) {
	a.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for cursor, more := "", true; more; pages++ {
		page, size := a.throughLambda(path + sep + "cursor=" + url.QueryEscape(cursor))
		if size > 6<<20 {
			a.t.Errorf("%s: an answer of %d bytes", path, size)
		}
		ids = append(ids, column(a.t, page, list, "uuid")...)
		more = page["has_more"] == true
		cursor, _ = page["cursor"].(string)
	}
	return ids, pages
}

// A text that takes six bytes of JSON for each of its own.
const control = "\x01"

// Pages of every list end by bytes as well as by count, so that no stored data makes a list
// unreadable.
func TestPagesEndByBytes(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	var invoices, customers []string
	tags := make([]string, 250)
	for i := range tags {
		tags[i] = fmt.Sprintf("%03d", i) + strings.Repeat(control, 240)
	}
	body, err := json.Marshal(map[string]any{"tags": tags})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 16 {
		ext := fmt.Sprint("c", i)
		c := a.customer([]string{first, second}[i%2], ext, `,"email":"same@example.com"`)
		customers = append(customers, c)
		a.must(200, "POST", "/v1/customers/"+c+"/attributes/tags", string(body))
	}
	for i := range 40 {
		invoices = append(invoices, a.largeInvoice(first, "c0", fmt.Sprint("i", i), 20, 1, strings.Repeat("d", billing.MaxNote)))
	}
	invoices = append(invoices, a.largeInvoice(first, "c0", "huge", 120, 10, strings.Repeat(control, billing.MaxNote)))
	ids, pages := a.every("/v1/customers", "entries")
	same(t, "customers", ids, customers)
	if pages < 2 {
		t.Errorf("%d pages of customers", pages)
	}
	ids, _ = a.every("/v1/customers/search?email=same@example.com", "entries")
	same(t, "customers of an address", ids, customers)
	for _, path := range []string{"/v1/invoices", "/v1/invoices?customer_uuid=" + customers[0], "/v1/import/customers/" + customers[0] + "/invoices"} {
		if ids, pages = a.every(path, "invoices"); pages < 3 {
			t.Errorf("%d pages of invoices", pages)
		}
		same(t, path, ids, invoices)
	}
	huge, size := a.throughLambda("/v1/invoices/" + invoices[len(invoices)-1])
	if size > 6<<20 {
		t.Errorf("an answer of %d bytes", size)
	}
	told, all := a.whole(huge, "line_items", "")
	if len(told) == 0 || len(told) == 120 {
		t.Errorf("%d line items are told at once", len(told))
	}
	same(t, "line items", all, names("huge-l%d", 120))
	merged := customers[0]
	for _, c := range customers[1:] {
		a.must(202, "POST", "/v1/customers/merges", fmt.Sprintf(`{"from":{"customer_uuid":%q},"into":{"customer_uuid":%q}}`, c, merged))
	}
	if ids, _ = a.every("/v1/customers", "entries"); !slices.Equal(ids, []string{merged}) {
		t.Errorf("%d merged customers", len(ids))
	}
	one, size := a.throughLambda("/v1/customers/" + merged)
	if attributes, _ := one["attributes"].(map[string]any); size > 6<<20 {
		t.Errorf("an answer of %d bytes; truncated: %v", size, attributes["truncated"])
	}
}
