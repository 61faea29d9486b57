package pebble_test

import (
	"testing"

	"reseed/pkg/store/storetest"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
	"reseed/pkg/table/tabletest"
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
	fresh := func(t *testing.T) table.Driver {
		t.Helper()
		return open(t, t.TempDir())
	}
	tabletest.Run(t, fresh)
	storetest.Run(t, fresh)
}
