package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the command `reseed` of the scripts, and, if it
// is called so, the command that the kill tests kill.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"reseed": main, "mortal": mortal})
}

// TestScripts runs the command as people and scripts do (architecture §10).
func TestScripts(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TWELVE", filepath.Join(inputs, "twelve"))
			env.Setenv("HOSTILE", filepath.Join(inputs, "hostile"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status, "await": await, "jobid": jobid},
	})
}

// status runs `reseed` and wants one exit status, e.g. status 3 import FILE.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N ARG...")
	}
	got := exitDone
	if err := ts.Exec("reseed", args[1:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("reseed %q: %v", args[1:], err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("reseed %q: exit status %d, want %s", args[1:], got, args[0])
	}
}

// await waits until a background command has made a file; go test's own
// deadline ends it otherwise.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	name := ts.MkAbs(args[0])
	for {
		if _, err := os.Stat(name); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// jobid puts the job of a --json report into a variable.
func jobid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jobid FILE VARIABLE")
	}
	var r report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &r))
	ts.Setenv(args[1], r.Job)
}
