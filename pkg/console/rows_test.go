package console_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reseed/internal/consoletest"
	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// files are the files of an import.
func files(texts map[string]string) (list []client.File) {
	for name, text := range texts {
		list = append(list, client.File{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
	}
	return list
}

// billing makes a data source with files, and another one beside it.
func billing(t *testing.T, b *consoletest.Bed, texts map[string]string) (source, job string) {
	t.Helper()
	for _, name := range []string{"Bystander", "Billing"} {
		s, err := b.API.AddSource(t.Context(), name, "CSV")
		if err != nil {
			t.Fatal(err)
		}
		if name == "Bystander" {
			texts := map[string]string{"customers.csv": "Name,External ID\nBystander,bystander1\n"}
			if _, err := b.API.Import(t.Context(), s.UUID, wire.ImportOptions{}, files(texts)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		source = s.UUID
	}
	j, err := b.API.Import(t.Context(), source, wire.ImportOptions{}, files(texts))
	if err != nil {
		t.Fatal(err)
	}
	b.Work()
	return source, j.ID
}

// next is the address behind a link with a text; empty if there is none.
func next(p consoletest.Page, text string) string {
	found := regexp.MustCompile(`<a href="([^"]*)"[^>]*>` + text + `</a>`).FindStringSubmatch(p.Text)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

func company() map[string]string {
	customers := "Name,External ID,Email\n"
	for i := range 120 {
		customers += fmt.Sprintf("Customer %d,c%03d,ann%d@example.com\n", i, i, i%100)
	}
	return map[string]string{
		"customers.csv":    customers + "<script>alert(1)</script>,hostile,\n",
		"invoices.csv":     "Customer external ID,Invoice external ID,Invoiced date,Currency\nc001,i1,2024-01-01,EUR\nc001,i2,2024-01-01,JPY\n",
		"line_items.csv":   "Invoice external ID,External ID,Type,Amount in cents\ni1,l1,one_time,-123456789\ni2,l2,one_time,5000\n",
		"transactions.csv": "Invoice external ID,External ID,Type,Result,Date\ni1,t1,payment,successful,2024-01-02\nnowhere,t2,payment,successful,2024-01-02\n",
	}
}

// tells checks that a page has some texts and lacks others, which begin with an exclamation mark.
func tells(t *testing.T, p consoletest.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		not, unwanted := strings.CutPrefix(text, "!")
		if has := strings.Contains(p.Text, not); has == unwanted {
			t.Errorf("%s: has %q: %v\n%s", p.Path, not, has, p.Text)
		}
	}
}

func TestTablesOfASource(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	source, _ := billing(t, b, company())
	w := b.SignIn()
	p := w.Get("/sources/" + source)
	var ids []string
	pages := 0
	for at := p.Path; at != ""; at = next(p, "Next") {
		p = w.Get(at)
		pages++
		for _, m := range regexp.MustCompile(`<a href="/customers/cus_[^"]*"><bdi>([^<]*)</bdi>`).FindAllStringSubmatch(p.Text, -1) {
			ids = append(ids, m[1])
		}
		if (pages == 1) != (next(p, "First") == "") {
			t.Errorf("page %d: First leads to %q", pages, next(p, "First"))
		}
	}
	slices.Sort(ids)
	if pages != 3 || len(ids) != 121 || ids[0] != "c000" || len(slices.Compact(ids)) != 121 {
		t.Errorf("%d pages with %d customers: %v", pages, len(ids), ids)
	}
}

// Every link of a source's pages leads to a page.
func TestLinksOfASource(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	source, _ := billing(t, b, company())
	w := b.SignIn()
	seen := map[string]bool{}
	for _, page := range []string{"customers", "invoices", "edits", "imports", "settings", "customers/new"} {
		p := w.Get("/sources/" + source + "/" + page)
		_, text, _ := strings.Cut(p.Text, "<main")
		for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			to := html.UnescapeString(m[1])
			if kind := regexp.MustCompile(`[0-9a-f-]{20,}|cursor=.*`).ReplaceAllString(to, "…"); !seen[kind] {
				seen[kind] = true
				if p := w.Get(to); p.Status != http.StatusOK {
					t.Errorf("%s leads to %s: %d\n%s", page, to, p.Status, p.Text)
				}
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d links: %v", len(seen), seen)
	}
}

func TestSearchInTables(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	source, _ := billing(t, b, company())
	w := b.SignIn()
	table := "/sources/" + source + "/"
	tells(t, w.Get(table+"customers?external_id=hostile"), "!<script>alert", "&lt;script&gt;alert")
	tells(t, w.Get(table+"customers?email=ann5%40example.com"), ">c005<", ">c105<", "!>c006<")
	tells(t, w.Get(table+"customers?external_id=nobody"), "No row fits")
	tells(t, w.Get(table+"customers?external_id=bystander1"), "No row fits")
	tells(t, w.Get(table+"line_items"), "EUR −1\u202f234\u202f567.89", "JPY 5\u202f000", `<th scope="col" class="number">Amount</th>`, ">i1</bdi></a>")
	tells(t, w.Get(table+"contacts"), "There are no rows")
	tells(t, w.Get(table+"invoices"), `<time datetime="2024-01-01">`, `<th scope="row"><a href="/records/inv_`)
	tells(t, w.Get(next(w.Get(table+"invoices?external_id=i1"), "<bdi>i1</bdi>")), "i1", "!i2")
	for path, want := range map[string]int{
		table + "cats": http.StatusNotFound, "/sources/ds_nobody/customers": http.StatusNotFound, table + "customers?state=x": http.StatusBadRequest, table + "customers?cursor=x": http.StatusBadRequest,
	} {
		if p := w.Get(path); p.Status != want || !strings.Contains(p.Text, "<html") {
			t.Errorf("%s: %d, want %d", path, p.Status, want)
		}
	}
}

// idOf is the public id of a row.
func idOf(t *testing.T, b *consoletest.Bed, source, dataset, externalID string) string {
	t.Helper()
	page, err := b.API.Rows(t.Context(), source, dataset, wire.RowFilter{ExternalID: externalID}, wire.RowPaging{})
	if err != nil || len(page.Rows) != 1 {
		t.Fatalf("%s: %v", externalID, err)
	}
	return page.Rows[0].ID
}

// Rows that people have changed say so, can be asked for, and be reverted.
func TestRowsChangedByHand(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	source, _ := billing(t, b, company())
	w := b.SignIn()
	table, customer := "/sources/"+source+"/", idOf(t, b, source, "customers", "c001")
	for path, body := range map[string]map[string]any{
		"/v1/customers/" + customer: {"name": "Renamed"},
		"/v1/line_items/" + idOf(t, b, source, "line_items", "l1") + "/disabled_state": {"disabled": true},
		"/v1/invoices/" + idOf(t, b, source, "invoices", "i2") + "/disabled_state":     {"disabled": true},
	} {
		if err := b.API.Call(t.Context(), http.MethodPatch, path, body, nil); err != nil {
			t.Fatal(err)
		}
	}
	tells(t, w.Get(table+"customers?state=edited"), "<ins><bdi>Renamed</bdi></ins>", "<bdi>Finance</bdi>", "!>c002<")
	tells(t, w.Get(table+"line_items?state=disabled"), ">l1<", "!>l2<")
	tells(t, w.Get(table+"line_items?state=deleted"), "No row fits")
	tells(t, w.Get(table+"line_items?external_id=l2"), "its invoice is disabled", "!> disabled<")
	tells(t, w.Get(table+"edits"), "<bdi>Name: Renamed</bdi>", "<bdi>disabled</bdi>")
	back := table + "customers?state=edited"
	p := w.Post("/edits/"+customer+"/revert", url.Values{"back": {back}})
	if tells(t, p, "Reverted: the row is as it was imported", "!Renamed"); !strings.Contains(p.Path, back) {
		t.Errorf("the form leads to %s", p.Path)
	}
	tells(t, w.Get(table+"edits"), "!Renamed", "<bdi>disabled</bdi>")
}

// A list of edits of any length is read page by page.
func TestEditsOfASource(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	source, _ := billing(t, b, company())
	page, err := b.API.Rows(t.Context(), source, "customers", wire.RowFilter{}, wire.RowPaging{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Rows {
		if err := b.API.AddTags(t.Context(), r.ID, "vip"); err != nil {
			t.Fatal(err)
		}
	}
	w := b.SignIn()
	edits, pages := 0, 0
	for at := "/sources/" + source + "/edits"; at != ""; pages++ {
		p := w.Get(at)
		edits += strings.Count(p.Text, "<bdi>Tags: vip</bdi>")
		at = next(p, "Next")
	}
	if edits != len(page.Rows) || pages != 3 {
		t.Errorf("%d edits on %d pages, want %d on 3", edits, pages, len(page.Rows))
	}
}

func TestImportsOfASource(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	source, job := billing(t, b, company())
	w := b.SignIn()
	p := w.Get("/sources/" + source + "/imports")
	for _, want := range []string{
		`href="/jobs/` + job + `"`, "transactions.csv", "done with rejects", `href="/jobs/` + job + `/rejects"`, "/changes?dataset=customers&amp;action=added\">121<",
	} {
		if !strings.Contains(p.Text, want) {
			t.Errorf("there is no %q:\n%s", want, p.Text)
		}
	}
	if n := strings.Count(p.Text, "Count them"); n != 1 {
		t.Errorf("%d imports can be counted", n)
	}
	at := regexp.MustCompile(`href="([^"]*/remaining)"`).FindStringSubmatch(p.Text)
	if at == nil {
		t.Fatal("nothing counts what is left")
	}
	const left = "Customers: 121, Invoices: 2, Invoice Line Items: 2, Transactions: 1"
	if p := w.Get(at[1]); !strings.Contains(p.Text, left) || !strings.Contains(p.Text, "<html") {
		t.Errorf("what is left:\n%s", p.Text)
	}
	if p := w.Send(http.MethodGet, at[1], nil, http.Header{"Hx-Request": {"true"}}); strings.TrimSpace(p.Text) != left {
		t.Errorf("for a part of the page: %q", p.Text)
	}
}

func TestNewCustomer(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	source, _ := billing(t, b, company())
	w := b.SignIn()
	at := "/sources/" + source + "/customers/new"
	if p := w.Get(at); p.Status != http.StatusOK || strings.Contains(p.Text, `role="alert"`) {
		t.Errorf("the form: %d", p.Status)
	}
	p := w.Post(at, url.Values{"external_id": {"c001"}, "name": {"Ann <b>"}, "country": {"Nowhere"}})
	if p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text, `value="Ann &lt;b&gt;"`) || !strings.Contains(p.Text, `id="country-problem"`) || strings.Contains(p.Text, `id="name-problem"`) {
		t.Errorf("a wrong country: %d\n%s", p.Status, p.Text)
	}
	if p := w.Post(at, url.Values{"external_id": {"c001"}}); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text, `id="external_id-problem"`) {
		t.Errorf("an id that is taken: %d\n%s", p.Status, p.Text)
	}
	if p := w.Post(at, url.Values{"external_id": {"by-hand"}, "name": {"Ann"}}); !strings.HasPrefix(p.Path, "/customers/cus_") {
		t.Errorf("the customer's page is %s", p.Path)
	}
	plan, err := b.API.PlanErase(t.Context(), wire.Erasure{Selection: wire.SelectManualCustomers})
	if err != nil || plan.Removes["customers"] != 123 { // 121 of the file, a bystander, and this one
		t.Errorf("%v: %v", plan.Removes, err)
	}
}

// refuses checks that a form is shown again with what is wrong with it.
func refuses(t *testing.T, p consoletest.Page, texts ...string) {
	t.Helper()
	if tells(t, p, texts...); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("%s: %d", p.Path, p.Status)
	}
}

func TestHowFilesOfASourceAreRead(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	source, _ := billing(t, b, company())
	w := b.SignIn()
	at := "/sources/" + source + "/settings"
	tells(t, w.Get(at), "Nothing is set", "!Re-sync")
	tells(t, w.Get(at+"?dataset=invoices"), "Files of Invoices")
	refuses(t, w.Post(at, url.Values{"dataset": {"invoices"}, "date_format": {"never"}, "amounts": {"units"}, "map": {"A=B"}}),
		`id="date_format-problem"`, `<option value="units" selected>`, ">A=B</textarea>")
	refuses(t, w.Post(at, url.Values{"dataset": {"cats"}}))
	tells(t, w.Get(at), "Nothing is set")
	tells(t, w.Post(at, url.Values{"dataset": {"invoices"}, "date_format": {"DD.MM.YYYY"}, "decimal": {"comma"}, "skip_lines": {"2"}, "map": {"Total=Currency\r\n\r\n"}}),
		"Saved.", "Format of dates: DD.MM.YYYY", "Decimal sign: a comma", "Lines before the header row: 2", "Columns: Total=Currency")
	tells(t, w.Post(at, url.Values{"dataset": {"invoices"}}), "Nothing is set")
}

func TestScheduleOfASource(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	source, _ := billing(t, b, company())
	w := b.SignIn()
	at := "/sources/" + source + "/settings"
	spreadsheet := "https://docs.google.com/spreadsheets/d/1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcdefg"
	if _, err := b.API.ChangeSyncs(t.Context(), source, wire.SyncChange{Spreadsheet: &spreadsheet}); err != nil {
		t.Fatal(err)
	}
	tells(t, w.Get(at), ">Re-sync Data</button>", "!>New customer</a>")
	form := url.Values{"spreadsheet": {spreadsheet}, "every": {"1s"}, "max_changed": {"20"}, "max_removed": {"x"}}
	refuses(t, w.Post(at+"/schedule", form), `id="max_removed-problem"`, `value="1s"`)
	form.Set("max_removed", "7")
	refuses(t, w.Post(at+"/schedule", form), `id="every-problem"`)
	form.Set("every", "6h")
	tells(t, w.Post(at+"/schedule", form), "Saved.", `value="7"`)
}
