package stripe_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/internal/connectortest"
	"reseed/internal/stripetest"
	"reseed/pkg/source/stripe"
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
		Reader: func(t *testing.T, w connectortest.World) connectortest.Reader {
			t.Helper()
			r, err := stripe.New(stripe.Config{Key: stripetest.Key, Transport: w, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			return reader{r}
		},
		ID:       func(o json.RawMessage) string { return idOf(frozen(o).JSON) },
		Map:      mapAll,
		PageSize: 100,
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

// reader is a stripe.Reader as the suite knows readers.
type reader struct{ *stripe.Reader }

// Begin is the cursor of the first page.
func (r reader) Begin(now time.Time) json.RawMessage { return encode(stripe.Begin(now)) }

// Page reads a page.
func (r reader) Page(ctx context.Context, cursor json.RawMessage) (connectortest.Page, error) {
	var c stripe.Cursor
	if err := json.Unmarshal(cursor, &c); err != nil {
		return connectortest.Page{}, err
	}
	p, err := r.Reader.Page(ctx, c)
	if err != nil {
		return connectortest.Page{}, err
	}
	page := connectortest.Page{Next: encode(p.Next), Done: p.Next.Done}
	for _, o := range p.Objects {
		page.Objects = append(page.Objects, encode(o))
	}
	return page, nil
}

// Check names the account.
func (r reader) Check(ctx context.Context) (string, error) {
	a, err := r.Reader.Check(ctx)
	return a.Name, err
}

func encode(v any) json.RawMessage {
	text, _ := json.Marshal(v) // texts and numbers
	return text
}

func frozen(o json.RawMessage) stripe.Object {
	var object stripe.Object
	_ = json.Unmarshal(o, &object)
	return object
}

func idOf(o json.RawMessage) string {
	var h struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(o, &h)
	return h.ID
}

// mapAll brings frozen objects together by customer, as a pull does, and maps them.
func mapAll(all []json.RawMessage) connectortest.Mapped {
	return mapWith(all, stripe.Settings{Metadata: true})
}

func mapWith(all []json.RawMessage, settings stripe.Settings) connectortest.Mapped {
	var catalog []stripe.Object
	bundles := map[string][]stripe.Object{}
	var parts []stripe.Object
	owner := map[string]string{}
	for _, text := range all {
		o := frozen(text)
		by, err := stripe.BelongsTo(o)
		switch {
		case o.Stream == stripe.Products || o.Stream == stripe.Prices:
			catalog = append(catalog, o)
		case err == nil && by.ID != "":
			parts = append(parts, o)
		default:
			bundles[by.Customer] = append(bundles[by.Customer], o)
			owner[idOf(o.JSON)] = by.Customer
		}
	}
	for _, o := range parts {
		by, _ := stripe.BelongsTo(o)
		bundles[owner[by.ID]] = append(bundles[owner[by.ID]], o)
	}
	mapped := []stripe.Mapped{stripe.MapCatalog(catalog, settings)}
	for _, customer := range slices.Sorted(maps.Keys(bundles)) {
		mapped = append(mapped, stripe.Map(bundles[customer], settings))
	}
	var out connectortest.Mapped
	for _, m := range mapped {
		out.Records = append(out.Records, m.Records...)
		for _, i := range m.Issues {
			out.Issues = append(out.Issues, connectortest.Issue{Rejects: i.Rejects, Object: i.Object, Text: i.Code + " " + i.Field + " " + i.Message, Link: i.Link})
		}
	}
	return out
}
