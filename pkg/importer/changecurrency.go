package importer

import (
	"context"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// The amounts of parts of an invoice are in its currency, which their items do not hold. In a change set
// an invoice that changes stands before its parts; one that does not is stored.

// attrCurrency is the attribute of invoices and events with their currency.
const attrCurrency = "currency"

// owner is the invoice to which the parts that are read next may belong.
type owner struct {
	sk       string
	currency string // empty if the change set changes it
}

// see notes an invoice.
func (o *owner) see(c *change) {
	if k := store.RecordAt(c.sk); k == nil || k.Part {
		return
	}
	was, is := c.before.Str(attrCurrency), c.after.Str(attrCurrency)
	switch {
	case is == "", was == is:
		is = was
	case was != "":
		is = ""
	}
	*o = owner{c.sk, is}
}

// parentOfPart is the key of the invoice that a change is of a part of; empty of other changes.
func parentOfPart(sk string) string {
	if k := store.RecordAt(sk); k == nil || !k.Part {
		return ""
	}
	return store.ParentSK(sk)
}

// findCurrencies finds the currencies of changes of parts, by their invoices' keys, where the change set
// has not told. A currency that is not found stays empty.
func (p *changePager) findCurrencies(ctx context.Context) error {
	if len(p.unknown) == 0 {
		return nil
	}
	w, err := p.im.newWork(ctx, p.job)
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) { // data of the source was erased
		return nil
	}
	if err != nil {
		return err
	}
	var keys []table.Key
	for sk := range p.unknown {
		if pk := w.parts.Of(sk); pk != "" {
			keys = append(keys, table.Key{PK: pk, SK: sk})
		}
	}
	found, err := w.store.Lookup(ctx, keys...)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if a := w.present(key.SK, found[key]); a != nil {
			for _, i := range p.unknown[key.SK] {
				p.page.Changes[i].Currency = a.Str(attrCurrency)
			}
		}
	}
	return nil
}
