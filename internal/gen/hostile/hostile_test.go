package hostile_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"reseed/internal/gen/hostile"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source/csvsource"
)

const checkedIn = "../../../testdata/hostile"

// testdata/hostile is not edited by hand: it equals what WriteDir writes.
func TestCheckedInFilesAreFresh(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := hostile.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(readTree(t, dir), readTree(t, checkedIn)); diff != "" {
		t.Errorf("run go run ./internal/gen -hostile -out testdata/hostile (-fresh +checked in):\n%s", diff)
	}
}

func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The CSV reader and the rules for rows give each file its expected outcome. They
// can't see duplicates and unknown references: the importer finds those.
func TestCasesHoldForReaderAndRules(t *testing.T) {
	t.Parallel()
	for _, c := range hostile.Cases() {
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			if size := len(c.Content); size > 20_000 {
				t.Errorf("%d bytes are too many for a checked-in file", size)
			}
			got := read(t, &c)
			want := outcome{refused: c.Refused, rows: c.Read(), unknown: c.Unknown}
			for _, r := range c.Rejects {
				if !slices.Contains([]string{"duplicate_differs", "unknown_plan", "unknown_customer", "unknown_invoice"}, r.Code) {
					want.rejects = append(want.rejects, r)
				}
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type outcome struct {
	refused string
	rows    int
	rejects []hostile.Reject
	unknown []string
}

func read(t *testing.T, c *hostile.Case) outcome {
	t.Helper()
	open := func(o csvsource.Options) *csvsource.Reader { // an import makes UTF-8 of the file, too
		return csvsource.Open(transform.NewReader(strings.NewReader(c.Content), unicode.BOMOverride(transform.Nop)), o)
	}
	header, err := open(csvsource.Options{}).Header(t.Context())
	if err != nil {
		return outcome{refused: code(t, err)}
	}
	layout, err := billing.NewLayout(billing.Dataset(c.Dataset), header, billing.Values{})
	if err != nil {
		return outcome{refused: code(t, err)}
	}
	return readRows(t.Context(), t, open(csvsource.Options{Needs: layout.Needs()}), layout)
}

func readRows(ctx context.Context, t *testing.T, r *csvsource.Reader, layout *billing.Layout) outcome {
	t.Helper()
	got := outcome{unknown: layout.Unknown()}
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for {
		row, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got.rows++
		if row.Err != nil {
			got.rejects = append(got.rejects, hostile.Reject{Line: int(row.Line), Column: row.Err.Column, Code: row.Err.Code})
		} else if _, problem := layout.Record(row.Fields, now); problem != nil {
			got.rejects = append(got.rejects, hostile.Reject{Line: int(row.Line), Column: problem.Column, Code: problem.Code})
		}
	}
}

func code(t *testing.T, err error) string {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) {
		t.Fatalf("not a fault: %v", err)
	}
	return e.Code
}

// Every case names a dataset, no two cases have the same file, and no family is
// missing.
func TestCasesAreComplete(t *testing.T) {
	t.Parallel()
	files, families := map[string]bool{}, map[string]bool{}
	for _, c := range hostile.Cases() {
		if files[c.File] {
			t.Errorf("%s is the file of two cases", c.File)
		}
		files[c.File] = true
		families[strings.Fields(c.Family)[0]] = true
		if !slices.Contains(billing.Order(), billing.Dataset(c.Dataset)) {
			t.Errorf("%s: no dataset %s", c.File, c.Dataset)
		}
	}
	want := []string{"B1", "B10", "B2", "B4", "B5", "B6", "B7", "B8", "B9", "values"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(families))); diff != "" {
		t.Error(diff)
	}
}
