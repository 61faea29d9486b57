package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	attack "reseed/internal/hostile"
	"reseed/pkg/api/client"
	"reseed/pkg/config"
	"reseed/pkg/httpapi"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// pipes is a network within one process: what is dialled is accepted.
type pipes struct {
	wait chan net.Conn
	once sync.Once
	done chan struct{}
}

func newPipes() *pipes { return &pipes{wait: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.wait:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.wait <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const rightKey = "a right key of the test"

// memory is a shell whose table and objects are in memory. Each read of the table takes wait.
func memory(wait *atomic.Int64) *shell {
	return &shell{out: io.Discard, errOut: io.Discard, parts: parts{
		pieceBytes: localPiece,
		open: func(context.Context, *shell, config.Config, *slog.Logger) (*store.Store, *objects.Objects, error) {
			return store.New(slowTable{mem.New(mem.Options{}), wait}), objects.Mem(), nil
		},
	}}
}

// town is a server on a network of pipes, with a virtual clock.
type town struct {
	net    *pipes
	client *http.Client
	e      *entrance
	source string
	slow   atomic.Int64 // nanoseconds for a read of the table
}

// inTown runs a test with a server of at most `most` connections, and stops the server after it.
func inTown(t *testing.T, most int, test func(*testing.T, *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &town{net: newPipes()}
		a, err := openApp(t.Context(), memory(&w.slow), slog.New(slog.DiscardHandler), httpapi.Key{Hash: httpapi.HashKey(rightKey)})
		if err != nil {
			t.Fatal(err)
		}
		w.e = newEntrance(w.net, most, a.handler, a.Log)
		w.client = &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return w.net.dial(ctx) },
		}}
		var served sync.WaitGroup
		served.Go(func() { _ = w.e.serve() })
		cl := client.New("http://town", rightKey, w.client)
		src, err := cl.AddSource(t.Context(), "Town", "CSV")
		if err != nil {
			t.Fatal(err)
		}
		w.source = src.UUID
		test(t, w)
		w.client.CloseIdleConnections()
		if err := errors.Join(w.e.shutDown(t.Context()), a.close()); err != nil {
			t.Error(err)
		}
		served.Wait()
	})
}

func (w *town) target() attack.Target {
	return attack.Target{Dial: w.net.dial, Key: rightKey, Source: w.source}
}

func (w *town) ping(ctx context.Context, key string) (status int, took time.Duration, err error) {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://town/v1/ping", nil)
	if err != nil {
		return 0, 0, err
	}
	req.SetBasicAuth(key, "")
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, time.Since(began), err
	}
	return resp.StatusCode, time.Since(began), resp.Body.Close()
}

// TestHostileConnectionsEnd: whatever a connection does to stay, it is closed, and others are
// served at once meanwhile.
func TestHostileConnectionsEnd(t *testing.T) {
	t.Parallel()
	patience := httpapi.DefaultPatience()
	limits := map[string]time.Duration{
		"without a byte": headerTime, "dripping header": headerTime, "dripping body without a key": 0, "dripping body": patience.Body,
		"dripping upload": patience.Move, "unread answers without a key": patience.Move, "unread lists": patience.Move,
		"silent after an answer": silentTime, "wrong keys": 0, "uploads": silentTime, "half closed": 0,
	}
	for _, k := range attack.Kinds() {
		limit, ok := limits[k.Name]
		if !ok {
			t.Fatalf("no limit for %q", k.Name)
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			inTown(t, 100, func(t *testing.T, w *town) { t.Helper(); w.attacked(t, k, limit) })
		})
	}
}

func (w *town) attacked(t *testing.T, k attack.Kind, limit time.Duration) {
	t.Helper()
	if k.Name == "half closed" { // a pipe has no halves to close
		return
	}
	const linger = wrongKeyWait + time.Second // time for a client to read the last answer
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			open, err := k.Attack(t.Context(), w.target())
			if err != nil || open < limit || open > limit+linger {
				t.Errorf("open for %v, not %v: %v", open, limit, err)
			}
		})
	}
	for range 5 {
		time.Sleep(time.Second)
		if status, took, err := w.ping(t.Context(), rightKey); err != nil || status != 200 || took > 0 {
			t.Errorf("a good client: %d after %v, %v", status, took, err)
		}
	}
	wg.Wait()
}

// TestSlowIsNotHostile: an upload may take hours as long as it moves, and the server may work on an
// answer for minutes.
func TestSlowIsNotHostile(t *testing.T) {
	t.Parallel()
	inTown(t, 100, func(t *testing.T, w *town) {
		t.Helper()
		const form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\nExternal ID\n"
		file := &slowReader{pieces: 300, wait: 10 * time.Second}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://town/v1/data_sources/"+w.source+"/imports",
			io.MultiReader(strings.NewReader(form), file, strings.NewReader("\r\n--x--\r\n")))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(rightKey, "")
		req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		began := time.Now()
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		defer resp.Body.Close()
		if took := time.Since(began); resp.StatusCode != http.StatusAccepted || took < 45*time.Minute {
			t.Errorf("%d after %v", resp.StatusCode, took)
		}
		w.slow.Store(int64(3 * time.Minute))
		defer w.slow.Store(0)
		cl := client.New("http://town", rightKey, w.client)
		if _, err := cl.Sources(t.Context()); err != nil {
			t.Errorf("a long question: %v", err)
		}
	})
}

