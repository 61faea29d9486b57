package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"reseed/internal/gen/company"
)

// The benchmark of this file measures how many requests a second a server answers to 8 clients:
// lists of 200 customers, and single customers, while nothing else goes on and while a large file
// is imported into another source. RESEED_BENCH_OTHER names another build of the command: it serves
// the same data, the two are measured in turns, and the median of their ratios is reported as well.

const (
	benchKey     = "the key of the benchmark"
	benchClients = 8
	benchTurns   = 5
	benchTurn    = 2 * time.Second
	benchServed  = 50_000 // customers
)

// served is a server with its data.
type served struct {
	url  string
	ids  []string // of some customers
	http *http.Client
	cmd  *exec.Cmd
}

// serveCustomers imports customers and serves them. Of the first 2000, every twentieth has tags,
// custom attributes and a changed field.
func serveCustomers(b *testing.B, bin string) *served {
	b.Helper()
	dir := b.TempDir()
	file := made(b, company.Options{Seed: 3, Customers: benchServed, Months: 24, Layout: company.Named}, company.Customers)
	runCommand(b, bin, "import", file, "--source", "Bench", "--data", dir)
	s := &served{
		cmd:  exec.CommandContext(b.Context(), bin, "serve", "--addr", "127.0.0.1:0", "--data", dir),
		http: &http.Client{},
	}
	s.cmd.Env, s.cmd.Stderr = append(os.Environ(), "RESEED_API_KEY="+benchKey), os.Stderr
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		_ = s.cmd.Wait()
	})
	var at door
	for at.URL == "" {
		time.Sleep(20 * time.Millisecond)
		if body, err := os.ReadFile(filepath.Join(dir, "serve.json")); err == nil {
			_ = json.Unmarshal(body, &at)
		}
	}
	s.url = at.URL
	s.edit(b)
	return s
}

func (s *served) edit(b *testing.B) {
	b.Helper()
	var list struct {
		Entries []struct {
			UUID string `json:"uuid"`
		} `json:"entries"`
		Cursor string `json:"cursor"`
	}
	for cursor := ""; len(s.ids) < 2000; cursor = list.Cursor {
		body, err := s.ask(b.Context(), "GET", "/v1/customers?cursor="+cursor, "")
		if err = errors.Join(err, json.Unmarshal(body, &list)); err != nil {
			b.Fatal(err)
		}
		for i, e := range list.Entries {
			s.ids = append(s.ids, e.UUID)
			if i%20 > 0 {
				continue
			}
			_, err := s.ask(b.Context(), "PATCH", "/v1/customers/"+e.UUID,
				`{"company":"Changed Ltd.","attributes":{"tags":["new","large"],"custom":{"seats":12,"region":"north","pilot":true}}}`)
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// asker is a client with one connection that does as little as it can, since it shares the
// processors with the server.
type asker struct {
	conn   net.Conn
	answer *bufio.Reader
	head   string // of every request, behind its first line
}

func (s *served) asker(ctx context.Context) (*asker, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		return nil, err
	}
	key := base64.StdEncoding.EncodeToString([]byte(benchKey + ":"))
	return &asker{conn, bufio.NewReader(conn), " HTTP/1.1\r\nHost: reseed\r\nAuthorization: Basic " + key + "\r\n\r\n"}, nil
}

// look gets an answer and does nothing with it.
func (a *asker) look(path string) error {
	if _, err := io.WriteString(a.conn, "GET "+path+a.head); err != nil {
		return err
	}
	ans, err := http.ReadResponse(a.answer, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, ans.Body)
	if err = errors.Join(err, ans.Body.Close()); err == nil && ans.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, ans.Status)
	}
	return err
}

func (s *served) ask(ctx context.Context, method, path, body string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(benchKey, "")
	ans, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	all, err := io.ReadAll(ans.Body)
	if err = errors.Join(err, ans.Body.Close()); err == nil && ans.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, ans.Status, all)
	}
	return all, err
}

// rate is how many requests a second are answered, over all clients, until goesOn is false.
func (s *served) rate(b *testing.B, goesOn func() bool, path func(*served, int64) string) float64 {
	b.Helper()
	var g errgroup.Group
	var done atomic.Int64
	began := time.Now()
	for range benchClients {
		g.Go(func() error {
			a, err := s.asker(b.Context())
			if err != nil {
				return err
			}
			defer a.conn.Close()
			for goesOn() {
				if err := a.look(path(s, done.Add(1))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	return float64(done.Load()) / time.Since(began).Seconds()
}

func (s *served) list(int64) string  { return "/v1/customers?per_page=200" }
func (s *served) one(n int64) string { return "/v1/customers/" + s.ids[n%int64(len(s.ids))] }

// importing starts an import into another source through the server; goesOn reports whether it
// still runs.
func (s *served) importing(b *testing.B, bin, file string) (goesOn func() bool) {
	b.Helper()
	c := exec.CommandContext(b.Context(), bin, "import", file, "--source", fmt.Sprint("Other ", time.Now().UnixNano()), "--url", s.url)
	c.Env, c.Stderr = append(os.Environ(), "RESEED_API_KEY="+benchKey), os.Stderr
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	var ended atomic.Bool
	go func() {
		_ = c.Wait()
		ended.Store(true)
	}()
	return func() bool { return !ended.Load() }
}

// aWhile is a goesOn for one turn.
func aWhile() (goesOn func() bool) {
	end := time.Now().Add(benchTurn)
	return func() bool { return time.Now().Before(end) }
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// BenchmarkServe reports answers a second.
func BenchmarkServe(b *testing.B) {
	bins := []string{release(b)}
	if other := os.Getenv("RESEED_BENCH_OTHER"); other != "" {
		bins = append(bins, other)
	}
	file := made(b, company.Options{Seed: 2, Customers: benchRows(b), Months: 24, Layout: company.Named}, company.Customers)
	var servers []*served
	for _, bin := range bins {
		servers = append(servers, serveCustomers(b, bin))
	}
	for what, path := range map[string]func(*served, int64) string{"list": (*served).list, "one": (*served).one} {
		var idle float64
		b.Run(what, func(b *testing.B) {
			idle = inTurns(b, servers, func(s *served) float64 { return s.rate(b, aWhile(), path) })
		})
		b.Run(what+"-while-importing", func(b *testing.B) {
			busy := inTurns(b, servers, func(s *served) float64 { return s.rate(b, s.importing(b, s.cmd.Path, file), path) })
			b.ReportMetric(busy/idle, "of-idle")
		})
	}
}

// inTurns measures the servers in turns. It reports the median rate of the first, and, if there are
// two, of the second and of their ratios.
func inTurns(b *testing.B, servers []*served, rate func(*served) float64) float64 {
	b.Helper()
	rates := make([][]float64, len(servers))
	var ratios []float64
	for range benchTurns {
		for i, s := range servers {
			rates[i] = append(rates[i], rate(s))
		}
		ratios = append(ratios, rates[0][len(ratios)]/rates[len(rates)-1][len(ratios)])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(rates[0]), "answers/s")
	if len(servers) > 1 {
		b.ReportMetric(median(rates[1]), "other/s")
		b.ReportMetric(median(ratios), "ratio")
	}
	return median(rates[0])
}
