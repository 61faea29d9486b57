package importer

import (
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// The currency of line items and transactions is that of their invoice, which is known only in
// merge. So the rows of a table with [source.AmountsUnits] come there with their amounts in
// ten-thousandths (see [billing.ParseUnits]), and merge makes minor units of them before it compares
// them with anything. Their identities hold no amounts.

// inUnits reports whether a row has its amounts in ten-thousandths.
func (w *work) inUnits(kind *store.RecordKind, file int) bool {
	f := &w.job.Import.Files[file]
	return kind.Part && len(kind.Amounts) > 0 && f.Format == "" && f.Settings.Amounts == source.AmountsUnits
}

// convert makes minor units of the amounts of a row in units. It rejects the row, and returns false,
// if they are not exact in the currency of its invoice, or if there is no such invoice.
func (m *rangeMerge) convert(c *candidate) (ok bool, err error) {
	if !m.w.inUnits(c.kind, c.entry.place.file) {
		return true, nil
	}
	if m.parent.currency == "" {
		return false, m.rejectOrphan(c)
	}
	body, p := minor(c.kind, c.entry.body, m.parent.currency)
	if p != nil {
		m.reject(&c.entry, p.Column, p.Code, p.Message)
		return false, nil
	}
	c.entry.body = body
	return true, nil
}

// repeatSettled takes a row whose key the settled candidate has: one of them is of a file with
// amounts in units, the other is not.
func (m *rangeMerge) repeatSettled(c *candidate) error {
	if ok, err := m.convert(c); !ok || err != nil {
		return err
	}
	m.settled.repeats = 0
	m.duplicate(&m.settled, &c.entry)
	if m.settled.taken {
		m.sums.add(inRead, m.settled.repeats, c.kind, c.entry.body, m.parent.currency)
	}
	return nil
}

// minor returns the content of a record of a kind with its amounts in minor units, in memory of its
// own. invoice is the currency of its invoice. If an amount has more decimals than its currency, or
// is too large, the problem says so.
func minor(kind *store.RecordKind, content table.Attrs, invoice string) (table.Attrs, *billing.Problem) {
	b := table.NewBuilder()
	for name, v := range content.All() {
		at := slices.IndexFunc(kind.Amounts, func(a store.Amount) bool { return a.Attr == name })
		if at < 0 {
			b.Raw(name, v)
			continue
		}
		n, err := billing.ToMinor(v.Int(), kind.CurrencyOf(kind.Amounts[at], content, invoice))
		if err != nil {
			column := columnOf(kind.Dataset, name)
			return nil, &billing.Problem{Column: column, Code: fault.CodeOf(err), Message: column + ": " + err.Error()}
		}
		b.IntAlways(name, n)
	}
	return b.Attrs(), nil
}

// columnOf is the column of tables that holds what the field does.
func columnOf(ds billing.Dataset, field string) string {
	for _, f := range billing.FieldsOf(ds) {
		if f.Name == field {
			return f.Column
		}
	}
	return field
}
