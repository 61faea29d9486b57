package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/api/wire"
)

// pageful makes lines of a customer with so many invoices, a month apart, each with two line items and a
// payment, and with one event in the middle of them.
func pageful(id, currency string, invoices int) string {
	var b strings.Builder
	add := func(ds string, members map[string]any) {
		members["dataset"] = ds
		line, _ := json.Marshal(members)
		b.Write(append(line, '\n'))
	}
	add("customers", map[string]any{"external_id": id, "name": "Name of " + id, "email": id + "@example.com", "city": "Rome"})
	for n := range 22 {
		add("contacts", map[string]any{"customer_external_id": id, "email": fmt.Sprintf("%d.%s@example.com", n, id)})
	}
	for n := range invoices {
		inv := fmt.Sprintf("%s-%03d", id, n)
		add("invoices", map[string]any{"customer_external_id": id, "external_id": inv, "date": fmt.Sprintf("%d-%02d-02", 2010+n/12, n%12+1), "currency": currency})
		for l := range 2 {
			add("line_items", map[string]any{"invoice_external_id": inv, "external_id": fmt.Sprintf("%s-l%d", inv, l), "type": "one_time", "amount_in_cents": 1000 + l, "quantity": 1})
		}
		add("transactions", map[string]any{"invoice_external_id": inv, "external_id": inv + "-t", "type": "payment", "result": "successful", "date": "2020-01-03"})
	}
	add("subscription_events", map[string]any{
		"customer_external_id": id, "subscription_external_id": "s of " + id, "event_type": "subscription_cancelled", "event_date": "2011-01-15", "effective_date": "2011-02-01",
	})
	return b.String()
}

func (b *bed) idOf(externalID string) string {
	b.t.Helper()
	return text(b.t, entries(b.t, b.must(200, "GET", "/v1/customers?external_id="+externalID, ""), "entries")[0], "uuid")
}

func (b *bed) into(out any, path string) {
	b.t.Helper()
	ans := b.do("GET", path, "")
	if err := json.Unmarshal([]byte(ans.body), out); err != nil || ans.status != 200 {
		b.t.Fatalf("%s: %d %s", path, ans.status, ans.body)
	}
}

func (b *bed) timeline(id string, size int) (all []wire.TimelineEntry) {
	b.t.Helper()
	for cursor := ""; ; {
		var page wire.Timeline
		b.into(&page, fmt.Sprintf("/v1/customers/%s/timeline?per_page=%d&cursor=%s", id, size, url.QueryEscape(cursor)))
		if len(page.Entries) > size || page.HasMore && len(page.Entries) < size {
			b.t.Errorf("%d entries on a page of %d", len(page.Entries), size)
		}
		all = append(all, page.Entries...)
		if !page.HasMore {
			return all
		}
		cursor = *page.Cursor
	}
}

func customerViews(b *bed) {
	t := b.t
	job := b.done("done", file("all.ndjson", pageful("c1", "EUR", 60)+pageful("c2", "JPY", 3)+pageful("bystander", "EUR", 2)))
	one, two := b.idOf("c1"), b.idOf("c2")
	for _, size := range []int{1, 7, 50} {
		all := b.timeline(one, size)
		if len(all) != 61 || !slices.IsSortedFunc(all, func(x, y wire.TimelineEntry) int { return y.At.Compare(x.At) }) {
			t.Errorf("by %d: %d entries", size, len(all))
		}
	}
	first := b.timeline(one, 50)[0]
	if first.Field("external_id").Value != "c1-059" || len(first.Parts) != 3 || *first.Sum != (wire.Money{Minor: 2001, Currency: "EUR", Decimals: 2}) || first.Customer != one {
		t.Errorf("%+v", first)
	}
	b.merge(two, one)
	if all := b.timeline(two, 10); len(all) != 65 {
		t.Errorf("merged: %d entries", len(all))
	}
	membersOfOne(b, one, two)
	editedRecords(b, one, first)
	origins(b, one, first, job)
	b.eraseOne(two)
	if all := b.timeline(one, 50); len(all) != 61-1 {
		t.Errorf("after an erase: %d entries", len(all))
	}
	oddViews(b, one)
}

