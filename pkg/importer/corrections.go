package importer

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
)

// Correction is a rejected row as a person has corrected it.
type Correction struct {
	File  string            // as the job names it
	Line  int64             // as the reject names it
	Cells map[string]string // that are changed, by the names of their columns or fields
}

// Corrected is the input of an import that corrects another one.
type Corrected struct {
	Files []job.File      // those of the other one, which leave the corrected rows out
	Rows  []CorrectedRows // that are to be stored, and imported beside Files
}

// CorrectedRows are corrected rows as a file to import.
type CorrectedRows struct {
	Name    string
	Dataset string // empty if the rows tell
	Text    []byte
}

// Limits of corrections: the lines are kept in the job.
const (
	MaxCorrections = 1000 // of one request
	mostLeftOut    = 5000 // rows of all files of a job
)

// Corrections makes the input of an import that reads the files of another one again, with corrected
// rows in place of rejected ones. So a replace without any other rejects removes what it should. The
// other one is a plan, or is done. The error is fault.Conflict if it cannot be corrected, fault.Invalid
// if a row is not among its rejects.
func (im *Importer) Corrections(ctx context.Context, j *job.Job, rows []Correction) (Corrected, error) {
	if err := correctable(j); err != nil {
		return Corrected{}, err
	}
	byFile, err := correctionsByFile(j, rows)
	if err != nil {
		return Corrected{}, err
	}
	tables, err := im.rejectsTables(ctx, j)
	if err != nil {
		return Corrected{}, err
	}
	c := corrected{job: j, Corrected: originals(j)}
	for i, rows := range byFile {
		if len(rows) == 0 {
			continue
		}
		c.leaveOut(i, rows)
		at := slices.IndexFunc(tables, func(t rejectsTable) bool { return t.file == i && !t.old })
		if at < 0 {
			return Corrected{}, noReject(j.Import.Files[i].Name, rows)
		}
		if err := c.add(ctx, im, tables[at], rows); err != nil {
			return Corrected{}, err
		}
	}
	return c.Corrected, c.check()
}

// correctable says why the rejects of a job cannot be corrected this way; nil if they can.
func correctable(j *job.Job) error {
	refuse := func(code, why string) error { return fault.New(fault.Conflict, code, why) }
	switch {
	case j.Import == nil, j.Import.Undo != "":
		return refuse("not_correctable", "Only the rejects of an import of files can be corrected.")
	case j.Import.Pull != nil && j.Import.Pull.Spreadsheet == "":
		return refuse("not_correctable", "Correct the record in the billing system, and sync again.")
	case j.Import.Pull != nil:
		return refuse("not_correctable", "Correct the rows in the spreadsheet, and sync again.")
	case j.Import.FilesErased:
		return refuse("files_erased", "The files of this import were erased; import the corrected rows as a new file.")
	case j.Status != job.Planned && j.Status != job.Done:
		return refuse("not_correctable", "Rejects are corrected once the import is planned or done.")
	}
	return nil
}

// correctionsByFile sorts corrections by the files of a job.
func correctionsByFile(j *job.Job, rows []Correction) ([]source.Corrections, error) {
	byFile := make([]source.Corrections, len(j.Import.Files))
	for _, r := range rows {
		i := slices.IndexFunc(j.Import.Files, func(f job.File) bool { return f.Name == r.File })
		if i < 0 {
			return nil, wrongRows("no_such_file", "A correction names a file that the import does not have; name it as the import does.")
		}
		if byFile[i] == nil {
			byFile[i] = source.Corrections{}
		}
		if byFile[i][r.Line] != nil {
			return nil, wrongRows("twice", fmt.Sprintf("Line %d of a file is corrected twice.", r.Line))
		}
		cells := r.Cells
		if cells == nil {
			cells = map[string]string{}
		}
		byFile[i][r.Line] = cells
	}
	return byFile, nil
}

func wrongRows(code, message string) error {
	return &fault.Error{Kind: fault.Invalid, Code: code, Param: "rows", Message: message}
}

// noReject is the error for corrections of rows that are not among the rejects of a file.
func noReject(file string, rows source.Corrections) error {
	first := int64(0)
	for line := range rows {
		if first == 0 || line < first {
			first = line
		}
	}
	return wrongRows("no_such_reject", fmt.Sprintf("No row on line %d of %s was rejected.", first, file))
}

// corrected is the input of an import while it is made.
type corrected struct {
	Corrected

	job *job.Job
}

