package records

import (
	"encoding/json"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/source"
)

// A rejects file is NDJSON, too: each line as it was, with the member _reject after the others. A
// line that is not a JSON object is stored as a text, in the member _line. People can correct the
// file and import it as it is.

// note is the member _reject.
type note struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Field  string `json:"field,omitempty"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Object string `json:"object,omitempty"` // of what a pull has written: id in the billing system
}

// AppendReject appends the line with the reason why it was rejected.
func (r *rows) AppendReject(dst []byte, why source.Reject) []byte {
	switch r.parse(); {
	case why.Blank:
		dst = r.appendBlank(dst)
	case r.isObject():
		dst = r.appendObject(dst)
	default:
		dst = append(dst, `{"`+memberLine+`":`...)
		dst = append(dst, r.json(strings.ToValidUTF8(string(r.line.raw), "\ufffd"))...)
	}
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, `"`+memberReject+`":`...)
	field := why.Column
	if f, err := r.fieldsOf(r.dataset); err == nil && why.Code != billing.CodeUnknownField {
		field = f.Name(field)
	}
	dst = append(dst, r.json(note{why.File, why.Line, field, why.Code, why.Reason, r.objectOf()})...)
	return append(dst, "}\n"...)
}

// appendBlank appends a line of this dataset without fields, up to its closing brace.
func (r *rows) appendBlank(dst []byte) []byte {
	if r.dataset == "" {
		return append(dst, '{')
	}
	return append(dst, `{"`+memberDataset+`":"`+string(r.dataset)+`"`...)
}

// isObject tells whether the line could be parsed, whatever else is wrong with it.
func (r *rows) isObject() bool {
	return r.problem == nil || r.problem.Column == memberDataset || r.problem.Column == memberLine
}

// appendObject appends the line up to its closing brace, without the _reject of an earlier rejects
// file.
func (r *rows) appendObject(dst []byte) []byte {
	text := r.object.text
	if !slices.ContainsFunc(r.object.members, func(m member) bool { return m.name == memberReject }) {
		return append(dst, strings.TrimRight(text[:strings.LastIndexByte(text, '}')], " \t\r")...)
	}
	dst = append(dst, '{')
	for _, m := range r.object.members {
		if m.name == memberReject {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, text[m.from:m.to]...)
	}
	return dst
}

// json spells a value. The result is valid until the next call.
func (r *rows) json(v any) []byte {
	r.note.Reset()
	enc := json.NewEncoder(&r.note)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // texts and numbers, into memory
	return r.note.Bytes()[:r.note.Len()-1]
}
