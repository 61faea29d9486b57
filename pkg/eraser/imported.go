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

// findImport is an import whose added rows can be erased: it has ended, and is of a source that is there and was not emptied since,
// nor of its invoices. What it brought may else be at former epochs, and come back with a restore.
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
		err = bad("id", "this job takes an import back; it adds no rows of its own")
	case !j.Status.Ended():
		err = fault.New(fault.Conflict, "not_ended", "the import has not ended yet; cancel it first")
	case !j.Wrote():
		err = fault.New(fault.Conflict, "nothing_added", "this import ended before it added anything")
	case was.Customers != src.Epochs.Customers, was.Data != src.Epochs.Data:
		err = fault.New(fault.Conflict, "source_emptied", "the data source was emptied since, and what this import brought went with that; or restore it first")
	case d.HiddenBy(overImport(src.Tag, id)) != "":
		err = fault.New(fault.Conflict, codeUnderway, "this is being erased already")
	}
	return target{src: src}, err
}

// buryImport hides the rows that an import added. No job may be at the source: what it has decided may rest on them.
func (e *Eraser) buryImport(ctx context.Context, d *store.Directory, src store.Source, id string, j *job.Job) ([]table.Write, error) {
	holder, err := e.c.Ledger.Holder(ctx, src.Tag)
	if err != nil {
		return nil, err
	}
	if holder != "" {
		return nil, sourceBusy()
	}
	j.Erase.Import, j.Erase.Sources = id, []store.Source{src}
	d.Hide(j.ID, tombstones(j)...)
	if j.Status != job.Grace {
		return nil, nil // it takes the lock itself
	}
	return []table.Write{{Item: table.Item{Key: store.LockKey(src.Tag)}, Delete: true, If: table.Cond{Op: table.Absent}}}, nil
}

// countImport counts the rows that an import added, unless others hang on them.
func (e *Eraser) countImport(ctx context.Context, d *store.Directory, src store.Source, p *Plan) (Counts, error) {
	found, err := e.alone(ctx, reader{st: e.c.Store, hr: d.Hasher(), sp: src.Space(), edits: !p.KeepEdits}, p.Import)
	if err != nil {
		return nil, err
	}
	return found.added, nil
}

// standsAlone refuses an import on whose rows others hang. Should that change before they are hidden, the sweep sees it.
func (e *Eraser) standsAlone(ctx context.Context, sel Selection) error {
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
	_, err = e.alone(ctx, reader{st: e.c.Store, hr: d.Hasher(), sp: t.src.Space()}, sel.Import)
	return err
}

// alone looks for what an import added, and refuses it if others hang on that, or nothing is left.
func (e *Eraser) alone(ctx context.Context, r reader, id string) (*survey, error) {
	found, err := r.survey(ctx, job.Number(id))
	switch {
	case err != nil:
		return nil, err
	case found.hanging.Total() > 0:
		return nil, e.needed(ctx, found)
	case found.added.Total() == 0:
		return nil, fault.New(fault.Conflict, "nothing_left", "nothing is left of what this import added")
	}
	return found, nil
}

// imported sweeps the rows that an import added, each after its edits.
func (r *run) imported(ctx context.Context) error {
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	number := job.Number(r.job.Erase.Import)
	walk := reader{st: r.st, hr: d.Hasher(), sp: r.job.Erase.Was.Space(), edits: !r.job.Erase.KeepEdits}
	if err := r.stillAlone(ctx, walk, number); err != nil {
		return err
	}
	rows := table.Cond{Op: table.Equals, Attr: store.AttrImport, N: number}
	return r.lanes(ctx, laneName(walk.sp), rowParts(walk.sp), hiddenAmong(rows, walk.editsOf))
}

// alone is in [lead.Done] when it is certain that nothing hangs on an import's rows that did not come with it.
const alone = "alone"

// stillAlone looks once more whether something hangs on the rows that did not come with them: by a request or an import that
// went on while they were hidden. Then the erase is taken back: that is not to be lost, nor left hanging.
func (r *run) stillAlone(ctx context.Context, walk reader, number int64) error {
	if slices.Contains(r.lead.Done, alone) {
		return nil
	}
	found, err := walk.survey(ctx, number)
	if err != nil {
		return err
	}
	if found.hanging.Total() > 0 {
		return r.refuse(ctx, r.needed(ctx, found))
	}
	r.lead.Done = append(r.lead.Done, alone)
	return r.save()
}

// errRefused ends a sweep whose erase was taken back.
var errRefused = errors.New("refused")

// refuse takes an erase back of which nothing was swept yet: in one write everything is visible again, and the job has failed.
func (r *run) refuse(ctx context.Context, why error) error {
	var end job.Ending
	_, err := r.st.ChangeDirectory(ctx, func(d *store.Directory) (_ []table.Write, err error) {
		d.Reveal(r.job.ID)
		end, err = r.ledger.Ending(ctx, r.job.ID, r.job.ID, func(j *job.Job) error {
			j.Status, j.Stage, j.Error = job.Failed, "", why.Error()
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
	return errRefused
}

// needed refuses to erase rows that others hang on, and says whose those are.
func (e *Eraser) needed(ctx context.Context, found *survey) error {
	var what, whose []string
	for _, kind := range slices.Sorted(maps.Keys(found.hanging)) {
		what = append(what, fmt.Sprintf("%d %s", found.hanging[kind], words(kind)))
	}
	if found.whose[0] {
		whose = append(whose, "over REST")
	}
	const most = 5
	for j, err := range e.c.Ledger.All(ctx, historyPage, "") {
		switch {
		case err != nil:
			return err
		case j.Import == nil || !found.whose[job.Number(j.ID)]:
		case len(whose) == most:
			whose = append(whose, "by others")
		case len(whose) < most:
			whose = append(whose, "by import "+j.ID)
		}
	}
	return fault.Newf(fault.Conflict, "needed", "rows that came otherwise hang on what this import added (%s; %s): erase those first",
		strings.Join(what, ", "), strings.Join(whose, ", "))
}
