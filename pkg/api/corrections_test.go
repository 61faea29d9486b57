package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"reseed/internal/ziptest"
	"reseed/pkg/httpapi"
)

// correct asks for corrections of a job. rows is the list in JSON.
func (b *bed) correct(id, rows string) answer {
	b.t.Helper()
	return b.do("POST", "/v1/imports/"+id+"/corrections", `{"rows":`+rows+`}`)
}

// corrected corrects a job, and returns the new plan.
func (b *bed) corrected(id, rows string) string {
	b.t.Helper()
	next := b.id(b.correct(id, rows))
	b.work()
	b.is(next, "planned")
	return next
}

// figures are the counts of the customers of a job.
func (b *bed) figures(id string) string {
	b.t.Helper()
	return fmt.Sprint(b.must(200, "GET", "/v1/imports/"+id, "")["datasets"])
}

// counts are figures.
func counts(added, changed, read, rejected, removed, unchanged int) string {
	return fmt.Sprintf("map[customers:map[added:%d changed:%d read:%d rejected:%d removed:%d unchanged:%d]]", added, changed, read, rejected, removed, unchanged)
}

const (
	// The rows of Nobody and of Bad are rejected.
	faulty = "Name,External ID,Email\nAnn,c1,ann@example.com\nNobody,,\nBad,c3,no address\n"
	theOne = `{"file":"a.csv","line":3,"cells":{"External ID":"c2"}}`
	theBad = `{"file":"a.csv","line":4,"cells":{"Email":"=bad@example.com","Name":"Good"}}`
)

// corrections: rejected rows of a plan are corrected round by round, until the replace removes what it
// should; what is wrong with a request.
func corrections(b *bed) {
	t := b.t
	b.done("done", file("old.csv", "Name,External ID\nOld,c8\nAnn,c1\n"))
	id := b.done("planned", part{"plan", "", "true"}, part{"mode", "", "replace"}, part{"max_removed", "", "100"}, file("a.csv", faulty))
	if got := b.figures(id); got != counts(0, 1, 3, 2, 0, 0) {
		t.Errorf("the plan: %s", got)
	}
	b.wrongCorrections(id)
	first := b.corrected(id, "["+theOne+"]")
	b.is(id, "cancelled")
	if got := b.figures(first); got != counts(1, 1, 3, 1, 0, 0) {
		t.Errorf("after the first round: %s", got)
	}
	if ans := b.correct(id, "["+theBad+"]"); ans.status != 409 {
		t.Errorf("a correction of a cancelled plan: %d %s", ans.status, ans.body)
	}
	second := b.corrected(first, "["+strings.Replace(theBad, "=bad@example.com", "still wrong", 1)+"]")
	if got := b.figures(second); got != counts(1, 1, 3, 1, 0, 0) {
		t.Errorf("after the second round: %s", got)
	}
	third := b.corrected(second, `[{"file":"a.corrected-2.csv","line":2,"cells":{"Email":"good@example.com"}}]`)
	if got := b.figures(third); got != counts(2, 1, 3, 0, 1, 0) {
		t.Errorf("after the third round: %s", got)
	}
	in, _ := b.is(third, "planned")["import"].(object)
	if text := fmt.Sprint(in["files"]); in["corrects"] != second || !strings.Contains(text, "left_out:2 name:a.csv") || !strings.Contains(text, "left_out:1 name:a.corrected-2.csv") {
		t.Errorf("corrects %v, files %s", in["corrects"], text)
	}
	b.must(202, "POST", "/v1/imports/"+third+"/apply", "")
	b.work()
	b.is(third, "done")
	var names []string
	for _, c := range entries(t, b.must(200, "GET", "/v1/customers?data_source_uuid="+b.source, ""), "entries") {
		names = append(names, fmt.Sprint(c["name"], " ", c["external_id"], " ", c["email"]))
	}
	if slices.Sort(names); !slices.Equal(names, []string{"Ann c1 ann@example.com", "Good c3 good@example.com", "Nobody c2 "}) {
		t.Errorf("customers: %q", names)
	}
}

