package job

import (
	"cmp"
	"context"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/later"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A tally holds how many rows of a source its jobs have counted, so that nobody has to count the
// rows themselves. The transaction that ends an import changes it; an erase changes it in a
// transaction of its sweep. What requests add, change or delete is not in it.

// Tally is what jobs have counted of a source, and which imports of it people look for first.
type Tally struct {
	Counted []Counted `json:"counted,omitempty"` // at most one for each pair of epochs
	Latest  string    `json:"latest,omitempty"`  // the import that ended last, plans that were only looked at apart
	Waiting string    `json:"waiting,omitempty"` // the latest plan, as long as it waits to be applied
	// the highest manual epoch of the imports that have added rows
	Manual int64 `json:"manual,omitempty"`

	Version int64        `json:"-"` // of the stored item
	Later   later.Fields `json:"-"`
}

// Counted are the rows under two epochs of a source. An erase that raises an epoch hides them with
// the rows, and a restore brings both back.
type Counted struct {
	Customers int              `json:"c"`
	Data      int              `json:"d,omitempty"` // 0: of the datasets that do not have that epoch in their keys
	Rows      map[string]int64 `json:"rows,omitempty"`
	Unknown   []string         `json:"unknown,omitempty"` // datasets of which a job has written some rows and not said how many

	Later later.Fields `json:"-"`
}

// Rows returns how many rows of each dataset jobs have counted in a source as it is now. A dataset
// that no job has counted is not there. unknown lists the datasets whose number no job knows; it is
// all of them if the source is older than tallies. A nil Tally has counted nothing.
func (t *Tally) Rows(src store.Source) (rows map[string]int64, unknown []string) {
	rows = map[string]int64{}
	if src.Counted == 0 || src.Epochs.Customers < src.Counted {
		for _, k := range store.Kinds() {
			unknown = append(unknown, string(k.Dataset))
		}
		return rows, unknown
	}
	if t == nil {
		return rows, nil
	}
	for i := range t.Counted {
		c := &t.Counted[i]
		if c.Customers != src.Epochs.Customers || c.Data != 0 && c.Data != src.Epochs.Data {
			continue
		}
		for ds, n := range c.Rows {
			rows[ds] = max(0, n) // requests may have made rows that an erase has counted
		}
		unknown = append(unknown, c.Unknown...)
	}
	for _, ds := range unknown {
		delete(rows, ds)
	}
	return rows, unknown
}

// at returns the counts that hold a dataset under some epochs, and makes them if they are missing;
// nil if the dataset has no rows of its own.
func (t *Tally) at(e store.Epochs, dataset string) *Counted {
	where := Counted{Customers: e.Customers}
	switch place, ok := placeOf(dataset); {
	case !ok:
		return nil
	case place != store.WithCustomers:
		where.Data = e.Data
	}
	for i := range t.Counted {
		if c := &t.Counted[i]; c.Customers == where.Customers && c.Data == where.Data {
			return c
		}
	}
	where.Rows = map[string]int64{}
	t.Counted = append(t.Counted, where)
	return &t.Counted[len(t.Counted)-1]
}

func placeOf(dataset string) (store.Place, bool) {
	for _, k := range store.Kinds() {
		if string(k.Dataset) == dataset {
			return k.Place, true
		}
	}
	return 0, false
}

// stored is the name under which the rows of a dataset are counted.
func stored(dataset string) string { return string(billing.Becomes(billing.Dataset(dataset))) }

func (t *Tally) add(e store.Epochs, dataset string, n int64) {
	if n == 0 {
		return
	}
	dataset = stored(dataset)
	if c := t.at(e, dataset); c != nil {
		c.Rows[dataset] += n
	}
}

// lose notes that the number of rows of a dataset is unknown from now on.
func (t *Tally) lose(e store.Epochs, dataset string) {
	dataset = stored(dataset)
	if c := t.at(e, dataset); c != nil && !slices.Contains(c.Unknown, dataset) {
		c.Unknown = append(c.Unknown, dataset)
	}
}

// set notes how many rows a dataset has.
func (t *Tally) set(e store.Epochs, dataset string, n int64) {
	if c := t.at(e, dataset); c != nil {
		c.Rows[dataset] = n
		c.Unknown = slices.DeleteFunc(c.Unknown, func(ds string) bool { return ds == dataset })
	}
}

// imported counts what an import or undo has added and removed, and notes which import is the
// latest. from is the state before the job ended.
func (t *Tally) imported(j *Job, from State) {
	if j.Status == Planned {
		if t.Waiting == "" || j.Import.OnlyCustomer() == "" { // if two plans wait, people are shown the one of the whole source
			t.Waiting = j.ID
		}
		return
	}
	if t.Waiting == j.ID {
		t.Waiting = ""
	}
	if from != StatePlanned && from != StateAsking {
		t.Latest = j.ID
	}
	if !j.Wrote() {
		return
	}
	for ds, c := range j.Datasets {
		switch {
		case j.Status == Done:
			t.add(j.Import.Epochs, ds, c.Added-c.Removed)
		case c.Added+c.Removed > 0: // it ended halfway
			t.lose(j.Import.Epochs, ds)
		}
		if c.Added > 0 {
			t.Manual = max(t.Manual, j.Import.ManualEpoch)
		}
	}
}

// exported takes over what an export has counted.
func (t *Tally) exported(spec *ExportSpec) {
	rows, whole := map[string]int64{}, map[string]bool{}
	for _, ds := range spec.Datasets {
		rows[stored(ds)] += spec.Rows[ds]
		whole[ds] = true
	}
	for ds, n := range rows {
		if ds != string(billing.Events) || whole[string(billing.Cancellations)] && whole[ds] {
			t.set(spec.Was.Epochs, ds, n)
		}
	}
}

// counts tells whether the end of a job changes the tally of its source: it is an import, or an
// export of the rows as they were imported.
func (j *Job) counts() bool {
	switch {
	case j.Tag == 0:
		return false
	case j.Import != nil:
		return true
	case j.Export == nil || j.Status != Done:
		return false
	}
	return j.Export.Customer == "" && j.Export.Edits != EditsLaidOver
}

// tallying returns the write that changes the tally of a job's source when the job ends; none if the
// end changes nothing there. from is the state before.
func (l *Ledger) tallying(ctx context.Context, j *Job, from State) ([]table.Write, error) {
	if !j.counts() {
		return nil, nil
	}
	t, err := l.tally(ctx, j.Tag)
	if err != nil {
		return nil, err
	}
	if t.Version == 0 || j.Export != nil {
		d, err := l.st.Directory(ctx)
		if err != nil {
			return nil, err
		}
		if _, there := d.ByTag(j.Tag); !there { // its tally is gone, or is about to go
			return nil, nil
		}
		if j.Export != nil {
			if whole, err := l.sawAll(ctx, d, j); !whole || err != nil {
				return nil, err
			}
		}
	}
	if j.Import != nil {
		t.imported(j, from)
	} else {
		t.exported(j.Export)
	}
	write, err := t.write(j.Tag)
	return []table.Write{write}, err
}

// sawAll tells whether an export has seen all rows of its source: an erase that is not done may have
// hidden some, and will count those itself.
func (l *Ledger) sawAll(ctx context.Context, d *store.Directory, j *Job) (bool, error) {
	if d.AnyHidden(j.Tag) {
		return false, nil
	}
	open, err := l.Open(ctx)
	return !slices.ContainsFunc(open, func(o *Job) bool { return o.Erase != nil && (o.Tag == 0 || o.Tag == j.Tag) }), err
}

// tally reads the tally of a source. Without one, it is empty and has the version 0.
func (l *Ledger) tally(ctx context.Context, tag store.Tag) (*Tally, error) {
	found, err := l.st.Get(ctx, store.TallyKey(tag))
	if err != nil || len(found) == 0 {
		return &Tally{}, err
	}
	return decodeTally(found[0].Attrs)
}

func decodeTally(a table.Attrs) (*Tally, error) {
	t := &Tally{}
	if err := later.Unmarshal([]byte(a.Str(attrBody)), t); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "ledger", "read what jobs have counted")
	}
	t.Version, _ = a.Int(store.AttrVersion)
	for i := range t.Counted {
		if c := &t.Counted[i]; c.Rows == nil {
			c.Rows = map[string]int64{}
		}
	}
	return t, nil
}

