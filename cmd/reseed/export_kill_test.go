package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/effort"
	"reseed/internal/gen/company"
)

// TestKillExports kills the command at each change that an export makes. There is never half a file
// under its final name, and the next command ends the export that was cut before it makes its own,
// which holds the same bytes.
func TestKillExports(t *testing.T) {
	t.Parallel()
	k := &killer{bin: commands(t)}
	data, calm := t.TempDir(), t.TempDir()
	k.plain(t, data, wholeBytes, "import", "--source", companyName, generated(t, company.Options{Seed: 9, Customers: 28, Months: 12, Layout: company.Named}).folder(t))
	sc := &scenario{killer: k, piece: pieceBytes}
	export := func(name string) []string { return []string{"export", companyName, "--out", name} }
	copyFolder(t, data, calm)
	file := filepath.Join(t.TempDir(), "calm.zip")
	undisturbed := sc.start(t, calm, filepath.Join(t.TempDir(), "tally"), export(file), fate{}).ended()
	want := exportedFiles(t, file)
	if undisturbed.status != exitDone || len(want) != 7 || undisturbed.made[object] < 10 || undisturbed.made[transact] < 50 {
		t.Fatalf("%+v, %d files", undisturbed, len(want))
	}
	for _, kind := range []string{transact, object} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for n := range effort.Cases(t.Name(), undisturbed.made[kind], 1) {
				by := fate{kind, n, []string{before, after}[n/2%2]}
				mine, out := t.TempDir(), t.TempDir()
				copyFolder(t, data, mine)
				cut, again := filepath.Join(out, "cut.zip"), filepath.Join(out, "again.zip")
				// workers that meet at one task make a few changes more, or fewer, than in another run
				if end := sc.start(t, mine, "", export(cut), by).ended(); !end.killed && (end.status != exitDone || n <= undisturbed.made[kind]*3/4) {
					t.Fatalf("%s: it was not killed: %+v", by, end)
				}
				if _, err := os.Stat(cut); err == nil {
					same(t, fmt.Sprintf("%s: the file of the export that was cut", by), want, exportedFiles(t, cut))
				}
				sc.start(t, mine, "", export(again), fate{}).succeeded(t)
				same(t, fmt.Sprintf("%s: the next export", by), want, exportedFiles(t, again))
				for _, j := range lookAt(t, mine).jobs {
					if !j.Status.Ended() || j.Error != "" {
						t.Fatalf("%s: %s %s is %s: %s", by, j.Kind, j.ID, j.Status, j.Error)
					}
				}
			}
		})
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// exportedFiles has the files of a ZIP.
func exportedFiles(t *testing.T, name string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	files := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}
