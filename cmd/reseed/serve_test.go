package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/config"
	"reseed/pkg/fault"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// here is a shell on a data folder of the test, which does not exist yet.
func here(t *testing.T, out io.Writer) *shell {
	t.Helper()
	return &shell{
		parts: parts{open: openData, pieceBytes: localPiece}, self: "reseed", data: filepath.Join(t.TempDir(), "data"),
		out: out, errOut: io.Discard,
	}
}

// shown is the output of a server; told is closed when all of its greeting has come.
type shown struct {
	mu   sync.Mutex
	text strings.Builder
	told chan struct{}
}

func newShown() *shown { return &shown{told: make(chan struct{})} }

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(string(p), "Stop with") {
		close(s.told)
	}
	return s.text.Write(p)
}

func (s *shown) key() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := regexp.MustCompile(`API key: ([0-9a-f]{48})\n`).FindStringSubmatch(s.text.String()); found != nil {
		return found[1]
	}
	return ""
}

func (s *shown) url() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return regexp.MustCompile(`Reseed serves (\S+)`).FindStringSubmatch(s.text.String())[1]
}

// serving runs a server on the shell's data folder while the test does something.
func serving(t *testing.T, sh *shell, o serveOptions, during func(*shown)) {
	t.Helper()
	said := newShown()
	sh.out = said
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sh.serve(ctx, o) }()
	select {
	case err := <-ended:
		t.Fatalf("the server ended: %v", err)
	case <-said.told:
		during(said)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func anyAddress() serveOptions { return serveOptions{addr: "127.0.0.1:0"} }

func statusOf(t *testing.T, url, key string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/customers", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(key, "")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// TestAStartThatFailsLeavesNoKey: at whatever step a start fails, it leaves no key behind that was
// not shown. The next start makes a key, shows it, and accepts it.
func TestAStartThatFailsLeavesNoKey(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	broken := func(what error) func(context.Context, *shell, config.Config, *slog.Logger) (*store.Store, *objects.Objects, error) {
		return func(context.Context, *shell, config.Config, *slog.Logger) (*store.Store, *objects.Objects, error) {
			return nil, nil, what
		}
	}
	for name, spoil := range map[string]func(*shell) serveOptions{
		"the address is taken": func(*shell) serveOptions { return serveOptions{addr: taken.Addr().String()} },
		"the folder is in use": func(sh *shell) serveOptions {
			sh.open = broken(fault.New(fault.Busy, "store_locked", "in use"))
			return anyAddress()
		},
		"a setting is wrong": func(sh *shell) serveOptions {
			sh.environ = append(sh.environ, "RESEED_GRACE=soon")
			return anyAddress()
		},
		"the door cannot be written": func(sh *shell) serveOptions {
			if err := os.MkdirAll(doorFile(sh.data)+".new", 0o700); err != nil {
				t.Fatal(err)
			}
			return anyAddress()
		},
		"the key cannot be shown": func(sh *shell) serveOptions { sh.out = deaf{}; return anyAddress() },
		"the key cannot be stored": func(sh *shell) serveOptions {
			sh.open = func(_ context.Context, sh *shell, _ config.Config, log *slog.Logger) (*store.Store, *objects.Objects, error) {
				d, err := pebble.Open(filepath.Join(sh.data, "table"), pebble.Options{Logger: log})
				if err != nil {
					return nil, nil, err
				}
				return store.New(noKeys{d}), objects.Mem(), nil
			}
			return anyAddress()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := here(t, io.Discard)
			o := spoil(sh)
			if err := sh.serve(t.Context(), o); err == nil {
				t.Fatal("it started")
			}
			_ = os.RemoveAll(doorFile(sh.data) + ".new")
			again := here(t, nil)
			again.data = sh.data
			serving(t, again, anyAddress(), func(said *shown) {
				if said.key() == "" || statusOf(t, said.url(), said.key()) != 200 {
					t.Errorf("no key is shown that works: %q", said.text.String())
				}
			})
		})
	}
}

// deaf is an output whose writes fail.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

// noKeys is a table that fails to store API keys.
type noKeys struct{ table.Driver }

func (n noKeys) Transact(ctx context.Context, writes []table.Write) (table.Cost, error) {
	if strings.HasPrefix(writes[0].Item.PK, "account.keys") {
		return table.Cost{}, fault.New(fault.Internal, "disk", "the disk is full")
	}
	return n.Driver.Transact(ctx, writes)
}

// TestTheKeyOfOlderVersionsIsHonoured: the key that an older version made is accepted, and no other
// key is made, until RESEED_API_KEY replaces it.
func TestTheKeyOfOlderVersionsIsHonoured(t *testing.T) {
	t.Parallel()
	sh := here(t, nil)
	if err := os.MkdirAll(sh.data, 0o700); err != nil {
		t.Fatal(err)
	}
	const hash = "2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea" // of demo
	if err := os.WriteFile(filepath.Join(sh.data, "api-key.sha256"), []byte(hash), 0o600); err != nil {
		t.Fatal(err)
	}
	serving(t, sh, anyAddress(), func(said *shown) {
		if said.key() != "" || statusOf(t, said.url(), "demo") != 200 {
			t.Errorf("%q", said.text.String())
		}
	})
	sh.environ = append(sh.environ, "RESEED_API_KEY=another one that is long")
	serving(t, sh, anyAddress(), func(said *shown) {
		if statusOf(t, said.url(), "demo") != 401 || statusOf(t, said.url(), "another one that is long") != 200 {
			t.Error("RESEED_API_KEY did not take the place of the older key")
		}
	})
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, addr, want string }{
		{"with:colon", "127.0.0.1:0", "must not hold a colon"},
		{"short", "0.0.0.0:0", "fewer than 16 characters"},
		{"short", "[::]:0", "fewer than 16 characters"},
		{"", "127.0.0.1:x", "listen"},
	} {
		sh := here(t, io.Discard)
		sh.environ = append(sh.environ, "RESEED_API_KEY="+c.key)
		if err := sh.serve(t.Context(), serveOptions{addr: c.addr}); err == nil || !strings.Contains(err.Error(), c.want) || c.key != "" && strings.Contains(err.Error(), c.key) {
			t.Errorf("%v", err)
		}
	}
	sh := here(t, nil)
	warned := newShown()
	sh.environ, sh.errOut = append(sh.environ, "RESEED_API_KEY=demo"), warned
	serving(t, sh, anyAddress(), func(said *shown) {
		if statusOf(t, said.url(), "demo") != 200 || !strings.Contains(warned.text.String(), "fewer than 16 characters") {
			t.Errorf("on loopback: %q", warned.text.String())
		}
	})
}

