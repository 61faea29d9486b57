package importer_test

import (
	"cmp"
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// row is one row of a file: its cells by column. Blank cells are left out.
type row map[string]string

// sheet is one file.
type sheet struct {
	dataset billing.Dataset
	rows    []row
}

// column says how a cell is stored: a text, a number, an amount whose 0 is not stored, or a time.
type column struct {
	name, attr string
	is         byte
}

const (
	text   = 's'
	number = 'n'
	amount = 'a'
	date   = 't'
)

// columnsOf are the columns that the tests fill, required ones first.
func columnsOf(ds billing.Dataset) (columns []column, required int) {
	switch ds { //nolint:exhaustive // edits are no rows
	case billing.Plans:
		return []column{
			{"Name", "name", text},
			{"Interval count", "interval_count", amount},
			{"Interval unit", "interval_unit", text},
			{"Plan ID", "external_id", text},
		}, 3
	case billing.Customers:
		return []column{{"External ID", "external_id", text}, {"Name", "name", text}, {"Email", "email", text}}, 1
	case billing.Contacts:
		return []column{
			{"Customer External ID", "customer", text},
			{"External ID", "external_id", text},
			{"First name", "first_name", text},
			{"Email", "email", text},
			{"Title", "title", text},
		}, 1
	case billing.Invoices:
		return []column{
			{"Customer external ID", "customer", text},
			{"Invoice external ID", "external_id", text},
			{"Invoiced date", "date", date},
			{"Currency", "currency", text},
		}, 4
	case billing.LineItems:
		return []column{
			{"Invoice external ID", "invoice", text},
			{"Type", "type", text},
			{"Amount in cents", "amount_in_cents", amount},
			{"External ID", "external_id", text},
			{"Subscription external ID", "subscription", text},
			{"Plan", "plan", text},
			{"Service period start", "service_period_start", date},
			{"Service period end", "service_period_end", date},
			{"Description", "description", text},
		}, 3
	case billing.Transactions:
		return []column{
			{"Invoice external ID", "invoice", text},
			{"Type", "type", text},
			{"Result", "result", text},
			{"Date", "date", date},
			{"External ID", "external_id", text},
			{"Amount in cents", "amount_in_cents", number},
		}, 4
	case billing.Events:
		return []column{
			{"Customer external ID", "customer", text},
			{"Subscription external ID", "subscription", text},
			{"Event Type", "type", text},
			{"Date", "date", date},
			{"Effective Date", "effective_date", date},
			{"External ID", "external_id", text},
			{"Plan external ID", "plan", text},
			{"Currency", "currency", text},
			{"Amount in Cents", "amount_in_cents", number},
		}, 5
	case billing.Cancellations:
		return []column{
			{"Subscription external ID", "subscription", text},
			{"Customer external ID", "customer", text},
			{"Date", "date", date},
		}, 3
	}
	return nil, 0
}

// csv writes the file as CSV.
func (s sheet) csv() []byte {
	var b strings.Builder
	w := csv.NewWriter(&b)
	columns, _ := columnsOf(s.dataset)
	write := func(cell func(column) string) {
		var cells []string
		for _, c := range columns {
			cells = append(cells, cell(c))
		}
		_ = w.Write(cells) // to memory
	}
	write(func(c column) string { return c.name })
	for _, r := range s.rows {
		write(func(c column) string { return r[c.name] })
	}
	w.Flush()
	return []byte(b.String())
}

// GoString shows the file where rapid shows a sequence.
func (s sheet) GoString() string { return "\n" + string(s.dataset) + "\n" + string(s.csv()) }

// attrs are the attributes that an accepted row is stored with, by the names of docs/TABLE.md.
func (r row) attrs(ds billing.Dataset) map[string]any {
	out := map[string]any{}
	columns, _ := columnsOf(ds)
	for _, c := range columns {
		cell := r[c.name]
		n, _ := strconv.ParseInt(cell, 10, 64)
		switch {
		case cell == "" || c.is == amount && n == 0:
		case c.is == text:
			out[c.attr] = cell
		case c.is == date:
			at, _ := time.Parse(time.DateOnly, cell)
			out[c.attr] = at.UnixMilli()
		default:
			out[c.attr] = n
		}
	}
	if ds == billing.LineItems {
		out["quantity"] = int64(1)
	}
	if ds == billing.Cancellations {
		out["cancellation"], out["type"], out["effective_date"] = true, billing.Cancelled, out["date"]
	}
	return out
}

// blank reports whether a row lacks a required cell.
func (r row) blank(ds billing.Dataset) bool {
	columns, required := columnsOf(ds)
	for _, c := range columns[:required] {
		if r[c.name] == "" {
			return true
		}
	}
	return ds == billing.Contacts && r["External ID"] == "" && r["First name"] == "" && r["Email"] == ""
}

func (r row) empty() bool {
	for _, cell := range r {
		if cell != "" {
			return false
		}
	}
	return true
}

// kind is a kind of record, in the order of stages and, within a stage, of keys.
type kind int

const (
	plan kind = iota
	customer
	contact
	invoice
	lineItem
	transaction
	event
)

func kindOf(ds billing.Dataset) kind { // cancellations are events
	return min(kind(slices.Index(billing.Order(), ds)), event)
}

// ident is what makes a record that record.
type ident struct {
	kind   kind
	parent string // external id of the customer or invoice that it belongs to
	own    string // its external id, or the fields that identify it
	nth    int    // number among equal records without an external id
}

// external marks an identity by external id.
const external = "id:"

func (id ident) natural() bool { return !strings.HasPrefix(id.own, external) }

// unique reports whether no two records have this identity, whatever they belong to: a pointer leads
// from it to the record.
func (id ident) unique() bool { return id.kind == event || id.kind >= lineItem && !id.natural() }

// anywhere is the identity without what the record belongs to.
func (id ident) anywhere() ident { return ident{kind: id.kind, own: id.own, nth: id.nth} }

// ident is the identity of a row, the first one of equal rows.
func (r row) ident(ds billing.Dataset) ident {
	id := ident{kind: kindOf(ds)}
	own := ""
	switch ds { //nolint:exhaustive // edits are no rows
	case billing.Plans:
		own = r["Plan ID"]
		id.own = r["Name"] + "|" + r["Interval count"] + "|" + r["Interval unit"]
	case billing.Customers:
		own = r["External ID"]
	case billing.Invoices:
		own = r["Invoice external ID"]
	case billing.Contacts:
		own, id.parent = r["External ID"], r["Customer External ID"]
		if id.own = "mail " + strings.ToLower(r["Email"]); r["Email"] == "" {
			id.own = "name " + r["First name"]
		}
	case billing.LineItems:
		own, id.parent = r["External ID"], r["Invoice external ID"]
		id.own = r.joined("Type", "Subscription external ID", "Plan", "Service period start", "Description")
	case billing.Transactions:
		own, id.parent = r["External ID"], r["Invoice external ID"]
		id.own = r.joined("Type", "Result", "Date")
	case billing.Events:
		own, id.parent = r["External ID"], r["Customer external ID"]
		id.own = r.joined("Subscription external ID", "Event Type", "Date", "Effective Date")
	case billing.Cancellations:
		id.parent = r["Customer external ID"]
		id.own = "cancelled " + r.joined("Subscription external ID", "Date")
	}
	if own != "" {
		id.own = external + own
	}
	return id
}

func (r row) joined(columns ...string) string {
	var cells []string
	for _, c := range columns {
		cells = append(cells, r[c])
	}
	return strings.Join(cells, "|")
}

// drawRow draws a row from few values, so that rows meet. A few rows refer to what does not exist,
// or lack a cell.
func drawRow(t *rapid.T, ds billing.Dataset) row {
	pick := func(values ...string) string { return rapid.SampledFrom(values).Draw(t, "cell") }
	r := row{}
	switch ds { //nolint:exhaustive // edits are no rows
	case billing.Plans:
		r = row{"Name": pick("Gold", "Iron"), "Interval count": pick("1", "3"), "Interval unit": "month", "Plan ID": pick("p1", "p2", "")}
	case billing.Customers:
		r = row{"External ID": pick(someCustomers...), "Name": pick("A", "B"), "Email": pick("", "a@x.com", "A@x.com", "b@x.com")}
	case billing.Contacts:
		r = row{
			"Customer External ID": pick(someCustomers...), "External ID": pick("", "k1"), "First name": pick("F", ""),
			"Email": pick("", "k@x.com", "K@x.com"), "Title": pick("", "T"),
		}
	case billing.Invoices:
		r = row{
			"Customer external ID": pick(someCustomers...), "Invoice external ID": pick(someInvoices...),
			"Invoiced date": pick(someDates...), "Currency": pick("EUR", "USD"),
		}
	case billing.LineItems:
		r = row{
			"Invoice external ID": pick(someInvoices...), "External ID": pick("", "l1", "l2"), "Type": "one_time",
			"Amount in cents": pick("0", "100", "200"), "Description": pick("", "D"), "Plan": pick("", "p1", "p2"),
		}
		if pick("one time", "subscription") == "subscription" {
			maps.Copy(r, row{
				"Type": "subscription", "Subscription external ID": "s1", "Plan": pick("p1", "p2"),
				"Service period start": someDates[0], "Service period end": someDates[1],
			})
		}
	case billing.Transactions:
		r = row{
			"Invoice external ID": pick(someInvoices...), "External ID": pick("", "t1", "t2"), "Type": pick("payment", "payment", "refund"),
			"Result": pick("successful", "failed"), "Date": pick(someDates...), "Amount in cents": pick("", "0", "100"),
		}
	case billing.Events:
		r = row{
			"Customer external ID": pick(someCustomers...), "Subscription external ID": pick("s1", "s2"), "External ID": pick("", "e1", "e2"),
			"Event Type": "subscription_cancelled", "Date": pick(someDates...), "Effective Date": someDates[0],
		}
		if pick("end", "start") == "start" {
			maps.Copy(r, row{"Event Type": "subscription_start", "Plan external ID": pick("p1", "p2"), "Currency": "EUR", "Amount in Cents": pick("0", "100")})
		}
	case billing.Cancellations:
		r = row{"Customer external ID": pick(someCustomers...), "Subscription external ID": pick("s1", "s2"), "Date": pick(someDates...)}
	}
	// Mostly a subscription belongs to one customer.
	if sub := "Subscription external ID"; kindOf(ds) == event && rapid.IntRange(0, 9).Draw(t, "shared") < 9 {
		r[sub] += " of " + r["Customer external ID"]
	}
	if rapid.IntRange(0, 39).Draw(t, "poison") == 39 {
		columns, required := columnsOf(ds)
		r[columns[required-1].name] = ""
	}
	return r
}

var (
	someCustomers = []string{"c1", "c2", "c3", "c1", "c2", "c3", "c4"}
	someInvoices  = []string{"i1", "i2", "i3", "i1", "i2", "i3", "i4"}
	someDates     = []string{"2026-01-01", "2026-02-01"}
)

// drawSheets draws the files of an import: either any rows at all, or the mostly clean export of a
// company in which some rows were dropped and some changed.
func drawSheets(t *rapid.T) []sheet {
	if rapid.IntRange(0, 2).Draw(t, "export") > 0 {
		return drawExport(t)
	}
	one := rapid.Custom(func(t *rapid.T) sheet {
		s := sheet{dataset: rapid.SampledFrom(billing.Order()).Draw(t, "dataset")}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			s.rows = append(s.rows, drawRow(t, s.dataset))
		}
		return s
	})
	return rapid.SliceOfN(one, 1, 6).Draw(t, "files")
}

