package pebble_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// The partitions of a scene. The purged ones lie between others.
const (
	byItem  = "b#items" // deleted one by one
	byRange = "d#range" // deleted as a whole
	changed = "f#changed"
	newer   = "b#new" // written to during the purge
)

func purged() []string     { return []string{byItem, changed, byRange, newer} }
func bystanders() []string { return []string{"a", "b#", "b#items ", "c", "e", "g"} }

// canaries are values of random bytes, which no table can compress, by partition.
type canaries map[string][][]byte

const canaryBytes = 48

// found counts the canaries of which a third is on the disk. To look for whole ones is not enough:
// a compressed table may replace a few bytes by a reference to equal ones.
func (c canaries) found(disk []byte) map[string]int {
	n := map[string]int{}
	for kind, values := range c {
		for _, v := range values {
			if slices.ContainsFunc(slices.Collect(slices.Chunk(v, canaryBytes/3)), func(part []byte) bool { return bytes.Contains(disk, part) }) {
				n[kind]++
			}
		}
	}
	return n
}

// scene is a table with deleted values in every place where they can be.
type scene struct {
	rnd      *rand.ChaCha8
	d        *pebble.Driver
	canaries canaries
	want     map[table.Key]table.Attrs
}

func (s *scene) value() []byte {
	b := make([]byte, canaryBytes)
	_, _ = s.rnd.Read(b) // never fails
	return b
}

func (s *scene) item(pk string, n int, v []byte) table.Item {
	return table.Item{Key: table.Key{PK: pk, SK: fmt.Sprintf("%05d", n)}, Attrs: table.NewBuilder().Bytes("v", v).Int("n", int64(n)).Attrs()}
}

