// Command load measures how a running server serves good clients while many hostile connections of
// one kind are open, for each kind in turn:
//
//	RESEED_API_KEY=… go run ./internal/hostile/load -url http://127.0.0.1:8080 -source DS_UUID
//
// It works only against a server on this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"reseed/internal/hostile"
)

const buffer = 16 << 10 // bytes of the send and of the receive buffer of a hostile connection

func main() {
	base := flag.String("url", "http://127.0.0.1:8080", "the server, on this machine")
	source := flag.String("source", "", "UUID of a source that takes uploads")
	many := flag.Int("connections", 1000, "hostile connections at a time")
	long := flag.Duration("for", time.Minute, "how long each kind is measured")
	only := flag.String("only", "", "measure only kinds whose names contain this text")
	flag.Parse()
	if err := run(context.Background(), *base, *source, *only, *many, *long); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, base, source, only string, many int, long time.Duration) error {
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return errors.New("-url must name a server on this machine by its IP address")
	}
	key := os.Getenv("RESEED_API_KEY")
	t := hostile.Target{Key: key, Source: source, Dial: func(ctx context.Context) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
		if tcp, ok := c.(*net.TCPConn); ok { // so that a thousand connections do not fill the machine's memory
			_ = errors.Join(tcp.SetWriteBuffer(buffer), tcp.SetReadBuffer(buffer))
		}
		return c, err
	}}
	fmt.Println("| kind | requests of good clients | failed | p50 | p99 | longest | connections made | longest one open |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, k := range append([]hostile.Kind{{Name: "none"}}, hostile.Kinds()...) {
		if strings.Contains(k.Name, only) || k.Name == "none" {
			measure(ctx, k, t, base, many, long)
		}
	}
	return nil
}

// measure runs one kind and prints its row. When the time is over it makes no more connections, and
// waits until the server has closed all.
func measure(ctx context.Context, k hostile.Kind, t hostile.Target, base string, many int, long time.Duration) {
	over, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	var mu sync.Mutex
	var made int
	var longest time.Duration
	var wg sync.WaitGroup
	if k.Name != "none" {
		for range many {
			wg.Go(func() {
				for over.Err() == nil {
					open, err := k.Attack(ctx, t)
					mu.Lock()
					if err == nil {
						made++
						longest = max(longest, open)
					}
					mu.Unlock()
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
	}
	took, failed := good(ctx, over.Done(), base, t.Key)
	wg.Wait()
	slices.Sort(took)
	at := func(share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(10 * time.Microsecond)
	}
	fmt.Printf("| %s | %d | %d | %v | %v | %v | %d | %v |\n", k.Name, len(took), failed, at(0.5), at(0.99), at(1), made, longest.Round(time.Millisecond))
}

// good runs four clients that list customers, and open a new connection every ten requests.
func good(ctx context.Context, over <-chan struct{}, base, key string) (took []time.Duration, failed int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
			for n := 1; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				began := time.Now()
				err := ask(ctx, c, base, key)
				mu.Lock()
				took = append(took, time.Since(began))
				if err != nil {
					failed++
				}
				mu.Unlock()
				if n%10 == 0 {
					c.CloseIdleConnections()
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	return took, failed
}

func ask(ctx context.Context, c *http.Client, base, key string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/customers?per_page=20", nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(key, "")
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	return nil
}
