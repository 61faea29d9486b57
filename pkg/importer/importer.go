package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Defaults of Config.
const (
	DefaultPieceBytes = 8 << 20
	DefaultSmallBytes = 2 << 20
)

// maxPieces bounds the size of the job's item: pieces grow with larger inputs.
const maxPieces = 400

// Config is what New needs to make an Importer.
type Config struct {
	Store   *store.Store
	Ledger  *job.Ledger
	Objects *objects.Objects
	// Send hands messages to workers, which call Handle. Several workers may run at the same time.
	Send func(context.Context, []Message) error
	// Dispatch starts another job that became Running because a job of this Importer ended, and goes
	// on with one that has not frozen what it pulls.
	Dispatch func(context.Context, *job.Job) error
	Now      func() time.Time
	Log      *slog.Logger
	// PieceBytes is how many bytes of a file one worker maps at a time. One worker does everything
	// for an input of up to SmallBytes. 0 means DefaultPieceBytes, and DefaultSmallBytes but no
	// more than PieceBytes.
	PieceBytes, SmallBytes int64
	// MakeWay is called after every few milliseconds of work. It may wait, to let other work have
	// the processor. May be nil.
	MakeWay func()
}

// Importer runs imports. It is safe for concurrent use.
type Importer struct{ c Config }

// New makes an Importer.
func New(c Config) *Importer {
	if c.PieceBytes <= 0 {
		c.PieceBytes = DefaultPieceBytes
	}
	if c.SmallBytes <= 0 {
		c.SmallBytes = min(DefaultSmallBytes, c.PieceBytes)
	}
	return &Importer{c}
}

// Message asks a worker to go on with a job: with the named task, or, if Task is empty, with the
// next step of the job.
type Message struct {
	Job  string `json:"job"`
	Task string `json:"task,omitempty"`
	// of the job, if it is another one than an import: the workers of imports do exports, too. Handle
	// does nothing then.
	Kind   job.Kind `json:"kind,omitempty"`
	Source string   `json:"-"` // of the job, so that messages of several sources take turns; Handle does not need it
}

// Request is an import that is to be submitted. Its files are in the object store already.
type Request struct {
	Source store.Source // as it was when the first file began to arrive
	Files  []job.File   // their own settings beat those of Options
	// Once is the digest of the event that asks for the import: the same event again gives the same
	// job. May be empty.
	Once    string
	Origin  job.Origin // must be given
	By      string     // name of the user or key that asks, shown to people
	Options Options
	// Corrects is the job whose rejected rows this import corrects, see [Importer.Corrections]. May be
	// empty.
	Corrects string
}

// Options say how an import is done. The zero value adds and changes rows without a plan.
type Options struct {
	Mode string // job.Upsert (also if empty) or job.Replace
	Plan bool   // stop before any row is written
	// percent of a dataset's stored rows; a removal of more waits for a yes. nil is the
	// setting of the account, or else job.DefaultMaxRemoved
	MaxRemoved *int
	AllowEmpty bool            // a replace by an input without rows may remove all stored rows
	Settings   source.Settings // how to read the files
	Remember   bool            // keep the settings for the datasets of the files, once the import is done
	Quiet      bool            // people are not told how it ends, or that it waits
}

func (o Options) check() error {
	switch {
	case o.Mode != "" && o.Mode != job.Upsert && o.Mode != job.Replace:
		return &fault.Error{Kind: fault.Invalid, Code: "unknown_mode", Param: "mode", Message: "The mode is upsert or replace."}
	case o.MaxRemoved != nil && (*o.MaxRemoved < 0 || *o.MaxRemoved > 100):
		return &fault.Error{Kind: fault.Invalid, Code: "bad_share", Param: "max_removed", Message: "max_removed is a percentage from 0 to 100."}
	}
	return o.Settings.Check()
}

func (r Request) check() error {
	switch {
	case len(r.Files) == 0:
		return fault.New(fault.Invalid, "no_files", "an import needs at least one file")
	case r.Origin != job.ByFile && r.Origin != job.ByPull && r.Origin != job.ByAPI:
		return fault.Newf(fault.Internal, "unknown_origin", "an import must say where its rows come from; %q is not an origin", r.Origin)
	}
	if err := r.Options.check(); err != nil {
		return err
	}
	bytes := 0
	for _, f := range r.Files {
		s := f.Settings.Over(r.Options.Settings)
		if err := s.Check(); err != nil {
			return err
		}
		if bytes += len(s.String()); bytes > maxHeaders {
			return tooManyColumns(f.Name)
		}
	}
	return nil
}

