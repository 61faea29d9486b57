package pebble

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"reseed/pkg/table"
)

// Purge implements [table.Purger]. Deleted bytes are in three places: in logs, which are obsolete
// once their writes are flushed to tables; in tables, until the deletes have been merged into the
// bottom level; and in obsolete files that are not removed yet. Purge empties them in this order.
// Other calls go on reading and writing meanwhile.
func (d *Driver) Purge(ctx context.Context, pks []string) error {
	spans, err := spansOf(pks)
	if err != nil || len(spans) == 0 {
		return err
	}
	leave, err := d.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	logs, err := d.folder.list(logSuffix)
	if err != nil {
		return broken(err)
	}
	if err := d.flush(ctx); err != nil {
		return err
	}
	if err := d.sink(ctx, spans); err != nil {
		return err
	}
	return d.discard(ctx, logs)
}

// spansOf returns the spans of the partitions in ascending order.
func spansOf(pks []string) ([]span, error) {
	pks = slices.Compact(slices.Sorted(slices.Values(pks)))
	spans := make([]span, len(pks))
	for i, pk := range pks {
		if err := table.CheckKeys([]table.Key{{PK: pk, SK: "-"}}, 1); err != nil {
			return nil, err
		}
		spans[i] = spanOf(pk)
	}
	return spans, nil
}

// flush writes all that is in memory to tables. All logs that were there before are obsolete then.
func (d *Driver) flush(ctx context.Context) error {
	done, err := d.db.AsyncFlush()
	if err != nil {
		return broken(err)
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return cancelled(ctx)
	}
}

// sink merges the tables that meet the spans into the bottom level, where each delete meets what it
// deletes and both are dropped. It repeats until no table above the bottom level is from before it
// began: meanwhile one of the engine's own compactions may have moved such a table out of its way.
//
// It compacts span by span. A compaction takes whole tables, so small neighbours that share a table
// are done with the first of them. Between large ones the engine's own compactions get their turn,
// so that no writer waits long.
func (d *Driver) sink(ctx context.Context, spans []span) error {
	levels, err := d.db.SSTables()
	if err != nil {
		return broken(err)
	}
	start := newest(levels)
	for {
		high := above(levels, spans, start)
		if len(high) == 0 {
			return nil
		}
		if err := d.compact(ctx, high); err != nil {
			return err
		}
		if levels, err = d.db.SSTables(); err != nil {
			return broken(err)
		}
	}
}

// newest returns the sequence number of the newest write in any table.
func newest(levels [][]pebble.SSTableInfo) (n pebble.SeqNum) {
	for _, tables := range levels {
		for i := range tables {
			n = max(n, tables[i].LargestSeqNum)
		}
	}
	return n
}

// above returns the sorted spans that meet a table above the bottom level with a write up to last.
func above(levels [][]pebble.SSTableInfo, spans []span, last pebble.SeqNum) (high []span) {
	meets := make([]bool, len(spans))
	for _, tables := range levels[:len(levels)-1] {
		for i := range tables {
			t := &tables[i]
			if t.SmallestSeqNum > last {
				continue
			}
			first, _ := slices.BinarySearchFunc(spans, t.Smallest.UserKey, func(s span, key []byte) int {
				return bytes.Compare(s.upper, key)
			})
			for n := first; n < len(spans) && bytes.Compare(spans[n].lower, t.Largest.UserKey) <= 0; n++ {
				meets[n] = true
			}
		}
	}
	for n, m := range meets {
		if m {
			high = append(high, spans[n])
		}
	}
	return high
}

func (d *Driver) compact(ctx context.Context, spans []span) error {
	for _, s := range spans {
		err := d.db.Compact(ctx, s.lower, s.upper, true)
		if ctx.Err() != nil {
			return cancelled(ctx)
		}
		if err != nil {
			return broken(err)
		}
	}
	return nil
}

// discard waits until the logs are gone, and every table in the folder that is no part of the
// store. (A table that is still being written becomes a part when it is complete.) It then syncs
// the folder, so that a power cut brings no file back.
func (d *Driver) discard(ctx context.Context, logs []string) error {
	tables, err := d.folder.list(tableSuffix)
	if err != nil {
		return broken(err)
	}
	left := append(logs, tables...)
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		if left, err = d.dead(left); err != nil {
			return broken(err)
		}
		if err := d.refused.again(d.folder.disk); err != nil {
			return broken(err)
		}
		if len(left) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return cancelled(ctx)
		case <-time.After(wait):
		}
	}
	if err := d.folder.sync(); err != nil {
		return broken(err)
	}
	return nil
}

const (
	firstWait   = 2 * time.Millisecond
	longestWait = 100 * time.Millisecond
)

// dead returns the files that are in the folder and no part of the store.
func (d *Driver) dead(files []string) (left []string, err error) {
	levels, err := d.db.SSTables()
	if err != nil {
		return nil, err
	}
	alive := map[string]bool{}
	for _, tables := range levels {
		for i := range tables {
			alive[tables[i].BackingSSTNum.String()+tableSuffix] = true
		}
	}
	there, err := d.folder.list("")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(files, func(name string) bool {
		return alive[name] || !slices.Contains(there, name)
	}), nil
}

// refused holds files that could not be removed. The engine itself tries again only when it is
// opened the next time.
type refused struct {
	mu    sync.Mutex
	paths []string
}

func (r *refused) add(path string, err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paths = append(r.paths, path)
}

// again tries to remove the files once more.
func (r *refused) again(disk vfs.FS) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paths = slices.DeleteFunc(r.paths, func(path string) bool {
		e := disk.Remove(path)
		if errors.Is(e, fs.ErrNotExist) {
			e = nil
		}
		err = errors.Join(err, e)
		return e == nil
	})
	return err
}

// folder is where the engine keeps its files.
type folder struct {
	dir  string
	disk vfs.FS
}

const (
	logSuffix   = ".log"
	tableSuffix = ".sst"
)

// list returns the names of the files with a suffix.
func (f folder) list(suffix string) ([]string, error) {
	names, err := f.disk.List(f.dir)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, suffix) }), nil
}

func (f folder) sync() error {
	dir, err := f.disk.OpenDir(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
