package rows

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

const (
	// MostSearched is how many stored items a page reads at most.
	MostSearched = 10_000
	// mostAtOnce is how many of them are read at a time.
	mostAtOnce = 1000
)

// State is what people have done to a row.
type State string

// The states.
const (
	Edited   State = "edited" // fields were changed
	Disabled State = "disabled"
	Deleted  State = "deleted"
)

// States lists the states.
func States() []State { return []State{Edited, Disabled, Deleted} }

// Filter says which rows are wanted. What is empty does not matter.
type Filter struct {
	ExternalID string // exactly, of the row itself
	Email      string // exactly, in any case; only for datasets with a field email
	State      State
}

// Row is a stored row as people see it.
type Row struct {
	Place    Place
	ID       string      // public id; empty if rows of the dataset have none
	Customer string      // public id of the source customer that it is or belongs to; empty if there is none
	Cells    []string    // by column, as docs/FORMATS.md says
	Currency string      // of the amounts whose column names no other column; empty if nothing says it
	Edits    edit.Row    // what people have done to it
	Of       edit.Row    // what people have done to the record that it is a part of
	Added    time.Time   // UTC
	Changed  time.Time   // UTC, by an import or over REST
	attrs    table.Attrs // with edits laid over
}

// Page is a page of rows, in the order of their keys.
type Page struct {
	Rows     []Row
	Searched int    // stored items that were read to find them
	Next     *Place // where to go on; nil if there is nothing more
}

// Place is a place in the order of the keys of a source: behind the record with a sort key, or, if
// that is empty, at the beginning of a shard. The zero Place is before the first row.
type Place struct {
	Shard int
	SK    string
}

// String writes the place as text.
func (p Place) String() string { return strconv.Itoa(p.Shard) + "." + p.SK }

// ParsePlace reads what [Place.String] wrote.
func ParsePlace(s string) (p Place, ok bool) {
	shard, sk, found := strings.Cut(s, ".")
	n, err := strconv.Atoi(shard)
	p = Place{n, sk}
	return p, found && err == nil && n >= 0 && n < store.MaxShards && p.isKey()
}

// isKey reports whether the sort key of a place can be that of a record.
func (p Place) isKey() bool {
	const longest = 100
	_, named := store.LeadingH(p.SK)
	odd := func(r rune) bool { return r < ' ' || r > '\x7f' }
	return p.SK == "" || named && len(p.SK) <= longest && !strings.ContainsFunc(p.SK, odd)
}

// Reader reads the rows of one dataset of a source. One goroutine at a time may use it.
type Reader struct {
	st      *store.Store
	dir     *store.Directory
	hr      *store.Hasher
	src     store.Source
	sp      store.Space
	dataset billing.Dataset
	kind    *store.RecordKind
	speller *billing.Speller
}

// NewReader makes a reader. The error is fault.Invalid if there is no such dataset of records. Rows
// of the older cancellations are rows of subscription events.
func NewReader(st *store.Store, d *store.Directory, src store.Source, ds billing.Dataset) (*Reader, error) {
	kind := store.KindFor(ds)
	if kind == nil || kind.Dataset != ds {
		return nil, fault.Newf(fault.Invalid, "unknown_dataset", "there are no rows of the dataset %q", ds)
	}
	speller, err := billing.NewSpeller(ds)
	if err != nil {
		return nil, err
	}
	return &Reader{st: st, dir: d, hr: d.Hasher(), src: src, sp: src.Space(), dataset: ds, kind: kind, speller: speller}, nil
}

// Columns lists the columns of the rows.
func (r *Reader) Columns() []billing.Field {
	return slices.DeleteFunc(billing.FieldsOf(r.dataset), func(f billing.Field) bool { return f.Column == "" })
}

// HasEmail reports whether the rows can be searched by e-mail address.
func (r *Reader) HasEmail() bool {
	return slices.ContainsFunc(r.Columns(), func(f billing.Field) bool { return f.Is == "email" && f.Name == attrEmail })
}

const (
	attrEmail      = "email"
	attrExternalID = "external_id"
)

// Page reads the page of at most size rows behind a place.
func (r *Reader) Page(ctx context.Context, f Filter, after Place, size int) (p Page, err error) {
	find := r.finder(f)
	for batch := r.first(size); ; {
		found, err := find(ctx, after, min(batch, MostSearched-p.Searched))
		if err != nil {
			return p, err
		}
		if p.Searched += found.read; found.read >= batch {
			batch = min(2*batch, mostAtOnce)
		}
		rows, err := r.judge(ctx, f, found.items)
		if err != nil {
			return p, err
		}
		p.Rows = append(p.Rows, rows...)
		switch {
		case len(p.Rows) > size:
			p.Rows = p.Rows[:size]
			p.Next = &p.Rows[size-1].Place
			return p, nil
		case found.end:
			return p, nil
		case p.Searched >= MostSearched:
			p.Next = &found.next
			return p, nil
		}
		after = found.next
	}
}

