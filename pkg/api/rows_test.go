package api_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// tables are files of all datasets, as an export would write them: so the rows of the API are these.
func tables() map[string]string {
	return map[string]string{
		"plans": "Name,Interval count,Interval unit,Plan ID\nGold,1,month,p1\nSilver,3,month,p2\n",
		"customers": "Name,External ID,Company,Email,Country,State,City,Zip,Lead created at,Free trial started at,Owner,Website URL,Custom attributes\n" +
			"Ann,c1,,ann@example.com,,,,,2020-01-01,,,,\nBob,c2,,bob@example.com,,,,,,,,,\nCid,c3,,ANN@example.com,,,,,,,,,\n",
		"contacts": "Customer External ID,External ID,First name,Last name,Email,Position,Title,Phone,LinkedIn,Twitter,Notes\n" +
			"c1,k1,Eve,,eve@example.com,,,,,,\nc1,,Fay,,fay@example.com,,,,,,\nc2,k3,Eve,,eve@example.com,,,,,,\n",
		"invoices": "Customer external ID,Invoice external ID,Invoiced date,Due date,Currency\n" +
			"c1,i1,2024-01-01,,EUR\nc1,i2,2024-02-01,,JPY\nc2,i3,2024-03-01,,EUR\n",
		"line_items": "Invoice external ID,External ID,Subscription external ID,Type,Amount in cents,Plan,Service period start,Service period end\n" +
			"i1,l1,s1,subscription,1000,p1,2024-01-01,2024-02-01\ni1,l2,,one_time,-123456,,,\ni2,l3,,one_time,900,,,\ni3,l4,,one_time,700,,,\n",
		"transactions": "Invoice external ID,External ID,Type,Result,Date\n" +
			"i1,t1,payment,successful,2024-01-02\ni3,t2,payment,failed,2024-03-02\n",
		"subscription_events": "Customer external ID,Subscription external ID,External ID,Event Type,Date,Effective Date,Plan external ID,Currency,Amount in Cents\n" +
			"c1,s1,e1,subscription_start,2024-01-01,2024-01-01,p1,EUR,1000\nc2,s2,e2,subscription_start,2024-01-01,2024-01-01,p1,EUR,1000\n",
	}
}

// idColumn is the header of the external ids of rows themselves.
func idColumn(dataset string) string {
	switch dataset {
	case "invoices":
		return "Invoice external ID"
	case "plans":
		return "Plan ID"
	}
	return "External ID"
}

// importTables imports all datasets, and rows of another source beside them.
func importTables(b *bed) (id string) {
	b.t.Helper()
	var parts []part
	for name, text := range tables() {
		parts = append(parts, file(name+".csv", text))
	}
	other := b.must(201, "POST", "/v1/data_sources", `{"name":"Bystander"}`)
	b.id(b.form(text(b.t, other, "uuid"), parts...))
	return b.done("done", parts...)
}

// shownRow is a row as a test looks at it.
type shownRow struct {
	cells map[string]string // by header
	all   object
}

// rowsOf reads all pages of a dataset.
func (b *bed) rowsOf(dataset, query string, size int) (rows []shownRow) {
	b.t.Helper()
	for cursor := ""; ; {
		at := fmt.Sprintf("/v1/data_sources/%s/rows?dataset=%s&per_page=%d&cursor=%s&%s", b.source, dataset, size, cursor, query)
		out := b.must(200, "GET", at, "")
		columns := column(b.t, out, "columns", "name")
		page := entries(b.t, out, "rows")
		if len(page) > size {
			b.t.Errorf("%s: %d rows", at, len(page))
		}
		for _, r := range page {
			row := shownRow{map[string]string{}, r}
			cells, _ := r["cells"].([]any)
			for i, c := range cells {
				row.cells[columns[i]] = fmt.Sprint(c)
			}
			rows = append(rows, row)
		}
		if out["has_more"] != true {
			if out["cursor"] != nil {
				b.t.Errorf("%s: a cursor, and nothing more", at)
			}
			return rows
		}
		cursor = text(b.t, out, "cursor")
	}
}

