package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"reseed/pkg/api"
	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/app"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

const key = "the-key-of-the-example"

// serve starts a server in memory, and returns a client of it. After every answer the server does
// all the work that waits.
func serve() (cl *client.Client, end func()) {
	st, now, quiet := store.New(mem.New(mem.Options{})), time.Now, slog.New(slog.DiscardHandler)
	var imports []importer.Message
	var sweeps []app.Sweep
	a := app.New(app.Config{
		Store: st, Objects: objects.Mem(), Now: now, Log: quiet,
		Imports: func(_ context.Context, m ...importer.Message) error { imports = append(imports, m...); return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { sweeps = append(sweeps, m...); return nil },
	})
	handler := api.New(api.Config{
		Store: st, Keys: []httpapi.Key{{Hash: httpapi.HashKey(key)}}, Edits: edit.New(st, now), Jobs: a.Ledger, Now: now, Log: quiet,
		Imports: api.ImportsOf(a), Exports: api.ExportsOf(a), Erase: api.EraseOf(a.Eraser, a.StartErase), Syncs: api.SyncsOf(a.Puller),
	})
	work := func(ctx context.Context) error {
		for len(imports)+len(sweeps) > 0 {
			if len(imports) == 0 {
				s := sweeps[0]
				sweeps = sweeps[1:]
				if err := a.Sweep(ctx, s); err != nil {
					return err
				}
				continue
			}
			m := imports[0]
			imports = imports[1:]
			if err := a.Importer.Handle(ctx, m); err != nil {
				return err
			}
		}
		return nil
	}
	var one sync.Mutex // at a time
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		handler.ServeHTTP(w, r)
		if err := work(context.WithoutCancel(r.Context())); err != nil {
			log.Println(err)
		}
	}))
	return client.New(server.URL, key, server.Client()), server.Close
}

// file is a file with a text.
func file(name, text string) client.File {
	return client.File{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A file is imported into a data source of its own. One row has no external id, and is rejected
// with the place and the reason.
func ExampleClient_Import() {
	cl, end := serve()
	defer end()
	ctx := context.Background()

	source, err := cl.AddSource(ctx, "Company", "CSV")
	must(err)
	customers := file("customers.csv", "Name,Email,External ID\nAnn,ann@example.com,c1\nBo,bo@example.com,c2\nNobody,,\n")
	j, err := cl.Import(ctx, source.UUID, wire.ImportOptions{Mode: wire.Upsert}, []client.File{customers})
	must(err)
	for !j.Status.Ended() {
		j, err = cl.Job(ctx, j.ID)
		must(err)
	}
	n := j.Datasets["customers"]
	fmt.Printf("%s: %d added, %d rejected\n", j.Status, n.Added, n.Rejected)

	rejects, err := cl.Rejects(ctx, j.ID)
	must(err)
	text, err := io.ReadAll(rejects)
	must(err)
	fmt.Println("the reason is told:", strings.Contains(string(text), "External ID"))
	// Output:
	// done: 2 added, 1 rejected
	// the reason is told: true
}

// An erase is planned, confirmed with the number of items of the plan, and proven by a receipt.
func ExampleClient_Erase() {
	cl, end := serve()
	defer end()
	ctx := context.Background()

	for _, name := range []string{"Company", "Another"} {
		source, err := cl.AddSource(ctx, name, "CSV")
		must(err)
		_, err = cl.Import(ctx, source.UUID, wire.ImportOptions{}, []client.File{file("customers.csv", "Name,External ID\nAnn,c1\n")})
		must(err)
	}
	named, err := cl.SourcesNamed(ctx, "company")
	must(err)
	what := wire.Erasure{Selection: wire.SelectSource, ID: named[0].UUID}
	plan, err := cl.PlanErase(ctx, what)
	must(err)
	fmt.Println("goes:", plan.Removes["customers"], "customer")

	total := plan.Total()
	what.Confirm = &total
	j, err := cl.Erase(ctx, what)
	must(err)
	for !j.Status.Ended() {
		j, err = cl.Job(ctx, j.ID)
		must(err)
	}
	receipt, err := cl.Receipt(ctx, j.ID)
	must(err)
	left, err := cl.Sources(ctx)
	must(err)
	fmt.Printf("%s, %d items; left: %s\n", j.Status, receipt.Total, left[0].Name)
	// Output:
	// goes: 1 customer
	// done, 1 items; left: Another
}

// IsNotFound distinguishes what is not there from all other failures.
func ExampleIsNotFound() {
	cl, end := serve()
	defer end()

	_, err := cl.Job(context.Background(), "0192f0c4a3b87c5e9d1f")
	fmt.Println(client.IsNotFound(err), err)
	// Output: true Job not found
}
