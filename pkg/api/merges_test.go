package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"reseed/pkg/table/mem"
)

func (a *service) merge(from, into string) {
	a.t.Helper()
	a.must(202, "POST", "/v1/customers/merges", fmt.Sprintf(`{"from":{"customer_uuid":%q},"into":{"customer_uuid":%q}}`, from, into))
}

func (a *service) unmerge(whole, source, ext string) {
	a.t.Helper()
	a.must(202, "POST", "/v1/customers/unmerges",
		fmt.Sprintf(`{"customer_uuid":%q,"data_source_uuid":%q,"external_id":%q}`, whole, source, ext))
}

func (a *service) tells(want, path, member string) {
	a.t.Helper()
	if got := fmt.Sprint(a.must(200, "GET", path, "")[member]); got != want {
		a.t.Errorf("%s: %s is %s, want %s", path, member, got, want)
	}
}

func (a *service) lists(path string, want ...string) {
	a.t.Helper()
	if got := column(a.t, a.must(200, "GET", path, ""), "entries", "uuid"); !slices.Equal(got, want) {
		a.t.Errorf("%s: %v, want %v", path, got, want)
	}
}

func TestAMergedCustomerIsOne(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	root := a.customer(first, "c1", `,"name":"Root","email":"r@example.com","attributes":{"tags":["a","both"],"custom":[{"type":"Integer","key":"n","value":1}]}`)
	part := a.customer(second, "c2", `,"name":"Part","email":"s@example.com","city":"Rome",
		"attributes":{"tags":["b","both"],"custom":[{"type":"Integer","key":"n","value":2},{"type":"Integer","key":"m","value":3}]}`)
	more := a.customer(first, "c3", `,"email":"r@example.com"`)
	before := a.do("GET", "/v1/customers/"+part, "").body
	a.merge(part, root)
	a.must(202, "POST", "/v1/customers/merges", fmt.Sprintf(
		`{"from":{"data_source_uuid":%q,"external_id":"c3"},"into":{"data_source_uuid":%q,"external_id":"c2"}}`, first, second))

	one := "/v1/customers/" + root
	for member, want := range map[string]string{
		"name": "Root", "email": "r@example.com", "city": "<nil>", "data_source_uuid": first, "external_id": "c1",
		"data_source_uuids": fmt.Sprint([]string{first, second, first}), "external_ids": "[c1 c2 c3]",
		"attributes": "map[custom:map[m:3 n:1] stripe:map[] tags:[a both b]]",
	} {
		a.tells(want, one, member)
	}
	a.tells("[a both b]", one+"/attributes", "tags")
	for _, gone := range []string{part, more} {
		a.status(404, "GET", "/v1/customers/"+gone, "")
		a.status(404, "PATCH", "/v1/customers/"+gone, `{"name":"x"}`)
		a.status(404, "DELETE", "/v1/customers/"+gone, "")
		a.status(404, "POST", "/v1/customers/"+gone+"/attributes/tags", `{"tags":["x"]}`)
	}
	for _, path := range []string{
		"/v1/customers", "/v1/customers?data_source_uuid=" + first, "/v1/customers?data_source_uuid=" + second, "/v1/customers?system=Stripe",
		"/v1/customers?external_id=c1", "/v1/customers?external_id=c2", "/v1/customers?external_id=c3&data_source_uuid=" + first,
		"/v1/customers/search?email=r@example.com", "/v1/customers/search?email=S@example.com",
	} {
		a.lists(path, root)
	}
	a.lists("/v1/customers?external_id=c2&data_source_uuid=" + first)

	a.unmerge(root, second, "c2")
	a.unmerge(root, first, "c3")
	if after := a.do("GET", "/v1/customers/"+part, "").body; after != before {
		t.Errorf("unmerged:\n%s\nbefore:\n%s", after, before)
	}
	a.count(3, "/v1/customers", "entries")
	a.tells("[c1]", one, "external_ids")
	a.tells("map[custom:map[n:1] stripe:map[] tags:[a both]]", one, "attributes")
}

