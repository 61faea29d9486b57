package puller_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"reseed/internal/googletest"
	"reseed/pkg/app"
	"reseed/pkg/billing"
	"reseed/pkg/credentials"
	"reseed/pkg/edit"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/puller"
	"reseed/pkg/records"
	"reseed/pkg/source/sheets/google"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

const (
	sheetID = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
	address = "reseed@example.iam.gserviceaccount.com"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// bed is one process, a stand-in for Google, and a source that pulls from a spreadsheet. Another
// source beside it must not change.
type bed struct {
	*app.App
	t      *testing.T
	google *googletest.Server
	db     *mem.Driver
	objs   *objects.Objects
	src    store.Source
	other  store.Source
	clock  func() time.Time
	queue  []any
	// billing systems and their credentials, if there are any
	find   func(name string) (system.System, bool)
	vault  credentials.Vault
	writes atomic.Int64 // calls of the table that write
	// called before and after each call of the table, if set
	before, after func() error
}

func newBed(t *testing.T, tabs ...*googletest.Tab) *bed {
	t.Helper()
	b := &bed{t: t, google: googletest.New(), objs: objects.Mem(), clock: time.Now}
	call := func(f *func() error) func(mem.Op, int) error {
		return func(op mem.Op, _ int) error {
			if f == &b.before && (op == mem.Write || op == mem.Transact) {
				b.writes.Add(1)
			}
			if *f == nil {
				return nil
			}
			return (*f)()
		}
	}
	b.db = mem.New(mem.Options{Before: call(&b.before), After: call(&b.after)})
	b.google.Add(&googletest.Spreadsheet{ID: sheetID, Title: "Company", Locale: "en_US", TimeZone: "Europe/Berlin", Shared: []string{address}, Tabs: tabs})
	b.restart()
	b.src, b.other = b.add("Sheet", "Google Sheets"), b.add("Bystander", "CSV")
	_, err := b.Puller.Set(t.Context(), b.src.Tag, puller.Change{Spreadsheet: new(sheetID)})
	must(t, err)
	b.upload(b.other, "Name,External ID\nA,a\nB,b\n")
	return b
}

// restart is a new process on the same table and objects. Messages of the old one are lost.
func (b *bed) restart() {
	b.t.Helper()
	b.queue = nil
	client, err := google.New(google.Config{Key: b.google.Key(b.t, address), Endpoint: b.google.URL, Transport: b.google.Transport()})
	must(b.t, err)
	b.App = app.New(app.Config{
		Store: store.New(b.db), Objects: b.objs, Now: func() time.Time { return b.clock() }, Log: slog.New(slog.DiscardHandler), Sheets: client,
		System: b.find, Vault: b.vault,
		Imports: func(_ context.Context, m ...importer.Message) error { push(b, m); return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { push(b, m); return nil },
		Pulls:   func(_ context.Context, m ...puller.Message) error { push(b, m); return nil },
	})
}

func push[M any](b *bed, list []M) {
	for _, m := range list {
		b.queue = append(b.queue, m)
	}
}

func (b *bed) add(name, of string) (s store.Source) {
	b.t.Helper()
	_, err := b.Store.ChangeDirectory(b.t.Context(), func(d *store.Directory) (_ []table.Write, err error) {
		s, err = d.Add("ds_"+uuid.NewString(), name, of, b.clock())
		return nil, err
	})
	must(b.t, err)
	return s
}

// step handles one message.
func (b *bed) step(ctx context.Context) error {
	m := b.queue[0]
	b.queue = b.queue[1:]
	switch m := m.(type) {
	case importer.Message:
		return b.Work(ctx, m)
	case app.Sweep:
		return b.Sweep(ctx, m)
	case puller.Message:
		return b.Pull(ctx, m)
	}
	return fmt.Errorf("no such message: %T", m)
}

// work handles messages until there are none.
func (b *bed) work() {
	b.t.Helper()
	for len(b.queue) > 0 {
		must(b.t, b.step(b.t.Context()))
	}
}

// upload imports a file of customers.
func (b *bed) upload(src store.Source, text string) *job.Job {
	b.t.Helper()
	f, err := b.Keep(b.t.Context(), src, "customers.csv", strings.NewReader(text))
	must(b.t, err)
	j, err := b.Importer.Submit(b.t.Context(), importer.Request{Source: src, Files: []job.File{f}, Origin: job.ByFile})
	must(b.t, err)
	b.work()
	return b.job(j.ID)
}

func (b *bed) job(id string) *job.Job {
	b.t.Helper()
	j, err := b.Ledger.Get(b.t.Context(), id)
	must(b.t, err)
	return j
}

// begin begins a pull.
func (b *bed) begin(r puller.Request) *job.Job {
	b.t.Helper()
	j, err := b.Puller.Start(b.t.Context(), b.src.UUID, r)
	must(b.t, err)
	return j
}

// pull pulls to the end.
func (b *bed) pull(r puller.Request) *job.Job {
	b.t.Helper()
	j := b.begin(r)
	b.work()
	return b.job(j.ID)
}

// done pulls, and expects that this changes the rows so.
func (b *bed) done(want string) *job.Job {
	b.t.Helper()
	j := b.pull(puller.Request{})
	if j.Status != job.Done || counts(j) != want {
		b.t.Fatalf("the pull is %s, %q %q %s, want %s; notes %q; reasons %+v", j.Status, j.Error, j.Import.Confirm, counts(j), want, j.Notes, j.Reasons)
	}
	return j
}

func counts(j *job.Job) string {
	var out []string
	for _, ds := range slices.Sorted(maps.Keys(j.Datasets)) {
		c := j.Datasets[ds]
		out = append(out, fmt.Sprintf("%s +%d ~%d =%d -%d !%d", ds, c.Added, c.Changed, c.Unchanged, c.Removed, c.Rejected))
	}
	return strings.Join(out, ", ")
}

func (b *bed) edit(change func(*googletest.Spreadsheet)) { b.google.Change(sheetID, change) }

// names are the names of a source's customers by their external ids.
func (b *bed) names(src store.Source) map[string]string {
	b.t.Helper()
	dir, err := b.Store.Directory(b.t.Context())
	must(b.t, err)
	src, _ = dir.ByTag(src.Tag)
	out := map[string]string{}
	for shard := range src.Shards {
		q := table.Query{PK: src.Space().CustomerPK(shard), From: store.SKCustomer, To: store.After(store.SKCustomer)}
		for it, err := range b.Store.Items(b.t.Context(), q) {
			must(b.t, err)
			out[it.Attrs.Str("external_id")] = it.Attrs.Str("name")
		}
	}
	return out
}

func (b *bed) records() *records.Records {
	return records.New(records.Config{Store: b.Store, Edits: edit.New(b.Store, b.clock), Holder: b.Ledger.Holder, Now: b.clock, Forgotten: b.Eraser.Forgotten})
}

// rest makes a customer over REST.
func (b *bed) rest(id, name string) error {
	_, err := b.records().CreateCustomer(b.t.Context(), records.NewCustomer{Source: b.src.UUID, Record: &billing.Customer{ExternalID: id, Name: name}, By: "a key"})
	return err
}

// items counts the items of a partition.
func (b *bed) items(pk string) (n int) {
	b.t.Helper()
	for _, err := range b.Store.Items(b.t.Context(), table.Query{PK: pk}) {
		must(b.t, err)
		n++
	}
	return n
}

// untouched checks that the bystander is as it was.
func (b *bed) untouched() {
	b.t.Helper()
	same(b.t, "the bystander", map[string]string{"a": "A", "b": "B"}, b.names(b.other))
}

// objectsOf lists the objects of a job, without its change sets, samples and rejects.
func (b *bed) inputsOf(j *job.Job) []string {
	b.t.Helper()
	names, err := b.objs.Names(b.t.Context(), importer.InputDir(j.ID))
	must(b.t, err)
	return names
}

func customersTab(rows ...[]any) *googletest.Tab {
	return &googletest.Tab{ID: 11, Title: "Customers", Cells: append([][]any{{"External ID", "Name"}}, rows...)}
}

func plansTab(rows ...[]any) *googletest.Tab {
	return &googletest.Tab{ID: 12, Title: "Plans", Cells: append([][]any{{"Plan ID", "Name", "Interval count", "Interval unit"}}, rows...)}
}

// many are rows of customers.
func many(n int) (rows [][]any) {
	for i := range n {
		rows = append(rows, []any{fmt.Sprintf("c%05d", i), fmt.Sprintf("Name %d", i)})
	}
	return rows
}

var errKilled = errors.New("killed")

// killedAt works on a job in a process that dies at its n-th change of the objects or of the table; then
// another process goes on. It reports whether the first one came so far.
func (b *bed) killedAt(where string, n int, id string) (killed bool) {
	b.t.Helper()
	ctx, kill := context.WithCancel(b.t.Context())
	var changes atomic.Int64 // sections are mapped side by side
	cut := func() error {
		if changes.Add(1) == int64(n) {
			kill()
		}
		if ctx.Err() != nil {
			return errKilled
		}
		return nil
	}
	plain := b.objs
	switch where {
	case "objects":
		b.objs = plain.Around(func(change func() error) error {
			if err := cut(); err != nil {
				return err
			}
			return change()
		})
	case "table, before":
		b.before = cut
	case "table, after":
		b.after = cut
	}
	b.restart()
	b.queue = []any{puller.Message{Job: id}}
	_ = b.step(ctx)
	killed = ctx.Err() != nil
	kill()
	b.objs, b.before, b.after = plain, nil, nil
	b.restart()
	for range 3 { // the lease runs out
		time.Sleep(2 * time.Minute)
		must(b.t, b.Tick(b.t.Context()))
		b.work()
	}
	return killed
}
