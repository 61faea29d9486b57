package paypal_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/paypal"
	"reseed/pkg/source/system"
)

// with is an object of a text, in which more fields replace others.
func with(s system.Stream, parent, text, more string) system.Object {
	fields := map[string]json.RawMessage{"site": json.RawMessage(`"https://paypal.test"`)}
	for _, t := range []string{text, "{" + more + "}"} {
		if err := json.Unmarshal([]byte(t), &fields); err != nil {
			panic(err)
		}
	}
	all, _ := json.Marshal(fields)
	return system.Object{Stream: s, Parent: parent, JSON: all}
}

func customer(more string) system.Object {
	return with(paypal.Customers, "I-1", `{"payer_id":"C1","name":{"given_name":"Ann","surname":"Lee"}}`, more)
}

const monthly = `"plan":{"billing_cycles":[{"tenure_type":"REGULAR","sequence":1,"total_cycles":0,"frequency":{"interval_unit":"MONTH","interval_count":1},"pricing_scheme":{"fixed_price":{"currency_code":"EUR","value":"10.00"}}}]`

func subscription(more string) system.Object {
	return with(paypal.Subscriptions, "", `{"id":"I-1","plan_id":"P-1","status":"ACTIVE","start_time":"2026-01-01T10:00:00Z","subscriber":{"payer_id":"C1"},`+monthly+`}}`, more)
}

func eur(value string) string { return fmt.Sprintf(`{"currency_code":"EUR","value":%q}`, value) }

// payment is a payment of a day in 2026, such as 01-31.
func payment(id, day, gross, more string) system.Object {
	return with(paypal.Payments, "I-1", fmt.Sprintf(`{"id":%q,"status":"COMPLETED","time":"2026-%sT10:00:00Z","amount_with_breakdown":{"gross_amount":%s}}`, id, day, eur(gross)), more)
}

// event is what the search finds of a payment.
func event(id, code, of, amount, more string) system.Object {
	info := fmt.Sprintf(`{"transaction_id":%q,"transaction_event_code":%q,"paypal_reference_id":%q,"transaction_initiation_date":"2026-02-01T00:00:00+0000","transaction_status":"S","transaction_amount":%s`, id, code, of, eur(amount))
	if more != "" {
		info += "," + more
	}
	return with(paypal.Events, "", `{"transaction_info":`+info+`}}`, "")
}

// short spells records so that a test can say what it wants.
func short(m system.Mapped) []string {
	var all []string
	for _, r := range m.Records {
		switch r := r.(type) {
		case *billing.Customer:
			all = append(all, strings.TrimSpace(fmt.Sprintf("customer %s %s %s", r.ExternalID, r.Name, r.Country)))
		case *billing.Invoice:
			all = append(all, fmt.Sprintf("invoice %s %s %s %s", r.ExternalID, r.Status, r.Currency, r.Date.Format("01-02")))
		case *billing.LineItem:
			period := ""
			if r.Type == billing.Subscription {
				period = fmt.Sprintf(" %d× %s %s %s..%s", r.Quantity, r.SubscriptionExternalID, r.PlanExternalID, r.ServicePeriodStart.Format("01-02"), r.ServicePeriodEnd.Format("01-02"))
			}
			all = append(all, fmt.Sprintf("line %s %d+%d%s", r.ExternalID, r.AmountInCents, r.TaxAmountInCents, period))
		case *billing.Transaction:
			fee := int64(0)
			if r.TransactionFeesInCents != nil {
				fee = *r.TransactionFeesInCents
			}
			all = append(all, fmt.Sprintf("%s %s %s %s %d-%d", r.Type, r.InvoiceExternalID, r.ExternalID, r.Result, *r.AmountInCents, fee))
		case *billing.Event:
			all = append(all, fmt.Sprintf("%s %s %s", r.Type, r.ExternalID, r.Date.Format("01-02")))
		}
	}
	return all
}

func codes(m system.Mapped) []string {
	var all []string
	for _, i := range m.Issues {
		all = append(all, i.Code)
	}
	return all
}

