package pebble_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// childDir is the environment variable for the folder in which a copy of the test binary writes
// until it is killed.
const childDir = "RESEED_TEST_PEBBLE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Println(child(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const childBatch = 50

// child writes batch after batch and prints the number of each that was acknowledged.
func child(dir string) error {
	d, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		if _, _, err := d.Write(context.Background(), batchOf(n)); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func batchOf(n int) []table.Write {
	batch := make([]table.Write, childBatch)
	for i := range batch {
		batch[i].Item = table.Item{
			Key:   table.Key{PK: fmt.Sprintf("p%d", i%4), SK: fmt.Sprintf("%06d#%02d", n, i)},
			Attrs: table.NewBuilder().Int("n", int64(n)).Bytes("x", make([]byte, 100)).Attrs(),
		}
	}
	return batch
}

// perBatch counts the stored items of each batch.
func perBatch(t *testing.T, d table.Driver) map[int]int {
	t.Helper()
	count := map[int]int{}
	for p := range 4 {
		q := table.Query{PK: fmt.Sprintf("p%d", p), KeysOnly: true}
		for {
			page, err := d.Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range page.Items {
				n, err := strconv.Atoi(it.SK[:6])
				if err != nil {
					t.Fatal(err)
				}
				count[n]++
			}
			if page.Next == "" {
				break
			}
			q.After = page.Next
		}
	}
	return count
}

func wholeBatches(t *testing.T, d table.Driver, acked int) {
	t.Helper()
	count := perBatch(t, d)
	for n := range acked {
		if count[n] != childBatch {
			t.Errorf("batch %d was acknowledged; %d of its %d items are there", n, count[n], childBatch)
		}
	}
	for n, items := range count {
		if items != childBatch {
			t.Errorf("%d of the %d items of batch %d are there", items, childBatch, n)
		}
	}
}

// A process that is killed loses no batch that was acknowledged, and stores no batch in part. While
// it runs no other process can open its folder.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, kill := range []int{1, 60, 200} {
		writer := exec.CommandContext(t.Context(), os.Args[0])
		writer.Env = append(os.Environ(), childDir+"="+dir)
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		acked := 0
		for lines := bufio.NewScanner(out); acked < kill && lines.Scan(); acked++ {
			if lines.Text() != strconv.Itoa(acked) {
				t.Errorf("the writer says %q", lines.Text())
			}
		}
		if _, err := pebble.Open(dir, pebble.Options{}); !fault.Is(err, fault.Busy) {
			t.Errorf("a folder in use by another process: %v", err)
		}
		if err := writer.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = writer.Wait() // killed
		d, err := pebble.Open(dir, pebble.Options{})
		if err != nil {
			t.Fatal(err)
		}
		wholeBatches(t, d, acked)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A machine that loses power keeps everything that was acknowledged, whatever part of the other
// writes reached the disk.
func TestPowerCutLosesNothing(t *testing.T) {
	t.Parallel()
	for _, unsynced := range []int{0, 50} {
		disk := vfs.NewCrashableMem()
		d, err := pebble.OpenFS("data", pebble.Options{MemTable: 1 << 20}, disk)
		if err != nil {
			t.Fatal(err)
		}
		lock := table.Write{Item: table.Item{Key: table.Key{PK: "lock", SK: "a"}}, If: table.Cond{Op: table.Absent}}
		const batches = 400
		for n := range batches {
			if _, _, err := d.Write(t.Context(), batchOf(n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.DeleteRange(t.Context(), "p0"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Transact(t.Context(), []table.Write{lock}); err != nil {
			t.Fatal(err)
		}
		after := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rand.New(rand.NewPCG(1, 2))})
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		survivor, err := pebble.OpenFS("data", pebble.Options{}, after)
		if err != nil {
			t.Fatal(err)
		}
		count := perBatch(t, survivor)
		for n := range batches {
			if want := childBatch - (childBatch+3)/4; count[n] != want { // without p0
				t.Errorf("%d items of batch %d, want %d", count[n], n, want)
			}
		}
		if _, err := survivor.Transact(t.Context(), []table.Write{lock}); !fault.Is(err, fault.Conflict) {
			t.Errorf("the lock is lost: %v", err)
		}
		if err := survivor.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "on", "demand")
	d := open(t, dir)
	_, err := pebble.Open(dir, pebble.Options{})
	if !fault.Is(err, fault.Busy) {
		t.Errorf("the second opener: %v", err)
	}
	if fault.CodeOf(err) != "store_locked" {
		t.Errorf("code %q", fault.CodeOf(err))
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	open(t, dir)

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pebble.Open(file, pebble.Options{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a file as the folder: %v", err)
	}
	broken := t.TempDir()
	first := open(t, broken)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	manifests, err := filepath.Glob(filepath.Join(broken, "MANIFEST-*"))
	if err != nil || len(manifests) == 0 {
		t.Fatal("no manifest", err)
	}
	if err := os.WriteFile(manifests[0], []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time shows that the first released the lock
		var log bytes.Buffer
		opt := pebble.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		if _, err := pebble.Open(broken, opt); fault.CodeOf(err) != "store_open" {
			t.Errorf("a broken table: %v", err)
		}
	}
}

func TestClosedStoreAnswers(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	k := table.Key{PK: "p", SK: "s"}
	_, _, _, get := d.Get(t.Context(), []table.Key{k})
	_, query := d.Query(t.Context(), table.Query{PK: "p"})
	_, _, write := d.Write(t.Context(), []table.Write{{Item: table.Item{Key: k}}})
	_, transact := d.Transact(t.Context(), []table.Write{{Item: table.Item{Key: k}}})
	checkpoint := d.Checkpoint(t.Context(), filepath.Join(t.TempDir(), "copy"))
	for _, err := range []error{get, query, write, transact, checkpoint, d.DeleteRange(t.Context(), "p"), d.Purge(t.Context(), []string{"p"})} {
		if fault.CodeOf(err) != "store_closed" {
			t.Errorf("got %v", err)
		}
	}
}
