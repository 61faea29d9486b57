package systemtest

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Handler serves what a world in process answers.
func Handler(world http.RoundTripper) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host, r.RequestURI = "http", r.Host, ""
		got, err := world.RoundTrip(r)
		if err != nil { // the world gives no answer
			panic(http.ErrAbortHandler) // net/http cuts the connection
		}
		defer func() { _ = got.Body.Close() }()
		maps.Copy(w.Header(), got.Header)
		w.WriteHeader(got.StatusCode)
		_, _ = io.Copy(w, got.Body)
	})
}

// Serve serves a world until the test ends, and returns its address.
func Serve(tb testing.TB, world http.RoundTripper) string {
	tb.Helper()
	s := httptest.NewServer(Handler(world))
	tb.Cleanup(s.Close)
	return s.URL
}
