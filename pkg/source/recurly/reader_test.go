package recurly_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/recurlytest"
	"reseed/internal/standin"
	"reseed/pkg/fault"
	"reseed/pkg/source/recurly"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

func opened(t *testing.T, transport http.RoundTripper) system.Reader {
	t.Helper()
	r, err := recurly.System{}.Open(system.Connection{Credentials: map[string]string{"key": recurlytest.Key}, Transport: transport, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// content checks that the judge has nothing to object to.
func content(t *testing.T, w *recurlytest.World) {
	t.Helper()
	for _, v := range w.Judged() {
		t.Error(v)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for key, ok := range map[string]bool{recurlytest.Key: true, "": false, "ewr1-0123456789abcdef": false, "short": false, recurlytest.Key + "\n": false} {
		_, err := recurly.System{}.Open(system.Connection{Credentials: map[string]string{"key": key}})
		if (err == nil) != ok || err != nil && (!fault.Is(err, fault.Invalid) || key != "" && strings.Contains(err.Error(), key)) {
			t.Errorf("%q: %v", key, err)
		}
	}
	if _, err := (recurly.System{}).Open(system.Connection{Credentials: map[string]string{"key": recurlytest.Key}, Place: "Moon"}); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// Each place has its address; Base replaces it.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for place, host := range map[string]string{"": "v3.recurly.com", "US": "v3.recurly.com", "EU": "v3.eu.recurly.com", "US sandbox": "v3.recurly.com", "EU sandbox": "v3.eu.recurly.com"} {
		for base, host := range map[string]string{"": host, "http://127.0.0.1:9": "127.0.0.1:9"} {
			asked := ""
			r, err := recurly.System{}.Open(system.Connection{
				Credentials: map[string]string{"key": recurlytest.Key}, Place: place, Base: base, Now: time.Now,
				Transport: transport(func(r *http.Request) (*http.Response, error) {
					asked = r.URL.Host
					return answer(http.StatusNotFound, `{"error":{"type":"not_found"}}`), nil
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, found, err := r.Customer(t.Context(), "ann"); found || err != nil || asked != host {
				t.Errorf("%q is at %q: %t, %v", place, asked, found, err)
			}
		}
	}
}

type transport func(r *http.Request) (*http.Response, error)

// RoundTrip answers.
func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// An account is read by its code, whatever is in it, and without the token that opens the customer's own pages.
func TestCustomer(t *testing.T) {
	t.Parallel()
	w := recurlytest.New(time.Now(), recurlytest.TheJudge(t))
	r := opened(t, w)
	for _, code := range []string{"ann", "ann@example.com", "a/b?c=d e%20"} {
		w.Add(recurlytest.Accounts, "", recurlytest.Fields{"code": code, "first_name": "Ann"})
		o, found, err := r.Customer(t.Context(), code)
		if err != nil || !found || o.Stream != recurly.Accounts || !bytes.Contains(o.JSON, []byte(`"Ann"`)) || bytes.Contains(o.JSON, []byte(recurlytest.LoginToken)) {
			t.Errorf("%q: %s, %t, %v", code, o.JSON, found, err)
		}
		if b, err := (recurly.System{}).BelongsTo(o); err != nil || b.Own != code || b.Customer != code {
			t.Errorf("%+v, %v", b, err)
		}
	}
	content(t, w)
	other := opened(t, transport(func(*http.Request) (*http.Response, error) {
		return answer(http.StatusOK, `{"id":"ac2","code":"bob"}`), nil
	}))
	_, _, err := other.Customer(t.Context(), "ann")
	if kind, _ := remote.KindOf(err); kind != remote.Shape {
		t.Error(err)
	}
}

// Lists of accounts come without these tokens, too.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := recurlytest.New(time.Now(), recurlytest.TheJudge(t))
	w.Fill(2, time.Second)
	r := opened(t, w)
	page, err := r.Page(t.Context(), r.Begin(w.Now(), ""))
	if err != nil || len(page.Objects) != 2 {
		t.Fatalf("%d, %v", len(page.Objects), err)
	}
	for _, o := range page.Objects {
		if bytes.Contains(o.JSON, []byte(recurlytest.LoginToken)) || !bytes.Contains(o.JSON, []byte(`"Ann"`)) {
			t.Errorf("%s", o.JSON)
		}
	}
}

// A cursor of another version is refused, and asks for nothing.
func TestCursorsOfOthers(t *testing.T) {
	t.Parallel()
	w := recurlytest.New(time.Now(), recurlytest.TheJudge(t))
	r := opened(t, w)
	for _, c := range []string{``, `{}`, `{"until":"2026-01-01T00:00:00Z","done":true}`, `{"until":"2026-01-01T00:00:00Z","list":99}`, `{"until":"2026-01-01T00:00:00Z","list":-1}`, `{"until":"2026-01-01T00:00:00Z","next":"%zz"}`, `[]`} {
		if _, err := r.Page(t.Context(), json.RawMessage(c)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", c, err)
		}
	}
	if len(w.Requests()) != 0 {
		t.Errorf("%v", w.Requests())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Page(ended, r.Begin(time.Now(), "")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A next page is one of the same list at the same address, wherever an answer leads.
func TestNextPages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ next, asked string }{
		"path":          {`"/accounts?cursor=a%3A1&limit=200"`, "https://v3.recurly.com/accounts?cursor=a%3A1&limit=200"},
		"address":       {`"https://v3.recurly.com/accounts?cursor=a"`, "https://v3.recurly.com/accounts?cursor=a"},
		"other address": {`"https://evil.example/accounts?cursor=a"`, "https://v3.recurly.com/accounts?cursor=a"},
		"none":          {`null`, ""},
		"no query":      {`"/accounts"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			r := opened(t, transport(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodGet {
					asked = append(asked, r.URL.String())
				}
				return answer(http.StatusOK, `{"object":"list","has_more":true,"next":`+tt.next+`,"data":[]}`), nil
			}))
			page, err := r.Page(t.Context(), r.Begin(time.Now(), ""))
			if tt.asked == "" {
				if kind, ok := remote.KindOf(err); !ok || kind != remote.Shape {
					t.Error(err)
				}
				return
			}
			if err != nil || page.Done {
				t.Fatal(err)
			}
			if _, err = r.Page(t.Context(), page.Next); err == nil || asked[1] != tt.asked { // the page after it is itself
				t.Errorf("%v, %q", err, asked)
			}
		})
	}
}

// The pages of a list say how many objects it has: those of the pull, and not those that were made since.
func TestTotals(t *testing.T) {
	t.Parallel()
	w := recurlytest.New(time.Now(), recurlytest.TheJudge(t))
	w.Fill(201, 0)
	r := opened(t, w)
	cursor := r.Begin(w.Now(), "")
	w.Advance(time.Hour)
	w.Fill(1, 0)
	for done := false; !done; {
		page, err := r.Page(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != 201 {
			t.Errorf("%d %s", page.Total, page.Stream)
		}
		cursor, done = page.Next, page.Done
	}
	content(t, w)
}

// A pull of one account asks for the plans of all and for nothing else of others; one of an account that is gone has plans only.
func TestOneAccount(t *testing.T) {
	t.Parallel()
	w := recurlytest.New(time.Now(), recurlytest.TheJudge(t))
	w.Fill(2, time.Second)
	r := opened(t, w)
	for customer, want := range map[string]int{"code-1": 2*2 + 3, "nobody": 2 * 2} {
		objects := 0
		cursor := r.Begin(w.Now(), customer)
		for done := false; !done; {
			page, err := r.Page(t.Context(), cursor)
			if err != nil {
				t.Fatal(err)
			}
			objects += len(page.Objects)
			cursor, done = page.Next, page.Done
		}
		if objects != want {
			t.Errorf("%s: %d objects, want %d", customer, objects, want)
		}
	}
	for _, asked := range w.Requests() {
		if path, _, _ := strings.Cut(asked, "?"); path != "/plans" && path != "/add_ons" && !strings.HasPrefix(path, "/accounts/code-") {
			t.Error(asked)
		}
	}
	content(t, w)
}

// An invoice that goes while its lines are read has no further lines.
func TestInvoiceThatGoes(t *testing.T) {
	t.Parallel()
	w := recurlytest.New(time.Now(), recurlytest.TheJudge(t))
	w.Long(2, recurlytest.Shown+1)
	r := opened(t, w)
	w.Before(11, func() { w.Delete(w.IDs(recurlytest.Invoices)[0]) }) // its lines would be the eleventh request
	lines := 0
	cursor := r.Begin(w.Now(), "")
	for done := false; !done; {
		page, err := r.Page(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		if page.Stream == recurly.Lines {
			lines += len(page.Objects)
		}
		cursor, done = page.Next, page.Done
	}
	if lines != recurlytest.Shown+1 {
		t.Errorf("%d lines", lines)
	}
}

// Check names the site and its mode, and each list that the key may not read; a site that is none is refused.
func TestCheck(t *testing.T) {
	t.Parallel()
	w := recurlytest.New(time.Now(), recurlytest.TheJudge(t))
	r := opened(t, w)
	a, err := r.Check(t.Context())
	if want := (system.Account{ID: "sitebystander", Name: "world"}); a != want || err != nil {
		t.Errorf("%+v, %v", a, err)
	}
	content(t, w)
	for _, path := range []string{"/sites", "/invoices", "/add_ons"} {
		w.Forbid(path)
	}
	_, err = r.Check(t.Context())
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Forbidden || e.Code != recurly.CodePermission || !strings.HasSuffix(e.Message, ": sites, add_ons, invoices.") {
		t.Error(err)
	}
	none := opened(t, transport(func(*http.Request) (*http.Response, error) {
		return answer(http.StatusOK, `{"object":"list","has_more":false,"data":[]}`), nil
	}))
	_, err = none.Check(t.Context())
	if kind, ok := remote.KindOf(err); !ok || kind != remote.Shape {
		t.Error(err)
	}
	live := opened(t, transport(func(*http.Request) (*http.Response, error) {
		return answer(http.StatusOK, `{"object":"list","has_more":false,"data":[{"id":"s1","subdomain":"acme","mode":"production"}]}`), nil
	}))
	if a, err := live.Check(t.Context()); !a.Live || err != nil {
		t.Errorf("%+v, %v", a, err)
	}
}

// A refusal that says in its own header when requests are taken again is heeded.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	judge := recurlytest.TheJudge(t)
	synctest.Test(t, func(t *testing.T) {
		w := recurlytest.New(time.Now(), judge)
		w.FailAt(1, standin.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"X-Ratelimit-Reset": {"946684890"}}}) // 90 s after virtual time begins
		begin := time.Now()
		r := opened(t, w)
		if _, err := r.Page(t.Context(), r.Begin(begin, "")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin).Truncate(time.Second); took != 90*time.Second {
			t.Errorf("asked again after %v", took)
		}
		content(t, w)
	})
}

// The judge objects to what is not in Recurly's description, and to answers of another shape.
func TestJudgeObjects(t *testing.T) {
	t.Parallel()
	judge := recurlytest.TheJudge(t)
	for name, tt := range map[string]struct {
		path    string
		prepare func(w *recurlytest.World)
	}{
		"parameter": {"/accounts?limit=200&color=red", nil},
		"path":      {"/moons", nil},
		"field": {"/accounts", func(w *recurlytest.World) {
			w.Add(recurlytest.Accounts, "", recurlytest.Fields{"color": "red"})
		}},
		"word": {"/accounts", func(w *recurlytest.World) {
			w.Add(recurlytest.Accounts, "", recurlytest.Fields{"state": "red"})
		}},
		"type": {"/plans", func(w *recurlytest.World) {
			w.Add(recurlytest.Plans, "", recurlytest.Fields{"interval_length": "long"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := recurlytest.New(time.Now(), judge)
			if tt.prepare != nil {
				tt.prepare(w)
			}
			u, err := url.Parse("https://v3.recurly.com" + tt.path)
			if err != nil {
				t.Fatal(err)
			}
			r := (&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{"Accept": {"application/vnd.recurly." + recurly.Version + "+json"}}}).WithContext(t.Context())
			r.SetBasicAuth(recurlytest.Key, "")
			if _, err := w.RoundTrip(r); err != nil { //nolint:bodyclose // it is in memory
				t.Fatal(err)
			}
			if len(w.Judged()) != 1 {
				t.Errorf("%v", w.Judged())
			}
		})
	}
}
