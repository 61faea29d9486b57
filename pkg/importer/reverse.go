package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// An undo is a merge: the change sets of the job that is taken back, turned round, with what is stored. A row
// is reversed only where the stored bytes are still those that the job left. The rows that others may need are decided when it is known
// of all of those whether they stay (see phases.go), from what is stored and what this undo itself has decided by then.

// decideUndo decides a small undo in one go.
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

// undo takes one step of deciding an undo, in one key range.
func (w *work) undo(ctx context.Context, stage int, step string, keyRange int) (summary, error) {
	switch step {
	case stepAsk:
		return summary{}, w.askBack(ctx, stage, keyRange)
	case stepResolve:
		return w.resolve(ctx, stage, keyRange)
	case stepHung:
		return summary{}, w.findHung(ctx, keyRange)
	case stepNamed:
		return summary{}, w.findNamed(ctx, keyRange)
	}
	id := setID{stage, keyRange, passOf(w.job, step)}
	return w.decideOnce(ctx, id, func(out *changeWriter) (summary, error) {
		u := &reversal{w: w, id: id, out: out, going: id.pass == stepTakeBack}
		return u.run(ctx)
	})
}

// undoAtOnce decides one key range and applies that: a task of an undo that is [stepwise].
func (w *work) undoAtOnce(ctx context.Context, id setID, done int, saved func(int) error) (summary, error) {
	sum, err := w.undo(ctx, id.stage, id.pass, id.keyRange)
	if err != nil {
		return sum, err
	}
	applied, err := w.apply(ctx, id, all, done, saved)
	sum.Applied = applied.Applied
	return sum, err
}

// reversal decides which added rows of a key range go, or which changed and removed ones come back.
type reversal struct {
	w       *work
	id      setID
	out     *changeWriter
	going   bool // else coming
	sum     summary
	rejects batch
	samples sampler
	block   []change
	ground  ground

	hung      []*turns // of the rows that hang on customers, see findHung
	named     map[string]bool
	customers *overlay // of those that come back
	found     *findings
	hidden    map[string]bool // invoices of the block that are being erased
}

// verdict is what becomes of one row of a block.
type verdict struct {
	unchanged bool   // it was never done, or is undone already
	code, why string // it is left alone
}

func (v *verdict) open() bool { return !v.unchanged && v.code == "" }

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
	by := fmt.Sprintf("%d-%s-%02x-%s", u.id.stage, u.id.pass, u.id.keyRange, u.w.ledger.NewHolder())
	if u.sum.Rejects, err = u.w.writeRejects(ctx, by, u.rejects); err != nil {
		return u.sum, err
	}
	if err := u.ground.end(&u.sum); err != nil {
		return u.sum, err
	}
	return u.sum, u.samples.store(ctx, u.w, u.id)
}

// take takes the next change, if it is one of this pass. An invoice and what lies under it are in one block.
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
		u.hung, err = u.w.openHung(ctx, u.id.keyRange)
	case u.going && stage == stagePlans:
		u.named, err = u.w.loadNamed(ctx)
	case u.going:
	default:
		err = u.beginComing(ctx, stage)
	}
	return err
}

// beginComing opens what rows that come back need.
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
	for _, t := range u.hung {
		t.close()
	}
	u.found.close()
}

// eachUndone calls f for the changes of the undone job in a key range, turned round, in key order.
func (w *work) eachUndone(ctx context.Context, stage, keyRange int, f func(*change) error) error {
	in, there, err := w.openSets(ctx, w.undone, stage, keyRange)
	if err != nil {
		return err
	}
	defer in.close()
	if there == 0 && w.undone.Import.Undo == "" && w.undone.Status == job.Done { // else it stopped before this one
		return errChangeSetErased()
	}
	return in.each(ctx, w, func(c *change) error {
		if removals(c) && w.undone.Import.Undo == "" && !w.undone.Import.Removes {
			return nil // it was decided, but withheld
		}
		return f(&change{sk: c.sk, before: c.after, after: c.before})
	})
}

func errChangeSetErased() error {
	return fault.New(fault.Conflict, "change_set_erased",
		"The record of what this import changed is gone: data of the source was erased since, and it may have named that. It cannot be undone any more.")
}

