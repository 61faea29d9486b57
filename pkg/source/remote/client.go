package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Defaults of [Config].
const (
	Tries    = 8
	Patience = 2 * time.Minute
	MaxBody  = 64 << 20
	timeout  = 80 * time.Second // of one request
)

// Pauses between tries, if the system does not say how long to wait. Each is drawn between half of it and all of it.
const (
	firstPause   = time.Second
	longestPause = 32 * time.Second
)

// cutTries is how often a body that does not arrive whole is asked for.
const cutTries = 3

// Config is what a client needs. Fields without a default must be set.
type Config struct {
	System    string            // as people call it, such as Stripe
	Base      string            // address of the system, without a slash at its end
	Transport http.RoundTripper // nil: the usual one
	Limits    Limits
	Now       func() time.Time
	Header    http.Header // of every request; without secrets

	// Authorization returns the header of that name. refused is "" or what the system has refused; if
	// Authorization has nothing else to offer it returns the same again, and the request fails.
	Authorization func(ctx context.Context, refused string) (string, error)

	// Explain reads the body of an answer that is a refusal.
	Explain func(body []byte) Explanation

	XML       bool          // answers are XML documents; else they are JSON
	RequestID string        // name of the header with the id of the request
	Reset     string        // name of the header of a refusal that says in Unix seconds when requests are taken again; may be empty
	Tries     int           // of a request; 0: [Tries]
	Patience  time.Duration // how long a request waits between its tries, all together; 0: [Patience]
	MaxBody   int64         // bytes; 0: [MaxBody]
}

// Explanation is what a system says of a refusal. Texts that are not [Word]s are left out of errors.
type Explanation struct {
	Reason  string
	Param   string
	Missing []string // permissions
}

// Client makes requests. It is safe for concurrent use.
type Client struct {
	Config

	http  *http.Client
	pace  *pace
	seats chan struct{} // nil: any number of requests at the same time
}

// New makes a client.
func New(c Config) *Client {
	if c.Tries == 0 {
		c.Tries = Tries
	}
	if c.Patience == 0 {
		c.Patience = Patience
	}
	if c.MaxBody == 0 {
		c.MaxBody = MaxBody
	}
	client := &Client{Config: c, pace: newPace(c.Limits), http: &http.Client{
		Transport:     c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if c.Limits.InFlight > 0 {
		client.seats = make(chan struct{}, c.Limits.InFlight)
	}
	return client
}

// With is a client of the same account, with which it shares the limits, that authorizes its requests otherwise.
func (c *Client) With(authorization func(ctx context.Context, refused string) (string, error)) *Client {
	other := *c
	other.Authorization = authorization
	return &other
}

// Request is what a system is asked for. Whatever its method is, it changes nothing: so it may be repeated.
type Request struct {
	Method string // empty: GET
	Path   string
	Query  url.Values
	Header http.Header // besides those of every request
	Body   []byte      // nil: none
	Type   string      // media type of the body
}

// Get asks for a JSON document, as [Client.Do] does.
func (c *Client) Get(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	return c.Do(ctx, Request{Path: path, Query: query})
}

// Do asks for a document, in its turn, until it is there or the request has failed for good. The error
// is that of ctx or of Authorization, or an [*Error].
func (c *Client) Do(ctx context.Context, r Request) ([]byte, error) {
	a, err := c.do(ctx, r)
	return a.body, err
}

// Head asks, as [Client.Do] does, for what the header of an answer would say.
func (c *Client) Head(ctx context.Context, path string, query url.Values) (http.Header, error) {
	a, err := c.do(ctx, Request{Method: http.MethodHead, Path: path, Query: query})
	return a.header, err
}

func (c *Client) do(ctx context.Context, r Request) (answer, error) {
	token, err := c.Authorization(ctx, "")
	if err != nil {
		return answer{}, err
	}
	renewed := false
	for try, waited := 1, time.Duration(0); ; try++ {
		a, err := c.once(ctx, r, token)
		failed, ok := errors.AsType[*Error](err)
		if err == nil || !ok {
			return a, err
		}
		if failed.Status == http.StatusUnauthorized && !renewed {
			refused := token
			if token, err = c.Authorization(ctx, refused); err != nil {
				return answer{}, err
			}
			if renewed = token != refused; renewed {
				continue
			}
		}
		pause := pauseAfter(failed, try)
		if !failed.again || try >= c.triesOf(failed) || waited+pause > c.Patience {
			return answer{}, failed
		}
		if deadline, ok := ctx.Deadline(); ok && deadline.Sub(c.Now()) <= pause { // why it has failed tells more than that the time was up
			return answer{}, failed
		}
		if waited += pause; sleep(ctx, pause) != nil {
			return answer{}, ctx.Err()
		}
	}
}

func (c *Client) triesOf(e *Error) int {
	if e.Kind == Shape {
		return min(cutTries, c.Tries)
	}
	return c.Tries
}

func pauseAfter(e *Error, try int) time.Duration {
	if e.After > 0 {
		return e.After
	}
	pause := min(firstPause<<min(try-1, 10), longestPause)
	return pause/2 + rand.N(pause/2) //nolint:gosec // a pause is no secret
}

// once makes a request in its turn.
func (c *Client) once(ctx context.Context, r Request, token string) (answer, error) {
	if err := c.sit(ctx); err != nil {
		return answer{}, err
	}
	defer c.stand()
	if err := sleep(ctx, c.pace.turn(c.Now())); err != nil {
		return answer{}, err
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a, err := c.send(limited, r, token)
	switch {
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case a.status == 0:
		return answer{}, c.later(&Error{}, "it cannot be reached. Try again later")
	}
	e := &Error{Status: a.status, RequestID: requestID(a.header.Get(c.RequestID))}
	if a.status != http.StatusOK {
		refusal := c.refusal(e, r.Path, a.header, a.body)
		refusal.again = refusal.again || err != nil && refusal.Kind == Refused // why did not arrive whole
		return answer{}, refusal
	}
	if r.Method != http.MethodHead {
		if err := c.unfit(e, a.header, a.body, err); err != nil {
			return answer{}, err
		}
	}
	c.pace.succeeded()
	return a, nil
}

type answer struct {
	status int // 0: there is no answer
	header http.Header
	body   []byte // as far as it came
}

// send makes a request. The error says that there is no answer, or that its body did not come whole.
func (c *Client) send(ctx context.Context, r Request, token string) (answer, error) {
	address := c.Base + r.Path
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	asks, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodGet), address, bytes.NewReader(r.Body))
	if err != nil {
		return answer{}, err
	}
	maps.Copy(asks.Header, c.Header)
	maps.Copy(asks.Header, r.Header)
	asks.Header.Set("Authorization", token)
	if r.Type != "" {
		asks.Header.Set("Content-Type", r.Type)
	}
	got, err := c.http.Do(asks)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(got.Body, c.MaxBody+1))
	return answer{got.StatusCode, got.Header, body}, err
}