func drawExport(t *rapid.T) []sheet {
	var out []sheet
	given := rapid.Uint8Range(1, 255).Draw(t, "datasets")
	for i, whole := range exported() {
		if given>>i&1 == 0 {
			continue
		}
		s := sheet{dataset: whole.dataset}
		for _, r := range whole.rows {
			switch rapid.SampledFrom([]string{"same", "same", "same", "same", "dropped", "changed"}).Draw(t, "row") {
			case "same":
				s.rows = append(s.rows, r)
			case "changed":
				s.rows = append(s.rows, changed(s.dataset, r))
			}
		}
		out = append(out, s)
	}
	return rapid.Permutation(out).Draw(t, "files")
}

// changed is a row with another value in a field that is not part of its identity. For an invoice
// that is its customer.
func changed(ds billing.Dataset, r row) row {
	r = maps.Clone(r)
	switch ds { //nolint:exhaustive // edits are no rows
	case billing.Plans, billing.Customers:
		r["Name"] = "Iron"
	case billing.Contacts:
		r["Title"] = "T"
	case billing.Invoices:
		r["Customer external ID"] = "c3"
	case billing.LineItems:
		r["Amount in cents"] = "200"
	case billing.Transactions:
		r["Amount in cents"] = "100"
	case billing.Events:
		r["Currency"] = "USD"
	case billing.Cancellations:
		r["Date"] = someDates[1]
	}
	return r
}