// decide decides a block.
func (u *reversal) decide(ctx context.Context) error {
	stored, err := u.w.rawUnder(ctx, u.block)
	if err == nil {
		err = u.findHidden(ctx)
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
			err = u.settle(&u.block[i], &verdicts[i])
		}
	}
	u.block = u.block[:0]
	return err
}

// settle books one row, and adds it to the change set unless it is left alone.
func (u *reversal) settle(c *change, v *verdict) error {
	u.sum.count(string(c.dataset()), func(n *job.Counts) {
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
	if !v.open() {
		if !v.unchanged {
			u.leave(c, v)
		}
		return nil
	}
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

// nameOf is how people know a row: its external id, or that of what it belongs to.
func nameOf(a table.Attrs) string {
	for _, name := range []string{"external_id", "invoice", "customer", "name"} {
		if s := a.Str(name); s != "" {
			return s
		}
	}
	return ""
}

// findHidden finds the invoices of the block's line items and transactions that are being erased: those say in no key
// or attribute whose they are.
func (u *reversal) findHidden(ctx context.Context) error {
	u.hidden = map[string]bool{}
	if !hasParts(u.id.stage) || !u.w.dir.AnyHidden(u.w.tag) {
		return nil
	}
	var sks []string
	for i := range u.block {
		if parent := store.ParentSK(u.block[i].sk); parent != "" && (len(sks) == 0 || sks[len(sks)-1] != parent) {
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

// moved says why a row is left alone whatever belongs to it: it is hidden, or not as the job left it. What is hidden can
// be restored, and must be as it was then.
func (u *reversal) moved(c *change, stored table.Attrs) (code, why string) {
	switch {
	case u.w.buried(c.sk, stored), u.w.buried(c.sk, c.after), u.hidden[store.ParentSK(c.sk)]:
		u.hidden[c.sk] = true // what is to be put back under it is met next
		return codeErasing, "It is being erased, and can still be restored."
	case !u.w.dir.Visible(stored), !u.w.dir.Visible(c.after):
		return "erased", "It belongs to manual customers that were erased since."
	case string(stored) == string(c.before):
		return "", ""
	case stored == nil:
		return "gone_since", "The row is not there any more."
	}
	return "touched_since", "The row was changed, or put there anew, after this import."
}

// findNeeded leaves those rows alone that are to go but have others belong to them that stay.
func (u *reversal) findNeeded(ctx context.Context, verdicts []verdict) error {
	stay := func(sk string) bool { return u.named[sk] }
	if heads(u.id.stage) {
		needed, err := u.w.needed(ctx, u.removals(verdicts), u.hung)
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

// removals are the rows of the block that can go.
func (u *reversal) removals(verdicts []verdict) (out []string) {
	for i := range verdicts {
		if verdicts[i].open() {
			out = append(out, u.block[i].sk)
		}
	}
	return out
}

const goneParent = "A record that it belongs to is not there any more."

// findHomeless leaves those rows alone that cannot be put back as they were: what they belong to is not there, or another row has
// their external id.
func (u *reversal) findHomeless(ctx context.Context, stored []table.Attrs, verdicts []verdict) error {
	parents, err := u.findParents(ctx, verdicts)
	if err != nil {
		return err
	}
	for i := range u.block {
		c, v := &u.block[i], &verdicts[i]
		if store.ParentSK(c.sk) == "" { // for what lies under it
			parents[c.sk] = v.unchanged || v.open() || u.w.present(c.sk, stored[i]) != nil
		}
		if !v.open() {
			continue
		}
		if parent := store.ParentSK(c.sk); parent != "" && !parents[parent] || !u.planned(c) {
			v.code, v.why = "parent_gone", goneParent
			continue
		}
		if v.code, v.why, err = u.found.about(c.sk); err != nil {
			return err
		}
		if v.code != "" && store.ParentSK(c.sk) == "" {
			parents[c.sk] = u.w.present(c.sk, stored[i]) != nil
		}
	}
	return nil
}

// planned tells whether the plan is there that a row names; what it names already needs no look.
func (u *reversal) planned(c *change) bool {
	plan := c.after.Str(store.AttrPlan)
	return plan == "" || plan == c.before.Str(store.AttrPlan) || u.w.knowsPlan(plan)
}

// findParents finds out which records are there that rows of the block belong to, but for those in the block itself.
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
	stored, err := u.w.storedAt(ctx, sks)
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

// askBack asks for what the rows that come back need of other key ranges: their customers, and that nobody else has
// their external ids by then. So it tells too whose external ids are given back by rows that go.
func (w *work) askBack(ctx context.Context, stage, keyRange int) error {
	out := &spill{w: w, name: func(n int) string { return runName(stage, runAsks, fmt.Sprintf("%02x-%04d", keyRange, n)) }}
	err := w.eachOwn(ctx, stage, keyRange, func(c *change) error {
		if !removals(c) {
			return nil
		}
		return w.askExternal(ctx, out, record, c.sk, c.before)
	})
	if err != nil {
		return err
	}
	err = w.eachUndone(ctx, stage, keyRange, func(c *change) error {
		kind := store.RecordAt(c.sk)
		switch customer := c.after.Str(kind.OfAttr); {
		case removals(c):
		case kind.Found == "":
			if len(c.before) == 0 {
				return w.askExternal(ctx, out, lookup, c.sk, c.after)
			}
		case customer != c.before.Str(kind.OfAttr):
			return out.add(ctx, &entry{key: store.CustomerSK(w.hasher.CustomerH(customer)), kind: lookup, body: []byte(c.sk)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return out.end(ctx)
}

// askExternal adds an entry about a row's external id.
func (w *work) askExternal(ctx context.Context, out *spill, kind entryKind, sk string, a table.Attrs) error {
	for _, p := range store.PointersOf(w.hasher, sk, a) {
		if store.PointerAt(p.SK).Unique {
			if err := out.add(ctx, &entry{key: p.SK, kind: kind, body: []byte(sk)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// back answers those who ask for what is to be put back: there is the customer as this undo leaves it, or what is stored
// under an external id.
func (a *answers) back(q *question, there, stored table.Attrs) {
	if isCustomer(q.about) {
		for n := range q.askers {
			if there == nil {
				a.add(&q.askers[n], findReject("", "parent_gone", goneParent))
			}
		}
		return
	}
	if a.about != q.about {
		a.about, a.first, a.freed = q.about, nil, nil
	}
	for n := range q.askers {
		asker := &q.askers[n]
		owner := store.HolderOf(there)
		switch {
		case asker.kind == record:
			a.freed = append(a.freed, ownerOf(asker))
		case a.w.dir.Erasing(stored):
			a.add(asker, findReject("", codeErasing, "A row that is being erased has its external ID, and can still be restored."))
		// Its own pointer may have been left by an import that was cut off.
		case there != nil && owner != ownerOf(asker) && !slices.Contains(a.freed, owner),
			a.first != nil && ownerOf(a.first) != ownerOf(asker):
			a.add(asker, findReject("", "external_id_taken", "Another row has its external ID by now."))
		default:
			a.first = asker
		}
	}
}

// findings are what a resolve has found out about rows, asked for in ascending order of their keys. nil has none.
type findings struct {
	in   *merger
	cur  entry
	more bool
}

func (w *work) openFindings(ctx context.Context, stage, keyRange int) (*findings, error) {
	in, err := w.runs.read(ctx, runPrefix(stage, runMain), keyRange)
	if err != nil {
		return nil, err
	}
	f := &findings{in: in}
	return f, f.step()
}

func (f *findings) step() (err error) {
	f.cur, err = f.in.next()
	f.more = err == nil
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// about is why a row cannot be put back, if anything was found.
func (f *findings) about(sk string) (code, why string, err error) {
	if f == nil {
		return "", "", nil
	}
	for f.more && f.cur.key < sk {
		if err := f.step(); err != nil {
			return "", "", err
		}
	}
	if !f.more || f.cur.key != sk {
		return "", "", nil
	}
	r, err := decodeRejection(f.cur.body[1:])
	return r.code, r.message, err
}

func (f *findings) close() {
	if f != nil {
		f.in.close()
	}
}
