package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// tombstoneWorld is a table with two sources, and a model of its tombstones at every version of the
// directory.
type tombstoneWorld struct {
	tb     testing.TB
	driver *mem.Driver
	before func(op mem.Op) error // called before each call of the table
	after  func(op mem.Op)       // called after it
	calls  atomic.Int64
	now    map[store.Tombstone]string // to their erases
	ever   map[store.Tombstone]bool
	at     map[int64]map[store.Tombstone]string
}

func newCemetery(tb testing.TB) *tombstoneWorld {
	tb.Helper()
	c := &tombstoneWorld{tb: tb, now: map[store.Tombstone]string{}, ever: map[store.Tombstone]bool{}, at: map[int64]map[store.Tombstone]string{}}
	c.driver = mem.New(mem.Options{
		PageBytes: 4 << 10, // so that tombstones take several pages
		Before: func(op mem.Op, _ int) error {
			c.calls.Add(1)
			if c.before != nil {
				return c.before(op)
			}
			return nil
		},
		After: func(op mem.Op, _ int) error {
			if c.after != nil {
				c.after(op)
			}
			return nil
		},
	})
	c.change(c.process(), func(d *store.Directory) {
		d.HashKey = bytes.Repeat([]byte{7}, 32)
		for i := range 2 {
			if _, err := d.Add(fmt.Sprintf("ds_%d", i), fmt.Sprint("Source ", i), "CSV", time.Now()); err != nil {
				tb.Fatal(err)
			}
		}
	})
	return c
}

// process makes a store with an empty cache.
func (c *tombstoneWorld) process() *store.Store { return store.New(c.driver) }

func (c *tombstoneWorld) change(st *store.Store, change func(*store.Directory)) *store.Directory {
	c.tb.Helper()
	d, err := st.ChangeDirectory(context.Background(), func(d *store.Directory) ([]table.Write, error) {
		change(d)
		return nil, nil
	})
	if err != nil {
		c.tb.Fatal(err)
	}
	c.at[d.Version] = maps.Clone(c.now)
	return d
}

func (c *tombstoneWorld) bury(st *store.Store, job string, stones ...store.Tombstone) {
	c.tb.Helper()
	for _, t := range stones {
		c.now[t], c.ever[t] = job, true
	}
	c.change(st, func(d *store.Directory) { d.Hide(job, stones...) })
}

func (c *tombstoneWorld) exhume(st *store.Store, job string) {
	c.tb.Helper()
	maps.DeleteFunc(c.now, func(_ store.Tombstone, of string) bool { return of == job })
	c.change(st, func(d *store.Directory) { d.Reveal(job) })
}

// agrees checks a directory against the model at its version.
func (c *tombstoneWorld) agrees(d *store.Directory) {
	c.tb.Helper()
	want := c.at[d.Version]
	got, counts := map[store.Tombstone]string{}, map[store.Tag]bool{}
	for t := range c.ever {
		if job := d.HiddenBy(t); job != "" {
			got[t] = job
		}
	}
	for t := range want {
		counts[t.Tag] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.tb.Fatalf("version %d (-want +got):\n%s", d.Version, diff)
	}
	if d.TombstoneCount() != len(want) {
		c.tb.Fatalf("version %d: %d tombstones, want %d", d.Version, d.TombstoneCount(), len(want))
	}
	for tag := store.Tag(1); tag <= 2; tag++ {
		if d.AnyHidden(tag) != counts[tag] {
			c.tb.Fatalf("version %d: any of source %d: %t", d.Version, tag, d.AnyHidden(tag))
		}
	}
}

func (c *tombstoneWorld) look(st *store.Store) *store.Directory {
	c.tb.Helper()
	d, err := st.Directory(context.Background())
	if err != nil {
		c.tb.Fatal(err)
	}
	c.agrees(d)
	return d
}

// left lists the keys of tombstones in the table.
func (c *tombstoneWorld) left() (keys []string) {
	for _, it := range c.driver.All() {
		if it.PK == store.TombstoneLogKey().PK {
			keys = append(keys, it.SK)
		}
	}
	return keys
}

