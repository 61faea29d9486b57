package dynamojson

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Decoder reads one answer of the service. Items and keys that it returns share no memory with the
// input.
type Decoder struct {
	scanner
	build *table.Builder
	attrs []attr
	order []int  // indices of attrs by name: cheaper to move than the attributes
	arena []byte // values that are not stored as they are in the input
	pk    string // of the last item, to be used again: all items of a range have the same
}

// attr is an attribute of the item being read.
type attr struct {
	name  []byte
	value table.Value
}

// NewDecoder returns a Decoder of input, which must not change while it is read.
func NewDecoder(input []byte) *Decoder {
	return &Decoder{scanner: scanner{in: input}, build: table.NewBuilder()}
}

// Item reads an item. If it holds anything that Reseed does not write, the error is store_foreign.
func (d *Decoder) Item() (it table.Item, err error) {
	it.Key, err = d.read(true)
	if err != nil {
		return it, err
	}
	d.build.Reset()
	var last []byte
	for _, i := range d.order {
		a := &d.attrs[i]
		if bytes.Equal(last, a.name) {
			return it, d.malformed()
		}
		d.build.Raw(string(a.name), a.value)
		last = a.name
	}
	it.Attrs = d.build.Attrs()
	return it, nil
}

// Key reads the key of an item and skips its other attributes.
func (d *Decoder) Key() (table.Key, error) { return d.read(false) }

// read reads an item and returns its key. If wanted, it leaves the attributes in d.attrs and their
// order in d.order.
func (d *Decoder) read(wanted bool) (table.Key, error) {
	var pk, sk []byte
	d.attrs, d.order, d.arena = d.attrs[:0], d.order[:0], d.arena[:0]
	err := d.members(func(name []byte) (err error) {
		switch string(name) {
		case table.AttrPK:
			pk, err = d.keyPart()
		case table.AttrSK:
			sk, err = d.keyPart()
		default:
			if !wanted {
				return d.Skip()
			}
			var v table.Value
			v, err = d.value()
			d.insert(attr{name, v})
		}
		return err
	})
	if err == nil && (pk == nil || sk == nil) {
		err = foreign()
	}
	if err != nil {
		return table.Key{}, err
	}
	if d.pk != string(pk) {
		d.pk = string(pk)
	}
	return table.Key{PK: d.pk, SK: string(sk)}, nil
}

// insert adds an attribute at its place in d.order. The service sends attributes in any order; an
// item has few.
func (d *Decoder) insert(a attr) {
	d.attrs = append(d.attrs, a)
	d.order = append(d.order, len(d.order))
	for i := len(d.order) - 1; i > 0 && bytes.Compare(d.attrs[d.order[i-1]].name, a.name) > 0; i-- {
		d.order[i-1], d.order[i] = d.order[i], d.order[i-1]
	}
}

func (d *Decoder) keyPart() ([]byte, error) {
	v, err := d.value()
	if err == nil && v.Type != table.String {
		err = foreign()
	}
	return v.Raw, err
}

// value reads an attribute's value, an object of one member.
func (d *Decoder) value() (v table.Value, err error) {
	if err = d.expect('{'); err != nil {
		return v, err
	}
	name, err := d.name()
	if err != nil {
		return v, err
	}
	switch string(name) {
	case "S":
		v.Type = table.String
		v.Raw, err = d.text()
	case "N":
		v, err = d.number()
	case "BOOL":
		v, err = d.boolean()
	case "B":
		v, err = d.blob()
	case "L":
		v, err = d.list()
	default:
		err = foreign()
	}
	if err == nil {
		err = d.expect('}')
	}
	return v, err
}

func (d *Decoder) number() (table.Value, error) {
	text, err := d.text()
	if err != nil {
		return table.Value{}, err
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return table.Value{}, foreign()
	}
	from := len(d.arena)
	d.arena = binary.BigEndian.AppendUint64(d.arena, uint64(n)) //nolint:gosec // two's complement both ways
	return table.Value{Type: table.Int, Raw: d.arena[from:]}, nil
}

func (d *Decoder) boolean() (table.Value, error) {
	switch {
	case d.literal("true"):
		return table.BoolValue(true), nil
	case d.literal("false"):
		return table.BoolValue(false), nil
	}
	return table.Value{}, d.malformed()
}

func (d *Decoder) blob() (table.Value, error) {
	text, err := d.text()
	if err != nil {
		return table.Value{}, err
	}
	from := len(d.arena)
	d.arena, err = base64.StdEncoding.AppendDecode(d.arena, text)
	if err != nil {
		return table.Value{}, d.malformed()
	}
	return table.Value{Type: table.Bytes, Raw: d.arena[from:]}, nil
}

func (d *Decoder) list() (table.Value, error) {
	var texts []string
	err := d.Array(func() error {
		v, err := d.value()
		if err == nil && v.Type != table.String {
			err = foreign()
		}
		texts = append(texts, v.Str())
		return err
	})
	return table.ListValue(texts), err
}

func foreign() error {
	return fault.New(fault.Internal, "store_foreign", "the table holds an item that Reseed did not write")
}
