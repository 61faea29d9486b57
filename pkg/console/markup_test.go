package console_test

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestMarkup: every template keeps to what the content policy lets through and what works without
// scripts.
func TestMarkup(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("web/*/*.html")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Fatalf("only %d templates: %q", len(files), files)
	}
	for _, file := range files {
		t.Run(filepath.ToSlash(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range faults(t, string(text)) {
				t.Error(fault)
			}
		})
	}
}

// TestMarkupFaultsAreFound: each line has one fault, and no fault is found in the first ones.
func TestMarkupFaultsAreFound(t *testing.T) {
	t.Parallel()
	for _, fine := range []string{
		`<form method="post" action="/jobs/{{.ID}}/cancel" hx-post="/jobs/{{.ID}}/cancel" hx-disable="find button"><button>Cancel</button></form>`,
		`<a href="/sources?after={{.Next}}" hx-get="/sources?after={{.Next}}" hx-target="main">Next</a>`,
		`<div hx-get="/jobs/1/progress" hx-trigger="every 2s"><p>Running</p><a href="/jobs/1">Refresh</a></div>`,
		`<script src="{{asset "htmx.js"}}" defer></script><svg><rect class="bar" width="4"/></svg>`,
		`<table><caption>Rows</caption><tr><th scope="col">{{if .Sorted}}Name{{else}}Id{{end}}</table>`,
	} {
		if found := faults(t, fine); len(found) > 0 {
			t.Errorf("%s\n%q", fine, found)
		}
	}
	for _, wrong := range []string{
		`<p style="color:red">`, `<rect style="fill:red"/>`, `<button onclick="go()">`, `<a href="javascript:go()">`, `<style>p{}</style>`, `<script>go()</script>`,
		`<script src="https://cdn.example/htmx.js"></script>`, `<link rel="stylesheet" href="//cdn.example/a.css">`, `<img src="http://example.com/a.png">`, `<p hx-on:click="go()">`, `<p hx-vals="js:{a:1}">`,
		`<form action="/a"><button>A</button></form>`, `<form method="post"><button>A</button></form>`, `<form method="dialog" action="/a"></form>`, `<a hx-get="/a">A</a>`,
		`<form method="post" action="/a" hx-confirm="Sure?"></form>`, `<a href="/a" hx-get="/a" hx-trigger="click[ctrlKey]">A</a>`, `<button hx-post="/a">A</button>`,
		`<div hx-get="/a" hx-trigger="load"><a href="/a">A</a></div>`, `<div hx-get="/a" hx-trigger="every 2s"><p>Running</p></div><a href="/a">Other</a>`,
		`<table><tr><th scope="col">A</table>`, `<table><caption>A</caption><tr><th>A</table>`, `<meta http-equiv="refresh" content="2">`, `<input autofocus onfocus="go()">`,
	} {
		if found := faults(t, wrong); len(found) != 1 {
			t.Errorf("%s\n%q", wrong, found)
		}
	}
}

// attributes are those of htmx that work under the content policy and that nothing depends on.
var attributes = []string{"hx-get", "hx-post", "hx-target", "hx-swap", "hx-trigger", "hx-push-url", "hx-disable", "hx-sync"}

var (
	actions   = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	elsewhere = regexp.MustCompile(`^\s*(?:[a-z]+:)?//`)
)

// faults lists what is wrong with a template. What its actions put in is text, or an address of the
// console.
func faults(t *testing.T, text string) (found []string) {
	t.Helper()
	tags := tagsOf(t, actions.ReplaceAllString(text, " "))
	for i, tag := range tags {
		if tag.Type == html.EndTagToken {
			continue
		}
		problem := cmp.Or(inline(tag), requests(tag), structure(tags[i:]), enhanced(tags, i, strings.Contains(text, "Refresh</a>")))
		if problem != "" {
			found = append(found, problem+": "+tag.String())
		}
	}
	return found
}

// tagsOf lists the tags of a template in order; empty elements are start tags.
func tagsOf(t *testing.T, text string) (all []html.Token) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(text))
	for z.Next() != html.ErrorToken {
		if tag := z.Token(); tag.Type == html.StartTagToken || tag.Type == html.EndTagToken || tag.Type == html.SelfClosingTagToken {
			all = append(all, tag)
		}
	}
	if !errors.Is(z.Err(), io.EOF) {
		t.Fatal(z.Err())
	}
	return all
}

// attr is the value of an attribute; ok tells whether there is one.
func attr(tag html.Token, name string) (value string, ok bool) {
	for _, a := range tag.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func has(tag html.Token, name string) bool {
	_, ok := attr(tag, name)
	return ok
}

// inline finds scripts and styles inside pages, which the content policy does not let run.
func inline(tag html.Token) string {
	for _, a := range tag.Attr {
		value := strings.TrimSpace(a.Val)
		switch {
		case a.Key == "style":
			return "a style inside the page"
		case strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "hx-on"):
			return "a script inside the page"
		case strings.HasPrefix(value, "javascript:"), strings.HasPrefix(value, "js:"):
			return "a value that is a script"
		case strings.HasPrefix(a.Key, "hx-") && !slices.Contains(attributes, a.Key):
			return "an attribute of htmx that is not among the eight"
		case a.Key == "hx-trigger" && strings.Contains(value, "["):
			return "a filter of a trigger, which is a script"
		case a.Key == "http-equiv":
			return "a page that loads itself again"
		}
	}
	if tag.Data == "style" {
		return "a style inside the page"
	}
	if tag.Data == "script" && !has(tag, "src") {
		return "a script inside the page"
	}
	return ""
}

// requests finds what a browser would fetch from other hosts.
func requests(tag html.Token) string {
	if tag.Data == "a" { // followed by people only
		return ""
	}
	for _, name := range []string{"src", "href", "action", "formaction", "data", "poster"} {
		if value, _ := attr(tag, name); elsewhere.MatchString(value) {
			return "an address of another host"
		}
	}
	return ""
}

// structure finds forms that lead nowhere and tables that cannot be listened to, at the first of tags.
func structure(tags []html.Token) string {
	tag := tags[0]
	switch tag.Data {
	case "form":
		method, _ := attr(tag, "method")
		if !has(tag, "action") || method != "get" && method != "post" {
			return "a form without method and action"
		}
	case "table":
		if len(tags) == 1 || tags[1].Data != "caption" {
			return "a table without a caption"
		}
	case "th":
		if !has(tag, "scope") {
			return "a th without scope"
		}
	}
	return ""
}

// enhanced finds elements that only htmx makes work. A part that is asked for again and again needs a
// link that does the same, somewhere in its template.
func enhanced(tags []html.Token, at int, refresh bool) string {
	tag := tags[at]
	if !has(tag, "hx-get") && !has(tag, "hx-post") {
		return ""
	}
	switch trigger, _ := attr(tag, "hx-trigger"); {
	case tag.Data == "form", tag.Data == "a" && has(tag, "href"), has(tag, "formaction"):
		return ""
	case tag.Data == "button" || tag.Data == "input" || tag.Data == "select":
		if depth(tags[:at], "form") > 0 {
			return ""
		}
	case strings.Contains(trigger, "every") && refresh:
		return ""
	}
	return "this does nothing without scripts"
}

// depth is how many elements of a name are open after the tags.
func depth(tags []html.Token, name string) (n int) {
	for _, t := range tags {
		switch {
		case t.Data != name:
		case t.Type == html.StartTagToken:
			n++
		case t.Type == html.EndTagToken:
			n--
		}
	}
	return n
}
