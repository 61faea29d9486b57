package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"reseed/pkg/credentials"
	"reseed/pkg/eraser"
	"reseed/pkg/exporter"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/puller"
	"reseed/pkg/source/sheets"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
)

// Sweep is the message of the erase queue: it asks a worker to go on with an erase.
type Sweep struct {
	Job    string `json:"job"`
	Source string `json:"-"` // see importer.Message; empty if it concerns every source
}

// Config is what the parts are made of. The fields from Store to Sweeps must be set.
type Config struct {
	Store   *store.Store
	Objects *objects.Objects
	Now     func() time.Time // with a monotonic reading
	Log     *slog.Logger
	// Imports and Sweeps send messages to workers, which call App.Work and App.Sweep.
	Imports func(context.Context, ...importer.Message) error
	Sweeps  func(context.Context, ...Sweep) error
	// Pulls sends messages to workers that call App.Pull.
	Pulls func(context.Context, ...puller.Message) error
	// Sheets and ShareWith are passed to puller.Config.
	Sheets    sheets.Reader
	ShareWith string
	// System, Vault and Base are passed to puller.Config. The Vault forgets what it keeps for sources that are erased.
	System func(name string) (system.System, bool)
	Vault  credentials.Vault
	Base   func(system string) string
	// RequestLifetime is how long a request may work with the directory that it has read.
	RequestLifetime time.Duration
	// PieceBytes and MakeWay are passed to importer.Config, MakeWay also to exporter.Config.
	PieceBytes int64
	MakeWay    func()
	// SweepUploads says that the tick deletes uploads that belong to no import, and the files of old
	// exports. Set it only if the objects belong to this table: otherwise another table may have the jobs that need them.
	SweepUploads bool
	// Quiet, Grace, Residue and Backups are passed to eraser.Config.
	Quiet   func(context.Context) error
	Grace   time.Duration
	Residue eraser.Residue
	Backups func(context.Context, eraser.Notice) ([]eraser.Remains, error)
}

// App is all parts, put together. It is safe for concurrent use.
type App struct {
	Config
	Ledger   *job.Ledger
	Importer *importer.Importer
	Exporter *exporter.Exporter
	Eraser   *eraser.Eraser
	Puller   *puller.Puller

	inspecting *semaphore.Weighted // see [App.InspectUpload]
}

// New puts the parts together. It makes no call.
func New(c Config) *App {
	a := &App{Config: c, Ledger: job.NewLedger(c.Store, c.Now), inspecting: semaphore.NewWeighted(inspectedAtOnce)}
	a.Importer = importer.New(importer.Config{
		Store: c.Store, Ledger: a.Ledger, Objects: c.Objects, Now: c.Now, Log: c.Log, PieceBytes: c.PieceBytes, MakeWay: c.MakeWay,
		Send:     func(ctx context.Context, m []importer.Message) error { return c.Imports(ctx, m...) },
		Dispatch: a.dispatch,
	})
	a.Exporter = exporter.New(exporter.Config{
		Store: c.Store, Ledger: a.Ledger, Objects: c.Objects, Now: c.Now, Log: c.Log, MakeWay: c.MakeWay, Send: a.sendExports, Dispatch: a.dispatch,
		Forgotten: func(ctx context.Context, d *store.Directory, source, customer string) (bool, error) {
			return a.Eraser.Forgotten(ctx, d, source, customer)
		},
	})
	a.Eraser = eraser.New(eraser.Config{
		Store: c.Store, Ledger: a.Ledger, Objects: c.Objects, Now: c.Now, Log: c.Log, Dispatch: a.dispatch, Settle: c.RequestLifetime,
		Quiet: c.Quiet, Grace: c.Grace, Residue: c.Residue, Backups: c.Backups, Vault: c.Vault,
	})
	a.Puller = puller.New(puller.Config{
		Store: c.Store, Ledger: a.Ledger, Objects: c.Objects, Importer: a.Importer, Sheets: c.Sheets, Address: c.ShareWith, Now: c.Now, Log: c.Log,
		System: c.System, Vault: c.Vault, Base: c.Base,
	})
	return a
}

