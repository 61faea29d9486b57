package eraser

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// countersAtOnce is how many partitions are counted in parallel.
const countersAtOnce = 16

// Plan says what an erase would remove. Its counts are exact at the time at which they were read.
type Plan struct {
	Kind       Kind     `json:"selection"`
	Source     string   `json:"source,omitempty"`
	SourceName string   `json:"source_name,omitempty"`
	Records    []string `json:"records,omitempty"` // public ids
	Import     string   `json:"import,omitempty"`  // the job whose added rows go
	KeepEdits  bool     `json:"keep_edits"`
	Grace      float64  `json:"grace_seconds"`
	Removes    Counts   `json:"counts"`      // records and edits
	Pointers   Counts   `json:"pointers"`    // pointers to them
	Survives   []string `json:"survives"`    // what stays, in sentences
	Notes      []string `json:"notes"`       // what is removed besides, in sentences
	WriteUnits float64  `json:"write_units"` // an estimate, of the removal
	Dollars    float64  `json:"dollars"`     // the price of the write units on DynamoDB on demand
	PricesOf   string   `json:"prices_of"`
	Seconds    float64  `json:"seconds"` // an estimate of how long the removal takes
	// Exports says for each source concerned whether what goes was exported; of a customer it is one.
	Exports []Exported `json:"exports"`
	ID      string     `json:"id"` // for [Options], to do this and nothing else

	Ground string `json:"-"` // what the directory said of the selection; for [Eraser.Start]
}

// Total returns the number of items that the erase would remove.
func (p *Plan) Total() int64 { return p.Removes.Total() + p.Pointers.Total() }

// Plan counts what the selection holds, by kind, and writes nothing. The error is fault.Invalid for
// an empty selection, and fault.NotFound if what is selected does not exist.
func (e *Eraser) Plan(ctx context.Context, sel Selection, opt Options) (*Plan, error) {
	opt, err := e.check(ctx, sel, opt)
	if err != nil {
		return nil, err
	}
	d, err := e.c.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{Kind: sel.Kind, KeepEdits: opt.keeps(sel.Kind), Grace: opt.grace.Seconds(), Notes: notes(sel.Kind), PricesOf: table.PricesOf, Exports: []Exported{}}
	p.Survives, p.Ground = survives(sel.Kind, p.KeepEdits), ground(d, sel)
	all, err := e.countSelection(ctx, d, sel, p)
	if err != nil {
		return nil, err
	}
	p.Removes, p.Pointers = all.Rows(), all.Pointers()
	p.WriteUnits = float64(all.Total()) // one for each item of up to 1 KB
	if sel.Kind == ManualCustomers || sel.Kind.records() {
		p.WriteUnits *= 2 // such items are deleted in transactions, which cost twice as much
	}
	p.Dollars = table.Cost{WriteMilli: table.MilliUnits(p.WriteUnits)}.Dollars()
	p.Seconds = p.WriteUnits / float64(e.c.Store.UnitsASecond())
	if opt.Forget {
		p.Notes = append(p.Notes, "The customer is put on the do-not-reload list: later imports report it as rejected, with the code forgotten.")
	}
	p.ID = planID{e.c.Now().UnixMilli(), asked(sel, opt), p.found()}.String()
	return p, nil
}

func (e *Eraser) countSelection(ctx context.Context, d *store.Directory, sel Selection, p *Plan) (Counts, error) {
	if sel.Kind == ManualCustomers {
		return e.countManual(ctx, d, p)
	}
	t, err := e.find(ctx, d, sel)
	if err != nil {
		return nil, err
	}
	w := wantedOf(sel.Kind, t)
	if err := e.lookFor(ctx, d, w); err != nil {
		return nil, err
	}
	all, changed, err := e.countTarget(ctx, d, sel, t, p, w.since())
	if err == nil {
		p.Exports = []Exported{w.exported(all, changed)}
	}
	return all, err
}

// countManual counts the manual customers of all sources, with all that belongs to them.
func (e *Eraser) countManual(ctx context.Context, d *store.Directory, p *Plan) (Counts, error) {
	var list []*wanted
	for _, src := range d.Sources {
		list = append(list, wantedOf(ManualCustomers, target{src: src}))
	}
	if err := e.lookFor(ctx, d, list...); err != nil {
		return nil, err
	}
	sum := Counts{}
	for _, w := range list {
		n, changed, err := e.count(ctx, allParts(w.src.Space()), func(a table.Attrs) bool { n := store.OriginOf(a).Manual; return n > 0 && n >= d.ManualEpoch }, w.since())
		if err != nil {
			return nil, err
		}
		if n.Total() > 0 {
			p.Exports = append(p.Exports, w.exported(n, changed))
		}
		sum.Add(n)
	}
	return sum, nil
}

// countTarget counts what a selection of one source or of single records holds, and how much of that
// was added or changed since a time.
func (e *Eraser) countTarget(ctx context.Context, d *store.Directory, sel Selection, t target, p *Plan, since int64) (all Counts, changed int64, err error) {
	p.Source, p.SourceName = t.src.UUID, t.src.Name
	if note := d.NamesakeNote(t.src); note != "" {
		p.Notes = append(p.Notes, note)
	}
	switch {
	case sel.Kind == Import:
		p.Import = sel.Import
		return e.countImport(ctx, d, t.src, p, since)
	case sel.Kind.records():
		return e.countRecords(ctx, d, t, p, since)
	}
	spec := &job.EraseSpec{Selection: string(sel.Kind), KeepEdits: p.KeepEdits}
	parts := hiddenParts(spec, t.src.Space())
	if sel.Kind == Dependent && !p.KeepEdits {
		parts = append(parts, dependentEdits(t.src.Space())...)
	}
	older, err := coveredErases(ctx, e.c.Ledger, &job.Job{Tag: t.src.Tag, ID: last, Erase: spec})
	if err != nil {
		return nil, 0, err
	}
	for _, j := range older {
		parts = append(parts, hiddenParts(j.Erase, j.Erase.Was.Space())...)
	}
	if len(older) > 0 {
		p.Notes = append(p.Notes, formerNote)
	}
	if sel.Kind == Source && t.src.Merges {
		p.Notes = append(p.Notes, "Customers of this source are, or were, merged with others: those lose what came from this source, and stay.")
	}
	return e.count(ctx, parts, nil, since)
}