func (s *scene) write(t *testing.T, batch []table.Write) {
	t.Helper()
	for _, w := range batch {
		if w.Delete {
			delete(s.want, w.Item.Key)
		} else {
			s.want[w.Item.Key] = w.Item.Attrs
		}
	}
	if _, _, err := s.d.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

const (
	sceneBatches = 30
	sceneItems   = 20 // of each partition in a batch
	sceneTable   = 64 << 10
)

// play fills many small memtables, and deletes and overwrites old and new items.
func play(t *testing.T, d *pebble.Driver) *scene {
	t.Helper()
	s := &scene{rand.NewChaCha8([32]byte{}), d, canaries{}, map[table.Key]table.Attrs{}}
	for n := range sceneBatches {
		var batch []table.Write
		for i := n * sceneItems; i < (n+1)*sceneItems; i++ {
			for _, pk := range slices.Concat(bystanders(), purged()[:3]) {
				v := s.value()
				if slices.Contains(purged(), pk) {
					s.canaries[pk] = append(s.canaries[pk], v)
				}
				batch = append(batch, table.Write{Item: s.item(pk, i, v)})
			}
		}
		s.write(t, batch)
		if n%10 == 9 {
			s.write(t, s.change(n))
		}
	}
	if err := d.DeleteRange(t.Context(), byRange); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(s.want, func(k table.Key, _ table.Attrs) bool { return k.PK == byRange })
	return s
}

// change returns writes that delete or replace items of ten batches, of which n is the last.
func (s *scene) change(n int) (batch []table.Write) {
	for i := (n - 9) * sceneItems; i < (n+1)*sceneItems; i++ {
		batch = append(batch,
			table.Write{Item: table.Item{Key: s.item(byItem, i, nil).Key}, Delete: true},
			table.Write{Item: s.item(changed, i, []byte("now"))})
	}
	return batch
}

// holds checks every partition of the scene.
func (s *scene) holds(t *testing.T, d *pebble.Driver) {
	t.Helper()
	got := map[table.Key]table.Attrs{}
	for _, pk := range slices.Concat(bystanders(), purged()) {
		for it, err := range table.New(d).Items(t.Context(), table.Query{PK: pk}) {
			if err != nil {
				t.Fatal(err)
			}
			got[it.Key] = it.Attrs
		}
	}
	if !maps.EqualFunc(got, s.want, func(a, b table.Attrs) bool { return bytes.Equal(a, b) }) {
		t.Errorf("%d items, want %d, or other values", len(got), len(s.want))
	}
}

// everyByte returns the contents of all files in a folder. It skips a file that disappears
// meanwhile.
func everyByte(t *testing.T, disk vfs.FS, dir string) (all []byte) {
	t.Helper()
	names, err := disk.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := disk.Open(disk.PathJoin(dir, name))
		if err != nil {
			continue
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// busy writes and reads during a purge until stop is called, in a bystander and in a partition that
// is purged.
func (s *scene) busy(t *testing.T) (stop func()) {
	t.Helper()
	var over atomic.Bool
	var group sync.WaitGroup
	pks := []string{"g", newer}
	count := make([]int, len(pks))
	added := func(pk string, n int) table.Item { return s.item(pk, 10_000+n, []byte("new")) }
	for i, pk := range pks {
		group.Go(func() {
			for ; !over.Load(); count[i]++ {
				_, _, err := s.d.Write(t.Context(), []table.Write{{Item: added(pk, count[i])}})
				if err != nil {
					t.Error(err)
				}
				if _, err := s.d.Query(t.Context(), table.Query{PK: pk, Limit: 10}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	return func() {
		over.Store(true)
		group.Wait()
		for i, pk := range pks {
			for n := range count[i] {
				it := added(pk, n)
				s.want[it.Key] = it.Attrs
			}
		}
	}
}

// seen fails unless many canaries of each kind are on the disk before the purge: else the test
// would prove nothing. Some may be gone, since the engine merges tables by itself.
func (s *scene) seen(t *testing.T, disk []byte) {
	t.Helper()
	found := s.canaries.found(disk)
	for kind, values := range s.canaries {
		if found[kind] < len(values)/20 {
			t.Errorf("only %d of %d canaries in %s are on the disk before", found[kind], len(values), kind)
		}
	}
}

func (s *scene) gone(t *testing.T, what string, disk []byte) {
	t.Helper()
	if found := s.canaries.found(disk); len(found) > 0 {
		t.Errorf("%s: canaries are still on the disk: %v", what, found)
	}
}

// When Purge returns, no byte that was deleted or replaced is left in the folder, none comes back
// after a power cut, and nothing else is lost.
func TestPurgeLeavesNoByte(t *testing.T) {
	t.Parallel()
	memory := vfs.NewCrashableMem()
	for name, c := range map[string]struct {
		disk vfs.FS
		dir  string
	}{
		"a folder": {vfs.Default, filepath.Join(t.TempDir(), "data")},
		"memory":   {memory, "data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, openFS(t, c.dir, c.disk))
			s.seen(t, everyByte(t, c.disk, c.dir))
			stop := s.busy(t)
			if err := s.d.Purge(t.Context(), purged()); err != nil {
				t.Fatal(err)
			}
			s.gone(t, "purged", everyByte(t, c.disk, c.dir))
			cut := memory.CrashClone(vfs.CrashCloneCfg{})
			stop()
			s.holds(t, s.d)
			if err := s.d.Close(); err != nil {
				t.Fatal(err)
			}
			s.holds(t, openFS(t, c.dir, c.disk))
			if c.disk == vfs.FS(memory) {
				s.gone(t, "after a power cut", everyByte(t, cut, c.dir))
			}
		})
	}
}

func openFS(t *testing.T, dir string, disk vfs.FS) *pebble.Driver {
	t.Helper()
	d, err := pebble.OpenFS(dir, pebble.Options{MemTable: sceneTable}, disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// A power cut during a purge loses nothing, and the next purge completes it.
func TestPowerCutInPurge(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrashableMem()
	var cuts []*vfs.MemFS
	files := &counted{every: 40, do: func() {
		cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(len(cuts)), 2))}
		cuts = append(cuts, disk.CrashClone(cfg))
	}}
	s := play(t, openFS(t, "data", errorfs.Wrap(disk, files)))
	files.count(true)
	if err := s.d.Purge(t.Context(), purged()); err != nil {
		t.Error(err)
	}
	files.count(false)
	if len(cuts) < 3 {
		t.Errorf("only %d cuts in %d operations", len(cuts), files.n)
	}
	s.gone(t, "after the purge", everyByte(t, disk.CrashClone(vfs.CrashCloneCfg{}), "data"))
	for n, cut := range cuts {
		d := openFS(t, "data", cut)
		s.holds(t, d)
		if err := d.Purge(t.Context(), purged()); err != nil {
			t.Error(err)
		}
		s.gone(t, fmt.Sprintf("power cut %d", n), everyByte(t, cut, "data"))
		s.holds(t, d)
	}
}

// counted counts operations on files, and calls a function at every n-th.
type counted struct {
	every int
	do    func()
	mu    sync.Mutex
	on    bool
	n     int
}

func (c *counted) count(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on = on; on {
		c.n = 0
	}
}

// MaybeError fails nothing.
func (c *counted) MaybeError(errorfs.Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on {
		return nil
	}
	if c.n++; c.n%c.every == 0 {
		c.do()
	}
	return nil
}

func (c *counted) String() string { return "counted" }

// A purge that is stopped has done no harm, and the next one completes it.
func TestPurgeStops(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrashableMem()
	files := &counted{every: 1}
	s := play(t, openFS(t, "data", errorfs.Wrap(disk, files)))
	stopped := 0
	for _, after := range []int{1, 10, 40} {
		ctx, cancel := context.WithCancel(t.Context())
		files.every, files.do = after, cancel
		files.count(true)
		err := s.d.Purge(ctx, purged())
		files.count(false)
		if err != nil && fault.CodeOf(err) != "store_cancelled" {
			t.Error(err)
		}
		if err != nil {
			stopped++
		}
		cancel()
		s.holds(t, s.d)
	}
	if stopped == 0 {
		t.Error("no purge was stopped: nothing was tested")
	}
	if err := s.d.Purge(t.Context(), purged()); err != nil {
		t.Error(err)
	}
	s.gone(t, "purged", everyByte(t, disk, "data"))
	s.gone(t, "after a power cut", everyByte(t, disk.CrashClone(vfs.CrashCloneCfg{}), "data"))
	s.holds(t, s.d)
}

// A purge removes a file that could not be removed at first. If it cannot be removed at all, the
// purge returns an error and does not wait for ever.
func TestPurgeOfFilesThatStay(t *testing.T) {
	t.Parallel()
	memory := vfs.NewMem()
	var stays errorfs.Toggle
	stays.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpRemove {
			return errors.New("it stays")
		}
		return nil
	})
	stays.On()
	disk := errorfs.Wrap(memory, &stays)
	s := play(t, openFS(t, "data", disk))
	if err := s.d.Purge(t.Context(), purged()); fault.CodeOf(err) != "store_engine" {
		t.Errorf("nothing can be removed: %v", err)
	}
	stays.Off()
	if err := s.d.Purge(t.Context(), purged()); err != nil {
		t.Error(err)
	}
	s.gone(t, "purged", everyByte(t, memory, "data"))
	s.holds(t, s.d)
}
