package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"reseed/internal/gen/company"
)

// watchers is how many people watch an import.
const watchers = 50

// BenchmarkWatched reports how much longer an import through a server takes, and how much more CPU time
// the server needs, if 50 people watch it on its page. They are signed in before, and ask as often as the
// page tells them to.
func BenchmarkWatched(b *testing.B) {
	bin := release(b)
	file := made(b, company.Options{Seed: 2, Customers: benchRows(b), Months: 24, Layout: company.Named}, company.Customers)
	s := serveCustomers(b, bin)
	people := make([]*watcher, watchers)
	for i := range people {
		people[i] = s.signIn(b)
	}
	var alone, watched []importCost
	var asked atomic.Int64
	for turn := range benchTurns {
		for i := range 2 {
			if (turn+i)%2 == 0 { // so that neither is always the one with more data in the store
				alone = append(alone, s.importCost(b, bin, file, nil, &asked))
			} else {
				watched = append(watched, s.importCost(b, bin, file, people, &asked))
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	seconds, cpu := func(c importCost) float64 { return c.seconds }, func(c importCost) float64 { return c.cpu }
	for name, cost := range map[string][]importCost{"alone": alone, "watched": watched} {
		b.ReportMetric(medianOf(cost, seconds), "s-"+name)
		b.ReportMetric(medianOf(cost, cpu), "cpu-s-"+name)
	}
	b.ReportMetric(float64(asked.Load())/float64(len(watched)), "answers")
}

// importCost is what an import took, in seconds and in seconds of the server's CPU time.
type importCost struct{ seconds, cpu float64 }

func medianOf(list []importCost, of func(importCost) float64) float64 {
	var values []float64
	for _, c := range list {
		values = append(values, of(c))
	}
	return median(values)
}

// importCost imports a file while people watch.
func (s *served) importCost(b *testing.B, bin, file string, people []*watcher, asked *atomic.Int64) importCost {
	b.Helper()
	was, began := s.cpu(b), time.Now()
	goesOn := s.importing(b, bin, file)
	var g errgroup.Group
	g.Go(func() error { return s.watched(b.Context(), people, goesOn, asked) })
	for goesOn() {
		time.Sleep(10 * time.Millisecond)
	}
	cost := importCost{time.Since(began).Seconds(), s.cpu(b) - was}
	if err := g.Wait(); err != nil { // who watches asks once more
		b.Fatal(err)
	}
	return cost
}

// cpu is the CPU time of the server so far, in seconds.
func (s *served) cpu(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		b.Skip(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name of the command
	fields := strings.Fields(rest)
	user, userErr := strconv.ParseFloat(fields[11], 64)
	system, systemErr := strconv.ParseFloat(fields[12], 64)
	if err := errors.Join(userErr, systemErr); err != nil {
		b.Fatal(err)
	}
	const ticks = 100 // a second, on Linux
	return (user + system) / ticks
}

// watched lets people watch the newest job until it has ended.
func (s *served) watched(ctx context.Context, people []*watcher, goesOn func() bool, asked *atomic.Int64) (err error) {
	id := ""
	for id == "" && len(people) > 0 && goesOn() && err == nil {
		time.Sleep(50 * time.Millisecond)
		id, err = s.newest(ctx)
	}
	var g errgroup.Group
	for _, w := range people {
		g.Go(func() error { return w.watch(ctx, s.url+"/jobs/"+id, goesOn, asked) })
	}
	return errors.Join(err, g.Wait())
}

// newest is the id of the newest job; empty if it does not run.
func (s *served) newest(ctx context.Context) (string, error) {
	body, err := s.ask(ctx, "GET", "/v1/jobs?per_page=1", "")
	var list struct {
		Jobs []struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		} `json:"jobs"`
	}
	if err = errors.Join(err, json.Unmarshal(body, &list)); err != nil || len(list.Jobs) == 0 || list.Jobs[0].Status != "running" {
		return "", err
	}
	return list.Jobs[0].ID, nil
}

// watcher is a browser that is signed in.
type watcher struct{ http.Client }

func (s *served) signIn(b *testing.B) *watcher {
	b.Helper()
	jar, _ := cookiejar.New(nil) // never fails
	w := &watcher{http.Client{Jar: jar}}
	form := strings.NewReader(url.Values{"key": {benchKey}}.Encode())
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+"/login", form)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if _, _, err = w.text(r); err != nil {
		b.Fatal(err)
	}
	return w
}

func (w *watcher) text(r *http.Request) (status int, text string, err error) {
	ans, err := w.Do(r)
	if err != nil {
		return 0, "", err
	}
	all, err := io.ReadAll(ans.Body)
	return ans.StatusCode, string(all), errors.Join(err, ans.Body.Close())
}

// watch opens the page of a job, and asks as often and as long as it says.
func (w *watcher) watch(ctx context.Context, page string, goesOn func() bool, asked *atomic.Int64) error {
	polled := regexp.MustCompile(`hx-get="([^"]+)" hx-trigger="every (\d+)s"`)
	base, _, _ := strings.Cut(page, "/jobs/")
	every := 2
	for at := page; goesOn(); {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
		if err != nil {
			return err
		}
		status, text, err := w.text(r)
		asked.Add(1)
		m := polled.FindStringSubmatch(text)
		switch {
		case err != nil:
			return err
		case status == http.StatusOK && m == nil: // it has ended
			return nil
		case status == http.StatusOK:
			at = base + m[1]
		case status != http.StatusNoContent:
			return fmt.Errorf("%s: %d", at, status)
		}
		if m != nil {
			every, _ = strconv.Atoi(m[2])
		}
		time.Sleep(time.Duration(every) * time.Second)
	}
	return nil
}
