package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// check checks what must hold whenever a process has ended. Before the job may write, all items are
// as they were (I4). When all is over, they are as in the undisturbed run (I6). In between, each
// item is as it was after one of the undisturbed commands, so neither edits (I3) nor the bystander
// are touched.
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
	if d := strayed(w.itemsWithout(fresh), allowed); d != "" {
		t.Errorf("begun %t, over %t: %s", begun, over, d)
	}
}

// visible reports whether the selection of an erase can still be seen.
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
	return len(w.tombstones) == 0 && strayed(w.itemsWithout(w.since(sc.base)), sc.steps[len(sc.steps)-1:]) != ""
}

// outline is the part of a job that is the same however often it was killed.
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
	Files           []string // the files of the job
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
		if rel, ours := strings.CutPrefix(name, dir); ours && !strings.HasPrefix(rel, "input/raw/") { // a pull that is done again takes those
			o.Files = append(o.Files, rel)
		}
	}
	slices.Sort(o.Files)
	o.RejectsFile = w.rejects(t, j)
	return o
}

// settled checks a data folder in which all is over: what the jobs say, which files are left, and
// what can be done next.
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
	_, undone := firstOf(w.since(sc.base))
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

// names is the part of the directory that is the same in every run: sources by their tags, and
// more.
func names(d store.Directory) map[string]any {
	out := map[string]any{"next tag": d.NextTag, "manual": d.ManualEpoch, "key": d.HashKey, "forgets": d.Forgets}
	for _, s := range d.Sources {
		out[fmt.Sprint(s.Tag)] = []any{s.Name, s.System, s.Epochs, s.Shards}
	}
	return out
}

// once checks that importing the same files again changes nothing (I2): neither the imports that
// were made twice already, since the first try was killed, nor one more. Applying a plan that was
// left over is refused.
func (sc *scenario) once(t *testing.T, data string, w *world) {
	t.Helper()
	doer := sc.doer(t, w)
	for _, j := range w.since(sc.base) {
		switch {
		case j.Status == job.Cancelled && j.Import.Pull != nil: // a later pull has replaced its plan
		case j.Status == job.Planned && j.Import.Estimate.Changes == 0: // made after it was done
			unchanged(t, j)
		case j.Status == job.Planned:
			if d := cmp.Diff(sc.model.Datasets, j.Datasets); d != "" {
				t.Errorf("a plan (-undisturbed +killed):\n%s", d)
			}
			if out := sc.start(t, data, "", []string{"apply", j.ID}, fate{}).ended(); out.status != exitFailed || !strings.Contains(out.stderr+out.stdout, "since this plan was made") {
				t.Errorf("a plan that was overtaken: exit status %d: %s", out.status, out.stderr+out.stdout)
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

// takenBack undoes a job, and checks that every byte is as before.
func (sc *scenario) takenBack(t *testing.T, data, id string) {
	t.Helper()
	sc.start(t, data, "", []string{"undo", id}, fate{}).succeeded(t)
	if d := differ(sc.base.items, lookAt(t, data).items); d != "" {
		t.Errorf("taken back: %s", d)
	}
}
