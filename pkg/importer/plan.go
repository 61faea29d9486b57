package importer

import (
	"context"
	"fmt"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source/csvsource"
)

// plan looks through the whole input before anything is written: which dataset
// each file holds, whether it can be read at all, and where it is cut. A file that can't be
// used ends the import with nothing changed.
func (im *Importer) plan(ctx context.Context, j *job.Job) (*job.Job, error) {
	if j.Import.Planned {
		return j, nil
	}
	var total int64
	for _, f := range j.Import.Files {
		total += f.Size
	}
	pieceBytes := max(im.c.PieceBytes, total/maxPieces)
	spec := *j.Import
	spec.Files = append([]job.File(nil), j.Import.Files...)
	var notes []string
	for i := range spec.Files {
		pieces, unknown, err := im.planFile(ctx, i, &spec.Files[i], pieceBytes)
		if err != nil {
			return nil, err
		}
		spec.Pieces = append(spec.Pieces, pieces...)
		if len(unknown) > 0 {
			notes = append(notes, fmt.Sprintf("%s: columns ignored: %s", spec.Files[i].Name, strings.Join(unknown, ", ")))
		}
	}
	spec.Planned, spec.Small = true, total <= im.c.SmallBytes || len(spec.Pieces) == 0
	spec.Ranges = rangesFor(total, pieceBytes, spec.Small)
	return im.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if !j.Import.Planned {
			j.Import, j.Notes = &spec, notes
			j.Progress.BytesTotal = total
		}
		return nil
	})
}

// rangesFor is how many key ranges an input is merged in: a power of two, at
// most the shards of a source.
func rangesFor(total, pieceBytes int64, small bool) int {
	n := 1
	for !small && n < 16 && int64(n)*pieceBytes < total {
		n *= 2
	}
	return n
}

func (im *Importer) planFile(ctx context.Context, index int, f *job.File, pieceBytes int64) (pieces []job.Piece, unknown []string, err error) {
	in, err := im.c.Objects.Open(ctx, f.Object, f.Version, 0, -1)
	if err != nil {
		return nil, nil, err
	}
	r := csvsource.Open(in, csvsource.Options{})
	defer func() { _ = r.Close() }()
	if f.Header, err = r.Header(ctx); err != nil {
		return nil, nil, inFile(err, f.Name)
	}
	f.Delim = string(r.Delimiter())
	if f.Dataset == "" {
		ds, err := billing.Recognise(f.Header)
		if err != nil {
			return nil, nil, inFile(err, f.Name)
		}
		f.Dataset = string(ds)
	}
	layout, err := billing.NewLayout(billing.Dataset(f.Dataset), f.Header)
	if err != nil {
		return nil, nil, inFile(err, f.Name)
	}
	err = r.Cut(ctx, pieceBytes, func(p csvsource.Piece) error {
		pieces = append(pieces, job.Piece{File: index, Offset: p.Offset, Length: p.Length, Line: p.FirstLine})
		return nil
	})
	return pieces, withoutRejectColumns(layout.Unknown()), inFile(err, f.Name)
}

// inFile names the file in front of the sentence of an error.
func inFile(err error, name string) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, fault.KindOf(err), fault.CodeOf(err), name)
}
