package records

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// attrWriter is the attribute with the number of the call that wrote an item in one of several
// transactions. Until the invoice is there, other calls leave the item alone while that call may
// still be running.
const attrWriter = "_w"

// A write of several transactions has to end within writeTime. If an item without an invoice is
// older than abandonedAfter, the call that wrote it will never finish.
const (
	writeTime      = 20 * time.Second
	abandonedAfter = time.Minute
)

// writing collects the items of invoices that are to be stored together.
type writing struct {
	r         *Records
	a         Account
	owner     Customer
	over      map[table.Key]table.Cond // items that may be replaced, with the condition for that
	manual    int64                    // manual epoch of the owner, and so of its invoices
	left      []table.Write            // deletes what earlier calls have left behind under these invoices
	parts     []table.Write            // line items, transactions, events and pointers
	heads     []table.Write            // the invoices
	cancelled []*billing.Event         // the cancellations that line items bring as cancelled_at
}

func (r *Records) writing(a Account, owner Customer, over map[table.Key]table.Cond) *writing {
	manual, _ := owner.Attrs.Int(store.AttrManual)
	return &writing{r: r, a: a, owner: owner, over: over, manual: manual}
}

// add adds one invoice.
func (w *writing) add(d *Draft) {
	sp, inv := w.owner.Source.Space(), d.Invoice
	w.addParts(d)
	head := w.r.encode(sp.Invoice(inv.H), inv.Record, w.manual)
	w.pointers(head)
	w.heads = append(w.heads, table.Write{Item: head, If: absentOnly()})
}

// addParts adds the line items and transactions of an invoice.
func (w *writing) addParts(d *Draft) {
	sp, inv := w.owner.Source.Space(), d.Invoice
	for i, l := range inv.Lines {
		w.row(w.r.placed(sp.LineItem(inv.H, l.H), l.Record, w.manual, l.Place))
		if at := d.Cancelled[i]; !at.IsZero() && l.Record.Type == billing.Subscription {
			w.cancelled = append(w.cancelled, cancellation(w.owner, l.Record, at))
		}
	}
	for _, t := range inv.Transactions {
		w.row(w.r.placed(sp.Transaction(inv.H, t.H), t.Record, w.manual, t.Place))
	}
}

// part adds one item, which must not be there yet, unless it may be replaced.
func (w *writing) part(item table.Item) {
	cond, ok := w.over[item.Key]
	if !ok {
		cond = absentOnly()
	}
	w.parts = append(w.parts, table.Write{Item: item, If: cond})
}

// row adds a line item or transaction with the pointers to it.
func (w *writing) row(record table.Item) {
	w.part(record)
	w.pointers(record)
}

// pointers adds the pointers to a record.
func (w *writing) pointers(record table.Item) {
	for _, p := range w.owner.Source.Space().PointersOf(w.a.Hash, record) {
		w.part(p)
	}
}

// cancellation is the event that a line item's cancelled_at brings.
func cancellation(owner Customer, li *billing.LineItem, at time.Time) *billing.Event {
	return &billing.Event{
		CustomerExternalID: owner.Record.ExternalID, SubscriptionExternalID: li.SubscriptionExternalID,
		SubscriptionSetExternalID: li.SubscriptionSetExternalID, Type: billing.Cancelled, Date: at, EffectiveDate: at,
		InvoiceExternalID: li.InvoiceExternalID, Cancellation: true,
	}
}

// cancel adds the cancellations with their pointers. Subscription and date identify a cancellation,
// as in the older CSV file of cancellations, so one that comes twice, or has come before, is one
// event.
func (w *writing) cancel(ctx context.Context) error {
	sp := w.owner.Source.Space()
	wanted := map[table.Key]bool{}
	keys := make([]table.Key, len(w.cancelled))
	for i, e := range w.cancelled {
		keys[i] = sp.Event(w.owner.H, w.a.Hash.EventH(e).EventID())
		wanted[keys[i]] = true
	}
	said, err := w.r.Lookup(ctx, keys)
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
		event := w.r.encode(keys[i], e, w.manual)
		w.part(event)
		for _, p := range sp.PointersOf(w.a.Hash, event) {
			w.parts = append(w.parts, table.Write{Item: p})
		}
	}
	return nil
}

