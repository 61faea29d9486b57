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

// Phases of an erase. What they have behind them is never done again: once a
// selection was seen gone, the same identities may live anew.
const (
	begun    = ""
	settled  = "settled"  // no writer is left that does not know of it
	verified = "verified" // seen gone
	cleared  = "cleared"  // its files are gone too
	purged   = "purged"   // the bytes of all that have left the disk
)

// leadTask is held by the one sweep that works on the job.
const leadTask = "lead/0"

// lead is what is known of the whole job, in its lead task.
type lead struct {
	Phase string     `json:"phase,omitempty"`
	Done  []string   `json:"spaces,omitempty"` // spaces that are through, of an erase that visits many
	Seen  time.Time  `json:"seen,omitzero"`    // when it was seen gone
	Files int        `json:"files,omitempty"`  // imports whose files are gone
	Cost  table.Cost `json:"cost"`
}

// errStop ends a sweep that is not done: its time is up, or a source is not free.
var errStop = errors.New("to be continued")

// run is one call of Sweep.
type run struct {
	*Eraser
	st     *store.Store // with a meter of its own
	ledger *job.Ledger  // through st
	job    *job.Job
	lease  *job.Lease
	lead   lead
	before table.Cost // spent by earlier runs
	stopAt time.Time  // zero: no deadline

	items   atomic.Int64 // removed so far
	telling sync.Mutex   // held by who lets the job say so
	told    time.Time    // when it last did
}

// tellEvery is how often a job says how far it has come.
const tellEvery = 2 * time.Second

// count adds to what was removed and lets the job say so, now and then, and what that has cost, which else is lost if
// the sweep is killed. That is for people only, so a failure of it is none of the sweep.
func (r *run) count(ctx context.Context, n int64) {
	r.items.Add(n)
	if !r.telling.TryLock() {
		return // somebody else is at it: no lane waits for that
	}
	defer r.telling.Unlock()
	now := r.c.Now()
	if now.Sub(r.told) < tellEvery {
		return
	}
	r.told = now
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

// Sweep removes physically what an erase has made invisible, verifies that it
// is gone and ends the job. It stops before ctx's deadline; done then is false, as it is
// while the source is held by another job or another sweep is at it. Run it again until done.
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
	err = r.finish(r.lease.Context()) //nolint:contextcheck // the lease's context is made from ctx
	if err == nil {
		return true, nil
	}
	r.give() //nolint:contextcheck // it gives back even when ctx has ended
	switch {
	case errors.Is(err, errStop):
		return false, nil
	case errors.Is(err, errRefused):
		return true, nil
	}
	return false, err
}

