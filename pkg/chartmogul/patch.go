package chartmogul

import (
	"encoding/json"
	"maps"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A PATCH says how a record is changed (see [records.Change]): with handle_as_user_edit as an edit, without it as the
// imported record itself.

// userEdit is the parameter that makes a change an edit. It may be in the query or in the body.
const userEdit = "handle_as_user_edit"

// textFixed is the complaint about a member that says what a record is.
const textFixed = "can't be changed"

// form is what may be changed of a kind of record, and how it is read.
type form struct {
	open   []string // members
	fixed  []string // they may be sent as they are
	prefix string   // of the names under which read complains
	read   func(*fields) (billing.Record, error)
}

// patch reads a PATCH of a record that is spelled by wire: what is sent is read together with all
// the rest. What was wrong before is none of its business.
func (fm form) patch(body *fields, s records.Stored, wire func(table.Attrs) any) (records.Change, error) {
	if body.truth(userEdit) {
		return fm.edit(body, s, wire)
	}
	return fm.over(s.Attrs, body, wire)
}

// edit reads a change that is an edit.
func (fm form) edit(body *fields, s records.Stored, wire func(table.Attrs) any) (records.Change, error) {
	ch, err := fm.over(s.Shown(), body, wire)
	ch.AsEdit = true
	return ch, err
}

func (fm form) over(base table.Attrs, body *fields, wire func(table.Attrs) any) (ch records.Change, err error) {
	old := &fields{raw: members(wire(base)), prefix: fm.prefix, errs: map[string]string{}}
	all := &fields{raw: maps.Clone(old.raw), prefix: fm.prefix, errs: map[string]string{}}
	for _, name := range fm.open {
		if body.has(name) {
			all.raw[name] = body.raw[name]
			ch.Attrs = append(ch.Attrs, attrOf(name))
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
	ch.Want = b.Attrs()
	return ch, body.refused()
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

// deleting tells whether a DELETE is to be an edit. It may have no body.
func (c *call) deleting() (asEdit bool, err error) {
	body, err := c.bodyIfAny()
	if err != nil {
		return false, err
	}
	asEdit = body.truth(userEdit) || c.flag(userEdit)
	return asEdit, body.refused()
}
