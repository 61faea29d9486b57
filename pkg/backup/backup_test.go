package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/backup"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// account is an open data folder.
type account struct {
	*backup.Backups
	st   *store.Store
	objs *objects.Objects
	data string
}

// brokenEngine is an engine whose checkpoints fail while *fails is an error.
type brokenEngine struct {
	*pebble.Driver
	fails *error
}

// Checkpoint copies the table, and then fails.
func (e brokenEngine) Checkpoint(ctx context.Context, dir string) error {
	return errors.Join(e.Driver.Checkpoint(ctx, dir), *e.fails)
}

func opened(t *testing.T, data string, fails *error) account {
	t.Helper()
	d, err := pebble.Open(filepath.Join(data, "table"), pebble.Options{})
	must(t, err)
	objs, err := objects.Dir(filepath.Join(data, "objects"))
	must(t, err)
	st := store.New(brokenEngine{d, fails})
	t.Cleanup(func() { must(t, st.Close()) })
	b := backup.New(backup.Config{Store: st, Objects: objs, Data: data, Version: "v1", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	return account{b, st, objs, data}
}

const someItems = 300

// filled is a data folder with items, objects, API keys and a door.
func filled(t *testing.T) account {
	t.Helper()
	a := opened(t, t.TempDir(), new(error))
	d, err := a.st.Directory(t.Context())
	must(t, err)
	batch := []table.Write{}
	for n := range someItems {
		key := table.Key{PK: fmt.Sprintf("0001f.c1#0%d", n%3), SK: fmt.Sprintf("c#%06d", n)}
		batch = append(batch, table.Write{Item: table.Item{Key: key, Attrs: table.NewBuilder().Str("name", fmt.Sprint("customer ", n)).Attrs()}})
	}
	for n := range 30 {
		batch = append(batch, table.Write{Item: store.EncodeAPIKey(d.Hasher(), store.APIKey{Name: fmt.Sprint("key ", n), At: time.Now()})})
		must(t, a.objs.Put(t.Context(), fmt.Sprintf("jobs/%02d/changes", n), strings.NewReader(fmt.Sprint("change ", n))))
	}
	must(t, a.st.Write(t.Context(), batch))
	must(t, a.st.Purge(t.Context(), "0001f.c1#00")) // some items are in tables, some in logs
	must(t, a.st.Write(t.Context(), []table.Write{{Item: table.Item{Key: table.Key{PK: "0001f.c1#00", SK: "c#last"}}}}))
	for _, name := range []string{"serve.json", "api-key.sha256"} {
		must(t, os.WriteFile(filepath.Join(a.data, name), []byte("secret"), 0o600))
	}
	return a
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func quiet(backup.Progress) {}

func quietReading(int64, int64) {}

// items reads all items of a data folder that is not open.
func items(t *testing.T, data string) map[table.Key]string {
	t.Helper()
	all := map[table.Key]string{}
	must(t, pebble.Walk(t.Context(), filepath.Join(data, "table"), func(it table.Item) error {
		all[it.Key] = string(it.Attrs)
		return nil
	}))
	return all
}

// files reads all files below a folder.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(folder, name)
		body, err := os.ReadFile(name)
		all[rel] = string(body)
		return err
	}))
	return all
}

