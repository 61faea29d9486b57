package csvsource

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

const (
	mostTitles = 10 // lines that are skipped because a header row stands below them
	mostLines  = 50 // lines that are searched for a header row, to name it in a message
)

// readHeader reads the header row: the first row that is not blank or, if that has not all columns
// that a dataset needs, the first of the next ten lines that has them.
func (r *Reader) readHeader(ctx context.Context) ([]string, error) {
	if err := r.skipBeginning(ctx); err != nil {
		return nil, err
	}
	settled := r.opts.SkipLines > 0
	for {
		rec, fits, err := r.headerRecord(ctx)
		if err != nil {
			return nil, r.noHeader(err)
		}
		blankRow := rec.fate == whole && allBlank(r.split.fields)
		if !blankRow && !settled && !fits {
			settled = true
			if err := r.skipTitles(ctx); err != nil {
				return nil, err
			}
			continue
		}
		header, err := r.names(rec)
		if err != nil {
			return nil, err
		}
		if err := r.scan.accept(ctx); err != nil {
			return nil, err
		}
		if len(header) > 0 {
			return header, nil
		}
	}
}

func (r *Reader) noHeader(err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case r.opts.SkipLines > 0:
		return fault.Newf(fault.Invalid, "empty_file", "nothing stands below the %d lines that were to be skipped", r.opts.SkipLines)
	}
	return fault.New(fault.Invalid, "empty_file", "the file is empty: it has no header row")
}

// skipBeginning checks the beginning of the file, and skips what is no part of the table: byte order
// marks, the line in which Excel finds the delimiter, and as many lines as the options say.
func (r *Reader) skipBeginning(ctx context.Context) error {
	sample, complete, err := r.sample(ctx, sampleSize)
	if err != nil {
		return err
	}
	if err := sniff(sample, complete); err != nil {
		return err
	}
	text := sample
	for bytes.HasPrefix(text, []byte(utf8BOM)) {
		text = text[len(utf8BOM):]
	}
	r.scan.Start += len(sample) - len(text)
	lines := int64(r.opts.SkipLines)
	if comma := sepLine(text); comma != 0 && !r.opts.Frozen {
		r.opts.Delimiter = cmp.Or(r.opts.Delimiter, comma)
		r.notes = append(r.notes, fmt.Sprintf("the first line sets the delimiter %q, and was skipped", r.opts.Delimiter))
		lines = max(lines, 1)
	}
	if lines > 0 {
		if is, err := r.beginsRejects(ctx); is || err != nil {
			r.opts.SkipLines = 0
			return err
		}
	}
	return r.skipLines(ctx, lines)
}

// beginsRejects tells whether the next record is the header row of a rejects file. No lines stand
// above it, whatever the options say of the file whose rejects these are.
func (r *Reader) beginsRejects(ctx context.Context) (bool, error) {
	rec, _, err := r.headerRecord(ctx)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil && rec.fate == whole && isRejects(addedColumns(trimmed(r.split.fields))), err
}

// sample returns the next bytes, up to size, of the file, however few each read returns, so that what
// depends on them depends only on the file; complete says that the file ends with them. It is valid
// until the scanner reads on.
func (r *Reader) sample(ctx context.Context, size int) (sample []byte, complete bool, err error) {
	s := r.scan
	for more := true; more && s.End-s.Start < size; {
		if more, err = s.fill(ctx); err != nil {
			return nil, false, err
		}
	}
	sample = s.Buf[s.Start:min(s.End, s.Start+size)]
	return sample, s.EOF && len(sample) == s.End-s.Start, nil
}

// sepLine returns the delimiter of a text that begins with a line such as sep=; or "sep=;", else 0.
func sepLine(text []byte) byte {
	line := text
	if end := bytes.IndexAny(text, "\r\n"); end >= 0 {
		line = text[:end]
	}
	const sep = "sep="
	line = bytes.TrimSuffix(bytes.TrimPrefix(line, []byte(`"`)), []byte(`"`))
	if len(line) < len(sep) || !strings.EqualFold(string(line[:len(sep)]), sep) {
		return 0
	}
	comma, _ := delimiterOf(string(line[len(sep):])) // another line may begin like that
	return comma
}

// delimiterOf reads a delimiter as people write it; empty is 0. The error is fault.Invalid,
// bad_delimiter.
func delimiterOf(text string) (byte, error) {
	switch {
	case text == "":
		return 0, nil
	case strings.EqualFold(text, "tab"), text == `\t`:
		return '\t', nil
	case len(text) == 1 && (text == "\t" || text[0] > ' ' && text[0] < 0x7f && text[0] != '"' && !isASCIILetter(text[0]) && !strings.Contains("0123456789", text)):
		return text[0], nil
	}
	return 0, &fault.Error{Kind: fault.Invalid, Code: "bad_delimiter", Param: "delimiter", Message: `The delimiter is a single character such as ; or |, or the word tab.`}
}

