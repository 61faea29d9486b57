package system

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// CodeTooLarge is the code of the issue about an object that was cut, and so could not be mapped.
const CodeTooLarge = "object_too_large"

// cutMark is how an object begins that was cut. No system has such a field.
const cutMark = `{"reseed_cut":true`

// Cut makes a raw object fit into so many bytes: false stands in place of its longest fields, which is what none of them can be. So what
// names the object and its customer is still there, and mappings refuse the object, if one of these fields counts. Of what is no
// object, or has too many fields, nothing is left.
func Cut(o []byte, most int) []byte {
	fields, ok := apart(o)
	size := len(cutMark) + len("}")
	for _, f := range fields {
		size += f.size()
	}
	longest := make([]*field, len(fields))
	for i := range fields {
		longest[i] = &fields[i]
	}
	slices.SortStableFunc(longest, func(a, b *field) int { return cmp.Compare(len(b.value), len(a.value)) })
	for _, f := range longest {
		if size <= most {
			break
		}
		size -= f.size()
		f.value = []byte("false")
		size += f.size()
	}
	out := []byte(cutMark)
	if ok && size <= most {
		for _, f := range fields {
			out = append(append(append(append(out, ','), f.name...), ':'), f.value...)
		}
	}
	return append(out, '}')
}

// WasCut reports whether an object is what [Cut] has made.
func WasCut(o []byte) bool { return bytes.HasPrefix(o, []byte(cutMark)) }

// Misfit is the issue about an object that is not as its system writes it: if it was cut, the issue says so.
func Misfit(o []byte, i Issue) Issue {
	i.Rejects = true
	if WasCut(o) {
		i.Code, i.Message = CodeTooLarge, "The object is larger than 4 MB, which is the most that Reseed reads of one. What is stored of it stays as it is."
	}
	return i
}

// field is a field of a raw object, as it is written.
type field struct{ name, value []byte }

func (f field) size() int { return len(`,:`) + len(f.name) + len(f.value) }

// apart takes an object apart.
func apart(o []byte) (all []field, ok bool) {
	d := jsontext.NewDecoder(bytes.NewReader(o), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if begin, err := d.ReadToken(); err != nil || begin.Kind() != jsontext.KindBeginObject {
		return nil, false
	}
	for d.PeekKind() == jsontext.KindString {
		name, err := d.ReadValue()
		name = slices.Clone(name) // it is valid until the next one is read
		value, err2 := d.ReadValue()
		if err != nil || err2 != nil {
			return nil, false
		}
		all = append(all, field{name, slices.Clone(value)})
	}
	return all, true
}
