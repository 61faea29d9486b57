package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"reseed/pkg/api/wire"
)

// PlanErase returns what an erase would remove. It changes nothing.
func (c *Client) PlanErase(ctx context.Context, e wire.Erasure) (*wire.ErasePlan, error) {
	e.DryRun = true
	var plan wire.ErasePlan
	return &plan, c.Call(ctx, http.MethodPost, "/v1/erasures", e, &plan)
}

// Erase makes a selection invisible and begins to remove it. If it confirms a plan that does not say
// what would be done now, the error is an [*Error] with the plan as it is now. Asked twice with one
// plan, it returns the same job.
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

// stalePlanOf finds the new plan in the answer to a stale one; nil if it is another answer.
func stalePlanOf(status int, body []byte) *wire.ErasePlan {
	var stale wire.StalePlan
	if status != http.StatusConflict || json.Unmarshal(body, &stale) != nil {
		return nil
	}
	return stale.Plan
}

// Erasures returns a page of the erases, newest first. The cursor of the first page is empty.
func (c *Client) Erasures(ctx context.Context, cursor string) (*wire.JobPage, error) {
	var page wire.JobPage
	return &page, c.Call(ctx, http.MethodGet, "/v1/erasures?cursor="+url.QueryEscape(cursor), nil, &page)
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

// ReceiptsAfter returns a page of the proofs of erases, newest first. The cursor comes from the page
// before, and is empty for the first page. perPage is how many; 0 is as many as the server likes.
func (c *Client) ReceiptsAfter(ctx context.Context, cursor string, perPage int) (*wire.ReceiptPage, error) {
	q := url.Values{"cursor": {cursor}}
	if perPage > 0 {
		q.Set("per_page", strconv.Itoa(perPage))
	}
	var page wire.ReceiptPage
	return &page, c.Call(ctx, http.MethodGet, "/v1/receipts?"+q.Encode(), nil, &page)
}

// Receipts returns the proofs of all erases, newest first.
func (c *Client) Receipts(ctx context.Context) ([]wire.Receipt, error) {
	var all []wire.Receipt
	for cursor := ""; ; {
		page, err := c.ReceiptsAfter(ctx, cursor, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Receipts...)
		if !page.HasMore || page.Cursor == nil {
			return all, nil
		}
		cursor = *page.Cursor
	}
}