// Submit stores the job of an import and starts it, unless another job of the source is running:
// then the new job waits for its turn. A missing source is fault.NotFound. If data of the source
// was erased after its files began to arrive, the error is fault.Conflict, code [CodeFenced]: the
// files may hold what was erased, and the erase may have deleted some of them.
func (im *Importer) Submit(ctx context.Context, r Request) (*job.Job, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	spec := &job.ImportSpec{
		Files: slices.Clone(r.Files), Origin: r.Origin, By: r.By, Mode: job.Upsert, Plan: r.Options.Plan, MaxRemoved: job.DefaultMaxRemoved, AllowEmpty: r.Options.AllowEmpty, Remember: r.Options.Remember,
	}
	spec.Fence, spec.Corrects = r.Source.Fence, r.Corrects
	for i := range spec.Files {
		spec.Files[i].Settings = spec.Files[i].Settings.Over(r.Options.Settings)
	}
	if r.Options.Mode != "" {
		spec.Mode = r.Options.Mode
	}
	most := r.Options.MaxRemoved
	if most == nil {
		set, err := im.c.Store.Settings(ctx)
		if err != nil {
			return nil, err
		}
		most = set.MaxRemoved
	}
	if most != nil {
		spec.MaxRemoved = *most
	}
	return im.submitFiles(ctx, r.Source, &job.Job{Once: r.Once, Import: spec, Quiet: r.Options.Quiet})
}

// CodeFenced is the code of the error that [Fenced] makes.
const CodeFenced = "erased_meanwhile"

// Fenced is the error for files that arrived while data of their source was erased.
func Fenced() error {
	return fault.New(fault.Conflict, CodeFenced, "Data of this data source was erased while these files came in. None of them was imported; send them again.")
}

func errNoSource() error {
	return fault.New(fault.NotFound, "source_not_found", "there is no such data source")
}

// submitFiles stores the job of files that have arrived. The same transaction makes sure that no erase of
// the source happened since they began to arrive.
func (im *Importer) submitFiles(ctx context.Context, began store.Source, j *job.Job) (*job.Job, error) {
	for {
		dir, err := im.c.Store.Directory(ctx)
		if err != nil {
			return nil, err
		}
		src, there := dir.ByUUID(began.UUID)
		switch {
		case !there:
			return nil, errNoSource()
		case src.Fence != began.Fence:
			return nil, Fenced()
		}
		hold, err := dir.Hold()
		if err != nil {
			return nil, err
		}
		if note := dir.NamesakeNote(src); note != "" {
			j.Notes = []string{note}
		}
		made, err := im.create(ctx, src, j, hold)
		if !fault.Is(err, fault.Conflict) {
			return made, err
		}
		now, readErr := im.c.Store.Directory(ctx)
		if readErr != nil || now.Version == dir.Version {
			return nil, err
		}
	}
}

// create stores a job, with extra writes in the same transaction, and starts it.
func (im *Importer) create(ctx context.Context, src store.Source, j *job.Job, extra ...table.Write) (*job.Job, error) {
	dir, err := im.c.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	j.Kind, j.Source, j.SourceName, j.Tag, j.Import.ManualEpoch = job.Import, src.UUID, src.Name, src.Tag, dir.ManualEpoch
	j, err = im.c.Ledger.Create(ctx, j, extra...)
	if err != nil {
		return nil, err
	}
	return j, im.send(ctx, j)
}

// send asks a worker to go on with a running job.
func (im *Importer) send(ctx context.Context, j *job.Job) error {
	switch {
	case j.Status != job.Running:
		return nil
	case j.Pulling():
		return im.c.Dispatch(ctx, j)
	}
	return im.c.Send(ctx, []Message{{Job: j.ID, Source: j.Source}})
}

