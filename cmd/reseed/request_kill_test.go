package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reseed/internal/effort"
)

const (
	requestKills   = 30 // of a server under requests, see envKills
	requestsAtOnce = 4
	keyOfRequests  = "a-key-of-twenty-four-chars"
)

// victim is a server that is killed under requests, and what was asked of it.
type victim struct {
	t            *testing.T
	bin, data    string
	url, source  string
	next         int
	mu           sync.Mutex
	asked, fresh []string        // external ids of the customers to make: of all, and of those since the server started
	made         map[string]bool // customers whose request was answered
}

// TestKillUnderRequests kills a server while clients make customers with tags and attributes. Each
// customer is then there whole or not at all, and is there if its request was answered. The same
// request again makes it, or is refused if it is there.
func TestKillUnderRequests(t *testing.T) {
	t.Parallel()
	v := &victim{t: t, bin: filepath.Join(commands(t), "reseed"), data: t.TempDir(), made: map[string]bool{}}
	rng := rand.New(rand.NewPCG(uint64(setting(t, envSeed, defaultSeed)), 1))
	kills := setting(t, envKills, effort.Some(requestKills))
	for range kills {
		end := v.serve()
		v.ask(time.Duration(rng.IntN(40))*time.Millisecond, end)
		end = v.serve()
		v.check()
		end()
	}
	t.Logf("%d kills, %d customers asked for, %d of them answered", kills, len(v.asked), len(v.made))
}

// serve starts the server. end kills it.
func (v *victim) serve() (end func()) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.t.Context())
	cmd := exec.CommandContext(ctx, v.bin, "--data", v.data, "serve", "--addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "RESEED_API_KEY="+keyOfRequests)
	out := &greeting{line: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(gone)
	}()
	select {
	case <-out.line:
	case <-gone:
		v.t.Fatal("the server has ended")
	}
	v.url = out.url
	if v.source == "" {
		_, body := v.do("POST", "/v1/data_sources", `{"name":"Killed"}`)
		var src struct {
			UUID string `json:"uuid"`
		}
		if err := json.Unmarshal([]byte(body), &src); err != nil {
			v.t.Fatal(err)
		}
		v.source = src.UUID
	}
	return func() {
		cancel()
		<-gone
	}
}

// do makes a request. The status is 0 if no answer came.
func (v *victim) do(method, path, body string) (status int, answer string) {
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Error(err)
		return 0, ""
	}
	r.SetBasicAuth(keyOfRequests, "")
	ans, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = ans.Body.Close() }()
	text, err := io.ReadAll(ans.Body)
	if err != nil {
		return 0, ""
	}
	return ans.StatusCode, string(text)
}

func (v *victim) make(ext string) int {
	status, _ := v.do("POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":%q,"email":"%s@example.com",
		"primary_contact":{"first_name":"Ann"},"attributes":{"tags":["a","b"],"custom":[{"type":"Integer","key":"seats","value":7}]}}`, v.source, ext, ext))
	return status
}

// ask makes customers, several at a time, until it kills the server.
func (v *victim) ask(lives time.Duration, kill func()) {
	var wg sync.WaitGroup
	v.fresh = nil
	for range requestsAtOnce {
		wg.Go(func() {
			for status := 1; status != 0; {
				v.mu.Lock()
				v.next++
				ext := fmt.Sprint("c", v.next)
				v.fresh = append(v.fresh, ext)
				v.mu.Unlock()
				if status = v.make(ext); status == http.StatusCreated {
					v.mu.Lock()
					v.made[ext] = true
					v.mu.Unlock()
				}
			}
		})
	}
	time.Sleep(lives)
	kill()
	wg.Wait()
	v.asked = append(v.asked, v.fresh...)
}

// check checks every customer that ask has requested last, and repeats its request.
func (v *victim) check() {
	v.t.Helper()
	for _, ext := range v.fresh {
		there, whole := v.look(ext)
		if there != whole || v.made[ext] && !there {
			v.t.Errorf("%s: there %t, whole %t, answered %t", ext, there, whole, v.made[ext])
		}
		want := map[bool]int{true: http.StatusUnprocessableEntity, false: http.StatusCreated}[there]
		if status := v.make(ext); status != want {
			v.t.Errorf("%s again: status %d, want %d", ext, status, want)
		}
		if _, whole := v.look(ext); !whole {
			v.t.Errorf("%s again: it is not whole", ext)
		}
	}
}

// look reports whether a customer is there, and whether all of it is.
func (v *victim) look(ext string) (there, whole bool) {
	v.t.Helper()
	status, body := v.do("GET", "/v1/customers?data_source_uuid="+v.source+"&external_id="+ext, "")
	if status != http.StatusOK {
		v.t.Fatalf("status %d", status)
	}
	there = strings.Contains(body, `"external_id"`)
	status, found := v.do("GET", "/v1/customers/search?email="+ext+"@example.com", "")
	lacks := func(s string) bool { return !strings.Contains(body, s) }
	whole = !slices.ContainsFunc([]string{`"tags":["a","b"]`, `"seats":7`}, lacks) && status == http.StatusOK && strings.Contains(found, `"external_id"`)
	return there, whole
}
