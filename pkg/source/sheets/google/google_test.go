package google_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/googletest"
	"reseed/pkg/fault"
	"reseed/pkg/source/sheets"
	"reseed/pkg/source/sheets/google"
)

const (
	bookID  = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
	address = "reseed@example.iam.gserviceaccount.com"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func book() *googletest.Spreadsheet {
	return &googletest.Spreadsheet{
		ID: bookID, Title: "Company", Locale: "de_DE", TimeZone: "Europe/Berlin", Shared: []string{address}, Version: 7,
		Tabs: []*googletest.Tab{
			{ID: 0, Title: "Customers", Cells: [][]any{
				{"External ID", "Name", "Joined", nil},
				{42, "Acme", googletest.Date(45292.5, "01.01.2024 12:00"), true, nil, nil},
				nil,
				{"x", googletest.Error("#N/A")},
			}},
			{ID: 55, Title: "It's a chart", Chart: true},
			{ID: 9, Title: "O'Neill's", Hidden: true, Cells: [][]any{{googletest.Cell{Value: 1234.5, Shown: "1.234,50 €"}}}},
			{ID: 3, Title: "Empty"},
		},
	}
}

// made serves the book without a network.
func made(t *testing.T) (*googletest.Server, *google.Client) {
	t.Helper()
	s := googletest.New()
	s.Add(book())
	c, err := google.New(google.Config{Key: s.Key(t, address), Endpoint: s.URL, Transport: s.Transport()})
	must(t, err)
	return s, c
}

// served serves the book over HTTP.
func served(t *testing.T) (*googletest.Server, *google.Client) {
	t.Helper()
	s := googletest.Serve(t)
	s.Add(book())
	c, err := google.New(google.Config{Key: s.Key(t, address), Endpoint: s.URL})
	must(t, err)
	return s, c
}

func spansOf(b sheets.Book) (out []sheets.Span) {
	for _, t := range b.Tabs {
		out = append(out, sheets.Span{Tab: t, From: 1, To: t.Rows})
	}
	return out
}

func TestABookAndItsCells(t *testing.T) {
	t.Parallel()
	s, c := served(t)
	v, err := c.Version(t.Context(), bookID)
	must(t, err)
	b, err := c.Book(t.Context(), bookID)
	must(t, err)
	want := sheets.Book{Title: "Company", Locale: "de_DE", TimeZone: "Europe/Berlin", Tabs: []sheets.Tab{
		{ID: 0, Title: "Customers", Rows: 1000, Columns: 26}, {ID: 9, Title: "O'Neill's", Rows: 1000, Columns: 26, Hidden: true}, {ID: 3, Title: "Empty", Rows: 1000, Columns: 26},
	}}
	if diff := cmp.Diff(want, b); diff != "" || v != 7 {
		t.Fatalf("version %d, the book differs: %s", v, diff)
	}
	got, err := c.Values(t.Context(), bookID, spansOf(b))
	must(t, err)
	cells := []sheets.Values{
		{{"External ID", "Name", "Joined"}, {42.0, "Acme", 45292.5, true}, {}, {"x", "#N/A"}}, {{1234.5}}, nil,
	}
	if diff := cmp.Diff(cells, got); diff != "" {
		t.Error(diff)
	}
	if s.Tokens() != 1 {
		t.Errorf("%d tokens for both APIs", s.Tokens())
	}
	if c.Address() != address {
		t.Errorf("the address is %s", c.Address())
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"nothing": "", "no JSON": "secret", "another kind": `{"type":"authorized_user","client_email":"a@b"}`, "no address": `{"type":"service_account"}`,
	} {
		if _, err := google.New(google.Config{Key: []byte(key)}); fault.CodeOf(err) != "bad_google_key" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What Google refuses for good ends a call at once, and the message says what to do.
func TestRefusals(t *testing.T) {
	t.Parallel()
	shared := func(b *googletest.Spreadsheet) { b.Shared = []string{"somebody@example.com"} }
	for name, tt := range map[string]struct {
		change  func(*googletest.Server)
		kind    fault.Kind
		says    string
		version bool
	}{
		"not shared":  {func(s *googletest.Server) { s.Change(bookID, shared) }, fault.Forbidden, "not shared with " + address, false},
		"for Drive":   {func(s *googletest.Server) { s.Change(bookID, shared) }, fault.NotFound, "not shared with " + address, true},
		"in the bin":  {func(s *googletest.Server) { s.Change(bookID, func(b *googletest.Spreadsheet) { b.Trashed = true }) }, fault.NotFound, "in the bin", true},
		"a workbook":  {func(s *googletest.Server) { s.Change(bookID, func(b *googletest.Spreadsheet) { b.MimeType = "xlsx" }) }, fault.Invalid, "Save as Google Sheets", true},
		"for Sheets":  {func(s *googletest.Server) { s.Change(bookID, func(b *googletest.Spreadsheet) { b.MimeType = "xlsx" }) }, fault.Invalid, "Save as Google Sheets", false},
		"key refused": {func(s *googletest.Server) { s.Disown(address) }, fault.Unauthorized, "Google refused the key of the service account " + address, false},
		"disabled": {func(s *googletest.Server) {
			s.Before(func(googletest.Call) *googletest.Failure {
				return &googletest.Failure{Status: 403, Reason: "accessNotConfigured", Message: "Google Sheets API has not been used in project 1 before"}
			})
		}, fault.Forbidden, "has not enabled", false},
		"anything": {func(s *googletest.Server) {
			s.Before(func(googletest.Call) *googletest.Failure {
				return &googletest.Failure{Status: 418, Message: "ya29.secret"}
			})
		}, fault.Invalid, "with status 418", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := made(t)
			tt.change(s)
			_, err := c.Book(t.Context(), bookID)
			if tt.version {
				_, err = c.Version(t.Context(), bookID)
			}
			if !fault.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "ya29") {
				t.Errorf("%v, want %q", err, tt.says)
			}
			if n := len(s.Calls()); n > 2 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// A tab that goes after the tabs were listed is a change of the spreadsheet.
func TestATabThatGoes(t *testing.T) {
	t.Parallel()
	s, c := made(t)
	b, err := c.Book(t.Context(), bookID)
	must(t, err)
	for _, change := range []func(*googletest.Spreadsheet){
		func(b *googletest.Spreadsheet) { b.Tabs[0].Title = "Clients" },
		func(b *googletest.Spreadsheet) { b.Tabs[0].Title, b.Tabs[0].Rows = "Customers", 5 },
	} {
		s.Change(bookID, change)
		if _, err := c.Values(t.Context(), bookID, spansOf(b)); fault.CodeOf(err) != sheets.CodeChanged {
			t.Errorf("%v", err)
		}
	}
}

// A token that Google does not accept any more is replaced, once.
func TestATokenThatExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := made(t)
		s.TokenLife(10 * time.Minute)
		for range 3 {
			_, err := c.Book(t.Context(), bookID)
			must(t, err)
			time.Sleep(time.Hour)
		}
		if s.Tokens() != 3 {
			t.Errorf("%d tokens after expiry", s.Tokens())
		}
		_, err := c.Book(t.Context(), bookID)
		must(t, err)
		s.Revoke()
		_, err = c.Book(t.Context(), bookID)
		must(t, err)
		s.Revoke()
		s.Disown(address)
		if _, err := c.Book(t.Context(), bookID); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%v", err)
		}
	})
}

// A storm of refusals is waited out, at growing distances; so are errors of Google's servers, and a
// connection that breaks.
func TestAStorm(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]*googletest.Failure{
		"quota of Sheets": googletest.Quota(""),
		"quota of Drive":  {Status: 403, Reason: "userRateLimitExceeded", Message: "User rate limit exceeded."},
		"error":           {Status: 500, Message: "Internal error encountered."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, c := made(t)
				var at []time.Time
				s.Before(func(call googletest.Call) *googletest.Failure {
					at = append(at, time.Now())
					if call.Number <= 6 {
						return failure
					}
					return nil
				})
				_, err := c.Book(t.Context(), bookID)
				must(t, err)
				if first, last := at[1].Sub(at[0]), at[6].Sub(at[5]); len(at) != 7 || last < 2*first || last > 2*time.Minute {
					t.Errorf("asked %d times, first after %s, last after %s", len(at), first, last)
				}
			})
		})
	}
}

