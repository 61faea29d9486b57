package importer

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/grid"
	"reseed/pkg/source/xlsx"
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
	below, looks := head.From(billing.LooksLikeHeader)
	switch {
	case fault.CodeOf(err) == billing.CodeDuplicateHeader && !looks: // of a pivot table, say
		err = fault.Wrap(err, fault.Invalid, billing.CodeUnknownHeader, "no dataset's header row")
	case isNoHeader(err) && looks: // a column of it is misspelt, and there are titles above it
		if _, why := scanHead(ctx, below.Text(), f, kept); why != nil {
			err = why
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

// tab is a tab of a workbook.
type tab struct {
	book  *xlsx.Book
	file  string // path of the workbook in its ZIP; empty if it is the file itself
	n     int    // in the workbook
	title string
}

// path names the tab in its file.
func (t tab) path() string {
	if t.file == "" {
		return t.title
	}
	return t.file + "/" + t.title
}

// tabsOf lists the tabs of a workbook.
func tabsOf(z *zip.Reader, file string) (tabs []tab, err error) {
	book, err := xlsx.Open(z)
	if err != nil {
		return nil, damagedBook(err)
	}
	for n, title := range book.Tabs() {
		tabs = append(tabs, tab{book, file, n, title})
	}
	return tabs, nil
}

// damagedBook returns the error of a workbook that is damaged in place of an error that means that.
func damagedBook(err error) error {
	if isDamage(err) {
		return badZip(xlsx.CodeBadWorkbook, "The workbook is damaged; open it in a spreadsheet, save it anew, and import that.")
	}
	return err
}

// maxInner is how many bytes the workbooks in a ZIP may have together. They are held in memory, since a
// workbook cannot be read from front to back.
const maxInner = 64 << 20

// tabsIn lists the tabs of workbooks in a ZIP.
func tabsIn(books []*zip.File) (tabs []tab, err error) {
	var all uint64
	for _, e := range books {
		if all += min(e.UncompressedSize64, maxInner+1); all > maxInner {
			return nil, badZip("workbook_too_large", "The workbooks in the ZIP have more than %d MB together; import them on their own.", maxInner>>20)
		}
	}
	for _, e := range books {
		more, err := tabsOfEntry(e)
		if err != nil {
			return nil, inFile(err, e.Name)
		}
		tabs = append(tabs, more...)
	}
	return tabs, nil
}

func tabsOfEntry(e *zip.File) ([]tab, error) {
	in, err := e.Open()
	if err != nil {
		return nil, damagedBook(err)
	}
	defer func() { _ = in.Close() }()
	body, err := io.ReadAll(io.LimitReader(in, maxInner))
	if err != nil {
		return nil, damagedBook(err)
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	switch {
	case fault.CodeOf(source.Foreign(body)) == source.CodeWorkbook:
		return nil, source.Foreign(body)
	case err != nil:
		return nil, damagedBook(zip.ErrFormat)
	case !xlsx.Is(z):
		return nil, noEntries(z, nil)
	}
	return tabsOf(z, e.Name)
}

// judgeTab is the error of [ReadTab] for the i-th tab of a packed file.
func (p packed) judgeTab(ctx context.Context, i int) error {
	t := p.tabs[i]
	rows, err := t.book.Rows(t.n)
	if err != nil {
		return damagedBook(err)
	}
	defer func() { _ = rows.Close() }()
	head, err := rows.Head()
	if err != nil {
		return damagedBook(err)
	}
	_, err = t.read(ctx, head, p.part(len(p.entries)+i), p.kept)
	return err
}

// read is [ReadTab] of a tab of a workbook, whose serial numbers are in no time zone.
func (t tab) read(ctx context.Context, head *grid.Head, f job.File, kept *source.Readings) (grid.Reading, error) {
	r, err := ReadTab(ctx, head, f, kept)
	r.Since1904 = t.book.Since1904()
	return r, err
}

// noTable is the error for a packed file of which nothing is imported.
func (p packed) noTable(leftOut []string) error {
	if len(p.tabs) == 0 {
		return noTable(leftOut)
	}
	return badZip(billing.CodeUnknownHeader, "No tab has the header row of a dataset, with columns such as %q; the tabs are %s. \"reseed sources template\" writes a workbook to begin with.",
		billing.ColumnID(billing.Customers), Listed(TellApart(leftOut)))
}

// freezeTab writes the i-th tab of a packed file as a frozen table. each is called before each row.
func (p packed) freezeTab(ctx context.Context, i int, out io.Writer, each func() error) error {
	t := p.tabs[i]
	rows, err := t.book.Rows(t.n)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	head, err := rows.Head()
	if err != nil {
		return err
	}
	reading, err := t.read(ctx, head, p.part(len(p.entries)+i), p.kept)
	if err != nil && !fault.Is(err, fault.Invalid) { // others are found again when the table is looked through
		return err
	}
	table := grid.NewWriter(out, reading, 1)
	if err := head.Write(table); err != nil {
		return err
	}
	return rows.Freeze(table, each)
}

// freeze stores the frozen table of the i-th tab of a packed file, of at most room bytes.
func (w *work) freeze(ctx context.Context, object string, p packed, i int, room int64) error {
	out, err := w.objects.Replace(ctx, object)
	if err != nil {
		return err
	}
	defer out.Abort() // no effect once closed
	if err := p.freezeTab(ctx, i, &limited{out, room}, func() error {
		w.makeWay()
		return w.interrupted(ctx)
	}); err != nil {
		return err
	}
	return out.Close()
}

// beginning returns somewhat more than inspectBytes of the frozen table of the i-th tab, or all of it.
func (p packed) beginning(ctx context.Context, i int) ([]byte, error) {
	var text bytes.Buffer
	err := p.freezeTab(ctx, i, &text, func() error {
		if text.Len() > inspectBytes {
			return errEnough
		}
		return ctx.Err()
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return text.Bytes(), damagedBook(err)
}

// limited is a writer that fails at its limit.
type limited struct {
	io.Writer

	left int64
}

// Write writes, unless the limit is reached.
func (l *limited) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errTooLarge()
	}
	return l.Writer.Write(p)
}

func errTooLarge() error {
	return badZip("workbook_too_large", "The tab has more text than a workbook of this size may hold; save it as CSV, and import that.")
}
