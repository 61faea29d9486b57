package kindstest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// everything lets a replace remove all rows.
func everything() *int { share := 100; return &share }

// histories are what happened to records before they are erased. Each one leaves c1 and c2 in Acme,
// and returns the job that brought them.
func histories() map[string]func(*bed) (imported string) {
	first := func(b *bed) string { return b.load(b.acme, importer.Options{}, datasets(), customers()...) }
	return map[string]func(*bed) string{
		"import": first,
		"undo": func(b *bed) string {
			id := first(b)
			more := b.load(b.acme, importer.Options{}, datasets(), "c2", "c4")
			j, err := b.Importer.Undo(b.t.Context(), more, importer.UndoOptions{})
			b.must(err)
			b.done(j)
			return id
		},
		"replace": func(b *bed) string {
			id := b.load(b.acme, importer.Options{}, datasets(), "c1", "c2", "c4")
			b.load(b.acme, importer.Options{Mode: job.Replace, MaxRemoved: everything()}, datasets(), customers()...)
			return id
		},
		"edit":    first,
		"restore": first,
	}
}

// prepared is a bed with a history, a bystander written by hand, and another source with the same
// records.
func prepared(t *testing.T, history string) (b *bed, imported string) {
	t.Helper()
	b = newBed(t)
	imported = histories()[history](b)
	b.load(b.other, importer.Options{}, datasets(), customers()...)
	for _, src := range []store.Source{b.acme, b.other} {
		b.expect(src, datasets(), customers()...)
		b.byHand(src, "c3")
	}
	if history == "edit" {
		b.changes()
	}
	b.right("before")
	return b, imported
}

// selection means c1, or all of Acme, or what a job brought.
func (b *bed) selection(kind eraser.Kind, imported string) eraser.Selection {
	hr := b.directory().Hasher()
	switch kind {
	case eraser.ManualCustomers:
		return eraser.Selection{Kind: kind}
	case eraser.Import:
		return eraser.Selection{Kind: kind, Import: imported}
	case eraser.Customer, eraser.CustomerInvoices:
		return eraser.Selection{Kind: kind, Source: b.acme.UUID, H: hr.CustomerH("c1")}
	case eraser.Invoice:
		return eraser.Selection{Kind: kind, Source: b.acme.UUID, H: hr.InvoiceH("i-c1")}
	case eraser.Source, eraser.Content, eraser.Dependent:
	}
	return eraser.Selection{Kind: kind, Source: b.acme.UUID}
}

// takes reports whether a selection takes a record.
func (b *bed) takes(kind eraser.Kind, r owned) bool {
	whose := map[eraser.Kind]bool{
		eraser.Source: true, eraser.Content: true, eraser.Dependent: true,
		eraser.ManualCustomers: r.customer != "c3", eraser.Import: r.customer != "c3",
	}
	mine, known := whose[kind]
	if !known {
		mine = r.customer == "c1"
	}
	here := r.tag == b.acme.Tag || kind == eraser.ManualCustomers
	return mine && here && slices.Contains(samples()[r.kind.Dataset].goes, kind)
}

// After an erase, what must go is gone and what must stay is there, whatever happened before: for
// every kind of record and every selection.
func TestEveryKindTimesEverySelection(t *testing.T) {
	t.Parallel()
	for _, k := range store.Kinds() {
		if _, ok := samples()[k.Dataset]; !ok {
			t.Errorf("there is no sample of %s", k.Dataset)
		}
	}
	for history := range histories() {
		for _, kind := range eraser.Kinds() {
			t.Run(history+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				b, imported := prepared(t, history)
				if history == "restore" {
					b.hideAndRestore(kind, imported)
				}
				b.erase(kind, imported)
				b.again(kind)
			})
		}
	}
}

