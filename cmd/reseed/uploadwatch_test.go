package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/app"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// A file that could not be imported since the table failed is logged once, shown as failed, and
// tried again after a minute.
func TestAFailedUploadIsTriedAgain(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	var log bytes.Buffer
	l := app.New(app.Config{
		Store: store.New(mem.New(mem.Options{Before: func(mem.Op, int) error {
			if down.Load() {
				return errors.New("the table is down")
			}
			return nil
		}})),
		Objects: objects.Mem(), Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Imports: func(context.Context, ...importer.Message) error { return nil },
	})
	u := newUploadWatch()
	u.app = l
	now := time.Now()
	look := func(passed time.Duration, failed int) {
		t.Helper()
		now = now.Add(passed)
		if err := u.look(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		if got := u.failures(); len(got) != failed {
			t.Fatalf("failed: %+v, want %d", got, failed)
		}
	}
	jobs := func() []*job.Job {
		list, err := l.Ledger.List(t.Context(), 10, "")
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	const key = "uploads/Acme/customers.csv"
	if err := l.Objects.Put(t.Context(), key, strings.NewReader("Name,External ID\nA,a\n")); err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	look(0, 0) // it may still be being copied
	look(lookEvery, 1)
	look(retryEvery, 1)
	if f := u.failures()[0]; f.Object != key || f.Error != "the table is down" || !f.TriedAt.Equal(now) || !f.Since.Before(now) {
		t.Errorf("%+v", f)
	}
	down.Store(false)
	look(retryEvery-time.Second, 1)
	if list := jobs(); len(list) != 0 {
		t.Errorf("tried within the minute: %v", list)
	}
	look(time.Second, 0)
	look(retryEvery, 0)
	if list := jobs(); len(list) != 1 {
		t.Errorf("jobs: %v", list)
	}
	if n := strings.Count(log.String(), "an upload could not be imported"); n != 1 || strings.Contains(log.String(), "customers.csv") {
		t.Errorf("said %d times: %s", n, log.String())
	}
}
