package importer

import (
	"context"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
)

// scan looks through the whole input before anything is decided: it finds out the dataset of each
// file, whether the file can be read, and where to cut it. A file that cannot be used ends the
// import with nothing changed.
func (im *Importer) scan(ctx context.Context, j *job.Job) (*job.Job, error) {
	spec := *j.Import
	if spec.Datasets = nil; pulled(j) {
		spec.Datasets = []string{job.RejectedStay}
	}
	in, err := im.inputs(ctx, j)
	if err != nil {
		return nil, err
	}
	spec.Files, spec.Zips = in.files, in.zips
	var total int64
	for _, f := range in.files {
		total += f.Size
	}
	pieceBytes := max(im.c.PieceBytes, total/maxPieces)
	notes, err := im.scanFiles(ctx, j.ID, &spec, pieceBytes)
	if err != nil {
		return nil, err
	}
	parts, manual, err := im.target(ctx, j)
	if err != nil {
		return nil, err
	}
	spec.ManualEpoch = manual // manual customers may have been erased while the job waited
	spec.Readings = nil
	spec.Scanned, spec.Small = true, total <= im.c.SmallBytes
	spec.Epochs = parts.Epochs
	spec.Ground = parks(&job.Job{Import: &spec})
	if spec.Small && spec.Mode == job.Replace && spec.OnlyCustomer() == "" {
		if spec.Small, err = im.fewStored(ctx, parts, spec.Datasets); err != nil {
			return nil, err
		}
	}
	spec.Ranges = min(rangesFor(total, pieceBytes, spec), parts.Shards)
	return im.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if !j.Import.Scanned {
			spec.Cancel, spec.Failing, spec.Later = j.Import.Cancel, j.Import.Failing, j.Import.Later
			j.Import, j.Notes = &spec, slices.Concat(j.Notes, in.notes, notes)
			j.Progress.BytesTotal = total
		}
		return nil
	})
}

// scanFiles looks through all files of an import. The notes say how they are read.
func (im *Importer) scanFiles(ctx context.Context, id string, spec *job.ImportSpec, pieceBytes int64) (notes []string, err error) {
	headers := 0
	var given []string
	for _, f := range spec.Files {
		given = append(given, f.Settings.Map...)
	}
	pieces := make([][]source.Piece, len(spec.Files))
	empty := make([]bool, len(spec.Files))
	for i := range spec.Files {
		f := &spec.Files[i]
		var said []string
		if pieces[i], said, err = im.scanFile(ctx, id, spec, f, pieceBytes); err != nil {
			return nil, err
		}
		if empty[i] = spec.Pull != nil && len(pieces[i]) == 0 && len(f.Datasets) == 0; empty[i] {
			notes = append(notes, f.Name+": left out: it has no rows")
			continue
		}
		if headers += headerBytes(f.Header) + len(f.Settings.String()) + len(f.Told); headers > maxHeaders {
			return nil, tooManyColumns(f.Name)
		}
		spec.Datasets = union(spec.Datasets, append([]string{f.Dataset}, f.Datasets...))
		for _, note := range said {
			notes = append(notes, f.Name+": "+note)
		}
	}
	if err := allUsed(given, spec.Files); err != nil {
		return nil, err
	}
	if pieces = withRows(spec, pieces, empty); len(spec.Files) == 0 {
		return nil, noRows(spec)
	}
	first := stages(&job.Job{Import: spec})[0]
	for i, f := range spec.Files {
		for _, p := range pieces[i] {
			piece := job.Piece{File: i, Offset: p.Offset, Length: p.Length, Line: p.Line}
			if f.Format != "" {
				piece.Stages = stagesOf(p, first)
			}
			spec.Pieces = append(spec.Pieces, piece)
		}
	}
	return notes, nil
}

// allUsed checks that each line of the mappings that were given is about one of the files.
func allUsed(given []string, files []job.File) error {
	for _, line := range given {
		if !slices.ContainsFunc(files, func(f job.File) bool { return slices.Contains(f.Settings.Map, line) }) {
			return billing.UnusedMap(line)
		}
	}
	return nil
}

// maxHeaders limits the header rows and settings of all files together, in bytes: they are kept in
// the job's item, whose size is limited.
const maxHeaders = 100 << 10

func tooManyColumns(file string) error {
	return fault.Newf(fault.Invalid, "too_many_columns",
		"%s: the header rows of all files together, with the columns that are mapped, are longer than %d KB; remove columns that are not needed, or import the files in several parts.", file, maxHeaders>>10)
}

func headerBytes(header []string) (n int) {
	for _, h := range header {
		n += len(h)
	}
	return n
}

// mostRanges limits the number of key ranges: a source has as many shards.
const mostRanges = 16

// rangesFor is the number of key ranges for an input: a power of two, at most the number of shards.
// A replace that is not small uses all of them, since it walks everything that is stored.
func rangesFor(total, pieceBytes int64, spec job.ImportSpec) int {
	switch {
	case spec.Small:
		return 1
	case spec.Mode == job.Replace && spec.OnlyCustomer() == "":
		return mostRanges
	}
	n := 1
	for n < mostRanges && int64(n)*pieceBytes < total {
		n *= 2
	}
	return n
}

// target is where a job's rows go, and their manual epoch.
func (im *Importer) target(ctx context.Context, j *job.Job) (*partitions, int64, error) {
	dir, err := im.c.Store.Directory(ctx)
	if err != nil {
		return nil, 0, err
	}
	src, ok := dir.ByTag(j.Tag)
	if !ok {
		return nil, 0, errErased()
	}
	return newPartitions(src.Space()), dir.ManualEpoch, stillFull(j, src.Epochs)
}

