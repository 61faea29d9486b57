package google_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/googletest"
	"reseed/pkg/source/sheets"
	"reseed/pkg/source/sheets/google"
)

// envCompat names the folder that the tools of compat are installed in. If it is set, the test fails if
// they are not there.
const envCompat = "RESEED_TEST_COMPAT"

// TestGspread: gspread, a client of others, reads the same cells from the stand-in as ours.
func TestGspread(t *testing.T) {
	t.Parallel()
	python := python(t)
	s := googletest.Serve(t)
	s.Add(book())
	key := s.KeyFile(t, address)
	cmd := exec.CommandContext(t.Context(), python, "testdata/cells.py", s.URL, key, bookID)
	cmd.Env = append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = t.Output()
	said, err := cmd.Output()
	must(t, err)
	var theirs map[string]sheets.Values
	must(t, json.Unmarshal(said, &theirs))

	text, err := os.ReadFile(key)
	must(t, err)
	c, err := google.New(google.Config{Key: text, Endpoint: s.URL})
	must(t, err)
	b, err := c.Book(t.Context(), bookID)
	must(t, err)
	values, err := c.Values(t.Context(), bookID, spansOf(b))
	must(t, err)
	ours := map[string]sheets.Values{}
	for i, tab := range b.Tabs {
		ours[tab.Title] = values[i]
	}
	if diff := cmp.Diff(normal(theirs), normal(ours)); diff != "" {
		t.Errorf("gspread reads other cells (-gspread +ours):\n%s", diff)
	}
}

// normal leaves out how an empty tab is written: as no rows, or as one without cells.
func normal(tabs map[string]sheets.Values) map[string]sheets.Values {
	out := map[string]sheets.Values{}
	for title, v := range tabs {
		if len(v) > 1 || len(v) == 1 && len(v[0]) > 0 {
			out[title] = v
		}
	}
	return out
}

// python is the interpreter that has gspread.
func python(t *testing.T) string {
	t.Helper()
	dir, required := os.LookupEnv(envCompat)
	if !required {
		var err error
		dir, err = filepath.Abs("../../../../.tools/compat")
		must(t, err)
	}
	at := filepath.Join(dir, "python", "bin", "python")
	if err := exec.CommandContext(t.Context(), at, "-c", "import gspread").Run(); err != nil {
		if required {
			t.Fatalf("gspread is not installed; make compat-tools installs it, and so does make test: %v", err)
		}
		t.Skipf("gspread is not installed; make compat-tools installs it: %v", err)
	}
	return at
}
