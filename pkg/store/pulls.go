package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// A pull reads nothing if nothing has changed since the last one. What changes rows of a source that
// pulls leaves a mark before it does. Other sources have no marks.

const (
	attrMarkJob = "job"
	attrMarkAt  = "at" // Unix milliseconds
)

// MarkWritten notes that a job is about to change rows of a source.
func (s *Store) MarkWritten(ctx context.Context, src Source, job string) error {
	if !src.Pulls {
		return nil
	}
	return s.Write(ctx, []table.Write{{Item: table.Item{Key: WrittenKey(src.Tag), Attrs: table.NewBuilder().Str(attrMarkJob, job).Attrs()}}})
}

// MarkTouched notes that a request is about to change rows of a source.
func (s *Store) MarkTouched(ctx context.Context, src Source, at time.Time) error {
	if !src.Pulls {
		return nil
	}
	return s.Write(ctx, []table.Write{{Item: table.Item{Key: TouchedKey(src.Tag), Attrs: table.NewBuilder().Int(attrMarkAt, at.UnixMilli()).Attrs()}}})
}

// Marks returns which job has changed rows of a source last, and when a request did; empty and zero
// if there are no marks.
func (s *Store) Marks(ctx context.Context, tag Tag) (job string, touched time.Time, err error) {
	found, err := s.Lookup(ctx, WrittenKey(tag), TouchedKey(tag))
	if at, ok := found[TouchedKey(tag)].Int(attrMarkAt); ok {
		touched = time.UnixMilli(at)
	}
	return found[WrittenKey(tag)].Str(attrMarkJob), touched, err
}

// Erased tells, as a text, what erases and restores have done to a source so far: as long as it is
// the same, they have done nothing.
func (d *Directory) Erased(src Source) (string, error) {
	body, err := json.Marshal([]any{src.Epochs, src.Top, src.Left, src.Restoring, src.Fence})
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "directory", "describe a source")
	}
	return fmt.Sprintf("%s %d %d", body, d.changed, d.ManualEpoch), nil
}
