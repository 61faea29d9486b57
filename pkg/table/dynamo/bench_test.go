package dynamo_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"reseed/internal/gen/company"
	"reseed/pkg/billing"
	"reseed/pkg/cloud"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

const (
	benchRows    = 40_000
	benchWorkers = 16
	benchAt      = 1_763_890_000_000
)

// BenchmarkWrite compares items per CPU second of this process: of a plain loop over the SDK, and
// of the path of an import from its records to the service. Both write the same customers.
func BenchmarkWrite(b *testing.B) {
	file := customersFile(b)
	compare(b, benchRows, benchRows, func(b *testing.B, s service) (plain, ours func() error) {
		b.Helper()
		loop, in, want := newLoop(b), newImport(b, file), 0
		counted := func(write func() error) func() error {
			return func() error {
				want += benchRows
				err := write()
				if got := s.items(b); got != want {
					b.Fatalf("%d items arrived, want %d", got, want)
				}
				return err
			}
		}
		return counted(func() error { return loop.write(b.Context(), file) }), counted(func() error { return in.write(b.Context()) })
	})
}

// BenchmarkQuery compares reading a full page: the SDK into structs, and ours into items.
func BenchmarkQuery(b *testing.B) {
	const pages = 20
	compare(b, pages*pageItems, pages*pageItems, func(b *testing.B, _ service) (plain, ours func() error) {
		b.Helper()
		loop, in := newLoop(b), newImport(b, nil)
		return times(pages, func() error { return loop.query(b.Context()) }), times(pages, func() error { return in.query(b.Context()) })
	})
}

func times(n int, f func() error) func() error {
	return func() error {
		for range n {
			if err := f(); err != nil {
				return err
			}
		}
		return nil
	}
}

// compare measures two ways to move items, in turns and under the same settings of the garbage
// collector. The service is a process of its own and answers at once.
func compare(b *testing.B, plainItems, items int, ways func(b *testing.B, s service) (plain, ours func() error)) {
	b.Helper()
	for _, gc := range []struct {
		name    string
		percent int
		limit   int64
	}{
		{"default", 100, math.MaxInt64},
		{"as deployed", -1, 384 << 20}, // template.yaml
	} {
		b.Run(gc.name, func(b *testing.B) {
			plain, ours := ways(b, startService(b))
			defer debug.SetGCPercent(debug.SetGCPercent(gc.percent))
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(gc.limit))
			var plainTime, oursTime time.Duration
			rounds := 0
			for ; b.Loop(); rounds++ {
				plainTime += cpu(b, plain)
				oursTime += cpu(b, ours)
			}
			b.ReportMetric(0, "ns/op")
			plainRate, rate := float64(rounds*plainItems)/plainTime.Seconds(), float64(rounds*items)/oursTime.Seconds()
			b.ReportMetric(plainRate, "plain-items/cpu-s")
			b.ReportMetric(rate, "items/cpu-s")
			b.ReportMetric(rate/plainRate, "ratio")
		})
	}
}

// cpu returns the CPU time that f takes, user and system. It collects earlier garbage first.
func cpu(b *testing.B, f func() error) time.Duration {
	b.Helper()
	runtime.GC()
	before := used(b)
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return used(b) - before
}

func used(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func customersFile(b *testing.B) []byte {
	b.Helper()
	var file bytes.Buffer
	o := company.Options{Seed: 1, Customers: benchRows, Months: 24, Layout: company.Named}
	if _, err := company.Generate(o, map[company.Dataset]io.Writer{company.Customers: &file}); err != nil {
		b.Fatal(err)
	}
	return file.Bytes()
}

// plainLoop is a plain loop over the SDK: encoding/csv, a struct, MarshalMap and 16 workers.
type plainLoop struct{ client *dynamodb.Client }

// plainCustomer has the attributes that an import stores; T is a date as it is in the file, or in
// an item.
type plainCustomer[T string | int64] struct {
	PK         string `dynamodbav:"pk"`
	SK         string `dynamodbav:"sk"`
	CreatedAt  int64  `dynamodbav:"_at"`
	UpdatedAt  int64  `dynamodbav:"_up"`
	Name       string `dynamodbav:"name,omitempty"`
	Email      string `dynamodbav:"email,omitempty"`
	Company    string `dynamodbav:"company,omitempty"`
	Country    string `dynamodbav:"country,omitempty"`
	State      string `dynamodbav:"state,omitempty"`
	City       string `dynamodbav:"city,omitempty"`
	Zip        string `dynamodbav:"zip,omitempty"`
	ExternalID string `dynamodbav:"external_id,omitempty"`
	Lead       T      `dynamodbav:"lead_created_at,omitempty"`
	Trial      T      `dynamodbav:"free_trial_started_at,omitempty"`
}

func newLoop(b *testing.B) *plainLoop {
	b.Helper()
	// A plain loop would not do even this. Without it the 16 workers open connections all the time.
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = benchWorkers })
	c, err := awsconfig.LoadDefaultConfig(b.Context(), awsconfig.WithHTTPClient(client))
	if err != nil {
		b.Fatal(err)
	}
	return &plainLoop{dynamodb.NewFromConfig(c)}
}

