package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// deed is a request that writes. Its bed holds c1 (with i1 and the plan p1) that came over REST,
// the manual customer m1 (with i2), and the same c1 in another source, which stays untouched.
type deed struct {
	name, method, path, body string // with {c1}, {m1}, {i1}, {p1}, {l1}, {source} for ids
	done                     func(*deeds) bool
	long                     bool // takes several transactions
}

// filled is a copy of such a bed's table.
type filled struct {
	mem    *mem.Driver
	source store.Source
	ids    *strings.Replacer
	beside string // what is stored in the other source
}

func fill(t *testing.T) filled {
	t.Helper()
	f := filled{mem: mem.New(mem.Options{})}
	a := newAPIOn(t, f.mem)
	first, second := a.fixed()
	c1 := a.customer(first, "c1", `,"email":"a@example.com","attributes":{"tags":["old"]}`)
	p1, i1 := a.plan(first, "p1"), a.invoice(c1, "i1", "2020-01-01")
	m1 := a.manual(first, "m1", "m@example.com")
	a.invoice(m1, "i2", "2020-01-01")
	a.must(200, "PATCH", "/v1/invoices/"+i1, `{"due_date":"2020-02-02","handle_as_user_edit":true}`)
	a.invoice(a.customer(second, "c1", `,"email":"b@example.com","attributes":{"tags":["beside"]}`), "i1", "2020-01-01")
	l1 := text(t, a.must(200, "GET", "/v1/line_items?external_id=li-i1&data_source_uuid="+first, ""), "uuid")
	f.ids = strings.NewReplacer("{c1}", c1, "{m1}", m1, "{i1}", i1, "{p1}", p1, "{l1}", l1, "{source}", first)
	dir, err := a.store.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.source, _ = dir.ByUUID(first)
	f.beside = stored(f.mem, theOther)
	return f
}

// Prefixes of the partitions of the two sources.
const (
	theSource = "00001."
	theOther  = "00002."
)

// deeds is a bed on which something happens at one call of the table.
type deeds struct {
	*service
	filled
	left   atomic.Int64 // calls until it happens; 0: nothing happens
	counts func(mem.Op) bool
	happen func() error
	late   bool // it happens after the call, not before it
}

func (f filled) deeds(t *testing.T) *deeds {
	t.Helper()
	d := &deeds{filled: f, counts: func(mem.Op) bool { return true }}
	at := func(late bool) func(mem.Op, int) error {
		return func(op mem.Op, _ int) error {
			if d.late != late || !d.counts(op) || d.left.Load() <= 0 || d.left.Add(-1) != 0 {
				return nil
			}
			return d.happen()
		}
	}
	d.mem = f.mem.Clone(mem.Options{Before: at(false), After: at(true)})
	d.service = newAPIOn(t, d.mem)
	return d
}