// exported is a company without any fault in its data.
func exported() []sheet {
	const first, second = "2026-01-01", "2026-02-01"
	return []sheet{
		{billing.Plans, []row{
			{"Name": "Gold", "Interval count": "1", "Interval unit": "month", "Plan ID": "p1"},
			{"Name": "Gold", "Interval count": "3", "Interval unit": "month", "Plan ID": "p2"},
		}},
		{billing.Customers, []row{{"External ID": "c1", "Name": "A", "Email": "a@x.com"}, {"External ID": "c2", "Email": "a@x.com"}, {"External ID": "c3"}}},
		{billing.Contacts, []row{
			{"Customer External ID": "c1", "Email": "k@x.com"},
			{"Customer External ID": "c2", "Email": "k@x.com"},
			{"Customer External ID": "c1", "External ID": "k1"},
			{"Customer External ID": "c1", "First name": "F"},
			{"Customer External ID": "c1", "First name": "F"},
		}},
		{billing.Invoices, []row{
			{"Customer external ID": "c1", "Invoice external ID": "i1", "Invoiced date": first, "Currency": "EUR"},
			{"Customer external ID": "c2", "Invoice external ID": "i2", "Invoiced date": first, "Currency": "EUR"},
			{"Customer external ID": "c2", "Invoice external ID": "i3", "Invoiced date": second, "Currency": "EUR"},
		}},
		{billing.LineItems, []row{
			{"Invoice external ID": "i1", "External ID": "l1", "Type": "one_time", "Amount in cents": "100", "Plan": "p1"},
			{"Invoice external ID": "i2", "Type": "one_time", "Amount in cents": "100"},
			{"Invoice external ID": "i2", "Type": "one_time", "Amount in cents": "100"},
			{
				"Invoice external ID": "i3", "External ID": "l2", "Type": "subscription", "Amount in cents": "100", "Plan": "p2",
				"Subscription external ID": "s1", "Service period start": first, "Service period end": second,
			},
		}},
		{billing.Transactions, []row{
			{"Invoice external ID": "i1", "External ID": "t1", "Type": "payment", "Result": "successful", "Date": first},
			{"Invoice external ID": "i2", "Type": "payment", "Result": "failed", "Date": first},
			{"Invoice external ID": "i3", "External ID": "t2", "Type": "payment", "Result": "successful", "Date": second, "Amount in cents": "0"},
		}},
		{billing.Events, []row{
			{
				"Customer external ID": "c1", "Subscription external ID": "s1", "External ID": "e1", "Event Type": "subscription_start",
				"Date": first, "Effective Date": first, "Plan external ID": "p1", "Currency": "EUR", "Amount in Cents": "100",
			},
			{"Customer external ID": "c2", "Subscription external ID": "s2", "Event Type": "subscription_cancelled", "Date": second, "Effective Date": second},
		}},
		{billing.Cancellations, []row{{"Customer external ID": "c2", "Subscription external ID": "s2", "Date": first}}},
	}
}

