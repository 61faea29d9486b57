package console

import (
	"maps"
	"net/url"
	"slices"

	"reseed/pkg/api/wire"
)

// jobTitle is the title of the page of a job.
func jobTitle(j *wire.Job) string {
	of := func(what string) string {
		if j.SourceName == "" {
			return what
		}
		return what + " – " + j.SourceName
	}
	switch {
	case j.Import != nil && j.Import.Undo != "":
		return of("Undo")
	case j.Import != nil && j.Import.Origin == "pull":
		return of("Re-sync")
	case j.Import != nil:
		return of("Import")
	case j.Erase != nil:
		return of("Erase")
	case j.Export != nil && j.Export.Customer != "":
		return of("Export of one customer")
	case j.Export != nil:
		return of("Export")
	}
	return "Job"
}

// Verb is the word on the button that applies a plan.
func (p jobPage) Verb() string {
	if p.IsUndo() {
		return "Undo it"
	}
	return "Import"
}

// Selected is what an erase removes, in words.
func (p jobPage) Selected() string {
	switch p.Job.Erase.Selection {
	case wire.SelectSource:
		return "the data source with everything in it"
	case wire.SelectContent:
		return "everything in the data source"
	case wire.SelectDependent:
		return "invoices, events and plans of the data source"
	case wire.SelectManualCustomers:
		return "all manual customers"
	case wire.SelectCustomer:
		return "a customer with everything that belongs to it"
	case wire.SelectCustomerInvoices:
		return "the invoices of a customer"
	case wire.SelectInvoice:
		return "an invoice"
	case wire.SelectImport:
		return "the rows that an import added"
	}
	return words(p.Job.Erase.Selection)
}

// Takes is how long applying the plan takes, in words.
func (p jobPage) Takes() string { return roughly(p.Job.Import.Estimate.Seconds) }

// Price is what applying the plan costs, in words.
func (p jobPage) Price() string { return price(p.Job.Import.Estimate.Dollars) }

// jobFigure is a count of what became of rows, and where those rows are listed.
type jobFigure struct {
	Word string
	N    int64
	To   string // empty if they are not listed
}

// Figures are the counts of all datasets together.
func (p jobPage) Figures() []jobFigure {
	var sum wire.Counts
	for _, c := range p.Job.Datasets {
		sum = sum.Add(c)
	}
	return p.figures(sum, "")
}

// figures are counts in the order in which people are told of them.
func (p jobPage) figures(c wire.Counts, dataset string) []jobFigure {
	added := jobFigure{"added", c.Added, p.listOf(c.Added, "action="+wire.Added, dataset)}
	changed := jobFigure{"changed", c.Changed, p.listOf(c.Changed, "action="+wire.Changed, dataset)}
	unchanged := jobFigure{"unchanged", c.Unchanged, ""}
	removed := jobFigure{"removed", c.Removed, p.listOf(c.Removed, "action="+wire.Removed, dataset)}
	rejected := jobFigure{"rejected", c.Rejected, p.listOf(c.Rejected, "", dataset)}
	if !p.IsUndo() {
		return []jobFigure{added, changed, unchanged, removed, rejected}
	}
	removed.Word, changed.Word, added.Word, unchanged.Word, rejected.Word = "removed again", "changed back", "put back", "as before", "left alone"
	return []jobFigure{removed, changed, added, unchanged, rejected}
}

// listOf is the address of a list of n rows: of changes, or of rejects without a query. It is empty if
// there is none.
func (p jobPage) listOf(n int64, query, dataset string) string {
	if n == 0 || !p.Job.Status.Ended() {
		return ""
	}
	page := "changes"
	if query == "" {
		page = "rejects"
	}
	if dataset != "" && query != "" {
		query += "&"
	}
	if dataset != "" && dataset != unrecognised {
		query += "dataset=" + dataset
	}
	if query == "" {
		return jobPath(p.Job, page)
	}
	return jobPath(p.Job, page) + "?" + query
}

// unrecognised is counted like a dataset: rows of which it is not known which dataset they are of.
const unrecognised = "unrecognised"

// jobDataset is what became of the rows of one dataset.
type jobDataset struct {
	Name    string
	Read    int64
	Figures []jobFigure
}

// Datasets are the datasets of the job in the order in which rows depend on one another.
func (p jobPage) Datasets() (list []jobDataset) {
	for _, name := range orderedDatasets(p.Job.Datasets) {
		c := p.Job.Datasets[name]
		list = append(list, jobDataset{name, c.Read, p.figures(c, name)})
	}
	return list
}

// Read is how many rows of all datasets were read.
func (p jobPage) Read() (n int64) {
	for _, c := range p.Job.Datasets {
		n += c.Read
	}
	return n
}