func (l *plainLoop) write(ctx context.Context, file []byte) error {
	g, ctx := errgroup.WithContext(ctx)
	batches := make(chan []plainCustomer[string], benchWorkers)
	g.Go(func() error {
		defer close(batches)
		return l.read(ctx, file, batches)
	})
	for range benchWorkers {
		g.Go(func() error {
			for batch := range batches {
				if err := l.batch(ctx, batch); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (l *plainLoop) read(ctx context.Context, file []byte, batches chan<- []plainCustomer[string]) error {
	const size = 25
	r := csv.NewReader(bytes.NewReader(file))
	if _, err := r.Read(); err != nil { // the header
		return err
	}
	for ended := false; !ended; {
		batch := make([]plainCustomer[string], 0, size)
		for len(batch) < size {
			row, err := r.Read()
			if ended = errors.Is(err, io.EOF); ended {
				break
			}
			if err != nil {
				return err
			}
			batch = append(batch, plainCustomer[string]{
				PK: "customer#" + row[7], SK: "customer", CreatedAt: benchAt, UpdatedAt: benchAt,
				Name: row[0], Email: row[1], Company: row[2], Country: row[3], State: row[4], City: row[5], Zip: row[6],
				ExternalID: row[7], Lead: row[8], Trial: row[9],
			})
		}
		if len(batch) == 0 {
			break
		}
		select {
		case batches <- batch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (l *plainLoop) batch(ctx context.Context, batch []plainCustomer[string]) error {
	requests := make([]types.WriteRequest, len(batch))
	for i := range batch {
		item, err := attributevalue.MarshalMap(batch[i])
		if err != nil {
			return err
		}
		requests[i].PutRequest = &types.PutRequest{Item: item}
	}
	left := map[string][]types.WriteRequest{"t": requests}
	for len(left) > 0 {
		out, err := l.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: left})
		if err != nil {
			return err
		}
		left = out.UnprocessedItems
	}
	return nil
}

func (l *plainLoop) query(ctx context.Context) error {
	out, err := l.client.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String("t"), ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :p"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "0001f.c1#04"}},
	})
	if err != nil {
		return err
	}
	var customers []plainCustomer[int64]
	if err := attributevalue.UnmarshalListOfMaps(out.Items, &customers); err != nil {
		return err
	}
	if len(customers) != pageItems {
		return fmt.Errorf("%d items on the page", len(customers))
	}
	return nil
}

// recordImport writes records as an import does, wired as it is deployed.
type recordImport struct {
	store   *store.Store
	hasher  *store.Hasher
	space   store.Space
	records []*billing.Customer
}

func newImport(b *testing.B, file []byte) *recordImport {
	b.Helper()
	c, err := cloud.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return &recordImport{
		store: c.Store("t"), hasher: store.NewHasher(make([]byte, 32)), records: records(b, file),
		space: store.Space{Tag: 31, Epochs: store.Epochs{Customers: 1, Data: 1, Edits: 1}, Shards: 16},
	}
}

func records(b *testing.B, file []byte) (list []*billing.Customer) {
	b.Helper()
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	if len(rows) == 0 {
		return nil
	}
	layout, err := billing.NewLayout(billing.Customers, rows[0], billing.Values{})
	if err != nil {
		b.Fatal(err)
	}
	for i, row := range rows[1:] {
		record, problem := layout.Record(row, time.UnixMilli(benchAt))
		c, ok := record.(*billing.Customer)
		if problem != nil || !ok {
			b.Fatalf("row %d: %v", i, problem)
		}
		list = append(list, c)
	}
	return list
}

func (in *recordImport) write(ctx context.Context) error {
	const chunk = 2000
	build := table.NewBuilder()
	batch := make([]table.Write, 0, chunk)
	for i, r := range in.records {
		build.Reset()
		build.Int("_at", benchAt).Int("_up", benchAt)
		store.EncodeRecord(build, r)
		key := in.space.Customer(in.hasher.CustomerH(r.ExternalID))
		batch = append(batch, table.Write{Item: table.Item{Key: key, Attrs: build.Attrs()}})
		if len(batch) == chunk || i == len(in.records)-1 {
			if err := in.store.Write(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}

func (in *recordImport) query(ctx context.Context) error {
	page, err := in.store.Page(ctx, in.space.CustomersIn(4))
	if err == nil && len(page.Items) != pageItems {
		err = fmt.Errorf("%d items on the page", len(page.Items))
	}
	return err
}
