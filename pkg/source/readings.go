package source

import (
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/later"
)

// Readings are what a data source keeps about the reading of its tables.
type Readings struct {
	Kept    []Kept   `json:"kept,omitempty"`    // the datasets that have settings, in the order of imports
	Headers []Header `json:"headers,omitempty"` // the latest last

	Later later.Fields `json:"-"`
}

// Kept are the settings of the tables of one dataset.
type Kept struct {
	Dataset  billing.Dataset `json:"dataset"`
	Settings Settings        `json:"settings"`

	Later later.Fields `json:"-"`
}

// Header is a header row that does not tell its dataset, and of which an import has said it.
type Header struct {
	Digest  string          `json:"digest"`
	Dataset billing.Dataset `json:"dataset"`

	Later later.Fields `json:"-"`
}

// maxHeaders is how many header rows are kept.
const maxHeaders = 50

// Of returns the settings of a dataset.
func (r *Readings) Of(ds billing.Dataset) Settings {
	if i := r.at(ds); i >= 0 {
		return r.Kept[i].Settings
	}
	return Settings{}
}

func (r *Readings) at(ds billing.Dataset) int {
	return slices.IndexFunc(r.Kept, func(k Kept) bool { return k.Dataset == ds })
}

// Keep keeps the settings of a dataset in place of those that it had.
func (r *Readings) Keep(ds billing.Dataset, s Settings) {
	switch i := r.at(ds); {
	case i >= 0 && s.IsZero():
		r.Kept = slices.Delete(r.Kept, i, i+1)
	case i >= 0:
		r.Kept[i].Settings = s
	case !s.IsZero():
		r.Kept = append(r.Kept, Kept{Dataset: ds, Settings: s})
		order := billing.Order()
		slices.SortStableFunc(r.Kept, func(a, b Kept) int { return slices.Index(order, a.Dataset) - slices.Index(order, b.Dataset) })
	}
}

// Known are the datasets of the header rows, by their digests (see [Hint]).
func (r *Readings) Known() map[string]billing.Dataset {
	known := make(map[string]billing.Dataset, len(r.Headers))
	for _, h := range r.Headers {
		known[h.Digest] = h.Dataset
	}
	return known
}

// Know keeps the dataset of a header row, and forgets the oldest one if there are too many.
func (r *Readings) Know(digest string, ds billing.Dataset) {
	if r.Known()[digest] == ds {
		return
	}
	r.Headers = slices.DeleteFunc(r.Headers, func(h Header) bool { return h.Digest == digest })
	r.Headers = append(r.Headers, Header{Digest: digest, Dataset: ds})
	r.Headers = r.Headers[max(0, len(r.Headers)-maxHeaders):]
}
