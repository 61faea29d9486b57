package edit

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Most tags and custom attributes a customer may have: an item of the table has a greatest size.
const (
	MaxTags       = 500
	MaxAttributes = 500
)

// Attributes of the items.
const (
	attrTags   = "tags"
	attrCustom = "custom"
)

// Customer names the customer whose edits are meant.
type Customer struct {
	Space  store.Space
	H      store.H
	Manual int64 // the `_m` of its item; 0 if it has none
	Author string
}

// Of names a customer by its stored item.
func Of(sp store.Space, h store.H, attrs table.Attrs) Customer {
	m, _ := attrs.Int(store.AttrManual)
	return Customer{Space: sp, H: h, Manual: m}
}

// By names who edits the customer.
func (c Customer) By(author string) Customer {
	c.Author = author
	return c
}

func (c Customer) item(what string) item {
	return item{key: c.Space.CustomerEdit(c.H, what), manual: c.Manual, by: c.Author}
}

// Edits is what people have done to a customer.
type Edits struct {
	Tags       []string // in the order of their adding
	Attributes map[string]Value
	Row        Row  // changed fields
	Merge      Link // with other customers
}

// Size is about how many bytes of texts they hold.
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

// Custom is the attributes as an answer carries them; never nil.
func (e Edits) Custom() map[string]any { return Custom(e.Attributes) }

// Custom is custom attributes as an answer carries them; never nil.
func Custom(attributes map[string]Value) map[string]any {
	out := make(map[string]any, len(attributes))
	for name, v := range attributes {
		out[name] = v.JSON()
	}
	return out
}

// Keys are the keys of the edits of a customer, for a batch get together with its record.
func Keys(src store.Source, h store.H) []table.Key {
	keys := keysOf(src.Space(), h)
	if src.Merges {
		return keys[:]
	}
	return keys[:len(keys)-1]
}

// keysOf are the keys of all edits of a customer, that of merges last.
func keysOf(sp store.Space, h store.H) (keys [4]table.Key) {
	record := sp.CustomerEdit(h, "")
	for i, what := range [...]string{store.EditTags, store.EditAttributes, store.EditFields, store.EditMerge} {
		keys[i] = table.Key{PK: record.PK, SK: record.SK + what}
	}
	return keys
}

// Read takes a customer's edits from what a batch get found. Edits of a manual customer
// that was erased since do not count.
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

// Take reads one of a customer's items of edits, as Read does.
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

func readTags(a table.Attrs) []string {
	v, _ := a.Get(attrTags)
	return v.List()
}

func readAttributes(a table.Attrs) (map[string]Value, error) {
	raw, ok := a.Get(attrCustom)
	if !ok {
		return nil, nil
	}
	m := map[string]Value{}
	if err := json.Unmarshal(raw.Raw, &m); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "edit", "read custom attributes")
	}
	return m, nil
}

// Edit makes writes of changes, and reads and links customers. It is safe for concurrent use.
type Edit struct {
	st  *store.Store
	now func() time.Time
}

// New returns the edits of a table.
func New(st *store.Store, now func() time.Time) *Edit { return &Edit{st: st, now: now} }

// Change is a change of one edit of a customer or another record. [Edit.Writes] spells it, and says here what the edit
// is after it.
type Change struct {
	Tags       []string         // if it is of tags
	Attributes map[string]Value // if it is of custom attributes
	Row        Row              // if it is of fields

	item item
	make making
	show func(*Edits)
}

// Show lets edits that were read before the change tell what is after it.
func (ch *Change) Show(e *Edits) { ch.show(e) }

// making makes of what is stored of an edit what is to be stored; with keep false the item goes. More goes into the same
// transaction.
type making func(e *Edit, was table.Attrs, b *table.Builder) (keep bool, more []table.Write, err error)

// Writes are the writes that make changes, each of another edit, of what is stored now; none if there is nothing to write.
// They belong in one transaction, maybe with others. If that ends in fault.Conflict, somebody else has changed one of the edits
// meanwhile: then it is to be done all over again. What is not possible is fault.Invalid.
func (e *Edit) Writes(ctx context.Context, d *store.Directory, changes ...*Change) ([]table.Write, error) {
	var keys []table.Key
	for _, ch := range changes {
		keys = append(keys, ch.item.key)
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
		writes, err := e.changed(d, ch.item, found, ch.make)
		if err != nil {
			return nil, err
		}
		all = append(all, writes...)
	}
	return all, nil
}

// AddTags adds tags that are not there yet. Tags are trimmed; an empty or overlong one is fault.Invalid.
func (c Customer) AddTags(tags ...string) *Change {
	return c.changeTags(func(now []string) ([]string, error) { return withTags(now, tags) })
}

// SetTags gives a customer these tags and no others.
func (c Customer) SetTags(tags ...string) *Change {
	return c.changeTags(func([]string) ([]string, error) { return withTags(nil, tags) })
}

func withTags(now, more []string) ([]string, error) {
	has := setOf(now)
	for _, t := range more {
		t = strings.TrimSpace(t)
		if err := checkName("tags", t); err != nil {
			return nil, err
		}
		if !has[t] {
			has[t] = true
			now = append(now, t)
		}
		if len(now) > MaxTags {
			return nil, fault.Newf(fault.Invalid, "too_many_tags", "a customer has at most %d tags", MaxTags)
		}
	}
	return now, nil
}

