package edit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// PartKind is what a [Part] is.
type PartKind string

// The kinds of parts.
const (
	PartTag       PartKind = "tag"
	PartAttribute PartKind = "attribute"
	PartField     PartKind = "field"
	PartDisabled  PartKind = "disabled"
	PartDeleted   PartKind = "deleted"
	PartMerge     PartKind = "merge"
)

// Part is one thing that people have done to a record, such as one tag. Exports write the parts of
// edits, and imports add those that a record lacks.
type Part struct {
	Mark // of a tag or attribute: of the edit that it stands in

	Kind  PartKind
	Name  string // the tag; the name of the attribute; the stored attribute of the field
	Value Value  // of an attribute
	Field Field  // of a field; its mark is Mark
	// Of a merge: which customer is merged into which, and its place among those that are merged into
	// the same one, from 1.
	Child, Parent Ref
	Place         int64
}

// What is the end of the sort key of the edit that holds the part.
func (p Part) What() string {
	switch p.Kind {
	case PartTag:
		return store.EditTags
	case PartAttribute:
		return store.EditAttributes
	case PartMerge:
		return store.EditMerge
	case PartField, PartDisabled, PartDeleted:
	}
	return store.EditFields
}

// About tells whether two parts of one edit are about the same: the same tag, attribute or field.
func (p Part) About(o Part) bool { return p.Kind == o.Kind && p.Name == o.Name }

// Same compares two parts for which [Part.About] is true: it tells whether they hold the same value.
// Who made them, and when, does not count.
func (p Part) Same(o Part) bool {
	return p.Value == o.Value && p.Field.same(o.Field) && p.Child == o.Child && p.Parent == o.Parent
}

// PartsOf lists the parts of a stored edit other than a merge, tags in their order and the others by
// their names. what is the end of its sort key.
func PartsOf(what string, stored table.Attrs) (list []Part, err error) {
	at, _ := stored.Int(store.AttrUpdated)
	whole := Mark{stored.Str(store.AttrBy), at}
	switch what {
	case store.EditTags:
		for _, t := range readTags(stored) {
			list = append(list, Part{Kind: PartTag, Name: t, Mark: whole})
		}
	case store.EditAttributes:
		all, err := readAttributes(stored)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			list = append(list, Part{Kind: PartAttribute, Name: name, Value: all[name], Mark: whole})
		}
	case store.EditFields:
		row, err := readRow(stored)
		return row.parts(), err
	}
	return list, nil
}

func (r Row) parts() (list []Part) {
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		f := r.Fields[name]
		list = append(list, Part{Kind: PartField, Name: name, Field: f, Mark: f.Mark})
	}
	if r.Disabled != nil {
		list = append(list, Part{Kind: PartDisabled, Mark: *r.Disabled})
	}
	if r.Deleted != nil {
		list = append(list, Part{Kind: PartDeleted, Mark: *r.Deleted})
	}
	return list
}

// Names of the attributes in which change sets hold a part. They can never change.
const (
	attrValue  = "value"
	attrType   = "type"
	attrSource = "source"
	AttrChild  = "child"
	AttrParent = "parent"
	attrPlace  = "place"
	attrPartBy = "by"
	attrPartAt = "at"
)

// Attrs spells the part as attributes, see [ReadPart].
func (p Part) Attrs() table.Attrs {
	b := table.NewBuilder().Str(attrPartBy, p.By).IntAlways(attrPartAt, p.At)
	switch p.Kind {
	case PartTag:
		b.Str(string(p.Kind), p.Name)
	case PartAttribute:
		b.Str(string(p.Kind), p.Name).Str(attrType, string(p.Value.Type)).Str(attrValue, p.Value.Text).Str(attrSource, p.Value.Source)
	case PartField:
		b.Str(string(p.Kind), p.Name)
		p.Field.addTo(b, attrValue)
	case PartDisabled, PartDeleted:
		b.Bool(string(p.Kind), true)
	case PartMerge:
		b.Bool(string(p.Kind), true).Str(AttrChild, p.Child.text()).Str(AttrParent, p.Parent.text()).Int(attrPlace, p.Place)
	}
	return b.Attrs()
}

