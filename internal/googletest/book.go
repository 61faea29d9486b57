package googletest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Spreadsheet is a spreadsheet, as people make it.
type Spreadsheet struct {
	ID       string
	Title    string
	Locale   string // such as en_US
	TimeZone string // such as Europe/Berlin
	Tabs     []*Tab
	Shared   []string // e-mail addresses that may read it
	Version  int64    // of the file
	Trashed  bool
	MimeType string // empty: a spreadsheet of Google
}

// Tab is one sheet.
type Tab struct {
	ID      int64 // gid
	Title   string
	Hidden  bool
	Chart   bool // a tab that holds a chart, and no grid
	Rows    int  // of the grid; 0: as many as there are cells, and at least 1000
	Columns int  // of the grid; 0: as many as there are cells, and at least 26
	// Cells are the cells by row and column. A cell is nil, a string, a float64, an int, a bool, or a
	// [Cell]. Row, if it is set, makes the rows in their place, for large tabs.
	Cells [][]any
	Row   func(n int) []any // n counts from 0; the tab has Rows rows
}

// Cell is a cell whose text on the screen is not its value.
type Cell struct {
	Value any    // string, float64, int, bool or nil
	Shown string // as it is formatted
	Date  bool   // Value is a serial number that is formatted as a date
}

// Date makes a cell with a date: days since 1899-12-30.
func Date(serial float64, shown string) Cell { return Cell{Value: serial, Shown: shown, Date: true} }

// Error makes a cell whose formula failed, such as #N/A.
func Error(code string) Cell { return Cell{Value: code, Shown: code} }

// Tab finds a tab by its title.
func (b *Spreadsheet) Tab(title string) *Tab {
	for _, t := range b.Tabs {
		if t.Title == title {
			return t
		}
	}
	return nil
}

func (t *Tab) grid() (rows, columns int) {
	rows, columns = t.Rows, t.Columns
	if rows == 0 {
		rows = max(1000, len(t.Cells))
	}
	if columns == 0 {
		columns = 26
		for _, r := range t.Cells {
			columns = max(columns, len(r))
		}
	}
	return rows, columns
}

func (t *Tab) row(n int) []any {
	switch {
	case t.Row != nil:
		return t.Row(n)
	case n < len(t.Cells):
		return t.Cells[n]
	}
	return nil
}

// open finds a spreadsheet for a reader.
func (s *Server) open(id, reader string) (*Spreadsheet, *Failure) {
	b := s.books[id]
	switch {
	case reader == "":
		return nil, &Failure{Status: http.StatusUnauthorized, Reason: "authError", Message: "Request had invalid authentication credentials."}
	case b == nil:
		return nil, &Failure{Status: http.StatusNotFound, Reason: "notFound", Message: "Requested entity was not found."}
	case !slices.Contains(b.Shared, reader):
		return nil, &Failure{Status: http.StatusForbidden, Reason: "forbidden", Message: "The caller does not have permission"}
	}
	return b, nil
}

// file is drive.files.get. Drive tells nobody of a file that is not shared with them.
func (s *Server) file(id, reader string) (any, *Failure) {
	b, failed := s.open(id, reader)
	switch {
	case failed != nil && failed.Status == http.StatusForbidden:
		return nil, &Failure{Status: http.StatusNotFound, Reason: "notFound", Message: "File not found: " + id + "."}
	case failed != nil:
		return nil, failed
	}
	kind := b.MimeType
	if kind == "" {
		kind = "application/vnd.google-apps.spreadsheet"
	}
	return map[string]any{
		"kind": "drive#file", "id": b.ID, "name": b.Title, "mimeType": kind, "version": strconv.FormatInt(b.Version, 10), "trashed": b.Trashed,
	}, nil
}

// spreadsheet is sheets.spreadsheets.get.
func (s *Server) spreadsheet(id, reader string) (any, *Failure) {
	b, failed := s.open(id, reader)
	if failed != nil {
		return nil, failed
	}
	if b.MimeType != "" {
		return nil, &Failure{Status: http.StatusBadRequest, Reason: "failedPrecondition", Message: "This operation is not supported for this document"}
	}
	sheets := []any{}
	for i, t := range b.Tabs {
		p := map[string]any{"sheetId": t.ID, "title": t.Title, "index": i, "sheetType": "GRID"}
		if t.Hidden {
			p["hidden"] = true
		}
		if t.Chart {
			p["sheetType"] = "OBJECT"
		} else {
			rows, columns := t.grid()
			p["gridProperties"] = map[string]any{"rowCount": rows, "columnCount": columns}
		}
		sheets = append(sheets, map[string]any{"properties": p})
	}
	return map[string]any{
		"spreadsheetId": b.ID, "spreadsheetUrl": "https://docs.google.com/spreadsheets/d/" + b.ID + "/edit",
		"properties": map[string]any{"title": b.Title, "locale": b.Locale, "timeZone": b.TimeZone, "autoRecalc": "ON_CHANGE"},
		"sheets":     sheets,
	}, nil
}

