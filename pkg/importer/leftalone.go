package importer

import (
	"context"
	"encoding/csv"
	"errors"
	"io"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source/csvsource"
)

// RejectsName is the object with the list of the rows that an undo left alone. Before 2026-11-29 it
// held the rejects of an import (see [Importer.Rejects]). There is no object without such rows.
func RejectsName(jobID string) string { return jobDir(jobID) + "rejects.csv" }

// writeLeftAlone writes the list of the rows that an undo left alone. An import has its rejects
// file instead.
func (im *Importer) writeLeftAlone(ctx context.Context, j *job.Job, names []string) error {
	there := func() (bool, error) {
		_, err := im.c.Objects.Stat(ctx, RejectsName(j.ID))
		if fault.Is(err, fault.NotFound) {
			return false, nil
		}
		return err == nil, err
	}
	// If the file exists it is complete: keep it. A retry after a crash may find the runs already
	// deleted.
	if is, err := there(); is || err != nil {
		return err
	}
	err := im.listLeftAlone(ctx, j, names)
	if fault.Is(err, fault.NotFound) { // another worker wrote it meanwhile, and deleted the runs
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
	defer file.Abort() // no effect once closed
	out := csv.NewWriter(file)
	cells := leftAloneColumns()
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

const columnRejectCode = "Reject code"

func leftAloneColumns() []string {
	return []string{"Dataset", "Record", columnRejectCode, "Reject reason"}
}

func nextLeftAlone(in *merger) ([]string, error) {
	e, err := in.next()
	if err != nil {
		return nil, err
	}
	r, err := decodeRejection(e.body)
	cells := []string{r.dataset, r.column, r.code, r.message}
	csvsource.EscapeFormulas(cells)
	return cells, err
}
