package importer

import (
	"context"
	"errors"
	"fmt"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// People edit records while an import runs. So edits are written on condition that nobody has changed
// them meanwhile; if somebody has, what the person did stays, and the rest is added to it.

// editApplier writes the changes of edits.
type editApplier struct {
	w      *work
	edits  *edit.Edit
	groups []editGroup
}

// editGroup is consecutive changes of one edit, all additions or all removals.
type editGroup struct {
	sk     string
	parts  []edit.Part
	remove bool
}

// editsTogether is how many edits one transaction writes, each with at most two pointers: the
// smallest limit of an engine is 25 writes.
const editsTogether = 8

// applyEdits is [work.apply] of a change set of edits.
func (w *work) applyEdits(ctx context.Context, id setID, which func(*change) bool, done int, saved func(int) error) (summary, error) {
	set, err := openChanges(ctx, w.objects, id.object(w.job.ID))
	if err != nil {
		return summary{}, err
	}
	defer set.close()
	a := &editApplier{w: w, edits: edit.New(w.store, w.clock)}
	seen := 0
	_, err = set.each(ctx, func(c *change) error {
		w.makeWay()
		if !which(c) || c.kept() {
			return nil
		}
		if seen++; seen <= done {
			return nil
		}
		if err := a.add(ctx, c); err != nil {
			return err
		}
		if seen%lookAfter > 0 {
			return nil
		}
		if err := a.flush(ctx); err != nil {
			return err
		}
		return errors.Join(saved(seen), w.interrupted(ctx))
	})
	if err == nil {
		err = a.flush(ctx)
	}
	return summary{Applied: int64(seen)}, err
}

func (a *editApplier) add(ctx context.Context, c *change) error {
	p, err := partOf(c)
	if err != nil {
		return err
	}
	g := editGroup{c.sk, []edit.Part{p}, removals(c)}
	if p.Kind == edit.PartMerge {
		if g.remove {
			return a.edits.RemoveMerge(ctx, p)
		}
		return a.edits.RestoreMerge(ctx, p)
	}
	if n := len(a.groups); n > 0 && a.groups[n-1].sk == g.sk && a.groups[n-1].remove == g.remove {
		a.groups[n-1].parts = append(a.groups[n-1].parts, p)
		return nil
	}
	if len(a.groups) == editsTogether {
		if err := a.flush(ctx); err != nil {
			return err
		}
	}
	a.groups = append(a.groups, g)
	return nil
}

// partOf is the part that a change adds or removes.
func partOf(c *change) (edit.Part, error) {
	if removals(c) {
		return edit.ReadPart(c.before)
	}
	return edit.ReadPart(c.after)
}

// flush writes the collected changes, in one transaction unless other writers are in the way.
func (a *editApplier) flush(ctx context.Context) error {
	changes, err := a.changes(ctx)
	a.groups = a.groups[:0]
	if err != nil || len(changes) == 0 {
		return err
	}
	writes, err := a.edits.Writes(ctx, a.w.dir, changes...)
	if err == nil && len(writes) > 0 {
		err = a.w.store.Transact(ctx, writes...)
	}
	if fault.Is(err, fault.Conflict) {
		return a.edits.Write(ctx, a.w.dir, changes)
	}
	return err
}

// changes makes the changes of the groups. A record that is gone or hidden gets no edits.
func (a *editApplier) changes(ctx context.Context) (list []*edit.Change, err error) {
	var keys []table.Key
	for _, g := range a.groups {
		keys = append(keys, a.w.keysAround(g.sk)...)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := a.w.store.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, g := range a.groups {
		sk, _, _ := store.SplitEdit(g.sk)
		rec := edit.Record{Space: a.w.parts.Space, Key: a.w.parts.key(sk), Base: found[a.w.parts.key(sk)], Hash: a.w.hasher}
		there, _ := a.w.standing(sk, found)
		switch {
		case !g.remove && !there:
		case !g.remove:
			list = append(list, rec.Restore(g.parts))
		default:
			if rec.Base == nil {
				rec.Base = table.NewBuilder().Int(store.AttrManual, manualOf(found[a.w.editKey(g.sk)])).Attrs()
			}
			list = append(list, rec.TakeBack(g.parts))
		}
	}
	return list, nil
}

// keysAround lists the keys of an edit, its record, and the record that this is a part of.
func (w *work) keysAround(sk string) []table.Key {
	record, _, _ := store.SplitEdit(sk)
	keys := []table.Key{w.editKey(sk), w.parts.key(record)}
	if parent := store.ParentSK(record); parent != "" {
		keys = append(keys, w.parts.key(parent))
	}
	return keys
}

// standing tells whether a record is there and visible, and whether it is being erased.
func (w *work) standing(sk string, found map[table.Key]table.Attrs) (there, erasing bool) {
	there = true
	for _, of := range []string{sk, store.ParentSK(sk)} {
		if of == "" {
			continue
		}
		a, is := found[w.parts.key(of)]
		there = there && is && w.present(of, a) != nil
		erasing = erasing || w.beingErased(of, a)
	}
	return there, erasing
}

// undoEdits decides what an undo does to the edits of a key range: parts that are as the other job
// left them go, and parts that it took away come back where nothing has taken their place.
func (w *work) undoEdits(ctx context.Context, id setID) (summary, error) {
	return w.decideOnce(ctx, id, func(out *changeWriter) (summary, error) {
		u := &editReversal{w: w, out: out, going: id.pass == stepTakeBack}
		err := w.eachUndone(ctx, id.stage, id.keyRange, func(c *change) error { return u.take(ctx, c) })
		if err == nil {
			err = u.decide(ctx)
		}
		if err != nil {
			return u.sum, err
		}
		by := fmt.Sprintf("%d-%s-%02x-%s", id.stage, id.pass, id.keyRange, w.ledger.NewHolder())
		if u.sum.Rejects, err = w.writeRejects(ctx, by, u.rejects); err != nil {
			return u.sum, err
		}
		return u.sum, u.samples.store(ctx, w, id)
	})
}

type editReversal struct {
	w       *work
	out     *changeWriter
	going   bool
	sum     summary
	rejects batch
	samples sampler
	block   []change
}

func (u *editReversal) take(ctx context.Context, c *change) error {
	if c.kept() || removals(c) != u.going {
		return nil
	}
	if u.block = append(u.block, *c); len(u.block) < blockSize {
		return nil
	}
	return u.decide(ctx)
}

func (u *editReversal) decide(ctx context.Context) error {
	states, err := u.w.editStates(ctx, u.block)
	if err != nil {
		return err
	}
	for i := range u.block {
		if err := u.settle(&u.block[i], states[i]); err != nil {
			return err
		}
	}
	u.block = u.block[:0]
	return nil
}

// settle counts one change, and adds it to the change set unless it is left alone.
func (u *editReversal) settle(c *change, s editState) error {
	v := s.verdict(u.going)
	u.sum.judge(c, &v)
	if !v.open() {
		if !v.unchanged {
			u.rejects.add(&entry{key: c.sk, kind: reject, body: rejection{string(billing.Edits), store.PublicID(u.w.tag, c.sk[:len(c.sk)-len(s.part.What())]), v.code, v.why}.encode()})
		}
		return nil
	}
	u.sum.Changes++
	if u.going {
		u.sum.RemoveMilli += u.w.costOfEdit(c)
	} else {
		u.sum.WriteMilli += u.w.costOfEdit(c)
	}
	u.samples.see(u.w, c)
	return u.out.change(c)
}

// editState is what is stored about the part of a change.
type editState struct {
	part    edit.Part
	there   bool // something about the same is there
	as      bool // and is the part as it was added
	erasing bool // the record is being erased
}

// verdict is what becomes of the change: of one that takes the part away, if it is going.
func (s editState) verdict(going bool) verdict {
	switch {
	case s.erasing:
		return verdict{code: codeErasing, why: "Its record is being erased, and can still be restored."}
	case s.there && !s.as:
		return verdict{code: codeTouched, why: "The edit was changed after this import."}
	}
	return verdict{unchanged: s.there != going}
}

// editStates looks up what is stored about the parts of changes.
func (w *work) editStates(ctx context.Context, block []change) ([]editState, error) {
	if err := w.interrupted(ctx); err != nil || len(block) == 0 {
		return nil, err
	}
	states := make([]editState, len(block))
	keys := map[table.Key]bool{}
	var refs []edit.Ref
	for i := range block {
		p, err := partOf(&block[i])
		if err != nil {
			return nil, err
		}
		if states[i].part = p; p.Kind == edit.PartMerge {
			refs = append(refs, p.Child, p.Parent)
		}
		for _, k := range w.keysAround(block[i].sk) {
			keys[k] = true
		}
	}
	list := make([]table.Key, 0, len(keys))
	for k := range keys {
		list = append(list, k)
	}
	found, err := w.store.Lookup(ctx, list...)
	if err != nil {
		return nil, err
	}
	forest, err := w.forest(ctx, refs)
	if err != nil {
		return nil, err
	}
	for i := range block {
		if err := w.editState(&states[i], block[i].sk, found, forest); err != nil {
			return nil, err
		}
	}
	return states, nil
}

func (w *work) editState(s *editState, sk string, found map[table.Key]table.Attrs, forest *edit.Forest) error {
	record, _, _ := store.SplitEdit(sk)
	_, s.erasing = w.standing(record, found)
	if s.part.Kind == edit.PartMerge {
		var up edit.Ref
		up, s.there = forest.Into(s.part.Child)
		s.as = s.there && up == s.part.Parent && forest.Mark(s.part.Child) == s.part.Mark
		return nil
	}
	now, err := w.partsIn(sk, found)
	s.there, s.as = s.part.Stays(now)
	return err
}

// checkEdits checks that the edits which a plan adds are still not there, and that those which it
// removes are.
func (w *work) checkEdits(ctx context.Context, keyRange int) error {
	var block []change
	check := func() error {
		states, err := w.editStates(ctx, block)
		for i, s := range states {
			if s.there != removals(&block[i]) || s.there && !s.as || s.erasing {
				return errOutdated("Edits of its records have changed")
			}
		}
		block = block[:0]
		return err
	}
	err := w.eachOwn(ctx, stageEdits, keyRange, func(c *change) error {
		if c.kept() {
			return nil
		}
		if block = append(block, *c); len(block) < blockSize {
			return nil
		}
		return check()
	})
	if err != nil {
		return err
	}
	return check()
}