// Pull goes on with the freezing of what a pull pulls.
func (a *App) Pull(ctx context.Context, m puller.Message) error { return a.Puller.Handle(ctx, m) }

// dispatch sends a job to the workers if it is Running.
func (a *App) dispatch(ctx context.Context, j *job.Job) error {
	switch {
	case j.Status != job.Running:
		return nil
	case j.Kind == job.Erase:
		return a.Sweeps(ctx, Sweep{j.ID, j.Source})
	case j.Pulling():
		return a.Pulls(ctx, puller.Message{Job: j.ID, Source: j.Source})
	case j.Kind == job.Export:
		return a.sendExports(ctx, []exporter.Message{{Job: j.ID, Source: j.Source}})
	default:
		return a.Imports(ctx, importer.Message{Job: j.ID, Source: j.Source})
	}
}

// sendExports sends messages of exports to the workers of imports.
func (a *App) sendExports(ctx context.Context, list []exporter.Message) error {
	out := make([]importer.Message, len(list))
	for i, m := range list {
		out[i] = importer.Message{Job: m.Job, Task: m.Task, Source: m.Source, Kind: job.Export}
	}
	return a.Imports(ctx, out...)
}

// Work does what a message to the workers of imports asks.
func (a *App) Work(ctx context.Context, m importer.Message) error {
	if m.Kind == job.Export {
		return a.Exporter.Handle(ctx, exporter.Message{Job: m.Job, Task: m.Task, Source: m.Source})
	}
	return a.Importer.Handle(ctx, m)
}

// Progress sets how far an open import or export is.
func (a *App) Progress(ctx context.Context, j *job.Job) error {
	if j.Export != nil {
		return a.Exporter.Progress(ctx, j)
	}
	return a.Importer.Progress(ctx, j)
}

// Tick goes on with interrupted work: it starts jobs whose turn has come, and re-sends work that
// may have lost its worker. Sending work twice is harmless. Then it starts the pulls that are due, and
// deletes uploads that belong to no import, and the files of old exports.
func (a *App) Tick(ctx context.Context) error {
	switch _, err := a.Store.Directory(ctx); {
	case store.Moves(err): // nothing begins here
		return nil
	case err != nil:
		return err
	}
	if _, err := a.Ledger.StartWaiting(ctx); err != nil { // they are sent with the others below
		return err
	}
	if err := a.Importer.Tick(ctx); err != nil {
		return err
	}
	if err := a.tickOthers(ctx); err != nil {
		return err
	}
	if err := a.Puller.Tick(ctx); err != nil {
		return err
	}
	if !a.SweepUploads {
		return nil
	}
	if err := a.sweepExports(ctx); err != nil {
		return err
	}
	return a.sweepStrays(ctx)
}

