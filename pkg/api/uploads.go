package api

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/app"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// Waiting is what the API needs from the app for files that wait for a person. They are the methods
// of [app.App].
type Waiting struct {
	Announce func(context.Context, store.Source, []job.File) (*app.WaitingUpload, []objects.Form, error)
	Hold     func(ctx context.Context, source store.Source, began time.Time, files []job.File) (*app.WaitingUpload, error)
	Find     func(ctx context.Context, source store.Source, id string) (*app.WaitingUpload, error)
	Arrived  func(context.Context, *app.WaitingUpload) error
	Inspect  func(context.Context, job.File, importer.Inspector) ([]importer.Inspection, error)
	Adopt    func(context.Context, *app.WaitingUpload) error
	Drop     func(context.Context, *app.WaitingUpload) error
}

func waitingOf(a *app.App) Waiting {
	return Waiting{
		Announce: a.Announce, Hold: a.Hold, Find: a.Waiting, Arrived: a.Arrived, Inspect: a.InspectUpload, Adopt: a.Adopt, Drop: a.DropUpload,
	}
}

const whatUpload = "Upload"

// inspectedAtOnce is how many files, files in ZIPs and tabs one request inspects, unless it asks for
// one file.
const inspectedAtOnce = 100

// createUpload is POST /v1/data_sources/:uuid/uploads. The body is a multipart form with parts called
// file, or a JSON object that announces files; then the answer has forms for them.
func createUpload(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if httpapi.IsJSON(c.Request) {
		return c.announce(src)
	}
	o, began, err := c.receiveFiles(src, func(_ *order, options *httpapi.Fields) error {
		options.Only()
		return options.Refused()
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	u, err := c.Imports.Waiting.Hold(c.Context(), src, began, o.files)
	return c.answerUpload(u, nil, withoutSource(err))
}

// answerUpload answers with an upload that was made, unless err says that it was not.
func (c *call) answerUpload(u *app.WaitingUpload, forms []objects.Form, err error) (httpapi.Reply, error) {
	if err != nil {
		return httpapi.Reply{}, err
	}
	w := wireOfUpload(u)
	for i, f := range forms {
		w.Files[i].Form = &wire.UploadForm{URL: f.URL, Fields: f.Fields}
	}
	return httpapi.Reply{Status: http.StatusCreated, Body: w}, nil
}

// announce makes forms for files.
func (c *call) announce(src store.Source) (httpapi.Reply, error) {
	files, err := c.announced()
	if err != nil {
		return httpapi.Reply{}, err
	}
	u, forms, err := c.Imports.Waiting.Announce(c.Context(), src, files)
	return c.answerUpload(u, forms, withoutSource(err))
}

// announced reads the names and sizes of files.
func (c *call) announced() (files []job.File, err error) {
	f, err := c.Fields()
	if err != nil {
		return nil, err
	}
	if err := f.Require("files"); err != nil {
		return nil, err
	}
	f.Only("files")
	var all int64
	for i, raw := range f.List("files", maxFiles) {
		one, ok := httpapi.ParseFields(raw, fmt.Sprintf("files[%d].", i), f.Errs)
		if !ok {
			f.Fail("files", "must be a list of objects")
			break
		}
		one.Only("name", "size")
		one.Given("name", "size")
		file := job.File{Name: one.Text("name"), Size: one.WholeOr("size", 0)}
		switch all += max(0, file.Size); {
		case file.Size < 0, all > c.MaxUpload:
			one.Fail("size", fmt.Sprintf("is too large: all of them may have %d MB together", c.MaxUpload>>20))
		case !usableName(file.Name):
			one.Fail("name", textBadName)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		f.Fail("files", httpapi.TextBlank)
	}
	return files, f.Refused()
}

func wireOfUpload(u *app.WaitingUpload) *wire.Upload {
	w := &wire.Upload{ID: u.ID, Source: u.Source.UUID, Until: u.Until().UTC().Truncate(time.Second), Imported: u.Imported, Files: make([]wire.UploadFile, len(u.Files))}
	for i, f := range u.Files {
		w.Files[i] = wire.UploadFile{Number: i + 1, Name: f.Name, Size: f.Size, Arrived: f.Version != ""}
	}
	return w
}

// upload finds the upload of the path, and which of its files have arrived.
func (c *call) upload(src store.Source, id string) (*app.WaitingUpload, error) {
	u, err := c.Imports.Waiting.Find(c.Context(), src, id)
	if fault.Is(err, fault.NotFound) {
		return nil, httpapi.Absent(whatUpload)
	}
	if err != nil {
		return nil, err
	}
	return u, c.Imports.Waiting.Arrived(c.Context(), u)
}

// getUpload is GET /v1/data_sources/:uuid/uploads/:id?file=: its files, with what would be understood of
// them, or of one of them; with the dataset and the settings that are given, then those that the
// source keeps.
func getUpload(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	u, err := c.upload(src, c.PathValue("id"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	in, only, err := c.inspector(src, u)
	if err != nil {
		return httpapi.Reply{}, err
	}
	w, left := wireOfUpload(u), inspectedAtOnce
	for i, f := range u.Files {
		if f.Version == "" || only != 0 && only != i+1 || left <= 0 {
			continue
		}
		parts, err := c.Imports.Waiting.Inspect(c.Context(), f, in)
		if err != nil {
			return httpapi.Reply{}, err
		}
		for j := range parts {
			w.Files[i].Parts = append(w.Files[i].Parts, InspectionOf(&parts[j]))
		}
		left -= len(parts)
	}
	return httpapi.Reply{Status: http.StatusOK, Body: w}, nil
}

// inspector reads how files are to be inspected, and the number of the only one; 0 means all.
func (c *call) inspector(src store.Source, u *app.WaitingUpload) (in importer.Inspector, only int, err error) {
	f := httpapi.NewFields()
	for name, values := range c.URL.Query() {
		for _, v := range values {
			if name == "map" {
				f.Add(name, v)
			} else {
				f.Put(name, v)
			}
		}
	}
	f.Only(append(settingNames(), "file", "dataset")...)
	in = importer.Inspector{Dataset: billing.Dataset(datasetOf(f)), Settings: settingsOf(f), Beside: len(u.Files) > 1, Guess: true, Now: c.Now()}
	if n := f.Whole("file"); n != nil {
		if *n < 1 || *n > int64(len(u.Files)) {
			f.Fail("file", "is not the number of a file")
		}
		only = int(*n)
	}
	if err := f.Refused(); err != nil {
		return in, 0, err
	}
	in.Kept, err = c.Imports.Readings(c.Context(), src.Tag)
	return in, only, err
}

// dropUpload is DELETE /v1/data_sources/:uuid/uploads/:id.
func dropUpload(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	u, err := c.upload(src, c.PathValue("id"))
	if err == nil {
		err = c.Imports.Waiting.Drop(c.Context(), u)
	}
	return httpapi.Reply{Status: http.StatusNoContent}, err
}

// importUpload imports the files of an upload.
func (c *call) importUpload(src store.Source, f *httpapi.Fields) (*job.Job, error) {
	var o order
	id := f.Needed("upload")
	readings := c.readings(f)
	if err := o.read(f, "upload", "files"); err != nil {
		return nil, err
	}
	u, err := c.upload(src, id)
	if err != nil {
		return nil, err
	}
	if o.files, err = filesOf(u, readings); err != nil {
		return nil, err
	}
	if err := c.Imports.Waiting.Adopt(c.Context(), u); err != nil {
		return nil, err
	}
	src.Fence = u.Source.Fence
	return c.adopt(src, o)
}

// reading is what a request says about a file of an upload.
type reading struct {
	job.File

	leftOut bool
}

// readings reads what a request says about the files of an upload, by their numbers.
func (c *call) readings(f *httpapi.Fields) map[int64]reading {
	out := map[int64]reading{}
	for i, raw := range f.List("files", maxFiles) {
		one, ok := httpapi.ParseFields(raw, fmt.Sprintf("files[%d].", i), f.Errs)
		if !ok {
			f.Fail("files", "must be a list of objects")
			break
		}
		one.Only(append(settingNames(), "number", "dataset", "left_out")...)
		one.Given("number")
		r := reading{File: job.File{Dataset: datasetOf(one), Settings: settingsOf(one)}, leftOut: one.Truth("left_out")}
		n := one.WholeOr("number", 0)
		if _, twice := out[n]; twice {
			one.Fail("number", "is there twice")
		}
		out[n] = r
	}
	return out
}

// filesOf are the files of an upload that are imported.
func filesOf(u *app.WaitingUpload, readings map[int64]reading) (files []job.File, err error) {
	refuse := func(text string) error { return httpapi.Refused(map[string]string{"files": text}) }
	for n := range readings {
		if n < 1 || n > int64(len(u.Files)) {
			return nil, refuse(strconv.FormatInt(n, 10) + " is not the number of a file")
		}
	}
	for i, f := range u.Files {
		r := readings[int64(i+1)]
		switch {
		case r.leftOut:
			continue
		case f.Version == "":
			return nil, refuse(fmt.Sprintf("the file %s has not arrived; send it again, or leave it out", path.Base(f.Name)))
		}
		f.Dataset, f.Settings = r.Dataset, r.Settings
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, refuse("all of them are left out")
	}
	return files, nil
}

// correctImport is POST /v1/imports/:id/corrections.
func correctImport(c *call) (httpapi.Reply, error) {
	j, err := c.findJob(job.Import)
	if err != nil {
		return httpapi.Reply{}, err
	}
	rows, err := c.corrections()
	if err != nil {
		return httpapi.Reply{}, err
	}
	j, err = c.Imports.Correct(c.Context(), j, rows, c.Author)
	return answerJob(http.StatusAccepted, j, err)
}

// corrections reads corrected rows.
func (c *call) corrections() (rows []importer.Correction, err error) {
	f, err := c.Fields()
	if err != nil {
		return nil, err
	}
	if err := f.Require("rows"); err != nil {
		return nil, err
	}
	f.Only("rows")
	for i, raw := range f.List("rows", importer.MaxCorrections) {
		one, ok := httpapi.ParseFields(raw, fmt.Sprintf("rows[%d].", i), f.Errs)
		if !ok {
			f.Fail("rows", "must be a list of objects")
			break
		}
		one.Only("file", "line", "cells")
		one.Given("file", "line", "cells")
		row := importer.Correction{File: one.Text("file"), Line: one.WholeOr("line", 0), Cells: map[string]string{}}
		if cells := one.Object("cells"); cells != nil {
			for name := range cells.Raw {
				row.Cells[name] = cells.Limited(name, billing.MaxNote)
			}
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		f.Fail("rows", httpapi.TextBlank)
	}
	return rows, f.Refused()
}

// InspectionOf is what a person is told of an inspected file.
func InspectionOf(in *importer.Inspection) wire.Inspection {
	out := wire.Inspection{
		File: in.File, Tab: in.Tab, Understood: in.Understood(), Format: in.Format, Encoding: in.Encoding, Encodings: in.Encodings, Guessed: in.Guessed,
		Delimiter: in.Delimiter, HeaderLine: in.HeaderLine, Dataset: string(in.Dataset), Settings: wire.Settings(in.Settings), Kept: string(in.Kept),
		Read: in.Read, Rejected: in.Rejected, Whole: in.Whole, Notes: in.Notes, Helps: in.Helps, Decimals: map[string]int{},
	}
	has := map[string]bool{"": true}
	for _, c := range in.Columns {
		out.Columns = append(out.Columns, wire.InspectedColumn{Name: c.Name, Field: c.Field.Name, Holds: c.Field.Is, Nearest: c.Nearest})
		has[c.Field.Column] = true
	}
	for _, f := range billing.FieldsOf(in.Dataset) {
		if len(in.Columns) > 0 && !has[f.Column] {
			out.Unused = append(out.Unused, f.Column)
		}
	}
	for _, r := range in.Rows {
		row := wire.InspectedRow{Line: r.Line, Place: r.Place, Dataset: string(r.Dataset), Record: r.Record}
		if p := r.Problem; p != nil {
			row.Column, row.Code, row.Reason = p.Column, p.Code, p.Message
		}
		out.Rows = append(out.Rows, row)
		addDecimals(out.Decimals, r.Record)
	}
	if in.Err != nil {
		out.Error = in.Err.Error()
	}
	return out
}
