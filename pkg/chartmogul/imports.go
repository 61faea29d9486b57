package chartmogul

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

const (
	maxFiles = 100 // of one import
	typeCSV  = "text/csv; charset=utf-8"
)

// createImport is POST /v1/data_sources/:uuid/imports: a multipart form with
// one or more parts called file, and optionally one called dataset, which then
// goes for all of them. Files are streamed into the object store; none is held in memory.
func createImport(c *call) (reply, error) {
	src, err := c.source()
	if err != nil {
		return reply{}, err
	}
	c.Body = http.MaxBytesReader(c.w, c.Body, c.limit)
	form, err := c.MultipartReader()
	if err != nil {
		return reply{}, failA(http.StatusBadRequest, "file", "The request body must be a multipart form with one or more parts called file")
	}
	files, dataset, err := c.receive(src, form)
	if err != nil {
		return reply{}, c.receiveError(err)
	}
	if len(files) == 0 {
		return reply{}, missing("file")
	}
	for i := range files {
		files[i].Dataset = dataset
	}
	j, err := c.Imports.Submit(c.Context(), src.UUID, files)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusAccepted, body: jobWireOf(j)}, nil
}

// receive stores the files of the form.
func (c *call) receive(src store.Source, form *multipart.Reader) (files []job.File, dataset string, err error) {
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return files, dataset, nil
		}
		if err != nil {
			return nil, "", err
		}
		switch part.FormName() {
		case "dataset":
			if dataset, err = readDataset(part); err != nil {
				return nil, "", err
			}
		case "file":
			if len(files) == maxFiles {
				return nil, "", refused(map[string]string{"file": "is more than one import can take"})
			}
			f, err := c.receiveFile(src, part)
			if err != nil {
				return nil, "", err
			}
			files = append(files, f)
		}
	}
}

// receiveFile stores one file. Its name is shown to people and nothing else: it names no path.
func (c *call) receiveFile(src store.Source, part *multipart.Part) (job.File, error) {
	name := part.FileName()
	if name == "" {
		name = "upload.csv"
	}
	if billing.CheckID(name) != nil {
		return job.File{}, refused(map[string]string{"file": "has a name that is too long or holds invisible characters"})
	}
	body := &watched{Reader: part}
	f, err := c.Imports.Keep(c.Context(), src, name, body)
	if body.err != nil { // the cause, whatever became of it on the way up
		return f, body.err
	}
	return f, err
}

// watched remembers why reading ended, if not at the end.
type watched struct {
	io.Reader
	err error
}

// Read reads on.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

func readDataset(part io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(part, 64))
	if err != nil {
		return "", err
	}
	name := strings.TrimSpace(string(b))
	if name != "" && !slices.Contains(billing.Order(), billing.Dataset(name)) {
		return "", refused(map[string]string{"dataset": "is none of the known datasets"})
	}
	return name, nil
}

// receiveError tells the client's faults from ours: what breaks off or is no form is the client's.
func (c *call) receiveError(err error) error {
	var over *http.MaxBytesError
	var known *failure
	var sorted *fault.Error
	switch {
	case errors.As(err, &over):
		return tooLarge(c.limit)
	case errors.As(err, &known), errors.As(err, &sorted):
		return err
	}
	return failA(http.StatusBadRequest, "file", "The multipart form is broken or incomplete")
}

// listImports is GET /v1/imports: newest first.
func listImports(c *call) (reply, error) { return c.jobs(job.Import) }

// getImport is GET /v1/imports/:id.
func getImport(c *call) (reply, error) { return c.oneJob(job.Import) }

// getRejects is GET /v1/imports/:id/rejects: 404 if every row was taken in.
func getRejects(c *call) (reply, error) {
	j, err := c.findJob(job.Import)
	if err != nil {
		return reply{}, err
	}
	file, err := c.Imports.Rejects(c.Context(), j.ID)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return reply{}, absent("Rejects file")
	}
	return reply{status: http.StatusOK, body: file, kind: typeCSV}, err
}
