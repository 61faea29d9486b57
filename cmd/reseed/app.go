package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"reseed/pkg/api"
	"reseed/pkg/api/client"
	"reseed/pkg/app"
	"reseed/pkg/backup"
	"reseed/pkg/cloud"
	"reseed/pkg/config"
	"reseed/pkg/credentials"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/notify"
	"reseed/pkg/objects"
	"reseed/pkg/puller"
	"reseed/pkg/source/systems"
	"reseed/pkg/store"
	"reseed/pkg/table/pebble"
)

// instance is all of Reseed in one process: the app, workers in place of the queues, and the REST
// API.
type instance struct {
	*app.App
	queue   *queue
	uploads *uploadWatch
	backups *backup.Backups  // nil on DynamoDB
	people  *notify.Notifier // nil if another process tells people
	handler http.Handler
	key     string // of this process; only a door file holds it besides
	stop    context.CancelFunc
	last    func() // called when the workers have stopped
}

// parts are what a process works on and with. Tests of crashes replace them.
type parts struct {
	open       func(context.Context, *shell, config.Config, *slog.Logger) (*store.Store, *objects.Objects, error)
	pieceBytes int64 // of importer.Config
}

// localPiece is how many bytes of a file one worker maps at a time. It is so small that all cores
// can map a piece each within the memory limit.
const localPiece = 4 << 20

// openApp opens the data folder, or the DynamoDB table that the environment names. One process at a
// time can have a folder open; for a second one the error is fault.Busy.
func openApp(ctx context.Context, sh *shell, log *slog.Logger, keys ...httpapi.Key) (*instance, error) {
	c, err := sh.settings()
	if err != nil {
		return nil, err
	}
	var opening *backup.Opening
	if c.Store != "dynamodb" {
		if opening, err = sh.openBackup(ctx); err != nil {
			return nil, err
		}
	}
	st, objs, err := sh.open(ctx, sh, c, log)
	if err != nil {
		return nil, err
	}
	if _, err := st.Directory(ctx); err != nil { // else every request would report what is wrong with the table, or that the account moves
		return nil, errors.Join(err, st.Close())
	}
	vault, err := sh.vault(ctx, c)
	if err != nil {
		return nil, errors.Join(err, objs.Close(), st.Close())
	}
	lifetime := c.RequestLifetime
	if st.Exclusive() { // no other process serves requests
		lifetime = 0
	}
	in, requests := &instance{key: httpapi.NewKey(), uploads: newUploadWatch()}, newInflight()
	in.queue = newQueue(in.work, workersOfOne(), log)
	var tellBackups func(context.Context, eraser.Notice) ([]eraser.Remains, error)
	if st.Exclusive() {
		in.backups = backup.New(backup.Config{Store: st, Objects: objs, Data: sh.data, Version: version(), Now: time.Now, Log: log})
		tellBackups = in.backups.Tell
		if err := sh.settleBackups(ctx, in.backups, opening); err != nil {
			return nil, errors.Join(err, objs.Close(), st.Close())
		}
	}
	in.App = app.New(app.Config{
		Store: st, Objects: objs, Now: time.Now, Log: log, PieceBytes: sh.pieceBytes, RequestLifetime: lifetime, MakeWay: requests.makeWay,
		Imports: func(_ context.Context, list ...importer.Message) error {
			return put(in.queue, list, func(m importer.Message) string { return m.Source })
		},
		Sweeps: func(_ context.Context, list ...app.Sweep) error {
			return put(in.queue, list, func(m app.Sweep) string { return m.Source })
		},
		Pulls: func(_ context.Context, list ...puller.Message) error {
			return put(in.queue, list, func(m puller.Message) string { return m.Source })
		},
		Sheets: reader(c),
		System: systems.ByName, Vault: vault, Base: c.SystemURL,
		SweepUploads: st.Exclusive() || sh.serving && c.Bucket != "",
		Quiet:        requests.quiet, Grace: c.Grace, Residue: eraser.Residue{Local: st.Exclusive()}, Backups: tellBackups,
	})
	in.uploads.app = in.App
	in.people = sh.notifier(in.App, c)
	in.handler = in.withConsole(ctx, requests.wrap(api.New(api.Config{
		Store: st, Keys: append(keys, httpapi.Key{Hash: httpapi.HashKey(in.key), Name: httpapi.CommandName, Own: true}), Edits: edit.New(st, time.Now), Jobs: in.Ledger,
		Asked:   newWrongKeys().asked,
		Imports: api.ImportsOf(in.App),
		Exports: api.ExportsOf(in.App),
		Erase:   api.EraseOf(in.Eraser, in.StartErase),
		Syncs:   api.SyncsOf(in.Puller),
		Systems: systems.All(),
		Now:     time.Now, Log: log, Uploads: in.uploads.failures, Environment: api.EnvironmentOf(c), MailNow: in.mailNow(),
	})))
	return in, nil
}

