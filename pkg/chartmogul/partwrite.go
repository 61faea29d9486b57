package chartmogul

import (
	"bytes"
	"net/http"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// create is POST /import/invoices/:uuid/{…}.
func (k partKind) create(c *call) (ans reply, err error) {
	body, err := c.body()
	if err != nil {
		return reply{}, err
	}
	return ans, c.settled(func() error {
		a, inv, err := c.namedInvoice()
		if err != nil {
			return err
		}
		d := inv.draft()
		k.read(c, d, &fields{raw: body.raw, prefix: k.prefix, errs: d.errs})
		if err := c.prepare(a, inv.owner(a), []*draft{d}); err != nil {
			return err
		}
		made, err := k.store(c, a, inv, d)
		if err != nil {
			return err
		}
		h, _ := store.TrailingH(made.SK)
		p := &partRow{part{stored: stored{src: inv.src, key: made.Key, attrs: made.Attrs}, h: h}, inv}
		ans = k.answer(c, a, p, http.StatusCreated)
		return nil
	})
}

// draft is an invoice that is there already, and what a request adds to it.
func (r *invoiceRow) draft() *draft {
	return &draft{row: &invoiceRow{stored: r.stored, h: r.h, record: store.DecodeInvoice(r.attrs)}, errs: map[string]string{}}
}

// owner is the customer of the invoice, as far as writing needs it: what is added is of the invoice's manual epoch.
func (r *invoiceRow) owner(a account) customerRow {
	ext := r.record.CustomerExternalID
	m := &edit.Member{Ref: edit.Ref{Tag: r.src.Tag, H: a.hash.CustomerH(ext)}, Source: r.src, Attrs: r.attrs}
	return customerRow{Member: m, record: &billing.Customer{ExternalID: ext}}
}

// store writes a line item or a transaction, unless something is wrong with it.
func (k partKind) store(c *call, a account, inv *invoiceRow, d *draft) (made table.Item, err error) {
	over, err := c.findTaken(a, d)
	if err != nil {
		return made, err
	}
	if len(d.errs) > 0 {
		return made, refused(bare(d.errs, k.prefix))
	}
	w := c.writing(a, inv.owner(a), over)
	w.addParts(d)
	if err := w.cancel(); err != nil {
		return made, err
	}
	return w.parts[0].Item, c.write(a, w.parts...)
}

// bare are complaints without the prefix of their names.
func bare(errs map[string]string, prefix string) map[string]string {
	out := make(map[string]string, len(errs))
	for name, text := range errs {
		out[strings.TrimPrefix(name, prefix)] = text
	}
	return out
}

// form reads what may be changed of a line item or a transaction.
func (k partKind) form(c *call, a account, p *partRow) form {
	return form{
		open: k.open, fixed: []string{"external_id"}, prefix: k.prefix,
		read: func(f *fields) (billing.Record, error) {
			d := p.invoice.draft()
			d.errs = f.errs
			record := k.read(c, d, f)
			if f.text("type") == billing.Subscription { // one that is added without gets one
				f.given("subscription_external_id")
			}
			return record, c.resolvePlans(a, p.src, []*draft{d})
		},
	}
}

// patch is PATCH /{…}/:uuid and /{…}?data_source_uuid&external_id.
func (k partKind) patch(c *call) (ans reply, err error) {
	body, err := c.changing()
	if err != nil {
		return reply{}, err
	}
	return ans, c.settled(func() error {
		a, p, err := k.find(c)
		if err != nil {
			return err
		}
		ch, err := k.form(c, a, p).patch(body, p.stored, k.told(a, p))
		if err != nil {
			return err
		}
		if err := c.apply(a, &p.stored, ch); err != nil {
			return err
		}
		ans = k.answer(c, a, p, http.StatusOK)
		return nil
	})
}

// disable is PATCH /{…}/:uuid/disabled_state and /{…}/disabled_state?data_source_uuid&external_id.
func (k partKind) disable(c *call) (ans reply, err error) {
	disabled, err := c.disabling()
	if err != nil {
		return reply{}, err
	}
	return ans, c.settled(func() error {
		a, p, err := k.find(c)
		if err != nil {
			return err
		}
		if err := c.disable(a, &p.stored, disabled); err != nil {
			return err
		}
		ans = k.answer(c, a, p, http.StatusOK)
		return nil
	})
}

// remove is DELETE /{…}/:uuid and /{…}?data_source_uuid&external_id: the row with its pointer and its edit, or an edit.
func (k partKind) remove(c *call) (reply, error) {
	asEdit, err := c.deleting()
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, c.settled(func() error {
		a, p, err := k.find(c)
		if err != nil {
			return err
		}
		if asEdit {
			return c.deleteAsEdit(a, p.stored)
		}
		writes, err := k.removal(c, a, p)
		if err != nil {
			return err
		}
		return c.write(a, writes...)
	})
}

// removal are the writes that remove a row; its pointer only if no other row has taken it.
func (k partKind) removal(c *call, a account, p *partRow) ([]table.Write, error) {
	sp := p.src.Space()
	writes := []table.Write{
		{Item: table.Item{Key: p.key}, Delete: true, If: p.unchanged()},
		{Item: table.Item{Key: sp.FieldsOf(p.key)}, Delete: true},
	}
	pointers := sp.PointersOf(a.hash, table.Item{Key: p.key, Attrs: p.attrs})
	keys := make([]table.Key, len(pointers))
	for i := range pointers {
		keys[i] = pointers[i].Key
	}
	found, err := c.lookup(c.Context(), keys)
	for _, ptr := range pointers {
		if bytes.Equal(found[ptr.Key].Content(), ptr.Attrs.Content()) {
			writes = append(writes, table.Write{Item: table.Item{Key: ptr.Key}, Delete: true})
		}
	}
	return writes, err
}
