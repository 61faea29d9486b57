package eraser_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/table/mem"
)

// Backups are told of an erase before it ends, once more if that failed, and are in its receipt.
func TestBackupsAreToldBeforeAnEraseEnds(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	neighbour := w.items(w.acme2)
	var told []eraser.Notice
	fails := errors.New("not now")
	e := eraser.New(eraser.Config{
		Store: w.st, Ledger: w.ledger(), Objects: w.objects, Now: time.Now,
		Backups: func(ctx context.Context, n eraser.Notice) ([]eraser.Remains, error) {
			j, err := w.ledger().Get(ctx, n.Job)
			must(t, err)
			same(t, "status when backups are told", job.Running, j.Status)
			told = append(told, n)
			return []eraser.Remains{{What: "backup of yesterday", Note: "in /backups"}}, fails
		},
	})
	j, err := e.Start(t.Context(), eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{By: "Ann"})
	must(t, err)
	if _, err := e.Sweep(t.Context(), j.ID); !errors.Is(err, fails) {
		t.Fatalf("backups could not be told: %v", err)
	}
	fails = nil
	done, err := e.Sweep(t.Context(), j.ID)
	must(t, err)
	same(t, "done", true, done)
	want := eraser.Notice{Job: j.ID, Selection: eraser.Source, SourceName: w.acme.Name, AskedAt: j.CreatedAt}
	same(t, "told", []eraser.Notice{want, want}, told)
	j, err = w.ledger().Get(t.Context(), j.ID)
	must(t, err)
	r, err := eraser.ReceiptOf(j)
	must(t, err)
	same(t, "first in the receipt", "backup of yesterday", r.Residue[0].What)
	same(t, "places in the receipt", 2, len(r.Residue))
	same(t, "next door", neighbour, w.items(w.acme2))
}
