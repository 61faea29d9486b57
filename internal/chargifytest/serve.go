package chargifytest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"reseed/internal/standin"
)

// shown is how Chargify shows a list.
type shown struct {
	kind    string
	wrapper string // of each object
	inner   string // of the list
	newest  bool   // comes first, unless another direction is asked for
	arrays  []string
}

func lists() map[string]shown {
	return map[string]shown{
		"/customers.json":             {kind: Customers, wrapper: "customer"},
		"/customers/metadata.json":    {kind: Metadata, inner: "metadata"},
		"/products.json":              {kind: Products, wrapper: "product", newest: true},
		"/products_price_points.json": {kind: PricePoints, inner: "price_points"},
		"/components.json":            {kind: Components, wrapper: "component", newest: true},
		"/subscriptions.json":         {kind: Subscriptions, wrapper: "subscription", newest: true},
		"/events.json":                {kind: Events, wrapper: "event", newest: true},
		"/invoices.json":              {kind: Invoices, inner: "invoices", newest: true, arrays: []string{"line_items", "discounts", "taxes", "credits", "payments", "refunds"}},
		"/invoices/events.json":       {kind: InvoiceEvents, inner: "events"},
		"/credit_notes.json":          {kind: CreditNotes, inner: "credit_notes", newest: true, arrays: []string{"line_items", "discounts", "taxes", "refunds", "applications"}},
	}
}

// answer is what Chargify answers to a request.
func (w *World) answer(r *http.Request, _ []byte) standin.Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, password, _ := r.BasicAuth()
	path, q := r.URL.Path, r.URL.Query()
	switch {
	case hostOf(r) != Subdomain+".chargify.com":
		return refusal(http.StatusNotFound, "")
	case key != Key || password != "x" || w.revoked:
		return refusal(http.StatusUnauthorized, "HTTP Basic: Access denied for "+key)
	case w.closed:
		return refusal(http.StatusUnprocessableEntity, `{"errors":["The subscription of the site of ann@example.com has expired."]}`)
	case w.denied[path]:
		return refusal(http.StatusForbidden, `{"errors":["The key `+key+` may not do this."]}`)
	case path == "/site.json":
		return w.site()
	}
	if l, ok := lists()[path]; ok {
		return w.list(l, q, nil)
	}
	return w.one(strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), ".json"), "/"), q)
}

// one answers with an object, or with a list of what is its.
func (w *World) one(path []string, q url.Values) standin.Answer {
	if len(path) < 2 {
		return refusal(http.StatusNotFound, "")
	}
	o := w.objects[path[1]]
	if o == nil || path[0] != o.kind+"s" {
		return refusal(http.StatusNotFound, "")
	}
	path[1] = "ID"
	switch strings.Join(path, "/") {
	case "customers/ID":
		return ok(wrapped("customer", w.render(o, nil)))
	case "customers/ID/subscriptions":
		return w.subscriptionsOf(o)
	case "subscriptions/ID/events":
		return w.list(lists()["/events.json"], q, func(e *object) bool { return e.fields["subscription_id"] == o.number })
	}
	return refusal(http.StatusNotFound, "")
}

func (w *World) site() standin.Answer {
	body, _ := json.Marshal(Fields{"id": 77, "name": "World Ltd.", "subdomain": Subdomain, "currency": "EUR", "test": true, "relationship_invoicing_enabled": !w.legacy})
	return ok(wrapped("site", body))
}

// subscriptionsOf lists all subscriptions of a customer, on one page.
func (w *World) subscriptionsOf(customer *object) standin.Answer {
	rows := []json.RawMessage{}
	for _, o := range w.order[Subscriptions] {
		if o.fields["customer_number"] == customer.number {
			rows = append(rows, wrapped("subscription", w.render(o, nil)))
		}
	}
	body, _ := json.Marshal(rows) // objects
	return ok(body)
}

