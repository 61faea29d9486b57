package console_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"reseed/internal/consoletest"
)

var (
	inputTag  = regexp.MustCompile(`<input[^>]*>`)
	attribute = regexp.MustCompile(`([a-z_-]+)(?:="([^"]*)")?`)
	selectTag = regexp.MustCompile(`(?s)<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>`)
	optionTag = regexp.MustCompile(`<option value="([^"]*)" selected>`)
)

// formOf is what a browser would send of the form of a page that goes to an address, as it stands.
func formOf(t *testing.T, p consoletest.Page, action string) url.Values {
	t.Helper()
	_, rest, found := strings.Cut(p.Text, `action="`+action+`"`)
	body, _, closed := strings.Cut(rest, "</form>")
	if !found || !closed {
		t.Fatalf("%s has no form to %s:\n%s", p.Path, action, p.Text)
	}
	form := url.Values{}
	for _, tag := range inputTag.FindAllString(body, -1) {
		a := map[string]string{}
		for _, m := range attribute.FindAllStringSubmatch(strings.TrimPrefix(tag, "<input"), -1) {
			a[m[1]] = html.UnescapeString(m[2])
		}
		_, checked := a["checked"]
		if off := (a["type"] == "radio" || a["type"] == "checkbox") && !checked; !off {
			form.Add(a["name"], a["value"])
		}
	}
	for _, m := range selectTag.FindAllStringSubmatch(body, -1) {
		if chosen := optionTag.FindStringSubmatch(m[2]); chosen != nil {
			form.Set(m[1], html.UnescapeString(chosen[1]))
		}
	}
	return form
}

// shows fails the test unless a page has a status and all the texts.
func shows(t *testing.T, p consoletest.Page, status int, texts ...string) {
	t.Helper()
	if p.Status != status {
		t.Fatalf("%s: status %d, want %d\n%s", p.Path, p.Status, status, p.Text)
	}
	plain := strings.Join(strings.Fields(html.UnescapeString(p.Text)), " ")
	for _, text := range texts {
		if !strings.Contains(plain, text) {
			t.Errorf("%s does not say %q:\n%s", p.Path, text, p.Text)
		}
	}
}

// hides fails the test if a page has one of the texts.
func hides(t *testing.T, p consoletest.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(html.UnescapeString(p.Text), text) {
			t.Errorf("%s says %q:\n%s", p.Path, text, p.Text)
		}
	}
}
