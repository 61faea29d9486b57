package httpapi

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// Patience is how long a request may keep its connection without progress. On Lambda it has no
// effect, since the server has no connections there: API Gateway has limits of its own.
type Patience struct {
	Body time.Duration // for the body of a request that is no upload, all of it
	Move time.Duration // for every 64 KiB of an upload or an answer; time in which the server is slow does not count
}

// DefaultPatience lets in 5 MB of JSON over 2 Mbit/s, and files over 20 kbit/s. Its Body is shorter
// than a request lives for an erase (config.RequestLifetime), since some handlers know the
// directory before they read the body.
func DefaultPatience() Patience { return Patience{Body: 20 * time.Second, Move: 30 * time.Second} }

// stride is how many bytes have to move in [Patience.Move].
const stride = 64 << 10

// deadline is a moment of the real clock: connections know no other.
func deadline(d time.Duration) time.Time { return time.Now().Add(d) } //nolint:forbidigo // see above

// slowBody is a request's body whose reader is cut off from a client that does not send.
type slowBody struct {
	io.ReadCloser
	conn   *http.ResponseController
	left   time.Duration // to wait for the client
	refill time.Duration // what is left after another stride; 0 never adds anything
	moved  int
}

// limitBody sets the deadlines of a request's body. A request without one has none from here on:
// its handler may take long.
func (p Patience) limitBody(w http.ResponseWriter, r *http.Request, upload bool) {
	conn := http.NewResponseController(w)
	if r.Body == nil || r.Body == http.NoBody {
		_ = conn.SetReadDeadline(time.Time{}) // not supported: then there is no connection
		return
	}
	b := &slowBody{ReadCloser: r.Body, conn: conn, left: p.Body}
	if upload {
		b.left, b.refill = p.Move, p.Move
	}
	r.Body = b
}

// Read waits for the client for no longer than is left.
func (b *slowBody) Read(buf []byte) (int, error) {
	by := deadline(b.left)
	_ = b.conn.SetReadDeadline(by)
	n, err := b.ReadCloser.Read(buf)
	if errors.Is(err, io.EOF) { // from here on the server itself reads, to see whether the client is there
		_ = b.conn.SetReadDeadline(time.Time{})
		return n, err
	}
	b.left = max(0, by.Sub(deadline(0)))
	if b.moved += n; b.refill > 0 && b.moved >= stride {
		b.left, b.moved = b.refill, 0
	}
	return n, err
}

// slowWriter is an answer that is cut off from a client that does not read.
type slowWriter struct {
	http.ResponseWriter
	conn *http.ResponseController
	move time.Duration
}

// limitAnswer sets the deadlines of an answer.
func (p Patience) limitAnswer(w http.ResponseWriter) *slowWriter {
	return &slowWriter{w, http.NewResponseController(w), p.Move}
}

// spare gives the commands of this machine more time: their output may go to a pager that a person
// reads, and their input may come from a pipe that fills slowly.
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
