package kindstest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/app"
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// sample is a row of a kind, and what can happen to it. "@" stands for the external id of its
// customer.
type sample struct {
	header, row string
	edits       string        // attribute that a person changes; empty if people cannot change the record
	goes        []eraser.Kind // selections that take it, if they mean its customer
}

// samples has a row of every kind: a new kind needs one here.
func samples() map[billing.Dataset]sample {
	all := []eraser.Kind{eraser.Source, eraser.Content, eraser.Import}
	with := func(more ...eraser.Kind) []eraser.Kind { return slices.Concat(all, more) }
	ofCustomer := with(eraser.ManualCustomers, eraser.Customer)
	ofInvoice := with(eraser.ManualCustomers, eraser.Customer, eraser.Dependent, eraser.CustomerInvoices, eraser.Invoice)
	dependent := with(eraser.ManualCustomers, eraser.Customer, eraser.Dependent)
	return map[billing.Dataset]sample{
		billing.Plans:     {"Name,Interval count,Interval unit,Plan ID", "Plan @,1,month,p-@", "name", with(eraser.Dependent)},
		billing.Customers: {"Name,Email,External ID", "Name of @,@@example.com,@", "email", ofCustomer},
		billing.Contacts:  {"Customer External ID,External ID,Email", "@,k-@,k-@@example.com", "", ofCustomer},
		billing.Invoices:  {"Customer external ID,Invoice external ID,Invoiced date,Currency", "@,i-@,2025-01-01,EUR", "date", ofInvoice},
		billing.LineItems: {
			"Invoice external ID,External ID,Subscription external ID,Type,Amount in cents,Plan,Service period start,Service period end",
			"i-@,l-@,s-@,subscription,100,p-@,2025-01-01,2025-02-01", "amount_in_cents", ofInvoice,
		},
		billing.Transactions: {"Invoice external ID,External ID,Type,Result,Date", "i-@,t-@,payment,successful,2025-01-02", "date", ofInvoice},
		billing.Events: {
			"Customer external ID,Subscription external ID,External ID,Event Type,Date,Effective Date,Plan external ID,Currency,Amount in Cents",
			"@,s-@,e-@,subscription_start,2025-01-01,2025-01-01,p-@,EUR,100", "", dependent,
		},
		notes: {"Customer external ID,Note ID,Text", "@,n-@,About @", "text", dependent},
	}
}

// customers are those that come with files. c3 is written by hand; c4 comes and goes again.
func customers() []string { return []string{"c1", "c2"} }

// bed is the whole application in memory.
type bed struct {
	*app.App
	t       *testing.T
	driver  *mem.Driver
	edits   *edit.Edit
	passed  atomic.Int64
	imports []importer.Message
	sweeps  []app.Sweep
	acme    store.Source
	other   store.Source
	want    map[table.Key]owned // every record that must exist
	edited  map[table.Key]bool  // records that a person has changed
}

// owned is a record and its customer.
type owned struct {
	billing.Record
	kind     *store.RecordKind
	tag      store.Tag
	customer string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, driver: mem.New(mem.Options{}), want: map[table.Key]owned{}, edited: map[table.Key]bool{}}
	st := store.New(b.driver)
	b.App = app.New(app.Config{
		Store: st, Objects: objects.Mem(), Now: b.now, Log: slog.New(slog.DiscardHandler),
		Imports: func(_ context.Context, m ...importer.Message) error { b.imports = append(b.imports, m...); return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { b.sweeps = append(b.sweeps, m...); return nil },
	})
	b.edits = edit.New(st, b.now)
	_, err := st.ChangeDirectory(t.Context(), func(d *store.Directory) (_ []table.Write, err error) {
		var err2 error
		b.acme, err = d.Add("ds_acme", "Acme", "CSV", b.now())
		b.other, err2 = d.Add("ds_other", "Other", "CSV", b.now())
		return nil, errors.Join(err, err2)
	})
	b.must(err)
	return b
}

