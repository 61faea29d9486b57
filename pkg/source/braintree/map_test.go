package braintree_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/source/braintree"
	"reseed/pkg/source/system"
)

func object(s system.Stream, text string) system.Object {
	return system.Object{Stream: s, JSON: json.RawMessage(strings.Replace(text, "{", `{"control_panel":"https://panel.test/merchants/m",`, 1))}
}

var ann = object(braintree.Customers, `{"id":"c1","first_name":"Ann","last_name":"Lee","custom_fields":{"b":"2","a":"1","n":null}}`)

// sale is a settled sale of one customer; more is put behind its usual fields, and replaces them.
func sale(id, amount, more string) system.Object {
	text := fmt.Sprintf(`{"id":%q,"type":"sale","status":"settled","currency_iso_code":"EUR","amount":%q,"created_at":"2026-01-0%sT10:00:00Z","customer":{"id":"c1"}`, id, amount, id[1:])
	fields := map[string]json.RawMessage{}
	for _, t := range []string{text + "}", "{" + more + "}"} {
		if err := json.Unmarshal([]byte(t), &fields); err != nil {
			panic(err)
		}
	}
	all, _ := json.Marshal(fields)
	return object(braintree.Transactions, string(all))
}

const (
	ofSubscription = `"subscription_id":"s1","plan_id":"p1","subscription":{"billing_period_start_date":"2026-01-01","billing_period_end_date":"2026-01-31"}`
	declined       = `"status":"processor_declined"`
)

