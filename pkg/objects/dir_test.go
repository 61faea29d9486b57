package objects_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

// spellings has keys, and the names of their files as fileblob of gocloud.dev 0.47 wrote them.
func spellings() map[string]string {
	names := map[string]string{
		"uploads/acme../a.csv":  "uploads/acme..__0x2f__a.csv",
		"uploads/acme.../a.csv": "uploads/acme...__0x2f__a.csv",
		"a../b../c":             "a..__0x2f__b..__0x2f__c",
		"a..../c..":             "a....__0x2f__c..",
		"x/.../y":               "x/...__0x2f__y",
	}
	for _, same := range []string{
		"uploads/Acme & Söhne/a+b c%2F=1.csv", "a..b/c", "..x/y", "a._/b", "ends..", ".hidden/..x", `it's "quoted" <>:|?*.csv`, "café", "cafe\u0301",
		"a__b__c", "__0/x", "a__0X2f__", " lead/trail ", "☺☺☺/🙂", "a\u0080b", "a\u2028b", "tilde~/$HOME/`x`;", "\ufeffx", "-rf/--",
		"k.tmp", "k.18790f5d3a7b2c4.tmp.csv", "a.attrs/b", "jobs/2ab/changes/customers-0001.zst",
	} {
		names[same] = same
	}
	return names
}

// This version reads folders of earlier versions, and writes objects where earlier versions look
// for them.
func TestFolderKeepsTheNamesOfFiles(t *testing.T) {
	t.Parallel()
	for key, name := range spellings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(t.TempDir(), "objects")
			o, err := objects.Dir(root)
			must(t, err)
			file := filepath.Join(root, filepath.FromSlash(name))
			must(t, os.MkdirAll(filepath.Dir(file), 0o700))
			must(t, os.WriteFile(file, []byte("of yesterday"), 0o600))
			wantText(t, o, key, "", "of yesterday")
			wantFault(t, create(t.Context(), o, key, "another"), fault.Conflict, "object_exists")
			names, err := o.Names(t.Context(), "")
			if diff := cmp.Diff([]string{key}, names); diff != "" || err != nil {
				t.Errorf("names: %v\n%s", err, diff)
			}
			must(t, o.Delete(t.Context(), key))
			if _, err := os.Stat(file); !os.IsNotExist(err) {
				t.Errorf("the file is still there: %v", err)
			}
			put(t, o, key, "of today")
			if text, err := os.ReadFile(file); err != nil || string(text) != "of today" {
				t.Errorf("the file holds %q, %v", text, err)
			}
		})
	}
}

// Jobs of earlier versions name versions of files like this.
func TestFolderKeepsTheNamesOfVersions(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	o, err := objects.Dir(root)
	must(t, err)
	file, at := filepath.Join(root, "a.csv"), time.Date(2026, 11, 23, 9, 30, 0, 123456789, time.UTC)
	must(t, os.WriteFile(file, []byte("0123456789abcdef!"), 0o600))
	must(t, os.Chtimes(file, at, at))
	version := `"18eaa29dcec9bd15-11"`
	info, err := o.Stat(t.Context(), "a.csv")
	if err != nil || info.Size != 17 || info.Version != version || !info.Modified.Equal(at) {
		t.Errorf("Stat: %+v, %v; want version %s", info, err, version)
	}
	wantText(t, o, "a.csv", version, "0123456789abcdef!")
	must(t, os.Chtimes(file, at, at.Add(time.Nanosecond)))
	_, err = read(t.Context(), o, "a.csv", version, 0, -1)
	wantFault(t, err, fault.NotFound, objects.CodeGone)
}

// A half-written file that a killed process leaves, of this or an earlier version, is not an
// object, and is deleted with its folder.
func TestFolderHidesWhatIsHalfWritten(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	o, err := objects.Dir(root)
	must(t, err)
	put(t, o, "u/acme/whole", "text")
	put(t, o, "u/acme2/bystander", "text")
	w, err := o.Create(t.Context(), "u/acme/half") // neither closed nor aborted
	must(t, err)
	_, err = w.Write([]byte("half"))
	must(t, err)
	for _, ending := range []string{"18790f5d3a7b2c41", "18790f5d3a7b2c4"} {
		must(t, os.WriteFile(filepath.Join(root, "u", "acme", "b."+ending+".tmp"), []byte("half"), 0o600))
	}
	names, err := o.Names(t.Context(), "u/acme/")
	if diff := cmp.Diff([]string{"u/acme/whole"}, names); diff != "" || err != nil {
		t.Errorf("names: %v\n%s", err, diff)
	}
	if files, err := os.ReadDir(filepath.Join(root, "u", "acme")); err != nil || len(files) != 4 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if n, err := o.DeleteAll(t.Context(), "u/acme/"); err != nil || n != 1 {
		t.Errorf("deleted %d, %v", n, err)
	}
	if _, err := os.Stat(filepath.Join(root, "u", "acme")); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	wantText(t, o, "u/acme2/bystander", "", "text")
	wantFault(t, w.Close(), fault.NotFound, objects.CodeGone)
}

func TestErrorsOfAFolderNameNoKey(t *testing.T) {
	t.Parallel()
	o, err := objects.Dir(t.TempDir())
	must(t, err)
	put(t, o, "secret", "text")
	// one lies below a file, one is longer than names can be
	for _, key := range []string{"secret/below", strings.Repeat("secret", 60)} {
		_, stat := o.Stat(t.Context(), key)
		_, open := read(t.Context(), o, key, "", 0, -1)
		for what, err := range map[string]error{"stat": stat, "open": open, "delete": o.Delete(t.Context(), key), "put": o.Put(t.Context(), key, strings.NewReader("x"))} {
			wantFault(t, err, fault.Unavailable, "object_store")
			if strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("%s: the error names the object: %v", what, err)
			}
		}
	}
	wantText(t, o, "secret", "", "text")
}

func TestFolderThatIsAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	_, err := objects.Dir(file)
	wantFault(t, err, fault.Internal, "object_folder")
}

func TestFolderHoldsPlainFilesOnly(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "objects")
	o, err := objects.Dir(root)
	must(t, err)
	put(t, o, "uploads/acme/a.csv", "text")
	stranded := filepath.Join(root, "uploads", "acme", "b.csv.18790f5d3a7b2c41.tmp") // left by a killed process
	must(t, os.WriteFile(stranded, []byte("half"), 0o600))
	names, err := o.Names(t.Context(), "uploads/")
	if diff := cmp.Diff([]string{"uploads/acme/a.csv"}, names); diff != "" || err != nil {
		t.Errorf("names: %v\n%s", err, diff)
	}
	text, err := os.ReadFile(filepath.Join(root, "uploads", "acme", "a.csv"))
	if err != nil || string(text) != "text" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	_, err = o.DeleteAll(t.Context(), "uploads/acme/")
	must(t, err)
	if _, err := os.Stat(filepath.Join(root, "uploads", "acme")); !os.IsNotExist(err) {
		t.Errorf("the folder, or what was half written, is still there: %v", err)
	}
}

// Only plain files are opened: reading a pipe may block for ever.
func TestFolderOpensPlainFilesOnly(t *testing.T) {
	t.Parallel()
	root, outside := filepath.Join(t.TempDir(), "objects"), filepath.Join(t.TempDir(), "secret.csv")
	o, err := objects.Dir(root)
	must(t, err)
	in := func(name string) string { return filepath.Join(root, "uploads", "acme", name) }
	put(t, o, "uploads/acme/a.csv", "text")
	must(t, os.WriteFile(outside, []byte("secret"), 0o600))
	must(t, syscall.Mkfifo(in("pipe.csv"), 0o600))
	must(t, syscall.Mkfifo(in("a.csv.attrs"), 0o600)) // it is not an object, and reading a.csv does not open it
	must(t, os.Symlink(in("pipe.csv"), in("to-pipe.csv")))
	must(t, os.Symlink(outside, in("out.csv")))
	must(t, os.Symlink(filepath.Dir(outside), in("away")))
	must(t, os.Symlink("nowhere", in("broken.csv")))
	must(t, os.Symlink("a.csv", in("in.csv")))
	for _, name := range []string{"pipe.csv", "to-pipe.csv", "out.csv", "away/secret.csv", "broken.csv"} {
		_, err := o.Stat(t.Context(), "uploads/acme/"+name)
		wantFault(t, err, fault.Invalid, objects.CodeNotAFile)
		_, err = read(t.Context(), o, "uploads/acme/"+name, "", 0, -1)
		wantFault(t, err, fault.Invalid, objects.CodeNotAFile)
	}
	wantText(t, o, "uploads/acme/a.csv", "", "text")
	wantText(t, o, "uploads/acme/in.csv", "", "text")
	names, err := o.Names(t.Context(), "uploads/acme/")
	var want []string
	for _, name := range []string{"a.csv", "away", "broken.csv", "in.csv", "out.csv", "pipe.csv", "to-pipe.csv"} {
		want = append(want, "uploads/acme/"+name)
	}
	if diff := cmp.Diff(want, names); diff != "" || err != nil {
		t.Errorf("names: %v\n%s", err, diff)
	}
	wantFault(t, create(t.Context(), o, "uploads/acme/away/new.csv", "x"), fault.Invalid, objects.CodeNotAFile)
	wantFault(t, create(t.Context(), o, "uploads/acme/away/new/new.csv", "x"), fault.Invalid, objects.CodeNotAFile)
	wantFault(t, o.Delete(t.Context(), "uploads/acme/away/"+filepath.Base(outside)), fault.Invalid, objects.CodeNotAFile)
	must(t, o.Delete(t.Context(), "uploads/acme/out.csv"))
	_, err = o.DeleteAll(t.Context(), "uploads/acme/away/sub/")
	wantFault(t, err, fault.Invalid, objects.CodeNotAFile)
	_, err = o.DeleteAll(t.Context(), "uploads/acme/")
	must(t, err)
	if text, err := os.ReadFile(outside); err != nil || string(text) != "secret" {
		t.Errorf("a file outside the folder: %q, %v", text, err)
	}
}

// The folder of all uploads may be a link to another disk.
func TestFolderOnAnotherDisk(t *testing.T) {
	t.Parallel()
	root, disk := filepath.Join(t.TempDir(), "objects"), t.TempDir()
	o, err := objects.Dir(root)
	must(t, err)
	must(t, os.Symlink(disk, filepath.Join(root, "uploads")))
	must(t, os.Mkdir(filepath.Join(disk, "acme"), 0o700))
	must(t, os.WriteFile(filepath.Join(disk, "acme", "a.csv"), []byte("text"), 0o600))
	wantText(t, o, "uploads/acme/a.csv", "", "text")
	put(t, o, "uploads/acme/b.csv", "more")
	names, err := o.Names(t.Context(), "uploads/")
	if diff := cmp.Diff([]string{"uploads/acme/a.csv", "uploads/acme/b.csv"}, names); diff != "" || err != nil {
		t.Errorf("names: %v\n%s", err, diff)
	}
}
