package exporter_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/exporter"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/person"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// ugly is a name as people have them in tests.
const ugly = "</title><script>alert(\"x\")</script> \u202e\u05e9\u05dc\u05d5\u05dd & 'Co'\nZo\u00eb"

// family makes lines of one customer with all that can belong to it: more than a page of invoices, and
// an invoice with more than a part of line items.
func family(id string, invoices int) string {
	var b strings.Builder
	add := func(ds string, members map[string]any) {
		members["dataset"] = ds
		line, _ := json.Marshal(members)
		b.Write(append(line, '\n'))
	}
	add("customers", map[string]any{"external_id": id, "name": ugly, "email": id + "@example.com"})
	for i := range 2 {
		add("contacts", map[string]any{"customer_external_id": id, "email": fmt.Sprintf("%d.%s@example.com", i, id), "notes": ugly})
	}
	for i := range invoices {
		inv := fmt.Sprintf("%s invoice %d", id, i)
		add("invoices", map[string]any{"customer_external_id": id, "external_id": inv, "date": "2025-01-02", "currency": []string{"EUR", "JPY", "KWD"}[i%3]})
		lines := 1
		if i == 3 {
			lines = 30
		}
		for n := range lines {
			add("line_items", map[string]any{"invoice_external_id": inv, "external_id": fmt.Sprintf("%s line %d", inv, n), "type": "one_time", "amount_in_cents": 1234567, "quantity": 1})
		}
		add("transactions", map[string]any{"invoice_external_id": inv, "external_id": inv + " paid", "type": "payment", "result": "successful", "date": "2025-01-03"})
	}
	add("subscription_events", map[string]any{
		"customer_external_id": id, "subscription_external_id": "s of " + id, "event_type": "subscription_cancelled", "event_date": "2025-01-02", "effective_date": "2025-01-03",
	})
	return b.String()
}

const familyInvoices = 17

// families has two sources with customers that have everything, and one that is a bystander.
func families(t *testing.T, d table.Driver, objs *objects.Objects) *process {
	t.Helper()
	p := newProcess(t, d, objs)
	for _, name := range []string{"Acme", "Acme2"} {
		p.source(name)
		p.load(name, map[string]string{"all.ndjson": family("one", familyInvoices) + family("bystander", 5)})
	}
	return p
}

// document is the JSON file.
type document struct {
	Format      string          `json:"format"`
	Customer    string          `json:"customer"`
	DataSources []person.Source `json:"data_sources"`
	Notes       []string        `json:"notes"`
	Customers   []known         `json:"customers"`
	Contacts    []known         `json:"contacts"`
	Invoices    []known         `json:"invoices"`
	Events      []known         `json:"subscription_events"`
	EditsLeft   []any           `json:"edits_left"`
	Files       []person.File   `json:"files"`
	Erasures    []person.Erase  `json:"erasures"`
	DoNotReload []person.Listed `json:"do_not_reload"`
}

// known is a record in it.
type known struct {
	person.Record

	LineItems    []known `json:"line_items"`
	Transactions []known `json:"transactions"`
}

func (p *process) customer(n person.Names) (doc document, text, page string) {
	p.t.Helper()
	j, err := p.Exporter.StartCustomer(p.t.Context(), n, "test")
	must(p.t, err)
	if j = p.ended(j); j.Status != job.Done {
		p.t.Fatalf("the export is %s: %s", j.Status, j.Error)
	}
	if names := p.names(j); len(names) != 1 {
		p.t.Errorf("%v is left", names)
	}
	files := p.unzip(j)
	if len(files) != 2 {
		p.t.Fatalf("%d files", len(files))
	}
	text = files[exporter.CustomerJSON]
	must(p.t, json.Unmarshal([]byte(text), &doc))
	return doc, text, files[exporter.CustomerPage]
}

// change makes a change by hand to a record.
func (p *process) change(source, sk string, change func(edit.Record) *edit.Change) {
	p.t.Helper()
	d, err := p.Store.Directory(p.t.Context())
	must(p.t, err)
	sp := p.now(source).Space()
	key := sp.Key(sk)
	found, err := p.Store.Lookup(p.t.Context(), key)
	must(p.t, err)
	writes, err := edit.New(p.Store, time.Now).Writes(p.t.Context(), d, change(edit.Record{Space: sp, Key: key, Base: found[key], Hash: d.Hasher()}))
	must(p.t, err)
	if len(writes) == 0 {
		p.t.Fatal("nothing was changed")
	}
	must(p.t, p.Store.Transact(p.t.Context(), writes...))
}

