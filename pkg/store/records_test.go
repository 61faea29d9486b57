package store_test

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

func encode(r billing.Record) table.Attrs {
	b := table.NewBuilder()
	store.EncodeRecord(b, r)
	return b.Attrs()
}

// decode reads what encode wrote, as a record of the kind of like.
func decode(like billing.Record, a table.Attrs) billing.Record {
	return store.KindFor(like.Dataset()).Decode(a)
}

func identity(r billing.Record) store.H {
	switch r := r.(type) {
	case *billing.Customer:
		return hasher.CustomerH(r.ExternalID)
	case *billing.Contact:
		return hasher.ContactH(r)
	case *billing.Plan:
		return hasher.PlanH(r)
	case *billing.Invoice:
		return hasher.InvoiceH(r.ExternalID)
	case *billing.LineItem:
		return hasher.LineItemH(r)
	case *billing.Transaction:
		return hasher.TransactionH(r)
	case *billing.Event:
		return hasher.EventH(r)
	}
	return store.H{}
}

type sample struct {
	name   string
	record billing.Record
}

// samples has two records of every kind: one with every field set, and one without an external id.
func samples() []sample {
	d := time.Date(2024, 2, 29, 13, 42, 37, 500_000_000, time.UTC)
	epoch := time.UnixMilli(0).UTC()
	n, zero := int64(-7), int64(0)
	return []sample{
		{"customer", &billing.Customer{
			ExternalID: "c1", Name: "Ännchen", Email: "a@example.com", Company: "Acme", Country: "US", State: "US-CA", City: "LA",
			Zip: "90001", LeadCreatedAt: epoch, FreeTrialStartedAt: d, Owner: "o@example.com", WebsiteURL: "https://example.com",
		}},
		{"contact", &billing.Contact{
			CustomerExternalID: "c1", ExternalID: "k1", FirstName: "Ann", LastName: "Lee", Email: "a@example.com", Position: 3,
			Title: "CEO", Phone: "+1 2", LinkedIn: "l", Twitter: "t", Note: "a\nnote",
		}},
		{"contact by e-mail", &billing.Contact{CustomerExternalID: "c1", Email: "A@Example.com"}},
		{"contact by names", &billing.Contact{CustomerExternalID: "c1", FirstName: "Ann", LastName: "Lee"}},
		{"plan", &billing.Plan{ExternalID: "gold", Name: "Gold", IntervalCount: 6, IntervalUnit: "month"}},
		{"plan by name", &billing.Plan{Name: "Gold", IntervalCount: 6, IntervalUnit: "month"}},
		{"invoice", &billing.Invoice{
			CustomerExternalID: "c1", ExternalID: "i1", Date: d, DueDate: epoch, Currency: "EUR", Status: "paid", CollectionMethod: "manual",
		}},
		{"line item", &billing.LineItem{
			InvoiceExternalID: "i1", ExternalID: "l1", Type: "one_time", SubscriptionExternalID: "s1", SubscriptionSetExternalID: "ss1",
			AmountInCents: -9007199254740991, PlanExternalID: "gold", ServicePeriodStart: epoch, ServicePeriodEnd: d, Quantity: -3,
			Prorated: true, ProrationType: "full", DiscountCode: "X", DiscountAmountInCents: 1, DiscountDescription: "d",
			TaxAmountInCents: 2, Description: "text", TransactionFeesInCents: 3, TransactionFeesCurrency: "USD", AccountCode: "a",
			EventOrder: &zero, BalanceTransfer: &n,
		}},
		{"line item by content", &billing.LineItem{
			InvoiceExternalID: "i1", Type: "subscription", SubscriptionExternalID: "s1", PlanExternalID: "gold",
			ServicePeriodStart: d, Quantity: 1, Description: "text",
		}},
		{"transaction", &billing.Transaction{
			InvoiceExternalID: "i1", ExternalID: "t1", Type: "refund", Result: "successful", Date: d, AmountInCents: &zero,
			ExcludeTaxOnRefund: true, ExcludeDiscountOnRefund: true, ExcludeFeesOnRefund: true, TransactionFeesInCents: &n,
			TransactionFeesCurrency: "USD",
		}},
		{"transaction by content", &billing.Transaction{InvoiceExternalID: "i1", Type: "payment", Result: "failed", Date: d}},
		{"event", &billing.Event{
			CustomerExternalID: "c1", ExternalID: "e1", SubscriptionExternalID: "s1", SubscriptionSetExternalID: "ss1",
			PlanExternalID: "gold", Type: "subscription_updated", Date: d, EffectiveDate: epoch, Currency: "EUR", AmountInCents: &n,
			TaxAmountInCents: &zero, Quantity: &n, RetractedEventID: "e0", EventOrder: &zero, InvoiceExternalID: "i1",
		}},
		{"event by content", &billing.Event{
			CustomerExternalID: "c1", SubscriptionExternalID: "s1", Type: "subscription_cancelled", Date: d, EffectiveDate: d,
		}},
		{"cancellation", &billing.Event{
			CustomerExternalID: "c1", SubscriptionExternalID: "s1", Type: "subscription_cancelled", Date: d, EffectiveDate: d,
			Cancellation: true,
		}},
		{"customer with attributes", &billing.Customer{ExternalID: "c2", CustomAttributes: `{"a":"1"}`}},
	}
}

