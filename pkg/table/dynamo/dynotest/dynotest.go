// Package dynotest runs dynoxide, a DynamoDB-compatible engine, for tests: one process for a whole
// test binary, started by TestMain and ended with it.
//
//	var engine dynotest.Engine
//
//	func TestMain(m *testing.M) { os.Exit(engine.Run(m)) }
//
//	func TestX(t *testing.T) { driver := dynamo.New(engine.Table(t)) }
package dynotest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"reseed/pkg/table/dynamo"
)

// Engine is a running dynoxide, which holds its tables in memory. The zero value is ready to be
// started.
type Engine struct {
	url    string
	cmd    *exec.Cmd
	alive  io.Closer // the engine runs as long as this is open
	client *dynamodb.Client
}

// Run starts the engine, runs the tests and stops it: for TestMain.
func (e *Engine) Run(m *testing.M) int {
	if err := e.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "dynotest:", err)
		return 1
	}
	defer e.Stop()
	return m.Run()
}

// Start starts the engine on a free loopback port and waits until it answers.
func (e *Engine) Start(ctx context.Context) error {
	binary, err := find()
	if err != nil {
		return err
	}
	const attempts = 5 // another process may take the port first
	for range attempts {
		if err = e.start(ctx, binary); err == nil {
			return nil
		}
	}
	return err
}

// find looks for the binary in .tools, where `make tools` puts it, of the working directory and of
// those above it, and then in PATH.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, ".tools", "node_modules", "@dynoxide", "linux-x64", "dynoxide")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if path, err := exec.LookPath("dynoxide"); err == nil {
		return path, nil
	}
	return "", errors.New("no dynoxide in .tools or PATH: make test installs it")
}

// untilEOF is a shell script that kills the engine when its standard input ends: so the engine ends
// with the test process, even if that is killed.
const untilEOF = `"$@" & pid=$!; (cat >/dev/null; kill $pid) <&3 2>/dev/null & watch=$!; wait $pid; kill $watch 2>/dev/null`

func (e *Engine) start(ctx context.Context, binary string) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	var said output
	e.url = "http://127.0.0.1:" + port
	e.cmd = exec.Command("/bin/sh", "-c", "exec 3<&0; "+untilEOF, "dynotest", //nolint:gosec,noctx // ends with its input
		binary, "serve", "--host", "127.0.0.1", "--port", port)
	e.cmd.Stdout, e.cmd.Stderr = &said, &said
	if e.alive, err = e.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := e.cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.cmd.Wait() // how it ended is in its output
	}()
	e.client = newClient(e.url)
	for tick := time.NewTicker(pollEvery); ; <-tick.C {
		select {
		case <-ended:
			return fmt.Errorf("dynoxide ended at once: %s", said.firstLine())
		case <-ctx.Done():
			e.Stop()
			return ctx.Err()
		default:
		}
		if _, err := e.client.ListTables(ctx, &dynamodb.ListTablesInput{}); err == nil {
			return nil
		}
	}
}

// pollEvery is how often Start asks whether the engine answers yet; it takes 10 to 40 ms to start.
const pollEvery = 5 * time.Millisecond

func freePort(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

func newClient(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: &http.Client{Transport: &http.Transport{
			MaxIdleConnsPerHost: 8 * runtime.GOMAXPROCS(0),
		}},
		RetryMaxAttempts: 1,
	})
}

// Stop ends the engine; its tables are gone.
func (e *Engine) Stop() {
	if e.alive != nil {
		_ = e.alive.Close()
	}
}

// URL returns the address of the engine, for AWS_ENDPOINT_URL_DYNAMODB.
func (e *Engine) URL() string { return e.url }

// Client returns a client of the engine, shared by all tests.
func (e *Engine) Client() *dynamodb.Client { return e.client }

// Table creates an empty table with a new name, and returns what dynamo.New takes.
func (e *Engine) Table(tb testing.TB) (*dynamodb.Client, string) {
	tb.Helper()
	name := "reseed-" + strings.ToLower(rand.Text()[:12])
	if err := dynamo.CreateTable(tb.Context(), e.client, name); err != nil {
		tb.Fatalf("create table: %v", err)
	}
	return e.client, name
}

// output keeps what the engine prints.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) firstLine() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := bufio.NewScanner(bytes.NewReader(o.buf.Bytes()))
	s.Scan()
	return s.Text()
}