func TestMergesThatCannotBe(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	c1, c2, c3 := a.customer(first, "c1", ""), a.customer(second, "c2", ""), a.customer(first, "c3", "")
	a.merge(c2, c1)
	id := func(c string) string { return fmt.Sprintf(`{"customer_uuid":%q}`, c) }
	pair := func(src, ext string) string { return fmt.Sprintf(`{"data_source_uuid":%q,"external_id":%q}`, src, ext) }
	for _, x := range []struct {
		status     int
		from, into string
	}{
		{422, id(c1), id(c1)},
		{422, pair(second, "c2"), id(c1)},
		{422, id(c1), pair(second, "c2")},
		{404, id(c2), id(c3)}, // merged away
		{404, id(c3), id(c2)},
		{404, id("cus_x"), id(c3)},
		{404, id(c3), id("cus_00fff024-aa6f-8c81-8b3d-8d293055fbfa")},
		{404, pair(first, "none"), id(c3)},
		{404, id(c3), pair("ds_x", "c1")},
		{422, id(c3), `{"external_id":"c1"}`},
		{422, id(c3), pair(first, "")},
		{422, id(c3), `{}`},
		{422, id(c3), `"c1"`},
		{422, `null`, id(c3)},
	} {
		a.status(x.status, "POST", "/v1/customers/merges", fmt.Sprintf(`{"from":%s,"into":%s}`, x.from, x.into))
	}
	a.status(400, "POST", "/v1/customers/merges", `{"from":`+id(c3)+`}`)
	for _, x := range []struct {
		status             int
		whole, source, ext string
		more               string
	}{
		{422, c1, first, "c1", ""},
		{422, c1, first, "c3", ""},
		{404, c1, first, "none", ""},
		{404, c1, "ds_x", "c2", ""},
		{404, c2, second, "c2", ""},
		{404, "cus_x", second, "c2", ""},
		{422, c1, second, "c2", `,"move_to_new_customer":["invoices"]`},
		{422, c1, second, "c2", `,"move_to_new_customer":"tasks"`},
		{422, c1, "", "c2", ""},
	} {
		a.status(x.status, "POST", "/v1/customers/unmerges",
			fmt.Sprintf(`{"customer_uuid":%q,"data_source_uuid":%q,"external_id":%q%s}`, x.whole, x.source, x.ext, x.more))
	}
	a.status(400, "POST", "/v1/customers/unmerges", `{"customer_uuid":"x","external_id":"x"}`)
	a.tells("[c1 c2]", "/v1/customers/"+c1, "external_ids")
	a.must(202, "POST", "/v1/customers/unmerges",
		fmt.Sprintf(`{"customer_uuid":%q,"data_source_uuid":%q,"external_id":"c2","move_to_new_customer":["tasks","notes"]}`, c1, second))
	a.status(200, "GET", "/v1/customers/"+c2, "")
}

// Whichever customers are merged, every page is full, and every customer is on one page.
func TestPagingSeesMergedCustomersOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, mem.Options{Partial: 0.1, Seed: 1, PageBytes: 2000})
		first, second := a.fixed()
		rnd := rand.New(rand.NewPCG(7, 1))
		var roots []string
		in := map[string]map[string]bool{first: {}, second: {}} // roots that a list of each source shows
		members := map[string][]string{}
		for i := range 60 {
			src := []string{first, second}[rnd.IntN(2)]
			id := a.customer(src, fmt.Sprint("c", i), "")
			if len(roots) > 0 && rnd.IntN(3) > 0 {
				into := roots[rnd.IntN(len(roots))]
				a.merge(id, into)
				in[src][into], members[into] = true, append(members[into], fmt.Sprint("c", i))
				continue
			}
			roots, in[src][id], members[id] = append(roots, id), true, []string{fmt.Sprint("c", i)}
		}
		for _, size := range []int{1, 2, 7, 26, 200} {
			same(t, fmt.Sprint("all by ", size), a.walk("/v1/customers", "entries", "uuid", size), roots)
			for src, want := range in {
				var list []string
				for id := range want {
					list = append(list, id)
				}
				same(t, fmt.Sprint("of ", src, " by ", size), a.walk("/v1/customers?data_source_uuid="+src, "entries", "uuid", size), list)
			}
		}
		if n := len(entries(t, a.must(200, "GET", "/v1/customers?per_page=5", ""), "entries")); n != 5 {
			t.Errorf("a page of %d, want 5", n)
		}
		for root, exts := range members {
			for _, ext := range exts {
				a.lists("/v1/customers?external_id="+ext, root)
			}
		}
	})
}

