package client

import (
	"context"
	"net/http"

	"reseed/pkg/api/wire"
)

// Syncs returns what a source pulls from, and how that goes.
func (c *Client) Syncs(ctx context.Context, source string) (s wire.Syncs, err error) {
	err = c.Call(ctx, http.MethodGet, of(syncs, source), nil, &s)
	return s, err
}

// ChangeSyncs connects a source with a spreadsheet, or changes when it is pulled.
func (c *Client) ChangeSyncs(ctx context.Context, source string, change wire.SyncChange) (s wire.Syncs, err error) {
	err = c.Call(ctx, http.MethodPatch, of(syncs, source), change, &s)
	return s, err
}

// Sync begins a pull.
func (c *Client) Sync(ctx context.Context, source string, how wire.SyncOptions) (j wire.Job, err error) {
	err = c.Call(ctx, http.MethodPost, of(syncs, source), how, &j)
	return j, err
}

const syncs = "/v1/data_sources/%s/syncs"
