package importer

import (
	"context"
)

// spillBytes is how many bytes a spill holds in memory.
const spillBytes = 4 << 20

// spill collects entries by key range, and writes them as runs before they take much memory. A
// worker that does the task again writes the same runs.
type spill struct {
	w        *work
	name     func(n int) string // of the n-th run
	sections []batch
	bytes, n int
}

func (s *spill) add(ctx context.Context, e *entry) error {
	if s.sections == nil {
		s.sections = make([]batch, s.w.ranges)
	}
	s.sections[s.w.parts.rangeOf(e.key, s.w.ranges)].add(e)
	const beside = 64 // further bytes of each entry
	if s.bytes += len(e.key) + len(e.body) + beside; s.bytes < spillBytes {
		return nil
	}
	return s.end(ctx)
}

// end writes what is left.
func (s *spill) end(ctx context.Context) error {
	if s.sections == nil {
		return nil
	}
	err := s.w.writeRun(ctx, s.name(s.n), s.sections)
	s.sections, s.bytes = nil, 0
	s.n++
	if err == nil {
		err = s.w.interrupted(ctx)
	}
	return err
}
