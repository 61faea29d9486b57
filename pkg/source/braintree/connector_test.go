package braintree_test

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"reseed/internal/braintreetest"
	"reseed/internal/connectortest"
	"reseed/internal/standin"
	"reseed/pkg/billing"
	"reseed/pkg/source/braintree"
	"reseed/pkg/source/system"
)

// The suite for all billing systems, run for Braintree.
func TestConnector(t *testing.T) {
	t.Parallel()
	judge := braintreetest.StartJudge(t) // outside of virtual time
	connectortest.Run(t, connectortest.Case{
		Judge:       "Braintree's client for Node.js",
		System:      braintree.System{},
		Credentials: connection(nil).Credentials,
		New: func(t *testing.T, now time.Time) connectortest.World {
			t.Helper()
			return world{braintreetest.New(now, judge)}
		},
		IDs: func(o system.Object) []string {
			b, _ := braintree.System{}.BelongsTo(o)
			return []string{b.Own}
		},
		OneLine:  true,
		PageSize: 50,
		Sized:    func(request string) bool { return !single.MatchString(request) },
		Filters:  []string{"updated", `"status"`, "settled_at", "authorized_at", "voided_at"},
		Limits:   braintree.Limits(),
		Secrets:  []string{braintreetest.PrivateKey, "priv51", "cHViNTFieXN0YW5kZXI", "example.com", "4242"},
		Golden:   "testdata/story.golden",
	})
}

// single is a request for one object.
var single = regexp.MustCompile(`^/merchants/[^/]+/(customers|subscriptions|transactions)/`)

// world is a braintreetest.World as the suite knows worlds.
type world struct{ *braintreetest.World }

// Sell makes a settled sale of each amount; or pays it to the customer, if it is negative.
func (w world) Sell(currency string, amounts ...int64) {
	customer := w.Customer(nil)
	for _, a := range amounts {
		kind := "sale"
		if a < 0 {
			kind, a = "credit", -a
		}
		w.Sale(customer, currency, major(a, billing.Exponent(strings.ToUpper(currency))), braintreetest.Fields{"type": kind})
	}
	w.Advance(time.Second)
}

// major writes minor units in major ones.
func major(amount int64, decimals int) string {
	text := strconv.FormatInt(amount, 10)
	if decimals == 0 {
		return text
	}
	text = strings.Repeat("0", max(0, decimals+1-len(text))) + text
	return text[:len(text)-decimals] + "." + text[len(text)-decimals:]
}

// Unbalance makes a sale, with a refund, whose tax is more than its amount.
func (w world) Unbalance() {
	customer := w.IDs(braintreetest.Customers)[0]
	w.Refund(w.Sale(customer, "eur", "1.00", braintreetest.Fields{"tax_amount": "1.01"}), "0.10")
	w.Advance(time.Second)
}

var (
	root    = regexp.MustCompile(`<([a-z-]+) type="array">|<([a-z-]+) type="collection">|<(search-results)>`)
	history = regexp.MustCompile(`(?s)<status-history type="array">.*?</status-history>`)
)

// Trouble makes a call go wrong.
func (w world) Trouble(n int, what connectortest.Trouble) {
	replace := func(pairs ...string) func([]byte) []byte {
		return func(body []byte) []byte { return []byte(strings.NewReplacer(pairs...).Replace(string(body))) }
	}
	w.FailAt(n, map[connectortest.Trouble]standin.Fault{
		connectortest.Busy:     {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}},
		connectortest.BusyMute: {Status: http.StatusTooManyRequests},
		connectortest.Failing:  {Status: http.StatusInternalServerError, Body: "ann@example.com 4242424242424242 " + braintreetest.PrivateKey},
		connectortest.Lost:     {Lost: true},
		connectortest.Cut:      {Cut: true},
		connectortest.HTML:     {Body: "<!doctype html><p>ann@example.com", Header: http.Header{"Content-Type": {"text/html"}}},
		connectortest.NullList: {Change: func(body []byte) []byte {
			names := root.FindStringSubmatch(string(body))
			return []byte("<" + strings.Join(names[1:], "") + ` nil="true"/>`)
		}},
		connectortest.NullInner: {Change: func(body []byte) []byte { return history.ReplaceAll(body, []byte(`<status-history nil="true"/>`)) }},
		connectortest.NewWord: {Change: replace(`<status>settled</status>`, `<status>frozen</status>`, `<status>Active</status>`, `<status>Frozen</status>`,
			`<status>lost</status>`, `<status>frozen</status>`)},
		connectortest.WrongType: {Change: replace(`<amount>10.00</amount>`, `<amount>ann@example.com</amount>`,
			`<billing-frequency type="integer">1<`, `<billing-frequency type="integer">ann@example.com<`)},
	}[what])
}

// Deny takes a permission from the key.
func (w world) Deny() string {
	w.DenyKind(braintreetest.Transactions)
	return "transactions"
}

// Churn deletes the customer and plan that a cursor is most likely to name, makes new ones, and changes all others.
func (w world) Churn() []string {
	for _, kind := range []string{braintreetest.Customers, braintreetest.Plans} {
		ids := w.IDs(kind)
		for _, at := range []int{1, 49, 50} { // ends of pages
			w.Delete(ids[at])
		}
	}
	stays := w.All()
	for _, id := range stays {
		w.Change(id, braintreetest.Fields{"changed": true})
	}
	w.Advance(24 * time.Hour)
	added := w.Customer(nil)
	w.Sale(added, "eur", "1.00", nil)
	return slices.Clone(stays)
}
