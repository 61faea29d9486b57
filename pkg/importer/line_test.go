package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

var _ tester = (*testing.T)(nil)

// line is an importer over a table and objects. It keeps the messages in a queue.
type line struct {
	*importer.Importer
	store   *store.Store
	ledger  *job.Ledger
	objects *objects.Objects
	queue   []importer.Message
	shuffle *rand.Rand // takes messages in random order; nil: first in, first out
	now     time.Time
	ticking sync.Mutex // guards now
	uploads int
}

func today() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func newLine(d table.Driver, o *objects.Objects, pieceBytes, smallBytes int64) *line {
	l := &line{now: today()}
	l.wire(d, o, pieceBytes, smallBytes, l.clock)
	return l
}

// clock is the time, also for the lease that is renewed beside a task.
func (l *line) clock() time.Time {
	l.ticking.Lock()
	defer l.ticking.Unlock()
	return l.now
}

// pass lets time pass.
func (l *line) pass(d time.Duration) {
	l.ticking.Lock()
	defer l.ticking.Unlock()
	l.now = l.now.Add(d)
}

func (l *line) wire(d table.Driver, o *objects.Objects, pieceBytes, smallBytes int64, clock func() time.Time) {
	l.store, l.objects = store.New(drawn{d}), o
	l.ledger = job.NewLedger(l.store, clock)
	l.Importer = importer.New(importer.Config{
		Store: l.store, Ledger: l.ledger, Objects: o, Now: clock,
		Log: slog.New(slog.DiscardHandler), PieceBytes: pieceBytes, SmallBytes: smallBytes,
		Send: func(_ context.Context, m []importer.Message) error { l.queue = append(l.queue, m...); return nil },
		Dispatch: func(_ context.Context, j *job.Job) error {
			l.queue = append(l.queue, importer.Message{Job: j.ID})
			return nil
		},
	})
}

