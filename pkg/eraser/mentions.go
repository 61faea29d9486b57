package eraser

import (
	"context"
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// MayName tells whether files that a job has read or made may name one of some customers or
// invoices: it is an import that has ended or an export, of one of their sources. Nobody reads the
// files to find out. An export of one customer names that customer only.
func MayName(j *job.Job, records []job.ErasedRecord) bool {
	switch {
	case j.Import != nil:
		return mayHaveNamed(j, records) && !j.Import.FilesErased
	case j.Export == nil || j.Export.Deleted || j.Export.Size == 0:
		return false
	case j.Export.Customer != "":
		return slices.ContainsFunc(records, func(r job.ErasedRecord) bool { return slices.Contains(j.Export.Customers, r) })
	}
	return ofSourcesOf(records, j.Export.Was.Tag)
}

// mayHaveNamed tells whether files that an import has read or made may once have named one of some
// records.
func mayHaveNamed(j *job.Job, records []job.ErasedRecord) bool {
	return j.Status.Ended() && ofSourcesOf(records, j.Tag)
}

func ofSourcesOf(records []job.ErasedRecord, tag store.Tag) bool {
	return slices.ContainsFunc(records, func(r job.ErasedRecord) bool { return r.Tag == tag })
}

// FilesOf lists the uploads that an import has read and that still exist, and counts, by kind, the
// files that an import or export has made.
func FilesOf(ctx context.Context, objs *objects.Objects, j *job.Job) (uploads []job.File, made Counts, err error) {
	for _, f := range inputsOf(j) {
		if f.Object == "" || strings.HasPrefix(f.Object, j.Prefix()) {
			continue
		}
		info, err := objs.Stat(ctx, f.Object)
		switch {
		case fault.Is(err, fault.NotFound):
			continue
		case err != nil:
			return nil, nil, err
		case f.Version == "" || f.Version == info.Version: // else it was put there again
			uploads = append(uploads, f)
		}
	}
	made, err = madeBy(ctx, objs, j)
	return uploads, made, err
}

// madeBy counts the files in the folder of a job, by kind.
func madeBy(ctx context.Context, objs *objects.Objects, j *job.Job) (Counts, error) {
	n := Counts{}
	for info, err := range objs.List(ctx, j.Prefix()) {
		if err != nil {
			return nil, err
		}
		n[kindOfFile(j, strings.TrimPrefix(info.Key, j.Prefix()))]++
	}
	return n, nil
}
