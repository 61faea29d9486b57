// Package client calls the REST API: Reseed's own routes, and ChartMogul's routes of data sources.
// Package wire has the shapes of what it sends and receives.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"

	"reseed/pkg/api/wire"
)

// Client calls the API of one server. It is safe for concurrent use.
type Client struct {
	base string
	key  string
	http *http.Client
}

// New makes a client of the server at base, a URL without a slash at its end, with an API key. It
// makes no request.
func New(base, key string, over *http.Client) *Client { return &Client{base, key, over} }

// Error is an answer of the server that is no success.
type Error struct {
	Status  int    // the HTTP status
	Message string // what the server says, for people
	Param   string // the parameter or member at fault; empty if none is

	Fields map[string]string // what is wrong with members of the request, by name; nil if it is none of them
	Stale  *wire.ErasePlan   // what an erase would do now, if it would not do what the confirmed plan says
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// ElsewhereError is an answer that names another address. The client returns it as an error if its
// http.Client does not follow such answers.
type ElsewhereError struct{ URL string }

// Error says that the answer is elsewhere. The address may be secret.
func (e *ElsewhereError) Error() string { return "the answer is at another address" }

// IsNotFound reports whether an error is a server's answer that something is not there.
func IsNotFound(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == http.StatusNotFound
}

// IsConflict reports whether an error is a server's answer that something is not so any more, or not
// here.
func IsConflict(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == http.StatusConflict
}

// Ping calls the server, with the key.
func (c *Client) Ping(ctx context.Context) error {
	return c.Call(ctx, http.MethodGet, "/v1/ping", nil, nil)
}

// Call makes a request to a route for which Client has no method. It sends in as JSON and decodes
// the answer into out; both may be nil. If the answer is no success, the error is an [*Error].
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	contentType := ""
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body, contentType = bytes.NewReader(b), "application/json"
	}
	resp, err := c.do(ctx, method, path, body, contentType)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return decode(resp.Body, out)
}

// decode reads an answer into out, unless that is nil.
func decode(body io.Reader, out any) error {
	if out == nil {
		return nil
	}
	return json.NewDecoder(body).Decode(out)
}

// stream opens an answer that may be of any length.
func (c *Client) stream(ctx context.Context, path string) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, path, nil, "")
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

func (c *Client) do(ctx context.Context, method, path string, body io.Reader, contentType string) (*http.Response, error) {
	req, err := c.request(ctx, method, path, body, contentType)
	if err != nil {
		return nil, err
	}
	return c.send(req)
}

// request makes a request with the key.
func (c *Client) request(ctx context.Context, method, path string, body io.Reader, contentType string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.SetBasicAuth(c.key, "")
	return req, nil
}

// send sends a request. If the answer is no success, the error is an [*Error].
func (c *Client) send(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	switch {
	case err != nil && silent(err):
		return nil, fmt.Errorf("%s accepts connections but does not answer", c.base)
	case err != nil:
		return nil, fmt.Errorf("cannot reach %s: %w", c.base, errors.Unwrap(err))
	}
	if resp.StatusCode < http.StatusMultipleChoices {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode < http.StatusBadRequest {
		return nil, &ElsewhereError{to}
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return nil, errorOf(resp.StatusCode, text)
}

// silent reports whether the server did not answer in time.
func silent(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// errorOf reads the shapes that the API's errors have.
func errorOf(status int, body []byte) *Error {
	var shape struct {
		Message string            `json:"message"`
		Param   string            `json:"param"`
		Error   string            `json:"error"`
		Errors  map[string]string `json:"errors"`
	}
	_ = json.Unmarshal(body, &shape)
	e := &Error{Status: status, Param: shape.Param, Fields: shape.Errors, Stale: stalePlanOf(status, body)}
	switch names := slices.Sorted(maps.Keys(shape.Errors)); {
	case len(names) > 0:
		e.Param, e.Message = names[0], names[0]+": "+shape.Errors[names[0]]
	case shape.Message != "":
		e.Message = shape.Message
	case shape.Error != "":
		e.Message = shape.Error
	default:
		e.Message = fmt.Sprintf("the server answered %d", status)
	}
	return e
}

// of is a path with a name as one of its parts.
func of(format, name string) string { return fmt.Sprintf(format, url.PathEscape(name)) }