func over(tag store.Tag, n int) store.Tombstone {
	kinds := []store.Kind{store.KindCustomer, store.KindInvoicesOf, store.KindInvoice}
	if kind := n % 4; kind < len(kinds) {
		return store.Over(tag, kinds[kind], hasher.CustomerH(fmt.Sprint(n)))
	}
	return store.Tombstone{Tag: tag, Kind: store.KindImport, Import: int64(n) << 32} // unique in the account
}

// Processes that have cached different versions, or none, all see the tombstones of the version
// that they read.
func TestTombstonesOfEveryVersion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := newCemetery(t)
		processes := []*store.Store{c.process(), c.process(), c.process()}
		jobs, n := []string{}, 0
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			st := rapid.SampledFrom(append(processes, c.process())).Draw(rt, "process")
			switch what := rapid.IntRange(0, 9).Draw(rt, "what"); {
			case what < 5:
				n++
				stones := make([]store.Tombstone, rapid.SampledFrom([]int{1, 1, 1, 2, 5, 50}).Draw(rt, "stones"))
				for i := range stones {
					n++
					stones[i] = over(store.Tag(1+i%2), n)
				}
				jobs = append(jobs, fmt.Sprint("job ", n))
				c.bury(st, jobs[len(jobs)-1], stones...)
			case what < 8 && len(jobs) > 0:
				i := rapid.IntRange(0, len(jobs)-1).Draw(rt, "job")
				c.exhume(st, jobs[i])
				jobs = slices.Delete(jobs, i, i+1)
			case what == 8:
				c.change(st, func(*store.Directory) {})
			default:
				c.look(st)
			}
		}
		for _, st := range append(processes, c.process()) {
			c.look(st)
		}
		for _, job := range jobs {
			c.exhume(processes[0], job)
		}
		for _, st := range append(processes, c.process()) {
			c.look(st)
		}
		if keys := c.left(); len(keys) > 0 {
			t.Fatalf("left: %v", keys)
		}
	})
}

// A reader sees the tombstones of the version of the directory that it has read, even if erases
// begin and end between its calls: as many as the log holds, more than that, or all.
func TestTombstonesMoveWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	meanwhile := map[string]func(*tombstoneWorld, *store.Store){
		"one more":     func(c *tombstoneWorld, st *store.Store) { c.bury(st, "new", over(1, 5000)) },
		"one restored": func(c *tombstoneWorld, st *store.Store) { c.exhume(st, "job 4") },
		"both, and the same again by another": func(c *tombstoneWorld, st *store.Store) {
			c.exhume(st, "job 4")
			c.bury(st, "again", over(1, 4))
			c.exhume(st, "again")
			c.bury(st, "once more", over(1, 4), over(2, 4))
		},
		"more than the log holds": func(c *tombstoneWorld, st *store.Store) {
			for i := range 50 {
				c.exhume(st, fmt.Sprint("job ", i))
			}
		},
		"all restored": func(c *tombstoneWorld, st *store.Store) {
			for i := range 200 {
				c.exhume(st, fmt.Sprint("job ", i))
			}
		},
		"all restored, and another": func(c *tombstoneWorld, st *store.Store) {
			for i := range 200 {
				c.exhume(st, fmt.Sprint("job ", i))
			}
			c.bury(st, "new", over(2, 5000))
		},
	}
	for name, move := range meanwhile {
		for _, knows := range []string{"nothing", "the version before", "a much older version"} {
			t.Run(name+"/"+knows, func(t *testing.T) {
				t.Parallel()
				for n := int64(1); ; n++ {
					if !readWhile(t, n, knows, move) {
						break
					}
				}
			})
		}
	}
}

// readWhile reads, and lets something happen before the n-th call. It returns false if there are
// fewer calls.
func readWhile(t *testing.T, n int64, knows string, move func(*tombstoneWorld, *store.Store)) (moved bool) {
	t.Helper()
	c := newCemetery(t)
	writer, reader := c.process(), c.process()
	for i := range 200 {
		if i == 100 && knows == "a much older version" || i == 199 && knows == "the version before" {
			c.look(reader)
		}
		c.bury(writer, fmt.Sprint("job ", i), over(1, i))
	}
	first := c.calls.Load()
	c.before = func(mem.Op) error {
		if c.calls.Load() == first+n {
			c.before, moved = nil, true
			move(c, writer)
		}
		return nil
	}
	c.look(reader)
	c.before = nil
	c.look(reader)
	return moved
}

