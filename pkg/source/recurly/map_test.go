package recurly_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reseed/pkg/billing"
	"reseed/pkg/source/recurly"
	"reseed/pkg/source/system"
)

func object(s system.Stream, text string) system.Object {
	return system.Object{Stream: s, JSON: json.RawMessage(text)}
}

var ann = object(recurly.Accounts, `{"id":"ac1","code":"ann","first_name":"Ann"}`)

// bill is an invoice of Ann; more is put behind its usual fields, and replaces them.
func bill(id, total, lines, more string) system.Object {
	text := `{"id":"` + id + `","number":"1001","account":{"code":"ann"},"type":"charge","state":"paid","currency":"EUR","created_at":"2026-01-02T03:04:05Z","total":` + total +
		`,"paid":0,"line_items":[` + lines + `],"transactions":[]`
	if more != "" {
		text += "," + more
	}
	return object(recurly.Invoices, text+"}")
}

// credit is a credit invoice of Ann.
func credit(id, total, more string) system.Object {
	return bill(id, total, `{"id":"`+id+`l","type":"credit","origin":"credit","currency":"EUR","amount":`+total+`}`, `"type":"credit","state":"closed"`+more)
}

// transactions are those of an invoice: of a type, a status and an amount each.
func transactions(all ...string) string { return `"transactions":[` + strings.Join(all, ",") + `]` }

func transaction(id, kind, status, amount, more string) string {
	return `{"id":"` + id + `","type":"` + kind + `","status":"` + status + `","currency":"EUR","amount":` + amount + `,"created_at":"2026-01-03T00:00:00Z"` + more + `}`
}

const (
	line = `{"id":"l1","origin":"one_time","currency":"EUR","amount":10.0}`
	sold = `"currency":"EUR","subscription_id":"su1","plan_code":"gold","start_date":"2026-01-01T00:00:00Z","end_date":"2026-02-01T00:00:00Z"`
)

func paid(amount string) string {
	return `"paid":` + amount + `,` + transactions(transaction("t1", "purchase", "success", amount, ""))
}

// short spells records so that a test can say what it wants.
func short(m system.Mapped) []string {
	var all []string
	for _, r := range m.Records {
		switch r := r.(type) {
		case *billing.Plan:
			all = append(all, fmt.Sprintf("plan %s %s %d %s", r.ExternalID, r.Name, r.IntervalCount, r.IntervalUnit))
		case *billing.Customer:
			all = append(all, strings.TrimSpace(strings.Join([]string{"customer", r.ExternalID, r.Name, r.Company, r.Email, r.Country, r.State, r.City, r.Zip}, " ")))
		case *billing.Invoice:
			all = append(all, fmt.Sprintf("invoice %s %s %s %s", r.ExternalID, r.Status, r.Currency, r.Date.Format("2006-01-02")))
		case *billing.LineItem:
			text := fmt.Sprintf("line %s %s %d-%d+%d %d× %s %s", r.ExternalID, r.Type, r.AmountInCents, r.DiscountAmountInCents, r.TaxAmountInCents, r.Quantity, r.SubscriptionExternalID, r.PlanExternalID)
			if r.Prorated {
				text += " prorated"
			}
			all = append(all, strings.TrimSpace(text))
		case *billing.Transaction:
			all = append(all, fmt.Sprintf("%s %s of %s %s %d", r.Type, r.ExternalID, r.InvoiceExternalID, r.Result, *r.AmountInCents))
		case *billing.Event:
			all = append(all, fmt.Sprintf("%s %s %s %s", r.Type, r.ExternalID, r.Date.Format("2006-01-02"), r.EffectiveDate.Format("2006-01-02")))
		}
	}
	return all
}

func said(m system.Mapped) []string {
	var all []string
	for _, i := range m.Issues {
		all = append(all, strings.TrimSpace(i.Code+" "+i.Field))
	}
	return all
}