// RemoveTags removes tags. One that is not there is no error.
func (c Customer) RemoveTags(tags ...string) *Change {
	gone := map[string]bool{}
	for _, t := range tags {
		gone[strings.TrimSpace(t)] = true
	}
	return c.changeTags(func(now []string) ([]string, error) {
		return slices.DeleteFunc(now, func(t string) bool { return gone[t] }), nil
	})
}

func setOf(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, s := range list {
		set[s] = true
	}
	return set
}

func (c Customer) changeTags(change func([]string) ([]string, error)) *Change {
	ch := &Change{item: c.item(store.EditTags)}
	ch.show = func(e *Edits) { e.Tags = ch.Tags }
	ch.make = func(_ *Edit, was table.Attrs, b *table.Builder) (bool, []table.Write, error) {
		var err error
		if ch.Tags, err = change(readTags(was)); err != nil {
			return false, nil, err
		}
		b.List(attrTags, ch.Tags)
		return len(ch.Tags) > 0, nil, nil
	}
	return ch
}

// Set gives custom attributes values of their own types (the POST of the API).
func (c Customer) Set(values map[string]Value) *Change {
	return c.changeAttributes(func(now map[string]Value) error {
		maps.Copy(now, values)
		return nil
	})
}

// Untyped is a value that came without a type.
type Untyped struct {
	Value  any // string, bool, json.Number, float64 or int64
	Source string
	Type   Type // of an attribute that is new; that of the value if empty
}

// Put gives custom attributes values that came without a type (the PUT of the
// API): an attribute keeps the type it has.
func (c Customer) Put(values map[string]Untyped) *Change {
	return c.changeAttributes(func(now map[string]Value) error {
		for name, raw := range values {
			typ := raw.Type
			if was, ok := now[name]; ok {
				typ = was.Type
			}
			if typ == "" {
				typ = typeOf(raw.Value)
			}
			v, err := NewValue(typ, raw.Value, raw.Source)
			if err != nil {
				return err
			}
			now[name] = v
		}
		return nil
	})
}

// Remove removes custom attributes. One that is not there is no error.
func (c Customer) Remove(names ...string) *Change {
	return c.changeAttributes(func(now map[string]Value) error {
		for _, n := range names {
			delete(now, n)
		}
		return nil
	})
}

func (c Customer) changeAttributes(change func(map[string]Value) error) *Change {
	ch := &Change{item: c.item(store.EditAttributes)}
	ch.show = func(e *Edits) { e.Attributes = ch.Attributes }
	ch.make = func(_ *Edit, was table.Attrs, b *table.Builder) (bool, []table.Write, error) {
		all, err := readAttributes(was)
		if err != nil {
			return false, nil, err
		}
		if all == nil {
			all = map[string]Value{}
		}
		if err := change(all); err != nil {
			return false, nil, err
		}
		if err := checkAttributes(all); err != nil {
			return false, nil, err
		}
		body, err := json.Marshal(all) // sorted by name
		if err != nil {
			return false, nil, fault.Wrap(err, fault.Internal, "edit", "write custom attributes")
		}
		ch.Attributes = all
		b.Bytes(attrCustom, body)
		return len(all) > 0, nil, nil
	}
	return ch
}

func checkAttributes(all map[string]Value) error {
	if len(all) > MaxAttributes {
		return fault.Newf(fault.Invalid, "too_many_attributes", "a customer has at most %d custom attributes", MaxAttributes)
	}
	for name := range all {
		if err := checkName("key", name); err != nil {
			return err
		}
	}
	return nil
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

// item is one edit that is to be changed.
type item struct {
	key    table.Key
	manual int64 // of the record it hangs on
	by     string
	// follows gives the writes that remove what follows from a stored edit; nil: nothing does.
	follows func(table.Attrs) ([]table.Write, error)
}

// changed are the writes that change one edit, given what is stored; none if there is nothing to write. What is
// stored does not count if it is of an earlier record of this id, erased since.
func (e *Edit) changed(d *store.Directory, it item, found map[table.Key]table.Attrs, change making) ([]table.Write, error) {
	stored, exists := found[it.key]
	was := stored
	var gone []table.Write
	if !d.Visible(stored) {
		was = nil
		var err error
		if gone, err = it.gone(stored); err != nil {
			return nil, err
		}
	}
	b := table.NewBuilder().Int(store.AttrManual, it.manual).Str(store.AttrBy, it.by)
	keep, more, err := change(e, was, b)
	if err != nil {
		return nil, err
	}
	write, same := e.next(it.key, stored, exists, keep, b)
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

// gone are the writes that remove what follows from a stored edit that is written over unseen.
func (it item) gone(stored table.Attrs) ([]table.Write, error) {
	if it.follows == nil {
		return nil, nil
	}
	return it.follows(stored)
}

// next is the write that replaces the stored item; same says that there is nothing to write.
func (e *Edit) next(key table.Key, stored table.Attrs, exists, keep bool, b *table.Builder) (w table.Write, same bool) {
	now := e.now().UnixMilli()
	if !exists {
		// An item made anew begins above any version it had in an earlier life.
		b.IntAlways(store.AttrUpdated, now).IntAlways(store.AttrVersion, now)
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
	b.IntAlways(store.AttrUpdated, now).IntAlways(store.AttrVersion, max(version+1, now))
	return table.Write{Item: table.Item{Key: key, Attrs: b.Attrs()}, If: cond}, false
}
