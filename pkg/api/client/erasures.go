package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"reseed/pkg/api/wire"
)

// PlanErase returns what an erase would remove. It changes nothing.
func (c *Client) PlanErase(ctx context.Context, e wire.Erasure) (*wire.ErasePlan, error) {
	e.DryRun = true
	var plan wire.ErasePlan
	return &plan, c.Call(ctx, http.MethodPost, "/v1/erasures", e, &plan)
}

// Erase makes a selection invisible and begins to remove it.
func (c *Client) Erase(ctx context.Context, e wire.Erasure) (*wire.Job, error) {
	e.DryRun = false
	return c.job(ctx, http.MethodPost, "/v1/erasures", e)
}

// Restore brings back what an erase has hidden, while its grace period lasts.
func (c *Client) Restore(ctx context.Context, id string) (*wire.Job, error) {
	return c.RestoreWith(ctx, id, wire.RestoreOptions{})
}

// RestoreWith is [Client.Restore] with all its options.
func (c *Client) RestoreWith(ctx context.Context, id string, how wire.RestoreOptions) (*wire.Job, error) {
	return c.job(ctx, http.MethodPost, of("/v1/erasures/%s/restore", id), how)
}

// Receipt returns the proof of an erase.
func (c *Client) Receipt(ctx context.Context, id string) (*wire.Receipt, error) {
	var r wire.Receipt
	return &r, c.Call(ctx, http.MethodGet, of("/v1/erasures/%s/receipt", id), nil, &r)
}

// ReceiptPage opens the proof of an erase as one page of HTML.
func (c *Client) ReceiptPage(ctx context.Context, id string) (io.ReadCloser, error) {
	return c.stream(ctx, of("/v1/erasures/%s/receipt?format=html", id))
}

// Receipts returns the proofs of all erases, newest first.
func (c *Client) Receipts(ctx context.Context) ([]wire.Receipt, error) {
	var all []wire.Receipt
	for cursor := ""; ; {
		var page wire.ReceiptPage
		if err := c.Call(ctx, http.MethodGet, "/v1/receipts?cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Receipts...)
		if !page.HasMore || page.Cursor == nil {
			return all, nil
		}
		cursor = *page.Cursor
	}
}
