package api_test

import (
	"net/http"
	"testing"
)

// Some systems put spaces that do not break a line into the names of files. Characters without a
// width are refused there.
func TestNamesOfFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"Export 9.41.00\u202fPM.csv": http.StatusAccepted, "Kunden\u00a02024.csv": http.StatusAccepted,
		"a\u200bb.csv": http.StatusUnprocessableEntity, "a\u202eb.csv": http.StatusUnprocessableEntity,
	} {
		b := newBed(t, nil)
		if ans := b.imported(file(name, zoe)); ans.status != want {
			t.Errorf("%+q: %d %s, want %d", name, ans.status, ans.body, want)
		}
	}
}
