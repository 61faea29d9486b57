package recurlytest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"reseed/internal/standin"
)

// cursorParameter is in the addresses of next pages. It is Recurly's own matter what it says.
const cursorParameter = "cursor"

// totalRecords is how many objects a list has, in the header of an answer.
const totalRecords = "Recurly-Total-Records"

// answer is what Recurly answers to a request. To a HEAD it answers the same without a body.
func (w *World) answer(r *http.Request, _ []byte) standin.Answer {
	a := w.whole(r)
	if r.Method == http.MethodHead {
		a.Body = nil
	}
	return a
}

func (w *World) whole(r *http.Request) standin.Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	path, q := r.URL.EscapedPath(), r.URL.Query()
	if a, refused := w.refuses(r, path); refused {
		return a
	}
	if path == "/sites" {
		return sites()
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	account := ""
	if parts[0] == "accounts" && len(parts) > 1 {
		o := w.account(parts[1])
		if o == nil {
			return refusal(http.StatusNotFound, "not_found", "Couldn't find Account with id = "+parts[1])
		}
		if len(parts) == 2 {
			return ok(w.render(o))
		}
		account, parts = o.id, parts[2:]
	}
	if parts[0] == "invoices" && len(parts) == 3 && parts[2] == "line_items" {
		return w.lines(path, q, parts[1])
	}
	kind := map[string]string{"accounts": Accounts, "plans": Plans, "add_ons": AddOns, "subscriptions": Subscriptions, "invoices": Invoices}[parts[0]]
	if kind == "" || len(parts) > 1 {
		return refusal(http.StatusNotFound, "not_found", "Path not found")
	}
	return w.list(path, q, w.of(kind, account))
}

// of returns the objects of a kind: all, or those of an account.
func (w *World) of(kind, account string) []*object {
	var all []*object
	for _, o := range w.order {
		if o.kind == kind && (account == "" || o.account == account) {
			all = append(all, o)
		}
	}
	return all
}

// refuses reports whether the site refuses whoever asks.
func (w *World) refuses(r *http.Request, path string) (standin.Answer, bool) {
	key, password, _ := r.BasicAuth()
	switch {
	case key != Key || password != "" || w.revoked:
		return refusal(http.StatusUnauthorized, "unauthorized", "The API key "+key+" is not valid"), true
	case !strings.HasPrefix(r.Header.Get("Accept"), "application/vnd.recurly.v20"):
		return refusal(http.StatusNotAcceptable, "invalid_api_version", "That accept header isn't in the format we use to specify an API version."), true
	case w.denied[path]:
		return refusal(http.StatusForbidden, "invalid_permissions", "The API key "+key+" may not do this"), true
	}
	return standin.Answer{}, false
}

// account finds an account by its id, or by its code behind code-.
func (w *World) account(name string) *object {
	name, _ = url.PathUnescape(name)
	code, by := strings.CutPrefix(name, "code-")
	for _, o := range w.order {
		if o.kind == Accounts && (by && o.fields["code"] == code || !by && o.id == name) {
			return o
		}
	}
	return nil
}

// lines answers with lines of an invoice.
func (w *World) lines(path string, q url.Values, invoice string) standin.Answer {
	if w.objects[invoice] == nil {
		return refusal(http.StatusNotFound, "not_found", "Couldn't find Invoice with id = "+invoice)
	}
	var lines []*object
	for _, o := range w.parts[invoice] {
		if o.kind == Lines {
			lines = append(lines, o)
		}
	}
	return w.list(path, q, lines)
}

func sites() standin.Answer {
	site, _ := json.Marshal(Fields{"id": "sitebystander", "object": "site", "subdomain": "world", "mode": "sandbox"})
	return page([]json.RawMessage{site}, "", "1")
}

// list answers with a page of objects, which stand in the order in which they were made.
func (w *World) list(path string, q url.Values, all []*object) standin.Answer {
	limit, err := strconv.Atoi(cmp.Or(q.Get("limit"), "20"))
	if err != nil || limit < 1 || limit > 200 {
		return refusal(http.StatusBadRequest, "bad_request", "limit must be between 1 and 200")
	}
	at := by(q)
	sorted, wrong := w.sorted(q, all, at)
	if wrong != "" {
		return refusal(http.StatusBadRequest, "bad_request", wrong)
	}
	total := strconv.Itoa(len(sorted))
	if c := q.Get(cursorParameter); c != "" {
		if !w.given[path+"?"+q.Encode()] {
			return refusal(http.StatusBadRequest, "bad_request", "There is no such page")
		}
		sorted = after(sorted, at, c, q.Get("order") == "asc")
	}
	data := []json.RawMessage{}
	for _, o := range sorted[:min(limit, len(sorted))] {
		data = append(data, w.render(o))
	}
	if len(data) == len(sorted) {
		return page(data, "", total)
	}
	last := sorted[limit-1]
	q.Set(cursorParameter, last.id+":"+strconv.FormatInt(at(last).UnixNano(), 10))
	next := path + "?" + q.Encode()
	w.given[next] = true
	return page(data, next, total)
}

// by is the time that a query sorts and filters by.
func by(q url.Values) func(*object) time.Time {
	if q.Get("sort") == "updated_at" {
		return func(o *object) time.Time { return o.updated }
	}
	return func(o *object) time.Time { return o.created }
}

// sorted applies the filters and the order of a query. wrong is what is wrong with them.
func (w *World) sorted(q url.Values, all []*object, at func(*object) time.Time) (sorted []*object, wrong string) {
	if !slices.Contains([]string{"", "created_at", "updated_at"}, q.Get("sort")) {
		return nil, "sort is invalid"
	}
	begin, end := time.Time{}, w.now.AddDate(100, 0, 0)
	for name, limit := range map[string]*time.Time{"begin_time": &begin, "end_time": &end} {
		if s := q.Get(name); s != "" {
			t, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return nil, name + " is invalid"
			}
			*limit = t
		}
	}
	for _, o := range all {
		if t := at(o); !t.Before(begin) && !t.After(end) {
			sorted = append(sorted, o)
		}
	}
	slices.SortFunc(sorted, func(a, b *object) int { return cmp.Or(at(a).Compare(at(b)), cmp.Compare(a.id, b.id)) })
	if q.Get("order") != "asc" {
		slices.Reverse(sorted)
	}
	return sorted, ""
}

// after returns what comes behind an object, whether that is still there or not.
func after(sorted []*object, at func(*object) time.Time, cursor string, ascending bool) []*object {
	id, moment, _ := strings.Cut(cursor, ":")
	nanos, _ := strconv.ParseInt(moment, 10, 64) // the world has written it
	behind := slices.IndexFunc(sorted, func(o *object) bool {
		order := cmp.Or(cmp.Compare(at(o).UnixNano(), nanos), cmp.Compare(o.id, id))
		return ascending && order > 0 || !ascending && order < 0
	})
	if behind < 0 {
		return nil
	}
	return sorted[behind:]
}

func page(data []json.RawMessage, next, total string) standin.Answer {
	fields := Fields{"object": "list", "has_more": next != "", "data": data}
	if next != "" {
		fields["next"] = next
	}
	body, _ := json.Marshal(fields) // texts and objects
	a := ok(body)
	a.Header.Set(totalRecords, total)
	return a
}

func ok(body []byte) standin.Answer {
	return standin.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: body}
}

func refusal(status int, kind, message string) standin.Answer {
	a := ok([]byte(fmt.Sprintf(`{"error":{"type":%q,"message":%q,"params":[]}}`, kind, message)))
	a.Status = status
	return a
}