func subscription(more string) system.Object {
	return object(braintree.Subscriptions, `{"id":"s1","payment_method_token":"k1",`+more+`}`)
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
				period = fmt.Sprintf(" %s %s %s..%s %t", r.SubscriptionExternalID, r.PlanExternalID, r.ServicePeriodStart.Format("01-02"), r.ServicePeriodEnd.Format("01-02"), r.Prorated)
			}
			all = append(all, fmt.Sprintf("line %s %d-%d+%d%s", r.ExternalID, r.AmountInCents, r.DiscountAmountInCents, r.TaxAmountInCents, period))
		case *billing.Transaction:
			all = append(all, fmt.Sprintf("%s %s %s %s %d", r.Type, r.InvoiceExternalID, r.ExternalID, r.Result, *r.AmountInCents))
		case *billing.Event:
			all = append(all, fmt.Sprintf("%s %s %s %s", r.Type, r.ExternalID, r.Date.Format("01-02"), r.EffectiveDate.Format("01-02")))
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
	issued := system.Settings{Invoices: system.Issued}
	for name, tt := range map[string]struct {
		settings system.Settings
		objects  []system.Object
		want     []string // without the customer
		codes    []string
		left     string
	}{
		"a sale with tax and discount": {
			objects: []system.Object{sale("t1", "10.80", `"tax_amount":"1.80","discount_amount":"1.00"`)},
			want:    []string{"invoice t1 paid EUR 01-01", "line t1 1080-100+180", "payment t1 t1 successful 1080"},
		},
		"a subscription with discounts": {
			objects: []system.Object{sale("t1", "8.00", ofSubscription+`,"discounts":[{"amount":"1.00","quantity":2}]`)},
			want:    []string{"invoice t1 paid EUR 01-01", "line t1 800-200+0 s1 p1 01-01..02-01 false", "payment t1 t1 successful 800"},
		},
		"tries of one period": {
			objects: []system.Object{sale("t3", "30.00", ofSubscription), sale("t1", "30.00", ofSubscription+","+declined), sale("t2", "30.00", ofSubscription+","+declined)},
			want: []string{
				"invoice t1 paid EUR 01-01", "line t1 3000-0+0 s1 p1 01-01..02-01 false",
				"payment t1 t1 failed 3000", "payment t1 t2 failed 3000", "payment t1 t3 successful 3000",
			},
		},
		"a try of another amount that names the first": {
			objects: []system.Object{sale("t1", "30.00", ofSubscription+","+declined), sale("t2", "40.00", ofSubscription+`,"retried_transaction_id":"t1"`)},
			want:    []string{"invoice t1 paid EUR 01-01", "line t1 3000-0+0 s1 p1 01-01..02-01 false", "payment t1 t1 failed 3000", "payment t1 t2 successful 4000"},
			codes:   []string{braintree.CodePaymentsExceed},
		},
		"a try of less": {
			settings: system.Settings{Invoices: system.PartlyPaid},
			objects:  []system.Object{sale("t1", "30.00", declined), sale("t2", "10.00", `"retried_transaction_id":"t1"`)},
			want:     []string{"invoice t1 open EUR 01-01", "line t1 3000-0+0", "payment t1 t1 failed 3000", "payment t1 t2 successful 1000"},
		},
		"an upgrade in mid-period": {
			objects: []system.Object{sale("t1", "10.00", ofSubscription), sale("t5", "9.00", ofSubscription), sale("t6", "10.00", ofSubscription)},
			want: []string{
				"invoice t1 paid EUR 01-01", "invoice t5 paid EUR 01-05", "invoice t6 paid EUR 01-06",
				"line t1 1000-0+0 s1 p1 01-01..02-01 false", "line t5 900-0+0 s1 p1 01-05..02-01 true", "line t6 1000-0+0 s1 p1 01-01..02-01 false",
				"payment t1 t1 successful 1000", "payment t5 t5 successful 900", "payment t6 t6 successful 1000",
			},
		},
		"failed sales": {
			settings: issued,
			objects:  []system.Object{sale("t1", "10.00", declined), sale("t2", "10.00", ofSubscription+","+declined)},
			want:     []string{"invoice t2 open EUR 01-02", "line t2 1000-0+0 s1 p1 01-01..02-01 false", "payment t2 t2 failed 1000"},
			left:     braintree.LeftFailed,
		},
		"on its way": {objects: []system.Object{sale("t1", "10.00", `"status":"submitted_for_settlement"`)}, left: system.LeftOpen},
		"on its way, but counted": {
			settings: issued,
			objects:  []system.Object{sale("t1", "10.00", `"status":"submitted_for_settlement"`)},
			want:     []string{"invoice t1 open EUR 01-01", "line t1 1000-0+0"},
		},
		"void": {
			objects: []system.Object{sale("t1", "10.00", `"status":"voided"`)},
			want:    []string{"invoice t1 voided EUR 01-01", "line t1 1000-0+0"},
		},
		"void, and left out": {settings: system.Settings{WithoutVoided: true}, objects: []system.Object{sale("t1", "10.00", `"status":"voided"`)}, left: system.LeftVoided},
		"refunds": {
			objects: []system.Object{
				sale("t1", "10.00", ""), sale("t2", "3.00", `"type":"credit","refunded_transaction_id":"t1"`), sale("t3", "7.00", `"type":"credit","refunded_transaction_id":"t1"`),
				sale("t4", "1.00", `"type":"credit","refunded_transaction_id":"t1","status":"settlement_declined"`), sale("t5", "1.00", `"type":"credit","refunded_transaction_id":"t1","status":"authorized"`),
			},
			want: []string{
				"invoice t1 refunded EUR 01-01", "line t1 1000-0+0",
				"payment t1 t1 successful 1000", "refund t1 t2 successful 300", "refund t1 t3 successful 700", "refund t1 t4 failed 100",
			},
			codes: []string{braintree.CodePendingRefund},
		},
		"refunded, and left out": {
			settings: system.Settings{WithoutRefunded: true},
			objects:  []system.Object{sale("t1", "10.00", ""), sale("t2", "10.00", `"type":"credit","refunded_transaction_id":"t1"`)},
			left:     system.LeftRefunded,
		},
		"money to a customer for nothing": {
			objects: []system.Object{sale("t1", "3.00", `"type":"credit"`)},
			want:    []string{"invoice t1 paid EUR 01-01", "line t1 -300-0+0", "refund t1 t1 successful 300"},
		},
		"money to a customer, on its way": {objects: []system.Object{sale("t1", "3.00", `"type":"credit","status":"settlement_pending"`)}, codes: []string{braintree.CodePendingRefund}},
		"money to a customer, not taken":  {objects: []system.Object{sale("t1", "3.00", `"type":"credit","status":"failed"`)}, left: braintree.LeftFailed},
		"a refund of what is not there":   {objects: []system.Object{sale("t1", "3.00", `"type":"credit","refunded_transaction_id":"t9"`)}, left: braintree.LeftOutsideInvoices},
		"disputes": {
			objects: []system.Object{sale("t1", "10.00", `"disputes":[
				{"id":"d1","status":"lost","kind":"chargeback","amount_disputed":"9.00","amount_won":"4.00","currency_iso_code":"EUR","received_date":"2026-02-01"},
				{"id":"d2","status":"open","kind":"chargeback","amount_disputed":"9.00","currency_iso_code":"EUR"},
				{"id":"d3","status":"won","kind":"chargeback","amount_disputed":"9.00","currency_iso_code":"EUR"},
				{"id":"d4","status":"lost","kind":"retrieval","amount_disputed":"9.00","currency_iso_code":"EUR"}]`)},
			want:  []string{"invoice t1 paid EUR 01-01", "line t1 1000-0+0", "payment t1 t1 successful 1000", "refund t1 d1 successful 500"},
			codes: []string{braintree.CodeOpenDispute},
		},
		"more back than paid": {
			objects: []system.Object{sale("t1", "10.00", ""), sale("t2", "11.00", `"type":"credit","refunded_transaction_id":"t1"`)},
			want:    []string{"invoice t1 refunded EUR 01-01", "line t1 1000-0+0", "payment t1 t1 successful 1000", "refund t1 t2 successful 1100"},
			codes:   []string{braintree.CodeRefundsExceed},
		},
		"settled in parts": {
			objects: []system.Object{sale("t1", "10.00", `"partial_settlement_transaction_ids":["t2"]`), sale("t2", "10.00", `"authorized_transaction_id":"t1"`)},
			want:    []string{"invoice t2 paid EUR 01-02", "line t2 1000-0+0", "payment t2 t2 successful 1000"},
			left:    braintree.LeftAuthorization,
		},
		"another currency": {
			objects: []system.Object{sale("t1", "10.00", ""), sale("t2", "3.00", `"type":"credit","refunded_transaction_id":"t1","currency_iso_code":"USD"`)},
			codes:   []string{braintree.CodeMixedCurrencies},
		},
		"an unknown currency":    {objects: []system.Object{sale("t1", "10.00", `"currency_iso_code":"XYZ"`)}, codes: []string{braintree.CodeCurrency}},
		"too many decimals":      {objects: []system.Object{sale("t1", "10.001", "")}, codes: []string{braintree.CodeAmount}},
		"decimals that yen lack": {objects: []system.Object{sale("t1", "10.50", `"currency_iso_code":"JPY"`)}, codes: []string{braintree.CodeAmount}},
		"no number":              {objects: []system.Object{sale("t1", "ten", "")}, codes: []string{braintree.CodeAmount}},
		"many discounts":         {objects: []system.Object{sale("t1", "10.00", `"discounts":[{"amount":"90000000000000.00","quantity":9000000000000000000}]`)}, codes: []string{braintree.CodeAmount}},
		"a number in place of a text": {
			objects: []system.Object{sale("t1", "0", `"currency_iso_code":"JPY","amount":500`)},
			want:    []string{"invoice t1 paid JPY 01-01", "line t1 500-0+0", "payment t1 t1 successful 500"},
		},
		"more tax than amount": {objects: []system.Object{sale("t1", "1.00", `"tax_amount":"1.01"`)}, codes: []string{braintree.CodeLinesDiffer}},
		"no plan":              {objects: []system.Object{sale("t1", "1.00", ofSubscription+`,"plan_id":null`)}, codes: []string{braintree.CodeNoPlan}},
		"no period":            {objects: []system.Object{sale("t1", "1.00", ofSubscription+`,"subscription":null`)}, codes: []string{braintree.CodeNoPeriod}},
		"no time":              {objects: []system.Object{sale("t1", "1.00", `"created_at":null`)}, codes: []string{braintree.CodeBadObject}},
		"another type":         {objects: []system.Object{sale("t1", "1.00", `"plan_id":{"id":"p1"}`)}, codes: []string{braintree.CodeBadObject}},
		"an unknown status":    {objects: []system.Object{sale("t1", "1.00", `"status":"frozen"`)}, codes: []string{braintree.CodeWord}},
		"an unknown type":      {objects: []system.Object{sale("t1", "1.00", `"type":"gift"`)}, codes: []string{braintree.CodeWord}},
		"cancelled": {
			objects: []system.Object{subscription(`"status":"Canceled","status_history":[{"timestamp":"2026-01-09T00:00:00Z","status":"Canceled"},{"timestamp":"2026-01-05T00:00:00Z","status":"Canceled"},{"timestamp":"2026-01-01T00:00:00Z","status":"Active"}]`)},
			want:    []string{"subscription_cancelled s1:cancelled 01-05 01-05"},
		},
		"cancelled without a history": {objects: []system.Object{subscription(`"status":"Canceled","status_history":null`)}, codes: []string{braintree.CodeNoEnd}},
		"the last cycle": {
			objects: []system.Object{subscription(`"status":"Active","current_billing_cycle":3,"number_of_billing_cycles":3,"never_expires":false,"billing_period_start_date":"2026-01-01","billing_period_end_date":"2026-01-31"`)},
			want:    []string{"subscription_cancellation_scheduled s1:cancels 01-01 02-01"},
		},
		"one cycle before the last": {objects: []system.Object{subscription(`"status":"Active","current_billing_cycle":2,"number_of_billing_cycles":3,"never_expires":false,"billing_period_end_date":"2026-01-31"`)}},
		"without an end":            {objects: []system.Object{subscription(`"status":"Past Due","never_expires":true`)}},
		"not begun":                 {objects: []system.Object{subscription(`"status":"Pending","never_expires":true`)}},
		"an unknown end":            {objects: []system.Object{subscription(`"status":"Sleeping"`)}, codes: []string{braintree.CodeStatus}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := braintree.System{}.Map(append(tt.objects, ann, object(braintree.PaymentMethods, `{"token":"k1","customer_id":"c1"}`)), tt.settings)
			got := short(m)
			if len(got) == 0 || got[0] != "customer c1 Ann Lee" || !slices.Equal(got[1:], tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if !slices.Equal(codes(m), tt.codes) {
				t.Errorf("%+v, want %q", m.Issues, tt.codes)
			}
			for _, i := range m.Issues {
				if i.Rejects != (i.Record != "") || !strings.HasPrefix(i.Link, "https://panel.test/merchants/m/") {
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
	address := `"addresses":[{"country_code_alpha2":"US","region":"CA","locality":"San Jose","postal_code":"95131"},{"country_code_alpha2":"AT"}]`
	trial := object(braintree.Subscriptions, `{"id":"s1","status":"Active","never_expires":true,"trial_period":true,"trial_duration":1,"trial_duration_unit":"month","first_billing_date":"2026-03-01"}`)
	later := object(braintree.Subscriptions, `{"id":"s2","status":"Active","never_expires":true,"trial_period":true,"trial_duration":14,"trial_duration_unit":"day","first_billing_date":"2026-03-01"}`)
	m := braintree.System{}.Map([]system.Object{object(braintree.Customers, `{"id":"c1","company":"Lee","website":"https://lee.test","email":"ann@example.com",`+address+`}`), trial, later}, system.Settings{})
	c, _ := m.Records[0].(*billing.Customer)
	if c.Company != "Lee" || c.WebsiteURL != "https://lee.test" || c.Email != "ann@example.com" || c.Country != "US" || c.State != "US-CA" || c.City != "San Jose" || c.Zip != "95131" ||
		c.FreeTrialStartedAt.Format("2006-01-02") != "2026-02-01" || c.LeadCreatedAt != c.FreeTrialStartedAt {
		t.Errorf("%+v", c)
	}
	odd := object(braintree.Customers, `{"id":"c1","email":"no address","addresses":[{"country_code_alpha2":"XX"}],"custom_fields":""}`)
	if m = (braintree.System{}).Map([]system.Object{odd}, system.Settings{Metadata: true}); !slices.Equal(codes(m), []string{braintree.CodeEmail, braintree.CodeCountry}) && !slices.Equal(codes(m), []string{braintree.CodeCountry, braintree.CodeEmail}) {
		t.Errorf("%+v", m.Issues)
	}
	for metadata, want := range map[bool]string{true: `{"a":"1","b":"2"}`, false: ""} {
		if c, _ := (braintree.System{}).Map([]system.Object{ann}, system.Settings{Metadata: metadata}).Records[0].(*billing.Customer); c.CustomAttributes != want {
			t.Errorf("%+v", c)
		}
	}
}

// A customer that is deleted is known by its transactions only.
func TestMapDeletedCustomer(t *testing.T) {
	t.Parallel()
	objects := []system.Object{sale("t2", "5.00", `"customer":{"id":"c1","first_name":"Ann","last_name":"Berg"}`), sale("t1", "5.00", `"customer":{"id":"c1","first_name":"Ann","last_name":"Lee"}`)}
	if m := (braintree.System{}).Map(objects, system.Settings{}); len(m.Records) != 0 || len(m.Issues) != 0 || m.Left[braintree.LeftDeletedCustomer] != 1 {
		t.Errorf("%+v", m)
	}
	m := braintree.System{}.Map(objects, system.Settings{DeletedCustomers: true})
	if got := short(m); len(got) != 7 || got[0] != "customer c1 Ann Berg" {
		t.Errorf("%q", got)
	}
	if m := (braintree.System{}).Map([]system.Object{sale("t1", "5.00", `"customer":{"id":null}`)}, system.Settings{}); len(m.Records) != 0 || m.Left[braintree.LeftOfNobody] != 1 {
		t.Errorf("%+v", m)
	}
}

func TestMapCatalog(t *testing.T) {
	t.Parallel()
	m := braintree.System{}.MapCatalog([]system.Object{
		object(braintree.Plans, `{"id":"p1","name":"Pro","billing_frequency":3}`),
		object(braintree.Plans, `{"id":"p2","billing_frequency":12}`),
		object(braintree.Plans, `{"id":"p3","billing_frequency":null}`),
		object(braintree.Plans, `{"id":"p4","billing_frequency":"monthly"}`),
	}, system.Settings{})
	var got []string
	for _, r := range m.Records {
		p, _ := r.(*billing.Plan)
		got = append(got, fmt.Sprintf("%s %s %d %s", p.ExternalID, p.Name, p.IntervalCount, p.IntervalUnit))
	}
	if !slices.Equal(got, []string{"p1 Pro 3 month", "p2 p2 12 month"}) || !slices.Equal(codes(m), []string{braintree.CodeInterval, braintree.CodeBadObject}) || m.Issues[0].Record != "p3" {
		t.Errorf("%q, %+v", got, m.Issues)
	}
}

func TestBelongsTo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		object system.Object
		want   system.Belongs
	}{
		{object(braintree.Plans, `{"id":"p1"}`), system.Belongs{Own: "p1", Catalog: true}},
		{ann, system.Belongs{Own: "c1", Customer: "c1", Self: true}},
		{object(braintree.PaymentMethods, `{"token":"k1","customer_id":"c1"}`), system.Belongs{Own: "k1", Customer: "c1"}},
		{sale("t1", "5.00", ""), system.Belongs{Own: "t1", Customer: "c1"}},
		{sale("t1", "5.00", `"customer":{"id":null}`), system.Belongs{Own: "t1"}},
		{subscription(`"transactions":[{"customer":{"id":"c1"}}]`), system.Belongs{Own: "s1", Customer: "c1"}},
		{subscription(`"transactions":[]`), system.Belongs{Own: "s1", Stream: braintree.PaymentMethods, ID: "k1"}},
		{object(braintree.Subscriptions, `{"id":"s1","payment_method_token":null}`), system.Belongs{Own: "s1"}},
	} {
		if got, err := (braintree.System{}).BelongsTo(tt.object); got != tt.want || err != nil {
			t.Errorf("%s: %+v, %v; want %+v", tt.object.JSON, got, err, tt.want)
		}
	}
	if _, err := (braintree.System{}).BelongsTo(system.Object{Stream: braintree.Plans, JSON: json.RawMessage(`[]`)}); err == nil {
		t.Error("a list is taken for an object")
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	good := map[string]string{"merchant_id": "m_1", "public_key": "abc", "private_key": "def"}
	if _, err := (braintree.System{}).Open(system.Connection{Credentials: good, Place: "Sandbox"}); err != nil {
		t.Error(err)
	}
	if _, err := (braintree.System{}).Open(system.Connection{Credentials: good, Place: "Moon"}); err == nil {
		t.Error("any place is taken")
	}
	for _, name := range []string{"merchant_id", "public_key", "private_key"} {
		for _, bad := range []string{"", "secret bad", "a:b", "x\r\nY: z"} {
			c := map[string]string{"merchant_id": "m_1", "public_key": "abc", "private_key": "def"}
			c[name] = bad
			_, err := braintree.System{}.Open(system.Connection{Credentials: c})
			if err == nil || bad != "" && strings.Contains(err.Error(), bad) {
				t.Errorf("%s %q: %v", name, bad, err)
			}
		}
	}
}
