package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/effort"
	"reseed/internal/gen/company"
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

const (
	eraseKills = 160
	secondTag  = 3
	secondName = "Second"
	canary     = "zqxkanari" // a text in everything that must be nowhere after an erase
)

// TestEraseKillAnywhere is TestKillAnywhere for everything that can be erased: on the embedded
// table, which drops partitions at once, and on one that does only what DynamoDB can, page by page.
func TestEraseKillAnywhere(t *testing.T) { //nolint:tparallel // as TestKillAnywhere
	t.Parallel()
	k := &killer{bin: commands(t), seed: uint64(setting(t, envSeed, defaultSeed))}
	k.each(t, k.erases(t), setting(t, envKills, effort.Some(eraseKills)))
}

// erases makes the data folders to begin with, and the list of scenarios.
func (k *killer) erases(t *testing.T) (all []*scenario) {
	t.Helper()
	data := t.TempDir()
	ids := k.aviary(t, data)
	hidden := t.TempDir() // by an erase that can be restored
	copyFolder(t, data, hidden)
	k.plain(t, hidden, wholeBytes, "erase", "content", companyName, "--grace", "72h", "--yes")
	add := func(name string, sc scenario, args ...string) {
		if sc.killer, sc.name, sc.piece = k, name, pieceBytes; sc.from == "" {
			sc.from = data
		}
		sc.args = append([]string{"erase"}, append(args, "--yes")...)
		all = append(all, &sc)
	}
	ours, both := []store.Tag{companyTag}, []store.Tag{companyTag, secondTag}
	for _, plain := range []bool{false, true} {
		how, gone := ", at once", canary
		if plain {
			how, gone = ", page by page", "" // this table does not purge its files
		}
		add("source"+how, scenario{plain: plain, touches: ours, canary: gone}, "source", companyName)
		add("content"+how, scenario{plain: plain, touches: ours, canary: gone}, "content", companyName, "--keep-edits=false")
		add("content without edits"+how, scenario{plain: plain, touches: ours}, "content", companyName)
		add("manual"+how, scenario{plain: plain, canary: gone}, "manual-customers")
		add("customer"+how, scenario{plain: plain, touches: ours, canary: gone}, "customer", ids.marked, "--forget")
		add("import"+how, scenario{plain: plain, touches: ours, canary: gone}, "import", ids.first)
	}
	undone := t.TempDir() // the source's imports are undone: only edits and files say anything of its customers
	copyFolder(t, data, undone)
	for _, id := range ids.imports {
		k.plain(t, undone, wholeBytes, "undo", id)
	}
	add("customer without a record", scenario{from: undone, touches: ours}, "customer", "--source", companyName, "--external-id", ids.external, "--forget")
	add("dependent", scenario{touches: ours}, "dependent", companyName, "--keep-edits=false")
	add("dependent without edits", scenario{touches: ours}, "dependent", companyName)
	add("merged customer", scenario{touches: both}, "customer", ids.merged, "--forget")
	add("invoices", scenario{touches: ours}, "invoices", ids.marked)
	add("invoice", scenario{touches: ours}, "invoice", ids.invoice)
	add("import without edits", scenario{touches: ours}, "import", ids.first, "--keep-edits")
	add("source, after a moment", scenario{touches: ours, canary: canary}, "source", companyName, "--grace", "1ms")
	add("customer, after a moment", scenario{touches: ours, canary: canary}, "customer", ids.marked, "--grace", "1ms")
	add("source that is hidden", scenario{from: hidden, touches: ours, canary: canary}, "source", companyName)
	add("content that is hidden", scenario{from: hidden, touches: ours, canary: canary}, "content", companyName, "--keep-edits=false")
	many := t.TempDir()
	k.plain(t, many, 0, "import", "--source", companyName, manyCustomers().folder(t))
	all = append(all, &scenario{ // the sweep saves how far it is within a partition
		killer: k, name: "source of many", large: true, piece: pieceBytes, from: many, args: []string{"erase", "source", companyName, "--yes"},
	})
	add("source, restored", scenario{restore: true}, "source", companyName, "--grace", "72h")
	add("content, restored", scenario{restore: true}, "content", companyName, "--grace", "72h")
	add("manual, restored", scenario{restore: true}, "manual-customers", "--grace", "72h")
	add("import, restored", scenario{restore: true}, "import", ids.first, "--grace", "72h")
	add("merged customer, restored", scenario{restore: true}, "customer", ids.merged, "--forget", "--grace", "72h")
	return all
}

// twelve is a company of 12 customers. With seed 2 the first one has records of every kind.
func twelve(t *testing.T, seed uint64) input {
	t.Helper()
	return generated(t, company.Options{Seed: seed, Customers: 12, Months: 12, Layout: company.Named})
}

