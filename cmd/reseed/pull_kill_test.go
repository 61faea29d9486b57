package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"reseed/internal/effort"
	"reseed/internal/gen/company"
	"reseed/internal/googletest"
	"reseed/pkg/source/sheets"
)

const pullKills = 60 // see envKills

// TestKillPulls is TestKillAnywhere for pulls from the stand-in for Google: a first one, one that
// adds, changes and removes rows, and one that waits for a yes. The process dies while it reads,
// between pages, at each object and commit of the freezing, and at those of the import behind it.
// Until the rows are applied, nothing is changed, so nothing is removed on an incomplete read.
func TestKillPulls(t *testing.T) { //nolint:tparallel // as TestKillAnywhere
	t.Parallel()
	k := &killer{bin: commands(t), seed: uint64(setting(t, envSeed, defaultSeed))}
	k.each(t, k.pulls(t), setting(t, envKills, effort.Some(pullKills)))
}

// pulls makes the spreadsheets, the data folders to begin with, and the list of scenarios.
func (k *killer) pulls(t *testing.T) (all []*scenario) {
	t.Helper()
	whole := generated(t, company.Options{Seed: 9, Customers: 28, Months: 12, Layout: company.Named})
	former, recent := whole.some(0, firstCustomers-1), whole.some(7, 27).changed()
	google := googletest.Serve(t)
	google.Add(recent.spreadsheet())
	env := []string{"GOOGLE_APPLICATION_CREDENTIALS=" + google.KeyFile(t, sheetAccount), "RESEED_GOOGLE_ENDPOINT=" + google.URL}
	blank, old := t.TempDir(), t.TempDir()
	k.plain(t, blank, wholeBytes, "import", "--source", "Bystander", twelve(t, 4).folder(t))
	(&scenario{killer: k, env: env}).start(t, blank, "", []string{
		"sources", "add", companyName, "--system", "Google Sheets", "--spreadsheet", sheets.Address(sheetID),
	}, fate{}).succeeded(t)
	copyFolder(t, blank, old)
	google.Change(sheetID, func(s *googletest.Spreadsheet) { s.Tabs = former.spreadsheet().Tabs })
	(&scenario{killer: k, env: env}).start(t, old, "", []string{"sync", companyName}, fate{}).succeeded(t)
	google.Change(sheetID, func(s *googletest.Spreadsheet) { s.Tabs = recent.spreadsheet().Tabs })
	editSome(t, old, former)
	add := func(name string, piece int, from string, args ...string) {
		all = append(all, &scenario{
			killer: k, name: name, piece: piece, env: env, from: from, args: append([]string{"sync", companyName}, args...), again: true, reads: recent, holds: recent,
		})
	}
	add("first pull", pieceBytes, blank)
	add("pull in pieces", pieceBytes, old, "--yes")
	add("pull at once", wholeBytes, old, "--yes")
	add("plan and apply", pieceBytes, old, "--plan")
	return all
}

// spreadsheet has a tab for each dataset.
func (in input) spreadsheet() *googletest.Spreadsheet {
	s := &googletest.Spreadsheet{ID: sheetID, Title: companyName, Locale: "en_US", TimeZone: "UTC", Shared: []string{sheetAccount}}
	for i, ds := range slices.Sorted(maps.Keys(in)) {
		title := strings.ReplaceAll(string(ds), "_", " ")
		tab := &googletest.Tab{ID: int64(i), Title: strings.ToUpper(title[:1]) + title[1:]}
		for _, row := range in[ds] {
			var cells []any
			for _, text := range row {
				cells = append(cells, valueOf(text))
			}
			tab.Cells = append(tab.Cells, cells)
		}
		s.Tabs = append(s.Tabs, tab)
	}
	return s
}