func TestMap(t *testing.T) {
	t.Parallel()
	setup := monthly + `,"payment_preferences":{"setup_fee":` + eur("5.00") + `}}`
	for name, tt := range map[string]struct {
		settings system.Settings
		objects  []system.Object
		want     []string // without the customer
		codes    []string
		left     string
	}{
		"payments with tax, shipping and fees": {
			objects: []system.Object{subscription(`"quantity":"2"`), payment("A", "01-31", "13.00", `"amount_with_breakdown":{"gross_amount":`+eur("13.00")+`,"total_item_amount":`+eur("10.00")+`,"shipping_amount":`+eur("1.00")+
				`,"tax_amount":`+eur("2.00")+`,"fee_amount":`+eur("-0.50")+`}`)},
			want: []string{"invoice A paid EUR 01-31", "line A 1200+200 2× I-1 P-1 01-01..02-01", "line A:shipping 100+0", "payment A A successful 1300-50"},
		},
		"the next cycle begins soon": {
			objects: []system.Object{subscription(""), payment("A", "02-01", "10.00", `"time":"2026-01-31T23:00:00Z"`)},
			want:    []string{"invoice A paid EUR 01-31", "line A 1000+0 1× I-1 P-1 02-01..03-01", "payment A A successful 1000-0"},
		},
		"tries of one cycle": {
			objects: []system.Object{subscription(""), payment("C", "01-05", "10.00", ""), payment("B", "01-03", "10.00", `"status":"DECLINED"`), payment("A", "01-01", "10.00", `"status":"FAILED"`)},
			want: []string{
				"invoice A paid EUR 01-01", "line A 1000+0 1× I-1 P-1 01-01..02-01", "payment A A failed 1000-0", "payment A B failed 1000-0", "payment A C successful 1000-0",
			},
		},
		"two payments in one cycle": {
			objects: []system.Object{subscription(""), payment("A", "01-01", "10.00", ""), payment("B", "01-03", "10.00", "")},
			want: []string{
				"invoice A paid EUR 01-01", "invoice B paid EUR 01-03", "line A 1000+0 1× I-1 P-1 01-01..02-01", "line B 1000+0 1× I-1 P-1 01-01..02-01",
				"payment A A successful 1000-0", "payment B B successful 1000-0",
			},
		},
		"the last one that failed": {
			settings: system.Settings{Invoices: system.Issued},
			objects:  []system.Object{subscription(`"billing_info":{"last_failed_payment":{"amount":` + eur("10.00") + `,"time":"2026-01-03T00:00:00Z"}}`)},
			want:     []string{"invoice I-1:failed open EUR 01-03", "line I-1:failed 1000+0 1× I-1 P-1 01-01..02-01", "payment I-1:failed I-1:failed failed 1000-0"},
		},
		"on its way": {objects: []system.Object{subscription(""), payment("A", "01-01", "10.00", `"status":"PENDING"`)}, left: system.LeftOpen},
		"the setup fee and the first cycle": {
			objects: []system.Object{subscription(setup), payment("A", "01-01", "15.00", ""), payment("B", "02-01", "15.00", "")},
			want: []string{
				"invoice A paid EUR 01-01", "invoice B paid EUR 02-01", "line A:setup 500+0", "line A 1000+0 1× I-1 P-1 01-01..02-01", "line B 1500+0 1× I-1 P-1 02-01..03-01",
				"payment A A successful 1500-0", "payment B B successful 1500-0",
			},
		},
		"the setup fee alone": {
			objects: []system.Object{subscription(setup), payment("A", "01-01", "6.00", `"amount_with_breakdown":{"gross_amount":`+eur("6.00")+`,"tax_amount":`+eur("1.00")+`}`)},
			want:    []string{"invoice A paid EUR 01-01", "line A:setup 600+100", "payment A A successful 600-0"},
		},
		"no setup fee in the first payment": {
			objects: []system.Object{subscription(setup), payment("A", "01-01", "10.00", "")},
			want:    []string{"invoice A paid EUR 01-01", "line A 1000+0 1× I-1 P-1 01-01..02-01", "payment A A successful 1000-0"},
		},
		"refunds and chargebacks": {
			objects: []system.Object{
				subscription(""), payment("A", "01-01", "10.00", `"status":"PARTIALLY_REFUNDED"`), event("R1", "T1107", "A", "-3.00", ""), event("R2", "T1201", "A", "-2.00", ""), event("R3", "T1202", "A", "2.00", ""),
				event("R4", "T1107", "A", "-1.00", `"transaction_status":"P"`), event("R5", "T1107", "A", "-1.00", `"transaction_status":"D"`),
			},
			want: []string{
				"invoice A paid EUR 01-01", "line A 1000+0 1× I-1 P-1 01-01..02-01", "payment A A successful 1000-0", "refund A R1 successful 300-0", "refund A R2 successful 200-0", "payment A R3 successful 200-0",
			},
			codes: []string{paypal.CodePendingRefund},
		},
		"all given back": {
			objects: []system.Object{subscription(""), payment("A", "01-01", "10.00", `"status":"REFUNDED"`), event("R1", "T1107", "A", "-10.00", "")},
			want:    []string{"invoice A refunded EUR 01-01", "line A 1000+0 1× I-1 P-1 01-01..02-01", "payment A A successful 1000-0", "refund A R1 successful 1000-0"},
		},
		"given back, and left out": {
			settings: system.Settings{WithoutRefunded: true},
			objects:  []system.Object{subscription(""), payment("A", "01-01", "10.00", `"status":"REFUNDED"`), event("R1", "T1107", "A", "-10.00", "")},
			left:     system.LeftRefunded,
		},
		"given back long ago": {
			objects: []system.Object{subscription(""), payment("A", "01-01", "10.00", `"status":"REFUNDED"`)},
			want:    []string{"invoice A refunded EUR 01-01", "line A 1000+0 1× I-1 P-1 01-01..02-01", "payment A A successful 1000-0"},
			codes:   []string{paypal.CodeNoRefund},
		},
		"more back than paid": {
			objects: []system.Object{subscription(""), payment("A", "01-01", "10.00", ""), event("R1", "T1106", "A", "-11.00", "")},
			want:    []string{"invoice A refunded EUR 01-01", "line A 1000+0 1× I-1 P-1 01-01..02-01", "payment A A successful 1000-0", "refund A R1 successful 1100-0"},
			codes:   []string{paypal.CodeRefundsExceed},
		},
		"fees and holds": {
			objects: []system.Object{subscription(""), payment("A", "01-01", "10.00", ""), event("R1", "T1110", "A", "-10.00", "")},
			want:    []string{"invoice A paid EUR 01-01", "line A 1000+0 1× I-1 P-1 01-01..02-01", "payment A A successful 1000-0"},
			left:    paypal.LeftFees,
		},
		"a refund of what is not there": {objects: []system.Object{subscription(""), event("R1", "T1107", "Z", "-10.00", "")}, left: paypal.LeftOutsideInvoices},
		"an unknown event": {
			objects: []system.Object{subscription(""), payment("A", "01-01", "10.00", ""), event("R1", "T1199", "A", "-1.00", ""), event("R2", "T1107", "A", "-1.00", `"transaction_status":"X"`)},
			want:    []string{"invoice A paid EUR 01-01", "line A 1000+0 1× I-1 P-1 01-01..02-01", "payment A A successful 1000-0"},
			codes:   []string{paypal.CodeWord, paypal.CodeWord},
		},
		"parts that do not sum": {
			objects: []system.Object{subscription(""), payment("A", "01-01", "10.00", `"amount_with_breakdown":{"gross_amount":`+eur("10.00")+`,"total_item_amount":`+eur("9.00")+`}`), event("R1", "T1107", "A", "-1.00", "")},
			codes:   []string{paypal.CodeLinesDiffer},
		},
		"another currency": {
			objects: []system.Object{subscription(""), payment("A", "01-01", "10.00", `"amount_with_breakdown":{"gross_amount":`+eur("10.00")+`,"tax_amount":{"currency_code":"USD","value":"1.00"}}`)},
			codes:   []string{paypal.CodeMixedCurrencies},
		},
		"an unknown currency": {objects: []system.Object{subscription(""), payment("A", "01-01", "1", `"amount_with_breakdown":{"gross_amount":{"currency_code":"XYZ","value":"1"}}`)}, codes: []string{paypal.CodeCurrency}},
		"too many decimals":   {objects: []system.Object{subscription(""), payment("A", "01-01", "1.001", "")}, codes: []string{paypal.CodeAmount}},
		"no plan":             {objects: []system.Object{subscription(`"plan_id":null`), payment("A", "01-01", "1.00", "")}, codes: []string{paypal.CodeNoPlan}},
		"no cycles":           {objects: []system.Object{subscription(`"plan":null`), payment("A", "01-01", "1.00", "")}, codes: []string{paypal.CodeNoPeriod}},
		"no time":             {objects: []system.Object{subscription(""), payment("A", "01-01", "1.00", `"time":null`)}, codes: []string{paypal.CodeBadObject}},
		"another type":        {objects: []system.Object{subscription(""), payment("A", "01-01", "1.00", `"status":7`)}, codes: []string{paypal.CodeBadObject}},
		"an unknown status":   {objects: []system.Object{subscription(""), payment("A", "01-01", "1.00", `"status":"FROZEN"`)}, codes: []string{paypal.CodeWord}},
		"cancelled":           {objects: []system.Object{subscription(`"status":"CANCELLED","status_update_time":"2026-02-03T00:00:00Z"`)}, want: []string{"subscription_cancelled I-1:cancelled 02-03"}},
		"suspended":           {objects: []system.Object{subscription(`"status":"SUSPENDED","status_update_time":"2026-02-03T00:00:00Z"`)}, want: []string{"subscription_cancelled I-1:cancelled 02-03"}},
		"no end":              {objects: []system.Object{subscription(`"status":"EXPIRED"`)}, codes: []string{paypal.CodeNoEnd}},
		"an unknown end":      {objects: []system.Object{subscription(`"status":"SLEEPING"`)}, codes: []string{paypal.CodeStatus}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := paypal.System{}.Map(append(tt.objects, customer("")), tt.settings)
			got := short(m)
			if len(got) == 0 || got[0] != "customer C1 Ann Lee" || !slices.Equal(got[1:], tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if !slices.Equal(codes(m), tt.codes) {
				t.Errorf("%+v, want %q", m.Issues, tt.codes)
			}
			for _, i := range m.Issues {
				if i.Rejects != (i.Record != "") || !strings.HasPrefix(i.Link, "https://paypal.test/") {
					t.Errorf("%+v", i)
				}
			}
			if tt.left != "" && m.Left[tt.left] != 1 || tt.left == "" && len(m.Left) != 0 {
				t.Errorf("%v, want %q", m.Left, tt.left)
			}
		})
	}
}