func (b *bed) wrongCorrections(id string) {
	t := b.t
	jobs := len(entries(t, b.must(200, "GET", "/v1/imports", ""), "jobs"))
	files := len(b.below("uploads/"))
	for rows, want := range map[string]int{
		`[]`: 422, `1`: 422, `[1]`: 422, `[{"file":"a.csv","line":3}]`: 422, `[{"file":"a.csv","line":3,"cells":1}]`: 422, `[{"file":"a.csv","line":3,"cells":{},"x":1}]`: 422,
		`[{"file":"b.csv","line":3,"cells":{"Name":"x"}}]`: 422, `[{"file":"a.csv","line":2,"cells":{"Name":"x"}}]`: 422, `[{"file":"a.csv","line":99,"cells":{"Name":"x"}}]`: 422,
		`[{"file":"a.csv","line":3,"cells":{"Nickname":"x"}}]`: 422, `[{"file":"a.csv","line":3,"cells":{"Reject code":"x"}}]`: 422, "[" + theOne + "," + theOne + "]": 422,
		`[{"file":"a.csv","line":3,"cells":{"Name":7}},{"file":"a.csv","line":3,"cells":{"Name":{}}}]`: 422,
	} {
		if ans := b.correct(id, rows); ans.status != want {
			t.Errorf("%s: %d %s", rows, ans.status, ans.body)
		}
	}
	path := "/v1/imports/" + id + "/corrections"
	b.status(400, "POST", path, `{`)
	b.status(400, "POST", path, `{}`)
	b.status(413, "POST", path, `{"rows":["`+strings.Repeat("x", httpapi.MaxBody)+`"]}`)
	b.status(405, "GET", path, "")
	b.status(404, "POST", "/v1/imports/"+strings.Repeat("0", 32)+"/corrections", `{"rows":[`+theOne+`]}`)
	if now := len(entries(t, b.must(200, "GET", "/v1/imports", ""), "jobs")); now != jobs || len(b.below("uploads/")) != files {
		t.Errorf("%d jobs, %v are there", now, b.below("uploads/"))
	}
	b.is(id, "planned")
}

// TestCorrectionsOfEveryFormat: rows of ZIPs, of tables in other encodings, of lines of JSON, and rows
// that could not be split. A row of a file beside stays as it is.
func TestCorrectionsOfEveryFormat(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		file part
		rows string
		want []string // external ids
	}{
		"zip": {
			file("a.zip", ziptest.Of(t, "x/a.csv", "Name,External ID\nAnn,c1\n", "y/a.csv", "Name,External ID\nAnn,c2\nNobody,\n")),
			`{"file":"y/a.csv","line":3,"cells":{"External ID":"c3"}}`,
			[]string{"c1", "c2", "c3"},
		},
		"windows-1252": {file("a.csv", "Name;External ID\nM\xfcller;c1\nJos\xe9;\nAnn;c3\n"), `{"file":"a.csv","line":3,"cells":{"External ID":"c2"}}`, []string{"c1", "c2", "c3"}},
		"ndjson": {
			file("a.ndjson", `{"dataset":"customers","external_id":"c1"}`+"\n"+`{"dataset":"customers","name":7}`+"\n{broken\n"),
			`{"file":"a.ndjson","line":2,"cells":{"external_id":"c2","name":"Bob"}},{"file":"a.ndjson","line":3,"cells":{"_line":"{\"dataset\":\"customers\",\n\"external_id\":\"c3\"}"}}`,
			[]string{"c1", "c2", "c3"},
		},
		"workbook": {
			file("a.xlsx", workbook(t, "Customers", "Name,External ID;Ann,c1;Nobody,", "More customers", "Name,External ID;Cid,c3")),
			`{"file":"Customers","line":3,"cells":{"External ID":"c2"}}`,
			[]string{"c1", "c2", "c3"},
		},
		"unsplit": {file("a.csv", "Name,External ID\nAnn,c1\n\"Bo\"b,c2\nCid,c3\n"), `{"file":"a.csv","line":3,"cells":{"Name":"Bob","External ID":"c2"}}`, []string{"c1", "c2", "c3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, nil)
			parts := []part{{"plan", "", "true"}, file("other.csv", "Name,External ID\nZoe,c9\n,\n"), one.file}
			if name == "windows-1252" {
				parts = append([]part{{"encoding", "", name}}, parts...)
			}
			id := b.corrected(b.done("planned", parts...), "["+one.rows+"]")
			b.must(202, "POST", "/v1/imports/"+id+"/apply", "")
			b.work()
			b.is(id, "done")
			got := column(t, b.must(200, "GET", "/v1/customers?data_source_uuid="+b.source, ""), "entries", "external_id")
			if slices.Sort(got); !slices.Equal(got, append(one.want, "c9")) {
				t.Errorf("customers %v, want %v and c9", got, one.want)
			}
		})
	}
}

