package main

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/effort"
	"reseed/internal/gen/company"
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// How many kills, and from which seed. A round is replayed by the seed and its name, e.g.
// RESEED_TEST_SEED=7 go test ./cmd/reseed -run 'TestKillAnywhere/all/undo_in_pieces/12$'.
const (
	envKills     = "RESEED_TEST_KILLS"
	envSeed      = "RESEED_TEST_SEED"
	defaultKills = 220
	defaultSeed  = 1
)

// Of the inputs. Pieces make several key ranges of an upsert, and all sixteen of a replace.
const (
	pieceBytes     = 12_000
	wholeBytes     = 1 << 20
	manyRows       = 60_000 // in one key range, so that an apply saves how far it is, and goes on from there
	manyShare      = 4      // of as many kills as another scenario: it takes longer
	mostDeaths     = 5      // in one round
	mostCommands   = 60     // in one round
	mostFutile     = 6      // rounds for each kill that is wanted
	editedRows     = 3      // customers that people have edited
	bystanderTag   = 1
	companyTag     = 2
	companyName    = "Company"
	firstCustomers = 20 // of the former input
	leftAlone      = 26 // rows of the renewed source that were touched since, or are needed by such
)

// killer is what all scenarios share.
type killer struct {
	bin  string // folder of the commands
	seed uint64

	kills, points, strays atomic.Int64
}

// scenario is something that a person does, and that is killed on the way.
type scenario struct {
	*killer
	name    string
	piece   int    // bytes; 0: all as it is shipped
	plain   bool   // on an engine that can do no more than DynamoDB
	from    string // data folder that it begins with
	args    []string
	again   bool                      // a person may type that again before it has ended
	cancels bool                      // cancels what it has begun, and takes it back
	large   bool                      // takes longer, and so has a smaller share of the kills
	restore bool                      // restores what it has erased
	canary  string                    // is nowhere once it is erased; empty: not looked for
	touches []store.Tag               // sources that an erase touches; nil: any
	reads   input                     // rows of the files
	rejects map[billing.Dataset]int64 // of them
	holds   input                     // rows of which all that are not rejected, and no others, are stored at the end; nil: not told
	left    int64                     // rows that an undo leaves alone
	kills   int

	// Found out by doing it undisturbed:
	base, end *world
	steps     []map[table.Key]string // items after each command
	model     *job.Job               // that did it
	life      tally
	took      time.Duration
}

// TestKillAnywhere upholds the invariants, and I6 first of all: kill -9 at any instant, and as often as you like, and whatever goes on
// then comes to the same end, with the same sums. Each scenario is done undisturbed once; then, round after round, on a copy
// of the same data folder, with kills spread evenly over its life: by the clock, and at exact changes
// that it makes. What it comes to is compared item by item.
func TestKillAnywhere(t *testing.T) { //nolint:tparallel // the scenarios run at once; the one around them waits for them
	t.Parallel()
	k := &killer{bin: commands(t), seed: uint64(setting(t, envSeed, defaultSeed))}
	k.each(t, k.scenarios(t), setting(t, envKills, effort.Some(defaultKills)))
}

// each kills all scenarios at once.
func (k *killer) each(t *testing.T, all []*scenario, wanted int) {
	t.Helper()
	start := time.Now()
	t.Run("all", func(t *testing.T) {
		for _, sc := range all {
			t.Run(strings.ReplaceAll(sc.name, " ", "_"), func(t *testing.T) {
				t.Parallel()
				sc.calibrate(t)
				share := wanted/len(all) + 1
				if sc.large {
					share = share/manyShare + 1
				}
				sc.killed(t, share)
			})
		}
	})
	took := time.Since(start)
	t.Logf("%d kills in %v, %.0f a minute, %d of them at exact changes, %d stray files; seed %d",
		k.kills.Load(), took.Round(time.Second), float64(k.kills.Load())/took.Minutes(), k.points.Load(), k.strays.Load(), k.seed)
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number above 0", name, text)
	}
	return n
}