// stored is what a table holds in partitions with a prefix.
func stored(from *mem.Driver, prefix string) string {
	var lines []string
	for _, it := range from.All() {
		if strings.HasPrefix(it.PK, prefix) {
			lines = append(lines, fmt.Sprintf("%s %s %x", it.PK, it.SK, it.Attrs))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// does makes the request.
func (d *deeds) does(x deed) answer {
	return d.do(x.method, d.ids.Replace(x.path), d.ids.Replace(x.body))
}

// at makes the request, and calls happen at its n-th call of the table. happened is false if the
// request has fewer calls.
func (d *deeds) at(x deed, n int, late bool, happen func() error) (ans answer, happened bool) {
	d.late, d.happen = late, func() error { happened = true; return happen() }
	if x.long {
		d.counts = func(op mem.Op) bool { return op == mem.Transact }
	}
	d.left.Store(int64(n))
	ans = d.does(x)
	d.left.Store(0)
	return ans, happened
}

// tells reports whether an answer of 200 holds some texts.
func (d *deeds) tells(path string, texts ...string) bool {
	ans := d.do("GET", d.ids.Replace(path), "")
	return ans.status == http.StatusOK && !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(ans.body, s) })
}

func (d *deeds) lacks(path, text string) bool {
	ans := d.do("GET", d.ids.Replace(path), "")
	return ans.status == http.StatusNotFound || ans.status == http.StatusOK && !strings.Contains(ans.body, text)
}

// many is the JSON of n invoices of some lines each, which have no external ids.
func many(n, lines int) string {
	list := make([]string, n)
	for i := range list {
		line := `{"type":"one_time","amount_in_cents":7}`
		list[i] = fmt.Sprintf(`{"external_id":"n%d","date":"2020-01-01","currency":"USD","line_items":[%s%s]}`, i, line, strings.Repeat(","+line, lines-1))
	}
	return `{"invoices":[` + strings.Join(list, ",") + `]}`
}

// whole reports whether all of those invoices are there with all of their lines.
func whole(n, lines int) func(*deeds) bool {
	return func(d *deeds) bool {
		for _, i := range []int{0, n / 2, n - 1} {
			out := d.do("GET", fmt.Sprintf("/v1/invoices?data_source_uuid=%s&external_id=n%d", d.source.UUID, i), "")
			if strings.Count(out.body, `"type":"one_time"`) != lines {
				return false
			}
		}
		return true
	}
}

func allDeeds() []deed {
	const invoicesOf, c1, i1 = "/v1/import/customers/{c1}/invoices", "/v1/customers/{c1}", "/v1/invoices/{i1}"
	tells := func(path string, texts ...string) func(*deeds) bool {
		return func(d *deeds) bool { return d.tells(path, texts...) }
	}
	lacks := func(path, text string) func(*deeds) bool {
		return func(d *deeds) bool { return d.lacks(path, text) }
	}
	made := func(d *deeds) bool {
		return d.tells("/v1/customers?external_id=c9&data_source_uuid={source}", `"t1","t2"`, `"seats":3`, `"name":"New"`) &&
			d.tells("/v1/customers/search?email=new@example.com", `"c9"`)
	}
	patched := func(who string) func(*deeds) bool {
		return tells("/v1/customers/"+who, `"name":"Other"`, `"tags":["x","y"]`, `"seats":4`)
	}
	const patch = `{"name":"Other","email":"other@example.com","attributes":{"tags":["x","y"],"custom":{"seats":4}}}`
	return []deed{
		{"customer", "POST", "/v1/customers", `{"data_source_uuid":"{source}","external_id":"c9","name":"New","email":"new@example.com",
			"primary_contact":{"first_name":"Ann"},"attributes":{"tags":["t1","t2"],"custom":[{"type":"Integer","key":"seats","value":3}]}}`, made, false},
		{
			"customer of a manual one's id", "POST", "/v1/customers", `{"data_source_uuid":"{source}","external_id":"m1","attributes":{"tags":["t1"]}}`,
			tells("/v1/customers/{m1}", `"t1"`), false,
		},
		{"patch", "PATCH", c1, patch, patched("{c1}"), false},
		{"patch of a manual one", "PATCH", "/v1/customers/{m1}", patch, patched("{m1}"), false},
		{"tags", "POST", c1 + "/attributes/tags", `{"tags":["x"]}`, tells(c1, `"x"`), false},
		{"tags by e-mail", "POST", "/v1/customers/attributes/tags", `{"email":"a@example.com","tags":["x"]}`, tells(c1, `"x"`), false},
		{"no tags", "DELETE", c1 + "/attributes/tags", `{"tags":["old"]}`, lacks(c1, `"old"`), false},
		{"attributes", "PUT", c1 + "/attributes/custom", `{"custom":{"seats":4}}`, tells(c1, `"seats":4`), false},
		{
			"attributes by e-mail", "POST", "/v1/customers/attributes/custom", `{"email":"m@example.com","custom":[{"type":"Integer","key":"seats","value":3}]}`,
			tells("/v1/customers/{m1}", `"seats":3`), false,
		},
		{
			"plan", "POST", "/v1/plans", `{"data_source_uuid":"{source}","external_id":"p9","name":"New","interval_count":1,"interval_unit":"day"}`,
			tells("/v1/plans?external_id=p9&data_source_uuid={source}", `"New"`), false,
		},
		{"patch of a plan", "PATCH", "/v1/plans/{p1}", `{"name":"Other","interval_count":7}`, tells("/v1/plans/{p1}", `"Other"`, `"interval_count":7`), false},
		{
			"invoice", "POST", invoicesOf, `{"invoices":[` + invoice("i9", "2021-01-01") + `]}`,
			tells("/v1/invoices?external_id=i9&data_source_uuid={source}", `"li-i9"`, `"tr-i9"`), false,
		},
		{
			"invoice of a manual one", "POST", "/v1/import/customers/{m1}/invoices", `{"invoices":[` + invoice("i9", "2021-01-01") + `]}`,
			tells("/v1/import/customers/{m1}/invoices", `"li-i9"`, `"tr-i9"`), false,
		},
		{"large invoice", "POST", invoicesOf, many(1, 130), whole(1, 130), true},
		{"many invoices", "POST", invoicesOf, many(110, 2), whole(110, 2), true},
		{"line item", "POST", "/v1/import/invoices/{i1}/line_items", `{"external_id":"l9","type":"one_time","amount_in_cents":9}`, tells(i1, `"l9"`), false},
		{"patch of a line item", "PATCH", "/v1/line_items/{l1}", `{"quantity":9,"amount_in_cents":77}`, tells(i1, `"quantity":9`, `"amount_in_cents":77`), false},
		{"edit of a line item", "PATCH", "/v1/line_items/{l1}?handle_as_user_edit=true", `{"quantity":9}`, tells(i1, `"quantity":9`), false},
		{"no line item", "DELETE", "/v1/line_items/{l1}", "", lacks("/v1/line_items/{l1}", "li-i1"), false},
		{"line item deleted as an edit", "DELETE", "/v1/line_items/{l1}?handle_as_user_edit=true", "", lacks("/v1/line_items/{l1}", "li-i1"), false},
		{"patch of an invoice", "PATCH", i1, `{"date":"2022-02-02","status":"voided"}`, tells("/v1/invoices?customer_uuid={c1}", `"2022-02-02T`, `"voided"`), false},
		{"edit of an invoice", "PATCH", i1, `{"date":"2022-02-02","handle_as_user_edit":true}`, tells(i1, `"2022-02-02T`), false},
		{"status", "PUT", "/v1/data_sources/{source}/invoices/i1/status", `{"status":"voided"}`, tells(i1, `"voided"`), false},
		{"disabled", "PATCH", i1 + "/disabled_state", `{"disabled":true}`, lacks(i1, "i1"), false},
		{"reverted", "DELETE", "/v1/edits/{i1}", "", lacks(i1, "2020-02-02"), false},
		{"merge", "POST", "/v1/customers/merges", `{"from":{"customer_uuid":"{m1}"},"into":{"customer_uuid":"{c1}"}}`, tells(c1, `"external_ids":["c1","m1"]`), false},
	}
}

// Whichever call of a request to the table fails, before or after it has taken effect: the request
// has done all or nothing, and the same request again does the rest, or is refused when all is
// there.
func TestARequestThatIsCutHasDoneAllOrNothing(t *testing.T) {
	t.Parallel()
	f := fill(t)
	for _, x := range allDeeds() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			for n, happened := 1, true; happened; n++ {
				for _, late := range []bool{false, true} {
					happened = f.cut(t, x, n, late)
				}
			}
		})
	}
}