// A request that has read an older directory than its process has cached by now sees the tombstones
// of its own version.
func TestARequestThatWasOvertaken(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	st := c.process()
	c.bury(st, "a", over(1, 1))
	c.bury(st, "b", over(1, 2))
	armed := true
	c.after = func(op mem.Op) {
		if armed && op == mem.Get {
			armed = false
			c.exhume(st, "a")
			c.bury(st, "c", over(1, 4))
		}
	}
	if d := c.look(st); d.HiddenBy(over(1, 1)) != "a" || d.HiddenBy(over(1, 4)) != "" {
		t.Error("it saw a later version than it has read")
	}
	if d := c.look(st); d.HiddenBy(over(1, 1)) != "" || d.HiddenBy(over(1, 4)) != "c" {
		t.Error("the process has forgotten what it knew")
	}
}

// A change that fails at any call has written tombstones, count and log, or none of them.
func TestTombstonesAreCutAtEveryCall(t *testing.T) {
	t.Parallel()
	cut := errors.New("cut")
	for n := 1; ; n++ {
		through := false
		for _, afterwards := range []bool{false, true} {
			c := newCemetery(t)
			c.bury(c.process(), "old", over(1, 1), over(2, 2))
			for _, step := range []struct {
				change func(*store.Directory)
				done   map[store.Tombstone]string
			}{
				{func(d *store.Directory) { d.Hide("new", over(1, 5), over(2, 6)) }, map[store.Tombstone]string{
					over(1, 1): "old", over(2, 2): "old", over(1, 5): "new", over(2, 6): "new",
				}},
				{func(d *store.Directory) { d.Reveal("old") }, map[store.Tombstone]string{over(1, 5): "new", over(2, 6): "new"}},
				{func(d *store.Directory) { d.Reveal("new") }, map[store.Tombstone]string{}},
			} {
				st, calls := c.process(), 0
				version := c.look(st).Version
				c.before = func(op mem.Op) error {
					if calls++; calls == n && (op != mem.Transact || !afterwards) {
						return cut
					}
					return nil
				}
				_, err := st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
					step.change(d)
					return nil, nil
				})
				c.before = nil
				through = err == nil
				for s := range step.done {
					c.ever[s] = true
				}
				if c.at[version+1] = step.done; err == nil {
					c.now = maps.Clone(step.done)
				}
				if d := c.look(c.process()); (d.Version == version) != (err != nil) {
					t.Fatalf("call %d: version %d after %d, %v", n, d.Version, version, err)
				}
				if err != nil { // once more
					c.now = maps.Clone(step.done)
					c.change(st, step.change)
				}
				c.look(st)
			}
			if keys := c.left(); len(keys) > 0 {
				t.Fatalf("left: %v", keys)
			}
		}
		if through {
			break
		}
	}
}

// If there are no tombstones, or the process has cached them, nothing is read for them. A change
// costs one get.
func TestCallsForTombstones(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	writer, reader := c.process(), c.process()
	reads := func(want int64) {
		t.Helper()
		was := c.calls.Load()
		c.look(reader)
		if n := c.calls.Load() - was; n != want {
			t.Errorf("%d calls, want %d", n, want)
		}
	}
	reads(1)
	stones := make([]store.Tombstone, 1000)
	for i := range stones {
		stones[i] = over(1, i)
	}
	c.bury(writer, "many", stones...)
	reads(3) // the tombstones and the log, too
	reads(1)
	c.bury(writer, "one", over(1, 5000))
	reads(2)
	reads(1)
	c.exhume(writer, "one")
	reads(2)
	c.change(writer, func(*store.Directory) {})
	reads(1)
	c.exhume(writer, "many")
	reads(1)
}

