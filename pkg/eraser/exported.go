package eraser

import (
	"context"
	"fmt"
	"slices"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Exported is what is known of the latest export of what an erase removes. Nobody knows here whether
// somebody has kept its file.
type Exported struct {
	Source     string `json:"source"`
	SourceName string `json:"source_name"`
	// The export, and when it began to read. Empty if there is none, or if a job has changed or erased
	// something of the source since.
	Job string    `json:"job,omitempty"`
	At  time.Time `json:"at,omitzero"`
	// Changed is how many of the items that go were added or changed after that, over REST or by hand.
	// What a request was writing at the moment when the export began may be missing.
	Changed int64  `json:"changed"`
	Fresh   bool   `json:"fresh"`         // there is such an export, and nothing of what goes has changed since
	NoEdits bool   `json:"without_edits"` // it does not hold what people did by hand, some of which goes
	Says    string `json:"says"`          // all this in a sentence
}

// wanted is a search for the latest export of something.
type wanted struct {
	src    store.Source
	tags   []store.Tag         // of the sources whose changes count
	covers func(*job.Job) bool // the export holds all that goes
	found  *job.Job            // the latest such export
	last   time.Time           // when the latest job ended that changed something
}

// wantedOf says which exports hold what a selection of one source removes.
func wantedOf(kind Kind, t target) *wanted {
	w := &wanted{src: t.src, tags: []store.Tag{t.src.Tag}, covers: func(j *job.Job) bool { return wholeSource(j, t.src) }}
	if kind != Customer && kind != CustomerInvoices {
		return w
	}
	for _, r := range t.records {
		if !slices.Contains(w.tags, r.Tag) {
			w.tags = append(w.tags, r.Tag)
		}
	}
	w.covers = func(j *job.Job) bool {
		all := !slices.ContainsFunc(t.records, func(r job.ErasedRecord) bool { return !slices.Contains(j.Export.Customers, r) })
		return all || len(w.tags) == 1 && wholeSource(j, t.src)
	}
	return w
}

// wholeSource tells whether an export is of all rows of a source, in files that an import takes.
func wholeSource(j *job.Job, src store.Source) bool {
	x := j.Export
	missing := func(ds billing.Dataset) bool { return !slices.Contains(x.Datasets, string(ds)) }
	return x.Customer == "" && x.Was.UUID == src.UUID && !x.Sheet && !slices.ContainsFunc(billing.Order(), missing)
}

// lookFor reads the history of jobs and finds the exports.
func (e *Eraser) lookFor(ctx context.Context, d *store.Directory, list ...*wanted) error {
	for j, err := range e.c.Ledger.All(ctx, historyPage, "") {
		if err != nil {
			return err
		}
		for _, w := range list {
			w.take(d, j, e.c.Now())
		}
	}
	for _, w := range list {
		if w.found != nil && w.last.After(w.found.StartedAt) {
			w.found = nil
		}
	}
	return nil
}

// take looks at a job; the newest come first.
func (w *wanted) take(d *store.Directory, j *job.Job, now time.Time) {
	switch {
	case j.Export != nil && w.found == nil && j.Status == job.Done && j.Export.Unerased(d) && w.covers(j):
		w.found = j
	case j.Import == nil || !slices.Contains(w.tags, j.Tag) || !changed(j):
	case !j.Status.Ended():
		w.last = now
	case j.EndedAt.After(w.last):
		w.last = j.EndedAt
	}
}

// changed tells whether an import or undo may have changed rows.
func changed(j *job.Job) bool {
	if j.Status != job.Done {
		return j.Wrote()
	}
	var sum job.Counts
	for _, c := range j.Datasets {
		sum = sum.Add(c)
	}
	return sum.Added+sum.Changed+sum.Removed > 0
}

// since is when the export that was found began to read, in Unix milliseconds; 0 if none was.
func (w *wanted) since() int64 {
	if w.found == nil {
		return 0
	}
	return w.found.StartedAt.UnixMilli()
}

// changedSince tells whether an item was added or changed after a time.
func changedSince(a table.Attrs, since int64) bool {
	at, _ := a.Int(store.AttrUpdated)
	return since > 0 && at > since
}

// exported says what is known, given what goes and how much of that has changed.
func (w *wanted) exported(goes Counts, changed int64) Exported {
	x := Exported{Source: w.src.UUID, SourceName: w.src.Name, Changed: changed}
	if w.found == nil {
		x.Says = fmt.Sprintf("No export since the last change of %s is known.", w.src.Name)
		return x
	}
	x.Job, x.At, x.Fresh = w.found.ID, w.found.StartedAt.UTC(), changed == 0
	when := x.At.Format("2 January 2006, 15:04:05 UTC")
	if !x.Fresh {
		x.Says = fmt.Sprintf("No export since the last change of %s: the last one is of %s (job %s), and %d of the items that go were added or changed since.", w.src.Name, when, x.Job, changed)
		return x
	}
	x.Says = fmt.Sprintf("Last export of %s: %s (job %s); nothing of what goes has changed since.", w.src.Name, when, x.Job)
	spec := w.found.Export
	if x.NoEdits = spec.Customer == "" && (spec.Edits == "" || spec.Edits == job.EditsLaidOver) && goes[Edits]+goes[Merges] > 0; x.NoEdits {
		x.Says += " What people did by hand is not in it."
	}
	return x
}