// empty is nothing, whether it is there or not.
var empty = cmpopts.EquateEmpty()

// check maps objects of Ann, and compares what is behind the customer.
func check(t *testing.T, s system.Settings, objects []system.Object, records, issues []string, left map[string]int) {
	t.Helper()
	m := recurly.System{}.Map(append([]system.Object{ann}, objects...), s)
	got := short(m)
	if len(got) == 0 || got[0] != "customer ann Ann" {
		t.Fatalf("%q", got)
	}
	if diff := cmp.Diff(records, got[1:], empty) + cmp.Diff(issues, said(m), empty) + cmp.Diff(left, m.Left, empty); diff != "" {
		t.Error(diff)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		total, lines, more string
		want               []string // behind the invoice; nil: it is rejected
		issues             []string
	}{
		"one time":            {"10.0", line, "", []string{"line l1 one_time 1000-0+0 1×"}, nil},
		"whole number":        {"10", `{"id":"l1","origin":"debit","currency":"EUR","amount":10}`, "", []string{"line l1 one_time 1000-0+0 1×"}, nil},
		"yen":                 {"500.0", `{"id":"l1","origin":"debit","currency":"JPY","amount":500.0}`, `"currency":"JPY"`, []string{"line l1 one_time 500-0+0 1×"}, nil},
		"half a yen":          {"500.5", `{"id":"l1","origin":"debit","currency":"JPY","amount":500.5}`, `"currency":"JPY"`, nil, []string{"recurly_amount line_items.amount"}},
		"dinars":              {"1.234", `{"id":"l1","origin":"debit","currency":"KWD","amount":1.2340}`, `"currency":"KWD"`, []string{"line l1 one_time 1234-0+0 1×"}, nil},
		"a part of a cent":    {"10.005", `{"id":"l1","origin":"debit","currency":"EUR","amount":10.005}`, "", nil, []string{"recurly_amount line_items.amount"}},
		"exponent":            {"1e1", line, "", nil, []string{"recurly_amount total"}},
		"more than a float":   {"90071992547409.91", `{"id":"l1","origin":"debit","currency":"EUR","amount":90071992547409.91}`, "", []string{"line l1 one_time 9007199254740991-0+0 1×"}, nil},
		"too much":            {"90071992547409.92", `{"id":"l1","origin":"debit","currency":"EUR","amount":90071992547409.92}`, "", nil, []string{"recurly_amount line_items.amount"}},
		"text":                {`"much"`, line, "", nil, []string{"recurly_amount total"}},
		"list":                {`[]`, line, "", nil, []string{"recurly_bad_object total"}},
		"bad line":            {"10.0", `{"id":"l1","currency":7}`, "", nil, []string{"recurly_bad_object line_items", "recurly_bad_object currency"}},
		"no list":             {"10.0", "", `"line_items":null`, nil, []string{"recurly_no_lines line_items"}},
		"no total":            {"null", line, "", nil, []string{"recurly_amount total"}},
		"differ":              {"10.01", line, "", nil, []string{"recurly_lines_differ total"}},
		"mixed":               {"10.0", `{"id":"l1","origin":"debit","currency":"USD","amount":10.0}`, "", nil, []string{"recurly_mixed_currencies line_items.currency"}},
		"unknown currency":    {"10.0", line, `"currency":"XYZ"`, nil, []string{"recurly_unknown_currency currency"}},
		"no date":             {"10.0", line, `"created_at":null`, nil, []string{"recurly_bad_object created_at"}},
		"tax and discount":    {"9.9", `{"id":"l1","origin":"debit","currency":"EUR","amount":9.9,"discount":1.0,"tax":0.9,"quantity":3}`, "", []string{"line l1 one_time 990-100+90 3×"}, nil},
		"no quantity":         {"10.0", `{"id":"l1","origin":"debit","currency":"EUR","amount":10.0,"quantity":0}`, "", []string{"line l1 one_time 1000-0+0 1×"}, []string{"recurly_zero_quantity quantity"}},
		"plan":                {"10.0", `{"id":"l1","origin":"plan","amount":10.0,` + sold + `}`, "", []string{"line l1 subscription 1000-0+0 1× su1 gold"}, nil},
		"not prorated":        {"10.0", `{"id":"l1","origin":"plan","amount":10.0,"proration_rate":1.0,` + sold + `}`, "", []string{"line l1 subscription 1000-0+0 1× su1 gold"}, nil},
		"prorated":            {"10.0", `{"id":"l1","origin":"plan","amount":10.0,"proration_rate":0.516129032258064516129,` + sold + `}`, "", []string{"line l1 subscription 1000-0+0 1× su1 gold prorated"}, nil},
		"credit of a plan":    {"-10.0", `{"id":"l1","origin":"plan","type":"credit","amount":-10.0,` + sold + `}`, "", []string{"line l1 subscription -1000-0+0 1× su1 gold prorated"}, nil},
		"add-on":              {"10.0", `{"id":"l1","origin":"add_on","add_on_id":"ad1","add_on_code":"seats","amount":10.0,` + sold + `}`, "", []string{"line l1 subscription 1000-0+0 1× su1:seats gold:seats"}, nil},
		"item as add-on":      {"10.0", `{"id":"l1","origin":"add_on","add_on_code":"seats","amount":10.0,` + sold + `}`, "", []string{"line l1 subscription 1000-0+0 1× su1:seats gold"}, nil},
		"setup fee":           {"10.0", `{"id":"l1","origin":"setup_fee","amount":10.0,` + sold + `}`, "", []string{"line l1 one_time 1000-0+0 1×"}, nil},
		"plan of nothing":     {"10.0", `{"id":"l1","origin":"plan","amount":10.0,"currency":"EUR"}`, "", []string{"line l1 one_time 1000-0+0 1×"}, nil},
		"unknown origin":      {"10.0", `{"id":"l1","origin":"moon","amount":10.0,"currency":"EUR"}`, "", []string{"line l1 one_time 1000-0+0 1×"}, []string{"recurly_unknown_word origin"}},
		"no plan":             {"10.0", `{"id":"l1","origin":"plan","amount":10.0,` + sold + `,"plan_code":""}`, "", nil, []string{"recurly_no_plan line_items.plan_code"}},
		"no period":           {"10.0", `{"id":"l1","origin":"plan","amount":10.0,` + sold + `,"end_date":null}`, "", nil, []string{"recurly_no_period line_items.end_date"}},
		"empty":               {"0.0", "", "", []string{}, nil},
		"a time that is none": {"10.0", line, `"due_at":"soon"`, nil, []string{"recurly_bad_object due_at"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := recurly.System{}.Map([]system.Object{ann, bill("in1", tt.total, tt.lines, tt.more)}, system.Settings{})
			got := short(m)[1:]
			if tt.want == nil && len(got) > 0 || tt.want != nil && (len(got) == 0 || !slices.Equal(got[1:], tt.want)) || !slices.Equal(said(m), tt.issues) {
				t.Errorf("%q, %q", got, said(m))
			}
			for _, i := range m.Issues {
				if i.Rejects && i.Record == "" || !strings.Contains(i.Link, "/invoices/1001#"+i.Object) {
					t.Errorf("%+v", i)
				}
			}
		})
	}
}

