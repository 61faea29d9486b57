package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// work is what a worker needs for one task of a job.
type work struct {
	job    *job.Job
	dir    *store.Directory
	tag    store.Tag
	hasher *store.Hasher
	parts  *partitions
	plans  map[string]bool // sort keys of the plans; loaded for stages that name plans
	// sort keys of the plans of this import whose rows were rejected, and their places
	lostPlans map[string]place
	named     map[string]bool  // external ids of plans that were found
	going     map[string]int64 // see goingBefore; nil before it is called
	ranges    int
	store     *store.Store
	objects   *objects.Objects
	runs      runStore
	ledger    *job.Ledger
	density   map[string]float64 // by the first two characters of sort keys, see learn
	undone    *job.Job           // in an undo: the job that is undone
	writes    []table.Write      // reused
	looked    time.Time          // when interrupted last read the job
	clock     func() time.Time
	// now is the time of the job. Rows are judged and items stamped by it, whenever the work is
	// done.
	now        time.Time
	stampMilli int64
	stint      stint
	number     int64 // number of the job, in the rows that it adds
	manual     int64 // manual epoch of the rows that it adds; 0: they are not manual
}

func (im *Importer) newWork(ctx context.Context, j *job.Job) (*work, error) {
	st := im.c.Store.Metered()
	dir, err := st.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, ok := dir.ByTag(j.Tag)
	if !ok {
		return nil, errErased()
	}
	if err := stillFull(j, src.Epochs); err != nil {
		return nil, err
	}
	w := &work{
		job: j, dir: dir, tag: j.Tag, hasher: dir.Hasher(), parts: newPartitions(src.Space()), ranges: j.Import.Ranges,
		store: st, objects: im.c.Objects, runs: objectRuns{im.c.Objects, runsDir(j.ID)}, clock: im.c.Now, ledger: im.c.Ledger, looked: im.c.Now(),
		density: map[string]float64{}, stint: stint{makeWay: im.c.MakeWay},
		now: j.CreatedAt, stampMilli: j.CreatedAt.UnixMilli(), number: job.Number(j.ID),
	}
	if j.Import.Manual() {
		w.manual = j.Import.ManualEpoch
	}
	if j.Import.Undo != "" {
		w.undone, err = im.c.Ledger.Read(ctx, j.Import.Undo)
	}
	return w, err
}

