package importer

import (
	"bytes"
	"context"
	"io"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/records"
)

// formatOf tells the format of a file: NDJSON if its name ends so or if it begins with a brace,
// which no header row does; else CSV.
func formatOf(head []byte, name string) string {
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
	s := source.Shape{Dataset: billing.Dataset(f.Dataset), Delimiter: f.Delim, Header: f.Header, Settings: f.Settings, Told: f.Told, Frozen: frozen(f)}
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

// IsProse reports whether a .txt in a folder or a ZIP, such as a read-me, is no table: it has no
// header row and no record at its beginning. A file that looks like a table and has faults is no
// prose: its import says what they are. f says what is known of the file; kept is what its source
// keeps, or nil. The errors are those of open and of reading.
func IsProse(ctx context.Context, f job.File, kept *source.Readings, open func() (io.ReadCloser, error)) (bool, error) {
	if !hasEnding(withoutGzip(f.Name), endTXT) {
		return false, nil
	}
	in, err := open()
	if err != nil {
		return false, err
	}
	defer func() { _ = in.Close() }()
	text, err := asText(ctx, in, f, kept)
	if err != nil {
		return false, err
	}
	head, err := io.ReadAll(io.LimitReader(text, beginBytes))
	if err != nil {
		return false, err
	}
	_, err = scanHead(ctx, head, f, kept)
	if f.Dataset != "" && err != nil {
		f.Dataset = "" // which may be that of the other files
		_, err = scanHead(ctx, head, f, kept)
	}
	return isNoHeader(err), ctx.Err()
}

// scanHead looks through the beginning of a file, which is UTF-8.
func scanHead(ctx context.Context, head []byte, f job.File, kept *source.Readings) (source.Shape, error) {
	hint := hintOf(f)
	if f.Format = formatOf(head, f.Name); f.Tab != "" {
		f.Format = ""
	}
	if f.Format == "" && kept != nil {
		hint = resolve(ctx, kept, beginningOf(head, true), hint).hint
	}
	scan := func(head []byte) (source.Shape, error) {
		return format(f).Scan(ctx, bytes.NewReader(head), hint, beginBytes, func(source.Piece) error { return nil })
	}
	s, err := scan(head)
	if fault.CodeOf(err) == source.CodeBadEncoding { // header rows are the same in most encodings
		s, err = scan(bytes.ToValidUTF8(head, nil))
	}
	return s, err
}

// hintOf is what is known of a file before it is looked through.
func hintOf(f job.File) source.Hint {
	return source.Hint{Name: f.Name, Dataset: billing.Dataset(f.Dataset), Settings: f.Settings, Frozen: frozen(f)}
}

// frozen reports whether a pull has written a file.
func frozen(f job.File) bool { return f.Tab != "" || f.Records }

// isNoHeader reports whether an error of a scan says that there is nothing like a header row.
func isNoHeader(err error) bool {
	switch fault.CodeOf(err) {
	case billing.CodeUnknownHeader, source.CodeNotATable, source.CodeNotCSV, source.CodeWorkbook, "empty_file", "header_too_long", "bad_header", "no_records":
		return true
	}
	return false
}
