package person

import (
	"bytes"
	"encoding/json"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/records"
	"reseed/pkg/store"
)

// Record is one stored record. Shown and Imported are records as docs/FORMATS.md has them: amounts
// in minor units, times in UTC.
type Record struct {
	ID         string          `json:"id,omitempty"` // public id, if the kind has one
	DataSource string          `json:"data_source"`  // uuid
	Shown      json.RawMessage `json:"shown"`        // as people see it: with edits laid over
	Imported   json.RawMessage `json:"imported"`     // as it was imported or made
	AddedAt    time.Time       `json:"added_at,omitzero"`
	ChangedAt  time.Time       `json:"changed_at,omitzero"`
	Edits      []wire.Edit     `json:"edits,omitempty"` // of all that people have done to it, one for each kind of edit
}

// File is a file that may name the customer, or several files of one kind that a job has made.
type File struct {
	Job        string    `json:"job"`
	DataSource string    `json:"data_source"`
	Kind       string    `json:"kind"`           // as in receipts: uploads, rejects, change_sets, …
	Name       string    `json:"name,omitempty"` // of an upload, as it was sent
	Count      int64     `json:"count"`
	At         time.Time `json:"at"` // when the job was made
}

// Erase is an erase that concerns the customer.
type Erase struct {
	Job       string    `json:"job"`
	Selection string    `json:"selection"`
	Named     bool      `json:"named"` // it names this customer; else it is of something in its data source
	Status    string    `json:"status"`
	AskedAt   time.Time `json:"asked_at"`
	AskedBy   string    `json:"asked_by,omitempty"`
	Receipt   bool      `json:"receipt"` // there is one, under the id of the job
}

// Listed says whether a source customer is on the do-not-reload list of its data source.
type Listed struct {
	ID         string `json:"id"`
	DataSource string `json:"data_source"`
	Listed     bool   `json:"listed"`
}

// A line is what [Reader] gives: the dataset of a part, or nothing, a tab, and JSON. A part belongs
// to the last line before it that is no part.
func line(part string, v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(part + "\t")
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "person", "write what is known of a customer")
	}
	return b.Bytes(), nil
}

// WireEdit is an edit as answers of the API hold it.
func WireEdit(n *edit.Entry) wire.Edit {
	w := wire.Edit{
		ID: n.ID, What: append([]string{}, n.What()...), Orphaned: n.Orphan, Author: n.By, Tags: n.Tags,
		Attributes: edit.Custom(n.Attributes), Fields: map[string]wire.Field{},
		Disabled: markOf(n.Row.Disabled), Deleted: markOf(n.Row.Deleted),
	}
	if n.At.UnixMilli() > 0 {
		w.ChangedAt = &n.At
	}
	for attr, f := range n.Row.Fields {
		w.Fields[records.MemberOf(attr)] = wire.Field{Value: valueOf(attr, f), Mark: *markOf(&f.Mark)}
	}
	if into := n.Merge.Into; into != nil {
		id := into.CustomerID()
		w.MergedInto = &id
	}
	for _, r := range n.Merge.From {
		w.MergedFrom = append(w.MergedFrom, r.CustomerID())
	}
	return w
}

func markOf(m *edit.Mark) *wire.Mark {
	if m == nil {
		return nil
	}
	return &wire.Mark{Author: m.By, At: m.Time()}
}

func valueOf(attr string, f edit.Field) any {
	switch {
	case f.Str != nil:
		return *f.Str
	case f.Bool != nil:
		return *f.Bool
	case f.Int != nil && store.IsTime(attr):
		return time.UnixMilli(*f.Int).UTC()
	case f.Int != nil:
		return *f.Int
	}
	return nil
}
