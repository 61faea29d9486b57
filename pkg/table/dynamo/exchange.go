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

// exchange replaces the SDK's protocol and HTTP client in one call: we write the body of the
// request and read the body of the answer, unless it is an error. The SDK makes a map and an object
// for each attribute, which is most of the CPU time of a call. All the rest of a call is the SDK's,
// errors included.
type exchange struct {
	smithyhttp.ClientProtocol
	dynamodb.HTTPClient
	bodies  *bodies
	request []byte                  // sent in place of the input; nil if the SDK writes the input
	answer  func(body []byte) error // reads the answer in place of the SDK; keeps no part of body
}

// exchange prepares a call; see the fields of the type.
func (d *Driver) exchange(request []byte, answer func(body []byte) error) *exchange {
	growStack(len(request))
	return &exchange{bodies: &d.bodies, request: request, answer: answer}
}

// growStack grows the stack of a new goroutine at once to the 32 KB that a call through the SDK's
// layers needs. Otherwise the runtime would double it four times, deep in those layers, and each
// time copy all of it: that cost a tenth of the items per CPU second.
//
//go:noinline
func growStack(n int) byte {
	var room [24 << 10]byte
	room[n%len(room)] = 1 // else the compiler would leave room out
	return room[n/2%len(room)]
}

// option puts the exchange into the options of a call.
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

// keep lets the SDK write the input, and keeps the bytes for Do.
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

// Do implements [dynamodb.HTTPClient]. It gives the transport a body in memory, which goes out in
// one write with the headers. The transport may still read the body when the call has returned, so
// its memory is not used again.
//
// The SDK's own body would be closed by then and return an error, for which the transport would
// drop the connection: a large answer that begins at once would be lost (smithy-go 1.28).
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
