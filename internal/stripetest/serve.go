package stripetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Fault is what is wrong with an answer.
type Fault struct {
	Status int         // 0: 200
	Header http.Header // such as Retry-After
	Body   string      // empty: the right one, or an error of Stripe for the status
	Cut    bool        // half of the right body arrives
	Change func(body []byte) []byte
	Lost   bool // no answer at all
}

// RoundTrip answers a request.
func (w *World) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	n, fault, faulty := w.call(r)
	verdict := w.judge.Request(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if verdict != nil {
		w.verdicts = append(w.verdicts, fmt.Errorf("call %d: %w", n, verdict))
	}
	status, body, err := w.answer(r)
	if err != nil {
		return nil, err
	}
	if status == http.StatusOK {
		if err := w.judge.Answer(r, body); err != nil {
			w.verdicts = append(w.verdicts, fmt.Errorf("call %d: %w", n, err))
		}
	}
	if faulty {
		return fault.apply(r, n, status, body)
	}
	return respond(r, n, status, nil, bytes.NewReader(body)), nil
}

// call notes a request, and returns its number and what is to go wrong with it.
func (w *World) call(r *http.Request) (n int, f Fault, faulty bool) {
	w.mu.Lock()
	w.calls = append(w.calls, Call{r.URL.Path, r.URL.RawQuery})
	n = len(w.calls)
	hook := w.hooks[n]
	f, faulty = w.faults[n]
	w.mu.Unlock()
	if hook != nil {
		hook()
	}
	return n, f, faulty
}

func (f Fault) apply(r *http.Request, n, status int, body []byte) (*http.Response, error) {
	if f.Lost {
		return nil, errors.New("connection reset")
	}
	if f.Status != 0 && f.Status != http.StatusOK {
		status, body = f.Status, refusal("api_error", "", "", "Something is wrong.")
	}
	if f.Body != "" {
		body = []byte(f.Body)
	}
	if f.Change != nil {
		body = f.Change(body)
	}
	var rest io.Reader = bytes.NewReader(body)
	if f.Cut {
		rest = io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{})
	}
	return respond(r, n, status, f.Header, rest), nil
}

type broken struct{}

// Read fails as a connection that is lost does.
func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func respond(r *http.Request, n, status int, h http.Header, body io.Reader) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}, "Request-Id": {"req_" + strconv.Itoa(n)}}
	maps.Copy(header, h)
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(body), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

func refusal(kind, code, param, message string) []byte {
	e := map[string]any{"type": kind, "message": message}
	if code != "" {
		e["code"] = code
	}
	if param != "" {
		e["param"] = param
	}
	body, _ := json.Marshal(map[string]any{"error": e}) // texts
	return body
}

// answer is what Stripe answers to a request.
func (w *World) answer(r *http.Request) (status int, body []byte, err error) {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	path := r.URL.Path
	switch {
	case key != Key || w.revoked:
		return http.StatusUnauthorized, refusal("invalid_request_error", "api_key_expired", "", "Expired API Key provided: "+key), nil
	case w.without[path] != "":
		return http.StatusForbidden, refusal("invalid_request_error", "", "",
			"The provided key '"+key+"' does not have the required permissions for this endpoint. Having the '"+w.without[path]+"' permission would allow this request to continue."), nil
	case path == "/v1/account":
		body, err = w.account()
		return http.StatusOK, body, err
	}
	q := r.URL.Query()
	if id, ok := strings.CutPrefix(path, "/v1/customers/"); ok {
		return w.customer(id)
	}
	for _, l := range lists {
		if kind, parent, ok := l.of(path, q); ok {
			return w.list(kind, parent, path, q, l.parts)
		}
	}
	return http.StatusNotFound, refusal("invalid_request_error", "", "", "Unrecognized request URL (GET: "+path+")."), nil
}

func (w *World) account() ([]byte, error) {
	a := w.judge.Fixture("account")
	profile, _ := a["business_profile"].(map[string]any)
	profile = maps.Clone(profile)
	profile["name"] = "World Ltd."
	a["id"], a["email"], a["business_profile"] = "acct_1World", "owner@example.com", profile
	return json.Marshal(a)
}

func (w *World) customer(id string) (int, []byte, error) {
	if w.deleted[id] == "customer" {
		body, err := json.Marshal(Fields{"id": id, "object": "customer", "deleted": true})
		return http.StatusOK, body, err
	}
	o, ok := w.objects[id]
	if !ok || o.kind != "customer" {
		return http.StatusNotFound, refusal("invalid_request_error", "resource_missing", "id", "No such customer: '"+id+"'"), nil
	}
	body, err := w.render(o, false)
	return http.StatusOK, body, err
}

