package client

import (
	"context"
	"net/http"

	"reseed/pkg/api/wire"
)

// Correct makes a plan of the files of an import again, with corrected rows in place of rejected ones. It
// cancels the import, if that is a plan.
func (c *Client) Correct(ctx context.Context, jobID string, rows []wire.Correction) (*wire.Job, error) {
	return c.job(ctx, http.MethodPost, of("/v1/imports/%s/corrections", jobID), wire.Corrections{Rows: rows})
}
