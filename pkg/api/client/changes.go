package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"reseed/pkg/api/wire"
)

// ChangePage returns at most size changes that an import makes or would make, behind a cursor; the first
// ones if it is empty.
func (c *Client) ChangePage(ctx context.Context, id string, f wire.ChangeFilter, cursor string, size int) (page wire.ChangePage, err error) {
	q := filterQuery(map[string]string{"dataset": f.Dataset, "action": f.Action}, cursor, size)
	err = c.Call(ctx, http.MethodGet, of("/v1/imports/%s/changes", id)+q, nil, &page)
	return page, err
}

// RejectPage returns at most size rows that an import did not take in, or that an undo left alone, behind
// a cursor; the first ones if it is empty.
func (c *Client) RejectPage(ctx context.Context, id string, f wire.RejectFilter, cursor string, size int) (page wire.RejectPage, err error) {
	q := filterQuery(map[string]string{"dataset": f.Dataset, "column": f.Column, "code": f.Code}, cursor, size)
	err = c.Call(ctx, http.MethodGet, of("/v1/imports/%s/rejects", id)+q, nil, &page)
	return page, err
}

// EditsAddedBy returns at most size edits of records that an import added to a data source, behind a
// cursor; the first ones if it is empty. They lose their records if the import is undone.
func (c *Client) EditsAddedBy(ctx context.Context, source, job, cursor string, size int) (page wire.EditPage, err error) {
	q := url.Values{"added_by": {job}, "per_page": {strconv.Itoa(size)}, "cursor": {cursor}}
	err = c.Call(ctx, http.MethodGet, of("/v1/data_sources/%s/edits", source)+"?"+q.Encode(), nil, &page)
	return page, err
}

// filterQuery is the query of a page of JSON.
func filterQuery(filter map[string]string, cursor string, size int) string {
	q := url.Values{"format": {"json"}, "per_page": {strconv.Itoa(size)}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	for name, value := range filter {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "?" + q.Encode()
}
