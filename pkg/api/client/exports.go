package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"reseed/pkg/api/wire"
)

// Export begins to export the data source of a uuid. It returns the job, which may still be running.
func (c *Client) Export(ctx context.Context, source string, how wire.ExportOptions) (*wire.Job, error) {
	return c.job(ctx, http.MethodPost, of("/v1/data_sources/%s/exports", source), how)
}

// DropExport deletes the file of an export that is done, and cancels one that is not.
func (c *Client) DropExport(ctx context.Context, id string) (*wire.Job, error) {
	return c.job(ctx, http.MethodDelete, of("/v1/exports/%s", id), nil)
}

// ExportCustomer begins to export all that is known of one customer. It returns the job, which may
// still be running.
func (c *Client) ExportCustomer(ctx context.Context, which wire.CustomerExport) (*wire.Job, error) {
	return c.job(ctx, http.MethodPost, "/v1/exports", which)
}

// ExportFile opens the ZIP that an export has made, from a byte on. Each call may lead to a new link,
// which is valid for a while.
func (c *Client) ExportFile(ctx context.Context, id string, from int64) (io.ReadCloser, error) {
	req, err := c.request(ctx, http.MethodGet, of("/v1/exports/%s/file", id), nil, "")
	if err != nil {
		return nil, err
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := c.send(req)
	if err != nil {
		return nil, err
	}
	skip := from // who does not know ranges answers with the whole file
	if resp.StatusCode == http.StatusPartialContent {
		if skip = 0; !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", from)) {
			_ = resp.Body.Close()
			return nil, errors.New("the server gave another part of the file than it was asked for")
		}
	}
	if _, err := io.CopyN(io.Discard, resp.Body, skip); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp.Body, nil
}
