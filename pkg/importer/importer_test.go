package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"reseed/internal/gen/hostile"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func TestTheSampleCompanyGoesInWholeAndTheSecondTimeNothingChanges(t *testing.T) {
	t.Parallel()
	for name, sizes := range map[string][2]int64{"small": {0, 1 << 30}, "large": {20_000, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), sizes[0], sizes[1])
			src, bystander := l.source(t, "Company"), l.source(t, "Company2")
			l.done(t, bystander, folder(t, "twelve")...)
			untouched := l.dump(t, bystander)
			first := l.done(t, src, folder(t, "company")...)
			var expected struct {
				Rows map[string]int64 `json:"rows"`
			}
			body, err := os.ReadFile("../../testdata/company/EXPECTED.json")
			if err != nil || json.Unmarshal(body, &expected) != nil || len(expected.Rows) == 0 {
				t.Fatalf("EXPECTED.json: %v", err)
			}
			for ds, want := range expected.Rows {
				if c := first.Datasets[ds]; c.Read != want || c.Added != want {
					t.Errorf("%s: %+v, want %d added", ds, c, want)
				}
			}
			stored := l.dump(t, src)
			inputs := folder(t, "company")
			slices.Reverse(inputs)
			second := l.done(t, src, inputs...)
			for ds, c := range second.Datasets {
				if c.Unchanged != c.Read || c.Read == 0 {
					t.Errorf("second time, %s: %+v", ds, c)
				}
			}
			same(t, l.dump(t, src), stored)
			same(t, l.dump(t, bystander), untouched)
		})
	}
}

func TestTheOutcomeDependsOnNoPieceSize(t *testing.T) {
	t.Parallel()
	inputs := append(folder(t, "twelve"), input{"more.csv", "", []byte("External ID,Name,Email\nz1,Zed,z@example.com\nz1,Zed,z@example.com\nz1,Other,z@example.com\n,Nobody,\n")})
	var want map[table.Key]string
	var sums string
	for _, size := range []int64{1 << 20, 5000, 700, 97} {
		l := newLine(mem.New(mem.Options{}), objects.Mem(), size, map[bool]int64{true: 1 << 30, false: 1}[size == 1<<20])
		// Identities are keyed by a random secret: give every table the same one.
		_, err := l.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
			d.HashKey = bytes.Repeat([]byte{7}, 32)
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		src := l.source(t, "S")
		j := l.done(t, src, inputs...)
		got := addedBy(t, j, l.dump(t, src))
		if want == nil {
			want, sums = got, counts(j)
			if j.Rejects != 2 || j.Datasets["customers"].Unchanged != 1 {
				t.Fatalf("%s", sums)
			}
			continue
		}
		same(t, got, want)
		if counts(j) != sums {
			t.Errorf("pieces of %d: %s, want %s", size, counts(j), sums)
		}
	}
}

func TestHostileFiles(t *testing.T) {
	t.Parallel()
	for _, c := range hostile.Cases() {
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), 300, 1)
			src := l.source(t, "S")
			var base []input
			for name, body := range hostileBase(t) {
				base = append(base, input{name: name, body: body})
			}
			l.done(t, src, base...)
			body, err := os.ReadFile(filepath.Join("../../testdata/hostile", c.File))
			if err != nil {
				t.Fatal(err)
			}
			j := l.run(t, src, input{c.File, c.Dataset, body})
			if c.Refused != "" {
				if j.Status != job.Failed || j.Error == "" {
					t.Fatalf("job is %s %q, want it refused (%s)", j.Status, j.Error, c.Refused)
				}
				return
			}
			if j.Status != job.Done {
				t.Fatalf("job %s: %s", j.Status, j.Error)
			}
			if n := j.Datasets[c.Dataset]; n.Added != int64(c.Added) || n.Rejected != int64(len(c.Rejects)) || n.Unchanged != int64(c.Repeats) {
				t.Errorf("%+v, want %d added, %d repeats, %d rejects", n, c.Added, c.Repeats, len(c.Rejects))
			}
			rejects := l.rejects(t, j)
			for _, r := range c.Rejects {
				if !strings.Contains(rejects, fmt.Sprintf(",%s,%d,", c.File, r.Line)) || !strings.Contains(rejects, ","+r.Code+",") {
					t.Errorf("no reject %s in line %d:\n%s", r.Code, r.Line, rejects)
				}
			}
		})
	}
}

func hostileBase(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	names, err := filepath.Glob("../../testdata/hostile/base/*.csv")
	if err != nil || len(names) == 0 {
		t.Fatal("no base files")
	}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(n)] = b
	}
	return out
}