func (f filled) cut(t *testing.T, x deed, n int, late bool) bool {
	t.Helper()
	d := f.deeds(t)
	before := stored(d.mem, theSource)
	ans, happened := d.at(x, n, late, func() error { return fault.New(fault.Unavailable, "down", "down") })
	if !happened {
		return false
	}
	if done := x.done(d); !done && !x.long && stored(d.mem, theSource) != before {
		t.Errorf("cut at call %d: status %d, and a part of it is done", n, ans.status)
	}
	d.wait(2 * time.Minute)
	if again := d.does(x); again.status >= 500 || again.status == 429 || !x.done(d) && again.status != 422 {
		t.Errorf("cut at call %d: again status %d, and it is not done: %s", n, again.status, again.body)
	}
	if x.name != "customer of a manual one's id" && !x.done(d) {
		t.Errorf("cut at call %d: it is not done in the end", n)
	}
	if stored(d.mem, theOther) != d.beside {
		t.Error("the other source was touched")
	}
	return true
}

// erases are the erases that happen during the deeds, by name.
func erases() map[string]string {
	return map[string]string{
		"content": `"selection":"content","id":"{source}"`, "with edits": `"selection":"content","id":"{source}","keep_edits":false`,
		"dependent": `"selection":"dependent","id":"{source}"`, "source": `"selection":"source","id":"{source}"`,
		"customer": `"selection":"customer","id":"{c1}"`, "invoices": `"selection":"customer-invoices","id":"{c1}"`,
		"invoice": `"selection":"invoice","id":"{i1}"`, "manual": `"selection":"manual-customers"`,
	}
}

