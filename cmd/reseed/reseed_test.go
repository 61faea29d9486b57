package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the command `reseed` when it is called by that name, as the
// scripts do, and the command that the kill tests kill when it is called mortal.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"reseed": main, "mortal": mortal})
}

// TestScripts runs the command as people and scripts do.
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
			env.Setenv("TRIALS", filepath.Join(inputs, "trials"))
			return nil
		},
		Cmds: scriptCommands(),
	})
}
