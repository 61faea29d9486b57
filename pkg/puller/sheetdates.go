package puller

import (
	"fmt"
	"strings"

	"reseed/pkg/billing"
)

// dateNotes says how dates that are texts were read, and in which tabs; nothing if there are none. Of
// dates in another order it speaks only if there are both: a date format, which the rejects advise, would
// hold for all of them.
func (r *reading) dateNotes() []string {
	var read, others []string
	for i, t := range r.Tabs {
		if t.Dates == 0 {
			continue
		}
		read = append(read, fmt.Sprintf("%s (%d)", r.Book.Tabs[i].Title, t.Dates))
		if t.Others > 0 {
			others = append(others, fmt.Sprintf("%s (%d)", r.Book.Tabs[i].Title, t.Others))
		}
	}
	if len(read) == 0 {
		return nil
	}
	order := r.order()
	notes := []string{fmt.Sprintf(
		"Dates that are texts were read %s, such as %s for 2024-01-02, since the locale of the spreadsheet is %s: %s. If that is wrong, tell the data source its date format (\"reseed sources set\", date_format over REST).",
		order, order.Example(), r.Book.Locale, strings.Join(read, ", "))}
	if len(others) > 0 {
		notes = append(notes, fmt.Sprintf("Dates in another order are rejected: %s. Correct them in the spreadsheet: a date format of the data source would hold for the rest, too.", strings.Join(others, ", ")))
	}
	return notes
}

func (r *reading) order() billing.DateOrder { return billing.OrderIn(r.Book.Locale) }
