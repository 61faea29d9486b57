package chartmogul

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"sync"
	"time"

	"reseed/pkg/store"
)

// Key is an API key that settings bring.
type Key struct {
	Hash [sha256.Size]byte // [HashKey] of it; the key itself is known to nobody
	Name string            // who has it, for audit; if empty it goes by the beginning of its hash
	Own  bool              // of the process itself: it is not listed
}

// HashKey is the hash under which an API key is kept.
func HashKey(key string) [sha256.Size]byte { return sha256.Sum256([]byte(key)) }

// name is what edits and receipts call the key.
func (k Key) name() string {
	if k.Name != "" {
		return k.Name
	}
	return nameOfHash(k.Hash)
}

func nameOfHash(hash [sha256.Size]byte) string { return "key " + hex.EncodeToString(hash[:4]) }

// keysAge is for how long keys of the table are believed without another look. So a key that was removed by another
// process is refused after that time, and one that was added is let in; by this one, at once.
const keysAge = 2 * time.Second

// keyring is the API keys that are let in: those of the settings, and those in the table.
type keyring struct {
	set   []Key
	store *store.Store
	now   func() time.Time

	mu      sync.Mutex
	made    []store.APIKey
	read    time.Time // when made was read
	changes int       // how often this process has changed them
}

// holder finds who has a key; ok is false if nobody has. Comparing takes the same time for every key, so that
// the time of an answer tells nothing about the keys. The table is asked only for a key that no setting brings.
func (r *keyring) holder(ctx context.Context, key string) (who string, ok bool, err error) {
	given := HashKey(key)
	for _, k := range r.set {
		if subtle.ConstantTimeCompare(given[:], k.Hash[:]) == 1 {
			who, ok = k.name(), true
		}
	}
	if ok {
		return who, true, nil
	}
	made, err := r.known(ctx)
	for _, k := range made {
		if subtle.ConstantTimeCompare(given[:], k.Hash[:]) == 1 {
			who, ok = k.Name, true
		}
	}
	return who, ok, err
}

// known are the keys of the table, as they were a moment ago.
func (r *keyring) known(ctx context.Context) ([]store.APIKey, error) {
	r.mu.Lock()
	made, read := r.made, r.read
	r.mu.Unlock()
	if age := r.now().Sub(read); !read.IsZero() && age >= 0 && age < keysAge {
		return made, nil
	}
	return r.look(ctx)
}

// look reads the keys of the table. What was read before this process changed one is not kept.
func (r *keyring) look(ctx context.Context) ([]store.APIKey, error) {
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

// changed makes the next request look again.
func (r *keyring) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes++
	r.read = time.Time{}
}
