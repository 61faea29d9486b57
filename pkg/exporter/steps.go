package exporter

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/person"
	"reseed/pkg/table"
)

// Phases of an export. The tasks of the first one may run at the same time.
const (
	phaseRead = "1 read" // a task for each shard
	phaseJoin = "2 join" // one task
)

// goOn goes on with a running job: it sends the tasks of the current phase that are not done, or, if
// all are done, begins the next phase or ends the job.
func (x *Exporter) goOn(ctx context.Context, id string) error {
	for {
		j, err := x.c.Ledger.Read(ctx, id)
		switch {
		case err != nil || j.Status.Ended():
			return err
		case j.State().Stops():
			return errEnding
		}
		todo, err := x.todo(ctx, j)
		if err != nil {
			return err
		}
		if len(todo) > 0 {
			return x.c.Send(ctx, todo)
		}
		if err := x.step(ctx, j); err != nil {
			return err
		}
	}
}

// todo lists the tasks of the current phase that are not done.
func (x *Exporter) todo(ctx context.Context, j *job.Job) (messages []Message, err error) {
	tasks, err := x.c.Ledger.Undone(ctx, j)
	for _, t := range tasks {
		messages = append(messages, Message{j.ID, t.ID, j.Source})
	}
	return messages, err
}

// step begins the first phase, or does what follows a phase that is done.
func (x *Exporter) step(ctx context.Context, j *job.Job) error {
	switch {
	case j.Stage == "" && j.Export.Customer != "":
		return x.beginCustomer(ctx, j)
	case j.Stage == "":
		return x.begin(ctx, j)
	}
	tasks, err := x.c.Ledger.Tasks(ctx, j.ID, "")
	if err != nil {
		return err
	}
	sum, err := sumOf(j.Export, tasks)
	switch {
	case err != nil:
		return err
	case j.Stage == phaseJoin || sum.rows() == 0: // of a customer there is always a row
		return x.finish(ctx, j, sum)
	case sum.lostOf(j.Export.Datasets) > 0 && j.Export.Format == job.CSV:
		return fault.Newf(fault.Invalid, "not_for_csv", "CSV cannot give back what some records hold: %s. Nothing was written; export as NDJSON, which can: --format ndjson.", sum.losses(j.Export.Datasets))
	}
	return x.enter(ctx, j.ID, phaseJoin, 1)
}

// begin notes the source as it is, and begins to read.
func (x *Exporter) begin(ctx context.Context, j *job.Job) error {
	d, err := x.c.Store.Directory(ctx)
	if err != nil {
		return err
	}
	src, there := d.ByUUID(j.Source)
	if !there {
		return errErased()
	}
	j, err = x.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if j.Export.Was.UUID == "" {
			j.Export.Was = src
		}
		return nil
	})
	if err != nil {
		return err
	}
	return x.enter(ctx, j.ID, phaseRead, j.Export.Was.Shards)
}

// enter creates the tasks of a phase, then makes it the current phase of the job.
func (x *Exporter) enter(ctx context.Context, id, phase string, n int) error {
	tasks := make([]job.Task, n)
	for i := range tasks {
		tasks[i] = job.Task{ID: fmt.Sprintf("%s/%05d", phase, i), Phase: phase}
	}
	if err := x.c.Ledger.CreateTasks(ctx, id, tasks); err != nil {
		return err
	}
	_, err := x.c.Ledger.Update(ctx, id, func(j *job.Job) error {
		j.Stage = max(j.Stage, phase)
		return nil
	})
	return err
}

// task does one task under its lease, and goes on with the job.
func (x *Exporter) task(ctx context.Context, j *job.Job, id string) error {
	t, err := x.c.Ledger.Claim(ctx, job.Task{ID: id, Job: j.ID}, x.c.Ledger.NewHolder())
	switch {
	case fault.CodeOf(err) == "task_done":
		return x.goOn(ctx, j.ID)
	case fault.Is(err, fault.Busy):
		return job.ErrHeld
	case err != nil:
		return err
	}
	lease := x.c.Ledger.Keep(ctx, t)
	done, err := x.do(lease.Context(), j, lease) //nolint:contextcheck // the lease's context is ctx, as long as the lease holds
	if err != nil {
		_ = lease.Release() //nolint:contextcheck // it must be released after ctx has ended, too; else it expires by itself
		return err
	}
	if err := job.SaveState(lease.Complete, done); err != nil {
		return err
	}
	return x.after(ctx, j.ID)
}

// do does a task, and returns its state.
func (x *Exporter) do(ctx context.Context, j *job.Job, lease *job.Lease) (any, error) {
	t := lease.Task()
	if j.Export.Customer != "" && t.Phase == phaseRead {
		return x.readCustomer(ctx, j, t, func(s any) error { return job.SaveState(lease.Save, s) })
	}
	s, err := stateOf(t)
	if err != nil {
		return s, err
	}
	if t.Phase == phaseJoin {
		return s, x.join(ctx, j)
	}
	shard, _ := strconv.Atoi(strings.TrimPrefix(t.ID, phaseRead+"/"))
	w, err := x.newWalk(ctx, j, shard, s, func(s state) error { return job.SaveState(lease.Save, s) })
	if err == nil {
		err = w.walk(ctx)
	}
	if err != nil {
		return s, err
	}
	return w.state, nil
}

// after goes on with the job if the task that ended was the last of its phase. The others were sent
// already.
func (x *Exporter) after(ctx context.Context, id string) error {
	j, err := x.c.Ledger.Read(ctx, id)
	if err != nil {
		return err
	}
	if todo, err := x.todo(ctx, j); err != nil || len(todo) > 0 && !j.State().Stops() {
		return err
	}
	return x.goOn(ctx, id)
}

