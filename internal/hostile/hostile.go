// Package hostile makes connections that cost a server resources and are of no use, as a broken
// client does by mistake and an attacker on purpose. Tests and internal/hostile/load use it against
// a server of their own.
package hostile

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Target is the server.
type Target struct {
	Dial   func(context.Context) (net.Conn, error)
	Key    string // a valid API key
	Source string // UUID of a source that takes uploads
}

// Kind is one way to be hostile.
type Kind struct {
	Name   string
	Keyed  bool // it has a valid key
	attack func(net.Conn, Target) error
}

// Kinds returns all kinds.
func Kinds() []Kind {
	const body = "Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"
	return []Kind{
		{"without a byte", false, func(c net.Conn, _ Target) error { return untilClosed(c) }},
		{"dripping header", false, func(c net.Conn, _ Target) error { return drip(c, "GET /v1/ping HTTP/1.1\r\nHost: x\r\nX-Long: ") }},
		{"dripping body without a key", false, func(c net.Conn, _ Target) error { return drip(c, head("POST", "/v1/customers", "")+body) }},
		{"dripping body", true, func(c net.Conn, t Target) error { return drip(c, head("POST", "/v1/customers", t.Key)+body) }},
		{"dripping upload", true, func(c net.Conn, t Target) error { return drip(c, upload(t, 1<<30)+"External ID\n") }},
		{"unread answers without a key", false, func(c net.Conn, _ Target) error { return flood(c, head("GET", "/v1/ping", "")+"\r\n") }},
		{"unread lists", true, func(c net.Conn, t Target) error { return flood(c, head("GET", "/v1/customers", t.Key)+"\r\n") }},
		{"silent after an answer", true, func(c net.Conn, t Target) error { return once(c, head("GET", "/v1/ping", t.Key)+"\r\n") }},
		{"half closed", false, halfClosed},
		{"wrong keys", false, func(c net.Conn, _ Target) error { return answered(c, head("GET", "/v1/ping", "wrong")+"\r\n") }},
		{"uploads", true, func(c net.Conn, t Target) error { return uploads(c, t) }},
	}
}

// Attack makes one connection, and returns when the server has closed it: how long it was open.
func (k Kind) Attack(ctx context.Context, t Target) (open time.Duration, err error) {
	c, err := t.Dial(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	err = k.attack(c, t)
	return time.Since(began), err
}

func head(method, path, key string) string {
	h := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n", method, path)
	if key != "" {
		h += "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(key+":")) + "\r\n"
	}
	return h
}

const (
	boundary  = "frontier"
	uploadEnd = "\r\n--" + boundary + "--\r\n"
)

// upload returns the beginning of an upload of size bytes.
func upload(t Target, size int) string {
	form := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\n"
	return head("POST", "/v1/data_sources/"+t.Source+"/imports", t.Key) +
		fmt.Sprintf("Content-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n", boundary, len(form)+size+len(uploadEnd)) + form
}

func send(c net.Conn, text string) error {
	_, err := io.WriteString(c, text)
	return err
}

// untilClosed reads, and returns when the server has closed the connection.
func untilClosed(c net.Conn) error {
	_, err := io.Copy(io.Discard, c)
	return byUs(err)
}

// byUs returns err if we have closed the connection; nil if the server has, in whatever way.
func byUs(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// drip sends the beginning of a request, and then a byte every second.
func drip(c net.Conn, beginning string) error {
	gone := make(chan error, 1)
	go func() { gone <- untilClosed(c) }()
	if send(c, beginning) != nil {
		return <-gone
	}
	for {
		select {
		case err := <-gone:
			return err
		case <-time.After(time.Second):
			_ = send(c, "x") // an error comes over gone
		}
	}
}

// flood sends requests and reads no answer.
func flood(c net.Conn, request string) error {
	for requests := strings.Repeat(request, 50); ; {
		if err := send(c, requests); err != nil {
			return byUs(err)
		}
	}
}

// once sends one request, and nothing more.
func once(c net.Conn, request string) error {
	if err := send(c, request); err != nil {
		return byUs(err)
	}
	return untilClosed(c)
}

// answered sends one request after the other, each when the one before is answered.
func answered(c net.Conn, request string) error {
	buf := make([]byte, 4096)
	for {
		if err := send(c, request); err != nil {
			return byUs(err)
		}
		if n, err := c.Read(buf); n == 0 {
			return byUs(err)
		}
	}
}

// halfClosed closes its sending side in the middle of a header.
func halfClosed(c net.Conn, _ Target) error {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	if err := errors.Join(send(c, "GET /v1/ping HTTP/1.1\r\nHo"), half.CloseWrite()); err != nil {
		return byUs(err)
	}
	return untilClosed(c)
}

// uploads sends a file of a megabyte without rows, and nothing more.
func uploads(c net.Conn, t Target) error {
	const piece, pieces = 16 << 10, 64
	go func() {
		rows := strings.Repeat("\n", piece)
		err := send(c, upload(t, len(firstRow)+piece*pieces)+firstRow)
		for range pieces {
			if err == nil {
				err = send(c, rows)
			}
		}
		if err == nil {
			_ = send(c, uploadEnd) // untilClosed notices a failure
		}
	}()
	return untilClosed(c)
}

const firstRow = "External ID"
