package eraser_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// world is a table with two sources whose names and contents look alike.
type world struct {
	t        *testing.T
	driver   *mem.Driver
	st       *store.Store
	objects  *objects.Objects
	acme     store.Source // what is erased
	acme2    store.Source // what must not be touched
	settle   time.Duration
	before   func(op mem.Op) error // called before a call is applied
	after    func(op mem.Op) error // called after it
	armed    atomic.Bool
	dispatch []string // jobs that were sent to the workers
	imported string   // the import that added some rows of acme, see adds
}

// shardsOfTest is small, so that tests that fail each call once need few runs.
const shardsOfTest = 2

func newWorld(t *testing.T, opt mem.Options) *world {
	t.Helper()
	w := &world{t: t, objects: objects.Mem()}
	hook := func(f *func(op mem.Op) error) func(mem.Op, int) error {
		return func(op mem.Op, _ int) error {
			if !w.armed.Load() || *f == nil {
				return nil
			}
			return (*f)(op)
		}
	}
	opt.Before, opt.After = hook(&w.before), hook(&w.after)
	if opt.Limits == (table.Limits{}) {
		opt.Limits = table.Limits{Get: 100, Write: 25, Transact: 10, Parallel: 4, Exclusive: true}
	}
	w.driver = mem.New(opt)
	w.st = store.New(w.driver)
	_, err := w.st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		for i, name := range []string{"Acme", "Acme2"} {
			if _, err := d.Add(fmt.Sprintf("ds_%d", i+1), name, "CSV", time.Now()); err != nil {
				return nil, err
			}
			d.Sources[i].Shards = shardsOfTest
		}
		return nil, nil
	})
	must(t, err)
	d := w.directory()
	w.acme, w.acme2 = d.Sources[0], d.Sources[1]
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("error %v, want one of kind %v", err, kind)
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(store.Directory{})); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
	if d, is := want.(*store.Directory); is {
		same(t, what+": tombstones", d.TombstoneCount(), got.(*store.Directory).TombstoneCount()) //nolint:forcetypeassert // Diff found no difference
	}
}

func (w *world) directory() *store.Directory {
	w.t.Helper()
	d, err := w.st.Directory(w.t.Context())
	must(w.t, err)
	return d
}

func (w *world) ledger() *job.Ledger { return job.NewLedger(w.st, time.Now) }

// eraser makes the eraser of a process that has just been started.
func (w *world) eraser() *eraser.Eraser {
	return eraser.New(eraser.Config{
		Store: w.st, Ledger: w.ledger(), Objects: w.objects, Now: time.Now, Settle: w.settle, Page: 10,
		Dispatch: func(_ context.Context, j *job.Job) error {
			w.dispatch = append(w.dispatch, j.ID)
			return nil
		},
	})
}

func (w *world) start(sel eraser.Selection, opt eraser.Options) *job.Job {
	w.t.Helper()
	j, err := w.eraser().Start(w.t.Context(), sel, opt)
	must(w.t, err)
	return j
}

// sweep sweeps until the job is done, each time in a new process.
func (w *world) sweep(id string) *job.Job {
	w.t.Helper()
	for range 100 {
		done, err := w.eraser().Sweep(w.t.Context(), id)
		must(w.t, err)
		if done {
			j, err := w.ledger().Get(w.t.Context(), id)
			must(w.t, err)
			return j
		}
	}
	w.t.Fatal("the sweep does not end")
	return nil
}

func (w *world) put(items ...table.Item) {
	w.t.Helper()
	writes := make([]table.Write, len(items))
	for i, item := range items {
		writes[i] = table.Write{Item: item}
	}
	must(w.t, w.st.Write(w.t.Context(), writes))
}

// seed fills a source: n customers, the first manual ones of the manual epoch, each with two
// contacts, an e-mail pointer, two edits, an event and an invoice of two lines and a transaction
// with their pointers, changed in its date and in a line; and two plans, one of them changed.
func (w *world) seed(src store.Source, n, manual int) {
	w.t.Helper()
	d := w.directory()
	hr, sp := d.Hasher(), src.Space()
	items := []table.Item{
		{Key: sp.Plan(hr.External(store.KindPlan, "gold")), Attrs: attrs(0, "name", "Gold")},
		{Key: sp.Plan(hr.External(store.KindPlan, "iron")), Attrs: attrs(0, "name", "Iron")},
		{Key: sp.FieldsOf(sp.Plan(hr.External(store.KindPlan, "iron"))), Attrs: edited(0, store.H{})},
	}
	for i := range n {
		epoch := int64(0)
		if i < manual {
			epoch = d.ManualEpoch
		}
		items = append(items, customer(hr, sp, i, epoch)...)
	}
	w.put(items...)
}

