package exporter_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/exporter"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// mostEdited is how many customers have tags: more than a page, and than a transaction writes.
const mostEdited = 60

// editedRows are the rows that edits edits.
func editedRows() string {
	lines := []string{
		`{"dataset":"plans","name":"Natural","interval_count":1,"interval_unit":"month"}`, `{"dataset":"plans","external_id":"ep","name":"E","interval_count":1,"interval_unit":"month"}`,
		`{"dataset":"line_items","invoice_external_id":"ei","type":"one_time","amount_in_cents":1,"description":"same"}`,
		`{"dataset":"line_items","invoice_external_id":"ei","type":"one_time","amount_in_cents":2,"description":"same"}`,
		`{"dataset":"line_items","invoice_external_id":"ei","type":"one_time","amount_in_cents":3,"description":"same"}`,
		`{"dataset":"line_items","invoice_external_id":"ei","external_id":"el","type":"one_time","amount_in_cents":4}`,
		`{"dataset":"transactions","invoice_external_id":"ei","type":"payment","result":"successful","date":"2025-01-02"}`,
		`{"dataset":"transactions","invoice_external_id":"ei","external_id":"et","type":"payment","result":"successful","date":"2025-01-02"}`,
		`{"dataset":"invoices","external_id":"ei","customer_external_id":"e1","date":"2025-01-01","currency":"EUR"}`,
		`{"dataset":"invoices","external_id":"ej","customer_external_id":"e1","date":"2025-01-01","currency":"EUR"}`,
	}
	for n := range mostEdited {
		lines = append(lines, fmt.Sprintf(`{"dataset":"customers","external_id":"e%d","name":"E %d"}`, n, n))
	}
	return strings.Join(lines, "\n")
}

// editor makes edits of a source, each a millisecond after the one before.
type editor struct {
	*process
	src store.Source
	at  time.Time
	e   *edit.Edit
}

