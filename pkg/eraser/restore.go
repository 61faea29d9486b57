package eraser

import (
	"context"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// RestoreOptions say how an erase is restored.
type RestoreOptions struct {
	Quiet bool // people are not told of it
}

// Restore takes back an erase that is in its grace period: everything is visible again in one
// write. Otherwise the error is fault.Conflict with one of these codes: sweep_started after the
// grace period; swept, with the date, once everything is removed; not_restorable if later changes
// do not allow it.
func (e *Eraser) Restore(ctx context.Context, jobID string, opt RestoreOptions) (*job.Job, error) {
	if _, err := e.c.Store.Directory(ctx); err != nil { // the account may be moving
		return nil, err
	}
	j, err := e.c.Ledger.Get(ctx, jobID)
	if err == nil && j.Erase != nil && j.Status.Ended() {
		err = removeTombstones(ctx, e.c.Store, j) // an older version may have ended it without knowing its tombstones
	}
	if err == nil {
		err = restorable(j, e.c.Now())
	}
	if err == nil {
		err = e.checkNotImported(ctx, j)
	}
	if err != nil {
		return nil, err
	}
	raises := Kind(j.Erase.Selection).raisesEpochs()
	if raises {
		defer e.unlock(ctx, j)
	}
	for {
		var fence string
		if raises {
			if fence, err = e.lockEmpty(ctx, j); err != nil {
				return nil, err
			}
		}
		restored, err := e.reveal(ctx, j, fence, opt)
		if err == nil {
			_ = e.dispatch(ctx, restored.Next) // if that fails, the tick sends it
			return restored.Job, nil
		}
		if j, err = e.afterFailure(ctx, j, err); err != nil || j.Status == job.Restored {
			return j, err
		}
	}
}

// afterFailure reads the job after a restore has failed. It returns the job if it was restored
// after all (only the answer was lost), or if another try makes sense; else it returns the cause.
func (e *Eraser) afterFailure(ctx context.Context, j *job.Job, cause error) (*job.Job, error) {
	now, err := e.c.Ledger.Get(ctx, j.ID)
	switch {
	case err != nil || !fault.Is(cause, fault.Conflict):
		return nil, cause
	case now.Status == job.Restored:
		return now, nil
	case now.Version != j.Version, fault.CodeOf(cause) == codeUnfenced, Kind(j.Erase.Selection).raisesEpochs() && e.lostLock(ctx, j):
		return now, restorable(now, e.c.Now())
	}
	return nil, cause
}

// checkNotImported refuses to restore manual customers if an import has written some since: it may
// have overwritten hidden ones, and counted them as added.
func (e *Eraser) checkNotImported(ctx context.Context, j *job.Job) error {
	if Kind(j.Erase.Selection) != ManualCustomers {
		return nil
	}
	// Look at the whole history: an import that is older than the erase may have waited for its
	// turn.
	for o, err := range e.c.Ledger.All(ctx, historyPage, "") {
		if err != nil {
			return err
		}
		if o.Wrote() && o.Import.Undo == "" && o.Import.ManualEpoch == j.Erase.Manual {
			return notRestorable("customers have been imported since; undo or erase those first")
		}
	}
	return nil
}

// holderOf returns the name under which a restore holds the lock of a source. It differs from the
// id of the job, because the sweep of the job may begin at any time and then takes the lock under
// that id.
func holderOf(j *job.Job) string { return j.ID + "-restore" }

// lostLock tells whether a restore has lost its lock: a tick releases it if the restore seems to
// have been interrupted.
func (e *Eraser) lostLock(ctx context.Context, j *job.Job) bool {
	holder, err := e.c.Ledger.Holder(ctx, j.Tag)
	return err == nil && holder != holderOf(j)
}

// reveal makes everything that a job has hidden visible again, and ends the job, in one
// transaction. If the erase raised epochs, fence is the fence that this restore has set, and the
// lock passes to the next job.
func (e *Eraser) reveal(ctx context.Context, j *job.Job, fence string, opt RestoreOptions) (end job.Ending, err error) {
	holder := ""
	if Kind(j.Erase.Selection).raisesEpochs() {
		holder = holderOf(j)
	}
	_, err = e.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		writes, err := revealIn(d, j, fence)
		if err != nil {
			return nil, err
		}
		end, err = e.c.Ledger.Ending(ctx, j.ID, holder, func(j *job.Job) error {
			err := restorable(j, e.c.Now())
			j.Status, j.Quiet = job.Restored, j.Quiet || opt.Quiet
			return err
		})
		return append(writes, end.Writes...), err
	})
	return end, err
}

