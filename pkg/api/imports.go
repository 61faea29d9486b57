package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"reseed/pkg/api/wire"
	"reseed/pkg/app"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/records"
	"reseed/pkg/store"
)

const (
	maxFiles  = 100     // of one import
	maxOption = 1 << 10 // bytes of an option in a form
	typeCSV   = "text/csv; charset=utf-8"
	typeGzip  = "application/gzip"
	typeZip   = "application/zip"
)

// order is a client's request for an import.
type order struct {
	files   []job.File
	dataset string
	how     importer.Options
}

// createImport is POST /v1/data_sources/:uuid/imports. The body is a multipart form with one or
// more parts called file, which are streamed into the object store and not held in memory; or a
// JSON object whose member objects names objects that are in the bucket already. See [order.read]
// for the other parts or members.
func createImport(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	var j *job.Job
	if httpapi.IsJSON(c.Request) {
		j, err = c.importObjects(src)
	} else {
		j, err = c.importForm(src)
	}
	return answerJob(http.StatusAccepted, j, err)
}

// adopt makes the job of an order.
func (c *call) adopt(src store.Source, o order) (*job.Job, error) {
	var names []string
	for _, f := range o.files {
		names = append(names, f.Name)
	}
	for i, name := range importer.TellApart(names) {
		o.files[i].Name, o.files[i].Dataset = name, cmp.Or(o.files[i].Dataset, o.dataset)
	}
	return c.Imports.Submit(c.Context(), importer.Request{Source: src, Files: o.files, Origin: job.ByFile, By: c.Author, Options: o.how})
}

// importObjects imports objects that are in the bucket already, or the files of an upload.
func (c *call) importObjects(src store.Source) (*job.Job, error) {
	f, err := c.Fields()
	if err != nil {
		return nil, err
	}
	if f.Has("upload") {
		return c.importUpload(src, f)
	}
	o, err := c.refer(src, f)
	if err != nil {
		return nil, err
	}
	return c.adopt(src, o)
}

// importForm imports the files of a form. If the import is refused, it deletes the files. If it is
// not known whether the job was made, it keeps them; the tick finds out later.
func (c *call) importForm(src store.Source) (*job.Job, error) {
	o, _, err := c.receiveFiles(src, func(o *order, options *httpapi.Fields) error { return o.read(options) })
	if err != nil {
		return nil, err
	}
	j, err := c.adopt(src, o)
	if err != nil && !httpapi.Ours(err) && !fault.Is(err, fault.Busy) {
		c.Imports.Drop(c.Context(), o.files)
	}
	return j, err
}

// receiveFiles stores the files of a form, and returns when they began to come in. read reads its
// options. After an error no file is left.
func (c *call) receiveFiles(src store.Source, read readOptions) (o order, began time.Time, err error) {
	began = c.Now()
	o, err = c.receiveForm(src, read)
	if err == nil && c.Now().Sub(began) > app.UploadLife {
		err = httpapi.Problem(http.StatusRequestTimeout, "file", fmt.Sprintf("The upload took longer than %.0f hours: send the files in parts", app.UploadLife.Hours()))
	}
	if err != nil {
		c.Imports.Drop(c.Context(), o.files)
		err = c.fenced(src, err)
	}
	return o, began, err
}

// readOptions reads the options of a form, as far as they have come, into an order.
type readOptions func(*order, *httpapi.Fields) error

// fenced returns the error of an upload whose files could not be stored. The cause may be an erase
// of the source, which has deleted their folder; then it says so.
func (c *call) fenced(src store.Source, err error) error {
	if !httpapi.Ours(err) {
		return err
	}
	a, readErr := c.Records.Account(c.Context())
	if readErr != nil {
		return err
	}
	now, there := a.ByUUID(src.UUID)
	switch {
	case !there:
		return httpapi.Absent(records.WhatSource)
	case now.Fence != src.Fence:
		return importer.Fenced()
	}
	return err
}

