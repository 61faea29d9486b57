package importer

import (
	"context"
	"fmt"
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
	at           place // of the first one that is added without an external id
	added        int64 // without an external id
	met          int64 // stored rows without an external id that the input has
	sums         tally // after: what the import adds to their amounts, or takes from them
}

// doubling looks for rows that an import adds beside others.
type doubling struct {
	now     siblings   // of the last record
	waiting []siblings // to which rows are added
}

// enoughDoubling is how many records are looked at together.
const enoughDoubling = 64

// seeDoubling sees a row that is taken in.
func (m *rangeMerge) seeDoubling(c *candidate) {
	if !c.kind.Doubles || m.stored != nil || !m.parent.old {
		return
	}
	if now := &m.now; now.parent != c.parent || now.kind != c.kind {
		m.passDoubling()
		*now = siblings{kind: c.kind, parent: c.parent, currency: m.parent.currency}
	}
	now := &m.now
	now.sums.add(inAfter, 1, c.kind, c.entry.body, now.currency)
	now.sums.add(inAfter, -1, c.kind, c.before, now.currency)
	switch {
	case !c.entry.natural:
	case c.before != nil:
		now.met++
	default:
		if now.added == 0 || c.entry.place.compare(now.at) < 0 {
			now.at = c.entry.place
		}
		now.added++
		now.name = table.Attrs(c.entry.body).Str(c.kind.OfAttr)
	}
}

// passDoubling goes on from the rows of one record to the next.
func (m *rangeMerge) passDoubling() {
	if m.now.added > 0 {
		m.waiting = append(m.waiting, m.now)
	}
	m.now = siblings{}
}

func (m *rangeMerge) endDoubling(ctx context.Context) error {
	m.passDoubling()
	return m.checkDoubling(ctx, 1)
}

// checkDoubling reads what is stored of the waiting records, if they are at least so many.
func (m *rangeMerge) checkDoubling(ctx context.Context, least int) error {
	if len(m.waiting) < least {
		return nil
	}
	found := make([]doubled, len(m.waiting))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(m.w.store.Parallel())
	for i := range m.waiting {
		g.Go(func() (err error) {
			found[i], err = m.w.beside(ctx, &m.waiting[i])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range m.waiting {
		if s := &m.waiting[i]; found[i].Others > 0 {
			m.sum.double(string(s.kind.Dataset), found[i])
			m.samples.seeDoubled(s)
		}
	}
	m.waiting = m.waiting[:0]
	return nil
}

// beside reads the stored rows of the record, and finds those without an external id that the input
// lacks.
func (w *work) beside(ctx context.Context, s *siblings) (doubled, error) {
	h, _ := store.LeadingH(s.parent)
	q := w.parts.Below(s.kind, h)
	if s.kind.Part {
		q = w.parts.PartsOf(s.kind.Kind, h)
	}
	sums, others := s.sums, -s.met
	for it, err := range w.store.Items(ctx, q) {
		if err != nil {
			return doubled{}, err
		}
		a := w.present(it.SK, it.Attrs)
		if a == nil {
			continue
		}
		if a.Str("external_id") == "" {
			others++
		}
		sums.add(inBefore|inAfter, 1, s.kind, a, s.currency)
	}
	return doubled{Parents: 1, Added: s.added, Others: others, Sums: sums.totals}, nil
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
