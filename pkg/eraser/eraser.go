package eraser

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"reseed/pkg/credentials"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Defaults of Config.
const (
	defaultPage   = 1000
	defaultMargin = 5 * time.Second
)

// Config is what an Eraser works with.
type Config struct {
	Store   *store.Store
	Ledger  *job.Ledger
	Objects *objects.Objects
	Now     func() time.Time
	Log     *slog.Logger
	// Dispatch sends a job to the workers that started because an erase gave back the lock of its
	// source. nil leaves that to the tick.
	Dispatch func(context.Context, *job.Job) error
	// Settle is the lifetime of a request: how long after a change of the directory a writer of
	// another process may not know of it. No sweep begins before that time has passed.
	Settle time.Duration
	// Quiet returns once all requests of this process that began before the call have ended. nil
	// means that the process serves no requests.
	Quiet func(context.Context) error
	// Margin is how long before its deadline a sweep stops; 0 means 5 seconds.
	Margin time.Duration
	// Page is how many items are recorded and deleted at a time; 0 means 1,000.
	Page int
	// Grace is how long an erase can be restored if neither its Options nor the settings of the account
	// say.
	Grace time.Duration
	// Residue says where copies of erased data may live on, for receipts.
	Residue Residue
	// Backups tells all known backups that an erase ends, and returns them for the receipt. It may
	// be called several times for an erase. nil means that there are none.
	Backups func(context.Context, Notice) ([]Remains, error)
	// Vault keeps the credentials of sources; those of a source that is gone for good are deleted. nil
	// means that there are none.
	Vault credentials.Vault
}

// Eraser plans, starts, restores and sweeps erases. It is safe for concurrent use.
type Eraser struct {
	c     Config
	edits *edit.Edit
}

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
	return &Eraser{c, edit.New(c.Store, c.Now)}
}

// Start hides the selection and stores the job that will sweep it, in one transaction. The name of
// an erased source is free from then on. The error is fault.Invalid for an empty selection, and
// fault.NotFound if what is selected does not exist. If the record is being erased already, or an
// erase was begun with the plan of the options before, Start returns the job of that erase. If the
// erase would not do what that plan says, the error is fault.Conflict with [CodeStale]. With a grace
// period the job waits until the period ends, and can be restored before.
func (e *Eraser) Start(ctx context.Context, sel Selection, opt Options) (*job.Job, error) {
	opt, err := e.check(ctx, sel, opt)
	if err != nil {
		return nil, err
	}
	j, err := e.start(ctx, sel, opt)
	if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
		return j, err
	}
	// Another request with this plan may have begun the erase just now.
	if begun, readErr := e.Begun(ctx, sel, opt); readErr == nil && begun != nil {
		return begun, nil
	}
	return nil, err
}

// start returns the job of the erase, which it begins unless it was begun before.
func (e *Eraser) start(ctx context.Context, sel Selection, opt Options) (*job.Job, error) {
	if j, err := e.Begun(ctx, sel, opt); j != nil || err != nil {
		return j, err
	}
	if j, err := e.underway(ctx, sel); j != nil || err != nil {
		return j, err
	}
	if err := e.refuseNeeded(ctx, sel); err != nil {
		return nil, err
	}
	plan, err := e.confirmed(ctx, sel, opt)
	if err != nil {
		return nil, err
	}
	return e.begin(ctx, sel, opt, plan)
}

// begin hides the selection and stores the job. plan is the one that was confirmed; nil if none was.
func (e *Eraser) begin(ctx context.Context, sel Selection, opt Options, plan *Plan) (*job.Job, error) {
	j := &job.Job{ID: e.c.Ledger.NewID(), Kind: job.Erase, CreatedAt: e.c.Now().UTC(), Quiet: opt.Quiet}
	for {
		var refused error
		_, err := e.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
			if refused = plan.stillOn(ground(d, sel)); refused != nil {
				return nil, refused
			}
			var more []table.Write
			if more, refused = e.hide(ctx, d, sel, opt, j); refused == nil {
				refused = plan.stillOf(j.Erase)
			}
			if refused != nil {
				return nil, refused
			}
			d.RaiseFence(fenced(j)...)
			writes, err := e.c.Ledger.Prepare(ctx, j)
			if err == nil && sel.Kind == Import && j.Status == job.Waiting {
				err = sourceBusy()
			}
			return append(writes, more...), err
		})
		if err == nil {
			return j, nil
		}
		if stored, readErr := e.c.Ledger.Stored(ctx, j); readErr == nil && stored != nil {
			return stored, nil // it was stored, only the answer was lost
		}
		if refused != nil || !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		// The lock was taken or given back meanwhile: try again.
	}
}

// fenced lists the sources whose uploads must be refused: those that the erase concerns, if it
// deletes files.
func fenced(j *job.Job) []store.Tag {
	if !Kind(j.Erase.Selection).clearsFiles() {
		return nil
	}
	tags := []store.Tag{j.Tag}
	for _, src := range j.Erase.Sources {
		tags = append(tags, src.Tag)
	}
	return tags
}

