package records

import (
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Stored is a record as it was imported, and what people have done to it since.
type Stored struct {
	Source store.Source
	Key    table.Key
	Attrs  table.Attrs
	Edits  edit.Row
}

// Stored makes a Stored of a record and of its edits, if edits has any.
func (a Account) Stored(src store.Source, item table.Item, edits map[table.Key]table.Attrs) (Stored, error) {
	row, err := edit.ReadRow(a.Directory, edits, src.Space(), item.Key)
	return Stored{src, item.Key, item.Attrs, row}, err
}

// Shown is the record as people see it.
func (s Stored) Shown() table.Attrs { return s.Edits.Over(s.Attrs) }

// Deleted reports whether a person has deleted the record. People do not see it any more.
func (s Stored) Deleted() bool { return s.Edits.Deleted != nil }

// Hidden reports whether an answer leaves the record out. It may include disabled ones.
func (s Stored) Hidden(withDisabled bool) bool {
	return s.Deleted() || s.Edits.Disabled != nil && !withDisabled
}

// editable is the record as package edit takes it.
func (a Account) editable(s Stored) edit.Record {
	return edit.Record{Space: s.Source.Space(), Key: s.Key, Base: s.Attrs, Hash: a.Hash}
}

// unchanged is the condition that the record is as it was read.
func (s Stored) unchanged() table.Cond {
	at, _ := s.Attrs.Int(store.AttrUpdated)
	return table.Cond{Op: table.Equals, Attr: store.AttrUpdated, N: at}
}
