package bundle

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"reseed/pkg/blocks"
	"reseed/pkg/fault"
	"reseed/pkg/objects"
	"reseed/pkg/source/system"
)

// runBytes is how much the sorters of a step hold together before they write their runs.
const runBytes = 16 << 20

// sorters collect entries of several kinds in one buffer, and write them as sorted runs, one or more of each kind.
type sorters struct {
	b   *Bundler
	mem []byte
	all []*sorter
}

// sorter collects entries of one kind.
type sorter struct {
	of   *sorters
	name string // of the runs, without a number
	n    int    // runs written
	refs []ref
}

// ref is where an entry of a sorter is: its key, and what follows it.
type ref struct{ at, key, end int }

func (b *Bundler) newSorters() *sorters {
	mem, ok := b.buffers.Get().(*[]byte)
	if !ok {
		mem = new(make([]byte, 0, runBytes+MostBytes))
	}
	return &sorters{b: b, mem: (*mem)[:0]}
}

// release gives the buffer back.
func (b *Bundler) release(s *sorters) { b.buffers.Put(&s.mem) }

func (s *sorters) sorter(name string) *sorter {
	one := &sorter{of: s, name: s.b.runs + name}
	s.all = append(s.all, one)
	return one
}

func (s *sorter) add(ctx context.Context, key string, parts ...[]byte) error {
	mem := s.of.mem
	r := ref{at: len(mem), key: len(mem) + len(key)}
	mem = append(mem, key...)
	for _, p := range parts {
		mem = append(mem, p...)
	}
	r.end = len(mem)
	s.of.mem, s.refs = mem, append(s.refs, r)
	if len(mem) < runBytes {
		return nil
	}
	return s.of.flush(ctx)
}

// flush writes what is there as runs.
func (s *sorters) flush(ctx context.Context) error {
	for _, one := range s.all {
		if err := one.flush(ctx); err != nil {
			return err
		}
	}
	s.mem = s.mem[:0]
	return nil
}

// flush writes a run. Equal entries are written once: pages overlap.
func (s *sorter) flush(ctx context.Context) error {
	if len(s.refs) == 0 {
		return nil
	}
	mem := s.of.mem
	slices.SortFunc(s.refs, func(a, b ref) int {
		return cmp.Or(bytes.Compare(mem[a.at:a.key], mem[b.at:b.key]), bytes.Compare(mem[a.key:a.end], mem[b.key:b.end]))
	})
	var body bytes.Buffer
	w := blocks.NewWriter(&body)
	var last ref
	for i, r := range s.refs {
		if i > 0 && r.key-r.at == last.key-last.at && bytes.Equal(mem[r.at:r.end], mem[last.at:last.end]) {
			continue
		}
		if err := w.Frame(mem[r.at:r.key], mem[r.key:r.end]); err != nil {
			return fault.Wrap(err, fault.Internal, "raw_run", "encode a run")
		}
		last = r
	}
	if err := w.Flush(); err != nil {
		return fault.Wrap(err, fault.Internal, "raw_run", "encode a run")
	}
	name := fmt.Sprintf("%s-%03d", s.name, s.n)
	s.n++
	s.refs = s.refs[:0]
	return s.of.b.Objects.Put(ctx, name, &body)
}

// merged reads runs as one. It yields entries in order; equal ones once.
type merged struct {
	runs []*run
}

type run struct {
	in      *blocks.Reader
	closer  io.Closer
	key     string
	payload []byte
}

func (r *run) next() (err error) {
	r.key, r.payload, err = r.in.Next()
	return err
}

func (r *run) compare(o *run) int {
	return cmp.Or(strings.Compare(r.key, o.key), bytes.Compare(r.payload, o.payload))
}

// open opens all runs whose names begin with a prefix.
func (b *Bundler) open(ctx context.Context, prefix string) (*merged, error) {
	names, err := b.Objects.Names(ctx, b.runs+prefix)
	if err != nil {
		return nil, err
	}
	m := &merged{}
	for _, name := range names {
		if err := m.take(ctx, b.Objects, name); err != nil {
			m.close()
			return nil, err
		}
	}
	for i := len(m.runs)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m, nil
}

func (m *merged) take(ctx context.Context, o *objects.Objects, name string) error {
	in, err := o.Open(ctx, name, "", 0, -1)
	if err != nil {
		return err
	}
	r := &run{in: blocks.NewReader(in), closer: in}
	err = r.next()
	if err == nil {
		m.runs = append(m.runs, r)
		return nil
	}
	_ = in.Close()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (m *merged) close() {
	for _, r := range m.runs {
		_ = r.closer.Close()
	}
	m.runs = nil
}

// next returns the smallest entry that is left; io.EOF after the last one.
func (m *merged) next() (key string, payload []byte, err error) {
	if len(m.runs) == 0 {
		return "", nil, io.EOF
	}
	top := m.runs[0]
	key, payload = top.key, top.payload
	for len(m.runs) > 0 && m.runs[0].key == key && bytes.Equal(m.runs[0].payload, payload) {
		if err := m.pass(); err != nil {
			return "", nil, err
		}
	}
	return key, payload, nil
}

// pass moves on in the run with the smallest entry.
func (m *merged) pass() error {
	switch err := m.runs[0].next(); {
	case errors.Is(err, io.EOF):
		_ = m.runs[0].closer.Close()
		last := len(m.runs) - 1
		m.runs[0], m.runs = m.runs[last], m.runs[:last]
	case err != nil:
		return err
	}
	m.down(0)
	return nil
}

func (m *merged) down(i int) {
	for {
		least := i
		for _, c := range [...]int{2*i + 1, 2*i + 2} {
			if c < len(m.runs) && m.runs[c].compare(m.runs[least]) < 0 {
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

// nobody is the key of objects that belong to no customer. They are no group: there may be any number of them, such as charges of
// guests, and none of them says whose another one is.
const nobody = ""

// groups calls do for the payloads of each key, in order, and for each payload of [nobody]. They are valid during the call only.
func (m *merged) groups(ctx context.Context, do func(key string, payloads [][]byte) error) error {
	var group [][]byte
	last := ""
	for {
		key, payload, err := m.next()
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return err
		}
		if len(group) > 0 && (end || key != last || last == nobody) {
			if err := do(last, group); err != nil {
				return err
			}
			group = group[:0]
		}
		if end {
			return ctx.Err()
		}
		if len(group) == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		last, group = key, append(group, payload)
	}
}

// appendObject encodes what the mapping reads of an object.
func (b *Bundler) appendObject(dst []byte, o system.Object) []byte {
	dst = appendText(dst, string(o.Stream))
	dst = appendText(dst, o.Parent)
	if !system.WasCut(o.JSON) { // its mark says so to the mapping
		if picked, ok := b.reads[o.Stream].Pick(dst, o.JSON); ok {
			return picked
		}
	}
	return append(dst, o.JSON...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func decodeObject(b []byte) (o system.Object, err error) {
	stream, b, ok := cutText(b)
	parent, b, ok2 := cutText(b)
	if !ok || !ok2 {
		return o, blocks.ErrDamaged()
	}
	return system.Object{Stream: system.Stream(stream), Parent: parent, JSON: b}, nil
}

func cutText(b []byte) (text string, rest []byte, ok bool) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) { //nolint:gosec // w is at most len(b)
		return "", nil, false
	}
	return string(b[w : w+int(n)]), b[w+int(n):], true //nolint:gosec // at most len(b)
}