// Apply starts to write the change set of a plan to the table. The job fails, with nothing written,
// if what the plan rests on has changed since (see check.go). The error is fault.Conflict for the
// plan of an undo if another undo of the same import was begun since.
func (im *Importer) Apply(ctx context.Context, id string) (*job.Job, error) {
	if _, err := im.c.Store.Directory(ctx); err != nil { // the account may be moving
		return nil, err
	}
	j, err := im.c.Ledger.Resume(ctx, id, func(j *job.Job) ([]table.Write, error) {
		if j.Import == nil {
			return nil, errNoImport()
		}
		j.Import.Applying, j.Error, j.ErrorCode = true, "", ""
		if j.Import.Undo == "" {
			return nil, nil
		}
		link, err := im.undoing(ctx, j.Import.Undo, j.ID)
		return []table.Write{link}, err
	})
	if err != nil {
		return nil, err
	}
	if err := im.mark(ctx, j); err != nil {
		return nil, err
	}
	return j, im.send(ctx, j)
}

func errNoImport() error {
	return fault.New(fault.NotFound, "job_not_found", "there is no such import")
}

// Handle does what a message asks. It returns nil if the work is done, if another worker is doing
// it, or if it stopped before its deadline, so that Tick re-sends the rest. After an error the same
// message is worth another try. A job that cannot go on ends as failed.
func (im *Importer) Handle(ctx context.Context, m Message) error {
	j, err := im.c.Ledger.Read(ctx, m.Job)
	if err != nil {
		return dropMissing(err)
	}
	if j.Kind != job.Import || j.Status != job.Running {
		return nil
	}
	if j.Pulling() && !j.State().Stops() { // another worker freezes its tabs first
		return im.send(ctx, j)
	}
	if err := knowsDatasets(j); err != nil {
		return err
	}
	if ungatedUndo(j) {
		anew, err := im.startAnew(ctx, j.ID)
		if err != nil {
			return im.outcome(ctx, j, err)
		}
		j, m.Task = anew, ""
	}
	if m.Task == "" || j.State().Stops() {
		j, err = im.goOn(ctx, j)
	} else {
		j, err = im.task(ctx, j, m.Task)
	}
	return im.outcome(ctx, j, err)
}

func dropMissing(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// outcome decides what an error means for j, which is the job as it was when the error came. If
// another worker has moved the job on meanwhile, the error means nothing: a late worker may miss
// what is no longer needed.
func (im *Importer) outcome(ctx context.Context, j *job.Job, err error) error {
	switch {
	case err == nil, errors.Is(err, errStopped), errors.Is(err, job.ErrHeld):
		return nil
	case errors.Is(err, errEnding):
		return im.endStopped(ctx, j.ID)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	now, getErr := im.c.Ledger.Read(ctx, j.ID)
	if getErr != nil {
		return errors.Join(err, getErr)
	}
	if now.Stage != j.Stage || now.Wrote() != j.Wrote() {
		return nil
	}
	switch fault.KindOf(err) {
	case fault.Busy, fault.Unavailable:
		return err
	case fault.Internal:
		im.c.Log.Error("import failed", "job", j.ID, "error", err.Error())
		err = fault.New(fault.Internal, fault.CodeOf(err), "An internal error ended this import; what it had written stays, and importing the same files again completes it.")
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.Unauthorized, fault.Forbidden, fault.TooLarge:
	}
	return im.fail(ctx, j, err)
}

// fail makes a job fail: its workers stop, and the last one ends the job (see
// [Importer.endStopped]). The first error counts.
func (im *Importer) fail(ctx context.Context, j *job.Job, why error) error {
	_, err := im.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if j.Status != job.Running {
			return errStopped
		}
		if j.Import.Failing == "" {
			j.Import.Failing, j.ErrorCode = why.Error(), fault.CodeOf(why)
		}
		return nil
	})
	switch {
	case errors.Is(err, errStopped):
		return nil
	case err != nil:
		return err
	}
	return im.endStopped(ctx, j.ID)
}

// end ends a job, or parks it as a plan, and starts the next job that waits for its source.
func (im *Importer) end(ctx context.Context, id string, change func(*job.Job) error) (*job.Job, error) {
	ended, next, err := im.c.Ledger.End(ctx, id, change)
	if err == nil && next != nil {
		err = im.c.Dispatch(ctx, next)
	}
	return ended, err
}

