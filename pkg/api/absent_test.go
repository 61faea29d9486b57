package api_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// zoe is a customer whose values stand in no other row.
const zoe = "External ID,Name,Email\nc1,Ann,\nzoe-1,Zoe,zoe@example.com\n"

// namesZoe lists the objects that name that customer.
func (b *bed) namesZoe() (keys []string) {
	b.t.Helper()
	for _, key := range append(b.below("uploads/"), b.below("jobs/")...) {
		r, err := b.app.Objects.Open(b.t.Context(), key, "", 0, -1)
		if err != nil {
			b.t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			b.t.Fatal(err)
		}
		if strings.Contains(strings.ToLower(string(body)), "zoe") {
			keys = append(keys, key)
		}
	}
	return keys
}

// erased erases a customer of First by its external id, and returns the receipt.
func (b *bed) erased(externalID, more string) map[string]any {
	b.t.Helper()
	id := b.erase(`{"selection":"customer","source":"First","external_id":%q%s}`, externalID, more)
	b.work()
	return b.must(200, "GET", "/v1/erasures/"+id+"/receipt", "")
}

// A customer whose record is gone, or never was there, is erased by its source and external id: its
// edits go, and all files that may name it. Other sources keep theirs.
func TestACustomerWithoutARecordIsErased(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		vanish func(*bed)
		edits  bool // it had a record, and has edits
	}{
		"after an undo": {func(b *bed) {
			id := b.done("done", file("z.csv", zoe))
			b.tagged("zoe-1")
			b.undone(id)
		}, true},
		"after a replace": {func(b *bed) {
			b.done("done", file("z.csv", zoe))
			b.tagged("zoe-1")
			b.done("done", part{"mode", "", "replace"}, part{"max_removed", "", "100"}, file("a.csv", february))
		}, true},
		"only rejected, CSV": {func(b *bed) { b.done("done", file("z.csv", strings.Replace(zoe, "zoe@example.com", "zoe at home", 1))) }, false},
		"only rejected, NDJSON": {func(b *bed) {
			b.done("done", file("z.ndjson", `{"dataset":"customers","external_id":"zoe-1","email":"zoe at home"}`+"\n"))
		}, false},
		"erased before": {func(b *bed) {
			b.done("done", file("z.csv", zoe))
			b.erased("zoe-1", `,"forget":true`)
			b.done("done", file("z.csv", zoe))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, nil)
			b.done("done", file("a.csv", february))
			other := b.second()
			b.id(b.form(other, file("z.csv", zoe)))
			b.work()
			bystander := b.namesZoe()
			tt.vanish(b)
			b.count(1, "/v1/customers?external_id=zoe-1", "entries") // the customer of the other source stays
			if len(b.namesZoe()) <= len(bystander) {
				t.Fatal("no file of the source names the customer, so this test says nothing of it")
			}
			plan := b.must(200, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","source":%q,"external_id":"zoe-1","dry_run":true}`, b.source))
			if notes := fmt.Sprint(plan["notes"]); !strings.Contains(notes, "No record of this customer is stored.") || !strings.Contains(notes, "uploads, change sets and rejects") {
				t.Errorf("%s", notes)
			}
			receipt := b.erased("zoe-1", `,"forget":true`)
			want := map[bool]string{true: "map[edits:1]", false: "map[]"}[tt.edits]
			if got := fmt.Sprint(receipt["removed"]); got != want || fmt.Sprint(plan["counts"]) != want {
				t.Errorf("removed %s, planned %v, want %s", got, plan["counts"], want)
			}
			if files, _ := receipt["files_cleared"].(map[string]any); files["uploads"] == nil || strings.Contains(fmt.Sprint(receipt), "zoe") {
				t.Errorf("%v", receipt)
			}
			if got := b.namesZoe(); len(got) < 2 || !slices.Equal(got, bystander) {
				t.Errorf("the customer is named by %q, and before it came to this source by %q", got, bystander)
			}
			b.count(0, "/v1/data_sources/"+b.source+"/edits", "edits")
			if again := b.erased("zoe-1", ""); fmt.Sprint(again["removed"]) != "map[]" || again["files_cleared"] != nil {
				t.Errorf("again: %v", again)
			}
			b.count(3, "/v1/customers?data_source_uuid="+b.source, "entries")
			b.status(422, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"zoe-1"}`, b.source))
		})
	}
}

// tagged gives a customer of First a tag.
func (b *bed) tagged(externalID string) {
	b.t.Helper()
	id := column(b.t, b.must(200, "GET", "/v1/customers?data_source_uuid="+b.source+"&external_id="+externalID, ""), "entries", "uuid")[0]
	b.must(200, "POST", "/v1/customers/"+id+"/attributes/tags", `{"tags":["vip"]}`)
}

// An external id also names a customer that has a record, and that erase can be restored.
func TestAStoredCustomerIsErasedByItsExternalID(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.done("done", file("z.csv", zoe))
	for body, want := range map[string]int{
		`{"selection":"customer","external_id":"zoe-1"}`:                                                 422,
		`{"selection":"customer","source":"Nowhere","external_id":"zoe-1"}`:                              404,
		`{"selection":"customer","source":"First","external_id":" "}`:                                    422,
		`{"selection":"customer","source":"First"}`:                                                      422,
		`{"selection":"customer","source":"First","external_id":"zoe-1","id":"cus_1"}`:                   422,
		`{"selection":"invoice","source":"First","external_id":"zoe-1"}`:                                 422,
		`{"selection":"source","source":"First","external_id":"zoe-1"}`:                                  422,
		`{"selection":"customer","source":"First","external_id":"zoe-1","confirm":3}`:                    409,
		`{"selection":"customer","id":"cus_0007d3df-316e-85cd-9104-875a4096d98a"}`:                       404,
		`{"selection":"customer","source":"First","external_id":"nobody","dry_run":true}`:                200,
		`{"selection":"manual-customers","source":"First","external_id":"zoe-1"}`:                        422,
		`{"selection":"customer","source":"First","external_id":"zoe-1","keep_edits":true}`:              422,
		`{"selection":"customer","source":" first ","external_id":" zoe-1 ","confirm":2,"dry_run":true}`: 200,
	} {
		b.status(want, "POST", "/v1/erasures", body)
	}
	erase := b.erase(`{"selection":"customer","source":"first","external_id":"zoe-1","grace":"48h","confirm":2}`)
	b.count(1, "/v1/customers", "entries")
	if again := b.erase(`{"selection":"customer","source":"First","external_id":"zoe-1"}`); again != erase {
		t.Errorf("a second erase is %s, not %s", again, erase)
	}
	b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
	b.count(2, "/v1/customers", "entries")
	if r := b.erased("zoe-1", ""); fmt.Sprint(r["removed"]) != "map[customers:1 email_pointers:1]" {
		t.Errorf("%v", r)
	}
}

// Whatever is wrong with a row of a customer on the do-not-reload list, its values stand in no
// rejects file, and the report counts such customers.
func TestTheForgottenStandInNoRejects(t *testing.T) {
	t.Parallel()
	const invoices = "Customer external ID,Invoice external ID,Invoiced date,Currency\n"
	for name, tt := range map[string]struct {
		files  []part
		blank  int // rejects without values
		people string
	}{
		"a good row":            {[]part{file("a.csv", zoe)}, 1, "1 customer"},
		"as a text formula":     {[]part{file("a.csv", "External ID,Name\n\"=\"\"zoe-1\"\"\",Zoe\n")}, 1, "1 customer"},
		"a bad cell":            {[]part{file("a.csv", strings.Replace(zoe, "zoe@", "zoe", 1))}, 1, "1 customer"},
		"a row cut short":       {[]part{file("a.csv", "External ID,Name,Email\nzoe-1\nc2,Bob,\n")}, 1, "1 customer"},
		"a comma too many":      {[]part{file("a.csv", "Name,External ID,Email\nZoe,Zed,zoe-1,zoe@example.com\n")}, 1, "1 customer"},
		"a quote that is torn":  {[]part{file("a.csv", "Name,External ID,Email\n\"Zoe\"Z,zoe-1,zoe@example.com\n")}, 1, "1 customer"},
		"an invoice":            {[]part{file("c.csv", february), file("i.csv", invoices+"zoe-1,i9,2025-01-01,EUR\nyann-2,i8,zoe,EUR\nc1,i7,2025-01-01,EUR\n")}, 2, "2 customers"},
		"a line of its invoice": {[]part{file("i.csv", invoices+"zoe-1,i9,2025-01-01,EUR\n"), file("l.csv", "Invoice external ID,Type,Amount in cents,Description\ni9,one_time,5,Coaching of Zoe\n")}, 2, "1 customer"},
		"with an apostrophe":    {[]part{file("a.csv", "External ID,Name\n'zoe-1,Zoe\n")}, 1, "1 customer"},
		"in quotes":             {[]part{file("a.csv", "External ID,Name\n\"\"\"zoe-1\"\"\",Zoe\n")}, 1, "1 customer"},
		"several files":         {[]part{file("a.csv", zoe), file("b.csv", zoe), file("i.csv", invoices+"zoe-1,i9,2025-01-01,EUR\n")}, 3, "1 customer"},
		"records": {[]part{file("a.ndjson", strings.Join([]string{
			`{"dataset":"customers","external_id":"zoe-1","name":"Zoe"}`,
			`{"dataset":"customers","name":"Zoe","zoe":1,"external_id":" zoe-1 "}`,
			`{"dataset":"contacts","customer_external_id":"zoe-1","email":"zoe"}`,
			`{"dataset":"customers","external_id":"zoe-1","name":"Zoe"`,
			`{"external_id":"zoe-1","name":"Zoe"}`,
			`{"dataset":"customers","external_id":"c1"}`,
		}, "\n"))}, 5, "1 customer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, nil)
			for _, id := range []string{"zoe-1", "yann-2"} {
				if r := b.erased(id, `,"forget":true`); r["forgotten"] != 1.0 {
					t.Fatalf("%v", r)
				}
			}
			j := b.is(b.id(b.worked(tt.files...)), "done")
			packed := b.do("GET", "/v1/imports/"+text(t, j, "id")+"/rejects", "").body
			rejects, again := textOf(t, packed), "again.csv"
			if rejects != packed {
				again = "again.zip"
			}
			if n := strings.Count(rejects, "do-not-reload list, as "); n != tt.blank || j["rejects"] != float64(tt.blank) || strings.Contains(strings.ToLower(rejects), "zoe") {
				t.Errorf("%v rejects, %d of them are blank, want %d:\n%s", j["rejects"], n, tt.blank, rejects)
			}
			want := "The files of this import still name " + tt.people + " on the do-not-reload list."
			if notes := fmt.Sprint(j["notes"]); !strings.Contains(notes, want) || strings.Contains(strings.ToLower(notes), "zoe") {
				t.Errorf("notes: %s", notes)
			}
			if all := b.namesZoe(); slices.ContainsFunc(all, func(key string) bool { return !strings.HasPrefix(key, "uploads/") }) {
				t.Errorf("the customer is named by %q", all)
			}
			// Nothing of it can go in, and an erase is rid of the files.
			b.id(b.worked(file(again, packed)))
			b.count(0, "/v1/customers?external_id=zoe-1", "entries")
			b.erased("zoe-1", "")
			if all := b.namesZoe(); len(all) > 0 {
				t.Errorf("after the erase it is named by %q", all)
			}
		})
	}
}

// A customer that was forgotten under an id like ="00123" does not come back as 00123.
func TestTheForgottenInTheOldSpelling(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	if r := b.erased(`="zoe-1"`, `,"forget":true`); r["forgotten"] != 1.0 {
		t.Fatalf("%v", r)
	}
	j := b.is(b.id(b.worked(file("a.csv", "External ID,Name\n\"=\"\"zoe-1\"\"\",Zoe\nc9,Nik\n"))), "done")
	if rejects := b.do("GET", "/v1/imports/"+text(t, j, "id")+"/rejects", "").body; j["rejects"] != 1.0 || strings.Contains(strings.ToLower(rejects), "zoe") {
		t.Errorf("%v rejects:\n%s", j["rejects"], rejects)
	}
	b.count(0, "/v1/customers?external_id=zoe-1", "entries")
	b.count(1, "/v1/customers?external_id=c9", "entries")
}

// worked posts an import and works until it has ended.
func (b *bed) worked(parts ...part) answer {
	b.t.Helper()
	ans := b.imported(parts...)
	b.work()
	return ans
}
