// Package sdkjudge runs a script of Node.js that judges a stand-in for a billing system with the system's official npm
// package. The scripts and the versions of the packages are in the folder judges.
package sdkjudge

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// envTools names the folder that the packages are installed in. If it is set, a test fails if they are not there.
const envTools = "RESEED_TEST_JUDGES"

// Judge is a running script. It reads a JSON document a line from its standard input, and answers each with a line. It is safe
// for concurrent use.
type Judge struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	users int // tests; guarded by running

	mu   sync.Mutex
	said map[[sha256.Size]byte][]byte
}

// running are the scripts that run. Tests that run at the same time share one process.
//
//nolint:gochecknoglobals // tests have nothing else in common
var running = struct {
	sync.Mutex

	judges map[string]*Judge // by script
}{judges: map[string]*Judge{}}

// Start starts the script judges/<script>, which needs an npm package, or takes the one that runs. It ends with the last test that
// asks it. If the package is not installed the test is left out.
func Start(t *testing.T, script, npm string) *Judge {
	t.Helper()
	tools := folder(t, npm)
	running.Lock()
	defer running.Unlock()
	j := running.judges[script]
	if j == nil {
		var err error
		if j, err = start(script, tools); err != nil {
			t.Fatalf("The judge %s does not start: %v", script, err)
		}
		running.judges[script] = j
	}
	j.users++
	t.Cleanup(func() {
		running.Lock()
		defer running.Unlock()
		if j.users--; j.users > 0 {
			return
		}
		delete(running.judges, script)
		_ = j.in.Close()
		if err := j.cmd.Wait(); err != nil {
			t.Errorf("The judge %s has failed: %v", script, err)
		}
	})
	return j
}

func start(script, tools string) (*Judge, error) {
	cmd := exec.Command("node", filepath.Join(root(), "judges", script)) //nolint:noctx // it ends when its input does
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(tools, "node_modules"), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &Judge{cmd: cmd, in: in, out: bufio.NewReader(out), said: map[[sha256.Size]byte][]byte{}}, cmd.Start()
}

// Package returns the folder of an npm package. If it is not installed the test is left out.
func Package(t *testing.T, npm string) string {
	t.Helper()
	return filepath.Join(folder(t, npm), "node_modules", filepath.FromSlash(npm))
}

// folder returns the folder that an npm package is installed in. If it is not installed the test is left out.
func folder(t *testing.T, npm string) string {
	t.Helper()
	tools, required := os.LookupEnv(envTools)
	if !required {
		tools = filepath.Join(root(), ".tools", "judges")
	}
	if _, err := os.Stat(filepath.Join(tools, "node_modules", filepath.FromSlash(npm), "package.json")); err != nil {
		if required {
			t.Fatalf("The npm package %s is not installed; make tools installs it, and so does make test: %v", npm, err)
		}
		t.Skipf("LEFT OUT: the npm package %s is not installed; make tools installs it: %v", npm, err)
	}
	return tools
}

// root is the folder of the module.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Ask sends a question and decodes the answer. The same question is asked once: a judge has no state.
func (j *Judge) Ask(question, answer any) error {
	line, err := json.Marshal(question)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(line)
	j.mu.Lock()
	defer j.mu.Unlock()
	said, ok := j.said[sum]
	if !ok {
		if _, err := j.in.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("the judge has ended: %w", err)
		}
		if said, err = j.out.ReadBytes('\n'); err != nil {
			return fmt.Errorf("the judge has ended: %w", err)
		}
		j.said[sum] = said
	}
	return json.Unmarshal(said, answer)
}
