package edit

import (
	"strings"
	"time"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Customer says which customer to edit, and who edits it.
type Customer struct {
	Space  store.Space
	H      store.H
	Manual int64 // manual epoch of the customer's item; 0 if it is not manual
	Author string
}

// Of returns the Customer with this stored item.
func Of(sp store.Space, h store.H, attrs table.Attrs) Customer {
	m, _ := attrs.Int(store.AttrManual)
	return Customer{Space: sp, H: h, Manual: m}
}

// By sets the author of the edits.
func (c Customer) By(author string) Customer {
	c.Author = author
	return c
}

func (c Customer) target(what string) target {
	return target{key: c.Space.CustomerEdit(c.H, what), manual: c.Manual, by: c.Author}
}

// Edits holds everything that people have done to a customer.
type Edits struct {
	Tags       []string // in the order in which they were added
	Attributes map[string]Value
	Row        Row  // changed fields
	Merge      Link // merges with other customers
}

// Size returns about how many bytes of text the edits hold.
func (e Edits) Size() (n int) {
	for _, t := range e.Tags {
		n += len(t)
	}
	for name, v := range e.Attributes {
		n += len(name) + len(v.Text) + len(v.Source)
	}
	for name, f := range e.Row.Fields {
		if n += len(name); f.Str != nil {
			n += len(*f.Str)
		}
	}
	return n
}

// Custom returns the custom attributes as API answers hold them; never nil.
func (e Edits) Custom() map[string]any { return Custom(e.Attributes) }

// Keys lists the keys of a customer's edits, to be read in one batch get with its record. It leaves
// out merges while no customer of the source was ever merged.
func Keys(src store.Source, h store.H) []table.Key {
	keys := keysOf(src.Space(), h)
	if src.Merges {
		return keys[:]
	}
	return keys[:len(keys)-1]
}

// keysOf lists the keys of all edits of a customer. The last one is for merges: Keys relies on
// that.
func keysOf(sp store.Space, h store.H) (keys [4]table.Key) {
	record := sp.CustomerEdit(h, "")
	for i, what := range [...]string{store.EditTags, store.EditAttributes, store.EditFields, store.EditMerge} {
		keys[i] = table.Key{PK: record.PK, SK: record.SK + what}
	}
	return keys
}

// Read takes a customer's edits from what a batch get found. It ignores the edits of a manual
// customer that was erased.
func Read(d *store.Directory, found map[table.Key]table.Attrs, sp store.Space, h store.H) (Edits, error) {
	var e Edits
	for _, key := range keysOf(sp, h) {
		if a, ok := found[key]; ok {
			if err := e.Take(d, table.Item{Key: key, Attrs: a}); err != nil {
				return e, err
			}
		}
	}
	return e, nil
}

// Take adds one of a customer's items to its edits, if it is visible.
func (e *Edits) Take(d *store.Directory, it table.Item) (err error) {
	if !d.Visible(it.Attrs) {
		return nil
	}
	switch it.SK[strings.LastIndexByte(it.SK, '#'):] {
	case store.EditTags:
		e.Tags = readTags(it.Attrs)
	case store.EditAttributes:
		e.Attributes, err = readAttributes(it.Attrs)
	case store.EditFields:
		e.Row, err = readRow(it.Attrs)
	case store.EditMerge:
		e.Merge, err = readLink(it.Attrs)
	}
	return err
}

// Edit turns changes into writes, reads and merges customers, and lists edits. It is safe for
// concurrent use.
type Edit struct {
	st  *store.Store
	now func() time.Time
}

// New returns an Edit for a table.
func New(st *store.Store, now func() time.Time) *Edit { return &Edit{st: st, now: now} }