// edited changes all kinds of records of the customer in a source by hand.
func (p *process) edited(source string) {
	p.t.Helper()
	d, err := p.Store.Directory(p.t.Context())
	must(p.t, err)
	hr := d.Hasher()
	own := edit.Customer{Space: p.now(source).Space(), H: hr.CustomerH("one")}.By("anna")
	customer, invoice := store.CustomerSK(own.H), store.InvoiceSK(hr.InvoiceH("one invoice 2"))
	line := store.LineItemSK(hr.InvoiceH("one invoice 3"), hr.External(store.KindLineItem, "one invoice 3 line 4"))
	to := func(attr, v string) func(edit.Record) *edit.Change {
		return func(r edit.Record) *edit.Change {
			return r.Change(table.NewBuilder().Str(attr, v).Attrs(), []string{attr}, "bert")
		}
	}
	p.change(source, customer, func(edit.Record) *edit.Change { return own.AddTags("<b>vip</b>") })
	p.change(source, customer, to("email", "new@example.com"))
	p.change(source, invoice, func(r edit.Record) *edit.Change {
		return r.Change(table.NewBuilder().IntAlways("date", 1735862400000).Attrs(), []string{"date"}, "bert")
	})
	p.change(source, line, func(r edit.Record) *edit.Change { return r.Delete("carl") })
	// Its invoice is gone: only the pointer from the customer leads to this edit.
	gone := store.InvoiceSK(hr.InvoiceH("one invoice 5"))
	p.change(source, gone, func(r edit.Record) *edit.Change {
		return r.Change(table.NewBuilder().IntAlways("date", 1735862400000).Attrs(), []string{"date"}, "bert")
	})
	sp := p.now(source).Space()
	deletes := []table.Write{{Item: table.Item{Key: sp.Key(gone)}, Delete: true}}
	for it, err := range p.Store.Items(p.t.Context(), sp.Parts(store.KindNamed(store.KindInvoice), hr.InvoiceH("one invoice 5"))) {
		must(p.t, err)
		deletes = append(deletes, table.Write{Item: table.Item{Key: it.Key}, Delete: true})
	}
	must(p.t, p.Store.Write(p.t.Context(), deletes))
	p.load(source, map[string]string{"more.ndjson": `{"dataset":"customers","external_id":"bystander","name":"By"}`})
}

// All that an erase would remove is in the export, of all customers that are merged into one, and
// nothing of others.
func TestAllThatIsKnownOfACustomer(t *testing.T) {
	t.Parallel()
	for name, open := range engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := families(t, open(t), objects.Mem())
			p.edited("Acme")
			d, err := p.Store.Directory(t.Context())
			must(t, err)
			h := d.Hasher().CustomerH("one")
			from, into := edit.Ref{Tag: p.now("Acme2").Tag, H: h}, edit.Ref{Tag: p.now("Acme").Tag, H: h}
			must(t, edit.New(p.Store, time.Now).Merge(t.Context(), from, into, "anna"))

			doc, text, page := p.customer(person.Names{ID: from.CustomerID()})
			if doc.Format != person.Format || doc.Customer != into.CustomerID() || len(doc.Customers) != 2 || len(doc.DataSources) != 2 || len(doc.DoNotReload) != 2 {
				t.Errorf("%s, %s, %d customers, %v", doc.Format, doc.Customer, len(doc.Customers), doc.DataSources)
			}
			plan, err := p.Eraser.Plan(t.Context(), eraser.Selection{Kind: eraser.Customer, Source: p.now("Acme").UUID, H: h}, eraser.Options{})
			must(t, err)
			same(t, "what an erase would remove", plan.Removes, doc.counts())
			if len(plan.Exports) != 1 || !plan.Exports[0].Fresh {
				t.Errorf("%+v", plan.Exports)
			}
			if len(doc.EditsLeft) != 1 {
				t.Errorf("%v is left", doc.EditsLeft)
			}
			for _, want := range []string{`"bert"`, `"<b>vip</b>"`, `"carl"`, `"email":"one@example.com"`, `"email":"new@example.com"`, `"more.ndjson"`} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is not in the JSON", want)
				}
			}
			if strings.Contains(text, "bystander") {
				t.Error("another customer is in the JSON")
			}
			checkPage(t, page)
		})
	}
}

