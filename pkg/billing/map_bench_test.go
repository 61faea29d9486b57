package billing_test

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"syscall"
	"testing"
	"time"

	"reseed/internal/gen/company"
	"reseed/pkg/billing"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/store"
)

// BenchmarkMap does what an import does with every row: bytes to cells, record, encoded attributes
// and sort key. It maps one piece of 4 MB after another on one goroutine. The figure to compare is
// rows/cpu-s.
func BenchmarkMap(b *testing.B) {
	files := generateFiles(b, 20_000)
	for _, dataset := range company.Named.Datasets()[1:] { // not the six plans
		file := files[dataset].Bytes()
		b.Run(string(dataset), func(b *testing.B) { mapAll(b, billing.Dataset(dataset), file, billing.Values{}) })
	}
	iso := regexp.MustCompile(`(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:Z| ?UTC| ?[+-]\d\d:?\d\d)?)?`)
	german := iso.ReplaceAll(files["customers"].Bytes(), []byte("$3.$2.$1 $4"))
	b.Run("customers with a date format", func(b *testing.B) {
		mapAll(b, billing.Customers, german, billing.Values{DateFormat: "DD.MM.YYYY HH:mm:ss"})
	})
}

func mapAll(b *testing.B, ds billing.Dataset, file []byte, values billing.Values) {
	b.Helper()
	m, rows := newMapBench(b, ds, file, values), 0
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		rows = 0
		for p := range m.pieces {
			rows += m.piece(b, p)
		}
	}
	b.ReportMetric(float64(rows*b.N)/(cpuTime(b)-before).Seconds(), "rows/cpu-s")
	b.ReportMetric(float64(rows), "rows/op")
}

func generateFiles(b *testing.B, customers int) map[company.Dataset]*bytes.Buffer {
	b.Helper()
	files, writers := map[company.Dataset]*bytes.Buffer{}, map[company.Dataset]io.Writer{}
	for _, dataset := range company.Named.Datasets() {
		files[dataset] = &bytes.Buffer{}
		writers[dataset] = files[dataset]
	}
	o := company.Options{Seed: 2, Customers: customers, Months: 24, Layout: company.Named}
	if _, err := company.Generate(o, writers); err != nil {
		b.Fatal(err)
	}
	return files
}

// mapBench holds the state of one worker of an import.
type mapBench struct {
	file   []byte
	pieces []csvsource.Options
	ends   []int64
	layout *billing.Layout
	hasher *store.Hasher
	keys   []string // of the piece's records
	bodies []byte   // attributes of the piece's records, concatenated
}

func newMapBench(b *testing.B, ds billing.Dataset, file []byte, values billing.Values) *mapBench {
	b.Helper()
	m := &mapBench{file: file, hasher: store.NewHasher(bytes.Repeat([]byte{7}, 32))}
	rd := csvsource.Open(bytes.NewReader(file), csvsource.Options{})
	header, err := rd.Header(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if m.layout, err = billing.NewLayout(ds, header, values); err != nil {
		b.Fatal(err)
	}
	err = rd.Cut(b.Context(), 4<<20, func(p csvsource.Piece) error {
		m.pieces, m.ends = append(m.pieces, rd.PieceOptions(p)), append(m.ends, p.Offset+p.Length)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// piece maps the i-th piece and returns the number of its rows.
func (m *mapBench) piece(b *testing.B, i int) int {
	b.Helper()
	m.keys, m.bodies = m.keys[:0], m.bodies[:0]
	opts := m.pieces[i]
	rd := csvsource.Open(bytes.NewReader(m.file[opts.StartOffset:m.ends[i]]), opts)
	for rows := 0; ; rows++ {
		row, err := rd.Next(b.Context())
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil || row.Err != nil {
			b.Fatal(err, row.Err)
		}
		rec, problem := m.layout.Record(row.Fields, now())
		if problem != nil {
			b.Fatal(*problem)
		}
		m.bodies = store.AppendRecord(m.bodies, rec)
		m.keys = append(m.keys, m.sortKey(rec))
	}
}

func (m *mapBench) sortKey(rec billing.Record) string {
	hr := m.hasher
	switch r := rec.(type) {
	case *billing.Customer:
		return store.CustomerSK(hr.CustomerH(r.ExternalID))
	case *billing.Contact:
		return store.ContactSK(hr.CustomerH(r.CustomerExternalID), hr.ContactH(r))
	case *billing.Invoice:
		return store.InvoiceSK(hr.InvoiceH(r.ExternalID))
	case *billing.LineItem:
		return store.LineItemSK(hr.InvoiceH(r.InvoiceExternalID), hr.LineItemH(r))
	case *billing.Transaction:
		return store.TransactionSK(hr.InvoiceH(r.InvoiceExternalID), hr.TransactionH(r))
	case *billing.Event:
		return store.EventSK(hr.CustomerH(r.CustomerExternalID), hr.EventH(r).EventID())
	}
	return ""
}

// cpuTime returns the CPU time that the process has used so far, on all cores.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