// hideAndRestore erases with a grace period, checks which records people see, and restores.
func (b *bed) hideAndRestore(kind eraser.Kind, imported string) {
	b.t.Helper()
	// this kind of erase cannot hide edits by themselves
	was, grace, keep := b.stored(), 48*time.Hour, kind == eraser.Dependent
	j, err := b.StartErase(b.t.Context(), b.selection(kind, imported), eraser.Options{Grace: &grace, KeepEdits: &keep})
	b.must(err)
	for key, r := range b.want {
		if seen := b.sees(key, was); seen == b.takes(kind, r) {
			b.t.Errorf("%s of %s: visible in the grace period: %t", r.kind.Dataset, r.customer, seen)
		}
	}
	if _, err := b.Eraser.Restore(b.t.Context(), j.ID, eraser.RestoreOptions{}); err != nil {
		b.t.Fatal(err)
	}
	b.work()
	if !maps.EqualFunc(was, b.stored(), func(x, y table.Attrs) bool { return string(x) == string(y) }) {
		b.t.Error("a restored source is not as it was")
	}
	b.right("after the restore")
	for key := range b.want {
		if !b.sees(key, was) {
			b.t.Errorf("%v is not visible after the restore", key)
		}
	}
}

// sees reports whether people see a record: its source exists, its key has the epochs of the
// source, and no erase hides the record or, if it is a part, the record that it is a part of.
func (b *bed) sees(key table.Key, stored map[table.Key]table.Attrs) bool {
	d := b.directory()
	for _, src := range d.Sources {
		if !src.Space().Has(key.PK) {
			continue
		}
		if store.RecordAt(key.SK).Part {
			parent := src.Space().Key(store.ParentSK(key.SK))
			if d.Hides(src.Tag, parent.SK, stored[parent]) {
				return false
			}
		}
		return !d.Hides(src.Tag, key.SK, stored[key])
	}
	return false
}

// erase erases, and checks what is left and what the receipt says.
func (b *bed) erase(kind eraser.Kind, imported string) {
	b.t.Helper()
	before, keep := b.stored(), false
	j, err := b.StartErase(b.t.Context(), b.selection(kind, imported), eraser.Options{KeepEdits: &keep})
	b.must(err)
	b.work()
	if j, err = b.Ledger.Get(b.t.Context(), j.ID); err != nil || j.Status != job.Done {
		b.t.Fatalf("the erase is %s: %v %s", j.Status, err, j.Error)
	}
	was := len(b.want)
	maps.DeleteFunc(b.want, func(_ table.Key, r owned) bool { return b.takes(kind, r) })
	if was == len(b.want) {
		b.t.Error("the selection takes no record")
	}
	maps.DeleteFunc(b.edited, func(key table.Key, _ bool) bool { _, stays := b.want[key]; return !stays })
	b.right("after the erase")
	gone := eraser.Counts{}
	for key := range before {
		if _, ok := b.stored()[key]; !ok {
			gone[nameOf(key)]++
		}
	}
	if !maps.Equal(gone, eraser.Counts(j.Erase.Removed)) {
		b.t.Errorf("the receipt says %v, gone are %v", j.Erase.Removed, gone)
	}
}

func nameOf(key table.Key) string {
	p := store.PointerAt(key.SK)
	switch {
	case p != nil:
		return p.Name
	case store.EditsIn(key.PK):
		return eraser.Edits
	}
	return string(store.RecordAt(key.SK).Dataset)
}

// again imports everything that came with files once more.
func (b *bed) again(kind eraser.Kind) {
	b.t.Helper()
	sources := []store.Source{b.acme, b.other}
	if kind == eraser.Source {
		sources = sources[1:]
	}
	for _, src := range sources {
		now, _ := b.directory().ByTag(src.Tag)
		b.load(now, importer.Options{}, datasets(), customers()...)
		b.expect(now, datasets(), customers()...)
	}
	b.right("after the same import again")
}

// tie is a kind of record and another kind without whose records its own cannot exist.
type tie struct{ child, parent *store.RecordKind }

