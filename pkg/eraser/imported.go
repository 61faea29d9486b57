package eraser

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// findImport is an import whose added rows can be erased: it has ended, and is of a source that is there.
func (e *Eraser) findImport(ctx context.Context, d *store.Directory, id string) (target, error) {
	j, err := e.c.Ledger.Get(ctx, id)
	if err == nil && j.Import == nil || fault.KindOf(err) == fault.NotFound && err != nil {
		err = fault.New(fault.NotFound, "import_not_found", "there is no such import")
	}
	if err != nil {
		return target{}, err
	}
	src, ok := d.ByTag(j.Tag)
	switch number := job.Number(id); {
	case !ok:
		err = noSource()
	case j.Import.Undo != "":
		err = bad("id", "this job takes an import back; it adds no rows of its own")
	case !j.Status.Ended():
		err = fault.New(fault.Conflict, "not_ended", "the import has not ended yet; cancel it first")
	case !j.Import.Applying:
		err = fault.New(fault.Conflict, "nothing_added", "this import ended before it added anything")
	case slices.ContainsFunc(d.Tombstones, func(t store.Tombstone) bool { return t.Import == number }):
		err = fault.New(fault.Conflict, codeUnderway, "this is being erased already")
	}
	return target{src: src, imported: j}, err
}

// buryImport hides the rows that an import added, unless others hang on them. No job may be at the source: what it has
// decided may rest on them.
func (e *Eraser) buryImport(ctx context.Context, d *store.Directory, t target, j *job.Job) ([]store.Write, error) {
	if len(d.Tombstones) >= maxTombstones {
		return nil, tooManyErases()
	}
	holder, err := e.c.Ledger.Holder(ctx, t.src.Tag)
	if err != nil {
		return nil, err
	}
	if holder != "" {
		return nil, sourceBusy()
	}
	r := reader{st: e.c.Store, hr: d.Hasher(), sp: t.src.Space()}
	if _, err := e.alone(ctx, r, t.imported.ID); err != nil {
		return nil, err
	}
	j.Erase.Import, j.Erase.Sources = t.imported.ID, []store.Source{t.src}
	d.Tombstones = append(d.Tombstones, store.Tombstone{Job: j.ID, Tag: t.src.Tag, Kind: store.KindImport, Import: job.Number(t.imported.ID)})
	if j.Status != job.Grace {
		return nil, nil // it takes the lock itself
	}
	return []store.Write{{Item: store.Item{Key: store.LockKey(t.src.Tag)}, Delete: true, If: store.Cond{Op: store.Absent}}}, nil
}

