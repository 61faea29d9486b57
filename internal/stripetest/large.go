package stripetest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Large is an account of any size for benchmarks. Its customers have a subscription and as many paid invoices each. It keeps
// no object: an answer is made of one that a [World] has written, with other ids and times. Nobody judges the requests.
type Large struct {
	customers int
	invoices  int // of each customer
	texts     map[string]text
}

// kindOf are the kinds of lists.
func kindOf(path string) string {
	for _, l := range lists {
		if l.path == path {
			return l.kind
		}
	}
	return ""
}

// month is how far invoices are apart.
const month = 30 * day

// NewLarge makes an account with so many customers, and so many invoices of each of them.
func NewLarge(customers, invoices int) (*Large, error) {
	start := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	j, err := newJudge() // one of its own, so that its memory is free again when benchmarks run
	if err != nil {
		return nil, err
	}
	w := newWorld(j, start)
	first := id("cus", 1)
	w.Add("customer", Fields{"name": "Ann " + first, "email": "ann." + first + "@example.com"})
	price := w.Price("Large", 4900, "eur")
	subscription, item := w.Subscribe(first, price, start.Add(month))
	invoice := w.Bill(first, "eur", Line{Amount: 4900, Tax: 931, Subscription: subscription, Item: item, Price: price, Start: start, End: start.Add(month), Text: "1 × Large"})
	w.Pay(invoice, 4900+931)
	l := &Large{customers: customers, invoices: invoices, texts: map[string]text{}}
	for _, o := range w.order {
		body, err := w.render(o, true)
		if err != nil {
			return nil, err
		}
		l.texts[o.kind] = cutText(body, start)
	}
	return l, nil
}

func id(prefix string, n int) string { return fmt.Sprintf("%s_1Rw%021d", prefix, n) }

// text is an object that was cut where one of its kind differs from another.
type text struct {
	pieces [][]byte // one more than gaps
	gaps   []gap
}

// gap is what stands between two pieces.
type gap int

const (
	ofCustomer gap = iota // the 21 digits of an id: one for each customer
	ofInvoice             // one for each invoice
	ofStart               // Unix time: when the month of the invoice begins
	ofEnd                 // when it ends
)

// cutText finds the ids of what there is once for each customer or invoice, and the times.
func cutText(body []byte, start time.Time) text {
	from, to := strconv.FormatInt(start.Unix(), 10), strconv.FormatInt(start.Add(month).Unix(), 10)
	varies := regexp.MustCompile(`\b(?:(cus|sub|si)|in|il|inpay|ch|pi)_1Rw(\d{21})|\b(` + from + `)\b|\b(` + to + `)\b`)
	var t text
	end := 0
	for _, at := range varies.FindAllSubmatchIndex(body, -1) {
		g, place := ofInvoice, at[4:6]
		switch {
		case at[2] >= 0:
			g = ofCustomer
		case at[6] >= 0:
			g, place = ofStart, at[6:8]
		case at[8] >= 0:
			g, place = ofEnd, at[8:10]
		}
		t.pieces, t.gaps = append(t.pieces, body[end:place[0]]), append(t.gaps, g)
		end = place[1]
	}
	t.pieces = append(t.pieces, body[end:])
	return t
}

// appendTo writes an object of a customer and an invoice, counted from 1.
func (t text) appendTo(body []byte, customer, invoice int, from time.Time) []byte {
	for i, g := range t.gaps {
		body = append(body, t.pieces[i]...)
		switch g {
		case ofCustomer:
			body = appendDigits(body, customer)
		case ofInvoice:
			body = appendDigits(body, invoice)
		case ofStart:
			body = strconv.AppendInt(body, from.Unix(), 10)
		case ofEnd:
			body = strconv.AppendInt(body, from.Add(month).Unix(), 10)
		}
	}
	return append(body, t.pieces[len(t.gaps)]...)
}

func appendDigits(body []byte, n int) []byte {
	const digits = 21
	body = append(body, strings.Repeat("0", digits)...)
	for at := len(body) - 1; n > 0; at-- {
		body[at] = byte('0' + n%10)
		n /= 10
	}
	return body
}

// RoundTrip answers requests for lists and the account.
func (l *Large) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/v1/account" {
		return respond(r, 1, http.StatusOK, nil, strings.NewReader(`{"id":"acct_1Large","object":"account","business_profile":{"name":"Large Ltd."}}`)), nil
	}
	kind := kindOf(r.URL.Path)
	if kind == "" {
		return respond(r, 1, http.StatusNotFound, nil, bytes.NewReader(refusal("invalid_request_error", "resource_missing", "", "There is no such list."))), nil
	}
	q := r.URL.Query()
	return respond(r, 1, http.StatusOK, nil, bytes.NewReader(l.page(kind, r.URL.Path, q.Get("starting_after"), int(number(q.Get("limit")))))), nil
}

// count is how many objects of a kind there are.
func (l *Large) count(kind string) int {
	switch kind {
	case "customer", "subscription":
		return l.customers
	case "invoice", "charge":
		return l.customers * l.invoices
	case "product", "price":
		return 1
	}
	return 0
}

// page writes the page of a list, newest first, that follows an object.
func (l *Large) page(kind, path, after string, limit int) []byte {
	next := l.count(kind)
	if after != "" {
		next = int(number(strings.TrimLeft(after[strings.LastIndex(after, "1Rw")+len("1Rw"):], "0"))) - 1
	}
	t := l.texts[kind]
	last := max(next-limit, 0)
	body := slices.Grow([]byte(`{"object":"list","data":[`), (next-last)*4<<10)
	for n := next; n > last; n-- {
		if n < next {
			body = append(body, ',')
		}
		customer, nth := n, 0
		if kind == "invoice" || kind == "charge" {
			customer, nth = (n-1)/l.invoices+1, (n-1)%l.invoices
		}
		body = t.appendTo(body, customer, n, time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(nth)*month))
	}
	return fmt.Appendf(body, `],"has_more":%t,"url":%q}`, last > 0, path)
}

// Handler answers over HTTP as an account in memory does.
func Handler(account http.RoundTripper) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := account.RoundTrip(r)
		if err != nil {
			panic(http.ErrAbortHandler) // the connection is lost
		}
		defer func() { _ = answer.Body.Close() }()
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		if _, err := io.Copy(w, answer.Body); err != nil {
			panic(http.ErrAbortHandler) // the body is cut
		}
	})
}
