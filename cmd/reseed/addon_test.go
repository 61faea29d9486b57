package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"reseed/internal/googletest"
	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// TestAddOn drives the menu of the folder sheets-addon, in Node.js, against a running server that
// pulls a spreadsheet of the stand-in for Google. What Apps Script gives to scripts is faked there.
func TestAddOn(t *testing.T) {
	t.Parallel()
	google := googletest.Serve(t)
	google.Add(financeSheet())
	cells := httptest.NewServer(cellsOf(google))
	defer cells.Close()
	sh := here(t, nil)
	sh.errOut = t.Output()
	sh.environ = []string{"GOOGLE_APPLICATION_CREDENTIALS=" + google.KeyFile(t, sheetAccount), "RESEED_GOOGLE_ENDPOINT=" + google.URL}
	serving(t, sh, anyAddress(), func(said *shown) {
		connect(t, said)
		cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", "test/addon.test.js")
		cmd.Dir = filepath.Join("../../sheets-addon")
		cmd.Env = append(os.Environ(), "RESEED_URL="+said.url(), "RESEED_API_KEY="+said.key(), "SHEET_URL="+cells.URL, "SHEET_ID="+sheetID, "SOURCE="+addOnSource,
			"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
		told, err := cmd.CombinedOutput()
		if err != nil || !ran.Match(told) {
			t.Errorf("%v\n%s", err, told)
		}
	})
}

// addOnSource is the data source that pulls the spreadsheet.
const addOnSource = "Finance sheet"

// connect makes the source that pulls the spreadsheet.
func connect(t *testing.T, said *shown) {
	t.Helper()
	cl := client.New(said.url(), said.key(), http.DefaultClient)
	made, err := cl.AddSource(t.Context(), addOnSource, "Google Sheets")
	if err != nil {
		t.Fatal(err)
	}
	id := sheetID
	if _, err := cl.ChangeSyncs(t.Context(), made.UUID, wire.SyncChange{Spreadsheet: &id}); err != nil {
		t.Fatal(err)
	}
}

// financeSheet is a spreadsheet of three customers.
func financeSheet() *googletest.Spreadsheet {
	return &googletest.Spreadsheet{
		ID: sheetID, Title: "Finance", Locale: "en_GB", TimeZone: "Europe/Berlin", Shared: []string{sheetAccount},
		Tabs: []*googletest.Tab{
			{ID: 0, Title: "Customers", Cells: [][]any{{"Name", "External ID", "Country"}, {"Bee <b>&", "c1", "DE"}, {"Acme", "c2", "FR"}, {"Cat", "c3", "PL"}}},
			{ID: 7, Title: "Plans", Cells: [][]any{{"Name", "Interval Count", "Interval Unit", "Plan ID"}, {"Gold", 1, "month", "gold"}, {"Silver", 1, "month", "silver"}}},
			{ID: 8, Title: "Invoices", Cells: [][]any{
				{"Customer External ID", "Invoice external ID", "Invoiced date", "Currency", "Due date"},
				{"c1", "i1", googletest.Date(46023, "01/01/2026"), "EUR"},
				{"c2", "i2", "2026-01-02", "EUR"},
				{"c2", "i3", "2026-01-03", "EUR"},
				{"c2", "i4", "2026-01-04", "EUR"},
			}},
			{ID: 9, Title: "Line items", Cells: [][]any{
				{"Invoice external ID", "External ID", "Type", "Amount in cents"},
				{"i1", "l1", "one_time", 1250},
				{"i1", "l2", "one_time", 100},
				{"i2", "l3", "one_time", 99},
				{"i2", "l4", "one_time", 1},
			}},
		},
	}
}

// cellsOf lets a test in another language change the spreadsheet: PUT /TAB/B12 sets a cell to a text,
// DELETE /TAB/3 removes a row, POST /TAB/3 puts one in, from a JSON list.
func cellsOf(google *googletest.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{tab}/{at}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		at := r.PathValue("at")
		google.Change(sheetID, func(b *googletest.Spreadsheet) {
			tab := b.Tab(r.PathValue("tab"))
			switch r.Method {
			case http.MethodPut:
				row, _ := strconv.Atoi(at[1:])
				tab.Cells[row-1][at[0]-'A'] = string(body)
			case http.MethodDelete:
				row, _ := strconv.Atoi(at)
				tab.Cells = slices.Delete(tab.Cells, row-1, row)
			case http.MethodPost:
				var cells []any
				err = json.Unmarshal(body, &cells)
				row, _ := strconv.Atoi(at)
				tab.Cells = slices.Insert(tab.Cells, row-1, cells)
			}
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	return mux
}