const codeUnderway = "erase_underway"

// dispatch sends a job that the end of another one started to the workers. next is nil if no job
// started.
func (e *Eraser) dispatch(ctx context.Context, next *job.Job) error {
	if next == nil || e.c.Dispatch == nil {
		return nil
	}
	return e.c.Dispatch(ctx, next)
}

// underway returns the job that is erasing the selected record, or the rows of the selected import,
// already; nil if there is none.
func (e *Eraser) underway(ctx context.Context, sel Selection) (*job.Job, error) {
	if sel.H.IsZero() && sel.Import == "" {
		return nil, nil //nolint:nilnil // there is no such job
	}
	d, err := e.c.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, _ := d.ByUUID(sel.Source)
	t := store.Over(src.Tag, sel.Kind.tombstone(), sel.H)
	if sel.Kind == Import {
		t = overImport(src.Tag, sel.Import)
	}
	id := d.HiddenBy(t)
	if id == "" {
		return nil, nil //nolint:nilnil // there is no such job
	}
	j, err := e.c.Ledger.Get(ctx, id)
	if err != nil || !j.Status.Ended() {
		return j, err
	}
	return nil, removeTombstones(ctx, e.c.Store, j) // an older version ended it without knowing its tombstones
}

// hide changes the directory so that the selection is invisible, and notes in the job what to
// sweep.
func (e *Eraser) hide(ctx context.Context, d *store.Directory, sel Selection, opt Options, j *job.Job) ([]table.Write, error) {
	spec := &job.EraseSpec{Selection: string(sel.Kind), KeepEdits: opt.keeps(sel.Kind), By: opt.By, Reason: opt.Reason, Plan: opt.Plan}
	j.Erase, j.Status, j.CreatedAt = spec, job.Waiting, e.c.Now().UTC()
	if grace := opt.grace; grace > 0 {
		j.Status, spec.Until = job.Grace, j.CreatedAt.Add(grace)
	}
	if sel.Kind == ManualCustomers {
		spec.ManualWas = d.RaiseManual()
		spec.Manual = d.ManualEpoch
		away, err := e.restorableSources(ctx)
		spec.Sources = append(slices.Clone(d.Sources), away...)
		return nil, err
	}
	t, err := e.find(ctx, d, sel)
	if err != nil {
		return nil, err
	}
	j.Source, j.SourceName, j.Tag = t.src.UUID, t.src.Name, t.src.Tag
	spec.Was = t.src
	switch sel.Kind {
	case Source:
		d.Remove(t.src.UUID)
	case Content, Dependent:
		d.RaiseEpochs(t.src.UUID, raisedEpochs(spec))
	case Import:
		return e.hideImport(ctx, d, t.src, sel.Import, j)
	case Customer, CustomerInvoices, Invoice, ManualCustomers:
		return e.hideRecords(ctx, d, t, opt.Forget, j)
	}
	return nil, nil
}

// restorableSources lists sources as they were before erases that can still be restored. If such an
// erase is restored, the manual customers of the source must not become visible again.
func (e *Eraser) restorableSources(ctx context.Context) (list []store.Source, err error) {
	open, err := e.c.Ledger.Open(ctx)
	for _, j := range open {
		if j.Kind == job.Erase && j.Status == job.Grace && (Kind(j.Erase.Selection) == Source || Kind(j.Erase.Selection).raisesEpochs()) {
			list = append(list, j.Erase.Was)
		}
	}
	return list, err
}

// check refuses invalid selections, and options that do not fit the selection. It returns the
// options with a grace period: if they have none, the account's setting, or else that of the
// deployment.
func (e *Eraser) check(ctx context.Context, sel Selection, opt Options) (Options, error) {
	if err := sel.check(); err != nil {
		return opt, err
	}
	if err := opt.check(sel.Kind); err != nil {
		return opt, err
	}
	opt.grace = e.c.Grace
	given := opt.Grace
	if given == nil {
		set, err := e.c.Store.Settings(ctx)
		if err != nil {
			return opt, err
		}
		given = set.Grace
	}
	if given != nil {
		opt.grace = *given
	}
	if sel.Kind == Dependent && !opt.keeps(sel.Kind) && opt.grace > 0 {
		return opt, bad("grace", "edits of invoices and plans can't be hidden apart from those of customers: erase them without a grace period, or keep them")
	}
	return opt, nil
}

