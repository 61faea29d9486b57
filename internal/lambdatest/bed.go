package lambdatest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"reseed/internal/awsfake"
	"reseed/internal/awsfake/awsfaketest"
	"reseed/internal/googletest"
	"reseed/internal/stripetest"
	"reseed/internal/systemtest"
	"reseed/internal/templatetest"
	"reseed/pkg/store"
	"reseed/pkg/table/dynamo"
	"reseed/pkg/table/dynamo/dynotest"
)

// Names of the stand-ins for the resources of the template, and the hash of the API key of events/.
const (
	bucket      = "files"
	importQueue = "import"
	eraseQueue  = "erase"
	pullQueue   = "pull"
	keyHash     = "25bf8e1a2393f1108d37029b3df5593236c755742ec93465bbafa9b290bddcf6" // of the key "local"
)

// Bed is Reseed as it is deployed, without AWS: every function running, over stand-ins that are
// empty at first.
type Bed struct {
	Template  *templatetest.Template
	Functions map[string]*Function // by folder
	Store     *store.Store         // the table of the functions, for tests to look into
	Google    *googletest.Server
	Secrets   *awsfake.Secrets
	Stripe    *stripetest.World

	Mails func() [][]byte // that the functions have sent through SES

	s3     *s3.Client
	sqs    *sqs.Client
	sqsURL string
	starts map[string]func(testing.TB) *Function
}

// Build builds every function as for a deployment, but for this machine: into dir, one binary for
// each folder of functions/. root is the folder of the repository.
func Build(ctx context.Context, root, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "lambda.norpc", "-o", dir, "./functions/...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the functions: %w\n%s", err, said)
	}
	return nil
}

// NewBed starts the stand-ins, with a new table in the engine, and every function of the template.
// binaries is the folder that [Build] filled.
func NewBed(tb testing.TB, engine *dynotest.Engine, binaries string) *Bed {
	tb.Helper()
	s3URL, sqsURL := awsfaketest.Start(tb, awsfaketest.Resources{Buckets: []string{bucket}, Queues: queues()})
	sesURL, mails := startSES(tb)
	client, table := engine.Table(tb)
	google := googletest.Serve(tb)
	secretsURL, secrets := startSecrets(tb, google.Key(tb, GoogleAccount))
	world, err := stripetest.New(time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	b := &Bed{
		Template: templatetest.Load(tb), Functions: map[string]*Function{}, starts: map[string]func(testing.TB) *Function{}, Store: store.New(dynamo.New(client, table)),
		Google: google, Secrets: secrets, Stripe: world, Mails: mails,
		s3: s3.NewFromConfig(config(s3URL)), sqs: sqs.NewFromConfig(config(sqsURL)), sqsURL: sqsURL,
	}
	values := map[string]string{
		"RESEED_TABLE": table, "RESEED_BUCKET": bucket, "RESEED_API_KEY_HASHES": keyHash, "RESEED_REQUEST_LIFETIME": "0s", "RESEED_BACKUP_DAYS": "35", "RESEED_LOG_DAYS": "30",
		"RESEED_QUEUE_URL": awsfake.QueueURL(sqsURL, importQueue), "RESEED_ERASE_QUEUE_URL": awsfake.QueueURL(sqsURL, eraseQueue), "RESEED_PULL_QUEUE_URL": awsfake.QueueURL(sqsURL, pullQueue),
		"RESEED_GOOGLE_ENDPOINT": b.Google.URL, "RESEED_GOOGLE_SECRET": "reseed/google", "AWS_ENDPOINT_URL_SECRETS_MANAGER": secretsURL,
		"RESEED_CREDENTIALS": "stack/sources", "RESEED_PULL_FUNCTION": "pull", "AWS_ENDPOINT_URL_LAMBDA": b.startLambda(tb),
		"RESEED_STRIPE_URL":         systemtest.Serve(tb, world),
		"AWS_ENDPOINT_URL_DYNAMODB": engine.URL(), "AWS_ENDPOINT_URL_S3": s3URL, "AWS_ENDPOINT_URL_SQS": sqsURL, "AWS_ENDPOINT_URL_SESV2": sesURL,
		"RESEED_MAIL_FROM": "reseed@acme.example", "RESEED_MAIL_TO": "ann@acme.example",
	}
	for folder, f := range b.Template.Functions() {
		b.starts[folder] = func(tb testing.TB) *Function {
			tb.Helper()
			return Start(tb, filepath.Join(binaries, folder), environment(f, values), max(f.Timeout, unhurried))
		}
		b.Functions[folder] = b.Start(tb, folder)
	}
	return b
}

// GoogleAccount is the service account whose key is in the secret.
const GoogleAccount = "reseed@example.iam.gserviceaccount.com"

func queues() []string { return []string{importQueue, eraseQueue, pullQueue} }

// startSecrets starts a stand-in for Secrets Manager with one secret, the key of the service account.
func startSecrets(tb testing.TB, key []byte) (at string, secrets *awsfake.Secrets) {
	tb.Helper()
	secrets = awsfake.NewSecrets(map[string]string{"reseed/google": string(key)})
	srv := httptest.NewServer(secrets)
	tb.Cleanup(srv.Close)
	return srv.URL, secrets
}

// startLambda starts a stand-in for Lambda, over which functions call one another and wait for the answer.
func (b *Bed) startLambda(tb testing.TB) (at string) {
	tb.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := io.ReadAll(r.Body)
		f := b.Functions[strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/2015-03-31/functions/"), "/invocations")]
		if f == nil || err != nil {
			http.Error(w, "no such function", http.StatusNotFound)
			return
		}
		said, err := f.Invoke(r.Context(), event)
		if err != nil {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		_, _ = w.Write(said)
	}))
	tb.Cleanup(srv.Close)
	return srv.URL
}

