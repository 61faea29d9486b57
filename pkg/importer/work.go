package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// errHeld says that somebody else is at a task.
var errHeld = errors.New("importer: somebody else is at this task")

// work is what one worker needs to know of a job while it is at one task.
type work struct {
	job     *job.Job
	dir     *store.Directory
	tag     store.Tag
	hasher  *store.Hasher
	parts   *partitions
	plans   map[string]bool // sort keys of the stored plans; loaded for stages that name plans
	ranges  int
	store   *store.Store
	objects *objects.Objects
	runs    runStore // of rows and findings
	rejects runStore // of rejects: always objects, since they outlive the worker
	clock   func() time.Time
	// now is the job's time: rows are judged, and items stamped, by it, whoever does the work and when.
	now        time.Time
	stampMilli int64
}

func (im *Importer) newWork(ctx context.Context, j *job.Job) (*work, error) {
	st := im.c.Store.Metered()
	dir, err := st.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, ok := dir.ByTag(j.Tag)
	if !ok {
		return nil, fault.New(fault.Conflict, "source_erased", "The data source was erased while the import ran; nothing of it is visible.")
	}
	lasting := objectRuns{im.c.Objects, jobDir(j.ID) + "runs/"}
	w := &work{
		job: j, dir: dir, tag: j.Tag, hasher: dir.Hasher(), parts: newPartitions(src.Space()), ranges: j.Import.Ranges,
		store: st, objects: im.c.Objects, runs: lasting, rejects: lasting, clock: im.c.Now,
		now: j.CreatedAt, stampMilli: j.CreatedAt.UnixMilli(),
	}
	if j.Import.Small {
		w.runs = &memoryRuns{runs: map[string][]byte{}}
	}
	return w, nil
}

// loadPlans reads the keys of the stored plans; there are few.
func (w *work) loadPlans(ctx context.Context) error {
	w.plans = map[string]bool{}
	for it, err := range w.store.Items(ctx, store.Query{PK: w.parts.plans, KeysOnly: true}) {
		if err != nil {
			return err
		}
		w.plans[it.SK] = true
	}
	return nil
}

// result is what the ledger keeps of a task.
type result struct {
	Summary summary    `json:"summary"`
	Cost    store.Cost `json:"cost"`
	Done    int        `json:"done,omitempty"` // changes applied so far, of a task that was stopped
}

// task does one task under its lease.
func (im *Importer) task(ctx context.Context, j *job.Job, id string) error {
	if id == wholeTask {
		err := im.c.Ledger.CreateTasks(ctx, j.ID, []job.Task{{ID: id, Job: j.ID, Phase: "0 whole", State: job.TaskTodo}})
		if err != nil {
			return err
		}
	}
	t, err := im.c.Ledger.Claim(ctx, job.Task{ID: id, Job: j.ID}, im.c.Ledger.NewHolder())
	switch {
	case err != nil && fault.CodeOf(err) == "task_done":
		return im.after(ctx, j)
	case fault.KindOf(err) == fault.Busy && err != nil:
		return errHeld
	case err != nil:
		return err
	}
	var before result
	if len(t.Result) > 0 {
		if err := json.Unmarshal(t.Result, &before); err != nil {
			return fault.Wrap(err, fault.Internal, "task_result", "read a task's state")
		}
	}
	lease := im.c.Ledger.Keep(ctx, t)
	res, err := im.do(lease.Context(), j, id, before, func(r result) error { return save(lease.Save, r) }) //nolint:contextcheck // the lease's context is ctx, as long as the lease holds
	if err != nil {
		_ = lease.Release() //nolint:contextcheck // it must be given back after ctx has ended, too; else it runs out by itself
		return err
	}
	if err := save(lease.Complete, res); err != nil {
		return err
	}
	return im.after(ctx, j)
}

func save(keep func(json.RawMessage) error, r result) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "task_result", "keep a task's state")
	}
	return keep(body)
}

// after books the progress of a task that has ended, and goes on if it was the last of its phase.
func (im *Importer) after(ctx context.Context, j *job.Job) error {
	if j.Import.Small {
		return im.finish(ctx, j)
	}
	j, err := im.c.Ledger.Get(ctx, j.ID)
	if err != nil || j.Status.Ended() {
		return err
	}
	todo, _, err := im.todo(ctx, j)
	if err != nil {
		return err
	}
	if err := im.bookProgress(ctx, j); err != nil || len(todo) > 0 {
		return err
	}
	return im.goOn(ctx, j)
}

func (im *Importer) do(ctx context.Context, j *job.Job, id string, before result, keep func(result) error) (result, error) {
	w, err := im.newWork(ctx, j)
	if err != nil {
		return result{}, err
	}
	out := before
	spent := func() result {
		out.Cost = before.Cost.Add(w.store.Spent())
		return out
	}
	saved := func(done int) error {
		out.Done = done
		return keep(spent())
	}
	if id == wholeTask {
		out.Summary, err = w.whole(ctx, func() error { return keep(spent()) })
		return spent(), err
	}
	stage, step, n := splitTask(id)
	switch step {
	case stepMap:
		out.Summary, err = w.mapStage(ctx, stage, []int{n})
	case stepResolve:
		err = w.resolve(ctx, stage, n)
	case stepApply:
		out.Summary, err = w.applyRange(ctx, stage, n, before.Done, saved)
	default:
		err = fault.Newf(fault.Internal, "unknown_task", "no such task: %s", id)
	}
	return spent(), err
}

// whole does a small import from the first stage to the last. Done again after
// a kill it finds the change sets of the stages that had begun, and applies those.
func (w *work) whole(ctx context.Context, alive func() error) (summary, error) {
	var sum summary
	for stage := range stageCount {
		pieces := stagePieces(w.job, stage)
		if len(pieces) == 0 {
			continue
		}
		part, err := w.mapStage(ctx, stage, pieces)
		if err != nil {
			return sum, err
		}
		sum.add(part)
		if looksUp(stage) {
			if err := w.resolve(ctx, stage, 0); err != nil {
				return sum, err
			}
		}
		part, err = w.applyRange(ctx, stage, 0, 0, func(int) error { return alive() })
		if err != nil {
			return sum, err
		}
		sum.add(part)
	}
	return sum, nil
}

// mapStage maps some pieces of a stage.
func (w *work) mapStage(ctx context.Context, stage int, pieces []int) (summary, error) {
	var sum summary
	if stage == stageInvoices || stage == stageEvents {
		if err := w.loadPlans(ctx); err != nil {
			return sum, err
		}
	}
	for _, n := range pieces {
		part, err := w.mapPiece(ctx, stage, fmt.Sprintf("%05d", n), w.job.Import.Pieces[n])
		if err != nil {
			return sum, err
		}
		sum.add(part)
	}
	return sum, nil
}