// scenarios makes the inputs, the data folders to begin with, and the list.
func (k *killer) scenarios(t *testing.T) []*scenario {
	t.Helper()
	whole := generated(t, company.Options{Seed: 9, Customers: 28, Months: 12, Layout: company.Named})
	former, recent := whole.some(0, firstCustomers-1), whole.some(7, 27).changed()
	spoiled, rejects := whole.some(0, firstCustomers-1).spoiled()
	worse, worseRejects := whole.some(7, 27).changed().spoiled()
	other := generated(t, company.Options{Seed: 4, Customers: 12, Months: 12, Layout: company.Current})
	imports := func(from ...string) []string { return append([]string{"import", "--source", companyName}, from...) }
	replace := func(more ...string) []string {
		return imports(append([]string{recent.folder(t), "--mode", "replace"}, more...)...)
	}
	blank, old := t.TempDir(), t.TempDir()
	k.plain(t, blank, wholeBytes, "import", "--source", "Bystander", other.folder(t))
	copyFolder(t, blank, old)
	k.plain(t, old, wholeBytes, imports(former.folder(t))...)
	editSome(t, old, former)

	var all []*scenario
	add := func(piece int, sc scenario) {
		sc.killer, sc.piece = k, piece
		all = append(all, &sc)
	}
	for size, piece := range map[string]int{" in pieces": pieceBytes, " at once": wholeBytes} {
		renewed, touched := t.TempDir(), t.TempDir()
		copyFolder(t, old, renewed)
		k.plain(t, renewed, piece, replace("--yes")...)
		list := lookAt(t, renewed).jobs
		undo := []string{"undo", list[len(list)-1].ID}
		copyFolder(t, renewed, touched)
		k.plain(t, touched, piece, imports(whole.some(25, 27).folder(t))...)
		add(piece, scenario{name: "import" + size, from: blank, args: imports(spoiled.mixture(t)...), again: true, reads: spoiled, rejects: rejects, holds: spoiled})
		add(piece, scenario{name: "plan and apply" + size, from: old, args: imports(worse.folder(t), "--plan"), again: true, reads: worse, rejects: worseRejects})
		add(piece, scenario{name: "replace" + size, from: old, args: replace("--yes"), again: true, reads: recent, holds: recent})
		add(piece, scenario{name: "undo" + size, from: renewed, args: undo, holds: former})
		add(piece, scenario{name: "undo in part" + size, from: touched, args: undo, left: leftAlone})
		add(piece, scenario{name: "cancel and undo" + size, from: old, args: replace("--max-removed", "100"), cancels: true, holds: former})
	}
	add(0, scenario{name: "import many as shipped", large: true, from: blank, args: imports(manyCustomers().folder(t)), again: true})
	slices.SortFunc(all, func(a, b *scenario) int { return strings.Compare(a.name, b.name) })
	return all
}

// plain does one command that nobody disturbs.
func (k *killer) plain(t *testing.T, data string, piece int, args ...string) {
	t.Helper()
	sc := &scenario{killer: k, piece: piece}
	sc.start(t, data, "", args, fate{}).succeeded(t)
}

