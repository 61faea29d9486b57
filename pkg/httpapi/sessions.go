package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// How long sessions and links last, and how many sessions there may be.
const (
	SessionLife = 14 * 24 * time.Hour
	LinkLife    = time.Hour
	maxSessions = 500 // of all keys; the oldest goes
)

// SessionsPath is the route that makes sessions.
const SessionsPath = "/v1/sessions"

// sessionMark begins the token of a session, so that it is not taken for an API key.
const sessionMark = "session-"

// token is what a browser sends instead of an API key: the id of a session and its secret.
func token(id, secret string) string { return sessionMark + id + "." + secret }

// splitToken takes a token apart; ok is false for anything else, such as an API key.
func splitToken(text string) (id, secret string, ok bool) {
	rest, marked := strings.CutPrefix(text, sessionMark)
	id, secret, ok = strings.Cut(rest, ".")
	_, err := hex.DecodeString(id) // it becomes part of a key of the table
	return id, secret, marked && ok && err == nil && len(id) == 2*idBytes
}

const idBytes = 16

// NewSession makes a session for the holder of a key, or a link that can be exchanged for one, and
// its token, which is kept nowhere else. It stores nothing.
func NewSession(key [sha256.Size]byte, once bool, now time.Time) (n store.Session, text string) {
	id := make([]byte, idBytes)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	secret := NewKey()
	now = now.UTC().Truncate(time.Millisecond)
	n = store.Session{ID: hex.EncodeToString(id), Secret: HashKey(secret), Key: key, At: now, Expires: now.Add(SessionLife), Once: once}
	if once {
		n.Expires = now.Add(LinkLife)
	}
	return n, token(n.ID, secret)
}

// holderOf is who sends a request.
type holderOf struct {
	name    string
	key     [sha256.Size]byte // hash of the key
	session *store.Session    // nil if the request came with the key itself
}

// cached is a session as it was at a time; nil if there was none.
type cached struct {
	session *store.Session
	read    time.Time
}

// bySession finds the holder of a session's token. A session counts while its key is accepted.
func (r *Keyring) bySession(ctx context.Context, id, secret string) (who holderOf, ok bool, err error) {
	n, err := r.session(ctx, id)
	if err != nil || n == nil {
		return holderOf{}, false, err
	}
	given := HashKey(secret)
	right := subtle.ConstantTimeCompare(given[:], n.Secret[:]) == 1
	if !right || !r.now().Before(n.Expires) {
		return holderOf{}, false, nil
	}
	who, ok, err = r.byHash(ctx, n.Key)
	who.session = n
	return who, ok, err
}

// session returns the session of that id, as it was at most keysAge ago; nil if there is none.
func (r *Keyring) session(ctx context.Context, id string) (*store.Session, error) {
	now := r.now()
	r.mu.Lock()
	c, kept := r.sessions[id]
	changes := r.changes
	r.mu.Unlock()
	if age := now.Sub(c.read); kept && age >= 0 && age < keysAge {
		return c.session, nil
	}
	n, ok, err := r.store.Session(ctx, id)
	if err != nil || !ok {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes == changes {
		if len(r.sessions) >= maxSessions {
			clear(r.sessions)
		}
		r.sessions[id] = cached{&n, now}
	}
	return &n, nil
}

// SignIn makes a session for the sender of a request, and returns it with its token. If the request
// came with a link, the link is gone.
func (r *Keyring) SignIn(c *Call) (n store.Session, text string, err error) {
	defer r.changed()
	n, text = NewSession(c.holder.key, false, r.now())
	if link := c.holder.session; link != nil {
		err = r.store.ExchangeSession(c.Context(), link.ID, n)
		if fault.Is(err, fault.Conflict) { // used at the same moment
			err = Problem(http.StatusUnauthorized, "", textNoKey)
		}
	} else {
		err = r.store.AddSession(c.Context(), n)
	}
	if err == nil {
		err = r.tidy(c.Context())
	}
	return n, text, err
}

// tidy removes sessions that have expired, and the oldest ones if there are too many.
func (r *Keyring) tidy(ctx context.Context) error {
	all, err := r.store.Sessions(ctx)
	if err != nil {
		return err
	}
	now, surplus := r.now(), len(all)-maxSessions
	var gone []string
	for i, n := range all {
		if i < surplus || !now.Before(n.Expires) {
			gone = append(gone, n.ID)
		}
	}
	return r.store.RemoveSessions(ctx, gone...)
}

// SignOut ends the session that a request came with, or all sessions of its key.
func (r *Keyring) SignOut(c *Call, everywhere bool) error {
	defer r.changed()
	if n := c.holder.session; !everywhere && n != nil {
		return r.store.RemoveSessions(c.Context(), n.ID)
	}
	all, err := r.store.Sessions(c.Context())
	if err != nil || !everywhere {
		return err
	}
	var ids []string
	for _, n := range all {
		if n.Key == c.holder.key {
			ids = append(ids, n.ID)
		}
	}
	return r.store.RemoveSessions(c.Context(), ids...)
}
