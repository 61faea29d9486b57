package importer

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"reseed/pkg/fault"
)

// place is where a row stands in the input.
type place struct {
	file   int   // index of the file in the job
	line   int64 // 1-based physical line
	offset int64 // bytes
	length int64 // bytes, line end included
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.file, o.file), cmp.Compare(p.offset, o.offset))
}

// entryKind says what an entry brings to its key. Findings sort before the
// record that they are about.
type entryKind byte

const (
	finding entryKind = iota // what a look-up found out about the record that follows
	record                   // an accepted row: body is the content of its item
	lookup                   // a question about another key: body names who asks
	reject                   // a row that is not taken in: body is an encoded rejection
)

// entry is one line of a run. Runs are sorted by key, place and kind, so equal
// keys meet wherever the rows came from.
type entry struct {
	key   string // a sort key of the table (for rejects: none)
	place place
	kind  entryKind
	// natural marks a row without an external id: equal ones get occurrence
	// numbers, and key holds the identity of the first.
	natural bool
	body    []byte
}

func (e *entry) compare(o *entry) int {
	return cmp.Or(cmp.Compare(e.key, o.key), e.place.compare(o.place), cmp.Compare(e.kind, o.kind))
}

// errRun is a run that does not read back: a defect or a damaged object.
var errRun = fault.New(fault.Internal, "damaged_run", "an intermediate file of this import cannot be read")

func appendEntry(b []byte, e *entry) []byte {
	flags := byte(e.kind) << 1
	if e.natural {
		flags |= 1
	}
	b = append(b, flags)
	b = appendText(b, e.key)
	for _, n := range [...]int64{int64(e.place.file), e.place.line, e.place.offset, e.place.length} {
		b = binary.AppendUvarint(b, uint64(n)) //nolint:gosec // never negative
	}
	b = binary.AppendUvarint(b, uint64(len(e.body)))
	return append(b, e.body...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// runReader reads the entries of one run in order.
type runReader struct {
	r      *bufio.Reader
	closer io.Closer
	cur    entry
}

func newRunReader(r io.ReadCloser) *runReader {
	return &runReader{r: bufio.NewReaderSize(r, 32<<10), closer: r}
}

// next reads the next entry into cur; io.EOF behind the last.
func (rr *runReader) next() error {
	flags, err := rr.r.ReadByte()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return fault.Wrap(err, fault.Unavailable, "damaged_run", errRun.Message)
	}
	key, err := rr.bytes()
	if err != nil {
		return err
	}
	var n [4]uint64
	for i := range n {
		if n[i], err = binary.ReadUvarint(rr.r); err != nil {
			return errRun
		}
	}
	body, err := rr.bytes()
	if err != nil {
		return err
	}
	rr.cur = entry{
		key: string(key), kind: entryKind(flags >> 1), natural: flags&1 == 1, body: body,
		place: place{int(n[0]), int64(n[1]), int64(n[2]), int64(n[3])}, //nolint:gosec // written from int64
	}
	return nil
}

// maxEntry bounds what one entry may claim to hold: a record is capped far below.
const maxEntry = 4 << 20

func (rr *runReader) bytes() ([]byte, error) {
	n, err := binary.ReadUvarint(rr.r)
	if err != nil || n > maxEntry {
		return nil, errRun
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(rr.r, b); err != nil {
		return nil, errRun
	}
	return b, nil
}

// batch collects entries in memory and sorts them.
type batch struct {
	entries []entry
	size    int
}

func (b *batch) add(e entry) {
	b.entries = append(b.entries, e)
	b.size += len(e.key) + len(e.body) + 80
}

func (b *batch) sort() {
	slices.SortFunc(b.entries, func(x, y entry) int { return x.compare(&y) })
}

// merger yields the entries of several sorted runs in one order: a heap of readers.
type merger struct{ runs []*runReader }

func newMerger(readers []io.ReadCloser) (*merger, error) {
	m := &merger{}
	for i, r := range readers {
		rr := newRunReader(r)
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
			if c < len(m.runs) && m.runs[c].cur.compare(&m.runs[least].cur) < 0 {
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

// next returns the smallest entry left; io.EOF when there is none.
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

// rejection is why a row is not taken in.
type rejection struct {
	dataset string
	column  string
	code    string
	message string
}

func (r rejection) encode() []byte {
	var b []byte
	for _, s := range [...]string{r.dataset, r.column, r.code, r.message} {
		b = appendText(b, s)
	}
	return b
}

func decodeRejection(b []byte) (r rejection, err error) {
	rr := &runReader{r: bufio.NewReader(bytes.NewReader(b))}
	for _, s := range [...]*string{&r.dataset, &r.column, &r.code, &r.message} {
		text, err := rr.bytes()
		if err != nil {
			return r, err
		}
		*s = string(text)
	}
	return r, nil
}
