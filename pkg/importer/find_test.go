package importer_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// What an import has done to one record is found in the change set of its key range.
func TestChangeOf(t *testing.T) {
	t.Parallel()
	const rows = 300
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 500, 0)
	src := l.source(t, "S")
	var file strings.Builder
	file.WriteString("External ID,Name\n")
	for n := range rows {
		fmt.Fprintf(&file, "c%d,N\n", n)
	}
	first := l.done(t, src, input{name: "first.csv", body: []byte(file.String())})
	if first.Import.Ranges < 2 {
		t.Fatalf("%d key ranges", first.Import.Ranges)
	}
	second := l.done(t, src, input{name: "second.csv", body: []byte("External ID,Name\nnew,N\nc7,M\n")})
	d, err := l.store.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := func(id string) string { return store.CustomerSK(d.Hasher().CustomerH(id)) }
	for n := range rows {
		c, err := l.ChangeOf(t.Context(), first, src.Space(), key(fmt.Sprintf("c%d", n)))
		if err != nil || c == nil || c.Action != importer.Added || c.File != "first.csv" || c.Line != int64(n)+2 {
			t.Fatalf("c%d: %+v %v", n, c, err)
		}
	}
	c, err := l.ChangeOf(t.Context(), second, src.Space(), key("c7"))
	if err != nil || c == nil || c.Action != importer.Changed || c.File != "second.csv" || c.Line != 3 {
		t.Errorf("%+v %v", c, err)
	}
	for _, sk := range []string{key("c8"), key("nobody"), store.PlanSK(d.Hasher().External(store.KindPlan, "p")), "?", "m#x"} {
		if c, err := l.ChangeOf(t.Context(), second, src.Space(), sk); c != nil || err != nil {
			t.Errorf("%s: %+v %v", sk, c, err)
		}
	}
	names, err := l.objects.Names(t.Context(), "jobs/"+second.ID+"/changes/")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	if _, err := l.objects.DeleteAll(t.Context(), "jobs/"+second.ID+"/changes/"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ChangeOf(t.Context(), second, src.Space(), key("c7")); !fault.Is(err, fault.NotFound) {
		t.Errorf("an erased change set: %v", err)
	}
	for _, name := range names {
		if err := l.objects.Put(t.Context(), name, bytes.NewReader(make([]byte, 33<<20))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.ChangeOf(t.Context(), second, src.Space(), key("c7")); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a large change set: %v", err)
	}
}