// refusal says what an answer other than 200 means.
func (c *Client) refusal(e *Error, path string, h http.Header, body []byte) *Error {
	if c.Explain != nil {
		said := c.Explain(body)
		e.Reason, e.Param = Word(said.Reason), Word(said.Param)
		for _, m := range said.Missing {
			if m = Word(m); m != "" {
				e.Missing = append(e.Missing, m)
			}
		}
	}
	switch s := e.Status; {
	case s == http.StatusTooManyRequests:
		e.After = cmp.Or(retryAfter(h, c.Now()), resetAfter(h.Get(c.Reset), c.Now()))
		c.pace.refused(c.Now(), e.After)
		return c.later(e, "it asks for fewer requests, for longer than a request waits. Try again later")
	case s >= http.StatusInternalServerError:
		e.After = retryAfter(h, c.Now())
		return c.later(e, "it has failed to answer. Try again later")
	case s == http.StatusUnauthorized:
		return c.failure(Auth, e, "it refuses the key. Look whether it is whole, and for this account and place, such as live or sandbox; if it is, it was probably revoked: make a new one")
	case s == http.StatusForbidden && len(e.Missing) > 0:
		return c.failure(Auth, e, "the key lacks the permission "+strings.Join(e.Missing, " and ")+". Add it, or give the data source another key")
	case s == http.StatusForbidden:
		return c.failure(Auth, e, "the key may not read "+path+". Give the data source another key")
	case s == http.StatusNotFound:
		return c.failure(Gone, e, "there is nothing at "+path)
	case s < http.StatusBadRequest:
		return c.failure(Shape, e, "its answer leads elsewhere. Check the address of the system")
	}
	return c.failure(Refused, e, "it does not take a request for "+path+reason(e.Reason))
}

func reason(word string) string {
	if word == "" {
		return ""
	}
	return ": " + word
}

// later is the error for what may be asked again.
func (c *Client) later(e *Error, message string) *Error {
	e.again = true
	return c.failure(Wait, e, message)
}

// unfit returns an error unless a body is a document that arrived whole.
func (c *Client) unfit(e *Error, h http.Header, body []byte, err error) error {
	whole, page, kind := isJSON, isMarkup, "JSON"
	if c.XML {
		whole, page, kind = wholeXML, isWebPage, "XML"
	}
	switch {
	case int64(len(body)) > c.MaxBody:
		return c.failure(Shape, e, "its answer has more than "+strconv.FormatInt(c.MaxBody>>20, 10)+" MB")
	case strings.HasPrefix(h.Get("Content-Type"), "text/html"), page(body):
		return c.failure(Shape, e, "its answer is a web page, no data. Something between Reseed and the system may have answered")
	case err != nil, !whole(body):
		e.again = true
		return c.failure(Shape, e, "its answer was cut off, or is no "+kind+". Try again later")
	}
	return nil
}

// retryAfter reads the header of that name: seconds or a date. 0 if it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := h.Get("Retry-After")
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n < 1<<20 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}

// resetAfter reads a time in Unix seconds. 0 if it is none, or lies further away than a day: then the clocks differ.
func resetAfter(s string, now time.Time) time.Duration {
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	after := time.Unix(seconds, 0).Sub(now)
	if after > 24*time.Hour {
		return 0
	}
	return max(after, 0)
}

// sit waits until fewer than InFlight requests are under way.
func (c *Client) sit(ctx context.Context) error {
	if c.seats == nil {
		return ctx.Err()
	}
	select {
	case c.seats <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) stand() {
	if c.seats != nil {
		<-c.seats
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
