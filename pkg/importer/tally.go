package importer

import (
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// sums names sums of a control total (see [job.Total]).
type sums byte

const (
	inRead sums = 1 << iota // also counts the rows that are of a whole invoice
	inAdded
	inRemoved
	inBefore
	inAfter
)

// tally makes the control totals of the rows that one task decides. Most rows are of the same total
// as the row before.
type tally struct {
	totals job.Totals
	last   *job.Total
}

// add adds a record to some sums, so many times. A record that has no amount, or an amount whose
// currency is not known, is in no sum. invoice is the currency of its invoice.
func (t *tally) add(in sums, times int64, k *store.RecordKind, a table.Attrs, invoice string) {
	if k.Sum == nil {
		return
	}
	currency := k.CurrencyOf(k.Amounts[0], a, invoice)
	if currency == "" {
		return
	}
	sum := k.Sum(a)
	total := t.at(string(k.CameWith(a)), sum.Of, currency)
	for i, s := range [...]*int64{&total.Read, &total.Added, &total.Removed, &total.Before, &total.After} {
		if in&(1<<i) != 0 {
			total.Plus(s, sum.Amount, times)
		}
	}
	if in&inRead != 0 && sum.Whole {
		total.Whole += times
	}
}

func (t *tally) at(dataset, of, currency string) *job.Total {
	if l := t.last; l == nil || l.Currency != currency || l.Of != of || l.Dataset != dataset {
		t.last = t.totals.At(dataset, of, currency)
	}
	return t.last
}

// currencyOf is the currency of a record whose parts have their amounts in it; empty for others.
func (m *rangeMerge) currencyOf(a table.Attrs) string {
	if !m.ofMoney {
		return ""
	}
	return store.CurrencyIn(a)
}

// sumUp adds a row that is taken in to the control totals.
func (m *rangeMerge) sumUp(c *candidate, same bool) {
	c.taken = true
	m.sums.add(inRead, 1+c.repeats, c.kind, c.entry.body, m.parent.currency)
	switch {
	case c.before == nil:
		m.sums.add(inAdded, 1, c.kind, c.entry.body, m.parent.currency)
	case !same:
		m.sums.add(inBefore, 1, c.kind, c.before, m.parent.was)
		m.sums.add(inAfter, 1, c.kind, c.entry.body, m.parent.currency)
	}
}