// loadPlans reads the keys of the plans, which are few: the stored ones, as this import changes
// them.
func (w *work) loadPlans(ctx context.Context) error {
	w.plans, w.named, w.lostPlans = map[string]bool{}, map[string]bool{}, map[string]place{}
	for it, err := range w.store.Items(ctx, table.Query{PK: w.parts.PlanPK(), KeysOnly: !w.dir.AnyHidden(w.tag)}) {
		if err != nil {
			return err
		}
		w.plans[it.SK] = !w.dir.Erasing(it.Attrs)
	}
	if !hasStage(w.job, stagePlans) {
		return nil
	}
	for r := range w.ranges {
		err := w.eachOwn(ctx, stagePlans, r, func(c *change) error {
			w.plans[c.sk] = len(c.after) > 0
			return nil
		})
		if err != nil {
			return err
		}
		if err := w.loadLostPlans(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// result is what the ledger keeps of a task.
type result struct {
	Summary summary    `json:"summary"`
	Cost    table.Cost `json:"cost"`
	// of a stopped task: changes applied so far; of unpacking: attempts, see unpack
	Done int `json:"done,omitempty"`
	// of a task that freezes tabs: rows so far
	Pulled int64 `json:"pulled,omitempty"`
	// of one that reads a billing system
	Streams []job.Stream `json:"streams,omitempty"`
	Waits   string       `json:"waits,omitempty"`
}

func resultOf(t job.Task) (r result, err error) {
	if len(t.Result) > 0 && json.Unmarshal(t.Result, &r) != nil {
		err = fault.New(fault.Internal, "task_result", "the state of a task cannot be read")
	}
	return r, err
}

// task does one task under its lease. If it was the last of its phase, it goes on with the job. It
// returns the job in its new state.
func (im *Importer) task(ctx context.Context, j *job.Job, id string) (*job.Job, error) {
	t, err := im.c.Ledger.Claim(ctx, job.Task{ID: id, Job: j.ID}, im.c.Ledger.NewHolder())
	switch {
	case err != nil && fault.CodeOf(err) == "task_done":
		return im.after(ctx, j)
	case fault.Is(err, fault.Busy):
		return j, job.ErrHeld
	case err != nil:
		return j, err
	}
	before, err := resultOf(t)
	if err != nil {
		return j, err
	}
	lease := im.c.Ledger.Keep(ctx, t)
	res, err := im.do(lease.Context(), j, id, before, func(r result) error { return job.SaveState(lease.Save, r) }) //nolint:contextcheck // the lease's context is ctx, as long as the lease holds
	if err != nil {
		_ = lease.Release() //nolint:contextcheck // it must be released after ctx has ended, too; else it expires by itself
		return j, err
	}
	if err := job.SaveState(lease.Complete, res); err != nil {
		return j, err
	}
	return im.after(ctx, j)
}

// after goes on with the job if the task that ended was the last of its phase, or if the job is
// about to end.
func (im *Importer) after(ctx context.Context, j *job.Job) (*job.Job, error) {
	now, err := im.c.Ledger.Read(ctx, j.ID)
	if err != nil {
		return j, err
	}
	switch {
	case now.Status.Ended():
		return now, nil
	case now.State().Stops(): // other workers may have left because of this task
		return im.goOn(ctx, now)
	}
	if todo, err := im.todo(ctx, now); err != nil || len(todo) > 0 {
		return now, err
	}
	return im.goOn(ctx, now)
}

// taskWork is newWork for steps that decide or write rows. It fails if manual customers were erased
// after the import was scanned: rows that the import adds, or manual rows that it changes, may be
// written too late for the sweep. An undo checks each row itself.
func (im *Importer) taskWork(ctx context.Context, j *job.Job) (*work, error) {
	w, err := im.newWork(ctx, j)
	if err == nil && w.undone == nil && w.dir.ManualEpoch > j.Import.ManualEpoch {
		return nil, errManualErased()
	}
	return w, err
}

// workFor is taskWork for steps that decide or write rows, and newWork for other steps.
func (im *Importer) workFor(ctx context.Context, j *job.Job, step string) (*work, error) {
	if step == stepUnpack || step == stepRejects {
		return im.newWork(ctx, j)
	}
	return im.taskWork(ctx, j)
}

// files does one task of the steps that write only files.
func (w *work) files(ctx context.Context, step string, n, done int, saved func(int) error) error {
	if step == stepUnpack {
		return w.unpack(ctx, n, done, saved)
	}
	return w.writeParts(ctx, n)
}

func (im *Importer) do(ctx context.Context, j *job.Job, id string, before result, keep func(result) error) (result, error) {
	stage, step, n := splitTask(id)
	w, err := im.workFor(ctx, j, step)
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
	switch step {
	case stepUnpack, stepRejects:
		err = w.files(ctx, step, n, before.Done, saved)
	case stepDecide:
		w.runs = newMemoryRuns()
		out.Summary, err = w.decideAll(ctx)
	case stepMap:
		out.Summary, err = w.mapStage(ctx, stage, []int{n})
	case stepResolve:
		out.Summary, err = w.resolve(ctx, stage, n)
	case stepMerge:
		out.Summary, err = w.mergeStage(ctx, stage, n)
	case stepGoing, stepAsk, stepComing, stepDependents, stepNamed:
		out.Summary, err = w.undo(ctx, stage, step, n)
	case stepDependentsStill:
		err = w.findDependents(ctx, n)
	case stepNamedStill:
		err = w.findNamed(ctx, n)
	case stepCheck:
		err = im.check(ctx, w, stage, n)
	case stepApply:
		out.Summary, err = w.applyAll(ctx, func(int) error { return keep(spent()) })
	case stepRemove:
		out.Summary, err = w.apply(ctx, setID{stage, n, passOf(j, step)}, removals, before.Done, saved)
	case stepPut:
		out.Summary, err = w.apply(ctx, setID{stage, n, passOf(j, step)}, puts, before.Done, saved)
	case stepTakeBack, stepPutBack:
		out.Summary, err = w.undoAtOnce(ctx, setID{stage, n, step}, before.Done, saved)
	default:
		err = fault.Newf(fault.Internal, "unknown_task", "no such task: %s", id)
	}
	return spent(), err
}

// decideAll decides a small import from the first stage to the last. Done again after a kill, it
// finds the change sets of the stages that were decided, and keeps them.
func (w *work) decideAll(ctx context.Context) (summary, error) {
	if w.undone != nil {
		return w.decideUndo(ctx)
	}
	var sum summary
	for _, stage := range stages(w.job) {
		part, err := w.mapStage(ctx, stage, stagePieces(w.job, stage))
		if err != nil {
			return sum, err
		}
		sum.add(part)
		if looksUp(stage) {
			if part, err = w.resolve(ctx, stage, 0); err != nil {
				return sum, err
			}
			sum.add(part)
		}
		if part, err = w.mergeStage(ctx, stage, 0); err != nil {
			return sum, err
		}
		sum.add(part)
	}
	return sum, nil
}

// mergeStage decides a key range of a stage.
func (w *work) mergeStage(ctx context.Context, stage, keyRange int) (summary, error) {
	if stage == stageEdits {
		return w.mergeEdits(ctx, keyRange)
	}
	return w.mergeRange(ctx, stage, keyRange)
}

// mapStage maps these pieces of a stage.
func (w *work) mapStage(ctx context.Context, stage int, pieces []int) (summary, error) {
	var sum summary
	if namesPlans(stage) {
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

// lookEvery is how often a worker reads the job to see whether it is about to end.
const lookEvery = time.Second / 2

// interrupted tells whether a worker must stop: errStopped when the deadline is near, errEnding
// when the job is about to end, else nil. It is called often.
func (w *work) interrupted(ctx context.Context) error {
	now := w.clock()
	if deadline, ok := ctx.Deadline(); ok && deadline.Sub(now) < reserve {
		return errStopped
	}
	if now.Sub(w.looked) < lookEvery {
		return nil
	}
	w.looked = now
	j, err := w.ledger.Get(ctx, w.job.ID)
	switch {
	case err != nil:
		return err
	case j.State().Stops(), j.Status.Ended():
		return errEnding
	}
	return nil
}
