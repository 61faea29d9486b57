package pebble_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sync/errgroup"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// A checkpoint that is made while batches are written has all that were acknowledged before it, and
// of every other batch all or nothing, in their order. What it was made of has lost nothing.
func TestCheckpointIsOneMoment(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	var acked atomic.Int64
	stop := make(chan struct{})
	var writer errgroup.Group
	writer.Go(func() error {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return nil
			default:
			}
			if _, _, err := d.Write(t.Context(), batchOf(n)); err != nil {
				return err
			}
			acked.Store(int64(n + 1))
		}
	})
	for round := range 8 {
		for target := acked.Load() + 30; acked.Load() < target; {
		}
		dir := filepath.Join(t.TempDir(), "copy")
		before := int(acked.Load())
		if err := d.Checkpoint(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		copied := open(t, dir)
		wholeBatches(t, copied, before)
		count := perBatch(t, copied)
		for n := range len(count) {
			if count[n] == 0 {
				t.Errorf("round %d: batch %d is not there, and a later one is", round, n)
			}
		}
	}
	close(stop)
	if err := writer.Wait(); err != nil {
		t.Fatal(err)
	}
	wholeBatches(t, d, int(acked.Load()))
}

// A process that is killed while it opens the table may leave no log: what was in the old one is
// written out, and the new one is not made yet. The next process copies the table whole.
func TestCheckpointRightAfterOpen(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrashableMem()
	d, err := pebble.OpenFS("data", pebble.Options{}, disk)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Write(t.Context(), batchOf(0)); err != nil {
		t.Fatal(err)
	}
	if err := d.Purge(t.Context(), []string{"elsewhere"}); err != nil { // flushes: the log is empty from then on
		t.Fatal(err)
	}
	after := disk.CrashClone(vfs.CrashCloneCfg{})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := after.List("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			if err := after.Remove(after.PathJoin("data", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	again, err := pebble.OpenFS("data", pebble.Options{}, after)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Checkpoint(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	copied, err := pebble.OpenFS("copy", pebble.Options{}, after)
	if err != nil {
		t.Fatal(err)
	}
	wholeBatches(t, copied, 1)
	if err := errors.Join(copied.Close(), again.Close()); err != nil {
		t.Fatal(err)
	}
}

// Deletes, compactions and purges of the table leave a checkpoint as it is, although both share
// files.
func TestPurgeLeavesCheckpointsAlone(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	const batches = 60
	for n := range batches {
		if _, _, err := d.Write(t.Context(), batchOf(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Purge(t.Context(), []string{"p3"}); err != nil { // now there are tables to share
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "copy")
	if err := d.Checkpoint(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	for _, pk := range []string{"p0", "p1", "p2", "p3"} {
		if err := d.DeleteRange(t.Context(), pk); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Purge(t.Context(), []string{"p0", "p1", "p2", "p3"}); err != nil {
		t.Fatal(err)
	}
	if len(perBatch(t, d)) > 0 {
		t.Error("the table is not empty")
	}
	after := contents(t, dir)
	for name, body := range before {
		if after[name] != body {
			t.Errorf("%s has changed", name)
		}
	}
	wholeBatches(t, open(t, dir), batches)
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	linked := 0
	for _, e := range entries {
		body, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(body)
		if strings.HasSuffix(e.Name(), ".sst") {
			linked++
		}
	}
	if linked == 0 {
		t.Error("there is no table to share")
	}
	return files
}

func TestWalkReadsWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := open(t, dir)
	for n := range 3 {
		if _, _, err := d.Write(t.Context(), batchOf(n)); err != nil {
			t.Fatal(err)
		}
	}
	walk := func(dir string) (n int, err error) {
		last := table.Key{}
		err = pebble.Walk(t.Context(), dir, func(it table.Item) error {
			if it.Compare(last) <= 0 || len(it.Attrs) == 0 {
				t.Errorf("%v after %v, %d bytes", it.Key, last, len(it.Attrs))
			}
			last = it.Key
			n++
			return nil
		})
		return n, err
	}
	if _, err := walk(dir); !fault.Is(err, fault.Busy) {
		t.Errorf("an open folder: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time shows that the first has changed nothing
		if n, err := walk(dir); n != 3*childBatch || err != nil {
			t.Errorf("%d items, %v", n, err)
		}
	}
	if _, err := walk(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("a folder without a table was read")
	}
	stop := errors.New("stop")
	if err := pebble.Walk(t.Context(), dir, func(table.Item) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of a callback: %v", err)
	}
	wholeBatches(t, open(t, dir), 3)
}

// fullDisk has no room for files in a checkpoint after a number of them, and may have no hard links.
type fullDisk struct {
	vfs.FS
	left    *atomic.Int64
	noLinks bool
}

// Create makes a file.
func (f fullDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.Contains(name, "copy") && f.left.Add(-1) < 0 {
		return nil, &fs.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
	}
	return f.FS.Create(name, c)
}

// Link links a file.
func (f fullDisk) Link(from, to string) error {
	if f.noLinks {
		return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
	}
	return f.FS.Link(from, to)
}

// If the disk is full, nothing of the checkpoint is left, and the table goes on. Without hard links
// the files are copied.
func TestCheckpointOnAFullDisk(t *testing.T) {
	t.Parallel()
	for _, noLinks := range []bool{false, true} {
		disk := fullDisk{vfs.Default, &atomic.Int64{}, noLinks}
		d, err := pebble.OpenFS(t.TempDir(), pebble.Options{}, disk)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Write(t.Context(), batchOf(0)); err != nil {
			t.Fatal(err)
		}
		if err := d.Purge(t.Context(), []string{"elsewhere"}); err != nil { // flushes: now there is a table to share
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "copy")
		tries := int64(0)
		for ; ; tries++ {
			disk.left.Store(tries)
			err := d.Checkpoint(t.Context(), dir)
			if err == nil {
				break
			}
			if fault.CodeOf(err) != "store_checkpoint" || !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("with room for %d files, something is left: %v", tries, err)
			}
			if _, _, err := d.Write(t.Context(), batchOf(int(tries)+1)); err != nil {
				t.Errorf("with room for %d files, the table does not go on: %v", tries, err)
			}
		}
		if tries < 3 {
			t.Errorf("only %d files were made", tries)
		}
		wholeBatches(t, open(t, dir), int(tries)+1)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A table that is damaged on the disk is an error, and does not end the process.
func TestWalkSurvivesDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Write(t.Context(), batchOf(0)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Purge(t.Context(), []string{"p"}), d.Close()); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal("no table", err)
	}
	body, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	body[len(body)/4] ^= 1
	if err := os.WriteFile(tables[0], body, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pebble.Walk(t.Context(), dir, func(table.Item) error { return nil }); err == nil {
		t.Error("it was read")
	}
}
