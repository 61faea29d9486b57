package table_test

import (
	"context"
	"slices"
	"testing"

	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// purging is an engine that keeps files.
type purging struct {
	table.Driver
	asked *[]string
}

func (p purging) Purge(_ context.Context, pks []string) error {
	*p.asked = append(*p.asked, pks...)
	return nil
}

func TestPurgeAsksEnginesThatCan(t *testing.T) {
	t.Parallel()
	d := mem.New(mem.Options{})
	if err := table.New(d).Purge(t.Context(), "p"); err != nil {
		t.Errorf("an engine without files: %v", err)
	}
	var asked []string
	st := table.New(purging{d, &asked}).Metered()
	for _, pks := range [][]string{nil, {"p", "q"}} {
		if err := st.Purge(t.Context(), pks...); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(asked, []string{"p", "q"}) {
		t.Errorf("asked for %q", asked)
	}
}
