package stripe_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

var mapping stripe.System

func object(s system.Stream, text string) system.Object {
	return system.Object{Stream: s, JSON: json.RawMessage(text)}
}

func partOf(parent string, s system.Stream, text string) system.Object {
	return system.Object{Stream: s, Parent: parent, JSON: json.RawMessage(text)}
}

var ann = object(stripe.Customers, `{"id":"cus_1","name":"Ann","metadata":{"b":"2","a":"1"}}`)

// bill is an invoice of one customer; more is put behind its usual fields, and replaces them.
func bill(total int64, lines, more string) system.Object {
	text := fmt.Sprintf(`{"id":"in_1","customer":"cus_1","currency":"eur","status":"paid","created":1700000000,"total":%d,"amount_paid":0,"lines":{"data":[%s]}`, total, lines)
	if more != "" {
		text += "," + more
	}
	return object(stripe.Invoices, text+"}")
}

// renamed gives an object another id.
func renamed(id string, o system.Object) system.Object {
	_, rest, _ := strings.Cut(string(o.JSON), ",")
	return object(o.Stream, fmt.Sprintf(`{"id":%q,%s`, id, rest))
}

const (
	line = `{"id":"il_1","amount":1000,"currency":"eur"}`
	paid = `"amount_paid":1000,"payments":{"data":[{"id":"inpay_1","amount_paid":1000,"currency":"eur","status":"paid","created":1700000000,"payment":{"payment_intent":"pi_1"}}]}`
)

