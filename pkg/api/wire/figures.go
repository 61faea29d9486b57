package wire

// Figure is one count of what became of rows, with the words for it.
type Figure struct {
	Word   string
	Of     func(Counts) int64
	Always bool // people are told of it even if it is zero
}

// Figures are the counts that people are told of a job; an undo has its own words for them.
func Figures(undo bool) []Figure {
	added := func(c Counts) int64 { return c.Added }
	changed := func(c Counts) int64 { return c.Changed }
	unchanged := func(c Counts) int64 { return c.Unchanged }
	removed := func(c Counts) int64 { return c.Removed }
	rejected := func(c Counts) int64 { return c.Rejected }
	if undo {
		return []Figure{
			{"removed again", removed, false},
			{"changed back", changed, false},
			{"put back", added, false},
			{"as before", unchanged, false},
			{"left alone", rejected, false},
		}
	}
	return []Figure{
		{"added", added, true},
		{"changed", changed, true},
		{"unchanged", unchanged, true},
		{"removed", removed, false},
		{"rejected", rejected, false},
	}
}

// Amount is one sum of a control total, with the words for it.
type Amount struct {
	Word string
	Of   func(*Total) int64
}

// Amounts are the sums that people are told of a job; an undo has its own words for them.
func Amounts(undo bool) []Amount {
	read := func(t *Total) int64 { return t.Read }
	added := func(t *Total) int64 { return t.Added }
	before := func(t *Total) int64 { return t.Before }
	after := func(t *Total) int64 { return t.After }
	removed := func(t *Total) int64 { return t.Removed }
	if undo {
		return []Amount{{"removed again", removed}, {"changed back from", before}, {"to", after}, {"put back", added}}
	}
	return []Amount{{"read", read}, {"added", added}, {"changed from", before}, {"to", after}, {"removed", removed}}
}

// Name is what the total is of: a dataset or, of transactions, what they are.
func (t *Total) Name() string {
	if t.Of == "" {
		return t.Dataset
	}
	return t.Of
}

// HasAmounts reports whether there is anything to tell but rows of whole invoices.
func (t *Total) HasAmounts() bool {
	return t.Whole == 0 || t.Over || t.Read != 0 || t.Added != 0 || t.Removed != 0 || t.Before != 0 || t.After != 0
}
