package dynamo_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo"
	"reseed/pkg/table/mem"
)

// BenchmarkImport compares items per CPU second of a plain loop over the SDK and of a whole import,
// which cuts the file, validates and sorts the rows, merges them with what is stored (nothing),
// keeps the change set and applies it. An import also writes a pointer for every customer with an
// e-mail.
func BenchmarkImport(b *testing.B) {
	file := customersFile(b)
	items := benchRows + bytes.Count(file, []byte{'@'})
	compare(b, benchRows, items, func(b *testing.B, s service) (plain, ours func() error) {
		b.Helper()
		loop := newLoop(b)
		return func() error { return loop.write(b.Context(), file) }, func() error {
			before := s.items(b)
			err := importWhole(b, file)
			if got := s.items(b) - before; err == nil && got != items {
				err = fmt.Errorf("%d items arrived, want %d", got, items)
			}
			return err
		}
	})
}

// newClient returns a client with the settings of cloud.Open.
func newClient(ctx context.Context) (*dynamodb.Client, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost, t.WriteBufferSize = 128, 32<<10
	})
	c, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(client))
	return dynamodb.NewFromConfig(c), err
}

// importWhole imports a file of customers over the client, with one worker.
func importWhole(b *testing.B, file []byte) error {
	b.Helper()
	ctx := b.Context()
	client, err := newClient(ctx)
	if err != nil {
		return err
	}
	engine := &writesElsewhere{Driver: mem.New(mem.Options{}), elsewhere: dynamo.New(client, "t")}
	st, objs := store.New(engine), objects.Mem()
	var queue []importer.Message
	ledger := job.NewLedger(st, time.Now)
	im := importer.New(importer.Config{
		Store: st, Ledger: ledger, Objects: objs, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Send: func(_ context.Context, m []importer.Message) error { queue = append(queue, m...); return nil },
	})
	var src store.Source
	_, err = st.ChangeDirectory(ctx, func(d *store.Directory) (_ []table.Write, err error) {
		src, err = d.Add("ds_bench", "Bench", "CSV", time.Now())
		return nil, err
	})
	if err == nil {
		err = objs.Put(ctx, "uploads/bench/customers.csv", bytes.NewReader(file))
	}
	if err != nil {
		return err
	}
	j, err := im.Submit(ctx, importer.Request{
		Source: src, Origin: job.ByFile, Files: []job.File{{Name: "customers.csv", Object: "uploads/bench/customers.csv", Size: int64(len(file))}},
	})
	for err == nil && len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		err = im.Handle(ctx, m)
	}
	if err == nil {
		j, err = ledger.Get(ctx, j.ID)
	}
	if err == nil && (j.Status != job.Done || j.Datasets["customers"].Added != benchRows) {
		err = fmt.Errorf("%s: %+v", j.Status, j.Datasets)
	}
	return err
}

// writesElsewhere is a table that sends only the writes of rows to the service, which forgets them.
// The ledger needs a table that remembers.
type writesElsewhere struct {
	table.Driver
	elsewhere table.Driver
}

// Limits implements [table.Driver]: those of the service.
func (w *writesElsewhere) Limits() table.Limits { return w.elsewhere.Limits() }

// Write implements [table.Driver] for rows.
func (w *writesElsewhere) Write(ctx context.Context, batch []table.Write) ([]table.Write, table.Cost, error) {
	return w.elsewhere.Write(ctx, batch)
}