// list answers with a page.
func (w *World) list(l shown, q url.Values, only func(*object) bool) standin.Answer {
	size, err := strconv.Atoi(cmp.Or(q.Get("per_page"), "20"))
	page, err2 := strconv.Atoi(cmp.Or(q.Get("page"), "1"))
	keep, err3 := w.filter(l, q)
	if err != nil || err2 != nil || err3 != nil || size < 1 || page < 1 {
		return refusal(http.StatusUnprocessableEntity, `{"errors":["A parameter is not valid."]}`)
	}
	size = min(size, 200)
	all := []*object{}
	for _, o := range w.order[l.kind] {
		if keep(o) && (only == nil || only(o)) {
			all = append(all, o)
		}
	}
	by := q.Get("sort")
	slices.SortStableFunc(all, func(a, b *object) int {
		if by == "updated_at" {
			return cmp.Or(a.updated.Compare(b.updated), cmp.Compare(a.number, b.number))
		}
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.number, b.number))
	})
	if d := q.Get("direction"); d == "desc" || d == "" && l.newest {
		slices.Reverse(all)
	}
	total := len(all)
	all = all[min((page-1)*size, total):min(page*size, total)]
	return w.page(l, q, all, Fields{"total_count": total, "current_page": page, "total_pages": (total + size - 1) / size, "per_page": size})
}

func (w *World) page(l shown, q url.Values, all []*object, counts Fields) standin.Answer {
	var without []string
	for _, name := range l.arrays {
		if q.Get(name) != "true" {
			without = append(without, name)
		}
	}
	rows := []json.RawMessage{}
	for _, o := range all {
		row := w.render(o, without)
		if l.wrapper != "" {
			row = wrapped(l.wrapper, row)
		}
		rows = append(rows, row)
	}
	if l.inner == "" {
		body, _ := json.Marshal(rows) // objects
		return ok(body)
	}
	if l.kind != Metadata {
		counts = Fields{}
	}
	counts[l.inner] = rows
	body, _ := json.Marshal(counts) // objects and numbers
	return ok(body)
}

// filter makes a filter of a query.
func (w *World) filter(l shown, q url.Values) (func(*object) bool, error) {
	begin, err := moment(q.Get("start_datetime"))
	end, err2 := moment(q.Get("end_datetime"))
	since, err3 := strconv.Atoi(cmp.Or(q.Get("since_id"), "0"))
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, err
	}
	if (!begin.IsZero() || !end.IsZero()) && q.Get("date_field") == "" {
		return nil, errors.New("a time without date_field")
	}
	if l.kind == InvoiceEvents && since > 0 {
		since++ // that one is not among them
	}
	return func(o *object) bool {
		at := o.created
		if q.Get("date_field") == "updated_at" {
			at = o.updated
		}
		return !at.Before(begin) && (end.IsZero() || !at.After(end)) && o.number >= since && o.named(q)
	}, nil
}

// named reports whether an object is what each parameter names.
func (o *object) named(q url.Values) bool {
	for parameter, field := range map[string]string{
		"filter": "key", "event_types": "event_type", "customer_ids": "customer_id", "subscription_id": "subscription_id", "resource_ids[]": "resource_id", "invoice_uid": "invoice",
	} {
		value := o.fields[field]
		if invoice, ok := value.(Fields); ok {
			value = invoice["uid"]
		}
		if q.Get(parameter) != "" && !slices.Contains(strings.Split(q.Get(parameter), ","), fmt.Sprint(value)) {
			return false
		}
	}
	return true
}

func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse("2006-01-02 15:04:05 -0700", s)
}

func wrapped(name string, o json.RawMessage) json.RawMessage {
	text, _ := json.Marshal(map[string]json.RawMessage{name: o}) // an object
	return text
}

func ok(body []byte) standin.Answer {
	return standin.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: body}
}

func refusal(status int, body string) standin.Answer {
	a := ok([]byte(body))
	a.Status = status
	return a
}
