package client

import (
	"context"
	"net/http"

	"reseed/pkg/api/wire"
)

// AccountSettings returns the settings of the account.
func (c *Client) AccountSettings(ctx context.Context) (s wire.AccountSettings, err error) {
	err = c.Call(ctx, http.MethodGet, "/v1/settings", nil, &s)
	return s, err
}

// ChangeAccountSettings changes settings of the account, and returns all. change has those to change,
// by their names in JSON: grace, max_removed, mail and mail_to; nil takes a setting away.
func (c *Client) ChangeAccountSettings(ctx context.Context, change map[string]any) (s wire.AccountSettings, err error) {
	err = c.Call(ctx, http.MethodPatch, "/v1/settings", change, &s)
	return s, err
}

// SendTestMail puts a test message into the outbox.
func (c *Client) SendTestMail(ctx context.Context) (s wire.AccountSettings, err error) {
	err = c.Call(ctx, http.MethodPost, "/v1/settings/test_mail", nil, &s)
	return s, err
}