const absentNote = "No record of this customer is stored. What an earlier record has left is counted here: edits, links of merges, rows that can still be restored."

const formerNote = "What earlier erases of this source have hidden, and what could still be restored, goes too, and is counted here."

// last sorts after the id of every job.
const last = "~"

func notes(k Kind) []string {
	const files = "The uploads, change sets and rejects of the source's finished imports go too, and the names of their files, since they may name what is erased; those imports can't be undone any more."
	switch k {
	case Source:
		return []string{"The uploads, change sets and rejects of the source's imports go with it, and the names of their files."}
	case ManualCustomers:
		return []string{"The uploads, change sets and rejects of finished imports go too, and the names of their files, since they may name these customers; those imports can't be undone any more."}
	case Content, Dependent, Customer:
		return []string{files}
	case CustomerInvoices:
		return []string{files, "The customer gets no new invoices before this has ended or is restored: imports reject them, the API answers 429."}
	case Import:
		return []string{files, "Rows that this import changed without adding them stay as they are: only an undo takes changes back."}
	case Invoice:
	}
	return []string{}
}

// count counts the items of partitions, several partitions at once: all items, or those that is
// accepts; and how many of them were added or changed since a time, unless that is 0. Without both it
// reads only keys.
func (e *Eraser) count(ctx context.Context, all partitions, is func(table.Attrs) bool, since int64) (sum Counts, changed int64, err error) {
	var mu sync.Mutex
	sum = Counts{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(countersAtOnce)
	for _, parts := range all {
		g.Go(func() error {
			n, later := Counts{}, int64(0)
			for _, p := range parts {
				more, err := e.countPart(ctx, p, is, since, n)
				if err != nil {
					return err
				}
				later += more
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Add(n)
			changed += later
			return nil
		})
	}
	err = g.Wait()
	return sum, changed, err
}

func (e *Eraser) countPart(ctx context.Context, p part, is func(table.Attrs) bool, since int64, n Counts) (changed int64, err error) {
	q := p.query()
	q.KeysOnly = is == nil && since == 0
	for item, err := range e.c.Store.Items(ctx, q) {
		if err != nil {
			return 0, err
		}
		if is == nil || is(item.Attrs) {
			n[p.kindOf(item.SK)]++
			if changedSince(item.Attrs, since) {
				changed++
			}
		}
	}
	return changed, nil
}

// countRecord adds to n the record with all that belongs to it, without what was seen before, and
// returns how much of that was added or changed since a time, unless that is 0.
func (r walker) countRecord(ctx context.Context, kind Kind, rec job.ErasedRecord, seen map[table.Key]bool, n Counts, since int64) (changed int64, err error) {
	h, _ := store.ParseH(rec.H)
	for keys, err := range r.record(ctx, kind, h) {
		if err != nil {
			return 0, err
		}
		keys = slices.DeleteFunc(keys, func(k table.Key) bool { return seen[k] })
		for _, k := range keys {
			seen[k] = true
			n[partOf(k).kindOf(k.SK)]++
		}
		later, err := r.changed(ctx, keys, since)
		if err != nil {
			return 0, err
		}
		changed += later
	}
	return changed, nil
}

// changed counts the items that were added or changed since a time, unless that is 0.
func (r walker) changed(ctx context.Context, keys []table.Key, since int64) (n int64, err error) {
	if since == 0 || len(keys) == 0 {
		return 0, nil
	}
	found, err := r.st.Lookup(ctx, keys...)
	for _, a := range found {
		if changedSince(a, since) {
			n++
		}
	}
	return n, err
}

func (e *Eraser) countRecords(ctx context.Context, d *store.Directory, t target, p *Plan, since int64) (all Counts, changed int64, err error) {
	n, former := Counts{}, Counts{}
	for _, rec := range t.records {
		p.Records = append(p.Records, rec.ID)
		src, _ := d.ByTag(rec.Tag)
		spaces, err := spacesOf(ctx, e.c.Ledger, d, src)
		if err != nil {
			return nil, 0, err
		}
		seen := map[table.Key]bool{} // since spaces may share partitions
		for i, sp := range spaces {
			sum := n
			if i > 0 {
				sum = former
			}
			r := walker{st: e.c.Store, hr: d.Hasher(), sp: sp, edits: !p.KeepEdits}
			later, err := r.countRecord(ctx, p.Kind, rec, seen, sum, since)
			if err != nil {
				return nil, 0, err
			}
			changed += later
		}
	}
	if former.Total() > 0 {
		p.Notes = append(p.Notes, formerNote)
		n.Add(former)
	}
	if t.absent {
		p.Notes = append(p.Notes, absentNote)
	}
	if len(t.records) > 1 {
		p.Notes = append(p.Notes, fmt.Sprintf("The customer is merged from %d customers; all of them go.", len(t.records)))
	}
	return n, changed, nil
}
