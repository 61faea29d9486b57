package mover_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"reseed/internal/awsfake/awsfaketest"
	"reseed/internal/buckettest"
	"reseed/internal/effort"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/mover"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo"
	"reseed/pkg/table/dynamo/dynotest"
	"reseed/pkg/table/mem"
	"reseed/pkg/table/pebble"
	"reseed/pkg/table/simtable"
)

var engine dynotest.Engine

func TestMain(m *testing.M) { os.Exit(engine.Run(m)) }

func folder(tb testing.TB) mover.End {
	tb.Helper()
	dir := tb.TempDir()
	d, err := pebble.Open(filepath.Join(dir, "table"), pebble.Options{})
	must(tb, err)
	tb.Cleanup(func() { must(tb, d.Close()) })
	o, err := objects.Dir(filepath.Join(dir, "objects"))
	must(tb, err)
	return end(d, o, "folder")
}

func cloud(tb testing.TB) mover.End {
	tb.Helper()
	address, _ := awsfaketest.Start(tb, awsfaketest.Resources{Buckets: []string{"files"}})
	client := s3.NewFromConfig(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return end(dynamo.New(engine.Table(tb)), objects.S3(client, "files"), "cloud")
}

func wantCode(tb testing.TB, err error, code string) {
	tb.Helper()
	if fault.CodeOf(err) != code {
		tb.Fatalf("the error is %v (%q), want %q", err, fault.CodeOf(err), code)
	}
}

// Everything arrives as it was stored, in whichever kind of place, without the API keys; and from
// there it goes back into a folder, where everything is the same again.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	from, there, back := folder(t), cloud(t), folder(t)
	fill(t, from, 10)
	was := look(t, from)
	r, err := mover.Move(t.Context(), config(from, there))
	must(t, err)
	if int(r.Items) != len(was.items) || int(r.Objects) != len(was.objects) || r.LeftOut != 0 {
		t.Errorf("%+v, want %d items and %d objects", r, len(was.items), len(was.objects))
	}
	look(t, there).want(t, was)
	if keys, err := there.Store.APIKeys(t.Context()); err != nil || len(keys) > 0 {
		t.Errorf("API keys moved: %v, %v", keys, err)
	}
	wantCode(t, newcomer(from, "late"), store.CodeMoved)
	_, err = mover.Move(t.Context(), config(there, back))
	must(t, err)
	look(t, back).want(t, was)
	must(t, newcomer(back, "next"))
	wantCode(t, newcomer(there, "late"), store.CodeMoved)
}

// Nobody uses either end while the account moves: the source is closed from the first write on, the
// target opens with the last.
func TestWhileItMoves(t *testing.T) {
	t.Parallel()
	from, to := memory("here"), memory("there")
	fill(t, from, 10)
	held, err := from.Store.Directory(t.Context())
	must(t, err)
	hold, err := held.Hold()
	must(t, err)
	c := config(from, to)
	seen := map[mover.Stage]bool{}
	var last mover.Progress
	c.Report = func(p mover.Progress) {
		last = p
		if seen[p.Stage] = true; p.Stage == mover.Closing {
			return
		}
		wantCode(t, newcomer(from, "late"), store.CodeMoving)
		wantCode(t, newcomer(to, "early"), store.CodeArriving)
		if _, err := to.Store.Directory(t.Context()); !fault.Is(err, fault.Forbidden) {
			t.Errorf("the target can be read: %v", err)
		}
		if err := from.Store.Transact(t.Context(), hold); !fault.Is(err, fault.Conflict) {
			t.Errorf("a write that holds the directory as it was: %v", err)
		}
	}
	r, err := mover.Move(t.Context(), c)
	must(t, err)
	if len(seen) != 4 || last.Items != r.Items-1 || last.Objects != r.Objects || last.Compared < last.Items+last.Objects {
		t.Errorf("it reported %v, in the end %+v; the result is %+v", seen, last, r)
	}
	must(t, newcomer(to, "next"))
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	running := func(status job.Status) func(*testing.T, mover.End, mover.End) {
		return func(t *testing.T, from, _ mover.End) {
			t.Helper()
			l := job.NewLedger(from.Store, time.Now)
			for range 2 { // the second one waits
				j, err := l.Create(t.Context(), &job.Job{Kind: job.Import, Tag: 1, Import: &job.ImportSpec{}})
				must(t, err)
				if j.Status == status {
					return
				}
			}
		}
	}
	for name, c := range map[string]struct {
		with func(t *testing.T, from, to mover.End)
		code string
	}{
		"a job runs":  {running(job.Running), "job_open"},
		"a job waits": {running(job.Waiting), "job_open"},
		"items there": {func(t *testing.T, _, to mover.End) { t.Helper(); fill(t, to, 1) }, "target_not_empty"},
		"a source was there": {func(t *testing.T, _, to mover.End) {
			t.Helper()
			must(t, newcomer(to, "other"))
			_, err := to.Store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
				d.Remove("ds_other")
				return nil, nil
			})
			must(t, err)
		}, "target_not_empty"},
		"a foreign item": {func(t *testing.T, _, to mover.End) {
			t.Helper()
			must(t, to.Store.Write(t.Context(), []table.Write{{Item: table.Item{Key: table.Key{PK: "zz", SK: "z"}}}}))
		}, "target_not_empty"},
		"a file there": {func(t *testing.T, _, to mover.End) {
			t.Helper()
			must(t, to.Objects.Put(t.Context(), "uploads/x", strings.NewReader("x")))
		}, "target_not_empty"},
		"another move goes there": {func(t *testing.T, _, to mover.End) { t.Helper(); cut(t, config(filled(t), to)) }, "target_not_empty"},
		"it is moving elsewhere":  {func(t *testing.T, from, _ mover.End) { t.Helper(); cut(t, config(from, memory("elsewhere"))) }, "moved_elsewhere"},
		"it was moved": {func(t *testing.T, from, _ mover.End) {
			t.Helper()
			_, err := mover.Move(t.Context(), config(from, memory("elsewhere")))
			must(t, err)
		}, "already_moved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := filled(t), memory("there")
			c.with(t, from, to)
			here, there := look(t, from), look(t, to)
			_, err := mover.Move(t.Context(), config(from, to))
			wantCode(t, err, c.code)
			look(t, from).want(t, here)
			look(t, to).want(t, there)
		})
	}
	t.Run("nothing to move", func(t *testing.T) {
		t.Parallel()
		_, err := mover.Move(t.Context(), config(memory("here"), memory("there")))
		wantCode(t, err, "no_account")
	})
}

