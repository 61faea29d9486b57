package records

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"reseed/pkg/edit"
	"reseed/pkg/store"
)

// Moment is an invoice or a subscription event of a source customer, and when it was.
type Moment struct {
	Owner edit.Ref
	SK    string
	At    int64 // Unix milliseconds
}

// newestFirst orders moments by time, and those of one time by source and key.
func newestFirst(x, y Moment) int {
	return cmp.Or(cmp.Compare(y.At, x.At), cmp.Compare(x.Owner.Tag, y.Owner.Tag), strings.Compare(x.SK, y.SK))
}

// Timeline lists the first moments of some source customers after one of them (nil: from the
// beginning), newest first, as many as are wanted. A moment's record may be gone, or be another
// customer's by now. All that is small is read of every moment, in each call; the records themselves
// are not read, except those of events.
func (r *Records) Timeline(ctx context.Context, a Account, owners []edit.Ref, after *Moment, want int) ([]Moment, error) {
	var first []Moment
	add := func(m Moment) {
		if after != nil && newestFirst(m, *after) <= 0 {
			return
		}
		if first = append(first, m); len(first) >= 2*want+100 {
			first = earliest(first, want)
		}
	}
	for _, owner := range owners {
		err := r.OwnedInvoices(ctx, a, owner, func(h store.H, date int64) { add(Moment{owner, store.InvoiceSK(h), date}) })
		if err != nil {
			return nil, err
		}
		if err := r.ownedEvents(ctx, a, owner, add); err != nil {
			return nil, err
		}
	}
	return earliest(first, want), nil
}

// earliest keeps the moments that come first in a list, as many as are wanted.
func earliest(all []Moment, want int) []Moment {
	slices.SortFunc(all, newestFirst)
	return all[:min(want, len(all))]
}

// OwnedInvoices calls f for each invoice of a source customer, with its date as people have edited
// it: what the pointers from the customer say. An invoice may be gone, or be another customer's by
// now.
func (r *Records) OwnedInvoices(ctx context.Context, a Account, owner edit.Ref, f func(h store.H, date int64)) error {
	src, _ := a.ByTag(owner.Tag)
	if a.Hidden(src.Tag, store.KindCustomer, owner.H) {
		return nil
	}
	sp := src.Space()
	changed, err := r.Items(ctx, sp.EditOwnersOf(owner.H))
	if err != nil {
		return err
	}
	edited := ByKey(changed)
	for item, err := range r.Store.Items(ctx, sp.Below(store.KindNamed(store.KindInvoice), owner.H)) {
		if err != nil {
			return err
		}
		h, ok := store.TrailingH(item.SK)
		if !ok || !a.Visible(item.Attrs) {
			continue
		}
		date, _ := item.Attrs.Int(AttrDate)
		if at, ok := edited[sp.EditOwner(owner.H, h)]; ok && a.Visible(at) {
			date, _ = at.Int(AttrDate)
		}
		f(h, date)
	}
	return nil
}

// ownedEvents calls add for each subscription event of a source customer.
func (r *Records) ownedEvents(ctx context.Context, a Account, owner edit.Ref, add func(Moment)) error {
	src, _ := a.ByTag(owner.Tag)
	for item, err := range r.Store.Items(ctx, src.Space().Below(store.KindNamed(store.KindEvent), owner.H)) {
		if err != nil {
			return err
		}
		if !a.Hides(src.Tag, item.SK, item.Attrs) {
			date, _ := item.Attrs.Int(AttrDate)
			add(Moment{owner, item.SK, date})
		}
	}
	return nil
}
