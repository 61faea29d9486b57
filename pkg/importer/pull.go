package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source/sheets"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A pull is a replace whose input is frozen first, as objects of the job (see package puller). This
// file holds what is different about it then.

// PhasePull is the phase in which the tabs of a pull are frozen.
const PhasePull = job.PhasePull

// InputDir is the folder of the objects that a job makes to read them.
func InputDir(jobID string) string { return inputDir(jobID) }

// Pull stores the job of a pull, with extra writes in the same transaction, and starts it, or lets it
// wait for its turn. The error is fault.Conflict if a condition of the extra writes fails.
func (im *Importer) Pull(ctx context.Context, src store.Source, j *job.Job, extra ...table.Write) (*job.Job, error) {
	return im.create(ctx, src, j, extra...)
}

// Frozen goes on with a pull whose tabs are all frozen: files are their tables. change sets what the
// job keeps of the pull. Done again, it changes nothing.
func (im *Importer) Frozen(ctx context.Context, id string, files []job.File, notes []string, change func(*job.PullSpec)) error {
	j, err := im.c.Ledger.Update(ctx, id, func(j *job.Job) error {
		if err := goesOn(j); err != nil {
			return err
		}
		if j.Pulling() {
			j.Import.Files, j.Import.Datasets, j.Stage, j.Notes = files, []string{job.RejectedStay}, "", append(j.Notes, notes...)
			j.Import.Pull.Whole = true
			change(j.Import.Pull)
		}
		return nil
	})
	if err != nil {
		return im.stopped(ctx, id, err)
	}
	return im.send(ctx, j)
}

// stopped is the outcome of a change of a job that could not be made.
func (im *Importer) stopped(ctx context.Context, id string, err error) error {
	switch {
	case errors.Is(err, errStopped):
		return nil
	case errors.Is(err, errEnding):
		return im.endStopped(ctx, id)
	}
	return err
}

// Unchanged ends a pull that need not read anything.
func (im *Importer) Unchanged(ctx context.Context, id string, version int64) error {
	_, err := im.end(ctx, id, func(j *job.Job) error {
		if err := goesOn(j); err != nil {
			return err
		}
		j.Status, j.Import.Datasets = job.Done, nil
		j.Import.Pull.Whole, j.Import.Pull.Unchanged, j.Import.Pull.Version = true, true, version
		j.Notes = append(j.Notes, "Nothing has changed since the last pull ("+j.Import.Pull.Applied+"), so no cells were read.")
		return nil
	})
	return im.stopped(ctx, id, err)
}

// Fail makes a running import fail. why is told to people, and its code to webhooks.
func (im *Importer) Fail(ctx context.Context, j *job.Job, why error) error {
	return im.fail(ctx, j, why)
}

// pulled reports whether a job is a pull.
func pulled(j *job.Job) bool { return j.Import.Pull != nil }

// mark notes that a job is about to change rows of its source.
func (im *Importer) mark(ctx context.Context, j *job.Job) error {
	dir, err := im.c.Store.Directory(ctx)
	if err != nil {
		return err
	}
	src, _ := dir.ByTag(j.Tag)
	return im.c.Store.MarkWritten(ctx, src, j.ID)
}

// pulling sets the progress of a job that freezes tabs.
func (im *Importer) pulling(j *job.Job, tasks []job.Task) error {
	for _, t := range tasks {
		r, err := resultOf(t)
		if err != nil {
			return err
		}
		j.Progress.RowsDone, j.Progress.Streams, j.Progress.Waits = r.Pulled, r.Streams, r.Waits
	}
	im.rate(j)
	if left := expected(j) - j.Progress.RowsDone; left > 0 && j.Progress.RowsASecond > 0 {
		j.Progress.SecondsLeft = float64(left) / j.Progress.RowsASecond
	}
	return nil
}

// expected is how many objects a billing system has: as many as it says, or else as many as it had at
// the pull before; 0 if that is unknown.
func expected(j *job.Job) (n int64) {
	for _, s := range j.Progress.Streams {
		n += max(s.Done, s.Total)
	}
	return max(n, j.Import.Pull.Expected)
}

// dropFrozen deletes the frozen tables of a pull that has ended.
func (im *Importer) dropFrozen(ctx context.Context, j *job.Job) error {
	if !pulled(j) {
		return nil
	}
	return im.DropInput(ctx, j)
}

// RawDir is the folder of the raw pages of a pull of a billing system.
func RawDir(jobID string) string { return inputDir(jobID) + "raw/" }

// DropInput deletes what a job has made to read it, but for the raw pages of a whole pull: the next one
// deletes those.
func (im *Importer) DropInput(ctx context.Context, j *job.Job) error {
	if !j.HasRaw() {
		_, err := im.c.Objects.DeleteAll(ctx, inputDir(j.ID))
		return err
	}
	for folder, err := range im.c.Objects.Folders(ctx, inputDir(j.ID)) {
		if err != nil {
			return err
		}
		if folder == RawDir(j.ID) {
			continue
		}
		if _, err := im.c.Objects.DeleteAll(ctx, folder); err != nil {
			return err
		}
	}
	return nil
}

// withRows leaves out the files of a pull that have no rows: a tab that has become empty does not
// remove the rows of its dataset (I4).
func withRows[P any](spec *job.ImportSpec, pieces []P, empty []bool) (kept []P) {
	var files []job.File
	for i, f := range spec.Files {
		if !empty[i] {
			files, kept = append(files, f), append(kept, pieces[i])
		}
	}
	spec.Files = files
	return kept
}

