package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"reseed/internal/consoletest"
	"reseed/pkg/console"
)

// TestOddAddresses: whatever an address, a query or a form holds, nothing fails by itself.
func TestOddAddresses(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	src, err := b.API.AddSource(t.Context(), "Billing", "")
	if err != nil {
		t.Fatal(err)
	}
	w := b.SignIn()
	w.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	names := []string{
		"after", "code", "column", "cursor", "dataset", "did", "email", "external_id", "field", "file", "forget", "grace", "id", "into", "job", "key", "kind", "link", "mode", "name",
		"of", "part", "plan", "q", "query", "seen", "selection", "size", "source", "state", "system", "tag", "theme", "to", "type", "url", "value", "1.map", "1.skip_lines", "keep_edits",
	}
	for _, route := range console.Routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		for _, odd := range []string{"%00", "%0a", "%7f", "%C3%28", "..%2F..%2Fv1", "%3Fx=1", "%23x", "%25", "-1", "%2e%2e", strings.Repeat("x", 3000), "ds_" + strings.Repeat("0", 36), "%E2%80%AE"} {
			for _, id := range []string{odd, src.UUID} {
				at := strings.TrimSuffix(regexp.MustCompile(`\{(id|upload|dataset|job)\}`).ReplaceAllString(path, id), "{$}")
				text, _ := url.PathUnescape(odd)
				form := url.Values{}
				for _, name := range names {
					form.Set(name, text)
				}
				form.Set("to", "/"+text)
				form.Set("back", "/"+text)
				if method == http.MethodGet {
					at += "?" + form.Encode()
				}
				if path == "/logout" || id == odd && !strings.Contains(path, "{") {
					continue
				}
				p := w.Send(method, at, strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
				if p.Status >= http.StatusInternalServerError {
					t.Errorf("%s %.200s: %d", method, at, p.Status)
				}
			}
		}
	}
	if p := w.Get("/sources"); p.Status != http.StatusOK || !strings.Contains(p.Text, "Billing") {
		t.Errorf("afterwards: %d\n%s", p.Status, p.Text)
	}
}
