package importer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source/csvsource"
)

// scan looks through the whole input before anything is decided: which dataset
// each file holds, whether it can be read at all, and where it is cut. A file that can't be
// used ends the import with nothing changed.
func (im *Importer) scan(ctx context.Context, j *job.Job) (*job.Job, error) {
	spec := *j.Import
	files, zips, err := im.inputs(ctx, j)
	if err != nil {
		return nil, err
	}
	spec.Files, spec.Zips = files, zips
	var total int64
	for _, f := range files {
		total += f.Size
	}
	pieceBytes := max(im.c.PieceBytes, total/maxPieces)
	var notes []string
	headers := 0
	for i := range files {
		pieces, unknown, err := im.scanFile(ctx, i, &files[i], pieceBytes)
		if err != nil {
			return nil, err
		}
		if headers += headerBytes(files[i].Header); headers > maxHeaders {
			return nil, fault.Newf(fault.Invalid, "too_many_columns",
				"%s: the header rows of all files together are longer than %d KB; remove columns that are not needed.", files[i].Name, maxHeaders>>10)
		}
		spec.Pieces = append(spec.Pieces, pieces...)
		if !slices.Contains(spec.Datasets, files[i].Dataset) {
			spec.Datasets = append(spec.Datasets, files[i].Dataset)
		}
		if len(unknown) > 0 {
			notes = append(notes, fmt.Sprintf("%s: columns ignored: %s", files[i].Name, strings.Join(unknown, ", ")))
		}
	}
	parts, manual, err := im.target(ctx, j)
	if err != nil {
		return nil, err
	}
	spec.ManualEpoch = manual // it may have waited while manual customers were erased
	spec.Scanned, spec.Small = true, total <= im.c.SmallBytes
	spec.Epochs = parts.Epochs
	spec.Ground = parks(&job.Job{Import: &spec})
	if spec.Small && spec.Mode == job.Replace {
		if spec.Small, err = im.fewStored(ctx, parts, spec.Datasets); err != nil {
			return nil, err
		}
	}
	spec.Ranges = min(rangesFor(total, pieceBytes, spec), parts.Shards)
	return im.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if !j.Import.Scanned {
			spec.Cancel, spec.Failing, spec.Later = j.Import.Cancel, j.Import.Failing, j.Import.Later
			j.Import, j.Notes = &spec, notes
			j.Progress.BytesTotal = total
		}
		return nil
	})
}

// maxHeaders is how long all header rows of an import may be, in bytes: they are kept in
// the job's item, which has a limit of its own.
const maxHeaders = 100 << 10

func headerBytes(header []string) (n int) {
	for _, h := range header {
		n += len(h)
	}
	return n
}

// mostRanges is how many key ranges there are at most: as many as a source has shards.
const mostRanges = 16

// rangesFor is how many key ranges an input is merged in: a power of two, at
// most the shards of a source. What replaces much is walked in all of them.
func rangesFor(total, pieceBytes int64, spec job.ImportSpec) int {
	switch {
	case spec.Small:
		return 1
	case spec.Mode == job.Replace:
		return mostRanges
	}
	n := 1
	for n < mostRanges && int64(n)*pieceBytes < total {
		n *= 2
	}
	return n
}

// target is where a job's rows are to go, and the manual epoch that they get.
func (im *Importer) target(ctx context.Context, j *job.Job) (*partitions, int64, error) {
	dir, err := im.c.Store.Directory(ctx)
	if err != nil {
		return nil, 0, err
	}
	src, ok := dir.ByTag(j.Tag)
	if !ok {
		return nil, 0, errErased()
	}
	return newPartitions(src.Space()), dir.ManualEpoch, nil
}

// fewStored tells whether so little is stored of some datasets that one worker
// can look at all of it: it reads a page of the first shard, since hashes spread evenly.
func (im *Importer) fewStored(ctx context.Context, parts *partitions, datasets []string) (bool, error) {
	for _, ds := range datasets {
		q := parts.scans(stageOf(billing.Dataset(ds)), 0, parts.Shards)[0]
		q.KeysOnly = true
		page, err := im.c.Store.Page(ctx, q)
		if err != nil || page.Next != "" {
			return false, err
		}
	}
	return true, nil
}

func (im *Importer) scanFile(ctx context.Context, index int, f *job.File, pieceBytes int64) (pieces []job.Piece, unknown []string, err error) {
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
	c := cutter{bytes: pieceBytes}
	err = r.Cut(ctx, max(1, pieceBytes/grains), func(p csvsource.Piece) error {
		c.add(job.Piece{File: index, Offset: p.Offset, Length: p.Length, Line: p.FirstLine})
		return nil
	})
	return c.pieces, withoutRejectColumns(layout.Unknown()), inFile(err, f.Name)
}

const (
	// grains is how many parts a piece is made of, at least.
	grains = 16
	// shortRow is the length of rows, in bytes, below which a piece holds fewer bytes: each row takes memory of its own while it is mapped.
	shortRow = 64
)

// cutter makes pieces of grains: as many as have the bytes of a piece, or that many rows of shortRow bytes.
type cutter struct {
	bytes  int64
	pieces []job.Piece
}

func (c *cutter) add(grain job.Piece) {
	if n := len(c.pieces); n > 0 {
		last := &c.pieces[n-1]
		full := last.Length >= c.bytes || n < maxPieces && grain.Line-last.Line >= max(1, c.bytes/shortRow)
		if !full {
			last.Length += grain.Length
			return
		}
	}
	c.pieces = append(c.pieces, grain)
}

// inFile names the file in front of the sentence of an error.
func inFile(err error, name string) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, fault.KindOf(err), fault.CodeOf(err), name)
}
