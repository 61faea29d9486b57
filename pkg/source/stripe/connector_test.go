package stripe_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/internal/connectortest"
	"reseed/internal/stripetest"
	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

// The suite for all billing systems, run for Stripe.
func TestConnector(t *testing.T) {
	t.Parallel()
	if _, err := stripetest.TheJudge(); err != nil { // outside of virtual time
		t.Fatal(err)
	}
	connectortest.Run(t, connectortest.Case{
		Judge: "stripe-mock",
		New: func(t *testing.T, now time.Time) connectortest.World {
			t.Helper()
			w, err := stripetest.New(now)
			if err != nil {
				t.Fatal(err)
			}
			return world{w}
		},
		System:      stripe.System{},
		Credentials: map[string]string{"key": stripetest.Key},
		IDs:         ids,
		PageSize:    100,
		Sized: func(request string) bool {
			return strings.Contains(request, "limit=100") || !strings.Contains(request, "?")
		},
		Filters: []string{"updated", "created%5Bgt", "created[gt"},
		Limits:  stripe.Limits(),
		Secrets: []string{stripetest.Key, "51Bystander", "example.com", "4242424242424242"},
		Golden:  "testdata/story.golden",
	})
}

// world is a stripetest.World as the suite knows worlds.
type world struct{ *stripetest.World }

// Requests returns path and query of each call.
func (w world) Requests() []string {
	var all []string
	for _, c := range w.Calls() {
		all = append(all, strings.TrimSuffix(c.Path+"?"+c.Query, "?"))
	}
	return all
}

// Judged returns what stripe-mock objects to.
func (w world) Judged() []error { return w.Verdicts() }

// Sell makes a paid invoice.
func (w world) Sell(currency string, amounts ...int64) {
	var lines []stripetest.Line
	total := int64(0)
	for _, a := range amounts {
		lines = append(lines, stripetest.Line{Amount: a})
		total += a
	}
	invoice := w.Bill(w.Add("customer", stripetest.Fields{}), currency, lines...)
	w.Pay(invoice, max(total, 0))
	w.Change(invoice, stripetest.Fields{"status": "paid"})
	w.Advance(time.Second)
}

// Unbalance makes an invoice whose total is too large by one, with a payment and a refund.
func (w world) Unbalance() {
	customer := w.Add("customer", stripetest.Fields{})
	invoice := w.Bill(customer, "eur", stripetest.Line{Amount: 100})
	w.Refund(w.Pay(invoice, 100), 10)
	w.Change(invoice, stripetest.Fields{"total": 101})
	w.Delete(customer) // so that the invoice is all there is of it
	w.Advance(time.Second)
}

// Trouble makes a call go wrong.
func (w world) Trouble(n int, what connectortest.Trouble) {
	replace := func(pairs ...string) func([]byte) []byte {
		return func(body []byte) []byte { return []byte(strings.NewReplacer(pairs...).Replace(string(body))) }
	}
	w.FailAt(n, map[connectortest.Trouble]stripetest.Fault{
		connectortest.Busy:     {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}},
		connectortest.BusyMute: {Status: http.StatusTooManyRequests},
		connectortest.Failing:  {Status: http.StatusInternalServerError, Body: "ann@example.com 4242424242424242 " + stripetest.Key},
		connectortest.Lost:     {Lost: true},
		connectortest.Cut:      {Cut: true},
		connectortest.HTML:     {Body: "<!doctype html><p>ann@example.com", Header: http.Header{"Content-Type": {"text/html"}}},
		connectortest.NullList: {Body: `{"object":"list","data":null,"has_more":false}`},
		connectortest.NullInner: {Change: func(body []byte) []byte {
			var page map[string]any
			_ = json.Unmarshal(body, &page)
			data, _ := page["data"].([]any)
			for _, o := range data {
				if fields, ok := o.(map[string]any); ok && fields["object"] == "invoice" {
					fields["lines"] = nil
				}
			}
			body, _ = json.Marshal(page)
			return body
		}},
		connectortest.NewWord: {Change: replace(`"status":"paid"`, `"status":"settled"`, `"status":"succeeded"`, `"status":"settled"`, `"status":"active"`, `"status":"settled"`,
			`"status":"lost"`, `"status":"settled"`, `"interval":"month"`, `"interval":"moon"`)},
		connectortest.WrongType: {Change: replace(`"total":1000`, `"total":"ann@example.com"`, `"amount":1000`, `"amount":"ann@example.com"`)},
	}[what])
}

// Deny takes a permission from the key.
func (w world) Deny() string {
	w.World.Deny("/v1/charges", "rak_charge_read")
	return "rak_charge_read"
}

// Churn deletes the customer, price and subscription that a cursor is most likely to name, makes new ones, and changes all others.
func (w world) Churn() []string {
	gone := map[string]bool{}
	for _, kind := range []string{"customer", "price", "invoice"} {
		ids := w.IDs(kind)
		for _, at := range []int{len(ids) - 100, 1} { // ends of the first and second page
			gone[ids[at]] = true
			w.Delete(ids[at])
		}
	}
	var stays []string
	for _, id := range w.All() {
		if !strings.HasPrefix(id, "il_") && !strings.HasPrefix(id, "inpay_") { // parts go with their invoice
			stays = append(stays, id)
		}
	}
	w.Add("customer", stripetest.Fields{"name": "New"})
	added := w.IDs("customer")
	for _, id := range stays {
		w.Change(id, stripetest.Fields{"metadata": stripetest.Fields{"changed": "yes"}})
	}
	return slices.DeleteFunc(stays, func(id string) bool { return gone[id] || id == added[len(added)-1] })
}

// ids are the id of an object, and those of the lists that it shows.
func ids(o system.Object) []string {
	type list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	var shows struct {
		ID       string `json:"id"`
		Items    list   `json:"items"`
		Lines    list   `json:"lines"`
		Payments list   `json:"payments"`
	}
	_ = system.Decode(o.JSON, &shows)
	all := []string{shows.ID}
	for _, l := range []list{shows.Items, shows.Lines, shows.Payments} {
		for _, part := range l.Data {
			all = append(all, part.ID)
		}
	}
	return all
}