// Tombstones that older versions stored in the directory count until they are removed, like those
// that are stored now.
func TestTombstonesOfOlderVersions(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	body, err := os.ReadFile("testdata/directory_of_1.golden")
	if err != nil {
		t.Fatal(err)
	}
	st := c.process()
	old := table.NewBuilder().IntAlways(store.AttrVersion, 9).Str("body", strings.TrimSpace(string(body))).Attrs()
	if err := st.Write(t.Context(), []table.Write{{Item: table.Item{Key: store.DirectoryKey(), Attrs: old}}}); err != nil {
		t.Fatal(err)
	}
	hr := store.NewHasher(bytes.Repeat([]byte{7}, 32))
	job := func(n int) string { return fmt.Sprintf("019aae4c-9c00-7000-8000-00000000000%d", n) }
	for s, by := range map[store.Tombstone]string{
		store.Over(1, store.KindCustomer, hr.CustomerH("c1")):           job(1),
		store.Over(2, store.KindCustomer, hr.CustomerH("c1")):           job(1),
		store.Over(1, store.KindInvoicesOf, hr.CustomerH("c2")):         job(2),
		store.Over(1, store.KindInvoice, hr.InvoiceH("i3")):             job(3),
		{Tag: 2, Kind: store.KindImport, Import: 4_242_424_242_424_242}: job(4),
	} {
		c.now[s], c.ever[s] = by, true
	}
	c.at[9] = maps.Clone(c.now)
	d := c.look(st)
	added := table.NewBuilder().Int(store.AttrImport, 4_242_424_242_424_242).Attrs()
	plain := table.NewBuilder().Int(store.AttrImport, 17).Attrs()
	if !d.Erasing(added) || d.Erasing(plain) || !d.Hides(2, store.CustomerSK(hr.CustomerH("c9")), added) || d.Hides(2, store.CustomerSK(hr.CustomerH("c9")), plain) {
		t.Error("what an import added")
	}
	c.bury(st, "new", over(1, 1), over(2, 2))
	c.exhume(st, job(1))
	c.exhume(c.process(), job(4))
	c.exhume(st, job(2))
	c.look(c.process())
	c.exhume(st, "new")
	c.exhume(st, job(3))
	if d := c.look(c.process()); d.TombstoneCount() > 0 || len(c.left()) > 0 {
		t.Errorf("%d tombstones, %v are left", d.TombstoneCount(), c.left())
	}
}

// Older versions do not know the items of tombstones. When they change the directory,
// they keep the entries that count them.
func TestAnOlderVersionLosesNoTombstones(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	st := c.process()
	c.bury(st, "a", over(1, 1), over(2, 2), over(1, 3))
	found, err := st.Lookup(t.Context(), store.DirectoryKey())
	if err != nil {
		t.Fatal(err)
	}
	was := found[store.DirectoryKey()]
	var old struct { // as older versions read it
		HashKey     []byte         `json:"hash_key"`
		NextTag     store.Tag      `json:"next_tag"`
		ManualEpoch int64          `json:"manual_epoch"`
		ManualTop   int64          `json:"manual_top,omitempty"`
		Forgets     bool           `json:"forgets,omitempty"`
		Sources     []store.Source `json:"sources"`
		Tombstones  []struct {
			Job    string    `json:"job"`
			Tag    store.Tag `json:"tag"`
			Kind   string    `json:"kind"`
			H      string    `json:"h,omitempty"`
			Import int64     `json:"import,omitempty"`
		} `json:"tombstones,omitempty"`
	}
	if err := json.Unmarshal([]byte(was.Str("body")), &old); err != nil {
		t.Fatal(err)
	}
	old.Sources = old.Sources[:1]
	body, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	version, _ := was.Int(store.AttrVersion)
	attrs := table.NewBuilder().IntAlways(store.AttrVersion, version+1).Str("body", string(body)).Attrs()
	if err := st.Write(t.Context(), []table.Write{{Item: table.Item{Key: store.DirectoryKey(), Attrs: attrs}}}); err != nil {
		t.Fatal(err)
	}
	c.at[version+1] = c.at[version]
	c.look(st)
	if d := c.look(c.process()); len(d.Sources) != 1 {
		t.Errorf("%d sources", len(d.Sources))
	}
	c.exhume(st, "a")
	c.look(c.process())
}