// A storm that does not end, ends the call; nobody asks more often than every few seconds meanwhile.
func TestAStormThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := made(t)
		s.Before(func(googletest.Call) *googletest.Failure { return googletest.Quota("") })
		_, err := c.Book(t.Context(), bookID)
		if n := len(s.Calls()); !fault.Is(err, fault.Busy) || n > 40 {
			t.Errorf("%v after %d calls", err, n)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if _, err := c.Book(ctx, bookID); !reflect.DeepEqual(err, context.DeadlineExceeded) {
			t.Errorf("%v, although the deadline is over", err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := made(t)
		s.Before(func(call googletest.Call) *googletest.Failure {
			if call.Number == 1 {
				return googletest.Quota("77")
			}
			return nil
		})
		began := time.Now()
		_, err := c.Book(t.Context(), bookID)
		must(t, err)
		if took := time.Since(began); took < 77*time.Second || took > 80*time.Second {
			t.Errorf("asked again after %s", took)
		}
	})
}

// No minute has more than 60 calls, by however many goroutines.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := made(t)
		at := make(chan time.Time, 300)
		s.Before(func(googletest.Call) *googletest.Failure {
			at <- time.Now()
			return nil
		})
		ended := make(chan error)
		for range 3 {
			go func() {
				for range 100 {
					if _, err := c.Version(t.Context(), bookID); err != nil {
						ended <- err
						return
					}
				}
				ended <- nil
			}()
		}
		for range 3 {
			must(t, <-ended)
		}
		close(at)
		var all []time.Time
		for one := range at {
			all = append(all, one)
		}
		slices.SortFunc(all, time.Time.Compare)
		for i := range all {
			if i >= 60 && all[i].Sub(all[i-60]) < time.Minute {
				t.Fatalf("61 calls in %s", all[i].Sub(all[i-60]))
			}
		}
		if wait := all[15].Sub(all[0]); wait > 0 {
			t.Errorf("four small pulls in a row wait %s for their turns", wait)
		}
	})
}

// A connection that breaks in the middle of an answer is no answer.
func TestABrokenConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := googletest.New()
		s.Add(book())
		breaks := 3
		c, err := google.New(google.Config{Key: s.Key(t, address), Endpoint: s.URL, Transport: tripper(func(r *http.Request) (*http.Response, error) {
			a, err := s.Transport().RoundTrip(r)
			if strings.HasPrefix(r.URL.Path, "/v4") && breaks > 0 {
				breaks--
				return nil, fmt.Errorf("read tcp: connection reset by peer, url %s", r.URL)
			}
			return a, err
		})})
		must(t, err)
		_, err = c.Book(t.Context(), bookID)
		must(t, err)
		breaks = 1000
		if _, err := c.Book(t.Context(), bookID); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), bookID) {
			t.Error(err)
		}
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
