package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/uuid"

	"reseed/pkg/chartmogul"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/store/pebble"
)

// app is all of Reseed in one process: the table, the objects, and workers over the job ledger.
type app struct {
	store    *store.Store
	objects  *objects.Objects
	ledger   *job.Ledger
	importer *importer.Importer
	eraser   *eraser.Eraser
	queue    *queue
	handler  http.Handler
	key      string // of this process, known to nobody else
	stop     context.CancelFunc
	log      *slog.Logger
}

// localPiece is how much of a file one worker maps at a time: small enough for
// every core to be at one within the memory limit.
const localPiece = 4 << 20

// openApp opens what the data folder, or the DynamoDB table that the environment names, holds. The
// folder has one owner at a time: for a second one this is fault.Busy.
func openApp(ctx context.Context, sh *shell, log *slog.Logger, keys ...[sha256.Size]byte) (*app, error) {
	st, err := openStore(ctx, sh, log)
	if err != nil {
		return nil, err
	}
	objs, err := openObjects(ctx, sh)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	a := &app{store: st, objects: objs, ledger: job.NewLedger(st, time.Now), key: token(), log: log}
	a.queue = newQueue(a.work, log)
	a.importer = importer.New(importer.Config{
		Store: st, Ledger: a.ledger, Objects: objs, Now: time.Now, Log: log, Dispatch: a.dispatch,
		PieceBytes: localPiece,
		Send: func(_ context.Context, list []importer.Message) error {
			for _, m := range list {
				a.queue.add(m)
			}
			return nil
		},
	})
	a.eraser = eraser.New(eraser.Config{Store: st, Ledger: a.ledger, Objects: objs, Now: time.Now, Log: log, Dispatch: a.dispatch})
	a.handler = chartmogul.New(chartmogul.Config{
		Store: st, Keys: append(keys, chartmogul.HashKey(a.key)), Edits: edit.New(st, time.Now), Jobs: a.ledger,
		Imports: chartmogul.Imports{Keep: a.keep, Submit: a.submit, Rejects: a.rejects},
		Erase:   chartmogul.Erase{Plan: a.eraser.Plan, Start: a.startErase},
		Now:     time.Now, Log: log,
	})
	return a, nil
}

func openStore(ctx context.Context, sh *shell, log *slog.Logger) (*store.Store, error) {
	if sh.env["RESEED_STORE"] == "dynamodb" {
		return openDynamo(ctx, sh)
	}
	d, err := pebble.Open(filepath.Join(sh.data, "table"), pebble.Options{Logger: log})
	if err != nil {
		return nil, err
	}
	return store.New(d), nil
}

// start lets the workers run: first over what an earlier process left, then
// over what comes. They end with ctx or close.
func (a *app) start(ctx context.Context) {
	ctx, a.stop = context.WithCancel(ctx)
	for range max(2, runtime.NumCPU()) {
		a.queue.run(ctx)
	}
	a.queue.every(ctx, time.Minute, a.tick)
}

// tick starts waiting jobs and hands out what nobody is at. On AWS it is a function of its own.
func (a *app) tick(ctx context.Context) error {
	started, err := a.ledger.StartWaiting(ctx)
	if err != nil {
		return err
	}
	_ = started // they are open jobs, which the next lines hand out
	if err := a.importer.Tick(ctx); err != nil {
		return err
	}
	open, err := a.ledger.Open(ctx)
	for _, j := range open {
		if j.Kind == job.Erase && j.Status == job.Running {
			a.queue.add(sweep{j.ID})
		}
	}
	return err
}

// sweep asks a worker to go on with an erase.
type sweep struct{ job string }

// work does one message.
func (a *app) work(ctx context.Context, message any) error {
	switch m := message.(type) {
	case importer.Message:
		return a.importer.Handle(ctx, m)
	case sweep:
		_, err := a.eraser.Sweep(ctx, m.job)
		return err
	}
	return fmt.Errorf("no such message: %T", message)
}

// dispatch gets a job going that has become Running.
func (a *app) dispatch(_ context.Context, j *job.Job) error {
	if j.Status != job.Running {
		return nil
	}
	if j.Kind == job.Erase {
		a.queue.add(sweep{j.ID})
	} else {
		a.queue.add(importer.Message{Job: j.ID})
	}
	return nil
}

// keep stores an uploaded file where files put there by hand would lie too.
func (a *app) keep(ctx context.Context, src store.Source, name string, body io.Reader) (job.File, error) {
	key := "uploads/" + src.UUID + "/" + uuid.Must(uuid.NewV7()).String() + "/" + filepath.Base(name)
	if err := a.objects.Put(ctx, key, body); err != nil {
		return job.File{}, err
	}
	info, err := a.objects.Stat(ctx, key)
	return job.File{Name: filepath.Base(name), Object: key, Version: info.Version, Size: info.Size}, err
}

func (a *app) submit(ctx context.Context, sourceUUID string, files []job.File) (*job.Job, error) {
	dir, err := a.store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, ok := dir.ByUUID(sourceUUID)
	if !ok {
		return nil, errNoSource
	}
	return a.importer.Submit(ctx, importer.Request{Source: src, Files: files})
}

func (a *app) rejects(ctx context.Context, jobID string) (io.ReadCloser, error) {
	return a.objects.Open(ctx, importer.RejectsName(jobID), "", 0, -1)
}

func (a *app) startErase(ctx context.Context, sel eraser.Selection) (*job.Job, error) {
	j, err := a.eraser.Start(ctx, sel)
	if err != nil {
		return nil, err
	}
	return j, a.dispatch(ctx, j)
}

// client is a client of this very process; closing it closes the app.
func (a *app) client(ctx context.Context) *client {
	a.start(ctx)
	return &client{base: "http://reseed", key: a.key, http: &http.Client{Transport: inProcess{a.handler}}, close: a.close}
}

// close waits for the workers to put their work aside, and closes the table.
func (a *app) close() error {
	if a.stop != nil {
		a.stop()
		a.queue.wait()
	}
	return errors.Join(a.objects.Close(), a.store.Close())
}

func token() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

func (sh *shell) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(sh.errOut, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// makeData makes the data folder, for its owner alone.
func makeData(dir string) error { return os.MkdirAll(dir, 0o700) }
