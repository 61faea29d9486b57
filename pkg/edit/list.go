package edit

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Entry is one stored edit in the list of all edits of a source. Edits of records that are being
// erased are not listed.
type Entry struct {
	ID     string    // public id of the edited record
	Edits            // what this item holds; other edits of the record are entries of their own
	By     string    // who changed it last; empty if that is not known
	At     time.Time // when it was changed last; of fields and merges, when the latest of those that show was made
	Orphan bool      // the record does not exist, or no link of the merge counts any more
	Import int64     // number of the import that added the record; 0 if none did, or if there is no record
	Place  Place

	item   table.Item
	record table.Key
}

// What lists the kinds of edits that the item holds: tags, attributes, fields, disabled, deleted,
// merge.
func (n *Entry) What() []string {
	var out []string
	for _, x := range []struct {
		name string
		is   bool
	}{
		{"tags", len(n.Tags) > 0},
		{"attributes", len(n.Attributes) > 0},
		{"fields", len(n.Row.Fields) > 0},
		{"disabled", n.Row.Disabled != nil},
		{"deleted", n.Row.Deleted != nil},
		{"merge", n.Merge.linked()},
	} {
		if x.is {
			out = append(out, x.name)
		}
	}
	return out
}

// Place is the position of an edit in the list of all edits of a source. The zero Place comes
// before the first edit.
type Place struct {
	part int
	sk   string
}

func (p Place) String() string { return strconv.Itoa(p.part) + "." + p.sk }

// ParsePlace reads what String wrote.
func ParsePlace(s string) (Place, bool) {
	part, sk, ok := strings.Cut(s, ".")
	n, err := strconv.Atoi(part)
	_, _, is := store.SplitEdit(sk)
	return Place{n, sk}, ok && err == nil && n >= 0 && n <= store.MaxShards && is
}

// pageOfEdits is how many edits are read at once.
const pageOfEdits = 100

// All walks the edits of a source in the order of their keys, starting after a place.
func (e *Edit) All(ctx context.Context, d *store.Directory, src store.Source, after Place) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		sp := src.Space()
		for part := after.part; part <= sp.Shards; part++ {
			q := sp.EditsIn(part)
			q.Limit = pageOfEdits
			if part == after.part {
				q.After = after.sk
			}
			for more := true; more; more = q.After != "" {
				entries, next, err := e.page(ctx, d, src, part, q)
				if err != nil {
					yield(nil, err)
					return
				}
				for _, n := range entries {
					if !yield(n, nil) {
						return
					}
				}
				q.After = next
			}
		}
	}
}

func (e *Edit) page(ctx context.Context, d *store.Directory, src store.Source, part int, q table.Query) ([]*Entry, string, error) {
	page, err := e.st.Page(ctx, q)
	if err != nil {
		return nil, "", err
	}
	var out []*Entry
	for _, it := range page.Items {
		n, err := ReadEntry(src, it)
		if err != nil {
			return nil, "", err
		}
		if n != nil {
			n.Place.part = part
			out = append(out, n)
		}
	}
	out, err = e.judge(ctx, d, src, out)
	return out, page.Next, err
}

// ReadEntry reads one item of the edits of a source; nil if it is not an edit. Whether it is an orphan
// is not known then.
func ReadEntry(src store.Source, it table.Item) (*Entry, error) {
	sk, what, ok := store.SplitEdit(it.SK)
	if !ok {
		return nil, nil //nolint:nilnil // no edit is an answer, not an error
	}
	n := &Entry{ID: store.PublicID(src.Tag, sk), By: it.Attrs.Str(store.AttrBy), Place: Place{sk: it.SK}, item: it, record: src.Space().Key(sk)}
	ms, _ := it.Attrs.Int(store.AttrUpdated)
	n.At = time.UnixMilli(ms).UTC()
	var err error
	switch what {
	case store.EditTags:
		n.Tags = readTags(it.Attrs)
	case store.EditAttributes:
		n.Attributes, err = readAttributes(it.Attrs)
	case store.EditFields:
		n.Row, err = readRow(it.Attrs)
	case store.EditMerge:
		n.Merge, err = readLink(it.Attrs)
		n.By = n.Merge.By
	}
	if m := n.Row.latest(); m != nil {
		n.By, n.At = m.By, m.Time()
	}
	return n, err
}

// latest returns the last change of the row: of a field, or that it was disabled or deleted.
func (r Row) latest() *Mark {
	last := r.Latest()
	for _, m := range []*Mark{r.Disabled, r.Deleted} {
		if m != nil && (last == nil || m.At >= last.At) {
			last = m
		}
	}
	return last
}

