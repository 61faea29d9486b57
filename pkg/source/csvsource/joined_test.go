package csvsource_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// TestFilesThatWereJoined reads files with header rows between their rows, in pieces of a record each.
func TestFilesThatWereJoined(t *testing.T) {
	t.Parallel()
	const head = "External ID,Company\nx1,Acme\n"
	again := []string{"the header row stands again on line 3; it was skipped"}
	two, four := []string{"2: x1 Acme", "4: x2 Beta"}, []string{"2: x1 Acme", "3: x2 Beta"}
	for name, tt := range map[string]struct {
		text     string
		settings source.Settings
		rows     []string
		notes    []string
		refused  int // line of the header row because of which the file is refused
	}{
		"once":                   {text: head + "External ID,Company\nx2,Beta\n", rows: two, notes: again},
		"other spelling":         {text: head + "\"EXTERNAL ID\" , company,,\nx2,Beta\n", rows: two, notes: again},
		"byte order mark":        {text: head + "\ufeffExternal ID,Company\nx2,Beta\n", rows: two, notes: again},
		"mark and quotes":        {text: head + "\ufeff\"External ID\",\"Company\"\nx2,Beta\n", rows: two, notes: again},
		"at the end":             {text: head + "External ID,Company", rows: two[:1], notes: again},
		"below itself":           {text: "External ID,Company\nExternal ID,Company\nExternal ID,Company\nx2,Beta\n", rows: two[1:], notes: []string{"the header row stands again on line 2 (and 1 more); these rows were skipped"}},
		"below Ctrl-Z":           {text: head + "\x1aExternal ID,Company\nx2,Beta\n\x1a", rows: two, notes: again},
		"mapped":                 {text: "Nr,Firm\nx1,Acme\nNr,Firm\nx2,Beta\n", settings: source.Settings{Map: []string{"Nr=External ID", "Firm=Company"}}, rows: two, notes: again},
		"mapped, another order":  {text: "Nr,Firm\nx1,Acme\nFirm,Nr\nBeta,x2\n", settings: source.Settings{Map: []string{"Nr=External ID", "Firm=Company"}}, refused: 3},
		"another order":          {text: head + "Company,External ID\nBeta,x2\n", refused: 3},
		"another order, quotes":  {text: head + "x2,Beta\n\ufeff \"Company\", \"External ID\"\nBeta,x2\n", refused: 4},
		"more columns":           {text: head + "External ID,Company,Country\nx2,Beta,GB\n", refused: 3},
		"fewer columns":          {text: "External ID,Company,Country\nx1,Acme,GB\nExternal ID,Company\nx2,Beta\n", refused: 3},
		"another dataset":        {text: head + "Name,Interval count,Interval unit\nGold,1,month\n", refused: 3},
		"rejects of two kinds":   {text: "External ID,Company,Reject file,Reject line,Reject column,Reject code,Reject reason\nx1,Acme,a.csv,2,,c,r\nSubscription external ID,Customer external ID,Date,Reject file,Reject line,Reject column,Reject code,Reject reason\ns1,x1,2026-01-01,b.csv,2,,c,r\n", refused: 3},
		"underscores":            {text: head + "customer_external_id,first_name,last_name\nx1,Ann,A\n", refused: 3},
		"without a needed one":   {text: head + "Invoice external ID,Currency,Invoiced date\ni1,EUR,2026-01-01\n", refused: 3},
		"a row that names some":  {text: head + "x2,Beta\n", rows: four},
		"a company of that name": {text: head + "x2,Company\nCompany,Beta\nemail,name\n", rows: []string{"2: x1 Acme", "3: x2 Company", "4: Company Beta", "5: email name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := begin(t, tt.text, source.Hint{Settings: tt.settings})
			if tt.refused > 0 {
				if !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != "joined_files" || !strings.Contains(err.Error(), fmt.Sprintf("line %d ", tt.refused)) {
					t.Errorf("%v, %v", got, err)
				}
				return
			}
			if err != nil || !slices.Equal(got.rows, tt.rows) || !slices.Equal(got.notes, tt.notes) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}