// refer reads an order in JSON.
func (c *call) refer(src store.Source, f *httpapi.Fields) (order, error) {
	var o order
	if err := f.Require("objects"); err != nil {
		return o, err
	}
	var objects []string
	if json.Unmarshal(f.Value("objects"), &objects) != nil || len(objects) == 0 || len(objects) > maxFiles {
		f.Fail("objects", fmt.Sprintf("must be a list of 1 to %d keys of objects", maxFiles))
	}
	if err := o.read(f, "objects"); err != nil {
		return o, err
	}
	for _, key := range objects {
		file, err := c.Imports.Refer(c.Context(), src, key)
		if err != nil {
			return o, err
		}
		o.files = append(o.files, file)
	}
	return o, nil
}

// read reads the options of an order: dataset (of all files), mode, plan, max_removed and
// allow_empty, remember, mail, and the settings. All may be left out. A misspelt option is refused: it may have been a plan.
func (o *order) read(f *httpapi.Fields, others ...string) error {
	f.Only(slices.Concat(others, []string{"dataset", "mode", "plan", "max_removed", "allow_empty", "remember", "mail"}, settingNames())...)
	o.dataset, o.how.Mode = datasetOf(f), f.OneOf("mode", job.Upsert, job.Replace)
	o.how.Plan, o.how.AllowEmpty, o.how.Remember = f.Truth("plan"), f.Truth("allow_empty"), f.Truth("remember")
	o.how.Settings, o.how.Quiet = settingsOf(f), quiet(f)
	if n := f.Whole("max_removed"); n != nil {
		most := int(*n)
		if o.how.MaxRemoved = &most; *n < 0 || *n > 100 {
			f.Fail("max_removed", "must be a percentage from 0 to 100")
		}
	}
	return f.Refused()
}

// quiet reads the member mail: people are told of a job unless it is false.
func quiet(f *httpapi.Fields) bool { return f.Value("mail") != nil && !f.Truth("mail") }

// datasetOf reads the member dataset; empty if it is not given.
func datasetOf(f *httpapi.Fields) string {
	var names []string
	for _, ds := range billing.Order() {
		names = append(names, string(ds))
	}
	return f.OneOf("dataset", names...)
}

func (c *call) receiveForm(src store.Source, read readOptions) (order, error) {
	upload, err := c.Upload()
	if err != nil {
		return order{}, err
	}
	_, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	body := &formBody{ReadCloser: upload, end: []byte("--" + params["boundary"] + "--")}
	c.Body = body
	form, err := c.MultipartReader()
	if err != nil {
		return order{}, httpapi.Problem(http.StatusBadRequest, "file", "The request body must be a multipart form with one or more parts called file, or a JSON object that names objects")
	}
	o, err := c.receive(src, form, read)
	if err != nil {
		return o, c.receiveError(err)
	}
	if !body.ended { // a form that was cut after a file looks like one with fewer files
		return o, brokenForm()
	}
	if len(o.files) == 0 {
		return o, httpapi.Missing("file")
	}
	return o, nil
}

// formBody is the body of a form. It remembers whether the boundary that ends a form has come.
type formBody struct {
	io.ReadCloser
	end   []byte
	tail  []byte // the last bytes that were read, fewer than end has
	ended bool
}

// Read reads, and looks for the boundary.
func (b *formBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.ended {
		return n, err
	}
	keep := len(b.end) - 1
	seam := append(b.tail, p[:min(n, keep)]...)
	b.ended = bytes.Contains(seam, b.end) || bytes.Contains(p[:n], b.end)
	if n >= keep {
		seam = p[n-keep : n]
	}
	b.tail = append(b.tail[:0:0], seam[max(0, len(seam)-keep):]...)
	return n, err
}

