package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"reseed/pkg/api/wire"
)

// CustomersWithEmail lists the first customers that have an e-mail address, imported or edited.
func (c *Client) CustomersWithEmail(ctx context.Context, email string) (out wire.CustomerPage, err error) {
	err = c.Call(ctx, http.MethodGet, "/v1/customers/search?"+url.Values{"email": {email}}.Encode(), nil, &out)
	if IsNotFound(err) {
		err = nil // nobody has it
	}
	return out, err
}

// CustomersWithID lists the first customers that have an external id in any data source.
func (c *Client) CustomersWithID(ctx context.Context, externalID string) (out wire.CustomerPage, err error) {
	err = c.Call(ctx, http.MethodGet, "/v1/customers?"+url.Values{"external_id": {externalID}}.Encode(), nil, &out)
	return out, err
}

// Members lists the source customers that people see as the customer of an id, or as the one that it
// is merged into. The cursor is that of the page before, or empty.
func (c *Client) Members(ctx context.Context, id, cursor string) (*wire.Members, error) {
	var out wire.Members
	err := c.Call(ctx, http.MethodGet, of("/v1/customers/%s/members", id)+pageQuery(0, cursor), nil, &out)
	return &out, err
}

// Timeline lists the invoices and subscription events of a customer, newest first, so many on a page.
func (c *Client) Timeline(ctx context.Context, id, cursor string, size int) (*wire.Timeline, error) {
	var out wire.Timeline
	err := c.Call(ctx, http.MethodGet, of("/v1/customers/%s/timeline", id)+pageQuery(size, cursor), nil, &out)
	return &out, err
}

// pageQuery is the query for a page of a list: so many on it, or 0 for the server's default, after a
// cursor.
func pageQuery(size int, cursor string) string {
	q := url.Values{}
	if size > 0 {
		q.Set("per_page", strconv.Itoa(size))
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Record returns the customer, plan, invoice, line item or transaction of a public id.
func (c *Client) Record(ctx context.Context, id string) (*wire.Record, error) {
	var out wire.Record
	err := c.Call(ctx, http.MethodGet, of("/v1/records/%s", id), nil, &out)
	return &out, err
}

// Origin says which imports have brought such a record, and where in their files it is.
func (c *Client) Origin(ctx context.Context, id string) (*wire.Origin, error) {
	var out wire.Origin
	err := c.Call(ctx, http.MethodGet, of("/v1/records/%s/origin", id), nil, &out)
	return &out, err
}

// AddCustomer makes a customer, and returns its public id.
func (c *Client) AddCustomer(ctx context.Context, n wire.NewCustomer) (id string, err error) {
	var made struct {
		UUID string `json:"uuid"`
	}
	err = c.Call(ctx, http.MethodPost, "/v1/customers", n, &made)
	return made.UUID, err
}

// EditCustomer changes fields of a customer by hand. An empty value empties a field.
func (c *Client) EditCustomer(ctx context.Context, id string, fields map[string]string) error {
	return c.Call(ctx, http.MethodPatch, of("/v1/customers/%s", id), fields, nil)
}

// RevertEdits takes back what people did to fields of a record; to all, and that it is disabled or
// deleted, if no field is named.
func (c *Client) RevertEdits(ctx context.Context, id string, fields ...string) error {
	path := of("/v1/edits/%s", id)
	if len(fields) > 0 {
		path += "?" + url.Values{"fields": {strings.Join(fields, ",")}}.Encode()
	}
	return c.Call(ctx, http.MethodDelete, path, nil, nil)
}

// AddTags adds tags to a customer.
func (c *Client) AddTags(ctx context.Context, id string, tags ...string) error {
	return c.Call(ctx, http.MethodPost, of("/v1/customers/%s/attributes/tags", id), map[string][]string{"tags": tags}, nil)
}

// RemoveTags removes tags from a customer.
func (c *Client) RemoveTags(ctx context.Context, id string, tags ...string) error {
	return c.Call(ctx, http.MethodDelete, of("/v1/customers/%s/attributes/tags", id), map[string][]string{"tags": tags}, nil)
}

// SetAttribute sets a custom attribute of a customer.
func (c *Client) SetAttribute(ctx context.Context, id string, a wire.CustomAttribute) error {
	return c.Call(ctx, http.MethodPost, of("/v1/customers/%s/attributes/custom", id), map[string][]wire.CustomAttribute{"custom": {a}}, nil)
}

// RemoveAttributes removes custom attributes from a customer.
func (c *Client) RemoveAttributes(ctx context.Context, id string, names ...string) error {
	return c.Call(ctx, http.MethodDelete, of("/v1/customers/%s/attributes/custom", id), map[string][]string{"custom": names}, nil)
}

// Merge merges a customer into another one. Both are named by their ids.
func (c *Client) Merge(ctx context.Context, from, into string) error {
	type name struct {
		ID string `json:"customer_uuid"`
	}
	return c.Call(ctx, http.MethodPost, "/v1/customers/merges", map[string]name{"from": {from}, "into": {into}}, nil)
}

// Unmerge splits a source customer, named by its data source and external id, off the customer that it
// is merged into, with all that are merged into it.
func (c *Client) Unmerge(ctx context.Context, whole, source, externalID string) error {
	return c.Call(ctx, http.MethodPost, "/v1/customers/unmerges", map[string]string{"customer_uuid": whole, "data_source_uuid": source, "external_id": externalID}, nil)
}
