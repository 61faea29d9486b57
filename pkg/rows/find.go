package rows

import (
	"bytes"
	"context"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// candidates are stored items among which the rows of a page are.
type candidates struct {
	items []table.Item
	read  int   // stored items that were read to find them
	next  Place // behind them
	end   bool  // there is nothing behind them
}

// finder returns at most limit candidates behind a place, in the order of keys.
type finder func(ctx context.Context, after Place, limit int) (candidates, error)

// finder chooses the shortest way to the rows that a filter lets pass.
func (r *Reader) finder(f Filter) finder {
	named := f.ExternalID != "" && !r.passesOver()
	switch {
	case f.State != "" && len(r.kind.Edits) == 0:
		return func(context.Context, Place, int) (candidates, error) { return candidates{end: true}, nil }
	case named:
		return func(ctx context.Context, after Place, _ int) (candidates, error) {
			return r.byExternalID(ctx, f.ExternalID, after)
		}
	case f.Email != "" && r.kind.Kind == store.KindCustomer:
		return func(ctx context.Context, after Place, limit int) (candidates, error) {
			return r.byEmail(ctx, f.Email, after, limit)
		}
	case f.State != "":
		return func(ctx context.Context, after Place, limit int) (candidates, error) {
			return r.byState(ctx, f.State, after, limit)
		}
	}
	return r.walk
}

// passesOver reports whether nothing leads from an external id to a row, so that all rows have to be
// looked at. So it is with contacts.
func (r *Reader) passesOver() bool {
	return r.kind.Under() && !slices.ContainsFunc(r.kind.Pointers, func(p store.PointerRule) bool { return store.PointerAt(p.To).Unique })
}

// shards is how many partitions the rows are in.
func (r *Reader) shards() int {
	if r.kind.Place == store.WithPlans {
		return 1
	}
	return r.sp.Shards
}

// top is the kind of records among which the rows stand.
func (r *Reader) top() *store.RecordKind {
	if r.kind.Part {
		return r.kind.Parent()
	}
	return r.kind
}

// walk reads the rows of a shard as they follow each other.
func (r *Reader) walk(ctx context.Context, after Place, limit int) (c candidates, err error) {
	if after.Shard >= r.shards() {
		return candidates{end: true}, nil
	}
	q := r.sp.All(r.top().SK, after.Shard)
	q.After, q.Limit = after.SK, limit
	page, err := r.st.Page(ctx, q)
	if err != nil {
		return c, err
	}
	c = candidates{items: page.Items, read: len(page.Items), next: Place{after.Shard, page.Next}}
	if page.Next == "" {
		return r.nextShard(c, after), nil
	}
	if k := store.RecordAt(page.Next); k != nil && k.Part && !r.kind.Part { // the other parts of that record need not be read
		c.next.SK = store.After(store.ParentSK(page.Next))
	}
	return c, nil
}

// nextShard makes candidates go on at the beginning of the next shard.
func (r *Reader) nextShard(c candidates, at Place) candidates {
	c.next = Place{Shard: at.Shard + 1}
	c.end = c.next.Shard >= r.shards()
	return c
}

// byExternalID reads the record with an external id.
func (r *Reader) byExternalID(ctx context.Context, id string, after Place) (c candidates, err error) {
	c.end = true
	sk, err := r.named(ctx, id)
	if err != nil || sk == "" {
		return c, err
	}
	key := r.sp.Key(sk)
	items, err := r.st.Get(ctx, key)
	if at := (Place{r.shardOf(sk), sk}); err == nil && after.before(at) {
		c.items, c.read = items, len(items)
	}
	return c, err
}

// before reports whether a place comes before another one.
func (p Place) before(o Place) bool { return p.Shard < o.Shard || p.Shard == o.Shard && p.SK < o.SK }

// named returns the sort key of the record with an external id; empty if there is none.
func (r *Reader) named(ctx context.Context, id string) (string, error) {
	own := r.hr.External(r.kind.Kind, id)
	var pointer table.Key
	switch {
	case !r.kind.Under():
		return r.kind.SK + own.String(), nil
	case r.kind.Kind == store.KindEvent:
		pointer = r.sp.ExternalEvent(own.EventID())
	default:
		pointer = r.sp.External(r.kind.Kind, own)
	}
	found, err := r.st.Lookup(ctx, pointer)
	if err != nil {
		return "", err
	}
	parent, ok := store.ParseH(store.HolderOf(found[pointer]))
	switch {
	case !ok:
		return "", nil
	case r.kind.Kind == store.KindEvent:
		return store.EventSK(parent, own.EventID()), nil
	}
	return r.kind.Parent().SK + parent.String() + r.kind.SK + own.String(), nil
}

// byEmail reads the customers to which pointers from an e-mail address lead: from the imported one,
// or from one that people have given. Both are in the order of the customers' keys.
func (r *Reader) byEmail(ctx context.Context, email string, after Place, limit int) (c candidates, err error) {
	h, most := r.hr.EmailH(email), max(1, limit/2)
	var owners []store.H
	for _, q := range []table.Query{r.sp.EmailsOf(h), r.sp.EditEmailsOf(h)} {
		q.Limit, q.KeysOnly = most, true
		if owner, ok := store.LeadingH(after.SK); ok {
			q.After = store.EmailSK(h, owner)
		}
		page, err := r.st.Page(ctx, q)
		if err != nil {
			return c, err
		}
		c.read += len(page.Items)
		for _, it := range page.Items {
			if owner, ok := store.TrailingH(it.SK); ok {
				owners = append(owners, owner)
			}
		}
	}
	slices.SortFunc(owners, func(x, y store.H) int { return bytes.Compare(x[:], y[:]) })
	owners = slices.Compact(owners)
	if c.end = len(owners) < most; !c.end { // beyond, one of the two lists may lack some
		owners = owners[:most]
	}
	var keys []table.Key
	for _, owner := range owners {
		keys = append(keys, r.sp.Customer(owner))
	}
	if c.items, err = r.records(ctx, keys); err == nil && len(keys) > 0 {
		last := keys[len(keys)-1].SK
		c.next = Place{r.shardOf(last), last}
	}
	return c, err
}

// byState reads the records to which people have done something: their edits are in the order of
// their keys.
func (r *Reader) byState(ctx context.Context, s State, after Place, limit int) (c candidates, err error) {
	if after.Shard >= r.shards() {
		return candidates{end: true}, nil
	}
	q := r.sp.EditsAlong(r.top(), after.Shard, r.top().SK, r.top().SK)
	q.After, q.Limit = behindEdits(after.SK), limit
	page, err := r.st.Page(ctx, q)
	if err != nil {
		return c, err
	}
	var keys []table.Key
	for _, it := range page.Items {
		is, err := r.isEditIn(s, it)
		if err != nil {
			return c, err
		}
		if record, _, _ := store.SplitEdit(it.SK); is {
			keys = append(keys, r.sp.Key(record))
		}
	}
	if c.items, err = r.records(ctx, keys); err != nil {
		return c, err
	}
	c.read = len(page.Items)
	if page.Next == "" {
		return r.nextShard(c, after), nil
	}
	c.next = Place{after.Shard, page.Next}
	return c, nil
}

// behindEdits returns the sort key behind which edits are read for a place: that of an edit, or of a
// record, whose changed fields come before the place.
func behindEdits(sk string) string {
	if _, _, is := store.SplitEdit(sk); is || sk == "" {
		return sk
	}
	return sk + store.EditFields
}

// isEditIn reports whether an item is an edit that says that a row is in a state.
func (r *Reader) isEditIn(s State, it table.Item) (bool, error) {
	sk, what, ok := store.SplitEdit(it.SK)
	if !ok || what != store.EditFields || store.RecordAt(sk) != r.kind {
		return false, nil
	}
	row, err := edit.ReadRow(r.dir, map[table.Key]table.Attrs{it.Key: it.Attrs}, r.sp, r.sp.Key(sk))
	return err == nil && s.is(row), err
}

// records reads the records that are stored under keys, in their order.
func (r *Reader) records(ctx context.Context, keys []table.Key) (items []table.Item, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := r.st.Lookup(ctx, keys...)
	for _, key := range keys {
		if a, there := found[key]; there {
			items = append(items, table.Item{Key: key, Attrs: a})
		}
	}
	return items, err
}
