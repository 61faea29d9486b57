package rows

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// MostCounted is how many stored items one call of [Remaining] reads at most.
const MostCounted = 100_000

// Count is how far the count of the rows of an import has come. The zero Count is its beginning.
type Count struct {
	Rows  map[string]int64 `json:"rows,omitempty"` // found so far, by dataset; without zeros
	Done  bool             `json:"-"`
	Kind  int              `json:"kind,omitempty"` // index in the list of kinds of records
	Shard int              `json:"shard,omitempty"`
	SK    string           `json:"sk,omitempty"`
}

// Cursor writes a count as text.
func (c Count) Cursor() string {
	text, _ := json.Marshal(c) // never fails
	return base64.RawURLEncoding.EncodeToString(text)
}

// ParseCount reads what [Count.Cursor] wrote.
func ParseCount(s string) (c Count, ok bool) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") || json.Unmarshal(text, &c) != nil {
		return Count{}, false
	}
	for ds, n := range c.Rows {
		known := slices.ContainsFunc(store.Kinds(), func(k *store.RecordKind) bool { return string(k.Dataset) == ds })
		if !known || n < 0 {
			return Count{}, false
		}
	}
	at, ok := ParsePlace(Place{c.Shard, c.SK}.String())
	return c, ok && at == Place{c.Shard, c.SK} && c.Kind >= 0 && c.Kind < len(store.Kinds())
}

// Remaining counts the visible rows of a source that an import added and that are still there, and
// how many stored items it has read for that. It goes on where a count has ended, and ends when it
// has read [MostCounted] items.
func Remaining(ctx context.Context, st *store.Store, d *store.Directory, src store.Source, number int64, c Count) (Count, int, error) {
	w := &counter{st: st, dir: d, src: src, number: number, Count: c}
	w.Rows = maps.Clone(c.Rows)
	if w.Rows == nil {
		w.Rows = map[string]int64{}
	}
	kinds, read := store.Kinds(), 0
	for w.Kind < len(kinds) && read < MostCounted {
		n, err := w.page(ctx, kinds[w.Kind], min(mostAtOnce, MostCounted-read))
		if err != nil {
			return c, read, err
		}
		read += n
	}
	w.Done = w.Kind == len(kinds)
	return w.Count, read, nil
}

// counter counts the rows that an import added.
type counter struct {
	Count

	st     *store.Store
	dir    *store.Directory
	src    store.Source
	number int64
	parent string // the sort key of the record whose parts are read; empty if it is not visible
	known  bool   // parent is that of the part that is read next, if that is a part
}

// page reads a page of a kind of records, with their parts, and goes on to what comes next.
func (w *counter) page(ctx context.Context, k *store.RecordKind, limit int) (int, error) {
	shards := w.src.Shards
	if k.Place == store.WithPlans {
		shards = 1
	}
	if k.Part || w.Shard >= shards { // parts are read with what they are parts of
		w.Kind, w.Shard, w.SK = w.Kind+1, 0, ""
		return 0, nil
	}
	q := w.src.Space().All(k.SK, w.Shard)
	q.After, q.Limit = w.SK, limit
	page, err := w.st.Page(ctx, q)
	if err != nil {
		return 0, err
	}
	for _, it := range page.Items {
		if err := w.item(ctx, it); err != nil {
			return 0, err
		}
	}
	if w.SK = page.Next; page.Next == "" {
		w.Shard++
	}
	return len(page.Items), nil
}

// item counts a record.
func (w *counter) item(ctx context.Context, it table.Item) error {
	k := store.RecordAt(it.SK)
	if k == nil {
		return nil
	}
	visible := !w.dir.Hides(w.src.Tag, it.SK, it.Attrs)
	if k.Part {
		if err := w.find(ctx, store.ParentSK(it.SK)); err != nil {
			return err
		}
		visible = visible && w.parent == store.ParentSK(it.SK)
	} else if w.known, w.parent = true, ""; visible {
		w.parent = it.SK
	}
	if visible && store.OriginOf(it.Attrs).Import == w.number {
		w.Rows[string(k.Dataset)]++
	}
	return nil
}

// find reads the record whose parts a page begins with.
func (w *counter) find(ctx context.Context, parent string) error {
	if w.known {
		return nil
	}
	key := w.src.Space().Key(parent)
	found, err := w.st.Lookup(ctx, key)
	if a, there := found[key]; err == nil && there && !w.dir.Hides(w.src.Tag, parent, a) {
		w.parent = parent
	}
	w.known = err == nil
	return err
}
