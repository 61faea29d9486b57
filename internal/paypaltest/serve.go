package paypaltest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"reseed/internal/standin"
)

const (
	span  = 31 * 24 * time.Hour // of one search
	reach = 3                   // years
)

func answer(status int, body any) standin.Answer {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusNotImplemented, []byte(err.Error())
	}
	return standin.Answer{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: text}
}

func refuse(status int, name, message string) standin.Answer {
	return answer(status, Fields{"name": name, "message": message, "debug_id": "d1", "details": []any{}, "links": []any{}})
}

// answer is what PayPal answers to a request.
func (w *World) answer(r *http.Request, body []byte) standin.Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.URL.Path == "/v1/oauth2/token" {
		return w.newToken(r, body)
	}
	if w.used++; !w.accepts(r) {
		return answer(http.StatusUnauthorized, Fields{"error": "invalid_token", "error_description": "Token signature verification failed", "name": "AUTHENTICATION_FAILURE", "message": "No."})
	}
	q := r.URL.Query()
	switch path := strings.TrimPrefix(r.URL.Path, "/v1/"); {
	case r.Method != http.MethodGet:
		return refuse(http.StatusMethodNotAllowed, "METHOD_NOT_SUPPORTED", "No.")
	case path == "reporting/transactions":
		return w.search(q)
	case path == "billing/plans":
		return w.plans(r, q)
	case path == "billing/subscriptions":
		return w.subscriptions(q)
	case strings.HasPrefix(path, "billing/"):
		return w.one(strings.Split(path, "/"), q)
	}
	return refuse(http.StatusNotFound, "RESOURCE_NOT_FOUND", "No.")
}

// accepts reports whether a request has the token of today.
func (w *World) accepts(r *http.Request) bool {
	expired := w.uses > 0 && w.used > w.uses
	return !w.revoked && !expired && w.token > 0 && r.Header.Get("Authorization") == "Bearer "+w.bearer()
}

// one answers with an object, or with the payments of a subscription.
func (w *World) one(path []string, q url.Values) standin.Answer {
	kind, id := path[1], path[2]
	o := w.objects[id]
	if o == nil || o.kind+"s" != kind {
		return refuse(http.StatusNotFound, "RESOURCE_NOT_FOUND", "The specified resource does not exist.")
	}
	if len(path) > 3 && path[3] == "transactions" {
		return w.payments(o, q)
	}
	f := w.render(o)
	if kind == "subscriptions" && !strings.Contains(q.Get("fields"), "plan") {
		delete(f, "plan")
	}
	return answer(http.StatusOK, f)
}

func (w *World) bearer() string { return fmt.Sprintf("A21bystander%d", w.token) }

func (w *World) newToken(r *http.Request, body []byte) standin.Answer {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(ClientID+":"+Secret))
	form, _ := url.ParseQuery(string(body))
	if w.revoked || r.Method != http.MethodPost || r.Header.Get("Authorization") != basic {
		return answer(http.StatusUnauthorized, Fields{"error": "invalid_client", "error_description": "Client Authentication failed"})
	}
	if form.Get("grant_type") != "client_credentials" {
		return answer(http.StatusBadRequest, Fields{"error": "unsupported_grant_type"})
	}
	w.token++
	w.used = 0
	return answer(http.StatusOK, Fields{"scope": "https://uri.paypal.com/services/subscriptions", "access_token": w.bearer(), "token_type": "Bearer", "app_id": "APP-1", "expires_in": 32400, "nonce": "n"})
}

// paged cuts a page out of objects.
func paged(all []*object, q url.Values, most int) (page []*object, ok bool) {
	size, at := 10, 1
	if s := q.Get("page_size"); s != "" {
		size, _ = strconv.Atoi(s)
	}
	if s := q.Get("page"); s != "" {
		at, _ = strconv.Atoi(s)
	}
	if size < 1 || size > most || at < 1 {
		return nil, false
	}
	from := min(len(all), (at-1)*size)
	return all[from:min(len(all), from+size)], true
}

