package importer_test

import (
	"slices"

	"reseed/pkg/job"
)

// owned is the invoice that a record belongs to, if there is one among these records.
func (r *record) owned(rows func(ident) *record) *record {
	owner, has := r.owner()
	if !has || owner.kind != invoice {
		return nil
	}
	return rows(owner)
}

// sum adds the amount of a record to sums of its control total. inv is its invoice.
func (p *past) sum(r, inv *record, sums ...func(*job.Total) *int64) {
	of, currency := "", inv.str("currency")
	switch r.id.kind {
	case lineItem:
	case transaction:
		of = map[string]string{
			"payment successful": "payments", "payment failed": "failed_payments", "refund successful": "refunds", "refund failed": "failed_refunds",
		}[r.str("type")+" "+r.str("result")]
	case event:
		currency = r.str("currency")
	case plan, customer, contact, invoice:
		return
	}
	if currency == "" {
		return
	}
	amount, given := r.attrs["amount_in_cents"].(int64)
	total := p.totals.At(string(r.dataset()), of, currency)
	for i, s := range sums {
		*s(total) += amount
		if i == 0 && s(total) == &total.Read && r.id.kind == transaction && !given {
			total.Whole++
		}
	}
}

// unsum takes the amount of a record out of a sum again.
func (p *past) unsum(r, inv *record, sum func(*job.Total) *int64) {
	less := newPast(0)
	less.sum(r, inv, sum)
	for i := range less.totals {
		t := &less.totals[i]
		*sum(p.totals.At(t.Dataset, t.Of, t.Currency)) -= *sum(t)
	}
}

func sumRead(t *job.Total) *int64    { return &t.Read }
func sumAdded(t *job.Total) *int64   { return &t.Added }
func sumRemoved(t *job.Total) *int64 { return &t.Removed }
func sumBefore(t *job.Total) *int64  { return &t.Before }
func sumAfter(t *job.Total) *int64   { return &t.After }

func (m *model) at(id ident) *record { return m.rows[id] }

// someTotals are the totals that are not 0.
func someTotals(totals job.Totals) job.Totals {
	out := slices.DeleteFunc(slices.Clone(totals), func(t job.Total) bool {
		return t == job.Total{Dataset: t.Dataset, Of: t.Of, Currency: t.Currency}
	})
	if len(out) == 0 {
		return nil
	}
	return out
}