// ReadPart reads what [Part.Attrs] spelled.
func ReadPart(a table.Attrs) (Part, error) {
	p := Part{Mark: Mark{a.Str(attrPartBy), a.Num(attrPartAt)}}
	for _, kind := range []PartKind{PartTag, PartAttribute, PartField, PartDisabled, PartDeleted, PartMerge} {
		if v, ok := a.Get(string(kind)); ok {
			p.Kind, p.Name = kind, v.Str()
		}
	}
	var ok [2]bool
	switch p.Kind {
	case PartAttribute:
		p.Value = Value{Type(a.Str(attrType)), a.Str(attrValue), a.Str(attrSource)}
	case PartField:
		p.Field = Field{Mark: p.Mark}
		if v, given := a.Get(attrValue); given {
			p.Field = fieldOf(v, p.Mark)
		}
	case PartMerge:
		p.Name, p.Place = "", a.Num(attrPlace)
		p.Child, ok[0] = ParseRef(a.Str(AttrChild))
		p.Parent, ok[1] = ParseRef(a.Str(AttrParent))
		if !ok[0] || !ok[1] {
			p.Kind = ""
		}
	case PartDisabled, PartDeleted:
		p.Name = ""
	case PartTag:
	}
	if p.Kind == "" {
		return p, fault.New(fault.Internal, "edit", "an edit in a change set cannot be read")
	}
	return p, nil
}

func (r Ref) text() string { return fmt.Sprintf("%05x.%s", uint32(r.Tag), r.H) }

// ParseRef reads what change sets call a customer: its tag and identity.
func ParseRef(s string) (Ref, bool) {
	tag, h, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(tag, 16, 32)
	id, ok := store.ParseH(h)
	return Ref{store.Tag(n), id}, err == nil && ok
}

// Line spells the part as a line of a file: an edit of the record rec, which is of a kind. The
// partner of a merge is missing.
func (p Part) Line(k *store.RecordKind, rec billing.Record) (*billing.Edit, error) {
	e := &billing.Edit{Of: k.Dataset, Record: store.Identifying(rec), By: p.By, At: p.Time()}
	switch p.Kind {
	case PartTag:
		e.Tag = p.Name
	case PartAttribute:
		e.Attribute, e.ValueType, e.ValueSource = p.Name, string(p.Value.Type), p.Value.Source
		e.Value = billing.EditValue{Type: billing.Text, Text: p.Value.Text}
		switch p.Value.Type {
		case Integer, Decimal:
			e.Value.Type = billing.Number
		case Boolean:
			e.Value.Type = billing.Truth
		case String, Timestamp:
		}
	case PartField:
		e.Field = store.AttrField(k.Dataset, p.Name)
		return e, p.spellField(e, k)
	case PartDisabled:
		e.Disabled = true
	case PartDeleted:
		e.Deleted = true
	case PartMerge:
		e.Place = p.Place
	}
	return e, nil
}

func (p Part) spellField(e *billing.Edit, k *store.RecordKind) error {
	if p.Field.Str != nil && isFreeText(e) {
		e.Value = billing.EditValue{Type: billing.Text, Text: *p.Field.Str}
		return nil
	}
	b := table.NewBuilder()
	p.Field.addTo(b, p.Name)
	s, err := billing.NewFieldSpeller(k.Dataset)
	if err == nil {
		e.Value = s.FieldValue(k.Decode(b.Attrs()), e.Field)
	}
	return err
}

// isFreeText tells whether the edited field holds any text: it is taken as it is then.
func isFreeText(e *billing.Edit) bool {
	return slices.ContainsFunc(billing.FieldsOf(e.Of), func(f billing.Field) bool {
		return f.Name == e.Field && (f.Is == "text" || f.Is == "note")
	})
}

// PartOf reads a line of a file. The customers of a merge are missing. The error is fault.Invalid.
func PartOf(e *billing.Edit) (Part, error) {
	p := Part{Mark: Mark{e.By, e.At.UnixMilli()}, Place: e.Place}
	switch {
	case e.Tag != "":
		p.Kind, p.Name = PartTag, strings.TrimSpace(e.Tag)
		return p, checkName("tag", p.Name)
	case e.Attribute != "":
		p.Kind, p.Name = PartAttribute, e.Attribute
		var err error
		if err = checkName("attribute", p.Name); err == nil {
			p.Value, err = valueOf(e)
		}
		return p, err
	case e.Field != "":
		p.Kind, p.Name = PartField, store.FieldAttr(e.Field)
		p.Field = p.fieldOf(e)
	case e.Disabled:
		p.Kind = PartDisabled
	case e.Deleted:
		p.Kind = PartDeleted
	default:
		p.Kind = PartMerge
	}
	return p, nil
}

