package xlsx_test

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"reseed/pkg/source/grid"
	"reseed/pkg/source/xlsx"
)

const (
	benchRows    = 200_000
	benchColumns = 10
)

// BenchmarkTab freezes a tab of 200,000 rows and 10 columns, and reads the same tab with excelize's row
// loop, which gives texts only: "of-library" is how many rows we read while it reads one. The bar is
// 0.7 (and 250 MB).
func BenchmarkTab(b *testing.B) {
	for _, shared := range []bool{false, true} {
		name := "inline strings"
		if shared {
			name = "shared strings"
		}
		b.Run(name, func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "large.xlsx")
			writeLarge(b, file, shared)
			var ours, library time.Duration
			var peak uint64
			for b.Loop() {
				began := time.Now()
				peak = max(peak, peakOf(func() { freeze(b, file) }))
				ours += time.Since(began)
				began = time.Now()
				libraryLoop(b, file)
				library += time.Since(began)
			}
			b.ReportMetric(float64(benchRows*b.N)/ours.Seconds(), "rows/s")
			b.ReportMetric(float64(benchRows*b.N)/library.Seconds(), "library-rows/s")
			b.ReportMetric(library.Seconds()/ours.Seconds(), "of-library")
			b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
		})
	}
}

func freeze(b *testing.B, file string) {
	b.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	book, err := xlsx.Open(&z.Reader)
	if err != nil {
		b.Fatal(err)
	}
	rows, err := book.Rows(0)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	if err := rows.Freeze(grid.NewWriter(io.Discard, grid.Reading{}, 1), func() error { return nil }); err != nil {
		b.Fatal(err)
	}
}

func libraryLoop(b *testing.B, file string) {
	b.Helper()
	f, err := excelize.OpenFile(file, excelize.Options{RawCellValue: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := f.Rows("Customers")
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for rows.Next() {
		if _, err := rows.Columns(); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if _ = rows.Close(); n != benchRows {
		b.Fatalf("%d rows", n)
	}
}

// peakOf is the most memory that Go has taken while do ran.
func peakOf(do func()) uint64 {
	runtime.GC()
	var peak atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapInuse))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	do()
	close(stop)
	<-done
	return peak.Load()
}

// writeLarge writes a workbook of customers, with texts, numbers and dates.
func writeLarge(b *testing.B, file string, shared bool) {
	b.Helper()
	out, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	z := zip.NewWriter(out)
	p := bookOf([]string{"Customers"}, "")
	delete(p, "xl/worksheets/sheet1.xml")
	delete(p, "xl/sharedStrings.xml")
	for name, body := range p {
		w, _ := z.Create(name)
		_, _ = io.WriteString(w, body)
	}
	header := []string{"External ID", "Name", "Email", "Company", "Country", "City", "Zip", "Lead created at", "Owner", "Website URL"}
	w, _ := z.Create("xl/worksheets/sheet1.xml")
	sheet := bufio.NewWriter(w)
	var texts []string
	text := func(row, col int, s string) {
		if shared {
			fmt.Fprintf(sheet, `<c r="%s" t="s"><v>%d</v></c>`, grid.CellName(int64(row), col), len(texts))
			texts = append(texts, s)
		} else {
			fmt.Fprintf(sheet, `<c r="%s" t="inlineStr"><is><t>%s</t></is></c>`, grid.CellName(int64(row), col), s)
		}
	}
	fmt.Fprint(sheet, `<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	for row := 1; row <= benchRows; row++ {
		fmt.Fprintf(sheet, `<row r="%d">`, row)
		for col := range benchColumns {
			switch {
			case row == 1:
				text(row, col, header[col])
			case col == 6:
				fmt.Fprintf(sheet, `<c r="%s"><v>%d</v></c>`, grid.CellName(int64(row), col), 10000+row%80000)
			case col == 7:
				fmt.Fprintf(sheet, `<c r="%s" s="0"><v>%d.5</v></c>`, grid.CellName(int64(row), col), 44000+row%1000)
			case col == 4:
				text(row, col, "DE")
			case col == 2 || col == 8:
				text(row, col, fmt.Sprintf("ann%d@example.com", row))
			default:
				text(row, col, fmt.Sprintf("value %d of %d", row, col))
			}
		}
		fmt.Fprint(sheet, `</row>`)
	}
	fmt.Fprint(sheet, `</sheetData></worksheet>`)
	_ = sheet.Flush()
	w, _ = z.Create("xl/sharedStrings.xml")
	list := bufio.NewWriter(w)
	fmt.Fprint(list, `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">`)
	for _, s := range texts {
		fmt.Fprintf(list, `<si><t>%s</t></si>`, s)
	}
	fmt.Fprint(list, `</sst>`)
	_ = list.Flush()
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
}
