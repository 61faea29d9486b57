package pebble

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"reseed/pkg/fault"
)

// Options tune the engine; zero values are the defaults.
type Options struct {
	Cache    int64        // bytes of the block cache; by default 16 MB
	MemTable int64        // bytes of one memtable, of which there are up to three; by default 16 MB
	Files    int          // tables open at a time, at least 64; by default 1,000
	Logger   *slog.Logger // gets the engine's errors; by default nothing does
}

const (
	defaultCache    = 16 << 20
	defaultMemTable = 16 << 20
	memTables       = 3
	// flushDeletes is how long a deleted range may stay in memory before it is written out. Only
	// then are its bytes dropped.
	flushDeletes = 5 * time.Second
	bitsPerKey   = 10 // of the filters: one in a hundred reads of an absent key reads a block
)

// Open opens the table in dir, and creates it if there is none. If the folder is open already, in
// this process or another, the error is fault.Busy.
func Open(dir string, opt Options) (*Driver, error) { return open(dir, opt, vfs.Default) }

func open(dir string, opt Options, disk vfs.FS) (*Driver, error) {
	if err := disk.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "store_open", "the data folder cannot be made")
	}
	lock, err := lockDir(dir, disk)
	if err != nil {
		return nil, err
	}
	tuned := opt.pebble()
	d := &Driver{lock: lock, folder: folder{dir, disk}, seed: maphash.MakeSeed()}
	tuned.FS, tuned.Lock = linkingFS{disk}, lock
	tuned.EventListener = &pebble.EventListener{
		TableDeleted: func(i pebble.TableDeleteInfo) { d.refused.add(i.Path, i.Err) },
		WALDeleted:   func(i pebble.WALDeleteInfo) { d.refused.add(i.Path, i.Err) },
	}
	if d.db, err = pebble.Open(dir, tuned); err != nil {
		return nil, fault.Wrap(errors.Join(err, lock.Close()), fault.Unavailable, "store_open", "the table cannot be opened")
	}
	return d, nil
}

func lockDir(dir string, disk vfs.FS) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, disk)
	var path *fs.PathError
	switch {
	case err == nil:
		return lock, nil
	case errors.As(err, &path): // the lock file could not be created
		return nil, fault.Wrap(err, fault.Unavailable, "store_open", "the data folder cannot be written")
	}
	return nil, fault.Wrap(err, fault.Busy, "store_locked", "the data folder is in use by another process")
}

func (o Options) pebble() *pebble.Options {
	if o.Cache == 0 {
		o.Cache = defaultCache
	}
	if o.MemTable == 0 {
		o.MemTable = defaultMemTable
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	opt := &pebble.Options{
		CacheSize:                   o.Cache,
		MemTableSize:                uint64(o.MemTable), //nolint:gosec // a size
		MemTableStopWritesThreshold: memTables,
		MaxOpenFiles:                o.Files, // 0 is Pebble's default
		// Sorted batches make tables that hardly overlap. A few more of them in level 0 make no
		// read slower, and save rewriting what will be merged soon anyway.
		L0CompactionThreshold:      4,
		L0StopWritesThreshold:      24,
		LBaseMaxBytes:              64 << 20,
		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 2 },
		FlushDelayDeleteRange:      flushDeletes,
		FormatMajorVersion:         pebble.FormatNewest,
		Cleaner:                    cleaner{},
		Logger:                     logger{o.Logger},
	}
	for i := range opt.Levels {
		opt.Levels[i].FilterPolicy = bloom.FilterPolicy(bitsPerKey)
	}
	return opt
}

// cleaner removes obsolete files, logs too. Pebble would keep logs to write over them, and with
// them deleted bytes, unless the cleaner is an ArchiveCleaner: then it passes each log to Clean
// once it is flushed. So cleaner embeds an ArchiveCleaner, one level deeper than the DeleteCleaner,
// whose Clean is the one that is called.
type cleaner struct {
	pebble.DeleteCleaner
	keepsNoLogs
}

type keepsNoLogs struct{ pebble.ArchiveCleaner }

// logger passes on the engine's errors and drops its other messages.
type logger struct{ log *slog.Logger }

func (logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.log.Error("pebble", "error", fmt.Sprintf(format, args...))
}

// Fatalf ends the process. Pebble calls it when it could not write the log: no write may be
// acknowledged any more. Those that were acknowledged are in the log and come back after a restart.
func (l logger) Fatalf(format string, args ...any) {
	l.log.Log(context.Background(), slog.LevelError, "pebble cannot go on", "error", fmt.Sprintf(format, args...))
	os.Exit(1)
}
