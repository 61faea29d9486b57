package console

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"reseed/pkg/api/client"
)

// Config is what the console needs. The fields before PublicURL must be set.
type Config struct {
	API http.Handler // the whole REST API; also answers what is not the console's
	Log *slog.Logger
	Now func() time.Time
	// Limit limits how long a browser may keep its connection, as the API limits its clients.
	Limit func(http.Handler) http.Handler

	PublicURL string // where people open the console, without a slash at the end, if that is known
	Bucket    string // origin of the bucket to which browsers send files; empty if they send them here
}

// Console is what all requests share.
type Console struct {
	Config
	pages  *pages
	assets assets
	api    *http.Client

	watched watched
}

// New returns a handler of the console and the API. It has to be served at the root of a host.
func New(c Config) http.Handler {
	files := loadAssets()
	s := &Console{Config: c, pages: newPages(files), assets: files, api: &http.Client{
		Transport:     client.InProcess{Handler: c.API},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the browser is sent there
	}}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/{hash}/{name}", s.assets)
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.serve(r))
	}
	mux.Handle("/", s.serve(route{handle: s.unknown, open: true}))
	own := s.protected(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isOwn(r) {
			own.ServeHTTP(w, r)
			return
		}
		c.API.ServeHTTP(w, r)
	})
}

// isOwn reports whether a request is for the console: browsers send no Authorization header, and no
// path of the API but /v1 is theirs.
func isOwn(r *http.Request) bool {
	return r.Header.Get("Authorization") == "" && r.URL.Path != "/v1" && !strings.HasPrefix(r.URL.Path, "/v1/")
}

// protected adds what holds for every answer of the console: its headers, compression, and that no
// page of another origin can change anything (http.CrossOriginProtection).
func (c *Console) protected(h http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	if at, err := url.Parse(c.PublicURL); err == nil && at.Host != "" {
		_ = p.AddTrustedOrigin(at.Scheme + "://" + at.Host) // fails for what no browser sends
	}
	p.SetDenyHandler(c.serve(route{handle: c.foreign, open: true}))
	inner := c.Limit(gzhttp.GzipHandler(p.Handler(h)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header(), c.Bucket)
		inner.ServeHTTP(w, r)
	})
}

// policy is the content security policy: nothing but what this server sends, no scripts and styles
// inside pages. Scripts may also send files to the bucket, if there is one.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'"

func secure(h http.Header, bucket string) {
	h.Set("Content-Security-Policy", strings.TrimSpace(policy+" "+bucket))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
