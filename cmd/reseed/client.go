package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/importer"
	"reseed/pkg/job"
)

// client speaks the REST API: of a server elsewhere, of the server that owns
// the data folder, or of this very process (see connect). So a command is one
// piece of code whichever it is.
type client struct {
	base  string
	key   string
	http  *http.Client
	close func() error
}

// apiError is an answer that is no success.
type apiError struct {
	status  int
	message string
}

func (e *apiError) Error() string { return e.message }

func isNotFound(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.status == http.StatusNotFound
}

// source is a data source as the API shows it.
type source struct {
	UUID      string    `json:"uuid"`
	Name      string    `json:"name"`
	System    string    `json:"system"`
	CreatedAt time.Time `json:"created_at"`
	Status    string    `json:"status"`
}

func (c *client) do(ctx context.Context, method, path string, body io.Reader, contentType string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.SetBasicAuth(c.key, "")
	resp, err := c.http.Do(req)
	switch {
	case err != nil && silent(err):
		return nil, fmt.Errorf("%s accepts connections but does not answer", c.base)
	case err != nil:
		return nil, fmt.Errorf("cannot reach %s: %w", c.base, errors.Unwrap(err))
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return nil, &apiError{resp.StatusCode, errorText(resp.StatusCode, text)}
}

// errorText finds the sentence in the API's shapes of error.
func errorText(status int, body []byte) string {
	var shape struct {
		Message string            `json:"message"`
		Error   string            `json:"error"`
		Errors  map[string]string `json:"errors"`
	}
	_ = json.Unmarshal(body, &shape)
	for field, text := range shape.Errors {
		return field + ": " + text
	}
	switch {
	case shape.Message != "":
		return shape.Message
	case shape.Error != "":
		return shape.Error
	}
	return fmt.Sprintf("the server answered %d", status)
}

func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	contentType := ""
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body, contentType = bytes.NewReader(b), "application/json"
	}
	resp, err := c.do(ctx, method, path, body, contentType)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return decode(resp.Body, out)
}

// decode reads an answer into out, unless that is nil.
func decode(body io.Reader, out any) error {
	if out == nil {
		return nil
	}
	return json.NewDecoder(body).Decode(out)
}

func (c *client) sources(ctx context.Context) ([]source, error) {
	var out struct {
		Sources []source `json:"data_sources"`
	}
	return out.Sources, c.call(ctx, http.MethodGet, "/v1/data_sources", nil, &out)
}

// sourceNamed finds a source by name (in any case) or uuid.
func (c *client) sourceNamed(ctx context.Context, name string) (source, bool, error) {
	list, err := c.sources(ctx)
	for _, s := range list {
		if s.UUID == name || strings.EqualFold(s.Name, name) {
			return s, true, err
		}
	}
	return source{}, false, err
}

func (c *client) addSource(ctx context.Context, name, system string) (source, error) {
	var s source
	return s, c.call(ctx, http.MethodPost, "/v1/data_sources", map[string]string{"name": name, "system": system}, &s)
}

func (c *client) job(ctx context.Context, id string) (*job.Job, error) {
	var j job.Job
	return &j, c.call(ctx, http.MethodGet, "/v1/jobs/"+url.PathEscape(id), nil, &j)
}