// found are the external ids of rows, sorted.
func (b *bed) found(dataset, query string) (ids []string) {
	b.t.Helper()
	for _, r := range b.rowsOf(dataset, query, 2) {
		ids = append(ids, r.cells[idColumn(dataset)])
	}
	slices.Sort(ids)
	return ids
}

func (b *bed) finds(dataset, query string, want ...string) {
	b.t.Helper()
	if got := b.found(dataset, query); !slices.Equal(got, want) {
		b.t.Errorf("%s of %s: %v, want %v", query, dataset, got, want)
	}
}

func rowsOfASource(b *bed) {
	t := b.t
	importTables(b)
	for dataset, file := range tables() {
		lines := strings.Split(strings.TrimSuffix(file, "\n"), "\n")
		head, want := strings.Split(lines[0], ","), lines[1:]
		slices.Sort(want)
		for _, size := range []int{1, 2, 200} {
			var got []string
			for _, r := range b.rowsOf(dataset, "", size) {
				var cells []string
				for _, name := range head {
					cells = append(cells, r.cells[name])
				}
				got = append(got, strings.Join(cells, ","))
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s by %d:\n%s\nwant\n%s", dataset, size, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
	whoseRows(b)
	amountsOfRows(b)
	searchedRows(b)
	editedRows(b)
	unusableRows(b)
}

// whoseRows: every row says whose it is, and the currency of its amounts.
func whoseRows(b *bed) {
	t := b.t
	ids := map[string]string{"": ""}
	for _, e := range entries(t, b.must(200, "GET", "/v1/customers?data_source_uuid="+b.source, ""), "entries") {
		ids[text(t, e, "external_id")] = text(t, e, "uuid")
	}
	whose := map[string]string{"i1": "c1", "i2": "c1", "i3": "c2"}
	for dataset := range tables() {
		for _, r := range b.rowsOf(dataset, "", 200) {
			owner := r.cells["Customer external ID"] + r.cells["Customer External ID"]
			switch dataset {
			case "customers":
				owner = r.cells["External ID"]
			case "line_items", "transactions":
				owner = whose[r.cells["Invoice external ID"]]
				if want := map[string]string{"i1": "EUR", "i2": "JPY", "i3": "EUR"}[r.cells["Invoice external ID"]]; r.all["currency"] != want {
					t.Errorf("%v is not in %s", r.all, want)
				}
			}
			got, _ := r.all["customer"].(string)
			if got != ids[owner] {
				t.Errorf("%s: %v is of %q, want %s", dataset, r.cells, got, ids[owner])
			}
			if _, has := r.all["id"]; has != (dataset != "subscription_events") {
				t.Errorf("%s: id %v", dataset, r.all["id"])
			}
		}
	}
}

// amountsOfRows: each is in the units of its own currency.
func amountsOfRows(b *bed) {
	want := map[string]string{"l1": "10.00", "l2": "-1234.56", "l3": "900", "l4": "7.00"}
	for _, r := range b.rowsOf("line_items", "amounts=units", 200) {
		if got := r.cells["Amount in cents"]; got != want[r.cells["External ID"]] {
			b.t.Errorf("%v", r.cells)
		}
	}
	for _, r := range b.rowsOf("subscription_events", "amounts=units", 200) {
		if r.cells["Amount in Cents"] != "10.00" || r.cells["Tax amount in cents"] != "" {
			b.t.Errorf("%v", r.cells)
		}
	}
}

func searchedRows(b *bed) {
	for dataset := range tables() {
		for _, r := range b.rowsOf(dataset, "", 200) {
			if id := r.cells[idColumn(dataset)]; id != "" {
				b.finds(dataset, "external_id="+id, id)
			}
		}
		b.finds(dataset, "external_id=nobody")
	}
	b.finds("customers", "email=Ann%40Example.com", "c1", "c3")
	b.finds("customers", "email=nobody%40example.com")
	b.finds("customers", "email=ann%40example.com&external_id=c3", "c3")
	b.finds("customers", "email=bob%40example.com&external_id=c3")
	b.finds("contacts", "email=EVE%40example.com", "k1", "k3")
	b.finds("contacts", "state=edited")
}

// editedRows: filters look at what people see.
func editedRows(b *bed) {
	t := b.t
	id := func(dataset, ext string) string {
		rows := b.rowsOf(dataset, "external_id="+ext, 1)
		if len(rows) != 1 {
			t.Fatalf("%s %s: %d rows", dataset, ext, len(rows))
		}
		return text(t, rows[0].all, "id")
	}
	b.must(200, "PATCH", "/v1/customers/"+id("customers", "c2"), `{"email":"ann@example.com","name":"Bobby"}`)
	b.must(200, "PATCH", "/v1/customers/"+id("customers", "c3"), `{"email":"cid@example.com"}`)
	b.must(200, "POST", "/v1/customers/"+id("customers", "c1")+"/attributes/tags", `{"tags":["vip"]}`)
	b.must(202, "PATCH", "/v1/plans/"+id("plans", "p2"), `{"name":"Bronze"}`)
	b.must(200, "PATCH", "/v1/invoices/"+id("invoices", "i1")+"/disabled_state", `{"disabled":true}`)
	b.must(200, "PATCH", "/v1/line_items/"+id("line_items", "l2")+"/disabled_state", `{"disabled":true}`)
	b.must(204, "DELETE", "/v1/line_items/"+id("line_items", "l4")+"?handle_as_user_edit=true", "")
	b.must(204, "DELETE", "/v1/invoices/"+id("invoices", "i3")+"?handle_as_user_edit=true", "")

	b.finds("customers", "email=ann%40example.com", "c1", "c2")
	b.finds("customers", "email=cid%40example.com", "c3")
	b.finds("customers", "state=edited", "c2", "c3")
	b.finds("customers", "state=edited&external_id=c1")
	b.finds("customers", "state=edited&email=ann%40example.com", "c2")
	b.finds("customers", "state=disabled")
	b.finds("plans", "state=edited", "p2")
	b.finds("invoices", "state=disabled", "i1")
	b.finds("invoices", "state=deleted", "i3")
	b.finds("invoices", "", "i1", "i2", "i3")
	b.finds("line_items", "state=disabled", "l2")
	b.finds("line_items", "state=deleted", "l4")
	for _, r := range b.rowsOf("customers", "state=edited&external_id=c2", 1) {
		edited, _ := r.all["edited"].(object)
		if r.cells["Name"] != "Bobby" || fmt.Sprint(edited["fields"]) != "[email name]" || edited["author"] == "" {
			t.Errorf("%v", r.all)
		}
	}
	partsOfEditedInvoices(b, id("invoices", "i1"))
}

// partsOfEditedInvoices: parts say what was done to their invoice, which is i1, disabled, or deleted.
func partsOfEditedInvoices(b *bed, i1 string) {
	t := b.t
	for _, r := range b.rowsOf("line_items", "state=deleted", 1) {
		if deleted, _ := r.all["deleted"].(object); deleted["author"] == "" || r.all["disabled"] != nil || r.all["invoice_deleted"] == nil || r.all["invoice_disabled"] != nil {
			t.Errorf("%v", r.all)
		}
	}
	b.must(200, "PATCH", "/v1/invoices/"+i1+"?handle_as_user_edit=true", `{"currency":"KWD"}`)
	for _, r := range b.rowsOf("line_items", "external_id=l1&amounts=units", 1) {
		if r.all["currency"] != "KWD" || r.cells["Amount in cents"] != "1.000" || r.all["invoice_disabled"] == nil || r.all["invoice_deleted"] != nil {
			t.Errorf("%v", r.all)
		}
	}
}

func unusableRows(b *bed) {
	at := "/v1/data_sources/" + b.source + "/rows"
	b.status(400, "GET", at, "")
	b.status(404, "GET", "/v1/data_sources/ds_x/rows?dataset=customers", "")
	cursor := func(text string) string {
		return "customers&cursor=" + base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	for _, query := range []string{
		"cats", "cancellations", "edits", "customers&state=x", "customers&amounts=x", "invoices&email=a%40b.c", "plans&email=x", "customers&per_page=0", "customers&cursor=%2F",
		cursor("x"), cursor("0.x"), cursor("-1.c#"), cursor("256."), cursor("0.c#" + strings.Repeat("0", 200)), cursor("0.c#" + strings.Repeat("0", 26) + "\n"),
	} {
		b.status(400, "GET", at+"?dataset="+query, "")
	}
	b.status(200, "GET", at+"?dataset="+cursor("255."), "")
	b.status(200, "GET", at+"?dataset="+cursor("0.i#"+strings.Repeat("f", 26)), "")
	b.status(200, "GET", at+"?dataset=customers&external_id="+url.QueryEscape(strings.Repeat("é", 300)), "")
}

// TestErasedRowsAreNotThere: what an erase hides is in no table, and comes back with a restore.
func TestErasedRowsAreNotThere(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	importTables(b)
	all := map[string][]string{}
	for dataset := range tables() {
		all[dataset] = b.found(dataset, "")
	}
	ids := map[string]string{}
	for _, r := range b.rowsOf("customers", "", 200) {
		ids[r.cells["External ID"]] = text(t, r.all, "id")
	}
	erased := b.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","id":%q,"grace":"1h"}`, ids["c1"]))
	b.finds("customers", "", "c2", "c3")
	b.finds("customers", "external_id=c1")
	b.finds("customers", "email=ann%40example.com", "c3")
	b.finds("contacts", "", "k3")
	b.finds("invoices", "", "i3")
	b.finds("line_items", "", "l4")
	b.finds("line_items", "external_id=l1")
	b.finds("transactions", "", "t2")
	b.finds("subscription_events", "", "e2")
	b.finds("subscription_events", "external_id=e1")
	b.finds("plans", "", "p1", "p2")
	b.must(200, "POST", "/v1/erasures/"+text(t, erased, "id")+"/restore", "")
	b.work()
	for dataset, want := range all {
		b.finds(dataset, "", want...)
	}
}

// remainingRows: what is left of an import, however it went.
func remainingRows(b *bed) {
	t := b.t
	first := importTables(b)
	at := "/v1/imports/" + first + "/remaining"
	left := func(id string) string {
		return fmt.Sprint(b.must(200, "GET", "/v1/imports/"+id+"/remaining", "")["rows"])
	}
	const whole = "map[contacts:3 customers:3 invoices:3 line_items:4 plans:2 subscription_events:2 transactions:2]"
	if got := left(first); got != whole {
		t.Errorf("%s, want %s", got, whole)
	}
	second := b.done("done", file("customers.csv", "Name,External ID\nAnna,c1\nDan,c4\n"))
	if got := left(second); got != "map[customers:1]" {
		t.Errorf("of the second: %s", got)
	}
	if got := left(first); got != whole {
		t.Errorf("after the second: %s", got)
	}
	c1 := text(t, b.rowsOf("customers", "external_id=c1", 1)[0].all, "id")
	b.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","id":%q}`, c1))
	const less = "map[contacts:1 customers:2 invoices:1 line_items:1 plans:2 subscription_events:1 transactions:1]"
	if got := left(first); got != less {
		t.Errorf("being erased: %s, want %s", got, less)
	}
	b.work()
	if got := left(first); got != less {
		t.Errorf("erased: %s, want %s", got, less)
	}
	for _, cursor := range []string{"x", "%2F", base64.RawURLEncoding.EncodeToString([]byte(`{"kind":99}`)), base64.RawURLEncoding.EncodeToString([]byte(`{"rows":{"cats":1}}`))} {
		b.status(400, "GET", at+"?cursor="+cursor, "")
	}
	b.status(404, "GET", "/v1/imports/nowhere/remaining", "")
	b.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"source","source":%q}`, b.source))
	if got := left(first); got != "map[]" {
		t.Errorf("without the source: %s", got)
	}
}
