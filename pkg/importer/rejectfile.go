package importer

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source/csvsource"
)

// RejectsFile holds the rejects of one input file as people download them: a table with its header
// row, or lines of NDJSON. A version before 2026-11-30 made one file of all rejects of an import:
// tables and lines in the order of the input files.
type RejectsFile struct {
	Name    string // the name of the input file, with ".rejects" before its ending
	NDJSON  bool
	objects *objects.Objects
	tables  []rejectsTable
}

// rejectsTable is the rejects of one input file.
type rejectsTable struct {
	file  int    // index in the job
	head  string // its header row; empty for NDJSON
	old   bool   // made by a version before 2026-11-30
	wide  bool   // its parts hold more than ASCII
	parts []objects.Info
}

// Rejects finds the rejects of an import: a file for each input file that has some, in the order of
// the input. There are none while its rows are being decided.
func (im *Importer) Rejects(ctx context.Context, j *job.Job) (out []RejectsFile, err error) {
	if j.Import == nil || !j.Import.Applying && !j.Status.Ended() {
		return nil, nil
	}
	tables, err := im.rejectsTables(ctx, j)
	if err != nil {
		return nil, err
	}
	old := RejectsFile{Name: "rejects" + endNDJSON, NDJSON: true, objects: im.c.Objects}
	for _, t := range tables {
		if !t.old {
			of := j.Import.Files[t.file]
			out = append(out, RejectsFile{otherName(of, out), of.Format == job.NDJSON, im.c.Objects, []rejectsTable{t}})
			continue
		}
		if old.tables = append(old.tables, t); t.head != "" {
			old.Name, old.NDJSON = "rejects"+endCSV, false
		}
	}
	if len(old.tables) > 0 {
		out = append(out, old)
	}
	return out, nil
}

// rejectsTables finds the parts of the rejects of each input file.
func (im *Importer) rejectsTables(ctx context.Context, j *job.Job) (tables []rejectsTable, err error) {
	for info, err := range im.c.Objects.List(ctx, rejectsDir(j.ID)) {
		if err != nil {
			return nil, err
		}
		file, old, mark := readRejectsName(strings.TrimPrefix(info.Key, rejectsDir(j.ID)))
		if file >= len(j.Import.Files) {
			continue
		}
		if n := len(tables); n == 0 || tables[n-1].file != file || tables[n-1].old != old {
			tables = append(tables, rejectsTable{file: file, old: old, head: rejectsHead(j.Import.Files[file], old)})
		}
		t := &tables[len(tables)-1]
		if mark {
			t.wide = true
		} else {
			t.parts = append(t.parts, info)
		}
	}
	return tables, nil
}

// rejectsHead is the header row of the rejects of an input file; empty for NDJSON.
func rejectsHead(of job.File, old bool) string {
	if old && of.Format != job.NDJSON {
		return string(csvsource.OldRejectsHead(shape(of)))
	}
	return string(format(of).RejectsHead(shape(of)))
}

// begin is what stands before the rows. A table that holds more than ASCII begins with a byte order
// mark: without it, Excel takes the text for another encoding.
func (t *rejectsTable) begin() string {
	if t.head != "" && !t.old && (t.wide || !isASCII(t.head)) {
		return "\ufeff" + t.head
	}
	return t.head
}

func isASCII[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// NameOfRejects names the rejects file of an input file. It is a path that stays below its folder,
// ends like a file that can be imported, and is the same in every round of corrections.
func NameOfRejects(input string, ndjson bool) string {
	stem, ending := rejectsStem(input, ndjson)
	return stem + ".rejects" + ending
}

func rejectsStem(input string, ndjson bool) (stem, ending string) {
	name := path.Clean("/" + strings.ReplaceAll(input, `\`, "/"))[1:]
	if isPlain(name) {
		ending = path.Ext(name)
	}
	stem = cmp.Or(strings.TrimSuffix(strings.TrimSuffix(name, ending), ".rejects"), "input")
	switch {
	case ending != "":
		return stem, ending
	case ndjson:
		return stem, endNDJSON
	}
	return stem, endCSV
}

// otherName is [NameOfRejects], with a number if another file has that name.
func otherName(of job.File, others []RejectsFile) string {
	ndjson := of.Format == job.NDJSON
	name := NameOfRejects(of.Name, ndjson)
	taken := func(f RejectsFile) bool { return strings.EqualFold(f.Name, name) }
	for n := 2; slices.ContainsFunc(others, taken); n++ {
		stem, ending := rejectsStem(of.Name, ndjson)
		name = fmt.Sprintf("%s-%d.rejects%s", stem, n, ending)
	}
	return name
}

// Size is how many bytes WriteTo will write.
func (f *RejectsFile) Size() (n int64) {
	for _, t := range f.tables {
		n += int64(len(t.begin()))
		for _, part := range t.parts {
			n += part.Size
		}
	}
	return n
}

// WriteTo writes the file.
func (f *RejectsFile) WriteTo(ctx context.Context, w io.Writer) error {
	for _, t := range f.tables {
		if _, err := io.WriteString(w, t.begin()); err != nil {
			return err
		}
		for _, part := range t.parts {
			if err := f.copy(ctx, w, part.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *RejectsFile) copy(ctx context.Context, w io.Writer, key string) error {
	in, err := f.objects.Open(ctx, key, "", 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	_, err = io.Copy(w, in)
	return err
}

// ZipRejects writes several rejects files as a ZIP.
func ZipRejects(ctx context.Context, w io.Writer, files []RejectsFile) error {
	z := zip.NewWriter(w)
	for i := range files {
		entry, err := z.Create(files[i].Name)
		if err != nil {
			return err
		}
		if err := files[i].WriteTo(ctx, entry); err != nil {
			return err
		}
	}
	return z.Close()
}