// skipLines skips physical lines, whatever they hold, or the records of a frozen table.
func (r *Reader) skipLines(ctx context.Context, lines int64) error {
	for range lines {
		if r.opts.Frozen {
			if _, err := r.scan.next(ctx); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			continue
		}
		length, err := r.scan.discardLine(ctx)
		if err != nil || length == 0 {
			return err
		}
		r.scan.line++
	}
	return nil
}

// headerRecord finds the next record, and the delimiter: the one under which it has the most columns
// of a dataset; if it has none, the first under which it has more than one cell, else the comma. fits
// says that it has all columns that a dataset needs. The cells are in r.split if the record is whole.
func (r *Reader) headerRecord(ctx context.Context) (rec *record, fits bool, err error) {
	commas := []byte{',', ';', '\t', '|'}
	if r.opts.Delimiter != 0 {
		commas = []byte{r.opts.Delimiter}
	}
	var best, splits byte
	most := 0
	for _, comma := range commas {
		if rec, err = r.locateUnder(ctx, comma); err != nil {
			return nil, false, err
		}
		if rec.fate != whole {
			continue
		}
		if known, ok := r.columnsKnown(); ok && !fits || ok == fits && known > most {
			best, most, fits = comma, known, ok
		}
		if splits == 0 && len(r.split.fields) > 1 {
			splits = comma
		}
	}
	rec, err = r.locateUnder(ctx, cmp.Or(best, splits, commas[0]))
	return rec, fits, err
}

// locateUnder locates the next record as it is with a delimiter, and splits it if it is whole.
func (r *Reader) locateUnder(ctx context.Context, comma byte) (*record, error) {
	r.setComma(comma)
	rec, err := r.scan.locate(ctx)
	if err == nil && rec.fate == whole {
		r.split.split(rec, r.scan.content(rec))
	}
	return rec, err
}

// columnsKnown is [billing.Header.Fit] of the cells that were split last, with the lines of the mapping
// that are about them: whether the mapping is right is said once the header row is found. The header row
// of a rejects file fits: its first row may tell what its columns mean.
func (r *Reader) columnsKnown() (known int, fits bool) {
	names := trimmed(r.split.fields)
	if len(names) > r.opts.MaxFields {
		return 0, false
	}
	if isRejects(addedColumns(names)) {
		return len(names), true
	}
	h, _ := billing.NewHeader(names, billing.Applicable(names, r.opts.Map, r.opts.Dataset))
	return h.Fit(r.opts.Dataset)
}

// skipTitles skips the lines above a header row of a dataset, if there is one within the next lines.
func (r *Reader) skipTitles(ctx context.Context) error {
	lines, err := r.linesAbove(ctx, mostTitles, func(_ int, fits bool) bool { return fits })
	if err != nil || lines <= 0 {
		return err
	}
	r.notes = append(r.notes, skipped(lines, r.opts.Frozen))
	return r.skipLines(ctx, lines)
}

func skipped(lines int64, frozen bool) string {
	what := "line"
	if frozen {
		what = "row"
	}
	if lines == 1 {
		return "1 " + what + " above the header row was skipped"
	}
	return fmt.Sprintf("%d %ss above the header row were skipped", lines, what)
}

// linesAbove returns how many of the next physical lines stand above the first row that is a header;
// -1 if none of the first most+1 lines, as far as they are in the sample, begins one.
func (r *Reader) linesAbove(ctx context.Context, most int64, isHeader func(known int, fits bool) bool) (int64, error) {
	sample, complete, err := r.sample(ctx, sampleSize)
	if err != nil {
		return -1, err
	}
	opts := r.opts
	opts.MaxRecord = min(opts.MaxRecord, max(1, len(sample)))
	ahead := &Reader{opts: opts, scan: newScanner(bytes.NewReader(sample), opts)}
	for {
		rec, fits, err := ahead.headerRecord(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return -1, nil
		case err != nil:
			return -1, err
		case rec.line > most+1, !complete && rec.offset+int64(rec.length) == int64(len(sample)): // it may be cut
			return -1, nil
		}
		if rec.fate == whole {
			if known, _ := ahead.columnsKnown(); isHeader(known, fits) {
				return rec.line - 1, nil
			}
		}
		if err := ahead.scan.accept(ctx); err != nil {
			return -1, err
		}
	}
}

// withLaterHeader adds to an error about the header row that a later line looks like one.
func (r *Reader) withLaterHeader(ctx context.Context, err error) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.Code != billing.CodeUnknownHeader && e.Code != billing.CodeMissingColumn {
		return err
	}
	next := r.scan.line
	lines, searchErr := r.linesAbove(ctx, mostLines-next, func(known int, fits bool) bool { return fits || known > 1 })
	if searchErr != nil || lines < 0 {
		return err
	}
	found := *e
	what := "Line"
	if r.opts.Frozen {
		what = "Row"
	}
	found.Message += fmt.Sprintf(" %s %d looks like the header row: --skip-lines %d.", what, next+lines, next+lines-1)
	return &found
}
