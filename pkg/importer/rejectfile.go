package importer

import (
	"context"
	"fmt"
	"io"
	"strings"

	"reseed/pkg/job"
	"reseed/pkg/objects"
)

// RejectsFile holds the rejects of an import as people download them, in the order of the input
// files: each CSV file as a table with its own header row, each NDJSON file as its lines. It is
// empty if no row was rejected.
type RejectsFile struct {
	objects *objects.Objects
	job     *job.Job
	parts   []objects.Info
}

// Rejects finds the rejects of an import. There are none while its rows are being decided.
func (im *Importer) Rejects(ctx context.Context, j *job.Job) (*RejectsFile, error) {
	f := &RejectsFile{objects: im.c.Objects, job: j}
	if j.Import == nil || !j.Import.Applying && !j.Status.Ended() {
		return f, nil
	}
	for info, err := range im.c.Objects.List(ctx, rejectsDir(j.ID)) {
		if err != nil {
			return nil, err
		}
		f.parts = append(f.parts, info)
	}
	return f, nil
}

// Size is how many bytes WriteTo will write.
func (f *RejectsFile) Size() (n int64) {
	for i, part := range f.parts {
		n += part.Size + int64(len(f.headerBefore(i)))
	}
	return n
}

// Ending is the ending for the file: .csv if it has a table, else .ndjson.
func (f *RejectsFile) Ending() string {
	for i := range f.parts {
		if file := f.fileOf(i); file >= len(f.job.Import.Files) || f.job.Import.Files[file].Format != job.NDJSON {
			return endCSV
		}
	}
	return endNDJSON
}

// WriteTo writes the file.
func (f *RejectsFile) WriteTo(ctx context.Context, w io.Writer) error {
	for i, part := range f.parts {
		if _, err := io.WriteString(w, f.headerBefore(i)); err != nil {
			return err
		}
		if err := f.copy(ctx, w, part.Key); err != nil {
			return err
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

// headerBefore is the header row of a table before its first part; empty before other parts.
func (f *RejectsFile) headerBefore(i int) string {
	file := f.fileOf(i)
	if i > 0 && f.fileOf(i-1) == file || file >= len(f.job.Import.Files) {
		return ""
	}
	of := f.job.Import.Files[file]
	return string(format(of).RejectsHead(shape(of)))
}

// fileOf is the index of the input file that a part belongs to.
func (f *RejectsFile) fileOf(part int) (file int) {
	_, _ = fmt.Sscanf(strings.TrimPrefix(f.parts[part].Key, rejectsDir(f.job.ID)), "%d-", &file)
	return file
}
