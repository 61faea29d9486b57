package person

import (
	"context"
	"maps"
	"slices"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// history emits, of a page of all jobs, the files that may name the customer and the erases that
// concern it, newest first.
func (r *Reader) history(ctx context.Context, _ member, after string, emit Emit) (next string, err error) {
	n := 0
	for j, err := range r.Ledger.All(ctx, r.Page, after) {
		if err != nil {
			return "", err
		}
		if n++; n > r.Page {
			return next, nil
		}
		next = j.ID
		if err := r.files(ctx, j, emit); err != nil {
			return "", err
		}
		if err := r.erase(j, emit); err != nil {
			return "", err
		}
	}
	return "", nil
}

// files emits the files of a job, if they may name the customer.
func (r *Reader) files(ctx context.Context, j *job.Job, emit Emit) error {
	if j.ID == r.Job.ID || !eraser.MayName(j, r.customers()) {
		return nil
	}
	uploads, made, err := eraser.FilesOf(ctx, r.Objects, j)
	if err != nil {
		return err
	}
	for _, f := range uploads {
		if err := fact(SectionFiles, File{Job: j.ID, DataSource: j.Source, Kind: eraser.Uploads, Name: f.Name, Count: 1, At: j.CreatedAt}, emit); err != nil {
			return err
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(made)) {
		if err := fact(SectionFiles, File{Job: j.ID, DataSource: j.Source, Kind: kind, Count: made[kind], At: j.CreatedAt}, emit); err != nil {
			return err
		}
	}
	return nil
}

// customers are the source customers.
func (r *Reader) customers() []job.ErasedRecord { return r.Job.Export.Customers }

// erase emits an erase, if it is of the customer or of something in one of its sources.
func (r *Reader) erase(j *job.Job, emit Emit) error {
	if j.Erase == nil {
		return nil
	}
	named := slices.ContainsFunc(r.customers(), func(c job.ErasedRecord) bool { return slices.Contains(j.Erase.Records, c) })
	if !named && (len(j.Erase.Records) > 0 || !r.concerns(j)) {
		return nil
	}
	return fact(SectionErases, Erase{
		Job: j.ID, Selection: j.Erase.Selection, Named: named, Status: string(j.Status), AskedAt: j.CreatedAt, AskedBy: j.Erase.By, Receipt: len(j.Erase.Receipt) > 0,
	}, emit)
}

// concerns tells whether an erase is of one of the customer's sources.
func (r *Reader) concerns(j *job.Job) bool {
	return slices.ContainsFunc(append([]store.Source{j.Erase.Was}, j.Erase.Sources...), func(src store.Source) bool {
		return slices.ContainsFunc(r.Job.Export.Read(), func(s store.Source) bool { return s.UUID == src.UUID })
	})
}