func (p *process) editor(name string) *editor {
	ed := &editor{process: p, src: p.now(name), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	ed.e = edit.New(p.Store, func() time.Time { ed.at = ed.at.Add(time.Millisecond); return ed.at })
	return ed
}

func (ed *editor) hash() *store.Hasher {
	d, err := ed.Store.Directory(ed.t.Context())
	must(ed.t, err)
	return d.Hasher()
}

func (ed *editor) do(key table.Key, change func(edit.Record) *edit.Change) {
	ed.t.Helper()
	d, err := ed.Store.Directory(ed.t.Context())
	must(ed.t, err)
	found, err := ed.Store.Lookup(ed.t.Context(), key)
	must(ed.t, err)
	if found[key] == nil {
		ed.t.Fatalf("there is nothing at %v", key)
	}
	must(ed.t, ed.e.Write(ed.t.Context(), d, []*edit.Change{change(edit.Record{Space: ed.src.Space(), Key: key, Base: found[key], Hash: d.Hasher()})}))
}

func (ed *editor) key(sk string) table.Key { return ed.src.Space().Key(sk) }

func (ed *editor) ref(customer string) edit.Ref {
	return edit.Ref{Tag: ed.src.Tag, H: ed.hash().CustomerH(customer)}
}

func (ed *editor) merge(from, into edit.Ref) {
	ed.t.Helper()
	must(ed.t, ed.e.Merge(ed.t.Context(), from, into, "merger"))
}

// edits makes all kinds of edits of [editedRows].
func (ed *editor) edits() {
	ed.t.Helper()
	hash := ed.hash()
	customer := func(r edit.Record, by string) edit.Customer {
		h, _ := store.LeadingH(r.Key.SK)
		return edit.Of(r.Space, h, r.Base).By(by)
	}
	change := func(rec billing.Record, fields ...string) func(edit.Record) *edit.Change {
		return func(r edit.Record) *edit.Change { return r.Change(store.AppendRecord(nil, rec), fields, "Änne") }
	}
	for n := range mostEdited {
		sk := store.CustomerSK(hash.CustomerH(fmt.Sprintf("e%d", n)))
		ed.do(ed.key(sk), func(r edit.Record) *edit.Change {
			return customer(r, "tagger").AddTags("z", fmt.Sprint(n), "a b\u00a0c")
		})
		if n%5 == 0 {
			ed.do(ed.key(sk), change(&billing.Customer{Email: fmt.Sprintf("x%d@y.com", n), State: "WA", FreeTrialStartedAt: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)},
				"email", "state", "name", "free_trial_started_at"))
			ed.do(ed.key(sk), func(r edit.Record) *edit.Change {
				values := map[string]edit.Value{" odd ": {Type: edit.String, Text: " \"x\"\n", Source: "api"}, "none": {Type: edit.String}}
				for typ, raw := range map[edit.Type]any{edit.Integer: int64(7), edit.Decimal: 1.5, edit.Boolean: false, edit.Timestamp: "2026-01-31"} {
					v, err := edit.NewValue(typ, raw, "")
					must(ed.t, err)
					values[string(typ)] = v
				}
				return customer(r, "setter").Set(values)
			})
		}
	}
	ed.do(ed.key(store.PlanSK(hash.PlanH(&billing.Plan{ExternalID: "ep"}))), change(&billing.Plan{Name: "New", IntervalCount: 3}, "name", "interval_count"))
	ed.do(ed.key(store.PlanSK(hash.PlanH(&billing.Plan{Name: "Natural", IntervalCount: 1, IntervalUnit: "month"}))), change(&billing.Plan{Name: "Other"}, "name"))
	invoice := hash.InvoiceH("ei")
	natural := &billing.LineItem{InvoiceExternalID: "ei", Type: billing.OneTime, Description: "same"}
	first := store.LineItemSK(invoice, hash.LineItemH(natural))
	ed.do(ed.key(store.NthSK(first, 2)), change(&billing.LineItem{AmountInCents: 33, PlanExternalID: "ep", Quantity: 2}, "amount_in_cents", "plan", "quantity"))
	ed.do(ed.key(first), func(r edit.Record) *edit.Change { return r.Disable(true, "d") })
	ed.do(ed.key(store.LineItemSK(invoice, hash.LineItemH(&billing.LineItem{ExternalID: "el"}))), change(&billing.LineItem{Description: "d"}, "description", "type"))
	paid := &billing.Transaction{InvoiceExternalID: "ei", Type: billing.Payment, Result: billing.Successful, Date: time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)}
	ed.do(ed.key(store.TransactionSK(invoice, hash.TransactionH(paid))), func(r edit.Record) *edit.Change { return r.Delete("d") })
	ed.do(ed.key(store.TransactionSK(invoice, hash.TransactionH(&billing.Transaction{ExternalID: "et"}))), change(&billing.Transaction{Result: billing.Failed}, "result"))
	ed.do(ed.key(store.InvoiceSK(invoice)), change(&billing.Invoice{Date: time.Date(2025, 3, 4, 5, 6, 7, 8e6, time.UTC), Status: "voided"}, "date", "status"))
	ed.do(ed.key(store.InvoiceSK(hash.InvoiceH("ej"))), func(r edit.Record) *edit.Change { return r.Delete("d") })
	for _, pair := range [][2]string{{"e9", "e8"}, {"e10", "e8"}, {"e8", "e7"}, {"e6", "e7"}, {"e7", "e5"}, {"e50", "e5"}, {"e40", "e41"}} {
		ed.merge(ed.ref(pair[0]), ed.ref(pair[1]))
	}
	must(ed.t, ed.e.Unmerge(ed.t.Context(), ed.ref("e40"), ed.ref("e41")))
}