// judge drops edits that are invisible or belong to records that are being erased, and marks
// orphans.
func (e *Edit) judge(ctx context.Context, d *store.Directory, src store.Source, entries []*Entry) ([]*Entry, error) {
	var keys []table.Key
	for _, n := range entries {
		keys = append(keys, n.record, parentOf(src.Space(), n.record))
	}
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := e.st.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(n *Entry) bool {
		return !d.Visible(n.item.Attrs) || erased(d, src, found, n.record)
	})
	for _, n := range entries {
		n.Orphan, n.Import = !visible(d, src, found, n.record), store.OriginOf(found[n.record]).Import
	}
	return entries, e.judgeLinks(ctx, d, src, entries)
}

// judgeLinks drops from merges the links that a visible other end does not have: that customer was
// erased with its edits and came back. A merge that has no link left is an orphan.
func (e *Edit) judgeLinks(ctx context.Context, d *store.Directory, src store.Source, entries []*Entry) error {
	l := &loader{e, d, map[Ref]*Member{}}
	own := map[*Entry]Ref{}
	var refs []Ref
	for _, n := range entries {
		if h, _ := store.LeadingH(n.record.SK); !n.Orphan && n.Merge.linked() {
			own[n] = Ref{src.Tag, h}
			refs = append(append(refs, own[n]), n.Merge.From...)
			if n.Merge.Into != nil {
				refs = append(refs, *n.Merge.Into)
			}
		}
	}
	if err := l.load(ctx, refs); err != nil {
		return err
	}
	for n, r := range own {
		link := n.Merge
		if link.Into != nil && l.parted(r, *link.Into) {
			link.Into = nil
		}
		link.From = slices.DeleteFunc(slices.Clone(link.From), func(child Ref) bool { return l.parted(child, r) })
		if n.Orphan = !link.linked(); !n.Orphan {
			n.Merge = link
			n.At = l.latest(link, n.At)
		}
	}
	return nil
}

// latest returns when the latest of the links was made whose other end is visible; otherwise if there
// is none.
func (l *loader) latest(link Link, otherwise time.Time) time.Time {
	var last int64
	if link.Into != nil && l.known[*link.Into] != nil {
		last = link.At
	}
	for _, child := range link.From {
		if m := l.known[child]; m != nil {
			last = max(last, m.Edits.Merge.At)
		}
	}
	if last == 0 {
		return otherwise
	}
	return time.UnixMilli(last).UTC()
}

// parted reports whether two customers are visible and the first is not merged into the second.
// Both must have been loaded.
func (l *loader) parted(child, parent Ref) bool {
	up, linked := l.into(child)
	return l.known[child] != nil && l.known[parent] != nil && (!linked || up != parent)
}

// erased reports whether an erase hides a record, because it can still be restored or its sweep has
// not ended. The erase then hides the record's edits, too.
func erased(d *store.Directory, src store.Source, found map[table.Key]table.Attrs, record table.Key) bool {
	top := parentOf(src.Space(), record)
	return d.Hides(src.Tag, record.SK, found[record]) || d.Hides(src.Tag, top.SK, found[top])
}

// parentOf returns the key of the record that a record belongs to by its key: the invoice of a line
// item. Without its parent a record is not visible. A record without a parent is its own.
func parentOf(sp store.Space, record table.Key) table.Key {
	if parent := store.ParentSK(record.SK); parent != "" {
		return sp.Key(parent)
	}
	return record
}

// visible reports whether a record is visible, given what a batch get found of it and of its
// parent.
func visible(d *store.Directory, src store.Source, found map[table.Key]table.Attrs, record table.Key) bool {
	for _, k := range []table.Key{record, parentOf(src.Space(), record)} {
		if _, ok := found[k]; !ok {
			return false
		}
	}
	return !erased(d, src, found, record)
}

// dropTogether is how many orphans one transaction deletes, each with at most one pointer.
const dropTogether = 25

// Drop deletes the orphans among the edits of a source, and returns how many it has deleted. It
// leaves edits that are changed meanwhile, and edits of records that are being erased (see
// [Entry]).
func (e *Edit) Drop(ctx context.Context, d *store.Directory, src store.Source) (int, error) {
	var orphans []*Entry
	dropped := 0
	flush := func() error {
		n, err := e.drop(ctx, d, src, orphans)
		dropped, orphans = dropped+n, nil
		return err
	}
	for n, err := range e.All(ctx, d, src, Place{}) {
		if err != nil {
			return dropped, err
		}
		if n.Orphan {
			orphans = append(orphans, n)
		}
		if len(orphans) == dropTogether {
			if err := flush(); err != nil {
				return dropped, err
			}
		}
	}
	return dropped, flush()
}

