package exporter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reseed/internal/buckettest"
	"reseed/internal/effort"
	"reseed/internal/gen/company"
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/exporter"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// texts are values that CSV can give back, although they look as if it could not.
var texts = []string{
	`"`, `a "quoted" word`, "two\nlines", "a\r\nb", "a\rb", ",", ";", "tab\tin it", "=1+1", "+49 30 1", "-", "@sum", "'00123", "'=1+1", "NULL",
	"0x1F", "1.2E+11", "Zoë, 北京", "sep=;", "Name,Email", "#1", `\.`, `\`, "{}", "TRUE", "2026-01-01", "ＡＢ", "a\u2028b",
}

// ids are external ids that CSV can give back.
var ids = []string{"00123", "1001.0", "'00123", "a b", "é", `q"q`, "c,d", "-7", "x=1", "@me"}

// lost are texts, and lostIDs ids, that NDJSON holds and CSV cannot.
var (
	lost    = []string{"#N/A", "#REF!", `="00123"`, "\u200bhidden", "#####"}
	lostIDs = []string{"Total", "1.23457E+11", "NULL", `="00123"`}
)

// odd makes lines of customers with these texts and ids.
func odd(texts, ids []string) string {
	var b strings.Builder
	for i, text := range texts {
		line, _ := json.Marshal(map[string]any{"dataset": "customers", "external_id": fmt.Sprintf("odd %d", i), "name": text, "owner": "o@example.com", "website_url": text})
		b.Write(append(line, '\n'))
	}
	for _, id := range ids {
		line, _ := json.Marshal(map[string]any{"dataset": "customers", "external_id": id, "city": "X", "lead_created_at": "2025-01-02T03:04:05.678Z"})
		b.Write(append(line, '\n'))
		line, _ = json.Marshal(map[string]any{
			"dataset": "subscription_events", "customer_external_id": id, "subscription_external_id": "s of " + id, "event_type": "subscription_cancelled",
			"event_date": "2025-01-02", "effective_date": "2025-01-03", "tax_amount_in_cents": 0, "quantity": 0,
		})
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// world is a table with all kinds of records, and a bystander that looks alike.
func world(t *testing.T, d table.Driver, objs *objects.Objects) *process {
	t.Helper()
	p := newProcess(t, d, objs)
	for _, name := range []string{"Acme", "Acme2"} {
		p.source(name)
		p.load(name, generated(t, 36, company.Named))
		p.load(name, map[string]string{"cancellations.csv": generated(t, 36, company.Y2020)["cancellations.csv"], "odd.ndjson": odd(texts, ids), "edited.ndjson": editedRows()})
		p.editor(name).edits()
	}
	return p
}

// What an export writes, an import takes: afterwards the same export has the same bytes.
func TestWhatAnExportWritesAnImportTakes(t *testing.T) {
	t.Parallel()
	for name, open := range engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := world(t, open(t), objects.Mem())
			bystander := p.export(exporter.Request{Source: p.now("Acme2")})
			for _, format := range []string{job.CSV, job.NDJSON} {
				first := p.export(exporter.Request{Source: p.now("Acme"), Format: format})
				if len(first) != map[string]int{job.CSV: 9, job.NDJSON: 2}[format] {
					t.Fatalf("%s: %v", format, slices.Sorted(maps.Keys(first)))
				}
				if j := p.erase(eraser.Selection{Kind: eraser.Content, Source: p.now("Acme").UUID}, eraser.Options{}); j.Status != job.Done {
					t.Fatalf("the erase is %s: %s", j.Status, j.Error)
				}
				j := p.ended(p.start(exporter.Request{Source: p.now("Acme"), Format: format}))
				if j.Status != job.Done || j.Export.Size != 0 || len(j.Notes) != 1 || len(p.names(j)) > 0 {
					t.Fatalf("an export of nothing: %+v", j)
				}
				_, err := p.ExportFile(t.Context(), j)
				if fault.CodeOf(err) != "no_rows" {
					t.Fatal(err)
				}
				p.load("Acme", first)
				same(t, format, first, p.export(exporter.Request{Source: p.now("Acme"), Format: format}))
			}
			same(t, "the bystander", bystander, p.export(exporter.Request{Source: p.now("Acme2")}))
		})
	}
}