func (b *bed) now() time.Time {
	return time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC).Add(time.Duration(b.passed.Load()))
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// work handles messages until none is left.
func (b *bed) work() {
	b.t.Helper()
	for len(b.imports)+len(b.sweeps) > 0 {
		imports, sweeps := b.imports, b.sweeps
		b.imports, b.sweeps = nil, nil
		for _, m := range imports {
			b.must(b.Importer.Handle(b.t.Context(), m))
		}
		for _, m := range sweeps {
			b.must(b.Sweep(b.t.Context(), m))
		}
		b.passed.Add(int64(time.Second))
	}
}

func (b *bed) directory() *store.Directory {
	b.t.Helper()
	d, err := b.Store.Directory(b.t.Context())
	b.must(err)
	return d
}

// datasets lists the datasets of all kinds.
func datasets() (all []billing.Dataset) {
	for _, k := range store.Kinds() {
		all = append(all, k.Dataset)
	}
	return all
}

// load imports the samples of these datasets for these customers, and returns the id of the job.
func (b *bed) load(src store.Source, how importer.Options, of []billing.Dataset, customers ...string) string {
	b.t.Helper()
	var files []job.File
	for _, ds := range of {
		text := samples()[ds].header + "\n"
		for _, c := range customers {
			text += line(ds, c) + "\n"
		}
		f, err := b.Keep(b.t.Context(), src, string(ds)+".csv", strings.NewReader(text))
		b.must(err)
		files = append(files, f)
	}
	return b.done(b.submit(src, files, how))
}

func (b *bed) submit(src store.Source, files []job.File, how importer.Options) *job.Job {
	b.t.Helper()
	j, err := b.Importer.Submit(b.t.Context(), importer.Request{Source: src, Files: files, Origin: job.ByFile, Options: how})
	b.must(err)
	return j
}

// line is the sample of a dataset for a customer. "@@" becomes the customer and one "@".
func line(ds billing.Dataset, customer string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(samples()[ds].row, "@@", customer+"\x00"), "@", customer), "\x00", "@")
}

// done works until an import or undo is done.
func (b *bed) done(j *job.Job) string {
	b.t.Helper()
	b.work()
	j, err := b.Ledger.Get(b.t.Context(), j.ID)
	b.must(err)
	if j.Status != job.Done {
		b.t.Fatalf("the job is %s: %s", j.Status, j.Error)
	}
	return j.ID
}

// records are the samples of these datasets for these customers, by their keys in a source.
func (b *bed) records(src store.Source, of []billing.Dataset, customers ...string) map[table.Key]owned {
	b.t.Helper()
	hr, all := b.directory().Hasher(), map[table.Key]owned{}
	for _, ds := range of {
		for _, c := range customers {
			layout, err := billing.NewLayout(ds, strings.Split(samples()[ds].header, ","), billing.Values{})
			b.must(err)
			rec, problem := layout.Record(strings.Split(line(ds, c), ","), b.now())
			if problem != nil {
				b.t.Fatal(problem)
			}
			kind := store.KindFor(ds)
			all[src.Space().Key(kind.Locate(hr, rec).SK)] = owned{rec, kind, src.Tag, c}
		}
	}
	return all
}

func (b *bed) expect(src store.Source, of []billing.Dataset, customers ...string) {
	b.t.Helper()
	maps.Copy(b.want, b.records(src, of, customers...))
}

// byHand writes all records of a customer as requests to the API would: they are not manual, and no
// import added them.
func (b *bed) byHand(src store.Source, customer string) {
	b.t.Helper()
	b.expect(src, datasets(), customer)
	for key, r := range b.records(src, datasets(), customer) {
		item := table.Item{Key: key, Attrs: r.kind.Append(table.NewBuilder().Int(store.AttrCreated, 1).Int(store.AttrUpdated, 1).Attrs(), r.Record)}
		writes := []table.Write{{Item: item}}
		for _, p := range src.Space().PointersOf(b.directory().Hasher(), item) {
			writes = append(writes, table.Write{Item: p})
		}
		b.must(b.Store.Write(b.t.Context(), writes))
	}
}