func (p Part) fieldOf(e *billing.Edit) Field {
	if e.Given == nil || e.Value.Text == "" {
		return Field{Mark: p.Mark}
	}
	if isFreeText(e) {
		text := strings.Clone(e.Value.Text)
		return Field{Mark: p.Mark, Str: &text}
	}
	if v, given := table.Attrs(store.AppendRecord(nil, e.Given)).Get(p.Name); given {
		return fieldOf(v, p.Mark)
	}
	return Field{Mark: p.Mark}
}

func valueOf(e *billing.Edit) (Value, error) {
	typ, err := ParseType(e.ValueType)
	if err != nil {
		return Value{}, err
	}
	var raw any
	switch e.Value.Type {
	case billing.Text:
		raw = e.Value.Text
	case billing.Number:
		raw = json.Number(e.Value.Text)
	case billing.Truth:
		raw = e.Value.Text == "true"
	case billing.Null, billing.List, billing.Object, billing.Any:
	}
	return NewValue(typ, raw, e.ValueSource)
}

// Restore returns the change that adds parts to an edit. Where the edit has a part about the same
// already, that one stays. An edit that is there keeps its author and time; a new one gets those of
// the latest of the parts. The parts must belong to one edit, and none may be a merge.
func (r Record) Restore(parts []Part) *Change {
	return r.reshape(parts, func(now []Part) []Part {
		for _, p := range parts {
			if !slices.ContainsFunc(now, p.About) {
				now = append(now, p)
			}
		}
		return now
	})
}

// TakeBack returns the change that takes parts away from an edit, if they are as they were added.
func (r Record) TakeBack(parts []Part) *Change {
	return r.reshape(parts, func(now []Part) []Part {
		return slices.DeleteFunc(now, func(is Part) bool { return slices.ContainsFunc(parts, is.as) })
	})
}

// as tells whether a part is still what an import has added. Tags and attributes are compared without
// author and time: they have none of their own, and show those of the edit that they stand in.
func (p Part) as(added Part) bool {
	if !p.About(added) || !p.Same(added) {
		return false
	}
	return p.What() != store.EditFields || p.Mark == added.Mark
}

// Stays tells, of the parts of an edit, whether one about the same is there, and whether it is as it
// was added.
func (p Part) Stays(now []Part) (there, as bool) {
	i := slices.IndexFunc(now, p.About)
	return i >= 0, i >= 0 && now[i].as(p)
}

// reshape changes the parts of one edit.
func (r Record) reshape(of []Part, change func([]Part) []Part) *Change {
	what := of[0].What()
	t := r.target()
	t.key.SK = r.Key.SK + what
	last := slices.MaxFunc(of, func(a, b Part) int { return cmp.Compare(a.At, b.At) })
	t.restored = &last.Mark
	ch := &Change{target: t}
	switch what {
	case store.EditTags, store.EditAttributes:
		ch.target.removePointer = nil
		ch.apply = func(_ *Edit, was table.Attrs, b *table.Builder) (bool, []table.Write, error) {
			now, err := PartsOf(what, was)
			if err != nil {
				return false, nil, err
			}
			now = change(now)
			return len(now) > 0, nil, addParts(b, what, now)
		}
	default:
		r.applyRow(ch, func(row *Row, _ Mark) {
			now := change(row.parts())
			*row = Row{Owner: row.Owner}
			for _, p := range now {
				row.take(p)
			}
		})
	}
	return ch
}

// addParts adds what a stored edit of tags or attributes holds.
func addParts(b *table.Builder, what string, parts []Part) error {
	if what == store.EditTags {
		var tags []string
		for _, p := range parts {
			tags = append(tags, p.Name)
		}
		b.List(attrTags, tags)
		return nil
	}
	all := map[string]Value{}
	for _, p := range parts {
		all[p.Name] = p.Value
	}
	body, err := json.Marshal(all) // sorted by name
	if err != nil {
		return fault.Wrap(err, fault.Internal, "edit", "write custom attributes")
	}
	b.Bytes(attrCustom, body)
	return nil
}

func (r *Row) take(p Part) {
	switch p.Kind {
	case PartField:
		if r.Fields == nil {
			r.Fields = map[string]Field{}
		}
		f := p.Field
		f.Mark = p.Mark
		r.Fields[p.Name] = f
	case PartDisabled:
		r.Disabled = &p.Mark
	case PartDeleted:
		r.Deleted = &p.Mark
	case PartTag, PartAttribute, PartMerge:
	}
}

// Room tells whether an edit may have so many parts.
func Room(kind PartKind, n int) bool {
	switch kind {
	case PartTag:
		return n <= MaxTags
	case PartAttribute:
		return n <= MaxAttributes
	case PartField, PartDisabled, PartDeleted, PartMerge:
	}
	return true
}
