package main

import (
	"context"
	"net"
	"net/http"
	"time"
)

// waits says how long a command waits for a server that does nothing.
type waits struct {
	dial   time.Duration // for the connection
	answer time.Duration // for the first answer, which needs no work
	// for the next byte, in or out. An answer may need long; uploads and downloads have no other
	// limit.
	move time.Duration
}

func defaultWaits() waits {
	return waits{dial: 10 * time.Second, answer: 15 * time.Second, move: 5 * time.Minute}
}

// patientClient returns a client with these limits.
func patientClient(w waits) *http.Client {
	dialer := net.Dialer{Timeout: w.dial}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: w.dial, ForceAttemptHTTP2: true, IdleConnTimeout: w.move / 2,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dialer.DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &moving{c, w.move}, c.SetDeadline(time.Now().Add(w.move))
			},
		},
	}
}

// moving is a connection that fails when no byte has moved for a while.
type moving struct {
	net.Conn
	patience time.Duration
}

// Read reads what has come. The time between two reads does not count.
func (m *moving) Read(p []byte) (int, error) {
	_ = m.SetDeadline(time.Now().Add(m.patience))
	return m.moved(m.Conn.Read(p))
}

// Write sends.
func (m *moving) Write(p []byte) (int, error) { return m.moved(m.Conn.Write(p)) }

func (m *moving) moved(n int, err error) (int, error) {
	if n > 0 {
		_ = m.SetDeadline(time.Now().Add(m.patience))
	}
	return n, err
}