func ties() (all []tie) {
	for _, k := range store.Kinds() {
		if k.Of != "" {
			all = append(all, tie{k, k.Parent()})
		}
		if k.Plan != nil {
			all = append(all, tie{k, store.KindNamed(store.KindPlan)})
		}
	}
	return all
}

// withChild is a bed in which one import brought the parents of c1 and c4, and a later one the
// child of c4.
func withChild(t *testing.T, x tie) (b *bed, parents string) {
	t.Helper()
	b = newBed(t)
	var others []billing.Dataset // other datasets that the child needs
	for _, k := range store.Kinds() {
		plan := k.Kind == store.KindPlan && x.child.Plan != nil
		if k != x.parent && (plan || x.parent.Of == k.Kind || x.child.Of == k.Kind || x.child.Of != "" && x.child.Parent().Of == k.Kind) {
			others = append(others, k.Dataset)
		}
	}
	own := []billing.Dataset{x.parent.Dataset}
	if len(others) > 0 && x.parent.Of != "" { // its parents come first
		b.load(b.acme, importer.Options{}, others, "c1", "c2", "c4")
	}
	parents = b.load(b.acme, importer.Options{}, own, "c1", "c4")
	if len(others) > 0 && x.parent.Of == "" {
		b.load(b.acme, importer.Options{}, others, "c1", "c2", "c4")
	}
	b.load(b.acme, importer.Options{}, []billing.Dataset{x.child.Dataset}, "c4")
	b.expect(b.acme, others, "c1", "c2", "c4")
	b.expect(b.acme, own, "c1", "c4")
	b.expect(b.acme, []billing.Dataset{x.child.Dataset}, "c4")
	b.right("before")
	return b, parents
}

// A record to which others belong stays as long as they do, whatever would remove it.
func TestNothingIsLeftWithoutItsParent(t *testing.T) {
	t.Parallel()
	for _, x := range ties() {
		t.Run(string(x.child.Dataset)+" on "+string(x.parent.Dataset), func(t *testing.T) {
			t.Parallel()
			b, parents := withChild(t, x)
			_, err := b.StartErase(t.Context(), eraser.Selection{Kind: eraser.Import, Import: parents}, eraser.Options{})
			if err == nil || fault.CodeOf(err) != "needed" {
				t.Errorf("an erase of the import answers %v", err)
			}
			b.right("after an erase that was refused")

			b.load(b.acme, importer.Options{Mode: job.Replace, MaxRemoved: everything()}, []billing.Dataset{x.parent.Dataset}, "c2")
			b.lose(x)
			b.expect(b.acme, []billing.Dataset{x.parent.Dataset}, "c2")
			b.right("after a replace")

			b, parents = withChild(t, x)
			j, err := b.Importer.Undo(t.Context(), parents, importer.UndoOptions{})
			b.must(err)
			b.done(j)
			b.lose(x)
			b.right("after an undo")
		})
	}
}

// lose notes that the parent goes to which nothing belongs.
func (b *bed) lose(x tie) {
	maps.DeleteFunc(b.want, func(_ table.Key, r owned) bool { return r.kind == x.parent && r.customer == "c1" })
}

// A job of a later version, with a kind that this version does not know, waits for that version: no
// row is left out.
func TestAJobWithAnUnknownKindWaits(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	f, err := b.Keep(t.Context(), b.acme, "customers.csv", strings.NewReader(samples()[billing.Customers].header+"\n"+line(billing.Customers, "c1")+"\n"))
	b.must(err)
	j := b.submit(b.acme, []job.File{f}, importer.Options{})
	became := func(datasets ...string) {
		_, err := b.Ledger.Update(t.Context(), j.ID, func(j *job.Job) error { j.Import.Datasets = datasets; return nil })
		b.must(err)
	}
	became("mails")
	if err := b.Importer.Handle(t.Context(), b.imports[0]); fault.KindOf(err) != fault.Unavailable || fault.CodeOf(err) != "unknown_kind" {
		t.Fatalf("it answers %v", err)
	}
	b.right("while it waits")
	became()
	b.done(j)
	b.expect(b.acme, []billing.Dataset{billing.Customers}, "c1")
	b.right("in the end")
}

