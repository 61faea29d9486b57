package connectortest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/source/system"
)

// bundles are objects, brought together as a pull does.
type bundles struct {
	catalog   []system.Object
	of        map[string][]system.Object // by customer
	customers []string                   // keys of of, sorted
	nobodys   int
}

// node names an object.
type node struct {
	stream system.Stream
	id     string
}

// mostHops is over how many objects an object may name its customer.
const mostHops = 3

// bundled brings objects together by customer: also those that name their customer through others.
func (c Case) bundled(all []system.Object) bundles {
	whose := map[node]system.Belongs{}
	for _, o := range all {
		if b, err := c.System.BelongsTo(o); err == nil {
			whose[node{o.Stream, b.Own}] = b
		}
	}
	found := bundles{of: map[string][]system.Object{}}
	for _, o := range all {
		b, err := c.System.BelongsTo(o)
		for hops := 0; b.ID != "" && hops < mostHops; hops++ {
			b = whose[node{b.Stream, b.ID}]
		}
		switch {
		case err == nil && b.Catalog:
			found.catalog = append(found.catalog, o)
		case err == nil && b.Customer != "":
			found.of[b.Customer] = append(found.of[b.Customer], o)
		default:
			found.nobodys++
		}
	}
	found.customers = slices.Sorted(maps.Keys(found.of))
	return found
}

// settingsOfStory show as much as possible.
func settingsOfStory() system.Settings { return system.Settings{Metadata: true} }

// mapped maps objects as a pull does.
func (c Case) mapped(all []system.Object) system.Mapped { return c.mappedWith(all, settingsOfStory()) }

func (c Case) mappedWith(all []system.Object, s system.Settings) system.Mapped {
	return c.mappedOf(c.bundled(all), s)
}

func (c Case) mappedOf(b bundles, s system.Settings) system.Mapped {
	out := c.System.MapCatalog(b.catalog, s)
	for _, customer := range b.customers {
		m := c.System.Map(b.of[customer], s)
		out.Records, out.Issues = append(out.Records, m.Records...), append(out.Issues, m.Issues...)
	}
	return out
}

// sameIfPicked checks that the fields that the system does not read make no difference to the records and issues of a mapping.
func (c Case) sameIfPicked(t *testing.T, all []system.Object, want system.Mapped) {
	t.Helper()
	b, reads, less := c.bundled(all), c.System.Reads(), 0
	picked := func(objects []system.Object) []system.Object {
		out := slices.Clone(objects)
		for i, o := range out {
			var whole bytes.Buffer // as pages hold it
			if err := json.Compact(&whole, o.JSON); err != nil {
				t.Fatal(err)
			}
			out[i].JSON, _ = reads[o.Stream].Pick(nil, whole.Bytes())
			less += whole.Len() - len(out[i].JSON)
		}
		return out
	}
	b.catalog = picked(b.catalog)
	for customer, objects := range b.of {
		b.of[customer] = picked(objects)
	}
	got := c.mappedOf(b, settingsOfStory())
	if diff := cmp.Diff(rows(t, want.Records), rows(t, got.Records)) + cmp.Diff(want.Issues, got.Issues); diff != "" {
		t.Fatal(diff)
	}
	if len(reads) > 0 && less == 0 {
		t.Fatal("nothing was left out")
	}
}

// text is what an issue says.
func text(i system.Issue) string { return i.Code + " " + i.Field + " " + i.Message }