// startSES starts a stand-in for SES, which takes every message.
func startSES(tb testing.TB) (at string, mails func() [][]byte) {
	tb.Helper()
	var mu sync.Mutex
	var got [][]byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Content struct {
				Raw struct {
					Data []byte `json:"Data"`
				} `json:"Raw"`
			} `json:"Content"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/v2/email/outbound-emails" {
			http.Error(w, "no such call", http.StatusBadRequest)
			return
		}
		mu.Lock()
		got = append(got, in.Content.Raw.Data)
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"MessageId":"1"}`))
	}))
	tb.Cleanup(srv.Close)
	return srv.URL, func() [][]byte {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(got)
	}
}

// unhurried is the longest timeout that AWS allows. Every function has it here, so that no test
// fails because a machine is slow.
const unhurried = 15 * time.Minute

// Start starts one more process of a function.
func (b *Bed) Start(tb testing.TB, folder string) *Function {
	tb.Helper()
	return b.starts[folder](tb)
}

// environment returns the environment of a function: the variables that the template declares, with
// the stand-ins in place of references, and credentials.
func environment(f templatetest.Function, values map[string]string) []string {
	environ := []string{"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local"}
	for name, v := range f.Variables {
		value, ok := values[name]
		if !ok {
			value, _ = v.(string)
		}
		environ = append(environ, name+"="+value)
	}
	return environ
}

func config(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

// Invoke sends an event to the function of a folder, and fails the test if the function fails.
func (b *Bed) Invoke(tb testing.TB, folder string, event any) []byte {
	tb.Helper()
	body, err := json.Marshal(event)
	if err != nil {
		tb.Fatal(err)
	}
	said, err := b.Functions[folder].Invoke(tb.Context(), body)
	if err != nil {
		tb.Fatalf("%s: %v", folder, err)
	}
	return said
}

// Put puts a file into the bucket and returns the event that S3 would send.
func (b *Bed) Put(tb testing.TB, key, text string) events.S3Event {
	tb.Helper()
	out, err := b.s3.PutObject(tb.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(text)})
	if err != nil {
		tb.Fatal(err)
	}
	var r events.S3EventRecord
	r.EventSource, r.EventName = "aws:s3", "ObjectCreated:Put"
	r.S3.Bucket.Name = bucket
	r.S3.Object.Key = url.QueryEscape(key)
	r.S3.Object.VersionID, r.S3.Object.ETag = aws.ToString(out.VersionId), strings.Trim(aws.ToString(out.ETag), `"`)
	return events.S3Event{Records: []events.S3EventRecord{r}}
}

// Objects counts the versions of objects below a prefix.
func (b *Bed) Objects(tb testing.TB, prefix string) int {
	tb.Helper()
	out, err := b.s3.ListObjectVersions(tb.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), Prefix: &prefix})
	if err != nil {
		tb.Fatal(err)
	}
	return len(out.Versions)
}