// Each state of an invoice is one of Reseed's, and counts as the settings say.
func TestStates(t *testing.T) {
	t.Parallel()
	l := []string{"line l1 one_time 1000-0+0 1×"}
	writtenOff := `"state":"closed","credit_payments":[{"action":"write_off","voided_at":null}]`
	for name, tt := range map[string]struct {
		more     string
		settings system.Settings
		status   string // empty: it is left out
		left     string
		issues   []string
	}{
		"paid":                   {"", system.Settings{}, "paid", "", nil},
		"closed":                 {`"state":"closed"`, system.Settings{}, "paid", "", nil},
		"pending":                {`"state":"pending"`, system.Settings{}, "", "open_invoices", nil},
		"past due, issued":       {`"state":"past_due"`, system.Settings{Invoices: system.Issued}, "open", "", nil},
		"past due, partly paid":  {`"state":"past_due"`, system.Settings{Invoices: system.PartlyPaid}, "", "open_invoices", nil},
		"failed":                 {`"state":"failed"`, system.Settings{}, "written_off", "", nil},
		"failed, without":        {`"state":"failed"`, system.Settings{WithoutUncollectible: true}, "", "uncollectible_invoices", nil},
		"written off":            {writtenOff, system.Settings{}, "written_off", "", nil},
		"write-off that is void": {strings.Replace(writtenOff, "null", `"2026-01-01T00:00:00Z"`, 1), system.Settings{}, "paid", "", nil},
		"voided":                 {`"state":"voided"`, system.Settings{}, "voided", "", nil},
		"voided, without":        {`"state":"voided"`, system.Settings{WithoutVoided: true}, "", "voided_invoices", nil},
		"unknown":                {`"state":"moon"`, system.Settings{}, " ", "", []string{"recurly_unknown_state state"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			left := map[string]int{}
			if tt.status != "" {
				want = append([]string{"invoice in1 " + strings.TrimSpace(tt.status) + " EUR 2026-01-02"}, l...)
			} else {
				left[tt.left] = 1
			}
			check(t, tt.settings, []system.Object{bill("in1", "10.0", line, tt.more)}, want, tt.issues, left)
		})
	}
}