// counts counts the records and edits of a document as plans of erases do.
func (doc *document) counts() eraser.Counts {
	n := eraser.Counts{}
	var add func(ds string, list []known)
	add = func(ds string, list []known) {
		for _, r := range list {
			n[ds]++
			for _, e := range r.Edits {
				if e.MergedInto != nil || len(e.MergedFrom) > 0 {
					n[eraser.Merges]++
				} else {
					n[eraser.Edits]++
				}
			}
			add("line_items", r.LineItems)
			add("transactions", r.Transactions)
		}
	}
	add("customers", doc.Customers)
	add("contacts", doc.Contacts)
	add("invoices", doc.Invoices)
	add("subscription_events", doc.Events)
	n[eraser.Edits] += int64(len(doc.EditsLeft))
	return n
}

// checkPage checks that nothing in the page runs, and that people can read it.
func checkPage(t *testing.T, page string) {
	t.Helper()
	for _, never := range []string{"<script", "<b>", "bystander", "ZgotmplZ", "<no value>"} {
		if strings.Contains(page, never) {
			t.Errorf("%q is in the page", never)
		}
	}
	for _, want := range []string{"EUR 12,345.67", "JPY 1,234,567", "KWD 1,234.567", "&lt;b&gt;vip&lt;/b&gt;", "2 January 2025", "(imported: <bdi>one@example.com</bdi>)", "Deleted by hand", "by anna,", "<dt>Data source</dt><dd><bdi>Acme2</bdi></dd>"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	// One of the thirty line items of the invoice is deleted by hand in one of the sources.
	for _, sum := range []string{"EUR 370,370.10", "EUR 358,024.43"} {
		if n := strings.Count(page, "<th>Sum</th><th class=\"n\">"+sum+"</th>"); n != 1 {
			t.Errorf("%d invoices have the sum %s", n, sum)
		}
	}
	for _, tag := range []string{"article", "table", "section", "dl", "ul", "bdi", "tr"} {
		if opened, closed := len(regexp.MustCompile("<"+tag+"[ >]").FindAllString(page, -1)), strings.Count(page, "</"+tag+">"); opened != closed || opened == 0 {
			t.Errorf("%d <%s>, %d ends", opened, tag, closed)
		}
	}
}

// A customer without a record can be exported by its external id, and by its id it is not found.
func TestACustomerWithoutARecord(t *testing.T) {
	t.Parallel()
	p := families(t, mem.New(mem.Options{}), objects.Mem())
	d, err := p.Store.Directory(t.Context())
	must(t, err)
	src := p.now("Acme")
	sel := eraser.Selection{Kind: eraser.Customer, Source: src.UUID, H: d.Hasher().CustomerH("one")}
	id := edit.Ref{Tag: src.Tag, H: sel.H}.CustomerID()
	hour := time.Hour
	erase, err := p.StartErase(t.Context(), sel, eraser.Options{Forget: true, Grace: &hour})
	must(t, err)
	if _, err := p.Exporter.StartCustomer(t.Context(), person.Names{ID: id}, ""); fault.CodeOf(err) != "erase_underway" {
		t.Errorf("%v", err)
	}
	_, err = p.Eraser.Restore(t.Context(), erase.ID, eraser.RestoreOptions{})
	must(t, err)
	erase = p.erase(sel, eraser.Options{Forget: true})
	if _, err := p.Exporter.StartCustomer(t.Context(), person.Names{ID: id}, ""); fault.CodeOf(err) != "customer_not_found" {
		t.Errorf("%v", err)
	}
	p.load("Acme", map[string]string{"later.ndjson": `{"dataset":"customers","external_id":"another"}`})
	doc, _, _ := p.customer(person.Names{Source: "acme", ExternalID: "one"})
	if len(doc.Customers) > 0 || len(doc.Notes) < 3 || len(doc.DoNotReload) != 1 || !doc.DoNotReload[0].Listed {
		t.Errorf("%+v", doc)
	}
	checkTraces(t, doc, erase.ID)
}

// checkTraces checks what a document says of erases and files, after a restored erase, another one, and
// an upload.
func checkTraces(t *testing.T, doc document, erase string) {
	t.Helper()
	if len(doc.Erasures) != 2 || doc.Erasures[0].Job != erase || !doc.Erasures[0].Receipt || !doc.Erasures[0].Named || doc.Erasures[1].Status != "restored" {
		t.Errorf("%+v", doc.Erasures)
	}
	if len(doc.Files) == 0 || doc.Files[0].Name != "later.ndjson" || doc.Files[0].Kind != eraser.Uploads {
		t.Errorf("%+v", doc.Files)
	}
	for _, f := range doc.Files {
		if f.Kind == eraser.Uploads && f.Name != "later.ndjson" {
			t.Errorf("%+v was erased", f)
		}
	}
}

// If the customer is erased while it is exported, the export fails and leaves nothing; if it is erased
// later, also by an erase of another source of the merged customers, nobody gets the file.
func TestErasedCustomersAreInNoExport(t *testing.T) {
	t.Parallel()
	for _, erased := range []string{"Acme", "Acme2"} {
		for _, steps := range []int{0, 1, 3, 5} {
			p := families(t, mem.New(mem.Options{}), objects.Mem())
			d, err := p.Store.Directory(t.Context())
			must(t, err)
			h := d.Hasher().CustomerH("one")
			into := edit.Ref{Tag: p.now("Acme").Tag, H: h}
			must(t, edit.New(p.Store, time.Now).Merge(t.Context(), edit.Ref{Tag: p.now("Acme2").Tag, H: h}, into, "anna"))
			j, err := p.Exporter.StartCustomer(t.Context(), person.Names{ID: into.CustomerID()}, "")
			must(t, err)
			for range steps {
				_, err := p.step()
				must(t, err)
			}
			erase, err := p.StartErase(t.Context(), eraser.Selection{Kind: eraser.Source, Source: p.now(erased).UUID}, eraser.Options{})
			must(t, err)
			j = p.ended(j)
			for range 3 { // the sweep waits for the export
				must(t, p.Tick(t.Context()))
				p.work()
			}
			if erase, err = p.Ledger.Get(t.Context(), erase.ID); err != nil || erase.Status != job.Done {
				t.Fatalf("%s after %d steps: the erase is %s, %v", erased, steps, erase.Status, err)
			}
			j, err = p.Ledger.Get(t.Context(), j.ID)
			must(t, err)
			if _, err := p.ExportFile(t.Context(), j); err == nil && steps > 0 {
				t.Errorf("%s after %d steps: the export is %s, and somebody gets its file", erased, steps, j.Status)
			}
			if names := p.names(j); len(names) > 0 && steps > 0 {
				t.Errorf("%s after %d steps: %v is left", erased, steps, names)
			}
		}
	}
}

// An export of a customer that is killed at any call, and begun again by another process, makes the
// same files.
func TestCustomersKilledAnywhere(t *testing.T) {
	t.Parallel()
	d, memory := mem.New(mem.Options{}), &objects.Memory{}
	p := newProcess(t, d, objects.Over(memory))
	p.source("Acme")
	p.load("Acme", map[string]string{"all.ndjson": family("one", 4) + family("bystander", 1)})
	began, err := p.Exporter.StartCustomer(t.Context(), person.Names{Source: "Acme", ExternalID: "one"}, "")
	must(t, err)
	times := regexp.MustCompile(`"read_to":"[^"]*"|<dt>Read</dt>.*`)
	killedAnywhere(t, d, memory, began, 60, func(body string) string {
		z, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
		must(t, err)
		var all strings.Builder
		for _, f := range z.File {
			in, err := f.Open()
			must(t, err)
			text, err := io.ReadAll(in)
			must(t, err)
			all.WriteString(f.Name + times.ReplaceAllString(string(text), ""))
		}
		return all.String()
	})
}
