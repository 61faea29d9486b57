package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"sync"
	"time"

	"reseed/pkg/store"
)

// Key is an API key from the settings.
type Key struct {
	Hash [sha256.Size]byte // [HashKey] of the key, which is not kept itself
	Name string            // the author of edits and receipts; if empty, the beginning of the hash is
	Own  bool              // the process made it for itself: it is not listed
}

// CommandName is the author of what the commands on a data folder do. They use a key that the
// process made for itself.
const CommandName = "the reseed command"

// NewKey makes a new API key: 192 random bits, in hex.
func NewKey() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// HashKey is the hash under which an API key is kept.
func HashKey(key string) [sha256.Size]byte { return sha256.Sum256([]byte(key)) }

// Holder is what edits and receipts name as the author if this key is used.
func (k Key) Holder() string {
	if k.Name != "" {
		return k.Name
	}
	return nameOfHash(k.Hash)
}

func nameOfHash(hash [sha256.Size]byte) string { return "key " + hex.EncodeToString(hash[:4]) }

// keysAge is how long the keys read from the table are used without reading them again. So a key
// that another process adds or removes counts after that time; one that this process adds or
// removes, at once.
const keysAge = 2 * time.Second

// Keyring is the API keys that are accepted: from the settings and from the table.
type Keyring struct {
	set   []Key
	store *store.Store
	now   func() time.Time

	mu       sync.Mutex
	made     []store.APIKey
	read     time.Time // when made was read
	changes  int       // how often this process has changed keys or sessions
	sessions map[string]cached
}

// NewKeyring makes a keyring. It makes no call.
func NewKeyring(set []Key, st *store.Store, now func() time.Time) *Keyring {
	return &Keyring{set: set, store: st, now: now, sessions: map[string]cached{}}
}

// Set are the keys of the settings.
func (r *Keyring) Set() []Key { return r.set }

// Add stores one more key, as [store.Store.AddAPIKey] does, and accepts it at once.
func (r *Keyring) Add(ctx context.Context, k store.APIKey) error {
	defer r.changed()
	return r.store.AddAPIKey(ctx, k)
}

// Remove removes a key from the table, and refuses it at once.
func (r *Keyring) Remove(ctx context.Context, name string) error {
	defer r.changed()
	return r.store.RemoveAPIKey(ctx, name)
}

// holder finds who sends a request, by an API key or the token of a session; ok is false if it is not
// accepted.
func (r *Keyring) holder(ctx context.Context, key string) (who holderOf, ok bool, err error) {
	if id, secret, ok := splitToken(key); ok {
		return r.bySession(ctx, id, secret)
	}
	return r.byHash(ctx, HashKey(key))
}

// byHash finds the holder of the key with a hash. Comparing takes the same time for every key, so
// that the time of an answer tells nothing about the keys. The table is asked only for a key that no
// setting brings.
func (r *Keyring) byHash(ctx context.Context, given [sha256.Size]byte) (who holderOf, ok bool, err error) {
	who.key = given
	for _, k := range r.set {
		if subtle.ConstantTimeCompare(given[:], k.Hash[:]) == 1 {
			who.name, ok = k.Holder(), true
		}
	}
	if ok {
		return who, true, nil
	}
	made, err := r.known(ctx)
	for _, k := range made {
		if subtle.ConstantTimeCompare(given[:], k.Hash[:]) == 1 {
			who.name, ok = k.Name, true
		}
	}
	return who, ok, err
}

// known returns the keys of the table, as they were at most keysAge ago.
func (r *Keyring) known(ctx context.Context) ([]store.APIKey, error) {
	r.mu.Lock()
	made, read := r.made, r.read
	r.mu.Unlock()
	if age := r.now().Sub(read); !read.IsZero() && age >= 0 && age < keysAge {
		return made, nil
	}
	return r.Made(ctx)
}

// Made reads the keys of the table, and keeps them for known unless this process has changed one
// meanwhile.
func (r *Keyring) Made(ctx context.Context) ([]store.APIKey, error) {
	r.mu.Lock()
	changes := r.changes
	r.mu.Unlock()
	at := r.now()
	made, err := r.store.APIKeys(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes == changes {
		r.made, r.read = made, at
	}
	return made, nil
}

// changed makes the next request read keys and sessions again.
func (r *Keyring) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes++
	r.read = time.Time{}
	clear(r.sessions)
}
