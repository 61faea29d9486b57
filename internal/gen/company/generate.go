package company

import (
	"fmt"
	"io"
	"slices"
)

// Summary says what was written. It is also the content of EXPECTED.json.
type Summary struct {
	Seed   uint64 `json:"seed"`
	Months int    `json:"months"`
	Layout Layout `json:"layout"`
	// Rows counts the records, without the header, of each dataset written.
	Rows map[Dataset]int64 `json:"rows"`
	// AmountInCents is the sum of the line items' amounts in minor units, by
	// currency; empty if line items were not written.
	AmountInCents map[string]int64 `json:"amount_in_cents"`
}

// generator writes one company.
type generator struct {
	Options
	words   *lexicon
	tables  map[Dataset]*table
	amounts map[string]int64
	lines   int // line items invented so far, written or not
}

// Generate writes each dataset that has a writer. The others are left out, which
// changes nothing in those that are written. It fails for options that make no
// sense, for a dataset that the layout does not have, and when a writer fails.
// The caller closes the writers.
func Generate(o Options, writers map[Dataset]io.Writer) (Summary, error) {
	if err := o.check(); err != nil {
		return Summary{}, err
	}
	g := &generator{Options: o, words: newLexicon(), tables: map[Dataset]*table{}, amounts: map[string]int64{}}
	for dataset, w := range writers {
		if !slices.Contains(o.Layout.Datasets(), dataset) {
			return Summary{}, fmt.Errorf("layout %s has no dataset %q", o.Layout, dataset)
		}
		g.tables[dataset] = newTable(w, dataset, o)
	}
	g.writePlans()
	for n := 0; g.more(n); n++ {
		g.writeCustomer(n)
	}
	return g.finish()
}

// more reports whether there is a customer number n. It is false also when a
// writer has failed, which ends the work.
func (g *generator) more(n int) bool {
	for _, t := range g.tables {
		if t.err != nil {
			return false
		}
	}
	if g.LineItems > 0 {
		return g.lines < g.LineItems
	}
	return n < g.Customers
}

// writeCustomer writes customer number n and all that belongs to it. The
// history, by far the larger part, is made only if a dataset needs it.
func (g *generator) writeCustomer(n int) {
	c := g.profile(n)
	g.writeProfile(&c)
	if g.tables[Contacts] != nil {
		g.writeContacts(&c)
	}
	if g.LineItems > 0 || g.wantsHistory() {
		g.writeHistory(g.history(&c))
	}
}

func (g *generator) wantsHistory() bool {
	for _, dataset := range []Dataset{Invoices, LineItems, Transactions, SubscriptionEvents, Cancellations} {
		if g.tables[dataset] != nil {
			return true
		}
	}
	return false
}

func (g *generator) finish() (Summary, error) {
	s := Summary{Seed: g.Seed, Months: g.Months, Layout: g.Layout, Rows: map[Dataset]int64{}, AmountInCents: g.amounts}
	for dataset, t := range g.tables {
		if err := t.finish(); err != nil {
			return Summary{}, fmt.Errorf("write %s: %w", dataset, err)
		}
		s.Rows[dataset] = t.rows
	}
	return s, nil
}
