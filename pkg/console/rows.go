package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"reseed/pkg/api/wire"
)

// rowsOnPage is how many rows a table shows at a time.
const rowsOnPage = 50

type rowsPage struct {
	sourceHead
	Dataset  dataset
	Filter   wire.RowFilter
	HasEmail bool
	Columns  []tableColumn
	Rows     []tableRow
	Marked   bool   // people have done something to one of the rows
	Reverted bool   // what was done to a row was taken back just now
	Here     string // address of this page
	Searched int64  // stored items that were read
	First    string // address of the first page; empty on that page
	Next     string // address of the next page; empty on the last one
}

// tableColumn is a column of a table.
type tableColumn struct {
	Name   string
	Number bool // its cells stand at the right
}

// tableRow is a row of a table.
type tableRow struct {
	wire.Row
	Shown []tableCell
}

// ByHand reports whether people have done something to the row.
func (r tableRow) ByHand() bool { return r.Edited != nil || r.Disabled != nil || r.Deleted != nil }

// Name is the row's external id, if it has one.
func (r tableRow) Name() string {
	for _, c := range r.Shown {
		if c.Heads {
			return c.Text
		}
	}
	return "this row"
}

// tableCell is a cell of a table.
type tableCell struct {
	Text     string
	Currency string // of an amount
	Time     bool
	Number   bool
	Heads    bool   // it names the row
	To       string // the page of the customer or record that it names; empty if there is none
	Edited   bool
}

// showRows is GET /sources/{id}/{dataset}.
func (c *Console) showRows(v *visit) (answer, error) {
	all := tables()
	at := slices.IndexFunc(all, func(ds dataset) bool { return ds.Name == v.PathValue("dataset") })
	if at < 0 {
		return c.unknown(v)
	}
	head, err := v.sourceHead(all[at].Name)
	if err != nil {
		return answer{}, err
	}
	p := rowsPage{sourceHead: head, Dataset: all[at], Filter: wire.RowFilter{
		ExternalID: strings.TrimSpace(v.FormValue("external_id")), Email: strings.TrimSpace(v.FormValue("email")), State: v.FormValue("state"),
	}}
	cursor := v.FormValue("cursor")
	page, err := v.client.Rows(v.ctx(), head.Source.UUID, all[at].Name, p.Filter, wire.RowPaging{Cursor: cursor, Size: rowsOnPage, Units: true})
	if err != nil {
		return answer{}, err
	}
	p.Here, p.Reverted = p.address(p.Filter, cursor), v.FormValue("did") == "reverted"
	p.fill(page)
	if cursor != "" {
		p.First = p.address(p.Filter, "")
	}
	if page.Cursor != nil {
		p.Next = p.address(p.Filter, *page.Cursor)
	}
	return answer{status: http.StatusOK, page: "rows", data: p}, nil
}

// fill takes the rows of an answer.
func (p *rowsPage) fill(page wire.RowPage) {
	p.Searched = int64(page.Searched)
	p.HasEmail = slices.ContainsFunc(page.Columns, func(c wire.Column) bool { return c.Is == "email" && c.Field == "email" })
	for _, c := range page.Columns {
		p.Columns = append(p.Columns, columnOf(c))
	}
	for _, r := range page.Rows {
		row := tableRow{Row: r}
		for i, text := range r.Cells {
			row.Shown = append(row.Shown, p.cell(page.Columns, r, i, text))
		}
		p.Rows, p.Marked = append(p.Rows, row), p.Marked || row.ByHand() || r.InvoiceDisabled != nil || r.InvoiceDeleted != nil
	}
}

// columnOf is a column as people see it: files have amounts in cents, tables in units.
func columnOf(c wire.Column) tableColumn {
	name := c.Name
	if cents := " in cents"; c.Is == "cents" && len(name) > len(cents) && strings.EqualFold(name[len(name)-len(cents):], cents) {
		name = name[:len(name)-len(cents)]
	}
	return tableColumn{name, isNumber(c)}
}

func isNumber(c wire.Column) bool { return c.Is == "cents" || c.Is == "integer" }

// cell makes the cell of a row in a column.
func (p *rowsPage) cell(columns []wire.Column, r wire.Row, at int, text string) tableCell {
	c := columns[at]
	cell := tableCell{Text: text, Time: c.Is == "time", Number: isNumber(c), Heads: c.Field == "external_id" && text != ""}
	cell.Edited = r.Edited != nil && slices.Contains(r.Edited.Fields, c.Field)
	if c.Is == "attributes" {
		cell.Text = attributesText(text)
	}
	if c.Is == "cents" && text != "" {
		cell.Text, cell.Currency = spaced(text), r.Currency
		if by := slices.IndexFunc(columns, func(o wire.Column) bool { return c.In != "" && o.Field == c.In }); by >= 0 && r.Cells[by] != "" {
			cell.Currency = r.Cells[by]
		}
	}
	switch {
	case c.Field == p.namesCustomer() && r.Customer != "":
		cell.To = "/customers/" + url.PathEscape(r.Customer)
	case cell.Heads && p.Dataset.Pages:
		cell.To = "/records/" + url.PathEscape(r.ID) + "?" + url.Values{"of": {r.Customer}}.Encode()
	}
	return cell
}

// namesCustomer is the field from whose cells links lead to the page of the row's customer: where the
// dataset does not name the customer, the invoice stands for it.
func (p *rowsPage) namesCustomer() string {
	switch p.Dataset.Name {
	case "customers":
		return "external_id"
	case "line_items", "transactions":
		return "invoice_external_id"
	}
	return "customer_external_id"
}

// spaced writes a decimal number with spaces between its thousands, as [number] does.
func spaced(text string) string {
	whole, rest, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "−", whole[1:]
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "\u202f" + whole[at:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}

// address is the address of a part of the table.
func (p *rowsPage) address(f wire.RowFilter, cursor string) string {
	query := url.Values{}
	for name, value := range map[string]string{"external_id": f.ExternalID, "email": f.Email, "state": f.State, "cursor": cursor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	to := p.To(p.Dataset.Name)
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	return to
}

// Chips lead to the rows that people have done something to, out of those that are searched for.
func (p rowsPage) Chips() (chips []navLink) {
	states := [][2]string{{"", "All rows"}}
	if p.Dataset.Editable {
		states = append(states, [2]string{wire.RowEdited, "Edited"}, [2]string{wire.RowDisabled, "Disabled"}, [2]string{wire.RowDeleted, "Deleted by hand"})
	}
	for _, s := range states {
		f := p.Filter
		f.State = s[0]
		chips = append(chips, link(p.address(f, ""), s[1], s[0], p.Filter.State))
	}
	return chips
}

// Filtered reports whether the table may lack rows.
func (p rowsPage) Filtered() bool { return p.Filter != wire.RowFilter{} }

// Unfinished reports whether the search has stopped before the page was full.
func (p rowsPage) Unfinished() bool { return p.Next != "" && len(p.Rows) < rowsOnPage }