// Tick re-sends work that may have lost its worker: the next step of every running import. It is
// called every minute and at start. Sending work twice is harmless, since workers claim tasks.
func (im *Importer) Tick(ctx context.Context) error {
	open, err := im.c.Ledger.Open(ctx)
	if err != nil {
		return err
	}
	for _, j := range open {
		if j.Kind == job.Import && j.Status == job.Running {
			if err := im.send(ctx, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// goOn goes on with a running job: it looks through the input, or sends the tasks of the current
// phase that are not done, or, if all are done, begins the next phase. It returns the job in its
// new state.
func (im *Importer) goOn(ctx context.Context, j *job.Job) (*job.Job, error) {
	if j.State().Stops() {
		return j, im.endStopped(ctx, j.ID)
	}
	for {
		todo, err := im.todo(ctx, j)
		if err != nil {
			return j, err
		}
		if len(todo) > 0 {
			return j, im.c.Send(ctx, todo)
		}
		moved, err := im.step(ctx, j)
		if err != nil {
			return j, err
		}
		if j = moved; j.Status.Ended() {
			return j, nil
		}
	}
}

// step moves a job whose phase is done to the next phase, through the gate, or to its end.
func (im *Importer) step(ctx context.Context, j *job.Job) (*job.Job, error) {
	if !j.Import.Scanned {
		return im.read(ctx, j)
	}
	next, tasks, err := im.next(ctx, j)
	switch {
	case err != nil:
		return nil, err
	case next == "" && j.Wrote():
		return im.finish(ctx, j)
	case next == "":
		return im.gate(ctx, j)
	}
	if _, step := splitPhase(next); step == stepCheck {
		if err := im.unmoved(ctx, j); err != nil {
			return nil, err
		}
	}
	return im.begin(ctx, j, next, tasks)
}

// read begins to unpack packed files, or, if there are none left, looks through the input.
func (im *Importer) read(ctx context.Context, j *job.Job) (*job.Job, error) {
	if j.Stage == "" {
		var err error
		if j, err = im.recall(ctx, j); err != nil {
			return nil, err
		}
		phase := phaseName(0, stepUnpack)
		if tasks, err := im.unpackTasks(ctx, j, phase); err != nil {
			return nil, err
		} else if len(tasks) > 0 {
			return im.begin(ctx, j, phase, tasks)
		}
	}
	return im.scan(ctx, j)
}

// next gives a job's next phase and its tasks; the phase is empty after the last one. The phase for
// rejects is left out if there are no rejects.
func (im *Importer) next(ctx context.Context, j *job.Job) (phase string, tasks []string, err error) {
	phase = nextPhase(j, j.Stage)
	if _, step := splitPhase(phase); step == stepRejects {
		if tasks, err = im.rejectTasks(ctx, j, phase); err != nil || len(tasks) > 0 {
			return phase, tasks, err
		}
		phase = nextPhase(j, phase)
	}
	return phase, phaseTasks(j, phase), nil
}

// todo lists the tasks of the current phase that are not done.
func (im *Importer) todo(ctx context.Context, j *job.Job) (messages []Message, err error) {
	tasks, err := im.c.Ledger.Undone(ctx, j)
	for _, t := range tasks {
		messages = append(messages, Message{Job: j.ID, Task: t.ID, Source: j.Source})
	}
	return messages, err
}

// begin creates the tasks of a phase, then makes it the current phase of the job.
func (im *Importer) begin(ctx context.Context, j *job.Job, phase string, ids []string) (*job.Job, error) {
	var tasks []job.Task
	for _, id := range ids {
		tasks = append(tasks, job.Task{ID: id, Job: j.ID, Phase: phase, State: job.TaskTodo})
	}
	if err := im.c.Ledger.CreateTasks(ctx, j.ID, tasks); err != nil {
		return nil, err
	}
	was := j.Stage
	return im.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if err := goesOn(j); err != nil {
			return err
		}
		if j.Stage == was {
			j.Stage = phase
		}
		return nil
	})
}

// jobDir is the prefix of all objects of a job.
func jobDir(id string) string { return fmt.Sprintf("jobs/%s/", id) }
