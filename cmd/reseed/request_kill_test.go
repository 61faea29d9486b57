package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reseed/internal/effort"
)

// How many kills of a server under requests; by hand, some hundred:
//
//	RESEED_TEST_REQUEST_KILLS=300 go test ./cmd/reseed -run TestKillUnderRequests -v
const (
	envRequestKills     = "RESEED_TEST_REQUEST_KILLS"
	defaultRequestKills = 30 // one in five of them, see package effort
	requestsAtOnce      = 4
	keyOfRequests       = "a-key-of-twenty-four-chars"
)

// victim is a server that is killed under requests, and what was asked of it.
type victim struct {
	t            *testing.T
	bin, data    string
	url, source  string
	next         int
	mu           sync.Mutex
	asked, fresh []string // external ids: of all customers, and of those that were asked for since the server started
	made         map[string]bool
}

// TestKillUnderRequests: a server that is killed while customers with tags and attributes are made has made each of them whole or not at
// all, and all whose answer came. The same request again makes it, or is refused when it is there.
func TestKillUnderRequests(t *testing.T) {
	t.Parallel()
	v := &victim{t: t, bin: filepath.Join(commands(t), "reseed"), data: t.TempDir(), made: map[string]bool{}}
	rng := rand.New(rand.NewPCG(uint64(setting(t, envSeed, defaultSeed)), 1))
	kills := setting(t, envRequestKills, effort.Some(defaultRequestKills))
	for range kills {
		end := v.serve()
		v.ask(time.Duration(rng.IntN(40))*time.Millisecond, end)
		end = v.serve()
		v.check()
		end()
	}
	t.Logf("%d kills, %d customers asked for, %d of them answered", kills, len(v.asked), len(v.made))
}

// serve starts the server. What it returns kills it.
func (v *victim) serve() (end func()) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.t.Context())
	cmd := exec.CommandContext(ctx, v.bin, "--data", v.data, "serve", "--addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "RESEED_API_KEY="+keyOfRequests)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		v.t.Fatal(err)
	}
	v.url = ""
	for said := bufio.NewScanner(out); v.url == "" && said.Scan(); {
		v.url = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(said.Text())
	}
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
		_ = cmd.Wait() // it was killed
	}
}

// do makes a request; 0 is the status of one whose answer did not come.
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

// ask asks for customers, several at once, until the server is killed.
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

// check looks for all that was asked for since the last time, and asks once more for what was not answered.
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

// look tells whether a customer is there, and whether all of it is.
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
