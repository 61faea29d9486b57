package puller

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/grid"
	"reseed/pkg/source/sheets"
)

// Limits.
const (
	mostAttempts = 3   // to read a spreadsheet that changes meanwhile
	mostTabs     = 200 // with cells
	// settled is how old a pull must be before its version counts: versions lag behind edits.
	settled = 10 * time.Minute
)

// reading is how far one attempt to read a spreadsheet has come.
type reading struct {
	Version int64       `json:"version"` // of the file before
	Book    sheets.Book `json:"book"`
	Walk    sheets.Walk `json:"walk"`
	Tabs    []tab       `json:"tabs"` // as in Book
}

// tab is how far a tab is frozen.
type tab struct {
	Seen    bool          `json:"seen,omitempty"`   // its beginning was read
	Wanted  bool          `json:"wanted,omitempty"` // it is a dataset's
	Problem string        `json:"problem,omitempty"`
	Reading *grid.Reading `json:"reading,omitempty"`
	Next    int64         `json:"next"`  // the row after the last one that was written
	Pages   int           `json:"pages"` // objects that hold it
	// texts that were read as dates, and dates in another order, see [grid.Writer.Dates]
	Dates  int64 `json:"dates,omitempty"`
	Others int64 `json:"others,omitempty"`
}

func (r *run) spreadsheet() string { return r.job.Import.Pull.Spreadsheet }

// sheet reads the spreadsheet to its end, and makes files of it.
func (r *run) sheet(ctx context.Context) error {
	for {
		err := r.attempt(ctx)
		if err == nil || !changed(err) {
			return err
		}
		if r.state.Attempt >= mostAttempts {
			return fault.Newf(fault.Conflict, sheets.CodeChanged,
				"The spreadsheet was changed while it was read, %d times in a row, so none of what was read is used. Sync again when nobody is working in it.", mostAttempts)
		}
		r.state.Reading, r.state.Pulled = nil, 0
		if err := r.save(r.state); err != nil {
			return err
		}
	}
}

// changed reports whether an error says that the spreadsheet changed while it was read.
func changed(err error) bool { return fault.CodeOf(err) == sheets.CodeChanged }

// attempt goes on with the attempt under way, or begins one.
func (r *run) attempt(ctx context.Context) error {
	if r.state.Reading == nil {
		if done, err := r.open(ctx); done || err != nil {
			return err
		}
	}
	var err error
	if r.kept, err = r.readings(ctx); err != nil {
		return err
	}
	b, w := r.state.Reading.Book, &r.state.Reading.Walk
	for {
		if err := r.interrupted(ctx); err != nil {
			return err
		}
		spans, tabs := w.Page(b)
		if len(spans) == 0 {
			break
		}
		values, err := r.p.c.Sheets.Values(ctx, r.spreadsheet(), spans)
		if err != nil {
			return err
		}
		w.Took(spans, tabs, values)
		for n, i := range tabs {
			if err := r.take(ctx, i, spans[n], values[n]); err != nil {
				return err
			}
		}
		r.state.answers()
		if err := r.save(r.state); err != nil {
			return err
		}
	}
	after, err := r.p.c.Sheets.Version(ctx, r.spreadsheet())
	if err != nil {
		return err
	}
	if after != r.state.Reading.Version {
		return fault.New(fault.Conflict, sheets.CodeChanged, "The spreadsheet was changed while it was read.")
	}
	return r.finish(ctx)
}

func (r *run) readings(ctx context.Context) (*source.Readings, error) {
	kept, err := r.p.c.Importer.Readings(ctx, r.job.Tag)
	return &kept, err
}

