package exporter_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/gen/company"
	"reseed/pkg/app"
	"reseed/pkg/eraser"
	"reseed/pkg/exporter"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo"
	"reseed/pkg/table/dynamo/dynotest"
	"reseed/pkg/table/mem"
	"reseed/pkg/table/pebble"
)

var engine dynotest.Engine

func TestMain(m *testing.M) { os.Exit(engine.Run(m)) }

// process is one process on a table and objects. Its messages wait until work is called.
type process struct {
	*app.App
	t        *testing.T
	messages []exporter.Message // of an exporter of its own
	imports  []importer.Message
	sweeps   []app.Sweep
}

// Small enough that a few dozen records make several pages and parts.
const (
	pageOfTest = 7
	partOfTest = 900
)

func newProcess(t *testing.T, d table.Driver, objs *objects.Objects) *process {
	t.Helper()
	p := &process{t: t}
	p.App = app.New(app.Config{
		Store: store.New(d), Objects: objs, Now: time.Now, Log: slog.New(slog.DiscardHandler), PieceBytes: 5000,
		Imports: func(_ context.Context, m ...importer.Message) error { p.imports = append(p.imports, m...); return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { p.sweeps = append(p.sweeps, m...); return nil },
	})
	p.Exporter = exporter.New(exporter.Config{
		Store: p.Store, Ledger: p.Ledger, Objects: objs, Now: time.Now, Log: p.Log, PartBytes: partOfTest, Page: pageOfTest,
		Send: func(_ context.Context, list []exporter.Message) error {
			for _, m := range list {
				p.imports = append(p.imports, importer.Message{Job: m.Job, Task: m.Task, Kind: job.Export})
			}
			return nil
		},
		Forgotten: func(ctx context.Context, d *store.Directory, source, customer string) (bool, error) {
			return p.Eraser.Forgotten(ctx, d, source, customer)
		},
		Dispatch: func(_ context.Context, j *job.Job) error {
			if j.Kind == job.Erase {
				p.sweeps = append(p.sweeps, app.Sweep{Job: j.ID})
			} else {
				p.imports = append(p.imports, importer.Message{Job: j.ID, Kind: j.Kind})
			}
			return nil
		},
	})
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// step handles one message; done tells that there was none.
func (p *process) step() (done bool, err error) {
	switch {
	case len(p.imports) > 0:
		m := p.imports[0]
		p.imports = p.imports[1:]
		err = p.Work(p.t.Context(), m)
	case len(p.sweeps) > 0:
		m := p.sweeps[0]
		p.sweeps = p.sweeps[1:]
		err = p.Sweep(p.t.Context(), m)
	default:
		return true, nil
	}
	return false, err
}

func (p *process) work() {
	p.t.Helper()
	for {
		done, err := p.step()
		must(p.t, err)
		if done {
			return
		}
	}
}

// source makes a source of two shards.
func (p *process) source(name string) store.Source {
	p.t.Helper()
	_, err := p.Store.ChangeDirectory(p.t.Context(), func(d *store.Directory) ([]table.Write, error) {
		_, err := d.Add(fmt.Sprintf("ds_%d", d.NextTag), name, "CSV", time.Now())
		d.Sources[len(d.Sources)-1].Shards = 2
		return nil, err
	})
	must(p.t, err)
	return p.now(name)
}

// now is a source as it is.
func (p *process) now(name string) store.Source {
	p.t.Helper()
	d, err := p.Store.Directory(p.t.Context())
	must(p.t, err)
	src, _ := d.ByName(name)
	return src
}

func (p *process) ended(j *job.Job) *job.Job {
	p.t.Helper()
	p.work()
	j, err := p.Ledger.Get(p.t.Context(), j.ID)
	must(p.t, err)
	return j
}

// load imports files, by name, none of whose rows may be rejected.
func (p *process) load(name string, files map[string]string) {
	p.t.Helper()
	if j := p.submit(name, files, importer.Options{}); j.Status != job.Done || j.Rejects > 0 {
		p.t.Fatalf("the import is %s: %s, %+v", j.Status, j.Error, j.Reasons)
	}
}

// submit imports files, by name, to the end.
func (p *process) submit(name string, files map[string]string, how importer.Options) *job.Job {
	p.t.Helper()
	r := importer.Request{Source: p.now(name), Origin: job.ByFile, Options: how}
	for file, text := range files {
		f, err := p.Keep(p.t.Context(), r.Source, file, bytes.NewReader([]byte(text)))
		must(p.t, err)
		r.Files = append(r.Files, f)
	}
	j, err := p.Importer.Submit(p.t.Context(), r)
	must(p.t, err)
	return p.ended(j)
}

func (p *process) start(r exporter.Request) *job.Job {
	p.t.Helper()
	j, err := p.Exporter.Start(p.t.Context(), r)
	must(p.t, err)
	return j
}

// export exports a source, and returns the files of the ZIP.
func (p *process) export(r exporter.Request) map[string]string {
	p.t.Helper()
	j := p.ended(p.start(r))
	if j.Status != job.Done {
		p.t.Fatalf("the export is %s: %s", j.Status, j.Error)
	}
	return p.unzip(j)
}

func (p *process) zip(j *job.Job) []byte {
	p.t.Helper()
	d, err := p.ExportFile(p.t.Context(), j)
	must(p.t, err)
	body, err := io.ReadAll(d.Body)
	must(p.t, err)
	if int64(len(body)) != j.Export.Size {
		p.t.Fatalf("%d bytes, want %d", len(body), j.Export.Size)
	}
	return body
}

func (p *process) unzip(j *job.Job) map[string]string {
	p.t.Helper()
	body := p.zip(j)
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	must(p.t, err)
	files := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		must(p.t, err)
		text, err := io.ReadAll(in) // checks the checksum, too
		must(p.t, err)
		files[f.Name] = string(text)
	}
	return files
}

// erase erases a selection and waits for its end.
func (p *process) erase(sel eraser.Selection, opt eraser.Options) *job.Job {
	p.t.Helper()
	j, err := p.StartErase(p.t.Context(), sel, opt)
	must(p.t, err)
	return p.ended(j)
}

// names lists the objects in the folder of a job.
func (p *process) names(j *job.Job) []string {
	p.t.Helper()
	names, err := p.Objects.Names(p.t.Context(), j.Prefix())
	must(p.t, err)
	return names
}

// generated has the files of a made-up company.
func generated(t *testing.T, customers int, layout company.Layout) map[string]string {
	t.Helper()
	dir := t.TempDir()
	_, err := company.WriteDir(dir, company.Options{Seed: 3, Customers: customers, Months: 12, Layout: layout})
	must(t, err)
	names, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	must(t, err)
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		must(t, err)
		files[filepath.Base(name)] = string(text)
	}
	return files
}

// engines are all engines that tables may lie in.
func engines() map[string]func(*testing.T) table.Driver {
	return map[string]func(*testing.T) table.Driver{
		"mem": func(*testing.T) table.Driver { return mem.New(mem.Options{}) },
		"pebble": func(t *testing.T) table.Driver {
			t.Helper()
			d, err := pebble.Open(t.TempDir(), pebble.Options{})
			must(t, err)
			t.Cleanup(func() { must(t, d.Close()) })
			return d
		},
		"dynamodb": func(t *testing.T) table.Driver {
			t.Helper()
			client, name := engine.Table(t)
			return dynamo.New(client, name)
		},
	}
}
