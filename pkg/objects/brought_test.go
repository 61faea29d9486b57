package objects_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

// origins are versions as each kind of store has them, with times as exact as its own.
func origins() map[string]objects.Info {
	at := time.Date(2026, 11, 23, 9, 30, 0, 123456789, time.UTC)
	return map[string]objects.Info{
		"of a folder":           {Version: `"18eaa29dcec9bd15-4"`, Modified: at},
		"of a versioned bucket": {Version: "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", Modified: at.Truncate(time.Second)},
		"of a plain bucket":     {Version: `"5d41402abc4b2a76b9719d911017c592"`, Modified: at.Truncate(time.Second)},
	}
}

// An object that was brought is read by the version that it had, until another takes its place.
func TestBroughtObjectsKeepTheirVersion(t *testing.T) {
	t.Parallel()
	for name, was := range origins() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyKind(t, func(t *testing.T, o *objects.Objects) {
				t.Helper()
				was := was // each kind of store runs on its own
				was.Key = "uploads/a/b.csv"
				put(t, o, "uploads/a/bystander.csv", "stays")
				must(t, o.Bring(t.Context(), was, strings.NewReader("text")))
				wantText(t, o, was.Key, was.Version, "text")
				wantText(t, o, was.Key, "", "text")
				for _, version := range []string{"", was.Version} {
					info, err := o.StatVersion(t.Context(), was.Key, version)
					if err != nil || info.Version != was.Version || !info.Modified.Equal(was.Modified) || info.Size != 4 {
						t.Errorf("version %q: %+v, %v; want %+v", version, info, err, was)
					}
				}
				_, err := o.StatVersion(t.Context(), was.Key, `"1-1"`)
				wantFault(t, err, fault.NotFound, objects.CodeGone)
				names, err := o.Names(t.Context(), "")
				if err != nil || len(names) != 2 {
					t.Errorf("it has %q, %v", names, err)
				}
				put(t, o, was.Key, "next")
				_, err = o.Open(t.Context(), was.Key, was.Version, 0, -1)
				wantFault(t, err, fault.NotFound, objects.CodeGone)
				if info, err := o.Stat(t.Context(), was.Key); err != nil || info.Brought || info.Version == was.Version {
					t.Errorf("what took its place: %+v, %v", info, err)
				}
				must(t, o.Bring(t.Context(), was, strings.NewReader("text")))
				if n, err := o.DeleteAll(t.Context(), "uploads/a/"); err != nil || n != 2 {
					t.Errorf("%d objects were deleted, %v", n, err)
				}
			})
		})
	}
}

// Brought to a bucket and back into a folder, a file has the version that it had there: imports of
// it are known by that.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	folder, err := objects.Dir(filepath.Join(root, "a"))
	must(t, err)
	back, err := objects.Dir(filepath.Join(root, "b"))
	must(t, err)
	there, _ := bucket(t)
	put(t, folder, "k", "text")
	first := carry(t, folder, there, "k")
	carry(t, there, back, "k")
	info, err := back.Stat(t.Context(), "k")
	if err != nil || info.Version != first.Version || !info.Modified.Equal(first.Modified) || info.Brought {
		t.Errorf("%+v, %v; want %+v", info, err, first)
	}
	put(t, there, "s3", "text")
	carry(t, there, back, "s3")
	must(t, back.Delete(t.Context(), "k"))
	must(t, back.Delete(t.Context(), "s3"))
	if left, err := os.ReadDir(filepath.Join(root, "b")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func carry(t *testing.T, from, to *objects.Objects, key string) objects.Info {
	t.Helper()
	info, err := from.Stat(t.Context(), key)
	must(t, err)
	body, err := from.Open(t.Context(), key, info.Version, 0, -1)
	must(t, err)
	must(t, to.Bring(t.Context(), info, body))
	must(t, body.Close())
	return info
}