// open begins an attempt. done says that nothing need be read.
func (r *run) open(ctx context.Context) (done bool, err error) {
	if err := r.interrupted(ctx); err != nil {
		return false, err
	}
	version, err := r.p.c.Sheets.Version(ctx, r.spreadsheet())
	if err != nil {
		return false, err
	}
	if r.state.Attempt == 0 {
		if r.state.Unchanged, err = r.unchanged(ctx, version); err != nil {
			return false, err
		}
		if r.state.Unchanged {
			r.state.Version = version
			return true, nil
		}
	}
	b, err := r.p.c.Sheets.Book(ctx, r.spreadsheet())
	if err != nil {
		return false, err
	}
	if len(b.Tabs) > mostTabs {
		return false, fault.Newf(fault.Invalid, sheets.CodeTooManyTabs, "The spreadsheet has %d tabs; a pull reads at most %d. Keep the data in a spreadsheet of its own.", len(b.Tabs), mostTabs)
	}
	r.state.Attempt++
	r.state.Reading = &reading{Version: version, Book: b, Walk: sheets.NewWalk(b), Tabs: make([]tab, len(b.Tabs))}
	for i := range r.state.Reading.Tabs {
		r.state.Reading.Tabs[i].Next = 1
	}
	if _, err := r.p.c.Objects.DeleteAll(ctx, importer.InputDir(r.job.ID)); err != nil { // of an attempt before
		return false, err
	}
	return false, r.save(r.state)
}

// unchanged reports whether neither the spreadsheet nor anything else that a pull rests on has changed
// since the last one that was applied.
func (r *run) unchanged(ctx context.Context, version int64) (bool, error) {
	spec := r.job.Import.Pull
	if spec.Applied == "" {
		return false, nil
	}
	was, err := r.p.c.Ledger.Get(ctx, spec.Applied)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return false, err
	}
	writer, touched, err := r.p.c.Store.Marks(ctx, r.job.Tag)
	if err != nil {
		return false, err
	}
	ground, err := r.groundNow(ctx)
	if err != nil {
		return false, err
	}
	before := was.Import.Pull
	return before.Version == version && before.Ground == ground && spec.Ground == ground && was.Import.UndoneBy == "" && writer == was.ID &&
		r.p.c.Now().Sub(was.EndedAt) >= settled && was.CreatedAt.Sub(touched) >= settled, nil
}

// groundNow is the ground of the job's source as it is now: it may have waited for its turn.
func (r *run) groundNow(ctx context.Context) (string, error) {
	dir, err := r.p.c.Store.Directory(ctx)
	if err != nil {
		return "", err
	}
	src, there := dir.ByTag(r.job.Tag)
	if !there {
		return "", errErased()
	}
	s, err := r.p.Setting(ctx, src.Tag)
	if err != nil {
		return "", err
	}
	return r.p.ground(ctx, dir, src, s)
}

