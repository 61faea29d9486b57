package stripe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// Address is where Stripe is reached.
const Address = "https://api.stripe.com"

// Limits is how fast an account is asked. Stripe allows 25 requests a second to one kind of object; a sandbox as many in all.
func Limits() remote.Limits { return remote.Limits{PerSecond: 20, InFlight: 10} }

// Reader reads one account. It is safe for concurrent use.
type Reader struct {
	client *remote.Client
	live   bool
}

// The codes of errors of this package; others are those of package remote.
const (
	CodeNotAKey    = "not_a_stripe_key"
	CodeBadCursor  = "bad_cursor"
	CodePermission = "stripe_permission_missing"
)

var keys = regexp.MustCompile(`^(sk|rk)_(live|test)_[A-Za-z0-9_]+$`)

// Open makes a reader. The error is fault.Invalid if the key cannot be one that reads.
func (System) Open(c system.Connection) (system.Reader, error) {
	key := c.Credentials[credential]
	m := keys.FindStringSubmatch(key)
	if m == nil {
		return nil, &fault.Error{
			Kind: fault.Invalid, Code: CodeNotAKey, Param: credential,
			Message: "This is not a key with which Stripe can be read. Make a restricted key with read permissions in Stripe's dashboard under Developers, API keys; it begins with rk_.",
		}
	}
	token, limits := "Bearer "+key, Limits()
	if c.Unlimited {
		limits = remote.Limits{}
	}
	return &Reader{live: m[2] == "live", client: remote.New(remote.Config{
		System: name, Base: cmp.Or(c.Base, Address), Transport: c.Transport, Limits: limits, Now: c.Now,
		Header:        http.Header{"Stripe-Version": {Version}},
		Authorization: func(context.Context, string) (string, error) { return token, nil },
		Explain:       explain,
		RequestID:     "Request-Id",
	})}, nil
}

var permission = regexp.MustCompile(`\brak_[a-z_]+`)

