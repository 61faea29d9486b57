package eraser

import (
	"context"
	"fmt"
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
}

// Total returns the number of items that the erase would remove.
func (p *Plan) Total() int64 { return p.Removes.Total() + p.Pointers.Total() }

// Plan counts what the selection holds, by kind, and writes nothing. The error is fault.Invalid for
// an empty selection, and fault.NotFound if what is selected does not exist.
func (e *Eraser) Plan(ctx context.Context, sel Selection, opt Options) (*Plan, error) {
	if err := e.check(sel, opt); err != nil {
		return nil, err
	}
	d, err := e.c.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{Kind: sel.Kind, KeepEdits: opt.keeps(sel.Kind), Grace: e.grace(opt).Seconds(), Notes: notes(sel.Kind), PricesOf: table.PricesOf}
	p.Survives = survives(sel.Kind, p.KeepEdits)
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
	if opt.Forget {
		p.Notes = append(p.Notes, "The customer is put on the do-not-reload list: later imports report it as rejected, with the code forgotten.")
	}
	return p, nil
}

func (e *Eraser) countSelection(ctx context.Context, d *store.Directory, sel Selection, p *Plan) (Counts, error) {
	if sel.Kind == ManualCustomers {
		var all partitions
		for _, src := range d.Sources {
			all = append(all, allParts(src.Space())...)
		}
		return e.count(ctx, all, func(a table.Attrs) bool { n := store.OriginOf(a).Manual; return n > 0 && n >= d.ManualEpoch })
	}
	t, err := e.find(ctx, d, sel)
	if err != nil {
		return nil, err
	}
	p.Source, p.SourceName = t.src.UUID, t.src.Name
	if note := d.NamesakeNote(t.src); note != "" {
		p.Notes = append(p.Notes, note)
	}
	switch {
	case sel.Kind == Import:
		p.Import = sel.Import
		return e.countImport(ctx, d, t.src, p)
	case sel.Kind.records():
		return e.countRecords(ctx, d, t, p)
	}
	spec := &job.EraseSpec{Selection: string(sel.Kind), KeepEdits: p.KeepEdits}
	all := hiddenParts(spec, t.src.Space())
	if sel.Kind == Dependent && !p.KeepEdits {
		all = append(all, dependentEdits(t.src.Space())...)
	}
	older, err := coveredErases(ctx, e.c.Ledger, &job.Job{Tag: t.src.Tag, ID: last, Erase: spec})
	if err != nil {
		return nil, err
	}
	for _, j := range older {
		all = append(all, hiddenParts(j.Erase, j.Erase.Was.Space())...)
	}
	if len(older) > 0 {
		p.Notes = append(p.Notes, formerNote)
	}
	if sel.Kind == Source && t.src.Merges {
		p.Notes = append(p.Notes, "Customers of this source are, or were, merged with others: those lose what came from this source, and stay.")
	}
	return e.count(ctx, all, nil)
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
// accepts. Without is it reads only keys.
func (e *Eraser) count(ctx context.Context, all partitions, is func(table.Attrs) bool) (Counts, error) {
	var (
		mu  sync.Mutex
		sum = Counts{}
	)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(countersAtOnce)
	for _, parts := range all {
		g.Go(func() error {
			n := Counts{}
			for _, p := range parts {
				if err := e.countPart(ctx, p, is, n); err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Add(n)
			return nil
		})
	}
	return sum, g.Wait()
}

func (e *Eraser) countPart(ctx context.Context, p part, is func(table.Attrs) bool, n Counts) error {
	q := p.query()
	q.KeysOnly = is == nil
	for item, err := range e.c.Store.Items(ctx, q) {
		if err != nil {
			return err
		}
		if is == nil || is(item.Attrs) {
			n[p.kindOf(item.SK)]++
		}
	}
	return nil
}

// countRecord adds to n the record with all that belongs to it, without what was seen before.
func (r walker) countRecord(ctx context.Context, kind Kind, rec job.ErasedRecord, seen map[table.Key]bool, n Counts) error {
	h, _ := store.ParseH(rec.H)
	for keys, err := range r.record(ctx, kind, h) {
		if err != nil {
			return err
		}
		for _, k := range keys {
			if !seen[k] {
				seen[k] = true
				n[partOf(k).kindOf(k.SK)]++
			}
		}
	}
	return nil
}

func (e *Eraser) countRecords(ctx context.Context, d *store.Directory, t target, p *Plan) (Counts, error) {
	n, former := Counts{}, Counts{}
	for _, rec := range t.records {
		p.Records = append(p.Records, rec.ID)
		src, _ := d.ByTag(rec.Tag)
		spaces, err := spacesOf(ctx, e.c.Ledger, d, src)
		if err != nil {
			return nil, err
		}
		seen := map[table.Key]bool{} // since spaces may share partitions
		for i, sp := range spaces {
			sum := n
			if i > 0 {
				sum = former
			}
			r := walker{st: e.c.Store, hr: d.Hasher(), sp: sp, edits: !p.KeepEdits}
			if err := r.countRecord(ctx, p.Kind, rec, seen, sum); err != nil {
				return nil, err
			}
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
	return n, nil
}
