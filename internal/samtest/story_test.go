//go:build sam

package samtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"reseed/internal/samtest"
	"reseed/pkg/app"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo"
)

const (
	importQueue = "reseed-import"
	eraseQueue  = "reseed-erase"
	apiKey      = "local" // its hash is in hack/sam/env.json
	customers   = 12      // rows of the sample file
	// One name is a prefix of the other: an erase of one must not erase the other.
	acme, neighbour = "Acme", "Acme & Söhne"
)

// TestUploadsBecomeItemsAndAreErased follows files from the bucket into the table and the API,
// until they are erased. Each step needs the one before.
func TestUploadsBecomeItemsAndAreErased(t *testing.T) {
	s := &story{Bed: samtest.Start(t)}
	s.upload(t)
	s.deliver(t)
	s.imported(t)

	s.base = s.API(t)
	byAPI := s.served(t)
	s.eraseSource(t)
	s.eraseManual(t, byAPI)
}

// story is a bed and what its steps share.
type story struct {
	*samtest.Bed

	base string // URL of the API
}

// upload uploads the sample file to two sources and invokes ingest-csv, which must leave work in
// the queue and nothing in the sources.
func (s *story) upload(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Template.Root, "testdata", "twelve", "customers.csv"))
	if err != nil {
		t.Fatal(err)
	}
	s.invoke(t, "IngestCsv", events.S3Event{Records: []events.S3EventRecord{
		s.put(t, "uploads/"+acme+"/customers.csv", string(text)),
		s.put(t, "uploads/"+neighbour+"/customers.csv", string(text)),
	}})
	for _, name := range []string{acme, neighbour} {
		if got := s.customersOf(t, s.source(t, name)); got != 0 {
			t.Errorf("%s has %d customers before its import", name, got)
		}
	}
}

// put puts a file into the bucket and returns the record of the event that S3 would send.
func (s *story) put(t *testing.T, key, text string) (r events.S3EventRecord) {
	t.Helper()
	out, err := s.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(samtest.Bucket), Key: &key, Body: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	r.EventSource, r.EventName = "aws:s3", "ObjectCreated:Put"
	r.S3.Bucket.Name = samtest.Bucket
	r.S3.Object.Key, r.S3.Object.Size = url.QueryEscape(key), int64(len(text))
	r.S3.Object.VersionID, r.S3.Object.ETag = aws.ToString(out.VersionId), strings.Trim(aws.ToString(out.ETag), `"`)
	return r
}

// deliver delivers messages to import-chunk until its queue is empty. There must be messages.
func (s *story) deliver(t *testing.T) {
	t.Helper()
	if s.drain(t, importQueue, "ImportChunk") == 0 {
		t.Fatal("ingest-csv sent no message")
	}
}

// drain delivers the messages of a queue to a function, also those that the function sends, until
// the queue is empty. It returns the number of deliveries.
func (s *story) drain(t *testing.T, queue, function string) (n int) {
	t.Helper()
	for event := s.TakeMessages(t, queue); event != nil; event = s.TakeMessages(t, queue) {
		var answer events.SQSEventResponse
		said := s.Invoke(t, function, event)
		if err := json.Unmarshal(said, &answer); err != nil || len(answer.BatchItemFailures) > 0 {
			t.Fatalf("%s did not do %s: %s", function, event, said)
		}
		n++
	}
	return n
}

// imported checks in the ledger and the table that both imports are done and every row is an item.
func (s *story) imported(t *testing.T) {
	t.Helper()
	list, err := job.NewLedger(s.store(), time.Now).List(t.Context(), 10, "")
	if err != nil || len(list) != 2 {
		t.Fatalf("%d jobs, want 2: %v", len(list), err)
	}
	for _, j := range list {
		if n := j.Datasets["customers"]; j.Status != job.Done || n.Added != customers || n.Rejected != 0 {
			t.Errorf("job %s: %s %s, %+v", j.ID, j.Status, j.Error, n)
		}
	}
	for _, name := range []string{acme, neighbour} {
		if got := s.customersOf(t, s.source(t, name)); got != customers {
			t.Errorf("%s has %d customers of %d", name, got, customers)
		}
	}
}

