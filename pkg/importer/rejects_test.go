package importer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// spoiled are two files with rejects of every kind: rows that can't be split, that are too long,
// that are wrong, and that are rejected when they meet others; and one file without rejects.
func spoiled() []input {
	var customers, contacts strings.Builder
	customers.WriteString("Name,External ID,=Note\n")
	contacts.WriteString("Customer external ID,First name,Email\n")
	for i := range 60 {
		_, _ = fmt.Fprintf(&customers, "N%d,c%d,\"two\nlines\"\n", i, i)
		switch i % 10 {
		case 1:
			customers.WriteString("Nobody,,-2.5\n")
		case 2:
			_, _ = fmt.Fprintf(&customers, "Other,c%d,+1+1\n", i)
		case 3:
			customers.WriteString("\"broken\"x,id,y\na,b,c,d,e\n")
		}
		_, _ = fmt.Fprintf(&contacts, "c%d,F,f%d@example.com\n", i*7%90, i)
	}
	customers.WriteString("=" + strings.Repeat("x", 300_000) + ",z,\n")
	return []input{
		{"=customers.csv", "customers", []byte(customers.String())},
		{"fine.csv", "plans", []byte("Name,Interval count,Interval unit,External ID\nGold,1,month,p1\n")},
		{"contacts.csv", "contacts", []byte(contacts.String())},
	}
}

// The rejects of an import are the same for every size of pieces. Those of each file are a table of
// their own, in the order of the file's rows.
func TestRejectsAreOneTableAFile(t *testing.T) {
	t.Parallel()
	var want string
	for _, sizes := range [][2]int64{{0, 1 << 30}, {0, 1}, {400, 1}, {5000, 1}} {
		l := newLine(mem.New(mem.Options{}), objects.Mem(), sizes[0], sizes[1])
		j := l.done(t, l.source(t, "S"), spoiled()...)
		got := l.rejects(t, j)
		if want == "" {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("pieces of %d bytes: %s", sizes[0], diff)
		}
		names, err := l.objects.Names(t.Context(), j.Prefix())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			name = strings.TrimPrefix(name, j.Prefix())
			if strings.HasPrefix(name, "rejects") && !strings.HasPrefix(name, "rejects/00000/") && !strings.HasPrefix(name, "rejects/00002/") {
				t.Errorf("%s is of a file without rejects, or of all", name)
			}
		}
		total := ""
		var files []string
		for _, rec := range records(t, got) {
			if slices.Contains(rec, "Reject file") {
				files, total = append(files, strings.Join(rec, "|")), ""
				continue
			}
			line := rec[len(rec)-5]
			if n, _ := strconv.Atoi(line); total != "" && total >= fmt.Sprintf("%09d", n) {
				t.Errorf("line %s comes too late", line)
			}
			n, _ := strconv.Atoi(line)
			total = fmt.Sprintf("%09d", n)
		}
		if diff := cmp.Diff([]string{
			"Name|External ID|'=Note|Reject row|Reject file|Reject line|Reject column|Reject code|Reject reason|Reject settings",
			"Customer external ID|First name|Email|Reject row|Reject file|Reject line|Reject column|Reject code|Reject reason|Reject settings",
		}, files); diff != "" {
			t.Error(diff)
		}
	}
}

func records(t *testing.T, text string) [][]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// No cell of a rejects file begins a formula, wherever it comes from: cells, headers, names of
// files, names of columns. Numbers stay as they are.
func TestNoCellOfARejectsFileIsAFormula(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	j := l.done(t, l.source(t, "S"), input{
		"=1+1.csv", "customers",
		[]byte("Name,External ID,=cmd,@home,\"\t=1\"\n=a,,-2.5,+Inf,\"\n=1\"\n＝b,x,'=c,-0x1p4,\xff\nok,y,+1e9,-7,'plain\nbad,\xff,,,\n"),
	})
	got := records(t, strings.TrimPrefix(l.rejects(t, j), "\ufeff"))
	if len(got) != 4 {
		t.Fatalf("%q", got)
	}
	for _, rec := range got {
		for _, cell := range rec {
			if _, err := strconv.ParseFloat(cell, 64); cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") && (err != nil || strings.ContainsAny(cell, "xIn")) {
				t.Errorf("%q would be run", cell)
			}
		}
	}
	if got[1][2] != "-2.5" || got[1][3] != "'+Inf" || got[2][2] != "''=c" || got[1][6] != "'=1+1.csv" || got[0][2] != "'=cmd" {
		t.Errorf("%q", got)
	}
}

