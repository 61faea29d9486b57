package importer

import (
	"bytes"
	"context"
	"io"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/records"
)

// formatOf finds out the format of a file: NDJSON if its name ends so or if it begins with a brace,
// which no header row does; else CSV.
func (im *Importer) formatOf(ctx context.Context, f job.File) (string, error) {
	const enough = 4 << 10
	head, err := objectPart(ctx, im.c.Objects, f.Object, f.Version, 0, enough)
	return formatOfHead(head, f.Name), err
}

func formatOfHead(head []byte, name string) string {
	if hasEnding(withoutGzip(name), endNDJSON) || bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"), []byte("{")) {
		return job.NDJSON
	}
	return ""
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

// IsProse reports whether the beginning of a file has no header row and no record: a .txt in a
// folder or a ZIP may be a read-me. f says what is known of the file. A file that looks like a
// table, and has faults, is no prose: an import of it says what they are. It returns the errors of
// reading.
func IsProse(ctx context.Context, in io.Reader, f job.File) (bool, error) {
	text, err := asText(ctx, in, f, nil)
	if err != nil {
		return false, err
	}
	head, err := io.ReadAll(io.LimitReader(text, proseHead))
	if err != nil {
		return false, err
	}
	err = scanHead(ctx, head, f)
	if f.Dataset != "" && err != nil {
		f.Dataset = "" // which may be that of the other files
		err = scanHead(ctx, head, f)
	}
	return isNoHeader(err), ctx.Err()
}

// proseHead is how much of a file [IsProse] reads, in bytes.
const proseHead = 64 << 10

// scanHead looks through the beginning of a file.
func scanHead(ctx context.Context, head []byte, f job.File) error {
	f.Format = formatOfHead(head, f.Name)
	hint := hintOf(f)
	scan := func(head []byte) error {
		_, err := format(f).Scan(ctx, bytes.NewReader(head), hint, proseHead, func(source.Piece) error { return nil })
		return err
	}
	err := scan(head)
	if fault.CodeOf(err) == source.CodeBadEncoding { // header rows are the same in most encodings
		err = scan([]byte(strings.ToValidUTF8(string(head), "")))
	}
	return err
}

// isNoHeader reports whether an error of a scan says that there is nothing like a header row.
func isNoHeader(err error) bool {
	switch fault.CodeOf(err) {
	case billing.CodeUnknownHeader, source.CodeNotATable, source.CodeNotCSV, source.CodeWorkbook, "empty_file", "header_too_long", "bad_header", "no_records":
		return true
	}
	return false
}