// write returns the write that stores the next version of a tally, on condition that it has not
// changed since it was read.
func (t *Tally) write(tag store.Tag) (table.Write, error) {
	slices.SortFunc(t.Counted, func(a, b Counted) int {
		return cmp.Or(cmp.Compare(a.Customers, b.Customers), cmp.Compare(a.Data, b.Data))
	})
	item, err := encode(store.TallyKey(tag), t.Version+1, t)
	w := table.Write{Item: item, If: table.Cond{Op: table.Equals, Attr: store.AttrVersion, N: t.Version}}
	if t.Version == 0 {
		w.If = table.Cond{Op: table.Absent}
	}
	return w, err
}

// Tallies returns the tallies of all sources.
func (l *Ledger) Tallies(ctx context.Context) (map[store.Tag]*Tally, error) {
	all := map[store.Tag]*Tally{}
	for item, err := range l.st.Items(ctx, store.Tallies()) {
		if err != nil {
			return nil, err
		}
		if tag, ok := store.TallyOf(item.SK); ok {
			if all[tag], err = decodeTally(item.Attrs); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// Swept is what an erase has removed under some epochs of a source, by dataset.
type Swept struct {
	Epochs store.Epochs
	Rows   map[string]int64
}

// Uncount returns the write that takes what an erase has removed from the tally of a source, for a
// transaction of the caller; none if nothing was counted there. It fails with fault.Conflict if the
// tally has changed meanwhile. gone tells under which epochs nothing is left. manual is the manual
// epoch that the erase has begun, if it removes manual rows: an import since may have taken the
// places of rows that it has not removed then, and the numbers are unknown.
func (l *Ledger) Uncount(ctx context.Context, tag store.Tag, swept []Swept, gone func(Counted) bool, manual int64) ([]table.Write, error) {
	t, err := l.tally(ctx, tag)
	if err != nil || t.Version == 0 {
		return nil, err
	}
	for _, s := range swept {
		for ds, n := range s.Rows {
			t.add(s.Epochs, ds, -n)
		}
		for _, k := range store.Kinds() {
			if k.Manual && manual > 0 && t.Manual >= manual {
				t.lose(s.Epochs, string(k.Dataset))
			}
		}
	}
	t.Counted = slices.DeleteFunc(t.Counted, gone)
	write, err := t.write(tag)
	return []table.Write{write}, err
}
