package mover_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/job"
	"reseed/pkg/mover"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// fill makes an account with two sources, edits, items of an erase in its grace period, jobs, tasks,
// API keys and files; scale is how large. It goes past a batch of 25 and past a page in several partitions.
func fill(tb testing.TB, e mover.End, scale int) {
	tb.Helper()
	ctx := context.Background()
	var spaces []store.Space
	d, err := e.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		for n := range 2 {
			src, err := d.Add(fmt.Sprint("ds_", n), fmt.Sprint("source ", n), "CSV", time.Now())
			if err != nil {
				return nil, err
			}
			former := src.Space()
			former.Epochs.Data = 7 // in its grace period: nothing in the directory names it
			spaces = append(spaces, src.Space(), former)
		}
		return nil, nil
	})
	must(tb, err)
	var writes []table.Write
	put := func(k table.Key, attrs table.Attrs) {
		writes = append(writes, table.Write{Item: table.Item{Key: k, Attrs: attrs}})
	}
	for i, sp := range spaces {
		for n := range 30 * scale {
			h := d.Hasher().CustomerH(fmt.Sprint(i, n))
			text := table.NewBuilder().IntAlways("_at", int64(n)).Str("name", strings.Repeat("é", n%40)).Attrs()
			put(sp.Customer(h), text)
			put(sp.Invoice(h), table.NewBuilder().Bool("b", true).List("list", []string{"x", fmt.Sprint(n)}).Attrs())
			put(sp.CustomerEdit(h, store.EditTags), text)
		}
		for n := range 300 { // more than a page of a lane
			put(table.Key{PK: sp.PlanPK(), SK: fmt.Sprintf("p#%04d", n)}, nil)
		}
	}
	for n := range 40 {
		id := fmt.Sprintf("%032d", n)
		put(store.TaskKey(id, "map-1"), table.NewBuilder().Str("body", "{}").Attrs())
		put(table.Key{PK: store.AccountPK, SK: "once#" + id}, nil)
	}
	must(tb, e.Store.Write(ctx, writes))
	must(tb, e.Store.AddAPIKey(ctx, store.APIKey{Name: "key", Hash: [32]byte{1}, At: time.UnixMilli(1).UTC()}))
	_, err = job.NewLedger(e.Store, time.Now).Create(ctx, &job.Job{Kind: job.Erase, Status: job.Grace, Erase: &job.EraseSpec{Until: time.Now().Add(time.Hour)}})
	must(tb, err)
	for n := range 30 {
		must(tb, e.Objects.Put(ctx, fmt.Sprintf("jobs/%02d/changes.zst", n), strings.NewReader(fmt.Sprint("changes ", n))))
	}
	must(tb, e.Objects.Put(ctx, "uploads/source 0/a.csv", strings.NewReader("Name\n")))
	must(tb, e.Objects.Put(ctx, "empty", strings.NewReader("")))
}

// world is all that an end holds.
type world struct {
	items   map[table.Key]string
	objects map[string]string // text, version and time of each object
}

// look reads an end, without API keys: credentials don't move.
func look(tb testing.TB, e mover.End) world {
	tb.Helper()
	w := world{map[table.Key]string{}, map[string]string{}}
	for after := (table.Key{}); ; {
		page, err := e.Store.Scan(context.Background(), after, 0)
		must(tb, err)
		for _, it := range page.Items {
			if it.PK != "account.keys" {
				w.items[it.Key] = string(it.Attrs)
			}
		}
		if after = page.Next; after == (table.Key{}) {
			break
		}
	}
	names, err := e.Objects.Names(context.Background(), "")
	must(tb, err)
	for _, name := range names {
		info, err := e.Objects.Stat(context.Background(), name)
		must(tb, err)
		r, err := e.Objects.Open(context.Background(), name, info.Version, 0, -1)
		must(tb, err)
		var text strings.Builder
		_, err = fmt.Fprint(&text, info.Version, info.Modified.UnixNano(), " ")
		must(tb, err)
		buf := make([]byte, 1<<10)
		n, _ := r.Read(buf)
		must(tb, r.Close())
		w.objects[name] = text.String() + string(buf[:n])
	}
	return w
}

// wantWorld compares two ends; what lies under the key of the directory may differ at the source.
func (w world) want(tb testing.TB, want world) {
	tb.Helper()
	if diff := cmp.Diff(want.items, w.items); diff != "" {
		tb.Fatalf("the items differ:\n%.3000s", diff)
	}
	if diff := cmp.Diff(want.objects, w.objects); diff != "" {
		tb.Fatalf("the objects differ:\n%.3000s", diff)
	}
}

func (w world) withoutDirectory() world {
	items := maps.Clone(w.items)
	delete(items, store.DirectoryKey())
	return world{items, w.objects}
}

func config(from, to mover.End) mover.Config {
	return mover.Config{From: from, To: to, Now: time.Now, Report: func(mover.Progress) {}}
}

func end(d table.Driver, o *objects.Objects, name string) mover.End {
	return mover.End{Store: store.New(d), Objects: o, Name: name}
}

func memory(name string) mover.End { return end(mem.New(mem.Options{}), objects.Mem(), name) }

// newcomer writes as a request does: with a change of the directory.
func newcomer(e mover.End, name string) error {
	_, err := e.Store.ChangeDirectory(context.Background(), func(d *store.Directory) ([]table.Write, error) {
		_, err := d.Add("ds_"+name, name, "CSV", time.Now())
		return nil, err
	})
	return err
}