// listed are all edits of a source as people see them, by the sort key of the record.
func (ed *editor) listed() (list []string) {
	ed.t.Helper()
	d, err := ed.Store.Directory(ed.t.Context())
	must(ed.t, err)
	for n, err := range ed.e.All(ed.t.Context(), d, ed.now(ed.src.Name), edit.Place{}) {
		must(ed.t, err)
		n.ID = ""
		shown := *n
		shown.Merge.From = slices.DeleteFunc(slices.Clone(shown.Merge.From), func(r edit.Ref) bool {
			_, there := d.ByTag(r.Tag)
			return !there // a source that is gone might come back
		})
		for i := range shown.Merge.From {
			shown.Merge.From[i].Tag = 0
		}
		if shown.Merge.Into != nil {
			shown.Merge.Into = &edit.Ref{H: shown.Merge.Into.H}
		}
		row, err := json.Marshal(shown.Row)
		must(ed.t, err)
		list = append(list, fmt.Sprintf("%q %v %s %v by %s at %v, gone: %t", shown.Tags, shown.Attributes, row, merged(shown.Merge), shown.By, shown.At, shown.Orphan))
	}
	return list
}

// merged spells a merge.
func merged(l edit.Link) string {
	into := ""
	if l.Into != nil {
		into = l.Into.H.String()
	}
	return fmt.Sprint(into, l.Mark, l.From)
}

// Edits come back after the whole source was deleted and made anew, with their authors and times;
// also merges with customers of another source, at both ends. Again they change nothing.
func TestEditsComeBack(t *testing.T) {
	t.Parallel()
	for _, format := range []string{job.CSV, job.NDJSON} {
		p := newProcess(t, mem.New(mem.Options{}), objects.Mem())
		for _, name := range []string{"Acme", "Acme2"} {
			p.source(name)
			p.load(name, map[string]string{"rows.ndjson": editedRows()})
			p.editor(name).edits()
		}
		one, two := p.editor("Acme"), p.editor("Acme2")
		one.merge(one.ref("e20"), two.ref("e21"))
		two.merge(two.ref("e22"), one.ref("e23"))
		one.merge(one.ref("e24"), two.ref("e21"))
		want, bystander := one.listed(), two.listed()
		first, other := p.export(exporter.Request{Source: one.src, Format: format}), p.export(exporter.Request{Source: two.src, Format: format})
		if n := strings.Count(first[exporter.EditsName], "merged_source"); n != 3 {
			t.Errorf("%d merges with another source: %s", n, first[exporter.EditsName])
		}
		p.erase(eraser.Selection{Kind: eraser.Source, Source: one.src.UUID}, eraser.Options{})
		p.source("Acme")
		rows := maps.Clone(first)
		delete(rows, exporter.EditsName)
		p.load("Acme", rows)
		p.load("Acme", map[string]string{"edits.ndjson": first[exporter.EditsName]})
		one = p.editor("Acme")
		same(t, "edits", want, one.listed())
		same(t, "exports", first, p.export(exporter.Request{Source: one.src, Format: format}))
		same(t, "edits of the other source", bystander, two.listed())
		same(t, "the other export", other, p.export(exporter.Request{Source: two.src, Format: format}))
		j := p.submit("Acme", first, importer.Options{})
		counts := j.Datasets[string(billing.Edits)]
		if counts.Read == 0 || counts.Unchanged != counts.Read || len(j.Notes) > 0 {
			t.Errorf("once more: %+v, %q", counts, j.Notes)
		}
	}
}

// Only edits of the records of an export are in it.
func TestEditsOfSomeDatasets(t *testing.T) {
	t.Parallel()
	p := newProcess(t, mem.New(mem.Options{}), objects.Mem())
	p.source("Acme")
	p.load("Acme", map[string]string{"rows.ndjson": editedRows()})
	p.editor("Acme").edits()
	for ds, want := range map[string]int{"plans": 3, "invoices": 3, "line_items": 6, "transactions": 2, "subscription_events": 0} {
		files := p.export(exporter.Request{Source: p.now("Acme"), Datasets: []string{ds, "customers"}})
		got := 0
		for line := range strings.Lines(files[exporter.EditsName]) {
			if strings.Contains(line, `"of":"`+ds+`"`) {
				got++
			} else if !strings.Contains(line, `"of":"customers"`) {
				t.Errorf("with %s: %s", ds, line)
			}
		}
		if got != want {
			t.Errorf("%d edits of %s, want %d", got, ds, want)
		}
	}
}

