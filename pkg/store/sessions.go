package store

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Session is a browser that is signed in, or a link that signs one in. It lies beside the API keys,
// so it does not travel with a move, and a backup that is opened is without it.
type Session struct {
	ID      string            // random, of letters and digits
	Secret  [sha256.Size]byte // SHA-256 of its secret
	Key     [sha256.Size]byte // [APIKey.Hash] of the key that it stands for
	At      time.Time         // when it was made, in milliseconds
	Expires time.Time         // in milliseconds
	Once    bool              // a link: it is good for one thing, to be exchanged for a session
}

// Attributes of a session. None is called hash: versions without sessions take such an item for an
// API key.
const (
	attrExpires = "expires"
	attrOnce    = "once"
	attrOwner   = "owner"
	attrSecret  = "secret"
)

// AddSession stores a session. Its id is random, so there is none before.
func (s *Store) AddSession(ctx context.Context, n Session) error {
	return s.Write(ctx, []table.Write{{Item: encodeSession(n)}})
}

// ExchangeSession stores a session in the place of a link. If the link is not there any more, the
// error is fault.Conflict.
func (s *Store) ExchangeSession(ctx context.Context, link string, n Session) error {
	err := s.Transact(ctx,
		table.Write{Item: table.Item{Key: sessionKey(link)}, Delete: true, If: table.Cond{Op: table.Equals, Attr: attrOnce, N: 1}},
		table.Write{Item: encodeSession(n)})
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	switch _, done, readErr := s.Session(ctx, n.ID); {
	case readErr != nil:
		return readErr
	case done: // only the answer was lost
		return nil
	}
	return err
}

// Session reads a session; ok is false if there is none of that id.
func (s *Store) Session(ctx context.Context, id string) (n Session, ok bool, err error) {
	key := sessionKey(id)
	found, err := s.Lookup(ctx, key)
	if err != nil || found[key] == nil {
		return Session{}, false, err
	}
	n, ok = decodeSession(id, found[key])
	return n, ok, nil
}

// Sessions reads all sessions and links, the oldest first.
func (s *Store) Sessions(ctx context.Context) ([]Session, error) {
	var list []Session
	for it, err := range s.Items(ctx, table.Query{PK: apiKeysPK, From: sessionPrefix, To: "session$"}) {
		if err != nil {
			return nil, err
		}
		if n, ok := decodeSession(it.SK[len(sessionPrefix):], it.Attrs); ok {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b Session) int { return a.At.Compare(b.At) })
	return list, nil
}

// RemoveSessions removes the sessions of these ids.
func (s *Store) RemoveSessions(ctx context.Context, ids ...string) error {
	var batch []table.Write
	for _, id := range ids {
		batch = append(batch, table.Write{Item: table.Item{Key: sessionKey(id)}, Delete: true})
	}
	return s.Write(ctx, batch)
}

const sessionPrefix = "session#"

func sessionKey(id string) table.Key { return table.Key{PK: apiKeysPK, SK: sessionPrefix + id} }

func encodeSession(n Session) table.Item {
	b := table.NewBuilder().IntAlways(AttrCreated, n.At.UnixMilli()).IntAlways(attrExpires, n.Expires.UnixMilli())
	if n.Once {
		b.IntAlways(attrOnce, 1)
	}
	return table.Item{Key: sessionKey(n.ID), Attrs: b.Bytes(attrOwner, n.Key[:]).Bytes(attrSecret, n.Secret[:]).Attrs()}
}

func decodeSession(id string, a table.Attrs) (Session, bool) {
	at, _ := a.Int(AttrCreated)
	ends, _ := a.Int(attrExpires)
	once, _ := a.Int(attrOnce)
	n := Session{ID: id, At: time.UnixMilli(at).UTC(), Expires: time.UnixMilli(ends).UTC(), Once: once != 0}
	owner, _ := a.Get(attrOwner)
	secret, _ := a.Get(attrSecret)
	return n, copy(n.Key[:], owner.Raw) == len(n.Key) && copy(n.Secret[:], secret.Raw) == len(n.Secret)
}