// editSome lets people edit some customers: no import may touch that (I3).
func editSome(t *testing.T, data string, in input) {
	t.Helper()
	d, err := pebble.Open(filepath.Join(data, "table"), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	st := store.New(d)
	directory, err := st.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	src, _ := directory.ByName(companyName)
	for _, row := range in[billing.Customers][1:][:editedRows] {
		h := directory.Hasher().CustomerH(row[in.column(billing.Customers, "External ID")])
		found, err := st.Lookup(t.Context(), src.Space().Customer(h))
		if err != nil {
			t.Fatal(err)
		}
		c := edit.Of(src.Space(), h, found[src.Space().Customer(h)])
		edited(t, st, c.AddTags("vip"))
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

// copyFolder copies files with their times: an erase leaves what was put there since it began.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	err := os.CopyFS(to, os.DirFS(from))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, name)
		return os.Chtimes(filepath.Join(to, rel), time.Time{}, info.ModTime())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// action is what a person does next: a command, or nothing but to start the server and wait.
type action struct {
	args []string
	live bool // cancel it, too, while it runs
}

// next is what a person does who finds the folder like this, and whether there is anything left to do.
func (sc *scenario) next(w *world, rng *rand.Rand) (a action, more bool) {
	fresh := w.since(sc.base)
	for _, j := range fresh {
		switch {
		case j.Status.Ended():
		case j.Erase != nil:
			return sc.nextOfErase(j, rng), true
		case sc.cancels && j.Import.Undo == "" && !j.Import.Cancel:
			return action{args: []string{"cancel", j.ID}}, true
		case sc.again && rng.IntN(2) == 0:
			return action{args: sc.args}, true
		default:
			return action{}, true
		}
	}
	if sc.cancels {
		return sc.nextOfCancel(fresh, rng)
	}
	a = action{args: sc.args}
	for _, j := range fresh {
		switch j.Status { //nolint:exhaustive // the others are not looked for
		case job.Done, job.Restored:
			return action{}, len(w.open) > 0 // an erase that was taken over has to end too
		case job.Planned:
			a.args = []string{"apply", j.ID} // the last one: what an earlier one removes, it would
		}
	}
	return a, true
}

// nextOfErase is next while an erase goes on: restore it, wait, or look, with a command that ends in the midst of the sweep.
func (sc *scenario) nextOfErase(j *job.Job, rng *rand.Rand) action {
	switch {
	case sc.restore:
		return action{args: []string{"restore", j.ID}}
	case rng != nil && rng.IntN(4) == 0:
		return action{args: []string{"jobs"}}
	}
	return action{}
}

// nextOfCancel is next in a scenario that cancels: import, and take back what came of it.
func (sc *scenario) nextOfCancel(fresh []*job.Job, rng *rand.Rand) (a action, more bool) {
	imported, undone := parted(fresh)
	switch {
	case imported == nil:
		return action{args: sc.args, live: rng != nil && rng.IntN(2) == 0}, true
	case undone == nil && imported.Import.Applying:
		return action{args: []string{"undo", imported.ID}}, true
	}
	return action{}, false
}

// parted finds the first import, and the first undo, among some jobs.
func parted(jobs []*job.Job) (imported, undone *job.Job) {
	for _, j := range jobs {
		switch {
		case j.Import == nil:
		case j.Import.Undo != "" && undone == nil:
			undone = j
		case j.Import.Undo == "" && imported == nil:
			imported = j
		}
	}
	return imported, undone
}

// calibrate does it undisturbed.
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
		sc.steps = append(sc.steps, w.itemsAnd(w.since(sc.base)))
	}
	sc.end = w
	sc.model = sc.doer(t, w)
	sc.accounts(t, w)
	if len(w.torn) > 0 {
		t.Errorf("half-written files although nothing was killed: %v", w.torn)
	}
	t.Logf("undisturbed: %v, %v", sc.took.Round(time.Millisecond), sc.life)
}

// undisturbed is what a person does next, in a process of its own, or what a server does that is started.
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

// doer is the job that did it: the one that is done, and has changed something.
func (sc *scenario) doer(t *testing.T, w *world) *job.Job {
	t.Helper()
	var doers []*job.Job
	for _, j := range w.since(sc.base) {
		if j.Status == job.Restored || j.Status == job.Done && (j.Erase != nil || j.Progress.ItemsDone > 0) {
			doers = append(doers, j)
		}
	}
	imported, undone := parted(doers)
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

// killed does it round after round until it was killed often enough.
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

// deaths are when processes of one round are to die: by the clock, or at changes of one kind. They are spread evenly over the
// life of the undisturbed scenario, which goes on from one process to the next.
type deaths struct {
	kind string // empty: by the clock
	gaps []int  // microseconds, or changes
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

// next is when the next process is to die; zero values: not at all.
func (d *deaths) next(rng *rand.Rand) (at time.Duration, by fate) {
	switch {
	case len(d.gaps) == 0:
		return 0, fate{}
	case d.kind == "":
		return time.Duration(d.gaps[0]+1) * time.Microsecond, fate{}
	}
	return 0, fate{d.kind, d.gaps[0] + 1, []string{before, amid, after}[rng.IntN(3)]}
}

// met takes off what a process has lived of the time up to the next death.
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

// check checks what must hold whenever a process has ended, one way or the other: before anything is written all is as it was (I4), when a
// job is done all is as in the undisturbed run (I6), and in between each item is as before or as afterwards, so that
// neither edits (I3) nor the bystander are touched.
func (sc *scenario) check(t *testing.T, w *world, over bool) {
	t.Helper()
	w.orderly(t)
	fresh := w.since(sc.base)
	begun := false
	for _, j := range fresh {
		begun = begun || j.Erase != nil || j.Import.Applying
		if j.Status == job.Failed {
			t.Errorf("job %s failed: %s", j.ID, j.Error)
		}
		if j.Erase != nil && j.Status != job.Restored && sc.visible(w, j) {
			t.Error("what is erased can still be seen") // I5
		}
	}
	allowed := sc.steps
	switch {
	case over:
		allowed = sc.steps[len(sc.steps)-1:]
	case !begun:
		allowed = sc.steps[:1]
	}
	if d := strayed(w.itemsAnd(fresh), allowed); d != "" {
		t.Errorf("begun %t, over %t: %s", begun, over, d)
	}
}

// visible tells whether the selection of an erase can still be seen.
func (sc *scenario) visible(w *world, j *job.Job) bool {
	switch j.Erase.Selection {
	case "source":
		_, there := w.directory.ByName(companyName)
		return there
	case "content", "dependent":
		was, _ := sc.base.directory.ByName(companyName)
		is, there := w.directory.ByName(companyName)
		return !there || is.Epochs == was.Epochs
	case "manual-customers":
		return w.directory.ManualEpoch == sc.base.directory.ManualEpoch
	}
	// The tombstone goes when all is swept, a moment before the job is done.
	return len(w.tombstones) == 0 && strayed(w.itemsAnd(w.since(sc.base)), sc.steps[len(sc.steps)-1:]) != ""
}

// outline is what of a job is the same however often it was killed.
type outline struct {
	Status          job.Status
	Datasets        map[string]job.Counts
	Rejects         int64
	Notes           []string
	Confirm         string
	Removes, Parked bool
	Removed         map[string]int64
	Changes         int64
	WriteUnits      float64
	Done, Total     int64
	Files           []string // that it has made
	RejectsFile     string
	Receipt         eraser.Receipt
}

func outlineOf(t *testing.T, w *world, j *job.Job) outline {
	t.Helper()
	o := outline{Status: j.Status, Datasets: j.Datasets, Rejects: j.Rejects, Notes: j.Notes, Done: j.Progress.ItemsDone, Total: j.Progress.ItemsTotal}
	if j.Erase != nil {
		o.Removed, o.Receipt = j.Erase.Removed, receiptOf(j)
	}
	if s := j.Import; s != nil {
		o.Confirm, o.Removes, o.Parked = s.Confirm, s.Removes, s.Parked
		if s.Estimate != nil {
			o.Changes, o.WriteUnits = s.Estimate.Changes, s.Estimate.WriteUnits
		}
	}
	dir := "jobs/" + j.ID + "/"
	for name := range w.objects {
		if rel, ours := strings.CutPrefix(name, dir); ours {
			o.Files = append(o.Files, rel)
		}
	}
	slices.Sort(o.Files)
	o.RejectsFile = w.rejects(t, j)
	return o
}

// settled checks a folder on which all has come to its end: what the jobs say of it, what lies about, and what can be done next.
func (sc *scenario) settled(t *testing.T, data string) {
	t.Helper()
	w := lookAt(t, data)
	sc.strays.Add(int64(w.strays()))
	if !sc.cancels {
		if d := cmp.Diff(outlineOf(t, sc.end, sc.model), outlineOf(t, w, sc.doer(t, w))); d != "" {
			t.Errorf("the job (-undisturbed +killed):\n%s", d)
		}
	}
	if d := cmp.Diff(names(sc.end.directory), names(w.directory)); d != "" {
		t.Errorf("the directory (-undisturbed +killed):\n%s", d)
	}
	for name := range w.objects {
		if strings.Contains(name, "/runs/") {
			t.Errorf("%s is left behind", name)
		}
	}
	_, undone := parted(w.since(sc.base))
	switch {
	case undone != nil:
		if target := w.job(undone.Import.Undo); target.Import.UndoneBy != undone.ID {
			t.Errorf("job %s was taken back by %s, but names %q", target.ID, undone.ID, target.Import.UndoneBy)
		}
		if !sc.cancels {
			sc.takenBack(t, data, undone.ID)
		}
	case sc.model.Erase != nil:
		sc.erased(t, data, w)
		if d := cmp.Diff(slices.Sorted(maps.Keys(sc.end.objects)), slices.Sorted(maps.Keys(w.objects))); d != "" {
			t.Errorf("files (-undisturbed +killed):\n%s", d)
		}
	case !sc.cancels:
		sc.once(t, data, w)
		sc.takenBack(t, data, sc.doer(t, w).ID)
	}
}

// names are the sources by their tags, and what else the directory says that is no accident of the run.
func names(d store.Directory) map[string]any {
	out := map[string]any{"next tag": d.NextTag, "manual": d.ManualEpoch, "key": d.HashKey, "forgets": d.Forgets}
	for _, s := range d.Sources {
		out[fmt.Sprint(s.Tag)] = []any{s.Name, s.System, s.Epochs, s.Shards}
	}
	return out
}

// once checks that the same files again change nothing (I2): neither those that were imported twice already, since
// the first try was killed, nor once more. A plan that was left over is refused.
func (sc *scenario) once(t *testing.T, data string, w *world) {
	t.Helper()
	doer := sc.doer(t, w)
	for _, j := range w.since(sc.base) {
		switch {
		case j.Status == job.Planned && j.Import.Estimate.Changes == 0: // made after it was done
			unchanged(t, j)
		case j.Status == job.Planned:
			if d := cmp.Diff(sc.model.Datasets, j.Datasets); d != "" {
				t.Errorf("a plan (-undisturbed +killed):\n%s", d)
			}
			if out := sc.start(t, data, "", []string{"apply", j.ID}, fate{}).ended(); out.status != exitFailed || !strings.Contains(out.said+out.told, "since this plan was made") {
				t.Errorf("a plan that was overtaken: exit status %d: %s", out.status, out.said+out.told)
			}
		case j.ID != doer.ID:
			unchanged(t, j)
		}
	}
	args := slices.DeleteFunc(slices.Clone(sc.args), func(arg string) bool { return arg == "--plan" })
	sc.start(t, data, "", args, fate{}).succeeded(t)
	again := lookAt(t, data)
	unchanged(t, again.jobs[len(again.jobs)-1])
	if d := differ(w.items, again.items); d != "" {
		t.Errorf("the same files again: %s", d)
	}
}

func unchanged(t *testing.T, j *job.Job) {
	t.Helper()
	if j.Cost.WriteMilli != 0 {
		t.Errorf("the same files again: %d thousandths of a unit written", j.Cost.WriteMilli)
	}
	for name, c := range j.Datasets {
		if c.Read != c.Unchanged+c.Rejected || c.Removed != 0 {
			t.Errorf("the same files again: %s: %+v", name, c)
		}
	}
}

// takenBack takes a job back, whereupon every byte is as before.
func (sc *scenario) takenBack(t *testing.T, data, id string) {
	t.Helper()
	sc.start(t, data, "", []string{"undo", id}, fate{}).succeeded(t)
	if d := differ(sc.base.items, lookAt(t, data).items); d != "" {
		t.Errorf("taken back: %s", d)
	}
}
