package importer_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/billing"
)

// spelling is the format in which the rows of an import are written.
type spelling string

const (
	inCSV     spelling = ""
	inNDJSON  spelling = "NDJSON"        // a file for each sheet, which does not name its dataset
	inOneFile spelling = "one NDJSON"    // lines of all datasets, dependent ones first
	inGzip    spelling = "packed NDJSON" // the same
)

func spellings() []spelling { return []spelling{inCSV, inNDJSON, inOneFile, inGzip} }

// inputs are the files of an import.
func (q request) inputs(t tester) (out []input) {
	t.Helper()
	if (q.spelled == inOneFile || q.spelled == inGzip) && q.fitsOneFile() {
		return []input{q.oneFile(t)}
	}
	for i, s := range q.sheets {
		if q.spelled == inCSV {
			out = append(out, input{fmt.Sprintf("%d.csv", i), string(s.dataset), s.csv()})
			continue
		}
		text := []byte("\n") // in place of the header row
		for _, r := range s.rows {
			text = append(text, r.json(t, s.dataset, false)...)
		}
		out = append(out, input{fmt.Sprintf("%d.ndjson", i), string(s.dataset), text})
	}
	return out
}

// fitsOneFile reports whether one file can say the same as the sheets: nothing in it names the
// dataset of a sheet without rows, and equal rows without an external id are two occurrences in one
// file, but the same row in two files (docs/decisions/0003).
func (q request) fitsOneFile() bool {
	seen := map[billing.Dataset]bool{}
	for _, s := range q.sheets {
		if seen[s.dataset] || !slices.ContainsFunc(s.rows, func(r row) bool { return !r.empty() }) {
			return false
		}
		seen[s.dataset] = true
	}
	return len(q.sheets) > 0
}

// oneFile has all rows, sheet after sheet, from the last stage to the first. Its name says where
// each sheet begins.
func (q request) oneFile(t tester) input {
	t.Helper()
	var text []byte
	var name []string
	order := make([]int, len(q.sheets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(slices.Index(billing.Order(), q.sheets[b].dataset), slices.Index(billing.Order(), q.sheets[a].dataset))
	})
	line := 0
	for _, i := range order {
		name = append(name, fmt.Sprintf("%d@%d", i, line))
		for n, r := range q.sheets[i].rows {
			text = append(text, r.json(t, q.sheets[i].dataset, n%3 < 2)...)
			line++
		}
	}
	in := input{name: strings.Join(name, "_") + ".ndjson", body: text}
	if q.spelled == inGzip {
		in = input{name: in.name + ".gz", body: gzipped(t, text)}
	}
	return in
}

func gzipped(t tester, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// json writes a row as a record, with its dataset as the first member, as the last, or without it.
func (r row) json(t tester, ds billing.Dataset, first bool) string {
	t.Helper()
	if r.empty() {
		return "\n"
	}
	var members []string
	for _, f := range billing.FieldsOf(ds) {
		cell := ""
		for name, c := range r {
			if strings.EqualFold(name, f.Column) {
				cell = c
			}
		}
		switch {
		case cell == "":
		case f.Is == "cents", f.Is == "integer":
			members = append(members, fmt.Sprintf("%q:%s", f.Name, cell))
		default:
			text, err := json.Marshal(cell)
			if err != nil {
				t.Fatal(err)
			}
			members = append(members, fmt.Sprintf("%q: %s", f.Name, text))
		}
	}
	at := len(members)
	if first {
		at = 0
	}
	members = slices.Insert(members, at, fmt.Sprintf("\"dataset\":%q", ds))
	return "{" + strings.Join(members, ",") + "}\n"
}

// ndjsonRejects reads a rejects file of NDJSON.
func ndjsonRejects(t tester, text string) map[place]string {
	t.Helper()
	out := map[place]string{}
	for line := range strings.Lines(text) {
		var r struct {
			Reject struct {
				File string `json:"file"`
				Line int    `json:"line"`
				Code string `json:"code"`
			} `json:"_reject"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		sheet, at := sheetAt(strings.TrimSuffix(r.Reject.File, ".ndjson"), r.Reject.Line)
		out[place{sheet, at}] = r.Reject.Code
	}
	return out
}

// sheetAt says which sheet a line belongs to, and which line it would be in a CSV file of that
// sheet.
func sheetAt(name string, line int) (sheet, at int) {
	if !strings.Contains(name, "@") {
		sheet, _ = strconv.Atoi(name)
		return sheet, line
	}
	for part := range strings.SplitSeq(name, "_") {
		var i, before int
		_, _ = fmt.Sscanf(part, "%d@%d", &i, &before)
		if line > before {
			sheet, at = i, line-before+1
		}
	}
	return sheet, at
}
