package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// This test makes random sequences of imports and edits, exports all sources, imports the files into
// a new account, and reads both over REST. To run it for long:
//
//	go test ./pkg/api -run AnotherAccount -rapid.checks=1000 -rapid.steps=100 -timeout 0

func TestAnotherAccountReadsTheSame(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		w := newWalk(t, r)
		actions := w.actions()
		maps.DeleteFunc(actions, func(name string, _ func(*rapid.T)) bool {
			return strings.Contains(name, "erase") || strings.Contains(name, "restore") || slices.Contains([]string{"", "remember", "time", "work", "invoice", "source"}, name)
		})
		r.Repeat(actions)
		w.fuse.Store(0)
		w.finish()
		there := anotherAccount(drawn{t, r})
		format := rapid.SampledFrom([]string{"csv", "ndjson"}).Draw(r, "format")
		files := map[string]map[string]string{}
		for _, name := range []string{"First", "Second"} {
			files[name] = w.taken(w.w.byName(name).uuid, format)
		}
		for _, edits := range []bool{false, true} { // the rows of all sources first: merges join them
			for name, texts := range files {
				there.brings(name, texts, edits)
			}
		}
		for _, name := range []string{"First", "Second"} {
			want, got := w.read(w.w.byName(name).uuid), there.read(there.sourceOf(name))
			if diff := cmp.Diff(want, got); diff != "" {
				r.Fatalf("%s (-here +there):\n%s", name, diff)
			}
			for kind, list := range want {
				seen[kind] += len(list)
			}
		}
	})
	if len(seen) != 4 {
		t.Error("the test shows nothing of some kinds: ", seen)
	}
	t.Log(seen)
}

// anotherAccount is another account, with another secret and other tags.
func anotherAccount(tb testing.TB) *bed {
	tb.Helper()
	b := newBed(tb, nil)
	_, err := b.store.ChangeDirectory(tb.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.HashKey = bytes.Repeat([]byte{9}, 32)
		for _, s := range slices.Clone(d.Sources) {
			d.Remove(s.UUID)
		}
		_, err := d.Add("ds_33333333-3333-3333-3333-333333333333", "Second", "Stripe", clock())
		_, err2 := d.Add("ds_44444444-4444-4444-4444-444444444444", "First", "Custom", clock())
		return nil, errors.Join(err, err2)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func (b *bed) sourceOf(name string) string {
	b.t.Helper()
	d, err := b.store.Directory(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	src, _ := d.ByName(name)
	return src.UUID
}

// taken exports a source, and returns the files.
func (b *bed) taken(source, format string) map[string]string {
	b.t.Helper()
	id := text(b.t, b.must(202, "POST", "/v1/data_sources/"+source+"/exports", fmt.Sprintf(`{"format":%q}`, format)), "id")
	b.work()
	j := b.must(200, "GET", "/v1/exports/"+id, "")
	files := map[string]string{}
	switch spec, _ := j["export"].(object); {
	case j["status"] != "done":
		b.t.Fatalf("%v", j)
	case spec["size"] == 0.0:
		return files
	}
	body := b.do("GET", "/v1/exports/"+id+"/file", "").body
	z, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			b.t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

// brings imports the rows or the edits of an export, none of which may be rejected.
func (b *bed) brings(name string, files map[string]string, edits bool) {
	b.t.Helper()
	var parts []part
	for file, text := range files {
		if (file == "edits.ndjson") == edits {
			parts = append(parts, part{"file", file, text})
		}
	}
	if len(parts) == 0 {
		return
	}
	id := b.id(b.form(b.sourceOf(name), parts...))
	b.work()
	if j := b.is(id, "done"); j["rejects"] != 0.0 {
		b.t.Fatalf("%v\n%s", j["reasons"], textOf(b.t, b.do("GET", "/v1/imports/"+id+"/rejects", "").body))
	}
}

var likeID = regexp.MustCompile(`(cus|pl|inv|li|tr|con|ds|sub)_[0-9a-f-]{36}`)

// read is what people read of a source, without ids and in an order of its own. Edits whose records
// are gone are left out, as an export leaves them out.
func (b *bed) read(source string) map[string][]string {
	b.t.Helper()
	out := map[string][]string{}
	for name, path := range map[string]string{
		"customers": "/v1/customers?per_page=200&data_source_uuid=", "plans": "/v1/plans?per_page=200&data_source_uuid=",
		"invoices": "/v1/invoices?per_page=200&data_source_uuid=", "edits": "/v1/data_sources/%s/edits?per_page=200",
	} {
		if !strings.Contains(path, "%s") {
			path += "%s"
		}
		answer := b.must(200, "GET", fmt.Sprintf(path, source), "")
		list, ok := answer[name].([]any)
		if !ok {
			list, _ = answer["entries"].([]any)
		}
		for _, one := range list {
			if e, is := one.(object); is && (e["orphaned"] == true || b.unlinked(e)) {
				continue
			}
			body, err := json.Marshal(bare(one))
			if err != nil {
				b.t.Fatal(err)
			}
			out[name] = append(out[name], likeID.ReplaceAllString(string(body), "an id"))
		}
		slices.Sort(out[name])
	}
	return out
}

// unlinked takes out of an edit the customers at the other ends of merges that are gone, and reports
// whether nothing is left of it then.
func (b *bed) unlinked(e object) bool {
	b.t.Helper()
	gone := func(id any) bool {
		tag, h, _ := store.ParseID(store.PrefixCustomer, fmt.Sprint(id))
		d, err := b.store.Directory(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		src, _ := d.ByTag(tag)
		found, err := b.store.Lookup(b.t.Context(), src.Space().Customer(h))
		return err == nil && len(found) == 0
	}
	from, is := e["merged_from"].([]any)
	into, was := e["merged_into"]
	if !is && !was {
		return false
	}
	if from = slices.DeleteFunc(from, gone); len(from) == 0 {
		delete(e, "merged_from")
	} else {
		e["merged_from"] = from
	}
	if was && gone(into) {
		delete(e, "merged_into")
		delete(e, "author") // who merged it
		was = false
	}
	return len(from) == 0 && !was
}

// bare is a value without numeric ids, with lists of objects in an order of their own.
func bare(v any) any {
	switch v := v.(type) {
	case object:
		for name, member := range v {
			v[name] = bare(member)
		}
		if _, is := v["id"].(float64); is {
			delete(v, "id")
		}
		delete(v, "url")
	case []any:
		for i := range v {
			v[i] = bare(v[i])
		}
		if _, are := first(v).(object); are {
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(withoutIDs(a), withoutIDs(b)) })
		}
	}
	return v
}

func first(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func withoutIDs(v any) string {
	body, _ := json.Marshal(v)
	return likeID.ReplaceAllString(string(body), "an id")
}