// TestCorrectionsPastOnePiece: rejects of many pieces, of an import that is done; its other rows are
// unchanged.
func TestCorrectionsPastOnePiece(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	const rows = 12_000
	var text strings.Builder
	text.WriteString("Name,External ID\n")
	for i := range rows {
		if i%4_000 == 7 {
			text.WriteString("Nobody,\n")
		} else {
			fmt.Fprintf(&text, "Name %d,c%d\n", i, i)
		}
	}
	id := b.done("done", file("a.csv", text.String()))
	var fixed []string
	for i := 7; i < rows; i += 4_000 {
		fixed = append(fixed, fmt.Sprintf(`{"file":"a.csv","line":%d,"cells":{"External ID":"c%d"}}`, i+2, i))
	}
	next := b.corrected(id, "["+strings.Join(fixed, ",")+"]")
	if got := b.figures(next); got != counts(len(fixed), 0, rows, 0, 0, rows-len(fixed)) {
		t.Errorf("the plan: %s", got)
	}
	b.is(id, "done")
}

// TestNoCorrectionsAfterAnErase: the files of the import may hold what was erased.
func TestNoCorrectionsAfterAnErase(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"source", "content", "dependent", "manual-customers", "customer"} {
		for _, swept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", kind, swept), func(t *testing.T) {
				t.Parallel()
				b := newBed(t, nil)
				b.done("done", file("b.csv", february))
				id := b.done("planned", part{"plan", "", "true"}, file("a.csv", faulty))
				if selection := kind; selection == "customer" {
					b.erase(`{"selection":"customer","id":%q}`, b.c1())
				} else if selection == "manual-customers" {
					b.erase(`{"selection":"manual-customers"}`)
				} else {
					b.erase(`{"selection":%q,"id":%q}`, selection, b.source)
				}
				if swept {
					b.work()
				}
				if ans := b.correct(id, "["+theOne+"]"); ans.status < 400 || ans.status >= 500 {
					t.Errorf("status %d: %s", ans.status, ans.body)
				}
				b.work()
				if left := b.below("uploads/" + b.source + "/"); swept && kind != "dependent" && len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		}
	}
}

// workbook makes a workbook of tabs, given by title and rows.
func workbook(tb testing.TB, tabs ...string) string {
	tb.Helper()
	f := excelize.NewFile()
	var errs []error
	for i := 0; i < len(tabs); i += 2 {
		_, err := f.NewSheet(tabs[i])
		errs = append(errs, err)
		for n, line := range strings.Split(tabs[i+1], ";") {
			row := strings.Split(line, ",")
			errs = append(errs, f.SetSheetRow(tabs[i], fmt.Sprintf("A%d", n+1), &row))
		}
	}
	var out bytes.Buffer
	errs = append(errs, f.DeleteSheet("Sheet1"), f.Write(&out))
	if err := errors.Join(errs...); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// TestFilesOfTwoJobsGoWithEither: a plan and its correction have files in common. An erase leaves none of
// them, nor their names, and no rejects can be corrected any more.
func TestFilesOfTwoJobsGoWithEither(t *testing.T) {
	t.Parallel()
	for _, selection := range []string{
		`"content","source":"First"`, `"dependent","source":"First"`, `"source","source":"First"`, `"customer","source":"First","external_id":"c1"`, `"manual-customers"`, `"import","id":"%s"`,
	} {
		t.Run(selection, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, nil)
			same := b.keepsBystanders()
			u := b.waits(b.source, file("secret.csv", faulty))
			first := b.id(b.ordered(fmt.Sprintf(`{"upload":%q,"plan":true}`, u.ID)))
			b.work()
			next := b.corrected(first, "["+strings.Replace(theOne, "a.csv", "secret.csv", 1)+"]")
			b.must(202, "POST", "/v1/imports/"+next+"/apply", "")
			b.work()
			third := b.corrected(next, "["+strings.Replace(theBad, "a.csv", "secret.csv", 1)+"]")
			b.must(202, "POST", "/v1/erasures", `{"selection":`+strings.Replace(selection, "%s", next, 1)+`}`)
			b.work()
			if left := b.below("uploads/"); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if jobs := b.do("GET", "/v1/jobs", "").body; strings.Contains(jobs, "secret") {
				t.Errorf("the jobs name the file: %s", jobs)
			}
			for _, id := range []string{next, third} {
				if ans := b.correct(id, "["+theOne+"]"); ans.status != 409 {
					t.Errorf("a correction: %d %s", ans.status, ans.body)
				}
			}
			same()
		})
	}
}
