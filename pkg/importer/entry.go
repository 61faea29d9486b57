package importer

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
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
		return entry{}, errDamaged()
	}
	e := entry{key: key, kind: entryKind(b[0] >> 1), natural: b[0]&1 == 1}
	b = b[1:]
	var n [4]int64
	for i := range n {
		v, w := binary.Uvarint(b)
		if w <= 0 {
			return entry{}, errDamaged()
		}
		n[i], b = int64(v), b[w:] //nolint:gosec // written from int64
	}
	e.place, e.body = place{int(n[0]), n[1], n[2], n[3]}, b
	return e, nil
}

// batch collects entries in memory, encoded one after the other, and sorts them.
type batch struct {
	mem  []byte
	refs []ref
}

// ref says where an entry of a batch is, and holds what it is sorted by. Most comparisons end with
// lead.
type ref struct {
	lead    uint64 // first bytes of the key, see lead
	offset  int64  // of the row in its file
	file    int32
	at, key uint32 // offset of the entry in mem, and length of its key
	end     uint32
}

func (b *batch) add(e *entry) {
	at := b.begin(e)
	b.mem = append(b.mem, e.body...)
	b.end(e, at)
}

// begin adds an entry up to its body, which the caller appends to mem; end completes the entry.
func (b *batch) begin(e *entry) (at int) {
	at = len(b.mem)
	b.mem = append(b.mem, e.key...)
	b.mem = appendHead(b.mem, e)
	return at
}

func (b *batch) end(e *entry, at int) {
	b.refs = append(b.refs, ref{
		lead: lead(e.key), offset: e.place.offset, file: int32(e.place.file), //nolint:gosec // an import has few files
		at: uint32(at), key: uint32(len(e.key)), end: uint32(len(b.mem)), //nolint:gosec // a batch holds one piece
	})
}

// lead is the first byte of a key and the seven after the "#", which follows that byte in all keys
// of a batch.
func lead(key string) uint64 {
	if len(key) < 9 {
		return 0
	}
	return uint64(key[0])<<56 | uint64(key[2])<<48 | uint64(key[3])<<40 | uint64(key[4])<<32 |
		uint64(key[5])<<24 | uint64(key[6])<<16 | uint64(key[7])<<8 | uint64(key[8])
}

// sort sorts the entries. Entries of the same row must have been added in their final order.
func (b *batch) sort() {
	slices.SortFunc(b.refs, func(x, y ref) int {
		if x.lead != y.lead {
			return cmp.Compare(x.lead, y.lead)
		}
		kx, ky := b.mem[x.at:x.at+x.key], b.mem[y.at:y.at+y.key]
		return cmp.Or(strings.Compare(string(kx), string(ky)), cmp.Compare(x.file, y.file), cmp.Compare(x.offset, y.offset), cmp.Compare(x.at, y.at))
	})
}

// write writes the entries as a run.
func (b *batch) write(w io.Writer) error {
	out := &blockWriter{w: w}
	for _, r := range b.refs {
		if err := out.frame(b.mem[r.at:r.at+r.key], b.mem[r.at+r.key:r.end]); err != nil {
			return err
		}
	}
	return out.flush()
}

// runReader reads the entries of one run in order.
type runReader struct {
	blocks *blockReader
	closer io.Closer
	lead   uint64
	cur    entry
}

// next reads the next entry into cur; io.EOF after the last one.
func (rr *runReader) next() error {
	key, payload, err := rr.blocks.next()
	if err != nil {
		return err
	}
	rr.lead = lead(key)
	rr.cur, err = decodeEntry(key, payload)
	return err
}

func (rr *runReader) before(o *runReader) bool {
	if rr.lead != o.lead {
		return rr.lead < o.lead
	}
	return rr.cur.compare(&o.cur) < 0
}

// merger merges sorted runs: a heap of readers.
type merger struct{ runs []*runReader }

func newMerger(readers []io.ReadCloser) (*merger, error) {
	m := &merger{}
	for i, r := range readers {
		rr := &runReader{blocks: newBlockReader(r), closer: r}
		switch err := rr.next(); {
		case errors.Is(err, io.EOF):
			_ = r.Close()
		case err != nil:
			for _, rest := range readers[i:] {
				_ = rest.Close()
			}
			m.close()
			return nil, err
		default:
			m.runs = append(m.runs, rr)
		}
	}
	for i := len(m.runs)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m, nil
}

func (m *merger) down(i int) {
	for {
		least := i
		for _, c := range [...]int{2*i + 1, 2*i + 2} {
			if c < len(m.runs) && m.runs[c].before(m.runs[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		m.runs[i], m.runs[least] = m.runs[least], m.runs[i]
		i = least
	}
}

// next returns the smallest entry that is left; io.EOF after the last one.
func (m *merger) next() (entry, error) {
	if len(m.runs) == 0 {
		return entry{}, io.EOF
	}
	top := m.runs[0]
	e := top.cur
	switch err := top.next(); {
	case errors.Is(err, io.EOF):
		_ = top.closer.Close()
		last := len(m.runs) - 1
		m.runs[0] = m.runs[last]
		m.runs = m.runs[:last]
	case err != nil:
		return entry{}, err
	}
	m.down(0)
	return e, nil
}

func (m *merger) close() {
	for _, r := range m.runs {
		_ = r.closer.Close()
	}
	m.runs = nil
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
			return r, errDamaged()
		}
		*s, b = string(b[w:w+int(n)]), b[w+int(n):] //nolint:gosec // at most len(b)
	}
	return r, nil
}