// The golden file is the promise that stored data stays readable: it is written once and never
// regenerated. Today's code must write the same bytes, and read the old ones.
func TestItemsGolden(t *testing.T) {
	t.Parallel()
	const file = "testdata/items.golden"
	var b strings.Builder
	for _, s := range samples() {
		b.WriteString(s.name + "\t" + identity(s.record).String() + "\t" + hex.EncodeToString(encode(s.record)) + "\n")
	}
	golden, err := os.ReadFile(file)
	if os.IsNotExist(err) && os.Getenv("RESEED_WRITE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), b.String()); diff != "" {
		t.Errorf("stored items changed (-golden +now):\n%s", diff)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(golden)), "\n") {
		raw, err := hex.DecodeString(line[strings.LastIndex(line, "\t")+1:])
		if err != nil {
			t.Fatal(err)
		}
		want := samples()[i].record
		if diff := cmp.Diff(want, decode(want, raw)); diff != "" {
			t.Errorf("%s is read differently (-want +got):\n%s", samples()[i].name, diff)
		}
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		a := encode(r)
		if !a.Valid() {
			t.Fatalf("not canonical: %x", a)
		}
		if diff := cmp.Diff(r, decode(r, a)); diff != "" {
			t.Fatalf("came back differently:\n%s", diff)
		}
	})
}

// AppendRecord does not sort: the code must append the names in ascending order.
func TestAppendedRecordsAreCanonical(t *testing.T) {
	t.Parallel()
	check := func(t interface{ Errorf(string, ...any) }, r billing.Record) {
		if got := store.AppendRecord([]byte("before"), r); string(got) != "before"+string(encode(r)) {
			t.Errorf("%+v is appended as %q, not as %q", r, got, encode(r))
		}
	}
	for _, s := range samples() {
		check(t, s.record)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, drawRecord(t)) })
}