// drop deletes orphans in one transaction; if one of them was changed meanwhile, each in its own.
func (e *Edit) drop(ctx context.Context, d *store.Directory, src store.Source, orphans []*Entry) (int, error) {
	if len(orphans) == 0 {
		return 0, nil
	}
	hash := d.Hasher()
	var writes []table.Write
	for _, n := range orphans {
		writes = append(writes, n.removal(src.Space(), hash)...)
	}
	err := e.st.Transact(ctx, writes...)
	switch {
	case err == nil:
		return len(orphans), nil
	case !fault.Is(err, fault.Conflict):
		return 0, err
	case len(orphans) == 1:
		return 0, nil
	}
	dropped := 0
	for i := range orphans {
		n, err := e.drop(ctx, d, src, orphans[i:i+1])
		if err != nil {
			return dropped, err
		}
		dropped += n
	}
	return dropped, nil
}

// removal returns the writes that delete an edit and its pointer.
func (n *Entry) removal(sp store.Space, hash *store.Hasher) []table.Write {
	version, _ := n.item.Attrs.Int(store.AttrVersion)
	out := []table.Write{{
		Item: table.Item{Key: n.item.Key}, Delete: true, If: table.Cond{Op: table.Equals, Attr: store.AttrVersion, N: version},
	}}
	if p, ok := (Record{Space: sp, Key: n.record, Hash: hash}).pointer(n.Row, 0); ok {
		out = append(out, table.Write{Item: table.Item{Key: p.Key}, Delete: true})
	}
	return out
}

// Find reads the record with a public id and what was done to its fields. The error is
// fault.NotFound if neither exists.
func (e *Edit) Find(ctx context.Context, d *store.Directory, id string) (Record, *Entry, error) {
	src, sk, err := e.locate(ctx, d, id)
	if err != nil {
		return Record{}, nil, err
	}
	sp := src.Space()
	key := sp.Key(sk)
	fields := sp.FieldsOf(key)
	found, err := e.st.Lookup(ctx, key, parentOf(sp, key), fields)
	if err != nil {
		return Record{}, nil, err
	}
	rec := Record{Space: sp, Key: key, Base: found[key], Hash: d.Hasher()}
	there := visible(d, src, found, key)
	attrs := found[fields]
	if !d.Visible(attrs) {
		attrs = nil
	}
	switch {
	case !there && attrs == nil, erased(d, src, found, key):
		return rec, nil, noRecord()
	case rec.Base == nil:
		m, _ := attrs.Int(store.AttrManual)
		rec.Base = table.NewBuilder().Int(store.AttrManual, m).Attrs()
	}
	n, err := ReadEntry(src, table.Item{Key: fields, Attrs: attrs})
	if err == nil {
		n.Orphan = !there
	}
	return rec, n, err
}

func noRecord() error {
	return fault.New(fault.NotFound, "record_not_found", "there is no such record")
}

// locate returns the source and the sort key of the record with a public id.
func (e *Edit) locate(ctx context.Context, d *store.Directory, id string) (store.Source, string, error) {
	prefix, _, _ := strings.Cut(id, "_")
	prefix += "_"
	tag, h, err := store.ParseID(prefix, id)
	src, ok := d.ByTag(tag)
	if err != nil || !ok {
		return src, "", noRecord()
	}
	switch kind := store.KindOfID(prefix); {
	case kind == nil || len(kind.Edits) == 0:
		return src, "", noRecord()
	case kind.Under():
		sk, err := e.under(ctx, src, kind, id, h)
		return src, sk, err
	default:
		return src, kind.SK + h.String(), nil
	}
}

// under returns the sort key of a record that belongs to another one, by its public id. It finds
// records that are stored and records of which only an edit is left.
func (e *Edit) under(ctx context.Context, src store.Source, kind *store.RecordKind, id string, h store.H) (string, error) {
	for _, q := range src.Space().Like(kind, h) {
		q.KeysOnly = true
		for it, err := range e.st.Items(ctx, q) {
			if err != nil {
				return "", err
			}
			sk := strings.TrimSuffix(it.SK, store.EditFields)
			if store.RecordAt(sk) == kind && store.PublicID(src.Tag, sk) == id {
				return sk, nil
			}
		}
	}
	return "", noRecord()
}