// jobs are the newest jobs, and the files of the upload folder that could not become one.
func (c *client) jobs(ctx context.Context) ([]job.Job, []wire.FailedUpload, error) {
	var out struct {
		Jobs    []job.Job           `json:"jobs"`
		Uploads []wire.FailedUpload `json:"uploads"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/jobs", nil, &out)
	return out.Jobs, out.Uploads, err
}

// open opens a file that belongs to an import: rejects, or changes in a format. A NotFound answer means there is none.
func (c *client) open(ctx context.Context, id, what string) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, "/v1/imports/"+url.PathEscape(id)+"/"+what, nil, "")
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// act does something to an import: apply, undo, or cancel. A plan is asked for of an undo alone.
func (c *client) act(ctx context.Context, id, what string, plan bool) (*job.Job, error) {
	method, path := http.MethodPost, "/v1/imports/"+url.PathEscape(id)+"/"+what
	if what == "cancel" {
		method, path = http.MethodDelete, "/v1/imports/"+url.PathEscape(id)
	}
	var in any
	if plan {
		in = map[string]bool{"plan": true}
	}
	var j job.Job
	return &j, c.call(ctx, method, path, in, &j)
}

func (c *client) samples(ctx context.Context, id string) ([]importer.Change, error) {
	var out struct {
		Changes []importer.Change `json:"changes"`
	}
	return out.Changes, c.call(ctx, http.MethodGet, "/v1/imports/"+url.PathEscape(id)+"/samples", nil, &out)
}

// erasure is the body of POST /v1/erasures.
type erasure struct {
	Selection string `json:"selection"`
	ID        string `json:"id,omitempty"`
	Source    string `json:"source,omitempty"`
	Grace     string `json:"grace,omitempty"`
	KeepEdits *bool  `json:"keep_edits,omitempty"`
	Forget    bool   `json:"forget,omitempty"`
	Confirm   *int64 `json:"confirm,omitempty"`
	DryRun    bool   `json:"dry_run,omitempty"`
}

func (c *client) erase(ctx context.Context, e erasure, out any) error {
	return c.call(ctx, http.MethodPost, "/v1/erasures", e, out)
}

// upload streams files into an import of the source.
func (c *client) upload(ctx context.Context, sourceUUID string, options map[string]string, files []string, progress io.Writer) (*job.Job, error) {
	pr, pw := io.Pipe()
	form := multipart.NewWriter(pw)
	begun, wrong := make(chan struct{}), make(chan error, 1)
	go func() {
		inputs, err := begin(files)
		close(begun)
		if err == nil {
			err = writeForm(form, options, inputs, progress)
		}
		wrong <- err
		pw.CloseWithError(err)
	}()
	select {
	case <-begun:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	resp, err := c.do(ctx, http.MethodPost, "/v1/data_sources/"+sourceUUID+"/imports", pr, form.FormDataContentType())
	_ = pr.CloseWithError(io.ErrClosedPipe)
	if err != nil {
		select {
		case cause := <-wrong: // a file that can't be read, which to the server is a form that breaks off
			if cause != nil && !errors.Is(cause, io.ErrClosedPipe) {
				return nil, cause
			}
		default:
		}
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var j job.Job
	return &j, decode(resp.Body, &j)
}

// uploadFile is a file to upload. What is no regular file, such as a pipe, is open already, with its first bytes in the buffer.
type uploadFile struct {
	name string
	file *os.File
	buf  *bufio.Reader
}

// begin waits until each pipe has something to read, or has ended. A server cuts an upload that says nothing for a while, so it
// hears of one only when the programs at the other ends have begun, say when a long query has its first row.
func begin(files []string) ([]uploadFile, error) {
	inputs := make([]uploadFile, len(files))
	for i, name := range files {
		inputs[i].name = name
		info, err := os.Stat(name)
		if err != nil || info.Mode().IsRegular() {
			continue // it is opened in its turn, where an error is told
		}
		f, err := os.Open(name) //nolint:gosec // the person names the file
		if err != nil {
			return nil, err
		}
		inputs[i].file, inputs[i].buf = f, bufio.NewReader(f)
		_, _ = inputs[i].buf.Peek(1) // whoever reads on gets its error
	}
	return inputs, nil
}

func writeForm(form *multipart.Writer, options map[string]string, inputs []uploadFile, progress io.Writer) error {
	for name, value := range options {
		if err := form.WriteField(name, value); err != nil {
			return err
		}
	}
	for _, in := range inputs {
		if err := in.write(form, progress); err != nil {
			return err
		}
	}
	return form.Close()
}

func (u uploadFile) write(form *multipart.Writer, progress io.Writer) (err error) {
	if u.file == nil {
		if u.file, err = os.Open(u.name); err != nil {
			return err
		}
		u.buf = bufio.NewReader(u.file)
	}
	defer func() { _ = u.file.Close() }()
	part, err := form.CreateFormFile("file", filepath.Base(u.name))
	if err != nil {
		return err
	}
	_, err = io.Copy(part, io.TeeReader(u.buf, lenient{progress}))
	return err
}

// lenient writes without fail: a progress bar refuses what is more than it was told, as of a file that grows or a pipe.
type lenient struct{ io.Writer }

// Write writes p, or does not.
func (l lenient) Write(p []byte) (int, error) {
	_, _ = l.Writer.Write(p)
	return len(p), nil
}
