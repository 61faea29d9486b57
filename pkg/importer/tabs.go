package importer

import (
	"context"
	"fmt"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/grid"
)

// PlaceOf says where a row of a tab is, as spreadsheets do: Invoices!D17. column is the one at fault,
// by the name that problems have for it; empty if it is none or several. It is empty for a row of a
// file that is no tab.
func PlaceOf(f job.File, line int64, column string) string {
	if f.Tab == "" {
		return ""
	}
	return grid.Place(f.Tab, line, csvsource.ColumnAt(shape(f), column))
}

// rowAt says where a row of the input is, as a part of a sentence.
func rowAt(f job.File, line int64) string {
	if f.Tab != "" {
		return PlaceOf(f, line, "")
	}
	return fmt.Sprintf("line %d of %s", line, f.Name)
}

// lineAt is rowAt for readers who know the file.
func (w *work) lineAt(p place) string {
	if f := w.job.Import.Files[p.file]; f.Tab != "" {
		return PlaceOf(f, p.line, "")
	}
	return fmt.Sprintf("line %d", p.line)
}

// ReadTab finds out from the beginning of a tab how its cells are to be written to the frozen table.
// f says what is known of the table: Tab is the title of the tab, Name ends with it, Dataset and
// Settings are those of the import. kept is what the source keeps, or nil. The caller adds the zone
// and the epoch of serial numbers.
//
// Whether a tab is imported is told by the error. It is nil if the header row is that of a dataset.
// If [LeavesOut] reports true of it, the tab is no dataset's, and is left out; else the tab looks like
// a dataset, and its import would fail with this error: as soon as the frozen table is looked through.
func ReadTab(ctx context.Context, head *grid.Head, f job.File, kept *source.Readings) (grid.Reading, error) {
	s, err := scanHead(ctx, head.Text(), f, kept)
	if f.Dataset != "" && err != nil {
		f.Dataset = "" // which may be that of the other tabs
		if other, otherErr := scanHead(ctx, head.Text(), f, kept); otherErr == nil || isNoHeader(otherErr) {
			s, err = other, otherErr
		}
	}
	if err != nil {
		return grid.Reading{}, err
	}
	values := s.Settings.Values()
	return grid.Reading{Holds: csvsource.Holds(s), DateFormat: values.DateFormat, DecimalComma: values.DecimalComma}, nil
}

// LeavesOut reports whether a tab is left out because of what [ReadTab] says of it: it is empty, or
// has no header row of a dataset, and is not named like one.
func LeavesOut(title string, err error) bool {
	return fault.CodeOf(err) == codeEmptyFile || isNoHeader(err) && billing.Named(title) == ""
}

// codeEmptyFile is the code of a table without a header row.
const codeEmptyFile = "empty_file"
