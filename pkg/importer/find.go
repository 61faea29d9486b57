package importer

import (
	"context"
	"errors"
	"io"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// mostSearched is how many bytes a change set may have for [Importer.ChangeOf] to look through it:
// some 300,000 rows.
const mostSearched = 32 << 20

// ChangeOf returns what an import has done to the record with a sort key in the space of its source;
// nil if it has done nothing. It reads one change set, from its beginning up to that record. The error
// is fault.NotFound if that change set was erased, and fault.TooLarge if it is too large to be looked
// through in a request.
func (im *Importer) ChangeOf(ctx context.Context, j *job.Job, sp store.Space, sk string) (*Change, error) {
	k := store.RecordAt(sk)
	if k == nil || j.Import == nil || j.Import.Ranges == 0 || !hasStage(j, k.Stage) {
		return nil, nil //nolint:nilnil // that it has done nothing is an answer
	}
	missing := error(nil)
	for _, id := range setsOf(j, k.Stage, newPartitions(sp).rangeOf(sk, j.Import.Ranges)) {
		c, err := im.searchSet(ctx, id.object(j.ID), sk)
		switch {
		case fault.Is(err, fault.NotFound):
			missing = err
		case err != nil:
			return nil, err
		case c != nil:
			out := changeOf(j, c)
			return &out, nil
		}
	}
	return nil, missing
}

// searchSet finds a record in a change set; nil if it is not in it. Records are in the order of their
// keys.
func (im *Importer) searchSet(ctx context.Context, name, sk string) (*change, error) {
	info, err := im.c.Objects.Stat(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case info.Size > mostSearched:
		return nil, fault.New(fault.TooLarge, "change_set_too_large", "the change set of the import is too large to be looked through here")
	}
	set, err := openChanges(ctx, im.c.Objects, name)
	if err != nil {
		return nil, err
	}
	defer set.close()
	if err := set.blocks.SkipTo(sk); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for {
		c, err := set.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil //nolint:nilnil // see above
		case err != nil:
			return nil, err
		case c.sk == sk:
			return &c, nil
		case c.sk > sk:
			return nil, nil //nolint:nilnil // see above
		}
	}
}
