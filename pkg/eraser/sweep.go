package eraser

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Phases of an erase, named for what is done. A phase is never repeated: once nothing of a
// selection is left, the same identities may be imported again.
const (
	begun    = ""
	settled  = "settled"  // no writer is left that does not know of the erase
	verified = "verified" // everything was swept, and nothing found after that
	cleared  = "cleared"  // the files are deleted, too
	purged   = "purged"   // the bytes of all this have left the disk
)

// leadTask is the task whose lease the one sweep that works on the job holds.
const leadTask = "lead/0"

// lead is the state of the whole job, stored in its lead task.
type lead struct {
	Phase string     `json:"phase,omitempty"`
	Done  []string   `json:"spaces,omitempty"` // sources that are swept, of an erase that visits many; notNeeded; what uncount notes
	Seen  time.Time  `json:"seen,omitzero"`    // when nothing was found any more
	Files int        `json:"files,omitempty"`  // imports whose files are deleted
	Cost  table.Cost `json:"cost"`

	Cleared Counts `json:"cleared,omitempty"` // files deleted, by kind, those of the folder At included
	At      string `json:"at,omitempty"`      // the folder whose files are being deleted, see clear
}

// errStop ends a sweep before it is done: its time is up, or another job holds a source.
var errStop = errors.New("to be continued")

// run is one call of Sweep.
type run struct {
	*Eraser
	st     *store.Store // with a cost meter of its own
	ledger *job.Ledger  // over st
	job    *job.Job
	lease  *job.Lease
	lead   lead
	before table.Cost // the cost of earlier runs
	stopAt time.Time  // zero means no deadline

	items     atomic.Int64 // removed so far
	reporting sync.Mutex   // held while progress is stored
	reported  time.Time    // when progress was stored last
}

// reportEvery is how often a sweep stores its progress.
const reportEvery = 2 * time.Second

// reportProgress adds to the number of removed items. Now and then it stores that number in the
// job, and the cost so far in the lead task, since a sweep that is killed would lose them. Progress
// is informational: a failed update does not fail the sweep.
func (r *run) reportProgress(ctx context.Context, n int64) {
	r.items.Add(n)
	if !r.reporting.TryLock() {
		return // another lane is storing it: do not wait
	}
	defer r.reporting.Unlock()
	now := r.c.Now()
	if now.Sub(r.reported) < reportEvery {
		return
	}
	r.reported = now
	_, err := r.ledger.Update(ctx, r.job.ID, func(j *job.Job) error {
		j.Stage, j.Progress.ItemsDone = "sweep", r.items.Load()
		return nil
	})
	if err == nil {
		err = r.save()
	}
	if err != nil {
		r.c.Log.Warn("erase: progress was not stored", slog.String("job", r.job.ID), slog.String("code", fault.CodeOf(err)))
	}
}

// Sweep physically removes what an erase has hidden, verifies that nothing is left, and ends the
// job. It stops before ctx's deadline. done is false if it stopped, if another job holds the
// source, or if another sweep works on the job: call Sweep again until done is true.
func (e *Eraser) Sweep(ctx context.Context, jobID string) (done bool, err error) {
	j, err := e.c.Ledger.Get(ctx, jobID)
	switch {
	case err != nil:
		return false, err
	case j.Kind != job.Erase || j.Erase == nil:
		return false, fault.New(fault.Invalid, "not_an_erase", "this job is not an erase")
	case j.Status.Ended():
		return true, nil
	case j.Status != job.Running:
		return false, nil
	}
	r, err := e.claim(ctx, j)
	if r == nil {
		return false, err
	}
	err = r.finish(r.lease.Context()) //nolint:contextcheck // the lease's context derives from ctx
	if err == nil {
		return true, nil
	}
	r.release() //nolint:contextcheck // it must release even if ctx has ended
	switch {
	case errors.Is(err, errStop):
		return false, nil
	case errors.Is(err, errTakenBack):
		return true, nil
	}
	return false, err
}

