package console

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// rejectsPage lists the rows that an import did not take in, and lets people correct them; or what an
// undo left alone.
type rejectsPage struct {
	base
	Job     jobPage
	Filter  wire.RejectFilter
	Cursor  string
	Rows    []rejectedRow
	Search  int64  // rows that were looked through
	Next    string // address of the next page; empty after the last one
	Whole   bool   // all cells are fields of the form, not only those at fault
	Problem string
}

// rejectedRow is one row with the fields of its form.
type rejectedRow struct {
	wire.Reject

	Number int // on the page
	Fields []rejectedField
	Others []wire.Cell // cells that are shown and are no fields
}

// rejectedField is a cell that can be corrected.
type rejectedField struct {
	ID      string // of the input, and the name of its value in the form
	Column  string
	Was, Is string
	AtFault bool
}

// jobRejects is GET /jobs/{id}/rejects?dataset=&column=&code=&cursor=&whole=.
func (c *Console) jobRejects(v *visit) (answer, error) {
	p, err := v.rejectsPage()
	return show("rejects", p), err
}

// rejectsPage is the page that the query, or the form, asks for.
func (v *visit) rejectsPage() (p rejectsPage, err error) {
	p.Job, err = v.jobPage()
	if err != nil {
		return p, err
	}
	p.Filter = wire.RejectFilter{Dataset: v.FormValue("dataset"), Column: v.FormValue("column"), Code: v.FormValue("code")}
	p.Cursor, p.Whole = v.FormValue("cursor"), v.FormValue("whole") != ""
	what := "Rejects of: "
	if p.Job.IsUndo() {
		what = "Left alone by: "
	}
	p.base = v.base(what+p.Job.Title, "jobs")
	page, err := v.client.RejectPage(v.ctx(), p.Job.Job.ID, p.Filter, p.Cursor, pageOfRejects)
	if err != nil {
		return p, err
	}
	p.Search = int64(page.Searched)
	for i, r := range page.Rejects {
		p.Rows = append(p.Rows, p.row(i, r))
	}
	if page.HasMore && page.Cursor != nil {
		p.Next = p.address(*page.Cursor, p.Whole)
	}
	return p, nil
}

// row is a reject with its fields. A row that could not be split into cells has none, and neither has one
// of a person on the do-not-reload list.
func (p rejectsPage) row(number int, r wire.Reject) rejectedRow {
	row := rejectedRow{Reject: r, Number: number}
	row.Row = beginningOf(r.Row)
	correctable := p.Job.Correctable() && r.Row == "" && r.Code != "forgotten"
	found := false
	for _, cell := range r.Cells {
		found = found || cell.Column == r.Column
	}
	for i, cell := range r.Cells {
		atFault := cell.Column == r.Column
		if correctable && (p.Whole || atFault || !found) {
			row.Fields = append(row.Fields, rejectedField{fmt.Sprintf("v.%d.%d", number, i), cell.Column, cell.Value, cell.Value, atFault})
		} else if cell.Value != "" {
			row.Others = append(row.Others, wire.Cell{Column: cell.Column, Value: beginningOf(cell.Value)})
		}
	}
	return row
}

// address is that of the list from a cursor on.
func (p rejectsPage) address(cursor string, whole bool) string {
	q := url.Values{}
	for name, value := range map[string]string{"dataset": p.Filter.Dataset, "column": p.Filter.Column, "code": p.Filter.Code, "cursor": cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if whole {
		q.Set("whole", "yes")
	}
	if len(q) == 0 {
		return jobPath(p.Job.Job, "rejects")
	}
	return jobPath(p.Job.Job, "rejects") + "?" + q.Encode()
}

// First is the address of the first page.
func (p rejectsPage) First() string { return p.address("", p.Whole) }

// Other is the address of the same page with all cells as fields, or without.
func (p rejectsPage) Other() string { return p.address(p.Cursor, !p.Whole) }

// Filtered reports whether the list has rows of one reason only.
func (p rejectsPage) Filtered() bool { return p.Filter != wire.RejectFilter{} }

// HasFields reports whether there is anything to correct.
func (p rejectsPage) HasFields() bool {
	for i := range p.Rows {
		if len(p.Rows[i].Fields) > 0 {
			return true
		}
	}
	return false
}

// Where is where the row is in the input.
func (r rejectedRow) Where() string {
	switch {
	case r.Place != "":
		return r.Place
	case r.File != "":
		return fmt.Sprintf("%s, line %d", r.File, r.Line)
	}
	return r.Record
}

// correctRejects is POST /jobs/{id}/rejects: makes a new plan of the same files with the corrected rows,
// which drops this one.
func (c *Console) correctRejects(v *visit) (answer, error) {
	p, err := v.rejectsPage()
	if err != nil {
		return answer{}, err
	}
	if !p.Job.Correctable() {
		p.Problem = "The rows of this job cannot be corrected any more: it is " + stateOf(p.Job.Job).Word + "."
		return answer{status: http.StatusConflict, page: "rejects", data: p}, nil
	}
	rows := p.corrected(v.Request)
	if len(rows) == 0 {
		p.Problem = "Nothing was corrected: change a cell first."
		return refuse("rejects", p), nil
	}
	j, err := v.client.Correct(v.ctx(), p.Job.Job.ID, rows)
	if refused, ok := refusal(err, http.StatusConflict, http.StatusUnprocessableEntity); ok {
		p.Problem = refused.Message
		return answer{status: refused.Status, page: "rejects", data: p}, nil
	}
	if err != nil {
		return answer{}, err
	}
	return goTo(jobPath(j, "")), nil
}

// corrected takes the values of the form into the page, and returns the rows that are corrected.
func (p rejectsPage) corrected(form *http.Request) (rows []wire.Correction) {
	for i := range p.Rows {
		row := &p.Rows[i]
		sent := form.PostFormValue("at."+strconv.Itoa(row.Number)) == row.At()
		one := wire.Correction{File: row.File, Line: row.Line, Cells: map[string]string{}}
		for k := range row.Fields {
			f := &row.Fields[k]
			if value, has := form.PostForm[f.ID]; sent && has && value[0] != f.Was {
				f.Is = value[0]
				one.Cells[f.Column] = f.Is
			}
		}
		if len(one.Cells) > 0 {
			rows = append(rows, one)
		}
	}
	return rows
}

// At tells which row the fields of a form are of.
func (r rejectedRow) At() string { return fmt.Sprintf("%d %s", r.Line, r.File) }

// jobRejectsFile is GET /jobs/{id}/rejects/file: the file of the rejects.
func (c *Console) jobRejectsFile(v *visit) (answer, error) {
	id := v.PathValue("id")
	file, err := v.client.Rejects(v.ctx(), id)
	if client.IsNotFound(err) { // the list says why
		return goTo("/jobs/" + url.PathEscape(id) + "/rejects"), nil
	}
	if err != nil {
		return answer{}, err
	}
	in := bufio.NewReader(file)
	ending, kind := ".csv", "text/csv; charset=utf-8"
	switch begin, _ := in.Peek(2); { // an error comes again with the next read
	case string(begin) == "PK":
		ending, kind = ".zip", "application/zip"
	case len(begin) > 0 && begin[0] == '{':
		ending, kind = ".ndjson", "application/x-ndjson"
	}
	return download(peeked{in, file}, id+".rejects"+ending, kind), nil
}

// peeked is a file whose first bytes were looked at.
type peeked struct {
	*bufio.Reader
	io.Closer
}
