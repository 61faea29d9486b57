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
}

// Of names a customer by its stored item.
func Of(sp store.Space, h store.H, attrs store.Attrs) Customer {
	m, _ := attrs.Int(store.AttrManual)
	return Customer{Space: sp, H: h, Manual: m}
}

// Edits is what people have added to a customer.
type Edits struct {
	Tags       []string // in the order of their adding
	Attributes map[string]Value
}

// Custom is the attributes as an answer carries them; never nil.
func (e Edits) Custom() map[string]any {
	out := make(map[string]any, len(e.Attributes))
	for name, v := range e.Attributes {
		out[name] = v.JSON()
	}
	return out
}

// Keys are the keys of the edits of a customer, for a batch get together with its record.
func Keys(sp store.Space, h store.H) []store.Key {
	return []store.Key{sp.CustomerEdit(h, store.EditTags), sp.CustomerEdit(h, store.EditAttributes)}
}

// Read takes a customer's edits from what a batch get found. Edits of a manual customer
// that was erased since do not count.
func Read(d *store.Directory, found map[store.Key]store.Attrs, sp store.Space, h store.H) (Edits, error) {
	tags, custom := found[sp.CustomerEdit(h, store.EditTags)], found[sp.CustomerEdit(h, store.EditAttributes)]
	var e Edits
	if d.Visible(tags) {
		e.Tags = readTags(tags)
	}
	if !d.Visible(custom) {
		return e, nil
	}
	var err error
	e.Attributes, err = readAttributes(custom)
	return e, err
}

func readTags(a store.Attrs) []string {
	v, _ := a.Get(attrTags)
	return v.List()
}

