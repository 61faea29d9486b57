package exporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// Defaults of Config.
const (
	defaultPartBytes = 8 << 20
	defaultPage      = 1000
)

// KeptFor is how long the file of an export is kept. Whoever asked for the export usually deletes it
// before, once they have the file.
const KeptFor = 7 * 24 * time.Hour

// Config is what an Exporter works with.
type Config struct {
	Store   *store.Store
	Ledger  *job.Ledger
	Objects *objects.Objects
	Now     func() time.Time
	Log     *slog.Logger
	// Send hands messages to workers, which call Handle. Several workers may run at the same time.
	Send func(context.Context, []Message) error
	// Dispatch starts another job that became Running because an export ended.
	Dispatch func(context.Context, *job.Job) error
	// PartBytes is how many bytes of rows, before they are compressed, make a part; 0 means 8 MiB.
	PartBytes int
	// Page is how many records are read at a time; 0 means 1,000.
	Page int
	// MakeWay is called between pages. It may wait, to let other work have the processor. May be
	// nil.
	MakeWay func()
	// Forgotten tells whether the customer with an external id in the source with a name is on the
	// do-not-reload list.
	Forgotten func(ctx context.Context, d *store.Directory, source, customer string) (bool, error)
}

// Exporter runs exports. It is safe for concurrent use.
type Exporter struct {
	c     Config
	edits *edit.Edit
}

// New makes an Exporter.
func New(c Config) *Exporter {
	if c.PartBytes <= 0 {
		c.PartBytes = defaultPartBytes
	}
	if c.Page <= 0 {
		c.Page = defaultPage
	}
	if c.MakeWay == nil {
		c.MakeWay = func() {}
	}
	return &Exporter{c, edit.New(c.Store, c.Now)}
}

// Message asks a worker to go on with an export: with the named task, or, if Task is empty, with the
// next step of the job.
type Message struct{ Job, Task, Source string }

// Request is an export that is to be made.
type Request struct {
	Source    store.Source
	Format    string   // job.CSV (also if empty) or job.NDJSON
	Datasets  []string // empty means all
	Sheet     bool     // of CSV: for spreadsheets, not to be imported
	Delimiter string   // of a sheet: the character between cells; empty is the comma
	Edits     string   // job.EditsApart, job.EditsLaidOver or NoEdits; empty is apart, and for a sheet none
	By        string   // who asks, shown to people
}

// edits returns what the spec says of edits.
func (r Request) edits() (string, error) {
	switch {
	case r.Edits == NoEdits, r.Edits == "" && r.Sheet:
		return "", nil
	case r.Edits == job.EditsApart && r.Sheet:
		return "", &fault.Error{Kind: fault.Invalid, Code: "not_a_table", Param: "edits", Message: "A copy for spreadsheets has edits laid over, or none."}
	case r.Edits == "":
		return job.EditsApart, nil
	case r.Edits != job.EditsApart && r.Edits != job.EditsLaidOver:
		return "", &fault.Error{Kind: fault.Invalid, Code: "unknown_edits", Param: "edits", Message: "Edits are apart, laid-over or none."}
	}
	return r.Edits, nil
}

// NoEdits as the edits of a request leaves them out.
const NoEdits = "none"

