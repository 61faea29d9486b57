package api_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"reseed/pkg/table/mem"
)

var update = flag.Bool("update", false, "write the golden files anew")

// step is one request. {name} stands for the uuid in the answer of the earlier step with that name.
type step struct{ name, method, path, body string }

// Random ids: those made by a client's request without an external id, of sources and of jobs.
var (
	randomID  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	randomJob = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	firstUUID = regexp.MustCompile(`"uuid":"([^"]+)"`)
	firstID   = regexp.MustCompile(`"id":"([^"]+)"`)
)

// TestGolden pins status, content type and exact body of every route.
func TestGolden(t *testing.T) {
	t.Parallel()
	requests, err := txtar.ParseFile(filepath.Join("testdata", "requests.txtar"))
	if err != nil || len(requests.Files) == 0 {
		t.Fatal("no requests", err)
	}
	for _, f := range requests.Files {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			golden(t, f.Name, play(t, stepsOf(t, string(f.Data))))
		})
	}
}

// stepsOf reads requests with empty lines between them.
func stepsOf(t *testing.T, text string) (steps []step) {
	t.Helper()
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		first, body, _ := strings.Cut(block, "\n")
		name, request, named := strings.Cut(first, ": ")
		if !named {
			name, request = "", first
		}
		method, path, ok := strings.Cut(request, " ")
		if !ok {
			t.Fatalf("%q is no METHOD PATH", first)
		}
		steps = append(steps, step{name, method, path, body})
	}
	return steps
}

func play(t *testing.T, steps []step) string {
	t.Helper()
	a := newAPI(t, mem.Options{})
	a.fixed()
	ids := strings.NewReplacer()
	var known []string
	var out strings.Builder
	for _, s := range steps {
		ans := a.do(s.method, ids.Replace(s.path), ids.Replace(s.body))
		if s.name != "" {
			found := firstUUID.FindStringSubmatch(ans.body)
			if found == nil {
				found = firstID.FindStringSubmatch(ans.body)
			}
			if found == nil {
				t.Fatalf("no id in the answer to %s %s: %s", s.method, s.path, ans.body)
			}
			known = append(known, "{"+s.name+"}", found[1])
			ids = strings.NewReplacer(known...)
		}
		fmt.Fprintf(&out, "%s %s %s\n%d %s", s.method, s.path, strings.Join(strings.Fields(s.body), " "), ans.status, ans.header.Get("Content-Type"))
		for _, h := range []string{"Allow", "Retry-After"} {
			if v := ans.header.Get(h); v != "" {
				fmt.Fprintf(&out, " [%s: %s]", h, v)
			}
		}
		fmt.Fprintf(&out, "\n%s\n\n", ans.body)
	}
	return randomJob.ReplaceAllString(randomID.ReplaceAllString(out.String(), "<random>"), "<job>")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs from its golden file (-want +got):\n%s", name, diff)
	}
}
