package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// An undo asks what its rows rest on like an import does, and gets findings for answers.

// askBack asks other key ranges for what the rows that come back need: that their customers exist,
// and that no other row holds their external ids. So it also says which external ids are freed by
// rows that go.
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

// answerUndo answers rows that are to be put back: whether their customer exists after this undo,
// or whether another row holds their external id.
func (a *answers) answerUndo(q *question, there, stored table.Attrs) {
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
		// The row's own pointer may have been left by an import that was interrupted.
		case there != nil && owner != ownerOf(asker) && !slices.Contains(a.freed, owner),
			a.first != nil && ownerOf(a.first) != ownerOf(asker):
			a.add(asker, findReject("", "external_id_taken", "Another row has its external ID now."))
		default:
			a.first = asker
		}
	}
}

// findings are what resolve has found out about rows, asked for in ascending order of their keys. A
// nil *findings has none.
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

// reason says why a row cannot be put back; empty if nothing was found.
func (f *findings) reason(sk string) (code, why string, err error) {
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