func customerH(hr *store.Hasher, i int) store.H {
	return hr.External(store.KindCustomer, fmt.Sprintf("cus-%d", i))
}

func invoiceH(hr *store.Hasher, i int) store.H {
	return hr.External(store.KindInvoice, fmt.Sprintf("inv-%d", i))
}

const (
	perCustomer = 18 // items, see customer
	planItems   = 3
)

func customer(hr *store.Hasher, sp store.Space, i int, epoch int64) []table.Item {
	id := fmt.Sprintf("cus-%d", i)
	h, inv := customerH(hr, i), invoiceH(hr, i)
	line := hr.External(store.KindLineItem, fmt.Sprintf("line-%d", i))
	anon := hr.Natural(store.KindLineItem, fmt.Sprintf("inv-%d", i), "one_time")
	paid := hr.External(store.KindTransaction, fmt.Sprintf("paid-%d", i))
	items := []table.Item{
		{Key: sp.Customer(h), Attrs: attrs(epoch, "external_id", id, "email", id+"@Example.com")},
		{Key: sp.Contact(h, hr.Natural(store.KindContact, id, "x")), Attrs: attrs(epoch, "name", "X")},
		{Key: sp.Email(hr.External(store.KindEmail, id+"@example.com"), h), Attrs: attrs(epoch)},
		{Key: sp.CustomerEdit(h, store.EditTags), Attrs: attrs(epoch, "tags", "vip")},
		{Key: sp.CustomerEdit(h, store.EditAttributes), Attrs: attrs(epoch, "custom", "{}")},
		{Key: sp.Invoice(inv), Attrs: attrs(epoch, "customer", id)},
		{Key: sp.LineItem(inv, line), Attrs: attrs(epoch, "external_id", "l")},
		{Key: sp.LineItem(inv, anon), Attrs: attrs(epoch)},
		{Key: sp.Transaction(inv, paid), Attrs: attrs(epoch, "external_id", "t")},
		{Key: sp.External(store.KindLineItem, line), Attrs: attrs(epoch, "invoice", inv.String())},
		{Key: sp.External(store.KindTransaction, paid), Attrs: attrs(epoch, "invoice", inv.String())},
		{Key: sp.Owner(h, inv), Attrs: attrs(epoch)},
	}
	event := hr.External(store.KindEvent, fmt.Sprintf("event-%d", i)).EventID()
	return append(items,
		table.Item{Key: sp.Event(h, event), Attrs: attrs(epoch, "type", "start")},
		table.Item{Key: sp.ExternalEvent(event), Attrs: attrs(epoch, "customer", h.String())},
		table.Item{Key: sp.Contact(h, hr.Natural(store.KindContact, id, "y")), Attrs: attrs(epoch, "name", "Y")},
		table.Item{Key: sp.FieldsOf(sp.Invoice(inv)), Attrs: edited(epoch, h)},
		table.Item{Key: sp.FieldsOf(sp.LineItem(inv, line)), Attrs: edited(epoch, store.H{})},
		table.Item{Key: sp.EditOwner(h, inv), Attrs: edited(epoch, store.H{})},
	)
}

// edited is an edit made long ago. The edit of an invoice names the customer.
func edited(manual int64, owner store.H) table.Attrs {
	row := "{}"
	if !owner.IsZero() {
		row = fmt.Sprintf(`{"owner":%q}`, owner)
	}
	return table.NewBuilder().Int(store.AttrManual, manual).IntAlways(store.AttrUpdated, 1).Bytes("row", []byte(row)).Attrs()
}

func attrs(manual int64, pairs ...string) table.Attrs {
	b := table.NewBuilder().Int(store.AttrManual, manual).IntAlways(store.AttrCreated, 1)
	for i := 0; i < len(pairs); i += 2 {
		b.Str(pairs[i], pairs[i+1])
	}
	return b.Attrs()
}

// items returns all items of a source, by key.
func (w *world) items(src store.Source) map[string]string {
	w.t.Helper()
	sp, all := src.Space(), map[string]string{}
	pks := []string{sp.PlanPK(), sp.PlanEditPK()}
	for i := range sp.Shards {
		pks = append(pks, sp.CustomerPK(i), sp.DataPK(i), sp.EditPK(i))
	}
	for _, pk := range pks {
		for item, err := range w.st.Items(w.t.Context(), table.Query{PK: pk}) {
			must(w.t, err)
			all[item.PK+" "+item.SK] = string(item.Attrs)
		}
	}
	return all
}

