package paypal_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"reseed/internal/connectortest"
	"reseed/internal/paypaltest"
	"reseed/internal/standin"
	"reseed/pkg/billing"
	"reseed/pkg/source/paypal"
	"reseed/pkg/source/system"
)

// The suite for all billing systems, run for PayPal.
func TestConnector(t *testing.T) {
	t.Parallel()
	judge := paypaltest.StartJudge(t) // outside of virtual time
	connectortest.Run(t, connectortest.Case{
		Judge:       "PayPal's client for Node.js",
		System:      paypal.System{},
		Credentials: connection(nil).Credentials,
		New: func(t *testing.T, now time.Time) connectortest.World {
			t.Helper()
			return world{paypaltest.New(now, judge)}
		},
		IDs: func(o system.Object) []string {
			b, _ := paypal.System{}.BelongsTo(o)
			return []string{b.Own}
		},
		Tokens:   true,
		OneLine:  true,
		PageSize: 20,
		Sized: func(request string) bool {
			return !strings.Contains(request, "page_size") || regexp.MustCompile(`page_size=(20|500)(&|$)`).MatchString(request)
		},
		Filters: []string{"statuses", "status_updated", "created_after", "transaction_status"},
		Limits:  paypal.Limits(),
		Secrets: []string{paypaltest.Secret, "51bystander", "A21", "example.com", "4242"},
		Golden:  "testdata/story.golden",
	})
}

func connection(w *paypaltest.World, subscriptions ...string) system.Connection {
	return system.Connection{
		Credentials: map[string]string{"client_id": paypaltest.ClientID, "secret": paypaltest.Secret}, Place: "Sandbox", Transport: w, Now: time.Now, Subscriptions: subscriptions,
	}
}

// world is a paypaltest.World as the suite knows worlds.
type world struct{ *paypaltest.World }

// Sell makes a payment of each amount.
func (w world) Sell(currency string, amounts ...int64) {
	sub := w.Subscribe(w.Payer("Ann", "Lee", "ann@example.com", nil), w.Plan("Plan", "10.00", nil), nil)
	for _, a := range amounts {
		w.Pay(sub, currency, major(a, billing.Exponent(strings.ToUpper(currency))), paypaltest.Fields{"amounts": paypaltest.Fields{"fee_amount": paypaltest.Fields{"currency_code": strings.ToUpper(currency), "value": "0"}}})
		w.Advance(time.Second)
	}
	w.Advance(4 * time.Hour)
}

// major writes minor units in major ones.
func major(amount int64, decimals int) string {
	sign := ""
	if amount < 0 {
		amount, sign = -amount, "-"
	}
	text := strconv.FormatInt(amount, 10)
	if decimals == 0 {
		return sign + text
	}
	text = strings.Repeat("0", max(0, decimals+1-len(text))) + text
	return sign + text[:len(text)-decimals] + "." + text[len(text)-decimals:]
}

// Unbalance makes a payment, with a refund, whose parts do not sum to its amount.
func (w world) Unbalance() {
	payment := w.Pay(w.IDs(paypaltest.Subscriptions)[0], "EUR", "10.00", paypaltest.Fields{"amounts": paypaltest.Fields{"total_item_amount": paypaltest.Fields{"currency_code": "EUR", "value": "9.00"}}})
	w.Back(payment, "T1107", "EUR", "1.00")
	w.Advance(4 * time.Hour)
}

// Trouble makes a call go wrong.
func (w world) Trouble(n int, what connectortest.Trouble) {
	replace := func(pairs ...string) func([]byte) []byte {
		return func(body []byte) []byte { return []byte(strings.NewReplacer(pairs...).Replace(string(body))) }
	}
	w.FailAt(n, map[connectortest.Trouble]standin.Fault{
		connectortest.Busy:     {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}},
		connectortest.BusyMute: {Status: http.StatusTooManyRequests},
		connectortest.Failing:  {Status: http.StatusInternalServerError, Body: "ann@example.com 4242424242424242 " + paypaltest.Secret},
		connectortest.Lost:     {Lost: true},
		connectortest.Cut:      {Cut: true},
		connectortest.HTML:     {Body: "<!doctype html><p>ann@example.com", Header: http.Header{"Content-Type": {"text/html"}}},
		connectortest.NullList: {Change: func(body []byte) []byte {
			return nulls(body, "plans", "subscriptions", "transactions", "transaction_details", "access_token", "id")
		}},
		connectortest.NullInner: {Change: func(body []byte) []byte {
			return regexp.MustCompile(`"billing_cycles":\[[^\]]*\]`).ReplaceAll(body, []byte(`"billing_cycles":null`))
		}},
		connectortest.NewWord: {Change: replace(`"status":"COMPLETED"`, `"status":"FROZEN"`, `"status":"ACTIVE"`, `"status":"FROZEN"`, `"T1107"`, `"T1199"`,
			`"interval_unit":"MONTH"`, `"interval_unit":"MOON"`)},
		connectortest.WrongType: {Change: replace(`"value":"10.00"`, `"value":"ann@example.com"`, `"value":"-1.00"`, `"value":"ann@example.com"`)},
	}[what])
}

// nulls makes fields of a document null: if there are several of these names, the first that it has.
func nulls(body []byte, names ...string) []byte {
	var fields map[string]any
	_ = json.Unmarshal(body, &fields)
	for _, name := range names {
		if _, ok := fields[name]; ok {
			fields[name] = nil
			break
		}
	}
	body, _ = json.Marshal(fields)
	return body
}

// Deny takes a permission from the app.
func (w world) Deny() string {
	w.DenySearch()
	return "Transaction search"
}

// Churn makes new objects, which come first in lists, and changes all others. PayPal deletes nothing.
func (w world) Churn() []string {
	stays := w.All()
	w.Advance(24 * time.Hour)
	for _, id := range w.IDs(paypaltest.Subscriptions) {
		w.End(id, "SUSPENDED")
	}
	for range 3 {
		sub := w.Subscribe(w.Payer("New", "Lee", "new@example.com", nil), w.Plan("New", "1.00", nil), nil)
		w.Back(w.Pay(sub, "EUR", "1.00", nil), "T1107", "EUR", "1.00")
	}
	return stays
}