func TestACustomerIsPatched(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	const csv = "Name,External ID,Email,Country\nAnn,c1,old@example.com,US\n"
	b.done("done", file("customers.csv", csv))
	id := text(t, entries(t, b.must(200, "GET", "/v1/customers", ""), "entries")[0], "uuid")
	one := "/v1/customers/" + id
	b.must(200, "POST", one+"/attributes/custom", `{"custom":[{"type":"Integer","key":"age","value":8}]}`)
	b.must(200, "POST", one+"/attributes/tags", `{"tags":["old","kept"]}`)
	out := b.must(200, "PATCH", one, `{"email":"New@Example.com","state":"CA","company":"Acme","owner":"o@example.com","website_url":"https://x.de",
		"free_trial_started_at":"2020-01-02","status":"Qualified_Lead","external_id":"c1","data_source_uuid":"`+b.source+`","primary_contact":null,
		"attributes":{"tags":["kept","new"],"custom":{"age":"9","more":{"value":true,"source":"x"}}}}`)
	check := func(out map[string]any) {
		t.Helper()
		for member, want := range map[string]string{
			"name": "Ann", "email": "New@Example.com", "country": "US", "company": "Acme", "owner": "o@example.com", "website_url": "https://x.de",
			"free_trial_started_at": "2020-01-02T00:00:00.000Z", "status": "New Lead",
			"attributes": "map[custom:map[age:9 more:true] stripe:map[] tags:[kept new]]",
		} {
			if got := fmt.Sprint(out[member]); got != want {
				t.Errorf("%s is %s, want %s", member, got, want)
			}
		}
	}
	check(out)
	check(b.must(200, "GET", one, ""))
	b.done("done", file("customers.csv", csv+"Bob,c2,old@example.com,\n")) // an import leaves edits alone
	check(b.must(200, "GET", one, ""))
	b.lists("/v1/customers/search?email=new@example.com", id)
	b.count(1, "/v1/customers/search?email=old@example.com", "entries")
	b.must(200, "POST", "/v1/customers/attributes/tags", `{"email":"new@example.com","tags":["found"]}`)
	b.tells("[kept new found]", one+"/attributes", "tags")

	for _, body := range []string{
		`{"external_id":"c2"}`, `{"data_source_uuid":"ds_x"}`, `{"email":"x"}`, `{"country":"Nowhere"}`, `{"lead_created_at":"2099-01-01"}`,
		`{"primary_contact":{"first_name":"x"}}`, `{"attributes":{"tags":"x"}}`, `{"attributes":{"custom":[]}}`, `{"attributes":{"custom":{"age":"old"}}}`,
		`{"name":{}}`, `{"attributes":5}`,
	} {
		b.status(422, "PATCH", one, body)
	}
	b.status(400, "PATCH", one, `[]`)
	b.status(404, "PATCH", "/v1/customers/cus_x", `{}`)
	b.must(200, "PATCH", one, `{"email":null,"company":"","attributes":{"tags":[]}}`)
	b.tells("", one, "email")
	b.tells("", one, "company")
	b.tells("[]", one+"/attributes", "tags")
	b.status(404, "GET", "/v1/customers/search?email=new@example.com", "")
	b.must(200, "PATCH", one, `{"email":"old@example.com"}`)
	b.count(2, "/v1/customers/search?email=old@example.com", "entries")
}

