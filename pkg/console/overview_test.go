package console_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"reseed/internal/consoletest"
	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/eraser"
	"reseed/pkg/notify"
)

// hostile is a name that would do harm if it were not escaped.
const hostile = `<script>alert("x")</script> & 'Söhne'`

// holds checks that a page holds texts, once spaces and line breaks are one space.
func holds(t *testing.T, p consoletest.Page, status int, wants ...string) {
	t.Helper()
	text := strings.Join(strings.Fields(p.Text), " ")
	if p.Status != status {
		t.Errorf("%s: status %d, want %d", p.Path, p.Status, status)
	}
	if strings.Contains(text, "<script>alert") {
		t.Errorf("%s: a name is not escaped", p.Path)
	}
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", p.Path, want, text)
		}
	}
}

func omits(t *testing.T, p consoletest.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.Text, text) {
			t.Errorf("%s holds %q", p.Path, text)
		}
	}
}

// imported imports a file into a source, and returns the job.
func imported(t *testing.T, b *consoletest.Bed, source, csv string, how wire.ImportOptions) *wire.Job {
	t.Helper()
	j, err := b.API.Import(t.Context(), source, how, []client.File{{
		Name: "file.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(csv)), nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func added(t *testing.T, b *consoletest.Bed, name string) wire.Source {
	t.Helper()
	s, err := b.API.AddSource(t.Context(), name, "CSV")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const threeCustomers = "Name,External ID\nAnn,c1\nBob,c2\nCid,c3\n"

func TestTheListOfSources(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.SignIn()
	holds(t, w.Get("/"), 200, "There is no data source yet", `href="/sources/new"`, "Include sample data", `action="/sources/sample"`)
	company, other := added(t, b, hostile), added(t, b, "Bystander")
	holds(t, w.Get("/sources"), 200, "none from imports", "none yet", `href="/sources/`+other.UUID+`/import"`, "Delete all manual customers")
	first := imported(t, b, company.UUID, threeCustomers, wire.ImportOptions{})
	p := w.Get("/sources")
	holds(t, p, 200, `hx-get="/sources/progress"`, "<progress max", ": Import of 1 file, 0 %", `href="/jobs/`+first.ID+`"`)
	imported(t, b, company.UUID, threeCustomers+"Nobody,\n", wire.ImportOptions{})
	holds(t, w.Get("/sources"), 200, "1 job waits for its turn")
	b.Work()
	p = w.Get("/sources")
	holds(t, p, 200, "3 customers", "done with rejects", "1 row:", "rejected rows", "&lt;script&gt;")
	holds(t, p, 200, "Nothing is running.")
	omits(t, p, "hx-get=")
	plan := imported(t, b, company.UUID, "Name,External ID\nDan,c4\n", wire.ImportOptions{Plan: true})
	b.Work()
	holds(t, w.Get("/sources"), 200, "waits for you", "1 added", `href="/jobs/`+plan.ID+`"`, "done with rejects")
	imported(t, b, other.UUID, "what,is,this\n1,2,3\n", wire.ImportOptions{})
	b.Work()
	holds(t, w.Get("/sources"), 200, "failed")
	part := w.Send("GET", "/sources/progress", nil, http.Header{"Hx-Request": {"true"}})
	holds(t, part, 200, "3 customers", `id="sources"`)
	omits(t, part, "<html")
	erase(t, b, eraser.Selection{Kind: eraser.Content, Source: company.UUID}, 48*time.Hour)
	holds(t, w.Get("/sources"), 200, "out of sight, and can be restored until", "none from imports")
	w.Post("/choices", url.Values{"paused": {"yes"}, "to": {"/sources"}})
	imported(t, b, other.UUID, threeCustomers, wire.ImportOptions{})
	p = w.Get("/sources")
	holds(t, p, 200, `<a href="/sources">Refresh</a>`)
	omits(t, p, "hx-get=")
}

func erase(t *testing.T, b *consoletest.Bed, sel eraser.Selection, grace time.Duration) {
	t.Helper()
	if _, err := b.App.StartErase(t.Context(), sel, eraser.Options{Grace: &grace, By: "Ann"}); err != nil {
		t.Fatal(err)
	}
}

func TestASourceIsAddedStepByStep(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.SignIn()
	holds(t, w.Get("/sources/new"), 200, "Files", "Google Sheets", "Import API", `href="/sources/new/sheets"`, "Next")
	if p := w.Get("/sources/new/stripe"); p.Status != 404 {
		t.Errorf("a system that is not offered: %d", p.Status)
	}
	for _, system := range []string{"files", "sheets", "api"} {
		holds(t, w.Get("/sources/new/"+system), 200, "What comes next", `action="/sources/new/`+system+`"`)
		holds(t, w.Post("/sources/new/"+system, url.Values{"name": {" "}}), 422, "Give the data source a name", `aria-invalid="true"`)
	}
	added(t, b, "Taken")
	holds(t, w.Post("/sources/new/api", url.Values{"name": {"taken"}}), 422, `value="taken"`, "already been taken")
	list, err := b.API.Sources(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	p := w.Post("/sources/new/api", url.Values{"name": {hostile}})
	holds(t, p, 200, "curl -u", b.URL+"/v1", "data_source_uuid", "ds_")
	if !strings.HasSuffix(p.Path, "/api") {
		t.Errorf("the form leads to %s", p.Path)
	}
	if p := w.Get("/sources/ds_fef05d54-47b4-431b-aed2-eb6b9e545430/api"); p.Status != 404 {
		t.Errorf("of a source that is not there: %d", p.Status)
	}
	if p := w.Post("/sources/new/files", url.Values{"name": {"Shop"}}); !regexp.MustCompile(`^/sources/ds_[0-9a-f-]+/import$`).MatchString(p.Path) {
		t.Errorf("the form leads to %s", p.Path)
	}
}

func TestASpreadsheetIsConnected(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.SignIn()
	p := w.Post("/sources/new/sheets", url.Values{"name": {"Plans"}})
	holds(t, p, 200, "Connect a spreadsheet", "does not know the address to share with")
	at := p.Path
	holds(t, w.Get("/sources"), 200, "Connect a spreadsheet", `href="`+at+`"`)
	holds(t, w.Post(at, url.Values{"spreadsheet": {""}}), 422, "Give the address of the spreadsheet")
	holds(t, w.Post(at, url.Values{"spreadsheet": {"https://example.com/x"}}), 422, `aria-describedby="spreadsheet-problem"`, `value="https://example.com/x"`)
	holds(t, w.Post(at, url.Values{"spreadsheet": {sheetAddress}, "every": {"1m"}}), 422, `id="every-problem"`)
	holds(t, w.Get(at), 200, "Later") // nothing of that was kept
	p = w.Post(at, url.Values{"spreadsheet": {sheetAddress}, "every": {"6h"}})
	if p.Status != 200 || !strings.HasPrefix(p.Path, "/jobs/") {
		t.Errorf("the form leads to %s, %d", p.Path, p.Status)
	}
	id := strings.TrimPrefix(p.Path, "/jobs/")
	j, err := b.API.Job(t.Context(), id)
	if err != nil || !j.Import.Plan || j.Import.By != "Finance" {
		t.Errorf("%+v, %v", j, err)
	}
	source := strings.TrimSuffix(strings.TrimPrefix(at, "/sources/"), "/sheet")
	holds(t, w.Get("/sources"), 200, "every 6h", `action="/sources/`+source+`/sync"`, "Re-sync Data")
	if p := w.Post("/sources/"+source+"/sync", nil); p.Path != "/jobs/"+id {
		t.Errorf("a second press leads to %s, not to the pull that runs", p.Path)
	}
	unconnected := added(t, b, "Files")
	if p := w.Post("/sources/"+unconnected.UUID+"/sync", nil); p.Path != "/sources/"+unconnected.UUID+"/sheet" {
		t.Errorf("without a spreadsheet it leads to %s", p.Path)
	}
	if p := w.Post("/sources/ds_fef05d54-47b4-431b-aed2-eb6b9e545430/sync", nil); p.Status != 404 {
		t.Errorf("of a source that is not there: %d", p.Status)
	}
}

const sheetAddress = "https://docs.google.com/spreadsheets/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit#gid=0"

func TestActivity(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.SignIn()
	holds(t, w.Get("/jobs"), 200, "Nothing was done yet")
	company, other := added(t, b, hostile), added(t, b, "Bystander")
	var ids []string
	for i := range 53 {
		ids = append(ids, imported(t, b, company.UUID, threeCustomers+fmt.Sprintf("New,n%d\nNobody,\n", i), wire.ImportOptions{}).ID)
	}
	foreign := imported(t, b, other.UUID, threeCustomers, wire.ImportOptions{}).ID
	b.Work()
	p := w.Get("/jobs")
	holds(t, p, 200, "Import of 1 file", "done with rejects", "1 added, 1 rejected", "Finance", `<svg role="img"`, "The numbers", `href="/jobs/`+foreign+`"`)
	if n := strings.Count(p.Text, `class="bar"`); n != 40 {
		t.Errorf("%d bars", n)
	}
	omits(t, p, "style=", ">First<")
	next := regexp.MustCompile(`<a href="(/jobs\?[^"]+)">Next</a>`).FindStringSubmatch(p.Text)
	if next == nil {
		t.Fatal("there is no next page")
	}
	p = w.Get(strings.ReplaceAll(next[1], "&amp;", "&"))
	holds(t, p, 200, `href="/jobs/`+ids[0]+`"`, `<a href="/jobs">First</a>`)
	omits(t, p, `href="/jobs/`+foreign+`"`, ">Next<")
	p = w.Get("/jobs?state=done&kind=import&source=" + other.UUID)
	holds(t, p, 200, `href="/jobs/`+foreign+`"`, "of 54 that were looked at", "Clear filters", `<option value="done" selected>`, `<option value="`+other.UUID+`" selected>`)
	omits(t, p, `href="/jobs/`+ids[3]+`"`)
	holds(t, w.Get("/jobs?state=failed"), 200, "None of the 54 jobs", "Clear filters")
	holds(t, w.Get("/jobs?state=rejects&source="+company.UUID), 200, ">Next<", "source="+company.UUID)
	if p := w.Get("/jobs?state=nonsense"); p.Status != 400 {
		t.Errorf("a state that there is not: %d", p.Status)
	}
	erase(t, b, eraser.Selection{Kind: eraser.Source, Source: company.UUID}, 48*time.Hour)
	erase(t, b, eraser.Selection{Kind: eraser.ManualCustomers}, 0)
	b.Work()
	holds(t, w.Get("/jobs?kind=erase"), 200, "Erase: data source", "Erase: all manual customers", "items removed", ">receipt</a>", "until <time")
	holds(t, w.Get("/jobs?source="+company.UUID), 200, "a data source that was deleted")
}

func TestKeysArePutInAndTakenAway(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.SignIn()
	holds(t, w.Get("/keys"), 200, "Finance", "in the settings of the server", "Add a key", "Sign out everywhere")
	holds(t, w.Post("/keys", url.Values{"name": {""}}), 422, `id="name-problem"`)
	p := w.Post("/keys", url.Values{"name": {"Nightly import"}})
	key := regexp.MustCompile(`aria-label="The new key">([0-9a-f]{48})<`).FindStringSubmatch(p.Text)
	if key == nil {
		t.Fatalf("the key is not shown:\n%s", p.Text)
	}
	holds(t, p, 201, "it is shown this once")
	omits(t, w.Get("/keys"), key[1])
	holds(t, w.Post("/keys", url.Values{"name": {"nightly IMPORT"}}), 422, "already", `value="nightly IMPORT"`)
	nightly := client.New(b.URL, key[1], http.DefaultClient)
	if err := nightly.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Post("/keys", url.Values{"name": {"Bystander"}})
	holds(t, w.Get("/keys/remove?name=Nightly+import"), 200, "Programs that use the key", "Keep it")
	if err := nightly.Ping(t.Context()); err != nil {
		t.Errorf("looking at the page removes the key: %v", err)
	}
	holds(t, w.Post("/keys/remove", url.Values{"name": {"Nightly import"}}), 200, "is removed", "Bystander")
	if err := nightly.Ping(t.Context()); err == nil {
		t.Error("a removed key is good")
	}
	if p := w.Post("/keys/remove", url.Values{"name": {"Nightly import"}}); p.Status != 200 || p.Path != "/keys" {
		t.Errorf("the second press: %d %s", p.Status, p.Path)
	}
	holds(t, w.Get("/keys/remove?name=Nightly+import"), 200, "There is no key")
	holds(t, w.Post("/keys/remove", url.Values{"name": {"Finance"}}), 422, "settings")
	if p := w.Post("/logout", url.Values{"everywhere": {"yes"}}); p.Path != "/login" {
		t.Errorf("signing out everywhere leads to %s", p.Path)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.SignIn()
	holds(t, w.Get("/settings"), 200, "as the server says: not at all", "Send a test", `placeholder="20"`)
	wrong := url.Values{"grace": {"72h"}, "max_removed": {"101"}, "mail": {"on"}, "mail_to": {"nobody"}}
	holds(t, w.Post("/settings", wrong), 422, `id="max_removed-problem"`, `id="mail_to-problem"`, `value="101"`, "nobody</textarea>", `<option value="72h" selected>`)
	right := url.Values{"grace": {"72h"}, "max_removed": {"5"}, "mail": {"on"}, "mail_to": {"ann@example.com\r\nbob@example.com"}}
	p := w.Post("/settings", right)
	holds(t, p, 200, "The settings are saved", "3 days, set here", "5 %, set here", "ann@example.com bob@example.com</textarea>", "Changed last", "Finance")
	set, err := b.API.AccountSettings(t.Context())
	if err != nil || set.Grace.Value != "72h" || set.MaxRemoved.Value != 5 || len(set.Mail.To) != 2 {
		t.Errorf("%+v, %v", set, err)
	}
	p = w.Post("/settings/test", nil)
	holds(t, p, 200, "on its way", `hx-get="/settings/test"`)
	deliver(t, b)
	part := w.Send("GET", "/settings/test", nil, http.Header{"Hx-Request": {"true"}})
	holds(t, part, 200, "sent", "The mail server has taken it")
	omits(t, part, "<html", "hx-get=")
	holds(t, w.Post("/settings", url.Values{"mail": {"off"}}), 200, "The settings are saved", `value="off" checked`, "as the server says")
	holds(t, w.Post("/settings/test", nil), 422, "Mail is switched off")
	set, err = b.API.AccountSettings(t.Context())
	if err != nil || set.Grace.From != wire.FromDefault || set.MaxRemoved.Value != 20 || len(set.Mail.To) != 0 || set.Mail.On {
		t.Errorf("%+v, %v", set, err)
	}
}

// deliver delivers what is in the outbox.
func deliver(t *testing.T, b *consoletest.Bed) {
	t.Helper()
	n := notify.New(notify.Config{
		Store: b.Store, Ledger: b.App.Ledger, Now: b.Now, Log: b.App.Log, Mail: func(context.Context, *notify.Message) error { return nil },
	})
	if err := n.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
}
