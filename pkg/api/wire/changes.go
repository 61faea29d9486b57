package wire

// ChangeFilter selects changes of an import. Empty fields select all.
type ChangeFilter struct {
	Dataset string
	Action  string // Added, Changed, Removed or Kept
}

// ChangePage is a page of the changes that an import makes or would make.
type ChangePage struct {
	Changes  []Change `json:"changes"`
	Searched int      `json:"searched"` // changes that were read for this page
	Cursor   *string  `json:"cursor"`   // of the next page
	HasMore  bool     `json:"has_more"` // a page of a filter may be short, even empty, and others may follow
	// how many decimals the currencies that the changes name have: an amount of 123 is 1.23 with 2
	Decimals map[string]int `json:"decimals"`
}

// RejectFilter selects rejects. Empty fields select all.
type RejectFilter struct {
	Dataset string
	Column  string
	Code    string
}

// Reject is a row that an import did not take in, or that an undo left alone.
type Reject struct {
	Dataset string `json:"dataset,omitempty"`
	File    string `json:"file,omitempty"` // of an import: where the row is in the input
	Line    int64  `json:"line,omitempty"`
	Place   string `json:"place,omitempty"`  // of a row of a spreadsheet, such as Invoices!D17
	Link    string `json:"link,omitempty"`   // of a row in Google Sheets: opens the cell
	Record  string `json:"record,omitempty"` // of an undo: names the record
	Column  string `json:"column,omitempty"` // the column or field at fault; empty if it is not a single one
	Code    string `json:"code"`
	Reason  string `json:"reason"`          // a sentence
	Cells   []Cell `json:"cells,omitempty"` // of an import: the row as it came
	Row     string `json:"row,omitempty"`   // the row as it stood, if it could not be split into cells
}

// Cell is a cell of a row, or a field of a record in NDJSON.
type Cell struct {
	Column string `json:"column"`
	Value  string `json:"value"` // of NDJSON: JSON, unless it is a text
}

// RejectPage is a page of the rejects of an import, in the order of the input, or of what an undo left
// alone.
type RejectPage struct {
	Rejects  []Reject `json:"rejects"`
	Searched int      `json:"searched"` // rejects that were read for this page
	Cursor   *string  `json:"cursor"`   // of the next page
	HasMore  bool     `json:"has_more"` // a page of a filter may be short, even empty, and others may follow
}
