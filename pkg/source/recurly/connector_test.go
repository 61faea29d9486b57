package recurly_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/internal/connectortest"
	"reseed/internal/recurlytest"
	"reseed/internal/standin"
	"reseed/pkg/source/recurly"
	"reseed/pkg/source/system"
)

// The suite for all billing systems, run for Recurly.
func TestConnector(t *testing.T) {
	t.Parallel()
	judge := recurlytest.TheJudge(t)
	connectortest.Run(t, connectortest.Case{
		Judge: "Recurly's OpenAPI document",
		New: func(t *testing.T, now time.Time) connectortest.World {
			t.Helper()
			return world{recurlytest.New(now, judge)}
		},
		System:      recurly.System{},
		Credentials: map[string]string{"key": recurlytest.Key},
		IDs:         ids,
		PageSize:    200,
		Sized: func(request string) bool {
			return strings.Contains(request, "limit=200") || !strings.Contains(request, "?")
		},
		Filters: []string{"updated", "begin_time", "state="},
		Limits:  recurly.Limits(false),
		Secrets: []string{recurlytest.Key, recurlytest.LoginToken, "example.com", "4242424242424242"},
		Golden:  "testdata/story.golden",
	})
}

// world is a recurlytest.World as the suite knows worlds.
type world struct{ *recurlytest.World }

// Sell makes a paid invoice.
func (w world) Sell(currency string, amounts ...int64) {
	var lines []recurlytest.Line
	total := int64(0)
	for _, a := range amounts {
		lines = append(lines, recurlytest.Line{Amount: a})
		total += a
	}
	w.Pay(w.Bill(w.Add(recurlytest.Accounts, "", nil), currency, nil, lines...), max(total, 0))
	w.Advance(time.Second)
}

// Unbalance makes an invoice whose total is too large by a cent, with a payment and a refund.
func (w world) Unbalance() {
	account := w.Add(recurlytest.Accounts, "", nil)
	invoice := w.Bill(account, "EUR", nil, recurlytest.Line{Amount: 100})
	w.Refund(invoice, w.Pay(invoice, 100), 10)
	w.Change(invoice, recurlytest.Fields{"total": json.Number("1.01")})
	w.Delete(account) // so that the invoice is all there is of it
	w.Advance(time.Second)
}

// Trouble makes a call go wrong.
func (w world) Trouble(n int, what connectortest.Trouble) {
	replace := func(pairs ...string) func([]byte) []byte {
		return func(body []byte) []byte { return []byte(strings.NewReplacer(pairs...).Replace(string(body))) }
	}
	w.FailAt(n, map[connectortest.Trouble]standin.Fault{
		connectortest.Busy:     {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}},
		connectortest.BusyMute: {Status: http.StatusTooManyRequests},
		connectortest.Failing:  {Status: http.StatusInternalServerError, Body: "ann@example.com 4242424242424242 " + recurlytest.Key},
		connectortest.Lost:     {Lost: true},
		connectortest.Cut:      {Cut: true},
		connectortest.HTML:     {Body: "<!doctype html><p>ann@example.com", Header: http.Header{"Content-Type": {"text/html"}}},
		connectortest.NullList: {Body: `{"object":"list","data":null,"has_more":false}`},
		connectortest.NullInner: {Change: func(body []byte) []byte {
			var page map[string]any
			_ = json.Unmarshal(body, &page)
			data, _ := page["data"].([]any)
			for _, o := range data {
				if fields, ok := o.(map[string]any); ok && fields["object"] == recurlytest.Invoices {
					fields["line_items"] = nil
				}
			}
			body, _ = json.Marshal(page)
			return body
		}},
		connectortest.NewWord:   {Change: replace(`"state":"paid"`, `"state":"settled"`, `"status":"success"`, `"status":"settled"`, `"state":"active"`, `"state":"settled"`, `"interval_unit":"months"`, `"interval_unit":"moons"`)},
		connectortest.WrongType: {Change: replace(`"total":12.00`, `"total":"ann@example.com"`, `"amount":10.00`, `"amount":"ann@example.com"`)},
	}[what])
}

// Deny takes a permission from the key.
func (w world) Deny() string {
	w.Forbid("/subscriptions")
	return "subscriptions"
}

// Churn deletes the objects that a cursor is most likely to name, makes new ones, closes an account, and changes all others.
func (w world) Churn() []string {
	gone := map[string]bool{}
	for _, kind := range []string{recurlytest.Accounts, recurlytest.Plans, recurlytest.Invoices} {
		ids := w.IDs(kind)
		for _, at := range []int{199, len(ids) - 2} { // the end of the first page, and one near the end of the last
			gone[ids[at]] = true
			w.Delete(ids[at])
		}
	}
	var stays []string
	for _, kind := range []string{recurlytest.Accounts, recurlytest.Plans, recurlytest.AddOns, recurlytest.Subscriptions, recurlytest.Invoices} {
		stays = append(stays, w.IDs(kind)...)
	}
	w.Advance(time.Second)
	for _, id := range stays {
		w.Change(id, recurlytest.Fields{})
	}
	w.Change(w.IDs(recurlytest.Accounts)[3], recurlytest.Fields{"state": "inactive", "deleted_at": w.Now().Format(time.RFC3339)})
	w.Add(recurlytest.Accounts, "", nil)
	return slices.DeleteFunc(stays, func(id string) bool { return gone[id] })
}

// ids are the id of an object, and those of the lines and transactions that it shows. Lines of an invoice that does not show all
// of its lines are objects of their own.
func ids(o system.Object) []string {
	var shown struct {
		ID           string `json:"id"`
		MoreLines    bool   `json:"has_more_line_items"`
		LineItems    []part `json:"line_items"`
		Transactions []part `json:"transactions"`
	}
	_ = json.Unmarshal(o.JSON, &shown)
	all := []string{shown.ID}
	if shown.MoreLines {
		shown.LineItems = nil
	}
	for _, p := range slices.Concat(shown.LineItems, shown.Transactions) {
		all = append(all, p.ID)
	}
	return all
}

type part struct {
	ID string `json:"id"`
}
