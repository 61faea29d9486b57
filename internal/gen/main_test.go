package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stdout bytes.Buffer
	for _, args := range []string{
		"-only customers -customers 3 -stdout",
		"-customers 3 -out " + filepath.Join(dir, "company"),
		"-customers 3 -headers 2020 -out " + filepath.Join(dir, "old"),
		"-hostile -out " + filepath.Join(dir, "hostile"),
	} {
		if err := run(strings.Fields(args), &stdout); err != nil {
			t.Errorf("gen %s: %v", args, err)
		}
	}
	if n := strings.Count(stdout.String(), "\n"); n != 4 {
		t.Errorf("%d lines on standard output, want a header and 3 rows", n)
	}
	for _, file := range []string{"company/subscription_events.csv", "company/EXPECTED.json", "old/cancellations.csv", "hostile/README.md"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"", "-stdout", "-stdout -only customers -out x", "-out x extra", "-hostile -stdout -only plans",
		"-stdout -only cats", "-stdout -only customers -headers 1999", "-no-such-flag",
	} {
		if err := run(strings.Fields(args), &bytes.Buffer{}); err == nil {
			t.Errorf("gen %s: no error", args)
		}
	}
}
