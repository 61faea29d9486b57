package samtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"reseed/internal/awsfake"
	"reseed/internal/templatetest"
)

// Table and Bucket are the names that hack/sam gives to the functions.
const (
	Table  = "reseed"
	Bucket = "reseed"
)

// Bed holds the stand-ins, with clients to look into them, and the built functions.
type Bed struct {
	Template *templatetest.Template
	Dynamo   *dynamodb.Client
	S3       *s3.Client
	SQS      *sqs.Client

	script string
	sqsURL string
}

// Start starts the stand-ins, empty, and builds every function of template.yaml. Both are removed
// when the test ends. A machine can have one bed at a time.
func Start(tb testing.TB) *Bed {
	tb.Helper()
	template := templatetest.Load(tb)
	bed := &Bed{Template: template, script: filepath.Join(template.Root, "hack", "sam", "bed")}
	tb.Cleanup(func() { _, _ = bed.run(context.Background(), "down") })
	endpoints := parse(bed.must(tb, "up"))
	bed.must(tb, "build")
	bed.sqsURL = endpoints["SQS"]
	bed.Dynamo = dynamodb.NewFromConfig(config(endpoints["DYNAMODB"]))
	bed.S3 = s3.NewFromConfig(config(endpoints["S3"]))
	bed.SQS = sqs.NewFromConfig(config(bed.sqsURL))
	return bed
}

// QueueURL returns the URL of a queue for [Bed.SQS].
func (b *Bed) QueueURL(name string) string { return awsfake.QueueURL(b.sqsURL, name) }

// ErrFunction says that the function ran and answered with an error.
var ErrFunction = errors.New("the function answered with an error")

// Invoke runs the function with this logical id once, in a container of its own, and returns its
// answer.
func (b *Bed) Invoke(tb testing.TB, function string, event []byte) []byte {
	tb.Helper()
	answer, err := b.TryInvoke(tb, function, event)
	if err != nil {
		tb.Fatalf("invoke %s: %v\n%s", function, err, answer)
	}
	return answer
}

// TryInvoke is [Bed.Invoke] for a function that may fail: then the error is [ErrFunction], and the
// answer says why.
func (b *Bed) TryInvoke(tb testing.TB, function string, event []byte) ([]byte, error) {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "event.json")
	if err := os.WriteFile(file, event, 0o600); err != nil {
		tb.Fatal(err)
	}
	answer, err := b.run(tb.Context(), "invoke", function, file)
	if err != nil && bytes.Contains(answer, []byte(`"errorType"`)) {
		err = ErrFunction
	}
	return answer, err
}

// API serves the HTTP API until the test ends and returns its base URL.
func (b *Bed) API(tb testing.TB) string {
	tb.Helper()
	addr := freeAddress(tb)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(b.script, "api", port) //nolint:noctx // SIGTERM ends it below, so that it removes its containers
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its output
		close(ended)
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if tb.Failed() {
			tb.Logf("sam local start-api:\n%s", output.Bytes())
		}
	})
	waitFor(tb, addr, ended)
	return "http://" + addr
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// waitFor returns as soon as a process listens on addr, and fails if ended is closed before.
func waitFor(tb testing.TB, addr string, ended <-chan struct{}) {
	tb.Helper()
	for { // without a limit: first the containers of all functions are created
		conn, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", addr)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ended:
			tb.Fatal("sam local start-api ended before it listened")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// must runs the script and returns its standard output. It fails the test if the script fails.
func (b *Bed) must(tb testing.TB, args ...string) string {
	tb.Helper()
	out, err := b.run(tb.Context(), args...)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// run runs the script and returns its standard output. An error contains all of its output.
func (b *Bed) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, b.script, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("hack/sam/bed %s: %w\n%s%s", args[0], err, stdout.Bytes(), stderr.Bytes())
	}
	return bytes.TrimSpace(stdout.Bytes()), nil
}

// parse reads lines of NAME=VALUE.
func parse(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		out[name] = value
	}
	return out
}

func config(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}