// Rows rejected from a rejects file make a rejects file with the columns of the first one, which
// can be corrected and imported in the same way.
func TestRejectsOfARejectsFile(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	src := l.source(t, "S")
	first := l.rejects(t, l.done(t, src, input{"c.csv", "customers", []byte("External ID,Email,Company,=Note\na,nowhere,=1+1,'=x\n")}))
	again := l.rejects(t, l.done(t, src, input{"c.csv", "customers", []byte(first)}))
	if again != first {
		t.Fatalf("at first\n%s\nthen\n%s", first, again)
	}
	j := l.done(t, src, input{"c.csv", "customers", []byte(strings.ReplaceAll(again, "nowhere", "a@example.com"))})
	if j.Rejects != 0 || j.Datasets["customers"].Added != 1 {
		t.Errorf("%s", counts(j))
	}
}

// One piece and one key range have more rejects than one run holds: from map, and from merge, which
// finds them in key order.
func TestMoreRejectsThanARunHolds(t *testing.T) {
	t.Parallel()
	const n = 120_000
	for name, line := range map[string]string{"of map": "N%d,\n", "of merge": "N%d,same\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text strings.Builder
			text.WriteString("Name,External ID\nFirst,same\n")
			for i := range n {
				_, _ = fmt.Fprintf(&text, line, i)
			}
			l := newLine(mem.New(mem.Options{}), objects.Mem(), 64<<20, 1)
			j := l.upTo(t, l.source(t, "S"), " rejects/", input{"c.csv", "customers", []byte(text.String())})
			runs, err := l.objects.Names(t.Context(), j.Prefix()+"runs/rejects/")
			if err != nil || len(runs) < 2 {
				t.Fatalf("%d runs of rejects, %v", len(runs), err)
			}
			j = l.finished(t, j.ID)
			all := records(t, l.rejects(t, j))
			if j.Rejects != n || len(all) != n+1 {
				t.Fatalf("%d rejects, %d rows", j.Rejects, len(all))
			}
			for i, rec := range all[1:] {
				if rec[0] != fmt.Sprintf("N%d", i) || rec[4] != strconv.Itoa(i+3) {
					t.Fatalf("row %d is %q", i, rec)
				}
			}
		})
	}
}

// upTo runs an import until a task of this step comes next.
func (l *line) upTo(t tester, src store.Source, step string, inputs ...input) *job.Job {
	t.Helper()
	j, err := l.Submit(t.Context(), importer.Request{Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, inputs)})
	if err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(l.queue[0].Task, step) {
		m := l.queue[0]
		l.queue = l.queue[1:]
		if err := l.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if len(l.queue) == 0 {
			t.Fatal("the import never reaches", step)
		}
	}
	if j, err = l.ledger.Get(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	return j
}

// atRejects is an import that writes its rejects next, in a world with a bystander.
type atRejects struct {
	still *still
	sizes [2]int64
	id    string
}

func newAtRejects(t *testing.T, sizes [2]int64) *atRejects {
	t.Helper()
	a := &atRejects{sizes: sizes}
	a.still = genesis(t).then(t, sizes, func(t tester, w *world) {
		w.quiet.done(t, w.quiet.source(t, "Bystander"), input{"c.csv", "customers", []byte("Name,External ID\nA,a\nB,\n")})
		w.quiet.queue = nil
		a.id = w.quiet.upTo(t, w.src, " rejects/", spoiled()...).ID
	})
	return a
}

// run goes on from there, and returns the outcome.
func (a *atRejects) run(t *testing.T, opt mem.Options, prepare func(*world)) (o outcome, calls int) {
	t.Helper()
	a.still.run(t, opt, a.sizes, func(t tester, w *world) {
		delete(w.earlier, a.id)
		prepare(w)
		w.settle(t)
		o, calls = w.outcome(t), int(w.calls.Load())
		for _, j := range w.jobs(t) {
			if j.SourceName == "Bystander" && w.quiet.rejects(t, j) == "" {
				t.Fatal("the bystander has no rejects any more")
			}
		}
	})
	return o, calls
}

// Every call fails once while rejects are written, in many pieces or in one task: the outcome is
// the same.
func TestCutWhileRejectsAreWritten(t *testing.T) {
	t.Parallel()
	for way, sizes := range map[string][2]int64{"small": {1 << 20, 1 << 20}, "large": {1500, 1}} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			a := newAtRejects(t, sizes)
			want, calls := a.run(t, mem.Options{}, func(w *world) { w.trouble = func(*process, int, string, bool) error { return nil } })
			step := 1
			if way == "large" && !soak(t) {
				step = 3
			}
			for n := 1; n <= calls; n += step {
				after, kill := n%2 == 0, n%3 > 0
				got, _ := a.run(t, mem.Options{Limits: quick(n%5 == 0)}, func(w *world) {
					w.trouble = func(p *process, call int, _ string, done bool) error {
						if call != n || done != after {
							return nil
						}
						p.dead.Store(kill)
						return errCut()
					}
				})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("call %d of %d, after %v, kill %v: -want +got\n%s", n, calls, after, kill, diff)
				}
			}
		})
	}
}

