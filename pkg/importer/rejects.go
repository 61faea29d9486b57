package importer

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/job"
)

// RejectsName is where the list of the rows that an undo left alone lies in the object store, and the rejects of imports
// before 2026-11-29 (see [Importer.Rejects]). There is none if there are no such rows.
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

// writeLeftAlone writes the rows that an undo left alone, in place of the rejects file of an import.
func (im *Importer) writeLeftAlone(ctx context.Context, j *job.Job, names []string) error {
	there := func() (bool, error) {
		_, err := im.c.Objects.Stat(ctx, RejectsName(j.ID))
		if fault.Is(err, fault.NotFound) {
			return false, nil // there is none, and that is an answer
		}
		return err == nil, err
	}
	// If it is there it is whole, and who ends the job a second time, since the first try was killed, may find that the runs are
	// gone which it was made of.
	if is, err := there(); is || err != nil {
		return err
	}
	err := im.listLeftAlone(ctx, j, names)
	if fault.Is(err, fault.NotFound) { // somebody else has made it meanwhile, and dropped the runs
		if is, _ := there(); is {
			return nil
		}
	}
	return err
}

func (im *Importer) listLeftAlone(ctx context.Context, j *job.Job, names []string) error {
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
	cells := []string{"Dataset", "Record", "Reject code", "Reject reason"}
	for err == nil {
		if err := out.Write(cells); err != nil {
			return err
		}
		cells, err = nextLeftAlone(in)
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if out.Flush(); out.Error() != nil {
		return fault.Wrap(out.Error(), fault.Unavailable, "rejects_file", "write the rejects file")
	}
	return file.Close()
}

func nextLeftAlone(in *merger) ([]string, error) {
	e, err := in.next()
	if err != nil {
		return nil, err
	}
	r, err := decodeRejection(e.body)
	cells := []string{r.dataset, r.column, r.code, r.message}
	escapeFormulas(cells)
	return cells, err
}
