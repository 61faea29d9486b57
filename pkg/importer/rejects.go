package importer

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source/csvsource"
)

// RejectsName is where the rejects file of a job lies in the object store. There is none if no row was rejected.
func RejectsName(jobID string) string { return jobDir(jobID) + "rejects.csv" }

// rejectColumns are added behind the original columns of a rejects file. A
// rejects file can be corrected and imported as it is: they are ignored then.
func rejectColumns() []string {
	return []string{"Reject file", "Reject line", "Reject column", "Reject code", "Reject reason"}
}

func hasRejectColumns(header []string) bool { return slices.Contains(header, "Reject code") }

func withoutRejectColumns(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(rejectColumns(), n) })
}

// writeRejects merges the runs of rejects and writes rejects.csv: for each file
// its original columns, then where and why. It is written block by block for each
// input file, with a header row of its own.
func (im *Importer) writeRejects(ctx context.Context, j *job.Job, names []string) error {
	return im.rejectsFile(ctx, j, names, func(out *csv.Writer) (row func(entry) error, end func()) {
		rw := &rejectsWriter{im: im, job: j, csv: out, file: -1}
		return func(e entry) error { return rw.row(ctx, e) }, rw.closeFile
	})
}

// writeLeftAlone writes the rows that an undo left alone, in place of the rejects file of an import.
func (im *Importer) writeLeftAlone(ctx context.Context, j *job.Job, names []string) error {
	return im.rejectsFile(ctx, j, names, func(out *csv.Writer) (row func(entry) error, end func()) {
		_ = out.Write([]string{"Dataset", "Record", "Reject code", "Reject reason"}) // an error stays, see rejectsFile
		return func(e entry) error {
			r, err := decodeRejection(e.body)
			if err != nil {
				return err
			}
			return out.Write([]string{r.dataset, escapeFormula(r.column), r.code, r.message})
		}, func() {}
	})
}

// rejectsFile writes the file of a job from runs of rejects, unless it is there: it is whole then, and who ends the job a
// second time, since the first try was killed, may find that the runs are gone which it was made of.
func (im *Importer) rejectsFile(ctx context.Context, j *job.Job, names []string, begin func(*csv.Writer) (row func(entry) error, end func())) error {
	there := func() (bool, error) {
		_, err := im.c.Objects.Stat(ctx, RejectsName(j.ID))
		if fault.KindOf(err) == fault.NotFound && err != nil {
			return false, nil //nolint:nilerr // there is none, and that is an answer
		}
		return err == nil, err
	}
	if is, err := there(); is || err != nil {
		return err
	}
	err := im.makeRejectsFile(ctx, j, names, begin)
	if fault.KindOf(err) == fault.NotFound && err != nil { // somebody else has made it meanwhile, and dropped the runs
		if is, _ := there(); is {
			return nil
		}
	}
	return err
}

func (im *Importer) makeRejectsFile(ctx context.Context, j *job.Job, names []string, begin func(*csv.Writer) (row func(entry) error, end func())) error {
	in, err := objectRuns{objects: im.c.Objects}.open(ctx, names, 0)
	if err != nil {
		return err
	}
	defer in.close()
	file, err := im.c.Objects.Replace(ctx, RejectsName(j.ID))
	if err != nil {
		return err
	}
	defer file.Abort() // has no effect once closed
	out := csv.NewWriter(file)
	row, end := begin(out)
	defer end()
	for {
		e, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = row(e)
		}
		if err != nil {
			return err
		}
	}
	if out.Flush(); out.Error() != nil {
		return fault.Wrap(out.Error(), fault.Unavailable, "rejects_file", "write the rejects file")
	}
	return file.Close()
}

// rejectsWriter writes rejects in the order of the input, reading the original
// rows from the input files as it goes along.
type rejectsWriter struct {
	im   *Importer
	job  *job.Job
	csv  *csv.Writer
	file int
	in   io.ReadCloser
	at   int64 // offset that in stands at
}

// farAhead is a gap in the input that is not worth reading through.
const farAhead = 1 << 20

func (rw *rejectsWriter) row(ctx context.Context, e entry) error {
	r, err := decodeRejection(e.body)
	if err != nil {
		return err
	}
	f := rw.job.Import.Files[e.place.file]
	if e.place.file != rw.file {
		rw.closeFile()
		rw.file = e.place.file
		if err := rw.csv.Write(append(slices.Clone(f.Header), rejectColumns()...)); err != nil {
			return err
		}
	}
	raw, err := rw.raw(ctx, f, e.place)
	if err != nil {
		return err
	}
	cells := cellsOf(ctx, raw, f)
	for i, c := range cells {
		cells[i] = escapeFormula(c)
	}
	return rw.csv.Write(append(cells, f.Name, strconv.FormatInt(e.place.line, 10), r.column, r.code, r.message))
}

// raw reads the bytes of one row, at most what a record may hold.
func (rw *rejectsWriter) raw(ctx context.Context, f job.File, p place) ([]byte, error) {
	if rw.in == nil || p.offset < rw.at || p.offset > rw.at+farAhead {
		if rw.in != nil {
			_ = rw.in.Close()
			rw.in = nil
		}
		in, err := rw.im.c.Objects.Open(ctx, f.Object, f.Version, p.offset, -1)
		if err != nil {
			return nil, err
		}
		rw.in, rw.at = in, p.offset
	}
	if _, err := io.CopyN(io.Discard, rw.in, p.offset-rw.at); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "read_input", "read "+f.Name)
	}
	raw := make([]byte, min(p.length, csvsource.DefaultMaxRecord))
	n, err := io.ReadFull(rw.in, raw)
	rw.at = p.offset + int64(n)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fault.Wrap(err, fault.Unavailable, "read_input", "read "+f.Name)
	}
	return raw[:n], nil
}

func (rw *rejectsWriter) closeFile() {
	if rw.in != nil {
		_ = rw.in.Close()
		rw.in = nil
	}
}

// cellsOf splits a row as its file's columns; a row that does not split goes
// whole into the first cell.
func cellsOf(ctx context.Context, raw []byte, f job.File) []string {
	src := csvsource.Open(bytes.NewReader(raw), csvsource.Options{Header: f.Header, Delimiter: f.Delim[0]})
	row, err := src.Next(ctx)
	cells := make([]string, len(f.Header))
	if err != nil || row.Err != nil && len(row.Fields) == 0 {
		if len(cells) > 0 {
			cells[0] = strings.ToValidUTF8(strings.TrimRight(string(raw), "\r\n"), string(utf8.RuneError))
		}
		return cells
	}
	copy(cells, row.Fields)
	return cells
}

// formulaStarts make a spreadsheet take a cell for a formula (OWASP ASVS 5.0,
// 1.2.10), the full-width forms included.
const formulaStarts = "=+-@\t\r＝＋－＠"

// escapeFormula puts a quote before what a spreadsheet would run. Plain
// numbers stay as they are. Reading a rejects file takes the quote off again.
func escapeFormula(s string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, "'"))
	if s == "" || !strings.ContainsRune(formulaStarts, first) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return "'" + s
}

// unescapeFormulas undoes escapeFormula.
func unescapeFormulas(fields []string) {
	for i, f := range fields {
		if first, _ := utf8.DecodeRuneInString(strings.TrimLeft(f, "'")); strings.HasPrefix(f, "'") && strings.ContainsRune(formulaStarts, first) {
			fields[i] = f[1:]
		}
	}
}