// drain handles messages until there are none.
func (l *line) drain(ctx context.Context) error {
	for len(l.queue) > 0 {
		n := 0
		if l.shuffle != nil {
			n = l.shuffle.IntN(len(l.queue))
		}
		m := l.queue[n]
		l.queue = slices.Delete(l.queue, n, n+1)
		if err := l.Handle(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (l *line) source(t tester, name string) store.Source {
	t.Helper()
	var src store.Source
	_, err := l.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		var err error
		if found, ok := d.ByName(name); ok {
			src = found
			return nil, nil
		}
		src, err = d.Add("ds_"+name, name, "CSV", today())
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// input is one file of a test.
type input struct {
	name    string
	dataset string
	body    []byte
}

func (l *line) put(ctx context.Context, t tester, inputs []input) []job.File {
	t.Helper()
	var files []job.File
	for _, in := range inputs {
		l.uploads++
		key := fmt.Sprintf("uploads/x/%p-%d/%s", l, l.uploads, in.name)
		if err := l.objects.Put(ctx, key, bytes.NewReader(in.body)); err != nil {
			t.Fatal(err)
		}
		info, err := l.objects.Stat(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, job.File{Name: in.name, Dataset: in.dataset, Object: key, Version: info.Version, Size: info.Size})
	}
	return files
}

// run imports files to the end and returns the ended job.
func (l *line) run(t tester, src store.Source, inputs ...input) *job.Job {
	t.Helper()
	l.pass(time.Minute)
	j, err := l.Submit(t.Context(), importer.Request{Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, inputs)})
	if err != nil {
		t.Fatal(err)
	}
	return l.finished(t, j.ID)
}

// finished handles messages until there are none, and returns the job, which has ended.
func (l *line) finished(t tester, id string) *job.Job {
	t.Helper()
	if err := l.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	j, err := l.ledger.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !j.Status.Ended() {
		t.Fatalf("job is %s at %q with nothing left to do", j.Status, j.Stage)
	}
	return j
}

func (l *line) done(t tester, src store.Source, inputs ...input) *job.Job {
	t.Helper()
	j := l.run(t, src, inputs...)
	if j.Status != job.Done {
		t.Fatalf("job %s: %s", j.Status, j.Error)
	}
	return j
}

func folder(t tester, dir string) []input {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("../../testdata", dir, "*.csv"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	var out []input
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, input{name: filepath.Base(n), body: b})
	}
	return out
}

// dump is all that a source holds, with stamps.
func (l *line) dump(t tester, src store.Source) map[table.Key]string {
	t.Helper()
	sp := src.Space()
	pks := []string{sp.PlanPK()}
	for n := range sp.Shards {
		pks = append(pks, sp.CustomerPK(n), sp.DataPK(n))
	}
	return l.items(t, pks)
}

// dumpEdits is all edits of a source.
func (l *line) dumpEdits(t tester, src store.Source) map[table.Key]string {
	t.Helper()
	pks := []string{src.Space().PlanEditPK()}
	for n := range src.Shards {
		pks = append(pks, src.Space().EditPK(n))
	}
	return l.items(t, pks)
}

func (l *line) items(t tester, pks []string) map[table.Key]string {
	t.Helper()
	out := map[table.Key]string{}
	for _, pk := range pks {
		for it, err := range l.store.Items(t.Context(), table.Query{PK: pk}) {
			if err != nil {
				t.Fatal(err)
			}
			out[it.Key] = string(it.Attrs)
		}
	}
	return out
}

// addedBy checks that an import added everything in a dump, and removes its number from the dump,
// since numbers differ from run to run.
func addedBy(t tester, j *job.Job, dump map[table.Key]string) map[table.Key]string {
	t.Helper()
	out := map[table.Key]string{}
	for k, attrs := range dump {
		b := table.NewBuilder()
		for name, v := range table.Attrs(attrs).All() {
			if name != store.AttrImport {
				b.Raw(name, v)
			}
		}
		if n := store.OriginOf(table.Attrs(attrs)).Import; n == 0 || n != job.Number(j.ID) {
			t.Errorf("%v was added by import %d", k, n)
		}
		out[k] = string(b.Attrs())
	}
	return out
}

func same(t tester, got, want map[table.Key]string) {
	t.Helper()
	for k, v := range want {
		if g, ok := got[k]; !ok {
			t.Errorf("missing %v", k)
		} else if g != v {
			t.Errorf("%v is %q, want %q", k, g, v)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("not wanted: %v", k)
		}
	}
}

func counts(j *job.Job) string {
	b, _ := json.Marshal(j.Datasets)
	return string(b)
}

// rejectFiles are the rejects of an import as people download them. Corrected, they can be
// imported.
func (l *line) rejectFiles(t tester, j *job.Job) (out []input) {
	t.Helper()
	files, err := l.Rejects(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		var b bytes.Buffer
		if err := f.WriteTo(t.Context(), &b); err != nil || int64(b.Len()) != f.Size() {
			t.Fatalf("%d bytes of rejects, not %d: %v", b.Len(), f.Size(), err)
		}
		out = append(out, input{name: f.Name, body: b.Bytes()})
	}
	return out
}

// rejects are the rejects of all files of an import, one after the other, or the rows that an undo
// left alone.
func (l *line) rejects(t tester, j *job.Job) string {
	t.Helper()
	if j.Rejects == 0 {
		return ""
	}
	if j.Import.Undo == "" {
		var all strings.Builder
		for _, f := range l.rejectFiles(t, j) {
			all.Write(f.body)
		}
		return all.String()
	}
	r, err := l.objects.Open(t.Context(), importer.RejectsName(j.ID), "", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// plan plans an import of files.
func (l *line) plan(t tester, src store.Source, inputs ...input) *job.Job {
	t.Helper()
	l.pass(time.Minute)
	j, err := l.Submit(t.Context(), importer.Request{
		Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, inputs), Options: importer.Options{Plan: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if j = l.finished(t, j.ID); j.Status != job.Planned {
		t.Fatalf("job is %s: %s", j.Status, j.Error)
	}
	return j
}

// applied applies a plan.
func (l *line) applied(t tester, plan *job.Job) *job.Job {
	t.Helper()
	l.pass(time.Minute)
	j, err := l.Apply(t.Context(), plan.ID)
	if err != nil {
		t.Fatal(err)
	}
	return l.finished(t, j.ID)
}