func filled(t *testing.T) mover.End {
	t.Helper()
	e := memory("here")
	fill(t, e, 1)
	return e
}

// at is a report that does something when a stage of a move begins.
func at(s mover.Stage, do func()) func(mover.Progress) {
	begun := false
	return func(p mover.Progress) {
		if p.Stage == s && !begun {
			begun = true
			do()
		}
	}
}

// cut begins a move and cuts it when objects are about to be copied.
func cut(t *testing.T, c mover.Config) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c.Report = at(mover.Objects, stop)
	if _, err := mover.Move(ctx, c); err == nil {
		t.Fatal("it was not cut")
	}
}

// A new deployment makes a directory with its first request. That is no account yet.
func TestIntoANewDeployment(t *testing.T) {
	t.Parallel()
	from, to := filled(t), memory("there")
	_, err := to.Store.Directory(t.Context())
	must(t, err)
	was := look(t, from)
	_, err = mover.Move(t.Context(), config(from, to))
	must(t, err)
	look(t, to).want(t, was)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	from, to := filled(t), memory("there")
	was := look(t, from)
	wantCode(t, mover.Cancel(t.Context(), from.Store), "nothing_to_cancel")
	cut(t, config(from, to))
	wantCode(t, mover.Cancel(t.Context(), to.Store), "nothing_to_cancel")
	must(t, mover.Cancel(t.Context(), from.Store))
	look(t, from).withoutDirectory().want(t, was.withoutDirectory())
	must(t, newcomer(from, "next"))
	wantCode(t, newcomer(to, "early"), store.CodeArriving)
	_, err := mover.Move(t.Context(), config(from, to))
	wantCode(t, err, "target_not_empty")
	other := memory("other")
	_, err = mover.Move(t.Context(), config(from, other))
	must(t, err)
	wantCode(t, mover.Cancel(t.Context(), from.Store), "nothing_to_cancel")
}

// A job that begins while the source is being closed, by a request that had read the directory
// before, has the source open again.
func TestAJobAtTheLastMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from, to := filled(t), memory("there")
		c := config(from, to)
		c.Settle = 30 * time.Second
		go func() {
			time.Sleep(29 * time.Second)
			_, err := job.NewLedger(from.Store, time.Now).Create(t.Context(), &job.Job{Kind: job.Import, Tag: 1, Import: &job.ImportSpec{}})
			must(t, err)
		}()
		_, err := mover.Move(t.Context(), c)
		wantCode(t, err, "job_open")
		must(t, newcomer(from, "next"))
		must(t, to.Store.CanReceive(t.Context()))
	})
}

