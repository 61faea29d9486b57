package dynamo

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// exchange stands in for the SDK's protocol and HTTP client in one call: the
// bodies of the request and of an answer that is no error are ours. They are
// most of what a call costs when the SDK makes a map and an object for each
// attribute. Everything else about a call, errors included, is the SDK's.
type exchange struct {
	smithyhttp.ClientProtocol
	dynamodb.HTTPClient
	bodies  *bodies
	request []byte                  // in place of the input; nil if that is the SDK's to write
	answer  func(body []byte) error // in place of the output; it keeps nothing of body
}

// exchange prepares a call; see the fields.
func (d *Driver) exchange(request []byte, answer func(body []byte) error) *exchange {
	growStack(len(request))
	return &exchange{bodies: &d.bodies, request: request, answer: answer}
}

// growStack grows a fresh goroutine's stack to the 32 KB that a call through
// the SDK's layers needs. Left to itself it doubles four times down there, and
// copies what is deep by then: that cost a tenth of the items per CPU-second.
//
//go:noinline
func growStack(n int) byte {
	var room [24 << 10]byte
	room[n%len(room)] = 1 // else there would be no room
	return room[n/2%len(room)]
}

// option makes a call this exchange.
func (e *exchange) option(o *dynamodb.Options) {
	e.ClientProtocol, e.HTTPClient = o.Protocol, o.HTTPClient
	o.Protocol, o.HTTPClient = e, e
}

// SerializeRequest implements [smithyhttp.ClientProtocol].
func (e *exchange) SerializeRequest(
	ctx context.Context, schema *smithy.OperationSchema, in smithy.Serializable, req *smithyhttp.Request,
) error {
	if e.request == nil {
		return e.keep(ctx, schema, in, req)
	}
	headers := *schema
	headers.Input = nil
	if err := e.ClientProtocol.SerializeRequest(ctx, &headers, in, req); err != nil {
		return err
	}
	with, err := req.SetStream(bytes.NewReader(e.request))
	if err != nil {
		return err
	}
	*req = *with
	return nil
}

// keep lets the SDK write the input, and keeps that for Do.
func (e *exchange) keep(
	ctx context.Context, schema *smithy.OperationSchema, in smithy.Serializable, req *smithyhttp.Request,
) (err error) {
	if err = e.ClientProtocol.SerializeRequest(ctx, schema, in, req); err != nil {
		return err
	}
	if e.request, err = io.ReadAll(req.GetStream()); err != nil {
		return err
	}
	return req.RewindStream()
}

// Do implements [dynamodb.HTTPClient]. It gives the transport a body that is
// known to lie in memory: that goes out in one write with the headers. The
// transport may still look at it when the call has returned, so its memory is not
// used again. The SDK's body is closed by then and answers with an error, for
// which the transport gives up the connection: a large answer that begins at once is lost (smithy-go 1.28).
func (e *exchange) Do(req *http.Request) (*http.Response, error) {
	req.Body = io.NopCloser(bytes.NewReader(e.request))
	return e.HTTPClient.Do(req)
}

// DeserializeResponse implements [smithyhttp.ClientProtocol].
func (e *exchange) DeserializeResponse(
	ctx context.Context, schema *smithy.OperationSchema, types *smithy.TypeRegistry, resp *smithyhttp.Response, out smithy.Deserializable,
) error {
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		return e.ClientProtocol.DeserializeResponse(ctx, schema, types, resp, out)
	}
	body := e.bodies.get()
	defer e.bodies.put(body)
	_, err := body.ReadFrom(resp.Body)
	if err == nil {
		err = e.answer(body.Bytes())
	}
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	return nil
}

// bodies keeps the memory of answers from one call to the next.
type bodies struct{ pool sync.Pool }

func (b *bodies) get() *bytes.Buffer {
	if buf, ok := b.pool.Get().(*bytes.Buffer); ok {
		buf.Reset()
		return buf
	}
	return new(bytes.Buffer)
}

func (b *bodies) put(buf *bytes.Buffer) { b.pool.Put(buf) }
