package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// APIKey is an API key that was made while Reseed runs. The key itself is stored nowhere.
type APIKey struct {
	Name string            // unique, regardless of case
	Hash [sha256.Size]byte // SHA-256 of the key
	At   time.Time         // when it was made, in milliseconds
	By   string            // who made it
}

// Attributes of an API key. Scopes limit what a key may do. Only later versions know them, so this
// version must not accept a key that has some.
const (
	attrKeyName   = "name"
	attrKeyHash   = "hash"
	attrKeyScopes = "scopes"
)

// APIKeys reads all API keys that are in the table, oldest first.
func (s *Store) APIKeys(ctx context.Context) ([]APIKey, error) {
	var list []APIKey
	for it, err := range s.Items(ctx, table.Query{PK: apiKeysPK, From: apiKeyPrefix, To: "key$"}) {
		if err != nil {
			return nil, err
		}
		if k, ok := decodeAPIKey(it.Attrs); ok {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b APIKey) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list, nil
}

// AddAPIKey stores an API key. If a key of that name exists, the error is fault.Conflict.
func (s *Store) AddAPIKey(ctx context.Context, k APIKey) error {
	d, err := s.Directory(ctx)
	if err != nil {
		return err
	}
	it := EncodeAPIKey(d.Hasher(), k)
	err = s.Transact(ctx, table.Write{Item: it, If: table.Cond{Op: table.Absent}})
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	// It may be this very key: the answer of an earlier try was lost.
	if found, readErr := s.Lookup(ctx, it.Key); readErr != nil || !bytes.Equal(found[it.Key], it.Attrs) {
		return err
	}
	return nil
}

// RemoveAPIKey removes the API key of that name, if there is one.
func (s *Store) RemoveAPIKey(ctx context.Context, name string) error {
	d, err := s.Directory(ctx)
	if err != nil {
		return err
	}
	return s.Write(ctx, []table.Write{{Item: table.Item{Key: APIKeyKey(apiKeyH(d.Hasher(), name))}, Delete: true}})
}

// RemoveAllAPIKeys removes all API keys, also those that this version does not know, with all
// sessions, and returns how many keys there were.
func (s *Store) RemoveAllAPIKeys(ctx context.Context) (keys int, err error) {
	var batch []table.Write
	for it, err := range s.Items(ctx, table.Query{PK: apiKeysPK, KeysOnly: true}) {
		if err != nil {
			return 0, err
		}
		batch = append(batch, table.Write{Item: table.Item{Key: it.Key}, Delete: true})
		if strings.HasPrefix(it.SK, apiKeyPrefix) {
			keys++
		}
	}
	return keys, s.Write(ctx, batch)
}

// EncodeAPIKey makes the item of an API key.
func EncodeAPIKey(hr *Hasher, k APIKey) table.Item {
	b := table.NewBuilder().IntAlways(AttrCreated, k.At.UnixMilli()).Str(AttrBy, k.By).Bytes(attrKeyHash, k.Hash[:]).Str(attrKeyName, k.Name)
	return table.Item{Key: APIKeyKey(apiKeyH(hr, k.Name)), Attrs: b.Attrs()}
}

// apiKeyH returns the identity of an API key. Names may be personal data, so the key of the item
// does not spell them.
func apiKeyH(hr *Hasher, name string) H { return hr.External(KindAPIKey, strings.ToLower(name)) }

func decodeAPIKey(a table.Attrs) (APIKey, bool) {
	k := APIKey{Name: a.Str(attrKeyName), By: a.Str(AttrBy)}
	at, _ := a.Int(AttrCreated)
	k.At = time.UnixMilli(at).UTC()
	hash, _ := a.Get(attrKeyHash)
	_, scoped := a.Get(attrKeyScopes)
	return k, copy(k.Hash[:], hash.Raw) == len(k.Hash) && !scoped
}