func TestMapCustomer(t *testing.T) {
	t.Parallel()
	trial := subscription(`"plan":{"billing_cycles":[{"tenure_type":"TRIAL","sequence":1,"frequency":{"interval_unit":"WEEK"}}]}`)
	address := `"shipping_address":{"address":{"country_code":"US","admin_area_1":"CA","admin_area_2":"San Jose","postal_code":"95131"}}`
	m := paypal.System{}.Map([]system.Object{customer(`"email_address":"ann@example.com",` + address), trial}, system.Settings{})
	c, _ := m.Records[0].(*billing.Customer)
	if c.Email != "ann@example.com" || c.Country != "US" || c.State != "US-CA" || c.City != "San Jose" || c.Zip != "95131" || c.LeadCreatedAt.Format(time.DateOnly) != "2026-01-01" || c.FreeTrialStartedAt != c.LeadCreatedAt {
		t.Errorf("%+v", c)
	}
	m = paypal.System{}.Map([]system.Object{customer(`"email_address":"none","name":{"full_name":"Lee Ltd."},"shipping_address":{"address":{"country_code":"XX"}}`)}, system.Settings{})
	c, _ = m.Records[0].(*billing.Customer)
	if c.Name != "Lee Ltd." || c.Email != "" || c.Country != "" || !slices.Equal(codes(m), []string{paypal.CodeEmail, paypal.CodeCountry}) {
		t.Errorf("%+v, %+v", c, m.Issues)
	}
	m = paypal.System{}.Map([]system.Object{customer(`"shipping_address":{"address":{"country_code":"C2"}}`)}, system.Settings{})
	if c, _ = m.Records[0].(*billing.Customer); c.Country != "CN" {
		t.Errorf("%+v", c)
	}
	if m := (paypal.System{}).Map([]system.Object{payment("A", "01-01", "1.00", "")}, system.Settings{}); len(m.Records) != 0 || m.Left[paypal.LeftOfNobody] != 1 {
		t.Errorf("%+v", m)
	}
}

