package importer_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/job"
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
	key := l.customerKey(t)
	finds := func(j *job.Job, sk, want string) {
		t.Helper()
		c, err := l.ChangeOf(t.Context(), j, src.Space(), sk)
		got := "nothing"
		if c != nil {
			got = fmt.Sprintf("%s %s:%d", c.Action, c.File, c.Line)
		}
		if err != nil {
			got = fault.CodeOf(err)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", sk, got, want)
		}
	}
	for n := range rows {
		finds(first, key(fmt.Sprintf("c%d", n)), fmt.Sprintf("added first.csv:%d", n+2))
	}
	finds(second, key("c7"), "changed second.csv:3")
	for _, sk := range []string{key("c8"), key("nobody"), "p#" + key("p")[2:], "?", "m#x"} {
		finds(second, sk, "nothing")
	}
	folder := "jobs/" + second.ID + "/changes/"
	names, err := l.objects.Names(t.Context(), folder)
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	if _, err := l.objects.DeleteAll(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	finds(second, key("c7"), "object_gone")
	for _, name := range names {
		if err := l.objects.Put(t.Context(), name, bytes.NewReader(make([]byte, 33<<20))); err != nil {
			t.Fatal(err)
		}
	}
	finds(second, key("c7"), "change_set_too_large")
	finds(first, key("c7"), "added first.csv:9")
}

// customerKey returns a function that makes the sort key of a customer.
func (l *line) customerKey(t *testing.T) func(id string) string {
	t.Helper()
	d, err := l.store.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func(id string) string { return store.CustomerSK(d.Hasher().CustomerH(id)) }
}

// BenchmarkChangeOf looks through a whole change set of 62,500: one of the 16 of an import of a
// million customers.
func BenchmarkChangeOf(b *testing.B) {
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 64<<20, 0)
	src := l.source(b, "S")
	var file strings.Builder
	file.WriteString("External ID,Name,Email,Company,Country,City\n")
	for n := range 62_500 {
		fmt.Fprintf(&file, "cus_%d,Name of %d,name.%d@example.com,Company %d,DE,Berlin\n", n, n, n, n%1000)
	}
	j := l.done(b, src, input{name: "a.csv", body: []byte(file.String())})
	last := "c#" + strings.Repeat("f", 26)
	for b.Loop() {
		if c, err := l.ChangeOf(b.Context(), j, src.Space(), last); c != nil || err != nil {
			b.Fatal(c, err)
		}
	}
}