// Three workers that all get the same messages write the rejects at the same time.
func TestManyWriteRejectsAtOnce(t *testing.T) {
	t.Parallel()
	a := newAtRejects(t, [2]int64{1500, 1})
	want, _ := a.run(t, mem.Options{}, func(w *world) {})
	for seed := range uint64(3) {
		got, _ := a.run(t, mem.Options{Limits: quick(false)}, func(w *world) {
			w.trouble = slow(seed, 5e9)
			w.team = []*process{w.troubled(), w.troubled()}
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: -want +got\n%s", seed, diff)
		}
	}
}

// An import is cancelled while its rejects are written, at every call: nothing is changed, and
// nobody ever gets an incomplete list of rejects.
func TestCancelWhileRejectsAreWritten(t *testing.T) {
	t.Parallel()
	a := newAtRejects(t, [2]int64{1500, 1})
	whole, calls := a.run(t, mem.Options{}, func(w *world) { w.trouble = func(*process, int, string, bool) error { return nil } })
	cancelled := 0
	for n := 1; n <= calls; n += 5 {
		if a.cancelledAt(t, n) {
			cancelled++
		}
	}
	if cancelled < 5 || whole.Jobs[0].Status != job.Done {
		t.Errorf("cancelled %d times", cancelled)
	}
}

// cancelledAt cancels before a call; it is false if the import was applied by then.
func (a *atRejects) cancelledAt(t *testing.T, n int) (cancelled bool) {
	t.Helper()
	a.still.run(t, mem.Options{}, a.sizes, func(t tester, w *world) {
		delete(w.earlier, a.id)
		w.trouble = func(_ *process, call int, _ string, done bool) error {
			if call == n && !done {
				a.cancel(t, w)
			}
			return nil
		}
		w.settle(t)
		j, err := w.quiet.ledger.Get(t.Context(), a.id)
		if err != nil {
			t.Fatal(err)
		}
		if cancelled = j.Status == job.Cancelled && !j.Import.Applying; !cancelled {
			return
		}
		names, err := w.quiet.objects.Names(t.Context(), j.Prefix()+"rejects")
		if err != nil || len(names) > 0 || len(w.outcome(t).Items) > 0 {
			t.Errorf("call %d: %v are left, %v", n, names, err)
		}
	})
	return cancelled
}

// cancel cancels, after checking that no rejects are given yet.
func (a *atRejects) cancel(t tester, w *world) {
	t.Helper()
	j, err := w.quiet.ledger.Get(t.Context(), a.id)
	if err == nil && !j.Import.Applying {
		if files, err := w.quiet.Rejects(t.Context(), j); err != nil || len(files) > 0 {
			t.Errorf("rejects are given before they are whole: %v", err)
		}
	}
	if _, err := w.quiet.Cancel(t.Context(), a.id); err != nil && !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
}

// A job that an older version decided goes on: its runs of rejects have one section, and its tasks
// do not say which pieces have rejects.
func TestRejectsOfYesterday(t *testing.T) {
	t.Parallel()
	a := newAtRejects(t, [2]int64{1500, 1})
	want, _ := a.run(t, mem.Options{}, func(*world) {})
	got, _ := a.run(t, mem.Options{}, func(w *world) {
		l, ctx := w.quiet, context.Background()
		names, err := l.objects.Names(ctx, "jobs/"+a.id+"/runs/rejects/")
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			if err := l.objects.Put(ctx, name, bytes.NewReader(oneSection(t, l, name))); err != nil {
				t.Fatal(err)
			}
		}
		forgetPieces(t, l, a.id)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// oneSection makes a run of rejects as older versions wrote it: without the index of pieces.
func oneSection(t *testing.T, l *process, name string) []byte {
	t.Helper()
	r, err := l.objects.Open(context.Background(), name, "", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil || b[0] != 2 {
		t.Fatal("not of two sections", err)
	}
	length, w := binary.Uvarint(b[1:])
	_, v := binary.Uvarint(b[1+w:])
	body := b[1+w+v:][:length]
	return append(binary.AppendUvarint([]byte{1}, length), body...)
}

// forgetPieces makes the tasks of a job forget which pieces have rejects, and removes the tasks
// that write them.
func forgetPieces(t *testing.T, l *process, id string) {
	t.Helper()
	ctx := context.Background()
	tasks, err := l.ledger.Tasks(ctx, id, "")
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, task := range tasks {
		key := store.TaskKey(id, task.ID)
		if task.Phase == "0 rejects" {
			if err := l.store.Transact(ctx, table.Write{Item: table.Item{Key: key}, Delete: true}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		last = max(last, task.Phase)
		var r map[string]any
		if err := json.Unmarshal(task.Result, &r); err != nil {
			t.Fatal(err)
		}
		if s, ok := r["summary"].(map[string]any); ok {
			delete(s, "reject_pieces")
		}
		if task.Result, err = json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		task.Holder = ""
		body, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		attrs := table.NewBuilder().IntAlways(store.AttrVersion, task.Version+1).Str("body", string(body)).Attrs()
		if err := l.store.Transact(ctx, table.Write{Item: table.Item{Key: key, Attrs: attrs}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.ledger.Update(ctx, id, func(j *job.Job) error { j.Stage = "2 merge"; return nil }); err != nil {
		t.Fatal(err)
	}
}

// The rejects of an import of before 2026-11-30, whose parts are named otherwise, are still one
// file: a table for each input file, in its old columns, and lines.
func TestRejectsOfOlderImports(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	for name, test := range map[string]struct {
		inputs []input
		parts  map[string]string
		want   []input
	}{
		"tables and lines": {
			[]input{{name: "a.csv", body: []byte("External ID;Näme\na;A\n")}, {name: "b.ndjson", body: []byte(`{"dataset":"customers","external_id":"b"}`)}},
			map[string]string{"00000-00000.csv": "x\n", "00000-00003.csv": "y\n", "00001-00004.ndjson": "{}\n"},
			[]input{{name: "rejects.csv", body: []byte("External ID,Näme,Reject file,Reject line,Reject column,Reject code,Reject reason\nx\ny\n{}\n")}},
		},
		"lines": {
			[]input{{name: "b.ndjson", body: []byte(`{"dataset":"customers","external_id":"b"}`)}, {name: "c.ndjson", body: []byte(`{"dataset":"customers","external_id":"c"}`)}},
			map[string]string{"00000-00000.ndjson": "{1}\n", "00001-00001.ndjson": "{2}\n"},
			[]input{{name: "rejects.ndjson", body: []byte("{1}\n{2}\n")}},
		},
		"an update while they were written": {
			[]input{{name: "a.csv", body: []byte("External ID;Name\na;A\n")}},
			map[string]string{"00000-00000.csv": "x\n", "00000/00001.csv": "é\n", "00000/utf-8": ""},
			[]input{
				{name: "a.rejects.csv", body: []byte("\ufeffExternal ID;Name;Reject row;Reject file;Reject line;Reject column;Reject code;Reject reason;Reject settings\né\n")},
				{name: "rejects.csv", body: []byte("External ID,Name,Reject file,Reject line,Reject column,Reject code,Reject reason\nx\n")},
			},
		},
	} {
		j := l.done(t, l.source(t, name), test.inputs...)
		for part, text := range test.parts {
			if err := l.objects.Put(t.Context(), j.Prefix()+"rejects/"+part, strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(test.want, l.rejectFiles(t, j), cmp.AllowUnexported(input{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A rejects file is named like its input file, in a folder below its own, ends like what can be
// imported, and has the same name in every round.
func TestNamesOfRejects(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"customers.csv": "customers.rejects.csv", "customers.rejects.csv": "customers.rejects.csv", "LINES.NDJSON": "LINES.rejects.NDJSON",
		"export": "export.rejects.csv", "export.2024": "export.2024.rejects.csv", "../../etc/customers.csv": "etc/customers.rejects.csv",
		`C:\Bills\a.csv`: "C:/Bills/a.rejects.csv", "": "input.rejects.csv", ".csv": "input.rejects.csv", "/": "input.rejects.csv",
	} {
		if got := importer.NameOfRejects(name, false); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := importer.NameOfRejects("lines", true); got != "lines.rejects.ndjson" {
		t.Error(got)
	}
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	bad := []byte("External ID,Name\n,A\n")
	var names []string
	for _, f := range l.rejectFiles(t, l.done(t, l.source(t, "S"), input{name: "a.csv", body: bad}, input{name: "A.csv", body: bad}, input{name: "b/a.csv", body: bad}, input{name: "a.csv", body: bad})) {
		names = append(names, f.name)
	}
	if want := []string{"a.rejects.csv", "A-2.rejects.csv", "b/a.rejects.csv", "a-3.rejects.csv"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}
