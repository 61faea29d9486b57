package connectortest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// cutObjects: an object that was cut, since one of its fields is too large, is mapped as it would be with the field, if that does not count;
// else it is rejected, with a reason that people understand, and so is each record that is missing because of it: nothing is removed.
func cutObjects(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Fill(2, time.Second)
		b.world.Story()
		objects := b.whole(t)
		seen := map[system.Stream]bool{}
		for of, o := range objects {
			if seen[o.Stream] {
				continue
			}
			seen[o.Stream] = true
			for field, cut := range cutVersions(t, o) {
				changed := slices.Clone(objects)
				changed[of].JSON = cut
				b.missesNothing(t, objects, changed, string(o.Stream)+" without "+field)
			}
		}
	})
}

// cutVersions are versions of an object, by the field that was too large.
func cutVersions(t *testing.T, o system.Object) map[string]json.RawMessage {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(o.JSON, &fields); err != nil {
		t.Fatal(err)
	}
	all := map[string]json.RawMessage{}
	for name := range fields {
		const most = 1 << 20
		larger := maps.Clone(fields)
		larger[name] = json.RawMessage(`"` + strings.Repeat("x", most) + `"`)
		text, err := json.Marshal(larger)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = system.Cut(text, most)
	}
	return all
}

// missesNothing checks that records that are made no more were rejected.
func (b *bed) missesNothing(t *testing.T, before, after []system.Object, what string) {
	t.Helper()
	were, are := b.mapped(before), b.mapped(after)
	if b.bundled(after).nobodys > b.bundled(before).nobodys {
		return // it is rejected where nobody knows whose it is, and nothing is removed
	}
	told := false
	for _, i := range are.Issues {
		b.clean(t, text(i))
		told = told || i.Rejects && i.Code == system.CodeTooLarge
	}
	now := byID(t, are.Records)
	for id, r := range byID(t, were.Records) {
		if now[id] == "" && (!told || !slices.ContainsFunc(are.Issues, func(i system.Issue) bool { return covers(i, id) })) {
			t.Fatalf("%s: nothing says why this is missing: %s; %+v", what, r, are.Issues)
		}
	}
}

// recordID names a record.
type recordID struct{ Dataset, ID, Invoice string }

func byID(t *testing.T, all []billing.Record) map[recordID]string {
	t.Helper()
	found := map[recordID]string{}
	for line := range strings.Lines(rows(t, all)) {
		var r struct {
			Dataset string `json:"dataset"`
			ID      string `json:"external_id"`
			Invoice string `json:"invoice_external_id"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		found[recordID(r)] = line
	}
	return found
}

// covers reports whether a record stays as it is stored because of an issue.
func covers(i system.Issue, id recordID) bool {
	return i.Rejects && (i.Dataset == "" || string(i.Dataset) == id.Dataset && (i.Record == "" || i.Record == id.ID) ||
		i.Dataset == billing.Invoices && i.Record == id.Invoice && i.Record != "")
}
