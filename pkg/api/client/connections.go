package client

import (
	"context"
	"net/http"

	"reseed/pkg/api/wire"
)

// Systems lists the billing systems that data sources can be connected with.
func (c *Client) Systems(ctx context.Context) ([]wire.System, error) {
	var list wire.Systems
	err := c.Call(ctx, http.MethodGet, "/v1/systems", nil, &list)
	return list.Systems, err
}

// CheckCredentials finds out whose credentials of a billing system they are, and whether they may read all that is needed. Nothing is
// stored.
func (c *Client) CheckCredentials(ctx context.Context, system string, with wire.Connect) (wire.Account, error) {
	var ok wire.Checked
	err := c.Call(ctx, http.MethodPost, of("/v1/systems/%s/check", system), with, &ok)
	return ok.Account, err
}

// Connection returns the account of a billing system that a source pulls from.
func (c *Client) Connection(ctx context.Context, source string) (w wire.Connection, err error) {
	err = c.Call(ctx, http.MethodGet, of(connection, source), nil, &w)
	return w, err
}

// Connect connects a source with an account of a billing system, or gives it new credentials of the same account. They are
// checked first.
func (c *Client) Connect(ctx context.Context, source string, with wire.Connect) (w wire.Connection, err error) {
	err = c.Call(ctx, http.MethodPut, of(connection, source), with, &w)
	return w, err
}

// ChangeConnection changes what the objects of a source's billing system become.
func (c *Client) ChangeConnection(ctx context.Context, source string, change wire.ConnectionChange) (w wire.Connection, err error) {
	err = c.Call(ctx, http.MethodPatch, of(connection, source), change, &w)
	return w, err
}

// Disconnect takes the credentials of a source away. What was imported stays.
func (c *Client) Disconnect(ctx context.Context, source string) (w wire.Connection, err error) {
	err = c.Call(ctx, http.MethodDelete, of(connection, source), nil, &w)
	return w, err
}

// CheckConnection checks the credentials that are stored for a source.
func (c *Client) CheckConnection(ctx context.Context, source string) (w wire.Connection, err error) {
	err = c.Call(ctx, http.MethodPost, of(connection+"/check", source), nil, &w)
	return w, err
}

const connection = "/v1/data_sources/%s/connection"
