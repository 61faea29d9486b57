package importer

import (
	"bytes"
	"context"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/records"
)

// Endings of the files that can be imported. Except for .ndjson, the first bytes of a file decide
// how it is read.
const (
	endCSV    = ".csv"
	endNDJSON = ".ndjson"
	endZIP    = ".zip"
	endGzip   = ".gz"
)

// Takes reports by its name whether a file in a folder is meant to be imported: .csv, .ndjson,
// .csv.gz, .ndjson.gz or .zip.
func Takes(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, endZIP) || isPlain(strings.TrimSuffix(name, endGzip))
}

// isPlain reports whether a file of this name can be imported as it is, without unpacking.
func isPlain(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, endCSV) || strings.HasSuffix(name, endNDJSON)
}

// formatOf finds out the format of a file: NDJSON if its name ends so or if it begins with a brace,
// which no header row does; else CSV.
func (im *Importer) formatOf(ctx context.Context, f job.File) (string, error) {
	if strings.HasSuffix(strings.ToLower(f.Name), endNDJSON) {
		return job.NDJSON, nil
	}
	const enough = 4 << 10
	head, err := objectPart(ctx, im.c.Objects, f.Object, f.Version, 0, enough)
	if err != nil {
		return "", err
	}
	if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"), []byte("{")) {
		return job.NDJSON, nil
	}
	return "", nil
}

// format reads and writes files in the format of f.
func format(f job.File) source.Format {
	if f.Format == job.NDJSON {
		return records.Format{}
	}
	return csvsource.Format{}
}

// shape is what the scan has found out about a file.
func shape(f job.File) source.Shape {
	s := source.Shape{Dataset: billing.Dataset(f.Dataset), Delimiter: f.Delim, Header: f.Header, Settings: f.Settings}
	if f.Format == job.NDJSON {
		s.Dataset = billing.Dataset(f.Unnamed)
	}
	return s
}

// openRows opens a file from a place to the end of the piece.
func (w *work) openRows(ctx context.Context, p job.Piece, at source.Place) (source.Rows, error) {
	f := w.job.Import.Files[p.File]
	in, err := w.objects.Open(ctx, f.Object, f.Version, at.Offset, p.Offset+p.Length-at.Offset)
	if err != nil {
		return nil, err
	}
	rows, err := format(f).Open(in, shape(f), at, w.now)
	if err != nil {
		_ = in.Close()
	}
	return rows, err
}
