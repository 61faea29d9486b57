package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"reseed/internal/browsertest"
)

// envScreens names the folder for pictures of the pages. If it is not set, none are taken.
const envScreens = "RESEED_TEST_SCREENS"

// TestConsole: a real browser goes through the console of a running server. The scripts are in the
// folder browser; each has a server and a data folder of its own.
func TestConsole(t *testing.T) {
	t.Parallel()
	b := browsertest.Find(t)
	for _, name := range b.Tests(t) {
		t.Run(strings.TrimSuffix(name, ".test.js"), func(t *testing.T) {
			t.Parallel()
			browse(t, b, name)
		})
	}
	t.Run("screens", func(t *testing.T) {
		t.Parallel()
		if os.Getenv(envScreens) == "" {
			t.Skip("pictures are taken by make screens")
		}
		browse(t, b, "screens.js")
	})
}

// browse runs a script against a server with an empty data folder.
func browse(t *testing.T, b browsertest.Browser, script string) {
	t.Helper()
	sh := here(t, nil)
	sh.errOut = t.Output()
	serving(t, sh, anyAddress(), func(said *shown) { b.Run(t, script, said.url(), said.key(), said.signIn()) })
}

// signIn is the link that signs a browser in, as the server has printed it.
func (s *shown) signIn() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return regexp.MustCompile(`http://\S+/login\?\S+`).FindString(s.text.String())
}
