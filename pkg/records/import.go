package records

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/google/uuid"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// How names of members in the errors about an invoice's line items and transactions begin.
// ChartMogul's Go client compares such names literally.
const (
	PrefixLine        = "line_items."
	PrefixTransaction = "transactions."
)

// Draft is an invoice, or a part of one, that is to be stored.
type Draft struct {
	Invoice   *Invoice          // its Stored is empty if it is new
	Plans     []string          // public ids of the line items' plans, or ""
	Cancelled []time.Time       // when the line items' subscriptions were cancelled, or zero
	Errs      map[string]string // what is wrong with it, by member
}

// note notes what is wrong with a member, unless something is noted already.
func (d *Draft) note(name, text string) {
	if _, already := d.Errs[name]; !already {
		d.Errs[name] = text
	}
}

// ImportInvoices stores invoices of the customer of a public id: all of them or none. read makes
// the drafts. If something is wrong with one of them, the error is a [RefusedError].
func (r *Records) ImportInvoices(ctx context.Context, customer string, read func() ([]*Draft, error)) (a Account, made []*Draft, err error) {
	err = r.settled(ctx, func() error {
		now, owner, err := r.Customer(ctx, customer)
		if err != nil {
			return err
		}
		drafts, err := read()
		if err != nil {
			return err
		}
		if err := r.prepare(ctx, now, owner, drafts); err != nil {
			return err
		}
		a, made = now, drafts
		return r.storeInvoices(ctx, now, owner, drafts)
	})
	return a, made, err
}

// prepare completes the drafts with the owner, the identities of all parts, and the plans.
func (r *Records) prepare(ctx context.Context, a Account, owner Customer, drafts []*Draft) error {
	for _, d := range drafts {
		inv := d.Invoice
		inv.Source, inv.Record.CustomerExternalID = owner.Source, owner.Record.ExternalID
		inv.H = a.Hash.InvoiceH(inv.Record.ExternalID)
		for i := range inv.Lines {
			l := &inv.Lines[i]
			if l.H = randomH(); l.Record.ExternalID != "" {
				l.H = a.Hash.LineItemH(l.Record)
			}
			if l.Record.Type == billing.Subscription && l.Record.SubscriptionExternalID == "" {
				l.Record.SubscriptionExternalID = uuid.NewString()
			}
		}
		for i := range inv.Transactions {
			t := &inv.Transactions[i]
			if t.H = randomH(); t.Record.ExternalID != "" {
				t.H = a.Hash.TransactionH(t.Record)
			}
		}
	}
	return r.ResolvePlans(ctx, a, owner.Source, drafts...)
}

// randomH is the identity of a record without an external id: a random one, since nothing says that
// two such records are the same.
func randomH() (h store.H) {
	_, _ = rand.Read(h[:]) // never fails (crypto/rand)
	return h
}

// ResolvePlans finds the plans of all line items in one batch get. It notes in the drafts which
// plans are not there.
func (r *Records) ResolvePlans(ctx context.Context, a Account, src store.Source, drafts ...*Draft) error {
	wanted := map[string]table.Key{}
	var keys []table.Key
	for _, d := range drafts {
		for _, id := range d.Plans {
			tag, h, err := store.ParseID(store.PrefixPlan, id)
			if _, known := wanted[id]; known || err != nil || tag != src.Tag {
				continue
			}
			wanted[id] = src.Space().Plan(h)
			keys = append(keys, wanted[id])
		}
	}
	found, err := r.Lookup(ctx, keys)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		for i, id := range d.Plans {
			attrs, ok := found[wanted[id]]
			switch {
			case id == "":
			case !ok || !a.Visible(attrs):
				d.note(PrefixLine+"plan_uuid", WhatPlan+" not found")
			default:
				d.Invoice.Lines[i].Record.PlanExternalID = store.DecodePlan(attrs).ExternalID
			}
		}
	}
	return nil
}

// storeInvoices writes the drafts, unless something is wrong with one of them.
func (r *Records) storeInvoices(ctx context.Context, a Account, owner Customer, drafts []*Draft) error {
	if err := r.takeOver(ctx, a, owner.Source, drafts); err != nil {
		return err
	}
	over, err := r.findDuplicates(ctx, a, owner, drafts)
	if err != nil {
		return err
	}
	if err := refusedDrafts(a, drafts...); err != nil {
		return err
	}
	w := r.writing(a, owner, over)
	if w.left, err = r.leftBehind(ctx, a, owner.Source, drafts, over); err != nil {
		return err
	}
	for _, d := range drafts {
		w.add(d)
	}
	if err := w.cancel(ctx); err != nil {
		return err
	}
	return w.commit(ctx)
}
