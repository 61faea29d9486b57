package chartmogul_test

import (
	"testing"

	"reseed/pkg/chartmogul"
)

// FuzzCursor: parseCursor accepts only what cursor writes.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "x", "YwAAAAEAAAAAAAAAADqp67ye3i4IHKS0Mh4", "cAAAAAEAAAAAAAAAABL4c5ws_WyAp28PMAE", "bwAAAAEAAAFR_Q8KAKz6HU25lfP2SD6X9fw", "YwD_____AAAAAAAAADqp67ye3i4IHKS0Mh4", "Yw\nAA0000000000000000000000000000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		for _, kind := range []byte("cpio") {
			if again, ok := chartmogul.CursorRoundTrip(kind, cursor); ok && again != cursor {
				t.Errorf("%q is spelt %q", cursor, again)
			}
		}
	})
}
