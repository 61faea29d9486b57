package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/httpapi"
	"reseed/pkg/source/sheets"
)

// oneTab is a spreadsheet with one tab of two customers, one of which has no id.
type oneTab struct{}

func (oneTab) Address() string                                { return "reseed@example.com" }
func (oneTab) Version(context.Context, string) (int64, error) { return 7, nil }

func (oneTab) Book(context.Context, string) (sheets.Book, error) {
	return sheets.Book{Title: "Book", Tabs: []sheets.Tab{{ID: 11, Title: "Customers", Rows: 4, Columns: 2}}}, nil
}

func (oneTab) Values(context.Context, string, []sheets.Span) ([]sheets.Values, error) {
	return []sheets.Values{{{"External ID", "Name"}, {"a", "A"}, {}, {"", "B"}}}, nil
}

const syncSheet = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"

func syncs(b *bed) {
	t := b.t
	at := "/v1/data_sources/" + b.source + "/syncs"
	nowhere := "/v1/data_sources/ds_fef05d54-47b4-431b-aed2-eb6b9e545430/syncs"
	b.status(409, "GET", at, "")
	b.status(409, "POST", at, "")
	b.status(409, "PATCH", at, `{"every":"6h"}`)
	for _, wrong := range []string{
		`{"spreadsheet":"https://example.com"}`, `{"spreadsheet":7}`, `{"spreadsheet":"` + syncSheet + `","every":"sometimes"}`, `{"spreadsheet":"` + syncSheet + `","every":"1m"}`,
		`{"spreadsheet":"` + syncSheet + `","every":"-6h"}`, `{"spreadsheet":"` + syncSheet + `","every":"0d"}`, `{"spreadsheet":"` + syncSheet + `","max_changed":101}`, `{"sheet":"x"}`, `{"spreadsheet":"` + syncSheet + `","max_removed":-1}`,
	} {
		b.status(422, "PATCH", at, wrong)
	}
	b.status(400, "PATCH", at, `[]`)
	b.status(413, "PATCH", at, `{"every":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	b.status(409, "GET", at, "") // nothing of that was kept
	set := b.must(200, "PATCH", at, `{"spreadsheet":"https://docs.google.com/spreadsheets/d/`+syncSheet+`/edit#gid=0","every":"1d","max_changed":30}`)
	if set["spreadsheet"] != syncSheet || set["every"] != "24h" || set["max_changed"] != 30.0 || set["max_removed"] != 20.0 || set["latest"] != nil {
		t.Errorf("%v", set)
	}
	b.status(422, "POST", at, `{"plan":"perhaps"}`)
	b.status(422, "POST", at, `{"plann":true}`)
	b.status(400, "POST", at, `[]`)
	b.status(413, "POST", at, `{"plan":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	job := text(t, b.must(202, "POST", at, `{"plan":true}`), "id")
	b.status(409, "POST", at, "")
	b.work()
	b.must(202, "POST", "/v1/imports/"+job+"/apply", "")
	b.work()
	got := b.do("GET", "/v1/imports/"+job, "").body
	for _, want := range []string{
		`"origin":"pull"`, `"place":"Customers!A4"`, `"link":"https://docs.google.com/spreadsheets/d/` + syncSheet + `/edit#gid=11&range=A4"`, `"status":"done"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	b.status(409, "POST", at, `{"customer":"c1"}`) // a spreadsheet is read as a whole
	b.status(409, "POST", at, `{"reprocess":true}`)
	for _, wrong := range []string{`{"customer":""}`, `{"customer":null}`, `{"customer":{}}`, `{"reprocess":"x"}`} {
		b.status(422, "POST", at, wrong)
	}
	b.must(202, "POST", at, "")
	b.work()
	now := b.must(200, "PATCH", at, `{"every":"never"}`)
	if now["every"] != "never" || now["next"] != nil || now["latest"] == nil {
		t.Errorf("%v", now)
	}
	b.must(200, "GET", at, "")
	for _, method := range []string{"GET", "POST", "PATCH"} {
		b.status(404, method, nowhere, `{}`)
	}
	b.status(405, "DELETE", at, "")
	b.status(405, "PUT", at, "")
}

func TestIntervals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"6h": 6 * time.Hour, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "never": 0} {
		d, err := wire.ParseEvery(text)
		if err != nil || d != want {
			t.Errorf("%s is %s, %v", text, d, err)
		}
		again, err := wire.ParseEvery(wire.FormatEvery(d))
		if err != nil || again != want {
			t.Errorf("%s is written as %s", text, wire.FormatEvery(d))
		}
	}
	for _, text := range []string{"", "0", "0s", "-1h", "d", "sometimes", "6"} {
		if d, err := wire.ParseEvery(text); err == nil {
			t.Errorf("%q is %s", text, d)
		}
	}
}