// The golden file is the promise that stored tombstones stay readable.
func TestTombstonesGolden(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	st := c.process()
	c.bury(st, "J1", over(1, 4), over(2, 5), over(1, 6), over(1, 7))
	c.bury(st, "J2", over(1, 8))
	c.exhume(st, "J2")
	var b strings.Builder
	for _, it := range c.driver.All() {
		switch it.PK {
		case store.TombstoneLogKey().PK:
			fmt.Fprintf(&b, "%s %s\t%s\n", it.PK, it.SK, it.Attrs.Str("body"))
		case store.AccountPK:
			_, counts, _ := strings.Cut(it.Attrs.Str("body"), `"tombstones":`)
			fmt.Fprintf(&b, "%s %s\t%s\n", it.PK, it.SK, counts)
		}
	}
	mark := store.GraceKey(time.UnixMilli(1_795_953_600_000), "J1")
	fmt.Fprintf(&b, "%s %s\n", mark.PK, mark.SK)
	goldenKeys(t, "tombstones", b.String())
}

// One tombstone of each kind covers what it should, and nothing else.
func TestWhatTombstonesHide(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	st := c.process()
	hr := c.look(st).Hasher()
	ours, other := hr.CustomerH("ours"), hr.CustomerH("other")
	inv, line := hr.InvoiceH("inv"), hr.External(store.KindLineItem, "line")
	of := func(customer string, number int64) table.Attrs {
		return table.NewBuilder().Int(store.AttrImport, number).Str("customer", customer).Attrs()
	}
	records := map[string]struct {
		sk    string
		attrs table.Attrs
	}{
		"customer": {store.CustomerSK(ours), of("", 5)}, "contact": {store.ContactSK(ours, line), of("ours", 5)},
		"event": {store.EventSK(ours, 7), of("ours", 5)}, "owner": {store.OwnerSK(ours, inv), of("", 5)},
		"invoice": {store.InvoiceSK(inv), of("ours", 5)}, "its line": {store.LineItemSK(inv, line), of("", 5)},
		"its transaction": {store.TransactionSK(inv, line), of("", 5)}, "plan": {store.PlanSK(line), of("", 5)},
		"another customer": {store.CustomerSK(other), of("", 6)}, "another's invoice": {store.InvoiceSK(line), of("other", 6)},
		"another's contact": {store.ContactSK(other, line), of("other", 6)},
	}
	for name, want := range map[string]struct {
		stone store.Tombstone
		hides []string
	}{
		"customer": {store.Over(1, store.KindCustomer, ours), []string{"contact", "customer", "event", "invoice", "owner"}},
		"invoices": {store.Over(1, store.KindInvoicesOf, ours), []string{"invoice"}},
		"invoice":  {store.Over(1, store.KindInvoice, inv), []string{"invoice", "its line", "its transaction"}},
		"import": {store.Tombstone{Tag: 1, Kind: store.KindImport, Import: 5}, []string{
			"contact", "customer", "event", "invoice", "its line", "its transaction", "owner", "plan",
		}},
		"of a kind that is not known": {store.Tombstone{Tag: 1, Kind: "planet", H: ours.String()}, nil},
	} {
		c.change(st, func(d *store.Directory) { d.Hide(name, want.stone) })
		d, err := c.process().Directory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var hidden, elsewhere []string
		for what, r := range records {
			if d.Hides(1, r.sk, r.attrs) {
				hidden = append(hidden, what)
			}
			if name != "import" && d.Hides(2, r.sk, r.attrs) {
				elsewhere = append(elsewhere, what)
			}
		}
		slices.Sort(hidden)
		if diff := cmp.Diff(want.hides, hidden); diff != "" || len(elsewhere) > 0 {
			t.Errorf("%s (-want +got):\n%s in another source: %v", name, diff, elsewhere)
		}
		c.change(st, func(d *store.Directory) { d.Reveal(name) })
	}
	if keys := c.left(); len(keys) > 0 {
		t.Errorf("left: %v", keys)
	}
}
