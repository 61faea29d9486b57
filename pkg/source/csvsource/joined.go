package csvsource

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

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
	other  [256]bool       // by the first byte, of what begins has not: shorter names, and what may stand before a name
}

// longestName is the length of the longest name that headings finds, in bytes.
const longestName = 64

// newHeadings makes headings of the columns of a header row and those of all datasets.
func newHeadings(header []string) *headings {
	h := *known()
	h.names = maps.Clone(h.names)
	for _, name := range header {
		h.add(name)
	}
	return &h
}

//nolint:gochecknoglobals // made once, of constants
var known = sync.OnceValue(func() *headings {
	h := &headings{names: map[string]bool{}}
	for _, before := range []byte{utf8BOM[0], endMark, ' ', '\t'} {
		h.other[before|0x20] = true
	}
	for _, name := range billing.AllColumns() {
		h.add(name)
	}
	return h
})

// add adds a name in its usual spellings.
func (h *headings) add(name string) {
	if name == "" || len(name) > longestName {
		return
	}
	for _, space := range []string{" ", "_", ""} {
		key := small(nil, []byte(strings.ReplaceAll(name, " ", space)))
		h.names[string(key)] = true
		if len(key) < 4 {
			h.other[key[0]] = true
		} else {
			h.begins[hash(key)] = true
		}
	}
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
	return (binary.LittleEndian.Uint32(text) | 0x20202020) * 2654435761 >> 20
}

// maybe reports whether found has to look at a record.
func (h *headings) maybe(text []byte) bool {
	if len(text) > 4 && text[0] == '"' {
		text = text[1:]
	}
	return len(text) < 4 || h.begins[hash(text)] || h.other[text[0]|0x20]
}

// found reports whether the first cell of a record is the name of a column.
func (h *headings) found(text []byte, comma byte) bool {
	text = bytes.TrimLeft(text[marks(text):], " \t")
	text = bytes.TrimPrefix(text, []byte(`"`))
	if len(text) == 0 || !h.maybe(text) {
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
		if !strings.EqualFold(strings.TrimSpace(cells[i]), name) {
			return false
		}
	}
	return allBlank(cells[want:])
}

// ofAnotherFile reports whether the record that was split is a header row, and not that of this
// file: its cells are columns of a dataset, or this file's columns.
func (r *Reader) ofAnotherFile() bool {
	names := withoutRejectColumns(trimmed(r.split.fields))
	seen := map[string]bool{}
	for _, name := range names {
		if name == "" {
			continue
		}
		own := slices.ContainsFunc(r.header, func(h string) bool { return strings.EqualFold(h, name) })
		if !own || seen[strings.ToLower(name)] {
			return billing.LooksLikeHeader(names)
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
