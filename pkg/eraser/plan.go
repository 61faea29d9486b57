package eraser

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// countersAtOnce is how many partitions are counted in parallel.
const countersAtOnce = 16

// Plan says what an erase would remove. Its counts are exact at the time of reading.
type Plan struct {
	Kind       Kind     `json:"selection"`
	Source     string   `json:"source,omitempty"`
	SourceName string   `json:"source_name,omitempty"`
	Removes    Counts   `json:"removes"`  // records and edits
	Pointers   Counts   `json:"pointers"` // what they are found by
	Notes      []string `json:"notes"`    // what goes besides, and what stays
}

// Plan counts what the selection holds, by kind. Nothing is written. An empty
// selection is fault.Invalid, one that does not exist fault.NotFound.
func (e *Eraser) Plan(ctx context.Context, sel Selection) (*Plan, error) {
	if err := sel.check(); err != nil {
		return nil, err
	}
	d, err := e.c.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{Kind: sel.Kind, Notes: notes(sel.Kind)}
	var all Counts
	if sel.Kind == ManualCustomers {
		all, err = e.count(ctx, d.Sources, func(a store.Attrs) bool { _, manual := a.Int(store.AttrManual); return manual && d.Visible(a) })
	} else {
		var src store.Source
		if src, err = e.find(ctx, d, sel); err != nil {
			return nil, err
		}
		p.Source, p.SourceName = src.UUID, src.Name
		if sel.Kind == Source {
			all, err = e.count(ctx, []store.Source{src}, nil)
		} else {
			all, err = e.countRecord(ctx, d, src, sel)
		}
	}
	if err != nil {
		return nil, err
	}
	p.Removes, p.Pointers = all.Rows(), all.Pointers()
	return p, nil
}

func notes(k Kind) []string {
	switch k {
	case Source:
		return []string{"The uploads, change sets and rejects of the source's imports go with it.", "Every other source stays as it is."}
	case ManualCustomers:
		return []string{
			"Plans, sources and customers from other origins stay.",
			"The uploads, change sets and rejects of finished imports by file go too, since they may name these customers.",
		}
	case Customer:
		return []string{"The uploads, change sets and rejects of the source's finished imports go too, since they may name this customer."}
	case Invoice:
		return []string{"The customer stays."}
	}
	return nil
}

// count reads every partition of sources, several at once: the keys only,
// unless is has to look at the items.
func (e *Eraser) count(ctx context.Context, sources []store.Source, is func(store.Attrs) bool) (Counts, error) {
	var (
		mu  sync.Mutex
		all = Counts{}
	)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(countersAtOnce)
	for _, src := range sources {
		for _, parts := range shards(src.Space()) {
			g.Go(func() error {
				n := Counts{}
				for _, p := range parts {
					if err := e.countPart(ctx, p, is, n); err != nil {
						return err
					}
				}
				mu.Lock()
				defer mu.Unlock()
				all.Add(n)
				return nil
			})
		}
	}
	return all, g.Wait()
}

func (e *Eraser) countPart(ctx context.Context, p part, is func(store.Attrs) bool, n Counts) error {
	for item, err := range e.c.Store.Items(ctx, store.Query{PK: p.pk, KeysOnly: is == nil}) {
		if err != nil {
			return err
		}
		if is == nil || is(item.Attrs) {
			n[p.kindOf(item.SK)]++
		}
	}
	return nil
}

func (e *Eraser) countRecord(ctx context.Context, d *store.Directory, src store.Source, sel Selection) (Counts, error) {
	r := reader{e.c.Store, d.Hasher(), src.Space()}
	n := Counts{}
	for keys, err := range r.record(ctx, sel.Kind, sel.H) {
		if err != nil {
			return nil, err
		}
		n.Add(countKeys(keys))
	}
	if n.Total() == 0 {
		return nil, fault.New(fault.NotFound, "record_not_found", "there is no such record")
	}
	return n, nil
}

// countKeys counts keys of records and of the edits of customers.
func countKeys(keys []store.Key) Counts {
	n := Counts{}
	for _, k := range keys {
		edits := len(k.SK) > len(store.SKCustomer)+2*store.HashLen && k.SK[:2] == store.SKCustomer
		n[part{k.PK, edits}.kindOf(k.SK)]++
	}
	return n
}
