package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"reseed/pkg/config"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// The environment of a mortal process.
const (
	envPiece = "RESEED_TEST_PIECE" // bytes of a piece; the default of the command if empty
	envFate  = "RESEED_TEST_FATE"  // the exact point at which it kills itself, as fate.String spells it; empty: none
	envTally = "RESEED_TEST_TALLY" // file for its tally, if it ends by itself
	// If set, its table does only what DynamoDB can: it drops no partitions, and purges nothing.
	envPlain = "RESEED_TEST_PLAIN"
)

// Kinds of change that a process makes to what lasts.
const (
	batchWrite = "batch"  // of items, each on its own
	transact   = "commit" // of items, all or none
	object     = "object" // completed or deleted
	dropped    = "drop"   // of a partition, at once
	purged     = "purge"  // of deleted bytes
	copied     = "copy"   // of the table
)

// When a process ends: before, amid or after a change.
const (
	before = "before"
	amid   = "amid" // a batch of which one half is there: on DynamoDB it is not atomic
	after  = "after"
)

// fate is the exact point at which a process kills itself: at the n-th change (from 1) of a kind.
// The zero value is none.
type fate struct {
	kind string
	n    int
	when string
}

func (f fate) String() string {
	if f.n == 0 {
		return ""
	}
	return fmt.Sprintf("%s %d %s", f.kind, f.n, f.when)
}

func parseFate(s string) (f fate) {
	_, _ = fmt.Sscanf(s, "%s %d %s", &f.kind, &f.n, &f.when)
	return f
}

// tally is how many changes of each kind a process has made.
type tally map[string]int

// mortality counts the changes of a process, and kills it at the change that is its fate.
type mortality struct {
	fate
	small bool // limits
	plain bool // engine
	mu    sync.Mutex
	made  tally
}

// meet makes a change, or dies before, amid or after it. half makes half of the change; nil if the
// change is atomic.
func (m *mortality) meet(kind string, change, half func() error) error {
	m.mu.Lock()
	m.made[kind]++
	doomed := m.kind == kind && m.n == m.made[kind]
	m.mu.Unlock()
	switch {
	case doomed && m.when == before:
		die()
	case doomed && m.when == amid && half != nil:
		_ = half()
		die()
	}
	err := change()
	if doomed {
		die()
	}
	return err
}

func die() {
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

// mortal is the command reseed, except that it can be told at which of its changes to die. If it is
// given a size of pieces, pages and batches are small, too, so that small inputs go through as many
// steps as large ones.
func mortal() {
	m := &mortality{fate: parseFate(os.Getenv(envFate)), plain: os.Getenv(envPlain) != "", made: tally{}}
	p := parts{open: m.open, pieceBytes: localPiece}
	if n, err := strconv.ParseInt(os.Getenv(envPiece), 10, 64); err == nil {
		p.pieceBytes, m.small = n, true
	}
	status := run(p)
	if file := os.Getenv(envTally); file != "" {
		body, _ := json.Marshal(m.made) // of numbers: it can't fail
		if err := os.WriteFile(file, body, 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = exitFailed
		}
	}
	os.Exit(status)
}

// open is openData for a data folder, with mortality around the table and the objects.
func (m *mortality) open(_ context.Context, sh *shell, _ config.Config, log *slog.Logger) (*store.Store, *objects.Objects, error) {
	d, err := pebble.Open(filepath.Join(sh.data, "table"), pebble.Options{Logger: log})
	if err != nil {
		return nil, nil, err
	}
	o, err := objects.Dir(filepath.Join(sh.data, "objects"))
	if err != nil {
		return nil, nil, err
	}
	around := func(change func() error) error { return m.meet(object, change, nil) }
	e := mortalEngine{d, m}
	if m.plain {
		return store.New(e), o.Around(around), nil
	}
	return store.New(mortalFolder{e, d}), o.Around(around), nil
}

// mortalEngine is a table driver that may die at a write, maybe with small limits.
type mortalEngine struct {
	table.Driver
	m *mortality
}

const (
	mortalBatch = 64
	mortalPage  = 100
)

// Limits are the limits of the driver, or small ones.
func (e mortalEngine) Limits() table.Limits {
	l := e.Driver.Limits()
	if e.m.small {
		l.Write, l.Get, l.Parallel = mortalBatch, mortalPage, 2
	}
	return l
}

// Query gives a page.
func (e mortalEngine) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if e.m.small && (q.Limit == 0 || q.Limit > mortalPage) {
		q.Limit = mortalPage
	}
	return e.Driver.Query(ctx, q)
}

// Write writes a batch.
func (e mortalEngine) Write(ctx context.Context, batch []table.Write) (left []table.Write, cost table.Cost, err error) {
	some := func(batch []table.Write) func() error {
		return func() error {
			left, cost, err = e.Driver.Write(ctx, batch)
			return err
		}
	}
	err = e.m.meet(batchWrite, some(batch), some(batch[:len(batch)/2]))
	return left, cost, err
}

// Transact writes all or none.
func (e mortalEngine) Transact(ctx context.Context, writes []table.Write) (cost table.Cost, err error) {
	err = e.m.meet(transact, func() error {
		cost, err = e.Driver.Transact(ctx, writes)
		return err
	}, nil)
	return cost, err
}

// mortalFolder is a mortalEngine that can drop partitions and purge deleted bytes.
type mortalFolder struct {
	mortalEngine
	d *pebble.Driver
}

// DeleteRange drops a partition.
func (e mortalFolder) DeleteRange(ctx context.Context, pk string) error {
	return e.m.meet(dropped, func() error { return e.d.DeleteRange(ctx, pk) }, nil)
}

// amidPurge is about half of the time that a purge takes.
const amidPurge = 3 * time.Millisecond

// Purge makes deleted bytes leave the disk.
func (e mortalFolder) Purge(ctx context.Context, pks []string) error {
	change := func() error { return e.d.Purge(ctx, pks) }
	return e.m.meet(purged, change, func() error {
		go func() { _ = change() }()
		time.Sleep(amidPurge)
		return nil
	})
}

// Checkpoint copies the table into a folder.
func (e mortalFolder) Checkpoint(ctx context.Context, dir string) error {
	change := func() error { return e.d.Checkpoint(ctx, dir) }
	return e.m.meet(copied, change, func() error {
		go func() { _ = change() }()
		time.Sleep(amidPurge)
		return nil
	})
}

func (t tally) String() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		parts = append(parts, fmt.Sprintf("%d %s", t[kind], kind))
	}
	return strings.Join(parts, ", ")
}
