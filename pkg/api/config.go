package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/app"
	"reseed/pkg/config"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/exporter"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/person"
	"reseed/pkg/puller"
	"reseed/pkg/source"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
)

// DefaultMaxUpload is how many bytes the files of one import may have together: one S3 object.
const DefaultMaxUpload = 5 << 30

// Config is what the API needs. The fields before Asked must be set, except Keys.
type Config struct {
	Store   *store.Store
	Keys    []httpapi.Key // that are accepted besides those in the table
	Edits   *edit.Edit
	Jobs    *job.Ledger
	Imports Imports
	Exports Exports
	Erase   Erase
	Syncs   Syncs
	Systems []system.System // that can be connected
	Now     func() time.Time
	Log     *slog.Logger

	// Asked is called for each request; see [httpapi.Config].
	Asked func(r *http.Request, right bool)

	PublicURL string           // where people open the console, without a slash at the end
	Currency  string           // of the account, ISO 4217; USD if empty
	MaxUpload int64            // bytes; DefaultMaxUpload if 0
	Patience  httpapi.Patience // DefaultPatience if zero
	// Environment is what the settings of the account are laid over.
	Environment Environment
	// MailNow makes the notifier look at the outbox soon. It is nil if that runs in another process.
	MailNow func()
	// Uploads returns the files in the upload folder that could not be imported. It is nil if
	// another process watches that folder.
	Uploads func() []wire.FailedUpload
}

// Environment is what the environment of the server says, as far as an account may say otherwise.
type Environment struct {
	Grace  time.Duration
	MailTo []string // e-mail addresses; none if this process does not know them
}

// EnvironmentOf is the Environment of the settings of a process.
func EnvironmentOf(c config.Config) Environment {
	e := Environment{Grace: c.Grace}
	for _, a := range c.MailTo {
		e.MailTo = append(e.MailTo, a.Address.Address)
	}
	return e
}

// Imports is what the API needs from the app for imports: to make files into jobs, and to act on
// those jobs.
type Imports struct {
	// Keep reads an uploaded file to its end, stores it, and returns where it is.
	Keep func(ctx context.Context, source store.Source, name string, body io.Reader) (job.File, error)
	// Refer finds an object that is in the bucket already.
	Refer func(ctx context.Context, source store.Source, object string) (job.File, error)
	// Drop deletes files that Keep has stored and that become no import.
	Drop func(ctx context.Context, files []job.File)
	// Submit makes the job that imports files into a source. The request has the source as it was
	// before the files came in.
	Submit func(context.Context, importer.Request) (*job.Job, error)
	// Apply, Undo and Cancel are the methods of [importer.Importer].
	Apply  func(ctx context.Context, jobID string) (*job.Job, error)
	Undo   func(ctx context.Context, jobID string, opt importer.UndoOptions) (*job.Job, error)
	Cancel func(ctx context.Context, jobID string) (*job.Job, error)
	// Readings and ChangeReadings are the methods of [importer.Importer].
	Readings       func(context.Context, store.Tag) (source.Readings, error)
	ChangeReadings func(context.Context, store.Tag, func(*source.Readings) error) (source.Readings, error)
	// Progress sets how far an open import or export is.
	Progress func(context.Context, *job.Job) error
	// Samples returns some of the changes that a job makes or would make.
	Samples func(context.Context, *job.Job) ([]importer.Change, error)
	// ChangeOf is the method of [importer.Importer].
	ChangeOf func(context.Context, *job.Job, store.Space, string) (*importer.Change, error)
	// Changes returns the whole change set of a job, Rejects the file of its rejected rows.
	Changes func(context.Context, *job.Job, importer.Format) (app.Download, error)
	Rejects func(ctx context.Context, j *job.Job) (app.Download, error)
	// Correct makes a plan with corrected rows in place of rejected ones.
	Correct func(ctx context.Context, j *job.Job, rows []importer.Correction, by string) (*job.Job, error)
	Waiting Waiting
	// ChangePage and RejectPage are the methods of [importer.Importer].
	ChangePage func(ctx context.Context, j *job.Job, f importer.ChangeFilter, after string, size int) (importer.ChangePage, error)
	RejectPage func(ctx context.Context, j *job.Job, f importer.RejectFilter, after string, size int) (importer.RejectPage, error)
}