// claim claims the lead task of the job. It returns nil while another sweep holds it.
func (e *Eraser) claim(ctx context.Context, j *job.Job) (*run, error) {
	st := e.c.Store.Metered()
	ledger := e.c.Ledger.Over(st)
	err := ledger.CreateTasks(ctx, j.ID, []job.Task{{ID: leadTask, Phase: "lead"}})
	if err != nil {
		return nil, err
	}
	t, err := ledger.Claim(ctx, job.Task{Job: j.ID, ID: leadTask}, ledger.NewHolder())
	if err != nil {
		if fault.Is(err, fault.Busy) { // another sweep holds it
			err = nil
		}
		return nil, err
	}
	r := &run{Eraser: e, st: st, ledger: ledger, job: j}
	if len(t.Result) > 0 {
		if err := json.Unmarshal(t.Result, &r.lead); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "erase_state", "read the state of an erase")
		}
	}
	r.before = r.lead.Cost
	if deadline, ok := ctx.Deadline(); ok {
		r.stopAt = deadline.Add(-e.c.Margin)
	}
	r.lease = ledger.Keep(ctx, t)
	return r, nil
}

// release stores the state and releases the lead task. Errors are only logged, since the next sweep
// needs neither.
func (r *run) release() {
	var err error
	if r.lease.Context().Err() == nil { // otherwise only the cost of this sweep is lost
		err = r.save()
	}
	if err2 := r.lease.Release(); err == nil {
		err = err2
	}
	if err != nil {
		r.c.Log.Warn("erase: the lead was not given back", slog.String("job", r.job.ID), slog.String("code", fault.CodeOf(err)))
	}
}

func (r *run) save() error {
	r.lead.Cost = r.before.Add(r.st.Spent())
	return r.lease.Save(encode(r.lead))
}

// encode encodes a state. The structs that it is called with cannot fail to encode.
func encode(v any) json.RawMessage {
	b, _ := json.Marshal(v)
	return b
}

// checkTime returns an error if the sweep has to stop.
func (r *run) checkTime(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.Unavailable, "stopped", "the sweep was stopped")
	case !r.stopAt.IsZero() && !r.c.Now().Before(r.stopAt):
		return errStop
	}
	return nil
}

// settle waits until no writer is left that may not know of the erase.
func (r *run) settle(ctx context.Context) error {
	at := r.job.CreatedAt // or when it got the lock: the job before may have had a request on its way
	if r.job.StartedAt.After(at) {
		at = r.job.StartedAt
	}
	at = at.Add(r.c.Settle)
	if wait := at.Sub(r.c.Now()); wait > 0 {
		if !r.stopAt.IsZero() && !at.Before(r.stopAt) {
			return errStop
		}
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return r.checkTime(ctx)
		}
	}
	if r.c.Quiet == nil {
		return nil
	}
	return r.c.Quiet(ctx)
}

// finish goes through the remaining phases, and ends the job.
func (r *run) finish(ctx context.Context) error {
	sum, err := r.removed(ctx)
	if err != nil {
		return err
	}
	r.items.Store(sum.Removed.Total())
	r.reported = r.c.Now()
	for _, step := range []struct {
		from, to string
		do       func(context.Context) error
	}{{begun, settled, r.settle}, {settled, verified, r.sweep}, {verified, cleared, r.clearFiles}, {cleared, purged, r.purge}} {
		if r.lead.Phase != step.from {
			continue
		}
		if err := r.checkTime(ctx); err != nil {
			return err
		}
		if err := step.do(ctx); err != nil {
			return err
		}
		if r.lead.Phase = step.to; step.to == verified {
			r.lead.Seen = r.c.Now().UTC()
		}
		if err := r.save(); err != nil {
			return err
		}
	}
	if err := r.checkTime(ctx); err != nil {
		return err
	}
	return r.end(ctx)
}

func (r *run) sweep(ctx context.Context) error {
	kind, sp := Kind(r.job.Erase.Selection), r.job.Erase.Was.Space()
	switch {
	case kind == ManualCustomers, kind.records() && r.job.Tag == 0:
		return r.visitSources(ctx)
	case kind.records():
		return r.sweepRecords(ctx, r.job.Erase.Was)
	case kind == Import:
		return r.sweepImport(ctx)
	}
	hidden := hiddenParts(r.job.Erase, sp)
	if hidden == nil {
		return fault.New(fault.Invalid, "unknown_selection", "this version does not know what to erase")
	}
	if err := r.sweepEarlier(ctx); err != nil {
		return err
	}
	err := r.lanes(ctx, laneName(sp), hidden, everything())
	if err == nil && kind == Source {
		err = r.dropReadings(ctx)
	}
	if err != nil || kind != Dependent || r.job.Erase.KeepEdits {
		return err
	}
	// Edits made since belong to rows that were imported again.
	old := table.Cond{Op: table.Less, Attr: store.AttrUpdated, N: r.job.CreatedAt.UnixMilli()}
	return r.lanes(ctx, laneName(sp)+".edits", dependentEdits(sp), among(old))
}

