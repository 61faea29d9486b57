package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/internal/systemtest"
	"reseed/pkg/api"
	"reseed/pkg/app"
	"reseed/pkg/credentials/credentialstest"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/puller"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// bed is the API over a whole app in memory, whose messages wait until work is called.
type bed struct {
	*service
	app     *app.App
	source  string // uuid of "First"
	imports []importer.Message
	sweeps  []app.Sweep
	pulls   []puller.Message
	billing *systemtest.Ledgerly
	link    string // if set, every download redirects to it
}

func newBed(tb testing.TB, spec *openAPI) *bed {
	tb.Helper()
	return newBedOn(tb, spec, mem.New(mem.Options{}))
}

func newBedOn(tb testing.TB, spec *openAPI, d table.Driver) *bed {
	tb.Helper()
	return newBedWith(tb, spec, d, objects.Mem())
}

func newBedWith(tb testing.TB, spec *openAPI, d table.Driver, objs *objects.Objects) *bed {
	tb.Helper()
	st := store.New(d)
	b := &bed{service: &service{t: tb, store: st, log: &lockedBuffer{}, passed: &atomic.Int64{}, spec: spec}}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	b.billing = ledgerly()
	b.app = app.New(app.Config{
		System: b.billing.Find, Vault: &credentialstest.Memory{},
		Store: st, Objects: objs, Now: b.now, Log: log, PieceBytes: 100_000, SweepUploads: true,
		Imports: func(_ context.Context, m ...importer.Message) error { b.imports = append(b.imports, m...); return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { b.sweeps = append(b.sweeps, m...); return nil },
		Pulls:   func(_ context.Context, m ...puller.Message) error { b.pulls = append(b.pulls, m...); return nil },
	})
	b.ledger, b.eraser = b.app.Ledger, b.app.Eraser
	imports := api.ImportsOf(b.app)
	given := func(d app.Download, err error) (app.Download, error) {
		if b.link == "" || err != nil {
			return d, err
		}
		return app.Download{Link: b.link}, d.Body.Close()
	}
	changes, rejects := imports.Changes, imports.Rejects
	imports.Changes = func(ctx context.Context, j *job.Job, f importer.Format) (app.Download, error) {
		return given(changes(ctx, j, f))
	}
	imports.Rejects = func(ctx context.Context, j *job.Job) (app.Download, error) { return given(rejects(ctx, j)) }
	exports := api.ExportsOf(b.app)
	file := exports.File
	exports.File = func(ctx context.Context, j *job.Job) (app.Download, error) { return given(file(ctx, j)) }
	b.handler = api.New(api.Config{
		Store: st, Keys: []httpapi.Key{{Hash: httpapi.HashKey(testKey)}}, Edits: edit.New(st, b.now), Jobs: b.ledger, Now: b.now, Log: log,
		MaxUpload: 1 << 20, Imports: imports, Exports: exports, Erase: api.EraseOf(b.eraser, b.app.StartErase), Syncs: api.SyncsOf(b.app.Puller),
		Systems: []system.System{b.billing},
	})
	b.source, _ = b.fixed()
	return b
}

// step handles the next message; false if there is none.
func (b *bed) step() bool {
	b.t.Helper()
	var err error
	switch {
	case len(b.imports) > 0:
		m := b.imports[0]
		b.imports = b.imports[1:]
		err = b.app.Work(b.t.Context(), m)
	case len(b.sweeps) > 0:
		m := b.sweeps[0]
		b.sweeps = b.sweeps[1:]
		err = b.app.Sweep(b.t.Context(), m)
	case len(b.pulls) > 0:
		m := b.pulls[0]
		b.pulls = b.pulls[1:]
		err = b.app.Puller.With(oneTab{}).Handle(b.t.Context(), m)
	default:
		return false
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.wait(time.Second)
	return true
}

func (b *bed) work() {
	for b.step() {
	}
}

// part is one part of a form: an option, or a file.
type part struct{ name, file, text string }

func file(name, text string) part            { return part{"file", name, text} }
func (b *bed) imported(parts ...part) answer { return b.form(b.source, parts...) }

func (b *bed) form(source string, parts ...part) answer {
	b.t.Helper()
	return b.formTo("/v1/data_sources/"+source+"/imports", parts...)
}

func (b *bed) formTo(path string, parts ...part) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, p := range parts {
		var w io.Writer
		var err error
		if p.file != "" {
			w, err = form.CreateFormFile(p.name, p.file)
		} else {
			w, err = form.CreateFormField(p.name)
		}
		if err == nil {
			_, err = io.WriteString(w, p.text)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	r := b.request("POST", path, body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	return b.serve(r)
}

// ordered posts an import in JSON.
func (b *bed) ordered(body string) answer {
	b.t.Helper()
	r := b.request("POST", "/v1/data_sources/"+b.source+"/imports", body)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return b.serve(r)
}

// id is the job that a request has made.
func (b *bed) id(ans answer) string {
	b.t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(ans.body), &out); err != nil || ans.status != http.StatusAccepted {
		b.t.Fatalf("status %d: %s", ans.status, ans.body)
	}
	return text(b.t, out, "id")
}

// done posts an import and works until it has ended, which must be in a state.
func (b *bed) done(want string, parts ...part) string {
	b.t.Helper()
	id := b.id(b.imported(parts...))
	b.work()
	b.is(id, want)
	return id
}

func (b *bed) is(id, want string) map[string]any {
	b.t.Helper()
	j := b.must(200, "GET", "/v1/imports/"+id, "")
	if j["status"] != want {
		b.t.Fatalf("the import is %v, want %s: %v", j["status"], want, j["error"])
	}
	return j
}

// unpacked is the text of a gzip file.
func (b *bed) unpacked(packed string) string {
	b.t.Helper()
	t := b.t
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func (b *bed) put(key, text string) {
	b.t.Helper()
	if err := b.app.Objects.Put(b.t.Context(), key, strings.NewReader(text)); err != nil {
		b.t.Fatal(err)
	}
}
