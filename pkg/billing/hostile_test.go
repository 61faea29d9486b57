package billing_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
)

// expected is one entry of testdata/hostile/EXPECTED.json.
type expected struct {
	File    string          `json:"file"`
	Dataset billing.Dataset `json:"dataset"`
	Added   int             `json:"added"`
	Rejects []finding       `json:"rejects"`
}

type finding struct {
	Line   int    `json:"line"`
	Column string `json:"column"`
	Code   string `json:"code"`
}

// The hostile files about the content of cells give exactly the expected rejects.
func TestHostileCells(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "testdata", "hostile")
	text, err := os.ReadFile(filepath.Join(folder, "EXPECTED.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files []expected
	if err := json.Unmarshal(text, &files); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, f := range files {
		family, _, _ := strings.Cut(f.File, "_")
		switch {
		case family == "amount", family == "date", family == "value", family == "size", family == "formula",
			f.File == "encoding_invisible.csv", f.File == "encoding_nfc_nfd_twins.csv", f.File == "encoding_line_separator.csv":
			tried++
			added, rejects := tryFile(t, filepath.Join(folder, f.File), f.Dataset)
			if diff := cmp.Diff(f.Rejects, rejects); diff != "" || added != f.Added {
				t.Errorf("%s: %d good rows, want %d; rejects (-want +got):\n%s", f.File, added, f.Added, diff)
			}
		}
	}
	if tried < 15 {
		t.Errorf("only %d hostile files are about the content of cells", tried)
	}
}

func tryFile(t *testing.T, file string, ds billing.Dataset) (added int, rejects []finding) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(file, err)
	}
	if got, err := billing.Recognise(rows[0]); err != nil || got != ds {
		t.Errorf("%s is taken for %q, %v", file, got, err)
	}
	l, err := billing.NewLayout(ds, rows[0], billing.Values{})
	if err != nil {
		t.Fatal(file, err)
	}
	for i, fields := range rows[1:] {
		if _, p := l.Record(fields, now()); p != nil {
			rejects = append(rejects, finding{i + 2, p.Column, p.Code})
		} else {
			added++
		}
	}
	return added, rejects
}
