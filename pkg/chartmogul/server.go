package chartmogul

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/records"
)

// Content types: one family of endpoints names the character set, the other does not (chartmogul-api §1.2).
const (
	plainJSON = "application/json"
	utf8JSON  = "application/json; charset=utf-8"
)

// server is the API.
type server struct {
	Config
	Records *records.Records
	sign    string // of the account's currency
	keys    *keyring
	bodies  *semaphore.Weighted // room for bodies, in bytes
	uploads *semaphore.Weighted
	rooms   *sync.Pool // for the texts of lists
}

// call is one request on its way through a handler.
type call struct {
	*server
	*http.Request
	w      http.ResponseWriter
	limit  int64
	author string        // who asks
	room   *atomic.Int64 // bytes that may still be held for a page; nil: any number
	atEnd  []func()
}

// reply is what a handler answers: body as JSON, or copied as it is (and
// closed) when it is an io.ReadCloser. A nil body has no content type either.
type reply struct {
	status int
	body   any
	kind   string // content type, if not the route's
}

type handler func(*call) (reply, error)

// route is one path and what answers there, by method.
type route struct {
	path    string
	kind    string // content type
	limit   int64  // of the body, in bytes; above MaxBody it is one of files
	methods map[string]handler
}

// New returns the API as a handler to be served at the root of a host: clients use absolute paths.
func New(c Config) http.Handler {
	if c.Currency == "" {
		c.Currency = "USD"
	}
	if c.MaxUpload == 0 {
		c.MaxUpload = DefaultMaxUpload
	}
	if c.Patience == (Patience{}) {
		c.Patience = DefaultPatience()
	}
	s := &server{
		Config: c, Records: recordsOf(c), sign: billing.CurrencySign(c.Currency), keys: &keyring{set: c.Keys, store: c.Store, now: c.Now},
		bodies: semaphore.NewWeighted(bodiesAtOnce), uploads: semaphore.NewWeighted(uploadsAtOnce), rooms: newRooms(),
	}
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.path, s.serve(r))
	}
	unknown := s.serve(route{kind: plainJSON})
	mux.Handle("/", unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean("/"+r.URL.Path) != r.URL.Path { // the mux would answer with a redirect in HTML
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// serve authenticates before it says anything about paths or methods.
func (s *server) serve(rt route) http.Handler {
	allow := allowed(rt.methods)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Patience.limitBody(w, r, rt.limit > MaxBody && !isJSON(r))
		out := s.Patience.limitAnswer(w)
		defer s.recovered(out, r)
		h := rt.methods[r.Method]
		if r.Method == http.MethodHead {
			h = rt.methods[http.MethodGet]
		}
		var ans reply
		who, err := s.authenticate(r)
		if err == nil && who == CommandName {
			out.spare(r)
		}
		switch {
		case err != nil:
			w.Header().Set("Connection", "close") // and no body is read
		case rt.methods == nil:
			err = failA(http.StatusNotFound, "", textUnknownPath)
		case h == nil:
			w.Header().Set("Allow", allow)
			err = failA(http.StatusMethodNotAllowed, "", textBadMethod)
		default:
			c := &call{server: s, Request: r, w: w, limit: rt.limit, author: who}
			defer c.end()
			ans, err = h(c)
		}
		if err != nil {
			ans = s.failed(w, r, err)
		}
		if ans.kind == "" {
			ans.kind = rt.kind
		}
		s.write(out, r, ans)
	})
}

// authenticate finds out who asks.
func (s *server) authenticate(r *http.Request) (who string, err error) {
	key, _, ok := r.BasicAuth()
	if ok {
		who, ok, err = s.keys.holder(r.Context(), key)
	}
	if err == nil && !ok {
		err = failA(http.StatusUnauthorized, "", textNoKey)
	}
	if s.Asked != nil {
		s.Asked(r, err == nil)
	}
	return who, err
}

func allowed(methods map[string]handler) string {
	var names []string
	for m := range methods {
		names = append(names, m)
		if m == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (s *server) failed(w http.ResponseWriter, r *http.Request, err error) reply {
	f, ours := failureOf(err)
	if ours && r.Context().Err() == nil {
		s.Log.Error("request failed", slog.String("method", r.Method), slog.String("route", r.Pattern),
			slog.String("kind", fault.KindOf(err).String()), slog.String("code", fault.CodeOf(err)), slog.String("error", err.Error()))
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="reseed"`)
	}
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	return reply{status: f.status, body: f.body}
}

// recovered ends a request whose handler broke: one sentence for the client,
// one line for us, without the value of the panic since it may hold data (I8).
func (s *server) recovered(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
		panic(v) //nolint:forbidigo // the server cuts the connection on it
	}
	s.Log.Error("request panicked", slog.String("method", r.Method), slog.String("route", r.Pattern),
		slog.String("type", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
	s.write(w, r, reply{status: http.StatusInternalServerError, kind: plainJSON, body: failA(http.StatusInternalServerError, "", textBroken).body})
}

// write sends an answer. What goes wrong from here on is the client's connection, and nobody is left to tell.
func (s *server) write(w http.ResponseWriter, r *http.Request, ans reply) {
	if ans.body == nil {
		w.WriteHeader(ans.status)
		return
	}
	w.Header().Set("Content-Type", ans.kind)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if stream, ok := ans.body.(io.ReadCloser); ok {
		defer func() { _ = stream.Close() }()
		w.WriteHeader(ans.status)
		if _, err := io.Copy(w, stream); err != nil { // a part must not look like the whole
			panic(http.ErrAbortHandler) //nolint:forbidigo // so net/http cuts an answer that has begun
		}
		return
	}
	text, err := piecesOf(ans.body)
	if err != nil {
		s.Log.Error("answer cannot be encoded", slog.String("route", r.Pattern), slog.String("error", err.Error()))
		ans.status = http.StatusInternalServerError
		text, _ = piecesOf(failA(ans.status, "", textBroken).body) // fixed text: cannot fail
	}
	length := 0
	for _, piece := range text {
		length += len(piece)
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(ans.status)
	for _, piece := range text {
		_, _ = w.Write(piece)
	}
	if l, ok := ans.body.(listed); ok {
		l.elements.done()
	}
}

// piecesOf spells an answer.
func piecesOf(body any) ([][]byte, error) {
	if l, ok := body.(listed); ok {
		return l.pieces(), nil
	}
	text, err := spelled(nil, body)
	return [][]byte{text}, err
}