// marked adds to each item that is put the number of the call that writes it, and when that began.
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

// abandoned returns the condition for writing over an item that belongs to no invoice. While the
// call that wrote it may still be running, it returns fault.Busy instead.
func (r *Records) abandoned(a table.Attrs) (table.Cond, error) {
	token, has := a.Int(attrWriter)
	if !has {
		return table.Cond{}, nil
	}
	at, _ := a.Int(store.AttrCreated)
	if r.Now().Sub(time.UnixMilli(at)) < abandonedAfter {
		return table.Cond{}, contended()
	}
	return writtenBy(token), nil
}

// placed makes the item of a line item or transaction, with its place in the request it came with.
func (r *Records) placed(key table.Key, rec billing.Record, manual, place int64) table.Item {
	b := r.stamped(manual).Int(attrPlace, place)
	store.EncodeRecord(b, rec)
	return table.Item{Key: key, Attrs: b.Attrs()}
}

// commit writes all or nothing: in one transaction if it fits, else in several, the invoices last.
// Line items and transactions are invisible until their invoice is there, and after abandonedAfter
// another call may replace them. If another writer has taken a key first, commit deletes what it
// has written.
func (w *writing) commit(ctx context.Context) error {
	all := slices.Concat(w.left, w.parts, w.heads)
	if len(w.r.Store.Transactions(all)) <= 1 {
		return w.r.write(ctx, w.a, all...)
	}
	if err := w.a.shows(all); err != nil {
		return err
	}
	if err := w.r.touch(ctx, w.a, all); err != nil {
		return err
	}
	token := rand.Int64N(1<<62) + 1 //nolint:gosec // no secret: it only has to differ from others of the same minute
	within, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	var done []table.Write
	for _, chunk := range w.chunks(token) {
		if err := w.r.Store.Transact(within, chunk...); err != nil {
			if fault.Is(err, fault.Conflict) {
				w.r.takeBack(ctx, done, token)
			}
			return err
		}
		done = append(done, chunk...)
	}
	return w.r.landed(ctx, w.a, all)
}