// dropReadings removes what the source keeps about the reading of its files, about what it pulls
// from, with its credentials, and about what its jobs have counted. Nobody makes that any more: it is
// only made as long as the directory has the source.
func (r *run) dropReadings(ctx context.Context) error {
	tag := r.job.Tag
	found, err := r.st.Lookup(ctx, store.ReadingsKey(tag), store.PullKey(tag), store.WrittenKey(tag), store.TouchedKey(tag), store.TallyKey(tag))
	var gone []table.Write
	for key := range found {
		gone = append(gone, table.Write{Item: table.Item{Key: key}, Delete: true})
	}
	if err != nil || len(gone) == 0 {
		return err
	}
	if _, pulls := found[store.PullKey(tag)]; pulls && r.c.Vault != nil { // only such a source has credentials
		if err := r.c.Vault.Delete(ctx, r.job.Erase.Was.UUID); err != nil {
			return err
		}
	}
	return r.st.Write(ctx, gone)
}

// sweepEarlier sweeps what earlier erases of the source have hidden and not removed yet, so that
// the receipt is true for the whole selection. Those erases can no longer be restored. They find
// nothing left, and end.
func (r *run) sweepEarlier(ctx context.Context) error {
	older, err := coveredErases(ctx, r.ledger, r.job)
	if err != nil {
		return err
	}
	for _, j := range older {
		if _, err := r.ledger.Due(ctx, j.ID); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
		if err := r.sweepHidden(ctx, j.Erase, j.Erase.Was.Space()); err != nil {
			return err
		}
	}
	for _, sp := range leftSpaces(r.job.Erase.Was) {
		if err := r.sweepHidden(ctx, r.job.Erase, sp); err != nil {
			return err
		}
	}
	return nil
}

// sweepHidden sweeps the partitions of a source that an erase has hidden.
func (r *run) sweepHidden(ctx context.Context, spec *job.EraseSpec, sp store.Space) error {
	return r.lanes(ctx, laneName(sp), hiddenParts(spec, sp), everything())
}

// leftSpaces lists the spaces of a source at epochs that restores have left. A request that was
// under way at that moment may have written there.
func leftSpaces(was store.Source) []store.Space {
	var list []store.Space
	for _, e := range was.Left {
		sp := was.Space()
		if sp.Epochs = e; e != was.Epochs {
			list = append(list, sp)
		}
	}
	return list
}

// coveredErases lists the open erases that are older than j and have hidden a part of what j
// selects.
func coveredErases(ctx context.Context, ledger *job.Ledger, j *job.Job) ([]*job.Job, error) {
	open, err := ledger.Open(ctx)
	return slices.DeleteFunc(open, func(o *job.Job) bool {
		return o.Kind != job.Erase || o.Tag != j.Tag || o.ID >= j.ID || !Kind(o.Erase.Selection).raisesEpochs() ||
			Kind(j.Erase.Selection) == Dependent && Kind(o.Erase.Selection) != Dependent
	}), err
}

// visitSources sweeps all sources concerned, one after the other, each under its lock. A source
// that another job holds is left to the next run.
func (r *run) visitSources(ctx context.Context) error {
	var held error
	for _, src := range r.job.Erase.Sources {
		if slices.Contains(r.lead.Done, laneName(src.Space())) {
			continue
		}
		if err := r.checkTime(ctx); err != nil {
			return err
		}
		mine, err := r.ledger.Lock(ctx, src.Tag, r.job.ID)
		if err != nil {
			return err
		}
		if !mine {
			held = errStop
			continue
		}
		if err := r.visitSource(ctx, src); err != nil {
			return err
		}
		if err := r.uncount(ctx, src); err != nil {
			return err
		}
		next, err := r.ledger.Unlock(ctx, src.Tag, r.job.ID)
		if err != nil {
			return err
		}
		r.lead.Done = append(r.lead.Done, laneName(src.Space()))
		if err := r.save(); err != nil {
			return err
		}
		if err := r.dispatch(ctx, next); err != nil {
			return err
		}
	}
	return held
}

