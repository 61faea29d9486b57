package console_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/internal/consoletest"
	"reseed/pkg/console"
	"reseed/pkg/httpapi"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.Browser()
	if p := w.Get("/jobs/none?x=1"); p.Path != "/login?to=%2Fjobs%2Fnone%3Fx%3D1" {
		t.Errorf("without a cookie the page is %s", p.Path)
	}
	if p := w.Post("/login", url.Values{"key": {"wrong"}}); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text, "There is no such key") {
		t.Errorf("a wrong key: %d\n%s", p.Status, p.Text)
	}
	if p := w.Post("/login", url.Values{"key": {consoletest.Key}, "to": {"//evil.example/"}}); p.Path != "/sources" {
		t.Errorf("the form leads to %s", p.Path)
	}
	if p := w.Post("/logout", nil); p.Path != "/login" {
		t.Errorf("signing out leads to %s", p.Path)
	}
	if p := w.Get("/sources"); p.Path != "/login?to=%2Fsources" {
		t.Errorf("signed out, the page is %s", p.Path)
	}
}

// A session ends with its key, with its time, and when all are ended; a bystander's does not.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	key, err := b.API.AddKey(t.Context(), "Nightly")
	if err != nil {
		t.Fatal(err)
	}
	bystander := b.SignIn()
	signIn := func() *consoletest.Browser {
		w := b.Browser()
		if p := w.Post("/login", url.Values{"key": {key.Key}}); p.Path != "/sources" {
			t.Fatalf("signing in leads to %s", p.Path)
		}
		return w
	}
	in := func(w *consoletest.Browser) bool { return w.Get("/sources").Path == "/sources" }
	one, two := signIn(), signIn()
	if two.Post("/logout", url.Values{"everywhere": {"yes"}}); in(one) || in(two) || !in(bystander) {
		t.Error("signing out everywhere ends the sessions of one key, and no others")
	}
	one = signIn()
	if _, err := b.API.RemoveKey(t.Context(), "Nightly"); err != nil {
		t.Fatal(err)
	}
	if in(one) || !in(bystander) {
		t.Error("a session ends with its key")
	}
	if b.Skip(httpapi.SessionLife); in(bystander) {
		t.Error("a session has no end")
	}
}

// A link signs in once, within an hour, and is good for nothing else.
func TestLinks(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	link := func() string {
		n, token := httpapi.NewSession(httpapi.HashKey(consoletest.Key), true, b.Now())
		if err := b.Store.AddSession(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		return token
	}
	token := link()
	w := b.Browser()
	if p := w.Get("/login?link=" + token); !strings.Contains(p.Text, token) || strings.Contains(p.Text, `name="key"`) {
		t.Errorf("the link's page:\n%s", p.Text)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+"/v1/data_sources", nil)
	req.SetBasicAuth(token, "")
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a link instead of a key: %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	if p := w.Post("/login", url.Values{"link": {token}}); p.Path != "/sources" {
		t.Errorf("the link leads to %s", p.Path)
	}
	if p := b.Browser().Post("/login", url.Values{"link": {token}}); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text, "used already") {
		t.Errorf("the link again: %d\n%s", p.Status, p.Text)
	}
	token = link()
	b.Skip(time.Hour)
	if p := b.Browser().Post("/login", url.Values{"link": {token}}); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("an old link: %d", p.Status)
	}
}

// Requests of other sites change nothing, and those with a key go to the API.
func TestWhoIsServed(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.SignIn()
	foreign := http.Header{"Sec-Fetch-Site": {"cross-site"}}
	if p := w.Send(http.MethodPost, "/logout", nil, foreign); p.Status != http.StatusForbidden || w.Get("/sources").Path != "/sources" {
		t.Errorf("a form of another site: %d", p.Status)
	}
	if p := w.Get("/nowhere"); p.Status != http.StatusNotFound || !strings.Contains(p.Text, "<html") {
		t.Errorf("no such page: %d\n%s", p.Status, p.Text)
	}
	if p := w.Get("/v1/data_sources"); p.Status != http.StatusUnauthorized || p.Header.Get("Content-Type") != "application/json" {
		t.Errorf("a cookie is no key for the API: %d", p.Status)
	}
	if err := b.API.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.API.Call(t.Context(), http.MethodGet, "/sources", nil, nil); err == nil {
		t.Error("with a key, a page of the console is served")
	}
}

// What is logged of a wrong key names neither the key nor the address of who sent it.
func TestAWrongKeyIsLoggedWithoutPersonalData(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := console.New(console.Config{
		API: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }),
		Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now, Limit: func(h http.Handler) http.Handler { return h },
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login", strings.NewReader("key=s3cret"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-Proto", "https")
	r.RemoteAddr = "203.0.113.77:4711"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(log.String(), "a wrong key") {
		t.Fatalf("status %d, log %q", w.Code, log.String())
	}
	if strings.Contains(log.String(), "203.0.113.77") || strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log says %q", log.String())
	}
}

// endless is a form of several parts whose file has no end. It counts what is taken of it.
type endless struct {
	head  io.Reader
	taken atomic.Int64
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.head.Read(p); err == nil {
		return n, nil
	}
	clear(p)
	if e.taken.Add(int64(len(p))) > 256<<20 {
		return 0, errors.New("much too much")
	}
	return len(p), nil
}

// Forms other than those with files are limited, also for people who are not signed in: nobody can fill
// the disk with a file that no page wants.
func TestFormsThatTakeNoFilesAreLimited(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	in := b.SignIn()
	for _, path := range []string{"/login", "/choices"} {
		body := &endless{head: strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"to\"; filename=\"a\"\r\n\r\n")}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		if resp, err := http.DefaultClient.Do(req); err == nil { // else the connection was cut while the form was sent
			_ = resp.Body.Close()
		}
		if n := body.taken.Load(); n > 64<<20 {
			t.Errorf("%s took %d MB of a form", path, n>>20)
		}
	}
	if p := in.Get("/sources"); p.Status != http.StatusOK {
		t.Errorf("somebody else gets %d", p.Status)
	}
}