// countImport counts the rows that an import added, unless others hang on them.
func (e *Eraser) countImport(ctx context.Context, d *store.Directory, t target, p *Plan) (Counts, error) {
	p.Import = t.imported.ID
	r := reader{st: e.c.Store, hr: d.Hasher(), sp: t.src.Space(), edits: !p.KeepEdits}
	number, err := e.alone(ctx, r, p.Import)
	if err != nil {
		return nil, err
	}
	is := func(a store.Attrs) bool { return store.OriginOf(a).Import == number }
	var (
		mu  sync.Mutex
		sum = Counts{}
	)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(countersAtOnce)
	for _, parts := range rowParts(r.sp) {
		g.Go(func() error {
			n := Counts{}
			for _, p := range parts {
				if err := e.countPicked(ctx, p, r, is, n); err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Add(n)
			return nil
		})
	}
	return sum, g.Wait()
}

// alone refuses an import on whose rows others hang; else it gives its number.
func (e *Eraser) alone(ctx context.Context, r reader, id string) (int64, error) {
	number := job.Number(id)
	late, err := r.late(ctx, number)
	if err == nil && late.counts.Total() > 0 {
		err = e.needed(ctx, late)
	}
	return number, err
}

// countPicked counts the items of a partition that are meant, and their edits if those go too.
func (e *Eraser) countPicked(ctx context.Context, p part, r reader, is func(store.Attrs) bool, n Counts) error {
	for q := p.query(); ; {
		page, err := r.st.Page(ctx, q)
		if err != nil {
			return err
		}
		picked := slices.DeleteFunc(page.Items, func(it store.Item) bool { return !is(it.Attrs) })
		for _, it := range picked {
			n[p.kindOf(it.SK)]++
		}
		edits, err := r.editsOf(ctx, picked)
		if err != nil {
			return err
		}
		for _, k := range edits {
			n[partOf(k).kindOf(k.SK)]++
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}

// imported sweeps the rows that an import added, each after its edits.
func (r *run) imported(ctx context.Context) error {
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	number := job.Number(r.job.Erase.Import)
	walk := reader{st: r.st, hr: d.Hasher(), sp: r.job.Erase.Was.Space(), edits: !r.job.Erase.KeepEdits}
	if err := r.latecomers(ctx, walk, number); err != nil {
		return err
	}
	rows := store.Cond{Op: store.Equals, Attr: store.AttrImport, N: number}
	return r.lanes(ctx, laneName(walk.sp), rowParts(walk.sp), hiddenAmong(rows, walk.editsOf))
}

// latecomers is in [lead.Done] when nothing hangs on the import's rows any more that did not come with it.
const latecomers = "latecomers"

// latecomers sweeps the rows on which something was hung by requests that began before the rows were hidden, with that. Should a
// whole import have come in between, the erase is taken back: what it brought is not to be lost.
func (r *run) latecomers(ctx context.Context, walk reader, number int64) error {
	if slices.Contains(r.lead.Done, latecomers) {
		return nil
	}
	late, err := walk.late(ctx, number)
	if err != nil {
		return err
	}
	if delete(late.imports, 0); len(late.imports) > 0 {
		return r.refuse(ctx, r.needed(ctx, late))
	}
	for _, sk := range slices.Sorted(maps.Keys(late.parents)) {
		lanes, err := r.open(ctx, []string{lanePhase + "/late." + strings.ReplaceAll(sk, "#", ".")}, make(partitions, 1))
		if err != nil {
			return err
		}
		kind, h := Customer, late.parents[sk]
		if strings.HasPrefix(sk, store.SKInvoice) {
			kind = Invoice
		}
		if err := lanes[0].untilGone(ctx, walk, kind, h); err != nil {
			return err
		}
	}
	r.lead.Done = append(r.lead.Done, latecomers)
	return r.save()
}

// errRefused ends a sweep whose erase was taken back.
var errRefused = errors.New("refused")

// refuse takes an erase back of which nothing was swept yet: in one write everything is visible again, and the job has failed.
func (r *run) refuse(ctx context.Context, why error) error {
	_, err := r.st.ChangeDirectory(ctx, func(d *store.Directory) ([]store.Write, error) {
		d.Tombstones = slices.DeleteFunc(d.Tombstones, func(t store.Tombstone) bool { return t.Job == r.job.ID })
		_, ending, err := r.ledger.Ending(ctx, r.job.ID, func(j *job.Job) error {
			j.Status, j.Stage, j.Error = job.Failed, "", why.Error()
			return nil
		})
		if err != nil {
			return nil, err
		}
		unlocking, err := r.ledger.Unlocking(ctx, r.job.Tag, r.job.ID)
		return append(ending, unlocking), err
	})
	if err != nil {
		return err
	}
	next, err := r.ledger.NextWaiting(ctx, r.job.Tag)
	if err == nil {
		err = r.dispatch(ctx, next)
	}
	if err != nil {
		return err
	}
	return errRefused
}

// hanging is what hangs on the rows of one import and did not come with it.
type hanging struct {
	mu      sync.Mutex
	counts  Counts             // by kind
	imports map[int64]bool     // their numbers; 0 is REST
	parents map[string]store.H // customers and invoices of the import, by sort key
}

// add notes a child; the parent is none if it is a plan: those go by themselves.
func (h *hanging) add(parent, child store.Item) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kind := kindOf(child.SK)
	if kind == InvoicePointers {
		kind = "invoices"
	}
	h.counts[kind]++
	h.imports[store.OriginOf(child.Attrs).Import] = true
	if parent.SK != "" {
		h.parents[parent.SK], _ = store.LeadingH(parent.SK)
	}
}

// late finds what hangs on rows that an import added and did not come with it. All of the source is read.
func (r reader) late(ctx context.Context, number int64) (*hanging, error) {
	out := &hanging{counts: Counts{}, imports: map[int64]bool{}, parents: map[string]store.H{}}
	plans := map[string]bool{}
	for it, err := range r.st.Items(ctx, r.sp.Plans()) {
		if err != nil {
			return nil, err
		}
		if store.OriginOf(it.Attrs).Import == number {
			plans[it.Attrs.Str("external_id")] = true
		}
	}
	see := func(parent, child store.Item) {
		switch {
		case store.OriginOf(child.Attrs).Import == number:
		case store.OriginOf(parent.Attrs).Import == number:
			out.add(parent, child)
		case plans[child.Attrs.Str("plan")]:
			out.add(store.Item{}, child)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(countersAtOnce)
	for i := range r.sp.Shards {
		g.Go(func() error { return r.kinship(ctx, i, see) })
	}
	return out, g.Wait()
}

// kinship shows everything in a shard that hangs on something, with that, if it is there. Both are in the same order.
func (r reader) kinship(ctx context.Context, shard int, see func(parent, child store.Item)) error {
	within := func(pk, letter string) store.Query { return store.Query{PK: pk, From: letter, To: store.After(letter)} }
	for _, children := range []store.Query{
		within(r.sp.CustomerPK(shard), store.SKContact), within(r.sp.DataPK(shard), store.SKOwner), within(r.sp.DataPK(shard), store.SKEvent),
	} {
		if err := r.ofCustomers(ctx, shard, children, see); err != nil {
			return err
		}
	}
	invoice := store.Item{}
	for it, err := range r.st.Items(ctx, r.sp.InvoicesIn(shard)) {
		switch {
		case err != nil:
			return err
		case store.What(it.SK) == store.SKInvoice:
			invoice = it
		case strings.HasPrefix(it.SK, invoice.SK):
			see(invoice, it)
		default:
			see(store.Item{}, it)
		}
	}
	return nil
}

func (r reader) ofCustomers(ctx context.Context, shard int, children store.Query, see func(parent, child store.Item)) error {
	next, stop := iter.Pull2(r.st.Items(ctx, r.sp.CustomersIn(shard)))
	defer stop()
	customer, more := store.Item{}, true
	for child, err := range r.st.Items(ctx, children) {
		if err != nil {
			return err
		}
		h, _ := store.LeadingH(child.SK)
		sk := store.CustomerSK(h)
		for more && customer.SK < sk {
			if customer, err, more = next(); err != nil {
				return err
			}
		}
		if more && customer.SK == sk {
			see(customer, child)
		} else {
			see(store.Item{}, child)
		}
	}
	return nil
}

// needed refuses to erase rows that others hang on, and says whose those are.
func (e *Eraser) needed(ctx context.Context, late *hanging) error {
	var what, whose []string
	for _, kind := range slices.Sorted(maps.Keys(late.counts)) {
		what = append(what, fmt.Sprintf("%d %s", late.counts[kind], words(kind)))
	}
	if late.imports[0] {
		whose = append(whose, "over REST")
	}
	const most = 5
	for j, err := range e.c.Ledger.All(ctx, historyPage, "") {
		switch {
		case err != nil:
			return err
		case j.Import == nil || !late.imports[job.Number(j.ID)]:
		case len(whose) == most:
			whose = append(whose, "by others")
		case len(whose) < most:
			whose = append(whose, "by import "+j.ID)
		}
	}
	return fault.Newf(fault.Conflict, "needed", "rows that came otherwise hang on what this import added (%s; %s): erase those first",
		strings.Join(what, ", "), strings.Join(whose, ", "))
}

// editsOf are the edits of some records of one partition, which are in key order, with the pointers that lead to those; none if edits stay.
func (r reader) editsOf(ctx context.Context, items []store.Item) ([]store.Key, error) {
	records := map[store.Key]store.Attrs{}
	var first, last store.Key
	for _, it := range items {
		switch store.What(it.SK) {
		case store.SKCustomer, store.SKPlan, store.SKInvoice, store.SKLine, store.SKTrans:
			if len(records) == 0 {
				first = it.Key
			}
			last = it.Key
			records[it.Key] = it.Attrs
		}
	}
	if !r.edits || len(records) == 0 {
		return nil, nil
	}
	var pointers, keys []store.Key
	for item, err := range r.st.Items(ctx, store.Query{PK: r.sp.FieldsOf(first).PK, From: first.SK, To: store.After(last.SK)}) {
		if err != nil {
			return nil, err
		}
		record, _ := r.sp.Edited(item.SK)
		if attrs, ours := records[record]; ours {
			keys = append(keys, item.Key)
			pointers = append(pointers, r.pointersTo(record, attrs, item)...)
		}
	}
	pointers, err := r.existing(ctx, pointers, nil)
	return append(pointers, keys...), err
}

// pointersTo are the pointers that an edit of a record may have.
func (r reader) pointersTo(record store.Key, attrs store.Attrs, fields store.Item) []store.Key {
	if fields.Key != r.sp.FieldsOf(record) {
		return nil
	}
	h, _ := store.LeadingH(record.SK)
	switch store.What(record.SK) {
	case store.SKCustomer:
		if email := edit.EmailOf(fields.Attrs); email != "" {
			return []store.Key{r.sp.EditEmail(r.hr.EmailH(email), h)}
		}
	case store.SKInvoice:
		customer := r.hr.CustomerH(store.DecodeInvoice(attrs).CustomerExternalID)
		keys := []store.Key{r.sp.EditOwner(customer, h)}
		if owner, ok := edit.OwnerOf(fields.Attrs); ok && owner != customer {
			keys = append(keys, r.sp.EditOwner(owner, h))
		}
		return keys
	}
	return nil
}