// visitSource sweeps one source as it was when the erase began, and as it is now: an import that
// began before may have written manual rows under new epochs.
func (r *run) visitSource(ctx context.Context, src store.Source) error {
	if Kind(r.job.Erase.Selection).records() {
		return r.sweepRecords(ctx, src)
	}
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	manual := among(table.Cond{Op: table.Less, Attr: store.AttrManual, N: r.job.Erase.Manual})
	if err := r.lanes(ctx, laneName(src.Space()), allParts(src.Space()), manual); err != nil {
		return err
	}
	now, ok := d.ByTag(src.Tag)
	if !ok || now.Space() == src.Space() {
		return nil
	}
	return r.lanes(ctx, laneName(now.Space()), allParts(now.Space()), manual)
}

// purge makes the engine remove the bytes of deleted items from the disk, if it keeps them there.
func (r *run) purge(ctx context.Context) error {
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	older, err := coveredErases(ctx, r.ledger, r.job)
	if err != nil {
		return err
	}
	pks := []string{store.AccountPK} // the ledger held names of files
	for _, j := range older {
		pks = append(pks, allParts(j.Erase.Was.Space()).pks()...)
	}
	for _, sp := range leftSpaces(r.job.Erase.Was) {
		pks = append(pks, allParts(sp).pks()...)
	}
	for _, src := range r.sources() {
		spaces, err := spacesOf(ctx, r.ledger, d, src)
		if err != nil {
			return err
		}
		for _, sp := range spaces {
			pks = append(pks, allParts(sp).pks()...)
		}
	}
	return r.st.Purge(ctx, pks...)
}

// sources lists the sources that the erase concerns, as they were when it began.
func (r *run) sources() []store.Source {
	if spec := r.job.Erase; spec.Was.Shards == 0 {
		return spec.Sources
	}
	return []store.Source{r.job.Erase.Was}
}

// end removes the tombstones and ends the job with its counts and receipt.
func (r *run) end(ctx context.Context) error {
	// a restore that came too late and was killed may have left its fence
	if Kind(r.job.Erase.Selection).raisesEpochs() {
		if err := r.unfence(ctx, r.job); err != nil {
			return err
		}
	}
	if err := removeTombstones(ctx, r.st, r.job); err != nil {
		return err
	}
	for _, src := range r.sources() {
		if err := r.uncount(ctx, src); err != nil {
			return err
		}
	}
	sum, err := r.removed(ctx)
	if err != nil {
		return err
	}
	backups, err := r.backups(ctx)
	if err != nil {
		return err
	}
	_, next, err := r.ledger.End(ctx, r.job.ID, func(j *job.Job) error {
		j.Status, j.Stage = job.Done, ""
		j.Erase.Removed = sum.Removed
		j.Progress.ItemsDone = sum.Removed.Total()
		// Units are counted as DynamoDB counts them, whatever the engine.
		j.Cost = r.before.Add(r.st.Spent()).Add(table.Cost{WriteMilli: sum.Milli})
		j.Erase.Receipt = encode(r.receipt(j, sum.Digest, backups))
		return nil
	})
	if err != nil {
		return err
	}
	// The job has ended: no sweep needs the lead task any more.
	if err := r.lease.Complete(encode(r.lead)); err != nil && ctx.Err() == nil {
		r.c.Log.Warn("erase: the lead was not completed", slog.String("job", r.job.ID), slog.String("code", fault.CodeOf(err)))
	}
	return r.dispatch(ctx, next)
}

// removeTombstones removes the job's tombstones, if they are still there.
func removeTombstones(ctx context.Context, st *store.Store, j *job.Job) error {
	if !Kind(j.Erase.Selection).hasTombstones() {
		return nil
	}
	d, err := st.Directory(ctx)
	there := func(t store.Tombstone) bool { return d.HiddenBy(t) == j.ID }
	if err != nil || !slices.ContainsFunc(tombstonesOf(j), there) {
		return err
	}
	_, err = st.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		d.Reveal(j.ID)
		return nil, nil
	})
	return err
}

// removed sums up the checkpoints of all lanes.
func (r *run) removed(ctx context.Context) (sum checkpoint, err error) {
	tasks, err := r.ledger.Tasks(ctx, r.job.ID, lanePhase+"/")
	if err != nil {
		return sum, err
	}
	sum.Removed = Counts{}
	for _, t := range tasks {
		cp, err := decodeCheckpoint(t)
		if err != nil {
			return sum, err
		}
		sum.Removed.Add(cp.Removed)
		sum.Digest, sum.Milli = sum.Digest.plus(cp.Digest), sum.Milli+cp.Milli
	}
	return sum, nil
}
