package billing

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"reseed/pkg/fault"
)

// Codes of a [Problem]. They stand in reports and reject files: never change one.
const (
	CodeRequired         = "required"                // the cell is blank
	CodeUnknownCurrency  = "unknown_currency"        // no ISO 4217 code
	CodeNotADate         = "not_a_date"              // not ISO, or no day of the calendar
	CodeDateInFuture     = "date_in_future"          // where only the past makes sense
	CodeNotAnInteger     = "not_an_integer"          // a count or an order
	CodeNotCents         = "not_a_number_of_cents"   // an amount
	CodeOutOfRange       = "out_of_range"            // too small, too large, or contradicts another cell
	CodeTooLong          = "too_long"                // more characters than may be
	CodeUnknownValue     = "unknown_value"           // not one of the words of this column
	CodeBadEmail         = "bad_email"               // cannot be an e-mail address
	CodeUnknownCountry   = "unknown_country"         // no country's name or code
	CodeNotABoolean      = "not_a_boolean"           // neither TRUE nor FALSE
	CodeZeroQuantity     = "zero_quantity"           // a quantity of nothing
	CodeBadCharacter     = "bad_character"           // a control or invisible character
	CodeUnknownEventType = "unknown_event_type"      // see EventTypes
	CodeMissingColumn    = "missing_column"          // of a header: a required column is not there
	CodeDuplicateHeader  = "duplicate_header"        // of a header: two columns of one name
	CodeUnknownField     = "unknown_field"           // of a record: the dataset has no field of this name
	CodeDuplicateField   = "duplicate_field"         // of a record: a field stands twice
	CodeWrongType        = "wrong_type"              // of a record: a text where a number belongs, or the like
	CodeUnknownHeader    = "unrecognised_header_row" // of a header: no dataset has these columns
)

func invalid(code, format string, args ...any) error {
	return fault.Newf(fault.Invalid, code, format, args...)
}

// quote shows a value in a message, shortened to 40 characters. Only values
// of columns that hold nothing personal get here; but a shifted column could
// bring an e-mail address along, so that is never shown (I8).
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

// quoteNumber is quote for what should have been an amount or a date: it shows
// nothing that does not have a digit, since that is more likely a name.
func quoteNumber(s string) string {
	if !strings.ContainsAny(s, "0123456789") && s != "NaN" {
		return "the value"
	}
	return quote(s)
}
