package chartmogul

import (
	"encoding/json"
	"maps"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A PATCH with handle_as_user_edit makes an edit; without it, it changes the imported record itself
// (see [records.Change]).

// userEdit is the parameter that makes a change an edit. It may be in the query or in the body.
const userEdit = "handle_as_user_edit"

// textFixed is the error about a member that can't be changed, since it identifies the record.
const textFixed = "can't be changed"

// form says what a PATCH may change in a kind of record, and how that is read.
type form struct {
	open   []string // members
	fixed  []string // members that may be sent, but only with the value they have
	prefix string   // of the names in the errors of read
	read   func(*httpapi.Fields) (billing.Record, error)
}

// patch reads a PATCH of a record. wire makes the wire form of the record. The members that are
// sent replace its members, and the result is read as a whole. Errors that the record had before
// are ignored.
func (fm form) patch(body *httpapi.Fields, s records.Stored, wire func(table.Attrs) any) (records.Change, error) {
	if body.Truth(userEdit) {
		return fm.edit(body, s, wire)
	}
	return fm.over(s.Attrs, body, wire)
}

// edit reads a PATCH that makes an edit.
func (fm form) edit(body *httpapi.Fields, s records.Stored, wire func(table.Attrs) any) (records.Change, error) {
	ch, err := fm.over(s.Shown(), body, wire)
	ch.AsEdit = true
	return ch, err
}

func (fm form) over(base table.Attrs, body *httpapi.Fields, wire func(table.Attrs) any) (ch records.Change, err error) {
	old := &httpapi.Fields{Raw: members(wire(base)), Prefix: fm.prefix, Errs: map[string]string{}}
	all := &httpapi.Fields{Raw: maps.Clone(old.Raw), Prefix: fm.prefix, Errs: map[string]string{}}
	for _, name := range fm.open {
		if body.Has(name) {
			all.Raw[name] = body.Raw[name]
			ch.Attrs = append(ch.Attrs, records.AttrOf(name))
		}
	}
	for _, name := range fm.fixed {
		if body.Value(name) != nil && body.Text(name) != old.Text(name) {
			body.Fail(name, textFixed)
		}
	}
	if _, err := fm.read(old); err != nil {
		return ch, err
	}
	record, err := fm.read(all)
	if err != nil {
		return ch, err
	}
	for name, text := range all.Errs {
		if bare := strings.TrimPrefix(name, fm.prefix); body.Has(bare) || old.Errs[name] != text {
			body.Fail(bare, text)
		}
	}
	b := table.NewBuilder()
	store.EncodeRecord(b, record)
	ch.Want = b.Attrs()
	return ch, body.Refused()
}

// changing reads the body of a PATCH. handle_as_user_edit counts from the query, too.
func (c *call) changing() (*httpapi.Fields, error) {
	body, err := c.Fields()
	if err == nil && c.Flag(userEdit) {
		body.Raw[userEdit] = json.RawMessage("true")
	}
	return body, err
}

// disabling reads the body of a PATCH …/disabled_state.
func (c *call) disabling() (bool, error) {
	body, err := c.Fields()
	if err != nil {
		return false, err
	}
	if err := body.Require("disabled"); err != nil {
		return false, err
	}
	body.Given("disabled")
	disabled := body.Truth("disabled")
	return disabled, body.Refused()
}

// deleting reports whether a DELETE is to be an edit. It may have no body.
func (c *call) deleting() (asEdit bool, err error) {
	body, err := c.FieldsIfAny()
	if err != nil {
		return false, err
	}
	asEdit = body.Truth(userEdit) || c.Flag(userEdit)
	return asEdit, body.Refused()
}