func TestEditsOfAMergedCustomer(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	root, part := a.customer(first, "c1", `,"attributes":{"tags":["a"]}`), a.customer(second, "c2", `,"email":"s@example.com","attributes":{
		"tags":["b","both"],"custom":[{"type":"Integer","key":"n","value":1},{"type":"Integer","key":"m","value":1}]}`)
	a.merge(part, root)
	one := "/v1/customers/" + root
	tags := func(want string, out map[string]any) {
		t.Helper()
		if got := fmt.Sprint(out["tags"], out["custom"]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	tags("[a both c b] <nil>", a.must(200, "POST", one+"/attributes/tags", `{"tags":["both","c"]}`))
	tags("[a c b] <nil>", a.must(200, "DELETE", one+"/attributes/tags", `{"tags":["both"]}`))
	// Its type is the part's.
	tags("<nil> map[m:1 n:2]", a.must(200, "PUT", one+"/attributes/custom", `{"custom":{"n":"2"}}`))
	tags("<nil> map[n:2]", a.must(200, "DELETE", one+"/attributes/custom", `{"custom":["m"]}`))
	a.must(200, "PATCH", one, `{"name":"New","attributes":{"tags":["b","d"]}}`)
	a.tells("[b d]", one+"/attributes", "tags")
	a.must(200, "POST", "/v1/customers/attributes/tags", `{"email":"s@example.com","tags":["e"]}`)
	a.tells("[b d e]", one+"/attributes", "tags")
	a.must(200, "POST", "/v1/customers/attributes/custom", `{"email":"s@example.com","custom":[{"type":"String","key":"x","value":"y"}]}`)
	a.tells("map[n:2 x:y]", one+"/attributes", "custom")
	a.tells("New", one, "name")
	a.unmerge(root, second, "c2")
	a.tells("map[custom:map[n:1] stripe:map[] tags:[b]]", "/v1/customers/"+part, "attributes")
	a.tells("map[custom:map[n:2 x:y] stripe:map[] tags:[b d e]]", one, "attributes")

	a.merge(part, root)
	a.must(204, "DELETE", one, "")
	a.count(0, "/v1/customers", "entries")
}

func TestInvoicesOfAMergedCustomer(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	root, part, other := a.customer(first, "c1", ""), a.customer(second, "c2", ""), a.customer(first, "c3", "")
	a.merge(part, root)
	a.unmerge(root, second, "c2")
	a.merge(other, root)
	var want []string
	for i := range 12 {
		ext, date := fmt.Sprint("i", i), fmt.Sprintf("2020-01-%02d", 28-i)
		want = append(want, a.invoice([]string{root, part}[i%2], ext, date))
	}
	a.invoice(root, "same", "2019-01-01")
	a.invoice(part, "same", "2019-01-01") // the same id and date in two sources
	for _, path := range []string{"/v1/import/customers/" + root + "/invoices", "/v1/invoices?customer_uuid=" + root} {
		a.count(7, path, "invoices")
	}
	a.merge(part, root)
	for _, size := range []int{1, 3, 13, 200} {
		for _, path := range []string{"/v1/import/customers/" + root + "/invoices", "/v1/invoices?customer_uuid=" + root} {
			got := a.walk(path, "invoices", "uuid", size)
			for _, cus := range a.walk("/v1/invoices?customer_uuid="+root, "invoices", "customer_uuid", size) {
				if cus != root {
					t.Fatalf("an invoice of %s, want %s", cus, root)
				}
			}
			if len(got) != 14 || !slices.Equal(got[:12], want) {
				t.Errorf("%s by %d: %v", path, size, got)
			}
		}
	}
	a.tells(root, "/v1/invoices/"+want[1], "customer_uuid")
	a.count(7, "/v1/invoices?customer_uuid="+root+"&data_source_uuid="+second, "invoices")
	a.count(2, "/v1/invoices?customer_uuid="+root+"&external_id=same", "invoices")
	a.count(0, "/v1/invoices?customer_uuid="+part, "invoices")
	a.count(0, "/v1/import/customers/"+part+"/invoices", "invoices")
	a.invoice(root, "new", "2021-01-01")
	a.count(15, "/v1/invoices?customer_uuid="+root, "invoices")
	a.unmerge(root, second, "c2")
	a.count(7, "/v1/invoices?customer_uuid="+part, "invoices")
}

func TestCustomersThatWereNeverMergedCostNothingMore(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	a := newAPI(t, mem.Options{Before: func(mem.Op, int) error { calls.Add(1); return nil }})
	first, second := a.fixed()
	id := a.customer(first, "c1", `,"email":"a@example.com"`)
	a.customer(first, "c2", "")
	costs := func() (out []int64) {
		for _, path := range []string{"/v1/customers/" + id, "/v1/customers?external_id=c1", "/v1/customers?per_page=1", "/v1/customers/search?email=a@example.com"} {
			before := calls.Load()
			a.status(200, "GET", path, "")
			out = append(out, calls.Load()-before)
		}
		return out
	}
	a.must(200, "GET", "/v1/customers/"+id, "") // the directory is known from now on
	want := costs()
	if want[0] != 1 || want[1] != 2 {
		t.Errorf("calls: %v", want)
	}
	x, y := a.customer(second, "x", ""), a.customer(second, "y", "")
	a.merge(x, y)
	a.must(200, "GET", "/v1/customers/"+id, "")
	if got := costs(); !slices.Equal(got, want) {
		t.Errorf("calls: %v, want %v", got, want)
	}
}

// A source that is hidden in its grace period keeps its links, whatever is linked meanwhile.
func TestAMergeOutlivesTheGraceOfItsSource(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	root, part, other := b.customer(b.source, "c1", ""), b.customer(second, "c2", ""), b.customer(b.source, "c3", "")
	b.merge(part, root)
	erase := b.erase(`{"selection":"source","id":%q,"grace":"48h"}`, second)
	b.merge(other, root)
	b.unmerge(root, b.source, "c3")
	b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
	b.tells("[c1 c2]", "/v1/customers/"+root, "external_ids")
}

// In a merged customer a custom attribute has the root's value, else the value of the member that
// was merged into it first. Fields always have the root's value.
func TestWhichValueOfMergedCustomersCounts(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	with := func(source, ext string, value int, more string) string {
		return a.customer(source, ext, fmt.Sprintf(`,"city":%q,"attributes":{"custom":[%s{"type":"Integer","key":"seats","value":%d}]}`, ext, more, value))
	}
	root := a.customer(first, "root", "")
	one := with(first, "one", 1, `{"type":"String","key":"only","value":"one"},`)
	two, deep := with(second, "two", 2, ""), with(second, "deep", 3, `{"type":"String","key":"only","value":"deep"},`)
	counts := func(want string) {
		t.Helper()
		out := a.must(200, "GET", "/v1/customers/"+root, "")
		attributes, _ := out["attributes"].(map[string]any)
		if got := fmt.Sprint(attributes["custom"], out["city"]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	a.merge(deep, two)
	a.merge(two, root)
	a.merge(one, root)
	counts("map[only:deep seats:2] <nil>") // two, and what was merged into it, come before one
	a.unmerge(root, second, "two")
	counts("map[only:one seats:1] <nil>")
	a.merge(two, root)
	counts("map[only:one seats:1] <nil>") // two comes after one now
	a.must(200, "PUT", "/v1/customers/"+root+"/attributes/custom", `{"custom":{"seats":9}}`)
	counts("map[only:one seats:9] <nil>")
	a.must(200, "DELETE", "/v1/customers/"+root+"/attributes/custom", `{"custom":["seats"]}`)
	counts("map[only:one] <nil>")
}

// A merge into a customer that was erased with its edits waits while that customer is not there.
// When the customer comes back, the merge does not hold any more: it is listed as orphaned, and can
// be dropped.
func TestAMergeThatTheOtherEndHasNoMore(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	root, part, other := b.customer(second, "root", ""), b.customer(b.source, "c1", ""), b.customer(b.source, "c2", "")
	edits := "/v1/data_sources/" + b.source + "/edits"
	listed := func(want string) {
		t.Helper()
		var got []string
		for _, n := range entries(t, b.must(200, "GET", edits, ""), "edits") {
			got = append(got, fmt.Sprint(n["id"] == part, n["what"], n["orphaned"], n["merged_into"] == root, n["merged_from"]))
		}
		if slices.Sort(got); fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	b.merge(other, part)
	b.merge(part, root)
	merged := fmt.Sprintf("[false [merge] false false <nil> true [merge] false true [%s]]", other)
	listed(merged)
	b.erase(`{"selection":"content","id":%q,"keep_edits":false}`, second)
	b.work()
	listed(merged)
	b.customer(second, "root", "")
	listed(fmt.Sprintf("[false [merge] false false <nil> true [merge] false false [%s]]", other))
	b.tells("[root]", "/v1/customers/"+root, "external_ids")
	b.tells("[c1 c2]", "/v1/customers/"+part, "external_ids")
	b.unmerge(part, b.source, "c2")
	listed("[true [merge] true true <nil>]")
	if out := b.must(200, "DELETE", edits+"?orphaned=true", ""); out["dropped"] != 1.0 {
		t.Errorf("%v", out)
	}
	listed("[]")
	b.merge(part, root)
	b.tells("[root c1]", "/v1/customers/"+root, "external_ids")
}

// An edit that replaces one that an erase has hidden leaves no pointer behind.
func TestAnEditOverAHiddenOneLeavesNoPointer(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.done("done", file("a.csv", february))
	one := "/v1/customers/" + b.c1()
	b.must(200, "PATCH", one, `{"email":"old@example.com"}`)
	erase := b.erase(`{"selection":"manual-customers","grace":"48h"}`)
	b.done("done", file("a.csv", february))
	b.must(200, "PATCH", one, `{"email":"new@example.com"}`)
	b.unfound("old@example.com")
	b.must(409, "POST", "/v1/erasures/"+erase+"/restore", "")
}

// A pointer is swept with the edit that it was made for, even if the customer was removed and has
// come back as a manual one in between.
func TestAPointerIsSweptWithItsEdit(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.customer(b.source, "c1", "")
	one := "/v1/customers/" + b.c1()
	b.must(200, "PATCH", one, `{"email":"new@example.com"}`)
	b.done("done", part{"mode", "", "replace"}, part{"max_removed", "", "100"}, file("a.csv", "Name,External ID\nBob,c2\n"))
	b.done("done", file("a.csv", february))
	b.must(200, "PATCH", one, `{"company":"Acme"}`)
	b.erase(`{"selection":"manual-customers"}`)
	b.work()
	b.unfound("new@example.com")
}

// unfound checks that no changed e-mail address leads to a customer.
func (b *bed) unfound(email string) {
	b.t.Helper()
	d, err := b.store.Directory(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	src, _ := d.ByUUID(b.source)
	for item, err := range b.store.Items(b.t.Context(), src.Space().EditEmailsOf(d.Hasher().EmailH(email))) {
		b.t.Error("it was left: ", item.SK, err)
	}
}
