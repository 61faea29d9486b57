package importer

import (
	"context"
	"strconv"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// probe is how many items are read to learn how dense a source is.
const probe = 100

// fewKeys is the number of keys up to which each is read by itself, without a probe.
const fewKeys = 4

// storedAt returns the attributes stored under each of the ascending sort keys, nil where there is
// no item. Where the keys are dense among the stored items it reads the range (about 0.1 read unit
// a row); where they are sparse it gets each item (1 unit a row). A probe tells which, since hashes
// spread evenly. Reads are strongly consistent both ways.
func (w *work) storedAt(ctx context.Context, sks []string) ([]table.Attrs, error) {
	out := make([]table.Attrs, len(sks))
	for from := 0; from < len(sks); {
		pk, to := w.parts.Of(sks[from]), from+1
		if pk == "" {
			return nil, errUnknownKey(sks[from])
		}
		for to < len(sks) && w.parts.Of(sks[to]) == pk {
			to++
		}
		if err := w.storedIn(ctx, pk, sks[from:to], out[from:to]); err != nil {
			return nil, err
		}
		from = to
	}
	return out, nil
}

func (w *work) storedIn(ctx context.Context, pk string, sks []string, out []table.Attrs) error {
	what := sks[0][:2]
	density, known := w.density[what]
	if len(sks) <= fewKeys || known && sparse(sks, density) {
		return w.storedByGet(ctx, pk, sks, out)
	}
	q := table.Query{PK: pk, From: sks[0], To: sks[len(sks)-1] + "!"}
	if !known {
		q.Limit = probe
	}
	at := 0
	var cost table.Cost
	for {
		page, err := w.store.Page(ctx, q)
		if err != nil {
			return err
		}
		for _, it := range page.Items {
			for at < len(sks) && sks[at] < it.SK {
				at++
			}
			if at < len(sks) && sks[at] == it.SK {
				out[at] = it.Attrs
			}
		}
		cost = cost.Add(page.Cost)
		if page.Next == "" {
			w.learn(what, cost, sks[0], q.To)
			return nil
		}
		w.learn(what, cost, sks[0], page.Next)
		if q.Limit > 0 && sparse(sks, w.density[what]) {
			return w.storedByGet(ctx, pk, sks, out)
		}
		q.After, q.Limit = page.Next, 0
	}
}

// learn notes the cost of reading all items of a kind in one partition, in thousandths of a unit.
// Hashes spread evenly, so a part of one partition is enough to know.
func (w *work) learn(what string, cost table.Cost, from, to string) {
	if span := position(to) - position(from); span > 0 {
		w.density[what] = float64(cost.ReadMilli) / span
	}
}

// sparse reports whether reading the range of these keys costs more than getting each key.
func sparse(sks []string, density float64) bool {
	return density*(position(sks[len(sks)-1])-position(sks[0])) > float64(1000*len(sks))
}

// position is where the hash that leads a sort key lies among all hashes, from 0 to 1.
func position(sk string) float64 {
	const digits = 13 // 52 bits: all that a float64 carries
	h, ok := store.LeadingH(sk)
	if !ok {
		return 0
	}
	n, _ := strconv.ParseUint(h.String()[:digits], 16, 64)
	return float64(n) / (1 << 52)
}

func (w *work) storedByGet(ctx context.Context, pk string, sks []string, out []table.Attrs) error {
	keys := make([]table.Key, len(sks))
	for i, sk := range sks {
		keys[i] = table.Key{PK: pk, SK: sk}
	}
	found, err := w.store.Lookup(ctx, keys...)
	if err != nil {
		return err
	}
	for i, k := range keys {
		out[i] = found[k]
	}
	return nil
}

// storedUnder returns what is present under the keys of these changes, which ascend; nil where
// there is nothing.
func (w *work) storedUnder(ctx context.Context, changes []change) ([]table.Attrs, error) {
	stored, err := w.rawUnder(ctx, changes)
	if err != nil {
		return nil, err
	}
	for i := range changes {
		stored[i] = w.present(changes[i].sk, stored[i])
	}
	return stored, nil
}

// rawUnder returns what is stored under the keys of these changes, hidden or not.
func (w *work) rawUnder(ctx context.Context, changes []change) ([]table.Attrs, error) {
	sks := make([]string, len(changes))
	for i := range changes {
		sks[i] = changes[i].sk
	}
	return w.storedAt(ctx, sks)
}

// walk goes through all stored records of one stage in a key range, in key order.
type walk struct {
	w       *work
	queries []table.Query
	page    []table.Item
}

// peek returns the next record, and whether there is one.
func (s *walk) peek(ctx context.Context) (table.Item, bool, error) {
	for len(s.page) == 0 {
		if len(s.queries) == 0 {
			return table.Item{}, false, nil
		}
		page, err := s.w.store.Page(ctx, s.queries[0])
		if err != nil {
			return table.Item{}, false, err
		}
		s.page = page.Items
		if s.queries[0].After = page.Next; page.Next == "" {
			s.queries = s.queries[1:]
		}
	}
	return s.page[0], true, nil
}

// pass moves on from the record that peek returned.
func (s *walk) pass() { s.page = s.page[1:] }

// present is a stored item as an import sees it: nil if it is of an older manual epoch or hidden by
// a tombstone.
func (w *work) present(sk string, a table.Attrs) table.Attrs {
	if a == nil || w.dir.Hides(w.tag, sk, a) {
		return nil
	}
	return a
}

// beingErased reports whether a tombstone hides an item.
func (w *work) beingErased(sk string, a table.Attrs) bool { return w.dir.Covers(w.tag, sk, a) }