// slowReader returns 32 KiB of newlines for each of its pieces, after a wait.
type slowReader struct {
	pieces int
	wait   time.Duration
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.pieces == 0 {
		return 0, io.EOF
	}
	time.Sleep(r.wait)
	r.pieces--
	return copy(p, bytes.Repeat([]byte("\n"), 32<<10)), nil
}

// slowTable is a table whose reads take a while.
type slowTable struct {
	table.Driver
	wait *atomic.Int64
}

func (s slowTable) Get(ctx context.Context, keys []table.Key) ([]table.Item, []table.Key, table.Cost, error) {
	time.Sleep(time.Duration(s.wait.Load()))
	return s.Driver.Get(ctx, keys)
}

// TestThereIsAlwaysRoom: while hostile clients open more connections than the server holds, a
// client with a key is served at once.
func TestThereIsAlwaysRoom(t *testing.T) {
	t.Parallel()
	inTown(t, 10, func(t *testing.T, w *town) {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, k := range attack.Kinds() {
			if k.Keyed || k.Name == "half closed" {
				continue
			}
			for range 20 {
				wg.Go(func() {
					for ctx.Err() == nil {
						_, _ = k.Attack(ctx, w.target())
						time.Sleep(time.Second)
					}
				})
			}
		}
		for range 300 {
			time.Sleep(97 * time.Millisecond)
			if status, took, err := w.ping(t.Context(), rightKey); err != nil || status != 200 || took > 0 {
				t.Fatalf("a good client: %d after %v, %v", status, took, err)
			}
		}
		if open := w.e.l.count(); open > 10 {
			t.Errorf("%d connections are open", open)
		}
		stop()
		wg.Wait()
	})
}

func (l *connections) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// TestWrongKeysWait: requests with wrong keys wait longer and longer; one with a right key from the
// same address never waits.
func TestWrongKeysWait(t *testing.T) {
	t.Parallel()
	inTown(t, 100, func(t *testing.T, w *town) {
		t.Helper()
		for n := range 30 {
			status, took, err := w.ping(t.Context(), "wrong")
			if err != nil || status != 401 || n < wrongKeyBurst && took > 0 || n >= wrongKeyBurst && took == 0 {
				t.Fatalf("wrong key %d: %d after %v, %v", n, status, took, err)
			}
			if status, took, err := w.ping(t.Context(), rightKey); err != nil || status != 200 || took > 0 {
				t.Fatalf("a right key: %d after %v, %v", status, took, err)
			}
		}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, took, err := w.ping(t.Context(), "wrong"); err != nil || took > wrongKeyWait {
					t.Errorf("waited %v, %v", took, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestWrongKeysAreCountedByNetworkAndForgotten(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7/32", "[::ffff:192.0.2.7]:1": "192.0.2.7/32", "[2001:db8:1:2:3:4:5:6]:7": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1": "fe80::/64", "pipe": "invalid Prefix", "": "invalid Prefix",
	} {
		if got := networkOf(address).String(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	k := newWrongKeys()
	for n := range 3 * wrongKeyNetworks {
		k.limiter(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 1).String())
	}
	if len(k.from) > wrongKeyNetworks {
		t.Errorf("%d addresses are remembered", len(k.from))
	}
}

// TestWhichConnectionMakesRoom: connections without a right key are closed first, then idle ones;
// connections that answer a request stay.
func TestWhichConnectionMakesRoom(t *testing.T) {
	t.Parallel()
	l := &connections{most: 3}
	come := func() (*connection, bool) {
		_, theirs := net.Pipe()
		return l.admit(theirs)
	}
	var three [3]*connection
	for i := range three {
		three[i], _ = come()
		three[i].known, three[i].busy = true, true
	}
	if _, ok := come(); ok {
		t.Error("a connection at work was closed")
	}
	three[1].busy = false
	fourth, ok := come()
	if !ok || slices.Contains(l.open, three[1]) {
		t.Error("the idle one was not closed")
	}
	fourth.busy = true // but unknown
	three[0].busy = false
	if _, ok := come(); !ok || slices.Contains(l.open, fourth) || !slices.Contains(l.open, three[0]) {
		t.Error("the unknown one was not closed first")
	}
}

// TestErrorsOfAcceptPass: a server does not end when it has run out of files for a moment.
func TestErrorsOfAcceptPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		l := &connections{most: 1, log: slog.New(slog.DiscardHandler), Listener: &failing{errs: []error{syscall.EMFILE, syscall.ENOBUFS, syscall.EPERM}, conn: theirs}}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		_ = c.Close()
	})
}

type failing struct {
	net.Listener
	errs []error
	conn net.Conn
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, err
	}
	if c := f.conn; c != nil {
		f.conn = nil
		return c, nil
	}
	return nil, net.ErrClosed
}
