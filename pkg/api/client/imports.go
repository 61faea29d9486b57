package client

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"

	"reseed/pkg/api/wire"
)

// File is a file to import.
type File struct {
	Name string // for people
	// Open is called when the file's turn comes.
	Open func() (io.ReadCloser, error)
}

// Import sends files, and imports them into the data source of a uuid. It returns the job, which
// may still be running.
func (c *Client) Import(ctx context.Context, source string, how wire.ImportOptions, files []File) (*wire.Job, error) {
	var j wire.Job
	err := c.sendForm(ctx, of("/v1/data_sources/%s/imports", source), func(form *multipart.Writer) error { return writeForm(form, how, files) }, &j)
	return &j, err
}

// sendForm posts a form while write writes it, and reads the answer into out.
func (c *Client) sendForm(ctx context.Context, path string, write func(*multipart.Writer) error, out any) error {
	pr, pw := io.Pipe()
	form := multipart.NewWriter(pw)
	wrong := make(chan error, 1)
	go func() {
		err := write(form)
		wrong <- err
		pw.CloseWithError(err)
	}()
	resp, err := c.do(ctx, http.MethodPost, path, pr, form.FormDataContentType())
	_ = pr.CloseWithError(io.ErrClosedPipe)
	if err != nil {
		select {
		case cause := <-wrong: // a file could not be read, and the server saw a form that breaks off
			if cause != nil && !errors.Is(cause, io.ErrClosedPipe) {
				return cause
			}
		default:
		}
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return decode(resp.Body, out)
}

func writeForm(form *multipart.Writer, how wire.ImportOptions, files []File) error {
	for name, values := range fieldsOf(how) {
		for _, value := range values {
			if err := form.WriteField(name, value); err != nil {
				return err
			}
		}
	}
	for _, f := range files {
		if err := writeFile(form, f); err != nil {
			return err
		}
	}
	return form.Close()
}

// fieldsOf are options as fields of a form, without zero values.
func fieldsOf(how wire.ImportOptions) url.Values {
	s := how.Settings
	fields := url.Values{}
	for name, value := range map[string]string{
		"dataset": how.Dataset, "mode": how.Mode, "encoding": s.Encoding, "delimiter": s.Delimiter, "date_format": s.DateFormat,
		"amounts": s.Amounts, "decimal": s.Decimal, "ids": s.IDs,
	} {
		if value != "" {
			fields.Set(name, value)
		}
	}
	for name, yes := range map[string]bool{"plan": how.Plan, "allow_empty": how.AllowEmpty, "remember": how.Remember} {
		if yes {
			fields.Set(name, "true")
		}
	}
	if how.Mail != nil {
		fields.Set("mail", strconv.FormatBool(*how.Mail))
	}
	if how.MaxRemoved != nil {
		fields.Set("max_removed", strconv.Itoa(*how.MaxRemoved))
	}
	if s.SkipLines != 0 {
		fields.Set("skip_lines", strconv.Itoa(s.SkipLines))
	}
	if len(s.Map) > 0 {
		fields["map"] = s.Map
	}
	return fields
}

func writeFile(form *multipart.Writer, f File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	part, err := form.CreateFormFile("file", f.Name)
	if err != nil {
		return err
	}
	_, err = io.Copy(part, in)
	return err
}

// Job returns the import or erase of an id.
func (c *Client) Job(ctx context.Context, id string) (*wire.Job, error) {
	return c.job(ctx, http.MethodGet, of("/v1/jobs/%s", id), nil)
}

// Jobs returns the page of jobs after a cursor, newest first; the first page if cursor is empty.
func (c *Client) Jobs(ctx context.Context, cursor string) (page wire.JobPage, err error) {
	path := "/v1/jobs"
	if cursor != "" {
		path += "?cursor=" + url.QueryEscape(cursor)
	}
	err = c.Call(ctx, http.MethodGet, path, nil, &page)
	return page, err
}

// JobsOf is [Client.Jobs] of the jobs that a filter takes. A page may be empty and yet have more behind
// it.
func (c *Client) JobsOf(ctx context.Context, f wire.JobFilter, cursor string) (page wire.JobPage, err error) {
	query := url.Values{}
	for name, value := range map[string]string{"state": f.State, "kind": f.Kind, "source": f.Source, "cursor": cursor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	err = c.Call(ctx, http.MethodGet, "/v1/jobs?"+query.Encode(), nil, &page)
	return page, err
}

// Apply does what a planned import or undo has shown.
func (c *Client) Apply(ctx context.Context, id string) (*wire.Job, error) {
	return c.job(ctx, http.MethodPost, of("/v1/imports/%s/apply", id), nil)
}

// Undo takes an import back. It returns the new job that does; with plan, that job waits to be
// applied.
func (c *Client) Undo(ctx context.Context, id string, plan bool) (*wire.Job, error) {
	return c.UndoWith(ctx, id, wire.UndoOptions{Plan: plan})
}

// UndoWith is [Client.Undo] with all its options.
func (c *Client) UndoWith(ctx context.Context, id string, how wire.UndoOptions) (*wire.Job, error) {
	return c.job(ctx, http.MethodPost, of("/v1/imports/%s/undo", id), how)
}

// Cancel ends an import that waits, runs or is planned.
func (c *Client) Cancel(ctx context.Context, id string) (*wire.Job, error) {
	return c.job(ctx, http.MethodDelete, of("/v1/imports/%s", id), nil)
}

func (c *Client) job(ctx context.Context, method, path string, in any) (*wire.Job, error) {
	var j wire.Job
	return &j, c.Call(ctx, method, path, in, &j)
}

// Samples returns some of the changes that an import makes or would make.
func (c *Client) Samples(ctx context.Context, id string) ([]wire.Change, error) {
	var out wire.Samples
	err := c.Call(ctx, http.MethodGet, of("/v1/imports/%s/samples", id), nil, &out)
	return out.Changes, err
}

// Changes opens the whole change set of an import in a format (docs/CHANGES.md), compressed with
// gzip.
func (c *Client) Changes(ctx context.Context, id, format string) (io.ReadCloser, error) {
	return c.stream(ctx, of("/v1/imports/%s/changes", id)+"?format="+url.QueryEscape(format))
}

// Rejects opens the file of the rows that an import rejected, CSV or NDJSON as they came, or a ZIP of
// such files if several input files have some; of an undo, the CSV table of the rows that it left
// alone. If there are none, the error is one for which [IsNotFound] is true.
func (c *Client) Rejects(ctx context.Context, id string) (io.ReadCloser, error) {
	return c.stream(ctx, of("/v1/imports/%s/rejects", id))
}
