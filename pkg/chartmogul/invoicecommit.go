package chartmogul

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// attrWriter marks what is written by several transactions with the request
// that writes it. Until the invoice is there, nobody else may take such a key
// while that request can still be at it.
const attrWriter = "_w"

// A write of several transactions has to end within writeTime. What is older
// than abandonedAfter and has no invoice was left by a request that never came to its end.
const (
	writeTime      = 20 * time.Second
	abandonedAfter = time.Minute
)

// writing spells the items of an import of invoices.
type writing struct {
	c         *call
	a         account
	owner     customerRow
	over      map[table.Key]table.Cond // what may be written over, and when
	manual    int64                    // of the owner, and so of all that hangs on it
	left      []table.Write            // what goes, since it was left behind where these invoices come
	parts     []table.Write            // what hangs on invoices and points to them
	heads     []table.Write            // the invoices
	cancelled []*billing.Event         // what cancelled_at of line items stands for
}

func (c *call) writing(a account, owner customerRow, over map[table.Key]table.Cond) *writing {
	manual, _ := owner.Attrs.Int(store.AttrManual)
	return &writing{c: c, a: a, owner: owner, over: over, manual: manual}
}

// add spells one invoice.
func (w *writing) add(d *draft) {
	sp, inv := w.owner.Source.Space(), d.row
	w.addParts(d)
	head := w.c.encode(sp.Invoice(inv.h), inv.record, w.manual)
	w.pointers(head)
	w.heads = append(w.heads, table.Write{Item: head, If: absentOnly()})
}

// addParts spells line items and transactions of an invoice.
func (w *writing) addParts(d *draft) {
	sp, inv := w.owner.Source.Space(), d.row
	for i, l := range inv.lines {
		w.found(w.c.placed(sp.LineItem(inv.h, l.h), l.record, w.manual, l.place))
		if at := d.cancelled[i]; !at.IsZero() && l.record.Type == billing.Subscription {
			w.cancelled = append(w.cancelled, cancellation(w.owner, l.record, at))
		}
	}
	for _, t := range inv.trans {
		w.found(w.c.placed(sp.Transaction(inv.h, t.h), t.record, w.manual, t.place))
	}
}

func (w *writing) part(item table.Item) {
	cond, ok := w.over[item.Key]
	if !ok {
		cond = absentOnly()
	}
	w.parts = append(w.parts, table.Write{Item: item, If: cond})
}

// found adds a part with the pointers to it.
func (w *writing) found(record table.Item) {
	w.part(record)
	w.pointers(record)
}

// pointers adds the pointers to a record.
func (w *writing) pointers(record table.Item) {
	for _, p := range w.owner.Source.Space().PointersOf(w.a.hash, record) {
		w.part(p)
	}
}

// cancellation is the event that a line item's cancelled_at stands for.
func cancellation(owner customerRow, li *billing.LineItem, at time.Time) *billing.Event {
	return &billing.Event{
		CustomerExternalID: owner.record.ExternalID, SubscriptionExternalID: li.SubscriptionExternalID,
		SubscriptionSetExternalID: li.SubscriptionSetExternalID, Type: billing.Cancelled, Date: at, EffectiveDate: at,
		InvoiceExternalID: li.InvoiceExternalID, Cancellation: true,
	}
}

// cancel adds the cancellations with their pointers. Each is known by
// subscription and date, as in the older file of cancellations: what is said
// twice, or was said before, is one event.
func (w *writing) cancel() error {
	sp := w.owner.Source.Space()
	wanted := map[table.Key]bool{}
	keys := make([]table.Key, len(w.cancelled))
	for i, e := range w.cancelled {
		keys[i] = sp.Event(w.owner.H, w.a.hash.EventH(e).EventID())
		wanted[keys[i]] = true
	}
	said, err := w.c.lookup(w.c.Context(), keys)
	if err != nil {
		return err
	}
	for i, e := range w.cancelled {
		old, ok := said[keys[i]]
		switch {
		case !wanted[keys[i]] || ok && w.a.Visible(old):
			continue
		case ok: // hidden
			return erasing()
		}
		delete(wanted, keys[i])
		event := w.c.encode(keys[i], e, w.manual)
		w.part(event)
		for _, p := range sp.PointersOf(w.a.hash, event) {
			w.parts = append(w.parts, table.Write{Item: p})
		}
	}
	return nil
}

