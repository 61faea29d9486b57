package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"reseed/internal/effort"
	"reseed/internal/gen/company"
	"reseed/pkg/job"
)

// An erase with an export first that is killed anywhere has either erased nothing, or its export is
// whole and in its place.
func TestKillErasesWithAnExport(t *testing.T) {
	t.Parallel()
	k := &killer{bin: commands(t)}
	data, calm, other := t.TempDir(), t.TempDir(), "Bystander"
	folder := generated(t, company.Options{Seed: 9, Customers: 8, Months: 12, Layout: company.Named}).folder(t)
	k.plain(t, data, wholeBytes, "import", "--source", companyName, folder)
	k.plain(t, data, wholeBytes, "import", "--source", other, folder)
	sc := &scenario{killer: k, piece: pieceBytes}
	erase := func(file string) []string {
		return []string{"erase", "source", companyName, "--export", file, "--yes"}
	}
	copyFolder(t, data, calm)
	file := filepath.Join(t.TempDir(), "calm.zip")
	undisturbed := sc.start(t, calm, filepath.Join(t.TempDir(), "tally"), erase(file), fate{}).ended()
	want := exportedFiles(t, file)
	if undisturbed.status != exitDone || len(want) == 0 || undisturbed.made[transact] < 50 {
		t.Fatalf("%+v, %d files", undisturbed, len(want))
	}
	erased := 0
	for _, kind := range []string{transact, object} {
		for n := range effort.Cases(t.Name()+kind, undisturbed.made[kind], 4) {
			by := fate{kind, n, []string{before, after}[n/4%2]}
			mine, out := t.TempDir(), t.TempDir()
			copyFolder(t, data, mine)
			cut := filepath.Join(out, "cut.zip")
			sc.start(t, mine, "", erase(cut), by).ended()
			begun := false
			for _, j := range lookAt(t, mine).jobs {
				begun = begun || j.Kind == job.Erase
			}
			_, err := os.Stat(cut)
			switch {
			case begun && err != nil:
				t.Fatalf("%s: the erase has begun without its export: %v", by, err)
			case begun:
				erased++
			}
			if err == nil {
				same(t, fmt.Sprintf("%s: the export", by), want, exportedFiles(t, cut))
			}
			again := filepath.Join(out, "again.zip")
			k.plain(t, mine, wholeBytes, "export", other, "--format", "ndjson", "--out", again)
			if len(exportedFiles(t, again)) == 0 {
				t.Fatalf("%s: the bystander is gone", by)
			}
		}
	}
	if effort.All() && erased == 0 {
		t.Error("no kill came after the erase had begun")
	}
}