func TestPayments(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		paid         string
		transactions []string
		status       string
		want         []string
		issues       []string
		left         map[string]int
	}{
		"paid":         {"10.0", []string{transaction("t1", "purchase", "success", "10.0", "")}, "paid", []string{"payment t1 of in1 successful 1000"}, nil, nil},
		"captured":     {"10.0", []string{transaction("t1", "capture", "success", "10.0", "")}, "paid", []string{"payment t1 of in1 successful 1000"}, nil, nil},
		"tried again":  {"10.0", []string{transaction("t1", "purchase", "declined", "10.0", ""), transaction("t2", "purchase", "success", "10.0", "")}, "paid", []string{"payment t1 of in1 failed 1000", "payment t2 of in1 successful 1000"}, nil, nil},
		"error":        {"0.0", []string{transaction("t1", "purchase", "error", "10.0", "")}, "paid", []string{"payment t1 of in1 failed 1000"}, nil, nil},
		"void":         {"0.0", []string{transaction("t1", "purchase", "void", "10.0", "")}, "paid", nil, nil, nil},
		"pending":      {"0.0", []string{transaction("t1", "purchase", "pending", "10.0", "")}, "paid", nil, nil, map[string]int{"pending_payments": 1}},
		"authorized":   {"0.0", []string{transaction("t1", "authorization", "success", "10.0", ""), transaction("t2", "verify", "success", "0.0", "")}, "paid", nil, nil, map[string]int{"authorizations": 2}},
		"paid by none": {"10.0", nil, "paid", nil, []string{"recurly_payments_differ paid"}, nil},
		"unknown":      {"0.0", []string{transaction("t1", "moon", "success", "10.0", ""), transaction("t2", "purchase", "moon", "10.0", "")}, "paid", nil, []string{"recurly_unknown_word type", "recurly_unknown_word status"}, nil},
		"charged back": {
			"10.0",
			[]string{transaction("t1", "purchase", "chargeback", "10.0", `,"updated_at":"2026-03-01T00:00:00Z"`)},
			"refunded",
			[]string{"payment t1 of in1 successful 1000", "refund t1:chargeback of in1 successful 1000"},
			nil, nil,
		},
		"charged back, with a refund": {
			"10.0",
			[]string{transaction("t1", "purchase", "chargeback", "10.0", ""), transaction("t2", "refund", "success", "10.0", `,"origin":"chargeback","original_transaction_id":"t1"`)},
			"refunded",
			[]string{"payment t1 of in1 successful 1000", "refund t2 of in1 successful 1000"},
			nil, nil,
		},
		"paid back here": {
			"10.0",
			[]string{transaction("t1", "purchase", "success", "10.0", ""), transaction("t2", "refund", "success", "4.0", `,"original_transaction_id":"t1"`)},
			"paid",
			[]string{"payment t1 of in1 successful 1000", "refund t2 of in1 successful 400"},
			nil, nil,
		},
		"too much back": {
			"10.0",
			[]string{transaction("t1", "purchase", "success", "10.0", ""), transaction("t2", "refund", "success", "11.0", "")},
			"refunded",
			[]string{"payment t1 of in1 successful 1000", "refund t2 of in1 successful 1100"},
			[]string{"recurly_refunds_exceed"},
			nil,
		},
		"refunds that are not": {
			"10.0",
			[]string{transaction("t1", "purchase", "success", "10.0", ""), transaction("t2", "refund", "declined", "1.0", ""), transaction("t3", "refund", "void", "1.0", ""), transaction("t4", "refund", "pending", "1.0", ""), transaction("t5", "refund", "moon", "1.0", "")},
			"paid",
			[]string{"payment t1 of in1 successful 1000", "refund t2 of in1 failed 100"},
			[]string{"recurly_pending_refund status", "recurly_unknown_word status"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := append([]string{"invoice in1 " + tt.status + " EUR 2026-01-02", "line l1 one_time 1000-0+0 1×"}, tt.want...)
			check(t, system.Settings{}, []system.Object{bill("in1", "10.0", line, `"paid":`+tt.paid+`,`+transactions(tt.transactions...))}, want, tt.issues, tt.left)
		})
	}
	t.Run("other currency", func(t *testing.T) {
		t.Parallel()
		odd := strings.Replace(transaction("t1", "purchase", "success", "10.0", ""), "EUR", "USD", 1)
		check(t, system.Settings{}, []system.Object{bill("in1", "10.0", line, transactions(odd)+`,"paid":10.0`)}, nil, []string{"recurly_mixed_currencies transactions.currency"}, nil)
	})
	t.Run("not of its shape", func(t *testing.T) {
		t.Parallel()
		check(t, system.Settings{}, []system.Object{bill("in1", "10.0", line, transactions(`{"id":"t1","amount":{}}`))}, nil, []string{"recurly_bad_object transactions", "recurly_bad_object amount"}, nil)
	})
}