func TestARejectsFileGoesInAsItIsOnceCorrected(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	src := l.source(t, "S")
	j := l.done(t, src, input{"c.csv", "", []byte("External ID,Name,Email\na,\"=cmd|' /C calc'!A0\",not-an-address\nb,'-x,b@example.com\n")})
	text := l.rejects(t, j)
	if !strings.Contains(text, "'=cmd") {
		t.Fatalf("a formula is not made harmless:\n%s", text)
	}
	j = l.done(t, src, input{"again.csv", "", []byte(strings.ReplaceAll(text, "not-an-address", "a@example.com"))})
	if c := j.Datasets["customers"]; c.Added != 1 || j.Rejects != 0 {
		t.Fatalf("%+v\n%s", c, text)
	}
	dir, err := l.store.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.store.Get(t.Context(), src.Space().Customer(dir.Hasher().CustomerH("a")))
	if err != nil || len(got) != 1 || got[0].Attrs.Str("name") != "=cmd|' /C calc'!A0" {
		t.Fatalf("the cell did not come back as it was: %v %v", got, err)
	}
}

// The n-th call of the table fails, before or after it took effect, and a new process goes on. The
// outcome and the sums are the same.
func TestCutAtEveryCallAndResume(t *testing.T) {
	t.Parallel()
	for name, sizes := range map[string][2]int64{"small": {0, 1 << 30}, "large": {4000, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want map[table.Key]string
			var sums string
			for n := 0; ; n += 1 + n/3 { // every early call, then fewer and fewer, since each run takes time
				c := &cutter{at: n}
				opt := mem.Options{
					Limits: table.Limits{Get: 100, Write: 25, Transact: 100, Parallel: 1, Exclusive: true}, Before: c.before,
				}
				driver := mem.New(opt)
				objs := objects.Mem()
				l := newLine(driver, objs, sizes[0], sizes[1])
				got, j := survive(t, l, func() *line { return newLine(driver, objs, sizes[0], sizes[1]) }, c)
				if want == nil {
					want, sums = got, counts(j)
					continue
				}
				same(t, got, want)
				if counts(j) != sums {
					t.Fatalf("cut at call %d: %s, want %s", n, counts(j), sums)
				}
				if !c.cut {
					return
				}
			}
		})
	}
}

// cutter makes one call of the table fail; 0 means none.
type cutter struct {
	mu        sync.Mutex
	at, calls int
	cut, safe bool
}

func (c *cutter) before(mem.Op, int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls++; c.safe || c.calls != c.at {
		return nil
	}
	c.cut = true
	return fault.New(fault.Unavailable, "cut", "cut")
}

// disarm lets all calls through again, so that the test can read the table.
func (c *cutter) disarm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.safe = true
}

// survive imports the files of the sample company, with a new process after one whose call failed.
func survive(t *testing.T, l *line, restart func() *line, c *cutter) (map[table.Key]string, *job.Job) {
	t.Helper()
	inputs := folder(t, "twelve")
	for try := 0; ; try++ {
		if try > 5 {
			t.Fatal("does not recover")
		}
		j, err := attempt(t.Context(), t, l, inputs)
		if err == nil {
			c.disarm()
			return addedBy(t, j, l.dump(t, l.source(t, "S"))), j
		}
		l = restart()
	}
}

func attempt(ctx context.Context, t *testing.T, l *line, inputs []input) (*job.Job, error) {
	t.Helper()
	_, err := l.store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		d.HashKey = bytes.Repeat([]byte{7}, 32)
		if _, ok := d.ByName("S"); ok {
			return nil, nil
		}
		_, err := d.Add("ds_S", "S", "CSV", today())
		return nil, err
	})
	if err != nil {
		return nil, err
	}
	dir, err := l.store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, _ := dir.ByName("S")
	j, err := l.Submit(ctx, importer.Request{Source: src, Origin: job.ByFile, Files: l.put(ctx, t, inputs), Once: "the one event"})
	if err != nil {
		return nil, err
	}
	if err := l.Tick(ctx); err != nil {
		return nil, err
	}
	if err := l.drain(ctx); err != nil {
		return nil, err
	}
	j, err = l.ledger.Get(ctx, j.ID)
	if err == nil && !j.Status.Ended() {
		err = fault.New(fault.Busy, "open", "still open")
	}
	if err == nil && j.Status != job.Done {
		t.Fatalf("job %s: %s", j.Status, j.Error)
	}
	return j, err
}

// Write units a row of the first import, for items of at most 1 KB.
func TestWhatAFirstImportCosts(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 1<<30)
	src := l.source(t, "S")
	for _, step := range []struct {
		file string
		most int64 // thousandths of a write unit for each row
	}{
		{"plans.csv", 1010},
		{"customers.csv", 2010},
		{"contacts.csv", 1010},
		{"invoices.csv", 2010},
		{"line_items.csv", 1010},
		{"transactions.csv", 2010},
		{"subscription_events.csv", 2010},
	} {
		body, err := os.ReadFile("../../testdata/company/" + step.file)
		if err != nil {
			t.Fatal(err)
		}
		j := l.done(t, src, input{step.file, "", body})
		var rows int64
		for _, c := range j.Datasets {
			rows += c.Added
		}
		if got := j.Cost.WriteMilli / rows; rows == 0 || got > step.most {
			t.Errorf("%s: %d thousandths of a write unit a row, want at most %d", step.file, got, step.most)
		}
		if again := l.done(t, src, input{step.file, "", body}); again.Cost.WriteMilli != 0 {
			t.Errorf("%s a second time: %d thousandths of a write unit, want none", step.file, again.Cost.WriteMilli)
		}
	}
}
