package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func apiKey(name string, minute int) store.APIKey {
	return store.APIKey{Name: name, Hash: sha256.Sum256([]byte(name)), At: time.Date(2026, 11, 29, 9, minute, 0, 0, time.UTC), By: "the reseed command"}
}

// The golden file is the promise that stored API keys stay readable. It is written once.
func TestAPIKeysGolden(t *testing.T) {
	t.Parallel()
	it := store.EncodeAPIKey(hasher, apiKey("Nightly Import", 7))
	goldenKeys(t, "api_keys", "api key\t"+it.PK+" "+it.SK+"\t"+hex.EncodeToString(it.Attrs)+"\n")
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	st := store.New(mem.New(mem.Options{}))
	ctx := t.Context()
	for _, k := range []store.APIKey{apiKey("second", 2), apiKey("third", 3), apiKey("First", 1)} {
		if err := st.AddAPIKey(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.AddAPIKey(ctx, apiKey("FIRST", 9)); !fault.Is(err, fault.Conflict) {
		t.Errorf("a name twice: %v", err)
	}
	if err := st.AddAPIKey(ctx, apiKey("third", 3)); err != nil {
		t.Errorf("the same once more, as after an answer that was lost: %v", err)
	}
	if err := st.RemoveAPIKey(ctx, "SECOND"); err != nil {
		t.Fatal(err)
	}
	got, err := st.APIKeys(ctx)
	if diff := cmp.Diff([]store.APIKey{apiKey("First", 1), apiKey("third", 3)}, got); err != nil || diff != "" {
		t.Errorf("%v: -want +got\n%s", err, diff)
	}
}

// Only later versions make keys with scopes. This version must not take such a key for one that may
// do everything.
func TestAnAPIKeyWithScopesIsNotAccepted(t *testing.T) {
	t.Parallel()
	st := store.New(mem.New(mem.Options{}))
	d, err := st.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	it := store.EncodeAPIKey(d.Hasher(), apiKey("reader", 1))
	b := table.NewBuilder()
	for name, v := range it.Attrs.All() {
		b.Raw(name, v)
	}
	it.Attrs = b.List("scopes", []string{"read"}).Attrs()
	if err := st.Write(t.Context(), []table.Write{{Item: it}}); err != nil {
		t.Fatal(err)
	}
	got, err := st.APIKeys(t.Context())
	if err != nil || slices.ContainsFunc(got, func(k store.APIKey) bool { return k.Name == "reader" }) {
		t.Errorf("%v %v", got, err)
	}
}

func TestRemoveAllAPIKeys(t *testing.T) {
	t.Parallel()
	st := store.New(mem.New(mem.Options{}))
	d, err := st.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var batch []table.Write
	for n := range 30 {
		batch = append(batch, table.Write{Item: store.EncodeAPIKey(d.Hasher(), apiKey(fmt.Sprint("key ", n), n))})
	}
	if err := st.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	n, err := st.RemoveAllAPIKeys(t.Context())
	left, listErr := st.APIKeys(t.Context())
	if err != nil || listErr != nil || n != len(batch) || len(left) > 0 {
		t.Errorf("removed %d of %d, left %v: %v %v", n, len(batch), left, err, listErr)
	}
	again, err := st.Directory(t.Context())
	if err != nil || again.Version != d.Version {
		t.Errorf("the directory, a bystander, is at version %d, was at %d: %v", again.Version, d.Version, err)
	}
}
