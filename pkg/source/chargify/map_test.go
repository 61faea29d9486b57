package chargify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/internal/chargifytest"
	"reseed/pkg/billing"
	"reseed/pkg/source/chargify"
	"reseed/pkg/source/system"
)

type (
	fields = chargifytest.Fields
	line   = chargifytest.Line
)

// site is a world that is read at once, with its judge.
type site struct{ *chargifytest.World }

func newSite(t *testing.T, j *chargifytest.Judge) site {
	t.Helper()
	w := chargifytest.New(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), j)
	t.Cleanup(func() {
		for _, v := range w.Judged() {
			t.Error(v)
		}
	})
	return site{w}
}

// Each check has its own sites, and all have one judge.
func TestSite(t *testing.T) {
	t.Parallel()
	j := chargifytest.StartJudge(t)
	for name, check := range map[string]func(*testing.T, *chargifytest.Judge){
		"rounding": rounding, "discounts and taxes": discountsAndTaxes, "statuses": statuses, "credit notes": creditNotes, "components": components,
		"plan of a product": planOfProduct, "chargebacks": chargebacks, "dates of refunds": refundDates, "ends": ends, "customer": customer, "quantities": quantities,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, j)
		})
	}
}

func (w site) reader(t *testing.T) system.Reader {
	t.Helper()
	r, err := chargify.System{}.Open(system.Connection{Credentials: credentials(), Transport: w, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pull reads everything, or one customer.
func (w site) pull(t *testing.T, customer string) []system.Object {
	t.Helper()
	var all []system.Object
	r := w.reader(t)
	for at, done := r.Begin(w.Now(), customer), false; !done; {
		p, err := r.Page(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Objects...)
		at, done = p.Next, p.Done
	}
	return all
}

// mapped maps all objects of a site with one customer.
func (w site) mapped(t *testing.T, s system.Settings) system.Mapped {
	t.Helper()
	var catalog, rest []system.Object
	for _, o := range w.pull(t, "") {
		b, err := chargify.System{}.BelongsTo(o)
		if err != nil {
			t.Fatal(err)
		}
		if b.Catalog {
			catalog = append(catalog, o)
		} else {
			rest = append(rest, o)
		}
	}
	out, more := chargify.System{}.MapCatalog(catalog, s), chargify.System{}.Map(rest, s)
	return system.Mapped{
		Records: slices.Concat(out.Records, more.Records), Issues: slices.Concat(out.Issues, more.Issues), Left: more.Left,
	}
}

// told writes what matters of records of some kinds.
func told(m system.Mapped, kinds ...billing.Dataset) string {
	var all []string
	for _, r := range m.Records {
		if !slices.Contains(kinds, r.Dataset()) {
			continue
		}
		switch r := r.(type) {
		case *billing.Invoice:
			all = append(all, "invoice "+r.Status)
		case *billing.LineItem:
			all = append(all, fmt.Sprintf("%s %d discount %d tax %d", r.Type, r.AmountInCents, r.DiscountAmountInCents, r.TaxAmountInCents))
		case *billing.Transaction:
			all = append(all, fmt.Sprintf("%s %s %d %s", r.Type, r.Result, *r.AmountInCents, r.Date.UTC().Format(time.DateOnly)))
		case *billing.Event:
			all = append(all, fmt.Sprintf("%s %s %s %s", r.ExternalID, r.Type, r.Date.UTC().Format(time.DateTime), r.EffectiveDate.UTC().Format(time.DateTime)))
		}
	}
	return strings.Join(all, "; ")
}

func codes(m system.Mapped) string {
	var all []string
	for _, i := range m.Issues {
		all = append(all, i.Code)
	}
	return strings.Join(all, " ")
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	if got != want {
		t.Errorf("%s\nwant %s\ngot  %s", what, want, got)
	}
}

// Amounts with more decimals than the currency are rounded so that they sum to the invoice; and no further.
func rounding(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	for name, tt := range map[string]struct {
		subtotals []string
		total     string
		want      string
	}{
		"three thirds":          {[]string{"0.33333333", "0.33333333", "0.33333334"}, "1.0", "33 33 34"},
		"the largest remainder": {[]string{"1.005", "1.009", "1.006"}, "3.02", "100 101 101"},
		"one and negative":      {[]string{"10.0", "-3.33333333", "-3.33333333", "-3.33333334"}, "0.0", "1000 -333 -333 -334"},
		"less than a cent off":  {[]string{"0.0049", "0.0049"}, "0.0", "0 0"},
		"a cent off":            {[]string{"1.0", "1.01"}, "2.0", ""},
		"more than 2^53 tenths": {[]string{"90071992547409.905", "0.005"}, "90071992547409.91", "9007199254740991 0"},
		"no number":             {[]string{"1e2"}, "100.0", ""},
		"decimals in the total": {[]string{"1.005"}, "1.005", ""},
		"not a line":            {nil, "1.0", ""},
		"nothing":               {nil, "0.0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSite(t, j)
			var lines []line
			for _, s := range tt.subtotals {
				lines = append(lines, line{SubtotalText: s})
			}
			w.Bill(w.Customer(nil), "", "USD", fields{"status": "paid", "subtotal_amount": tt.total, "total_amount": tt.total}, lines...)
			m := w.mapped(t, system.Settings{})
			var got []string
			for _, r := range m.Records {
				if l, ok := r.(*billing.LineItem); ok {
					got = append(got, fmt.Sprint(l.AmountInCents))
				}
			}
			same(t, codes(m), tt.want, strings.Join(got, " "))
			if rejected := len(m.Issues) > 0; rejected != (tt.want == "" && tt.total != "0.0") {
				t.Error(m.Issues)
			}
		})
	}
}

// Discounts and taxes by line, rounded by Chargify, are those of the invoice; without breakouts the lines' own count.
func discountsAndTaxes(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	ann := w.Customer(nil)
	w.Bill(ann, "", "EUR", fields{"status": "paid", "tax_amount": "0.38", "total_amount": "2.18"}, line{Amount: 109, Discount: 10, Tax: 19}, line{Amount: 109, Discount: 10, Tax: 19})
	w.Bill(ann, "", "EUR", fields{"status": "paid", "tax_amount": "0.39", "total_amount": "2.39"}, line{Amount: 119, Tax: 19}, line{Amount: 119, Tax: 19})
	w.Bill(ann, "", "EUR", fields{"status": "paid", "discounts": []fields{}, "taxes": []fields{}}, line{Amount: 109, Discount: 10, Tax: 19})
	m := w.mapped(t, system.Settings{})
	same(t, "lines", "one_time 109 discount 10 tax 19; one_time 109 discount 10 tax 19; one_time 120 discount 0 tax 20; one_time 119 discount 0 tax 19; "+
		"one_time 109 discount 10 tax 19", told(m, billing.LineItems))
	same(t, "issues", "", codes(m))
}

// A draft and a consolidated invoice are left out; open ones are by the settings; voided and refunded ones are kept, unless the settings
// say otherwise.
func statuses(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	ann := w.Customer(nil)
	bill := func(status, level string) string {
		return w.Bill(ann, "", "EUR", fields{"status": status, "consolidation_level": level}, line{Amount: 500})
	}
	bill("draft", "none")
	bill("paid", "parent")
	bill("paid", "child")
	bill("open", "none")
	part := bill("open", "none")
	w.Pay(part, 100)
	w.Change(part, fields{"status": "processing"})
	void := bill("voided", "none")
	w.Credit(ann, "", "EUR", fields{"applications": []fields{{"invoice_uid": void}}}, line{Amount: 500})
	back := bill("open", "none")
	w.Refund(back, w.Pay(back, 500), 500)
	for _, tt := range []struct {
		settings system.Settings
		want     string
	}{
		{system.Settings{}, "invoice paid; invoice voided; invoice refunded"},
		{system.Settings{Invoices: system.PartlyPaid}, "invoice paid; invoice open; invoice voided; invoice refunded"},
		{system.Settings{Invoices: system.Issued}, "invoice paid; invoice open; invoice open; invoice voided; invoice refunded"},
		{system.Settings{WithoutVoided: true, WithoutRefunded: true}, "invoice paid"},
	} {
		m := w.mapped(t, tt.settings)
		same(t, "invoices", tt.want, told(m, billing.Invoices))
		same(t, "issues", "", codes(m))
		if l := m.Left; l[chargify.LeftDraft] != 1 || l[chargify.LeftConsolidated] != 1 || l[chargify.LeftVoidNotes] != 1 || l[chargify.LeftRefundNotes] != 1 {
			t.Error(l)
		}
	}
}

// A credit note that makes an invoice smaller is an invoice of its own; it goes with the invoices that it is used for.
func creditNotes(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	ann := w.Customer(nil)
	open := w.Bill(ann, "", "EUR", nil, line{Amount: 500})
	w.Credit(ann, "", "EUR", fields{"applications": []fields{{"invoice_uid": open}}}, line{Amount: 220, Discount: 20, Tax: 40})
	m := w.mapped(t, system.Settings{Invoices: system.Issued})
	same(t, "issued", "invoice open; invoice paid; one_time 500 discount 0 tax 0; one_time -220 discount -20 tax -40", told(m, billing.Invoices, billing.LineItems))
	m = w.mapped(t, system.Settings{})
	same(t, "paid", "", told(m, billing.Invoices))
	if m.Left[system.LeftOpen] != 2 {
		t.Error(m.Left)
	}
}

// What is billed by use is a subscription if the settings say so; what is billed once never is.
func components(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	ann := w.Customer(nil)
	product, price := w.Product("Plan")
	part := w.Add(chargifytest.Components, fields{"name": "Calls", "interval": 3, "interval_unit": "month"})
	sub := w.Subscribe(ann, product, nil)
	start, end := w.Now(), w.Now().AddDate(0, 1, 0)
	of := func(kind string, from, to time.Time) line {
		return line{Amount: 100, Kind: kind, Product: product, PricePoint: price, Component: part, Start: from, End: to}
	}
	w.Bill(ann, sub, "EUR", fields{"status": "paid"}, of("metered_component", start, end), of("quantity_based_component", start, start), of("on_off_component", start, end), of("initial", start, start))
	w.State(sub, "canceled", fields{"canceled_at": start.Format(time.RFC3339)})
	types := func(s system.Settings) (all string) {
		m := w.mapped(t, s)
		for _, r := range m.Records {
			if l, ok := r.(*billing.LineItem); ok {
				all += l.Type + " " + l.SubscriptionExternalID + " " + l.PlanExternalID + "; "
			}
		}
		same(t, "issues", chargify.CodeOwnInterval, codes(m))
		if got := told(m, billing.Events); !strings.Contains(got, sub+":cancelled") || !strings.Contains(got, sub+":"+part+":cancelled") {
			t.Error(got)
		}
		return all
	}
	item := "subscription " + sub + ":" + part + " " + product + ":" + price + "; "
	same(t, "default", "one_time  ; one_time  ; "+item+"one_time  ; ", types(system.Settings{}))
	same(t, "metered", item+"one_time  ; "+item+"one_time  ; ", types(system.Settings{Metered: true}))
}

// The plan of a line without a price point is the product, and there is such a plan.
func planOfProduct(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	ann := w.Customer(nil)
	product, _ := w.Product("Plan")
	sub := w.Subscribe(ann, product, nil)
	w.Bill(ann, sub, "EUR", fields{"status": "paid"}, line{Amount: 100, Kind: "baseline", Product: product, Start: w.Now(), End: w.Now().AddDate(0, 1, 0)})
	plans, of := map[string]bool{}, ""
	for _, r := range w.mapped(t, system.Settings{}).Records {
		switch r := r.(type) {
		case *billing.Plan:
			plans[r.ExternalID] = true
		case *billing.LineItem:
			of = r.PlanExternalID
		}
	}
	if of != product || !plans[of] {
		t.Errorf("%s of %v", of, plans)
	}
}

// A chargeback counts if it was lost in the end, and only if it is known of which payment it is.
func chargebacks(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	for name, tt := range map[string]struct {
		statuses []string
		payments int
		want     string
		codes    string
	}{
		"open":            {[]string{"open"}, 1, "invoice paid; payment successful 500 2026-01-01", ""},
		"lost":            {[]string{"open", "lost"}, 1, "invoice refunded; payment successful 500 2026-01-01; refund successful 500 2026-01-02", ""},
		"won in the end":  {[]string{"lost", "won"}, 1, "invoice paid; payment successful 500 2026-01-01", ""},
		"of two payments": {[]string{"lost"}, 2, "invoice paid; payment successful 500 2026-01-01; payment successful 500 2026-01-01", "chargify_chargeback"},
		"there is none":   {nil, 1, "invoice paid; payment successful 500 2026-01-01", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSite(t, j)
			invoice := w.Bill(w.Customer(nil), "", "EUR", nil, line{Amount: 1000})
			for range tt.payments {
				w.Pay(invoice, 500)
			}
			for _, s := range tt.statuses {
				w.Advance(12 * time.Hour)
				w.Chargeback(invoice, s)
			}
			m := w.mapped(t, system.Settings{})
			same(t, "records", tt.want, told(m, billing.Invoices, billing.Transactions))
			same(t, "issues", tt.codes, codes(m))
		})
	}
}

// A refund is at the time of its event; else at the date of its credit note; else at that of the invoice, with a note.
func refundDates(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	ann := w.Customer(nil)
	invoice := w.Bill(ann, "", "EUR", nil, line{Amount: 500})
	payment := w.Pay(invoice, 500)
	w.Advance(48 * time.Hour)
	note := w.Refund(invoice, payment, 100)
	date := func() string {
		m := w.mapped(t, system.Settings{})
		_, refund, _ := strings.Cut(told(m, billing.Transactions), "; ")
		return refund + " " + codes(m)
	}
	same(t, "event", "refund successful 100 2026-01-03 ", date())
	w.Delete(w.IDs(chargifytest.InvoiceEvents)[0])
	same(t, "credit note", "refund successful 100 2026-01-03 ", date())
	w.Delete(note)
	same(t, "neither", "refund successful 100 2026-01-01 "+chargify.CodeRefundDate, date())
}

// Ends of a subscription: those that are over, the one that is, and the one that is planned.
func ends(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	const cancelled, planned = "subscription_cancelled", "subscription_cancellation_scheduled"
	for name, tt := range map[string]struct {
		live func(w site, sub string)
		want string
	}{
		"active":     {func(site, string) {}, ""},
		"asked for":  {func(w site, sub string) { w.Ask(sub, w.Now().Add(72*time.Hour)) }, "ID:cancels " + planned + " 2026-01-02 12:00:00 2026-01-05 12:00:00"},
		"taken back": {func(w site, sub string) { w.Ask(sub, w.Now().Add(72*time.Hour)); w.Ask(sub, time.Time{}) }, ""},
		"asked for and ended": {func(w site, sub string) {
			w.Ask(sub, w.Now().Add(72*time.Hour))
			w.Advance(72 * time.Hour)
			w.State(sub, "canceled", fields{"canceled_at": w.Now().Format(time.RFC3339)})
		}, "ID:cancelled " + cancelled + " 2026-01-02 12:00:00 2026-01-05 12:00:00"},
		"expired": {func(w site, sub string) { w.State(sub, "expired", fields{"expires_at": "2026-01-02T10:00:00-05:00"}) }, "ID:cancelled " + cancelled + " 2026-01-02 15:00:00 2026-01-02 15:00:00"},
		"on hold, then cancelled": {func(w site, sub string) {
			w.State(sub, "on_hold", fields{"on_hold_at": w.Now().Format(time.RFC3339)})
			w.Advance(24 * time.Hour)
			w.State(sub, "canceled", fields{"canceled_at": w.Now().Format(time.RFC3339)})
		}, "ID:paused:70000001 " + cancelled + " 2026-01-02 12:00:00 2026-01-02 12:00:00; ID:cancelled " + cancelled + " 2026-01-03 12:00:00 2026-01-03 12:00:00"},
		"unpaid goes on": {func(w site, sub string) { w.State(sub, "unpaid", nil) }, ""},
		"no end":         {func(w site, sub string) { w.State(sub, "canceled", nil) }, " " + chargify.CodeNoEnd},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSite(t, j)
			product, _ := w.Product("Plan")
			sub := w.Subscribe(w.Customer(nil), product, nil)
			w.Advance(24 * time.Hour)
			tt.live(w, sub)
			m := w.mapped(t, system.Settings{})
			got := told(m, billing.Events)
			if len(m.Issues) > 0 {
				got += " " + codes(m)
			}
			same(t, name, strings.ReplaceAll(tt.want, "ID", sub), got)
		})
	}
}

