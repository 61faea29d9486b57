package importer_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/table/mem"
)

// flaw is what is wrong with a row of a draft.
type flaw string

const (
	fine      flaw = ""
	noID      flaw = "no id"
	badValue  flaw = "bad value"
	strayText flaw = "text behind a quote"
	tooMany   flaw = "too many cells"
	badByte   flaw = "a byte that is no text"
)

// structural tells whether the row cannot be split into cells.
func (f flaw) structural() bool { return f == strayText || f == tooMany || f == badByte }

// draft is a customer, or an invoice of one, as it should be, and what is wrong with its row.
type draft struct {
	cells []string // as they should be
	of    *draft   // the customer of an invoice
	fault flaw
	in    bool // it is stored
}

// Columns of drafts: the id, the value that may be bad, then the others.
const (
	atID    = 0
	atValue = 1
)

func (d *draft) dataset() billing.Dataset {
	if d.of != nil {
		return billing.Invoices
	}
	return billing.Customers
}

func (d *draft) header() []string {
	if d.of != nil {
		return []string{"Invoice external ID", "Invoiced date", "Customer external ID", "Currency"}
	}
	return []string{"External ID", "Country", "Company", "City"}
}

func (d *draft) fields() []string {
	if d.of != nil {
		return []string{"external_id", "date", "customer_external_id", "currency"}
	}
	return []string{"external_id", "country", "company", "city"}
}

// spoiled are the cells with the fault in them.
func (d *draft) spoiled() []string {
	cells := slices.Clone(d.cells)
	switch d.fault {
	case noID:
		cells[atID] = ""
	case badValue:
		cells[atValue] = "31.01.2024"
	case badByte:
		cells[len(cells)-1] += "\x80"
	case tooMany:
		cells = append(cells, "more")
	case fine, strayText:
	}
	return cells
}

// tableOf is an input file with the drafts of its rows by their lines.
type tableOf struct {
	name  string
	comma rune // 0: NDJSON
	text  bytes.Buffer
	rows  map[int64]*draft
}

// input is the file. If no line of NDJSON is an object, the import must be told its dataset.
func (s *tableOf) input() input {
	in := input{name: s.name, body: s.text.Bytes()}
	for _, d := range s.rows {
		if s.comma == 0 {
			in.dataset = string(d.dataset())
		}
	}
	return in
}

// next notes that the next row is of a draft.
func (s *tableOf) next(d *draft) {
	s.rows[int64(bytes.Count(s.text.Bytes(), []byte("\n")))+1] = d
}

func (s *tableOf) table(rows ...[]string) {
	w := csv.NewWriter(&s.text)
	w.Comma = s.comma
	_ = w.WriteAll(rows)
}

// write writes a draft as it is.
func (s *tableOf) write(t tester, d *draft) {
	t.Helper()
	if s.text.Len() == 0 && s.comma != 0 {
		s.table(d.header())
	}
	s.next(d)
	if s.comma == 0 {
		line := s.object(t, d, d.spoiled())
		if d.fault.structural() {
			line = strings.Replace(line, `:`, "", 1)
		}
		s.text.WriteString(line + "\n")
		return
	}
	if d.fault == strayText {
		s.text.WriteString(`"x"y` + string(s.comma))
	}
	s.table(d.spoiled())
}

