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
)

// hostileName is a name as people have them in tests.
const hostileName = "<script>alert(\"x\")</script> \u202e & 'Co'"

// people is a console over a source with customers c1, c2 and a bystander.
type people struct {
	*consoletest.Bed
	*consoletest.Browser
	t                   *testing.T
	source              string
	one, two, bystander string // ids
}

const manyInvoices = 60

func newPeople(t *testing.T) *people {
	t.Helper()
	b := consoletest.New(t)
	p := &people{Bed: b, Browser: b.SignIn(), t: t}
	s, err := b.API.AddSource(t.Context(), "Billing", "Custom")
	if err != nil {
		t.Fatal(err)
	}
	p.source = s.UUID
	p.load("all.ndjson", peopleLines())
	p.one, p.two, p.bystander = p.id("c1"), p.id("c2"), p.id("bystander")
	return p
}

func peopleLines() string {
	var b strings.Builder
	for _, id := range []string{"c1", "c2", "bystander"} {
		fmt.Fprintf(&b, `{"dataset":"customers","external_id":%q,"name":%q,"email":"%s@example.com","city":"Rome"}`+"\n", id, hostileName+id, id)
	}
	fmt.Fprintln(&b, `{"dataset":"contacts","customer_external_id":"c1","first_name":"Conny","email":"conny@example.com"}`)
	for n := range manyInvoices {
		date := fmt.Sprintf("%d-%02d-03", 2018+n/12, n%12+1)
		fmt.Fprintf(&b, `{"dataset":"invoices","customer_external_id":"c1","external_id":"i%02d","date":%q,"currency":"JPY","status":"paid"}`+"\n", n, date)
		fmt.Fprintf(&b, `{"dataset":"line_items","invoice_external_id":"i%02d","external_id":"l%02d","type":"one_time","amount_in_cents":1234567,"quantity":1,"description":"Seat & desk"}`+"\n", n, n)
		fmt.Fprintf(&b, `{"dataset":"transactions","invoice_external_id":"i%02d","external_id":"t%02d","type":"payment","result":"successful","date":%q}`+"\n", n, n, date)
	}
	fmt.Fprintln(&b, `{"dataset":"subscription_events","customer_external_id":"c1","subscription_external_id":"s1","event_type":"subscription_cancelled","event_date":"2024-01-05","effective_date":"2024-02-01"}`)
	return b.String()
}

func (p *people) load(name, text string) {
	p.t.Helper()
	_, err := p.API.Import(p.t.Context(), p.source, wire.ImportOptions{}, []client.File{{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.Work()
}

func (p *people) id(externalID string) string {
	p.t.Helper()
	page, err := p.API.CustomersWithID(p.t.Context(), externalID)
	if err != nil || len(page.Customers) != 1 {
		p.t.Fatal(page, err)
	}
	return page.Customers[0].ID
}

// shows checks that a page has all the texts, and that it is a page as it should be.
func (p *people) shows(page consoletest.Page, texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(page.Text, text) {
			_, main, _ := strings.Cut(page.Text, "<main")
			p.t.Errorf("%s (%d) does not show %q:\n%s", page.Path, page.Status, text, main)
		}
	}
	if strings.Contains(page.Text, "<script>alert") || strings.Contains(page.Text, " style=") {
		p.t.Errorf("%s has markup from data, or a style of its own", page.Path)
	}
}

func (p *people) hides(page consoletest.Page, texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(page.Text, text) {
			p.t.Errorf("%s shows %q", page.Path, text)
		}
	}
}

// untouched checks that the bystander is as it was.
func (p *people) untouched() {
	p.t.Helper()
	all, err := p.API.Members(p.t.Context(), p.bystander, "")
	if err != nil || len(all.Members) != 1 || len(all.Members[0].Edits) > 0 || all.Members[0].Field("name").Value != hostileName+"bystander" {
		p.t.Errorf("the bystander is %+v, %v", all, err)
	}
}

func TestTheCustomerPage(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	page := p.Get("/customers/" + p.one)
	p.shows(page, "&lt;script&gt;", "c1@example.com", "Rome", "imported", "all.ndjson", "<dt>Line</dt><dd>1</dd>", "Conny", "There are no", "conny@example.com",
		"Subscription cancelled", "subscription s1, effective 2024-02-01", "Invoice i59", "JPY 1\u202f234\u202f567", "Seat &amp; desk", "Payment, successful, 2022-12-03",
		"/erase?selection=customer&amp;id="+p.one, "Export what is known of this person", `role="img"`)
	p.hides(page, "Invoice i30", "Revert edit", "bystander")
	if len(page.Text) > 60_000 {
		t.Errorf("the page has %d bytes", len(page.Text))
	}
	for _, path := range []string{"/customers/cus_x", "/customers/x/edit", "/customers/x/merge", "/customers/" + p.one + "/merge?into=x", "/records/x", "/customers/" + p.one + "x"} {
		if page := p.Get(path); page.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, page.Status)
		}
	}
	if page := p.Get("/customers/" + p.one + "?after=x"); page.Status != http.StatusBadRequest {
		t.Errorf("a wrong cursor: %d", page.Status)
	}
	p.shows(p.Get("/customers/"+p.two), "There are no invoices and no subscription events.")
	if page := p.Post("/customers/"+p.one+"/export", nil); !strings.HasPrefix(page.Path, "/jobs/") {
		t.Errorf("an export leads to %s", page.Path)
	}
	if page := p.Post("/customers/x/export", nil); page.Status != http.StatusNotFound {
		t.Errorf("an export of nobody: %d", page.Status)
	}
}