// Customers: metadata are attributes, what is no address is left blank, and the name of a person is no company.
func customer(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	ann := w.Customer(fields{"first_name": "Ann", "last_name": "Lee", "organization": "Ann Lee", "email": "nobody", "country": "XX", "state": "CA"})
	w.Attribute(ann, "segment", "SMB")
	w.Attribute(ann, "empty", "")
	w.Attribute(ann, "essay", strings.Repeat("x", 501))
	m := w.mapped(t, system.Settings{Metadata: true})
	c, _ := m.Records[0].(*billing.Customer)
	if c == nil || c.Name != "Ann Lee" || c.Company != "" || c.Email != "" || c.Country != "" || c.CustomAttributes != `{"segment":"SMB"}` || m.Left[system.LeftAttributes] != 1 {
		t.Errorf("%+v %+v", c, m.Left)
	}
	same(t, "issues", chargify.CodeEmail+" "+chargify.CodeCountry, codes(m))
	for _, i := range m.Issues {
		same(t, "link", "https://world.chargify.com/customers/"+ann, i.Link)
	}
}

// Quantities that are no whole numbers are 1, with a note.
func quantities(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	w.Bill(w.Customer(nil), "", "EUR", fields{"status": "paid"}, line{Amount: 1, Quantity: "3.0"}, line{Amount: 1, Quantity: "2.5"}, line{Amount: 1, Quantity: "0.0"})
	m := w.mapped(t, system.Settings{})
	var got []int64
	for _, r := range m.Records {
		if l, ok := r.(*billing.LineItem); ok {
			got = append(got, l.Quantity)
		}
	}
	if !slices.Equal(got, []int64{3, 1, 1}) || !strings.Contains(codes(m), chargify.CodeQuantity) {
		t.Errorf("%d %s", got, codes(m))
	}
}
