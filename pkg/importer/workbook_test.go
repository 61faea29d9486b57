package importer_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"reseed/pkg/billing"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/template"
)

// tabOf is a tab, with values for excelize.
type tabOf struct {
	title string
	rows  [][]any
}

func cellsOf(csv string) (rows [][]any) {
	for line := range strings.Lines(csv) {
		var row []any
		for cell := range strings.SplitSeq(strings.TrimSpace(line), ",") {
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

func bookOf(t tester, sheets ...tabOf) []byte {
	t.Helper()
	f := excelize.NewFile()
	first := f.GetSheetName(0)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.SetSheetName(first, sheets[0].title))
	for _, s := range sheets {
		_, err := f.NewSheet(s.title)
		must(err)
		for i, row := range s.rows {
			cell, err := excelize.CoordinatesToCellName(1, i+1)
			must(err)
			must(f.SetSheetRow(s.title, cell, &row))
		}
	}
	var out bytes.Buffer
	must(f.Write(&out))
	return out.Bytes()
}

func read(t tester, path ...string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "testdata"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// The same company is the same table, byte for byte, whichever program has made the workbook.
func TestACompanyInAWorkbook(t *testing.T) {
	t.Parallel()
	l := fresh(t, 0, 0)
	src := l.source(t, "S")
	want := l.dumpOf(t, src, l.done(t, src, folder(t, "twelve")...))
	books := ofOpenpyxl(t)
	for _, name := range []string{"libreoffice-people.xlsx", "libreoffice-1904.xlsx"} {
		books[name] = read(t, "workbooks", name)
	}
	for name, body := range books {
		if strings.HasSuffix(name, "cells.xlsx") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fresh(t, 4000, 1)
			src := l.source(t, "S")
			j := l.done(t, src, input{name: name, body: body})
			if diff := cmp.Diff(want, l.dumpOf(t, src, j)); diff != "" {
				t.Errorf("-CSV +workbook\n%s", diff)
			}
			if strings.Contains(name, "people") && !slices.Contains(j.Notes, name+": left out: Read me, Pivot") {
				t.Errorf("%q", j.Notes)
			}
		})
	}
}

// Cells that are no values are rejected where they are; others are what they show.
func TestCellsOfWorkbooks(t *testing.T) {
	t.Parallel()
	books := ofOpenpyxl(t)
	for name, tt := range map[string]struct {
		body    []byte
		formula string // formulas of openpyxl have no value
	}{
		"openpyxl":    {books["cells.xlsx"], "Customers!C6"},
		"LibreOffice": {read(t, "workbooks", "libreoffice-cells.xlsx"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.body == nil {
				t.Skip("openpyxl is not installed")
			}
			l := fresh(t, 0, 0)
			src := l.source(t, "S")
			j := l.done(t, src, input{name: "cells.xlsx", body: tt.body})
			want := []string{"Customers!A4 damaged_id", "Customers!C5 spreadsheet_error", "Customers!D9 not_a_date", "Customers!A12 damaged_id"}
			if tt.formula != "" {
				want = slices.Insert(want, 2, tt.formula+" spreadsheet_error")
			}
			slices.Sort(want)
			if got := placesOf(j); !slices.Equal(got, want) {
				t.Errorf("rejected %q, want %q", got, want)
			}
			all := strings.Join(l.fieldsOf(t, src), "\n")
			for _, value := range []string{"42", "00042", "00007", "TRUE", `two\nlines`, "0.3", "#WRONG"} {
				if !strings.Contains(all, value) {
					t.Errorf("%q is not in\n%s", value, all)
				}
			}
			if files := l.rejectFiles(t, j); len(files) != 1 || files[0].name != "Customers.rejects.csv" || !bytes.Contains(files[0].body, []byte("Customers!C5,5,City,spreadsheet_error")) {
				t.Errorf("%+q", files)
			}
		})
	}
}

// placesOf lists the rejects of a job with their codes.
func placesOf(j *job.Job) (out []string) {
	for _, r := range j.Reasons {
		for _, row := range r.First {
			out = append(out, importer.PlaceOf(j.Import.Files[row.File], row.Line, r.Column)+" "+r.Code)
		}
	}
	slices.Sort(out)
	return out
}

// ofOpenpyxl are the workbooks that compat/workbooks/write.py writes; none if openpyxl is not
// installed, which fails where the tests of make run.
func ofOpenpyxl(t *testing.T) map[string][]byte {
	t.Helper()
	tools, required := os.LookupEnv("RESEED_TEST_COMPAT")
	if !required {
		tools = filepath.Join("..", "..", ".tools", "compat")
	}
	python, dir := filepath.Join(tools, "python", "bin", "python"), t.TempDir()
	told, err := exec.CommandContext(t.Context(), python, "../../compat/workbooks/write.py", "../../testdata/twelve", dir).CombinedOutput()
	switch {
	case err != nil && required:
		t.Fatalf("openpyxl cannot be run; make compat-tools installs it: %v\n%s", err, told)
	case err != nil:
		t.Logf("openpyxl cannot be run; make compat-tools installs it: %v\n%s", err, told)
		return map[string][]byte{}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.xlsx"))
	if err != nil || len(files) != 5 {
		t.Fatalf("%q, %v", files, err)
	}
	books := map[string][]byte{}
	for _, name := range files {
		if books[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return books
}

// A tab is taken for what its header row says, or its title where that leaves a question; one that
// looks like a dataset and is none ends the import, as a file does.
func TestWhichTabs(t *testing.T) {
	t.Parallel()
	customers := cellsOf("External ID,Name\na,A\n")
	for name, tt := range map[string]struct {
		body  []byte
		added int64
		says  string
	}{
		"one tab of any title":        {bookOf(t, tabOf{"Sheet1", customers}), 1, ""},
		"others are left out":         {bookOf(t, tabOf{"Summary", cellsOf("Month,Total\n1,2\n")}, tabOf{"Mine", customers}, tabOf{"Empty", nil}), 1, "x.xlsx: left out: Summary, Empty"},
		"the title decides":           {bookOf(t, tabOf{"Customers", cellsOf("External ID,Name,Status\na,A,new\n")}), 1, "taken as customers, since the tab is named so"},
		"a header row that is wrong":  {bookOf(t, tabOf{"Mine", customers}, tabOf{"Sheet2", cellsOf("Invoice external ID,Invoiced date,Currency\ni,2024-01-01,EUR\n")}), 0, `Sheet2: The column "Customer external ID" is missing; a file of invoices needs it`},
		"named like a dataset":        {bookOf(t, tabOf{"Customers", cellsOf("Colour,Taste\nred,sweet\n")}), 0, "Customers: The first row is not the header of any known file"},
		"nothing":                     {bookOf(t, tabOf{"Summary", cellsOf("Month,Total\n1,2\n")}), 0, "x.xlsx: No tab has the header row of a dataset"},
		"a question":                  {bookOf(t, tabOf{"Sheet1", cellsOf("External ID,Name,Status\na,A,new\n")}), 0, "Sheet1: It is not clear which dataset"},
		"in a ZIP":                    {zipOf(t, input{name: "a/book.xlsx", body: bookOf(t, tabOf{"Sheet1", customers}, tabOf{"More", cellsOf("External ID,Name\nb,B\n")})}, input{name: "c.csv", body: []byte("External ID,Name\nc,C\n")}), 3, ""},
		"what only is named so":       {zipOf(t, input{name: "b.xlsx", body: []byte("External ID\na\n")}), 0, "b.xlsx: The workbook is damaged"},
		"an old one in a ZIP":         {zipOf(t, input{name: "b.xlsx", body: []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")}), 0, "b.xlsx: the file is a workbook of an old version of Excel (.xls), or one with a password; open it"},
		"an old one":                  {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00"), 0, "save it as .xlsx without a password"},
		"OpenDocument":                {zipOf(t, input{name: "content.xml", body: []byte("<x/>")}), 0, "OpenDocument (.ods); save it as .xlsx"},
		"a binary one":                {zipOf(t, input{name: "xl/workbook.bin", body: []byte("x")}), 0, "(.xlsb); save it as .xlsx"},
		"Numbers":                     {zipOf(t, input{name: "Index/Tables.iwa", body: []byte("x")}), 0, "in Numbers choose File, Export To, Excel or CSV"},
		"a tab that is cut off":       {bytes.Replace(bookOf(t, tabOf{"Sheet1", customers}), []byte("PK"), []byte("PK"), 1)[:2000], 0, "x.xlsx: The workbook cannot be read, perhaps since it was not copied to its end"},
		"misspelt below titles":       {bookOf(t, tabOf{"Kunden", cellsOf("Our customers\n2026\nExernal ID,Name,Email,Company\na,A,,\n")}), 0, `If "Exernal ID" is "External ID"`},
		"misspelt, in a ZIP":          {zipOf(t, input{name: "b.xlsx", body: bookOf(t, tabOf{"Kunden", cellsOf("Our customers\n2026\nExernal ID,Name,Email,Company\na,A,,\n")})}), 0, `If "Exernal ID" is "External ID"`},
		"a delimiter and an encoding": {bookOf(t, tabOf{"Sheet1", customers}), 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fresh(t, 0, 0)
			settings := source.Settings{}
			if strings.HasPrefix(name, "a delimiter") {
				settings = source.Settings{Delimiter: ";", Encoding: "windows-1252"}
			}
			j := l.with(t, l.source(t, "S"), settings, input{name: "x.xlsx", body: tt.body})
			said := strings.Join(append(j.Notes, j.Error), "\n")
			if j.Datasets["customers"].Added != tt.added || (j.Status == job.Done) != (tt.added > 0) || !strings.Contains(said, tt.says) || tt.added > 0 && tt.says == "" && len(j.Notes) > 0 {
				t.Errorf("%s, %v: %s", j.Status, j.Datasets, said)
			}
		})
	}
}

// A workbook that would unpack to far more than its size is refused, wherever it lies.
func TestBombsInWorkbooks(t *testing.T) {
	t.Parallel()
	bomb := boastingBook(t, 300<<20)
	for name, body := range map[string][]byte{"book.xlsx": bomb, "in.zip": zipOf(t, input{name: "b.xlsx", body: bomb})} {
		l := fresh(t, 0, 0)
		if j := l.run(t, l.source(t, "S"), input{name: name, body: body}); j.Status != job.Failed || !strings.Contains(j.Error, "would unpack to") {
			t.Errorf("%s: %s, %s", name, j.Status, j.Error)
		}
	}
	// One text, to which all cells refer, makes the table far larger than the XML.
	rows := make([][]any, 3000)
	for i := range rows {
		rows[i] = slices.Repeat([]any{strings.Repeat("x", 30_000)}, 2)
	}
	rows[0] = []any{"External ID", "Name"}
	l := fresh(t, 0, 0)
	if j := l.run(t, l.source(t, "S"), input{name: "b.xlsx", body: bookOf(t, tabOf{"S", rows})}); j.Status != job.Failed || !strings.Contains(j.Error, "more text than a workbook of this size may hold") {
		t.Errorf("%s, %s", j.Status, j.Error)
	}
}

// boastingBook is a workbook whose tab is of so many bytes, and well packed.
func boastingBook(t tester, size int) []byte {
	t.Helper()
	const ns = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	return zipOf(t,
		input{name: "xl/workbook.xml", body: []byte(`<workbook ` + ns + `><sheets><sheet name="A" r:id="r1"/></sheets></workbook>`)},
		input{name: "xl/_rels/workbook.xml.rels", body: []byte(`<Relationships><Relationship Id="r1" Type="x/worksheet" Target="a.xml"/></Relationships>`)},
		input{name: "xl/a.xml", body: slices.Concat([]byte(`<worksheet>`), bytes.Repeat([]byte(" "), size), []byte(`<sheetData/></worksheet>`))},
	)
}

// The workbook that people get to begin with imports, filled with a row for each tab.
func TestTheTemplateFilled(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := template.Workbook(&out); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC)
	for tab, row := range map[string]map[string]any{
		"Plans":               {"Name": "Gold", "Interval count": 1, "Interval unit": "month", "Plan ID": "gold"},
		"Customers":           {"External ID": "0042", "Name": "Ann", "Lead created at": day},
		"Contacts":            {"Customer External ID": "0042", "Email": "ann@example.com"},
		"Invoices":            {"Customer external ID": "0042", "Invoice external ID": "i1", "Invoiced date": day, "Currency": "EUR"},
		"Line items":          {"Invoice external ID": "i1", "Type": "one_time", "Amount in cents": 1250, "Proration": true},
		"Transactions":        {"Invoice external ID": "i1", "Type": "payment", "Result": "successful", "Date": day},
		"Subscription events": {"Customer external ID": "0042", "Subscription external ID": "s1", "Event Type": "subscription_cancelled", "Date": day, "Effective Date": day},
	} {
		rows, err := f.GetRows(tab)
		if err != nil {
			t.Fatal(err)
		}
		for i, column := range rows[0] {
			cell, _ := excelize.CoordinatesToCellName(i+1, 2)
			if err := f.SetCellValue(tab, cell, row[column]); err != nil {
				t.Fatal(err)
			}
		}
	}
	var filled bytes.Buffer
	if err := f.Write(&filled); err != nil {
		t.Fatal(err)
	}
	l := fresh(t, 0, 0)
	j := l.done(t, l.source(t, "S"), input{name: "reseed.xlsx", body: filled.Bytes()})
	for _, ds := range template.Datasets() {
		if c := j.Datasets[string(ds)]; c.Added != 1 || c.Rejected != 0 {
			t.Errorf("%s: %+v, %+v", ds, c, j.Reasons)
		}
	}
	if len(j.Notes) > 0 {
		t.Errorf("%q", j.Notes)
	}
}

// What is rejected of a tab goes in again once it is corrected, as a file or in a workbook.
func TestRejectsOfATabGoIn(t *testing.T) {
	t.Parallel()
	l := fresh(t, 0, 0)
	src := l.source(t, "S")
	body := bookOf(t, tabOf{"Sheet1", cellsOf("External ID,Name,Status,Email\na,A,new,a@example.com\nb,B,new,nowhere\n")})
	j, err := l.Submit(t.Context(), importer.Request{Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, []input{{name: "x.xlsx", dataset: "customers", body: body}})})
	if err != nil {
		t.Fatal(err)
	}
	j = l.finished(t, j.ID)
	files := l.rejectFiles(t, j)
	if len(files) != 1 || !bytes.Contains(files[0].body, []byte("Sheet1!D3,3,Email,bad_email")) {
		t.Fatalf("%s %s %q", j.Status, j.Error, files)
	}
	files[0].body = bytes.Replace(files[0].body, []byte("nowhere"), []byte("b@example.com"), 1)
	if j := l.done(t, src, files...); j.Datasets["customers"].Added != 1 {
		t.Errorf("%+v %+v", j.Datasets, j.Reasons)
	}
}

// Amounts and dates are typed in a workbook, whatever the settings say of those that are texts.
func TestTypedCellsAndSettings(t *testing.T) {
	t.Parallel()
	day := time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC)
	body := bookOf(t,
		tabOf{"Customers", cellsOf("External ID\na\n")},
		tabOf{"Invoices", [][]any{{"Customer external ID", "Invoice external ID", "Invoiced date", "Currency"}, {"a", 1, day, "EUR"}, {"a", 2, "31.03.2024", "EUR"}}},
		tabOf{"Lines", [][]any{{"Invoice external ID", "External ID", "Type", "Amount in cents"}, {1, "l1", "one_time", 12.5}, {"2", "l2", "one_time", "12,50"}, {2, "l3", "one_time", 0.1 + 0.2}}},
	)
	l := fresh(t, 0, 0)
	src := l.source(t, "S")
	j := l.with(t, src, source.Settings{DateFormat: "DD.MM.YYYY", Decimal: source.DecimalComma, Amounts: source.AmountsUnits}, input{name: "x.xlsx", body: body})
	if j.Status != job.Done || j.Rejects != 0 || j.Datasets[string(billing.LineItems)].Added != 3 {
		t.Fatalf("%s %s %+v", j.Status, j.Error, j.Reasons)
	}
	if got := l.amountsOf(t, src); got["l1"] != got["l2"] {
		t.Errorf("%v", got)
	}
}
