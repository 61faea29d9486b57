package console_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"reseed/internal/consoletest"
	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/console"
)

// TestRoutes sends one request to every route: by somebody who is signed in, by somebody whose key
// was removed, without a cookie, and from a page of another site.
func TestRoutes(t *testing.T) {
	t.Parallel()
	for _, route := range console.Routes() {
		t.Run(route.Pattern, func(t *testing.T) {
			t.Parallel()
			newRouteTest(t, route).run()
		})
	}
}

// routeTest is a route with a console of its own.
type routeTest struct {
	*testing.T
	console.Route
	method, path string
	known        bool // all that the path names exists
	bed          *consoletest.Bed
}

func newRouteTest(t *testing.T, route console.Route) *routeTest {
	t.Helper()
	method, path, _ := strings.Cut(route.Pattern, " ")
	r := &routeTest{T: t, Route: route, method: method, bed: consoletest.New(t), known: true}
	ids := r.fill()
	r.path = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllStringFunc(path, func(value string) string {
		begin, _, _ := strings.Cut(path, value)
		if value == "{$}" {
			return ""
		}
		id, ok := ids[begin+value]
		if !ok {
			r.known = false
			return "unknown"
		}
		return id
	})
	r.path += map[string]string{"GET /erase": "?selection=source&source=" + ids["/sources/{id}"], "GET /records/{id}": "?of=" + ids["/customers/{id}"]}[route.Pattern]
	r.known = r.known && route.Pattern != "GET /jobs/{id}/export" // the job is an import
	return r
}

// fill makes one of each thing that paths name.
func (r *routeTest) fill() map[string]string {
	r.Helper()
	ctx := r.Context()
	source, err := r.bed.API.AddSource(ctx, "Billing", "")
	if err != nil {
		r.Fatal(err)
	}
	text := "Name,Email,External ID\nAnn,ann@example.com,c1\nBob,bob@example.com,c2\nCat,no address,c3\n"
	file := client.File{Name: "customers.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	job, err := r.bed.API.Import(ctx, source.UUID, wire.ImportOptions{}, []client.File{file})
	if err != nil {
		r.Fatal(err)
	}
	r.bed.Work()
	var found struct {
		Entries []struct {
			UUID string `json:"uuid"`
		} `json:"entries"`
	}
	if err := r.bed.API.Call(ctx, http.MethodGet, "/v1/customers", nil, &found); err != nil || len(found.Entries) != 2 {
		r.Fatal(found, err)
	}
	return map[string]string{
		"/sources/{id}": source.UUID, "/sources/{id}/{dataset}": "customers", "/jobs/{id}": job.ID, "/customers/{id}": found.Entries[0].UUID,
	}
}

func (r *routeTest) run() {
	r.signedIn()
	r.signedOut(r.browser(false))
	r.keyRemoved()
	r.foreign()
}

// browser opens a browser that follows no redirects, signed in with a key of its own or not.
func (r *routeTest) browser(signedIn bool) *consoletest.Browser {
	r.Helper()
	w := r.bed.Browser()
	if signedIn {
		key, err := r.bed.API.AddKey(r.Context(), "Nightly")
		if err != nil {
			r.Fatal(err)
		}
		w.Post("/login", url.Values{"key": {key.Key}})
	}
	w.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w
}

func (r *routeTest) send(w *consoletest.Browser, header http.Header) consoletest.Page {
	r.Helper()
	var body io.Reader
	if r.method == http.MethodPost {
		header = header.Clone()
		if header == nil {
			header = http.Header{}
		}
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		body = strings.NewReader("")
	}
	return w.Send(r.method, r.path, body, header)
}

// signedIn: a page that exists is shown, and nothing fails by itself.
func (r *routeTest) signedIn() {
	r.Helper()
	w := r.bed.SignIn()
	w.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p := r.send(w, nil)
	switch {
	case p.Status >= 500:
		r.Errorf("%s: %d\n%s", r.path, p.Status, p.Text)
	case r.method == http.MethodPost && p.Status == http.StatusOK:
		r.Errorf("%s: a form is answered with a page, which is sent again when it is loaded again", r.path)
	case r.method == http.MethodGet && r.known && p.Status >= 400:
		r.Errorf("%s: %d\n%s", r.path, p.Status, p.Text)
	}
	if p.Header.Get("Content-Security-Policy") == "" || p.Header.Get("X-Content-Type-Options") != "nosniff" || p.Header.Get("Cache-Control") != "no-store" {
		r.Errorf("headers %v", p.Header)
	}
}

// signedOut: whoever is not signed in is sent to where they can do that, and nothing happens.
func (r *routeTest) signedOut(w *consoletest.Browser) {
	r.Helper()
	if r.Open {
		return
	}
	before := r.state()
	if p := r.send(w, nil); !toSignIn(p) {
		r.Errorf("no cookie: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Text)
	}
	if p := r.send(w, http.Header{"Hx-Request": {"true"}}); p.Status != http.StatusNoContent || !strings.HasPrefix(p.Header.Get("Hx-Redirect"), "/login") {
		r.Errorf("no cookie, a part of a page: %d to %q\n%s", p.Status, p.Header.Get("Hx-Redirect"), p.Text)
	}
	if after := r.state(); after != before {
		r.Errorf("no cookie: before %s, after %s", before, after)
	}
}

// keyRemoved: so is whoever has signed in with a key that was removed since. Pages that show no data,
// such as an empty form, may be shown: nothing comes of it.
func (r *routeTest) keyRemoved() {
	r.Helper()
	if r.Open {
		return
	}
	w := r.browser(true)
	if _, err := r.bed.API.RemoveKey(r.Context(), "Nightly"); err != nil {
		r.Fatal(err)
	}
	before := r.state()
	p := r.send(w, nil)
	empty := r.method == http.MethodGet && p.Status == http.StatusOK && !strings.Contains(p.Text, "Billing") && !strings.Contains(p.Text, "ann@example.com")
	if !toSignIn(p) && !empty {
		r.Errorf("a key that was removed: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Text)
	}
	if after := r.state(); after != before {
		r.Errorf("a key that was removed: before %s, after %s", before, after)
	}
}

func toSignIn(p consoletest.Page) bool {
	return p.Status == http.StatusSeeOther && strings.HasPrefix(p.Header.Get("Location"), "/login")
}

// foreign: a form on another site's page does nothing, also for whoever is signed in.
func (r *routeTest) foreign() {
	r.Helper()
	w := r.bed.SignIn()
	before := r.state()
	for _, site := range []string{"cross-site", "same-site"} {
		p := r.send(w, http.Header{"Sec-Fetch-Site": {site}})
		if (p.Status == http.StatusForbidden) != (r.method == http.MethodPost) {
			r.Errorf("%s: %d\n%s", site, p.Status, p.Text)
		}
	}
	if after := r.state(); after != before {
		r.Errorf("before %s, after %s", before, after)
	}
}

// state is what a form could have changed: sources, customers, jobs and keys.
func (r *routeTest) state() string {
	r.Helper()
	var all strings.Builder
	for _, path := range []string{"/v1/data_sources", "/v1/customers", "/v1/jobs", "/v1/receipts"} {
		var text any
		if err := r.bed.API.Call(r.Context(), http.MethodGet, path, nil, &text); err != nil {
			r.Fatal(err)
		}
		all.WriteString(path)
		fmt.Fprint(&all, text)
	}
	return all.String()
}
