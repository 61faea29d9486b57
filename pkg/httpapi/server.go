package httpapi

import (
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"reseed/pkg/fault"
)

// Content types. Some endpoints name the character set and others do not, as at ChartMogul.
const (
	PlainJSON = "application/json"
	UTF8JSON  = "application/json; charset=utf-8"
)

// MaxBody is how many bytes of JSON a request may bring.
const MaxBody = 5 << 20

// Config is what the server needs, besides routes. Log and Keys must be set.
type Config struct {
	Log  *slog.Logger
	Keys *Keyring
	// Asked is called for each request, with whether its key is accepted. It may block to slow a
	// request without a right key down. It may be nil.
	Asked    func(r *http.Request, right bool)
	Patience Patience      // DefaultPatience if zero
	Spare    time.Duration // Patience.Move for the commands on this machine
}

// server serves routes.
type server struct {
	Config
	bodies  *semaphore.Weighted // room for bodies, in bytes
	uploads *semaphore.Weighted
}

// Call is one request on its way through a handler.
type Call struct {
	*http.Request
	Author string // the name of the key
	holder holderOf
	server *server
	w      http.ResponseWriter
	limit  int64 // of an upload, in bytes
	atEnd  []func()
}

// Param is a query parameter; "" if it is absent or empty.
func (c *Call) Param(name string) string { return c.URL.Query().Get(name) }

// Flag is a boolean query parameter: true/false, or 1/0 from PHP.
func (c *Call) Flag(name string) bool {
	v := c.Param(name)
	return v == "true" || v == "1"
}

// Reply is what a handler answers. The body is sent as JSON; an io.ReadCloser is copied as it is,
// and closed. An answer with a nil body has no content type either.
type Reply struct {
	Status int
	Body   any
	Kind   string            // content type, if not the route's
	Header map[string]string // further headers
}

// Handler answers a request.
type Handler func(*Call) (Reply, error)

// Route is a path with the handlers of its methods.
type Route struct {
	Path    string
	Kind    string // content type
	Upload  int64  // how many bytes of files a request may bring; 0: it may bring only JSON
	Methods map[string]Handler
}

// New returns a handler for the routes. It has to be served at the root of a host: clients use
// absolute paths.
func New(c Config, routes []Route) http.Handler {
	if c.Patience == (Patience{}) {
		c.Patience = DefaultPatience()
	}
	s := &server{Config: c, bodies: semaphore.NewWeighted(bodiesAtOnce), uploads: semaphore.NewWeighted(uploadsAtOnce)}
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.Path, s.serve(r))
	}
	unknown := s.serve(Route{Kind: PlainJSON})
	mux.Handle("/", unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean("/"+r.URL.Path) != r.URL.Path { // the mux would answer with a redirect in HTML
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// serve returns the handler of a route. It checks the key before it says anything about paths or
// methods.
func (s *server) serve(rt Route) http.Handler {
	allow := allowed(rt.Methods)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Patience.limitBody(w, r, rt.Upload > 0 && !IsJSON(r))
		out := s.Patience.limitAnswer(w)
		defer s.recovered(out, r)
		h := rt.Methods[r.Method]
		if r.Method == http.MethodHead {
			h = rt.Methods[http.MethodGet]
		}
		var ans Reply
		who, err := s.authenticate(r)
		if err == nil && who.name == CommandName {
			out.spare(r, s.Spare)
		}
		switch {
		case err != nil:
			w.Header().Set("Connection", "close") // so that the body need not be read
		case rt.Methods == nil:
			err = Problem(http.StatusNotFound, "", textUnknownPath)
		case h == nil:
			w.Header().Set("Allow", allow)
			err = Problem(http.StatusMethodNotAllowed, "", textBadMethod)
		default:
			c := &Call{server: s, Request: r, w: w, limit: rt.Upload, Author: who.name, holder: who}
			defer c.end()
			ans, err = h(c)
		}
		if err != nil {
			ans = s.failed(w, r, err)
		}
		if ans.Kind == "" {
			ans.Kind = rt.Kind
		}
		s.write(out, r, ans)
	})
}

// authenticate returns who sends the request, or a 401. A link that signs in is good for that alone.
func (s *server) authenticate(r *http.Request) (who holderOf, err error) {
	key, _, ok := r.BasicAuth()
	if ok {
		who, ok, err = s.Keys.holder(r.Context(), key)
		link := who.session != nil && who.session.Once
		ok = ok && (!link || r.Method == http.MethodPost && r.URL.Path == SessionsPath)
	}
	if err == nil && !ok {
		err = Problem(http.StatusUnauthorized, "", textNoKey)
	}
	if s.Asked != nil {
		s.Asked(r, err == nil)
	}
	return who, err
}

func allowed(methods map[string]Handler) string {
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

func (s *server) failed(w http.ResponseWriter, r *http.Request, err error) Reply {
	f, ours := errorOf(err)
	if ours && r.Context().Err() == nil {
		s.Log.Error("request failed", slog.String("method", r.Method), slog.String("route", r.Pattern),
			slog.String("kind", fault.KindOf(err).String()), slog.String("code", fault.CodeOf(err)), slog.String("error", err.Error()))
	}
	if f.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="reseed"`)
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	return Reply{Status: f.Status, Body: f.Body}
}

// recovered answers a request whose handler panicked, and logs it without the value of the panic,
// which may hold data (I8).
func (s *server) recovered(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
		panic(v) //nolint:forbidigo // net/http closes the connection
	}
	s.Log.Error("request panicked", slog.String("method", r.Method), slog.String("route", r.Pattern),
		slog.String("type", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
	s.write(w, r, Reply{Status: http.StatusInternalServerError, Kind: PlainJSON, Body: Problem(http.StatusInternalServerError, "", textBroken).Body})
}

// write sends an answer. Errors from here on are errors of the client's connection, and are not
// reported.
func (s *server) write(w http.ResponseWriter, r *http.Request, ans Reply) {
	for name, value := range ans.Header {
		w.Header().Set(name, value)
	}
	if ans.Body == nil {
		w.WriteHeader(ans.Status)
		return
	}
	w.Header().Set("Content-Type", ans.Kind)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if stream, ok := ans.Body.(io.ReadCloser); ok {
		defer func() { _ = stream.Close() }()
		w.WriteHeader(ans.Status)
		if _, err := io.Copy(w, stream); err != nil { // a part must not look like the whole
			panic(http.ErrAbortHandler) //nolint:forbidigo // net/http cuts the answer, which has begun
		}
		return
	}
	text, err := piecesOf(ans.Body)
	if err != nil {
		s.Log.Error("answer cannot be encoded", slog.String("route", r.Pattern), slog.String("error", err.Error()))
		ans.Status = http.StatusInternalServerError
		text, _ = piecesOf(Problem(ans.Status, "", textBroken).Body) // fixed text: cannot fail
	}
	length := 0
	for _, piece := range text {
		length += len(piece)
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(ans.Status)
	for _, piece := range text {
		_, _ = w.Write(piece)
	}
	if l, ok := ans.Body.(Listed); ok {
		l.Elements.done()
	}
}

// piecesOf is an answer as JSON.
func piecesOf(body any) ([][]byte, error) {
	if l, ok := body.(Listed); ok {
		return l.pieces(), nil
	}
	text, err := AppendJSON(nil, body)
	return [][]byte{text}, err
}

// IsJSON reports whether a request says that its body is JSON.
func IsJSON(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == PlainJSON
}