// hideRecords adds tombstones over records. If they are in several sources, as merged customers may
// be, the job names no source.
func (e *Eraser) hideRecords(ctx context.Context, d *store.Directory, t target, forget bool, j *job.Job) (writes []table.Write, err error) {
	for _, r := range t.records {
		if r.Tag != t.src.Tag {
			j.Source, j.SourceName, j.Tag = "", "", 0
		}
	}
	j.Erase.Records = t.records
	d.Hide(j.ID, tombstonesOf(j)...)
	for _, src := range d.Sources {
		if slices.ContainsFunc(t.records, func(r job.ErasedRecord) bool { return r.Tag == src.Tag }) {
			j.Erase.Sources = append(j.Erase.Sources, src)
		}
	}
	if j.Tag == 0 {
		j.Erase.Was = store.Source{}
	}
	if !forget {
		return nil, nil
	}
	for _, c := range t.customers {
		// an earlier erase added it: a restore of this one must not remove it
		if on, err := e.Forgotten(ctx, d, c.source, c.externalID); on || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		key := store.ForgottenKey(d.Hasher().ForgottenH(c.source, c.externalID))
		attrs := table.NewBuilder().IntAlways(store.AttrCreated, j.CreatedAt.UnixMilli()).Str("job", j.ID).Attrs()
		writes = append(writes, table.Write{Item: table.Item{Key: key, Attrs: attrs}})
		j.Erase.Forgotten = append(j.Erase.Forgotten, key.SK)
	}
	d.Forgets = true
	return writes, nil
}

// tombstonesOf lists the tombstones of an erase of single records, or of the rows that an import
// added.
func tombstonesOf(j *job.Job) []store.Tombstone {
	kind := Kind(j.Erase.Selection)
	if kind == Import {
		return []store.Tombstone{overImport(j.Tag, j.Erase.Import)}
	}
	var stones []store.Tombstone
	for _, r := range j.Erase.Records {
		stones = append(stones, store.Tombstone{Tag: r.Tag, Kind: kind.tombstone(), H: r.H})
	}
	return stones
}

func overImport(tag store.Tag, id string) store.Tombstone {
	return store.Tombstone{Tag: tag, Kind: store.KindImport, Import: job.Number(id)}
}

// target is what a selection refers to.
type target struct {
	src       store.Source
	records   []job.ErasedRecord
	customers []named // of a customer: it and all that is merged into it
	absent    bool    // the customer has no record
}

// named is a customer as the do-not-reload list names it.
type named struct{ source, externalID string }

// find finds what the selection refers to. The error is fault.NotFound if that does not exist,
// except that a customer that is named by its external id need not have a record.
func (e *Eraser) find(ctx context.Context, d *store.Directory, sel Selection) (target, error) {
	if sel.Kind == Import {
		return e.findImport(ctx, d, sel.Import)
	}
	src, ok := d.ByUUID(sel.Source)
	t := target{src: src}
	switch {
	case !ok:
		return t, noSource()
	case !sel.Kind.records():
		return t, nil
	case d.Hidden(src.Tag, sel.Kind.tombstone(), sel.H):
		return t, fault.New(fault.Conflict, codeUnderway, "this is being erased already")
	case sel.Kind == Invoice:
		t.records = []job.ErasedRecord{record(store.PrefixInvoice, src.Tag, sel.H)}
		return t, e.findInvoice(ctx, d, src, sel.H)
	}
	err := e.findCustomer(ctx, d, sel, &t)
	return t, err
}

// findCustomer finds the customer of a selection, with all that is merged into it.
func (e *Eraser) findCustomer(ctx context.Context, d *store.Directory, sel Selection, t *target) error {
	ref := edit.Ref{Tag: t.src.Tag, H: sel.H}
	groups, err := e.edits.Groups(ctx, d, ref)
	group := groups[ref]
	switch {
	case err != nil:
		return err
	case group == nil && sel.ExternalID == "":
		return noRecord(sel.Kind)
	case group == nil || sel.Kind == CustomerInvoices:
		t.records = []job.ErasedRecord{record(store.PrefixCustomer, ref.Tag, ref.H)}
		t.customers, t.absent = []named{{t.src.Name, sel.ExternalID}}, group == nil
		return nil
	case group[0].Ref != ref: // it is merged into another customer
		return fault.Newf(fault.NotFound, "record_merged", "this customer is merged into %s: erase that, or unmerge it first",
			store.ID(store.PrefixCustomer, group[0].Tag, group[0].H))
	}
	for _, m := range group {
		t.records = append(t.records, record(store.PrefixCustomer, m.Tag, m.H))
		t.customers = append(t.customers, named{m.Source.Name, m.Attrs.Str("external_id")})
	}
	return nil
}

func record(prefix string, tag store.Tag, h store.H) job.ErasedRecord {
	return job.ErasedRecord{Tag: tag, H: h.String(), ID: store.ID(prefix, tag, h)}
}

func (e *Eraser) findInvoice(ctx context.Context, d *store.Directory, src store.Source, h store.H) error {
	key := src.Space().Invoice(h)
	found, err := e.c.Store.Lookup(ctx, key)
	if err != nil {
		return err
	}
	a, ok := found[key]
	if !ok || d.HidesInvoice(src.Tag, h, a) {
		return noRecord(Invoice)
	}
	return nil
}

// noRecord says that the record that a selection of a kind names does not exist.
func noRecord(kind Kind) error {
	message := "there is no such record"
	if kind == Customer {
		message += "; to erase what files, rejects or edits may still say of the customer, name it by its source and external id"
	}
	return fault.New(fault.NotFound, "record_not_found", message)
}
