// Package browsertest runs the scripts of the folder browser, which go through the console in a real
// browser.
package browsertest

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reseed/internal/templatetest"
)

// What is read from the environment.
const (
	envPackages = "RESEED_TEST_BROWSER"    // the folder that playwright-core and axe-core are installed in; if it is set, they must be there
	envChromium = "RESEED_TEST_CHROMIUM"   // the browser, if it is not the chromium on the PATH
	envRequired = "RESEED_REQUIRE_BROWSER" // if it is set, there must be a browser
)

// Browser is a browser and what drives it.
type Browser struct {
	chromium string // the program
	packages string // the folder of the npm packages
	scripts  string // the folder browser
}

// Find skips the test if there is no browser, or fails it if there has to be one.
func Find(t *testing.T) Browser {
	t.Helper()
	root := templatetest.Load(t).Root
	folder, required := os.LookupEnv(envPackages)
	b := Browser{scripts: filepath.Join(root, "browser"), packages: filepath.Join(cmp.Or(folder, filepath.Join(root, ".tools", "browser")), "node_modules")}
	_, err := os.Stat(filepath.Join(b.packages, "playwright-core"))
	if err != nil && required {
		t.Fatalf("what drives the browser is not installed; make test installs it: %v", err)
	}
	if err == nil {
		b.chromium, err = exec.LookPath(cmp.Or(os.Getenv(envChromium), "chromium"))
	}
	switch {
	case err == nil:
	case os.Getenv(envRequired) != "":
		t.Fatalf("there is no browser, and %s is set: %v", envRequired, err)
	default:
		t.Skipf("there is no browser; make test installs one where it can: %v", err)
	}
	return b
}

// Tests lists the scripts that go through a server of their own. It stats every file there, so that
// go test does not reuse a cached result after one of them has changed.
func (b Browser) Tests(t *testing.T) (names []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(b.scripts, "*.js"))
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

// ran matches the output of Node's test runner when it has run at least one test.
var ran = regexp.MustCompile(`(?m)^# pass [1-9]`)

// Run runs the tests of a script. The server that they go through listens at url, takes the API key,
// and, if there is one, the link to sign in with.
func (b Browser) Run(t *testing.T, script, url, key, link string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", script)
	cmd.Dir = b.scripts
	cmd.Env = append(os.Environ(), "RESEED_URL="+url, "RESEED_API_KEY="+key, "RESEED_SIGN_IN="+link,
		"NODE_PATH="+b.packages, envChromium+"="+b.chromium, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	told, err := cmd.CombinedOutput()
	if err != nil || !ran.Match(told) {
		t.Errorf("node %s: %v\n%s", script, err, told)
	}
}