// Messages counts the visible messages in all queues.
func (b *Bed) Messages(tb testing.TB) (n int) {
	tb.Helper()
	for _, queue := range queues() {
		u := awsfake.QueueURL(b.sqsURL, queue)
		out, err := b.sqs.GetQueueAttributes(tb.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &u, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
		if err != nil {
			tb.Fatal(err)
		}
		var visible int
		if _, err := fmt.Sscan(out.Attributes["ApproximateNumberOfMessages"], &visible); err != nil {
			tb.Fatal(err)
		}
		n += visible
	}
	return n
}

// Work delivers messages, as SQS does, until all queues are empty.
func (b *Bed) Work(tb testing.TB) {
	tb.Helper()
	for b.deliver(tb, importQueue, "import-chunk") || b.deliver(tb, eraseQueue, "delete-source") || b.deliver(tb, pullQueue, "pull") {
	}
}

// deliver delivers one message of a queue to its function. It returns false if there is no message.
func (b *Bed) deliver(tb testing.TB, queue, folder string) bool {
	tb.Helper()
	u := awsfake.QueueURL(b.sqsURL, queue)
	got, err := b.sqs.ReceiveMessage(tb.Context(), &sqs.ReceiveMessageInput{QueueUrl: &u})
	if err != nil {
		tb.Fatal(err)
	}
	for _, m := range got.Messages {
		said := b.Invoke(tb, folder, events.SQSEvent{Records: []events.SQSMessage{{MessageId: *m.MessageId, Body: *m.Body, EventSource: "aws:sqs"}}})
		var answer events.SQSEventResponse
		if err := json.Unmarshal(said, &answer); err != nil || len(answer.BatchItemFailures) > 0 {
			tb.Fatalf("%s did not do %s: %s\n%s", folder, *m.Body, said, b.Functions[folder].Output())
		}
		if _, err := b.sqs.DeleteMessage(tb.Context(), &sqs.DeleteMessageInput{QueueUrl: &u, ReceiptHandle: m.ReceiptHandle}); err != nil {
			tb.Fatal(err)
		}
	}
	return len(got.Messages) > 0
}

// Call makes a request to the API and returns status and body.
func (b *Bed) Call(tb testing.TB, method, path, contentType string, body []byte) (int, string) {
	tb.Helper()
	answer := b.answer(tb, method, path, contentType, body)
	return answer.StatusCode, answer.Body
}

// Location returns where the API sends a GET on to; empty if it answers itself.
func (b *Bed) Location(tb testing.TB, path string) string {
	tb.Helper()
	answer := b.answer(tb, http.MethodGet, path, "", nil)
	if answer.StatusCode != http.StatusSeeOther {
		return ""
	}
	for name, value := range answer.Headers {
		if strings.EqualFold(name, "Location") {
			return value
		}
	}
	return ""
}

// answer makes a request to the API and returns the answer, with the body as it is.
func (b *Bed) answer(tb testing.TB, method, path, contentType string, body []byte) events.APIGatewayV2HTTPResponse {
	tb.Helper()
	target, err := url.Parse(path)
	if err != nil {
		tb.Fatal(err)
	}
	var e events.APIGatewayV2HTTPRequest
	e.Version, e.RawPath, e.RawQueryString = "2.0", target.Path, target.RawQuery
	e.Headers = map[string]string{"authorization": "Basic bG9jYWw6", "content-type": contentType}
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	e.RequestContext.HTTP.Method, e.RequestContext.Stage = method, "$default"
	e.RequestContext.Time = time.Now().UTC().Format(time.RFC3339)
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(b.Invoke(tb, "api", e), &answer); err != nil {
		tb.Fatal(err)
	}
	if answer.IsBase64Encoded {
		plain, err := base64.StdEncoding.DecodeString(answer.Body)
		if err != nil {
			tb.Fatal(err)
		}
		answer.Body = string(plain)
	}
	return answer
}

// Drop deletes all messages undelivered, as if they were lost.
func (b *Bed) Drop(tb testing.TB) {
	tb.Helper()
	for _, queue := range queues() {
		u := awsfake.QueueURL(b.sqsURL, queue)
		for {
			got, err := b.sqs.ReceiveMessage(tb.Context(), &sqs.ReceiveMessageInput{QueueUrl: &u, MaxNumberOfMessages: 10})
			if err != nil {
				tb.Fatal(err)
			}
			if len(got.Messages) == 0 {
				break
			}
			for _, m := range got.Messages {
				if _, err := b.sqs.DeleteMessage(tb.Context(), &sqs.DeleteMessageInput{QueueUrl: &u, ReceiptHandle: m.ReceiptHandle}); err != nil {
					tb.Fatal(err)
				}
			}
		}
	}
}