// short spells records so that a test can say what it wants.
func short(m system.Mapped) []string {
	var all []string
	for _, r := range m.Records {
		switch r := r.(type) {
		case *billing.Customer:
			all = append(all, strings.TrimSpace(fmt.Sprintf("customer %s %s %s", r.ExternalID, r.Name, r.Country)))
		case *billing.Invoice:
			all = append(all, fmt.Sprintf("invoice %s %s %s %s", r.ExternalID, r.Status, r.Currency, r.Date.Format("2006-01-02")))
		case *billing.LineItem:
			all = append(all, strings.TrimSpace(fmt.Sprintf("line %s %s %d-%d+%d %d× %s %s", r.ExternalID, r.Type, r.AmountInCents, r.DiscountAmountInCents, r.TaxAmountInCents,
				r.Quantity, r.SubscriptionExternalID, r.PlanExternalID)))
		case *billing.Transaction:
			all = append(all, fmt.Sprintf("%s %s %s %d", r.Type, r.ExternalID, r.Result, *r.AmountInCents))
		case *billing.Event:
			all = append(all, fmt.Sprintf("%s %s %d %d", r.Type, r.ExternalID, r.Date.Unix(), r.EffectiveDate.Unix()))
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
	for name, tt := range map[string]struct {
		settings system.Settings
		objects  []system.Object
		want     []string // without the customer
		codes    []string
		left     string
	}{
		"discount, tax on top": {
			objects: []system.Object{bill(1080, `{"id":"il_1","amount":1000,"currency":"eur","quantity":3,"discount_amounts":[{"amount":100}],
				"pretax_credit_amounts":[{"amount":100,"type":"discount"}],"taxes":[{"amount":180,"tax_behavior":"exclusive"}]}`, "")},
			want: []string{"invoice in_1 paid EUR 2023-11-14", "line il_1 one_time 1080-100+180 3×"},
		},
		"tax inside, credit, shipping": {
			objects: []system.Object{bill(1450, `{"id":"il_1","amount":1000,"currency":"eur","pretax_credit_amounts":[{"amount":50,"type":"credit_balance_transaction"}],
				"taxes":[{"amount":160,"tax_behavior":"inclusive"}]}`, `"shipping_cost":{"amount_total":500,"amount_tax":80}`)},
			want: []string{"invoice in_1 paid EUR 2023-11-14", "line il_1 one_time 950-50+160 1×", "line in_1:shipping one_time 500-0+80 1×"},
		},
		"time of finalisation; the rest of the lines": {
			objects: []system.Object{
				bill(1500, line, `"status_transitions":{"finalized_at":1700100000}`),
				partOf("in_1", stripe.Lines, `{"id":"il_2","amount":500,"currency":"eur"}`), partOf("in_1", stripe.Lines, line),
			},
			want: []string{"invoice in_1 paid EUR 2023-11-16", "line il_1 one_time 1000-0+0 1×", "line il_2 one_time 500-0+0 1×"},
		},
		"proration of an item that is found by its price": {
			objects: []system.Object{
				object(stripe.Subscriptions, `{"id":"sub_1","customer":"cus_1","status":"active","items":{"data":[{"id":"si_2","price":{"id":"price_2"}},{"id":"si_1","price":{"id":"price_1"}}]}}`),
				bill(10, `{"id":"il_1","amount":10,"currency":"eur","period":{"start":1,"end":2},"pricing":{"price_details":{"price":{"id":"price_2"}}},
					"parent":{"type":"invoice_item_details","invoice_item_details":{"proration":true,"subscription":"sub_1"}}}`, ""),
			},
			want: []string{"invoice in_1 paid EUR 2023-11-14", "line il_1 subscription 10-0+0 1× si_2 price_2"},
		},
		"an item of an invoice that is no proration": {
			objects: []system.Object{bill(10, `{"id":"il_1","amount":10,"currency":"eur","quantity":0,"parent":{"type":"invoice_item_details","invoice_item_details":{"proration":false,"subscription":"sub_1"}}}`, "")},
			want:    []string{"invoice in_1 paid EUR 2023-11-14", "line il_1 one_time 10-0+0 1×"}, codes: []string{stripe.CodeQuantity},
		},
		"a subscription without a price": {
			objects: []system.Object{bill(10, `{"id":"il_1","amount":10,"currency":"eur","parent":{"subscription_item_details":{"subscription":"sub_1","subscription_item":"si_1"}}}`, "")},
			codes:   []string{stripe.CodeNoPrice},
		},
		"part of it refunded": {
			objects: []system.Object{bill(1000, line, paid), object(stripe.Refunds, `{"id":"re_1","amount":400,"currency":"eur","status":"succeeded","payment_intent":"pi_1","charge":"ch_1"}`)},
			want:    []string{"invoice in_1 paid EUR 2023-11-14", "line il_1 one_time 1000-0+0 1×", "payment inpay_1 successful 1000", "refund re_1 successful 400"},
		},
		"refunded by refund, lost dispute and outside of Stripe": {
			objects: []system.Object{
				bill(1000, line, paid),
				object(stripe.Charges, `{"id":"ch_1","customer":"cus_1","payment_intent":"pi_1","status":"succeeded"}`),
				object(stripe.Refunds, `{"id":"re_1","amount":400,"currency":"eur","status":"succeeded","charge":"ch_1"}`),
				object(stripe.Refunds, `{"id":"re_2","amount":5,"currency":"eur","status":"failed","charge":"ch_1"}`),
				object(stripe.Refunds, `{"id":"re_3","amount":5,"currency":"eur","status":"canceled","charge":"ch_1"}`),
				object(stripe.Refunds, `{"id":"re_4","amount":5,"currency":"eur","status":"pending","charge":"ch_1"}`),
				object(stripe.Disputes, `{"id":"du_1","amount":500,"currency":"eur","status":"lost","charge":"ch_1"}`),
				object(stripe.Disputes, `{"id":"du_2","amount":500,"currency":"eur","status":"won","charge":"ch_1"}`),
				object(stripe.Disputes, `{"id":"du_3","amount":500,"currency":"eur","status":"under_review","charge":"ch_1"}`),
				object(stripe.CreditNotes, `{"id":"cn_1","currency":"eur","status":"issued","customer":"cus_1","invoice":"in_1","out_of_band_amount":100}`),
				object(stripe.CreditNotes, `{"id":"cn_2","currency":"eur","status":"void","customer":"cus_1","invoice":"in_1","out_of_band_amount":100}`),
				object(stripe.CreditNotes, `{"id":"cn_3","currency":"eur","status":"issued","customer":"cus_1","invoice":"in_1","pre_payment_amount":7}`),
			},
			want: []string{
				"invoice in_1 refunded EUR 2023-11-14", "line il_1 one_time 1000-0+0 1×", "payment inpay_1 successful 1000",
				"refund re_1 successful 400", "refund re_2 failed 5", "refund du_1 successful 500", "refund cn_1 successful 100",
			},
			codes: []string{stripe.CodeCreditNote, stripe.CodeOpenDispute, stripe.CodePendingRefund},
		},
		"refunded ones are left out": {
			settings: system.Settings{WithoutRefunded: true},
			objects:  []system.Object{bill(1000, line, paid), object(stripe.Refunds, `{"id":"re_1","amount":1000,"currency":"eur","status":"succeeded","payment_intent":"pi_1"}`)},
			left:     system.LeftRefunded,
		},
		"a failed payment": {
			objects: []system.Object{bill(1000, line, paid), object(stripe.Charges, `{"id":"ch_0","customer":"cus_1","payment_intent":"pi_1","status":"failed","amount":1000,"currency":"eur"}`)},
			want:    []string{"invoice in_1 paid EUR 2023-11-14", "line il_1 one_time 1000-0+0 1×", "payment inpay_1 successful 1000", "payment ch_0 failed 1000"},
		},
		"paid outside of Stripe": {
			objects: []system.Object{bill(1000, line, `"amount_paid":1000`)},
			want:    []string{"invoice in_1 paid EUR 2023-11-14", "line il_1 one_time 1000-0+0 1×", "payment in_1:outside successful 1000"}, codes: []string{stripe.CodePaidOutside},
		},
		"one payment of two invoices, refunded": {
			objects: []system.Object{
				bill(1000, line, paid), renamed("in_2", bill(1000, `{"id":"il_2","amount":1000,"currency":"eur"}`, strings.Replace(paid, "inpay_1", "inpay_2", 1))),
				object(stripe.Refunds, `{"id":"re_1","amount":400,"currency":"eur","status":"succeeded","payment_intent":"pi_1"}`),
			},
			want: []string{
				"invoice in_1 paid EUR 2023-11-14", "invoice in_2 paid EUR 2023-11-14", "line il_1 one_time 1000-0+0 1×", "line il_2 one_time 1000-0+0 1×",
				"payment inpay_1 successful 1000", "payment inpay_2 successful 1000",
			},
			codes: []string{stripe.CodeSeveralInvoices},
		},
		"money without an invoice": {
			objects: []system.Object{object(stripe.Refunds, `{"id":"re_1","amount":400,"currency":"eur","status":"succeeded","payment_intent":"pi_9"}`)},
			left:    stripe.LeftOutsideInvoices,
		},
		"a draft":                    {objects: []system.Object{bill(1000, line, `"status":"draft"`)}, left: stripe.LeftDraft},
		"an open one":                {objects: []system.Object{bill(1000, line, `"status":"open"`)}, left: system.LeftOpen},
		"an open one, partly paid":   {objects: []system.Object{bill(1000, line, `"status":"open"`)}, settings: system.Settings{Invoices: system.PartlyPaid}, left: system.LeftOpen},
		"a void one is left out":     {objects: []system.Object{bill(1000, line, `"status":"void"`)}, settings: system.Settings{WithoutVoided: true}, left: system.LeftVoided},
		"an uncollectible one, too":  {objects: []system.Object{bill(1000, line, `"status":"uncollectible"`)}, settings: system.Settings{WithoutUncollectible: true}, left: system.LeftUncollectible},
		"a void one":                 {objects: []system.Object{bill(0, "", `"status":"void"`)}, want: []string{"invoice in_1 voided EUR 2023-11-14"}},
		"an uncollectible one":       {objects: []system.Object{bill(0, "", `"status":"uncollectible"`)}, want: []string{"invoice in_1 written_off EUR 2023-11-14"}},
		"an open one that is issued": {objects: []system.Object{bill(0, "", `"status":"open"`)}, settings: system.Settings{Invoices: system.Issued}, want: []string{"invoice in_1 open EUR 2023-11-14"}},
		"an unknown status":          {objects: []system.Object{bill(0, "", `"status":"new"`)}, want: []string{"invoice in_1  EUR 2023-11-14"}, codes: []string{stripe.CodeStatus}},
		"an unknown currency":        {objects: []system.Object{bill(0, "", `"currency":"xyz"`)}, codes: []string{stripe.CodeCurrency}},
		"two currencies":             {objects: []system.Object{bill(1000, `{"id":"il_1","amount":1000,"currency":"usd"}`, "")}, codes: []string{stripe.CodeMixedCurrencies}},
		"lines that differ":          {objects: []system.Object{bill(1001, line, "")}, codes: []string{stripe.CodeLinesDiffer}},
		"no lines":                   {objects: []system.Object{bill(0, "", `"lines":null`)}, codes: []string{stripe.CodeNoLines}},
		"a fraction of a cent":       {objects: []system.Object{bill(1, `{"id":"il_1","amount":1.5,"currency":"eur"}`, "")}, codes: []string{stripe.CodeBadObject, stripe.CodeBadObject}},
		"more than an integer":       {objects: []system.Object{bill(1, line, `"total":99999999999999999999`)}, codes: []string{stripe.CodeBadObject}},
		"króna":                      {objects: []system.Object{bill(50000, `{"id":"il_1","amount":50000,"currency":"isk"}`, `"currency":"isk"`)}, want: []string{"invoice in_1 paid ISK 2023-11-14", "line il_1 one_time 500-0+0 1×"}},
		"half a króna":               {objects: []system.Object{bill(50, `{"id":"il_1","amount":50,"currency":"isk"}`, `"currency":"isk"`)}, codes: []string{stripe.CodeAmount}},
		"shilling":                   {objects: []system.Object{bill(700, `{"id":"il_1","amount":700,"currency":"ugx"}`, `"currency":"ugx"`)}, want: []string{"invoice in_1 paid UGX 2023-11-14", "line il_1 one_time 7-0+0 1×"}},
		"ariary":                     {objects: []system.Object{bill(5, `{"id":"il_1","amount":5,"currency":"mga"}`, `"currency":"mga"`)}, want: []string{"invoice in_1 paid MGA 2023-11-14", "line il_1 one_time 500-0+0 1×"}},
		"an ended subscription": {
			objects: []system.Object{object(stripe.Subscriptions, `{"id":"sub_1","customer":"cus_1","status":"canceled","canceled_at":100,"ended_at":200,"items":{"data":[{"id":"si_1"},{"id":"si_2"}]}}`)},
			want:    []string{"subscription_cancelled si_1:cancelled 100 200", "subscription_cancelled si_2:cancelled 100 200"},
		},
		"one that will end with its period": {
			objects: []system.Object{object(stripe.Subscriptions, `{"id":"sub_1","customer":"cus_1","status":"active","cancel_at_period_end":true,"canceled_at":100,"items":{"data":[{"id":"si_1","current_period_end":300}]}}`)},
			want:    []string{"subscription_cancellation_scheduled si_1:cancels 100 300"},
		},
		"one that will end on a day": {
			objects: []system.Object{object(stripe.Subscriptions, `{"id":"sub_1","customer":"cus_1","status":"trialing","cancel_at":400,"items":{"data":[{"id":"si_1"}]}}`)},
			want:    []string{"subscription_cancellation_scheduled si_1:cancels 400 400"},
		},
		"one that never began": {
			objects: []system.Object{object(stripe.Subscriptions, `{"id":"sub_1","customer":"cus_1","status":"incomplete_expired","ended_at":400,"items":{"data":[{"id":"si_1"}]}}`)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mapping.Map(append(slices.Clone(tt.objects), ann), tt.settings)
			if got := short(m); !slices.Equal(got, append([]string{"customer cus_1 Ann"}, tt.want...)) || !slices.Equal(codes(m), tt.codes) {
				t.Errorf("%s\n%+v", strings.Join(got, "\n"), m.Issues)
			}
			if len(m.Left) > 1 || len(m.Left) == 1 && m.Left[tt.left] != 1 || (tt.left == "") != (len(m.Left) == 0) {
				t.Errorf("left out: %v", m.Left)
			}
		})
	}
}

func TestMapCustomers(t *testing.T) {
	t.Parallel()
	named := bill(0, "", `"customer_name":"Old","customer_email":"old@example.com"`)
	stub := object(stripe.Customers, `{"id":"cus_1","deleted":true}`)
	if m := mapping.Map([]system.Object{stub, named}, system.Settings{}); len(m.Records) != 0 || len(m.Issues) != 0 || m.Left[stripe.LeftDeletedCustomer] != 1 {
		t.Errorf("%+v", m)
	}
	if m := mapping.Map([]system.Object{stub, named}, system.Settings{DeletedCustomers: true}); !slices.Equal(short(m), []string{"customer cus_1 Old", "invoice in_1 paid EUR 2023-11-14"}) {
		t.Errorf("%+v", short(m))
	}
	if m := mapping.Map([]system.Object{named}, system.Settings{}); !slices.Equal(codes(m), []string{stripe.CodeNoCustomer}) || !m.Issues[0].Rejects || m.Issues[0].Object != "cus_1" {
		t.Errorf("%+v", m)
	}
	odd := object(stripe.Customers, `{"id":"cus_1","email":"nowhere","address":{"country":"Atlantis","city":"Ys"}}`)
	if m := mapping.Map([]system.Object{odd}, system.Settings{}); !slices.Equal(codes(m), []string{stripe.CodeEmail, stripe.CodeCountry}) || !slices.Equal(short(m), []string{"customer cus_1"}) {
		t.Errorf("%+v", m)
	}
	for metadata, want := range map[bool]string{true: `{"a":"1","b":"2"}`, false: ""} {
		if c, _ := mapping.Map([]system.Object{ann}, system.Settings{Metadata: metadata}).Records[0].(*billing.Customer); c.CustomAttributes != want {
			t.Errorf("%+v", c)
		}
	}
}

func TestMapCatalog(t *testing.T) {
	t.Parallel()
	m := mapping.MapCatalog([]system.Object{
		object(stripe.Prices, `{"id":"price_1","product":"prod_1","recurring":{"interval":"week","interval_count":2}}`),
		object(stripe.Prices, `{"id":"price_2","product":{"id":"prod_1"},"nickname":"Yearly","recurring":{"interval":"year","interval_count":1}}`),
		object(stripe.Prices, `{"id":"price_3","product":"prod_1","recurring":null}`),
		object(stripe.Prices, `{"id":"price_4","product":"prod_9","recurring":{"interval":"moon","interval_count":1}}`),
		object(stripe.Products, `{"id":"prod_1","name":"Pro"}`),
	}, system.Settings{})
	var got []string
	for _, r := range m.Records {
		p, _ := r.(*billing.Plan)
		got = append(got, fmt.Sprintf("%s %s %d %s", p.ExternalID, p.Name, p.IntervalCount, p.IntervalUnit))
	}
	if !slices.Equal(got, []string{"price_1 Pro 14 day", "price_2 Yearly 1 year"}) || !slices.Equal(codes(m), []string{stripe.CodeInterval}) || m.Left[stripe.LeftOneTimePrice] != 1 {
		t.Errorf("%q, %+v, %v", got, m.Issues, m.Left)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"https://dashboard.stripe.com/invoices/in_1":             stripe.Link(stripe.Invoices, "in_1", true),
		"https://dashboard.stripe.com/test/payments/ch_1":        stripe.Link(stripe.Charges, "ch_1", false),
		"https://dashboard.stripe.com/test/search?query=inpay_1": stripe.Link(stripe.Payments, "inpay_1", false),
		"https://dashboard.stripe.com/subscriptions/sub_1":       stripe.Link(stripe.Subscriptions, "sub_1", true),
		"https://dashboard.stripe.com/search?query=re_1":         stripe.Link(stripe.Refunds, "re_1", true),
		"https://dashboard.stripe.com/test/disputes/du_1":        stripe.Link(stripe.Disputes, "du_1", false),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for key, ok := range map[string]bool{"rk_test_1": true, "sk_live_1a": true, "pk_test_1": false, "": false, "sk_test_": false, "sk_test_1\r\nX: y": false} {
		if _, err := mapping.Open(system.Connection{Credentials: map[string]string{"key": key}}); (err == nil) != ok || err != nil && key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v", key, err)
		}
	}
}
