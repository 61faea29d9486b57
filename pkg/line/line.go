package line

import (
	"context"
	"io"
	"log/slog"
	"path"
	"time"

	"github.com/google/uuid"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// Sweep asks a worker to go on with an erase. It is the message of the erase queue.
type Sweep struct {
	Job string `json:"job"`
}

// Config is what the parts are made of. All of it but PieceBytes and RequestLifetime must be set.
type Config struct {
	Store   *store.Store
	Objects *objects.Objects
	Now     func() time.Time // with a monotonic reading
	Log     *slog.Logger
	// Imports and Sweeps carry messages to workers, who call Importer.Handle and Line.Sweep.
	Imports func(context.Context, ...importer.Message) error
	Sweeps  func(context.Context, ...Sweep) error
	// RequestLifetime is how long a request may go on with what it has read of the directory.
	RequestLifetime time.Duration
	PieceBytes      int64 // of importer.Config
}

// Line is all parts, put together. It is safe for concurrent use.
type Line struct {
	Config
	Ledger   *job.Ledger
	Importer *importer.Importer
	Eraser   *eraser.Eraser
}

// New puts the parts together. It makes no call.
func New(c Config) *Line {
	l := &Line{Config: c, Ledger: job.NewLedger(c.Store, c.Now)}
	l.Importer = importer.New(importer.Config{
		Store: c.Store, Ledger: l.Ledger, Objects: c.Objects, Now: c.Now, Log: c.Log, PieceBytes: c.PieceBytes,
		Send:     func(ctx context.Context, m []importer.Message) error { return c.Imports(ctx, m...) },
		Dispatch: l.dispatch,
	})
	l.Eraser = eraser.New(eraser.Config{
		Store: c.Store, Ledger: l.Ledger, Objects: c.Objects, Now: c.Now, Log: c.Log, Dispatch: l.dispatch, Settle: c.RequestLifetime,
	})
	return l
}

// dispatch gets a job going that has become Running.
func (l *Line) dispatch(ctx context.Context, j *job.Job) error {
	switch {
	case j.Status != job.Running:
		return nil
	case j.Kind == job.Erase:
		return l.Sweeps(ctx, Sweep{j.ID})
	default:
		return l.Imports(ctx, importer.Message{Job: j.ID})
	}
}

// Tick goes on with what was left: it starts jobs whose turn has come and hands out
// again what nobody may be at. Handing out twice is harmless.
func (l *Line) Tick(ctx context.Context) error {
	if _, err := l.Ledger.StartWaiting(ctx); err != nil { // they are handed out with the others below
		return err
	}
	if err := l.Importer.Tick(ctx); err != nil {
		return err
	}
	open, err := l.Ledger.Open(ctx)
	if err != nil {
		return err
	}
	for _, j := range open {
		if j.Kind == job.Erase {
			if err := l.dispatch(ctx, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// Sweep goes on with an erase until it is done or time runs out; then the next tick
// hands it out again.
func (l *Line) Sweep(ctx context.Context, m Sweep) error {
	if _, err := l.Eraser.Sweep(ctx, m.Job); err != nil && fault.KindOf(err) != fault.NotFound { // of a job that is not there
		return err
	}
	return nil
}

// StartErase makes a selection invisible and gets its sweep going.
func (l *Line) StartErase(ctx context.Context, sel eraser.Selection) (*job.Job, error) {
	j, err := l.Eraser.Start(ctx, sel)
	if err != nil {
		return nil, err
	}
	return j, l.dispatch(ctx, j)
}

// Keep stores a file that was uploaded for a source, below the folder of that source but
// too deep to be taken for an upload that nobody has announced (see [Line.Ingest]).
// The name is for people: it is no part of the key.
func (l *Line) Keep(ctx context.Context, src store.Source, name string, body io.Reader) (job.File, error) {
	key := path.Join(uploads, src.UUID, uuid.Must(uuid.NewV7()).String(), "input")
	if err := l.Objects.Put(ctx, key, body); err != nil {
		return job.File{}, err
	}
	info, err := l.Objects.Stat(ctx, key)
	return job.File{Name: name, Object: key, Version: info.Version, Size: info.Size}, err
}

// Submit imports files that are kept into a source.
func (l *Line) Submit(ctx context.Context, sourceUUID string, files []job.File) (*job.Job, error) {
	dir, err := l.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, ok := dir.ByUUID(sourceUUID)
	if !ok {
		return nil, noSource()
	}
	return l.Importer.Submit(ctx, importer.Request{Source: src, Files: files})
}

// Rejects opens the CSV file of the rows that an import did not take in.
func (l *Line) Rejects(ctx context.Context, jobID string) (io.ReadCloser, error) {
	return l.Objects.Open(ctx, importer.RejectsName(jobID), "", 0, -1)
}

func noSource() error {
	return fault.New(fault.NotFound, "source_not_found", "there is no such data source")
}