// edited is a process with the source Acme, whose rows people may edit.
func edited(t *testing.T) (*process, *editor) {
	t.Helper()
	p := newProcess(t, mem.New(mem.Options{}), objects.Mem())
	p.source("Acme")
	p.load("Acme", map[string]string{"rows.ndjson": editedRows()})
	return p, p.editor("Acme")
}

// Edits whose records are gone are counted, and said.
func TestEditsOfNothingAreSaid(t *testing.T) {
	t.Parallel()
	p, ed := edited(t)
	ed.edits()
	for _, id := range []string{"e59", "e7"} { // tags; tags and a merge, whose other ends lose theirs
		must(t, p.Store.Write(t.Context(), []table.Write{{Item: table.Item{Key: ed.key(store.CustomerSK(ed.hash().CustomerH(id)))}, Delete: true}}))
	}
	j := p.ended(p.start(exporter.Request{Source: ed.src}))
	if j.Status != job.Done || len(j.Notes) != 1 || !strings.HasPrefix(j.Notes[0], "5 edits are not in it") {
		t.Errorf("%s: %q", j.Status, j.Notes)
	}
	if text := p.unzip(j)[exporter.EditsName]; strings.Contains(text, `"e59"`) || strings.Contains(text, `"e7"`) {
		t.Error(text)
	}
}

// What stands in the place of an edit stays, and is listed.
func TestEditsThatAreThereAreKept(t *testing.T) {
	t.Parallel()
	p, ed := edited(t)
	hash := ed.hash()
	at := ed.key(store.CustomerSK(hash.CustomerH("e1")))
	ed.do(at, func(r edit.Record) *edit.Change {
		return r.Change(store.AppendRecord(nil, &billing.Customer{Name: "Mine"}), []string{"name"}, "me")
	})
	ed.merge(ed.ref("e1"), ed.ref("e2"))
	before := ed.listed()
	lines := func(list ...string) string {
		text := ""
		for _, l := range list {
			text += `{"dataset":"edits","at":"2026-01-01",` + l + "}\n"
		}
		return text
	}
	of := func(id string) string { return `"of":"customers","customer_external_id":"` + id + `",` }
	j := p.submit("Acme", map[string]string{"edits.ndjson": lines(
		of("e1")+`"field":"name","value":"Theirs"`, of("e1")+`"merged_into":"e3"`, of("e1")+`"field":"name","value":"Mine"`,
		of("e2")+`"merged_into":"e1"`, of("e3")+`"merged_into":"e4"`, of("e4")+`"merged_into":"e3"`,
		of("e6")+`"merged_into":"e5"`, of("e6")+`"merged_into":"e7"`, of("e5")+`"attribute":"n","value_type":"Number","value":1`,
		of("e9999")+`"tag":"x"`, of("e5")+`"merged_into":"e9999"`, of("e5")+`"merged_into":"e1","merged_source":"No such"`,
		of("e5")+`"tag":"x"`, of("e5")+`"tag":"x"`, of("e5")+`"field":"city","value":"A"`, of("e5")+`"field":"city","value":"B"`,
		of("e5")+`"field":"email","value":"no address"`, of("e5")+`"field":"external_id","value":"x"`, of("e5")+`"field":"nom","value":"x"`, of("e5")+`"tag":"x","field":"city"`,
		of("e5")+`"disabled":true`, of("e5")+`"attribute":"n","value_type":"Integer","value":"x"`, of("e5")+`"field":"city"`,
		`"of":"contacts","external_id":"x","tag":"x"`, `"of":"invoices","invoice_external_id":"ei","tag":"x"`,
		`"of":"line_items","invoice_external_id":"ei","type":"one_time","description":"same","nth":4,"disabled":true`,
		`"of":"line_items","invoice_external_id":"ei","type":"one_time","description":"same","nth":3,"disabled":true`,
	) + `{"dataset":"edits","at":"2100-01-01",` + of("e5") + `"tag":"y"}`}, importer.Options{})
	want := job.Counts{Read: 28, Added: 5, Unchanged: 4, Rejected: 19}
	if c := j.Datasets["edits"]; j.Status != job.Done || c != want {
		t.Errorf("%s: %+v", j.Status, c)
	}
	same(t, "reasons", map[string]int64{
		"merge_cycle": 2, "unknown_record": 2, "unknown_customer": 1, "unknown_source": 1, "duplicate_differs": 2, "bad_email": 1, "invalid_type": 1, "date_in_future": 1, "unknown_edit": 3, "unknown_field": 1,
		"which_edit": 1, "invalid_value": 1, "required": 1, "unknown_value": 1,
	}, codesOfEdits(j))
	if len(j.Notes) != 1 || !strings.HasPrefix(j.Notes[0], "2 of the edits are left out") || !strings.Contains(j.Notes[0], "line 1 of edits.ndjson, line 2 of edits.ndjson. ") {
		t.Errorf("%q", j.Notes)
	}
	var changes strings.Builder
	kept := 0
	samples, err := p.Importer.Samples(t.Context(), j)
	must(t, err)
	for _, c := range samples {
		fmt.Fprintln(&changes, c.Dataset, c.Action, c.Before, c.After)
		if c.Action == importer.Kept {
			kept++
		}
	}
	if kept != 2 || !strings.Contains(changes.String(), "value:Mine") || !strings.Contains(changes.String(), "value:Theirs") {
		t.Error(changes.String())
	}
	undo, err := p.Importer.Undo(t.Context(), j.ID, importer.UndoOptions{})
	must(t, err)
	if undo = p.ended(undo); undo.Status != job.Done || undo.Datasets["edits"] != (job.Counts{Read: 5, Removed: 5}) {
		t.Fatalf("%s: %s, %+v", undo.Status, undo.Error, undo.Datasets)
	}
	same(t, "after the undo", before, ed.listed())
	again, err := p.Importer.Undo(t.Context(), undo.ID, importer.UndoOptions{})
	must(t, err)
	if again = p.ended(again); again.Datasets["edits"] != (job.Counts{Read: 5, Added: 5}) {
		t.Fatalf("%s: %s, %+v", again.Status, again.Error, again.Datasets)
	}
}