func drawRecord(t *rapid.T) billing.Record {
	str := func(name string) string { return rapid.String().Draw(t, name) }
	num := func(name string) int64 { return rapid.Int64().Draw(t, name) }
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	opt := func(name string) *int64 {
		return rapid.OneOf(rapid.Just[*int64](nil), rapid.Ptr(rapid.Int64Range(-2, 2), false)).Draw(t, name)
	}
	at := func(name string) time.Time {
		return rapid.OneOf(rapid.Just(time.Time{}), rapid.Just(time.UnixMilli(0).UTC()), rapid.Custom(func(t *rapid.T) time.Time {
			return time.UnixMilli(rapid.Int64Range(-2_208_988_800_000, 7_289_654_399_999).Draw(t, "ms")).UTC()
		})).Draw(t, name)
	}
	return rapid.OneOf(
		rapid.Custom(func(*rapid.T) billing.Record {
			return &billing.Customer{
				ExternalID: str("id"), Name: str("name"), Email: str("email"), Company: str("company"), Country: str("country"),
				State: str("state"), City: str("city"), Zip: str("zip"), LeadCreatedAt: at("lead"), FreeTrialStartedAt: at("trial"),
				Owner: str("owner"), WebsiteURL: str("url"), CustomAttributes: str("attributes"),
			}
		}),
		rapid.Custom(func(*rapid.T) billing.Record {
			return &billing.Contact{
				CustomerExternalID: str("customer"), ExternalID: str("id"), FirstName: str("first"), LastName: str("last"),
				Email: str("email"), Position: num("position"), Title: str("title"), Phone: str("phone"), LinkedIn: str("linkedin"),
				Twitter: str("twitter"), Note: str("note"),
			}
		}),
		rapid.Custom(func(*rapid.T) billing.Record {
			return &billing.Plan{ExternalID: str("id"), Name: str("name"), IntervalCount: num("count"), IntervalUnit: str("unit")}
		}),
		rapid.Custom(func(*rapid.T) billing.Record {
			return &billing.Invoice{
				CustomerExternalID: str("customer"), ExternalID: str("id"), Date: at("date"), DueDate: at("due"),
				Currency: str("currency"), Status: str("status"), CollectionMethod: str("method"),
			}
		}),
		rapid.Custom(func(*rapid.T) billing.Record {
			return &billing.LineItem{
				InvoiceExternalID: str("invoice"), ExternalID: str("id"), Type: str("type"), SubscriptionExternalID: str("sub"),
				SubscriptionSetExternalID: str("set"), AmountInCents: num("amount"), PlanExternalID: str("plan"),
				ServicePeriodStart: at("start"), ServicePeriodEnd: at("end"), Quantity: num("quantity"), Prorated: flag("prorated"),
				ProrationType: str("proration"), DiscountCode: str("code"), DiscountAmountInCents: num("discount"),
				DiscountDescription: str("discounted"), TaxAmountInCents: num("tax"), Description: str("text"),
				TransactionFeesInCents: num("fees"), TransactionFeesCurrency: str("currency"), AccountCode: str("account"),
				EventOrder: opt("order"), BalanceTransfer: opt("transfer"),
			}
		}),
		rapid.Custom(func(*rapid.T) billing.Record {
			return &billing.Transaction{
				InvoiceExternalID: str("invoice"), ExternalID: str("id"), Type: str("type"), Result: str("result"), Date: at("date"),
				AmountInCents: opt("amount"), ExcludeTaxOnRefund: flag("tax"), ExcludeDiscountOnRefund: flag("discount"),
				ExcludeFeesOnRefund: flag("exclude fees"), TransactionFeesInCents: opt("fees"), TransactionFeesCurrency: str("currency"),
			}
		}),
		rapid.Custom(func(*rapid.T) billing.Record {
			return &billing.Event{
				CustomerExternalID: str("customer"), ExternalID: str("id"), SubscriptionExternalID: str("sub"),
				SubscriptionSetExternalID: str("set"), PlanExternalID: str("plan"), Type: str("type"), Date: at("date"),
				EffectiveDate: at("effective"), Currency: str("currency"), AmountInCents: opt("amount"), TaxAmountInCents: opt("tax"),
				Quantity: opt("quantity"), RetractedEventID: str("retracted"), EventOrder: opt("order"),
				InvoiceExternalID: str("invoice"), Cancellation: flag("cancellation"),
			}
		}),
	).Draw(t, "record")
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	seen := map[store.H]string{}
	for _, s := range samples() {
		h := identity(s.record)
		if other := seen[h]; other != "" {
			t.Errorf("%s and %s have one identity", s.name, other)
		}
		seen[h] = s.name
	}
	line := billing.LineItem{InvoiceExternalID: "i1", Type: "one_time", AmountInCents: 5}
	corrected, other := line, line
	corrected.AmountInCents, corrected.Quantity = 6, 2
	other.Description = "another"
	if hasher.LineItemH(&line) != hasher.LineItemH(&corrected) {
		t.Error("a corrected amount is another line")
	}
	if hasher.LineItemH(&line) == hasher.LineItemH(&other) {
		t.Error("lines of different descriptions are one")
	}
	if hasher.EmailH(" Ann@Example.COM ") != hasher.EmailH("ann@example.com") {
		t.Error("an e-mail address depends on its case")
	}
	if hasher.CustomerH("A") == hasher.CustomerH("a") {
		t.Error("an external id does not depend on its case")
	}
}

func BenchmarkEncodeCustomer(b *testing.B) {
	r, builder := samples()[0].record, table.NewBuilder()
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset()
		store.EncodeRecord(builder, r)
		if len(builder.Attrs()) == 0 {
			b.Fatal("empty")
		}
	}
}

func BenchmarkIdentity(b *testing.B) {
	line := &billing.LineItem{
		InvoiceExternalID: "inv_000001_001", Type: "subscription", SubscriptionExternalID: "sub_000001_1",
		PlanExternalID: "plan_gold_half_yearly", ServicePeriodStart: time.UnixMilli(1_700_000_000_000),
	}
	for name, identity := range map[string]func() store.H{
		"external": func() store.H { return hasher.CustomerH("scus_000001") },
		"natural":  func() store.H { return hasher.LineItemH(line) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if identity().IsZero() {
					b.Fatal("no identity")
				}
			}
		})
	}
}
