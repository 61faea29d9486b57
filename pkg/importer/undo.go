package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// Undo makes the job that takes back a finished import, row by row where nothing has touched
// the row since; the rows that it leaves alone are listed as its rejects. An import that failed or was cancelled
// half-way can be taken back too, and so can an undo. The error is fault.Conflict while the
// import has not ended, and if it was taken back already.
func (im *Importer) Undo(ctx context.Context, id string) (*job.Job, error) {
	for {
		src, undo, link, err := im.prepareUndo(ctx, id)
		if err != nil {
			return nil, err
		}
		// In one transaction, so that the import always names the job that is at it.
		j, err := im.create(ctx, src, undo, link)
		if err == nil || fault.KindOf(err) != fault.Conflict {
			return j, err
		}
		// The import has changed meanwhile: somebody else takes it back.
	}
}

// prepareUndo gives the job that takes an import back, and the write by which the import says so.
func (im *Importer) prepareUndo(ctx context.Context, id string) (src store.Source, undo *job.Job, link store.Write, err error) {
	var tag store.Tag
	var filesErased bool
	undo = &job.Job{ID: im.c.Ledger.NewID()}
	link, err = im.c.Ledger.Changed(ctx, id, func(target *job.Job) error {
		if err := im.undoable(ctx, target); err != nil {
			return err
		}
		undo.Import = &job.ImportSpec{
			Undo: id, Mode: target.Import.Mode, Datasets: target.Import.Datasets, Ranges: target.Import.Ranges,
			Scanned: true, Applying: true, Epochs: target.Import.Epochs,
		}
		tag, filesErased, target.Import.UndoneBy = target.Tag, target.Import.FilesErased, undo.ID
		return nil
	})
	if err != nil {
		return src, nil, link, err
	}
	dir, err := im.c.Store.Directory(ctx)
	if err != nil {
		return src, nil, link, err
	}
	src, ok := dir.ByTag(tag)
	switch e := undo.Import.Epochs; {
	case !ok:
		err = fault.New(fault.Conflict, codeErased, "The data source was erased, and the import with it.")
	case e != (store.Epochs{}) && e != src.Epochs:
		err = fault.New(fault.Conflict, codeEmptied, "The data source was emptied since, and what the import brought went with that.")
	case filesErased:
		err = errChangeSetErased()
	}
	return src, undo, link, err
}

func (im *Importer) undoable(ctx context.Context, target *job.Job) error {
	switch {
	case target.Import == nil:
		return errNoImport()
	case !target.Status.Ended():
		return fault.New(fault.Conflict, "not_ended", "The import has not ended yet; cancel it first.")
	case target.Status == job.Planned:
		return fault.New(fault.Conflict, "not_applied", "This is a plan that was never applied: there is nothing to undo.")
	case !target.Import.Applying:
		return fault.New(fault.Conflict, "nothing_changed", "This import ended before it changed anything: there is nothing to undo.")
	case target.Import.UndoneBy == "":
		return nil
	}
	by, err := im.c.Ledger.Get(ctx, target.Import.UndoneBy)
	switch {
	case err != nil:
		return err
	case by.Status == job.Failed, by.Status == job.Cancelled, by.Import.UndoneBy != "": // it may go on, or was itself taken back
		return nil
	}
	return fault.Newf(fault.Conflict, "undone_already", "Job %s has taken this import back already.", by.ID)
}

// siblings walks the other jobs of the same source, newest first.
func (im *Importer) siblings(ctx context.Context, j *job.Job) iter.Seq2[*job.Job, error] {
	const page = 100
	return func(yield func(*job.Job, error) bool) {
		for o, err := range im.c.Ledger.All(ctx, page, "") {
			if err != nil {
				yield(nil, err)
				return
			}
			if concerns(o, j.Tag) && o.ID != j.ID && !yield(o, nil) {
				return
			}
		}
	}
}

// concerns tells whether a job is of a source, or erases a customer that is merged of several sources'.
func concerns(o *job.Job, tag store.Tag) bool {
	if o.Tag == tag {
		return true
	}
	return o.Erase != nil && o.Tag == 0 && slices.ContainsFunc(o.Erase.Records, func(r job.ErasedRecord) bool { return r.Tag == tag })
}

