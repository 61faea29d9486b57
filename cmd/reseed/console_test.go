package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What tests in a browser read from the environment.
const (
	envBrowser  = "RESEED_TEST_BROWSER"    // the folder that playwright-core and axe-core are installed in; if it is set, they must be there
	envChromium = "RESEED_TEST_CHROMIUM"   // the browser, if it is not the chromium on the PATH
	envRequired = "RESEED_REQUIRE_BROWSER" // if it is set, there must be a browser
	envScreens  = "RESEED_TEST_SCREENS"    // the folder for pictures of the pages; if it is not set, none are taken
)

// TestConsole: a real browser goes through the console of a running server. The scripts are in the
// folder browser; each has a server and a data folder of its own.
func TestConsole(t *testing.T) {
	t.Parallel()
	b := findBrowser(t)
	for _, name := range browserTests(t) {
		t.Run(strings.TrimSuffix(name, ".test.js"), func(t *testing.T) {
			t.Parallel()
			b.runs(t, "--test", "--test-reporter=tap", name)
		})
	}
	t.Run("screens", func(t *testing.T) {
		t.Parallel()
		if os.Getenv(envScreens) == "" {
			t.Skip("pictures are taken by make screens")
		}
		b.runs(t, "--test", "--test-reporter=tap", "screens.js")
	})
}

// browser is a browser and what drives it.
type browser struct {
	chromium string // the program
	packages string // the folder of the npm packages
}

// findBrowser skips the test if there is no browser, or fails it if there has to be one.
func findBrowser(t *testing.T) browser {
	t.Helper()
	folder, required := os.LookupEnv(envBrowser)
	packages, err := filepath.Abs(filepath.Join(cmp.Or(folder, "../../.tools/browser"), "node_modules"))
	if err == nil {
		_, err = os.Stat(filepath.Join(packages, "playwright-core"))
	}
	if err != nil && required {
		t.Fatalf("what drives the browser is not installed; make test installs it: %v", err)
	}
	chromium := ""
	if err == nil {
		chromium, err = exec.LookPath(cmp.Or(os.Getenv(envChromium), "chromium"))
	}
	switch {
	case err == nil:
	case os.Getenv(envRequired) != "":
		t.Fatalf("there is no browser, and %s is set: %v", envRequired, err)
	default:
		t.Skipf("there is no browser; make test installs one where it can: %v", err)
	}
	return browser{chromium, packages}
}

// browserTests lists the scripts. It stats every file there, so that go test does not reuse a cached
// result after one of them has changed.
func browserTests(t *testing.T) (names []string) {
	t.Helper()
	all, err := filepath.Glob("../../browser/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		if name := filepath.Base(path); strings.HasSuffix(name, ".test.js") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatalf("no tests among %q", all)
	}
	return names
}

// runs starts a server with an empty data folder, and runs Node.js with a script of the folder browser.
func (b browser) runs(t *testing.T, args ...string) {
	t.Helper()
	sh := here(t, nil)
	sh.errOut = t.Output()
	serving(t, sh, anyAddress(), func(said *shown) {
		b.node(t, append([]string{"RESEED_URL=" + said.url(), "RESEED_API_KEY=" + said.key(), "RESEED_SIGN_IN=" + said.signIn()}, os.Environ()...), args...)
	})
}

// node runs Node.js in the folder browser; a test that was skipped there is a failure.
func (b browser) node(t *testing.T, environ []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir = "../../browser"
	cmd.Env = append(environ, "NODE_PATH="+b.packages, envChromium+"="+b.chromium, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	told, err := cmd.CombinedOutput()
	if err != nil || !ran.Match(told) {
		t.Errorf("node %q: %v\n%s", args, err, told)
	}
	if testing.Verbose() {
		t.Logf("%s", told)
	}
}

// signIn is the one-time link to sign in with, as the server has printed it.
func (s *shown) signIn() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return regexp.MustCompile(`http://\S+/login\?\S+`).FindString(s.text.String())
}
