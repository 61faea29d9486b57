// Package ziptest packs files for tests.
package ziptest

import (
	"archive/zip"
	"bytes"
	"testing"
)

// Of is a ZIP of files, given by name and text, in this order.
func Of(tb testing.TB, files ...string) string {
	tb.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}