// receive reads the form and stores its files. If an option before the files is wrong, it stores no
// file.
func (c *call) receive(src store.Source, form *multipart.Reader, read readOptions) (o order, err error) {
	options := httpapi.NewFields()
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return o, nil
		}
		if err != nil {
			return o, err
		}
		if part.FormName() == "" {
			return o, brokenForm()
		}
		if part.FormName() != "file" {
			if err := readOption(options, part); err != nil {
				return o, err
			}
			if err := read(&o, options); err != nil {
				return o, err
			}
			continue
		}
		if len(o.files) == maxFiles {
			return o, httpapi.Refused(map[string]string{"file": "is one more than an import can have"})
		}
		f, err := c.receiveFile(src, part)
		if err != nil {
			return o, err
		}
		o.files = append(o.files, f)
	}
}

// readOption reads an option of a form. There may be several called map.
func readOption(options *httpapi.Fields, part *multipart.Part) error {
	value, err := io.ReadAll(io.LimitReader(part, maxOption+1))
	switch name, text := part.FormName(), strings.TrimSpace(string(value)); {
	case err != nil:
		return err
	case len(value) > maxOption:
		options.Fail(name, fmt.Sprintf("is longer than %d bytes", maxOption))
	case name == "map":
		options.Add(name, text)
	default:
		options.Put(name, text)
	}
	return nil
}

// receiveFile stores one file. Its name is only shown to people, and never used as a path.
func (c *call) receiveFile(src store.Source, part *multipart.Part) (job.File, error) {
	_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name := params["filename"] // with its folders, which [multipart.Part.FileName] leaves out
	if name == "" {
		name = "upload.csv"
	}
	if !usableName(name) {
		return job.File{}, httpapi.Refused(map[string]string{"file": textBadName})
	}
	body := &watched{Reader: part}
	f, err := c.Imports.Keep(c.Context(), src, name, body)
	if body.err != nil { // the cause of err
		return f, body.err
	}
	return f, err
}

const textBadName = "has a name that is too long or holds invisible characters"

// usableName reports whether a file may have a name.
func usableName(name string) bool {
	return billing.CheckLength(name, billing.MaxText) == nil && !strings.ContainsFunc(name, isHidden)
}

// isHidden reports whether a character has no width. The spaces that some systems put into the names
// of files do have one.
func isHidden(r rune) bool { return !unicode.IsGraphic(r) }

// watched remembers the error that ended reading, unless that is io.EOF.
type watched struct {
	io.Reader
	err error
}

// Read reads, and remembers the error.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// receiveError is the answer to an error of receive. All but our own errors are the client's fault:
// its form breaks off, or is not one.
func (c *call) receiveError(err error) error {
	var over *http.MaxBytesError
	var known *httpapi.Error
	var sorted *fault.Error
	switch {
	case errors.As(err, &over):
		return httpapi.TooLarge(c.MaxUpload)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return httpapi.TooSlow()
	case errors.As(err, &known), errors.As(err, &sorted):
		return err
	}
	return brokenForm()
}

func brokenForm() *httpapi.Error {
	return httpapi.Problem(http.StatusBadRequest, "file", "The multipart form is broken or incomplete")
}

// listImports is GET /v1/imports: newest first.
func listImports(c *call) (httpapi.Reply, error) { return c.jobs(job.Import) }

// getImport is GET /v1/imports/:id.
func getImport(c *call) (httpapi.Reply, error) { return c.oneJob(job.Import) }

// applyImport is POST /v1/imports/:id/apply.
func applyImport(c *call) (httpapi.Reply, error) { return c.act(c.Imports.Apply, http.StatusAccepted) }

