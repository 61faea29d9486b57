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

// connections is a listener that holds only so many connections at a time. A new one always gets in: when there is no
// room, the oldest connection over which no right key has come is closed for it, else the one that has been
// without a request for longest. Only while all of them work for somebody with a key is a new one closed.
type connections struct {
	net.Listener
	most int
	log  *slog.Logger

	mu   sync.Mutex
	open []*connection // in the order of their coming, or of their last request
}

// connection is one of them.
type connection struct {
	net.Conn
	of *connections
	// Guarded by the lock of connections.
	known bool // a right key has come over it
	busy  bool // a request is being answered
}

// Accept waits for the next connection. An error that may pass, such as too many open files, never ends the server.
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

// Close ends the connection, and gives its room free.
func (c *connection) Close() error {
	c.of.mu.Lock()
	if at := slices.Index(c.of.open, c); at >= 0 {
		c.of.open = slices.Delete(c.of.open, at, at+1)
	}
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite says that no more is sent, so that the client can read the last answer before the connection is closed.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// state notes whether a request is being answered. One that has been is the youngest again.
func (c *connection) state(s http.ConnState) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.busy = s == http.StateActive
	if at := slices.Index(c.of.open, c); at >= 0 && s == http.StateIdle && c.known {
		c.of.open = append(slices.Delete(c.of.open, at, at+1), c)
	}
}

type connectionKey struct{}

// recognised notes that a right key has come over the request's connection.
func recognised(r *http.Request) {
	if c, ok := r.Context().Value(connectionKey{}).(*connection); ok {
		c.of.mu.Lock()
		c.known = true
		c.of.mu.Unlock()
	}
}

// How long a connection may take where no handler sets a deadline of its own (httpapi.Patience).
const (
	headerTime = 10 * time.Second // for the first request's first byte, and for any request's header
	silentTime = 60 * time.Second // between requests
	maxHeader  = 64 << 10         // bytes
	unsent     = 128 << 10        // bytes of answers that the system holds for a client that does not read
)

// entrance is a server of HTTP on one address.
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

// shutDown lets running requests finish for a while.
func (e *entrance) shutDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := e.Shutdown(ctx); err != nil {
		return e.Close()
	}
	return nil
}