// quiet checks that no job is open, and that no tombstone and no lock is left.
func (w *world) quiet() {
	w.t.Helper()
	open, err := w.ledger().Open(w.t.Context())
	must(w.t, err)
	graces, err := w.ledger().Graces(w.t.Context(), time.Time{})
	must(w.t, err)
	if n := w.directory().TombstoneCount(); len(open)+len(graces)+n > 0 {
		w.t.Fatalf("%d jobs are open, %d tombstones are left", len(open)+len(graces), n)
	}
	for _, src := range []store.Source{w.acme, w.acme2} {
		holder, err := w.ledger().Holder(w.t.Context(), src.Tag)
		must(w.t, err)
		if holder != "" {
			w.t.Fatalf("the lock of %s is still held", src.Name)
		}
	}
}

// adds makes an ended import that added some of acme's customers with all that belongs to them, and
// a plan.
func (w *world) adds(customers ...int) {
	w.t.Helper()
	j := w.past(&job.ImportSpec{Applying: true})
	w.imported = j.ID
	hr, sp := w.directory().Hasher(), w.acme.Space()
	items := []table.Item{{Key: sp.Plan(hr.External(store.KindPlan, "iron")), Attrs: attrs(0, "name", "Iron", "external_id", "iron")}}
	for _, i := range customers {
		items = append(items, customer(hr, sp, i, w.epochOf(sp, customerH(hr, i)))...)
	}
	for _, item := range items {
		if store.EditsIn(item.PK) {
			continue
		}
		item.Attrs = added(item.Attrs, j.ID)
		w.put(item)
	}
}

// goes removes the rows of one of acme's customers, as an undo does: its edits stay.
func (w *world) goes(i int) {
	w.t.Helper()
	var gone []table.Write
	for _, item := range customer(w.directory().Hasher(), w.acme.Space(), i, 0) {
		if !store.EditsIn(item.PK) {
			gone = append(gone, table.Write{Item: table.Item{Key: item.Key}, Delete: true})
		}
	}
	must(w.t, w.st.Write(w.t.Context(), gone))
}

// past makes an ended import of acme.
func (w *world) past(spec *job.ImportSpec) *job.Job {
	w.t.Helper()
	return ended(w.t, w.ledger(), w.acme, spec)
}