// take freezes a page of a tab.
func (r *run) take(ctx context.Context, i int, s sheets.Span, values sheets.Values) error {
	t := &r.state.Reading.Tabs[i]
	if !t.Seen {
		if err := r.look(ctx, i, values); err != nil {
			return err
		}
	}
	if !t.Wanted {
		r.state.Reading.Walk.Skip(r.state.Reading.Book, i)
		return nil
	}
	var page bytes.Buffer
	w := grid.NewWriter(&page, *t.Reading, t.Next)
	row := make([]grid.Cell, 0, s.Tab.Columns)
	for n, cells := range values {
		row = row[:0]
		for _, c := range cells {
			row = append(row, cellOf(c))
		}
		if err := w.Row(int64(s.From+n), row); err != nil {
			return err
		}
		if !grid.Blank(row) {
			t.Next = int64(s.From+n) + 1
			r.state.Pulled++
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	dates, others := w.Dates()
	t.Dates += dates
	t.Others += others
	if page.Len() == 0 {
		return nil
	}
	if err := r.p.c.Objects.Put(ctx, r.page(i, t.Pages), &page); err != nil {
		return err
	}
	t.Pages++
	return nil
}

// look finds out from the beginning of a tab whether it is a dataset's, and how its cells are written.
func (r *run) look(ctx context.Context, i int, values sheets.Values) error {
	t, about := &r.state.Reading.Tabs[i], r.state.Reading.Book.Tabs[i]
	t.Seen = true
	var head grid.Head
	for n, cells := range values {
		row := make([]grid.Cell, len(cells))
		for k, c := range cells {
			row[k] = cellOf(c)
		}
		if !head.Add(int64(n+1), row) {
			break
		}
	}
	reads, err := importer.ReadTab(ctx, &head, job.File{Name: about.Title, Tab: about.Title}, r.kept)
	switch {
	case err == nil:
		reads.Zone, reads.Order = r.state.Reading.Book.TimeZone, r.state.Reading.order()
		t.Wanted, t.Reading = true, &reads
	case ctx.Err() != nil:
		return ctx.Err()
	case fault.KindOf(err) != fault.Invalid:
		return err
	case !importer.LeavesOut(about.Title, err):
		t.Problem = err.Error()
	}
	return nil
}

func pagesDir(jobID string) string { return importer.InputDir(jobID) + "pages/" }

// page names the object of a page of a tab.
func (r *run) page(i, n int) string {
	return fmt.Sprintf("%s%03d-%05d", pagesDir(r.job.ID), i, n)
}

// finish joins the pages of each tab to its frozen table.
func (r *run) finish(ctx context.Context) error {
	var out outcome
	var left []string
	for i, about := range r.state.Reading.Book.Tabs {
		t := r.state.Reading.Tabs[i]
		switch {
		case t.Problem != "":
			out.Lost = append(out.Lost, fmt.Sprintf("The tab %s looks like a dataset's, but cannot be read: %s Its rows stay as they are.", about.Title, sentence(t.Problem)))
		case !t.Wanted:
			left = append(left, about.Title)
		default:
			f, err := r.join(ctx, i)
			if err != nil {
				return err
			}
			out.Files = append(out.Files, f)
		}
	}
	out.Notes = r.state.Reading.dateNotes()
	if len(left) > 0 {
		out.Notes = append(out.Notes, "Tabs that are no dataset's, left out: "+strings.Join(left, ", ")+".")
	}
	if len(out.Files) == 0 {
		why := "It has no tab with a header row of a dataset."
		if len(out.Lost) > 0 {
			why = strings.Join(out.Lost, " ")
		}
		return fault.New(fault.Invalid, sheets.CodeNoDatasets, "Nothing of the spreadsheet can be imported. "+why)
	}
	r.state.Version, r.state.Result, r.state.Reading = r.state.Reading.Version, &out, nil
	return nil
}

func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }

// join makes one object of the pages of a tab.
func (r *run) join(ctx context.Context, i int) (job.File, error) {
	about := r.state.Reading.Book.Tabs[i]
	key := fmt.Sprintf("%s%03d.csv", importer.InputDir(r.job.ID), i)
	w, err := r.p.c.Objects.Replace(ctx, key)
	if err != nil {
		return job.File{}, err
	}
	defer w.Abort()
	for n := range r.state.Reading.Tabs[i].Pages {
		if err := r.copyPage(ctx, w, r.page(i, n)); err != nil {
			return job.File{}, err
		}
	}
	if err := w.Close(); err != nil {
		return job.File{}, err
	}
	info, err := r.p.c.Objects.Stat(ctx, key)
	gid := about.ID
	return job.File{Name: about.Title, Object: key, Version: info.Version, Size: info.Size, Tab: about.Title, GID: &gid}, err
}

func (r *run) copyPage(ctx context.Context, w io.Writer, key string) error {
	in, err := r.p.c.Objects.Open(ctx, key, "", 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	_, err = io.Copy(w, in)
	return err
}

// cellOf gives a value of the Sheets API a kind. A formula that failed comes as the text that is shown,
// such as #N/A, which imports reject.
func cellOf(v any) grid.Cell {
	switch v := v.(type) {
	case string:
		return grid.Cell{Kind: grid.Text, Text: v}
	case float64:
		return grid.Cell{Kind: grid.Number, Number: v}
	case bool:
		if v {
			return grid.Cell{Kind: grid.Truth, Number: 1}
		}
		return grid.Cell{Kind: grid.Truth}
	}
	return grid.Cell{}
}