// tickOthers re-sends erases and exports that may have lost their worker, and begins erases whose grace
// period is over.
func (a *App) tickOthers(ctx context.Context) error {
	open, err := a.Ledger.Open(ctx)
	if err != nil {
		return err
	}
	due, err := a.Ledger.Graces(ctx, a.Now())
	if err != nil {
		return err
	}
	for _, j := range append(open, due...) {
		if j.Kind != job.Erase && j.Kind != job.Export {
			continue
		}
		if j.Kind == job.Erase && j.Status != job.Running {
			if j, err = a.Eraser.Due(ctx, j); err != nil {
				return err
			}
			if j == nil {
				continue
			}
		}
		if err := a.dispatch(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// Sweep goes on with an erase until it is done or time runs out. In the latter case the next tick
// sends it again.
func (a *App) Sweep(ctx context.Context, m Sweep) error {
	// NotFound: there is no such job
	if _, err := a.Eraser.Sweep(ctx, m.Job); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// StartErase hides a selection, and sends its sweep to the workers.
func (a *App) StartErase(ctx context.Context, sel eraser.Selection, opt eraser.Options) (*job.Job, error) {
	j, err := a.Eraser.Start(ctx, sel, opt)
	if err != nil {
		return nil, err
	}
	return j, a.dispatch(ctx, j)
}

// Download is a file for a client: its bytes, or a link to it.
type Download struct {
	Body io.ReadCloser
	Link string // of files that are too large for an answer of a Lambda function
	// Ending is the ending of rejects: .csv, .ndjson, or .zip for several files.
	Ending string
}

// largestAnswer is the size, in bytes, of the largest file that surely fits into an answer of a
// Lambda function, where it is encoded as text.
const largestAnswer = 4 << 20

// Rejects opens the file of the rows that an import rejected, or a ZIP of such files if several of
// its input files have some; or the table of the rows that an undo left alone.
func (a *App) Rejects(ctx context.Context, j *job.Job) (Download, error) {
	whole, err := a.download(ctx, importer.RejectsName(j.ID)) // of an undo
	if !fault.Is(err, fault.NotFound) {
		whole.Ending = ".csv"
		return whole, err
	}
	files, broken := a.Importer.Rejects(ctx, j)
	switch {
	case broken != nil:
		return Download{}, broken
	case len(files) == 0:
		return Download{}, err
	}
	d, err := a.rejects(ctx, j, files)
	d.Ending = rejectsEnding(files)
	return d, err
}

func rejectsEnding(files []importer.RejectsFile) string {
	switch {
	case len(files) > 1:
		return ".zip"
	case files[0].NDJSON:
		return ".ndjson"
	}
	return ".csv"
}

func (a *App) rejects(ctx context.Context, j *job.Job, files []importer.RejectsFile) (Download, error) {
	produce := files[0].WriteTo
	if len(files) > 1 {
		produce = func(ctx context.Context, w io.Writer) error { return importer.ZipRejects(ctx, w, files) }
	}
	var size int64
	for i := range files {
		size += files[i].Size()
	}
	if size <= largestAnswer {
		return a.write(ctx, "", produce)
	}
	key := j.Prefix() + "export/rejects" + rejectsEnding(files)
	// It was put together for an earlier request: the rejects of a job don't change.
	if _, err := a.Objects.Stat(ctx, key); err == nil {
		return a.download(ctx, key)
	}
	return a.write(ctx, key, produce)
}

func (a *App) download(ctx context.Context, key string) (Download, error) {
	info, err := a.Objects.Stat(ctx, key)
	if err != nil {
		return Download{}, err
	}
	if info.Size > largestAnswer {
		if link, err := a.Objects.Link(ctx, key); link != "" || err != nil {
			return Download{Link: link}, err
		}
	}
	body, err := a.Objects.Open(ctx, key, info.Version, 0, -1)
	return Download{Body: body}, err
}

// Changes exports the change set of an import (see [importer.Importer.Export]).
func (a *App) Changes(ctx context.Context, j *job.Job, format importer.Format) (Download, error) {
	if err := a.Importer.Exportable(ctx, j); err != nil {
		return Download{}, err
	}
	return a.write(ctx, j.Prefix()+"export/"+string(format)+".gz", func(ctx context.Context, w io.Writer) error {
		return a.Importer.Export(ctx, j, format, w)
	})
}

// write returns what produce writes: as a stream, or, if objects have links, as a link to an object
// that it stores under key. Without a key it is always a stream.
func (a *App) write(ctx context.Context, key string, produce func(context.Context, io.Writer) error) (Download, error) {
	link := ""
	if key != "" {
		var err error
		if link, err = a.Objects.Link(ctx, key); err != nil {
			return Download{}, err
		}
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(produce(ctx, w)) }()
	if link == "" {
		return Download{Body: r}, nil
	}
	if err := errors.Join(a.Objects.Put(ctx, key, r), r.Close()); err != nil {
		return Download{}, err
	}
	return a.download(ctx, key)
}

func noSource() error {
	return fault.New(fault.NotFound, "source_not_found", "there is no such data source")
}