// changes edits every record that exists and can be edited, except those written by hand.
func (b *bed) changes() {
	b.t.Helper()
	d, stored := b.directory(), b.stored()
	for key, r := range b.want {
		name := samples()[r.kind.Dataset].edits
		if (name != "") != (len(r.kind.Edits) > 0) {
			b.t.Fatalf("%s: the sample and the kind disagree on whether people can change it", r.kind.Dataset)
		}
		if name == "" || r.customer == "c3" {
			continue
		}
		src, _ := d.ByTag(r.tag)
		rec := edit.Record{Space: src.Space(), Key: key, Base: stored[key], Hash: d.Hasher()}
		want := table.NewBuilder().Str(name, "other-"+r.customer+"@example.com")
		if v, _ := stored[key].Get(name); v.Type == table.Int {
			want = table.NewBuilder().Int(name, v.Int()+86_400_000)
		}
		writes, err := b.edits.Writes(b.t.Context(), d, rec.Change(want.Attrs(), []string{name}, "me"))
		b.must(err)
		b.must(b.Store.Transact(b.t.Context(), writes...))
		b.edited[key] = true
	}
	b.passed.Add(int64(time.Second))
}

// stored is every item of a source, in whichever partition.
func (b *bed) stored() map[table.Key]table.Attrs {
	all := map[table.Key]table.Attrs{}
	for _, it := range b.driver.All() {
		if len(it.PK) > 6 && it.PK[5] == '.' {
			all[it.Key] = it.Attrs
		}
	}
	return all
}

// right checks that the table holds exactly the records that must exist, their pointers, and the
// edits of the edited ones: nothing else is left, no record is without its parent, and no pointer
// dangles.
func (b *bed) right(when string) {
	b.t.Helper()
	d, stored := b.directory(), b.stored()
	left := maps.Clone(stored)
	take := func(key table.Key, what string, content []byte) {
		a, ok := stored[key]
		if !ok {
			b.t.Errorf("%s: %s is gone", when, what)
		} else if content != nil && !bytes.Equal(a.Content(), content) {
			b.t.Errorf("%s: %s is %q, want %q", when, what, a.Content(), content)
		}
		delete(left, key)
	}
	for key, r := range b.want {
		what := string(r.kind.Dataset) + " of " + r.customer + " in " + key.PK[:5]
		take(key, what, r.kind.Append(nil, r.Record))
		if r.kind.Of != "" && !b.hasParent(d, key, r) {
			b.t.Errorf("%s: %s has lost its parent", when, what)
		}
		sp := b.spaceOf(r.tag)
		for _, p := range sp.PointersOf(d.Hasher(), table.Item{Key: key, Attrs: stored[key]}) {
			take(p.Key, "a pointer to "+what, p.Attrs.Content())
		}
		if !b.edited[key] {
			continue
		}
		fields := sp.FieldsOf(key)
		take(fields, "the edit of "+what, nil)
		customer := d.Hasher().CustomerH(r.kind.CustomerID(stored[key]))
		for _, p := range edit.PointersTo(sp, d.Hasher(), key, customer, stored[fields]) {
			take(p, "a pointer to the edit of "+what, nil)
		}
	}
	for key := range left {
		b.t.Errorf("%s: %v is left", when, key)
	}
}

func (b *bed) spaceOf(tag store.Tag) store.Space {
	src, _ := b.directory().ByTag(tag)
	return src.Space()
}

// hasParent looks for a record's parent by the attribute that names it.
func (b *bed) hasParent(d *store.Directory, key table.Key, r owned) bool {
	parent := d.Hasher().External(r.kind.Of, b.stored()[key].Str(r.kind.OfAttr))
	_, ok := b.want[b.spaceOf(r.tag).Key(r.kind.Parent().SK+parent.String())]
	return ok
}
