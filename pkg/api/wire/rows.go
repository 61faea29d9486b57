package wire

import "time"

// States of rows, to filter by.
const (
	RowEdited   = "edited"   // fields were changed by hand
	RowDisabled = "disabled" // left out of figures by hand
	RowDeleted  = "deleted"  // deleted by hand; it is stored, so it can come back
)

// RowPage is a page of the rows of one dataset of a source, in the order of their keys.
type RowPage struct {
	Dataset  string   `json:"dataset"`
	Columns  []Column `json:"columns"`
	Rows     []Row    `json:"rows"`
	Searched int      `json:"searched"` // stored items that were read to find the rows
	Cursor   *string  `json:"cursor"`   // of the next page; of a filtered page, where to search on
	HasMore  bool     `json:"has_more"`
}

// Column is a column of the file format (docs/FORMATS.md).
type Column struct {
	Name  string `json:"name"`  // its header
	Field string `json:"field"` // the same in records of NDJSON
	Is    string `json:"is"`    // what it holds: text, note, id, email, country, currency, word, time, cents, integer, truth or attributes
	// In is the field that names the currency of cents. If it is empty, the row's Currency does.
	In string `json:"in,omitempty"`
}

// Row is a stored row as people see it.
type Row struct {
	ID       string   `json:"id,omitempty"`       // public id; rows of some datasets have none
	Customer string   `json:"customer,omitempty"` // public id of the customer that it is or belongs to
	Cells    []string `json:"cells"`              // by column: amounts in minor units unless asked otherwise, times in UTC; empty if not given
	Currency string   `json:"currency,omitempty"` // of its invoice, if it is a part of one
	Edited   *RowEdit `json:"edited,omitempty"`
	Disabled *Mark    `json:"disabled,omitempty"`
	Deleted  *Mark    `json:"deleted,omitempty"`
	// of the invoice that the row is a part of, and goes with
	InvoiceDisabled *Mark     `json:"invoice_disabled,omitempty"`
	InvoiceDeleted  *Mark     `json:"invoice_deleted,omitempty"`
	AddedAt         time.Time `json:"added_at"`
	ChangedAt       time.Time `json:"changed_at"` // by an import or over REST
}

// RowEdit says which fields of a row people have changed, and who has changed one last.
type RowEdit struct {
	Fields []string `json:"fields"`
	Mark
}

// RowFilter says which rows are wanted. What is empty does not matter.
type RowFilter struct {
	ExternalID string // exactly
	Email      string // exactly; of customers and contacts
	State      string // RowEdited, RowDisabled or RowDeleted
}

// RowPaging says which page of a list of rows is wanted, and how it is written.
type RowPaging struct {
	Cursor string // of the answer before; empty for the first page
	Size   int    // rows on a page; 0 is 200, which is the most
	Units  bool   // amounts are in units of their currencies, such as 10.50, not in minor units
}

// Remaining counts the rows that an import has added and that are still there.
type Remaining struct {
	Rows     Items   `json:"rows"`     // found so far, by dataset
	Searched int     `json:"searched"` // stored items that this request has read
	Cursor   *string `json:"cursor"`   // to count on; null if every row was looked at
	HasMore  bool    `json:"has_more"`
}
