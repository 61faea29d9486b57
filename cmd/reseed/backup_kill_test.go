package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/effort"
	"reseed/internal/gen/company"
	"reseed/pkg/backup"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

const (
	backupKills   = 60
	backupRounds  = 4  // of backups while jobs run
	backupsARound = 12 // at most
)

// whole reads a backup, if there is one under this name. If there is anything under the name, it
// must be whole.
func whole(t *testing.T, folder string) (there bool) {
	t.Helper()
	if _, err := os.Lstat(folder); os.IsNotExist(err) {
		return false
	}
	if _, err := backup.Check(t.Context(), folder, func(int64, int64) {}); err != nil {
		t.Errorf("half a backup has the name: %v", err)
	}
	return true
}

// withoutNotes are items without the notes of backups, and without API keys.
func withoutNotes(items map[table.Key]string) map[table.Key]string {
	items = maps.Clone(items)
	maps.DeleteFunc(items, func(k table.Key, _ string) bool { return k.PK == store.BackupKey("").PK || k.PK == "account.keys" })
	return items
}

// withoutMarks are objects without those in which the tick notes when it last looked for old files.
func withoutMarks(objects map[string]string) map[string]string {
	objects = maps.Clone(objects)
	maps.DeleteFunc(objects, func(key, _ string) bool { return strings.HasPrefix(key, "sweep/") })
	return objects
}

// A backup that is killed at any moment leaves nothing under its name, unless it is whole. The next
// one removes the rest. The data folder stays as it is.
func TestKillBackupAnywhere(t *testing.T) {
	t.Parallel()
	k := &killer{bin: commands(t), seed: uint64(setting(t, envSeed, defaultSeed))}
	sc := &scenario{killer: k, piece: pieceBytes}
	from := t.TempDir()
	sc.start(t, from, "", []string{"import", "--source", "Bystander", generated(t, company.Options{Seed: 4, Customers: 12, Months: 12, Layout: company.Current}).folder(t)}, fate{}).succeeded(t)
	base := lookAt(t, from)
	data, target := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	copyFolder(t, from, data)
	out := sc.start(t, data, filepath.Join(t.TempDir(), "tally"), []string{"backup", target}, fate{}).succeeded(t)
	kinds := slices.Sorted(maps.Keys(out.made))
	if !slices.Contains(kinds, copied) {
		t.Fatalf("it copied no table: %v", out.made)
	}
	rng := rand.New(rand.NewPCG(k.seed, 27))
	for killed, n := 0, 0; killed < setting(t, envKills, effort.Some(backupKills)); n++ {
		data, target := t.TempDir(), filepath.Join(t.TempDir(), "backup")
		copyFolder(t, from, data)
		by, at := fate{}, time.Duration(rng.Int64N(int64(out.took)))
		if rng.IntN(2) == 0 {
			kind := kinds[rng.IntN(len(kinds))]
			by, at = fate{kind, 1 + rng.IntN(out.made[kind]), []string{before, amid, after}[rng.IntN(3)]}, time.Hour
		}
		p := sc.start(t, data, "", []string{"backup", target}, by)
		kill := time.AfterFunc(at, func() { _ = p.cmd.Process.Kill() })
		dead := p.ended()
		kill.Stop()
		if dead.killed {
			killed++
		}
		t.Logf("%d: after %v, %v: killed %t", n, at, by, dead.killed)
		if there := whole(t, target); there {
			target += " 2"
		}
		sc.start(t, data, "", []string{"backup", target}, fate{}).succeeded(t)
		sc.afterBackup(t, base, data, target)
	}
}