func (w *World) plans(r *http.Request, q url.Values) standin.Answer {
	all := w.newest(func(o *object) bool { return o.kind == Plans })
	page, ok := paged(all, q, 20)
	if !ok {
		return refuse(http.StatusBadRequest, "INVALID_REQUEST", "page_size")
	}
	list := []any{}
	for _, o := range page {
		f := w.render(o)
		if r.Header.Get("Prefer") != "return=representation" {
			delete(f, "billing_cycles")
		}
		list = append(list, f)
	}
	out := Fields{"plans": list, "links": []any{}}
	if q.Get("total_required") == "true" {
		out["total_items"] = len(all)
		out["total_pages"] = (len(all) + 19) / 20
	}
	return answer(http.StatusOK, out)
}

func (w *World) subscriptions(q url.Values) standin.Answer {
	if w.unlisted {
		return refuse(http.StatusForbidden, "NOT_AUTHORIZED", "Authorization failed due to insufficient permissions.")
	}
	before, err := time.Parse(time.RFC3339, q.Get("created_before"))
	all := w.newest(func(o *object) bool { return o.kind == Subscriptions && (err != nil || !o.created.After(before)) })
	page, ok := paged(all, q, 20)
	if !ok {
		return refuse(http.StatusBadRequest, "INVALID_REQUEST", "page_size")
	}
	list := []any{}
	for _, o := range page {
		f := w.render(o)
		delete(f, "plan")
		list = append(list, f)
	}
	return answer(http.StatusOK, Fields{"subscriptions": list, "links": []any{}})
}

func (w *World) payments(of *object, q url.Values) standin.Answer {
	from, err := time.Parse(time.RFC3339, q.Get("start_time"))
	to, err2 := time.Parse(time.RFC3339, q.Get("end_time"))
	if err != nil || err2 != nil {
		return refuse(http.StatusBadRequest, "INVALID_REQUEST", "start_time and end_time are required")
	}
	list := []any{}
	for _, o := range w.newest(func(o *object) bool {
		return o.kind == Payments && o.parent == of.id && !o.created.Before(from) && !o.created.After(to)
	}) {
		list = append(list, w.render(o))
	}
	return answer(http.StatusOK, Fields{"transactions": list, "total_items": len(list), "total_pages": 1, "links": []any{}})
}

// search answers with transactions of at most 31 days.
func (w *World) search(q url.Values) standin.Answer {
	from, err := time.Parse(time.RFC3339, q.Get("start_date"))
	to, err2 := time.Parse(time.RFC3339, q.Get("end_date"))
	switch {
	case w.unfound:
		return refuse(http.StatusForbidden, "NOT_AUTHORIZED", "Authorization failed due to insufficient permissions.")
	case err != nil || err2 != nil || to.Before(from) || to.Sub(from) > span:
		return refuse(http.StatusBadRequest, "INVALID_REQUEST", "Date range is greater than 31 days")
	case from.Before(w.now.AddDate(-reach, 0, 0)):
		return refuse(http.StatusBadRequest, "INVALID_REQUEST", "Data for the given start date is too old.")
	case from.After(w.now.Add(-late)):
		return refuse(http.StatusBadRequest, "INVALID_REQUEST", "Data for the given start date is not available.")
	}
	all := w.of(func(o *object) bool {
		return o.kind == Rows && !o.created.Before(from) && !o.created.After(to) && !o.created.After(w.now.Add(-late))
	})
	if len(all) > w.most {
		return refuse(http.StatusBadRequest, "RESULTSET_TOO_LARGE", "Result set size is greater than the maximum limit. Change the filter criteria and try again.")
	}
	page, ok := paged(all, q, 500)
	if !ok {
		return refuse(http.StatusBadRequest, "INVALID_REQUEST", "page_size")
	}
	size, _ := strconv.Atoi(q.Get("page_size"))
	list := []any{}
	for _, o := range page {
		row := Fields{"transaction_info": o.fields}
		if strings.Contains(q.Get("fields"), "payer_info") {
			row["payer_info"] = Fields{"account_id": o.parent, "email_address": "ann@example.com"}
		}
		list = append(list, row)
	}
	at, _ := strconv.Atoi(q.Get("page"))
	return answer(http.StatusOK, Fields{
		"transaction_details": list, "account_number": Account, "start_date": q.Get("start_date"), "end_date": q.Get("end_date"), "last_refreshed_datetime": stamp(w.now.Add(-late)),
		"page": at, "total_items": len(all), "total_pages": (len(all) + max(size, 1) - 1) / max(size, 1), "links": []any{},
	})
}
