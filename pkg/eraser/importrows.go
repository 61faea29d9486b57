package eraser

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// findImport finds an import whose added rows can be erased: it has ended, its source exists, and
// neither the content nor the invoices of the source were erased since. Otherwise the rows may be
// under former epochs, and come back with a restore of that erase.
func (e *Eraser) findImport(ctx context.Context, d *store.Directory, id string) (target, error) {
	j, err := e.c.Ledger.Get(ctx, id)
	if err == nil && j.Import == nil || fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "import_not_found", "there is no such import")
	}
	if err != nil {
		return target{}, err
	}
	src, ok := d.ByTag(j.Tag)
	number := job.Number(id)
	switch was := j.Import.Epochs; {
	case number == 0:
		err = fault.New(fault.Internal, "erase_state", "the id of the import has no number in it")
	case !ok:
		err = noSource()
	case j.Import.Undo != "":
		err = bad("id", "this job undoes an import; it adds no rows of its own")
	case !j.Status.Ended():
		err = fault.New(fault.Conflict, "not_ended", "the import has not ended yet; cancel it first")
	case !j.Wrote():
		err = fault.New(fault.Conflict, "nothing_added", "this import ended before it added anything")
	case was.Customers != src.Epochs.Customers, was.Data != src.Epochs.Data:
		err = fault.New(fault.Conflict, job.CodeEmptied, "the data source was emptied since, and the rows of this import with it; to erase only these rows, restore the data source first")
	case d.HiddenBy(overImport(src.Tag, id)) != "":
		err = fault.New(fault.Conflict, codeUnderway, "this is being erased already")
	}
	return target{src: src}, err
}

// hideImport hides the rows that an import added. No other job may hold the lock of the source: its
// decisions may rest on these rows.
func (e *Eraser) hideImport(ctx context.Context, d *store.Directory, src store.Source, id string, j *job.Job) ([]table.Write, error) {
	holder, err := e.c.Ledger.Holder(ctx, src.Tag)
	if err != nil {
		return nil, err
	}
	if holder != "" {
		return nil, sourceBusy()
	}
	j.Erase.Import, j.Erase.Sources = id, []store.Source{src}
	d.Hide(j.ID, tombstonesOf(j)...)
	if j.Status != job.Grace {
		return nil, nil // the job itself takes the lock
	}
	return []table.Write{{Item: table.Item{Key: store.LockKey(src.Tag)}, Delete: true, If: table.Cond{Op: table.Absent}}}, nil
}

// countImport counts the rows that an import added, and how many rows of its source were added or
// changed since a time, unless that is 0. It is an error if rows from elsewhere belong to those that
// it added.
func (e *Eraser) countImport(ctx context.Context, d *store.Directory, src store.Source, p *Plan, since int64) (added Counts, changed int64, err error) {
	found, err := e.surveyAdded(ctx, walker{st: e.c.Store, hr: d.Hasher(), sp: src.Space(), edits: !p.KeepEdits}, p.Import)
	if err != nil {
		return nil, 0, err
	}
	if since > 0 {
		_, changed, err = e.count(ctx, allParts(src.Space()), nil, since)
	}
	return found.added, changed, err
}

// refuseNeeded refuses to erase the rows of an import if rows from elsewhere belong to them. If
// such rows are written before the rows of the import are hidden, recheckNeeded finds them.
func (e *Eraser) refuseNeeded(ctx context.Context, sel Selection) error {
	if sel.Kind != Import {
		return nil
	}
	d, err := e.c.Store.Directory(ctx)
	if err != nil {
		return err
	}
	t, err := e.findImport(ctx, d, sel.Import)
	if err != nil {
		return err
	}
	_, err = e.surveyAdded(ctx, walker{st: e.c.Store, hr: d.Hasher(), sp: t.src.Space()}, sel.Import)
	return err
}

// surveyAdded looks for the rows that an import added. It is an error if rows from elsewhere belong
// to them, or if no row is left.
func (e *Eraser) surveyAdded(ctx context.Context, r walker, id string) (*survey, error) {
	found, err := r.survey(ctx, job.Number(id))
	switch {
	case err != nil:
		return nil, err
	case found.dependents.Total() > 0:
		return nil, e.neededError(ctx, found)
	case found.added.Total() == 0:
		return nil, fault.New(fault.Conflict, "nothing_left", "nothing is left of what this import added")
	}
	return found, nil
}

// sweepImport removes the rows that an import added, each after its edits.
func (r *run) sweepImport(ctx context.Context) error {
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	number := job.Number(r.job.Erase.Import)
	walk := walker{st: r.st, hr: d.Hasher(), sp: r.job.Erase.Was.Space(), edits: !r.job.Erase.KeepEdits}
	if err := r.recheckNeeded(ctx, walk, number); err != nil {
		return err
	}
	rows := table.Cond{Op: table.Equals, Attr: store.AttrImport, N: number}
	return r.lanes(ctx, laneName(walk.sp), rowParts(walk.sp), hiddenAmong(rows, walk.editsOf))
}

// notNeeded is in [lead.Done] once recheckNeeded has found no rows from elsewhere. The value is
// stored.
const notNeeded = "alone"

// recheckNeeded looks again for rows from elsewhere that belong to the import's rows: a request or
// an import may have written some while the rows were being hidden. Then it takes the erase back,
// since such rows must neither be lost nor be left without a parent.
func (r *run) recheckNeeded(ctx context.Context, walk walker, number int64) error {
	if slices.Contains(r.lead.Done, notNeeded) {
		return nil
	}
	found, err := walk.survey(ctx, number)
	if err != nil {
		return err
	}
	if found.dependents.Total() > 0 {
		return r.takeBack(ctx, r.neededError(ctx, found))
	}
	r.lead.Done = append(r.lead.Done, notNeeded)
	return r.save()
}

// errTakenBack ends a sweep whose erase was taken back.
var errTakenBack = errors.New("refused")

// takeBack ends an erase before anything was swept: in one write everything is visible again, and
// the job has failed.
func (r *run) takeBack(ctx context.Context, why error) error {
	var end job.Ending
	_, err := r.st.ChangeDirectory(ctx, func(d *store.Directory) (_ []table.Write, err error) {
		d.Reveal(r.job.ID)
		end, err = r.ledger.Ending(ctx, r.job.ID, r.job.ID, func(j *job.Job) error {
			j.Status, j.Stage, j.Error, j.ErrorCode = job.Failed, "", why.Error(), fault.CodeOf(why)
			return nil
		})
		return end.Writes, err
	})
	if err == nil {
		err = r.dispatch(ctx, end.Next)
	}
	if err != nil {
		return err
	}
	return errTakenBack
}

// neededError says which rows from elsewhere belong to the rows to be erased, and where they came
// from.
func (e *Eraser) neededError(ctx context.Context, found *survey) error {
	var what, whose []string
	for _, kind := range slices.Sorted(maps.Keys(found.dependents)) {
		what = append(what, fmt.Sprintf("%d %s", found.dependents[kind], words(kind)))
	}
	if found.owners[0] {
		whose = append(whose, "over REST")
	}
	const most = 5
	for j, err := range e.c.Ledger.All(ctx, historyPage, "") {
		switch {
		case err != nil:
			return err
		case j.Import == nil || !found.owners[job.Number(j.ID)]:
		case len(whose) == most:
			whose = append(whose, "by others")
		case len(whose) < most:
			whose = append(whose, "by import "+j.ID)
		}
	}
	return fault.Newf(fault.Conflict, "needed", "rows that came otherwise belong to what this import added (%s; %s): erase those first",
		strings.Join(what, ", "), strings.Join(whose, ", "))
}
