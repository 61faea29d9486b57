package chartmogul

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// problemE is error family E: each invoice of an import with its own errors.
type problemE struct {
	Invoices []invoiceWire `json:"invoices"`
}

// importInvoices is POST /import/customers/:uuid/invoices: all of them or none.
func importInvoices(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("invoices"); err != nil {
		return reply{}, err
	}
	list := f.list("invoices")
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	a, owner, err := c.customer(c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	drafts := c.readDrafts(list)
	if err := c.prepare(a, owner, drafts); err != nil {
		return reply{}, err
	}
	if err := c.storeInvoices(a, owner, drafts); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, body: problemE{wiresOf(a, drafts)}}, nil
}

func wiresOf(a account, drafts []*draft) []invoiceWire {
	out := make([]invoiceWire, len(drafts))
	for i, d := range drafts {
		out[i] = d.row.wire(a)
	}
	return out
}

// prepare completes the drafts: who owns them, what identity each part has, which plans they name.
func (c *call) prepare(a account, owner customerRow, drafts []*draft) error {
	for _, d := range drafts {
		d.row.src, d.row.record.CustomerExternalID = owner.src, owner.record.ExternalID
		d.row.h = a.hash.InvoiceH(d.row.record.ExternalID)
		for i := range d.row.lines {
			l := &d.row.lines[i]
			if l.h = randomH(); l.record.ExternalID != "" {
				l.h = a.hash.LineItemH(l.record)
			}
			if l.record.Type == billing.Subscription && l.record.SubscriptionExternalID == "" {
				l.record.SubscriptionExternalID = uuid.NewString()
			}
		}
		for i := range d.row.trans {
			t := &d.row.trans[i]
			if t.h = randomH(); t.record.ExternalID != "" {
				t.h = a.hash.TransactionH(t.record)
			}
		}
	}
	return c.resolvePlans(a, owner.src, drafts)
}

// randomH is the identity of a record without an external id: a random one
// (architecture §3), since nothing says that two such records are the same.
func randomH() (h store.H) {
	_, _ = rand.Read(h[:]) // never fails (crypto/rand)
	return h
}

// resolvePlans finds the plans of all line items in one batch get.
func (c *call) resolvePlans(a account, src store.Source, drafts []*draft) error {
	wanted := map[string]store.Key{}
	var keys []store.Key
	for _, d := range drafts {
		for _, id := range d.plans {
			tag, h, err := store.ParseID(store.PrefixPlan, id)
			if _, known := wanted[id]; known || err != nil || tag != src.Tag {
				continue
			}
			wanted[id] = src.Space().Plan(h)
			keys = append(keys, wanted[id])
		}
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		for i, id := range d.plans {
			attrs, ok := found[wanted[id]]
			switch {
			case id == "":
			case !ok || !a.Visible(attrs):
				noteFirst(d.errs, prefixLine+"plan_uuid", "Plan not found")
			default:
				d.row.lines[i].record.PlanExternalID = store.DecodePlan(attrs).ExternalID
			}
		}
	}
	return nil
}

func noteFirst(errs map[string]string, name, text string) {
	if _, already := errs[name]; !already {
		errs[name] = text
	}
}

