package edit

import (
	"bytes"
	"encoding/json"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Mark says who did something, and when.
type Mark struct {
	By string `json:"by"`
	At int64  `json:"at"` // Unix milliseconds
}

// Time returns when it was done, in UTC.
func (m Mark) Time() time.Time { return time.UnixMilli(m.At).UTC() }

// Field is a changed field. One of the three values is set; no value if the field was emptied.
type Field struct {
	Mark
	Str  *string `json:"s,omitempty"`
	Int  *int64  `json:"n,omitempty"` // also a time, in Unix milliseconds
	Bool *bool   `json:"b,omitempty"`
}

// Row holds what people have done to one record: changed fields, by the name of the record's
// attribute in the table; and whether it is disabled or deleted.
type Row struct {
	Fields   map[string]Field `json:"fields,omitempty"`
	Disabled *Mark            `json:"disabled,omitempty"`
	Deleted  *Mark            `json:"deleted,omitempty"`
	// Owner is the customer (H in hex) whose pointer to this invoice has the changed date. It is
	// set only if the date of an invoice was changed.
	Owner string `json:"owner,omitempty"`
}

// attrRow holds the edit, as JSON.
const attrRow = "row"

func readRow(a table.Attrs) (Row, error) {
	raw, ok := a.Get(attrRow)
	if !ok {
		return Row{}, nil
	}
	var r Row
	if err := json.Unmarshal(raw.Raw, &r); err != nil {
		return Row{}, fault.Wrap(err, fault.Internal, "edit", "read changed fields")
	}
	return r, nil
}

// ReadRow takes the changed fields of a record from what a batch get or a query found.
func ReadRow(d *store.Directory, found map[table.Key]table.Attrs, sp store.Space, record table.Key) (Row, error) {
	a := found[sp.FieldsOf(record)]
	if !d.Visible(a) {
		return Row{}, nil
	}
	return readRow(a)
}

func (r Row) empty() bool { return len(r.Fields) == 0 && r.Disabled == nil && r.Deleted == nil }

// Over lays the changed fields over the record as it was imported.
func (r Row) Over(imported table.Attrs) table.Attrs {
	if len(r.Fields) == 0 {
		return imported
	}
	b := table.NewBuilder()
	for name, v := range imported.All() {
		if _, changed := r.Fields[name]; !changed {
			b.Raw(name, v)
		}
	}
	for name, f := range r.Fields {
		f.addTo(b, name)
	}
	return b.Attrs()
}

func (f Field) addTo(b *table.Builder, name string) {
	switch {
	case f.Str != nil:
		b.Str(name, *f.Str)
	case f.Int != nil:
		b.IntAlways(name, *f.Int)
	case f.Bool != nil:
		b.Bool(name, *f.Bool)
	}
}

// Latest returns the last change of a field; nil if no field was changed.
func (r Row) Latest() *Mark {
	var last *Mark
	for _, f := range r.Fields {
		if last == nil || f.At > last.At || f.At == last.At && f.By > last.By {
			last = &f.Mark
		}
	}
	return last
}

// Record is a stored record whose fields are to be changed.
type Record struct {
	Space store.Space
	Key   table.Key
	Base  table.Attrs // as it was imported
	Hash  *store.Hasher
}

func (r Record) target() target {
	m, _ := r.Base.Int(store.AttrManual)
	return target{key: r.Space.FieldsOf(r.Key), manual: m, removePointer: r.removePointer}
}

// removePointer returns the writes that remove the pointer of a stored edit of the record.
func (r Record) removePointer(stored table.Attrs) ([]table.Write, error) {
	row, err := readRow(stored)
	p, ok := r.pointer(row, 0)
	if err != nil || !ok {
		return nil, err
	}
	return []table.Write{{Item: table.Item{Key: p.Key}, Delete: true}}, nil
}

// Change gives fields of a record the values that they have in want, the attributes as people shall
// see them. A field with the imported value counts as not changed.
func (r Record) Change(want table.Attrs, fields []string, by string) *Change {
	return r.changeRow(by, func(row *Row, now Mark) {
		for _, name := range fields {
			row.set(name, r.Base, want, now)
		}
	})
}

func (r *Row) set(name string, base, want table.Attrs, now Mark) {
	v, given := want.Get(name)
	if was, ok := base.Get(name); ok == given && was.Type == v.Type && string(was.Raw) == string(v.Raw) {
		delete(r.Fields, name)
		return
	}
	f := Field{Mark: now}
	if given {
		f = fieldOf(v, now)
	}
	if old, ok := r.Fields[name]; ok && old.same(f) {
		return
	}
	if r.Fields == nil {
		r.Fields = map[string]Field{}
	}
	r.Fields[name] = f
}

func fieldOf(v table.Value, m Mark) Field {
	f := Field{Mark: m}
	switch v.Type {
	case table.String:
		s := v.Str()
		f.Str = &s
	case table.Int:
		n := v.Int()
		f.Int = &n
	case table.Bool:
		b := v.Bool()
		f.Bool = &b
	case table.Bytes, table.List: // no field of a record is one
	}
	return f
}

func (f Field) same(o Field) bool {
	return equal(f.Str, o.Str) && equal(f.Int, o.Int) && equal(f.Bool, o.Bool)
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// Revert takes back the changes of these fields. Without fields, it takes back everything that was
// done to the record, also that it is disabled or deleted.
func (r Record) Revert(fields ...string) *Change {
	return r.changeRow("", func(row *Row, _ Mark) {
		for _, name := range fields {
			delete(row.Fields, name)
		}
		if len(fields) == 0 {
			*row = Row{}
		}
	})
}

// Disable marks a row so that metrics leave it out, or takes the mark away.
func (r Record) Disable(disabled bool, by string) *Change {
	return r.changeRow(by, func(row *Row, now Mark) { toggle(&row.Disabled, disabled, now) })
}

// Delete hides a row from people, also if an import brings it again.
func (r Record) Delete(by string) *Change {
	return r.changeRow(by, func(row *Row, now Mark) { toggle(&row.Deleted, true, now) })
}

func toggle(at **Mark, on bool, now Mark) {
	switch {
	case !on:
		*at = nil
	case *at == nil:
		*at = &now
	}
}

// changeRow changes what was done to a record, and the pointer that follows from it.
func (r Record) changeRow(by string, change func(*Row, Mark)) *Change {
	ch := &Change{target: r.target()}
	r.applyRow(ch, func(row *Row, now Mark) { change(row, Mark{by, now.At}) })
	return ch
}

// applyRow makes a change one of what was done to a record, and of the pointer that follows from it.
func (r Record) applyRow(ch *Change, change func(row *Row, now Mark)) {
	ch.show = func(e *Edits) { e.Row = ch.Row }
	ch.apply = func(e *Edit, was table.Attrs, b *table.Builder) (bool, []table.Write, error) {
		old, err := readRow(was)
		if err != nil {
			return false, nil, err
		}
		row, err := readRow(was) // a second copy: change alters the map
		if err != nil {
			return false, nil, err
		}
		change(&row, Mark{At: e.now().UnixMilli()})
		row.Owner = r.owner(row)
		body, err := json.Marshal(row) // sorted by name
		if err != nil {
			return false, nil, fault.Wrap(err, fault.Internal, "edit", "write changed fields")
		}
		if !row.empty() {
			b.Bytes(attrRow, body)
		}
		ch.Row = row
		p, is := r.pointer(row, e.stamp(ch.target, was, b.Attrs()))
		return !row.empty(), r.pointers(old, was, p, is), nil
	}
}

// attrDate is the date of an invoice, also in the pointer from its customer.
const attrDate = "date"

// owner returns the customer (H in hex) whose pointer leads to an invoice with a changed date;
// empty if there is no such pointer. The edit keeps it, because when the pointer is removed the
// invoice may be gone or belong to another customer.
func (r Record) owner(row Row) string {
	if store.SKPrefix(r.Key.SK) != store.SKInvoice || row.Fields[attrDate].Int == nil {
		return ""
	}
	if id := r.Base.Str("customer"); id != "" {
		return r.Hash.CustomerH(id).String()
	}
	return row.Owner
}

// stamp returns when the edit was last changed, if was is stored and now is written: the time of
// the stored one if both are equal.
func (e *Edit) stamp(t target, was, now table.Attrs) int64 {
	m, _ := was.Int(store.AttrManual)
	n, _ := now.Int(store.AttrManual)
	if at, ok := was.Int(store.AttrUpdated); ok && m == n && bytes.Equal(was.Content(), now.Content()) {
		return at
	}
	return t.updated(was, e.now())
}

// pointers returns the writes that replace the pointer of the stored edit by p, if there is one
// (is). A pointer finds a customer by its changed e-mail address, or an invoice in the order of its
// changed date.
func (r Record) pointers(was Row, stored table.Attrs, p table.Item, is bool) []table.Write {
	at, _ := stored.Int(store.AttrUpdated)
	before := r
	before.Base = stored // its manual epoch, which may differ from the record's
	old, ok := before.pointer(was, at)
	switch {
	case ok && is && old.Key == p.Key && string(old.Attrs) == string(p.Attrs), !ok && !is:
		return nil
	case !is:
		return []table.Write{{Item: table.Item{Key: old.Key}, Delete: true}}
	case ok && old.Key != p.Key:
		return []table.Write{{Item: table.Item{Key: old.Key}, Delete: true}, {Item: p}}
	}
	return []table.Write{{Item: p}}
}

// pointer returns the pointer of an edit that was last changed at that time, in Unix milliseconds.
func (r Record) pointer(row Row, changed int64) (it table.Item, ok bool) {
	m, _ := r.Base.Int(store.AttrManual)
	b := table.NewBuilder().Int(store.AttrManual, m)
	h, _ := store.TrailingH(r.Key.SK)
	if email := row.Fields["email"].Str; email != nil && store.SKPrefix(r.Key.SK) == store.SKCustomer {
		return table.Item{Key: r.Space.EditEmail(r.Hash.EmailH(*email), h), Attrs: b.Attrs()}, true
	}
	if owner, ok := store.ParseH(row.Owner); ok {
		date := row.Fields[attrDate]
		b.IntAlways(attrDate, *date.Int)
		// A sweep judges an old edit and its pointer by the same time: it removes both or neither.
		b.IntAlways(store.AttrUpdated, changed)
		return table.Item{Key: r.Space.EditOwner(owner, h), Attrs: b.Attrs()}, true
	}
	return it, false
}

// PointersTo lists the keys of the pointers that may exist because of a stored edit (fields) of a
// record: to a customer by its changed e-mail address, to an invoice in the order of its changed
// date. customer is the customer of the stored invoice; the pointer may start at another customer,
// whom the edit names.
func PointersTo(sp store.Space, hash *store.Hasher, record table.Key, customer store.H, fields table.Attrs) []table.Key {
	row, err := readRow(fields)
	if err != nil {
		row = Row{} // an edit that can't be read has no pointers
	}
	h, _ := store.TrailingH(record.SK)
	switch store.SKPrefix(record.SK) {
	case store.SKCustomer:
		if email := row.Fields["email"].Str; email != nil && *email != "" {
			return []table.Key{sp.EditEmail(hash.EmailH(*email), h)}
		}
	case store.SKInvoice:
		keys := []table.Key{sp.EditOwner(customer, h)}
		if owner, ok := store.ParseH(row.Owner); ok && owner != customer {
			keys = append(keys, sp.EditOwner(owner, h))
		}
		return keys
	}
	return nil
}
