package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"reseed/pkg/api/wire"
)

// Rows returns a page of the rows of a dataset of a source.
func (c *Client) Rows(ctx context.Context, source, dataset string, f wire.RowFilter, p wire.RowPaging) (page wire.RowPage, err error) {
	query := url.Values{"dataset": {dataset}}
	for name, value := range map[string]string{"external_id": f.ExternalID, "email": f.Email, "state": f.State, "cursor": p.Cursor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if p.Size > 0 {
		query.Set("per_page", strconv.Itoa(p.Size))
	}
	if p.Units {
		query.Set("amounts", "units")
	}
	err = c.Call(ctx, http.MethodGet, of("/v1/data_sources/%s/rows", source)+"?"+query.Encode(), nil, &page)
	return page, err
}

// Remaining counts the rows that an import has added and that are still there. It goes on behind a
// cursor; an empty one begins.
func (c *Client) Remaining(ctx context.Context, id, cursor string) (r wire.Remaining, err error) {
	err = c.Call(ctx, http.MethodGet, of("/v1/imports/%s/remaining", id)+"?"+url.Values{"cursor": {cursor}}.Encode(), nil, &r)
	return r, err
}