// eraseOne splits c2 off and erases it, and an invoice of c1: both are invisible at once.
func (b *bed) eraseOne(two string) {
	b.t.Helper()
	b.unmerge(b.idOf("c1"), b.source, "c2")
	b.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","id":%q,"grace":"1h"}`, two))
	inv := text(b.t, entries(b.t, b.must(200, "GET", "/v1/invoices?external_id=c1-030", ""), "invoices")[0], "uuid")
	b.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"invoice","id":%q,"grace":"1h"}`, inv))
	for _, path := range []string{"/v1/customers/" + two + "/members", "/v1/customers/" + two + "/timeline", "/v1/records/" + two, "/v1/records/" + inv + "/origin"} {
		b.status(404, "GET", path, "")
	}
}

// spelledField says how a field is shown.
func spelledField(r wire.Record, name string) string {
	f := r.Field(name)
	if f.Edit == nil {
		return f.Value
	}
	return fmt.Sprintf("%s, was %s, by %.4s", f.Value, f.Edit.Imported, f.Edit.Author)
}

func spelledMember(m wire.Member) string {
	by := "nobody"
	if m.Merged != nil {
		by = m.Merged.Author
	}
	var tags []string
	for _, e := range m.Edits {
		for _, tag := range e.Tags {
			tags = append(tags, fmt.Sprintf("%s by %.4s", tag, e.Author))
		}
	}
	return fmt.Sprintf("%s %s into %q by %.4s, manual %v, contacts %d of more %v, tags %v", m.SourceName, m.ExternalID, m.MergedInto, by, m.Manual, len(m.Contacts), m.MissedContacts, tags)
}

func membersOfOne(b *bed, one, two string) {
	t := b.t
	b.must(200, "POST", "/v1/customers/"+one+"/attributes/tags", `{"tags":["vip"]}`)
	b.must(200, "PATCH", "/v1/customers/"+one, `{"name":"Edited","city":null}`)
	want := []string{
		`First c1 into "" by nobo, manual true, contacts 20 of more true, tags [vip by key ]`,
		fmt.Sprintf(`First c2 into %q by key , manual true, contacts 20 of more true, tags []`, one),
	}
	for _, id := range []string{one, two} {
		var page wire.Members
		b.into(&page, "/v1/customers/"+id+"/members")
		var got []string
		for _, m := range page.Members {
			got = append(got, spelledMember(m))
		}
		if page.Customer != one || !slices.Equal(got, want) {
			t.Fatalf("%s: %q, want %q", page.Customer, got, want)
		}
		for field, want := range map[string]string{"name": "Edited, was Name of c1, by key ", "city": ", was Rome, by key ", "email": "c1@example.com", "zip": ""} {
			if got := spelledField(page.Members[0].Record, field); got != want {
				t.Errorf("%s: %q, want %q", field, got, want)
			}
		}
	}
	var half wire.Members
	b.into(&half, "/v1/customers/"+one+"/members?per_page=1")
	if len(half.Members) != 1 || !half.HasMore {
		t.Errorf("%+v", half)
	}
	b.into(&half, "/v1/customers/"+one+"/members?per_page=1&cursor="+*half.Cursor)
	if len(half.Members) != 1 || half.HasMore || half.Members[0].ID != two {
		t.Errorf("%+v", half)
	}
}

// editedRecords edits an invoice and its parts.
func editedRecords(b *bed, one string, first wire.TimelineEntry) {
	t := b.t
	line := first.Parts[0].ID
	b.must(200, "PATCH", "/v1/line_items/"+line, `{"amount_in_cents":5000,"handle_as_user_edit":true}`)
	b.must(200, "PATCH", "/v1/invoices/"+first.ID, `{"date":"2001-01-01","handle_as_user_edit":true}`)
	all := b.timeline(one, 50)
	last := all[len(all)-1]
	if last.ID != first.ID || last.At.Year() != 2001 || last.Field("date").Edit == nil || last.Sum.Minor <= 5000 {
		t.Errorf("the date of an invoice was edited: %+v", last)
	}
	var rec wire.Record
	b.into(&rec, "/v1/records/"+line)
	amount := rec.Field("amount_in_cents")
	if amount.Value != "5000" || amount.Money == nil || amount.Money.Currency != "EUR" || amount.Edit == nil || amount.Edit.ImportedMoney.Minor > 1001 {
		t.Errorf("a line item: %+v", amount)
	}
	b.must(200, "DELETE", "/v1/edits/"+line+"?fields="+amount.Edit.Name, "")
	b.into(&rec, "/v1/records/"+first.ID)
	if rec.Sum.Minor != 2001 || len(rec.Parts) != 3 {
		t.Errorf("an invoice: %+v", rec)
	}
}

// comesFrom checks the origin of a record: added by, changed by, file and line, and a part of what it
// says.
func (b *bed) comesFrom(id, added, changed, place, says string) {
	b.t.Helper()
	var o wire.Origin
	b.into(&o, "/v1/records/"+id+"/origin")
	if got := fmt.Sprintf("%s %s %s:%d", o.AddedBy, o.ChangedBy, o.File, o.Line); got != fmt.Sprintf("%s %s %s", added, changed, place) || !strings.Contains(o.Says, says) {
		b.t.Errorf("the origin is %s: %s", got, o.Says)
	}
}

func origins(b *bed, one string, first wire.TimelineEntry, job string) {
	t := b.t
	b.comesFrom(one, job, job, "all.ndjson:1", "Added by job "+job)
	b.comesFrom(first.ID, job, job, fmt.Sprintf("all.ndjson:%d", 23+59*4+1), "")
	later := b.done("done", file("later.csv", "Name,External ID,City,Email\nX,c9,,\nY,c1,Rome,c1@example.com\n"))
	b.comesFrom(one, job, later, "later.csv:3", "Changed last by job "+later)
	b.id(b.do("POST", "/v1/imports/"+later+"/undo", ""))
	b.work()
	b.comesFrom(one, job, job, "all.ndjson:1", "")
	b.comesFrom(b.customer(b.source, "by API", ""), "", "", ":0", "Added over the API.")
	b.must(200, "PATCH", "/v1/invoices/"+first.ID, `{"due_date":"2030-01-01"}`)
	b.comesFrom(first.ID, job, "", ":0", "Changed last over the API.")
	if n, err := b.app.Objects.DeleteAll(t.Context(), "jobs/"+job+"/changes/"); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	b.comesFrom(one, job, job, ":0", "erased since")
}

// oddViews are requests that cannot be answered.
func oddViews(b *bed, one string) {
	for _, path := range []string{"/v1/customers/x/members", "/v1/customers/x/timeline", "/v1/records/x", "/v1/records/x/origin", "/v1/records/con_" + one[4:]} {
		b.status(404, "GET", path, "")
	}
	for _, query := range []string{"members?per_page=0", "members?cursor=x", "timeline?per_page=x", "timeline?cursor=x", "timeline?cursor=MS4xLng", "timeline?cursor=MS4x"} {
		b.status(400, "GET", "/v1/customers/"+one+"/"+query, "")
	}
}

func TestARecordOfWhichOnlyEditsAreLeft(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.done("done", file("a.csv", "Name,External ID\nAnn,c1\nBob,c2\n"))
	id := b.idOf("c2")
	b.must(200, "PATCH", "/v1/customers/"+id, `{"name":"Bert"}`)
	b.done("done", part{"mode", "", "replace"}, part{"max_removed", "", "100"}, file("a.csv", "Name,External ID\nAnn,c1\n"))
	b.status(404, "GET", "/v1/records/"+id, "")
	b.status(404, "GET", "/v1/records/"+id+"/origin", "")
	b.status(404, "GET", "/v1/customers/"+id+"/members", "")
	b.status(200, "GET", "/v1/records/"+b.idOf("c1"), "")
}