// nothingLeft checks that nothing is left of a backup that failed.
func (a account) nothingLeft(t *testing.T, folder string) {
	t.Helper()
	for _, name := range []string{folder, folder + ".reseed-partial", filepath.Join(a.data, "backup.tmp")} {
		if _, err := os.Lstat(name); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	list, err := a.st.Backups(t.Context())
	if err != nil || len(list) > 0 {
		t.Errorf("noted: %v %v", list, err)
	}
}

func TestABackupIsTheDataFolderWithoutCredentials(t *testing.T) {
	t.Parallel()
	for _, where := range places(t) {
		t.Run(where.name, func(t *testing.T) {
			t.Parallel()
			a := filled(t)
			folder := filepath.Join(where.dir(t), "backup")
			a.Rename(where.rename)
			var copied int
			m, err := a.Make(t.Context(), folder, func(p backup.Progress) {
				if p.Copied > 0 {
					copied++
				}
			})
			must(t, err)
			if copied != 1 {
				t.Errorf("it was said %d times that everything was copied", copied)
			}
			same, err := backup.Check(t.Context(), folder, quietReading)
			if diff := cmp.Diff(m, same); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
			want := files(t, filepath.Join(a.data, "objects"))
			if diff := cmp.Diff(want, files(t, filepath.Join(folder, "objects"))); diff != "" {
				t.Error(diff)
			}
			must(t, a.st.Close())
			original, got := items(t, a.data), items(t, folder)
			if diff := cmp.Diff(original, got); diff != "" {
				t.Error(diff)
			}
			if m.Items != int64(len(got)) || m.Objects != int64(len(want)) || m.Version != "v1" || m.Bytes() == 0 {
				t.Errorf("%+v", m)
			}
			for name, body := range files(t, folder) {
				if strings.Contains(body, "secret") {
					t.Errorf("%s holds a credential", name)
				}
			}
		})
	}
}

// place is where a test puts backups.
type place struct {
	name   string
	dir    func(*testing.T) string
	rename func(from, to string) error
}

func places(t *testing.T) []place {
	t.Helper()
	list := []place{
		{"beside the data", func(t *testing.T) string { t.Helper(); return t.TempDir() }, os.Rename},
		{"as on another file system", func(t *testing.T) string { t.Helper(); return t.TempDir() }, notAcross},
	}
	const memory = "/dev/shm"
	if _, err := os.Stat(memory); err == nil {
		list = append(list, place{"on another file system", func(t *testing.T) string {
			t.Helper()
			dir, err := os.MkdirTemp(memory, "reseed") //nolint:usetesting // on that file system
			must(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			return dir
		}, os.Rename})
	}
	return list
}

// notAcross renames nothing out of the stage, as if the target were on another file system.
func notAcross(from, to string) error {
	if filepath.Base(from) == "whole" {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EXDEV}
	}
	return os.Rename(from, to)
}

func TestAFailedBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	full := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	for name, spoil := range map[string]func(a account, fails *error, stop func(), folder string) func(backup.Progress){
		"checkpoint": func(_ account, fails *error, _ func(), _ string) func(backup.Progress) { *fails = full; return quiet },
		"stop": func(_ account, _ *error, stop func(), _ string) func(backup.Progress) {
			return func(backup.Progress) { stop() }
		},
		"copy": func(a account, _ *error, _ func(), folder string) func(backup.Progress) {
			a.Rename(notAcross)
			return func(backup.Progress) { _ = os.WriteFile(folder+".reseed-partial", nil, 0o600) }
		},
		"name": func(a account, _ *error, _ func(), folder string) func(backup.Progress) {
			a.Rename(func(from, to string) error {
				if to == folder {
					return full
				}
				return os.Rename(from, to)
			})
			return quiet
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fails := new(error)
			a := opened(t, filled(t).closed(t), fails)
			before := files(t, filepath.Join(a.data, "objects"))
			folder := filepath.Join(t.TempDir(), "backup")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if m, err := a.Make(ctx, folder, spoil(a, fails, stop, folder)); err == nil {
				t.Fatalf("it was made: %+v", m)
			}
			a.nothingLeft(t, folder)
			if diff := cmp.Diff(before, files(t, filepath.Join(a.data, "objects"))); diff != "" {
				t.Errorf("the data folder has changed: %s", diff)
			}
			*fails = nil
			a.Rename(os.Rename)
			if _, err := a.Make(t.Context(), folder, quiet); err != nil {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}

// closed closes the table and returns the folder.
func (a account) closed(t *testing.T) string {
	t.Helper()
	must(t, a.st.Close())
	return a.data
}

func TestFoldersThatAreRefused(t *testing.T) {
	t.Parallel()
	a := filled(t)
	dir := t.TempDir()
	inside := filepath.Join(dir, "link")
	must(t, os.Symlink(a.data, inside))
	full, beside := filepath.Join(dir, "full"), filepath.Join(dir, "beside")
	must(t, os.MkdirAll(filepath.Join(full, "of things"), 0o700))
	must(t, os.Mkdir(beside+".reseed-partial", 0o700))
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, []byte("mine"), 0o600))
	before := files(t, dir)
	for _, folder := range []string{a.data, filepath.Join(a.data, "x"), filepath.Join(inside, "x"), full, beside, file, filepath.Join(dir, "no", "such")} {
		if _, err := a.Make(t.Context(), folder, quiet); fault.CodeOf(err) != "backup_folder" {
			t.Errorf("%s: %v", folder, err)
		}
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("bystanders have changed: %s", diff)
	}
	a.nothingLeft(t, filepath.Join(dir, "none"))
	var again error
	if _, err := a.Make(t.Context(), filepath.Join(dir, "one"), func(backup.Progress) {
		_, again = a.Make(t.Context(), filepath.Join(dir, "two"), quiet)
	}); err != nil || !fault.Is(again, fault.Busy) {
		t.Errorf("%v; another one meanwhile: %v", err, again)
	}
}

// Every byte of a backup counts: changed, cut or missing, it is refused.
func TestADamagedBackupIsRefused(t *testing.T) {
	t.Parallel()
	a := filled(t)
	folder := filepath.Join(t.TempDir(), "backup")
	_, err := a.Make(t.Context(), folder, quiet)
	must(t, err)
	for name, body := range files(t, folder) {
		if filepath.Base(name) == "LOCK" {
			continue
		}
		damages := map[string]func(path string) error{"gone": os.Remove}
		if body != "" {
			flipped := []byte(body)
			flipped[len(body)/3] ^= 0x10
			damages["flipped"] = func(path string) error { return os.WriteFile(path, flipped, 0o600) }
			damages["cut"] = func(path string) error { return os.WriteFile(path, []byte(body[:len(body)-1]), 0o600) }
		}
		for how, damage := range damages {
			path := filepath.Join(folder, name)
			must(t, damage(path))
			opening, err := backup.Open(t.Context(), folder, quietReading)
			switch {
			case name == "backup.json" && how == "gone": // then nothing says that it is one
			case name == "backup.json" && how == "cut": // the line break at its end: nothing is lost
			case err == nil || opening != nil:
				t.Errorf("%s %s: it was opened", name, how)
			case fault.CodeOf(err) != "backup_damaged" && fault.CodeOf(err) != "backup_format":
				t.Errorf("%s %s: %v", name, how, err)
			}
			_ = os.Rename(filepath.Join(folder, "backup.opening.json"), filepath.Join(folder, "backup.json"))
			must(t, os.RemoveAll(path))
			must(t, os.WriteFile(path, []byte(body), 0o600))
		}
	}
	if _, err := backup.Check(t.Context(), folder, quietReading); err != nil {
		t.Errorf("repaired: %v", err)
	}
}

// A backup that is opened is a data folder. No API key of it is valid, and it names the erases that
// it does not hold, however often it was killed before it was settled.
func TestOpen(t *testing.T) {
	t.Parallel()
	a := filled(t)
	folder := filepath.Join(t.TempDir(), "backup")
	ledger := job.NewLedger(a.st, time.Now)
	held := &job.Job{ID: ledger.NewID(), Kind: job.Erase, Status: job.Running, Erase: &job.EraseSpec{}, CreatedAt: time.Now().UTC()}
	writes, err := ledger.Prepare(t.Context(), held)
	must(t, err)
	must(t, a.st.Transact(t.Context(), writes...))
	during := eraser.Notice{Job: ledger.NewID(), Selection: eraser.Source, SourceName: "during", AskedAt: time.Now().UTC()}
	m, err := a.Make(t.Context(), folder, func(backup.Progress) { a.tell(t, during) })
	must(t, err)
	later := eraser.Notice{Job: ledger.NewID(), Selection: eraser.Customer, Records: []string{"cus_1"}, AskedAt: time.Now().UTC()}
	for range 2 { // the sweep was killed and told it again
		list := a.tell(t, later)
		if len(list) != 1 || !strings.Contains(list[0].Note, folder) {
			t.Errorf("%+v", list)
		}
	}
	a.tell(t, eraser.Notice{Job: held.ID, Selection: eraser.Source, AskedAt: held.CreatedAt})
	must(t, a.st.Close())

	_, err = backup.Open(t.Context(), folder, quietReading)
	must(t, err)
	o, err := backup.Open(t.Context(), folder, quietReading) // the first process was killed
	must(t, err)
	b := opened(t, folder, new(error))
	want := backup.Opened{Manifest: m, Keys: 30, Returns: []eraser.Notice{during, later}}
	unsaid := errors.New("nobody hears it")
	if err := o.Settle(t.Context(), b.Backups, func(backup.Opened) error { return unsaid }); !errors.Is(err, unsaid) {
		t.Error(err)
	}
	o, err = backup.Open(t.Context(), folder, quietReading)
	must(t, err)
	want.Keys = 0
	must(t, o.Settle(t.Context(), b.Backups, func(got backup.Opened) error {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		return nil
	}))
	if o, err := backup.Open(t.Context(), folder, quietReading); o != nil || err != nil {
		t.Errorf("it is a data folder now: %v %v", o, err)
	}
	keys, err := b.st.APIKeys(t.Context())
	if err != nil || len(keys) > 0 {
		t.Errorf("%v %v", keys, err)
	}
	must(t, b.st.Close())
	was, is := items(t, a.data), items(t, folder)
	maps.DeleteFunc(was, func(k table.Key, _ string) bool { return k.PK == "account.keys" || k.PK == "account.backups" })
	if diff := cmp.Diff(was, is); diff != "" {
		t.Errorf("items: -had +has\n%s", diff)
	}
}

func (a account) tell(t *testing.T, n eraser.Notice) []eraser.Remains {
	t.Helper()
	list, err := a.Tell(t.Context(), n)
	must(t, err)
	return list
}

// A receipt names the latest backups that are where they were put, and says how many others there
// are.
func TestTellListsBackups(t *testing.T) {
	t.Parallel()
	a := filled(t)
	dir := t.TempDir()
	for _, name := range []string{"moved", "unwritable", "there"} {
		_, err := a.Make(t.Context(), filepath.Join(dir, name), quiet)
		must(t, err)
	}
	must(t, os.Rename(filepath.Join(dir, "moved"), filepath.Join(dir, "elsewhere")))
	must(t, os.WriteFile(filepath.Join(dir, "unwritable", "erased"), nil, 0o600)) // where the notice would go
	n := eraser.Notice{Job: "0192", Selection: eraser.Source, AskedAt: time.Now().UTC()}
	list := a.tell(t, n)
	if len(list) != 3 || !strings.Contains(list[0].Note, "there. ") || !strings.Contains(list[1].Note, "could not be told") || !strings.HasPrefix(list[2].What, "other backups: 1, ") {
		t.Errorf("%+v", list)
	}
	if got := slices.Collect(maps.Keys(files(t, filepath.Join(dir, "there", "erased")))); !slices.Equal(got, []string{"0192.json"}) {
		t.Errorf("%v", got)
	}
	if got := files(t, filepath.Join(dir, "elsewhere")); got["erased/0192.json"] != "" {
		t.Error("a folder that is not where it was put was written to")
	}
}