// finish deletes the parts and ends the job. It may be called twice.
func (x *Exporter) finish(ctx context.Context, j *job.Job, sum *sum) error {
	var size int64
	if sum.rows() > 0 {
		info, err := x.c.Objects.Stat(ctx, FileName(j))
		if err != nil {
			return err
		}
		size = info.Size
	}
	if _, err := x.c.Objects.DeleteAll(ctx, partsDir(j)); err != nil {
		return err
	}
	err := x.end(ctx, j.ID, func(j *job.Job) error {
		if j.State().Stops() {
			return errEnding
		}
		j.Status, j.Cost, j.Notes = job.Done, sum.cost, append(j.Notes, sum.notes(j)...)
		j.Export.Size, j.Export.Rows, j.Export.Changed = size, sum.byDataset(), sum.changed
		j.Progress.RowsDone = sum.rows()
		return nil
	})
	return err
}

// sum is what all tasks of an export have done.
type sum struct {
	datasets []string // also edits, if they are apart
	shards   []state  // by shard
	cost     table.Cost
	changed  int64
	orphans  int64
}

func sumOf(spec *job.ExportSpec, tasks []job.Task) (*sum, error) {
	s := &sum{datasets: filesOf(spec)}
	for _, t := range tasks {
		if t.Phase != phaseRead {
			continue
		}
		state, err := stateOf(t)
		if err != nil {
			return nil, err
		}
		s.shards = append(s.shards, state)
		s.cost, s.changed, s.orphans = s.cost.Add(state.Cost), s.changed+state.Changed, s.orphans+state.Orphans
	}
	return s, nil
}

// of sums up one dataset.
func (s *sum) of(ds string) (all tally) {
	for i := range s.shards {
		t := s.shards[i].Files[ds]
		all.Rows, all.Lost = all.Rows+t.Rows, all.Lost+t.Lost
		if all.First == "" {
			all.First = t.First
		}
	}
	return all
}

func (s *sum) byDataset() map[string]int64 {
	rows := map[string]int64{}
	for _, ds := range s.datasets {
		if n := s.of(ds).Rows; n > 0 {
			rows[ds] = n
		}
	}
	return rows
}

func (s *sum) rows() (n int64) {
	for _, ds := range s.datasets {
		n += s.of(ds).Rows
	}
	return n
}

func (s *sum) lostOf(datasets []string) (n int64) {
	for _, ds := range datasets {
		n += s.of(ds).Lost
	}
	return n
}

// losses says how many records of each dataset hold something that is not given back.
func (s *sum) losses(datasets []string) string {
	var list []string
	for _, ds := range datasets {
		if t := s.of(ds); t.Lost > 0 {
			list = append(list, fmt.Sprintf("%d of the %s (the first is %s)", t.Lost, ds, t.First))
		}
	}
	return strings.Join(list, ", ")
}

// notes says what is particular about an export that is done.
func (s *sum) notes(j *job.Job) (notes []string) {
	if j.Export.Customer != "" {
		return customerNotes(j.Export)
	}
	if s.rows() == 0 {
		return []string{"There are no rows, so there is no file."}
	}
	if j.Export.Sheet {
		notes = append(notes, "This copy is for reading in a spreadsheet, not for import.")
	}
	if j.Export.Edits == job.EditsLaidOver {
		notes = append(notes, "Fields are as people have changed them, and rows that they have deleted are left out. Tags, merges, and attributes that people have set are not in it.")
	}
	if s.orphans > 0 {
		notes = append(notes, fmt.Sprintf("%d edits are not in it, since nothing says any more which records they belong to: the record is gone, or the customer at the other end of a merge. GET /v1/data_sources/%s/edits?orphaned=true lists such edits.", s.orphans, j.Source))
	}
	if s.lostOf(s.datasets) > 0 {
		notes = append(notes, "An import refuses or reads otherwise what some records hold: "+s.losses(s.datasets)+". They are in the file as they are stored.")
	}
	if s.changed > 0 {
		notes = append(notes, fmt.Sprintf("%d rows were added or changed after the export began; they are in it as they were when their part was read.", s.changed))
	}
	return notes
}

// Progress sets the progress of a running export from the states of its tasks.
func (x *Exporter) Progress(ctx context.Context, j *job.Job) error {
	if j.Export == nil || j.Status != job.Running {
		return nil
	}
	tasks, err := x.c.Ledger.Tasks(ctx, j.ID, "")
	if err != nil || len(tasks) == 0 {
		return err
	}
	sum, err := sumOf(j.Export, tasks)
	if err != nil {
		return err
	}
	ranges, part := len(rangesOf(j.Export, 0)), 0.0
	if j.Export.Customer != "" {
		ranges = len(person.Sections())
	}
	for i, s := range sum.shards {
		if tasks[i].State == job.TaskDone {
			s.Range = ranges
		}
		part += min(1, float64(s.Range)/float64(max(1, ranges)))
	}
	p := &j.Progress
	p.RowsDone, p.Fraction = sum.rows(), part/float64(max(1, len(sum.shards)))
	if seconds := x.c.Now().Sub(j.StartedAt).Seconds(); seconds > 0 {
		p.RowsASecond = float64(p.RowsDone) / seconds
	}
	return nil
}

// filesOf lists the datasets of the files that an export has.
func filesOf(spec *job.ExportSpec) []string {
	switch {
	case spec.Customer != "":
		return person.Datasets()
	case spec.Edits != job.EditsApart:
		return spec.Datasets
	}
	return append(slices.Clone(spec.Datasets), string(billing.Edits))
}

// wants tells whether an export has a dataset.
func wants(spec *job.ExportSpec, ds billing.Dataset) bool {
	return slices.Contains(spec.Datasets, string(ds))
}