// restorable returns an error that says why a job can't be restored; nil if it can.
func restorable(j *job.Job, now time.Time) error {
	switch {
	case j.Kind != job.Erase || j.Erase == nil:
		return fault.New(fault.NotFound, "job_not_found", "there is no such erase")
	case j.Status == job.Restored:
		return fault.Newf(fault.Conflict, "restored", "this erase was restored already, on %s", day(j.EndedAt))
	case j.Status.Ended():
		return fault.Newf(fault.Conflict, "swept", "this can't be restored: it was erased for good on %s, and nothing of it was found after that; see its receipt", day(j.EndedAt))
	case j.Status != job.Grace || !now.Before(j.Erase.Until):
		return fault.New(fault.Conflict, "sweep_started", "this can't be restored: its grace period is over, and it is being removed")
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// lockEmpty takes the lock of a source whose epochs the erase has raised, fences the source, and
// makes sure that nothing has been written to it since. The caller releases lock and fence.
// lockEmpty also looks before it fences, so that a restore that is refused anyway does not hold up
// requests. It returns the fence.
func (e *Eraser) lockEmpty(ctx context.Context, j *job.Job) (fence string, err error) {
	mine, err := e.c.Ledger.Lock(ctx, j.Tag, holderOf(j))
	if err != nil {
		return "", err
	}
	if !mine {
		return "", sourceBusy()
	}
	d, err := e.c.Store.Directory(ctx)
	if err != nil {
		return "", err
	}
	if src, ok := d.ByTag(j.Tag); ok {
		if err := e.checkEmpty(ctx, j, src); err != nil {
			return "", err
		}
	}
	src, err := e.fence(ctx, j)
	if err != nil {
		return "", err
	}
	return src.Restoring, e.checkEmpty(ctx, j, src)
}

// checkEmpty makes sure that the partitions that the erase has replaced by new ones are still empty
// at the source's present epochs.
func (e *Eraser) checkEmpty(ctx context.Context, j *job.Job, src store.Source) error {
	for _, parts := range hiddenParts(j.Erase, src.Space()) {
		for _, p := range parts {
			page, err := e.c.Store.Page(ctx, table.Query{PK: p.pk, Limit: 1, KeysOnly: true})
			if err == nil && len(page.Items) > 0 {
				err = notRestorable("data has been put into the source since; erase its content with a grace period, then restore this")
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// fence keeps requests from writing to a source until its restore has ended. A request that did not
// see the fence before it wrote reads the directory again afterwards. So each request has either
// written before the source is checked for being empty, or it finds the fence or the restored
// source, and writes again. Each attempt to restore sets a fence of its own, so that it never
// relies on the fence of another attempt.
func (e *Eraser) fence(ctx context.Context, j *job.Job) (store.Source, error) {
	fence := j.ID + "-" + e.c.Ledger.NewID()
	d, err := e.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		if _, ok := d.ByTag(j.Tag); !ok {
			return nil, notRestorable("the data source itself has been erased since; restore that first")
		}
		d.SetRestoring(j.Tag, fence)
		return nil, nil
	})
	if err != nil {
		return store.Source{}, err
	}
	src, _ := d.ByTag(j.Tag)
	return src, nil
}

// unfence removes the fence of a restore, whichever attempt set it.
func (e *Eraser) unfence(ctx context.Context, j *job.Job) error {
	ours := func(d *store.Directory) bool { src, _ := d.ByTag(j.Tag); return strings.HasPrefix(src.Restoring, j.ID) }
	d, err := e.c.Store.Directory(ctx)
	if err != nil || !ours(d) {
		return err
	}
	_, err = e.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		if ours(d) {
			d.SetRestoring(j.Tag, "")
		}
		return nil, nil
	})
	return err
}

// codeUnfenced says that a tick has removed the fence of a running restore, because it seemed to be
// left from an interrupted one.
const codeUnfenced = "restore_unfenced"

func sourceBusy() error {
	return fault.New(fault.Busy, "source_busy", "another job is at this data source; try again when it has ended, or cancel it")
}

// unlock releases the lock and the fence of a restore, if it still has them. Errors are ignored,
// since the tick does the same.
func (e *Eraser) unlock(ctx context.Context, j *job.Job) {
	ctx = context.WithoutCancel(ctx)
	if err := e.unfence(ctx, j); err != nil {
		return
	}
	next, err := e.c.Ledger.Unlock(ctx, j.Tag, holderOf(j))
	if err == nil {
		_ = e.dispatch(ctx, next) // if that fails, the tick sends it
	}
}

func notRestorable(why string) error {
	return fault.New(fault.Conflict, "not_restorable", "this can't be restored: "+why)
}

// revealIn changes the directory so that what a job has hidden is visible again.
func revealIn(d *store.Directory, j *job.Job, fence string) ([]table.Write, error) {
	spec := j.Erase
	switch kind := Kind(spec.Selection); {
	case kind == ManualCustomers:
		if d.ManualEpoch != spec.Manual {
			return nil, notRestorable("manual customers have been erased again since; restore that first")
		}
		d.ManualEpoch = spec.ManualWas
	case kind == Source:
		return nil, d.Restore(spec.Was)
	case kind.raisesEpochs():
		return nil, revealEpochs(d, fence, spec)
	default:
		for _, was := range spec.Sources {
			if now, ok := d.ByTag(was.Tag); !ok || now.Epochs.Customers != was.Epochs.Customers || now.Epochs.Data != was.Epochs.Data {
				return nil, notRestorable("its data source has been erased or emptied since; restore that first")
			}
		}
		d.Reveal(j.ID)
	}
	var writes []table.Write
	for _, sk := range spec.Forgotten {
		writes = append(writes, table.Write{Item: table.Item{Key: store.ForgottenAt(sk)}, Delete: true})
	}
	return writes, nil
}

// revealEpochs gives a source back its epochs from before an erase. What later erases have hidden
// stays hidden.
func revealEpochs(d *store.Directory, fence string, spec *job.EraseSpec) error {
	src, ok := d.ByUUID(spec.Was.UUID)
	if !ok {
		return notRestorable("the data source itself has been erased since; restore that first")
	}
	if src.Restoring != fence {
		return fault.New(fault.Conflict, codeUnfenced, "this restore was interrupted; try again")
	}
	was, more := spec.Was, raisedEpochs(spec)
	if more.Customers == 0 && src.Epochs.Customers != was.Epochs.Customers {
		return notRestorable("the source has been emptied since; restore that first")
	}
	if more.Edits == 0 {
		was.Epochs.Edits = src.Epochs.Edits
	}
	return d.Restore(was)
}

// raisedEpochs says which epochs an erase raises: those that are 1.
func raisedEpochs(spec *job.EraseSpec) store.Epochs {
	switch {
	case Kind(spec.Selection) == Dependent:
		return store.Epochs{Data: 1}
	case spec.KeepEdits:
		return store.Epochs{Customers: 1}
	}
	return store.Epochs{Customers: 1, Edits: 1}
}

// Due starts the job of an erase whose grace period is over, and returns it; nil if the period is
// not over. Before that it releases the lock that an interrupted restore has left.
func (e *Eraser) Due(ctx context.Context, j *job.Job) (*job.Job, error) {
	if Kind(j.Erase.Selection).raisesEpochs() && j.Status != job.Running {
		e.unlock(ctx, j)
	}
	if j.Status != job.Grace || e.c.Now().Before(j.Erase.Until) {
		return nil, nil //nolint:nilnil // it is not due, which is no error
	}
	begun, err := e.c.Ledger.Due(ctx, j.ID)
	if fault.Is(err, fault.Conflict) { // restored meanwhile, or started by another process
		return nil, nil //nolint:nilnil // as above
	}
	return begun, err
}
