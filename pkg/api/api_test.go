package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/api"
	"reseed/pkg/app"
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

const testKey = "key-of-the-test"

// service is the API over a table in memory. Everything that would differ from run to run is fixed.
type service struct {
	t       testing.TB
	handler http.Handler
	store   *store.Store
	ledger  *job.Ledger
	eraser  *eraser.Eraser
	log     *lockedBuffer
	passed  *atomic.Int64 // nanoseconds since clock
	keep    func(context.Context, store.Source, string, io.Reader) (job.File, error)
	spec    *openAPI // if set, every answer has to be as it describes
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func clock() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func (a *service) now() time.Time { return clock().Add(time.Duration(a.passed.Load())) }

func (a *service) wait(d time.Duration) { a.passed.Add(int64(d)) }

func newAPI(tb testing.TB, opt mem.Options) *service {
	tb.Helper()
	return newAPIOn(tb, mem.New(opt))
}

func newAPIOn(tb testing.TB, d table.Driver) *service {
	tb.Helper()
	st := store.New(d)
	a := &service{t: tb, store: st, ledger: job.NewLedger(st, clock), log: &lockedBuffer{}, passed: &atomic.Int64{}}
	log := slog.New(slog.NewTextHandler(a.log, nil))
	a.eraser = eraser.New(eraser.Config{Store: st, Ledger: a.ledger, Now: clock, Log: log})
	a.keep = func(_ context.Context, _ store.Source, name string, body io.Reader) (job.File, error) {
		n, err := io.Copy(io.Discard, body)
		if err != nil {
			return job.File{}, errors.New("the cause does not come through")
		}
		return job.File{Name: name, Object: "uploads/x", Size: n}, nil
	}
	a.handler = api.New(api.Config{
		Store: st, Keys: []httpapi.Key{{Hash: httpapi.HashKey("another")}, {Hash: httpapi.HashKey(testKey)}},
		Edits: edit.New(st, clock), Jobs: a.ledger, Now: a.now, Log: log, PublicURL: "https://reseed.example", MaxUpload: 1 << 20,
		Imports: api.Imports{
			Keep: func(ctx context.Context, s store.Source, name string, body io.Reader) (job.File, error) {
				return a.keep(ctx, s, name, body)
			},
			Drop:     func(context.Context, []job.File) {},
			Submit:   a.submit,
			Rejects:  rejects,
			Progress: func(context.Context, *job.Job) error { return nil },
		},
		Erase: api.EraseOf(a.eraser, a.eraser.Start),
	})
	return a
}

func (a *service) submit(ctx context.Context, r importer.Request) (*job.Job, error) {
	return a.ledger.Create(ctx, &job.Job{Kind: job.Import, Source: r.Source.UUID, Import: &job.ImportSpec{Files: r.Files, Mode: job.Upsert}})
}

func rejects(context.Context, *job.Job) (app.Download, error) {
	return app.Download{}, fault.New(fault.NotFound, "no_object", "no such object")
}

// fixed gives the account a known hash key and two sources, so that all ids are the same in every
// run.
func (a *service) fixed() (first, second string) {
	a.t.Helper()
	first, second = "ds_11111111-1111-1111-1111-111111111111", "ds_22222222-2222-2222-2222-222222222222"
	_, err := a.store.ChangeDirectory(a.t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.HashKey = bytes.Repeat([]byte{7}, 32)
		_, err := d.Add(first, "First", "Custom", clock())
		_, err2 := d.Add(second, "Second", "Stripe", clock())
		return nil, errors.Join(err, err2)
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return first, second
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a *service) request(method, path, body string) *http.Request {
	r := httptest.NewRequestWithContext(a.t.Context(), method, "http://api.test"+path, strings.NewReader(body))
	r.SetBasicAuth(testKey, "ignored")
	return r
}

func (a *service) serve(r *http.Request) answer {
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	ans := answer{w.Code, w.Header(), w.Body.String()}
	if a.spec != nil {
		for _, wrong := range a.spec.check(r.Method, r.URL.Path, ans) {
			a.t.Errorf("%s %s: not as docs/openapi.yaml has it: %s\n%.300s", r.Method, r.URL.Path, wrong, ans.body)
		}
	}
	return ans
}

func (a *service) do(method, path, body string) answer {
	a.t.Helper()
	return a.serve(a.request(method, path, body))
}

// must makes a request that must be answered with a status.
func (a *service) must(status int, method, path, body string) map[string]any {
	a.t.Helper()
	ans := a.do(method, path, body)
	if ans.status != status {
		a.t.Fatalf("%s %s: status %d, want %d: %s", method, path, ans.status, status, ans.body)
	}
	var out map[string]any
	if ans.body != "" {
		if err := json.Unmarshal([]byte(ans.body), &out); err != nil {
			a.t.Fatalf("%s %s: %v in %q", method, path, err, ans.body)
		}
	}
	return out
}

func (a *service) customer(source, ext, more string) string {
	a.t.Helper()
	out := a.must(http.StatusCreated, "POST", "/v1/customers",
		fmt.Sprintf(`{"data_source_uuid":%q,"external_id":%q%s}`, source, ext, more))
	return text(a.t, out, "uuid")
}

func (a *service) plan(source, ext string) string {
	a.t.Helper()
	out := a.must(http.StatusCreated, "POST", "/v1/plans",
		fmt.Sprintf(`{"data_source_uuid":%q,"external_id":%q,"name":"Plan","interval_count":1,"interval_unit":"month"}`, source, ext))
	return text(a.t, out, "uuid")
}

// invoice is the JSON of an invoice with one one-time line and one payment.
func invoice(ext, date string) string {
	return fmt.Sprintf(`{"external_id":%q,"date":%q,"currency":"USD",
		"line_items":[{"type":"one_time","amount_in_cents":500,"external_id":"li-%s"}],
		"transactions":[{"type":"payment","result":"successful","date":%q,"external_id":"tr-%s"}]}`, ext, date, ext, date, ext)
}

func (a *service) invoice(customer, ext, date string) string {
	a.t.Helper()
	out := a.must(http.StatusCreated, "POST", "/v1/import/customers/"+customer+"/invoices", `{"invoices":[`+invoice(ext, date)+`]}`)
	return text(a.t, entries(a.t, out, "invoices")[0], "uuid")
}

// manual stores a customer as an import by file does, with the directory's manual epoch.
func (a *service) manual(source, ext, email string) string {
	a.t.Helper()
	d, err := a.store.Directory(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	src, _ := d.ByUUID(source)
	hr := d.Hasher()
	h := hr.CustomerH(ext)
	b := table.NewBuilder().Int(store.AttrManual, d.ManualEpoch)
	store.EncodeRecord(b, &billing.Customer{ExternalID: ext, Email: email})
	err = a.store.Write(a.t.Context(), []table.Write{
		{Item: table.Item{Key: src.Space().Customer(h), Attrs: b.Attrs()}},
		{Item: table.Item{
			Key:   src.Space().Email(hr.EmailH(email), h),
			Attrs: table.NewBuilder().Int(store.AttrManual, d.ManualEpoch).Attrs(),
		}},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return store.ID(store.PrefixCustomer, src.Tag, h)
}

func text(tb testing.TB, m map[string]any, name string) string {
	tb.Helper()
	s, ok := m[name].(string)
	if !ok {
		tb.Fatalf("no text %q in %v", name, m)
	}
	return s
}

func entries(tb testing.TB, m map[string]any, name string) []map[string]any {
	tb.Helper()
	list, ok := m[name].([]any)
	if !ok {
		tb.Fatalf("no list %q in %v", name, m)
	}
	out := make([]map[string]any, len(list))
	for i, e := range list {
		if out[i], ok = e.(map[string]any); !ok {
			tb.Fatalf("%q holds something else than objects: %v", name, e)
		}
	}
	return out
}

func column(tb testing.TB, m map[string]any, list, name string) []string {
	tb.Helper()
	var out []string
	for _, e := range entries(tb, m, list) {
		out = append(out, text(tb, e, name))
	}
	return out
}