func readAttributes(a store.Attrs) (map[string]Value, error) {
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

// Edit changes edits. It is safe for concurrent use.
type Edit struct {
	st  *store.Store
	now func() time.Time
}

// New returns the edits of a table.
func New(st *store.Store, now func() time.Time) *Edit { return &Edit{st, now} }

// Load reads the edits of customers of one source in as few calls as it takes.
func (e *Edit) Load(ctx context.Context, d *store.Directory, sp store.Space, hs ...store.H) (map[store.H]Edits, error) {
	var keys []store.Key
	for _, h := range hs {
		keys = append(keys, Keys(sp, h)...)
	}
	found, err := e.st.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	all := make(map[store.H]Edits, len(hs))
	for _, h := range hs {
		if all[h], err = Read(d, found, sp, h); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// AddTags adds tags that are not there yet, and returns all. Tags are trimmed; an empty or
// overlong one is fault.Invalid.
func (e *Edit) AddTags(ctx context.Context, c Customer, tags ...string) ([]string, error) {
	for i, t := range tags {
		tags[i] = strings.TrimSpace(t)
		if err := checkName("tags", tags[i]); err != nil {
			return nil, err
		}
	}
	return e.changeTags(ctx, c, func(now []string) ([]string, error) {
		for _, t := range tags {
			if !slices.Contains(now, t) {
				now = append(now, t)
			}
		}
		if len(now) > MaxTags {
			return nil, fault.Newf(fault.Invalid, "too_many_tags", "a customer has at most %d tags", MaxTags)
		}
		return now, nil
	})
}

// RemoveTags removes tags, and returns what is left. One that is not there is no error.
func (e *Edit) RemoveTags(ctx context.Context, c Customer, tags ...string) ([]string, error) {
	return e.changeTags(ctx, c, func(now []string) ([]string, error) {
		return slices.DeleteFunc(now, func(t string) bool {
			return slices.ContainsFunc(tags, func(gone string) bool { return t == strings.TrimSpace(gone) })
		}), nil
	})
}

func (e *Edit) changeTags(ctx context.Context, c Customer, change func([]string) ([]string, error)) ([]string, error) {
	var tags []string
	err := e.change(ctx, c, store.EditTags, func(was store.Attrs, b *store.Builder) (bool, error) {
		var err error
		if tags, err = change(readTags(was)); err != nil {
			return false, err
		}
		b.List(attrTags, tags)
		return len(tags) > 0, nil
	})
	return tags, err
}

// Set gives custom attributes values of their own types (the POST of the API), and returns all.
func (e *Edit) Set(ctx context.Context, c Customer, values map[string]Value) (map[string]Value, error) {
	return e.changeAttributes(ctx, c, func(now map[string]Value) error {
		maps.Copy(now, values)
		return nil
	})
}

// Untyped is a value that came without a type.
type Untyped struct {
	Value  any // string, bool, json.Number, float64 or int64
	Source string
}

// Put gives custom attributes values that came without a type (the PUT of the
// API), and returns all: an attribute keeps the type it has, a new one takes that of the value.
func (e *Edit) Put(ctx context.Context, c Customer, values map[string]Untyped) (map[string]Value, error) {
	return e.changeAttributes(ctx, c, func(now map[string]Value) error {
		for name, raw := range values {
			typ := typeOf(raw.Value)
			if was, ok := now[name]; ok {
				typ = was.Type
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

// Remove removes custom attributes, and returns what is left. One that is not there is no error.
func (e *Edit) Remove(ctx context.Context, c Customer, names ...string) (map[string]Value, error) {
	return e.changeAttributes(ctx, c, func(now map[string]Value) error {
		for _, n := range names {
			delete(now, n)
		}
		return nil
	})
}

func (e *Edit) changeAttributes(ctx context.Context, c Customer, change func(map[string]Value) error) (map[string]Value, error) {
	var all map[string]Value
	err := e.change(ctx, c, store.EditAttributes, func(was store.Attrs, b *store.Builder) (bool, error) {
		var err error
		if all, err = readAttributes(was); err != nil {
			return false, err
		}
		if all == nil {
			all = map[string]Value{}
		}
		if err := change(all); err != nil {
			return false, err
		}
		if err := checkAttributes(all); err != nil {
			return false, err
		}
		body, err := json.Marshal(all) // sorted by name
		if err != nil {
			return false, fault.Wrap(err, fault.Internal, "edit", "write custom attributes")
		}
		b.Bytes(attrCustom, body)
		return len(all) > 0, nil
	})
	return all, err
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

// change replaces one edit on condition that nobody has changed it meanwhile,
// else all over again. With nothing left, the item goes.
func (e *Edit) change(ctx context.Context, c Customer, what string, change func(was store.Attrs, b *store.Builder) (keep bool, err error)) error {
	key := c.Space.CustomerEdit(c.H, what)
	for {
		found, err := e.st.Lookup(ctx, key)
		if err != nil {
			return err
		}
		stored, exists := found[key]
		was := stored
		if m, _ := was.Int(store.AttrManual); m != c.Manual {
			was = nil // of an earlier customer of this id, erased since
		}
		b := store.NewBuilder().Int(store.AttrManual, c.Manual)
		keep, err := change(was, b)
		if err != nil {
			return err
		}
		write, same := e.next(key, stored, exists, keep, b)
		if same {
			return nil
		}
		if err := e.st.Transact(ctx, write); err == nil || fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
}

// next is the write that replaces the stored item; same says that there is nothing to write.
func (e *Edit) next(key store.Key, stored store.Attrs, exists, keep bool, b *store.Builder) (w store.Write, same bool) {
	now := e.now().UnixMilli()
	if !exists {
		// An item made anew begins above any version it had in an earlier life.
		b.IntAlways(store.AttrUpdated, now).IntAlways(store.AttrVersion, now)
		return store.Write{Item: store.Item{Key: key, Attrs: b.Attrs()}, If: store.Cond{Op: store.Absent}}, !keep
	}
	version, _ := stored.Int(store.AttrVersion)
	cond := store.Cond{Op: store.Equals, Attr: store.AttrVersion, N: version}
	if !keep {
		return store.Write{Item: store.Item{Key: key}, Delete: true, If: cond}, false
	}
	oldManual, _ := stored.Int(store.AttrManual)
	content := b.Attrs()
	newManual, _ := content.Int(store.AttrManual)
	if oldManual == newManual && bytes.Equal(stored.Content(), content.Content()) {
		return w, true
	}
	b.IntAlways(store.AttrUpdated, now).IntAlways(store.AttrVersion, max(version+1, now))
	return store.Write{Item: store.Item{Key: key, Attrs: b.Attrs()}, If: cond}, false
}
