package objects_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

const posted = "uploads/ds_1/01938f6e-7a00-7000-8000-000000000000/posted.csv"

func TestSnapshotHasEveryWholeObject(t *testing.T) {
	t.Parallel()
	root, elsewhere, copied := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "copy")
	must(t, os.Symlink(elsewhere, filepath.Join(root, "uploads"))) // uploads may be on another disk
	o, err := objects.Dir(root)
	must(t, err)
	for n := range 30 {
		put(t, o, fmt.Sprintf("jobs/%02d/a", n), fmt.Sprint(n))
	}
	put(t, o, posted, "posted")
	put(t, o, "sweep/uploads.json", "{}")
	person := filepath.Join(elsewhere, "Company", "by hand.csv")
	must(t, os.MkdirAll(filepath.Dir(person), 0o700))
	must(t, os.WriteFile(person, []byte("by hand"), 0o600))
	must(t, os.Symlink(person, filepath.Join(elsewhere, "Company", "link.csv")))
	must(t, os.Symlink("/etc/hostname", filepath.Join(elsewhere, "Company", "out.csv")))
	must(t, syscall.Mkfifo(filepath.Join(elsewhere, "Company", "pipe.csv"), 0o600))
	half, err := o.Create(t.Context(), "jobs/00/half")
	must(t, err)
	_, err = half.Write([]byte("half"))
	must(t, err)
	defer half.Abort()

	must(t, o.Snapshot(t.Context(), copied, func() error { return nil }))
	c, err := objects.Dir(copied)
	must(t, err)
	want, err := o.Names(t.Context(), "")
	must(t, err)
	uploads, err := o.Names(t.Context(), "uploads/")
	must(t, err)
	want = append(want[:len(want)-1], uploads...) // without the link itself
	names := map[string]bool{}
	for _, key := range want {
		names[key] = !strings.HasSuffix(key, "out.csv") && !strings.HasSuffix(key, "pipe.csv")
	}
	got, err := c.Names(t.Context(), "")
	must(t, err)
	for _, key := range got {
		if !names[key] {
			t.Errorf("%s is in the copy", key)
		}
		delete(names, key)
		was, err := o.Stat(t.Context(), key)
		must(t, err)
		is, err := c.Stat(t.Context(), key)
		must(t, err)
		if was.Version != is.Version {
			t.Errorf("%s has version %s, had %s", key, is.Version, was.Version)
		}
	}
	for key, missing := range names {
		if missing {
			t.Errorf("%s is not in the copy", key)
		}
	}

	// Whatever happens to the originals, the copy stays as it is.
	before := texts(t, copied)
	must(t, os.WriteFile(person, []byte("written over, in place"), 0o600))
	put(t, o, posted, "replaced")
	_, err = o.DeleteAll(t.Context(), "jobs/")
	must(t, err)
	if diff := cmp.Diff(before, texts(t, copied)); diff != "" {
		t.Errorf("the copy has changed:\n%s", diff)
	}
	wantText(t, o, posted, "", "replaced")
}

func texts(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		all[name] = string(body)
		return err
	}))
	return all
}

// While a snapshot is taken nothing is completed or deleted. What meanwhile sees is in the copy,
// and nothing else.
func TestSnapshotIsOneMoment(t *testing.T) {
	t.Parallel()
	o, err := objects.Dir(t.TempDir())
	must(t, err)
	var stopped atomic.Bool
	var writers sync.WaitGroup
	var changes atomic.Int64
	for w := range 3 {
		writers.Go(func() {
			for n := 0; !stopped.Load(); n++ {
				prefix := fmt.Sprintf("jobs/%d/", w)
				if err := o.Put(t.Context(), fmt.Sprintf("%s%d", prefix, n%40), strings.NewReader(fmt.Sprint(n))); err != nil {
					t.Error(err)
				}
				if n%7 == 0 {
					must(t, o.Delete(t.Context(), fmt.Sprintf("%s%d", prefix, n%13)))
				}
				if n%101 == 100 {
					_, err := o.DeleteAll(t.Context(), prefix)
					must(t, err)
				}
				changes.Add(1)
			}
		})
	}
	for round := range 20 {
		for target := changes.Load() + 30; changes.Load() < target; {
			time.Sleep(time.Millisecond)
		}
		copied := filepath.Join(t.TempDir(), "copy")
		want := map[string]string{}
		must(t, o.Snapshot(t.Context(), copied, func() error {
			for info, err := range o.List(t.Context(), "") {
				must(t, err)
				text, err := read(t.Context(), o, info.Key, "", 0, -1)
				must(t, err)
				want[filepath.Join(copied, info.Key)] = text
			}
			time.Sleep(5 * time.Millisecond)
			return nil
		}))
		if diff := cmp.Diff(want, texts(t, copied)); diff != "" {
			t.Errorf("round %d: -seen +copied\n%s", round, diff)
		}
	}
	stopped.Store(true)
	writers.Wait()
}

func TestSnapshotFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o, err := objects.Dir(dir)
	must(t, err)
	put(t, o, "jobs/1/a", "text")
	stop := errors.New("stop")
	if err := o.Snapshot(t.Context(), filepath.Join(t.TempDir(), "copy"), func() error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of meanwhile: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	wantFault(t, o.Snapshot(t.Context(), filepath.Join(file, "copy"), func() error { return nil }), fault.Unavailable, "object_store")
	wantFault(t, objects.Mem().Snapshot(t.Context(), t.TempDir(), func() error { return nil }), fault.Invalid, "object_snapshot")
	put(t, o, "jobs/1/b", "changes go on")
	wantText(t, o, "jobs/1/a", "", "text")
}
