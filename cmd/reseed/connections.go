package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// connections is a listener with at most `most` connections open. If there is no room for a new
// one, the oldest connection over which no right key has come is closed; if there is none, the one
// that has been without a request for longest. The new one is closed only if all others are
// answering requests with a right key.
type connections struct {
	net.Listener
	most int
	log  *slog.Logger

	mu   sync.Mutex
	open []*connection // the one that was opened, or has answered a request, longest ago comes first
}

// connection is one connection of a listener.
type connection struct {
	net.Conn
	of *connections
	// Guarded by the lock of connections.
	known bool // a right key has come over it
	busy  bool // a request is being answered
}

// Accept waits for the next connection. After an error that may pass, such as too many open files,
// it tries again.
func (l *connections) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil:
			l.log.Warn("a connection could not be accepted", "error", err.Error())
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if c, ok := l.admit(raw); ok {
			return c, nil
		}
		_ = raw.Close()
	}
}

// admit makes room for a connection.
func (l *connections) admit(raw net.Conn) (c *connection, ok bool) {
	l.mu.Lock()
	var out *connection
	if len(l.open) >= l.most {
		at := slices.IndexFunc(l.open, func(c *connection) bool { return !c.known })
		if at < 0 {
			at = slices.IndexFunc(l.open, func(c *connection) bool { return !c.busy })
		}
		if at < 0 {
			l.mu.Unlock()
			return nil, false
		}
		out = l.open[at]
		l.open = slices.Delete(l.open, at, at+1)
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(unsent)
	}
	c = &connection{Conn: raw, of: l}
	l.open = append(l.open, c)
	l.mu.Unlock()
	if out != nil {
		_ = out.Conn.Close()
	}
	return c, true
}

// Close closes the connection and makes room for another one.
func (c *connection) Close() error {
	c.of.mu.Lock()
	if at := slices.Index(c.of.open, c); at >= 0 {
		c.of.open = slices.Delete(c.of.open, at, at+1)
	}
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite ends the server's half, so that the client can read the last answer before the
// connection is closed.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// state notes whether a request is being answered. When the answer is complete, the connection
// moves to the end of the list, if a right key has come over it.
func (c *connection) state(s http.ConnState) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.busy = s == http.StateActive
	if at := slices.Index(c.of.open, c); at >= 0 && s == http.StateIdle && c.known {
		c.of.open = append(slices.Delete(c.of.open, at, at+1), c)
	}
}

type connectionKey struct{}

// recognised notes that the request's key is right.
func recognised(r *http.Request) {
	if c, ok := r.Context().Value(connectionKey{}).(*connection); ok {
		c.of.mu.Lock()
		c.known = true
		c.of.mu.Unlock()
	}
}

// Limits of a connection while no handler sets a deadline of its own (httpapi.Patience).
const (
	headerTime = 10 * time.Second // for the first request's first byte, and for any request's header
	silentTime = 60 * time.Second // between requests
	maxHeader  = 64 << 10         // bytes
	unsent     = 128 << 10        // bytes of answers that the system buffers for a client that does not read
)

// entrance is an HTTP server on one address.
type entrance struct {
	*http.Server
	l *connections
}

func newEntrance(l net.Listener, most int, h http.Handler, log *slog.Logger) *entrance {
	return &entrance{
		l: &connections{Listener: l, most: most, log: log},
		Server: &http.Server{
			Handler: h, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxHeaderBytes: maxHeader,
			ReadHeaderTimeout: headerTime, ReadTimeout: 2 * headerTime, WriteTimeout: silentTime, IdleTimeout: silentTime,
			ConnState: func(c net.Conn, s http.ConnState) {
				if c, ok := c.(*connection); ok {
					c.state(s)
				}
			},
			ConnContext: func(ctx context.Context, c net.Conn) context.Context {
				return context.WithValue(ctx, connectionKey{}, c)
			},
		},
	}
}

// serve answers until shutDown.
func (e *entrance) serve() error { return e.Serve(e.l) }

// shutDown gives running requests 10 seconds to end, and then closes their connections.
func (e *entrance) shutDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := e.Shutdown(ctx); err != nil {
		return e.Close()
	}
	return nil
}
