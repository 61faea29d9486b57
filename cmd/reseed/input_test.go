package main

import (
	"archive/zip"
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"reseed/internal/gen/company"
	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// input is the CSV files of one source, by dataset: a header and rows.
type input map[billing.Dataset][][]string

// generated makes up a whole company.
func generated(t *testing.T, o company.Options) input {
	t.Helper()
	dir := t.TempDir()
	if _, err := company.WriteDir(dir, o); err != nil {
		t.Fatal(err)
	}
	in := input{}
	for _, ds := range billing.Order() {
		f, err := os.Open(filepath.Join(dir, string(ds)+".csv"))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if in[ds], err = csv.NewReader(f).ReadAll(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// manyCustomers makes manyRows customers with short rows, and nothing else.
func manyCustomers() input {
	rows := [][]string{{"Company", "Country", "External ID"}}
	for n := range manyRows {
		rows = append(rows, []string{fmt.Sprintf("The %d. Company of Many", n), "DE", fmt.Sprintf("scus_%06d", n)})
	}
	return input{billing.Customers: rows}
}

// column is the index of a dataset's column.
func (in input) column(ds billing.Dataset, name string) int {
	return slices.IndexFunc(in[ds][0], func(s string) bool { return strings.EqualFold(s, name) })
}

// some is the part of a company that belongs to its customers first to last, in the order of the
// file, and all plans.
func (in input) some(first, last int) input {
	const customer, invoice = "Customer external ID", "Invoice external ID"
	stay := map[string]bool{}
	id := in.column(billing.Customers, "External ID")
	for _, row := range in[billing.Customers][1:][first : last+1] {
		stay[row[id]] = true
	}
	for _, row := range in[billing.Invoices][1:] {
		if stay[row[in.column(billing.Invoices, customer)]] {
			stay[row[in.column(billing.Invoices, invoice)]] = true
		}
	}
	out := input{}
	for ds, rows := range in {
		by := in.column(ds, customer)
		switch ds { //nolint:exhaustive // the others name their customer
		case billing.Plans:
			by = -1
		case billing.Customers:
			by = id
		case billing.LineItems, billing.Transactions:
			by = in.column(ds, invoice)
		}
		for n, row := range rows {
			if n == 0 || by < 0 || stay[row[by]] {
				out[ds] = append(out[ds], slices.Clone(row))
			}
		}
	}
	return out
}

// changed is the same input with another value in every third row of most datasets.
func (in input) changed() input {
	for ds, name := range map[billing.Dataset]string{
		billing.Customers: "City", billing.Contacts: "Title", billing.Invoices: "Due date", billing.LineItems: "Account code", billing.Events: "Quantity",
	} {
		at := in.column(ds, name)
		for n := 2; n < len(in[ds]); n += 3 {
			cell := &in[ds][n][at]
			switch ds { //nolint:exhaustive // the others hold text
			case billing.Invoices:
				*cell = "2030-01-01"
			case billing.Events:
				*cell = "77"
			default:
				*cell += " II"
			}
		}
	}
	return in
}

// spoiled is the same input with bad rows, and one row twice. rejects counts the bad rows by
// dataset.
func (in input) spoiled() (spoiled input, rejects map[billing.Dataset]int64) {
	add := func(ds billing.Dataset, from int, cells map[string]string) {
		row := slices.Clone(in[ds][from])
		for name, value := range cells {
			row[in.column(ds, name)] = value
		}
		in[ds] = append(in[ds], row)
	}
	// The row twice: unchanged.
	add(billing.Customers, 1, nil)
	add(billing.Customers, 2, map[string]string{"City": "Elsewhere"})                           // duplicate_differs
	add(billing.Customers, 3, map[string]string{"External ID": "late", "Lead created at": "?"}) // no date
	add(billing.Contacts, 1, map[string]string{"Customer External ID": "nobody"})
	add(billing.Invoices, 1, map[string]string{"Customer external ID": "nobody", "Invoice external ID": "stray"})
	add(billing.LineItems, 1, map[string]string{"Invoice external ID": "stray"}) // of an invoice that is rejected
	add(billing.LineItems, 2, map[string]string{"Plan": "no_such_plan"})
	add(billing.Transactions, 1, map[string]string{"Invoice external ID": "no_such_invoice", "External ID": "stray"})
	add(billing.Events, 1, map[string]string{"Customer external ID": "nobody", "External ID": "stray"})
	return in, map[billing.Dataset]int64{
		billing.Customers: 2, billing.Contacts: 1, billing.Invoices: 1, billing.LineItems: 2, billing.Transactions: 1, billing.Events: 1,
	}
}

// write writes the datasets as files of a folder, and returns their names.
func (in input) write(t *testing.T, dir string, datasets ...billing.Dataset) []string {
	t.Helper()
	var files []string
	for _, ds := range datasets {
		var text strings.Builder
		if err := csv.NewWriter(&text).WriteAll(in[ds]); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, string(ds)+".csv")
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// folder writes all datasets as the files of a folder.
func (in input) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	in.write(t, dir, slices.Sorted(maps.Keys(in))...)
	return dir
}

// mixture writes some datasets as files and the rest as a ZIP. It returns the names of the files,
// not in the order in which the datasets depend on one another.
func (in input) mixture(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	files := in.write(t, dir, billing.LineItems, billing.Transactions, billing.Events)
	rest := in.write(t, dir, billing.Plans, billing.Customers, billing.Contacts, billing.Invoices)
	return append(files, zipped(t, filepath.Join(dir, "export.zip"), rest))
}

// zipped moves files into a ZIP.
func zipped(t *testing.T, file string, files []string) string {
	t.Helper()
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create("export/" + filepath.Base(name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{z.Close(), out.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// model is what a source must hold after an import of the input, without the rows that a rejects
// file names: contents of records, with how many records have each. It knows no runs, ranges or
// keys.
func (in input) model(t *testing.T, rejects string, at time.Time) map[string]int {
	t.Helper()
	rejected := rejectedLines(t, rejects)
	content := map[string]int{}
	for ds, rows := range in {
		layout, err := billing.NewLayout(ds, rows[0], billing.Values{})
		if err != nil {
			t.Fatal(err)
		}
		line := 2
		for _, row := range rows[1:] {
			lines := 1 + strings.Count(strings.Join(row, ""), "\n")
			if where := string(ds) + ".csv:" + strconv.Itoa(line); !rejected[where] {
				rec, problem := layout.Record(row, at)
				if problem != nil {
					t.Errorf("%s: accepted, although %s", where, problem.Code)
					continue
				}
				b := table.NewBuilder()
				store.EncodeRecord(b, rec)
				// The same id is the same record.
				if a := b.Attrs(); a.Str("external_id") == "" || content[string(a)] == 0 {
					content[string(a)]++
				}
			}
			line += lines
		}
	}
	return content
}

// rejects is the rejects file of a job as people get it.
func (w *world) rejects(t *testing.T, j *job.Job) string {
	t.Helper()
	dir := "jobs/" + j.ID + "/"
	var all strings.Builder
	all.WriteString(w.objects[dir+"rejects.csv"]) // of an undo
	out, last := csv.NewWriter(&all), ""
	for _, name := range slices.Sorted(maps.Keys(w.objects)) {
		part, ours := strings.CutPrefix(name, dir+"rejects/")
		if !ours {
			continue
		}
		file, piece, _ := strings.Cut(part, "/")
		if piece == "utf-8" {
			continue // says that the file begins with a byte order mark
		}
		n, err := strconv.Atoi(file)
		if err != nil {
			t.Fatal(err)
		}
		if file != last {
			_ = out.Write(append(slices.Clone(j.Import.Files[n].Header), "Reject row", "Reject file", "Reject line", "Reject column", "Reject code", "Reject reason"))
			out.Flush()
			last = file
		}
		all.WriteString(w.objects[name])
	}
	return all.String()
}

// rejectedLines reads from a rejects file, which has a header for each dataset, where its rows come
// from: FILE:LINE.
func rejectedLines(t *testing.T, text string) map[string]bool {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	lines, from := map[string]bool{}, -1
	for _, row := range rows {
		if at := slices.Index(row, "Reject file"); at >= 0 {
			from = at
			continue
		}
		lines[row[from]+":"+row[from+1]] = true
	}
	return lines
}

// contents is what a source holds, as model has it: records, without pointers and edits.
func (w *world) contents(tag store.Tag) map[string]int {
	kinds := []string{store.SKCustomer, store.SKContact, store.SKPlan, store.SKInvoice, store.SKLine, store.SKTrans, store.SKEvent}
	content := map[string]int{}
	for k, a := range w.items {
		if strings.HasPrefix(k.PK, fmt.Sprintf("%05x.c", uint32(tag))) && slices.Contains(kinds, store.SKPrefix(k.SK)) {
			content[string(table.Attrs(a).Content())]++
		}
	}
	return content
}
