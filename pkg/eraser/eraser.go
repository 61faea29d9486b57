package eraser

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// Kind names what a selection is about. It stands in the job.
type Kind string

// The kinds of selection.
const (
	Source          Kind = "source"           // a whole source, and its name
	ManualCustomers Kind = "manual-customers" // all customers entered by hand or by file, in every source, with all that belongs to them
	Customer        Kind = "customer"         // one customer, with all that belongs to it
	Invoice         Kind = "invoice"          // one invoice, with its line items and transactions
)

// Selection is what to erase.
type Selection struct {
	Kind   Kind
	Source string  // uuid (ds_…); empty for ManualCustomers
	H      store.H // of the customer or invoice
}

// Defaults of Config.
const (
	defaultPage   = 1000
	defaultMargin = 5 * time.Second
)

// maxTombstones bounds the directory, which is one item: above it, sweeps have to catch up first.
const maxTombstones = 1000

// Config is what an Eraser works with.
type Config struct {
	Store   *store.Store
	Ledger  *job.Ledger
	Objects *objects.Objects
	Now     func() time.Time
	Log     *slog.Logger
	// Dispatch gets a job going that has become Running because an erase gave
	// back the lock of its source. nil leaves that to the tick.
	Dispatch func(context.Context, *job.Job) error
	// Settle is one request's lifetime: how long after the directory's change a writer may still
	// not know of it. Nothing is verified before. 0 where requests end before an erase can start.
	Settle time.Duration
	// Margin is how long before its deadline a sweep stops; 0 means 5 seconds.
	Margin time.Duration
	// Page is how many items are recorded and deleted at a time; 0 means 1,000.
	Page int
}

// Eraser plans, starts and sweeps. It is safe for concurrent use.
type Eraser struct{ c Config }

// New makes an Eraser.
func New(c Config) *Eraser {
	if c.Margin <= 0 {
		c.Margin = defaultMargin
	}
	if c.Page <= 0 {
		c.Page = defaultPage
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Eraser{c}
}

// Start makes the selection invisible and stores the job that sweeps it, in
// one transaction. The name of an erased source is free from then on. An empty selection is
// fault.Invalid, one that does not exist fault.NotFound. A customer or invoice
// that is being erased already gives the job that does it.
func (e *Eraser) Start(ctx context.Context, sel Selection) (*job.Job, error) {
	if err := sel.check(); err != nil {
		return nil, err
	}
	if j, err := e.underway(ctx, sel); j != nil || err != nil {
		return j, err
	}
	j := &job.Job{ID: e.c.Ledger.NewID(), Kind: job.Erase, CreatedAt: e.c.Now().UTC()}
	for {
		_, err := e.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]store.Write, error) {
			if err := e.hide(ctx, d, sel, j); err != nil {
				return nil, err
			}
			return e.c.Ledger.Prepare(ctx, j)
		})
		if err == nil {
			return e.started(ctx, j)
		}
		if stored, readErr := e.c.Ledger.Stored(ctx, j); readErr == nil && stored != nil {
			return e.started(ctx, stored) // it went through, only the answer was lost
		}
		if fault.KindOf(err) != fault.Conflict || fault.CodeOf(err) == codeUnderway {
			return nil, err
		}
		// The lock was taken or given back meanwhile: prepare anew.
	}
}

const codeUnderway = "erase_underway"

// started gives a job that came behind a lock its turn, if the lock was given back meanwhile.
func (e *Eraser) started(ctx context.Context, j *job.Job) (*job.Job, error) {
	if j.Status != job.Waiting {
		return j, nil
	}
	next, err := e.c.Ledger.NextWaiting(ctx, j.Tag)
	if err != nil {
		return nil, err
	}
	if next != nil && next.ID != j.ID {
		if err := e.dispatch(ctx, next); err != nil {
			return nil, err
		}
	}
	return e.c.Ledger.Get(ctx, j.ID)
}

func (e *Eraser) dispatch(ctx context.Context, next *job.Job) error {
	if next == nil || e.c.Dispatch == nil {
		return nil
	}
	return e.c.Dispatch(ctx, next)
}

func (s Selection) check() error {
	ok := false
	switch s.Kind {
	case Source:
		ok = s.Source != "" && s.H.IsZero()
	case ManualCustomers:
		ok = s.Source == "" && s.H.IsZero()
	case Customer, Invoice:
		ok = s.Source != "" && !s.H.IsZero()
	}
	if !ok {
		return fault.New(fault.Invalid, "empty_selection", "nothing, or nothing known, is selected to be erased")
	}
	return nil
}

// record is the kind of the one record that is selected.
func (s Selection) record() store.Kind {
	if s.Kind == Invoice {
		return store.KindInvoice
	}
	return store.KindCustomer
}

// underway is the job that is erasing the selected record already, or nil.
func (e *Eraser) underway(ctx context.Context, sel Selection) (*job.Job, error) {
	if sel.H.IsZero() {
		return nil, nil //nolint:nilnil // there is none
	}
	d, err := e.c.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, _ := d.ByUUID(sel.Source)
	for _, t := range d.Tombstones {
		if t.Tag == src.Tag && t.Kind == sel.record() && t.H == sel.H.String() {
			return e.c.Ledger.Get(ctx, t.Job)
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// hide changes the directory so that the selection is invisible, and says in the job what is to be swept.
func (e *Eraser) hide(ctx context.Context, d *store.Directory, sel Selection, j *job.Job) error {
	spec := &job.EraseSpec{Selection: string(sel.Kind)}
	j.Erase = spec
	if sel.Kind == ManualCustomers {
		d.ManualEpoch++
		spec.Manual = d.ManualEpoch
		spec.Sources = slices.Clone(d.Sources)
		return nil
	}
	src, err := e.find(ctx, d, sel)
	if err != nil {
		return err
	}
	j.Source, j.SourceName, j.Tag = src.UUID, src.Name, src.Tag
	spec.Epochs, spec.Shards = src.Epochs, src.Shards
	if sel.Kind == Source {
		d.Remove(src.UUID)
		d.Tombstones = slices.DeleteFunc(d.Tombstones, func(t store.Tombstone) bool { return t.Tag == src.Tag })
		return nil
	}
	if len(d.Tombstones) >= maxTombstones {
		return fault.New(fault.Busy, "too_many_erases", "too many records are being erased; try again in a minute")
	}
	spec.H = sel.H.String()
	d.Tombstones = append(d.Tombstones, store.Tombstone{Job: j.ID, Tag: src.Tag, Kind: sel.record(), H: spec.H})
	return nil
}

// find gives the source of the selection, and fault.NotFound if that or the record does not exist.
func (e *Eraser) find(ctx context.Context, d *store.Directory, sel Selection) (store.Source, error) {
	src, ok := d.ByUUID(sel.Source)
	if !ok {
		return src, fault.New(fault.NotFound, "source_not_found", "there is no such data source")
	}
	if sel.Kind == Source {
		return src, nil
	}
	if d.Buried(src.Tag, sel.record(), sel.H) {
		return src, fault.New(fault.Conflict, codeUnderway, "this is being erased already")
	}
	key := src.Space().Customer(sel.H)
	if sel.Kind == Invoice {
		key = src.Space().Invoice(sel.H)
	}
	found, err := e.c.Store.Lookup(ctx, key)
	if err != nil {
		return src, err
	}
	if a, ok := found[key]; !ok || !d.Visible(a) {
		return src, fault.New(fault.NotFound, "record_not_found", "there is no such record")
	}
	return src, nil
}
