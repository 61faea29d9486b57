package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
)

// system answers requests in process, so that the clock of the tests is virtual.
type system func(n int, r *http.Request) answer

type answer struct {
	status int
	header http.Header
	body   string
	err    error // after the body
}

type wire struct {
	answers system
	calls   atomic.Int64
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a := w.answers(int(w.calls.Add(1)), r)
	if a.status == 0 {
		return nil, a.err
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	var body io.Reader = strings.NewReader(a.body)
	if a.err != nil {
		body = io.MultiReader(body, failing{a.err})
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(body), Request: r}, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func client(answers system, change func(*remote.Config)) (*remote.Client, *wire) {
	w := &wire{answers: answers}
	c := remote.Config{
		System: "Stripe", Base: "https://stripe.test", Transport: w, Now: time.Now, RequestID: "Request-Id",
		Authorization: func(context.Context, string) (string, error) { return "Bearer rk_test_secret", nil },
		Explain: func(body []byte) remote.Explanation {
			var e remote.Explanation
			_ = json.Unmarshal(body, &e) //nolint:musttag // the fields of the test's own bodies
			return e
		},
	}
	if change != nil {
		change(&c)
	}
	return remote.New(c), w
}

func always(a answer) system { return func(int, *http.Request) answer { return a } }

func once(first, then answer) system {
	return func(n int, _ *http.Request) answer {
		if n == 1 {
			return first
		}
		return then
	}
}

var good = answer{status: http.StatusOK, body: `{"a":1}`}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	leak := `{"Reason":"4242424242424242 ann@example.com","Missing":["rak_charge_read","ann@example.com"],"message":"rk_test_secret"}`
	for name, tt := range map[string]struct {
		answers system
		kind    remote.Kind
		is      fault.Kind
		calls   int64
	}{
		"401":           {always(answer{status: 401, body: leak}), remote.Auth, fault.Forbidden, 1},
		"403":           {always(answer{status: 403, body: leak}), remote.Auth, fault.Forbidden, 1},
		"404":           {always(answer{status: 404, body: leak}), remote.Gone, fault.NotFound, 1},
		"400":           {always(answer{status: 400, body: leak}), remote.Refused, fault.Internal, 1},
		"redirect":      {always(answer{status: 302, header: http.Header{"Location": {"https://elsewhere.test"}}}), remote.Shape, fault.Unavailable, 1},
		"html":          {always(answer{status: 200, body: " <!doctype html>ann@example.com"}), remote.Shape, fault.Unavailable, 1},
		"html by type":  {always(answer{status: 200, body: "x", header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}), remote.Shape, fault.Unavailable, 1},
		"cut always":    {always(answer{status: 200, body: `{"a":"ann@exam`, err: io.ErrUnexpectedEOF}), remote.Shape, fault.Unavailable, 3},
		"cut unnoticed": {always(answer{status: 200, body: `{"a":"ann@exam`}), remote.Shape, fault.Unavailable, 3},
		"too large":     {always(answer{status: 200, body: `"` + strings.Repeat("x", 1<<20) + `"`}), remote.Shape, fault.Unavailable, 1},
		"429":           {always(answer{status: 429, body: leak}), remote.Wait, fault.Unavailable, remote.Tries},
		"500":           {always(answer{status: 500, body: leak}), remote.Wait, fault.Unavailable, remote.Tries},
		"nobody":        {always(answer{err: errors.New("dial rk_test_secret")}), remote.Wait, fault.Unavailable, remote.Tries},
		"long pause":    {always(answer{status: 429, header: http.Header{"Retry-After": {"3600"}}}), remote.Wait, fault.Unavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, w := client(func(n int, r *http.Request) answer {
					a := tt.answers(n, r)
					if a.header == nil {
						a.header = http.Header{}
					}
					a.header.Set("Request-Id", "req_Abc1")
					return a
				}, func(c *remote.Config) { c.MaxBody = 1 << 20 })
				body, err := c.Get(t.Context(), "/v1/charges", url.Values{"email": {"ann@example.com"}})
				kind, ok := remote.KindOf(err)
				if body != nil || !ok || kind != tt.kind || !fault.Is(err, tt.is) || w.calls.Load() != tt.calls {
					t.Fatalf("%s, %v after %d requests", body, err, w.calls.Load())
				}
				for _, secret := range []string{"rk_test_secret", "ann@", "4242"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%v holds %s", err, secret)
					}
				}
				if name != "nobody" && !strings.Contains(err.Error(), "req_Abc1") {
					t.Errorf("%v does not name the request", err)
				}
				if name == "403" && !strings.Contains(err.Error(), "rak_charge_read.") {
					t.Errorf("%v does not name the permission alone", err)
				}
			})
		})
	}
}

func TestWhatIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first    answer
		from, to time.Duration // how long the second try waits
	}{
		"500":                {answer{status: 500}, 500 * time.Millisecond, time.Second},
		"429":                {answer{status: 429}, 500 * time.Millisecond, time.Second},
		"429 in seconds":     {answer{status: 429, header: http.Header{"Retry-After": {"7"}}}, 7 * time.Second, 7 * time.Second},
		"503 until a moment": {answer{status: 503, header: http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:00:09 GMT"}}}, 9 * time.Second, 9 * time.Second},
		"cut":                {answer{status: 200, body: `{"a":`, err: io.ErrUnexpectedEOF}, 500 * time.Millisecond, time.Second},
		"html of a gateway":  {answer{status: 502, body: "<html>"}, 500 * time.Millisecond, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, w := client(once(tt.first, good), nil)
				begin := time.Now()
				body, err := c.Get(t.Context(), "/v1/charges", nil)
				if string(body) != good.body || err != nil || w.calls.Load() != 2 {
					t.Fatalf("%s, %v after %d requests", body, err, w.calls.Load())
				}
				if waited := time.Since(begin); waited < tt.from || waited > tt.to {
					t.Errorf("it waited for %v", waited)
				}
			})
		})
	}
}

// A token that expires in the middle is renewed once; a second refusal is the end.
func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	for _, lasting := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			renewals := 0
			c, w := client(func(_ int, r *http.Request) answer {
				if lasting && r.Header.Get("Authorization") == "new" {
					return good
				}
				return answer{status: 401}
			}, func(c *remote.Config) {
				c.Authorization = func(_ context.Context, refused string) (string, error) {
					if refused == "" {
						return "old", nil
					}
					renewals++
					return "new", nil
				}
			})
			_, err := c.Get(t.Context(), "/", nil)
			if kind, _ := remote.KindOf(err); lasting != (err == nil) || !lasting && kind != remote.Auth || renewals != 1 || w.calls.Load() != 2 {
				t.Errorf("%v after %d renewals and %d requests", err, renewals, w.calls.Load())
			}
		})
	}
}

// load makes requests from several goroutines for a while, and returns when each started.
func load(t *testing.T, answers system, l remote.Limits, span time.Duration) (starts []time.Duration) {
	t.Helper()
	begin := time.Now()
	var mu sync.Mutex
	c, _ := client(func(n int, r *http.Request) answer {
		mu.Lock()
		starts = append(starts, time.Since(begin))
		mu.Unlock()
		return answers(n, r)
	}, func(c *remote.Config) { c.Limits = l })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for time.Since(begin) < span {
				if _, err := c.Get(t.Context(), "/", nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	return starts
}

func TestLimitsAreKeptAndUsed(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{20, 12, .5} { // twelfths of a second cannot be told exactly
		synctest.Test(t, func(t *testing.T) {
			span := time.Duration(1000 / rate * float64(time.Second))
			starts := load(t, always(good), remote.Limits{PerSecond: rate}, span)
			for i := 1; i < len(starts); i++ {
				from := max(0, i-int(max(rate, 1)))
				if took := starts[i] - starts[from]; took.Seconds()*rate < float64(i-from) {
					t.Fatalf("%v a second: %d requests within %v", rate, i-from+1, took)
				}
			}
			if len(starts) < 950 {
				t.Errorf("%v a second: only %d requests in %v", rate, len(starts), span)
			}
		})
	}
}

// Clients with different authorizations share what an account allows.
func TestLimitsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		c, _ := client(func(_ int, r *http.Request) answer {
			seen = append(seen, r.Header.Get("Authorization")+" "+strconv.Itoa(time.Now().Second()))
			return good
		}, func(c *remote.Config) {
			c.Limits = remote.Limits{PerSecond: 1}
			c.Authorization = func(context.Context, string) (string, error) { return "a", nil }
		})
		other := c.With(func(context.Context, string) (string, error) { return "b", nil })
		for range 2 {
			for _, c := range []*remote.Client{c, other} {
				if _, err := c.Get(t.Context(), "/", nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := strings.Join(seen, ", "); got != "a 0, b 1, a 2, b 3" {
			t.Error(got)
		}
	})
}

func TestRequestsAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		load(t, func(int, *http.Request) answer {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return good
		}, remote.Limits{InFlight: 4}, 10*time.Second)
		if most.Load() != 4 {
			t.Errorf("%d at the same time", most.Load())
		}
	})
}

// Refusals slow requests down, and the pace comes back.
func TestThePaceAdapts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		starts := load(t, func(int, *http.Request) answer {
			if at := time.Since(begin); at >= 10*time.Second && at < 11*time.Second {
				return answer{status: http.StatusTooManyRequests}
			}
			return good
		}, remote.Limits{PerSecond: 20}, time.Minute)
		count := func(from, to time.Duration) (n int) {
			for _, at := range starts {
				if at >= from && at < to {
					n++
				}
			}
			return n
		}
		before, after, later := count(5*time.Second, 10*time.Second), count(11*time.Second, 16*time.Second), count(50*time.Second, 55*time.Second)
		if before < 95 || after > before/2 || later < 95 {
			t.Errorf("%d, then %d, then %d requests in five seconds", before, after, later)
		}
	})
}

func TestAPullThatIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		c, _ := client(always(answer{status: 429}), nil)
		begin := time.Now()
		_, err := c.Get(ctx, "/", nil)
		if kind, ok := remote.KindOf(err); !ok || kind != remote.Wait || time.Since(begin) >= 3*time.Second {
			t.Errorf("there is no time for another try: %v after %v", err, time.Since(begin))
		}
		stopped, stop := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, stop)
		if _, err := c.Get(stopped, "/", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
	})
}

// A request with a body is sent again as it was.
func TestBodiesAreRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, w := client(func(n int, r *http.Request) answer {
			body, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodPost || r.URL.Path != "/search" || string(body) != `{"a":1}` || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s %s", r.Method, r.URL, body)
			}
			if n == 1 {
				return answer{status: 503}
			}
			return good
		}, nil)
		body, err := c.Do(t.Context(), remote.Request{Method: http.MethodPost, Path: "/search", Body: []byte(`{"a":1}`), Type: "application/json"})
		if string(body) != good.body || err != nil || w.calls.Load() != 2 {
			t.Errorf("%s, %v, %d calls", body, err, w.calls.Load())
		}
	})
}

func TestXMLDocuments(t *testing.T) {
	t.Parallel()
	for body, calls := range map[string]int64{
		`<a><b/></a>`: 0, "<?xml version=\"1.0\"?>\n<!-- x --><a></a>\n": 0, `<a/>`: 0, "<htmla></htmla>": 0,
		`<a><b></b>`: 3, ``: 3, ` `: 3, `{"a":1}`: 3, `<a>ann@exam`: 3, `<a></b>`: 3,
		"\ufeff <!DOCTYPE html><p></p>": 1, `<HTML></HTML>`: 1,
	} {
		synctest.Test(t, func(t *testing.T) {
			c, w := client(always(answer{status: 200, body: body}), func(c *remote.Config) { c.XML = true })
			got, err := c.Do(t.Context(), remote.Request{Path: "/x"})
			kind, _ := remote.KindOf(err)
			if calls == 0 && (err != nil || string(got) != body) || calls > 0 && (kind != remote.Shape || w.calls.Load() != calls || strings.Contains(err.Error(), "ann@")) {
				t.Errorf("%q: %q, %v, %d calls", body, got, err, w.calls.Load())
			}
		})
	}
}

// A refusal whose reason did not arrive whole is asked for again.
func TestRefusalsThatAreCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, w := client(once(answer{status: 400, body: `{"Rea`, err: io.ErrUnexpectedEOF}, answer{status: 400, body: `{"Reason":"too_new"}`}), nil)
		_, err := c.Get(t.Context(), "/x", nil)
		if e, ok := errors.AsType[*remote.Error](err); !ok || e.Reason != "too_new" || w.calls.Load() != 2 {
			t.Errorf("%v, %d calls", err, w.calls.Load())
		}
	})
}

// The header of an answer is there without its body, and is asked for again as anything else is.
func TestHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		methods := map[string]int{}
		c, _ := client(func(n int, r *http.Request) answer {
			methods[r.Method+" "+r.URL.String()]++
			if n == 1 {
				return answer{status: http.StatusInternalServerError}
			}
			return answer{status: http.StatusOK, header: http.Header{"Total": {"7"}}}
		}, nil)
		h, err := c.Head(t.Context(), "/v1/things", url.Values{"a": {"b"}})
		if err != nil || h.Get("Total") != "7" || len(methods) != 1 || methods["HEAD https://stripe.test/v1/things?a=b"] != 2 {
			t.Errorf("%v, %v, %v", h, err, methods)
		}
	})
}

// A refusal may say in a header of the system's own when requests are taken again. What is too far away is not believed.
func TestReset(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		after time.Duration
		want  time.Duration // 0: the usual pause
	}{{90 * time.Second, 90 * time.Second}, {-time.Hour, 0}, {48 * time.Hour, 0}} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			reset := strconv.FormatInt(begin.Add(tt.after).Unix(), 10)
			c, _ := client(once(answer{status: http.StatusTooManyRequests, header: http.Header{"X-Reset": {reset}}}, answer{status: http.StatusOK, body: "{}"}), func(c *remote.Config) { c.Reset = "X-Reset" })
			if _, err := c.Get(t.Context(), "/v1/things", nil); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took != tt.want && (tt.want != 0 || took > time.Second) {
				t.Errorf("%v: asked again after %v", tt.after, took)
			}
		})
	}
}
