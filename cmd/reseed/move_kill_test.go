package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/effort"
	"reseed/internal/gen/company"
)

const moveKills = 60 // see envKills

// TestKillMoves kills a move before, amid or after each of its changes, sometimes twice, and begins
// it again: everything is there once, as it was, and the source says where.
func TestKillMoves(t *testing.T) {
	t.Parallel()
	k := &killer{bin: commands(t)}
	base := t.TempDir()
	in := generated(t, company.Options{Seed: 3, Customers: 40, Months: 12, Layout: company.Named})
	k.plain(t, base, pieceBytes, "import", "--source", companyName, in.folder(t))
	k.plain(t, base, pieceBytes, "import", "--source", companyName, in.changed().folder(t), "--plan")
	editSome(t, base, in)
	m := mortalMove{k, base, lookAt(t, base)}
	whole := m.try(t, t.TempDir(), nil)
	points := 0
	for _, kind := range []string{batchWrite, transact, object} {
		points += whole[kind]
	}
	kills := setting(t, envKills, effort.Some(moveKills))
	for i := range kills {
		at, when := 1+i*points/kills, []string{before, amid, after}[i%3]
		for _, kind := range []string{batchWrite, transact, object} {
			if n := whole[kind]; at > n {
				at -= n
				continue
			}
			m.try(t, t.TempDir(), []fate{{kind, at, when}, {kind, 1 + at/2, after}}[:1+i%2])
			break
		}
	}
	t.Logf("%d moves were killed at %d points: %v", kills, points, whole)
}

// mortalMove is the move of a data folder.
type mortalMove struct {
	*killer
	base string
	was  *world
}

// try moves a copy of the folder, and dies as often as there are fates. It returns what the last
// process did.
func (m mortalMove) try(t *testing.T, dir string, fates []fate) tally {
	t.Helper()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	copyFolder(t, m.base, from)
	for _, f := range fates {
		if status, out := m.run(t, from, to, "", f); status != -1 { // the change does not come a second time
			t.Logf("%v: lived to its end: %s", f, out)
		}
	}
	list := filepath.Join(dir, "tally")
	if status, out := m.run(t, from, to, list, fate{}); status != exitDone && !strings.Contains(out, "already") {
		t.Fatalf("%v: the move ended with %d: %s", fates, status, out)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(m.bin, "reseed"), "--data", from, "jobs").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `was moved to folder "to"`) {
		t.Fatalf("%v: the source can be used: %s", fates, out)
	}
	is := lookAt(t, to)
	if diff := differ(m.was.items, is.items); diff != "" {
		t.Fatalf("%v: %s", fates, diff)
	}
	if diff := cmp.Diff(m.was.objects, is.objects); diff != "" {
		t.Fatalf("%v: objects:\n%.2000s", fates, diff)
	}
	if len(is.jobs) != len(m.was.jobs) || len(is.directory.Sources) != 1 {
		t.Fatalf("%v: %d jobs, %d sources", fates, len(is.jobs), len(is.directory.Sources))
	}
	is.orderly(t)
	var made tally
	if body, err := os.ReadFile(list); err != nil || json.Unmarshal(body, &made) != nil {
		t.Fatalf("%v: no tally: %v", fates, err)
	}
	return made
}

// run runs one process, whose status is -1 if it was killed.
func (m mortalMove) run(t *testing.T, from, to, list string, f fate) (status int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(m.bin, "mortal"), "--data", from, "move", "--to", to)
	cmd.Env = append(os.Environ(), envFate+"="+f.String(), envTally+"="+list, envPiece+"="+strconv.Itoa(pieceBytes))
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), fmt.Sprint(string(text), err)
}