// An erase, a restore, or both, at any call of a request to the table: after an answer of 2xx the
// record is visible; or the erase has taken it, has counted it, and a restore brings it back.
func TestARequestAtTheMomentOfAnErase(t *testing.T) {
	t.Parallel()
	f := fill(t)
	for _, x := range allDeeds() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			for name, selection := range erases() {
				if x.long && !slices.Contains([]string{"content", "dependent", "customer"}, name) {
					continue
				}
				for _, what := range []string{"erase", "restore", "both"} {
					for n, happened := 1, true; happened; n++ {
						happened = f.met(t, x, n, what, name, selection)
					}
				}
			}
		})
	}
}

func (f filled) met(t *testing.T, x deed, n int, what, name, selection string) bool {
	t.Helper()
	d := f.deeds(t)
	id := ""
	erase := func() {
		id = text(t, d.must(202, "POST", "/v1/erasures", d.ids.Replace(`{"grace":"48h",`+selection+`}`)), "id")
	}
	restore := func() int { return d.do("POST", "/v1/erasures/"+id+"/restore", "").status }
	if what == "restore" {
		erase()
	}
	ans, happened := d.at(x, n, false, func() error {
		if what != "restore" {
			erase()
		}
		if what != "erase" {
			restore()
		}
		return nil
	})
	told := fmt.Sprintf("%s of %s at call %d: status %d", what, name, n, ans.status)
	switch seen := x.done(d); {
	case ans.status >= 500:
		t.Errorf("%s: %s", told, ans.body)
	case ans.status >= 300 || seen:
	case what != "erase":
		t.Errorf("%s, and it is not to be seen", told)
	case n%2 == 0:
		d.counted(told, id)
	default:
		if status := restore(); status != 200 || !x.done(d) {
			t.Errorf("%s, and a restore (%d) does not bring it back", told, status)
		}
	}
	if stored(d.mem, theOther) != d.beside {
		t.Errorf("%s: the other source was touched", told)
	}
	return happened
}