// originals are the files of a job as they were given to it: packed ones in place of what was
// unpacked from them.
func originals(j *job.Job) (c Corrected) {
	packed := 0
	for _, f := range j.Import.Files {
		if _, _, unpacked := readUnpacked(j.ID, f.Object); !unpacked {
			c.Files = append(c.Files, original(f))
		} else if packedAs(j.ID, j.Import.Files, f.Object) == packed {
			c.Files = append(c.Files, original(j.Import.Zips[packed]))
			packed++
		}
	}
	return c
}

// original is what is said of a file when it is imported. It is read as it was read before.
func original(f job.File) job.File {
	if f.Format == job.NDJSON {
		f.Dataset = f.Unnamed
	}
	return job.File{
		Name: f.Name, Object: f.Object, Version: f.Version, Dataset: f.Dataset, Size: f.Size, Settings: f.Settings, LeftOut: slices.Clone(f.LeftOut),
	}
}

// leaveOut leaves rows of the i-th file of the job out.
func (c *corrected) leaveOut(i int, rows source.Corrections) {
	of := c.job.Import.Files[i]
	object := of.Object
	_, part, unpacked := readUnpacked(c.job.ID, object)
	if unpacked {
		object = c.job.Import.Zips[packedAs(c.job.ID, c.job.Import.Files, object)].Object
	}
	f := &c.Files[slices.IndexFunc(c.Files, func(f job.File) bool { return f.Object == object })]
	at := slices.IndexFunc(f.LeftOut, func(l job.LeftOut) bool { return l.Part == part })
	if at < 0 {
		at = len(f.LeftOut)
		f.LeftOut = append(f.LeftOut, job.LeftOut{Part: part})
	}
	lines := slices.Clone(f.LeftOut[at].Lines)
	for line := range rows {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	f.LeftOut[at].Lines = slices.Compact(lines)
}

// add adds the corrected rows of a file.
func (c *corrected) add(ctx context.Context, im *Importer, rejects rejectsTable, rows source.Corrections) error {
	of := c.job.Import.Files[rejects.file]
	file := RejectsFile{objects: im.c.Objects, tables: []rejectsTable{rejects}}
	r, w := io.Pipe()
	go func() { w.CloseWithError(file.WriteTo(ctx, w)) }()
	defer func() { _ = r.Close() }()
	right, err := format(of).Correct(r, shape(of), rows)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return noReject(of.Name, rows)
	}
	added := CorrectedRows{Name: c.newName(of), Text: right}
	if of.Format == job.NDJSON {
		added.Dataset = of.Unnamed
	}
	c.Rows = append(c.Rows, added)
	return nil
}

// newName names the corrected rows of a file like no other file of the import.
func (c *corrected) newName(of job.File) string {
	stem, ending := rejectsStem(of.Name, of.Format == job.NDJSON)
	stem = regexp.MustCompile(`\.corrected(-\d+)?$`).ReplaceAllString(stem, "")
	for n := 1; ; n++ {
		name := stem + ".corrected" + ending
		if n > 1 {
			name = fmt.Sprintf("%s.corrected-%d%s", stem, n, ending)
		}
		if !slices.ContainsFunc(c.job.Import.Files, func(f job.File) bool { return strings.EqualFold(f.Name, name) }) &&
			!slices.ContainsFunc(c.Rows, func(r CorrectedRows) bool { return strings.EqualFold(r.Name, name) }) {
			return name
		}
	}
}

// check checks that the job can hold all that is left out.
func (c *corrected) check() error {
	n := 0
	for _, f := range c.Files {
		for _, l := range f.LeftOut {
			n += len(l.Lines)
		}
	}
	if n > mostLeftOut {
		return fault.Newf(fault.Conflict, "too_many_corrections",
			"More than %d rows of this import would be corrected one by one; download its rejects, correct them in a spreadsheet, and import that file.", mostLeftOut)
	}
	return nil
}

// leftOutOf is what is left out of the n-th file in a packed file.
func leftOutOf(packed job.File, n int) []job.LeftOut {
	for _, l := range packed.LeftOut {
		if l.Part == n {
			return []job.LeftOut{{Lines: l.Lines}}
		}
	}
	return nil
}

// leftOutLines are the lines of a file that are not read.
func leftOutLines(f job.File) map[int64]bool {
	lines := map[int64]bool{}
	for _, l := range f.LeftOut {
		for _, line := range l.Lines {
			lines[line] = true
		}
	}
	return lines
}