// All records of every kind are found by walking the ranges of the list, and by their public ids.
func TestEveryKindIsWalkedAndListed(t *testing.T) {
	t.Parallel()
	b, _ := prepared(t, "edit")
	d := b.directory()
	found := map[table.Key]bool{}
	for _, src := range d.Sources {
		for _, kind := range store.Kinds() {
			if kind.Part {
				continue // walked with the record that it is a part of
			}
			for _, pk := range src.Space().Partitions().At(kind.Place) {
				for it, err := range b.Store.Items(t.Context(), table.Query{PK: pk, From: kind.SK, To: store.After(kind.SK)}) {
					b.must(err)
					of := store.RecordAt(it.SK)
					if got := of.Append(nil, of.Decode(it.Attrs)); string(got) != string(it.Attrs.Content()) {
						t.Errorf("%v is read as %q", it.Key, got)
					}
					found[it.Key] = true
				}
			}
		}
		b.listed(d, src)
	}
	for key := range b.want {
		if !found[key] {
			t.Errorf("%v was not found", key)
		}
	}
	if len(found) != len(b.want) {
		t.Errorf("found %d records, want %d", len(found), len(b.want))
	}
}

// listed checks that all edits of a source are listed, and found by the ids of their records.
func (b *bed) listed(d *store.Directory, src store.Source) {
	b.t.Helper()
	left := map[string]bool{}
	for key := range b.edited {
		if src.Space().Has(key.PK) {
			left[store.PublicID(src.Tag, key.SK)] = true
		}
	}
	for n, err := range b.edits.All(b.t.Context(), d, src, edit.Place{}) {
		b.must(err)
		if n.Orphan || !left[n.ID] {
			b.t.Errorf("the edit of %s is listed, orphan %t", n.ID, n.Orphan)
		}
		delete(left, n.ID)
		rec, again, err := b.edits.Find(b.t.Context(), d, n.ID)
		if err != nil || again.ID != n.ID || !b.edited[rec.Key] {
			b.t.Errorf("%s is not found: %v", n.ID, err)
		}
	}
	for id := range left {
		b.t.Errorf("the edit of %s is not listed", id)
	}
}

// An edit whose record goes is an orphan, and applies again when the record comes back, for every
// kind.
func TestEditsOfEveryKindWaitForTheirRecords(t *testing.T) {
	t.Parallel()
	b, _ := prepared(t, "edit")
	j, err := b.StartErase(t.Context(), b.selection(eraser.Content, ""), eraser.Options{}) // this erase keeps edits
	b.must(err)
	b.work()
	if j, err = b.Ledger.Get(t.Context(), j.ID); err != nil || j.Status != job.Done {
		t.Fatalf("the erase is %s: %v", j.Status, err)
	}
	now, _ := b.directory().ByTag(b.acme.Tag)
	b.orphans(now, true)
	b.load(now, importer.Options{}, datasets(), customers()...)
	b.orphans(now, false)
}

func (b *bed) orphans(src store.Source, want bool) {
	b.t.Helper()
	kinds := map[*store.RecordKind]bool{}
	for n, err := range b.edits.All(b.t.Context(), b.directory(), src, edit.Place{}) {
		b.must(err)
		if n.Orphan != want {
			b.t.Errorf("the edit of %s: orphan %t", n.ID, n.Orphan)
		}
		kinds[store.KindOfID(n.ID[:strings.IndexByte(n.ID, '_')+1])] = true
	}
	for _, k := range store.Kinds() {
		if len(k.Edits) > 0 && !kinds[k] {
			b.t.Errorf("there are no edits of %s", k.Dataset)
		}
	}
}
