package importer

import (
	"cmp"
	"encoding/binary"
	"strings"

	"reseed/pkg/blocks"
)

// place is the position of a row in the input.
type place struct {
	file   int   // index of the file in the job
	line   int64 // 1-based physical line
	offset int64 // bytes
	length int64 // bytes, with the line end
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.file, o.file), cmp.Compare(p.offset, o.offset))
}

// entryKind says what an entry is. A finding sorts before the record that it is about.
type entryKind byte

const (
	finding entryKind = iota // what resolve found out about the record that follows
	record                   // an accepted row: body is the content of its item
	lookup                   // a question about another key: body is the sort key of the row that asks
	reject                   // a rejected row: body is an encoded rejection
	lost                     // the key of the record of a rejected row
	present                  // where the record of a rejected row is stored, if it is; of a look-up: where its pointer is
)

// entry is one frame of a run. Runs are sorted by key, place and kind, so that rows of the same key
// meet, whichever pieces they come from.
type entry struct {
	key   string // sort key in the table; empty for rejects
	place place
	kind  entryKind
	// natural marks a row without an external id. Its key holds the identity of the first of
	// several equal rows; merge numbers the others.
	natural bool
	body    []byte
}

func (e *entry) compare(o *entry) int {
	return cmp.Or(strings.Compare(e.key, o.key), e.place.compare(o.place), cmp.Compare(e.kind, o.kind))
}

// appendHead encodes an entry without its key and body.
func appendHead(b []byte, e *entry) []byte {
	flags := byte(e.kind) << 1
	if e.natural {
		flags |= 1
	}
	b = append(b, flags)
	for _, n := range [...]int64{int64(e.place.file), e.place.line, e.place.offset, e.place.length} {
		b = binary.AppendUvarint(b, uint64(n)) //nolint:gosec // never negative
	}
	return b
}

func decodeEntry(key string, b []byte) (entry, error) {
	if len(b) == 0 {
		return entry{}, blocks.ErrDamaged()
	}
	e := entry{key: key, kind: entryKind(b[0] >> 1), natural: b[0]&1 == 1}
	b = b[1:]
	var n [4]int64
	for i := range n {
		v, w := binary.Uvarint(b)
		if w <= 0 {
			return entry{}, blocks.ErrDamaged()
		}
		n[i], b = int64(v), b[w:] //nolint:gosec // written from int64
	}
	e.place, e.body = place{int(n[0]), n[1], n[2], n[3]}, b
	return e, nil
}

// rejection says why a row is rejected.
type rejection struct {
	dataset string
	column  string
	code    string
	message string
}

func (r rejection) encode() []byte { return r.append(nil) }

func (r rejection) append(b []byte) []byte {
	for _, s := range [...]string{r.dataset, r.column, r.code, r.message} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

func decodeRejection(b []byte) (r rejection, err error) {
	for _, s := range [...]*string{&r.dataset, &r.column, &r.code, &r.message} {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) { //nolint:gosec // w is at most len(b)
			return r, blocks.ErrDamaged()
		}
		*s, b = string(b[w:w+int(n)]), b[w+int(n):] //nolint:gosec // at most len(b)
	}
	return r, nil
}
