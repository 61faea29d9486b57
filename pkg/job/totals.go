package job

import (
	"cmp"
	"slices"
)

// Total is the control total of the rows of one dataset, one currency and one Of: the sums of their
// amounts, in minor units. Rejected rows are in no sum. Of an import
// Read = Added + After + the amounts of unchanged rows; an undo reads nothing.
type Total struct {
	Dataset  string `json:"dataset"`
	Of       string `json:"of,omitempty"` // of transactions: what they are, such as payments (see store.Sum)
	Currency string `json:"currency"`
	Read     int64  `json:"read"`
	Added    int64  `json:"added"`
	Removed  int64  `json:"removed"`
	Before   int64  `json:"before"` // of changed rows, as they were
	After    int64  `json:"after"`  // of changed rows, as they are now
	// Whole is how many of the rows are of a whole invoice, and have no amount of their own.
	Whole int64 `json:"whole,omitempty"`
	// Over says that a sum does not fit its 64 bits: then the sums mean nothing.
	Over bool `json:"over,omitempty"`
}

// Plus adds an amount to one of the sums of t, a number of times.
func (t *Total) Plus(sum *int64, amount, times int64) {
	product := amount * times
	next := *sum + product
	// Overflow: the product divided is not the amount, or both addends have the sign that next has not.
	if times != 0 && product/times != amount || (*sum^next)&(product^next) < 0 {
		t.Over = true
	}
	*sum = next
}

func (t *Total) compare(o *Total) int {
	return cmp.Or(cmp.Compare(t.Dataset, o.Dataset), cmp.Compare(t.Of, o.Of), cmp.Compare(t.Currency, o.Currency))
}

// Totals are control totals in ascending order of datasets, Of and currencies: at most one for each
// of them.
type Totals []Total

// At returns the total of these rows. It adds one if there is none: pointers that At has returned
// before are invalid then.
func (t *Totals) At(dataset, of, currency string) *Total {
	one := Total{Dataset: dataset, Of: of, Currency: currency}
	i, found := slices.BinarySearchFunc(*t, &one, func(x Total, y *Total) int { return x.compare(y) })
	if !found {
		*t = slices.Insert(*t, i, one)
	}
	return &(*t)[i]
}

// Add adds other totals to these.
func (t *Totals) Add(others Totals) {
	for i := range others {
		o := &others[i]
		mine := t.At(o.Dataset, o.Of, o.Currency)
		mine.Plus(&mine.Read, o.Read, 1)
		mine.Plus(&mine.Added, o.Added, 1)
		mine.Plus(&mine.Removed, o.Removed, 1)
		mine.Plus(&mine.Before, o.Before, 1)
		mine.Plus(&mine.After, o.After, 1)
		mine.Whole += o.Whole
		mine.Over = mine.Over || o.Over
	}
}