// orderedDatasets are the names of datasets in the order in which rows depend on one another.
func orderedDatasets[V any](of map[string]V) (names []string) {
	order := []string{"plans", "customers", "contacts", "invoices", "line_items", "transactions", "subscription_events", "cancellations", "edits"}
	for _, name := range order {
		if _, has := of[name]; has {
			names = append(names, name)
		}
	}
	known := len(names)
	for name := range of {
		if !slices.Contains(order, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[known:])
	return names
}

// jobTotal is a control total with its amounts in units of the currency.
type jobTotal struct {
	Name     string
	Currency string
	Amounts  []string
	Over     bool
	Whole    int64
}

// TotalWords are the heads of the amounts of control totals.
func (p jobPage) TotalWords() (list []string) {
	for _, a := range wire.Amounts(p.IsUndo()) {
		list = append(list, a.Word)
	}
	return list
}

// TotalColumns is how many amounts a control total has.
func (p jobPage) TotalColumns() int { return len(wire.Amounts(p.IsUndo())) }

// Totals are the control totals of the job. One of which all rows are of whole invoices has no amounts.
func (p jobPage) Totals() (list []jobTotal) {
	for i := range p.Job.Totals {
		t := &p.Job.Totals[i]
		row := jobTotal{Name: t.Name(), Currency: t.Currency, Over: t.Over, Whole: t.Whole}
		for _, a := range wire.Amounts(p.IsUndo()) {
			if !t.HasAmounts() {
				break
			}
			row.Amounts = append(row.Amounts, majorUnits(a.Of(t), decimalsOf(p.Job.Decimals, t.Currency)))
		}
		list = append(list, row)
	}
	return list
}

// jobItems are erased items of one kind, or exported rows of one dataset.
type jobItems struct {
	Name string
	N    int64
}

// Removed are the items that an erase has removed, by kind.
func (p jobPage) Removed() []jobItems { return itemsOf(p.Job.Erase.Removed) }

// Exported are the rows that an export has written, by dataset.
func (p jobPage) Exported() []jobItems { return itemsOf(p.Job.Export.Rows) }

func itemsOf(counts map[string]int64) (list []jobItems) {
	for _, name := range orderedDatasets(counts) {
		list = append(list, jobItems{name, counts[name]})
	}
	return list
}

// HasFile reports whether an export has a file that can be downloaded.
func (p jobPage) HasFile() bool {
	x := p.Job.Export
	return x != nil && p.Job.Status == wire.Done && x.Size > 0 && !x.Deleted
}

// By is who asked for the job; empty if that is not known.
func (p jobPage) By() string {
	switch {
	case p.Job.Import != nil:
		return p.Job.Import.By
	case p.Job.Erase != nil:
		return p.Job.Erase.By
	case p.Job.Export != nil:
		return p.Job.Export.By
	}
	return ""
}

// jobTold is how far a message to people has come on one way.
type jobTold struct{ Way, Text string }

// Told says which messages people got of the job.
func (p jobPage) Told() (list []jobTold) {
	for _, m := range p.Job.Messages {
		for _, way := range slices.Sorted(maps.Keys(m.Ways)) {
			d := m.Ways[way]
			if d.Result == "unset" && len(m.Ways) > 1 { // the other way says how far it is
				continue
			}
			text := toldWords(d.Result)
			if d.Why != "" {
				text += ": " + d.Why
			}
			list = append(list, jobTold{"Message " + aboutWords(m.About) + " by " + way, text})
		}
	}
	return list
}

// aboutWords says what a message is about.
func aboutWords(about string) string {
	if about == "waiting" {
		return "that it waits"
	}
	return "that it has ended"
}

// toldWords says how far a message has come.
func toldWords(result string) string {
	switch result {
	case "":
		return "to be sent"
	case "unset":
		return "not sent, since nothing is set up for it"
	case "overtaken":
		return "not sent, since the job went on before"
	}
	return result
}

// Correctable reports whether the first rejects can be corrected in a form.
func (p jobPage) Correctable() bool {
	j := p.Job
	return j.Import != nil && j.Import.Undo == "" && j.Import.Origin != "pull" && !j.Import.FilesErased && (j.Status == wire.Planned || j.Status == wire.Done)
}

// ReasonLink is the address of the list of the rows that were rejected for a reason.
func (p jobPage) ReasonLink(r wire.Reason) string {
	q := url.Values{}
	for name, value := range map[string]string{"dataset": r.Dataset, "column": r.Column, "code": r.Code} {
		if value != "" && value != unrecognised {
			q.Set(name, value)
		}
	}
	if !p.Job.Status.Ended() || len(q) == 0 {
		return jobPath(p.Job, "rejects")
	}
	return jobPath(p.Job, "rejects") + "?" + q.Encode()
}