// If one part of a request is wrong, no part of it is done.
func TestAWrongPartOfARequestStopsAllOfIt(t *testing.T) {
	t.Parallel()
	tags := make([]string, 501)
	for i := range tags {
		tags[i] = fmt.Sprintf("%q", fmt.Sprint("t", i))
	}
	tooMany := "[" + strings.Join(tags, ",") + "]"
	f := fill(t)
	for _, x := range []deed{
		{method: "POST", path: "/v1/customers", body: `{"data_source_uuid":"{source}","external_id":"c9","attributes":{"tags":` + tooMany + `}}`},
		{method: "POST", path: "/v1/customers", body: `{"data_source_uuid":"{source}","external_id":"c9","attributes":{"tags":["x"],"custom":[{"type":"String","key":"","value":"x"}]}}`},
		{method: "POST", path: "/v1/customers", body: `{"data_source_uuid":"{source}","external_id":"c9","attributes":{"tags":["x","` + strings.Repeat("y", 256) + `"]}}`},
		{method: "PATCH", path: "/v1/customers/{c1}", body: `{"name":"Other","attributes":{"tags":` + tooMany + `}}`},
		{method: "PATCH", path: "/v1/customers/{c1}", body: `{"country":"Nowhere","attributes":{"tags":["x"],"custom":{"k":"v"}}}`},
		{method: "PATCH", path: "/v1/customers/{c1}", body: `{"attributes":{"tags":["x"],"custom":{"` + strings.Repeat("k", 256) + `":"v"}}}`},
		{method: "POST", path: "/v1/customers/attributes/tags", body: `{"email":"a@example.com","tags":` + tooMany + `}`},
	} {
		d := f.deeds(t)
		before := stored(d.mem, "")
		if ans := d.does(x); ans.status != http.StatusUnprocessableEntity {
			t.Errorf("%s %.80s: status %d: %s", x.method, x.body, ans.status, ans.body)
		}
		if stored(d.mem, "") != before {
			t.Errorf("%s %.80s: a part of it is done", x.method, x.body)
		}
	}
}

// Requests that change the same customer at the same time all succeed, one after the other.
func TestTagsAtOnceAreAllAdded(t *testing.T) {
	t.Parallel()
	d := fill(t).deeds(t)
	bodies, want := []string{}, []string{`"old"`}
	for i := range 16 {
		bodies = append(bodies, fmt.Sprintf(`{"tags":["t%d"]}`, i))
		want = append(want, fmt.Sprintf(`"t%d"`, i))
	}
	if got := d.race("POST", d.ids.Replace("/v1/customers/{c1}/attributes/tags"), bodies...); got[200] != 16 {
		t.Errorf("%v", got)
	}
	if !d.tells("/v1/customers/{c1}", want...) {
		t.Error("a tag is missing")
	}
}

// A customer that comes back has the edits of the earlier one with its external id, and what the
// request gives it.
func TestACustomerComesBackToItsEdits(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	root := b.customer(second, "root", "")
	id := b.customer(b.source, "c1", `,"attributes":{"tags":["old"],"custom":[{"type":"Integer","key":"seats","value":3}]}`)
	b.must(200, "PATCH", "/v1/customers/"+id, `{"city":"Rome"}`)
	b.erase(`{"selection":"content","id":%q}`, b.source)
	b.work()
	out := b.must(201, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"c1","attributes":{"tags":["new","old"]}}`, b.source))
	if got := fmt.Sprint(out["attributes"], out["city"]); got != "map[custom:map[seats:3] stripe:map[] tags:[old new]]Rome" {
		t.Errorf("answered: %s", got)
	}
	b.tells("[old new]", "/v1/customers/"+id+"/attributes", "tags")
	// A customer that was merged into another one comes back as a part of it.
	b.merge(id, root)
	b.erase(`{"selection":"content","id":%q}`, b.source)
	b.work()
	out = b.must(201, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"c1"}`, b.source))
	if out["uuid"] != root || fmt.Sprint(out["external_ids"]) != "[root c1]" {
		t.Errorf("answered: %v", out)
	}
}

// counted sweeps an erase, and checks that its receipt counts everything that is gone.
func (d *deeds) counted(told, id string) {
	d.t.Helper()
	items := func() int { return strings.Count(stored(d.mem, theSource), " ") / 2 }
	before := items()
	if _, err := d.ledger.Due(d.t.Context(), id); err != nil {
		d.t.Fatal(err)
	}
	d.sweep()
	gone := before - items()
	if r := d.must(200, "GET", "/v1/erasures/"+id+"/receipt", ""); gone != int(figureOf(r, "total")) {
		d.t.Errorf("%s: %d items went, and the receipt counts %v", told, gone, r["total"])
	}
}