// marked adds to what is put who writes it, and since when.
func marked(list []table.Write, token int64, now time.Time) []table.Write {
	list = slices.Clone(list)
	for i, w := range list {
		if w.Delete {
			continue
		}
		b := table.NewBuilder().Int(attrWriter, token).Int(store.AttrCreated, now.UnixMilli())
		for name, v := range w.Item.Attrs.All() {
			if name != store.AttrCreated {
				b.Raw(name, v)
			}
		}
		list[i].Item.Attrs = b.Attrs()
	}
	return list
}

// abandoned is the condition for writing over an item that hangs on no invoice.
// While the request that wrote it may still be at it, nobody else may.
func (c *call) abandoned(a table.Attrs) (table.Cond, error) {
	token, has := a.Int(attrWriter)
	if !has {
		return table.Cond{}, nil
	}
	at, _ := a.Int(store.AttrCreated)
	if c.Now().Sub(time.UnixMilli(at)) < abandonedAfter {
		return table.Cond{}, contended()
	}
	return writtenBy(token), nil
}

// placed is a line item or transaction that remembers its place in the request.
func (c *call) placed(key table.Key, r billing.Record, manual, place int64) table.Item {
	b := c.stamped(manual).Int(attrPlace, place)
	store.EncodeRecord(b, r)
	return table.Item{Key: key, Attrs: b.Attrs()}
}

// commit writes all or nothing. What fits goes in one transaction. More than that goes in several, the invoices last:
// without its invoice nothing of it is seen, and a request after abandonedAfter writes over it. When somebody else turns out to
// have a key first, what was written before is taken back.
func (w *writing) commit() error {
	all := slices.Concat(w.left, w.parts, w.heads)
	if len(w.c.Store.Transactions(all)) <= 1 {
		return w.c.write(w.a, all...)
	}
	if err := w.a.shows(all); err != nil {
		return err
	}
	token := rand.Int64N(1<<62) + 1 //nolint:gosec // no secret: it only has to differ from others of the same minute
	ctx, cancel := context.WithTimeout(w.c.Context(), writeTime)
	defer cancel()
	var done []table.Write
	for _, chunk := range w.chunks(token) {
		if err := w.c.Store.Transact(ctx, chunk...); err != nil {
			if fault.Is(err, fault.Conflict) {
				w.c.takeBack(done, token)
			}
			return err
		}
		done = append(done, chunk...)
	}
	return w.c.landed(w.a, all)
}

// chunks are the transactions of a write that needs several. Invoices that do not fit into one have a note beside them
// until the last of them is there.
func (w *writing) chunks(token int64) [][]table.Write {
	size, now := w.c.Store.TransactSize(), w.c.Now()
	chunks := w.c.Store.Transactions(marked(append(w.left, w.parts...), token, now))
	heads := marked(w.heads, token, now)
	if len(heads) > size {
		note := table.Item{Key: w.owner.Source.Space().Writing(token)}
		chunks = append(chunks, marked([]table.Write{{Item: note, If: absentOnly()}}, token, now))
		heads = append(heads, table.Write{Item: note, Delete: true, If: writtenBy(token)})
	}
	return slices.AppendSeq(chunks, slices.Chunk(heads, size))
}

func writtenBy(token int64) table.Cond {
	return table.Cond{Op: table.Equals, Attr: attrWriter, N: token}
}

// takeBack deletes what this request wrote, invoices first, even if the client
// has gone meanwhile. What cannot be deleted now is abandoned, which nobody sees.
func (c *call) takeBack(done []table.Write, token int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), writeTime)
	defer cancel()
	var gone []table.Write
	for _, w := range slices.Backward(done) {
		if !w.Delete {
			gone = append(gone, table.Write{Item: table.Item{Key: w.Item.Key}, Delete: true, If: writtenBy(token)})
		}
	}
	for chunk := range slices.Chunk(gone, c.Store.TransactSize()) {
		if err := c.Store.Transact(ctx, chunk...); err != nil && !fault.Is(err, fault.Conflict) {
			return
		}
	}
}