// A plan changes nothing until it is applied, and is outdated once a person has edited the same.
func TestEditsArePlanned(t *testing.T) {
	t.Parallel()
	p := newProcess(t, mem.New(mem.Options{}), objects.Mem())
	for _, name := range []string{"Acme", "Acme2"} {
		p.source(name)
		p.load(name, map[string]string{"rows.ndjson": editedRows()})
	}
	from := p.editor("Acme2")
	from.edits()
	edits := map[string]string{"edits.ndjson": p.export(exporter.Request{Source: from.src})[exporter.EditsName]}
	ed := p.editor("Acme")
	plan := func() *job.Job {
		j := p.submit("Acme", edits, importer.Options{Plan: true})
		if j.Status != job.Planned || j.Datasets["edits"].Added != j.Datasets["edits"].Read || len(ed.listed()) > 1 {
			t.Fatalf("%s: %+v", j.Status, j.Datasets)
		}
		return j
	}
	apply := func(j *job.Job) *job.Job {
		j, err := p.Importer.Apply(t.Context(), j.ID)
		must(t, err)
		return p.ended(j)
	}
	j := plan()
	at := ed.key(store.CustomerSK(ed.hash().CustomerH("e5")))
	change := func(name string) func(r edit.Record) *edit.Change {
		return func(r edit.Record) *edit.Change {
			return r.Change(store.AppendRecord(nil, &billing.Customer{Name: name}), []string{"name"}, "me")
		}
	}
	ed.do(at, change("Mine"))
	if j = apply(j); j.Status != job.Failed || !strings.Contains(j.Error, "Edits of its records have changed") {
		t.Fatalf("%s: %s", j.Status, j.Error)
	}
	ed.do(at, change("E 5")) // as imported
	if j = apply(plan()); j.Status != job.Done {
		t.Fatalf("%s: %s", j.Status, j.Error)
	}
	same(t, "edits", from.listed(), ed.listed())
	undo, err := p.Importer.Undo(t.Context(), j.ID, importer.UndoOptions{Plan: true})
	must(t, err)
	undo = p.ended(undo)
	ed.do(at, func(r edit.Record) *edit.Change { return r.Revert("name") })
	if undo = apply(undo); undo.Status != job.Failed {
		t.Fatalf("%s: %s", undo.Status, undo.Error)
	}
	undo, err = p.Importer.Undo(t.Context(), j.ID, importer.UndoOptions{})
	must(t, err)
	if undo = p.ended(undo); undo.Status != job.Done || undo.Datasets["edits"].Unchanged != 1 || len(ed.listed()) > 0 {
		t.Fatalf("%s: %s, %+v, %v", undo.Status, undo.Error, undo.Datasets, ed.listed())
	}
}

