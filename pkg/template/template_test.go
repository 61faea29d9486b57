package template_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"reseed/pkg/billing"
	"reseed/pkg/source/xlsx"
	"reseed/pkg/template"
)

// Each dataset has a tab with its columns, each with a note; columns of words have lists.
func TestWorkbook(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := template.Workbook(&out); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	book, err := xlsx.Open(z)
	if err != nil {
		t.Fatal(err)
	}
	tabs := book.Tabs()
	for i, ds := range template.Datasets() {
		if billing.Named(tabs[i]) != ds || book.Hidden(i) {
			t.Errorf("tab %d is %q, which is not that of %s", i, tabs[i], ds)
		}
		header := headerOf(t, book, i)
		if got, err := billing.Recognise(header); err != nil || got != ds {
			t.Errorf("the header row of %s tells %q, %v", ds, got, err)
		}
		helps(t, f, tabs[i], len(header), wordColumns(ds))
	}
	if last := len(tabs) - 1; last != len(template.Datasets()) || !book.Hidden(last) {
		t.Errorf("%q", tabs)
	}
}

// helps checks that a tab has so many notes and lists.
func helps(t *testing.T, f *excelize.File, tab string, notes, lists int) {
	t.Helper()
	if got, err := f.GetComments(tab); err != nil || len(got) != notes {
		t.Errorf("%s: %d notes on %d columns, %v", tab, len(got), notes, err)
	}
	if got, err := f.GetDataValidations(tab); err != nil || len(got) != lists {
		t.Errorf("%s: %d lists for %d columns of words, %v", tab, len(got), lists, err)
	}
}

func headerOf(t *testing.T, book *xlsx.Book, n int) (names []string) {
	t.Helper()
	rows, err := book.Rows(n)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	_, cells, err := rows.Next()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		names = append(names, c.Text)
	}
	if _, _, err := rows.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("there is more than a header row: %v", err)
	}
	return names
}

func wordColumns(ds billing.Dataset) (n int) {
	for _, f := range billing.FieldsOf(ds) {
		if f.Column != "" && (f.Is == "word" || f.Is == "truth") {
			n++
		}
	}
	return n
}

func TestCSV(t *testing.T) {
	t.Parallel()
	for _, ds := range template.Datasets() {
		body, err := template.CSV(ds)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := billing.Recognise(strings.Split(strings.TrimSpace(string(body)), ",")); err != nil || got != ds {
			t.Errorf("%s is taken for %q, %v", ds, got, err)
		}
	}
}
