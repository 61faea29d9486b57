package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"reseed/pkg/api/wire"
)

// Sources lists all data sources.
func (c *Client) Sources(ctx context.Context) ([]wire.Source, error) {
	var out wire.Sources
	err := c.Call(ctx, http.MethodGet, "/v1/data_sources", nil, &out)
	return out.Sources, err
}

// Source returns the data source of a uuid.
func (c *Client) Source(ctx context.Context, id string) (s wire.Source, err error) {
	err = c.Call(ctx, http.MethodGet, of("/v1/data_sources/%s", id), nil, &s)
	return s, err
}

// SourcesNamed lists the data sources that a uuid or name may mean. The first is the one that it
// means. Others, if there are any, have the same name in another spelling.
func (c *Client) SourcesNamed(ctx context.Context, name string) ([]wire.Source, error) {
	var out wire.Sources
	err := c.Call(ctx, http.MethodGet, "/v1/data_sources?"+url.Values{"name": {name}}.Encode(), nil, &out)
	return out.Sources, err
}

// Overview lists all data sources, with what their jobs have counted and done.
func (c *Client) Overview(ctx context.Context) (out wire.Overview, err error) {
	err = c.Call(ctx, http.MethodGet, "/v1/overview", nil, &out)
	return out, err
}

// AddSource makes a data source.
func (c *Client) AddSource(ctx context.Context, name, system string) (s wire.Source, err error) {
	err = c.Call(ctx, http.MethodPost, "/v1/data_sources", map[string]string{"name": name, "system": system}, &s)
	return s, err
}

// Settings returns the settings that a data source keeps for reading its tables.
func (c *Client) Settings(ctx context.Context, source string) ([]wire.KeptSettings, error) {
	var out wire.SourceSettings
	err := c.Call(ctx, http.MethodGet, of("/v1/data_sources/%s/settings", source), nil, &out)
	return out.Settings, err
}

// ChangeSettings changes the settings that a data source keeps, and returns them. change has the
// dataset and the settings to change, by their names in JSON; nil takes a setting away.
func (c *Client) ChangeSettings(ctx context.Context, source string, change map[string]any) ([]wire.KeptSettings, error) {
	var out wire.SourceSettings
	err := c.Call(ctx, http.MethodPatch, of("/v1/data_sources/%s/settings", source), change, &out)
	return out.Settings, err
}

// Edit is an edit with its JSON.
type Edit struct {
	wire.Edit
	Line []byte // the JSON, with a line break at the end
}

// Edits lists what people have done to the records of a data source; with orphaned, only to records
// that are not there.
func (c *Client) Edits(ctx context.Context, source string, orphaned bool) iter.Seq2[Edit, error] {
	return func(yield func(Edit, error) bool) {
		query := url.Values{"format": {"ndjson"}, "orphaned": {fmt.Sprint(orphaned)}}
		body, err := c.stream(ctx, of("/v1/data_sources/%s/edits", source)+"?"+query.Encode())
		if err != nil {
			yield(Edit{}, err)
			return
		}
		defer func() { _ = body.Close() }()
		for in := bufio.NewReader(body); ; {
			e, err := nextEdit(in)
			if errors.Is(err, io.EOF) || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// nextEdit reads one edit; io.EOF after the last. If the list broke off, its last line is an error,
// which nextEdit returns.
func nextEdit(in *bufio.Reader) (Edit, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return Edit{}, err
	}
	var e struct {
		wire.Edit
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return Edit{}, err
	}
	if e.Error != "" {
		return Edit{}, errors.New(e.Error)
	}
	return Edit{e.Edit, line}, nil
}

// EditPage returns a page of what people have done to the records of a source. It starts behind a
// cursor; an empty one is the beginning.
func (c *Client) EditPage(ctx context.Context, source, cursor string, size int) (page wire.EditPage, err error) {
	query := url.Values{"per_page": {strconv.Itoa(size)}, "cursor": {cursor}}
	err = c.Call(ctx, http.MethodGet, of("/v1/data_sources/%s/edits", source)+"?"+query.Encode(), nil, &page)
	return page, err
}

// DropEdits drops the edits of a data source whose records are not there.
func (c *Client) DropEdits(ctx context.Context, source string) (out wire.Dropped, err error) {
	err = c.Call(ctx, http.MethodDelete, of("/v1/data_sources/%s/edits?orphaned=true", source), nil, &out)
	return out, err
}
