package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// This file compares what is stored in the end with the world, key by key.

// endure lets every job end, and compares what is left in the table with the world.
func (w *walk) endure() {
	w.t.Helper()
	w.finish()
	w.sees()
	w.wait(job.MaxGrace)
	w.tick()
	w.finish()
	w.sees()
	var got, want []string
	d := w.directory()
	for _, it := range w.ofSources(0) {
		got = append(got, w.spelled(d, it.Key))
	}
	for _, s := range w.w.sources {
		want = append(want, w.expected(s)...)
		w.fresh(s)
	}
	w.same("the table", got, want)
	if d.TombstoneCount() > 0 {
		w.t.Fatal("there are tombstones")
	}
	for _, it := range w.mem.All() {
		if it.PK == store.TombstoneLogKey().PK {
			w.t.Fatal("it was left: ", it.SK)
		}
		if it.PK == store.AccountPK && slices.ContainsFunc([]string{store.SKLock, store.SKOpen, store.SKGrace}, func(of string) bool { return strings.HasPrefix(it.SK, of) }) {
			w.t.Fatal("it was left: ", it.SK)
		}
	}
}

// fresh fails if the source has rows of an old manual epoch, which would stay hidden without ever
// being swept.
func (w *walk) fresh(s *origin) {
	w.t.Helper()
	epochs := map[string]int64{}
	for _, from := range []rows{s.customers, s.data} {
		for id, r := range from {
			epochs[id] = r.manual
		}
	}
	for key, e := range s.edits {
		epochs[key] = e.manual
	}
	for id, manual := range epochs {
		if !w.w.current(manual) {
			w.t.Fatalf("%s of %s is hidden for ever", id, s.name)
		}
	}
}

// spelled is a key with names in place of identities.
func (w *walk) spelled(d *store.Directory, k table.Key) string {
	var tag uint32
	_, _ = fmt.Sscanf(k.PK[:5], "%x", &tag)
	src, ok := d.ByTag(store.Tag(tag))
	area := "old: " + k.PK
	for i := range src.Shards {
		sp := src.Space()
		switch k.PK {
		case sp.CustomerPK(i):
			area = "c"
		case sp.DataPK(i), sp.PlanPK():
			area = "d"
		case sp.EditPK(i), sp.PlanEditPK():
			area = "e"
		}
	}
	if !ok {
		area = "gone"
	}
	words := strings.Split(k.SK, "#")
	for i, word := range words {
		if name := w.names[word]; name != "" {
			words[i] = name
		} else if len(word) > 20 {
			words[i] = "?"
		}
	}
	return fmt.Sprint(tag, " ", area, " ", strings.Join(words, "#"))
}

// expected are the keys of everything in the model, and of the pointers to it.
func (w *walk) expected(s *origin) (keys []string) {
	add := func(area, format string, args ...any) {
		keys = append(keys, fmt.Sprint(s.tag, " ", area, " ", fmt.Sprintf(format, args...)))
	}
	for id, r := range s.customers {
		if kindOf(id) == "m" {
			add("c", "%s", strings.ReplaceAll(id, "/", "#"))
			continue
		}
		add("c", "c#%s", id[2:])
		if email := r.fields["email"]; email != "" {
			add("c", "m#%s#%s", email, id[2:])
		}
	}
	for id, r := range s.data {
		own := id[strings.LastIndex(id, "/")+1:]
		switch kind := kindOf(id); {
		case kind == "p":
			add("d", "p#%s", own)
		case kind == "i":
			add("d", "i#%s", own)
			add("d", "o#%s#%s", r.fields["customer"], own)
		case own == "":
			add("d", "i#%s#%s#?", invoiceIn(id), kind)
		default:
			add("d", "i#%s#%s#%s", invoiceIn(id), kind, own)
			add("d", "x#%s#%s", kind, own)
		}
	}
	for key, e := range s.edits {
		id, what, _ := strings.Cut(key, "#")
		words := strings.Split(id, "/")
		if words[0] == "l" || words[0] == "t" {
			words = []string{"i", words[1], words[0], words[2]}
		}
		add("e", "%s#%s", strings.Join(words, "#"), map[string]string{"custom": "attributes"}[what]+strings.TrimPrefix(what, "custom"))
		if email := e.fields["email"]; email != "" {
			add("e", "m#%s#%s", email, id[2:])
		}
		if e.fields["date"] != "" {
			add("e", "o#%s#%s", ownerOf(id[2:]), id[2:])
		}
	}
	return keys
}

func encoded(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