// What credit invoices are: refunds, write-offs, or invoices of their own.
func TestCreditInvoices(t *testing.T) {
	t.Parallel()
	charge := bill("in1", "10.0", line, paid("10.0"))
	mapped := []string{"line l1 one_time 1000-0+0 1×"}
	back := func(id, amount, more string) string {
		return `,` + transactions(transaction(id, "refund", "success", amount, more))
	}
	const of = `,"original_transaction_id":"t1"`
	for name, tt := range map[string]struct {
		credits []system.Object
		status  string // of the charge
		want    []string
		left    map[string]int
	}{
		"all paid back":  {[]system.Object{credit("in2", "-10.0", back("t2", "10.0", of))}, "refunded", []string{"payment t1 of in1 successful 1000", "refund t2 of in1 successful 1000"}, map[string]int{"invoices_of_refunds": 1}},
		"a part":         {[]system.Object{credit("in2", "-4.0", back("t2", "4.0", of))}, "paid", []string{"payment t1 of in1 successful 1000", "refund t2 of in1 successful 400"}, map[string]int{"invoices_of_refunds": 1}},
		"two parts":      {[]system.Object{credit("in2", "-4.0", back("t2", "4.0", of)), credit("in3", "-6.0", back("t3", "6.0", of))}, "refunded", []string{"payment t1 of in1 successful 1000", "refund t2 of in1 successful 400", "refund t3 of in1 successful 600"}, map[string]int{"invoices_of_refunds": 2}},
		"by its invoice": {[]system.Object{credit("in2", "-4.0", `,"previous_invoice_id":"in1"`+back("t2", "4.0", ""))}, "paid", []string{"payment t1 of in1 successful 1000", "refund t2 of in1 successful 400"}, map[string]int{"invoices_of_refunds": 1}},
		"of nothing": {
			[]system.Object{credit("in2", "-4.0", back("t2", "4.0", `,"original_transaction_id":"t9"`))},
			"paid",
			[]string{"invoice in2 paid EUR 2026-01-02", "line in2l one_time -400-0+0 1×", "payment t1 of in1 successful 1000", "refund t2 of in2 successful 400"},
			nil,
		},
		"half to the balance": {
			[]system.Object{credit("in2", "-8.0", back("t2", "4.0", of))},
			"paid",
			[]string{"invoice in2 paid EUR 2026-01-02", "line in2l one_time -800-0+0 1×", "payment t1 of in1 successful 1000", "refund t2 of in2 successful 400"},
			nil,
		},
		"all to the balance": {
			[]system.Object{credit("in2", "-8.0", `,"state":"open"`)},
			"paid",
			[]string{"invoice in2 paid EUR 2026-01-02", "line in2l one_time -800-0+0 1×", "payment t1 of in1 successful 1000"},
			nil,
		},
		"write-off": {[]system.Object{credit("in2", "-8.0", `,"origin":"write_off"`)}, "paid", []string{"payment t1 of in1 successful 1000"}, map[string]int{"invoices_of_write_offs": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := slices.Concat([]string{"invoice in1 " + tt.status + " EUR 2026-01-02"}, mapped, tt.want)
			m := recurly.System{}.Map(append([]system.Object{ann, charge}, tt.credits...), system.Settings{})
			got := short(m)[1:]
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got) + cmp.Diff(tt.left, m.Left, empty); len(m.Issues) > 0 || diff != "" {
				t.Errorf("%s%+v", diff, m.Issues)
			}
		})
	}
}

