package api_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A record that comes over REST and the same record from a file are stored as the same bytes,
// stamps aside, and so are the pointers to it. Every kind of record comes both ways here. All
// records have external ids: over REST, a line item or transaction without one gets a random
// identity, since nothing says that two of them are the same.
func TestARecordIsTheSameBytesWhicheverWayItComes(t *testing.T) {
	t.Parallel()
	rest, files := newBed(t, nil), newBed(t, nil) // they have one hash key
	plan := text(t, rest.must(201, "POST", "/v1/plans", fmt.Sprintf(
		`{"data_source_uuid":%q,"external_id":"gold","name":"Gold","interval_count":3,"interval_unit":"month"}`, rest.source)), "uuid")
	customer := text(t, rest.must(201, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"c1","name":"Ann & Co",
		"email":"Ann@Example.com","company":"ACME","country":"US","state":"CA","city":"Nowhere","zip":"0185128",
		"lead_created_at":"2016-01-01 12:00:00","free_trial_started_at":"2016-02-01","primary_contact":{"first_name":"Ann","last_name":"Lee",
		"email":"lee@example.com","title":"CEO","phone":"+1","linked_in":"in","twitter":"tw","notes":"She calls"}}`, rest.source)), "uuid")
	rest.must(201, "POST", "/v1/import/customers/"+customer+"/invoices", fmt.Sprintf(`{"invoices":[{"external_id":"i1","date":"2025-01-01 10:00:00",
		"due_date":"2025-02-01","currency":"EUR","collection_method":"automatic","line_items":[
		{"type":"subscription","external_id":"l1","subscription_external_id":"s1","plan_uuid":%q,"service_period_start":"2025-01-01",
		"service_period_end":"2025-04-01","amount_in_cents":5000,"quantity":2,"prorated":true,"discount_code":"PSO86","discount_amount_in_cents":1000,
		"tax_amount_in_cents":900,"transaction_fees_in_cents":200,"cancelled_at":"2025-03-01"},
		{"type":"one_time","external_id":"l2","amount_in_cents":2500,"description":"Setup"}],
		"transactions":[{"type":"payment","result":"successful","date":"2025-01-05","external_id":"t1"},
		{"type":"payment","result":"failed","date":"2025-01-04","external_id":"t2"}]}]}`, plan))

	files.done("done",
		file("p.csv", "Name,Interval count,Interval unit,Plan ID\nGold,3,month,gold\n"),
		file("c.csv", "Name,Email,Company,Country,State,City,Zip,External ID,Lead created at,Free trial started at\n"+
			"Ann & Co,Ann@Example.com,ACME,US,CA,Nowhere,0185128,c1,2016-01-01 12:00:00,2016-02-01\n"),
		file("k.csv", "Customer External ID,First name,Last name,Email,Position,Title,Phone,LinkedIn,Twitter,Note\n"+
			"c1,Ann,Lee,lee@example.com,1,CEO,+1,in,tw,She calls\n"),
		file("i.csv", "Customer external ID,Invoice external ID,Invoiced date,Due date,Currency,Collection Method\n"+
			"c1,i1,2025-01-01 10:00:00,2025-02-01,EUR,automatic\n"),
		file("l.csv", "Invoice external ID,External ID,Subscription external ID,Type,Amount in cents,Plan,Service period start,Service period end,"+
			"Quantity,Proration,Discount code,Discount amount,Tax amount,Description,Transaction fee\n"+
			"i1,l1,s1,subscription,5000,gold,2025-01-01,2025-04-01,2,true,PSO86,1000,900,,200\ni1,l2,,one_time,2500,,,,1,,,,,Setup,\n"),
		file("t.csv", "Invoice external ID,External ID,Type,Result,Date\ni1,t1,payment,successful,2025-01-05\ni1,t2,payment,failed,2025-01-04\n"),
		file("e.csv", "Subscription external ID,Customer external ID,Date,Invoice external ID\ns1,c1,2025-03-01,i1\n"))

	written, imported := rest.contents(), files.contents()
	for key, want := range written {
		if got, ok := imported[key]; !ok || got != want {
			t.Errorf("%s:\nover REST  %q\nfrom files %q", key, want, got)
		}
		delete(imported, key)
	}
	for key := range imported {
		t.Errorf("%s came from files only", key)
	}
	for _, kind := range store.Kinds() {
		is := func(key table.Key) bool { return store.RecordAt(key.SK) == kind }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(written)), is) {
			t.Errorf("there are no %s", kind.Dataset)
		}
	}
	for _, kind := range store.PointerKinds() {
		is := func(key table.Key) bool { return store.PointerAt(key.SK) == kind }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(written)), is) {
			t.Errorf("there are no %s", kind.Name)
		}
	}
}

// contents is what is stored for the records of the bed's source and the pointers to them, without
// stamps.
func (b *bed) contents() map[table.Key]string {
	b.t.Helper()
	all := map[table.Key]string{}
	src := b.ofSource(b.source)
	parts := src.Space().Partitions()
	for _, place := range []store.Place{store.WithPlans, store.WithCustomers, store.WithData} {
		for _, pk := range parts.At(place) {
			for item, err := range b.store.Items(b.t.Context(), table.Query{PK: pk}) {
				if err != nil {
					b.t.Fatal(err)
				}
				all[item.Key] = string(item.Attrs.Content())
			}
		}
	}
	return all
}
