package edit

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Change is a change of one edit. [Edit.Writes] turns it into writes, and stores here what the edit
// is after the change; only the field for its kind of edit is set.
type Change struct {
	Tags       []string
	Attributes map[string]Value
	Row        Row

	target target
	apply  applyFunc
	show   func(*Edits)
}

// Show puts the result of the change into edits that were read before it. [Edit.Writes] must have
// been called.
func (ch *Change) Show(e *Edits) { ch.show(e) }

// applyFunc builds the new content of an edit in b from the stored attributes (nil if there are
// none). If keep is false the item is deleted. The writes in more belong in the same transaction.
type applyFunc func(e *Edit, was table.Attrs, b *table.Builder) (keep bool, more []table.Write, err error)

// Writes reads the stored edits and returns the writes that make the changes; no writes if nothing
// differs. Each change must be of a different edit. The caller puts the writes into one
// transaction, maybe with others. If that fails with fault.Conflict, another writer has changed one
// of the edits: call Writes again. A change that breaks a rule is fault.Invalid.
func (e *Edit) Writes(ctx context.Context, d *store.Directory, changes ...*Change) ([]table.Write, error) {
	var keys []table.Key
	for _, ch := range changes {
		keys = append(keys, ch.target.key)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := e.st.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var all []table.Write
	for _, ch := range changes {
		writes, err := e.changed(d, ch.target, found, ch.apply)
		if err != nil {
			return nil, err
		}
		all = append(all, writes...)
	}
	return all, nil
}

func checkName(param, s string) error {
	if strings.TrimSpace(s) != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= MaxText {
		return nil
	}
	return &fault.Error{
		Kind: fault.Invalid, Code: "invalid_name", Param: param,
		Message: "it must be text of 1 to 255 characters",
	}
}

// target says which edit a change is of.
type target struct {
	key    table.Key
	manual int64 // manual epoch of the edited record
	by     string
	// removePointer returns the writes that remove the pointer which belongs to a stored edit. It
	// is nil if edits of this kind have no pointers.
	removePointer func(stored table.Attrs) ([]table.Write, error)
	// restored is the author and time of a new edit. An edit that is there keeps its own. It is nil
	// if a person makes the change now.
	restored *Mark
}

// updated returns the time that an edit gets; was is what is stored.
func (t target) updated(was table.Attrs, now time.Time) int64 {
	if t.restored == nil {
		return now.UnixMilli()
	}
	if at, ok := was.Int(store.AttrUpdated); ok {
		return at
	}
	return t.restored.At
}

// author returns the author that an edit gets.
func (t target) author(was table.Attrs) string {
	switch {
	case t.restored == nil:
		return t.by
	case was != nil:
		return was.Str(store.AttrBy)
	case strings.HasSuffix(t.key.SK, store.EditFields): // each field has its own
		return ""
	}
	return t.restored.By
}

// changed returns the writes that change one edit, given the stored items; no writes if nothing
// differs. An invisible stored edit belongs to an erased record of the same id: it is replaced as
// if it were not there, and its pointer is removed.
func (e *Edit) changed(d *store.Directory, t target, found map[table.Key]table.Attrs, apply applyFunc) ([]table.Write, error) {
	stored, exists := found[t.key]
	was := stored
	var gone []table.Write
	if !d.Visible(stored) {
		was = nil
		var err error
		if gone, err = t.gone(stored); err != nil {
			return nil, err
		}
	}
	b := table.NewBuilder().Int(store.AttrManual, t.manual).Str(store.AttrBy, t.author(was))
	keep, more, err := apply(e, was, b)
	if err != nil {
		return nil, err
	}
	write, same := e.next(t, stored, was, exists, keep, b)
	if same {
		return more, nil
	}
	for _, w := range gone {
		if !slices.ContainsFunc(more, func(m table.Write) bool { return m.Item.Key == w.Item.Key }) {
			more = append(more, w)
		}
	}
	return append(more, write), nil
}

// gone returns the writes that remove the pointer of an invisible stored edit.
func (t target) gone(stored table.Attrs) ([]table.Write, error) {
	if t.removePointer == nil {
		return nil, nil
	}
	return t.removePointer(stored)
}

// next returns the write that replaces the stored item; same if there is nothing to write. was is
// the stored item if it counts.
func (e *Edit) next(t target, stored, was table.Attrs, exists, keep bool, b *table.Builder) (w table.Write, same bool) {
	key, now, updated := t.key, e.now().UnixMilli(), t.updated(was, e.now())
	if !exists {
		// The time is above every version that a deleted item with this key has had.
		b.IntAlways(store.AttrUpdated, updated).IntAlways(store.AttrVersion, now)
		return table.Write{Item: table.Item{Key: key, Attrs: b.Attrs()}, If: table.Cond{Op: table.Absent}}, !keep
	}
	version, _ := stored.Int(store.AttrVersion)
	cond := table.Cond{Op: table.Equals, Attr: store.AttrVersion, N: version}
	if !keep {
		return table.Write{Item: table.Item{Key: key}, Delete: true, If: cond}, false
	}
	oldManual, _ := stored.Int(store.AttrManual)
	content := b.Attrs()
	newManual, _ := content.Int(store.AttrManual)
	if oldManual == newManual && bytes.Equal(stored.Content(), content.Content()) {
		return w, true
	}
	b.IntAlways(store.AttrUpdated, updated).IntAlways(store.AttrVersion, max(version+1, now))
	return table.Write{Item: table.Item{Key: key, Attrs: b.Attrs()}, If: cond}, false
}