// What makes an open invoice smaller is left out together with it.
func TestReductions(t *testing.T) {
	t.Parallel()
	objects := []system.Object{
		bill("in2", "10.0", line, `"state":"pending"`),
		credit("in1", "-4.0", `,"credit_payments":[{"action":"reduction","applied_to_invoice":{"id":"in2"}}]`),
	}
	check(t, system.Settings{}, objects, nil, nil, map[string]int{"open_invoices": 2})
	check(t, system.Settings{Invoices: system.Issued}, objects,
		[]string{"invoice in2 open EUR 2026-01-02", "invoice in1 paid EUR 2026-01-02", "line l1 one_time 1000-0+0 1×", "line in1l one_time -400-0+0 1×"}, nil, nil)
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fields string
		want   []string
		issues []string
	}{
		"active":         {`"state":"active","auto_renew":true,"remaining_billing_cycles":0,"current_term_ends_at":"2026-06-01T00:00:00Z"`, nil, nil},
		"cycles left":    {`"state":"active","auto_renew":false,"remaining_billing_cycles":1,"current_term_ends_at":"2026-06-01T00:00:00Z"`, nil, nil},
		"not renewed":    {`"state":"active","auto_renew":false,"remaining_billing_cycles":0,"current_term_started_at":"2026-05-01T00:00:00Z","current_term_ends_at":"2026-06-01T00:00:00Z"`, []string{"subscription_cancellation_scheduled su1:cancels 2026-05-01 2026-06-01"}, nil},
		"canceled":       {`"state":"canceled","canceled_at":"2026-05-01T00:00:00Z","expires_at":"2026-06-01T00:00:00Z"`, []string{"subscription_cancellation_scheduled su1:cancels 2026-05-01 2026-06-01"}, nil},
		"expired":        {`"state":"expired","canceled_at":"2026-05-01T00:00:00Z","expires_at":"2026-06-01T00:00:00Z"`, []string{"subscription_cancelled su1:cancelled 2026-05-01 2026-06-01"}, nil},
		"just expired":   {`"state":"expired","expires_at":"2026-06-01T00:00:00Z"`, []string{"subscription_cancelled su1:cancelled 2026-06-01 2026-06-01"}, nil},
		"paused":         {`"state":"paused","paused_at":"2026-06-01T00:00:00Z"`, []string{"subscription_cancelled su1:paused 2026-06-01 2026-06-01"}, nil},
		"no end":         {`"state":"expired"`, nil, []string{"recurly_no_end expires_at"}},
		"future":         {`"state":"future","expires_at":"2026-06-01T00:00:00Z"`, nil, nil},
		"failed":         {`"state":"failed","expires_at":"2026-06-01T00:00:00Z"`, nil, nil},
		"unknown":        {`"state":"moon"`, nil, []string{"recurly_unknown_state state"}},
		"with an add-on": {`"state":"expired","expires_at":"2026-06-01T00:00:00Z","add_ons":[{"add_on":{"code":"seats"}}]`, []string{"subscription_cancelled su1:cancelled 2026-06-01 2026-06-01", "subscription_cancelled su1:seats:cancelled 2026-06-01 2026-06-01"}, nil},
		"bad":            {`"state":7`, nil, []string{"recurly_bad_object state"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, system.Settings{}, []system.Object{object(recurly.Subscriptions, `{"id":"su1","account":{"code":"ann"},`+tt.fields+`}`)}, tt.want, tt.issues, nil)
		})
	}
	t.Run("paid for by another account", func(t *testing.T) {
		t.Parallel()
		child := object(recurly.Accounts, `{"id":"ac1","code":"ann","bill_to":"parent"}`)
		s := object(recurly.Subscriptions, `{"id":"su1","uuid":"u1","account":{"code":"ann"},"state":"expired","expires_at":"2026-06-01T00:00:00Z"}`)
		m := recurly.System{}.Map([]system.Object{child, s}, system.Settings{})
		if len(m.Records) != 1 || len(m.Issues) != 1 || m.Issues[0].Code != recurly.CodeOtherPays || m.Issues[0].Link != "https://app.recurly.com/go/subscriptions/u1#su1" {
			t.Errorf("%q, %+v", short(m), m.Issues)
		}
	})
	t.Run("an add-on that it had", func(t *testing.T) {
		t.Parallel()
		in := bill("in1", "10.0", `{"id":"l1","origin":"add_on","add_on_id":"ad1","add_on_code":"seats","amount":10.0,`+sold+`}`, "")
		s := object(recurly.Subscriptions, `{"id":"su1","account":{"code":"ann"},"state":"expired","expires_at":"2026-06-01T00:00:00Z"}`)
		got := short(recurly.System{}.Map([]system.Object{ann, s, in}, system.Settings{}))
		if want := "subscription_cancelled su1:seats:cancelled 2026-06-01 2026-06-01"; !slices.Contains(got, want) {
			t.Errorf("%q", got)
		}
	})
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fields, want string
		issues       []string
	}{
		"person":          {`"first_name":"Ann","last_name":"Lee","email":"ann@example.com"`, "customer ann Ann Lee  ann@example.com", nil},
		"company":         {`"company":"Lee Ltd."`, "customer ann  Lee Ltd.", nil},
		"closed":          {`"first_name":"Ann","state":"inactive","deleted_at":"2026-01-01T00:00:00Z"`, "customer ann Ann", nil},
		"address":         {`"address":{"country":"US","region":"CA","city":"LA","postal_code":"9"}`, "customer ann    US US-CA LA 9", nil},
		"billing address": {`"address":{"city":"Rome"},"billing_info":{"address":{"country":"AT","city":"Graz"}}`, "customer ann    AT  Graz", nil},
		"no country":      {`"address":{"country":"XX"}`, "customer ann", []string{"recurly_unknown_country address.country"}},
		"bad address":     {`"email":"ann at home"`, "customer ann", []string{"recurly_bad_email email"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := recurly.System{}.Map([]system.Object{object(recurly.Accounts, `{"id":"ac1","code":"ann",`+tt.fields+`}`)}, system.Settings{})
			if got := short(m); len(got) != 1 || got[0] != tt.want || !slices.Equal(said(m), tt.issues) {
				t.Errorf("%q, %q", got, said(m))
			}
			for _, i := range m.Issues {
				if i.Link != "https://app.recurly.com/go/accounts/ann#ac1" {
					t.Error(i.Link)
				}
			}
		})
	}
}