func noRows(spec *job.ImportSpec) error {
	if p := spec.Pull; p != nil && p.System != "" {
		return fault.Newf(fault.Invalid, "nothing_pulled", "The %s account %s has nothing that can be imported. Nothing was changed.", p.System, p.Account)
	}
	return fault.New(fault.Invalid, sheets.CodeNoRows, "No tab of the spreadsheet has rows below a header row. Nothing was changed.")
}

// lostDatasets says which datasets a pull has lost since the last one. Their rows stay, also after a yes.
func lostDatasets(j *job.Job) string {
	p := j.Import.Pull
	if p == nil {
		return ""
	}
	why := slices.Clone(p.Lost)
	if p.System != "" { // what all of it was read, and lacks, is not there any more
		return strings.Join(why, " ")
	}
	for _, ds := range p.Had {
		if ds != job.RejectedStay && !slices.Contains(j.Import.Datasets, ds) {
			why = append(why, fmt.Sprintf("No tab of the spreadsheet has rows of %s any more, which the last pull had; the stored ones stay.", words(billing.Dataset(ds))))
		}
	}
	return strings.Join(why, " ")
}

// asked says why a pull waits for a yes whatever it changes; empty if it does not.
func asked(j *job.Job) string {
	if j.Import.Pull == nil {
		return ""
	}
	return j.Import.Pull.Ask
}

// tooChanged says why the changes of a pull that nobody watches need a person's yes; empty if they do
// not. A sheet can be valid and wrong: if one column is sorted without the others, every row changes.
func tooChanged(j *job.Job, sum totals) string {
	p := j.Import.Pull
	if p == nil || !p.Unwatched {
		return ""
	}
	for _, ds := range billing.Order() {
		changed, stored := sum.Datasets[string(ds)].Changed, sum.Stored[string(ds)]
		if stored >= job.LeastRows && changed*100 > int64(p.MaxChanged)*stored {
			return fmt.Sprintf("It would change %d of %d stored rows of %s (%.1f %%), which is more than %d %%.",
				changed, stored, words(ds), 100*float64(changed)/float64(stored), p.MaxChanged)
		}
	}
	return ""
}

// fields counts the changed rows in which each field changes.
type fields map[string]int64

// changes adds to the number of changed rows in which a field changes.
func (s *summary) changes(dataset, name string, n int64) {
	if s.Fields == nil {
		s.Fields = map[string]fields{}
	}
	if s.Fields[dataset] == nil {
		s.Fields[dataset] = fields{}
	}
	s.Fields[dataset][name] += n
}

// compare counts the fields in which a row changes, for the notes of a plan or pull.
func (m *rangeMerge) compare(dataset string, before, after table.Attrs) {
	if !m.w.job.Import.Plan && !pulled(m.w.job) {
		return
	}
	for name, v := range after.All() {
		if was, has := before.Get(name); !has || was.Type != v.Type || !bytes.Equal(was.Raw, v.Raw) {
			m.sum.changes(dataset, name, 1)
		}
	}
	for name := range before.All() {
		if _, has := after.Get(name); !has {
			m.sum.changes(dataset, name, 1)
		}
	}
}

// leastAlike is from how many rows on changes of one field are told together.
const leastAlike = 5

// alike says which fields change in most of the changed rows of a dataset.
func (s *summary) alike() (notes []string) {
	for _, ds := range billing.Order() {
		changed := s.Datasets[string(ds)].Changed
		var parts []string
		of := s.Fields[string(ds)]
		for _, name := range sortedByCount(of) {
			if n := of[name]; n >= leastAlike && n*2 > changed {
				parts = append(parts, fmt.Sprintf("%s: %d of %d rows", name, n, max(s.Stored[string(ds)], changed)))
			}
		}
		if len(parts) > 0 {
			notes = append(notes, fmt.Sprintf("Alike changes of %s: %s.", words(ds), strings.Join(parts, ", ")))
		}
	}
	return notes
}

func sortedByCount(of fields) (names []string) {
	for name := range of {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if of[a] != of[b] {
			return int(of[b] - of[a])
		}
		return strings.Compare(a, b)
	})
	return names
}

// handmade reports whether a pull must not remove a row: no import has added it.
func (w *work) handmade(a table.Attrs) bool { return pulled(w.job) && store.OriginOf(a).Import == 0 }

// anyHandmade reports whether a row that a pull must not remove belongs to a customer, directly or
// through another record.
func (w *work) anyHandmade(ctx context.Context, customer store.H) (bool, error) {
	if !pulled(w.job) {
		return false, nil
	}
	for _, kind := range dependentKinds() {
		for it, err := range w.store.Items(ctx, w.parts.Below(kind, customer)) {
			if err != nil {
				return false, err
			}
			found, err := w.handmadeAt(ctx, kind, it)
			if found || err != nil {
				return found, err
			}
		}
	}
	return false, nil
}

// handmadeAt looks at one record below a customer: at it, or, if the item is a pointer to it, at the
// record and its parts.
func (w *work) handmadeAt(ctx context.Context, kind *store.RecordKind, it table.Item) (bool, error) {
	if kind.Found == "" {
		return w.handmade(it.Attrs), nil
	}
	h, _ := store.TrailingH(it.SK)
	for part, err := range w.store.Items(ctx, w.parts.Parts(kind, h)) {
		if err != nil || w.handmade(part.Attrs) {
			return err == nil, err
		}
	}
	stored, err := w.storedAt(ctx, []string{kind.SK + h.String()})
	return err == nil && stored[0] != nil && w.handmade(stored[0]), err
}
