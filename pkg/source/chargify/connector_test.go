package chargify_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/internal/chargifytest"
	"reseed/internal/connectortest"
	"reseed/internal/standin"
	"reseed/pkg/source/chargify"
	"reseed/pkg/source/system"
)

func credentials() map[string]string {
	return map[string]string{"subdomain": chargifytest.Subdomain, "key": chargifytest.Key}
}

// The suite for all billing systems, run for Chargify.
func TestConnector(t *testing.T) {
	t.Parallel()
	judge := chargifytest.StartJudge(t)
	connectortest.Run(t, connectortest.Case{
		Judge: "Maxio's client for Node.js",
		New: func(t *testing.T, now time.Time) connectortest.World {
			t.Helper()
			return world{chargifytest.New(now, judge)}
		},
		System:      chargify.System{},
		Credentials: credentials(),
		IDs:         ids,
		PageSize:    200,
		Sized: func(request string) bool {
			return strings.Contains(request, "per_page=200") || !strings.Contains(request, "?")
		},
		Filters: []string{"updated", "state=", "status=", "since_date"},
		Limits:  chargify.Limits(),
		Secrets: []string{chargifytest.Key, chargifytest.VaultToken, chargifytest.PublicToken, "example.com", "4242424242424242"},
		Golden:  "testdata/story.golden",
	})
}

// world is a chargifytest.World as the suite knows worlds.
type world struct{ *chargifytest.World }

// Sell makes a paid invoice.
func (w world) Sell(currency string, amounts ...int64) {
	var lines []chargifytest.Line
	total := int64(0)
	for _, a := range amounts {
		lines = append(lines, chargifytest.Line{Amount: a})
		total += a
	}
	invoice := w.Bill(w.Customer(nil), "", currency, chargifytest.Fields{"status": "paid"}, lines...)
	if total > 0 {
		w.Pay(invoice, total)
	}
	w.Advance(time.Second)
}

// Unbalance makes an invoice whose total is too large by a cent, with a payment and a refund.
func (w world) Unbalance() {
	customer := w.Customer(nil)
	invoice := w.Bill(customer, "", "EUR", nil, chargifytest.Line{Amount: 100})
	w.Refund(invoice, w.Pay(invoice, 100), 10)
	w.Change(invoice, chargifytest.Fields{"total_amount": "1.01"})
	w.Delete(customer) // so that the invoice is all there is of it
	w.Advance(time.Second)
}

// Trouble makes a call go wrong.
func (w world) Trouble(n int, what connectortest.Trouble) {
	replace := func(pairs ...string) func([]byte) []byte {
		return func(body []byte) []byte { return []byte(strings.NewReplacer(pairs...).Replace(string(body))) }
	}
	w.FailAt(n, map[connectortest.Trouble]standin.Fault{
		connectortest.Busy:      {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}},
		connectortest.BusyMute:  {Status: http.StatusTooManyRequests},
		connectortest.Failing:   {Status: http.StatusInternalServerError, Body: "ann@example.com 4242424242424242 " + chargifytest.Key},
		connectortest.Lost:      {Lost: true},
		connectortest.Cut:       {Cut: true},
		connectortest.HTML:      {Body: "<!doctype html><p>ann@example.com", Header: http.Header{"Content-Type": {"text/html"}}},
		connectortest.NullList:  {Change: nullList},
		connectortest.NullInner: {Change: nullLines},
		connectortest.NewWord: {Change: replace(`"status":"paid"`, `"status":"settled"`, `"state":"active"`, `"state":"settled"`, `"interval_unit":"month"`, `"interval_unit":"moon"`,
			`"kind":"baseline"`, `"kind":"basis"`)},
		connectortest.WrongType: {Change: replace(`"total_amount":"12.00"`, `"total_amount":"ann@example.com"`, `"email":"ann0@example.com"`, `"email":7`)},
	}[what])
}

// nullList puts null in place of the list.
func nullList(body []byte) []byte {
	var page map[string]any
	if json.Unmarshal(body, &page) != nil {
		return []byte("null")
	}
	for name, v := range page {
		if _, ok := v.([]any); ok {
			page[name] = nil
		}
	}
	body, _ = json.Marshal(page)
	return body
}

// nullLines puts null in place of the lines of each invoice.
func nullLines(body []byte) []byte {
	var page map[string]any
	_ = json.Unmarshal(body, &page)
	invoices, ok := page["invoices"].([]any)
	if !ok {
		return body
	}
	for _, o := range invoices {
		o.(map[string]any)["line_items"] = nil //nolint:forcetypeassert // invoices are objects
	}
	body, _ = json.Marshal(page)
	return body
}

// Deny takes a permission from the key.
func (w world) Deny() string {
	w.Forbid("/subscriptions.json")
	return "subscriptions"
}

// Churn deletes the objects that a cursor is most likely to name, makes new ones, and changes all others. Products are never deleted at
// Chargify, nor are events and credit notes.
func (w world) Churn() []string {
	gone := map[string]bool{}
	var stays []string
	for _, kind := range []string{chargifytest.Customers, chargifytest.Subscriptions, chargifytest.Invoices} {
		ids := w.IDs(kind)
		for _, at := range []int{199, len(ids) - 2} { // the end of the first page, and one near the end of the last
			gone[ids[at]] = true
			w.Delete(ids[at])
		}
	}
	for _, kind := range []string{
		chargifytest.Customers, chargifytest.Metadata, chargifytest.Products, chargifytest.PricePoints, chargifytest.Components, chargifytest.Subscriptions,
		chargifytest.Events, chargifytest.Invoices, chargifytest.InvoiceEvents, chargifytest.CreditNotes,
	} {
		stays = append(stays, w.IDs(kind)...)
	}
	w.Advance(time.Second)
	for _, id := range stays {
		w.Change(id, chargifytest.Fields{})
	}
	w.Product("New")
	w.Attribute(w.Customer(nil), "segment", "SMB")
	return slices.DeleteFunc(stays, func(id string) bool { return gone[id] })
}

// ids are the id of an object, and those of the lines and payments that it shows.
func ids(o system.Object) []string {
	var shown struct {
		ID       json.Number `json:"id"`
		UID      string      `json:"uid"`
		Lines    []shownPart `json:"line_items"`
		Payments []shownPart `json:"payments"`
	}
	_ = json.Unmarshal(o.JSON, &shown)
	all := []string{shown.UID}
	if shown.UID == "" {
		all[0] = string(shown.ID)
	}
	if o.Stream != chargify.Invoices {
		return all
	}
	for _, p := range slices.Concat(shown.Lines, shown.Payments) {
		all = append(all, p.UID+string(p.Transaction))
	}
	return all
}

type shownPart struct {
	UID         string      `json:"uid"`
	Transaction json.Number `json:"transaction_id"`
}