// undo decides one pass over a key range of the job that is taken back, unless that was
// done already, and makes it true. Taking back removes again what was added, if nothing hangs on it that stays; putting
// back undoes what was changed or removed. See phases.go for their order: both see the table as it is.
func (w *work) undo(ctx context.Context, id setID, done int, saved func(int) error) (summary, error) {
	sum, err := w.decideOnce(ctx, id, func(out *changeWriter) (summary, error) {
		u := &reversal{w: w, out: out, pass: id.pass, stage: id.stage}
		return u.run(ctx, id.keyRange)
	})
	if err != nil {
		return sum, err
	}
	applied, err := w.apply(ctx, id, all, done, saved)
	sum.Applied = applied.Applied
	return sum, err
}

// reversal decides one pass of an undo over one key range.
type reversal struct {
	w       *work
	out     *changeWriter
	pass    string
	stage   int
	sum     summary
	rejects batch
	samples sampler
	block   []change
	known   map[string]bool // what is known of other items, see there; of one block
	hidden  map[string]bool // invoices of the block that are being erased
}

func (u *reversal) run(ctx context.Context, keyRange int) (summary, error) {
	for _, id := range setsOf(u.w.undone, u.stage, keyRange) {
		if err := u.reverse(ctx, id); err != nil {
			return u.sum, err
		}
	}
	var err error
	by := fmt.Sprintf("%d-%s-%02x-%s", u.stage, u.pass, keyRange, u.w.ledger.NewHolder())
	if u.sum.Rejects, err = u.w.writeRejects(ctx, by, u.rejects); err != nil {
		return u.sum, err
	}
	return u.sum, u.samples.store(ctx, u.w, setID{u.stage, keyRange, u.pass})
}

// reverse goes through one change set, block by block. An invoice and what was added under it are in one block.
func (u *reversal) reverse(ctx context.Context, id setID) error {
	set, err := openChanges(ctx, u.w.objects, id.object(u.w.undone.ID))
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return u.missing(id)
	}
	if err != nil {
		return err
	}
	defer set.close()
	for {
		c, err := set.next()
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return err
		}
		if last || len(u.block) >= blockSize && (u.stage != stageInvoices || parentOf(c.sk) == "") {
			if err := u.decide(ctx); err != nil || last {
				return err
			}
			if err := u.w.interrupted(ctx); err != nil {
				return err
			}
		}
		if u.concerns(&c) {
			u.block = append(u.block, change{sk: c.sk, before: c.after, after: c.before})
		}
	}
}

// missing is a change set that is not there: never written, if the import stopped before, else erased.
func (u *reversal) missing(id setID) error {
	if id.pass != "" || u.w.undone.Status != job.Done {
		return nil
	}
	return errChangeSetErased()
}

func errChangeSetErased() error {
	return fault.New(fault.Conflict, "change_set_erased",
		"The record of what this import changed is gone: data of the source was erased since, and it may have named that. It cannot be undone any more.")
}

// concerns tells whether a change is this pass's to reverse.
func (u *reversal) concerns(c *change) bool {
	switch {
	case u.pass == stepTakeBack:
		return len(c.before) == 0
	case len(c.before) == 0:
		return false
	case removals(c):
		return u.w.undone.Import.Undo != "" || u.w.undone.Import.Removes // else it was decided, but never done
	}
	return true
}

// decide decides a block.
func (u *reversal) decide(ctx context.Context) error {
	stored, err := u.w.rawUnder(ctx, u.block)
	if err != nil {
		return err
	}
	if err := u.findHidden(ctx); err != nil {
		return err
	}
	u.known = map[string]bool{}
	for i := range u.block {
		c := &u.block[i]
		ds := string(c.dataset())
		u.sum.count(ds, func(n *job.Counts) { n.Read++ })
		if string(stored[i]) == string(c.after) { // it was never done, or is undone already
			u.sum.count(ds, func(n *job.Counts) { n.Unchanged++ })
			continue
		}
		code, why, err := u.hindered(ctx, c, stored[i])
		if err != nil {
			return err
		}
		if code != "" {
			u.leave(c, ds, code, why)
			continue
		}
		u.known[c.sk] = len(c.after) > 0
		u.sum.count(ds, func(n *job.Counts) { countReversed(n, c) })
		u.sum.Changes++
		u.samples.see(u.w, c)
		if err := u.out.change(c); err != nil {
			return err
		}
	}
	u.block = u.block[:0]
	return nil
}

