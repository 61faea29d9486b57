package billing

import (
	"strconv"
	"time"
)

// Speller spells records as the rows of files: it is the opposite of [Layout] and of [Fields], and
// reuses its memory as they do. A record whose values the row cannot hold, such as a text with
// spaces around it, is spelled, too, but read back as another one.
type Speller struct{ form }

// NewSpeller makes ready for the rows of a table. The error is fault.Invalid, code unknown_dataset,
// if there is no dataset of that name.
func NewSpeller(ds Dataset) (*Speller, error) { return newSpeller(ds, columnsOf) }

// NewFieldSpeller makes ready for the fields of records. The error is that of [NewSpeller].
func NewFieldSpeller(ds Dataset) (*Speller, error) { return newSpeller(ds, fieldsOf) }

func newSpeller(ds Dataset, columns func(row) []column) (*Speller, error) {
	f, err := newForm(ds, columns)
	if err != nil {
		return nil, err
	}
	return &Speller{f}, nil
}

// Names lists the headers of the columns, or the names of the fields.
func (s *Speller) Names() []string {
	names := make([]string, len(s.reader.columns))
	for i, c := range s.reader.columns {
		names[i] = c.name
	}
	return names
}

// Types lists how the values of the fields are written, by field.
func (s *Speller) Types() []ValueType {
	types := make([]ValueType, len(s.reader.columns))
	for i, c := range s.reader.columns {
		types[i] = typeOf(c.is)
	}
	return types
}

// Spell appends the values of a record of the dataset, in the order of the names. What is not given
// is empty.
func (s *Speller) Spell(dst []string, r Record) []string {
	s.row.fill(r)
	for i := range s.reader.columns {
		dst = append(dst, *s.reader.columns[i].cell)
	}
	return dst
}

// spellTime spells a time without a zone: so the same file can be imported everywhere, even if a
// date in it lies in the future for some (see cells.past).
func spellTime(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Nanosecond() > 0:
		return t.UTC().Format("2006-01-02 15:04:05.000")
	case t.Unix()%(24*60*60) == 0:
		return t.UTC().Format(time.DateOnly)
	}
	return t.UTC().Format(time.DateTime)
}

func spellInteger(n int64) string { return strconv.FormatInt(n, 10) }

// spellSome spells an integer of which 0 means that it is not given.
func spellSome(n int64) string {
	if n == 0 {
		return ""
	}
	return spellInteger(n)
}

func spellGiven(n *int64) string {
	if n == nil {
		return ""
	}
	return spellInteger(*n)
}

// spellTruth spells what is false as not given.
func spellTruth(yes bool) string {
	if yes {
		return "true"
	}
	return ""
}