// ended makes an ended import of a source. It has failed if it never applied anything.
func ended(tb testing.TB, l *job.Ledger, src store.Source, spec *job.ImportSpec) *job.Job {
	tb.Helper()
	status := job.Done
	if !spec.Applying {
		status, spec.Failing = job.Failed, "it has failed"
	}
	spec.Epochs = src.Epochs
	j, err := l.Create(tb.Context(), &job.Job{Kind: job.Import, Source: src.UUID, Tag: src.Tag, Import: spec})
	if err == nil {
		j, _, err = l.End(tb.Context(), j.ID, func(j *job.Job) error { j.Status = status; return nil })
	}
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

func (w *world) epochOf(sp store.Space, h store.H) int64 {
	w.t.Helper()
	found, err := w.st.Lookup(w.t.Context(), sp.Customer(h))
	must(w.t, err)
	return store.OriginOf(found[sp.Customer(h)]).Manual
}

// added returns the attributes of a row that an import adds.
func added(a table.Attrs, id string) table.Attrs {
	b := table.NewBuilder().Int(store.AttrImport, job.Number(id))
	for name, v := range a.All() {
		b.Raw(name, v)
	}
	return b.Attrs()
}

// counts returns the counts of n customers of seed.
func counts(n int64) eraser.Counts {
	return eraser.Counts{
		"customers": n, "contacts": 2 * n, "edits": 4 * n, "invoices": n, "line_items": 2 * n, "transactions": n,
		"subscription_events": n, "email_pointers": n, "invoice_pointers": 2 * n, "id_pointers": 3 * n,
	}
}

func onePlan(c eraser.Counts) eraser.Counts { c["plans"], c["edits"] = 1, c["edits"]+1; return c }

func withPlans(c eraser.Counts) eraser.Counts { c["plans"] = 2; c["edits"]++; return c }

// dependents returns the counts of what belongs to n customers, without their contacts and edits.
func dependents(n int64) eraser.Counts {
	return eraser.Counts{
		"invoices": n, "line_items": 2 * n, "transactions": n, "subscription_events": n, "invoice_pointers": n, "id_pointers": 3 * n, "plans": 2,
	}
}

// invoicesOf returns the counts of n invoices.
func invoicesOf(n int64) eraser.Counts {
	return eraser.Counts{"invoices": n, "line_items": 2 * n, "transactions": n, "id_pointers": 2 * n, "invoice_pointers": 2 * n, "edits": 2 * n}
}

func plus(c, more eraser.Counts) eraser.Counts { c.Add(more); return c }

func removed(j *job.Job) eraser.Counts { return eraser.Counts(j.Erase.Removed) }

// expectation is a selection, the counts of what its erase removes, and how many items it leaves in
// each source.
type expectation struct {
	sel   eraser.Selection
	opt   eraser.Options
	want  eraser.Counts
	acme  int
	acme2 int
}

// selections has an expectation of every kind, in a world where acme has 12 customers, 5 of them
// manual, and acme2 has 4 customers, 2 of them manual.
func selections(w *world) map[string]expectation {
	hr := w.directory().Hasher()
	const all, all2 = 12*perCustomer + planItems, 4*perCustomer + planItems
	keep, drop := true, false
	of := func(kind eraser.Kind, opt eraser.Options, want eraser.Counts) expectation {
		return expectation{eraser.Selection{Kind: kind, Source: w.acme.UUID}, opt, want, all - int(want.Total()), all2}
	}
	one := func(kind eraser.Kind, h store.H, opt eraser.Options, want eraser.Counts) expectation {
		x := of(kind, opt, want)
		x.sel.H = h
		return x
	}
	content := withPlans(counts(12))
	delete(content, "edits")
	content["invoice_pointers"] = 12
	bare := invoicesOf(1)
	delete(bare, "edits")
	bare["invoice_pointers"] = 1
	gone := of(eraser.Customer, eraser.Options{Forget: true}, eraser.Counts{"edits": 4, "invoice_pointers": 1})
	gone.sel.H, gone.sel.ExternalID, gone.acme = customerH(hr, 3), "cus-3", 11*perCustomer+planItems
	rows := plus(counts(3), eraser.Counts{"plans": 1})
	delete(rows, "edits")
	rows["invoice_pointers"] = 3
	return map[string]expectation{
		"source":                 of(eraser.Source, eraser.Options{}, withPlans(counts(12))),
		"content":                of(eraser.Content, eraser.Options{}, content),
		"content, edits":         of(eraser.Content, eraser.Options{KeepEdits: &drop}, withPlans(counts(12))),
		"dependent":              of(eraser.Dependent, eraser.Options{}, dependents(12)),
		"dependent, edits":       of(eraser.Dependent, eraser.Options{KeepEdits: &drop}, plus(dependents(12), eraser.Counts{"edits": 25, "invoice_pointers": 12})),
		"customer":               one(eraser.Customer, customerH(hr, 3), eraser.Options{}, counts(1)),
		"customer, forgotten":    one(eraser.Customer, customerH(hr, 3), eraser.Options{Forget: true}, counts(1)),
		"customer, gone":         gone,
		"customer invoices":      one(eraser.CustomerInvoices, customerH(hr, 3), eraser.Options{}, invoicesOf(1)),
		"customer invoices kept": one(eraser.CustomerInvoices, customerH(hr, 3), eraser.Options{KeepEdits: &keep}, bare),
		"invoice":                one(eraser.Invoice, invoiceH(hr, 3), eraser.Options{}, invoicesOf(1)),
		"import":                 {eraser.Selection{Kind: eraser.Import, Import: w.imported}, eraser.Options{}, onePlan(counts(3)), 9*perCustomer + 1, all2},
		"import, kept edits":     {eraser.Selection{Kind: eraser.Import, Import: w.imported}, eraser.Options{KeepEdits: &keep}, rows, all - 3*13 - 1, all2},
		"manual": {
			eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{}, counts(7), 7*perCustomer + planItems, 2*perCustomer + planItems,
		},
		"merged": {
			eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: customerH(hr, 7)},
			eraser.Options{},
			plus(counts(2), eraser.Counts{"merges": 2}),
			11*perCustomer + planItems, 3*perCustomer + planItems,
		},
	}
}

// kinds lists the names of all selections.
func kinds() []string {
	return []string{
		"source", "content", "content, edits", "dependent", "dependent, edits", "manual", "customer", "customer, forgotten", "customer, gone", "customer invoices",
		"customer invoices kept", "invoice", "merged", "import", "import, kept edits",
	}
}

// prepared makes a world for one kind of selection.
func prepared(t *testing.T, kind string, opt mem.Options) (*world, expectation) {
	t.Helper()
	w := seeded(t, opt)
	if kind == "merged" {
		hr := w.directory().Hasher()
		from, into := edit.Ref{Tag: w.acme2.Tag, H: customerH(hr, 3)}, edit.Ref{Tag: w.acme.Tag, H: customerH(hr, 7)}
		must(t, edit.New(w.st, time.Now).Merge(t.Context(), from, into, "anna"))
	}
	if kind == "customer, gone" {
		w.goes(3)
	}
	if strings.HasPrefix(kind, "import") {
		w.adds(3, 4, 7) // two of them are manual
	}
	return w, selections(w)[kind]
}

func seeded(t *testing.T, opt mem.Options) *world {
	t.Helper()
	w := newWorld(t, opt)
	w.seed(w.acme, 12, 5)
	w.seed(w.acme2, 4, 2)
	return w
}