func TestCustomFields(t *testing.T) {
	t.Parallel()
	a := object(recurly.Accounts, `{"id":"ac1","code":"ann","custom_fields":[{"name":"tier","value":"1"},{"name":"none","value":""},{"name":"segment","value":"SMB"}]}`)
	for metadata, want := range map[bool]string{true: `{"segment":"SMB","tier":"1"}`, false: ""} {
		if c, _ := (recurly.System{}).Map([]system.Object{a}, system.Settings{Metadata: metadata}).Records[0].(*billing.Customer); c.CustomAttributes != want {
			t.Errorf("%+v", c)
		}
	}
}

// Objects of an account that was not listed reject the account, whose code is known; objects of nobody are counted.
func TestWithoutAccount(t *testing.T) {
	t.Parallel()
	m := recurly.System{}.Map([]system.Object{bill("in1", "10.0", line, "")}, system.Settings{})
	if len(m.Issues) != 1 || m.Issues[0].Code != recurly.CodeNoCustomer || m.Issues[0].Record != "ann" || !m.Issues[0].Rejects {
		t.Errorf("%+v", m.Issues)
	}
	m = recurly.System{}.Map([]system.Object{object(recurly.Invoices, `{"id":"in1"}`)}, system.Settings{})
	if len(m.Records) != 0 || m.Left[recurly.LeftOfNobody] != 1 {
		t.Errorf("%+v", m)
	}
}

