package client

import (
	"context"
	"net/http"

	"reseed/pkg/api/wire"
)

// SignIn makes a session for the client's key, or for the link that it has instead.
func (c *Client) SignIn(ctx context.Context) (s wire.Session, err error) {
	return s, c.Call(ctx, http.MethodPost, "/v1/sessions", nil, &s)
}

// SignOut ends the session that the client has instead of a key.
func (c *Client) SignOut(ctx context.Context) error {
	return c.Call(ctx, http.MethodDelete, "/v1/sessions?which=this", nil, nil)
}

// SignOutEverywhere ends all sessions of the client's key.
func (c *Client) SignOutEverywhere(ctx context.Context) error {
	return c.Call(ctx, http.MethodDelete, "/v1/sessions", nil, nil)
}