// undoImport is POST /v1/imports/:id/undo. It answers with the new job. With {"plan": true} that
// stops before it writes anything, with {"mail": false} nobody is told of it.
func undoImport(c *call) (httpapi.Reply, error) {
	return c.act(func(ctx context.Context, id string) (*job.Job, error) {
		f, err := c.FieldsIfAny() //nolint:contextcheck // a call has its own
		if err != nil {
			return nil, err
		}
		f.Only("plan", "mail")
		opt := importer.UndoOptions{Plan: f.Truth("plan"), Quiet: quiet(f), By: c.Author}
		if err := f.Refused(); err != nil {
			return nil, err
		}
		return c.Imports.Undo(ctx, id, opt)
	}, http.StatusAccepted)
}

// cancelImport is DELETE /v1/imports/:id. A running import ends as cancelled once its workers have
// stopped.
func cancelImport(c *call) (httpapi.Reply, error) { return c.act(c.Imports.Cancel, http.StatusOK) }

func (c *call) act(do func(context.Context, string) (*job.Job, error), status int) (httpapi.Reply, error) {
	j, err := c.findJob(job.Import)
	if err != nil {
		return httpapi.Reply{}, err
	}
	j, err = do(c.Context(), j.ID)
	return answerJob(status, j, err)
}

// getSamples is GET /v1/imports/:id/samples: the first changes of each dataset and action.
func getSamples(c *call) (httpapi.Reply, error) {
	j, err := c.findJob(job.Import)
	if err != nil {
		return httpapi.Reply{}, err
	}
	list := wire.Samples{Changes: []wire.Change{}}
	changes, err := c.Imports.Samples(c.Context(), j)
	if err != nil {
		return httpapi.Reply{}, err
	}
	for _, ch := range changes {
		list.Changes = append(list.Changes, wireOfChange(ch))
	}
	return httpapi.Reply{Status: http.StatusOK, Body: list}, nil
}

// getChanges is GET /v1/imports/:id/changes?format=: the whole change set, compressed; or, as JSON,
// page by page.
func getChanges(c *call) (httpapi.Reply, error) {
	j, err := c.findJob(job.Import)
	if err != nil {
		return httpapi.Reply{}, err
	}
	format := importer.NDJSON
	switch v := c.Param("format"); v {
	case asJSON:
		return c.listChanges(j)
	case "":
	default:
		format = importer.Format(v)
	}
	if format != importer.NDJSON && format != importer.DynamoDBJSON {
		return httpapi.Reply{}, httpapi.Unusable("format")
	}
	file, err := c.Imports.Changes(c.Context(), j, format)
	if err != nil {
		return httpapi.Reply{}, err
	}
	return c.download(file, typeGzip, fmt.Sprintf("%s.%s.gz", j.ID, format))
}

// download answers with a file, or redirects to where it is.
func (c *call) download(file app.Download, kind, name string) (httpapi.Reply, error) {
	if file.Link != "" {
		return httpapi.Reply{Status: http.StatusSeeOther, Header: map[string]string{"Location": file.Link}}, nil
	}
	header := map[string]string{"Content-Disposition": `attachment; filename="` + name + `"`}
	return httpapi.Reply{Status: http.StatusOK, Body: file.Body, Kind: kind, Header: header}, nil
}

// getRejects is GET /v1/imports/:id/rejects: a file, 404 if no row was rejected; or, with format=json,
// page by page.
func getRejects(c *call) (httpapi.Reply, error) {
	j, err := c.findJob(job.Import)
	if err != nil {
		return httpapi.Reply{}, err
	}
	switch c.Param("format") {
	case "":
	case asJSON:
		return c.listRejects(j)
	default:
		return httpapi.Reply{}, httpapi.Unusable("format")
	}
	file, err := c.Imports.Rejects(c.Context(), j)
	if fault.Is(err, fault.NotFound) {
		return httpapi.Reply{}, httpapi.Absent("Rejects file")
	}
	if err != nil {
		return httpapi.Reply{}, err
	}
	kind := map[string]string{".csv": typeCSV, ".ndjson": typeNDJSON, ".zip": typeZip}[file.Ending]
	return c.download(file, kind, j.ID+".rejects"+file.Ending)
}
