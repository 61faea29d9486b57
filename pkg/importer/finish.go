package importer

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/store"
)

// totals is what all tasks of a job came to.
type totals struct {
	summary
	cost store.Cost
}

// sums adds up the tasks' results.
func (im *Importer) sums(ctx context.Context, j *job.Job) (totals, error) {
	var t totals
	tasks, err := im.c.Ledger.Tasks(ctx, j.ID, "")
	if err != nil {
		return t, err
	}
	for _, task := range tasks {
		if len(task.Result) == 0 {
			continue
		}
		var r result
		if err := json.Unmarshal(task.Result, &r); err != nil {
			return t, fault.Wrap(err, fault.Internal, "task_result", "read a task's state")
		}
		t.cost = t.cost.Add(r.Cost)
		if task.State == job.TaskDone {
			t.add(r.Summary)
		}
	}
	return t, nil
}

// bookProgress writes into the job how far it has come.
func (im *Importer) bookProgress(ctx context.Context, j *job.Job) error {
	tasks, err := im.c.Ledger.Tasks(ctx, j.ID, "")
	if err != nil {
		return err
	}
	var bytesDone, rows, items int64
	for _, t := range tasks {
		_, step, n := splitTask(t.ID)
		if t.State != job.TaskDone {
			continue
		}
		if step == stepMap {
			bytesDone += j.Import.Pieces[n].Length
		}
		var r result
		if json.Unmarshal(t.Result, &r) != nil {
			continue
		}
		for _, c := range r.Summary.Datasets {
			rows += c.Read
			items += c.Added + c.Changed
		}
	}
	_, err = im.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		j.Progress.BytesDone = max(j.Progress.BytesDone, bytesDone)
		j.Progress.RowsDone = max(j.Progress.RowsDone, rows)
		j.Progress.ItemsDone = max(j.Progress.ItemsDone, items)
		return nil
	})
	return err
}

// finish ends a job whose tasks are all done: sums (I1), rejects file, and
// the runs go. It may be called twice.
func (im *Importer) finish(ctx context.Context, j *job.Job) error {
	sum, err := im.sums(ctx, j)
	if err != nil {
		return err
	}
	for _, f := range j.Import.Files { // a file without rows is in the report too
		sum.count(f.Dataset, func(*job.Counts) {})
	}
	var rejected, read, written int64
	for name, c := range sum.Datasets {
		if c.Read != c.Added+c.Changed+c.Unchanged+c.Rejected { // I1
			return fault.Newf(fault.Internal, "sums_differ", "%s: %d rows read, but %d accounted for",
				name, c.Read, c.Added+c.Changed+c.Unchanged+c.Rejected)
		}
		rejected += c.Rejected
		read += c.Read
		written += c.Added + c.Changed
	}
	if rejected > 0 {
		if err := im.writeRejects(ctx, j); err != nil {
			return err
		}
	}
	if _, err := im.c.Objects.DeleteAll(ctx, jobDir(j.ID)+"runs/"); err != nil {
		return err
	}
	return im.end(ctx, j.ID, func(j *job.Job) error {
		j.Status, j.Datasets, j.Rejects, j.Cost = job.Done, sum.Datasets, rejected, sum.cost
		j.Progress.BytesDone, j.Progress.RowsDone, j.Progress.ItemsDone = j.Progress.BytesTotal, read, written
		return nil
	})
}

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

// writeRejects merges the reject runs and writes rejects.csv: for each file
// its original columns, then where and why. It is written block by block for each
// input file, with a header row of its own.
func (im *Importer) writeRejects(ctx context.Context, j *job.Job) error {
	runs := objectRuns{im.c.Objects, jobDir(j.ID) + "runs/"}
	in, err := runs.read(ctx, rejectPrefix)
	if err != nil {
		return err
	}
	defer in.close()
	file, err := im.c.Objects.Replace(ctx, RejectsName(j.ID))
	if err != nil {
		return err
	}
	defer file.Abort() // has no effect once closed
	out := &rejectsWriter{im: im, job: j, csv: csv.NewWriter(file), file: -1}
	defer out.closeFile()
	for {
		e, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = out.row(ctx, e)
		}
		if err != nil {
			return err
		}
	}
	out.csv.Flush()
	if err := out.csv.Error(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "rejects_file", "write the rejects file")
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
