package importer

import (
	"errors"
	"io"

	"reseed/pkg/blocks"
)

// runReader reads the entries of one run in order.
type runReader struct {
	blocks *blocks.Reader
	closer io.Closer
	lead   uint64
	cur    entry
}

// next reads the next entry into cur; io.EOF after the last one.
func (rr *runReader) next() error {
	key, payload, err := rr.blocks.Next()
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
		rr := &runReader{blocks: blocks.NewReader(r), closer: r}
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

// each calls f for every entry that is left, the smallest first.
func (m *merger) each(f func(entry) error) error {
	for {
		e, err := m.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(e)
		}
		if err != nil {
			return err
		}
	}
}

func (m *merger) close() {
	for _, r := range m.runs {
		_ = r.closer.Close()
	}
	m.runs = nil
}