// fewStored reports whether so little is stored of these datasets that one worker can read all of
// it. It reads a page of the first shard, since hashes spread evenly.
func (im *Importer) fewStored(ctx context.Context, parts *partitions, datasets []string) (bool, error) {
	for _, ds := range datasets {
		if ds == string(billing.Edits) || ds == job.RejectedStay { // a replace removes none
			continue
		}
		q := parts.scans(stageOf(billing.Dataset(ds)), 0, parts.Shards)[0]
		q.KeysOnly = true
		page, err := im.c.Store.Page(ctx, q)
		if err != nil || page.Next != "" {
			return false, err
		}
	}
	return true, nil
}

// scanFile finds out how a file is to be read, and cuts it into pieces. Each piece knows the
// datasets of its rows. The notes are for the report.
func (im *Importer) scanFile(ctx context.Context, id string, spec *job.ImportSpec, f *job.File, pieceBytes int64) (pieces []source.Piece, notes []string, err error) {
	head, err := objectPart(ctx, im.c.Objects, f.Object, f.Version, 0, beginBytes)
	if err != nil {
		return nil, nil, err
	}
	switch f.Format = formatOf(head, f.Name); {
	case f.Records:
		f.Format = job.NDJSON
	case f.Tab != "":
		f.Format = ""
	}
	r, err := im.readingOf(ctx, id, spec, *f)
	if err != nil {
		return nil, nil, err
	}
	r.hint.Beside = len(spec.Files) > 1
	in, err := im.c.Objects.Open(ctx, f.Object, f.Version, 0, -1)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = in.Close() }()
	c := cutter{bytes: pieceBytes}
	s, err := format(*f).Scan(ctx, in, r.hint, max(1, pieceBytes/grains), func(p source.Piece) error {
		c.add(p)
		return nil
	})
	if err != nil {
		return nil, nil, inFile(r.explain(err, s), f.Name)
	}
	f.Delim, f.Header, f.Settings, f.Told = s.Delimiter, s.Header, s.Settings, s.Told
	held := datasetsOf(c.pieces)
	switch {
	case f.Format == "":
		f.Dataset = string(s.Dataset)
	case f.Records:
		f.Datasets = broughtBy(f, held)
		f.Dataset = strings.Join(f.Datasets[:min(1, len(f.Datasets))], "")
	default:
		f.Unnamed, f.Datasets = f.Dataset, held
		if f.Unnamed != "" && !slices.Contains(held, f.Unnamed) {
			f.Datasets = append(held, f.Unnamed)
		}
		f.Dataset = f.Datasets[0]
	}
	if notes = append(s.Notes, r.notes(s)...); len(s.Ignored) > 0 {
		notes = append(notes, "columns ignored: "+strings.Join(s.Ignored, ", "))
	}
	return c.pieces, notes, nil
}

// broughtBy lists the datasets of which a pull of a billing system brings all in a file, also those of which it has no row,
// in the order of imports.
func broughtBy(f *job.File, held []string) (out []string) {
	for _, ds := range billing.Datasets() {
		if slices.Contains(held, string(ds)) || slices.Contains(f.Datasets, string(ds)) {
			out = append(out, string(ds))
		}
	}
	return out
}

// datasetsOf lists the datasets of the pieces, in the order of imports.
func datasetsOf(pieces []source.Piece) (out []string) {
	for _, ds := range billing.Datasets() {
		if slices.ContainsFunc(pieces, func(p source.Piece) bool { return slices.Contains(p.Datasets, ds) }) {
			out = append(out, string(ds))
		}
	}
	return out
}

// stagesOf lists the stages that read an NDJSON piece. Rows whose dataset is not recognised are
// read with the import's first stage.
func stagesOf(p source.Piece, first int) (out []int) {
	for _, ds := range p.Datasets {
		stage := first
		if ds != "" {
			stage = stageOf(ds)
		}
		if !slices.Contains(out, stage) {
			out = append(out, stage)
		}
	}
	slices.Sort(out)
	return out
}

const (
	// grains is the smallest number of parts that a piece is made of.
	grains = 16
	// shortRow is a row length in bytes. Pieces of shorter rows hold fewer bytes, since each row
	// takes memory of its own while it is mapped.
	shortRow = 64
)

// cutter joins grains into pieces. A piece is full when it has enough bytes, or as many rows as
// that many bytes hold at shortRow bytes a row.
type cutter struct {
	bytes  int64
	pieces []source.Piece
}

func (c *cutter) add(grain source.Piece) {
	if n := len(c.pieces); n > 0 {
		last := &c.pieces[n-1]
		full := last.Length >= c.bytes || n < maxPieces && grain.Line-last.Line >= max(1, c.bytes/shortRow)
		if !full {
			last.Length += grain.Length
			last.Datasets = union(last.Datasets, grain.Datasets)
			return
		}
	}
	c.pieces = append(c.pieces, grain)
}

func union[T comparable](a, b []T) []T {
	for _, ds := range b {
		if !slices.Contains(a, ds) {
			a = append(slices.Clip(a), ds)
		}
	}
	return a
}

// inFile puts the name of the file in front of an error.
func inFile(err error, name string) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, fault.KindOf(err), fault.CodeOf(err), name)
}
