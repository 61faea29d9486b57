package main

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/job"
	"reseed/pkg/table"
)

// calibrate does the scenario undisturbed, and keeps what it came to.
func (sc *scenario) calibrate(t *testing.T) {
	t.Helper()
	data := t.TempDir()
	copyFolder(t, sc.from, data)
	sc.base, sc.life = lookAt(t, data), tally{}
	w := sc.base
	sc.steps = []map[table.Key]string{w.items}
	for {
		a, more := sc.next(w, nil)
		if !more {
			break
		}
		out := sc.undisturbed(t, data, a)
		sc.took += out.took
		for kind, n := range out.made {
			sc.life[kind] += n
		}
		w = lookAt(t, data)
		w.orderly(t)
		sc.steps = append(sc.steps, w.itemsWithout(w.since(sc.base)))
	}
	sc.end = w
	sc.model = sc.doer(t, w)
	sc.accounts(t, w)
	if len(w.torn) > 0 {
		t.Errorf("half-written files although nothing was killed: %v", w.torn)
	}
	t.Logf("undisturbed: %v, %v", sc.took.Round(time.Millisecond), sc.life)
}

// undisturbed does what a person does next, in a process that is not killed.
func (sc *scenario) undisturbed(t *testing.T, data string, a action) outcome {
	t.Helper()
	if a.args == nil {
		return sc.run(t, nil, data, a, 0, fate{})
	}
	return sc.start(t, data, filepath.Join(t.TempDir(), "tally"), a.args, fate{}).succeeded(t)
}

// accounts checks that every row is accounted for (I1), against the rows themselves.
func (sc *scenario) accounts(t *testing.T, w *world) {
	t.Helper()
	rejects, want := w.rejects(t, sc.model), sc.left
	for ds, rows := range sc.reads {
		want += sc.rejects[ds]
		if got := sc.model.Datasets[string(ds)]; got.Rejected != sc.rejects[ds] || got.Read != int64(len(rows)-1) {
			t.Errorf("%s: %+v, want %d rejected of %d", ds, got, sc.rejects[ds], len(rows)-1)
		}
	}
	if sc.model.Rejects != want {
		t.Errorf("%d rows were rejected, or left alone, want %d: %s", sc.model.Rejects, want, rejects)
	}
	if sc.holds == nil {
		return
	}
	if d := cmp.Diff(sc.holds.model(t, rejects, sc.model.CreatedAt), w.contents(companyTag)); d != "" {
		t.Errorf("the source does not hold what its rows say (-want +got):\n%s", d)
	}
}

// doer is the job that did what the scenario is about: it is done and has changed something.
func (sc *scenario) doer(t *testing.T, w *world) *job.Job {
	t.Helper()
	var doers []*job.Job
	for _, j := range w.since(sc.base) {
		if j.Status == job.Restored || j.Status == job.Done && (j.Erase != nil || j.Progress.ItemsDone > 0) {
			doers = append(doers, j)
		}
	}
	imported, undone := firstOf(doers)
	switch {
	case sc.cancels && undone != nil:
		return undone
	case sc.cancels:
		return imported
	case len(doers) != 1:
		t.Fatalf("%d jobs have changed something", len(doers))
	}
	return doers[0]
}

// killed does the scenario round after round, until it was killed often enough.
func (sc *scenario) killed(t *testing.T, wanted int) {
	t.Helper()
	for n := 0; sc.kills < wanted && !t.Failed(); n++ {
		if n == wanted*mostFutile {
			t.Fatalf("%d kills in %d rounds", sc.kills, n)
		}
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			name := fnv.New64a()
			_, _ = fmt.Fprint(name, sc.name, n)
			rng := rand.New(rand.NewPCG(sc.seed, name.Sum64()))
			t.Logf("seed %d", sc.seed)
			sc.round(t, rng)
		})
	}
}

// round does the scenario once, with kills. After each process it checks the data folder.
func (sc *scenario) round(t *testing.T, rng *rand.Rand) {
	t.Helper()
	data := t.TempDir()
	copyFolder(t, sc.from, data)
	deaths := sc.deaths(rng)
	for n := 0; ; n++ {
		w := lookAt(t, data)
		a, more := sc.next(w, rng)
		sc.check(t, w, !more)
		if t.Failed() || !more {
			break
		}
		if n == mostCommands {
			t.Fatalf("it does not come to an end")
		}
		at, by := deaths.next(rng)
		out := sc.run(t, rng, data, a, at, by)
		if out.killed {
			sc.kills++
			sc.killer.kills.Add(1)
			if by.n > 0 {
				sc.points.Add(1)
			}
		}
		deaths.met(out)
	}
	if !t.Failed() {
		sc.settled(t, data)
	}
}

// deaths says when the processes of one round die: by the clock, or at changes of one kind. They
// are spread evenly over the life of the undisturbed scenario, all its processes one after the
// other.
type deaths struct {
	kind string // of change; empty: by the clock
	gaps []int  // from one death to the next, in microseconds or changes
}

func (sc *scenario) deaths(rng *rand.Rand) *deaths {
	d, life := &deaths{}, int(sc.took.Microseconds())
	if kinds := slices.Sorted(maps.Keys(sc.life)); len(kinds) > 0 && rng.IntN(5) < 3 {
		d.kind = kinds[rng.IntN(len(kinds))]
		life = sc.life[d.kind]
	}
	for range 1 + rng.IntN(mostDeaths) {
		d.gaps = append(d.gaps, rng.IntN(life))
	}
	slices.Sort(d.gaps)
	for i := len(d.gaps) - 1; i > 0; i-- {
		d.gaps[i] -= d.gaps[i-1]
	}
	return d
}

// next says when the next process dies; zero values: it does not.
func (d *deaths) next(rng *rand.Rand) (at time.Duration, by fate) {
	switch {
	case len(d.gaps) == 0:
		return 0, fate{}
	case d.kind == "":
		return time.Duration(d.gaps[0]+1) * time.Microsecond, fate{}
	}
	return 0, fate{d.kind, d.gaps[0] + 1, []string{before, amid, after}[rng.IntN(3)]}
}

// met subtracts what a process has lived from the gap up to the next death.
func (d *deaths) met(out outcome) {
	switch {
	case len(d.gaps) == 0:
	case out.killed:
		d.gaps = d.gaps[1:]
	case d.kind == "":
		d.gaps[0] = max(0, d.gaps[0]-int(out.took.Microseconds()))
	default:
		d.gaps[0] = max(0, d.gaps[0]-out.made[d.kind])
	}
}