// origin adds the attributes that say where the record came from.
func (r *record) origin(attrs map[string]any) map[string]any {
	if r.manual != 0 {
		attrs["_m"] = r.manual
	}
	if r.by != nil {
		attrs["_i"] = job.Number(r.by.id)
	}
	return attrs
}

// expected gives a record as the table has it: the item, and the pointers to it. Keys come from
// pkg/store, whose goldens pin them.
func (r *record) expected(hr *store.Hasher, sp store.Space, add func(table.Key, map[string]any)) {
	str := func(name string) string { s, _ := r.attrs[name].(string); return s }
	at := func(name string) time.Time {
		if ms, ok := r.attrs[name].(int64); ok {
			return time.UnixMilli(ms).UTC()
		}
		return time.Time{}
	}
	item := func(k table.Key) table.Key {
		k.SK = store.NthSK(k.SK, r.id.nth)
		all := maps.Clone(r.attrs)
		all["_at"], all["_up"] = r.created, r.updated
		add(k, r.origin(all))
		return k
	}
	switch r.id.kind {
	case plan:
		n, _ := r.attrs["interval_count"].(int64)
		item(sp.Plan(hr.PlanH(&billing.Plan{ExternalID: str("external_id"), Name: str("name"), IntervalCount: n, IntervalUnit: str("interval_unit")})))
	case customer:
		h := hr.CustomerH(str("external_id"))
		item(sp.Customer(h))
		if email := str("email"); email != "" {
			add(sp.Email(hr.EmailH(email), h), r.origin(map[string]any{}))
		}
	case contact:
		item(sp.Contact(hr.CustomerH(r.id.parent), hr.ContactH(&billing.Contact{
			CustomerExternalID: r.id.parent, ExternalID: str("external_id"), Email: str("email"), FirstName: str("first_name"),
		})))
	case invoice:
		h := hr.InvoiceH(str("external_id"))
		item(sp.Invoice(h))
		add(sp.Owner(hr.CustomerH(str("customer")), h), r.origin(map[string]any{"date": r.attrs["date"]}))
	case lineItem:
		h := hr.InvoiceH(r.id.parent)
		item(sp.LineItem(h, hr.LineItemH(&billing.LineItem{
			InvoiceExternalID: r.id.parent, ExternalID: str("external_id"), Type: str("type"), SubscriptionExternalID: str("subscription"),
			PlanExternalID: str("plan"), ServicePeriodStart: at("service_period_start"), Description: str("description"),
		})))
		if ext := str("external_id"); ext != "" {
			add(sp.External(store.KindLineItem, hr.External(store.KindLineItem, ext)), r.origin(map[string]any{"invoice": h.String()}))
		}
	case transaction:
		h := hr.InvoiceH(r.id.parent)
		item(sp.Transaction(h, hr.TransactionH(&billing.Transaction{
			InvoiceExternalID: r.id.parent, ExternalID: str("external_id"), Type: str("type"), Result: str("result"), Date: at("date"),
		})))
		if ext := str("external_id"); ext != "" {
			add(sp.External(store.KindTransaction, hr.External(store.KindTransaction, ext)), r.origin(map[string]any{"invoice": h.String()}))
		}
	case event:
		h := hr.CustomerH(r.id.parent)
		cancellation, _ := r.attrs["cancellation"].(bool)
		k := item(sp.Event(h, hr.EventH(&billing.Event{
			CustomerExternalID: r.id.parent, ExternalID: str("external_id"), SubscriptionExternalID: str("subscription"),
			Type: str("type"), Date: at("date"), EffectiveDate: at("effective_date"), Cancellation: cancellation,
		}).EventID()))
		id, _ := store.TrailingEventID(k.SK)
		add(sp.ExternalEvent(id), r.origin(map[string]any{"customer": h.String()}))
	}
}

// key is where the record lies.
func (r *record) key(hr *store.Hasher, sp store.Space) (key table.Key) {
	r.expected(hr, sp, func(k table.Key, _ map[string]any) { key = cmp.Or(key, k) })
	return key
}
