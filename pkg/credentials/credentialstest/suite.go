// Package credentialstest says what every vault does.
package credentialstest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/credentials"
	"reseed/pkg/fault"
)

// Secret stands in what is kept; it must be in no error.
const Secret = "bystander-of-the-suite"

const (
	source    = "ds_4d5f8a52-7f0b-11f0-9d3e-0242ac120002"
	bystander = "ds_4d5f8a52-7f0b-11f0-9d3e-0242ac120003"
)

// Run checks a vault. open returns one that looks at the same place each time; the place is empty at
// first.
func Run(t *testing.T, open func() credentials.Vault) {
	t.Helper()
	ctx, v := t.Context(), open()
	kept := map[string]string{"key": Secret, "odd": "\"ü\\\n\x01 =", "": "x"}
	if err := v.Put(ctx, bystander, kept); err != nil {
		t.Fatal(err)
	}
	none(t, v, source)
	if err := v.Delete(ctx, source); err != nil {
		t.Errorf("delete nothing: %v", err)
	}
	for _, c := range []map[string]string{{"key": "first"}, kept, {}, {"key": strings.Repeat("s", 10_000)}, {"key": "last"}} {
		if err := v.Put(ctx, source, c); err != nil {
			t.Fatal(err)
		}
		holds(t, open(), source, c)
	}
	for range 2 {
		if err := v.Delete(ctx, source); err != nil {
			t.Errorf("delete: %v", err)
		}
		none(t, v, source)
		none(t, open(), source)
	}
	if err := v.Put(ctx, source, kept); err != nil { // as a restored source
		t.Errorf("after a delete: %v", err)
	}
	holds(t, open(), source, kept)
	holds(t, open(), bystander, kept)
	strange(t, v)
}

// strange checks that only uuids of sources become names.
func strange(t *testing.T, v credentials.Vault) {
	t.Helper()
	for _, name := range []string{"", "ds_", "x", "../" + source, source + "/../" + bystander, source + "\x00", "DS_1", "ds_A", "ds_*"} {
		_, err := v.Get(t.Context(), name)
		for _, err := range []error{err, v.Put(t.Context(), name, map[string]string{"key": Secret}), v.Delete(t.Context(), name)} {
			if err == nil || strings.Contains(err.Error(), Secret) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

func none(t *testing.T, v credentials.Vault, of string) {
	t.Helper()
	if c, err := v.Get(t.Context(), of); !fault.Is(err, fault.NotFound) || fault.CodeOf(err) != credentials.CodeNone || c != nil {
		t.Errorf("there is something, or %v", err)
	}
}

func holds(t *testing.T, v credentials.Vault, of string, want map[string]string) {
	t.Helper()
	got, err := v.Get(t.Context(), of)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v -want +got\n%s", err, diff)
	}
}