// storeInvoices writes the drafts, unless something is wrong with one of them.
// Somebody else may make the same records between the look and the write: then it looks again.
func (c *call) storeInvoices(a account, owner customerRow, drafts []*draft) error {
	const tries = 3
	for range tries {
		stale, err := c.findDuplicates(a, owner.src, drafts)
		if err != nil {
			return err
		}
		if err := refusedDrafts(a, drafts); err != nil {
			return err
		}
		err = c.commit(c.invoiceWrites(a, owner, drafts, stale))
		if err == nil || fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
	return fault.New(fault.Busy, "contended", "Somebody else is writing the same invoices. Try again in a moment.")
}

// refusedDrafts is the 422 of family E, or nil: every invoice with its own errors, none stored.
func refusedDrafts(a account, drafts []*draft) error {
	bad := false
	for _, d := range drafts {
		bad = bad || len(d.errs) > 0
	}
	if !bad {
		return nil
	}
	out := wiresOf(a, drafts)
	for i, d := range drafts {
		out[i].UUID, out[i].Errors = nil, d.errs
		out[i].LineItems, out[i].Transactions = []any{}, []transactionWire{}
	}
	return &failure{status: http.StatusUnprocessableEntity, body: problemE{out}}
}

// invoiceWrites spells the items: first what hangs on the invoices and points to
// them, last the invoices themselves. What is stale may be written over.
func (c *call) invoiceWrites(a account, owner customerRow, drafts []*draft, stale map[store.Key]bool) (parts, heads []store.Write) {
	sp := owner.src.Space()
	manual, _ := owner.attrs.Int(store.AttrManual)
	put := func(item store.Item) store.Write {
		if stale[item.Key] {
			return store.Write{Item: item}
		}
		return store.Write{Item: item, If: a.fresh()}
	}
	external := func(kind store.Kind, ext string, invoice store.H) {
		if ext != "" {
			key := sp.External(kind, a.hash.External(kind, ext))
			parts = append(parts, put(pointer(key, manual, func(b *store.Builder) { b.Str(attrInvoice, invoice.String()) })))
		}
	}
	var cancelled []store.Write
	for _, d := range drafts {
		inv := d.row
		for i, l := range inv.lines {
			parts = append(parts, put(c.placed(sp.LineItem(inv.h, l.h), l.record, manual, l.place)))
			external(store.KindLineItem, l.record.ExternalID, inv.h)
			if at := d.cancelled[i]; !at.IsZero() && l.record.Type == billing.Subscription {
				cancelled = append(cancelled, c.cancellation(a, owner, l.record, at)...)
			}
		}
		for _, t := range inv.trans {
			parts = append(parts, put(c.placed(sp.Transaction(inv.h, t.h), t.record, manual, t.place)))
			external(store.KindTransaction, t.record.ExternalID, inv.h)
		}
		parts = append(parts, store.Write{Item: pointer(sp.Owner(owner.h, inv.h), manual, func(b *store.Builder) {
			b.Int(attrDate, inv.record.Date.UnixMilli())
		})})
		heads = append(heads, store.Write{Item: c.encode(sp.Invoice(inv.h), inv.record, manual), If: a.fresh()})
	}
	return append(parts, distinct(cancelled)...), heads
}

// distinct keeps the first of the writes to each key: a transaction names none twice.
func distinct(writes []store.Write) []store.Write {
	seen := map[store.Key]bool{}
	return slices.DeleteFunc(writes, func(w store.Write) bool {
		was := seen[w.Item.Key]
		seen[w.Item.Key] = true
		return was
	})
}

// placed is a line item or transaction that remembers its place in the request.
func (c *call) placed(key store.Key, r billing.Record, manual, place int64) store.Item {
	b := c.stamped(manual).Int(attrPlace, place)
	store.EncodeRecord(b, r)
	return store.Item{Key: key, Attrs: b.Attrs()}
}

// commit writes all or nothing. What fits goes in one transaction. More than
// that goes in several, the invoices last: without its invoice nothing of it
// is seen, and a later request writes over it. When somebody else turns
// out to have a key first, what was written before is taken back.
func (c *call) commit(parts, heads []store.Write) error {
	size := c.Store.TransactSize()
	if len(parts)+len(heads) <= size {
		return c.Store.Transact(c.Context(), append(parts, heads...)...)
	}
	var done []store.Write
	for _, list := range [][]store.Write{parts, heads} {
		for from := 0; from < len(list); from += size {
			chunk := list[from:min(from+size, len(list))]
			err := c.Store.Transact(c.Context(), chunk...)
			if err != nil && fault.KindOf(err) == fault.Conflict {
				if undone := c.takeBack(done); undone != nil {
					return undone
				}
			}
			if err != nil {
				return err
			}
			done = append(done, chunk...)
		}
	}
	return nil
}

// takeBack deletes what was written, even if the client has gone meanwhile.
func (c *call) takeBack(done []store.Write) error {
	gone := make([]store.Write, len(done))
	for i, w := range done { // heads are the last to be written and the first to go
		gone[len(done)-1-i] = store.Write{Item: store.Item{Key: w.Item.Key}, Delete: true}
	}
	return c.Store.Write(context.WithoutCancel(c.Context()), gone)
}