// inhabitants are ids in the aviary.
type inhabitants struct {
	marked  string // customer of one source, with the canary
	invoice string // of that customer
	merged  string // customer of two sources
	first   string // the import that added all rows of the source

	external string   // external id of the marked customer
	imports  []string // of the source, the latest first
}

// aviary fills a data folder with a bystander, a source that was imported twice, with rejects, and
// a second source. The canary is in everything that belongs to the first customer of the source,
// and in its edits. The second customer of the source is merged with one of the second source.
func (k *killer) aviary(t *testing.T, data string) (ids inhabitants) {
	t.Helper()
	marked := twelve(t, 2).marked()
	k.plain(t, data, wholeBytes, "import", "--source", "Bystander", twelve(t, 4).folder(t))
	spoiled, _ := twelve(t, 2).marked().spoiled()
	k.plain(t, data, wholeBytes, "import", "--source", companyName, spoiled.folder(t))
	k.plain(t, data, wholeBytes, "import", "--source", secondName, twelve(t, 5).folder(t))
	k.plain(t, data, wholeBytes, "import", "--source", companyName, marked.changed().folder(t))
	handiwork(t, data)
	st, d := openTableIn(t, data)
	ref := func(tag store.Tag, in input, n int) edit.Ref {
		return edit.Ref{Tag: tag, H: d.Hasher().CustomerH(in.id(n))}
	}
	root := ref(companyTag, marked, 2)
	if err := edit.New(st, time.Now).Merge(t.Context(), ref(secondTag, twelve(t, 5), 1), root, "people"); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	jobs := lookAt(t, data).jobs
	ids.first, ids.imports, ids.external = jobs[1].ID, []string{jobs[3].ID, jobs[1].ID}, marked.id(1)
	ids.marked, ids.merged = ref(companyTag, marked, 1).CustomerID(), root.CustomerID()
	h := d.Hasher().External(store.KindInvoice, marked[billing.Invoices][1][marked.column(billing.Invoices, "Invoice external ID")])
	ids.invoice = store.ID(store.PrefixInvoice, companyTag, h)
	return ids
}

// id is the external id of the n-th customer, from 1.
func (in input) id(n int) string {
	return in[billing.Customers][n][in.column(billing.Customers, "External ID")]
}

// marked is the same input with the canary in the ids and texts of every row of the first customer.
func (in input) marked() input {
	one, rest := in.some(0, 0), in.some(1, len(in[billing.Customers])-2)
	for ds, rows := range one {
		if ds == billing.Plans {
			continue
		}
		for n, name := range rows[0] {
			for _, row := range rows[1:] {
				row[n] = mark(strings.ToLower(name), row[n])
			}
		}
		one[ds] = append(rows, rest[ds][1:]...)
	}
	return one
}

// mark is a cell with the canary in it, if the column can hold it.
func mark(column, cell string) string {
	switch column {
	case "external id", "customer external id", "invoice external id", "subscription external id", "subscription set external id",
		"retracted event id", "email":
		if cell == "" {
			return ""
		}
		return canary + "." + cell
	case "name", "company", "city", "zip", "first name", "last name", "title", "note", "description",
		"account code", "discount code", "discount description":
		return canary + " " + cell
	}
	return cell
}

