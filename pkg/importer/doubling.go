package importer

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A row without an external id is known by what it says. So when such a row is corrected, it is a
// new row, and the one before stays beside it: the invoice counts both. An import of mode upsert
// looks for that. Where it adds rows without an external id to a record that was there before, it
// reads the other rows of that record, and the report says how many of them the input lacks.

// doubled are the rows of one dataset that an import adds beside stored ones, both without an
// external id.
type doubled struct {
	Parents int64 `json:"parents"` // records that they belong to
	Added   int64 `json:"added"`
	Others  int64 `json:"others"` // stored rows of those records that the input lacks
	// Sums of all rows of those records in that dataset, whether they have external ids or not
	Sums job.Totals `json:"sums,omitempty"`
}

func (s *summary) double(dataset string, d doubled) {
	if s.Doubled == nil {
		s.Doubled = map[string]doubled{}
	}
	mine := s.Doubled[dataset]
	mine.Parents += d.Parents
	mine.Added += d.Added
	mine.Others += d.Others
	mine.Sums.Add(d.Sums)
	s.Doubled[dataset] = mine
}

// siblings are the rows of one kind that the input has of one record.
type siblings struct {
	kind         *store.RecordKind
	parent, name string // sort key and external id of the record
	currency     string
	at           place       // of the first one that is added without an external id
	added        int64       // without an external id
	others       int64       // stored rows without an external id, less those that the input has
	sums         tally       // before: of the stored rows; after: that, with what the import adds and takes away
	stored       table.Query // finds the stored rows
}

// doubling looks for rows that an import adds beside others.
type doubling struct {
	now     siblings   // of the last record
	waiting []siblings // to which rows are added
}

// enoughDoubling is how many records are looked at together.
const enoughDoubling = 64

// seeDoubling sees a row that is taken in; same says that it is stored so already.
func (m *rangeMerge) seeDoubling(c *candidate, same bool) {
	if !c.kind.Doubles || m.stored != nil || !m.parent.old {
		return
	}
	if m.now.parent != c.parent || m.now.kind != c.kind {
		m.passDoubling(c)
	}
	now := &m.now
	if !same {
		now.sums.add(inAfter, 1, c.kind, c.entry.body, now.currency)
	}
	if !same && c.before != nil {
		now.sums.add(inAfter, -1, c.kind, c.before, now.currency)
	}
	switch {
	case !c.entry.natural:
	case c.before != nil:
		now.others--
	default:
		if now.added == 0 || c.entry.place.compare(now.at) < 0 {
			now.at = c.entry.place
		}
		now.added++
		now.name = table.Attrs(c.entry.body).Str(c.kind.OfAttr)
	}
}

// passDoubling goes on from the rows of one record to those of another, of which next is the first.
func (m *rangeMerge) passDoubling(next *candidate) {
	sums := tally{totals: m.now.sums.totals[:0]}
	if m.now.added > 0 {
		m.waiting = append(m.waiting, m.now)
		sums = tally{} // the waiting record keeps its own
	}
	m.now = siblings{kind: next.kind, parent: next.parent, currency: m.parent.currency, sums: sums}
}

func (m *rangeMerge) endDoubling(ctx context.Context) error {
	m.passDoubling(&candidate{})
	return m.checkDoubling(ctx, 1)
}

