package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// world is all that a data folder holds, read while no process has it open.
type world struct {
	items     map[table.Key]string // encoded attributes of all items, but for the account's and jobs' tasks
	jobs      []*job.Job           // oldest first
	locks     map[store.Tag]string // the jobs that hold them
	open      map[string]bool      // marks of jobs that have not ended
	tallies   map[store.Tag]*job.Tally
	directory store.Directory
	// The sort keys of the tombstone log, and the tombstones in the directory.
	tombstones []string
	counted    struct {
		Tombstones []store.Tombstone `json:"tombstones"`
	}
	objects map[string]string // name → content
	torn    []string          // temporary files that a killed process has left
}

// lookAt reads a data folder without changing it: the next process still has to recover what a
// killed one has not written out.
func lookAt(t *testing.T, data string) *world {
	t.Helper()
	w := &world{items: map[table.Key]string{}, tallies: map[store.Tag]*job.Tally{}, locks: map[store.Tag]string{}, open: map[string]bool{}, objects: map[string]string{}}
	db, err := engine.Open(filepath.Join(data, "table"), &engine.Options{ReadOnly: true, Logger: quiet{}})
	if err != nil {
		t.Fatalf("the table cannot be opened: %v", err)
	}
	iter, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for more := iter.First(); more; more = iter.Next() {
		pk, sk, _ := strings.Cut(string(iter.Key()), "\x00")
		w.take(t, table.Key{PK: pk, SK: sk}, table.Attrs(iter.Value()))
	}
	if err := iter.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	w.lookAtObjects(t, filepath.Join(data, "objects"))
	return w
}

// quiet is a logger of the engine that drops all but fatal errors.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	slog.Error(fmt.Sprintf(format, args...))
	os.Exit(1)
}

func (w *world) take(t *testing.T, k table.Key, a table.Attrs) {
	t.Helper()
	if !a.Valid() {
		t.Errorf("%v holds damaged attributes", k)
	}
	tag, isLock := strings.CutPrefix(k.SK, store.SKLock)
	id, isMark := strings.CutPrefix(k.SK, store.SKOpen)
	switch {
	case strings.HasPrefix(k.PK, store.TaskPK("")):
	case k.PK == store.APIKeyKey(store.H{}).PK: // a server makes one when it starts
	case k.PK == store.PullsPK: // it names jobs
	case k.PK == store.TallyKey(0).PK: // it names jobs; see tallied
		tag, ok := store.TallyOf(k.SK)
		if w.tallies[tag] = (&job.Tally{}); !ok {
			t.Errorf("%v is of no source", k)
		}
		decodeBody(t, a, w.tallies[tag])
	case k.PK == store.TombstoneLogKey().PK:
		w.tombstones = append(w.tombstones, k.SK)
	case k.PK != store.AccountPK:
		w.items[k] = string(a)
	case k == store.DirectoryKey():
		decodeBody(t, a, &w.directory)
		decodeBody(t, a, &w.counted)
	case strings.HasPrefix(k.SK, store.SKJob):
		j := &job.Job{}
		decodeBody(t, a, j)
		w.jobs = append(w.jobs, j)
	case isLock:
		var n store.Tag
		if _, err := fmt.Sscanf(tag, "%x", &n); err != nil {
			t.Fatal(err)
		}
		w.locks[n] = a.Str("job")
	case isMark:
		w.open[id] = true
	case strings.HasPrefix(k.SK, store.SKGrace):
		w.open[store.GraceJob(k.SK)] = true
	}
}

func decodeBody(t *testing.T, a table.Attrs, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Str("body")), v); err != nil {
		t.Fatal(err)
	}
}

