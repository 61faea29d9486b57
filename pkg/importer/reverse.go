package importer

import (
	"cmp"
	"context"
	"fmt"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// An undo is a merge: it reverses the change sets of another job and compares them with what is
// stored. A row is reversed only if the stored bytes are still those that the job left. Rows that
// others may need are decided last, when it is known which of those others stay (see phases.go),
// from what is stored and from what this undo has decided by then.

// decideUndo decides a small undo in one task.
func (w *work) decideUndo(ctx context.Context) (sum summary, err error) {
	for _, phase := range undoPhases(w.job) {
		stage, step := splitPhase(phase)
		part, err := w.undo(ctx, stage, step, 0)
		if err != nil {
			return sum, err
		}
		sum.add(part)
	}
	return sum, nil
}

// undo does one step of deciding an undo, in one key range.
func (w *work) undo(ctx context.Context, stage int, step string, keyRange int) (summary, error) {
	switch step {
	case stepAsk:
		return summary{}, w.askBack(ctx, stage, keyRange)
	case stepResolve:
		return w.resolve(ctx, stage, keyRange)
	case stepDependents:
		return summary{}, w.findDependents(ctx, keyRange)
	case stepNamed:
		return summary{}, w.findNamed(ctx, keyRange)
	}
	id := setID{stage, keyRange, passOf(w.job, step)}
	if stage == stageEdits {
		return w.undoEdits(ctx, id)
	}
	return w.decideOnce(ctx, id, func(out *changeWriter) (summary, error) {
		u := &reversal{w: w, id: id, out: out, going: id.pass == stepTakeBack}
		return u.run(ctx)
	})
}

// undoAtOnce decides one key range and applies it: a task of a [stepwise] undo.
func (w *work) undoAtOnce(ctx context.Context, id setID, done int, saved func(int) error) (summary, error) {
	sum, err := w.undo(ctx, id.stage, id.pass, id.keyRange)
	if err != nil {
		return sum, err
	}
	applied, err := w.apply(ctx, id, all, done, saved)
	sum.Applied = applied.Applied
	return sum, err
}

// reversal decides which added rows of a key range go, or which changed and removed rows come back.
type reversal struct {
	w       *work
	id      setID
	out     *changeWriter
	going   bool // decides what goes; else what comes back
	sum     summary
	rejects batch
	samples sampler
	block   []change
	ground  ground

	dependents []*dependentChanges // changes of the rows that belong to customers, see findDependents
	named      map[string]bool
	customers  *overlay // changes of the customers that come back
	found      *findings
	hidden     map[string]bool // invoices of rows of the block that are being erased
	sums       tally

	invoices map[string]table.Attrs // what is stored of the invoices that rows of the block are or belong to
	invoice  string                 // the one that the last row is or belongs to
	was, is  string                 // its currency before and after this undo
}

// verdict is what becomes of one row of a block.
type verdict struct {
	unchanged bool   // the change was never made, or is undone already
	code, why string // set if the row is left alone
}

func (v *verdict) open() bool { return !v.unchanged && v.code == "" }

// codeTouched is the code of what an undo leaves alone since something has changed it meanwhile.
const codeTouched = "touched_since"

// judge counts a change of an undo, whose verdict is v.
func (s *summary) judge(c *change, v *verdict) {
	s.count(string(c.dataset()), func(n *job.Counts) {
		n.Read++
		switch {
		case v.unchanged:
			n.Unchanged++
		case v.code != "":
			n.Rejected++
		case len(c.before) == 0:
			n.Added++
		case len(c.after) == 0:
			n.Removed++
		default:
			n.Changed++
		}
	})
}

func (u *reversal) run(ctx context.Context) (summary, error) {
	defer u.close()
	if err := u.begin(ctx); err != nil {
		return u.sum, err
	}
	err := u.w.eachUndone(ctx, u.id.stage, u.id.keyRange, func(c *change) error { return u.take(ctx, c) })
	if err == nil {
		err = u.decide(ctx)
	}
	if err != nil {
		return u.sum, err
	}
	u.sum.Totals = u.sums.totals
	by := fmt.Sprintf("%d-%s-%02x-%s", u.id.stage, u.id.pass, u.id.keyRange, u.w.ledger.NewHolder())
	if u.sum.Rejects, err = u.w.writeRejects(ctx, by, u.rejects); err != nil {
		return u.sum, err
	}
	if err := u.ground.end(&u.sum); err != nil {
		return u.sum, err
	}
	return u.sum, u.samples.store(ctx, u.w, u.id)
}

// take takes the next change, if it belongs to this pass. An invoice and its parts are in one
// block.
func (u *reversal) take(ctx context.Context, c *change) error {
	if removals(c) != u.going {
		return nil
	}
	if n := len(u.block); n >= blockSize && !store.Together(u.block[n-1].sk, c.sk) {
		if err := u.decide(ctx); err != nil {
			return err
		}
	}
	u.block = append(u.block, *c)
	return nil
}

// begin opens what is read beside the change sets.
func (u *reversal) begin(ctx context.Context) (err error) {
	u.ground = u.w.newGround(ctx, u.id.name())
	u.customers = &overlay{}
	switch stage := u.id.stage; {
	case u.going && stage == stageCustomers:
		u.dependents, err = u.w.openDependents(ctx, u.id.keyRange)
	case u.going && stage == stagePlans:
		u.named, err = u.w.loadNamed(ctx)
	case u.going:
	default:
		err = u.beginComing(ctx, stage)
	}
	return err
}

// beginComing opens what is needed to decide about rows that come back.
func (u *reversal) beginComing(ctx context.Context, stage int) (err error) {
	if underCustomers(stage) {
		if u.customers, err = u.w.customersOverlay(ctx, u.id.keyRange); err != nil {
			return err
		}
	}
	if namesPlans(stage) {
		if err = u.w.loadPlans(ctx); err != nil {
			return err
		}
	}
	if looksUp(stage) {
		u.found, err = u.w.openFindings(ctx, stage, u.id.keyRange)
	}
	return err
}

func (u *reversal) close() {
	u.ground.abort()
	if u.customers != nil {
		u.customers.close()
	}
	for _, t := range u.dependents {
		t.close()
	}
	u.found.close()
}

// eachUndone calls f for the reversed changes of the undone job in a key range, in key order.
func (w *work) eachUndone(ctx context.Context, stage, keyRange int, f func(*change) error) error {
	in, there, err := w.openSets(ctx, w.undone, stage, keyRange)
	if err != nil {
		return err
	}
	defer in.close()
	// else the job stopped before it decided this range
	if there == 0 && w.undone.Import.Undo == "" && w.undone.Status == job.Done {
		return errChangeSetErased()
	}
	return in.each(ctx, w, func(c *change) error {
		if withheld(w.undone.Import, c) {
			return nil
		}
		return f(&change{sk: c.sk, before: c.after, after: c.before})
	})
}

func errChangeSetErased() error {
	return fault.New(fault.Conflict, "change_set_erased",
		"The record of what this import changed is gone: data of the source was erased since, which the record may have held. The import can no longer be undone.")
}

// decide decides a block.
func (u *reversal) decide(ctx context.Context) error {
	stored, err := u.w.rawUnder(ctx, u.block)
	if err == nil {
		err = u.findInvoices(ctx, stored)
	}
	if err != nil {
		return err
	}
	verdicts := make([]verdict, len(u.block))
	for i := range u.block {
		if c := &u.block[i]; string(stored[i]) == string(c.after) {
			verdicts[i].unchanged = true
		} else {
			verdicts[i].code, verdicts[i].why = u.moved(c, stored[i])
		}
	}
	if u.going {
		err = u.findNeeded(ctx, verdicts)
	} else {
		err = u.findHomeless(ctx, stored, verdicts)
	}
	for i := range u.block {
		if err == nil {
			u.findCurrency(&u.block[i], &verdicts[i])
			err = u.settle(&u.block[i], &verdicts[i])
		}
	}
	u.block = u.block[:0]
	return err
}

// settle counts one row, and adds it to the change set unless it is left alone.
func (u *reversal) settle(c *change, v *verdict) error {
	u.sum.judge(c, v)
	if !v.open() {
		if !v.unchanged {
			u.leave(c, v)
		}
		return nil
	}
	u.sumUp(c)
	u.sum.Changes++
	if u.going {
		u.sum.RemoveMilli += u.w.costOf(c)
	} else {
		u.sum.WriteMilli += u.w.costOf(c)
	}
	u.samples.see(u.w, c)
	return u.out.change(c)
}

// leave lists a row that is left alone.
func (u *reversal) leave(c *change, v *verdict) {
	a := c.before
	if a == nil {
		a = c.after
	}
	u.rejects.add(&entry{key: c.sk, kind: reject, body: rejection{string(c.dataset()), nameOf(a), v.code, v.why}.encode()})
}

// nameOf is how people know a row: by its external id, or the external id of its parent.
func nameOf(a table.Attrs) string {
	for _, name := range []string{"external_id", "invoice", "customer", "name"} {
		if s := a.Str(name); s != "" {
			return s
		}
	}
	return ""
}

// sumUp adds a row that is reversed to the control totals.
func (u *reversal) sumUp(c *change) {
	kind := store.RecordAt(c.sk)
	switch {
	case len(c.after) == 0:
		u.sums.add(inRead|inRemoved, 1, kind, c.before, u.was)
	case len(c.before) == 0:
		u.sums.add(inRead|inAdded, 1, kind, c.after, u.is)
	default:
		u.sums.add(inBefore, 1, kind, c.before, u.was)
		u.sums.add(inRead|inAfter, 1, kind, c.after, u.is)
	}
}

// findCurrency finds the currency of the invoice that a row is or belongs to, before and after this
// undo.
func (u *reversal) findCurrency(c *change, v *verdict) {
	invoice := cmp.Or(store.ParentSK(c.sk), c.sk)
	if invoice == u.invoice {
		return
	}
	u.invoice, u.was = invoice, store.CurrencyIn(u.invoices[invoice])
	if u.is = u.was; invoice == c.sk && v.open() && len(c.after) > 0 {
		u.is = store.CurrencyIn(c.after)
	}
}

// findInvoices collects what is stored of the block's invoices, and reads the others that its line
// items and transactions belong to. Neither the keys nor the attributes of those name their
// currency, or their customer, with whom they may be hidden.
func (u *reversal) findInvoices(ctx context.Context, stored []table.Attrs) error {
	u.hidden, u.invoices, u.invoice = map[string]bool{}, map[string]table.Attrs{}, ""
	if !hasParts(u.id.stage) {
		return nil
	}
	var sks []string
	last := ""
	for i := range u.block {
		parent := store.ParentSK(u.block[i].sk)
		switch {
		case parent == "":
			last = u.block[i].sk
			u.invoices[last] = stored[i]
		case parent != last:
			sks, last = append(sks, parent), parent
		}
	}
	others, err := u.w.storedAt(ctx, sks)
	if err != nil {
		return err
	}
	for i, sk := range sks {
		u.invoices[sk] = others[i]
	}
	for sk, a := range u.invoices {
		u.hidden[sk] = u.w.beingErased(sk, a)
	}
	return nil
}

// moved says why a row is left alone regardless of what belongs to it: it is hidden, or not as the
// job left it. A hidden row can be restored, and must then be as it was.
func (u *reversal) moved(c *change, stored table.Attrs) (code, why string) {
	switch {
	case u.w.beingErased(c.sk, stored), u.w.beingErased(c.sk, c.after), u.hidden[store.ParentSK(c.sk)]:
		u.hidden[c.sk] = true // its parts come next
		return codeErasing, "It is being erased, and can still be restored."
	case !u.w.dir.Visible(stored), !u.w.dir.Visible(c.after):
		return "erased", "It belongs to manual customers that were erased since."
	case string(stored) == string(c.before):
		return "", ""
	case stored == nil:
		return "gone_since", "The row no longer exists."
	}
	return codeTouched, "The row was changed, or put there anew, after this import."
}

// findNeeded leaves rows alone that are to go but are needed by rows that stay.
func (u *reversal) findNeeded(ctx context.Context, verdicts []verdict) error {
	stay := func(sk string) bool { return u.named[sk] }
	if hasDependents(u.id.stage) {
		needed, err := u.w.needed(ctx, u.removals(verdicts), u.dependents)
		if err != nil {
			return err
		}
		stay = func(sk string) bool { return needed[sk] }
	}
	for i := range verdicts {
		if v := &verdicts[i]; v.open() && stay(u.block[i].sk) {
			v.code, v.why = "needed_since", "Other rows that stay belong to it."
		}
	}
	return nil
}

// removals are the rows of the block that may go.
func (u *reversal) removals(verdicts []verdict) (out []string) {
	for i := range verdicts {
		if verdicts[i].open() {
			out = append(out, u.block[i].sk)
		}
	}
	return out
}

const goneParent = "A record that it belongs to no longer exists."

// findHomeless leaves rows alone that cannot be put back as they were: their parent is gone, or
// another row holds their external id.
func (u *reversal) findHomeless(ctx context.Context, stored []table.Attrs, verdicts []verdict) error {
	parents, err := u.findParents(ctx, verdicts)
	if err != nil {
		return err
	}
	for i := range u.block {
		c, v := &u.block[i], &verdicts[i]
		if store.ParentSK(c.sk) == "" { // for its parts
			parents[c.sk] = v.unchanged || v.open() || u.w.present(c.sk, stored[i]) != nil
		}
		if !v.open() {
			continue
		}
		if parent := store.ParentSK(c.sk); parent != "" && !parents[parent] || !u.planned(c) {
			v.code, v.why = "parent_gone", goneParent
			continue
		}
		if v.code, v.why, err = u.found.reason(c.sk); err != nil {
			return err
		}
		if v.code != "" && store.ParentSK(c.sk) == "" {
			parents[c.sk] = u.w.present(c.sk, stored[i]) != nil
		}
	}
	return nil
}

// planned reports whether the plan exists that a row names. A plan that the row names already is
// not looked up.
func (u *reversal) planned(c *change) bool {
	plan := c.after.Str(store.AttrPlan)
	return plan == "" || plan == c.before.Str(store.AttrPlan) || u.w.knowsPlan(plan)
}

// findParents finds out which of the records exist that rows of the block belong to, except those
// in the block itself.
func (u *reversal) findParents(ctx context.Context, verdicts []verdict) (map[string]bool, error) {
	var sks []string
	last := ""
	for i := range u.block {
		parent := store.ParentSK(u.block[i].sk)
		if parent == "" {
			last = u.block[i].sk
			continue
		}
		if verdicts[i].open() && parent != last {
			sks, last = append(sks, parent), parent
		}
	}
	stored, err := u.storedParents(ctx, sks)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(sks))
	for i, sk := range sks {
		after, known, err := u.customers.at(sk)
		if err != nil {
			return nil, err
		}
		if there[sk] = known && len(after) > 0 || !known && u.w.present(sk, stored[i]) != nil; known || !there[sk] {
			continue
		}
		if err := u.ground.note(sk, stored[i]); err != nil {
			return nil, err
		}
	}
	return there, nil
}

// storedParents is [work.storedAt] of records that rows of the block belong to.
func (u *reversal) storedParents(ctx context.Context, sks []string) ([]table.Attrs, error) {
	if !hasParts(u.id.stage) {
		return u.w.storedAt(ctx, sks)
	}
	out := make([]table.Attrs, len(sks))
	for i, sk := range sks {
		out[i] = u.invoices[sk]
	}
	return out, nil
}
