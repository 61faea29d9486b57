package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/internal/effort"
	"reseed/internal/gen/company"
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// How many kills, and from which seed. Seed and name of a round replay it, e.g.
// RESEED_TEST_SEED=7 go test ./cmd/reseed -run 'TestKillAnywhere/all/undo_in_pieces/12$'.
const (
	envKills     = "RESEED_TEST_KILLS"
	envSeed      = "RESEED_TEST_SEED"
	defaultKills = 220
	defaultSeed  = 1
)

// The size of inputs and tests. With pieceBytes an upsert has several key ranges, and a replace all
// sixteen.
const (
	pieceBytes     = 12_000
	wholeBytes     = 1 << 20
	manyRows       = 60_000 // in one key range, so that an apply saves how far it is, and goes on from there
	manyShare      = 4      // a large scenario gets the 4th part of the kills of another one: it takes longer
	mostDeaths     = 5      // in one round
	mostCommands   = 60     // in one round
	mostFutile     = 6      // rounds for each kill that is wanted
	editedRows     = 3      // customers that people have edited
	bystanderTag   = 1
	companyTag     = 2
	companyName    = "Company"
	firstCustomers = 20 // of the former input
	leftAlone      = 26 // rows of the renewed source that were touched since, or that touched rows need
)

// killer is what all scenarios share.
type killer struct {
	bin  string // folder of the commands
	seed uint64

	kills, points, strays atomic.Int64
}

// scenario is something that a person does with the command, and that is killed on the way.
type scenario struct {
	*killer
	name    string
	piece   int      // bytes; 0: as the command is shipped
	plain   bool     // on a table that does only what DynamoDB can
	env     []string // settings of its processes
	from    string   // data folder that it begins with
	args    []string
	again   bool                      // a person may repeat the command before its job has ended
	cancels bool                      // a person cancels the import, and takes it back
	large   bool                      // takes longer, and so gets a smaller share of the kills
	restore bool                      // a person restores what was erased
	canary  string                    // text that must be nowhere after the erase; empty: not looked for
	touches []store.Tag               // sources that an erase touches; nil: any
	reads   input                     // rows of the files
	rejects map[billing.Dataset]int64 // how many of them are rejected
	holds   input                     // the source holds exactly these rows at the end, without the rejected ones; nil: not checked
	left    int64                     // rows that an undo leaves alone
	kills   int

	// Found out by calibrate, which does it undisturbed:
	base, end *world
	steps     []map[table.Key]string // items after each command
	model     *job.Job               // the job that did it
	life      tally
	took      time.Duration
}

// TestKillAnywhere checks the invariants, above all I6: whenever and however often a process is
// killed (kill -9), the next one goes on and comes to the same end, with the same sums. Each
// scenario is done undisturbed once. Then it is done round after round on a copy of the same data
// folder, with kills spread evenly over its life: by the clock, or at exact changes that it makes.
// The results are compared item by item.
func TestKillAnywhere(t *testing.T) { //nolint:tparallel // the scenarios are parallel; each waits for its rounds
	t.Parallel()
	k := &killer{bin: commands(t), seed: uint64(setting(t, envSeed, defaultSeed))}
	k.each(t, k.scenarios(t), setting(t, envKills, effort.Some(defaultKills)))
}

// each kills all scenarios, in parallel.
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

// plain runs one command undisturbed.
func (k *killer) plain(t *testing.T, data string, piece int, args ...string) {
	t.Helper()
	sc := &scenario{killer: k, piece: piece}
	sc.start(t, data, "", args, fate{}).succeeded(t)
}

// editSome edits some customers as people do: no import may touch that (I3).
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

// copyFolder copies files with their times: an erase leaves files that are newer than itself.
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
