package sheets

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/source/grid"
)

// Book is a spreadsheet without its cells.
type Book struct {
	Title    string `json:"title"`
	Locale   string `json:"locale"`    // such as en_US
	TimeZone string `json:"time_zone"` // such as Europe/Berlin
	Tabs     []Tab  `json:"tabs"`      // with a grid, in their order; hidden ones too
}

// Tab is one tab with cells.
type Tab struct {
	ID      int64  `json:"gid"`
	Title   string `json:"title"`
	Rows    int    `json:"rows"` // of the grid, empty ones included
	Columns int    `json:"columns"`
	Hidden  bool   `json:"hidden,omitempty"`
}

// Span is rows of a tab: From to To, both included, counted from 1.
type Span struct {
	Tab      Tab
	From, To int
}

// Range spells the span in A1 notation, with all columns of the tab.
func (s Span) Range() string {
	return "'" + strings.ReplaceAll(s.Tab.Title, "'", "''") + "'!A" + strconv.Itoa(s.From) + ":" + grid.Letters(s.Tab.Columns-1) + strconv.Itoa(s.To)
}

// Values are the cells of a span by row and column: nil, string, float64 or bool. Empty cells at the
// end of a row, and empty rows at the end, are cut.
type Values [][]any

// Reader reads spreadsheets. The errors of all its methods are fault.Forbidden or fault.NotFound if
// the spreadsheet cannot be read, and say whom to share it with; fault.Unauthorized if the key of the
// service account is refused; fault.Conflict, code [CodeChanged], if a span does not exist any more;
// fault.Busy if Google asks to wait for longer than is worth it, and fault.Unavailable if it cannot be
// reached. They hold no secret and no cell.
type Reader interface {
	// Address is the e-mail address to share spreadsheets with.
	Address() string

	// Version returns the version of a spreadsheet's file, which rises with each change of it, a
	// moment later.
	Version(ctx context.Context, id string) (int64, error)

	// Book reads a spreadsheet without its cells.
	Book(ctx context.Context, id string) (Book, error)

	// Values reads spans in one call, in their order. Numbers and dates are not formatted.
	Values(ctx context.Context, id string, spans []Span) ([]Values, error)
}

var (
	inAddress = regexp.MustCompile(`^https://docs\.google\.com/(?:a/[^/]+/)?spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]+)(?:[/?#].*)?$`)
	published = regexp.MustCompile(`^https://docs\.google\.com/.*/d/e/`)
	bareID    = regexp.MustCompile(`^[A-Za-z0-9_-]{20,120}$`)
)

// ID finds the id of a spreadsheet in the address at which it is opened, or in the id itself. The
// error is fault.Invalid.
func ID(address string) (string, error) {
	address = strings.TrimSpace(address)
	if published.MatchString(address) {
		return "", wrong("This is the address of a published copy. Open the spreadsheet itself, and copy its address from there.")
	}
	if m := inAddress.FindStringSubmatch(address); m != nil {
		return m[1], nil
	}
	if bareID.MatchString(address) {
		return address, nil
	}
	return "", wrong("This is not the address of a spreadsheet in Google Sheets, which begins with https://docs.google.com/spreadsheets/d/.")
}

func wrong(text string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "bad_spreadsheet", Param: "spreadsheet", Message: text}
}

// Address is where people open a spreadsheet.
func Address(id string) string { return "https://docs.google.com/spreadsheets/d/" + id + "/edit" }

// CellAddress is where people open a cell, such as D17, or a row, such as 17:17.
func CellAddress(id string, gid int64, cell string) string {
	return Address(id) + "#gid=" + strconv.FormatInt(gid, 10) + "&range=" + cell
}
