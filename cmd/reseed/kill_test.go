package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/gen/company"
	"reseed/pkg/job"
)

// Of the kill test. The file is larger than a few pieces, so that a kill finds
// the import in each of its stages.
const (
	killCustomers = 60_000
	killRounds    = 5 // each on a new data folder
	killsPerRound = 2
)

// bench is a data folder and the file that is imported into it.
type bench struct {
	data, file string
}

func (b bench) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), "reseed", append([]string{"--data", b.data}, args...)...)
}

func (b bench) importing(t *testing.T) *exec.Cmd {
	t.Helper()
	return b.command(t, "import", b.file, "--source", "Company", "--json")
}

// answer runs a command to its end and reads what it printed.
func answer[T any](t *testing.T, c *exec.Cmd) T {
	t.Helper()
	var v T
	out, err := c.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%q: %v: %s%s", c.Args, err, out, exit.Stderr)
		}
		t.Fatalf("%q: %v", c.Args, err)
	}
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatalf("%q: %v: %s", c.Args, err, out)
	}
	return v
}

// size is how many bytes the data folder holds.
func (b bench) size() int64 {
	var n int64
	_ = filepath.WalkDir(b.data, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // files come and go beside us
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}

// imported runs an import and kills it as soon as the data folder has come to
// a size: an instant of the work, whatever else the machine is doing. It
// returns the largest size seen, and whether the kill came before the end.
func (b bench) imported(t *testing.T, until int64) (peak int64, killed bool) {
	t.Helper()
	c := b.importing(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil && !killed {
				t.Fatalf("%q: %v", c.Args, err)
			}
			return peak, err != nil
		case <-time.After(time.Millisecond):
		}
		peak = max(peak, b.size())
		if !killed && peak >= until {
			killed = true
			_ = c.Process.Kill() // it may just have ended
		}
	}
}

// ending is all that can be told of a data folder after its jobs: the first
// job's sums, and what an erase finds and removes.
type ending struct {
	Sums    map[string]job.Counts
	Planned map[string]int64
	Removed map[string]int64
}

// end erases the source: what is removed was there, pointers and all.
func (b bench) end(t *testing.T, first report) ending {
	t.Helper()
	planned := answer[erasePlan](t, b.command(t, "erase", "source", "Company", "--plan", "--json"))
	erased := answer[report](t, b.command(t, "erase", "source", "Company", "--yes", "--json"))
	return ending{first.Datasets, planned.Counts, erased.Removed}
}

// finish imports the file once more, which lets every unfinished job of the
// source end before it (I7), and returns the first job's report
// and how many there were.
func (b bench) finish(t *testing.T) (first report, jobs int) {
	t.Helper()
	last := answer[report](t, b.importing(t))
	list := answer[struct{ Jobs []report }](t, b.command(t, "jobs", "--json")).Jobs
	for i, j := range list {
		if j.Status != job.Done || j.Error != "" {
			t.Errorf("job %s is %s: %s", j.Job, j.Status, j.Error)
		}
		if i == len(list)-1 {
			break
		}
		// I2: all that the first did was done, and done right.
		want := map[string]job.Counts{"customers": {Read: killCustomers, Unchanged: killCustomers}}
		if d := cmp.Diff(want, j.Datasets); d != "" {
			t.Errorf("job %s after the first one (-want +got):\n%s", j.Job, d)
		}
		if j.Cost.WriteUnits != 0 {
			t.Errorf("job %s after the first one wrote %v units", j.Job, j.Cost.WriteUnits)
		}
	}
	if len(list) == 0 || list[0].Job != last.Job {
		t.Fatalf("the last job %s does not lead the list of %d", last.Job, len(list))
	}
	return list[len(list)-1], len(list)
}

// TestKillAnywhere upholds I6: after kill -9 at any instant the next command
// brings the import to the same end, with the same sums (I1).
func TestKillAnywhere(t *testing.T) {
	t.Parallel()
	in := t.TempDir()
	o := company.Options{Seed: 9, Customers: killCustomers, Months: 12, Layout: company.Named}
	if _, err := company.WriteDir(in, o, company.Customers); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(in, "customers.csv")

	calm := bench{t.TempDir(), file}
	peak, _ := calm.imported(t, math.MaxInt64)
	first, _ := calm.finish(t)
	want := calm.end(t, first)
	added := map[string]job.Counts{"customers": {Read: killCustomers, Added: killCustomers}}
	if !maps.Equal(want.Sums, added) || want.Planned["customers"] != killCustomers || want.Removed["customers"] != killCustomers {
		t.Fatalf("undisturbed: %+v", want)
	}

	rng := rand.New(rand.NewPCG(6, 9))
	resumed := 0
	for round := range killRounds {
		b := bench{t.TempDir(), file}
		for range killsPerRound {
			now := b.size()
			until := now + int64((float64(round)+rng.Float64())/killRounds*float64(peak-now))
			largest, killed := b.imported(t, until)
			t.Logf("round %d: killed %t at %d of %d bytes", round, killed, largest, peak)
		}
		first, jobs := b.finish(t)
		if jobs > 1 {
			resumed++
		}
		if d := cmp.Diff(want, b.end(t, first)); d != "" {
			t.Errorf("round %d (-undisturbed +killed):\n%s", round, d)
		}
	}
	if resumed == 0 {
		t.Error("no kill found an import at work")
	}
}