func TestMapCatalog(t *testing.T) {
	t.Parallel()
	plan := func(id, cycles string) system.Object {
		return with(paypal.Plans, "", fmt.Sprintf(`{"id":%q,"name":"Pro","billing_cycles":%s}`, id, cycles), "")
	}
	m := paypal.System{}.MapCatalog([]system.Object{
		plan("P1", `[{"tenure_type":"REGULAR","sequence":2,"frequency":{"interval_unit":"WEEK","interval_count":2}},{"tenure_type":"TRIAL","sequence":1,"frequency":{"interval_unit":"DAY"}}]`),
		plan("P2", `[{"tenure_type":"REGULAR","sequence":1,"frequency":{"interval_unit":"YEAR"}}]`),
		plan("P3", `[{"tenure_type":"REGULAR","sequence":1,"frequency":{"interval_unit":"MOON"}}]`),
		plan("P4", `null`),
		plan("P5", `{}`),
	}, system.Settings{})
	var got []string
	for _, r := range m.Records {
		p, _ := r.(*billing.Plan)
		got = append(got, fmt.Sprintf("%s %s %d %s", p.ExternalID, p.Name, p.IntervalCount, p.IntervalUnit))
	}
	if !slices.Equal(got, []string{"P1 Pro 14 day", "P2 Pro 1 year"}) || !slices.Equal(codes(m), []string{paypal.CodeInterval, paypal.CodeInterval, paypal.CodeBadObject}) {
		t.Errorf("%q, %+v", got, m.Issues)
	}
}

// A cycle that begins on the last day of a month goes on at the last days of others.
func TestCyclesOfMonths(t *testing.T) {
	t.Parallel()
	start := time.Date(2024, 1, 31, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		count int
		unit  string
		want  string
	}{{1, "month", "2024-02-29"}, {2, "month", "2024-03-31"}, {3, "month", "2024-04-30"}, {13, "month", "2025-02-28"}, {1, "year", "2025-01-31"}, {30, "day", "2024-03-01"}} {
		if got := paypal.Later(start, tt.count, tt.unit).Format(time.DateOnly); got != tt.want {
			t.Errorf("%d %s: %s, want %s", tt.count, tt.unit, got, tt.want)
		}
	}
}