// values is sheets.spreadsheets.values.batchGet.
func (s *Server) values(id, reader string, ranges []string, q map[string][]string) (any, *Failure) {
	b, failed := s.open(id, reader)
	if failed != nil {
		return nil, failed
	}
	list := []any{}
	for _, r := range ranges {
		one, failed := b.read(r, q)
		if failed != nil {
			return nil, failed
		}
		list = append(list, one)
	}
	return map[string]any{"spreadsheetId": b.ID, "valueRanges": list}, nil
}

// value is sheets.spreadsheets.values.get.
func (s *Server) value(id, reader, r string, q map[string][]string) (any, *Failure) {
	b, failed := s.open(id, reader)
	if failed != nil {
		return nil, failed
	}
	return b.read(r, q)
}

func option(q map[string][]string, name, usual string) string {
	if len(q[name]) > 0 {
		return q[name][0]
	}
	return usual
}

// read reads a range of cells.
func (b *Spreadsheet) read(text string, q map[string][]string) (any, *Failure) {
	r, ok := b.parse(text)
	if !ok {
		return nil, &Failure{Status: http.StatusBadRequest, Message: "Unable to parse range: " + text}
	}
	if rows, columns := r.tab.grid(); r.from >= rows || r.to > rows || r.left >= columns || r.right > columns {
		return nil, &Failure{
			Status: http.StatusBadRequest, Message: fmt.Sprintf("Range (%s) exceeds grid limits. Max rows: %d, max columns: %d", text, rows, columns),
		}
	}
	how, dates := option(q, "valueRenderOption", "FORMATTED_VALUE"), option(q, "dateTimeRenderOption", "SERIAL_NUMBER")
	if option(q, "majorDimension", "ROWS") != "ROWS" {
		return nil, &Failure{Status: http.StatusBadRequest, Message: "the stand-in reads by rows only"}
	}
	values := [][]any{}
	for n := r.from; n < r.to; n++ {
		cells := r.tab.row(n)
		row := []any{}
		for i := r.left; i < min(r.right, len(cells)); i++ {
			row = append(row, render(cells[i], how, dates))
		}
		for len(row) > 0 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		values = append(values, row)
	}
	for len(values) > 0 && len(values[len(values)-1]) == 0 {
		values = values[:len(values)-1]
	}
	out := map[string]any{
		"range":          fmt.Sprintf("%s!%s%d:%s%d", quoted(r.tab.Title), letters(r.left), r.from+1, letters(r.right-1), r.to),
		"majorDimension": "ROWS",
	}
	if len(values) > 0 {
		out["values"] = values
	}
	return out, nil
}

// render gives a cell as a render option says; an empty cell is an empty text.
func render(cell any, how, dates string) any {
	c, formatted := cell.(Cell)
	if !formatted {
		c.Value = cell
	}
	switch v := c.Value.(type) {
	case nil:
		return ""
	case int:
		c.Value = float64(v)
	}
	switch {
	case how == "FORMATTED_VALUE" && c.Shown != "", c.Date && dates == "FORMATTED_STRING":
		return c.Shown
	case how == "FORMATTED_VALUE":
		switch v := c.Value.(type) {
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		case bool:
			return strings.ToUpper(strconv.FormatBool(v))
		}
	}
	return c.Value
}

// area is a part of a tab: rows from and columns left to before to and right, from 0.
type area struct {
	tab                   *Tab
	from, to, left, right int
}

var a1 = regexp.MustCompile(`^([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)$`)

// parse reads a range in A1 notation: a tab, and cells of it.
func (b *Spreadsheet) parse(text string) (r area, ok bool) {
	title, cells := text, ""
	if i := strings.LastIndexByte(text, '!'); i >= 0 {
		title, cells = text[:i], text[i+1:]
	}
	if strings.HasPrefix(title, "'") && strings.HasSuffix(title, "'") && len(title) > 1 {
		title = strings.ReplaceAll(title[1:len(title)-1], "''", "'")
	}
	if r.tab = b.Tab(title); r.tab == nil || r.tab.Chart {
		return r, false
	}
	if cells == "" {
		r.to, r.right = r.tab.grid()
		return r, true
	}
	m := a1.FindStringSubmatch(cells)
	if m == nil {
		return r, false
	}
	r.left, r.right = number(m[1])-1, number(m[3])
	r.from, _ = strconv.Atoi(m[2])
	r.to, _ = strconv.Atoi(m[4])
	r.from--
	return r, r.from >= 0 && r.to > r.from && r.right > r.left
}

// number is the number of a column, from 1, by its letters.
func number(letters string) (n int) {
	for _, c := range letters {
		n = n*26 + int(c-'A') + 1
	}
	return n
}

// letters are the letters of a column by its number, from 0.
func letters(n int) string {
	if n < 26 {
		return string(rune('A' + n))
	}
	return letters(n/26-1) + string(rune('A'+n%26))
}

func quoted(title string) string {
	if regexp.MustCompile(`^[A-Za-z_]+$`).MatchString(title) {
		return title
	}
	return "'" + strings.ReplaceAll(title, "'", "''") + "'"
}
