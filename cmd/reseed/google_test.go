package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"reseed/internal/googletest"
	"reseed/pkg/source/sheets"
)

// standIns are the stand-ins for Google that scripts have started, by their working folders.
var standIns sync.Map

const (
	sheetID      = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
	sheetAccount = "reseed@example.iam.gserviceaccount.com"
)

// standIn runs a stand-in for Google, or changes its spreadsheet, as people do:
//
//	google start FILE.csv...      a spreadsheet with a tab for each file
//	google set TAB CELL VALUE     numbers become numbers; an empty value clears the cell
//	google rename TAB NEW
//	google remove TAB
//	google share ADDRESS          and with nobody else
//	google calls N                since the last one there were at most N calls
func standIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: google start|set|rename|remove|share|calls ARG...")
	}
	if args[0] == "start" {
		startStandIn(ts, args[1:])
		return
	}
	found, ok := standIns.Load(ts.MkAbs("."))
	if !ok {
		ts.Fatalf("google start comes first")
	}
	in, _ := found.(*runningStandIn)
	if args[0] == "calls" {
		most, err := strconv.Atoi(args[1])
		ts.Check(err)
		if n := len(in.Calls()) - in.seen; n > most {
			ts.Fatalf("%d calls, want at most %d", n, most)
		}
		in.seen = len(in.Calls())
		return
	}
	in.Change(sheetID, func(b *googletest.Spreadsheet) {
		switch tab := b.Tab(args[1]); {
		case args[0] == "share":
			b.Shared = args[1:]
		case tab == nil:
			ts.Fatalf("there is no tab %s", args[1])
		case args[0] == "rename":
			tab.Title = args[2]
		case args[0] == "remove":
			for i, t := range b.Tabs {
				if t == tab {
					b.Tabs = append(b.Tabs[:i:i], b.Tabs[i+1:]...)
				}
			}
		case args[0] == "set":
			setCell(ts, tab, args[2], args[3])
		}
	})
}

type runningStandIn struct {
	*googletest.Server
	seen int
}

func startStandIn(ts *testscript.TestScript, files []string) {
	s, end := googletest.Start()
	ts.Defer(end)
	b := &googletest.Spreadsheet{ID: sheetID, Title: "Company", Locale: "en_US", TimeZone: "UTC", Shared: []string{sheetAccount}}
	for i, name := range files {
		rows, err := csv.NewReader(strings.NewReader(ts.ReadFile(name))).ReadAll()
		ts.Check(err)
		title := strings.TrimSuffix(filepath.Base(name), ".csv")
		tab := &googletest.Tab{ID: int64(100 + i), Title: strings.ToUpper(title[:1]) + strings.ReplaceAll(title[1:], "_", " ")}
		for _, row := range rows {
			var cells []any
			for _, c := range row {
				cells = append(cells, valueOf(c))
			}
			tab.Cells = append(tab.Cells, cells)
		}
		b.Tabs = append(b.Tabs, tab)
	}
	s.Add(b)
	key, err := s.NewKey(sheetAccount)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("google-key.json"), key, 0o600))
	ts.Setenv("GOOGLE_APPLICATION_CREDENTIALS", ts.MkAbs("google-key.json"))
	ts.Setenv("RESEED_GOOGLE_ENDPOINT", s.URL)
	ts.Setenv("SHEET", sheets.Address(sheetID))
	standIns.Store(ts.MkAbs("."), &runningStandIn{Server: s})
}

// valueOf is what a spreadsheet makes of a text that is typed into a cell.
func valueOf(text string) any {
	if text == "" {
		return nil
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && strconv.FormatFloat(n, 'f', -1, 64) == text {
		return n
	}
	return text
}

func setCell(ts *testscript.TestScript, t *googletest.Tab, cell, text string) {
	column := int(cell[0] - 'A')
	row, err := strconv.Atoi(cell[1:])
	ts.Check(err)
	for len(t.Cells) < row {
		t.Cells = append(t.Cells, nil)
	}
	for len(t.Cells[row-1]) <= column {
		t.Cells[row-1] = append(t.Cells[row-1], nil)
	}
	t.Cells[row-1][column] = valueOf(text)
}
