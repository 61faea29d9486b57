package wire

import "time"

// Upload is files that wait for a person to say how they are to be imported.
type Upload struct {
	ID       string       `json:"id"`
	Source   string       `json:"source"` // uuid
	Until    time.Time    `json:"until"`  // they are deleted after that, unless an import was made of them
	Imported bool         `json:"imported"`
	Files    []UploadFile `json:"files"`
}

// UploadFile is a file of an upload.
type UploadFile struct {
	Number  int    `json:"number"` // from 1
	Name    string `json:"name"`
	Size    int64  `json:"size"` // bytes; as announced until it has arrived
	Arrived bool   `json:"arrived"`
	// only in the answer that announces it: how it is sent
	Form *UploadForm `json:"form,omitempty"`
	// what would be understood of it: of a ZIP or workbook one for each file or tab in it. None if it
	// was not asked about, or if too much else was
	Parts []Inspection `json:"parts,omitempty"`
}

// UploadForm is a form with which one file is sent, to where the objects are: multipart/form-data with
// the fields first, and then the file, called file. It is valid for an hour.
type UploadForm struct {
	URL    string            `json:"url"`
	Fields map[string]string `json:"fields"`
}

// Announced is a file that is going to be sent.
type Announced struct {
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
}

// Announcement asks for forms for files.
type Announcement struct {
	Files []Announced `json:"files"`
}

// Reading says how one file of an upload is read.
type Reading struct {
	Number  int    `json:"number"`            // of the file
	Dataset string `json:"dataset,omitempty"` // if empty, it is found from the header row
	LeftOut bool   `json:"left_out,omitempty"`
	Settings
}

// UploadImport asks for an import of an upload.
type UploadImport struct {
	Upload     string    `json:"upload"` // id
	Files      []Reading `json:"files,omitempty"`
	Dataset    string    `json:"dataset,omitempty"` // of files that Files has none for
	Mode       string    `json:"mode,omitempty"`    // Upsert or Replace
	Plan       bool      `json:"plan,omitempty"`
	MaxRemoved *int      `json:"max_removed,omitempty"`
	AllowEmpty bool      `json:"allow_empty,omitempty"`
	Remember   bool      `json:"remember,omitempty"`
	Mail       *bool     `json:"mail,omitempty"`
}

// Inspection is what an import would understand of a file. It holds values of the file.
type Inspection struct {
	File       string `json:"file"`
	Tab        string `json:"tab,omitempty"`
	Understood bool   `json:"understood"` // not all of its rows would be rejected
	Format     string `json:"format,omitempty"`
	Encoding   string `json:"encoding,omitempty"` // for people
	// of a table without a byte order mark: the encodings in which it may be, by their names in
	// settings, the likeliest first
	Encodings  []string          `json:"encodings,omitempty"`
	Guessed    bool              `json:"guessed,omitempty"` // the encoding in Settings is a guess
	Delimiter  string            `json:"delimiter,omitempty"`
	HeaderLine int64             `json:"header_line,omitempty"`
	Dataset    string            `json:"dataset,omitempty"`
	Settings   Settings          `json:"settings"` // with which it was read
	Kept       string            `json:"kept_for,omitempty"`
	Columns    []InspectedColumn `json:"columns,omitempty"`
	Unused     []string          `json:"unused,omitempty"`   // known columns that the table does not have
	Rows       []InspectedRow    `json:"rows,omitempty"`     // the first ones
	Decimals   map[string]int    `json:"decimals,omitempty"` // of the currencies in Rows: an amount of 123 is 1.23 with 2
	Read       int               `json:"read"`               // rows
	Rejected   int               `json:"rejected"`
	Whole      bool              `json:"whole"` // all of the file was read, and not only its beginning
	Notes      []string          `json:"notes,omitempty"`
	Helps      []string          `json:"helps,omitempty"` // settings that may help, as options of the command
	Error      string            `json:"error,omitempty"` // why it cannot be imported
}

// InspectedColumn is a column of a table, and what it is taken for.
type InspectedColumn struct {
	Name    string `json:"name"`
	Field   string `json:"field,omitempty"` // empty: the column is ignored
	Holds   string `json:"holds,omitempty"`
	Nearest string `json:"nearest,omitempty"` // the known column whose name is most alike, of one that is ignored
}

// InspectedRow is a row as it would be read, or why it would be rejected.
type InspectedRow struct {
	Line    int64          `json:"line"`
	Place   string         `json:"place,omitempty"` // of a row of a tab, such as Invoices!D17
	Dataset string         `json:"dataset,omitempty"`
	Record  map[string]any `json:"record,omitempty"`
	Column  string         `json:"column,omitempty"`
	Code    string         `json:"code,omitempty"`
	Reason  string         `json:"reason,omitempty"`
}

// Correction is a rejected row as a person has corrected it.
type Correction struct {
	File string `json:"file"` // as the import names it
	Line int64  `json:"line"`
	// the cells that are changed, by the names of their columns or fields
	Cells map[string]string `json:"cells"`
}

// Corrections are the corrected rows of an import.
type Corrections struct {
	Rows []Correction `json:"rows"`
}
