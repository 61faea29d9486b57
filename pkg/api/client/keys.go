package client

import (
	"context"
	"net/http"

	"reseed/pkg/api/wire"
)

// Keys lists all API keys, without the keys themselves.
func (c *Client) Keys(ctx context.Context) ([]wire.Key, error) {
	var out wire.Keys
	err := c.Call(ctx, http.MethodGet, "/v1/keys", nil, &out)
	return out.Keys, err
}

// AddKey makes an API key. Only this answer has the key itself.
func (c *Client) AddKey(ctx context.Context, name string) (k wire.Key, err error) {
	err = c.Call(ctx, http.MethodPost, "/v1/keys", wire.NewKey{Name: name}, &k)
	return k, err
}

// RemoveKey removes an API key.
func (c *Client) RemoveKey(ctx context.Context, name string) (out wire.RemovedKey, err error) {
	err = c.Call(ctx, http.MethodDelete, of("/v1/keys/%s", name), nil, &out)
	return out, err
}
