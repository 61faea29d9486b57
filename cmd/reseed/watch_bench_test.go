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
// the server needs, if 50 people watch it on its page. They ask as often as the page tells them to.
func BenchmarkWatched(b *testing.B) {
	bin := release(b)
	file := made(b, company.Options{Seed: 2, Customers: benchRows(b), Months: 24, Layout: company.Named}, company.Customers)
	s := serveCustomers(b, bin)
	var seconds, cpu [2][]float64
	var asked atomic.Int64
	for range benchTurns {
		for people := range 2 {
			cpuWas, began := s.cpu(b), time.Now()
			goesOn := s.importing(b, bin, file)
			var g errgroup.Group
			if people == 1 {
				g.Go(func() error { return s.watched(b.Context(), goesOn, &asked) })
			}
			for goesOn() {
				time.Sleep(10 * time.Millisecond)
			}
			seconds[people] = append(seconds[people], time.Since(began).Seconds())
			cpu[people] = append(cpu[people], s.cpu(b)-cpuWas)
			if err := g.Wait(); err != nil { // who watches asks once more
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(seconds[0]), "s-alone")
	b.ReportMetric(median(seconds[1]), "s-watched")
	b.ReportMetric(median(cpu[0]), "cpu-s-alone")
	b.ReportMetric(median(cpu[1]), "cpu-s-watched")
	b.ReportMetric(float64(asked.Load())/benchTurns, "answers")
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
func (s *served) watched(ctx context.Context, goesOn func() bool, asked *atomic.Int64) (err error) {
	id := ""
	for id == "" && goesOn() && err == nil {
		id, err = s.newest(ctx)
	}
	var g errgroup.Group
	for range watchers {
		g.Go(func() error {
			w, err := s.signIn(ctx)
			if err != nil {
				return err
			}
			return w.watch(ctx, s.url+"/jobs/"+id, goesOn, asked)
		})
	}
	return errors.Join(err, g.Wait())
}

// newest is the id of the newest job; empty if it does not run.
func (s *served) newest(ctx context.Context) (string, error) {
	body, err := s.ask(ctx, "GET", "/v1/jobs?per_page=1", "")
	var list struct {
		Jobs []struct{ ID, Status string }
	}
	if err = errors.Join(err, json.Unmarshal(body, &list)); err != nil || len(list.Jobs) == 0 || list.Jobs[0].Status != "running" {
		return "", err
	}
	return list.Jobs[0].ID, nil
}

// watcher is a browser that is signed in.
type watcher struct{ http.Client }

func (s *served) signIn(ctx context.Context) (*watcher, error) {
	jar, _ := cookiejar.New(nil) // never fails
	w := &watcher{http.Client{Jar: jar}}
	form := strings.NewReader(url.Values{"key": {benchKey}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/login", form)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, _, err = w.text(r)
	return w, err
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
