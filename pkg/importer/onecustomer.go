package importer

import (
	"context"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A pull of one customer is a replace that is limited to the keys of this customer: its record, its contacts, invoices and
// events. Only these are walked, so it costs what the customer has. Plans are added and changed, never removed.

// codeOtherCustomer is the code of rows of a pull of one customer that concern somebody else.
const codeOtherCustomer = "other_customer"

func otherCustomer(column, message string) *billing.Problem {
	return &billing.Problem{Column: column, Code: codeOtherCustomer, Message: message}
}

// ofAnother refuses a row that is about another customer than the only one that the job pulls. Line items and transactions
// do not say whose they are: they are refused with their invoice, or without one.
func (m *mapped) ofAnother(rec billing.Record) *billing.Problem {
	only := m.w.job.Import.OnlyCustomer()
	if only == "" {
		return nil
	}
	var of string
	switch r := rec.(type) {
	case *billing.Customer:
		of = r.ExternalID
	case *billing.Contact:
		of = r.CustomerExternalID
	case *billing.Invoice:
		of = r.CustomerExternalID
	case *billing.Event:
		of = r.CustomerExternalID
	default:
		return nil
	}
	if of == only {
		return nil
	}
	return otherCustomer("Customer external ID", "This row is about another customer than the one that is pulled.")
}

// ofAnother refuses a row whose record is stored as another customer's than the only one that the job pulls. An invoice is
// such a record: its key does not begin with its customer.
func (m *rangeMerge) ofAnother(c *candidate) *billing.Problem {
	only := m.w.job.Import.OnlyCustomer()
	if only == "" || c.before == nil || c.kind.Of != store.KindCustomer || c.before.Str(c.kind.OfAttr) == only {
		return nil
	}
	return otherCustomer(m.idColumn(&c.entry), "This record is stored as another customer's; pull the whole data source to move it.")
}

// rangeScans lists the queries for all stored rows of a stage and key range that a replace may remove, in key order.
func (w *work) rangeScans(ctx context.Context, stage, keyRange int) ([]table.Query, error) {
	only := w.job.Import.OnlyCustomer()
	if only == "" {
		return w.parts.scans(stage, keyRange, w.ranges), nil
	}
	h, kind := w.hasher.CustomerH(only), store.KindsOf(stage)[0]
	switch {
	case kind.Kind == store.KindCustomer:
		return w.inRange(keyRange, w.recordAt(store.CustomerSK(h))), nil
	case kind.Of == "": // plans
		return nil, nil
	case kind.Under():
		return w.inRange(keyRange, w.parts.Below(kind, h)), nil
	}
	var queries []table.Query
	for it, err := range w.store.Items(ctx, w.parts.Below(kind, h)) {
		if err != nil {
			return nil, err
		}
		if own, ok := store.TrailingH(it.SK); ok {
			queries = append(queries, w.inRange(keyRange, w.recordAt(kind.SK+own.String()))...)
		}
	}
	slices.SortFunc(queries, func(a, b table.Query) int { return compareFrom(a, b) })
	return queries, nil
}

// recordAt is the range of a record and its parts.
func (w *work) recordAt(sk string) table.Query {
	return table.Query{PK: w.parts.Of(sk), From: sk, To: store.After(sk)}
}

// inRange lists a query if it is of a key range.
func (w *work) inRange(keyRange int, q table.Query) []table.Query {
	if w.parts.rangeOf(q.From, w.ranges) != keyRange {
		return nil
	}
	return []table.Query{q}
}

func compareFrom(a, b table.Query) int {
	if a.From < b.From {
		return -1
	}
	return 1
}