// The timeline has every entry once, page by page, with a picture of at most 40 marks.
func TestTheTimeline(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	next, first := regexp.MustCompile(`href="([^"#]*)#timeline">Next`), regexp.MustCompile(`href="([^"#]*)#timeline">First`)
	invoice := regexp.MustCompile(`Invoice i\d\d`)
	seen, pages := map[string]int{}, 0
	for path := "/customers/" + p.one; path != ""; pages++ {
		page := p.Get(path)
		for _, title := range invoice.FindAllString(page.Text, -1) {
			seen[title]++
		}
		if marks := strings.Count(page.Text, "<circle"); marks == 0 || marks > 40 || strings.Count(page.Text, `<tr><th scope="row"><time`) != marks {
			t.Errorf("%d marks", marks)
		}
		if got := first.MatchString(page.Text); got != (pages > 0) {
			t.Errorf("a link to the first page on page %d: %v", pages, got)
		}
		path = ""
		if to := next.FindStringSubmatch(page.Text); to != nil {
			path = strings.ReplaceAll(to[1], "&amp;", "&")
		}
	}
	if len(seen) != manyInvoices || pages != 3 {
		t.Errorf("%d invoices on %d pages", len(seen), pages)
	}
	for title, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", title, n)
		}
	}
}

func TestACustomerIsEdited(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	edit := "/customers/" + p.one + "/edit"
	p.shows(p.Get(edit), `value="c1@example.com"`, `name="was.city" value="Rome"`)
	form := url.Values{"name": {"Annabel"}, "was.name": {hostileName + "c1"}, "city": {"Rome"}, "was.city": {"Rome"}, "zip": {"00100"}, "was.zip": {""}}
	page := p.Post(edit, form)
	p.shows(page, "Annabel", "00100", "edited", "by <bdi>Finance</bdi>", "changed by hand. Imports do not touch this.", ">Revert</button>", "Revert edit of Name", "&lt;script&gt;")
	p.hides(page, "Revert edit of City")

	p.load("again.ndjson", peopleLines())
	p.shows(p.Get("/customers/"+p.one), "Annabel", "00100")

	// another tab, whose form is older, changes another field
	page = p.Post(edit, url.Values{"name": {hostileName + "c1"}, "was.name": {hostileName + "c1"}, "city": {""}, "was.city": {"Rome"}})
	p.shows(page, "Annabel", "Revert edit of City", "Imported: <bdi>Rome</bdi>")

	wrong := url.Values{"email": {"nobody"}, "was.email": {"c1@example.com"}, "company": {"Kept & filled in"}, "was.company": {""}}
	if page = p.Post(edit, wrong); page.Status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong address: %d", page.Status)
	}
	p.shows(page, `value="nobody"`, `aria-invalid="true"`, `id="email-problem"`, `value="Kept &amp; filled in"`)
	p.hides(p.Get("/customers/"+p.one), "Kept")

	revert := "/edits/" + p.one + "/revert"
	back := url.Values{"field": {"name"}, "value": {"Annabel"}, "back": {"/customers/" + p.one}}
	page = p.Post(revert, back)
	p.shows(page, "Name: as it was imported again.", "Edit again", `name="name" value="Annabel"`, "Revert edit of City")
	p.hides(page, "Revert edit of Name")
	if page = p.Post(revert, back); page.Status != http.StatusOK || !strings.HasPrefix(page.Path, "/customers/"+p.one+"?did=reverted") {
		t.Errorf("the same again, from another tab: %d %s", page.Status, page.Path)
	}
	page = p.Post(edit, url.Values{"name": {"Annabel"}})
	p.shows(page, "Annabel", "Revert edit of Name")
	if page = p.Post(revert, url.Values{"field": {"name", "city", "zip"}, "back": {"//evil.example"}}); page.Path != "/sources?did=reverted&field=name&field=city&field=zip" {
		t.Errorf("it leads to %s", page.Path)
	}
	p.hides(p.Get("/customers/"+p.one), "Revert edit")
	if page = p.Post("/edits/x/revert", nil); page.Status != http.StatusNotFound {
		t.Errorf("an edit of nothing: %d", page.Status)
	}
	p.untouched()
}