// served reads the imported customers over the API. It makes a source with one customer there, and
// returns the source.
func (s *story) served(t *testing.T) (byAPI store.Source) {
	t.Helper()
	s.call(t, http.MethodGet, "/v1/ping", "", http.StatusOK, nil)
	var listed struct {
		Sources []struct{ Name string } `json:"data_sources"`
	}
	s.call(t, http.MethodGet, "/v1/data_sources", "", http.StatusOK, &listed)
	if len(listed.Sources) != 2 {
		t.Errorf("the API lists the sources %v", listed.Sources)
	}
	s.lists(t, "?per_page=200", 2*customers)
	s.lists(t, "?per_page=200&data_source_uuid="+s.source(t, acme).UUID, customers)

	var made struct {
		UUID string `json:"uuid"`
	}
	s.call(t, http.MethodPost, "/v1/data_sources", `{"name":"By API"}`, http.StatusCreated, &made)
	body := fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"one","name":"One"}`, made.UUID)
	s.call(t, http.MethodPost, "/v1/customers", body, http.StatusCreated, nil)
	byAPI = s.source(t, "By API")
	if byAPI.UUID != made.UUID || s.customersOf(t, byAPI) != 1 {
		t.Errorf("source %+v has %d customers", byAPI, s.customersOf(t, byAPI))
	}
	return byAPI
}

// eraseSource erases one source: nothing of it is left in the table, and the other one is as
// before.
func (s *story) eraseSource(t *testing.T) {
	t.Helper()
	gone, stays := s.source(t, acme), s.source(t, neighbour)
	before := s.items(t, stays)
	s.erase(t, "DeleteSource", app.EraseSource{Source: acme})
	if left := s.items(t, gone); len(left) != 0 {
		t.Errorf("%d items are left: %v", len(left), left)
	}
	if got := s.items(t, stays); len(before) < customers || len(got) != len(before) {
		t.Errorf("the neighbour has %d items of %d", len(got), len(before))
	}
	s.lists(t, "?per_page=200", customers+1)
}

// eraseManual erases what came from files, in all sources, and leaves what came over the API.
func (s *story) eraseManual(t *testing.T, byAPI store.Source) {
	t.Helper()
	s.erase(t, "DeleteManualCustomers", app.EraseManual{})
	if left := s.items(t, s.source(t, neighbour)); len(left) != 0 {
		t.Errorf("%d manual items are left: %v", len(left), left)
	}
	if got := s.customersOf(t, byAPI); got != 1 {
		t.Errorf("%d customers of the API are left, want 1", got)
	}
	s.lists(t, "?per_page=200", 1)
}

// erase runs an erase to its end. What the first invocation does not do, messages in the queue do.
func (s *story) erase(t *testing.T, function string, in any) {
	t.Helper()
	var out app.Erased
	if err := json.Unmarshal(s.invoke(t, function, in), &out); err != nil {
		t.Fatal(err)
	}
	s.drain(t, eraseQueue, "DeleteSource")
	j, err := job.NewLedger(s.store(), time.Now).Get(t.Context(), out.Job)
	if err != nil {
		t.Fatal(err)
	}
	if j.Status != job.Done {
		t.Fatalf("%s: %s %s", function, j.Status, j.Error)
	}
}

func (s *story) invoke(t *testing.T, function string, in any) []byte {
	t.Helper()
	event, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return s.Invoke(t, function, event)
}

// lists checks how many customers the API lists for a query.
func (s *story) lists(t *testing.T, query string, want int) {
	t.Helper()
	var got struct {
		Entries []struct{ UUID string } `json:"entries"`
	}
	s.call(t, http.MethodGet, "/v1/customers"+query, "", http.StatusOK, &got)
	if len(got.Entries) != want {
		t.Errorf("customers%s: %d are listed, want %d", query, len(got.Entries), want)
	}
}

// call makes a request to the API, which must answer with status want, and decodes the answer into
// out unless that is nil.
func (s *story) call(t *testing.T, method, path, body string, want int, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(apiKey, "")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		t.Fatalf("%s %s: %d, want %d: %v\n%s", method, path, resp.StatusCode, want, err, said)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(said, out); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, said)
	}
}

func (s *story) store() *store.Store { return store.New(dynamo.New(s.Dynamo, samtest.Table)) }

// source returns the source with a name, which must exist.
func (s *story) source(t *testing.T, name string) store.Source {
	t.Helper()
	d, err := s.store().Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	src, ok := d.ByName(name)
	if !ok {
		t.Fatalf("there is no source %q: %+v", name, d.Sources)
	}
	return src
}

// customersOf counts the customers of a source in the table.
func (s *story) customersOf(t *testing.T, src store.Source) (n int) {
	t.Helper()
	for _, key := range s.items(t, src) {
		if strings.HasPrefix(key.SK, store.SKCustomer) {
			n++
		}
	}
	return n
}

// items scans the whole table for keys with the tag of a source, of any epoch: also items that
// Reseed no longer looks at.
func (s *story) items(t *testing.T, src store.Source) (keys []table.Key) {
	t.Helper()
	tag := fmt.Sprintf("%05x.", uint32(src.Tag))
	pages := dynamodb.NewScanPaginator(s.Dynamo, &dynamodb.ScanInput{TableName: aws.String(samtest.Table), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if key := keyOf(t, item); strings.HasPrefix(key.PK, tag) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

func keyOf(t *testing.T, item map[string]types.AttributeValue) table.Key {
	t.Helper()
	pk, ok := item["pk"].(*types.AttributeValueMemberS)
	sk, ok2 := item["sk"].(*types.AttributeValueMemberS)
	if !ok || !ok2 {
		t.Fatalf("an item without a key: %v", item)
	}
	return table.Key{PK: pk.Value, SK: sk.Value}
}
