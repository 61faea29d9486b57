// Package consoletest has a console over a whole Reseed in memory, and a browser without scripts.
package consoletest

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"reseed/pkg/api"
	"reseed/pkg/api/client"
	"reseed/pkg/app"
	"reseed/pkg/console"
	"reseed/pkg/credentials/credentialstest"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/objects"
	"reseed/pkg/puller"
	"reseed/pkg/source/systems"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// Key is the API key of a bed.
const Key = "5f1a9c30d2b74e6688a1f0c3b2d4e5f60718293a4b5c6d7e"

// Bed is a console with its API. Its jobs wait until Work is called. Times are real, unless Skip is
// called.
type Bed struct {
	URL   string
	API   *client.Client // with Key
	Store *store.Store
	App   *app.App
	Vault *credentialstest.Memory
	// Addresses stand in for billing systems, by their names. Set them before the first request.
	Addresses map[string]string

	tb      testing.TB
	mu      sync.Mutex
	skipped time.Duration
	waiting []func(context.Context) error
}

// New starts a bed, which ends with the test.
func New(tb testing.TB) *Bed { tb.Helper(); return NewOn(tb, mem.New(mem.Options{})) }

// NewOn is New on a table of another engine.
func NewOn(tb testing.TB, d table.Driver) *Bed {
	tb.Helper()
	b := &Bed{tb: tb, Store: store.New(d), Vault: &credentialstest.Memory{}, Addresses: map[string]string{}}
	log := slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	b.App = app.New(app.Config{
		Store: b.Store, Objects: objects.Mem(), Now: b.Now, Log: log, PieceBytes: 1 << 20, SweepUploads: true,
		System: systems.ByName, Vault: b.Vault, Base: func(system string) string { return b.Addresses[system] },
		Imports: func(_ context.Context, list ...importer.Message) error {
			return wait(b, list, func(ctx context.Context, m importer.Message) error { return b.App.Work(ctx, m) })
		},
		Sweeps: func(_ context.Context, list ...app.Sweep) error {
			return wait(b, list, func(ctx context.Context, m app.Sweep) error { return b.App.Sweep(ctx, m) })
		},
		Pulls: func(_ context.Context, list ...puller.Message) error {
			return wait(b, list, func(ctx context.Context, m puller.Message) error { return b.App.Pull(ctx, m) })
		},
	})
	rest := api.New(api.Config{
		Store: b.Store, Keys: []httpapi.Key{{Hash: httpapi.HashKey(Key), Name: "Finance"}}, Edits: edit.New(b.Store, b.Now), Jobs: b.App.Ledger, Now: b.Now, Log: log,
		Imports: api.ImportsOf(b.App), Exports: api.ExportsOf(b.App), Erase: api.EraseOf(b.App.Eraser, b.App.StartErase), Syncs: api.SyncsOf(b.App.Puller),
		Systems: systems.All(),
	})
	s := httptest.NewServer(console.New(console.Config{API: rest, Log: log, Now: b.Now, Limit: httpapi.DefaultPatience().Around}))
	tb.Cleanup(s.Close)
	b.URL, b.API = s.URL, client.New(s.URL, Key, s.Client())
	return b
}

// Now is the time of the bed.
func (b *Bed) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.skipped)
}

// Skip lets so much time pass.
func (b *Bed) Skip(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.skipped += d
}

func wait[M any](b *Bed, list []M, do func(context.Context, M) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range list {
		b.waiting = append(b.waiting, func(ctx context.Context) error { return do(ctx, m) })
	}
	return nil
}

// Step does one task of a job; it returns false if none waits.
func (b *Bed) Step() bool {
	b.tb.Helper()
	b.mu.Lock()
	if len(b.waiting) == 0 {
		b.mu.Unlock()
		return false
	}
	do := b.waiting[0]
	b.waiting = b.waiting[1:]
	b.mu.Unlock()
	if err := do(b.tb.Context()); err != nil {
		b.tb.Fatal(err)
	}
	return true
}

// Work does all tasks.
func (b *Bed) Work() {
	b.tb.Helper()
	for b.Step() {
	}
}

// Browser is a browser without scripts.
type Browser struct {
	b *Bed
	*http.Client
}

// Browser opens a browser that is not signed in.
func (b *Bed) Browser() *Browser {
	jar, _ := cookiejar.New(nil) // never fails
	return &Browser{b, &http.Client{Jar: jar}}
}

// SignIn opens a browser and signs it in with Key.
func (b *Bed) SignIn() *Browser {
	b.tb.Helper()
	w := b.Browser()
	if p := w.Post("/login", url.Values{"key": {Key}}); p.Status != http.StatusOK {
		b.tb.Fatalf("signing in: %d\n%s", p.Status, p.Text)
	}
	return w
}

// Page is what a browser shows after it has followed all redirects.
type Page struct {
	Status int
	Path   string // with the query
	Text   string // HTML
	Header http.Header
}

// Get opens a page.
func (w *Browser) Get(path string) Page {
	w.b.tb.Helper()
	return w.do(http.MethodGet, path, nil, nil)
}

// Post sends a form.
func (w *Browser) Post(path string, form url.Values) Page {
	w.b.tb.Helper()
	return w.do(http.MethodPost, path, strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

// Send makes any request.
func (w *Browser) Send(method, path string, body io.Reader, header http.Header) Page {
	w.b.tb.Helper()
	return w.do(method, path, body, header)
}

func (w *Browser) do(method, path string, body io.Reader, header http.Header) Page {
	w.b.tb.Helper()
	req, err := http.NewRequestWithContext(w.b.tb.Context(), method, w.b.URL+path, body)
	if err != nil {
		w.b.tb.Fatal(err)
	}
	maps.Copy(req.Header, header)
	resp, err := w.Do(req)
	if err != nil {
		w.b.tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.b.tb.Fatal(err)
	}
	return Page{resp.StatusCode, resp.Request.URL.RequestURI(), string(text), resp.Header}
}