// spec checks a request.
func (r Request) spec() (*job.ExportSpec, error) {
	s := &job.ExportSpec{Format: r.Format, Sheet: r.Sheet, Delimiter: r.Delimiter, By: r.By}
	if s.Format == "" {
		s.Format = job.CSV
	}
	var err error
	if s.Edits, err = r.edits(); err != nil {
		return nil, err
	}
	switch {
	case s.Format != job.CSV && s.Format != job.NDJSON:
		return nil, &fault.Error{Kind: fault.Invalid, Code: "unknown_format", Param: "format", Message: "The format is csv or ndjson."}
	case s.Sheet && s.Format != job.CSV:
		return nil, &fault.Error{Kind: fault.Invalid, Code: "not_a_table", Param: "sheet", Message: "Only CSV can be written for spreadsheets."}
	case s.Delimiter != "" && (!s.Sheet || !slices.Contains([]string{",", ";", "\t", "|"}, s.Delimiter)):
		return nil, &fault.Error{Kind: fault.Invalid, Code: "bad_delimiter", Param: "delimiter", Message: "The delimiter is one of , ; | or a tab, of CSV for spreadsheets."}
	}
	for _, ds := range r.Datasets {
		if !slices.Contains(billing.Order(), billing.Dataset(ds)) {
			return nil, &fault.Error{Kind: fault.Invalid, Code: "unknown_dataset", Param: "datasets", Message: fmt.Sprintf("The datasets are %v.", billing.Order())}
		}
	}
	for _, ds := range billing.Order() {
		if len(r.Datasets) == 0 || slices.Contains(r.Datasets, string(ds)) {
			s.Datasets = append(s.Datasets, string(ds))
		}
	}
	return s, nil
}

// Start stores the job of an export and starts it, unless another job of the source is running: then
// it waits for its turn.
func (x *Exporter) Start(ctx context.Context, r Request) (*job.Job, error) {
	spec, err := r.spec()
	if err != nil {
		return nil, err
	}
	j, err := x.c.Ledger.Create(ctx, &job.Job{
		Kind: job.Export, Source: r.Source.UUID, SourceName: r.Source.Name, Tag: r.Source.Tag, Export: spec,
	})
	if err != nil {
		return nil, err
	}
	return j, x.send(ctx, j)
}

// send asks a worker to go on with a running export.
func (x *Exporter) send(ctx context.Context, j *job.Job) error {
	if j.Status != job.Running {
		return nil
	}
	return x.c.Send(ctx, []Message{{Job: j.ID, Source: j.Source}})
}

// Drop deletes the file of an export that is done. It cancels one that waits or runs: that ends at
// once, or as soon as its workers have stopped. If the export has failed or was cancelled, the error
// is fault.Conflict.
func (x *Exporter) Drop(ctx context.Context, id string) (*job.Job, error) {
	j, err := x.c.Ledger.Get(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case j.Export == nil || j.Status != job.Done:
		return x.cancel(ctx, id)
	}
	if err := x.c.Objects.Delete(ctx, FileName(j)); err != nil {
		return nil, err
	}
	return x.c.Ledger.Update(ctx, id, func(j *job.Job) error {
		j.Export.Deleted = true
		return nil
	})
}