func TestCustomersAreMerged(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	merge := "/customers/" + p.two + "/merge"
	p.Post("/customers/"+p.two+"/tags", url.Values{"tag": {"of two"}})
	p.shows(p.Get(merge+"?q=c1%40example.com"), merge+"?into="+p.one)
	p.hides(p.Get(merge+"?q=c2"), merge+"?into=") // itself
	p.shows(p.Get(merge+"?q=c2"), "No other customer has <bdi>c2</bdi>")
	p.shows(p.Get(merge+"?q=nobody"), "No customer has <bdi>nobody</bdi>")
	page := p.Get(merge + "?into=" + p.one)
	p.shows(page, "c1 (Billing)", "c2 (Billing)", "of two", "c1@example.com", "c2@example.com", "<button class=\"primary\">Merge</button>")
	p.hides(p.Get("/customers/"+p.one), "c2@example.com")

	page = p.Post(merge, url.Values{"into": {p.one}})
	p.shows(page, "is part of this customer now", ">Unmerge</button>", "of two", "Unmerge c2")
	if !strings.HasPrefix(page.Path, "/customers/"+p.one+"?did=merged") {
		t.Errorf("a merge leads to %s", page.Path)
	}
	p.shows(p.Get("/customers/"+p.two), "<bdi>c2</bdi> of <bdi>Billing</bdi> was merged into this customer", "Invoice i59")
	if page = p.Post(merge, url.Values{"into": {p.one}}); page.Status != http.StatusOK { // another tab
		t.Errorf("the same merge again: %d", page.Status)
	}
	p.shows(p.Get("/customers/"+p.one+"/merge?into="+p.two), "These two are the same customer already.")

	unmerge := "/customers/" + p.one + "/unmerge"
	for range 2 { // the second in another tab
		page = p.Post(unmerge, url.Values{"part": {p.two}})
		p.shows(page, "separate customers again", "Merge again", `name="into" value="`+p.one+`"`)
		p.hides(page, "of two")
	}
	p.shows(p.Get("/customers/"+p.two), "of two")
	p.hides(p.Get("/customers/"+p.two), "was merged into")
	p.hides(p.Get("/customers/"+p.one+"?did=merged&part="+p.two), "is part of this customer now") // it is not so any more
	for _, path := range []string{"/customers/x/merge", "/customers/x/unmerge", merge} {
		if page = p.Post(path, url.Values{"into": {"x"}}); page.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, page.Status)
		}
	}
	p.untouched()
}

func TestTagsAndAttributes(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	tags, attributes := "/customers/"+p.one+"/tags", "/customers/"+p.one+"/attributes"
	page := p.Post(tags, url.Values{"tag": {hostileName}})
	p.shows(page, "was added", "Remove it again", "&lt;script&gt;", "Changed last by <bdi>Finance</bdi>")
	page = p.Post(tags+"/remove", url.Values{"tag": {hostileName}})
	p.shows(page, "was removed", "Add it again")
	p.hides(page, "Remove the tag")
	if page = p.Post(tags, url.Values{"tag": {strings.Repeat("x", 300)}}); page.Status != http.StatusUnprocessableEntity {
		t.Errorf("a long tag: %d", page.Status)
	}
	p.shows(page, `id="tag-problem"`, "xxx")
	p.hides(p.Get("/customers/"+p.one), "xxx")

	for kind, v := range map[string]string{"Integer": "12", "Boolean": "true", "String": "text", "Timestamp": "2026-01-31", "Decimal": "1.5"} {
		p.shows(p.Post(attributes, url.Values{"key": {"My " + kind}, "type": {kind}, "value": {v}}), "My "+kind, "<bdi>"+v)
	}
	page = p.Post(attributes, url.Values{"key": {"My Integer"}, "type": {"Integer"}, "value": {"twelve"}})
	if page.Status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong value: %d", page.Status)
	}
	p.shows(page, `value="twelve"`, `id="custom-problem"`, "<option selected>Integer</option>")
	page = p.Post(attributes+"/remove", url.Values{"key": {"My Integer"}})
	p.hides(page, "My Integer")
	p.shows(page, "My Boolean")
	for _, path := range []string{"tags", "tags/remove", "attributes", "attributes/remove"} {
		if page := p.Post("/customers/x/"+path, url.Values{"tag": {"x"}, "key": {"x"}}); page.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, page.Status)
		}
	}
	p.untouched()
}