func (w *world) lookAtObjects(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		if strings.HasSuffix(rel, ".tmp") {
			w.torn = append(w.torn, rel)
		} else {
			w.objects[rel] = string(body)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// job finds a job; nil if there is none.
func (w *world) job(id string) *job.Job {
	for _, j := range w.jobs {
		if j.ID == id {
			return j
		}
	}
	return nil
}

// since lists the jobs that the earlier world does not have, oldest first.
func (w *world) since(earlier *world) []*job.Job {
	return slices.DeleteFunc(slices.Clone(w.jobs), func(j *job.Job) bool { return earlier.job(j.ID) != nil })
}

// itemsWithout are the items without the times, numbers and ids of some jobs, which differ from run
// to run.
func (w *world) itemsWithout(jobs []*job.Job) map[table.Key]string {
	stamps, ids := map[int64]bool{}, map[string]bool{} // times and numbers
	for _, j := range jobs {
		stamps[j.CreatedAt.UnixMilli()], stamps[job.Number(j.ID)], ids[j.ID] = true, true, true
	}
	out := make(map[table.Key]string, len(w.items))
	for k, a := range w.items {
		out[k] = withoutStamps(a, stamps, ids)
	}
	return out
}

func withoutStamps(a string, stamps map[int64]bool, ids map[string]bool) string {
	stamped := func(name string) bool {
		n, ok := table.Attrs(a).Int(name)
		return ok && stamps[n]
	}
	metadata := []string{store.AttrCreated, store.AttrImport, store.AttrUpdated}
	if !slices.ContainsFunc(metadata, stamped) {
		return a
	}
	b := table.NewBuilder()
	for name, v := range table.Attrs(a).All() {
		if name == "job" && ids[table.Attrs(a).Str(name)] { // in an entry of the do-not-reload list
			continue
		}
		if slices.Contains(metadata, name) && stamped(name) {
			b.IntAlways(name, 0)
			continue
		}
		b.Raw(name, v)
	}
	return string(b.Attrs())
}

// orderly checks what holds for every data folder at every instant: a source has one writer, which
// runs (I7), and every job that has not ended is marked as open, so that the tick finds it.
func (w *world) orderly(t *testing.T) {
	t.Helper()
	for _, j := range w.jobs {
		if w.open[j.ID] == j.Status.Ended() {
			t.Errorf("job %s is %s; marked as open: %t", j.ID, j.Status, w.open[j.ID])
		}
		holds := w.locks[j.Tag] == j.ID
		if j.Tag != 0 && holds != (j.Status == job.Running) {
			t.Errorf("job %s is %s; has the lock of its source: %t", j.ID, j.Status, holds)
		}
		accounted(t, j)
	}
	for tag, id := range w.locks { // an erase in every source has no tag, and takes one lock after the other
		// A restore that was killed leaves its lock until the next tick.
		id, restoring := strings.CutSuffix(id, "-restore")
		if j := w.job(id); j == nil || restoring != (j.Status == job.Grace) || !restoring && j.Status != job.Running || j.Tag != tag && j.Tag != 0 {
			t.Errorf("source %d is locked by %s, which does not work on it", tag, id)
		}
	}
	for id := range w.open {
		if w.job(id) == nil {
			t.Errorf("%s is marked as open, but there is no such job", id)
		}
	}
	if len(w.open) == 0 {
		w.tallied(t)
	}
}

// tallied checks that jobs have counted all rows that are stored, once none of them is open. All rows
// came in imports.
func (w *world) tallied(t *testing.T) {
	t.Helper()
	for _, src := range w.directory.Sources {
		rows, unknown := w.tallies[src.Tag].Rows(src)
		stored := map[string]int64{}
		for k := range w.items {
			if kind := store.RecordAt(k.SK); kind != nil && holdsRecords(src.Space(), k.PK) {
				stored[string(kind.Dataset)]++
			}
		}
		for _, kind := range store.Kinds() {
			ds := string(kind.Dataset)
			if rows[ds] != stored[ds] && !slices.Contains(unknown, ds) {
				t.Errorf("%s: jobs have counted %d %s, %d are stored", src.Name, rows[ds], ds, stored[ds])
			}
		}
	}
	for tag := range w.tallies {
		if _, there := w.directory.ByTag(tag); !there {
			t.Errorf("the tally of source %d is there, and the source is not", tag)
		}
	}
}

// holdsRecords tells whether a partition is one of the records of a source.
func holdsRecords(sp store.Space, pk string) bool {
	for i := range sp.Shards {
		if pk == sp.CustomerPK(i) || pk == sp.DataPK(i) {
			return true
		}
	}
	return pk == sp.PlanPK()
}

// strays counts the files that belong to no job: half-written ones, and uploads that became no
// import. They stay until something of their source is erased.
func (w *world) strays() (n int) {
	named := map[string]bool{}
	for _, j := range w.jobs {
		if j.Import != nil {
			for _, f := range j.Import.Inputs() {
				named[f.Object] = true
			}
		}
	}
	for name := range w.objects {
		if strings.HasPrefix(name, "uploads/") && !named[name] {
			n++
		}
	}
	return n + len(w.torn)
}

// accounted checks the sums of a job that is done (I1). An undo reads changes, and a row that it
// removed again is one of them.
func accounted(t *testing.T, j *job.Job) {
	t.Helper()
	if j.Status != job.Done || j.Import == nil {
		return
	}
	for name, c := range j.Datasets {
		n := c.Added + c.Changed + c.Unchanged + c.Rejected
		if j.Import.Undo != "" {
			n += c.Removed
		}
		if c.Read != n {
			t.Errorf("job %s: %s: %+v", j.ID, name, c)
		}
	}
}

// differ describes where two sets of items differ; empty if they do not.
func differ(want, got map[table.Key]string) string {
	return strayed(got, []map[table.Key]string{want})
}

// strayed describes the items that match none of the allowed sets; empty if every item matches one.
// An item may be absent if it is absent from one of the sets.
func strayed(got map[table.Key]string, allowed []map[table.Key]string) string {
	keys := map[table.Key]bool{}
	for k := range got {
		keys[k] = true
	}
	for _, set := range allowed {
		for k := range set {
			keys[k] = true
		}
	}
	var wrong []table.Key
	for k := range keys {
		if !slices.ContainsFunc(allowed, func(set map[table.Key]string) bool { return set[k] == got[k] }) {
			wrong = append(wrong, k)
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	slices.SortFunc(wrong, table.Key.Compare)
	text := fmt.Sprintf("%d of %d items are wrong:", len(wrong), len(keys))
	for _, k := range wrong[:min(len(wrong), 5)] {
		text += fmt.Sprintf("\n  %s %s\n    is     %s", k.PK, k.SK, spell(got[k]))
		for _, set := range allowed {
			text += "\n    wanted " + spell(set[k])
		}
	}
	return text
}

func spell(a string) string {
	if a == "" {
		return "(nothing)"
	}
	var parts []string
	for name, v := range table.Attrs(a).All() {
		if v.Type == table.Int {
			parts = append(parts, fmt.Sprintf("%s=%d", name, v.Int()))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s=%q", name, v.Raw))
	}
	return strings.Join(parts, " ")
}
