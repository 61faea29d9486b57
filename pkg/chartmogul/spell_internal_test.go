package chartmogul

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A customer writes the same JSON as encoding/json would, byte for byte.
func TestCustomersSpellThemselvesAsJSON(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.StringOf(rapid.Rune()), rapid.String(), rapid.SampledFrom([]string{
		"", "\x00\x01\x1f\x7f", `"quoted" \and\ <b>&`, "\u2028\u2029 – ’", "\xff\xe2\x80", "François", "\t\n\r\b\f",
	}))
	opt := rapid.Map(text, func(s string) optText { return optText(s) })
	number := rapid.Map(rapid.Int64(), func(n int64) any { return n })
	value := rapid.OneOf(rapid.Map(text, func(s string) any { return s }), number, rapid.Just[any](json.Number("1.50")), rapid.Just[any](true))
	at := rapid.Map(rapid.Int64Range(-62135596800000, 253402300799999), func(ms int64) stamp { return stamp(time.UnixMilli(ms)) })
	rapid.Check(t, func(t *rapid.T) {
		w := &customerWire{
			ID: rapid.Uint32().Draw(t, "id"), UUID: "cus_00000000-0000-8000-8000-000000000000", ExternalID: text.Draw(t, "external id"), Name: text.Draw(t, "name"),
			Email: text.Draw(t, "email"), Status: statusNewLead, CustomerSince: opt.Draw(t, "since"),
			Attributes: attributesWire{
				Tags: tagsOf(rapid.SliceOf(text).Draw(t, "tags")), Custom: rapid.MapOf(text, value).Draw(t, "custom"), Truncated: rapid.Bool().Draw(t, "truncated"),
			},
			DataSourceUUID: "ds_1", DataSourceUUIDs: tagsOf(rapid.SliceOf(text).Draw(t, "sources")), ExternalIDs: tagsOf(rapid.SliceOf(text).Draw(t, "ids")),
			Company: text.Draw(t, "company"), Country: opt.Draw(t, "country"), State: opt.Draw(t, "state"), City: opt.Draw(t, "city"), Zip: opt.Draw(t, "zip"),
			LeadCreatedAt: at.Draw(t, "lead"), FreeTrialStartedAt: rapid.OneOf(at, rapid.Just(stamp{})).Draw(t, "trial"),
			Address: addressWire{opt.Draw(t, "country"), opt.Draw(t, "state"), opt.Draw(t, "city"), opt.Draw(t, "zip")},
			MRR:     rapid.Int64().Draw(t, "mrr"), ARR: rapid.Int64().Draw(t, "arr"), BillingSystemURL: opt.Draw(t, "url"), ChartMogulURL: text.Draw(t, "url"),
			BillingSystemType: text.Draw(t, "type"), Currency: text.Draw(t, "currency"), CurrencySign: text.Draw(t, "sign"),
			Owner: opt.Draw(t, "owner"), WebsiteURL: opt.Draw(t, "website"),
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(w); err != nil {
			t.Fatal(err)
		}
		if got := string(w.AppendJSON(nil)) + "\n"; got != want.String() {
			t.Fatalf("got  %s\nwant %s", got, want.String())
		}
	})
}
