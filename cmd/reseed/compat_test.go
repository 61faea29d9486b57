package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// envCompat names the folder that ChartMogul's clients are installed in. If it is set, the test
// fails if they are not there.
const envCompat = "RESEED_TEST_COMPAT"

// ran matches the output of a test runner that has run at least one test.
var ran = regexp.MustCompile(`(?m)^(?:# pass|Ran) [1-9]`)

// TestOfficialClients: ChartMogul's clients for Node.js and Python get from a running server what
// they expect from ChartMogul. The tests that use them are in the folder compat.
func TestOfficialClients(t *testing.T) {
	t.Parallel()
	tools := clients(t)
	t.Run("node", func(t *testing.T) {
		t.Parallel()
		command := append([]string{"node", "--test", "--test-reporter=tap"}, scripts(t, "node", "*.test.js")...)
		drive(t, "node", command, "NODE_PATH="+filepath.Join(tools, "node", "node_modules"))
	})
	t.Run("python", func(t *testing.T) {
		t.Parallel()
		command := append([]string{filepath.Join(tools, "python", "bin", "python"), "-m", "unittest"}, scripts(t, "python", "test_*.py")...)
		drive(t, "python", command, "PYTHONDONTWRITEBYTECODE=1")
	})
}

// clients is the folder that the clients are installed in.
func clients(t *testing.T) string {
	t.Helper()
	dir, required := os.LookupEnv(envCompat)
	if !required {
		var err error
		if dir, err = filepath.Abs("../../.tools/compat"); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"node/node_modules/chartmogul-node", "python/bin/python"} {
		if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
			if required {
				t.Fatalf("ChartMogul's clients are not installed; make compat-tools installs them, and so does make test: %v", err)
			}
			t.Skipf("ChartMogul's clients are not installed; make compat-tools installs them: %v", err)
		}
	}
	return dir
}

// scripts lists the tests in a folder of compat. It stats every file there, so that go test does
// not reuse a cached result after one of them has changed.
func scripts(t *testing.T, folder, pattern string) (names []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("../../compat", folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		if is, _ := filepath.Match(pattern, filepath.Base(path)); is {
			names = append(names, filepath.Base(path))
		}
	}
	if len(names) == 0 {
		t.Fatalf("no %s among %q", pattern, all)
	}
	return names
}

// drive runs the tests in a folder of compat with a command, against a server with an empty data
// folder.
func drive(t *testing.T, folder string, command []string, env ...string) {
	t.Helper()
	sh := here(t, nil)
	sh.errOut = t.Output()
	serving(t, sh, anyAddress(), func(said *shown) {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir = filepath.Join("../../compat", folder)
		cmd.Env = append(os.Environ(), "RESEED_URL="+said.url(), "RESEED_API_KEY="+said.key(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
		cmd.Env = append(cmd.Env, env...)
		told, err := cmd.CombinedOutput()
		if err != nil || !ran.Match(told) {
			t.Errorf("%q: %v\n%s", command, err, told)
		}
	})
}