// TestAnImpostorGetsNoKey: a program that listens on the address of a killed server does not learn
// the key, whatever it answers, and the command opens the data folder itself.
func TestAnImpostorGetsNoKey(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"pong":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":"pong!"}`) },
		"echo":    func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Query().Get("nonce")) },
		"no":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"another": door{URL: "http://127.0.0.1:1", Key: "another"}.handler(http.NotFoundHandler(), nil).ServeHTTP,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, told atomic.Int64
			impostor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				if strings.Contains(r.Header.Get("Authorization"), "Basic") || strings.Contains(r.URL.String(), "secret-of-the-door") {
					told.Add(1)
				}
				answer(w, r)
			}))
			defer impostor.Close()
			sh := here(t, io.Discard)
			if err := os.MkdirAll(sh.data, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := writeDoor(sh.data, door{URL: impostor.URL, Key: "secret-of-the-door"}); err != nil {
				t.Fatal(err)
			}
			sh.makesData = true
			cl, err := sh.connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer cl.close()
			if err := cl.Ping(t.Context()); err != nil || told.Load() > 0 || asked.Load() == 0 {
				t.Errorf("the impostor was asked %d times, and told the key %d times; %v", asked.Load(), told.Load(), err)
			}
		})
	}
}

// TestServersThatNeverAnswer: a command whose server never answers ends with an error that says so.
func TestServersThatNeverAnswer(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sh := here(t, io.Discard)
	sh.url, sh.environ = "http://"+l.Addr().String(), append(sh.environ, "RESEED_API_KEY=key")
	short := waits{dial: time.Minute, answer: 20 * time.Millisecond, move: time.Hour}
	if _, err := sh.remote(t.Context(), short); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("at first: %v", err)
	}
	cl := client.New(sh.url, "key", patientClient(waits{dial: time.Minute, move: 20 * time.Millisecond}))
	if _, err := cl.Sources(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("later: %v", err)
	}
	if _, err := sh.wait(t.Context(), cl, "0192"); err == nil || !strings.Contains(err.Error(), "does not answer") || !strings.Contains(err.Error(), "the job goes on") {
		t.Errorf("while waiting for a job: %v", err)
	}
}