// rejects are the rejects of an import, by the name of the input file.
func (p *process) rejects(j *job.Job) map[string]string {
	p.t.Helper()
	files, err := p.Importer.Rejects(p.t.Context(), j)
	must(p.t, err)
	texts := map[string]string{}
	for _, f := range files {
		var text strings.Builder
		must(p.t, f.WriteTo(p.t.Context(), &text))
		texts[strings.Replace(f.Name, ".rejects", "", 1)] = text.String()
	}
	return texts
}

// codesOfEdits counts the rejects of edits by their codes.
func codesOfEdits(j *job.Job) map[string]int64 {
	codes := map[string]int64{}
	for _, r := range j.Reasons {
		if r.Dataset == "edits" {
			codes[r.Code] += r.Count
		}
	}
	return codes
}

// A replace takes no edits away.
func TestAReplaceLeavesEdits(t *testing.T) {
	t.Parallel()
	p, ed := edited(t)
	ed.edits()
	want := ed.listed()
	files := map[string]string{"edits.ndjson": `{"dataset":"edits","of":"customers","customer_external_id":"e1","tag":"z","at":"2026-01-01"}`, "rows.ndjson": editedRows()}
	if j := p.submit("Acme", files, importer.Options{Mode: job.Replace}); j.Status != job.Done || j.Datasets["edits"] != (job.Counts{Read: 1, Unchanged: 1}) {
		t.Fatalf("%s: %s %+v", j.Status, j.Error, j.Datasets)
	}
	same(t, "edits", want, ed.listed())
}

// No edit brings back a person on the do-not-reload list, and none of its values is in the rejects.
func TestForgottenPeopleGetNoEdits(t *testing.T) {
	t.Parallel()
	p, ed := edited(t)
	ed.edits()
	first := p.export(exporter.Request{Source: ed.src})
	sel := eraser.Selection{Kind: eraser.Customer, Source: ed.src.UUID, H: ed.hash().CustomerH("e1"), ExternalID: "e1"}
	if j := p.erase(sel, eraser.Options{Forget: true}); j.Status != job.Done {
		t.Fatal(j.Error)
	}
	first[exporter.EditsName] += `{"dataset":"edits","of":"customers","customer_external_id":"e2","merged_into":"e1","at":"2026-01-01"}` + "\n"
	j := p.submit("Acme", first, importer.Options{})
	codes := codesOfEdits(j)
	if codes["forgotten"] != 15 || len(codes) != 1 { // tags, what was done to the invoices, a merge
		t.Errorf("%v", codes)
	}
	rejected := p.rejects(j)["edits.ndjson"]
	if n := strings.Count(rejected, "\n"); n != 15 || strings.Count(rejected, `{"dataset":"edits","_reject":`) != n {
		t.Error(rejected)
	}
}
