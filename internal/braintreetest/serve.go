package braintreetest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"reseed/internal/standin"
)

const (
	contentType = "application/xml; charset=utf-8"
	pageSize    = 50
	oldest      = 6 // version of the API that the client asks for
)

func (j *Judge) judgeWire(r *http.Request, body []byte, a standin.Answer) error {
	return j.judge(r, body, a.Status, a.Body)
}

func answer(status int, body []byte) standin.Answer {
	return standin.Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}
}

// refuse is a refusal. Braintree says nothing in the body but for 422.
func refuse(status int) standin.Answer { return answer(status, []byte(" ")) }

func invalid(message string) standin.Answer {
	return answer(http.StatusUnprocessableEntity, document("api_error_response", Fields{"message": message, "errors": Fields{"errors": List{Item: "error"}}}))
}

// answer is what Braintree answers to a request.
func (w *World) answer(r *http.Request, body []byte) standin.Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	version, _ := strconv.Atoi(r.Header.Get("X-ApiVersion"))
	path, ours := strings.CutPrefix(r.URL.Path, "/merchants/"+Merchant+"/")
	switch {
	case r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(PublicKey+":"+PrivateKey)), w.revoked, !ours:
		return refuse(http.StatusUnauthorized)
	case version < oldest:
		return refuse(http.StatusUpgradeRequired)
	}
	resource, rest, _ := strings.Cut(path, "/")
	kind := strings.TrimSuffix(resource, "s")
	switch {
	case w.denied[kind]:
		return refuse(http.StatusForbidden)
	case r.Method == http.MethodGet && path == "plans":
		return answer(http.StatusOK, document("plans", List{Plans, w.of(func(o *object) bool { return o.kind == Plans })}))
	case w.caps[kind] == 0:
		return refuse(http.StatusNotFound)
	case r.Method == http.MethodGet:
		return w.find(kind, rest)
	case r.Method == http.MethodPost && rest == "advanced_search_ids":
		return w.search(kind, body)
	case r.Method == http.MethodPost && rest == "advanced_search":
		return w.page(kind, body)
	}
	return refuse(http.StatusNotFound)
}

func (w *World) find(kind, id string) standin.Answer {
	o := w.objects[id]
	if o == nil || o.kind != kind {
		return refuse(http.StatusNotFound)
	}
	return answer(http.StatusOK, document(kind, w.render(o)))
}

// search answers with the ids of what fits, newest first. There are no more of them than the cap; if more fit, any of them may be missing.
func (w *World) search(kind string, body []byte) standin.Answer {
	all, ok := w.matching(kind, body)
	if !ok {
		return invalid("Unknown criteria")
	}
	ids := texts{}
	holes := len(all) - w.caps[kind]
	for i, o := range all {
		if i%2 == 1 && holes > 0 {
			holes--
			continue
		}
		ids = append(ids, o.id)
	}
	ids = ids[:min(len(ids), w.caps[kind])]
	return answer(http.StatusOK, document("search_results", Fields{"page_size": pageSize, "ids": ids}))
}

// page answers with objects. That is at most one page: without ids the rest cannot be asked for.
func (w *World) page(kind string, body []byte) standin.Answer {
	all, ok := w.matching(kind, body)
	if !ok {
		return invalid("Unknown criteria")
	}
	c := collection{item: kind}
	for _, o := range all[:min(len(all), pageSize)] {
		c.all = append(c.all, w.render(o))
	}
	name := kind + "s"
	if kind == Transactions {
		name = "credit_card_transactions"
	}
	return answer(http.StatusOK, document(name, c))
}

// criteria are those of a search that the world knows.
type criteria struct {
	IDs        []string `json:"ids"`
	CreatedAt  *span    `json:"created_at"`
	CustomerID *struct {
		Is string `json:"is"`
	} `json:"customer_id"` // of transactions
}

type span struct {
	Min time.Time `json:"min"`
	Max time.Time `json:"max"`
}

// matching returns what fits, newest first.
func (w *World) matching(kind string, body []byte) (all []*object, ok bool) {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	var asked struct {
		Search *criteria `json:"search"`
	}
	if err := d.Decode(&asked); err != nil || asked.Search == nil || asked.Search.CustomerID != nil && kind != Transactions {
		return nil, false
	}
	for _, o := range w.order {
		if o.kind == kind && asked.Search.fit(o) {
			all = append(all, o)
		}
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b *object) int { return b.created.Compare(a.created) })
	return all, true
}

func (c *criteria) fit(o *object) bool {
	if c.IDs != nil && !slices.Contains(c.IDs, o.id) {
		return false
	}
	if s := c.CreatedAt; s != nil && (o.created.Before(s.Min) || !s.Max.IsZero() && o.created.After(s.Max)) {
		return false
	}
	return c.CustomerID == nil || o.owner == c.CustomerID.Is
}