// Another account has another secret, and so another order of keys: the rows are the same.
func TestAnotherAccountGetsTheSameRows(t *testing.T) {
	t.Parallel()
	here := world(t, mem.New(mem.Options{}), objects.Mem())
	for _, format := range []string{job.CSV, job.NDJSON} {
		there := newProcess(t, mem.New(mem.Options{}), objects.Mem())
		there.source("Elsewhere")
		want := here.export(exporter.Request{Source: here.now("Acme"), Format: format})
		there.load("Elsewhere", want)
		got := there.export(exporter.Request{Source: there.now("Elsewhere"), Format: format})
		same(t, format, sorted(want), sorted(got))
		if fmt.Sprint(want) == fmt.Sprint(got) {
			t.Error("the order is the same, too: the test shows nothing")
		}
	}
}

// sorted has the lines of files in their own order.
func sorted(files map[string]string) map[string][]string {
	out := map[string][]string{}
	for name, text := range files {
		out[name] = slices.Sorted(strings.Lines(text))
	}
	return out
}

// Laid over, fields are as people have changed them, rows that they have deleted are left out with
// their parts, and what they changed after the export began is counted. Otherwise rows are as
// imported.
func TestEditsLaidOver(t *testing.T) {
	t.Parallel()
	p := newProcess(t, mem.New(mem.Options{}), objects.Mem())
	p.source("Acme")
	p.load("Acme", map[string]string{"all.ndjson": strings.Join([]string{
		`{"dataset":"plans","external_id":"p","name":"Old","interval_count":1,"interval_unit":"month"}`,
		`{"dataset":"customers","external_id":"c1","name":"Ann","city":"Rome"}`, `{"dataset":"customers","external_id":"c2","name":"Bob"}`,
		`{"dataset":"invoices","external_id":"i1","customer_external_id":"c1","date":"2025-01-01","currency":"EUR"}`,
		`{"dataset":"invoices","external_id":"i2","customer_external_id":"c1","date":"2025-01-01","currency":"EUR"}`,
		`{"dataset":"line_items","invoice_external_id":"i1","external_id":"l1","type":"one_time","amount_in_cents":1}`,
		`{"dataset":"line_items","invoice_external_id":"i2","external_id":"l2","type":"one_time","amount_in_cents":2,"tax_amount_in_cents":7}`,
	}, "\n")})
	imported := p.export(exporter.Request{Source: p.now("Acme")})
	src, ctx := p.now("Acme"), t.Context()
	d, err := p.Store.Directory(ctx)
	must(t, err)
	hash, edits := d.Hasher(), edit.New(p.Store, func() time.Time { return time.Now().Add(time.Hour) })
	do := func(key table.Key, change func(edit.Record) *edit.Change) {
		t.Helper()
		found, err := p.Store.Lookup(ctx, key)
		must(t, err)
		writes, err := edits.Writes(ctx, d, change(edit.Record{Space: src.Space(), Key: key, Base: found[key], Hash: hash}))
		must(t, err)
		must(t, p.Store.Transact(ctx, writes...))
	}
	change := func(now billing.Record, fields ...string) func(edit.Record) *edit.Change {
		return func(r edit.Record) *edit.Change { return r.Change(store.AppendRecord(nil, now), fields, "me") }
	}
	line := src.Space().LineItem(hash.InvoiceH("i2"), hash.LineItemH(&billing.LineItem{ExternalID: "l2"}))
	do(src.Space().Customer(hash.CustomerH("c1")), change(&billing.Customer{ExternalID: "c1", Name: "Anna"}, "name", "city"))
	do(src.Space().Plan(hash.PlanH(&billing.Plan{ExternalID: "p"})), change(&billing.Plan{Name: "New"}, "name"))
	do(line, change(&billing.LineItem{}, "tax_amount_in_cents"))
	do(src.Space().Invoice(hash.InvoiceH("i1")), func(r edit.Record) *edit.Change { return r.Delete("me") })
	same(t, "as imported", imported, p.export(exporter.Request{Source: src, Edits: exporter.NoEdits}))
	j := p.ended(p.start(exporter.Request{Source: src, Edits: job.EditsLaidOver}))
	files := p.unzip(j)
	want := map[string][]string{
		"plans.csv": {"New,1,month,p\n"}, "customers.csv": {"Anna,,,,,,,c1,,,,,\n", "Bob,,,,,,,c2,,,,,\n"}, "invoices.csv": {"c1,i2,2025-01-01,,EUR,,\n"},
		"line_items.csv": {"i2,l2,,,one_time,2,,,,1,,,,,,,,,,,,\n"},
	}
	for name, text := range sorted(files) {
		same(t, name, want[name], slices.DeleteFunc(text, func(line string) bool {
			return strings.Contains(line, "xternal ID") || strings.Contains(line, "Plan ID")
		}))
	}
	if len(files) != len(want) || j.Export.Changed != 3 || len(j.Notes) != 2 {
		t.Errorf("%d files, %d changed, %q", len(files), j.Export.Changed, j.Notes)
	}
}