// chunks returns the transactions of a write that needs several. If the invoices alone do not fit
// into one, a note is stored until the last of them is there.
func (w *writing) chunks(token int64) [][]table.Write {
	size, now := w.r.Store.TransactSize(), w.r.Now()
	chunks := w.r.Store.Transactions(marked(append(w.left, w.parts...), token, now))
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

// takeBack deletes what this call wrote, invoices first, even if the client has gone. What it fails
// to delete stays as abandoned, and is invisible.
func (r *Records) takeBack(ctx context.Context, done []table.Write, token int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	var gone []table.Write
	for _, w := range slices.Backward(done) {
		if !w.Delete {
			gone = append(gone, table.Write{Item: table.Item{Key: w.Item.Key}, Delete: true, If: writtenBy(token)})
		}
	}
	for chunk := range slices.Chunk(gone, r.Store.TransactSize()) {
		if err := r.Store.Transact(ctx, chunk...); err != nil && !fault.Is(err, fault.Conflict) {
			return
		}
	}
}

// takeOver deletes invoices of the drafts that an earlier call left behind when it did not finish,
// so that the same call can make them all. Only a call with more invoices than fit into one
// transaction can have left any.
func (r *Records) takeOver(ctx context.Context, a Account, src store.Source, drafts []*Draft) error {
	if len(drafts) <= r.Store.TransactSize() {
		return nil
	}
	sp := src.Space()
	var keys, notes []table.Key
	for _, d := range drafts {
		keys = append(keys, sp.Invoice(d.Invoice.H))
	}
	heads, err := r.Lookup(ctx, keys)
	if err != nil {
		return err
	}
	for _, attrs := range heads {
		if token, ok := attrs.Int(attrWriter); ok && a.Visible(attrs) {
			notes = append(notes, sp.Writing(token))
		}
	}
	unfinished, err := r.Lookup(ctx, notes)
	if err != nil || len(unfinished) == 0 {
		return err
	}
	var gone []table.Write
	for key, attrs := range heads {
		token, _ := attrs.Int(attrWriter)
		if unfinished[sp.Writing(token)] == nil {
			continue
		}
		cond, err := r.abandoned(attrs)
		if err != nil {
			return err
		}
		gone = append(gone, table.Write{Item: table.Item{Key: key}, Delete: true, If: cond})
	}
	for note := range unfinished {
		gone = append(gone, table.Write{Item: table.Item{Key: note}, Delete: true})
	}
	for chunk := range slices.Chunk(gone, r.Store.TransactSize()) {
		if err := r.Store.Transact(ctx, chunk...); err != nil {
			return err
		}
	}
	return nil
}

// leftBehind returns the writes that delete line items and transactions without an invoice, which
// earlier calls have left under the drafts' invoices when they did not finish. Keys in over are
// replaced instead.
func (r *Records) leftBehind(ctx context.Context, a Account, src store.Source, drafts []*Draft, over map[table.Key]table.Cond) ([]table.Write, error) {
	all, err := r.partsUnder(ctx, src, drafts)
	if err != nil {
		return nil, err
	}
	if err := r.notArriving(ctx, src, all); err != nil {
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
		cond, err := r.abandoned(item.Attrs)
		if err != nil {
			return nil, err
		}
		if cond.Op == table.Always {
			cond = Stored{Attrs: item.Attrs}.unchanged()
		}
		gone = append(gone, table.Write{Item: table.Item{Key: item.Key}, Delete: true, If: cond})
	}
	if len(gone) == 0 {
		return nil, nil
	}
	return gone, r.stillAbsent(ctx, src, drafts)
}

// partsAtOnce is the number of invoices whose parts are read at the same time.
const partsAtOnce = 32

// partsUnder reads the line items and transactions of the drafts' invoices, which need not be
// there.
func (r *Records) partsUnder(ctx context.Context, src store.Source, drafts []*Draft) ([]table.Item, error) {
	found := make([][]table.Item, len(drafts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	for i, d := range drafts {
		g.Go(func() (err error) {
			found[i], err = r.Items(ctx, src.Space().Parts(store.KindNamed(store.KindInvoice), d.Invoice.H))
			return err
		})
	}
	err := g.Wait()
	return slices.Concat(found...), err
}

// notArriving returns fault.Busy if an import may have just written some of the items and is about
// to write their invoice: the writes of an import have no order.
func (r *Records) notArriving(ctx context.Context, src store.Source, items []table.Item) error {
	if !slices.ContainsFunc(items, func(it table.Item) bool { return store.OriginOf(it.Attrs).Import != 0 }) {
		return nil
	}
	holder, err := r.Holder(ctx, src.Tag)
	if err == nil && holder != "" {
		err = contended()
	}
	return err
}

// stillAbsent returns fault.Conflict if another writer has made one of the invoices meanwhile: the
// parts found under it may belong to it.
func (r *Records) stillAbsent(ctx context.Context, src store.Source, drafts []*Draft) error {
	keys := make([]table.Key, len(drafts))
	for i, d := range drafts {
		keys[i] = src.Space().Invoice(d.Invoice.H)
	}
	found, err := r.Lookup(ctx, keys)
	if err == nil && len(found) > 0 {
		err = fault.New(fault.Conflict, "made_meanwhile", "somebody else has made one of these invoices")
	}
	return err
}
