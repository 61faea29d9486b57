package httpapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// Patience is how long a request may keep its connection without progress. On Lambda it has no
// effect, since the server has no connections there: API Gateway has limits of its own.
type Patience struct {
	Body time.Duration // for the whole body of a request that is no upload
	// for every 64 KiB of an upload or an answer, without the time in which the server is slow
	Move time.Duration
}

// DefaultPatience is enough for 5 MB of JSON over 2 Mbit/s, and for files over 20 kbit/s. Body has
// to be shorter than the time for which an erase waits for requests (config.RequestLifetime), since
// some handlers read the directory before the body.
func DefaultPatience() Patience { return Patience{Body: 20 * time.Second, Move: 30 * time.Second} }

// stride is how many bytes have to move in [Patience.Move].
const stride = 64 << 10

// deadline is d from now by the real clock, which is the clock of connections.
func deadline(d time.Duration) time.Time { return time.Now().Add(d) } //nolint:forbidigo // see above

// slowBody is a request's body that fails if the client sends too slowly.
type slowBody struct {
	io.ReadCloser
	conn   *http.ResponseController
	left   time.Duration // to wait for the client
	refill time.Duration // what left is set to after each stride; 0: it is never set
	moved  int           // bytes of the current stride
}

// Around limits how long the requests of another handler may keep their connections. Files come as
// forms of several parts.
func (p Patience) Around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.limitBody(w, r, strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/"))
		h.ServeHTTP(p.limitAnswer(w), r)
	})
}

// limitBody makes the request's body a slowBody. A request without a body gets no read deadline:
// its handler may take long.
func (p Patience) limitBody(w http.ResponseWriter, r *http.Request, upload bool) {
	conn := http.NewResponseController(w)
	if r.Body == nil || r.Body == http.NoBody {
		_ = conn.SetReadDeadline(time.Time{}) // fails if there is no connection
		return
	}
	b := &slowBody{ReadCloser: r.Body, conn: conn, left: p.Body}
	if upload {
		b.left, b.refill = p.Move, p.Move
	}
	r.Body = b
}

// Read reads, and waits for the client for b.left at most.
func (b *slowBody) Read(buf []byte) (int, error) {
	by := deadline(b.left)
	_ = b.conn.SetReadDeadline(by)
	n, err := b.ReadCloser.Read(buf)
	if errors.Is(err, io.EOF) { // from here on net/http reads, to notice when the client goes
		_ = b.conn.SetReadDeadline(time.Time{})
		return n, err
	}
	b.left = max(0, by.Sub(deadline(0)))
	if b.moved += n; b.refill > 0 && b.moved >= stride {
		b.left, b.moved = b.refill, 0
	}
	return n, err
}

// slowWriter is an answer that fails if the client reads too slowly.
type slowWriter struct {
	http.ResponseWriter
	conn *http.ResponseController
	move time.Duration
}

// limitAnswer makes the answer a slowWriter.
func (p Patience) limitAnswer(w http.ResponseWriter) *slowWriter {
	return &slowWriter{w, http.NewResponseController(w), p.Move}
}

// spare gives a command on this machine more time: its output may go to a pager that a person
// reads, and its input may come from a pipe that fills slowly.
func (w *slowWriter) spare(r *http.Request, move time.Duration) {
	w.move = move
	if b, ok := r.Body.(*slowBody); ok && b.refill > 0 {
		b.left, b.refill = move, move
	}
}

// WriteHeader sends the status.
func (w *slowWriter) WriteHeader(status int) {
	_ = w.conn.SetWriteDeadline(deadline(w.move))
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body, stride by stride.
func (w *slowWriter) Write(p []byte) (sent int, err error) {
	for len(p) > 0 && err == nil {
		n := min(len(p), stride)
		_ = w.conn.SetWriteDeadline(deadline(w.move))
		n, err = w.ResponseWriter.Write(p[:n])
		sent, p = sent+n, p[n:]
	}
	return sent, err
}