// What data sources say of a customer stands among the attributes, and below what a person has said instead.
func TestAttributesThatWereImported(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.load("more.ndjson", `{"dataset":"customers","external_id":"c1","custom_attributes":{"Segment":"SMB","Seats":5,"Odd":"<i>"}}`)
	path := "/customers/" + p.one
	page := p.Get(path)
	p.shows(page, "<bdi>Segment</bdi>", "<bdi>SMB</bdi>", "<bdi>5</bdi>", "&lt;i&gt;", "imported from <bdi>Billing</bdi>")
	p.hides(page, "Remove the attribute", "Custom attributes</th>")
	page = p.Post(path+"/attributes", url.Values{"key": {"Seats"}, "type": {"Integer"}, "value": {"7"}})
	p.shows(page, "<bdi>7</bdi>", "imported from <bdi>Billing</bdi>: <bdi>5</bdi>", "Remove the attribute Seats")
	page = p.Post(path+"/attributes/remove", url.Values{"key": {"Seats"}})
	p.shows(page, "<bdi>5</bdi>")
	p.hides(page, "Remove the attribute")
	p.shows(p.Get("/sources/"+p.source+"/customers"), "Odd: &lt;i&gt;, Seats: 5, Segment: SMB")
	p.untouched()
}

func TestCustomersAreSearched(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.shows(p.Get("/customers"), `action="/customers"`)
	for _, q := range []string{"c1", "C1@example.com", " c1 "} {
		page := p.Get("/customers?q=" + url.QueryEscape(q))
		p.shows(page, "/customers/"+p.one, "c1@example.com", "<bdi>Billing</bdi>")
		p.hides(page, p.two, p.bystander)
	}
	for _, q := range []string{"C1", "c", "nobody@example.com", hostileName} {
		p.shows(p.Get("/customers?q="+url.QueryEscape(q)), "No customer has")
	}
}

// An invoice has a page of its own, with its parts, what people did to them, and where it is from.
func TestARecord(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	link := regexp.MustCompile(`/records/(inv_[0-9a-f-]+)\?of=`).FindStringSubmatch(p.Get("/customers/" + p.one).Text)
	page := p.Get("/records/" + link[1] + "?of=" + p.one)
	p.shows(page, "Invoice i59", "JPY 1\u202f234\u202f567", "Line item l59", "Transaction t59", "all.ndjson", `href="/customers/`+p.one+`"`)
	p.hides(page, "Revert edit")
	if err := p.API.Call(t.Context(), http.MethodPatch, "/v1/invoices/"+link[1], map[string]any{"status": "voided", "handle_as_user_edit": true}, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.API.Call(t.Context(), http.MethodPatch, "/v1/invoices/"+link[1]+"/disabled_state", map[string]any{"disabled": true}, nil); err != nil {
		t.Fatal(err)
	}
	page = p.Get("/records/" + link[1])
	p.shows(page, "voided", "Imported: <bdi>paid</bdi>", "left out of metrics", "Revert edit of all edits")
	p.shows(p.Get("/customers/"+p.one), "left out of metrics", "edited")
	page = p.Post("/edits/"+link[1]+"/revert", url.Values{"back": {"/records/" + link[1]}})
	p.shows(page, "paid")
	p.hides(page, "voided", "left out of metrics")
}

// A customer that nothing is merged into shows its record, and does not speak of others.
func TestCustomerOfOneRecord(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	page := p.Get("/customers/" + p.one)
	p.shows(page, "The only record of this customer", "/records/"+p.one)
	if strings.Contains(page.Text, "the others are merged") || strings.Contains(page.Text, "Unmerge") {
		t.Errorf("it speaks of merged customers: %s", page.Text)
	}
}
