package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// A directory written by a later version keeps the fields that this version does not know, of the
// directory and of its sources, whatever this version changes; also if a source is erased and
// restored.
func TestADirectoryOfTomorrow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st := store.New(mem.New(mem.Options{}))
	add := func(id, name string) {
		t.Helper()
		_, err := st.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
			_, err := d.Add(id, name, "CSV", time.Now())
			return nil, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func() (a table.Attrs, d map[string]any, sources []any) {
		t.Helper()
		items, err := st.Get(ctx, store.DirectoryKey())
		if err == nil {
			err = json.Unmarshal([]byte(items[0].Attrs.Str("body")), &d)
		}
		if err != nil {
			t.Fatal(err)
		}
		sources, _ = d["sources"].([]any)
		return items[0].Attrs, d, sources
	}
	add("ds_1", "Acme")
	add("ds_2", "Bystander")
	a, d, sources := read()
	d["tomorrow"] = map[string]any{"every": "6h"}
	acme, _ := sources[0].(map[string]any)
	acme["reading"] = []any{"latin1", "semicolon"}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	b := table.NewBuilder().Str("body", string(text))
	for name, v := range a.All() {
		if name != "body" {
			b.Raw(name, v)
		}
	}
	if err := st.Write(ctx, []table.Write{{Item: table.Item{Key: store.DirectoryKey(), Attrs: b.Attrs()}}}); err != nil {
		t.Fatal(err)
	}
	_, want, wanted := read()

	add("ds_0", "New")
	var was store.Source
	for _, change := range []func(*store.Directory) error{
		func(d *store.Directory) error { d.RaiseEpochs("ds_1", store.Epochs{Customers: 1}); return nil },
		func(d *store.Directory) error { was, _ = d.ByUUID("ds_1"); d.Remove("ds_1"); return nil },
		func(d *store.Directory) error { return d.Restore(was) },
	} {
		_, err := st.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) { return nil, change(d) })
		if err != nil {
			t.Fatal(err)
		}
	}
	var got map[string]any
	_, got, sources = read()
	acme, _ = sources[0].(map[string]any)
	if diff := cmp.Diff([]any{"Acme", []any{"latin1", "semicolon"}}, []any{acme["name"], acme["reading"]}); diff != "" {
		t.Errorf("a source with later fields: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]any{want["tomorrow"], wanted[1]}, []any{got["tomorrow"], sources[1]}); diff != "" {
		t.Errorf("the rest, and another source: -want +got\n%s", diff)
	}
}
