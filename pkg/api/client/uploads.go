package client

import (
	"context"
	"iter"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"

	"reseed/pkg/api/wire"
)

// Upload sends files that wait for a person to say how they are to be imported. It stops at the first
// error of files, and returns that.
func (c *Client) Upload(ctx context.Context, source string, files iter.Seq2[File, error]) (*wire.Upload, error) {
	var u wire.Upload
	err := c.sendForm(ctx, of("/v1/data_sources/%s/uploads", source), func(form *multipart.Writer) error {
		for f, err := range files {
			if err == nil {
				err = writeFile(form, f)
			}
			if err != nil {
				return err
			}
		}
		return form.Close()
	}, &u)
	return &u, err
}

// AnnounceUpload asks for forms with which files are sent to where the objects are. Where they are sent
// to the server itself, with [Client.Upload], the error is one for which [IsConflict] is true.
func (c *Client) AnnounceUpload(ctx context.Context, source string, files []wire.Announced) (*wire.Upload, error) {
	var u wire.Upload
	err := c.Call(ctx, http.MethodPost, of("/v1/data_sources/%s/uploads", source), wire.Announcement{Files: files}, &u)
	return &u, err
}

// InspectUpload returns an upload with what would be understood of its files.
func (c *Client) InspectUpload(ctx context.Context, source, id string) (*wire.Upload, error) {
	return c.upload(ctx, source, id, nil)
}

// InspectFile returns an upload with what would be understood of one of its files, if it is read so.
func (c *Client) InspectFile(ctx context.Context, source, id string, how wire.Reading) (*wire.Upload, error) {
	query := url.Values{"file": {strconv.Itoa(how.Number)}}
	maps.Copy(query, fieldsOf(wire.ImportOptions{Dataset: how.Dataset, Settings: how.Settings}))
	return c.upload(ctx, source, id, query)
}

func (c *Client) upload(ctx context.Context, source, id string, query url.Values) (*wire.Upload, error) {
	var u wire.Upload
	path := uploadPath(source, id)
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return &u, c.Call(ctx, http.MethodGet, path, nil, &u)
}

// DropUpload deletes an upload.
func (c *Client) DropUpload(ctx context.Context, source, id string) error {
	return c.Call(ctx, http.MethodDelete, uploadPath(source, id), nil, nil)
}

// ImportUpload imports the files of an upload into its data source. It returns the job, which may still
// be running.
func (c *Client) ImportUpload(ctx context.Context, source string, how wire.UploadImport) (*wire.Job, error) {
	return c.job(ctx, http.MethodPost, of("/v1/data_sources/%s/imports", source), how)
}

// Correct makes a plan that imports the files of a plan or import again, with corrected rows in place
// of rejected ones. A plan is cancelled then.
func (c *Client) Correct(ctx context.Context, jobID string, rows []wire.Correction) (*wire.Job, error) {
	return c.job(ctx, http.MethodPost, of("/v1/imports/%s/corrections", jobID), wire.Corrections{Rows: rows})
}

func uploadPath(source, id string) string {
	return of("/v1/data_sources/%s/uploads/", source) + url.PathEscape(id)
}
