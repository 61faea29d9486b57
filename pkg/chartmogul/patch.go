package chartmogul

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A record is changed in one of two ways. With handle_as_user_edit the change is an edit beside the record: it
// stays whatever is imported later. Without it the imported record itself is changed, as an import would, so the
// next import may change it again; a field that a person has edited goes on showing the edit.

// userEdit is the parameter that makes a change an edit. It may be in the query or in the body.
const userEdit = "handle_as_user_edit"

// textFixed is the complaint about a member that says what a record is.
const textFixed = "can't be changed"

// change is what becomes of a record.
type change struct {
	want   table.Attrs // the record as it shall be
	attrs  []string    // the attributes that this is about
	asEdit bool
}

// form is what may be changed of a kind of record, and how it is read.
type form struct {
	open   []string // members
	fixed  []string // they may be sent as they are
	prefix string   // of the names under which read complains
	read   func(*fields) (billing.Record, error)
}

// patch reads a PATCH of a record that is spelled by wire: what is sent is read together with all
// the rest. What was wrong before is none of its business.
func (fm form) patch(body *fields, s stored, wire func(table.Attrs) any) (change, error) {
	if body.truth(userEdit) {
		return fm.edit(body, s, wire)
	}
	return fm.over(s.attrs, body, wire)
}

// edit reads a change that is an edit.
func (fm form) edit(body *fields, s stored, wire func(table.Attrs) any) (change, error) {
	ch, err := fm.over(s.shown(), body, wire)
	ch.asEdit = true
	return ch, err
}

func (fm form) over(base table.Attrs, body *fields, wire func(table.Attrs) any) (ch change, err error) {
	old := &fields{raw: members(wire(base)), prefix: fm.prefix, errs: map[string]string{}}
	all := &fields{raw: maps.Clone(old.raw), prefix: fm.prefix, errs: map[string]string{}}
	for _, name := range fm.open {
		if body.has(name) {
			all.raw[name] = body.raw[name]
			ch.attrs = append(ch.attrs, attrOf(name))
		}
	}
	for _, name := range fm.fixed {
		if body.value(name) != nil && body.text(name) != old.text(name) {
			body.fail(name, textFixed)
		}
	}
	if _, err := fm.read(old); err != nil {
		return ch, err
	}
	record, err := fm.read(all)
	if err != nil {
		return ch, err
	}
	for name, text := range all.errs {
		if bare := strings.TrimPrefix(name, fm.prefix); body.has(bare) || old.errs[name] != text {
			body.fail(bare, text)
		}
	}
	b := table.NewBuilder()
	store.EncodeRecord(b, record)
	ch.want = b.Attrs()
	return ch, body.refused()
}

// editable is the record as it is edited.
func (a account) editable(s stored) edit.Record {
	return edit.Record{Space: s.src.Space(), Key: s.key, Base: s.attrs, Hash: a.hash}
}

// apply makes a change. fault.Conflict says that somebody else was in between.
func (c *call) apply(a account, s *stored, ch change) error {
	if ch.asEdit {
		return c.editRow(a, s, a.editable(*s).Change(ch.want, ch.attrs, c.author))
	}
	now := s.with(ch, c.Now().UnixMilli())
	if bytes.Equal(now.Content(), s.attrs.Content()) {
		return nil
	}
	writes := []table.Write{{Item: table.Item{Key: s.key, Attrs: now}, If: s.unchanged()}}
	sp := s.src.Space()
	was := sp.PointersOf(a.hash, table.Item{Key: s.key, Attrs: s.attrs})
	for _, p := range sp.PointersOf(a.hash, table.Item{Key: s.key, Attrs: now}) { // none goes: no identity may be changed
		same := func(q table.Item) bool { return q.Key == p.Key && bytes.Equal(q.Attrs, p.Attrs) }
		if !slices.ContainsFunc(was, same) {
			writes = append(writes, table.Write{Item: p})
		}
	}
	s.attrs = now
	return c.write(a, writes...)
}

// editRow makes a change of what people have done to a record.
func (c *call) editRow(a account, s *stored, ch *edit.Change) error {
	writes, err := c.Edits.Writes(c.Context(), a.Directory, ch)
	if err == nil {
		err = c.write(a, writes...)
	}
	s.edits = ch.Row
	return err
}

// unchanged is the condition that the record is as it was read.
func (s stored) unchanged() table.Cond {
	at, _ := s.attrs.Int(store.AttrUpdated)
	return table.Cond{Op: table.Equals, Attr: store.AttrUpdated, N: at}
}

// with is the record after a change of itself.
func (s stored) with(ch change, now int64) table.Attrs {
	at, _ := s.attrs.Int(store.AttrUpdated)
	b := table.NewBuilder().IntAlways(store.AttrUpdated, max(now, at+1))
	for name, v := range s.attrs.All() {
		if name != store.AttrUpdated && !slices.Contains(ch.attrs, name) {
			b.Raw(name, v)
		}
	}
	for _, name := range ch.attrs {
		if v, ok := ch.want.Get(name); ok {
			b.Raw(name, v)
		}
	}
	return b.Attrs()
}

// changing reads the body of a PATCH.
func (c *call) changing() (*fields, error) {
	body, err := c.body()
	if err == nil && c.flag(userEdit) {
		body.raw[userEdit] = json.RawMessage("true")
	}
	return body, err
}

// disabling reads the body of a PATCH …/disabled_state.
func (c *call) disabling() (bool, error) {
	body, err := c.body()
	if err != nil {
		return false, err
	}
	if err := body.require("disabled"); err != nil {
		return false, err
	}
	body.given("disabled")
	disabled := body.truth("disabled")
	return disabled, body.refused()
}

// disable hides a record, or shows it again: always an edit.
func (c *call) disable(a account, s *stored, disabled bool) error {
	return c.editRow(a, s, a.editable(*s).Disable(disabled, c.author))
}

// deleting tells whether a DELETE is to be an edit. It may have no body.
func (c *call) deleting() (asEdit bool, err error) {
	body, err := c.bodyIfAny()
	if err != nil {
		return false, err
	}
	asEdit = body.truth(userEdit) || c.flag(userEdit)
	return asEdit, body.refused()
}

// deleteAsEdit hides a record for good.
func (c *call) deleteAsEdit(a account, s stored) error {
	return c.editRow(a, &s, a.editable(s).Delete(c.author))
}