// A value that CSV cannot give back makes an export as CSV fail, whatever else is in it; NDJSON has
// it. No file is left.
func TestWhatCSVCannotHoldIsFound(t *testing.T) {
	t.Parallel()
	for i, one := range slices.Concat(lost, lostIDs) {
		t.Run(one, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t, mem.New(mem.Options{}), objects.Mem())
			p.source("Acme")
			isID := i >= len(lost)
			if !isID {
				p.load("Acme", map[string]string{"odd.ndjson": odd([]string{"good", one, `="1"x`}, nil)})
			} else {
				p.load("Acme", map[string]string{"odd.ndjson": odd(nil, []string{"good", one})})
			}
			j := p.ended(p.start(exporter.Request{Source: p.now("Acme")}))
			if j.Status != job.Failed || !strings.Contains(j.Error, "1 of the customers (the first is cus_") || !strings.Contains(j.Error, "--format ndjson") {
				t.Fatalf("the export is %s: %s", j.Status, j.Error)
			}
			if isID && one != "Total" && !strings.Contains(j.Error, "1 of the subscription_events (the first is the event ") {
				t.Error(j.Error)
			}
			if strings.Contains(j.Error, one) || len(p.names(j)) > 0 {
				t.Errorf("%s, %v", j.Error, p.names(j))
			}
			first := p.export(exporter.Request{Source: p.now("Acme"), Format: job.NDJSON})
			p.erase(eraser.Selection{Kind: eraser.Content, Source: p.now("Acme").UUID}, eraser.Options{})
			p.load("Acme", first)
			same(t, "as NDJSON", first, p.export(exporter.Request{Source: p.now("Acme"), Format: job.NDJSON}))
		})
	}
}

func TestASheetIsForReading(t *testing.T) {
	t.Parallel()
	p := newProcess(t, mem.New(mem.Options{}), objects.Mem())
	p.source("Acme")
	p.load("Acme", map[string]string{"odd.ndjson": odd([]string{"=1+1", "#N/A", "a;b"}, nil)})
	files := p.export(exporter.Request{Source: p.now("Acme"), Sheet: true, Delimiter: ";", Datasets: []string{"customers", "plans"}})
	text := files["customers.csv"]
	for _, want := range []string{"\ufeffName;Email;", "\n'=1+1;", "\n#N/A;", "\n\"a;b\";"} {
		if len(files) != 1 || !strings.Contains(text, want) {
			t.Errorf("%q is missing: %q", want, files)
		}
	}
}

// What is hidden is not in an export. One that was made before an erase is not given out any more,
// and goes with it; one of another source stays.
func TestAnEraseTakesExports(t *testing.T) {
	t.Parallel()
	p := world(t, mem.New(mem.Options{}), objects.Mem())
	before, other := p.ended(p.start(exporter.Request{Source: p.now("Acme")})), p.ended(p.start(exporter.Request{Source: p.now("Acme2")}))
	d, err := p.Store.Directory(t.Context())
	must(t, err)
	// one with invoices, and its rows in all files
	lines := strings.Split(p.unzip(before)["invoices.csv"], "\n")
	victim, _, _ := strings.Cut(lines[1], ",")
	grace := time.Hour
	sel := eraser.Selection{Kind: eraser.Customer, Source: p.now("Acme").UUID, H: d.Hasher().CustomerH(victim), ExternalID: victim}
	erase, err := p.StartErase(t.Context(), sel, eraser.Options{Grace: &grace})
	must(t, err)
	if _, err := p.ExportFile(t.Context(), before); fault.CodeOf(err) != "source_erased" {
		t.Fatalf("the older export: %v", err)
	}
	during := p.ended(p.start(exporter.Request{Source: p.now("Acme")}))
	full, left := p.unzip(other), p.unzip(during)
	for name, text := range left {
		if strings.Contains(text, victim+",") || name == "invoices.csv" && len(text) >= len(full[name]) || name == "line_items.csv" && len(text) >= len(full[name]) {
			t.Errorf("%s still has rows of the hidden customer", name)
		}
	}
	_, err = p.Eraser.Restore(t.Context(), erase.ID, eraser.RestoreOptions{})
	must(t, err)
	gone := p.erase(sel, eraser.Options{})
	var receipt eraser.Receipt
	must(t, json.Unmarshal(gone.Erase.Receipt, &receipt))
	if receipt.Files[eraser.Exports] != 2 {
		t.Errorf("the receipt: %+v", receipt.Files)
	}
	for _, j := range []*job.Job{before, during} {
		j, err := p.Ledger.Get(t.Context(), j.ID)
		must(t, err)
		if _, err := p.ExportFile(t.Context(), j); fault.CodeOf(err) != "file_deleted" || len(p.names(j)) > 0 {
			t.Errorf("%v: %v is left", err, p.names(j))
		}
	}
	same(t, "the other source", full, p.unzip(other))
}