func (s *tableOf) object(t tester, d *draft, cells []string) string {
	t.Helper()
	members := map[string]string{"dataset": string(d.dataset())}
	for i, name := range d.fields() {
		members[name] = cells[i]
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// corrected is a rejects file after a person has worked on it: mend says for each row what is done.
func (s *tableOf) corrected(t tester, rejects input, mend func(*draft) (cells, row bool)) *tableOf {
	t.Helper()
	out := &tableOf{name: rejects.name, comma: s.comma, rows: map[int64]*draft{}}
	if s.comma == 0 {
		for line := range strings.Lines(string(rejects.body)) {
			var r struct {
				Reject struct {
					Line int64 `json:"line"`
				} `json:"_reject"`
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			d := s.rows[r.Reject.Line]
			if cells, _ := mend(d); cells {
				line = s.object(t, d, d.cells) + "\n"
				d.fault = fine
			}
			out.next(d)
			out.text.WriteString(line)
		}
		return out
	}
	text, marked := bytes.CutPrefix(rejects.body, []byte("\ufeff"))
	if marked == !slices.ContainsFunc(text, func(b byte) bool { return b >= 0x80 }) {
		t.Fatalf("%s: whether it has a byte order mark (%v) does not suit what is in it", s.name, marked)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = s.comma
	header, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	out.table(header)
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%q: %v", rejects.body, err)
		}
		d := s.rows[lineIn(t, header, cells)]
		out.next(d)
		d.mend(header, cells, mend)
		out.table(cells)
	}
}

func lineIn(t tester, header, cells []string) (line int64) {
	t.Helper()
	if _, err := fmt.Sscanf(cells[slices.Index(header, "Reject line")], "%d", &line); err != nil {
		t.Fatal(err)
	}
	return line
}

// mend changes the row of a rejects file. If the row could not be split, a person has to put in all
// cells, and to empty the cell with the whole row.
func (d *draft) mend(header, cells []string, mend func(*draft) (cells, row bool)) {
	whole := &cells[slices.Index(header, "Reject row")]
	mended, emptied := mend(d)
	if mended {
		mine := slices.Clone(d.cells)
		csvsource.EscapeFormulas(mine)
		for i := range mine {
			if at := slices.Index(header, d.header()[i]); d.fault.structural() || i <= atValue {
				cells[at] = mine[i]
			}
		}
	}
	if emptied && mended {
		*whole = ""
	}
	if mended && *whole == "" {
		d.fault = fine
	}
}

// drawDrafts draws files of customers and of their invoices, with faults.
func drawDrafts(t *rapid.T) (sheets []*tableOf, drafts []*draft) {
	text := rapid.SampledFrom([]string{"", "Ann", "=1+1", "'=x", "''-y", "a,b;c", `say "hi"`, "Größe", "two\nlines", "-5", "tab\there"})
	faults := rapid.SampledFrom([]flaw{fine, fine, noID, badValue, strayText, tooMany, badByte})
	commas := rapid.SampledFrom([]rune{',', ';', '\t', 0})
	customers := 0
	for n := range rapid.IntRange(1, 4).Draw(t, "files") {
		s := &tableOf{name: "data.csv", comma: commas.Draw(t, "comma"), rows: map[int64]*draft{}}
		if s.comma == 0 {
			s.name = "data.ndjson"
		}
		invoices := n > 0 && rapid.Bool().Draw(t, "invoices")
		for i := range rapid.IntRange(1, 6).Draw(t, "rows") {
			d := &draft{fault: faults.Draw(t, "fault")}
			if invoices {
				d.of = drafts[rapid.IntRange(0, customers-1).Draw(t, "customer")]
				d.cells = []string{fmt.Sprintf("i%d-%d", n, i), "2024-01-31", d.of.cells[atID], "EUR"}
			} else {
				d.cells = []string{fmt.Sprintf("c%d-%d", n, i), "DE", text.Draw(t, "company"), text.Draw(t, "city")}
				if d.fault == strayText { // only its first line is one row
					d.cells[2], d.cells[3] = "", "Ann"
				}
				drafts = slices.Insert(drafts, customers, d)
				customers++
			}
			if d.of != nil {
				drafts = append(drafts, d)
			}
			s.write(t, d)
		}
		sheets = append(sheets, s)
	}
	return sheets, drafts
}

// Files with any faults are imported, their rejects are corrected in part and imported again, round
// after round: each round takes in exactly the rows that are right and whose customer is there, and
// in the end nothing is left. What could not be split never goes in before it is corrected.
func TestRoundsOfRejects(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SampledFrom([][2]int64{{0, 1 << 30}, {60, 1}}).Draw(t, "sizes")
		l := newLine(mem.New(mem.Options{}), objects.Mem(), sizes[0], sizes[1])
		src := l.source(t, "S")
		sheets, drafts := drawDrafts(t)
		patience := rapid.IntRange(0, 4).Draw(t, "rounds")
		for round := 0; len(sheets) > 0; round++ {
			if round > patience+3 {
				t.Fatalf("still %d files of rejects", len(sheets))
			}
			var inputs []input
			for _, s := range sheets {
				inputs = append(inputs, s.input())
			}
			j := l.done(t, src, inputs...)
			checkRound(t, j, sheets)
			sheets = nextRound(t, j, sheets, l.rejectFiles(t, j), func(*draft) (cells, row bool) {
				if round >= patience {
					return true, true
				}
				return rapid.Bool().Draw(t, "cells"), rapid.Bool().Draw(t, "row")
			})
		}
		checkAllIn(t, l.done(t, src, cleanFiles(t, drafts)...), drafts)
	})
}

// checkRound checks which rows went in.
func checkRound(t tester, j *job.Job, sheets []*tableOf) {
	t.Helper()
	var added, rejected int64
	for _, invoices := range []bool{false, true} {
		for _, s := range sheets {
			for _, d := range s.rows {
				switch {
				case invoices != (d.of != nil):
				case d.fault == fine && (d.of == nil || d.of.in):
					d.in = true
					added++
				default:
					rejected++
				}
			}
		}
	}
	var got job.Counts
	for _, c := range j.Datasets {
		got = got.Add(c)
	}
	if got.Added != added || got.Rejected != rejected || got.Read != added+rejected {
		t.Fatalf("%s, want %d added and %d rejected", counts(j), added, rejected)
	}
}

// nextRound corrects the rejects files, which belong to the input files that have rejects.
func nextRound(t tester, j *job.Job, sheets []*tableOf, rejects []input, mend func(*draft) (cells, row bool)) (out []*tableOf) {
	t.Helper()
	for i, s := range sheets {
		if j.Import.Files[i].Rejects == 0 {
			continue
		}
		if len(rejects) == 0 {
			t.Fatalf("the rejects of %s are missing", s.name)
		}
		out, rejects = append(out, s.corrected(t, rejects[0], mend)), rejects[1:]
	}
	if len(rejects) > 0 {
		t.Fatalf("rejects of no file: %s", rejects[0].name)
	}
	return out
}

// cleanFiles are files with all drafts as they should be.
func cleanFiles(t tester, drafts []*draft) (out []input) {
	t.Helper()
	for _, invoices := range []bool{false, true} {
		s := &tableOf{name: "clean.csv", comma: ',', rows: map[int64]*draft{}}
		for _, d := range drafts {
			if invoices == (d.of != nil) {
				s.write(t, d)
			}
		}
		if s.text.Len() > 0 {
			out = append(out, s.input())
		}
	}
	return out
}

// checkAllIn checks that an import of the clean files changes nothing.
func checkAllIn(t tester, j *job.Job, drafts []*draft) {
	t.Helper()
	var got job.Counts
	for _, c := range j.Datasets {
		got = got.Add(c)
	}
	if n := int64(len(drafts)); got != (job.Counts{Read: n, Unchanged: n}) {
		t.Fatalf("%s, want %d unchanged", counts(j), n)
	}
}