func TestCatalog(t *testing.T) {
	t.Parallel()
	m := recurly.System{}.MapCatalog([]system.Object{
		object(recurly.Plans, `{"id":"pl1","code":"gold","name":"Old","interval_unit":"months","interval_length":1,"created_at":"2026-02-01T00:00:00Z","deleted_at":"2026-03-01T00:00:00Z"}`),
		object(recurly.Plans, `{"id":"pl2","code":"gold","name":"Gold","interval_unit":"months","interval_length":12,"created_at":"2026-01-01T00:00:00Z"}`),
		object(recurly.Plans, `{"id":"pl3","code":"daily","interval_unit":"days","interval_length":7}`),
		object(recurly.Plans, `{"id":"pl4","code":"odd","interval_unit":"moons"}`),
		object(recurly.AddOns, `{"id":"ad1","plan_id":"pl2","code":"seats","name":"Seats"}`),
		object(recurly.AddOns, `{"id":"ad2","plan_id":"pl9","code":"seats","name":"Seats"}`),
		object(recurly.Plans, `{"code":"none"}`),
	}, system.Settings{})
	if diff := cmp.Diff([]string{"plan daily daily 7 day", "plan gold Gold 12 month", "plan gold:seats Seats 12 month"}, short(m)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"recurly_bad_object", "recurly_no_add_on_plan plan_id", "recurly_unknown_interval interval_unit"}, sorted(said(m))); diff != "" {
		t.Error(diff)
	}
}

func sorted(all []string) []string {
	slices.Sort(all)
	return all
}