// takeOver deletes those invoices of the drafts that a request has left which did not come to its end: so the same
// request once more makes them all. Only one of many invoices can have left some.
func (c *call) takeOver(a account, src store.Source, drafts []*draft) error {
	if len(drafts) <= c.Store.TransactSize() {
		return nil
	}
	sp := src.Space()
	var keys, notes []table.Key
	for _, d := range drafts {
		keys = append(keys, sp.Invoice(d.row.h))
	}
	heads, err := c.lookup(c.Context(), keys)
	if err != nil {
		return err
	}
	for _, attrs := range heads {
		if token, ok := attrs.Int(attrWriter); ok && a.Visible(attrs) {
			notes = append(notes, sp.Writing(token))
		}
	}
	unfinished, err := c.lookup(c.Context(), notes)
	if err != nil || len(unfinished) == 0 {
		return err
	}
	var gone []table.Write
	for key, attrs := range heads {
		token, _ := attrs.Int(attrWriter)
		if unfinished[sp.Writing(token)] == nil {
			continue
		}
		cond, err := c.abandoned(attrs)
		if err != nil {
			return err
		}
		gone = append(gone, table.Write{Item: table.Item{Key: key}, Delete: true, If: cond})
	}
	for note := range unfinished {
		gone = append(gone, table.Write{Item: table.Item{Key: note}, Delete: true})
	}
	for chunk := range slices.Chunk(gone, c.Store.TransactSize()) {
		if err := c.Store.Transact(c.Context(), chunk...); err != nil {
			return err
		}
	}
	return nil
}

// leftBehind are the writes that delete what lies under invoices that are not there: requests that did not come to their end
// have left it. What over holds is written over instead.
func (c *call) leftBehind(a account, src store.Source, drafts []*draft, over map[table.Key]table.Cond) ([]table.Write, error) {
	found, err := each(c.Context(), drafts, func(ctx context.Context, d *draft) ([]table.Item, error) {
		return c.items(ctx, src.Space().InvoiceParts(d.row.h))
	})
	if err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	if err := c.notArriving(src, all); err != nil {
		return nil, err
	}
	var gone []table.Write
	for _, item := range all {
		if _, ours := over[item.Key]; ours {
			continue
		}
		if a.hidden(item.Attrs) {
			return nil, erasing()
		}
		cond, err := c.abandoned(item.Attrs)
		if err != nil {
			return nil, err
		}
		if cond.Op == table.Always {
			cond = stored{attrs: item.Attrs}.unchanged()
		}
		gone = append(gone, table.Write{Item: table.Item{Key: item.Key}, Delete: true, If: cond})
	}
	if len(gone) == 0 {
		return nil, nil
	}
	return gone, c.stillAbsent(src, drafts)
}

// notArriving is fault.Busy if an import may be writing some of the items, whose invoice is still to come: its writes have no order.
func (c *call) notArriving(src store.Source, items []table.Item) error {
	if !slices.ContainsFunc(items, func(it table.Item) bool { return store.OriginOf(it.Attrs).Import != 0 }) {
		return nil
	}
	holder, err := c.Jobs.Holder(c.Context(), src.Tag)
	if err == nil && holder != "" {
		err = contended()
	}
	return err
}

// stillAbsent is fault.Conflict if somebody else has made one of the invoices meanwhile: then what lies under it is its own.
func (c *call) stillAbsent(src store.Source, drafts []*draft) error {
	keys := make([]table.Key, len(drafts))
	for i, d := range drafts {
		keys[i] = src.Space().Invoice(d.row.h)
	}
	found, err := c.lookup(c.Context(), keys)
	if err == nil && len(found) > 0 {
		err = fault.New(fault.Conflict, "made_meanwhile", "somebody else has made one of these invoices")
	}
	return err
}
