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

// Restore takes an erase back that is still in its grace period: everything is visible again in one write. After that
// it is fault.Conflict: code swept, with the date, once it is gone for good; sweep_started before; not_restorable if what
// happened since stands against it.
func (e *Eraser) Restore(ctx context.Context, jobID string) (*job.Job, error) {
	j, err := e.c.Ledger.Get(ctx, jobID)
	if err == nil && j.Erase != nil && j.Status.Ended() {
		err = exhume(ctx, e.c.Store, j) // a version that did not know of its tombstones may have ended it
	}
	if err == nil {
		err = restorable(j, e.c.Now())
	}
	if err == nil {
		err = e.unimported(ctx, j)
	}
	if err != nil {
		return nil, err
	}
	empties := Kind(j.Erase.Selection).empties()
	if empties {
		defer e.unlock(ctx, j)
	}
	for {
		var fence string
		if empties {
			if fence, err = e.vacant(ctx, j); err != nil {
				return nil, err
			}
		}
		restored, err := e.reveal(ctx, j, fence)
		if err == nil {
			_ = e.dispatch(ctx, restored.Next) // else the tick hands it out
			return restored.Job, nil
		}
		if j, err = e.again(ctx, j, err); err != nil || j.Status == job.Restored {
			return j, err
		}
	}
}

// again is the job as it is when a restore has failed, if it has ended as restored (only the answer was lost) or the restore is
// worth another try; else the error is the cause.
func (e *Eraser) again(ctx context.Context, j *job.Job, cause error) (*job.Job, error) {
	now, err := e.c.Ledger.Get(ctx, j.ID)
	switch {
	case err != nil || !fault.Is(cause, fault.Conflict):
		return nil, cause
	case now.Status == job.Restored:
		return now, nil
	case now.Version != j.Version, fault.CodeOf(cause) == codeUnfenced, Kind(j.Erase.Selection).empties() && e.unlocked(ctx, j):
		return now, restorable(now, e.c.Now())
	}
	return nil, cause
}

// unimported refuses to restore manual customers if an import has brought some since: it may have written over hidden
// ones, and what it counted as added would no longer be true.
func (e *Eraser) unimported(ctx context.Context, j *job.Job) error {
	if Kind(j.Erase.Selection) != ManualCustomers {
		return nil
	}
	// All of the history: what is older than the erase may have waited behind it.
	for o, err := range e.c.Ledger.All(ctx, historyPage, "") {
		if err != nil {
			return err
		}
		if o.Wrote() && o.Import.Undo == "" && o.Import.ManualEpoch == j.Erase.Manual {
			return outdone("customers have been imported since; undo or erase those first")
		}
	}
	return nil
}

// holderOf is who holds the lock of a source while an erase of it is restored: not the job itself, which may begin to
// sweep at any time, and then has a lock of its own.
func holderOf(j *job.Job) string { return j.ID + "-restore" }

// unlocked tells whether a restore has lost its lock: a tick gives it back that takes the restore for one that was cut.
func (e *Eraser) unlocked(ctx context.Context, j *job.Job) bool {
	holder, err := e.c.Ledger.Holder(ctx, j.Tag)
	return err == nil && holder != holderOf(j)
}

// reveal makes everything that a job has hidden visible again, and ends it, in one transaction. fence is that of an emptied source,
// whose lock is passed on.
func (e *Eraser) reveal(ctx context.Context, j *job.Job, fence string) (end job.Ending, err error) {
	holder := ""
	if Kind(j.Erase.Selection).empties() {
		holder = holderOf(j)
	}
	_, err = e.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		writes, err := unhide(d, j, fence)
		if err != nil {
			return nil, err
		}
		end, err = e.c.Ledger.Ending(ctx, j.ID, holder, func(j *job.Job) error {
			err := restorable(j, e.c.Now())
			j.Status = job.Restored
			return err
		})
		return append(writes, end.Writes...), err
	})
	return end, err
}

