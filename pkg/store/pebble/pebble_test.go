package pebble_test

import (
	"testing"

	"reseed/pkg/store"
	"reseed/pkg/store/pebble"
	"reseed/pkg/store/storetest"
)

func open(t *testing.T, dir string) *pebble.Driver {
	t.Helper()
	d, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Driver {
		t.Helper()
		return open(t, t.TempDir())
	})
}
