package line

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path"
	"strings"
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

// Config is what the parts are made of. Of it Store to Sweeps must be set.
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
	// Quiet, Grace and Residue are those of eraser.Config.
	Quiet   func(context.Context) error
	Grace   time.Duration
	Residue eraser.Residue
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
		Quiet: c.Quiet, Grace: c.Grace, Residue: c.Residue,
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
		if j.Kind != job.Erase {
			continue
		}
		if j.Status != job.Running {
			if j, err = l.Eraser.Due(ctx, j); err != nil {
				return err
			}
			if j == nil {
				continue
			}
		}
		if err := l.dispatch(ctx, j); err != nil {
			return err
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
func (l *Line) StartErase(ctx context.Context, sel eraser.Selection, opt eraser.Options) (*job.Job, error) {
	j, err := l.Eraser.Start(ctx, sel, opt)
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

// Refer finds an object below the upload folder of a source, so that it can be imported without
// being sent again.
func (l *Line) Refer(ctx context.Context, src store.Source, key string) (job.File, error) {
	parts := strings.Split(key, "/")
	if len(parts) < 3 || parts[0] != uploads || parts[1] != src.UUID && !strings.EqualFold(parts[1], src.Name) || objects.CheckKey(key) != nil {
		return job.File{}, badObject("foreign_object",
			"An object is named by its whole key, and lies below the upload folder of this source: uploads/<source name or uuid>/…")
	}
	info, err := l.Objects.Stat(ctx, key)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		err = badObject("no_such_object", "There is no such object.")
	}
	return job.File{Name: path.Base(key), Object: key, Version: info.Version, Size: info.Size}, err
}

func badObject(code, message string) error {
	return &fault.Error{Kind: fault.Invalid, Code: code, Param: "objects", Message: message}
}

// Submit imports files that are kept into a source.
func (l *Line) Submit(ctx context.Context, sourceUUID string, files []job.File, how importer.Options) (*job.Job, error) {
	dir, err := l.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, ok := dir.ByUUID(sourceUUID)
	if !ok {
		return nil, noSource()
	}
	return l.Importer.Submit(ctx, importer.Request{Source: src, Files: files, Options: how})
}

// Download is a file for a client: its bytes, or where they are to be had.
type Download struct {
	Body io.ReadCloser
	Link string // for files that are too large for an answer of a Lambda function
}

// largestAnswer is what an answer of a Lambda function may hold, in bytes, once it is spelled as text.
const largestAnswer = 4 << 20

// Rejects opens the CSV file of the rows that an import did not take in, or that an undo left alone.
func (l *Line) Rejects(ctx context.Context, jobID string) (Download, error) {
	return l.download(ctx, importer.RejectsName(jobID))
}

func (l *Line) download(ctx context.Context, key string) (Download, error) {
	info, err := l.Objects.Stat(ctx, key)
	if err != nil {
		return Download{}, err
	}
	if info.Size > largestAnswer {
		if link, err := l.Objects.Link(ctx, key); link != "" || err != nil {
			return Download{Link: link}, err
		}
	}
	body, err := l.Objects.Open(ctx, key, info.Version, 0, -1)
	return Download{Body: body}, err
}

// Changes writes out the change set of an import (see [importer.Importer.Export]).
func (l *Line) Changes(ctx context.Context, j *job.Job, format importer.Format) (Download, error) {
	if err := l.Importer.Exportable(ctx, j); err != nil {
		return Download{}, err
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(l.Importer.Export(ctx, j, format, w)) }()
	key := j.Prefix() + "export/" + string(format) + ".gz"
	switch link, err := l.Objects.Link(ctx, key); {
	case err != nil:
		return Download{}, errors.Join(err, r.Close())
	case link == "":
		return Download{Body: r}, nil
	}
	if err := errors.Join(l.Objects.Put(ctx, key, r), r.Close()); err != nil {
		return Download{}, err
	}
	return l.download(ctx, key)
}

func noSource() error {
	return fault.New(fault.NotFound, "source_not_found", "there is no such data source")
}
