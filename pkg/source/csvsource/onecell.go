package csvsource

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// singleQuotes refuses a header whose cells stand in single quotes. They quote nothing in CSV, so all
// values would keep theirs.
func singleQuotes(header []string) error {
	at := slices.IndexFunc(header, func(name string) bool {
		return len(name) > len("''") && strings.HasPrefix(name, "'") && strings.HasSuffix(name, "'")
	})
	if at < 0 {
		return nil
	}
	return fault.Newf(fault.Invalid, source.CodeBadQuote,
		"the cell %d of the header row stands in single quotes ('), which would be part of every value: export the file with double quotes (\") or none", at+1)
}

// oneCell is the error about a header row that could not be understood because all of it is one cell,
// with what is to be done; nil if it is not so. chosen says that the delimiter was given, or stands in
// the file.
func oneCell(s source.Shape, chosen bool, err error) error {
	var e *fault.Error
	if len(s.Header) != 1 || !errors.As(err, &e) {
		return nil
	}
	comma := delimiterIn(s.Header[0])
	if comma == "" {
		return nil
	}
	h, _ := billing.NewHeader(s.Header, nil) // only a mapping can be wrong
	found := *e
	found.Message = fmt.Sprintf("The header row is read as one cell: %s. ", h)
	if quoted := comma == s.Delimiter || !chosen && strings.Contains(usualDelimiters, comma); quoted {
		found.Message += `Each line is one quoted cell: remove the quotes (") around whole lines, and write those within them once; or save the table anew, with each column in a column of its own.`
		return &found
	}
	if comma == "\t" {
		comma = source.DelimiterTab
	}
	found.Message += fmt.Sprintf("Its columns seem to have another delimiter: import it with --delimiter %q.", comma)
	return &found
}

// usualDelimiters are those that are tried.
const usualDelimiters = ",;\t|"

// delimiterIn returns the delimiter under which a cell names most columns of a dataset; empty if it
// names none.
func delimiterIn(cell string) (best string) {
	most := 0
	for _, c := range usualDelimiters + "^~:!#$%&*/\\" {
		comma := string(c)
		names := strings.Split(strings.ReplaceAll(cell, `"`, ""), comma)
		h, _ := billing.NewHeader(names, nil) // only a mapping can be wrong
		if known, _ := h.Fit(""); len(names) > 1 && known > most {
			best, most = comma, known
		}
	}
	return best
}