// explain reads Stripe's error body. Its message names the permission that a restricted key lacks.
func explain(body []byte) remote.Explanation {
	var e struct {
		Error struct {
			Type    string `json:"type"`
			Code    string `json:"code"`
			Param   string `json:"param"`
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &e) // another body explains nothing
	return remote.Explanation{Reason: cmp.Or(e.Error.Code, e.Error.Type), Param: e.Error.Param, Missing: permission.FindAllString(e.Error.Message, -1)}
}

// Check finds out whose key it is, and whether it may read all that is read. The error names every
// permission that is missing; it is fault.Forbidden, code [CodePermission], or one of package remote.
func (r *Reader) Check(ctx context.Context) (system.Account, error) {
	a, err := r.account(ctx)
	missing := &missing{}
	if err := missing.see(err, "account"); err != nil {
		return system.Account{}, err
	}
	for _, l := range lists() {
		query := url.Values{"limit": {"1"}}
		_, err := r.list(ctx, l.path, query)
		if err := missing.see(err, string(l.stream)); err != nil {
			return system.Account{}, err
		}
	}
	return a, missing.err()
}

// missing collects what a key may not read.
type missing struct{ names []string }

// see returns an error, unless it says that the key may not read something.
func (m *missing) see(err error, what string) error {
	refused, ok := errors.AsType[*remote.Error](err)
	if !ok || refused.Kind != remote.Auth || refused.Status != http.StatusForbidden {
		return err
	}
	if len(refused.Missing) > 0 {
		what += " (" + strings.Join(refused.Missing, " and ") + ")"
	}
	m.names = append(m.names, what)
	return nil
}

func (m *missing) err() error {
	if len(m.names) == 0 {
		return nil
	}
	return &fault.Error{
		Kind: fault.Forbidden, Code: CodePermission, Param: "key",
		Message: "The key may not read all that is needed. In Stripe's dashboard, under Developers, API keys, give it read permission for: " + strings.Join(m.names, ", ") + ".",
	}
}

func (r *Reader) account(ctx context.Context) (system.Account, error) {
	body, err := r.client.Get(ctx, "/v1/account", nil)
	if err != nil {
		return system.Account{}, err
	}
	var a struct {
		ID       string `json:"id"`
		Business struct {
			Name string `json:"name"`
		} `json:"business_profile"`
		Settings struct {
			Dashboard struct {
				Name string `json:"display_name"`
			} `json:"dashboard"`
		} `json:"settings"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.ID == "" {
		return system.Account{}, r.client.Unexpected("its answer is not an account. Try again later")
	}
	return system.Account{ID: a.ID, Name: cmp.Or(a.Settings.Dashboard.Name, a.Business.Name), Live: r.live}, nil
}

// Customer reads one customer. A deleted one is a stub with `"deleted": true`.
func (r *Reader) Customer(ctx context.Context, id string) (o system.Object, found bool, err error) {
	body, err := r.client.Get(ctx, "/v1/customers/"+url.PathEscape(id), nil)
	if kind, is := remote.KindOf(err); is && kind == remote.Gone {
		return system.Object{}, false, nil
	}
	if err != nil {
		return system.Object{}, false, err
	}
	if is, err := idOf(body); err != nil || is != id {
		return system.Object{}, false, r.client.Unexpected("its answer is not the customer that was asked for. Try again later")
	}
	return system.Object{Stream: Customers, JSON: body}, true, nil
}

// cursor says which page is next. Only what was created before Until is read: so what is created
// during a pull moves nothing.
type cursor struct {
	Until    int64  `json:"until"`              // Unix time in seconds
	Customer string `json:"customer,omitempty"` // id, if only the catalog and this customer are read
	Unknown  bool   `json:"unknown,omitempty"`  // Stripe knows no such customer: the catalog is all there is
	List     int    `json:"list"`               // place of the list in the order of streams
	After    string `json:"after,omitempty"`    // id of the last object of the list that was read
	Created  int64  `json:"created,omitempty"`  // when that was created
	From     int64  `json:"from,omitempty"`     // if not 0: the last object is gone, and the list goes on with what was created then
	Last     bool   `json:"last,omitempty"`     // the list has no further page
	Rest     []rest `json:"rest,omitempty"`     // read before anything else
	Done     bool   `json:"done,omitempty"`
}

// rest is the rest of a list inside an object: the id of the object, and the id of the last part that was read.
type rest [2]string

// Begin is the cursor of the first page.
func (r *Reader) Begin(now time.Time, customer string) json.RawMessage {
	return encode(cursor{Until: now.Unix(), Customer: customer})
}

func encode(c cursor) json.RawMessage {
	text, _ := json.Marshal(c) // texts and numbers
	return text
}

// Page reads one page. That is one request; another one if the object that the cursor names is gone; and one for each object
// of the page whose short lists are not short. The error is fault.Invalid for a cursor of another version, or one of package
// remote: then nothing of the page counts.
func (r *Reader) Page(ctx context.Context, at json.RawMessage) (system.Page, error) {
	var c cursor
	all := lists()
	if json.Unmarshal(at, &c) != nil || c.Until == 0 || c.Done || c.List < 0 || c.List >= len(all) {
		return system.Page{}, badCursor()
	}
	p, c, err := r.page(ctx, all[c.List], c)
	if err != nil {
		return system.Page{}, err
	}
	p.Next, p.Done = encode(c), c.Done
	return p, nil
}

func (r *Reader) page(ctx context.Context, l list, c cursor) (system.Page, cursor, error) {
	switch {
	case len(c.Rest) > 0:
		return r.rest(ctx, l, c)
	case c.Customer != "" && l.stream == Customers:
		return r.alone(ctx, c)
	}
	return r.next(ctx, l, c)
}

// alone reads the only customer of a pull.
func (r *Reader) alone(ctx context.Context, c cursor) (system.Page, cursor, error) {
	page := system.Page{Stream: Customers}
	o, found, err := r.Customer(ctx, c.Customer)
	if found {
		page.Objects = append(page.Objects, o)
	}
	c.Last, c.Unknown = true, !found
	return page, c.forward(), err
}

// next reads the next page of a list.
func (r *Reader) next(ctx context.Context, l list, c cursor) (system.Page, cursor, error) {
	got, err := r.list(ctx, l.path, query(l, c))
	if c.After != "" && vanished(err) {
		c.From, c.After = c.Created, ""
		got, err = r.list(ctx, l.path, query(l, c))
	}
	if err != nil {
		return system.Page{}, c, err
	}
	c.Last = !got.HasMore
	page := system.Page{Stream: l.stream, Objects: objects(l.stream, "", got.Data)}
	for _, o := range got.Data {
		h, err := headOf(o)
		if err != nil {
			return system.Page{}, c, r.noObject(l.path)
		}
		c.After, c.Created = h.ID, h.Created
		rests := unshown(l, h)
		if c.Customer != "" && l.stream == Charges {
			for _, p := range ofCharge() {
				rests.short = append(rests.short, shortRest{p, rest{h.ID}})
			}
		}
		if rests.long != nil {
			c.Rest = append(c.Rest, *rests.long)
		}
		for _, short := range rests.short {
			parts, err := r.all(ctx, short)
			if err != nil {
				return system.Page{}, c, err
			}
			page.Objects = append(page.Objects, parts...)
		}
	}
	return page, c.forward(), nil
}

// all reads the whole rest of a list that is short as a rule.
func (r *Reader) all(ctx context.Context, s shortRest) ([]system.Object, error) {
	var parts []system.Object
	for {
		got, err := r.part(ctx, s.part, &s.rest)
		if err != nil {
			return nil, err
		}
		parent := s.rest[0]
		if s.part.apart {
			parent = ""
		}
		parts = append(parts, objects(s.part.stream, parent, got.Data)...)
		if !got.HasMore {
			return parts, nil
		}
	}
}

// rest reads the next page of the first rest.
func (r *Reader) rest(ctx context.Context, l list, c cursor) (system.Page, cursor, error) {
	if l.long == nil {
		return system.Page{}, c, badCursor()
	}
	at := c.Rest[0]
	got, err := r.part(ctx, *l.long, &at)
	if err != nil {
		return system.Page{}, c, err
	}
	left := c.Rest[1:]
	c.Rest = nil
	if got.HasMore {
		c.Rest = append(c.Rest, at)
	}
	c.Rest = append(c.Rest, left...)
	return system.Page{Stream: l.long.stream, Objects: objects(l.long.stream, at[0], got.Data)}, c.forward(), nil
}

// part reads the next page of a list inside an object, and moves on. If the object is gone there is no more; if the
// part that was read last is gone, the list is read again from its beginning.
func (r *Reader) part(ctx context.Context, p part, at *rest) (listing, error) {
	got, err := r.list(ctx, p.at(at[0]), p.query(*at))
	if at[1] != "" && vanished(err) {
		at[1] = ""
		got, err = r.list(ctx, p.at(at[0]), p.query(*at))
	}
	if vanished(err) {
		return listing{}, nil
	}
	if err != nil {
		return listing{}, err
	}
	for _, o := range got.Data {
		h, err := headOf(o)
		if err != nil {
			return listing{}, r.noObject(p.path)
		}
		at[1] = h.ID
	}
	return got, nil
}

// forward moves on to the next list, if nothing is left of this one.
func (c cursor) forward() cursor {
	if !c.Last || len(c.Rest) > 0 {
		return c
	}
	all, at := lists(), c.List+1
	for at < len(all) && c.passes(all[at]) {
		at++
	}
	return cursor{Until: c.Until, Customer: c.Customer, Unknown: c.Unknown, List: at, Done: at == len(all)}
}

// passes reports whether a list has nothing for a pull of one customer: it is read with the charges, or there is no such customer.
func (c cursor) passes(l list) bool {
	return c.Customer != "" && l.charges || c.Unknown && l.customers
}

func query(l list, c cursor) url.Values {
	q := url.Values{"limit": {pageSize}}
	maps.Copy(q, l.query)
	if c.From != 0 {
		q.Set("created[lte]", strconv.FormatInt(c.From, 10))
	} else {
		q.Set("created[lt]", strconv.FormatInt(c.Until, 10))
	}
	if c.Customer != "" && l.customers {
		q.Set("customer", c.Customer)
	}
	if c.Customer != "" && l.stream == Charges {
		q.Set("limit", fewCharges)
	}
	if c.After != "" {
		q.Set("starting_after", c.After)
	}
	return q
}

func (p part) at(parent string) string {
	if p.param != "" {
		return p.path
	}
	return fmt.Sprintf(p.path, url.PathEscape(parent))
}

func (p part) query(at rest) url.Values {
	q := url.Values{"limit": {pageSize}}
	if p.param != "" {
		q.Set(p.param, at[0])
	}
	if at[1] != "" {
		q.Set("starting_after", at[1])
	}
	return q
}

// vanished reports whether an error says that an object which a request names does not exist.
func vanished(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && e.Reason == "resource_missing"
}

func badCursor() error {
	return fault.New(fault.Invalid, CodeBadCursor, "There is no page at this place. Start the pull again.")
}

// listing is Stripe's envelope of a page.
type listing struct {
	Data    []jsontext.Value
	HasMore bool
}

// list reads a page, and refuses what is none.
func (r *Reader) list(ctx context.Context, path string, q url.Values) (listing, error) {
	body, err := r.client.Get(ctx, path, q)
	if err != nil {
		return listing{}, err
	}
	var l struct {
		Data    *[]jsontext.Value `json:"data"`
		HasMore *bool             `json:"has_more"`
	}
	if err := system.Decode(body, &l); err != nil || l.Data == nil || l.HasMore == nil || *l.HasMore && len(*l.Data) == 0 {
		return listing{}, r.client.Unexpected("its answer for " + path + " is not a page of a list. Try again later")
	}
	return listing{*l.Data, *l.HasMore}, nil
}

func (r *Reader) noObject(path string) error {
	return r.client.Unexpected("its answer for " + path + " holds something that is no object. Try again later")
}

// head is what all objects have, and the lists that some of them show.
type head struct {
	ID       string         `json:"id"`
	Created  int64          `json:"created"`
	Items    jsontext.Value `json:"items"`
	Lines    jsontext.Value `json:"lines"`
	Payments jsontext.Value `json:"payments"`
}

// list returns a list that an object shows.
func (h head) list(field string) jsontext.Value {
	return map[string]jsontext.Value{"items": h.Items, "lines": h.Lines, "payments": h.Payments}[field]
}

// idOf finds the id of an object.
func idOf(o []byte) (string, error) {
	if id, ok := system.Texts(o, "id"); ok && id[0] != "" {
		return id[0], nil
	}
	var s idShape
	err := system.Decode(o, &s)
	if err == nil && s.ID == "" {
		err = errNoID()
	}
	return s.ID, err
}

func errNoID() error { return errors.New("an object has no id") }

func headOf(o []byte) (head, error) {
	var h head
	if err := system.Decode(o, &h); err != nil {
		return h, err
	}
	if h.ID == "" {
		return h, errNoID()
	}
	return h, nil
}

// rests are the lists inside an object that it does not show whole.
type rests struct {
	long  *rest
	short []shortRest
}

type shortRest struct {
	part part
	rest rest
}

// unshown finds the lists inside an object that it does not show whole. A list that is missing is left to the
// mapping, which knows the object.
func unshown(l list, h head) rests {
	var found rests
	if l.long != nil {
		found.long = restOf(h.ID, h.list(l.long.field))
	}
	for _, p := range l.short {
		if rest := restOf(h.ID, h.list(p.field)); rest != nil {
			found.short = append(found.short, shortRest{p, *rest})
		}
	}
	return found
}

// restOf returns what a list inside an object leaves out; nil if that is nothing.
func restOf(id string, field jsontext.Value) *rest {
	var shown struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
		HasMore bool `json:"has_more"`
	}
	if field == nil || system.Decode(field, &shown) != nil || !shown.HasMore {
		return nil
	}
	left := rest{id}
	if n := len(shown.Data); n > 0 {
		left[1] = shown.Data[n-1].ID
	}
	return &left
}

func objects(s system.Stream, parent string, data []jsontext.Value) []system.Object {
	all := make([]system.Object, len(data))
	for i, o := range data {
		all[i] = system.Object{Stream: s, Parent: parent, JSON: json.RawMessage(o)}
	}
	return all
}