func countReversed(n *job.Counts, c *change) {
	switch {
	case len(c.before) == 0:
		n.Added++
	case len(c.after) == 0:
		n.Removed++
	default:
		n.Changed++
	}
}

// findHidden finds the invoices of the block's line items and transactions that are being erased: those say in no key
// or attribute whose they are.
func (u *reversal) findHidden(ctx context.Context) error {
	u.hidden = map[string]bool{}
	if u.stage != stageInvoices || len(u.w.dir.Tombstones) == 0 {
		return nil
	}
	var sks []string
	for i := range u.block {
		if parent := parentOf(u.block[i].sk); parent != "" && (len(sks) == 0 || sks[len(sks)-1] != parent) {
			sks = append(sks, parent)
		}
	}
	stored, err := u.w.storedAt(ctx, sks)
	if err != nil {
		return err
	}
	for i, sk := range sks {
		u.hidden[sk] = u.w.buried(sk, stored[i])
	}
	return nil
}

// erased says of a row that an erase has hidden, or would take as it is to be put back, why it is left alone: what is hidden can
// be restored, and must be as it was then.
func (u *reversal) erased(c *change, stored store.Attrs) (code, why string) {
	switch {
	case u.w.buried(c.sk, stored), u.w.buried(c.sk, c.after), u.hidden[parentOf(c.sk)]:
		u.hidden[c.sk] = true // what is to be put back under it is met next
		return codeErasing, "It is being erased, and can still be restored."
	case !u.w.dir.Visible(stored), !u.w.dir.Visible(c.after):
		return "erased", "It belongs to manual customers that were erased since."
	}
	return "", ""
}

// hindered says why a row is left alone; empty if it is not.
func (u *reversal) hindered(ctx context.Context, c *change, stored store.Attrs) (code, why string, err error) {
	if code, why = u.erased(c, stored); code != "" {
		return code, why, nil
	}
	if string(stored) != string(c.before) {
		if stored == nil {
			return "gone_since", "The row is not there any more.", nil
		}
		return "touched_since", "The row was changed, or put there anew, after this import.", nil
	}
	if u.pass == stepTakeBack {
		needed, err := u.needed(ctx, c)
		if needed {
			return "needed_since", "Other rows that stay belong to it.", err
		}
		return "", "", err
	}
	return u.homeless(ctx, c)
}

// needed tells whether anything that stays hangs on a record that was added. What this undo takes
// back is gone by then, or, under an invoice, in the same block.
func (u *reversal) needed(ctx context.Context, c *change) (bool, error) {
	space := u.w.parts.space
	h, _ := store.LeadingH(c.sk)
	switch {
	case u.stage == stageCustomers:
		return u.w.any(ctx, space.ContactsOf(h), space.OwnersOf(h), space.EventsOf(h))
	case u.stage == stagePlans:
		return u.w.plansNeeded, nil
	case u.stage != stageInvoices || parentOf(c.sk) != "":
		return false, nil
	}
	mine := map[string]string{}
	for i := range u.block {
		if parentOf(u.block[i].sk) == c.sk {
			mine[u.block[i].sk] = string(u.block[i].before)
		}
	}
	for it, err := range u.w.store.Items(ctx, space.InvoiceParts(h)) {
		if err != nil || mine[it.SK] != string(it.Attrs) {
			return err == nil, err
		}
	}
	return false, nil
}

