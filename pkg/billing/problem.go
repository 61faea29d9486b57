package billing

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"reseed/pkg/fault"
)

// The codes of a [Problem]. Reports and reject files hold them, and programs read those: never
// change a code.
const (
	CodeRequired         = "required"                // the cell is blank
	CodeUnknownCurrency  = "unknown_currency"        // not an ISO 4217 code
	CodeNotADate         = "not_a_date"              // not an ISO date, or not in the calendar
	CodeDateInFuture     = "date_in_future"          // in a column where only the past makes sense
	CodeNotAnInteger     = "not_an_integer"          // a count or an order
	CodeNotCents         = "not_a_number_of_cents"   // an amount
	CodeNotAnAmount      = "not_an_amount"           // of an amount in units: not a decimal number
	CodeNotExact         = "amount_not_exact"        // of an amount in units: its currency has fewer decimals
	CodeOutOfRange       = "out_of_range"            // too small, too large, or contradicts another cell
	CodeTooLong          = "too_long"                // more characters than allowed
	CodeUnknownValue     = "unknown_value"           // not one of the words that this column allows
	CodeBadEmail         = "bad_email"               // cannot be an e-mail address
	CodeUnknownCountry   = "unknown_country"         // not the name or code of a country
	CodeNotABoolean      = "not_a_boolean"           // neither TRUE nor FALSE
	CodeZeroQuantity     = "zero_quantity"           // a quantity of 0
	CodeBadCharacter     = "bad_character"           // a control or invisible character
	CodeDamagedID        = "damaged_id"              // of a table: an id that a spreadsheet has rounded
	CodeNoID             = "no_id"                   // of a table: NULL or the like in place of an id
	CodeTotalRow         = "total_row"               // of a table: the row sums up the others
	CodeSheetError       = "spreadsheet_error"       // of a table: #N/A or the like in place of a value
	CodeUnknownEventType = "unknown_event_type"      // see EventTypes
	CodeMissingColumn    = "missing_column"          // of a header: a required column is not there
	CodeDuplicateHeader  = "duplicate_header"        // of a header: two columns of one name
	CodeUnknownField     = "unknown_field"           // of a record: the dataset has no field of this name
	CodeDuplicateField   = "duplicate_field"         // of a record: a field stands twice
	CodeWrongType        = "wrong_type"              // of a record: a text where a number belongs, or the like
	CodeUnknownHeader    = "unrecognised_header_row" // of a header: no dataset has these columns
	CodeWhichDataset     = "which_dataset"           // of a header: it may be of more than one dataset
	CodeBadMap           = "bad_map"                 // of a header: a mapping does not suit it
)

func invalid(code, format string, args ...any) error {
	return fault.Newf(fault.Invalid, code, format, args...)
}

// quote returns a value as messages show it, shortened to 40 characters. It is called only for
// columns that hold nothing personal. But the cells of a row may be shifted, so it never shows an
// e-mail address (invariant I8 in docs/ARCHITECTURE.md).
func quote(s string) string {
	const most = 40
	if strings.ContainsRune(s, '@') {
		return "the value"
	}
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// quoteNumber is quote for cells that should hold an amount or a date. It does not show a value
// without a digit, which is more likely a name.
func quoteNumber(s string) string {
	if !strings.ContainsAny(s, "0123456789") && s != "NaN" {
		return "the value"
	}
	return quote(s)
}