// TestLongIsNotSilent: uploads and downloads may take any time while they move.
func TestLongIsNotSilent(t *testing.T) {
	t.Parallel()
	const pieces = 40
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for range pieces {
			time.Sleep(10 * time.Millisecond)
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
		}
	}))
	defer srv.Close()
	// The whole takes longer than a command waits for the next byte; every piece takes far less.
	over := patientClient(waits{dial: time.Minute, move: pieces * 10 * time.Millisecond})
	body, in := io.Pipe()
	go func() {
		for range pieces {
			time.Sleep(10 * time.Millisecond)
			_, _ = in.Write([]byte("x"))
		}
		_ = in.Close()
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := over.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || len(got) != pieces {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestAnUploadWaitsForItsPipe: a command sends its request only after every pipe has its first
// byte, since a server cuts silent uploads; Ctrl-C ends the waiting.
func TestAnUploadWaitsForItsPipe(t *testing.T) {
	t.Parallel()
	var written atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !written.Load() {
			t.Error("the server is asked before there is anything to send")
		}
		_ = r.ParseMultipartForm(1 << 20)
		if f, _, err := r.FormFile("file"); err != nil {
			t.Error(err)
		} else if text, _ := io.ReadAll(f); string(text) != "name\nAnn\n" {
			t.Errorf("got %q", text)
		}
		_, _ = io.WriteString(w, `{"id":"1"}`)
	}))
	defer srv.Close()
	dir := t.TempDir()
	pipe, unused := filepath.Join(dir, "customers.csv"), filepath.Join(dir, "unused.csv")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), syscall.Mkfifo(unused, 0o600)); err != nil {
		t.Fatal(err)
	}
	cl := client.New(srv.URL, "key", &http.Client{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := upload(ctx, cl, "ds_1", wire.ImportOptions{}, []string{unused}, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while nobody writes: %v", err)
	}
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		time.Sleep(30 * time.Millisecond) // an upload that does not wait is at the server by then
		written.Store(true)
		_, _ = io.WriteString(w, "name\nAnn\n")
	}()
	if _, err := upload(t.Context(), cl, "ds_1", wire.ImportOptions{}, []string{pipe}, io.Discard); err != nil {
		t.Error(err)
	}
}

// TestAKeyOfAServer: a server accepts a new key, and refuses a removed one, at once.
func TestAKeyOfAServer(t *testing.T) {
	t.Parallel()
	sh := here(t, nil)
	serving(t, sh, anyAddress(), func(said *shown) {
		cl, err := sh.connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		k, err := cl.AddKey(t.Context(), "Ann")
		if err != nil {
			t.Fatal(err)
		}
		if statusOf(t, said.url(), k.Key) != 200 {
			t.Error("a new key is not let in")
		}
		for _, name := range []string{"Ann", "first key"} {
			if _, err := cl.RemoveKey(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if statusOf(t, said.url(), k.Key) != 401 || statusOf(t, said.url(), said.key()) != 401 {
			t.Error("a removed key is let in")
		}
	})
}

// TestFilesForConnections: network connections get a third of the open files, and 2000 at most.
func TestFilesForConnections(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		files uint64
		want  int
	}{{64, 21}, {256, 85}, {1024, 341}, {20000, 2000}, {unlimited, 2000}} {
		if got := share(c.files, mostConnections); got != c.want {
			t.Errorf("of %d files %d, want %d", c.files, got, c.want)
		}
	}
	if _, err := (serveOptions{connections: -1}).most(); err == nil {
		t.Error("a negative number is taken")
	}
	if _, err := (serveOptions{connections: 1 << 40}).most(); err == nil || !strings.Contains(err.Error(), "ulimit") {
		t.Errorf("too many: %v", err)
	}
}