func (x *Exporter) cancel(ctx context.Context, id string) (*job.Job, error) {
	j, err := x.c.Ledger.Update(ctx, id, func(j *job.Job) error {
		switch {
		case j.Export == nil:
			return fault.New(fault.NotFound, "job_not_found", "there is no such export")
		case j.Status.Ended():
			return fault.Newf(fault.Conflict, "job_ended", "the export has ended already: it is %s", j.Status)
		case j.State() == job.StateFailing:
			return fault.New(fault.Conflict, "job_ended", "the export is already ending: it has failed")
		}
		j.Export.Cancel = true
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case j.Status == job.Waiting:
		err = x.endStopped(ctx, id)
	default:
		err = x.send(ctx, j)
	}
	if err != nil {
		return nil, err
	}
	return x.c.Ledger.Get(ctx, id)
}

// Why a worker stops before its task is done.
var (
	errStopped = errors.New("exporter: time is up")
	errEnding  = errors.New("exporter: the job is to end")
)

// Handle does what a message asks. It returns nil if the work is done, if another worker is doing
// it, or if it stopped before its deadline, so that the tick sends the rest. After an error the same
// message is worth another try. A job that cannot go on ends as failed.
func (x *Exporter) Handle(ctx context.Context, m Message) error {
	j, err := x.c.Ledger.Read(ctx, m.Job)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || j.Export == nil || j.Status != job.Running {
		return err
	}
	if m.Task == "" || j.State().Stops() {
		err = x.goOn(ctx, j.ID)
	} else {
		err = x.task(ctx, j, m.Task)
	}
	return x.outcome(ctx, j.ID, err)
}

// outcome decides what an error means for a job.
func (x *Exporter) outcome(ctx context.Context, id string, err error) error {
	switch {
	case err == nil, errors.Is(err, errStopped), errors.Is(err, job.ErrHeld):
		return nil
	case errors.Is(err, errEnding):
		return x.endStopped(ctx, id)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	why := err.Error()
	switch fault.KindOf(err) {
	case fault.Busy, fault.Unavailable:
		return err
	case fault.Internal:
		x.c.Log.Error("export failed", "job", id, "error", why)
		why = "An internal error ended this export; nothing of the source was changed. Export it again."
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.Unauthorized, fault.Forbidden, fault.TooLarge:
	}
	return x.fail(ctx, id, why)
}

// fail makes a job fail: its workers stop, and the last one ends the job. The first error counts.
func (x *Exporter) fail(ctx context.Context, id, why string) error {
	_, err := x.c.Ledger.Update(ctx, id, func(j *job.Job) error {
		if j.Status != job.Running {
			return errStopped
		}
		if j.Export.Failing == "" {
			j.Export.Failing = why
		}
		return nil
	})
	switch {
	case errors.Is(err, errStopped):
		return nil
	case err != nil:
		return err
	}
	return x.endStopped(ctx, id)
}

// endStopped ends a job that was cancelled or fails, once no worker has a task of it: each worker
// calls it when it stops, and so does the tick.
func (x *Exporter) endStopped(ctx context.Context, id string) error {
	j, tasks, err := x.c.Ledger.TakeAll(ctx, id)
	if err != nil || j == nil {
		return err
	}
	return x.endTaken(ctx, j, tasks)
}

// endTaken deletes what a job has written, and ends it.
func (x *Exporter) endTaken(ctx context.Context, j *job.Job, tasks []job.Task) error {
	sum, err := sumOf(j.Export, tasks)
	if err != nil {
		return err
	}
	if j.Status == job.Running { // one that waits has written nothing
		if _, err := x.c.Objects.DeleteAll(ctx, j.Prefix()); err != nil {
			return err
		}
	}
	return x.end(ctx, j.ID, func(j *job.Job) error {
		j.Cost = sum.cost
		if j.State() == job.StateFailing {
			j.Status, j.Error, j.Export.Failing = job.Failed, j.Export.Failing, ""
			return nil
		}
		j.Status, j.Notes = job.Cancelled, append(j.Notes, "Cancelled: what had been written was deleted.")
		return nil
	})
}

// end ends a job, and starts the next one that waits for its source.
func (x *Exporter) end(ctx context.Context, id string, change func(*job.Job) error) error {
	_, next, err := x.c.Ledger.End(ctx, id, change)
	if err == nil && next != nil {
		err = x.c.Dispatch(ctx, next)
	}
	return err
}

// errErased says that data of the source was erased since an export began to read.
func errErased() error {
	return fault.New(fault.Conflict, "source_erased", "Data of this data source was erased since the export began. Export it again.")
}

// unerased returns the directory of a table, or of a view of it; an error if data of the sources was
// erased since an export began to read them.
func unerased(ctx context.Context, st *store.Store, j *job.Job) (*store.Directory, error) {
	d, err := st.Directory(ctx)
	if err != nil {
		return nil, err
	}
	return d, Unerased(d, j)
}

// stops is [errEnding] if a job has ended, or is about to.
func (x *Exporter) stops(ctx context.Context, jobID string) error {
	j, err := x.c.Ledger.Read(ctx, jobID)
	if err == nil && (j.State().Stops() || j.Status.Ended()) {
		err = errEnding
	}
	return err
}

// Unerased is nil as long as no data of the sources was erased since an export began to read them,
// else the error that says so.
func Unerased(d *store.Directory, j *job.Job) error {
	if !j.Export.Unerased(d) {
		return errErased()
	}
	return nil
}
