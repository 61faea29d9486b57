package client

import (
	"context"
	"io"
	"net/http"

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

// ExportFile opens the ZIP that an export has made.
func (c *Client) ExportFile(ctx context.Context, id string) (io.ReadCloser, error) {
	return c.stream(ctx, of("/v1/exports/%s/file", id))
}