// openTableIn opens the table of a data folder that no process has open.
func openTableIn(t *testing.T, data string) (*store.Store, *store.Directory) {
	t.Helper()
	d, err := pebble.Open(filepath.Join(data, "table"), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	st := store.New(d)
	directory, err := st.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st, directory
}

// handiwork edits every record that holds the canary as people do: tags, custom attributes, changed
// fields.
func handiwork(t *testing.T, data string) {
	t.Helper()
	w := lookAt(t, data)
	st, d := openTableIn(t, data)
	src, _ := d.ByTag(companyTag)
	for k, a := range w.items {
		if !strings.Contains(a, canary) {
			continue
		}
		rec := edit.Record{Space: src.Space(), Key: k, Base: table.Attrs(a), Hash: d.Hasher()}
		change := func(field string, want *table.Builder) {
			edited(t, st, rec.Change(want.Attrs(), []string{field}, "people"))
		}
		switch store.SKPrefix(k.SK) {
		case store.SKCustomer:
			h, _ := store.TrailingH(k.SK)
			decorate(t, st, edit.Of(src.Space(), h, table.Attrs(a)))
			change("name", table.NewBuilder().Str("name", canary+"changed"))
			change("email", table.NewBuilder().Str("email", canary+"changed@example.com"))
		case store.SKInvoice:
			change("date", table.NewBuilder().IntAlways("date", 1))
		case store.SKLine:
			change("description", table.NewBuilder().Str("description", canary+"changed"))
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

// decorate tags a customer, and gives it a custom attribute.
func decorate(t *testing.T, st *store.Store, c edit.Customer) {
	t.Helper()
	v, err := edit.NewValue(edit.String, canary+"value", "people")
	if err != nil {
		t.Fatal(err)
	}
	edited(t, st, c.AddTags(canary+"tag"), c.Set(map[string]edit.Value{canary + "key": v}))
}

// edited stores changes of edits.
func edited(t *testing.T, st *store.Store, changes ...*edit.Change) {
	t.Helper()
	d, err := st.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	writes, err := edit.New(st, time.Now).Writes(t.Context(), d, changes...)
	if err == nil {
		err = st.Transact(t.Context(), writes...)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// receiptOf is a job's receipt without what differs from run to run; the zero value if it has none.
func receiptOf(j *job.Job) eraser.Receipt {
	r, err := eraser.ReceiptOf(j)
	if err != nil {
		return eraser.Receipt{}
	}
	return eraser.Receipt{
		Selection: r.Selection, Source: r.Source, SourceName: r.SourceName, Records: r.Records, Import: r.Import, KeptEdits: r.KeptEdits, Forgotten: r.Forgotten,
		Removed: r.Removed, Total: r.Total, KeyDigest: r.KeyDigest, Imports: r.Imports, Files: r.Files, Survives: r.Survives,
	}
}

// erased compares a data folder after an erase with the folder before. There is one receipt, which
// counts the items that are gone, or none if the erase was restored; and nothing but the selection
// was touched.
func (sc *scenario) erased(t *testing.T, data string, w *world) {
	t.Helper()
	if open, hiding, locked := len(w.open), len(w.tombstones)+len(w.counted.Tombstones), len(w.locks); open+hiding+locked > 0 {
		t.Errorf("%d jobs are open, %d tombstones and %d locks are left", open, hiding, locked)
	}
	var receipts []eraser.Receipt
	for _, j := range w.since(sc.base) {
		if r, err := eraser.ReceiptOf(j); err == nil {
			receipts = append(receipts, r)
		}
	}
	if sc.restore {
		sc.restored(t, w, len(receipts))
		return
	}
	if len(receipts) != 1 {
		t.Fatalf("%d receipts", len(receipts))
	}
	total, digest := sc.vanished(w)
	said, _ := receipts[0].KeyDigest.MarshalText()
	if r := receipts[0]; r.Total != total || string(said) != digest {
		t.Errorf("the receipt says %d items, digest %s; vanished are %d, digest %s", r.Total, said, total, digest)
	}
	if sc.touches != nil {
		if d := differ(sc.base.others(sc.touches), w.others(sc.touches)); d != "" {
			t.Errorf("other sources: %s", d)
		}
	}
	if sc.canary != "" {
		for _, place := range places(t, data, sc.canary) {
			t.Errorf("the canary is in %s", place)
		}
	}
}

// restored checks that everything is as it was before the erase.
func (sc *scenario) restored(t *testing.T, w *world, receipts int) {
	t.Helper()
	if receipts > 0 {
		t.Error("there is a receipt of what was restored")
	}
	if d := differ(sc.base.items, w.items); d != "" {
		t.Errorf("restored: %s", d)
	}
	was := names(sc.base.directory)
	was["forgets"] = w.directory.Forgets // it stays
	if d := cmp.Diff(was, names(w.directory)); d != "" {
		t.Errorf("the directory (-before +restored):\n%s", d)
	}
	if d := cmp.Diff(sc.base.objects, w.objects); d != "" {
		t.Errorf("files (-before +restored):\n%s", d)
	}
}

// vanished counts the items that were there before and are gone now, and sums up their keys as a
// receipt does.
func (sc *scenario) vanished(w *world) (total int64, digest string) {
	var sums [4]uint64
	for k := range sc.base.items {
		if _, there := w.items[k]; there {
			continue
		}
		total++
		sum := sha256.Sum256([]byte(k.PK + "\x00" + k.SK))
		for i := range sums {
			sums[i] += binary.BigEndian.Uint64(sum[8*i:])
		}
	}
	for _, n := range sums {
		digest += fmt.Sprintf("%016x", n)
	}
	return total, digest
}

// others are the items that do not belong to the given sources.
func (w *world) others(tags []store.Tag) map[table.Key]string {
	out := maps.Clone(w.items)
	maps.DeleteFunc(out, func(k table.Key, _ string) bool {
		return slices.ContainsFunc(tags, func(tag store.Tag) bool { return strings.HasPrefix(k.PK, fmt.Sprintf("%05x.", uint32(tag))) }) ||
			k.PK == store.ForgottenAt("").PK
	})
	return out
}