// What does not arrive as it was, or changes meanwhile, is found, and the target stays closed.
func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	stray := func(t *testing.T, e mover.End) {
		t.Helper()
		must(t, e.Store.Write(t.Context(), []table.Write{{Item: table.Item{Key: table.Key{PK: "job#1", SK: "task#1"}}}}))
	}
	for name, damage := range map[string]func(t *testing.T, from, to mover.End){
		"an item more there": func(t *testing.T, _, to mover.End) { t.Helper(); stray(t, to) },
		"an item more here":  func(t *testing.T, from, _ mover.End) { t.Helper(); stray(t, from) },
		"another attribute": func(t *testing.T, _, to mover.End) {
			t.Helper()
			key := table.Key{PK: store.AccountPK, SK: fmt.Sprintf("once#%032d", 7)}
			must(t, to.Store.Write(t.Context(), []table.Write{{Item: table.Item{Key: key, Attrs: table.NewBuilder().Bool("b", true).Attrs()}}}))
		},
		"another text": func(t *testing.T, _, to mover.End) {
			t.Helper()
			must(t, to.Objects.Put(t.Context(), "empty", strings.NewReader("text")))
		},
		"a file more there": func(t *testing.T, _, to mover.End) {
			t.Helper()
			must(t, to.Objects.Put(t.Context(), "x", strings.NewReader("x")))
		},
		"a file less there": func(t *testing.T, _, to mover.End) { t.Helper(); must(t, to.Objects.Delete(t.Context(), "empty")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := filled(t), memory("there")
			c := config(from, to)
			c.Report = at(mover.Verifying, func() { damage(t, from, to) })
			_, err := mover.Move(t.Context(), c)
			wantCode(t, err, "not_the_same")
			wantCode(t, newcomer(to, "early"), store.CodeArriving)
			must(t, mover.Cancel(t.Context(), from.Store))
		})
	}
}

// A file that somebody puts into the bucket of the source meanwhile arrives when the command is
// repeated.
func TestALateFile(t *testing.T) {
	t.Parallel()
	from, to := filled(t), memory("there")
	c := config(from, to)
	c.Report = at(mover.Verifying, func() {
		must(t, from.Objects.Put(t.Context(), "empty", strings.NewReader("changed")))
		must(t, from.Objects.Put(t.Context(), "uploads/late.csv", strings.NewReader("late")))
	})
	_, err := mover.Move(t.Context(), c)
	wantCode(t, err, "not_the_same")
	was := look(t, from)
	_, err = mover.Move(t.Context(), config(from, to))
	must(t, err)
	if diff := look(t, to).objects["empty"]; diff != was.objects["empty"] || len(look(t, to).objects) != len(was.objects) {
		t.Errorf("the changed file is %q there", diff)
	}
}

// Two processes that work on the same move, which a copied data folder makes possible, spoil
// nothing: whoever falls behind is refused, and everything arrives once.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	for n := range effort.Some(20) {
		memory1, memory2 := mem.New(mem.Options{Seed: uint64(n), Partial: 0.2}), mem.New(mem.Options{Seed: uint64(n), Busy: 0.1})
		o1, o2 := objects.Mem(), objects.Mem()
		from, to := end(memory1, o1, "here"), end(memory2, o2, "there")
		fill(t, from, 10)
		was := look(t, from)
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = mover.Move(t.Context(), config(end(memory1, o1, "here"), end(memory2, o2, "there")))
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil && !slices.Contains([]string{"move_elsewhere", "already_moved", "moved_elsewhere", "target_not_empty", store.CodeMoving, store.CodeMoved}, fault.CodeOf(err)) {
				t.Fatal(err)
			}
		}
		if errs[0] != nil && errs[1] != nil { // each refused the other: begun again, it ends
			_, err := mover.Move(t.Context(), config(from, to))
			must(t, err)
		}
		look(t, to).want(t, was)
		wantCode(t, newcomer(from, "late"), store.CodeMoved)
		must(t, newcomer(to, "next"))
	}
}

// Cut before or after any call to either table or store of objects, and begun again: nothing is
// lost, nothing is doubled, and at no instant can both ends be used.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	base, files := mem.New(mem.Options{}), &objects.Memory{}
	from := end(base, objects.Over(files), "here")
	fill(t, from, 3)
	was := look(t, from)
	whole := &cutter{}
	whole.move(t, base, files, was)
	for n := range effort.Cases("mover cuts", 2*whole.calls, 17) {
		c := &cutter{at: n/2 + 1, late: n%2 == 1}
		c.move(t, base, files, was)
	}
}