// afterBackup checks a data folder, and the backups that were made of it.
func (sc *scenario) afterBackup(t *testing.T, base *world, data, target string) {
	t.Helper()
	if !whole(t, target) {
		t.Error("there is no backup")
	}
	made, err := filepath.Glob(filepath.Join(filepath.Dir(target), "*"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(data, "*"))
	if err != nil || slices.Contains(names, filepath.Join(data, "backup.tmp")) {
		t.Errorf("left in the data folder: %v %v", names, err)
	}
	w := lookAt(t, data)
	notes := 0
	for key, a := range w.items {
		if key.PK == store.BackupKey("").PK {
			notes++
			if !slices.Contains(made, table.Attrs(a).Str("folder")) {
				t.Errorf("%s is noted, and there is none", table.Attrs(a).Str("folder"))
			}
		}
	}
	if notes != len(made) {
		t.Errorf("%d backups are noted, and there are %v", notes, made)
	}
	for _, folder := range append(made, data) {
		is := lookAt(t, folder)
		if d := differ(withoutNotes(base.items), withoutNotes(is.items)); d != "" {
			t.Errorf("%s: %s", folder, d)
		}
		if d := cmp.Diff(withoutMarks(base.objects), withoutMarks(is.objects)); d != "" {
			t.Errorf("%s: %s", folder, d)
		}
	}
}

// Backups are taken at random moments while imports and erases run on the server. Each of them is
// then used as a data folder: every job in it goes on and ends, as it does undisturbed, no object
// is missing, and the bystander is as it was.
func TestBackupsWhileJobsRun(t *testing.T) {
	t.Parallel()
	k := &killer{bin: commands(t), seed: uint64(setting(t, envSeed, defaultSeed))}
	sc := &scenario{killer: k, piece: pieceBytes}
	other := generated(t, company.Options{Seed: 4, Customers: 12, Months: 12, Layout: company.Current})
	in := generated(t, company.Options{Seed: 9, Customers: 60, Months: 12, Layout: company.Named})
	from := t.TempDir()
	sc.start(t, from, "", []string{"import", "--source", "Bystander", other.folder(t)}, fate{}).succeeded(t) // tag 1
	sc.start(t, from, "", []string{"import", "--source", "Erased", other.folder(t)}, fate{}).succeeded(t)    // tag 2
	base := lookAt(t, from)
	rng := rand.New(rand.NewPCG(k.seed, 28))
	underway := 0
	for range effort.Some(backupRounds) {
		data, dir := t.TempDir(), t.TempDir()
		copyFolder(t, from, data)
		made := sc.backupsMeanwhile(t, rng, data, dir, in.folder(t))
		for _, folder := range append(made, data) {
			busy := sc.goesOn(t, folder, base, in)
			underway += busy
			t.Logf("%s: %d jobs were under way", folder, busy)
		}
	}
	if underway == 0 {
		t.Error("no backup was made while a job was under way")
	}
}

// backupsMeanwhile makes backups through the server of a data folder while it imports and erases.
func (sc *scenario) backupsMeanwhile(t *testing.T, rng *rand.Rand, data, dir, files string) (made []string) {
	t.Helper()
	server := sc.start(t, data, "", []string{"serve", "--addr", "127.0.0.1:0"}, fate{})
	<-server.out.line
	work := []*process{
		sc.start(t, data, "", []string{"import", "--source", companyName, files}, fate{}),
		sc.start(t, data, "", []string{"erase", "source", "Erased", "--yes"}, fate{}),
	}
	goesOn := func(p *process) bool { return p.lives() }
	for len(made) < backupsARound && slices.ContainsFunc(work, goesOn) {
		time.Sleep(time.Duration(rng.Int64N(int64(60 * time.Millisecond))))
		folder := filepath.Join(dir, fmt.Sprint(len(made)))
		sc.start(t, data, "", []string{"backup", folder}, fate{}).succeeded(t)
		made = append(made, folder)
	}
	for _, p := range work {
		p.succeeded(t)
	}
	if err := server.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	server.succeeded(t)
	return made
}

// goesOn serves a data folder until all its jobs have ended, and returns how many had not.
func (sc *scenario) goesOn(t *testing.T, folder string, base *world, in input) (busy int) {
	t.Helper()
	start := lookAt(t, folder)
	for _, j := range start.jobs {
		if !j.Status.Ended() {
			busy++
		}
	}
	if out := sc.start(t, folder, "", []string{"sources", "list"}, fate{}).ended(); out.status != exitDone {
		t.Fatalf("opened: %s", out.stderr)
	}
	sc.run(t, nil, folder, action{}, 0, fate{})
	w := lookAt(t, folder)
	w.orderly(t)
	for _, j := range w.jobs {
		if j.Status != job.Done {
			t.Errorf("%s: job %s is %s: %s", folder, j.ID, j.Status, j.Error)
		}
		if j.Import != nil && j.SourceName == companyName {
			if d := cmp.Diff(in.model(t, w.rejects(t, j), j.CreatedAt), w.contents(j.Tag)); d != "" {
				t.Errorf("%s: the source does not hold what its rows say (-want +got):\n%s", folder, d)
			}
		}
		if j.Erase != nil && (len(w.contents(companyTag)) > 0 || strings.Contains(fmt.Sprint(names(w.directory)), "Erased")) {
			t.Errorf("%s: what is erased is there", folder)
		}
	}
	if d := cmp.Diff(base.contents(bystanderTag), w.contents(bystanderTag)); d != "" {
		t.Errorf("%s: the bystander: %s", folder, d)
	}
	return busy
}

// An API key, of the settings or made later, opens no door: only a command on the data folder makes
// a backup.
func TestAnAPIKeyMakesNoBackup(t *testing.T) {
	t.Parallel()
	sh := here(t, nil)
	sh.environ = append(sh.environ, "RESEED_API_KEY=a key that is long enough")
	serving(t, sh, anyAddress(), func(said *shown) {
		folder := filepath.Join(t.TempDir(), "backup")
		s := throughDoor(t.Context(), sh.data)
		body, err := os.ReadFile(doorFile(sh.data))
		var own door
		if err = errors.Join(err, json.Unmarshal(body, &own)); err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{said.url(), own.URL} {
			with := door{URL: url, Key: "a key that is long enough"}
			if _, err := askForBackup(with, patientClient(defaultWaits()))(t.Context(), folder, func(backup.Progress) {}); err == nil {
				t.Errorf("%s made a backup", url)
			}
		}
		if whole(t, folder) {
			t.Error("there is a backup")
		}
		if _, err := s.makeBackup(t.Context(), folder, func(backup.Progress) {}); err != nil || !whole(t, folder) {
			t.Errorf("with the door's key: %v", err)
		}
		if _, err := s.makeBackup(t.Context(), folder, func(backup.Progress) {}); err == nil || fault.Is(err, fault.Busy) || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("once more: %v", err)
		}
	})
}

// A command that is stopped takes its backup with it. The server goes on, and makes the next one.
func TestAStoppedCommandLeavesNoBackup(t *testing.T) {
	t.Parallel()
	sh := here(t, nil)
	serving(t, sh, anyAddress(), func(*shown) {
		s := throughDoor(t.Context(), sh.data)
		dir := t.TempDir()
		ctx, stop := context.WithCancel(t.Context())
		_, _ = s.makeBackup(ctx, filepath.Join(dir, "stopped"), func(backup.Progress) { stop() })
		for { // the server may still be busy with the first one
			_, err := s.makeBackup(t.Context(), filepath.Join(dir, "next"), func(backup.Progress) {})
			if err == nil {
				break
			}
			if !strings.Contains(err.Error(), "another backup") {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		whole(t, filepath.Join(dir, "stopped")) // it may have been too late to stop it
		if !whole(t, filepath.Join(dir, "next")) {
			t.Error("the next one is not there")
		}
		for _, left := range []string{filepath.Join(dir, "stopped.reseed-partial"), filepath.Join(sh.data, "backup.tmp")} {
			if _, err := os.Lstat(left); !os.IsNotExist(err) {
				t.Errorf("%s is left: %v", left, err)
			}
		}
	})
}