// homeless says why a row that was changed or removed can't be put back as it was.
func (u *reversal) homeless(ctx context.Context, c *change) (code, why string, err error) {
	after := c.after
	var need []string
	if parent := parentOf(c.sk); parent != "" {
		need = append(need, parent)
	}
	if customer := after.Str("customer"); customer != "" && u.stage == stageInvoices {
		need = append(need, store.CustomerSK(u.w.hasher.CustomerH(customer)))
	}
	if plan := after.Str("plan"); plan != "" {
		need = append(need, store.PlanSK(u.w.hasher.External(store.KindPlan, plan)))
	}
	for _, sk := range need {
		if there, err := u.there(ctx, sk); !there || err != nil {
			return "parent_gone", "A record that it belongs to is not there any more.", err
		}
	}
	if len(c.before) > 0 {
		return "", "", nil
	}
	for _, p := range pointersOf(u.w.hasher, c.sk, c.after) {
		if p.sk[:2] != store.SKExternal {
			continue
		}
		stored, err := u.w.rawUnder(ctx, []change{{sk: p.sk}})
		if err != nil {
			return "", "", err
		}
		if u.w.dir.Erasing(stored[0]) {
			return codeErasing, "A row that is being erased has its external ID, and can still be restored.", nil
		}
		// Its own pointer may have been left by an import that was cut off.
		if u.w.present(p.sk, stored[0]) != nil && string(stored[0]) != string(p.attrs) {
			return "external_id_taken", "Another row has its external ID by now.", nil
		}
	}
	return "", "", nil
}

// there tells whether there is such an item: stored, or put back with this block.
func (u *reversal) there(ctx context.Context, sk string) (bool, error) {
	if there, known := u.known[sk]; known {
		return there, nil
	}
	stored, err := u.w.storedUnder(ctx, []change{{sk: sk}})
	if err != nil {
		return false, err
	}
	u.known[sk] = stored[0] != nil
	return u.known[sk], nil
}

// leave lists a row that is left alone.
func (u *reversal) leave(c *change, ds, code, why string) {
	u.sum.count(ds, countRejected)
	a := c.before
	if a == nil {
		a = c.after
	}
	u.rejects.add(&entry{key: c.sk, kind: reject, body: rejection{ds, nameOf(a), code, why}.encode()})
}

// nameOf is how people know a row: its external id, or that of what it belongs to.
func nameOf(a store.Attrs) string {
	for _, name := range []string{"external_id", "invoice", "customer", "name"} {
		if s := a.Str(name); s != "" {
			return s
		}
	}
	return ""
}

// findPlansNeeded finds out whether plans that were added may be needed. Line items and events do
// not say in any key which plan they name, so plans stay if later imports, or rows left alone, may name them.
func (im *Importer) findPlansNeeded(ctx context.Context, w *work) error {
	naming := func(datasets map[string]job.Counts, count func(job.Counts) int64) bool {
		return count(datasets[string(billing.LineItems)])+count(datasets[string(billing.Events)])+count(datasets[string(billing.Cancellations)]) > 0
	}
	sum, err := im.sums(ctx, w.job)
	if err != nil {
		return err
	}
	w.plansNeeded = naming(sum.Datasets, func(c job.Counts) int64 { return c.Rejected })
	for later, err := range im.siblings(ctx, w.undone) {
		if err != nil {
			return err
		}
		if later.ID < w.undone.ID {
			break
		}
		if later.ID != w.job.ID && later.Import != nil && later.Import.Applying && naming(later.Datasets, func(c job.Counts) int64 { return c.Added + c.Changed }) {
			w.plansNeeded = true
		}
	}
	return nil
}

// finishUndo ends an undo. Its rejects are the rows that it left alone.
func (im *Importer) finishUndo(ctx context.Context, j *job.Job, sum totals) (*job.Job, error) {
	for name, c := range sum.Datasets {
		if n := c.Added + c.Changed + c.Removed + c.Unchanged + c.Rejected; c.Read != n {
			return nil, fault.Newf(fault.Internal, "sums_differ", "%s: %d changes to reverse, but %d accounted for", name, c.Read, n)
		}
	}
	if sum.rejected() > 0 {
		if err := im.writeLeftAlone(ctx, j, sum.Rejects); err != nil {
			return nil, err
		}
	}
	if err := im.dropRuns(ctx, j); err != nil {
		return nil, err
	}
	return im.end(ctx, j.ID, func(j *job.Job) error {
		j.Status, j.Datasets, j.Rejects, j.Cost = job.Done, sum.Datasets, sum.rejected(), sum.cost
		j.Progress.RowsDone, j.Progress.ItemsDone, j.Progress.ItemsTotal = sum.read(), sum.Applied, sum.Changes
		return nil
	})
}