// cutter is the end of a process at one of its calls.
type cutter struct {
	at   int  // from 1; 0: never
	late bool // the call takes effect

	mu    sync.Mutex
	calls int
	dead  bool
}

func (c *cutter) call(done bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !done {
		c.calls++
	}
	if c.at > 0 && c.calls >= c.at && done == c.late {
		c.dead = true
	}
	if c.dead {
		return errors.New("the process has ended")
	}
	return nil
}

// move moves a copy of an account, with a cut, and then to the end.
func (c *cutter) move(t *testing.T, base *mem.Driver, files *objects.Memory, was world) {
	t.Helper()
	failed := func(err error) error { return fault.Wrap(err, fault.Unavailable, "cut", "the call was cut") }
	hooks := mem.Options{
		Before: func(mem.Op, int) error { return failed(c.call(false)) }, After: func(mem.Op, int) error { return failed(c.call(true)) },
	}
	bucket := func(m *objects.Memory) *objects.Objects {
		return buckettest.Objects(m, func(_ buckettest.Op, done bool) error { return c.call(done) })
	}
	from := end(base.Clone(hooks), bucket(files.Clone()), "here")
	to := end(mem.New(hooks), bucket(&objects.Memory{}), "there")
	_, err := mover.Move(t.Context(), config(from, to))
	wanted := c.at > 0 && c.at <= c.calls
	c.at, c.dead = 0, false
	if wanted != (err != nil) {
		t.Fatalf("the cut move ended with %v", err)
	}
	if usable(t, from) && usable(t, to) {
		t.Fatal("both ends can be used")
	}
	if err != nil {
		if _, err = mover.Move(t.Context(), config(from, to)); fault.CodeOf(err) != "already_moved" {
			must(t, err)
		}
	}
	look(t, to).want(t, was)
	if usable(t, from) || !usable(t, to) {
		t.Fatal("the source can be used, or the target cannot")
	}
}

func usable(t *testing.T, e mover.End) bool {
	t.Helper()
	m, err := e.Store.Mark(t.Context())
	must(t, err)
	found, err := e.Store.Get(t.Context(), store.DirectoryKey())
	must(t, err)
	return m == nil && len(found) == 1
}

// The copy uses what a table with limits gives, although the items of a partition lie together, and
// spends one write unit an item. The clock is virtual, but writers send at random times.
func TestTheCopyKeepsThePaceOfItsTable(t *testing.T) {
	t.Parallel()
	const items, ceiling = 120_000, 4000
	used := make([]float64, 3)
	for i := range used {
		synctest.Test(t, func(t *testing.T) {
			limits := table.Limits{Get: 100, Write: 25, Transact: 100, Parallel: 32, UnitsASecond: ceiling}
			from, memory := memory("here"), mem.New(mem.Options{Limits: limits})
			must(t, newcomer(from, "one"))
			many(t, from, items)
			sim := simtable.New(memory, simtable.Options{
				Key: 1000, Table: ceiling, Burst: time.Second, Seed: uint64(i), Now: time.Now,
				MinLatency: 5 * time.Millisecond, MaxLatency: 20 * time.Millisecond,
			})
			c, began, took := config(from, end(sim, objects.Mem(), "there")), time.Now(), time.Duration(0)
			c.Report = at(mover.Objects, func() { took = time.Since(began) })
			_, err := mover.Move(t.Context(), c)
			must(t, err)
			used[i] = (items/float64(ceiling) - 1) / took.Seconds() // without the first burst
			units := c.To.Store.Spent().WriteUnits() / items
			t.Logf("%.1f %% of the ceiling, %.4f write units an item, %.1f %% sent again", 100*used[i], units, 100*sim.Counts().Retried())
			if units > 1.01 {
				t.Errorf("%.4f write units an item", units)
			}
		})
	}
	if slices.Sort(used); used[1] < 0.95 {
		t.Errorf("copies use %.3f of what their table gives", used)
	}
}

// many adds customers of about 300 bytes to the one source.
func many(tb testing.TB, e mover.End, n int) {
	tb.Helper()
	d, err := e.Store.Directory(context.Background())
	must(tb, err)
	sp, out := d.Sources[0].Space(), e.Store.Writer(context.Background())
	for i := range n {
		h := d.Hasher().CustomerH(fmt.Sprint(i))
		must(tb, out.Add(table.Write{Item: table.Item{Key: sp.Customer(h), Attrs: table.NewBuilder().Str("name", strings.Repeat("x", 300)).Attrs()}}))
	}
	must(tb, out.Flush())
}