// first is how many items are read first for a page of a size. Records that have parts, or are
// some, stand among those.
func (r *Reader) first(size int) int {
	size++
	if r.kind.Part || len(store.PartsOf(r.kind.Kind)) > 0 {
		size *= 4
	}
	return min(size, mostAtOnce)
}

// judge makes rows of those among some items that are records of the dataset, visible, and wanted.
func (r *Reader) judge(ctx context.Context, f Filter, items []table.Item) (rows []Row, err error) {
	items = slices.DeleteFunc(items, func(it table.Item) bool {
		return store.RecordAt(it.SK) != r.kind || r.dir.Hides(r.src.Tag, it.SK, it.Attrs) || !r.maybe(f, it.Attrs)
	})
	var keys []table.Key
	for _, it := range items {
		if len(r.kind.Edits) > 0 {
			keys = append(keys, r.sp.FieldsOf(it.Key))
		}
		if r.kind.Part {
			parent := r.sp.Key(store.ParentSK(it.SK))
			keys = append(keys, parent, r.sp.FieldsOf(parent))
		}
	}
	beside := map[table.Key]table.Attrs{}
	if len(keys) > 0 {
		if beside, err = r.st.Lookup(ctx, keys...); err != nil {
			return nil, err
		}
	}
	for _, it := range items {
		row, visible, err := r.row(it, beside)
		if err != nil {
			return nil, err
		}
		if visible && r.wanted(f, &row) {
			row.Cells = r.speller.Spell(nil, r.kind.Decode(row.attrs))
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// row makes a row of a record, without its cells. A part is visible only with the record that it is
// a part of.
func (r *Reader) row(it table.Item, beside map[table.Key]table.Attrs) (row Row, visible bool, err error) {
	row = Row{
		Place: Place{r.shardOf(it.SK), it.SK}, ID: store.PublicID(r.src.Tag, it.SK),
		Added: it.Attrs.Time(store.AttrCreated), Changed: it.Attrs.Time(store.AttrUpdated),
	}
	whose := r.kind.CustomerID(it.Attrs)
	if r.kind.Part {
		parent := r.sp.Key(store.ParentSK(it.SK))
		of, there := beside[parent]
		if !there || r.dir.Hides(r.src.Tag, parent.SK, of) {
			return row, false, nil
		}
		if row.Of, err = edit.ReadRow(r.dir, beside, r.sp, parent); err != nil {
			return row, false, err
		}
		of = row.Of.Over(of)
		whose, row.Currency = r.kind.Parent().CustomerID(of), store.CurrencyIn(of)
	}
	if whose != "" {
		row.Customer = store.ID(store.PrefixCustomer, r.src.Tag, r.hr.CustomerH(whose))
	}
	row.Edits, err = edit.ReadRow(r.dir, beside, r.sp, it.Key)
	row.attrs = row.Edits.Over(it.Attrs)
	return row, true, err
}

func (r *Reader) shardOf(sk string) int {
	if r.kind.Place == store.WithPlans {
		return 0
	}
	h, _ := store.LeadingH(sk)
	return r.sp.ShardOf(h)
}

// maybe reports whether a record as it was imported may be wanted. Nobody can change an external
// id, nor anything of a dataset without edits.
func (r *Reader) maybe(f Filter, a table.Attrs) bool {
	switch {
	case f.ExternalID != "" && a.Str(attrExternalID) != f.ExternalID:
		return false
	case f.Email != "" && len(r.kind.Edits) == 0:
		return sameEmail(f.Email, a)
	}
	return true
}

// wanted reports whether a filter lets a row pass.
func (r *Reader) wanted(f Filter, row *Row) bool {
	return f.State.is(row.Edits) && (f.Email == "" || sameEmail(f.Email, row.attrs))
}

func sameEmail(email string, a table.Attrs) bool {
	return strings.EqualFold(strings.TrimSpace(a.Str(attrEmail)), strings.TrimSpace(email))
}

// is reports whether people have done that to a row.
func (s State) is(e edit.Row) bool {
	switch s {
	case Edited:
		return len(e.Fields) > 0
	case Disabled:
		return e.Disabled != nil
	case Deleted:
		return e.Deleted != nil
	}
	return true
}
