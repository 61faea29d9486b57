package importer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"reseed/pkg/billing"
)

// mostRespelt limits how many rows of a piece are looked up under the spelling of their ids in the
// file.
const mostRespelt = 1000

// respelt is a row whose ids are not read as they stand in the file: ="00123" as 00123. Imports
// before 2026-11-29 took them as they are.
type respelt struct {
	written string // the row's key in the table as the file spells its ids
	read    string // its key as they are read
}

// respell notes a row with the key read, if verbatim is a record with other ids.
func (m *mapped) respell(read string, verbatim billing.Record) {
	if verbatim == nil {
		return
	}
	if written := m.kind.Locate(m.w.hasher, verbatim).SK; written != read {
		m.respelt = append(m.respelt, respelt{written, read})
	}
}

// countRespelt counts the rows which this import would add although they are stored, with their ids
// as the file spells them.
func (m *mapped) countRespelt(ctx context.Context) error {
	m.sum.Respelt = int64(len(m.respelt))
	stored, err := m.w.pick(ctx, m.respelt, func(r respelt) string { return r.written }, true)
	if err != nil {
		return err
	}
	twice, err := m.w.pick(ctx, stored, func(r respelt) string { return r.read }, false)
	m.sum.AsSpelt = int64(len(twice))
	return err
}

// pick returns the rows of whose keys it is true, or false, that something is stored there.
func (w *work) pick(ctx context.Context, rows []respelt, key func(respelt) string, there bool) (out []respelt, err error) {
	slices.SortFunc(rows, func(a, b respelt) int { return cmp.Compare(key(a), key(b)) })
	sks := make([]string, len(rows))
	for i, r := range rows {
		sks[i] = key(r)
	}
	stored, err := w.storedAt(ctx, sks)
	if err != nil {
		return nil, err
	}
	for i, r := range rows {
		if (w.present(sks[i], stored[i]) != nil) == there {
			out = append(out, r)
		}
	}
	return out, nil
}

// asSpelt says that rows would be stored a second time; empty if none would be.
func (s *summary) asSpelt() string {
	if s.AsSpelt == 0 {
		return ""
	}
	return fmt.Sprintf(`Of %d rows looked up whose ids are written like ="00123", %d are stored with these signs, as earlier imports took them. This import reads 00123, and would add them a second time; `+
		`import with --ids verbatim (ids over REST) to keep the ids that are stored.`, s.Respelt, s.AsSpelt)
}