// checkDoubling reads what is stored of the waiting records, if they are at least so many.
func (m *rangeMerge) checkDoubling(ctx context.Context, least int) error {
	if len(m.waiting) < least {
		return nil
	}
	for i := range m.waiting {
		m.waiting[i].stored = m.w.siblingsOf(&m.waiting[i])
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(m.w.store.Parallel())
	for list := range m.w.walks(m.waiting) {
		g.Go(func() error { return m.w.meetStored(ctx, list) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range m.waiting {
		if s := &m.waiting[i]; s.others > 0 {
			m.sum.double(string(s.kind.Dataset), doubled{Parents: 1, Added: s.added, Others: s.others, Sums: s.sums.totals})
			m.samples.seeDoubled(s)
		}
	}
	m.waiting = m.waiting[:0]
	return nil
}

// siblingsOf finds the stored rows of that kind and record.
func (w *work) siblingsOf(s *siblings) table.Query {
	h, _ := store.LeadingH(s.parent)
	if s.kind.Part {
		return w.parts.PartsOf(s.kind.Kind, h)
	}
	return w.parts.Below(s.kind, h)
}

// walks splits a list in ascending order into parts of one partition that are each read at once:
// one part where keys are dense, else a part for each record (see [work.storedAt]).
func (w *work) walks(list []siblings) iter.Seq[[]siblings] {
	return func(yield func([]siblings) bool) {
		var from []string
		for len(list) > 0 {
			n := 1
			for from = append(from[:0], list[0].stored.From); n < len(list) && list[n].stored.PK == list[0].stored.PK; n++ {
				from = append(from, list[n].stored.From)
			}
			if density, known := w.density[from[0][:2]]; !known || sparse(from, density) {
				n = 1
			}
			if !yield(list[:n]) {
				return
			}
			list = list[n:]
		}
	}
}

// meetStored reads the stored rows of records of one partition, in one walk from the first record to
// the last.
func (w *work) meetStored(ctx context.Context, list []siblings) error {
	q := list[0].stored
	q.To = list[len(list)-1].stored.To
	for it, err := range w.store.Items(ctx, q) {
		if err != nil {
			return err
		}
		for it.SK >= list[0].stored.To {
			list = list[1:]
		}
		if s := &list[0]; it.SK >= s.stored.From {
			s.meet(w.present(it.SK, it.Attrs))
		}
	}
	return nil
}

// meet counts a stored row; nil is one that is hidden.
func (s *siblings) meet(a table.Attrs) {
	if a == nil {
		return
	}
	if a.Str("external_id") == "" {
		s.others++
	}
	s.sums.add(inBefore|inAfter, 1, s.kind, a, s.currency)
}

// seeDoubled keeps the external id of a record to which rows are added beside others.
func (s *sampler) seeDoubled(of *siblings) {
	s.add(sampleKind{of.kind.Dataset, besideOthers}, sample{
		File: of.at.file, Line: of.at.line,
		Change: Change{Dataset: of.kind.Dataset, Action: besideOthers, After: map[string]any{of.kind.OfAttr: of.name}},
	})
}

// doubledNotes say which rows an import adds beside others, and what people can do. They name
// records by their external ids, which are not in the results of tasks: the samples and the notes
// are erased with the files of the import.
func (im *Importer) doubledNotes(ctx context.Context, j *job.Job, sum *summary) ([]string, error) {
	if len(sum.Doubled) == 0 {
		return nil, nil
	}
	s, err := im.samples(ctx, j)
	if err != nil {
		return nil, err
	}
	var notes []string
	for _, ds := range billing.Order() {
		if d := sum.Doubled[string(ds)]; d.Parents > 0 {
			notes = append(notes, d.note(store.KindFor(ds), s.kept[sampleKind{ds, besideOthers}]))
		}
	}
	return notes, nil
}

func (d doubled) note(kind *store.RecordKind, first []sample) string {
	var names []string
	for _, one := range first {
		name, _ := one.Change.After[kind.OfAttr].(string)
		names = append(names, name)
	}
	if more := d.Parents - int64(len(names)); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("%s: %d added without an external ID to %s (%s) that already had such rows, %d of which this import does not bring%s. "+
		"If they are those rows corrected, both count. Then undo this import (or cancel the plan) and import the whole dataset in mode replace; "+
		"with external IDs, rows that are corrected later change in place.",
		kind.Dataset, d.Added, parents(d.Parents, kind.Of), strings.Join(names, ", "), d.Others, d.money())
}

// parents counts records that rows belong to.
func parents(n int64, kind store.Kind) string {
	if n == 1 {
		return "1 " + string(kind)
	}
	return fmt.Sprintf("%d %ss", n, kind)
}

// money lists the sums of those records before and after.
func (d doubled) money() string {
	var list []string
	for i := range d.Sums {
		t := &d.Sums[i]
		if t.Before == t.After || t.Over {
			continue
		}
		of := ""
		if t.Of != "" {
			of = strings.ReplaceAll(t.Of, "_", " ") + " "
		}
		list = append(list, of+billing.Money(t.Before, t.Currency)+" → "+billing.Money(t.After, t.Currency))
	}
	if len(list) == 0 {
		return ""
	}
	return "; in all " + strings.Join(list, ", ")
}