// restorable tells why a job can't be restored.
func restorable(j *job.Job, now time.Time) error {
	switch {
	case j.Kind != job.Erase || j.Erase == nil:
		return fault.New(fault.NotFound, "job_not_found", "there is no such erase")
	case j.Status == job.Restored:
		return fault.Newf(fault.Conflict, "restored", "this erase was restored already, on %s", day(j.EndedAt))
	case j.Status.Ended():
		return fault.Newf(fault.Conflict, "swept", "this can't be restored: it was erased for good, and seen gone, on %s; see its receipt", day(j.EndedAt))
	case j.Status != job.Grace || !now.Before(j.Erase.Until):
		return fault.New(fault.Conflict, "sweep_started", "this can't be restored: its grace period is over, and it is being removed")
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// vacant takes the lock of an emptied source, and fences it, both of which it leaves to its caller, and makes sure that nothing has
// been put into it since. It looks before it fences as well: a restore that is refused is not to hold up requests. It returns the fence.
func (e *Eraser) vacant(ctx context.Context, j *job.Job) (fence string, err error) {
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
		if err := e.empty(ctx, j, src); err != nil {
			return "", err
		}
	}
	src, err := e.fence(ctx, j)
	if err != nil {
		return "", err
	}
	return src.Restoring, e.empty(ctx, j, src)
}

// empty makes sure that nothing lies where an emptied source keeps what a restore would bring back.
func (e *Eraser) empty(ctx context.Context, j *job.Job, src store.Source) error {
	for _, parts := range hiddenBy(j.Erase, src.Space()) {
		for _, p := range parts {
			page, err := e.c.Store.Page(ctx, table.Query{PK: p.pk, Limit: 1, KeysOnly: true})
			if err == nil && len(page.Items) > 0 {
				err = outdone("data has been put into the source since; erase its content with a grace period, then restore this")
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// fence keeps requests from writing to a source until its restore has come to its end. Those that did not see the fence
// before they wrote look at the directory again afterwards: so each either has written before the source is seen vacant, or
// finds the fence, or the source restored, and writes once more. Each attempt has a fence of its own, so that none rests on another's.
func (e *Eraser) fence(ctx context.Context, j *job.Job) (store.Source, error) {
	fence := j.ID + "-" + e.c.Ledger.NewID()
	d, err := e.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		if _, ok := d.ByTag(j.Tag); !ok {
			return nil, outdone("the data source itself has been erased since; restore that first")
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

// unfence takes the fence of a restore away, whichever attempt has put it there.
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

// codeUnfenced says that a tick has taken the fence of a restore for one that was left.
const codeUnfenced = "restore_unfenced"

func sourceBusy() error {
	return fault.New(fault.Busy, "source_busy", "another job is at this data source; try again when it has ended, or cancel it")
}

// unlock gives back the lock and the fence that a restore has taken, if it still has them. It is best effort: a tick does it too.
func (e *Eraser) unlock(ctx context.Context, j *job.Job) {
	ctx = context.WithoutCancel(ctx)
	if err := e.unfence(ctx, j); err != nil {
		return
	}
	next, err := e.c.Ledger.Unlock(ctx, j.Tag, holderOf(j))
	if err == nil {
		_ = e.dispatch(ctx, next) // else the tick hands it out
	}
}

func outdone(why string) error {
	return fault.New(fault.Conflict, "not_restorable", "this can't be restored: "+why)
}

// unhide changes the directory so that what a job has hidden is visible again.
func unhide(d *store.Directory, j *job.Job, fence string) ([]table.Write, error) {
	spec := j.Erase
	switch kind := Kind(spec.Selection); {
	case kind == ManualCustomers:
		if d.ManualEpoch != spec.Manual {
			return nil, outdone("manual customers have been erased again since; restore that first")
		}
		d.ManualEpoch = spec.ManualWas
	case kind == Source:
		return nil, d.Restore(spec.Was)
	case kind.empties():
		return nil, refill(d, fence, spec)
	default:
		for _, was := range spec.Sources {
			if now, ok := d.ByTag(was.Tag); !ok || now.Epochs.Customers != was.Epochs.Customers || now.Epochs.Data != was.Epochs.Data {
				return nil, outdone("its data source has been erased or emptied since; restore that first")
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

// refill gives a source back the epochs that an erase has raised. Its present ones are vacant. What later erases have
// hidden stays hidden.
func refill(d *store.Directory, fence string, spec *job.EraseSpec) error {
	src, ok := d.ByUUID(spec.Was.UUID)
	if !ok {
		return outdone("the data source itself has been erased since; restore that first")
	}
	if src.Restoring != fence {
		return fault.New(fault.Conflict, codeUnfenced, "this restore was interrupted; try again")
	}
	was, more := spec.Was, emptied(spec)
	if more.Customers == 0 && src.Epochs.Customers != was.Epochs.Customers {
		return outdone("the source has been emptied since; restore that first")
	}
	if more.Edits == 0 {
		was.Epochs.Edits = src.Epochs.Edits
	}
	return d.Restore(was)
}

// emptied says which epochs an erase raises.
func emptied(spec *job.EraseSpec) store.Epochs {
	switch {
	case Kind(spec.Selection) == Dependent:
		return store.Epochs{Data: 1}
	case spec.KeepEdits:
		return store.Epochs{Customers: 1}
	}
	return store.Epochs{Customers: 1, Edits: 1}
}

// Due begins the sweep of an erase whose grace period is over; it is nil if that is not so. And it gives back the lock
// that a restore held which was cut.
func (e *Eraser) Due(ctx context.Context, j *job.Job) (*job.Job, error) {
	if Kind(j.Erase.Selection).empties() && j.Status != job.Running {
		e.unlock(ctx, j)
	}
	if j.Status != job.Grace || e.c.Now().Before(j.Erase.Until) {
		return nil, nil //nolint:nilnil // it is not due, and that is an answer
	}
	begun, err := e.c.Ledger.Due(ctx, j.ID)
	if fault.Is(err, fault.Conflict) { // restored, or begun by somebody else
		return nil, nil //nolint:nilnil // as above
	}
	return begun, err
}