// claim takes the lead of the job; nil while somebody else has it.
func (e *Eraser) claim(ctx context.Context, j *job.Job) (*run, error) {
	st := e.c.Store.Metered()
	ledger := e.c.Ledger.Over(st)
	err := ledger.CreateTasks(ctx, j.ID, []job.Task{{ID: leadTask, Phase: "lead"}})
	if err != nil {
		return nil, err
	}
	t, err := ledger.Claim(ctx, job.Task{Job: j.ID, ID: leadTask}, ledger.NewHolder())
	if err != nil {
		if fault.Is(err, fault.Busy) { // another sweep is at it
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

// give stores what is known and gives the lead back. It is best effort: the next sweep needs neither.
func (r *run) give() {
	var err error
	if r.lease.Context().Err() == nil { // else the cost of this sweep is lost, and nothing more
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

// encode writes a state. Those structs cannot fail to encode.
func encode(v any) json.RawMessage {
	b, _ := json.Marshal(v)
	return b
}

// late tells that the sweep has to stop.
func (r *run) late(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.Unavailable, "stopped", "the sweep was stopped")
	case !r.stopAt.IsZero() && !r.c.Now().Before(r.stopAt):
		return errStop
	}
	return nil
}

// settle waits until no writer is left that could not know of the erase.
func (r *run) settle(ctx context.Context) error {
	at := r.job.CreatedAt // and whoever had the lock before may have a request on its way
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
			return r.late(ctx)
		}
	}
	if r.c.Quiet == nil {
		return nil
	}
	return r.c.Quiet(ctx)
}

// finish goes through the phases that are left.
func (r *run) finish(ctx context.Context) error {
	sum, err := r.removed(ctx)
	if err != nil {
		return err
	}
	r.items.Store(sum.Removed.Total())
	r.told = r.c.Now()
	for _, step := range []struct {
		from, to string
		do       func(context.Context) error
	}{{begun, settled, r.settle}, {settled, verified, r.sweep}, {verified, cleared, r.clearFiles}, {cleared, purged, r.purge}} {
		if r.lead.Phase != step.from {
			continue
		}
		if err := r.late(ctx); err != nil {
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
	if err := r.late(ctx); err != nil {
		return err
	}
	return r.end(ctx)
}

func (r *run) sweep(ctx context.Context) error {
	kind, sp := Kind(r.job.Erase.Selection), r.job.Erase.Was.Space()
	switch {
	case kind == ManualCustomers, kind.records() && r.job.Tag == 0:
		return r.visits(ctx)
	case kind.records():
		return r.records(ctx, r.job.Erase.Was)
	case kind == Import:
		return r.imported(ctx)
	}
	hidden := hiddenBy(r.job.Erase, sp)
	if hidden == nil {
		return fault.New(fault.Invalid, "unknown_selection", "this version does not know what to erase")
	}
	if err := r.takeOver(ctx); err != nil {
		return err
	}
	if err := r.lanes(ctx, laneName(sp), hidden, everything()); err != nil || kind != Dependent || r.job.Erase.KeepEdits {
		return err
	}
	// Edits made since are of rows that came anew.
	old := table.Cond{Op: table.Less, Attr: store.AttrUpdated, N: r.job.CreatedAt.UnixMilli()}
	return r.lanes(ctx, laneName(sp)+".edits", dependentEdits(sp), among(old))
}

// takeOver sweeps what earlier erases of the source have hidden and not removed yet: nobody can restore that any more, and
// the receipt is to be true of the whole selection. Those erases find nothing then, and end.
func (r *run) takeOver(ctx context.Context) error {
	older, err := covered(ctx, r.ledger, r.job)
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
	for _, sp := range left(r.job.Erase.Was) {
		if err := r.sweepHidden(ctx, r.job.Erase, sp); err != nil {
			return err
		}
	}
	return nil
}

// sweepHidden sweeps what an erase has hidden of a source.
func (r *run) sweepHidden(ctx context.Context, spec *job.EraseSpec, sp store.Space) error {
	return r.lanes(ctx, laneName(sp), hiddenBy(spec, sp), everything())
}

// left are the epochs of a source that restores have left. A request that went on at that moment may have written there.
func left(was store.Source) []store.Space {
	var list []store.Space
	for _, e := range was.Left {
		sp := was.Space()
		if sp.Epochs = e; e != was.Epochs {
			list = append(list, sp)
		}
	}
	return list
}

// covered are the open erases that were asked for before j and have hidden a part of what j selects.
func covered(ctx context.Context, ledger *job.Ledger, j *job.Job) ([]*job.Job, error) {
	open, err := ledger.Open(ctx)
	return slices.DeleteFunc(open, func(o *job.Job) bool {
		return o.Kind != job.Erase || o.Tag != j.Tag || o.ID >= j.ID || !Kind(o.Erase.Selection).empties() ||
			Kind(j.Erase.Selection) == Dependent && Kind(o.Erase.Selection) != Dependent
	}), err
}

// visits goes to every source concerned in turn, under its lock; those that another job
// holds come last, or next time.
func (r *run) visits(ctx context.Context) error {
	var held error
	for _, src := range r.job.Erase.Sources {
		if slices.Contains(r.lead.Done, laneName(src.Space())) {
			continue
		}
		if err := r.late(ctx); err != nil {
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
		if err := r.visit(ctx, src); err != nil {
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

// visit sweeps one source, as it was when the erase began. Manual rows may since have come into new epochs of it, by
// an import that had begun before.
func (r *run) visit(ctx context.Context, src store.Source) error {
	if Kind(r.job.Erase.Selection).records() {
		return r.records(ctx, src)
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

// purge makes the bytes of what was deleted leave the disk, where the engine keeps them.
func (r *run) purge(ctx context.Context) error {
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	older, err := covered(ctx, r.ledger, r.job)
	if err != nil {
		return err
	}
	pks := []string{store.AccountPK} // names of files were in the ledger
	for _, j := range older {
		pks = append(pks, allParts(j.Erase.Was.Space()).pks()...)
	}
	for _, sp := range left(r.job.Erase.Was) {
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

// sources are those that the erase concerns, as they were when it began.
func (r *run) sources() []store.Source {
	if spec := r.job.Erase; spec.Was.Shards == 0 {
		return spec.Sources
	}
	return []store.Source{r.job.Erase.Was}
}

// end takes the tombstones away and ends the job with its counts.
func (r *run) end(ctx context.Context) error {
	if Kind(r.job.Erase.Selection).empties() { // a restore that came too late and was killed may have left its fence
		if err := r.unfence(ctx, r.job); err != nil {
			return err
		}
	}
	if err := exhume(ctx, r.st, r.job); err != nil {
		return err
	}
	sum, err := r.removed(ctx)
	if err != nil {
		return err
	}
	_, next, err := r.ledger.End(ctx, r.job.ID, func(j *job.Job) error {
		j.Status, j.Stage = job.Done, ""
		j.Erase.Removed = sum.Removed
		j.Progress.ItemsDone = sum.Removed.Total()
		// Units are what DynamoDB would have counted, wherever the table is.
		j.Cost = r.before.Add(r.st.Spent()).Add(table.Cost{WriteMilli: sum.Milli})
		j.Erase.Receipt = encode(r.receipt(j, sum.Digest))
		return nil
	})
	if err != nil {
		return err
	}
	// The job has ended: nobody asks for the lead any more.
	if err := r.lease.Complete(encode(r.lead)); err != nil && ctx.Err() == nil {
		r.c.Log.Warn("erase: the lead was not completed", slog.String("job", r.job.ID), slog.String("code", fault.CodeOf(err)))
	}
	return r.dispatch(ctx, next)
}

// exhume takes the job's tombstones away, if they are still there.
func exhume(ctx context.Context, st *store.Store, j *job.Job) error {
	if !Kind(j.Erase.Selection).buries() {
		return nil
	}
	d, err := st.Directory(ctx)
	there := func(t store.Tombstone) bool { return d.HiddenBy(t) == j.ID }
	if err != nil || !slices.ContainsFunc(tombstones(j), there) {
		return err
	}
	_, err = st.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		d.Reveal(j.ID)
		return nil, nil
	})
	return err
}

// removed sums up what the ledger has recorded.
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