// ImportsOf is the Imports of an app.
func ImportsOf(a *app.App) Imports {
	im := a.Importer
	return Imports{
		Keep: a.Keep, Drop: a.Drop, Refer: a.Refer, Submit: im.Submit, Apply: im.Apply, Undo: im.Undo, Cancel: im.Cancel,
		Readings: im.Readings, ChangeReadings: im.ChangeReadings, Progress: a.Progress, Samples: im.Samples, ChangeOf: im.ChangeOf, Changes: a.Changes, Rejects: a.Rejects,
		Correct: a.Correct, Waiting: waitingOf(a),
		ChangePage: im.ChangePage, RejectPage: im.RejectPage,
	}
}

// Syncs is what the API needs for pulls: Start, Set, SetMapping, Status, All and ShareWith of [puller.Puller].
type Syncs struct {
	SetMapping func(ctx context.Context, source string, m puller.Mapping) error
	// Order has [puller.Puller.Do] done, by a process that may see credentials.
	Order func(context.Context, puller.Order) (system.Account, error)

	All       func(context.Context) (map[store.Tag]puller.Setting, error)
	ShareWith func() string
	Start     func(ctx context.Context, source string, r puller.Request) (*job.Job, error)
	Set       func(context.Context, store.Tag, puller.Change) (puller.Setting, error)
	Status    func(context.Context, store.Tag) (puller.Status, error)
}

// SyncsOf is the Syncs of a puller.
func SyncsOf(p *puller.Puller) Syncs {
	return Syncs{All: p.All, ShareWith: p.ShareWith, Start: p.Start, Set: p.Set, Status: p.Status, SetMapping: p.SetMapping, Order: p.Do}
}

// Through returns the same with orders that another process carries out.
func (s Syncs) Through(order func(context.Context, puller.Order) (system.Account, error)) Syncs {
	s.Order = order
	return s
}

// Exports is what the API needs from the app for exports: Start, StartCustomer and Drop of
// [exporter.Exporter], and ExportFile of [app.App].
type Exports struct {
	Start         func(context.Context, exporter.Request) (*job.Job, error)
	StartCustomer func(ctx context.Context, n person.Names, by string) (*job.Job, error)
	Drop          func(ctx context.Context, jobID string) (*job.Job, error)
	File          func(context.Context, *job.Job) (app.Download, error)
}

// ExportsOf is the Exports of an app.
func ExportsOf(a *app.App) Exports {
	return Exports{Start: a.Exporter.Start, StartCustomer: a.Exporter.StartCustomer, Drop: a.Exporter.Drop, File: a.ExportFile}
}

// Erase is what the API needs from the eraser.
type Erase struct {
	// Plan counts what a selection holds, without touching it.
	Plan func(context.Context, eraser.Selection, eraser.Options) (*eraser.Plan, error)
	// Start makes a selection invisible and starts the sweep.
	Start func(context.Context, eraser.Selection, eraser.Options) (*job.Job, error)
	// Begun finds the erase that was begun with a plan; nil if there is none.
	Begun func(context.Context, eraser.Selection, eraser.Options) (*job.Job, error)
	// Restore, Forgotten and Remember are the methods of [eraser.Eraser].
	Restore   func(ctx context.Context, jobID string, opt eraser.RestoreOptions) (*job.Job, error)
	Forgotten func(ctx context.Context, d *store.Directory, source, customer string) (bool, error)
	Remember  func(ctx context.Context, source, customer string) (bool, error)
}

// EraseOf is the Erase of an eraser. start is the eraser's own Start, or a function that starts the
// sweep, too.
func EraseOf(e *eraser.Eraser, start func(context.Context, eraser.Selection, eraser.Options) (*job.Job, error)) Erase {
	return Erase{
		Plan: e.Plan, Start: start, Begun: e.Begun, Restore: e.Restore, Forgotten: e.Forgotten, Remember: e.Remember,
	}
}