// If data is erased while an export runs, the export fails and leaves nothing.
func TestAnEraseDuringAnExport(t *testing.T) {
	t.Parallel()
	for steps := range 4 {
		p := world(t, mem.New(mem.Options{}), objects.Mem())
		j := p.start(exporter.Request{Source: p.now("Acme")})
		for range steps {
			_, err := p.step()
			must(t, err)
		}
		erase, err := p.StartErase(t.Context(), eraser.Selection{Kind: eraser.Source, Source: p.now("Acme").UUID}, eraser.Options{})
		must(t, err)
		j, erase = p.ended(j), p.ended(erase)
		if j.Status == job.Done || erase.Status != job.Done || len(p.names(j)) > 0 {
			t.Fatalf("after %d steps the export is %s (%s), the erase %s: %v", steps, j.Status, j.Error, erase.Status, p.names(j))
		}
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for steps := range 4 {
		p := world(t, mem.New(mem.Options{}), objects.Mem())
		j, second := p.start(exporter.Request{Source: p.now("Acme")}), p.start(exporter.Request{Source: p.now("Acme"), Format: job.NDJSON})
		third := p.start(exporter.Request{Source: p.now("Acme"), Datasets: []string{"plans"}})
		if second.Status != job.Waiting {
			t.Fatalf("the second one is %s", second.Status)
		}
		for range steps {
			_, err := p.step()
			must(t, err)
		}
		for _, id := range []string{j.ID, second.ID} {
			_, err := p.Exporter.Drop(t.Context(), id)
			if now, _ := p.Ledger.Get(t.Context(), id); err != nil && now.Status != job.Done {
				t.Fatal(err)
			}
		}
		j, second, third = p.ended(j), p.ended(second), p.ended(third)
		if j.Status != job.Cancelled || second.Status != job.Cancelled || third.Status != job.Done || len(p.names(j))+len(p.names(second)) > 0 {
			t.Fatalf("after %d steps: %s, %s, %s", steps, j.Status, second.Status, third.Status)
		}
		if _, err := p.Exporter.Drop(t.Context(), second.ID); fault.CodeOf(err) != "job_ended" {
			t.Error(err)
		}
		third, err := p.Exporter.Drop(t.Context(), third.ID)
		must(t, err)
		if _, err = p.ExportFile(t.Context(), third); fault.CodeOf(err) != "file_deleted" || len(p.names(third)) > 0 {
			t.Errorf("%v, %v is left", err, p.names(third))
		}
	}
}

// Rows that were written after an export began are counted.
func TestChangedRowsAreCounted(t *testing.T) {
	t.Parallel()
	p := world(t, mem.New(mem.Options{}), objects.Mem())
	src := p.now("Acme")
	d, err := p.Store.Directory(t.Context())
	must(t, err)
	later := time.Now().Add(time.Hour).UnixMilli()
	at := src.Space().Customer(d.Hasher().CustomerH("new"))
	must(t, p.Store.Write(t.Context(), []table.Write{{Item: table.Item{
		Key: at, Attrs: table.NewBuilder().Int(store.AttrCreated, later).Int(store.AttrUpdated, later).Str("external_id", "new").Attrs(),
	}}}))
	j := p.ended(p.start(exporter.Request{Source: src}))
	if j.Export.Changed != 1 || len(j.Notes) != 1 || !strings.HasPrefix(j.Notes[0], "1 rows were added or changed") {
		t.Errorf("%d, %q", j.Export.Changed, j.Notes)
	}
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	p := newProcess(t, mem.New(mem.Options{}), objects.Mem())
	src := p.source("Acme")
	for code, r := range map[string]exporter.Request{
		"unknown_format": {Format: "xlsx"}, "unknown_dataset": {Datasets: []string{"customers", "refunds"}},
		"not_a_table": {Format: job.NDJSON, Sheet: true}, "bad_delimiter": {Delimiter: ";"},
	} {
		r.Source = src
		if _, err := p.Exporter.Start(t.Context(), r); fault.CodeOf(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
}

// An export that is killed at any call, and begun again by another process, makes the same bytes.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	d, memory := mem.New(mem.Options{}), &objects.Memory{}
	p := newProcess(t, d, objects.Over(memory))
	p.source("Acme")
	p.load("Acme", generated(t, 12, company.Named))
	killedAnywhere(t, d, memory, p.start(exporter.Request{Source: p.now("Acme")}), 100, func(text string) string { return text })
}

// killedAnywhere runs an export that has begun, kills it at any of its calls, of which there must be
// enough, and lets another process go on. same takes out of the file what may differ.
func killedAnywhere(t *testing.T, d *mem.Driver, memory *objects.Memory, began *job.Job, enough int, same func(string) string) {
	t.Helper()
	run := func(cut int, after bool) (calls int, body []byte) {
		t.Helper()
		var mu sync.Mutex
		dead := false
		call := func(done bool) error {
			mu.Lock()
			defer mu.Unlock()
			if !done {
				calls++
			}
			dead = dead || cut > 0 && calls == cut && done == after
			if dead {
				return fault.New(fault.Unavailable, "killed", "the test killed the process")
			}
			return nil
		}
		hook := func(done bool) func(mem.Op, int) error { return func(mem.Op, int) error { return call(done) } }
		copied, bucket := d.Clone(mem.Options{Before: hook(false), After: hook(true)}), memory.Clone()
		victim := newProcess(t, copied, buckettest.Objects(bucket, func(_ buckettest.Op, done bool) error { return call(done) }))
		_ = victim.Exporter.Handle(t.Context(), exporter.Message{Job: began.ID})
		for done, err := false, error(nil); !done && err == nil; {
			done, err = victim.step() // a dead process can do nothing any more
		}
		heir := newProcess(t, exclusive{copied.Clone(mem.Options{})}, objects.Over(bucket))
		must(t, heir.Tick(t.Context()))
		j := heir.ended(began)
		if j.Status != job.Done {
			t.Fatalf("cut at %d: the export is %s: %s", cut, j.Status, j.Error)
		}
		if names := heir.names(j); len(names) != 1 {
			t.Fatalf("cut at %d: %v is left", cut, names)
		}
		return calls, heir.zip(j)
	}
	calls, want := run(0, false)
	if calls < enough {
		t.Fatalf("only %d calls", calls)
	}
	for cut := range effort.Cases(t.Name(), calls, 1) {
		for _, after := range []bool{false, true} {
			if _, body := run(cut, after); same(string(body)) != same(string(want)) {
				t.Fatalf("cut at call %d: other bytes", cut)
			}
		}
	}
}

// exclusive is an engine that one process owns: leases of others are dead.
type exclusive struct{ table.Driver }

func (e exclusive) Limits() table.Limits {
	l := e.Driver.Limits()
	l.Exclusive = true
	return l
}

// Reading a customer costs at most 0.15 read units, on the engine that speaks DynamoDB as it tells
// them.
func TestReadUnits(t *testing.T) {
	t.Parallel()
	for name, open := range engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readUnits(t, newProcess(t, open(t), objects.Mem()))
		})
	}
}

func readUnits(t *testing.T, p *process) {
	t.Helper()
	p.source("Acme")
	const customers = 3000
	p.load("Acme", map[string]string{"customers.csv": generated(t, customers, company.Named)["customers.csv"]})
	src := p.now("Acme")
	whole := exporter.New(exporter.Config{
		Store: p.Store, Ledger: p.Ledger, Objects: p.Objects, Now: time.Now, Log: p.Log,
		Send: func(_ context.Context, list []exporter.Message) error {
			p.messages = append(p.messages, list...)
			return nil
		},
	})
	j, err := whole.Start(t.Context(), exporter.Request{Source: src})
	must(t, err)
	for len(p.messages) > 0 {
		m := p.messages[0]
		p.messages = p.messages[1:]
		must(t, whole.Handle(t.Context(), m))
	}
	j, err = p.Ledger.Get(t.Context(), j.ID)
	must(t, err)
	each := float64(j.Cost.ReadMilli) / 1000 / customers
	t.Logf("%.3f read units a row", each)
	if j.Export.Rows["customers"] != customers || each > 0.15 {
		t.Errorf("%v rows, %.3f read units each", j.Export.Rows, each)
	}
}
