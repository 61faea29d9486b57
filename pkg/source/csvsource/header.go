package csvsource

import (
	"bytes"
	"fmt"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

// Files that were joined end to end have header rows between their rows. A row that is the header
// once more is skipped. A header row of another kind, or with its columns in another order, cannot
// be: the rows behind it would be read under the wrong columns.

// headings finds records that may be header rows by the name of their first column, at the price
// of a look at four bytes for most others.
type headings struct {
	names  map[string]bool // in small letters, see small
	begins [1 << 12]bool   // by the hash of the first four bytes of a name
	short  [256]bool       // by the first byte of a name that has fewer
}

// longestName is the length of the longest name that headings finds, in bytes.
const longestName = 64

func newHeadings(header []string) *headings {
	h := &headings{names: map[string]bool{}}
	for _, name := range append(billing.AllColumns(), header...) {
		if name == "" || len(name) > longestName {
			continue
		}
		key := small(nil, []byte(name))
		h.names[string(key)] = true
		if len(key) < 4 {
			h.short[key[0]] = true
		} else {
			h.begins[hash(key)] = true
		}
	}
	return h
}

// small appends text in small letters: those of ASCII. It changes some signs, too, but always to the
// same ones.
func small(dst, text []byte) []byte {
	for _, b := range text {
		dst = append(dst, b|0x20)
	}
	return dst
}

// hash hashes the first four bytes of a text as [small] writes them.
func hash(text []byte) uint32 {
	first := uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
	return (first | 0x20202020) * 2654435761 >> 20
}

// found reports whether the first cell of a record is the name of a column.
func (h *headings) found(text []byte, comma byte) bool {
	if len(text) > 0 && (text[0] == utf8BOM[0] || isSpace(text[0], comma)) {
		text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte(utf8BOM)), " \t")
	}
	if len(text) > 0 && text[0] == '"' {
		text = text[1:]
	}
	if len(text) == 0 || !h.short[text[0]|0x20] && (len(text) < 4 || !h.begins[hash(text)]) {
		return false
	}
	end := 0
	for end < len(text) && end <= longestName && text[end] != comma && text[end] != '"' {
		end++
	}
	var key [longestName + 1]byte
	return h.names[string(small(key[:0], bytes.TrimRight(text[:end], " \t")))]
}

// repeatsHeader reports whether the record that was split is the header row once more.
func (r *Reader) repeatsHeader() bool {
	cells, want := r.split.fields, len(r.header)
	if len(cells) < want {
		return false
	}
	for i, name := range r.header {
		if !sameName(cells[i], name) {
			return false
		}
	}
	return allBlank(cells[want:])
}

func sameName(cell, name string) bool {
	if cell != "" && name != "" && cell[0] > ' ' && cell[0] < utf8BOM[0] && cell[0]|0x20 != name[0]|0x20 {
		return false // the usual row
	}
	return strings.EqualFold(strings.TrimSpace(cell), name)
}

// ofAnotherFile reports whether the record that was split is a header row, and not that of this
// file: it has required columns of a dataset, or this file's columns.
func (r *Reader) ofAnotherFile() bool {
	seen := map[string]bool{}
	for _, cell := range r.split.fields {
		name := strings.TrimSpace(cell)
		if name == "" {
			continue
		}
		known := false
		for _, h := range r.header {
			known = known || strings.EqualFold(h, name)
		}
		if !known || seen[strings.ToLower(name)] {
			return billing.LooksLikeHeader(r.split.fields)
		}
		seen[strings.ToLower(name)] = true
	}
	return len(seen) > 1
}

// repeats are header rows between the rows of a file.
type repeats struct {
	first int64 // line of the first one; 0: there is none
	more  int   // how many there are besides
}

// meet looks at a record that may be a header row. The error is fault.Invalid (joined_files) if it is
// the header row of another file.
func (r *Reader) meet(rec *record) error {
	switch r.split.split(rec, r.scan.content(rec)); {
	case r.repeatsHeader():
		if r.repeats.first == 0 {
			r.repeats.first = rec.line
		} else {
			r.repeats.more++
		}
	case r.ofAnotherFile():
		return fault.Newf(fault.Invalid, "joined_files",
			"line %d is the header row of another file, whose columns are not those of the first row: files of two kinds seem to be joined end to end. Import them one by one", rec.line)
	}
	return nil
}

// notes says how often the header row stands again.
func (r repeats) notes() []string {
	switch {
	case r.first == 0:
		return nil
	case r.more == 0:
		return []string{fmt.Sprintf("the header row stands again on line %d; it was skipped", r.first)}
	}
	return []string{fmt.Sprintf("the header row stands again on line %d (and %d more); these rows were skipped", r.first, r.more)}
}