// vault opens the credentials of billing systems: files in the data folder, or what RESEED_CREDENTIALS names in Secrets
// Manager. It makes no call.
func (sh *shell) vault(ctx context.Context, c config.Config) (credentials.Vault, error) {
	if c.Credentials == "" {
		return credentials.NewFolder(filepath.Join(sh.data, "credentials")), nil
	}
	at, err := cloud.Open(ctx)
	if err != nil {
		return nil, err
	}
	return at.Vault(c.Credentials), nil
}

func put[M any](q *queue, list []M, source func(M) string) error {
	for _, m := range list {
		q.add(source(m), m)
	}
	return nil
}

// openData opens the table and the objects. With RESEED_STORE=dynamodb the table is RESEED_TABLE on
// DynamoDB, and the objects are in RESEED_BUCKET if that is set.
func openData(ctx context.Context, sh *shell, c config.Config, log *slog.Logger) (*store.Store, *objects.Objects, error) {
	var at *cloud.Cloud
	if c.Store == "dynamodb" {
		var err error
		if at, err = cloud.Open(ctx); err != nil {
			return nil, nil, err
		}
	}
	st, err := openTable(ctx, sh, c, at, log)
	if err != nil {
		return nil, nil, err
	}
	var objs *objects.Objects
	if at != nil && c.Bucket != "" {
		objs = at.Objects(c.Bucket)
		err = objs.Check(ctx)
	} else {
		objs, err = objects.Dir(filepath.Join(sh.data, "objects"))
	}
	if err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return st, objs, nil
}

func openTable(ctx context.Context, sh *shell, c config.Config, at *cloud.Cloud, log *slog.Logger) (*store.Store, error) {
	if at != nil {
		if c.Table == "" {
			return nil, usage("RESEED_STORE=dynamodb needs the table's name in RESEED_TABLE")
		}
		st := at.Store(c.Table)
		if _, err := st.Mark(ctx); err != nil { // else a folder for files would be made first
			return nil, errors.Join(err, st.Close())
		}
		return st, nil
	}
	if c.Store != "" && c.Store != "embedded" {
		return nil, usage("RESEED_STORE is %q; it is embedded or dynamodb", c.Store)
	}
	folder, made := filepath.Join(sh.data, "table"), false
	if _, err := os.Stat(folder); os.IsNotExist(err) {
		if !sh.makesData {
			return nil, fmt.Errorf("there is no Reseed data in %s: check --data; an import or \"reseed serve\" makes a new data folder", sh.data)
		}
		made = true
	}
	if err := os.MkdirAll(sh.data, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w", err)
	}
	d, err := pebble.Open(folder, pebble.Options{Logger: log, Files: share(openFiles(), mostTableFiles)})
	if err != nil {
		return nil, err
	}
	if made && !sh.json {
		sh.printf("Made the data folder %s.\n", sh.data)
	}
	return store.New(d), nil
}

// start starts the workers and the tick, which first goes on with what an earlier process left.
// They end with ctx, or with close.
func (in *instance) start(ctx context.Context) {
	in.last = func() { in.lastMessages(ctx) }
	ctx, in.stop = context.WithCancel(ctx)
	for range workersOfOne() + 1 { // so that one is left for the other sources
		in.queue.run(ctx)
	}
	in.queue.every(ctx, time.Minute, in.Tick)
	if in.people != nil {
		in.queue.every(ctx, time.Minute, in.people.Deliver)
	}
}

// mailNow returns the function that makes a worker look at the outbox; nil if another process tells
// people.
func (in *instance) mailNow() func() {
	if in.people == nil {
		return nil
	}
	return func() { in.queue.add("", outbox{}) }
}

// outbox is the message that asks a worker to deliver what is in the outbox.
type outbox struct{}

// watchUploads imports the files that people put into the upload folder.
func (in *instance) watchUploads(ctx context.Context) {
	in.queue.every(ctx, lookEvery, func(ctx context.Context) error { return in.uploads.look(ctx, time.Now()) })
}

// workersOfOne is how many workers may work for one source at the same time.
func workersOfOne() int { return max(2, runtime.NumCPU()) }

// work does one message.
func (in *instance) work(ctx context.Context, message any) error {
	switch m := message.(type) {
	case importer.Message:
		return in.Work(ctx, m)
	case app.Sweep:
		return in.Sweep(ctx, m)
	case puller.Message:
		return in.Pull(ctx, m)
	case outbox:
		return in.people.Deliver(ctx)
	}
	return fmt.Errorf("no such message: %T", message)
}

// session starts the workers and returns a session with this process itself. Closing it closes the
// instance.
func (in *instance) session(ctx context.Context) *session {
	in.start(ctx)
	return &session{client.New("http://reseed", in.key, &http.Client{Transport: client.InProcess{Handler: in.handler}}), in.close, in.makeBackup}
}

// close tells the workers to stop, waits for them, and closes the table and the objects.
func (in *instance) close() error {
	if in.stop != nil {
		in.stop()
		in.queue.wait()
		in.last()
	}
	return errors.Join(in.Objects.Close(), in.Store.Close())
}

func (sh *shell) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(sh.errOut, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
