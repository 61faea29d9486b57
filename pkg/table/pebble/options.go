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
	Cache    int64        // bytes of block cache; 16 MB
	MemTable int64        // bytes of one memtable, of which there are up to three; 16 MB
	Files    int          // of tables to be open at a time, at least 64; 1,000
	Logger   *slog.Logger // hears errors of the engine; nil is silence
}

const (
	defaultCache    = 16 << 20
	defaultMemTable = 16 << 20
	memTables       = 3
	// flushDeletes is how long a deleted range may wait in memory for its
	// turn to be written out, and with it for its bytes to be dropped.
	flushDeletes = 5 * time.Second
	bitsPerKey   = 10 // of the filters: one Get of an absent key in a hundred reads a block
)

// Open opens the table in dir, making it if there is none. A folder that is
// open already, in this process or another, is fault.Busy.
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
	tuned.FS, tuned.Lock = disk, lock
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
	case errors.As(err, &path): // the lock file could not even be made
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
		MaxOpenFiles:                o.Files, // 0 is its default
		// Sorted batches make tables that hardly overlap: a few more of them in
		// level 0 cost no read and save rewriting what is about to be merged anyway.
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

// cleaner removes what is obsolete, logs too. Pebble keeps logs to write over
// them, and with them what was deleted, unless the cleaner needs what is in the
// files: then each goes to Clean once it is flushed. That an ArchiveCleaner says;
// the Clean of the DeleteCleaner is nearer, and wins.
type cleaner struct {
	pebble.DeleteCleaner
	keepsNoLogs
}

type keepsNoLogs struct{ pebble.ArchiveCleaner }

// logger passes errors on and swallows the engine's chatter.
type logger struct{ log *slog.Logger }

func (logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.log.Error("pebble", "error", fmt.Sprintf(format, args...))
}

// Fatalf must not return: the log could not be written, so nothing may be
// acknowledged any more. What was is in the log, and is there after a restart.
func (l logger) Fatalf(format string, args ...any) {
	l.log.Log(context.Background(), slog.LevelError, "pebble cannot go on", "error", fmt.Sprintf(format, args...))
	os.Exit(1)
}