// listed is a list of the API. %s in its path stands for the id of an object whose parts it lists; parameter is
// the query parameter that names such an object.
type listed struct {
	path      string
	kind      string
	parts     bool
	parameter string
}

//nolint:gochecknoglobals // a constant
var lists = []listed{
	{path: "/v1/customers", kind: "customer"},
	{path: "/v1/products", kind: "product"},
	{path: "/v1/prices", kind: "price"},
	{path: "/v1/subscriptions", kind: "subscription"},
	{path: "/v1/subscription_items", kind: "subscription_item", parts: true, parameter: "subscription"},
	{path: "/v1/invoices", kind: "invoice"},
	{path: "/v1/invoices/%s/lines", kind: "line_item", parts: true},
	{path: "/v1/invoice_payments", kind: "invoice_payment", parts: true, parameter: "invoice"},
	{path: "/v1/credit_notes", kind: "credit_note"},
	{path: "/v1/credit_notes/%s/lines", kind: "credit_note_line_item", parts: true},
	{path: "/v1/charges", kind: "charge"},
	{path: "/v1/refunds", kind: "refund"},
	{path: "/v1/disputes", kind: "dispute"},
}

// of reports whether a request for a path asks for this list; parent is the object whose parts are listed, if it
// is a list of parts.
func (l listed) of(path string, q url.Values) (kind, parent string, ok bool) {
	before, after, nested := strings.Cut(l.path, "%s")
	if !nested {
		return l.kind, q.Get(l.parameter), path == l.path
	}
	rest, ok := strings.CutPrefix(path, before)
	parent, end := strings.CutSuffix(rest, after)
	return l.kind, parent, ok && end && !strings.Contains(parent, "/")
}

// list answers with a page.
func (w *World) list(kind, parent, path string, q url.Values, parts bool) (int, []byte, error) {
	if parts && parent != "" && w.objects[parent] == nil {
		return http.StatusNotFound, refusal("invalid_request_error", "resource_missing", "", "No such object: '"+parent+"'"), nil
	}
	if customer := q.Get("customer"); customer != "" && w.objects[customer] == nil && w.deleted[customer] == "" {
		return http.StatusBadRequest, refusal("invalid_request_error", "resource_missing", "customer", "No such customer: '"+customer+"'"), nil
	}
	all := w.matching(kind, parent, q, parts)
	if after := q.Get("starting_after"); after != "" {
		at := slices.IndexFunc(all, func(o *object) bool { return o.id == after })
		if at < 0 {
			return http.StatusBadRequest, refusal("invalid_request_error", "resource_missing", "starting_after", "No such "+kind+": '"+after+"'"), nil
		}
		all = all[at+1:]
	}
	limit := int64(10)
	if s := q.Get("limit"); s != "" {
		limit = number(s)
	}
	if limit < 1 || limit > 100 {
		return http.StatusBadRequest, refusal("invalid_request_error", "parameter_invalid_integer", "limit", "Invalid integer: limit"), nil
	}
	page := all[:min(int64(len(all)), limit)]
	expanded := slices.Contains(q["expand[]"], "data.payments")
	body, err := appendList(nil, page, path, len(page) < len(all), func(o *object) ([]byte, error) { return w.render(o, expanded) })
	return http.StatusOK, body, err
}

// matching returns the objects of a list: parts as they were made, others newest first.
func (w *World) matching(kind, parent string, q url.Values, parts bool) []*object {
	from := w.kinds[kind]
	if parts && parent != "" {
		from = w.parts[inside{parent, kind}]
	}
	var all []*object
	for _, o := range from {
		if inTime(o, q) && fits(o, q) {
			all = append(all, o)
		}
	}
	if !parts {
		slices.Reverse(all)
		slices.SortStableFunc(all, func(a, b *object) int { return int(b.created - a.created) })
	}
	return all
}

// inTime applies the filters of time of a query.
func inTime(o *object, q url.Values) bool {
	for name, values := range q {
		n := number(values[0])
		switch {
		case name == "created[lt]" && o.created >= n,
			name == "created[lte]" && o.created > n,
			name == "created[gt]" && o.created <= n,
			name == "created[gte]" && o.created < n:
			return false
		}
	}
	return true
}

// fits applies the other filters of a query.
func fits(o *object, q url.Values) bool {
	for _, name := range []string{"customer", "charge"} {
		if id := q.Get(name); id != "" && o.fields[name] != id {
			return false
		}
	}
	return o.kind != "subscription" || q.Get("status") == "all" || o.fields["status"] != "canceled"
}
