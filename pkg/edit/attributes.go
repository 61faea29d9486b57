package edit

import (
	"encoding/json"
	"maps"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// MaxAttributes is the most custom attributes that a customer may have: an item of the table is
// limited in size.
const MaxAttributes = 500

// attrCustom holds the edit, as JSON.
const attrCustom = "custom"

// Custom converts custom attributes to what API answers hold; never nil.
func Custom(attributes map[string]Value) map[string]any {
	out := make(map[string]any, len(attributes))
	for name, v := range attributes {
		out[name] = v.JSON()
	}
	return out
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

// importedAttributes reads the custom attributes of a customer's record.
func importedAttributes(record table.Attrs) map[string]Value {
	text := record.Str(store.FieldAttr("custom_attributes"))
	if text == "" {
		return nil
	}
	raw := map[string]any{}
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	_ = in.Decode(&raw) // as billing.ParseAttributes has written it
	all := make(map[string]Value, len(raw))
	for name, v := range raw {
		text, _ := rawText(v)
		all[name] = Value{Type: typeOf(v), Text: text}
	}
	return all
}

// Set gives custom attributes values, whose types replace the types that the attributes have (POST
// in the API).
func (c Customer) Set(values map[string]Value) *Change {
	return c.changeAttributes(func(now map[string]Value) error {
		maps.Copy(now, values)
		return nil
	})
}

// Untyped is a value that was sent without a type.
type Untyped struct {
	Value  any // string, bool, json.Number, float64 or int64
	Source string
	Type   Type // for a new attribute; if empty, it follows from Value
}

// Put gives custom attributes values that were sent without a type (PUT in the API). An attribute
// keeps the type that it has.
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

// Remove removes custom attributes. One that the customer lacks is not an error.
func (c Customer) Remove(names ...string) *Change {
	return c.changeAttributes(func(now map[string]Value) error {
		for _, n := range names {
			delete(now, n)
		}
		return nil
	})
}

func (c Customer) changeAttributes(change func(map[string]Value) error) *Change {
	ch := &Change{target: c.target(store.EditAttributes)}
	ch.show = func(e *Edits) { e.Attributes = ch.Attributes }
	ch.apply = func(_ *Edit, was table.Attrs, b *table.Builder) (bool, []table.Write, error) {
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
