package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"reseed/internal/browsertest"
	"reseed/internal/stripetest"
	"reseed/internal/systemtest"
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
	if script == "stripe.test.js" {
		sh.environ = append(sh.environ, "RESEED_STRIPE_URL="+storyAtStripe(t))
	}
	serving(t, sh, anyAddress(), func(said *shown) { b.Run(t, script, said.url(), said.key(), said.signIn()) })
}

// storyAtStripe serves an account of Stripe that began a year ago.
func storyAtStripe(t *testing.T) string {
	t.Helper()
	w, err := stripetest.New(time.Now().AddDate(-1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	w.Story()
	return systemtest.Serve(t, w)
}

// signIn is the link that signs a browser in, as the server has printed it.
func (s *shown) signIn() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return regexp.MustCompile(`http://\S+/login\?\S+`).FindString(s.text.String())
}
