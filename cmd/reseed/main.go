// Command reseed takes in subscription data, shows it over REST, and erases it predictably; see
// `reseed --help`.
package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() { os.Exit(run(parts{open: openData, pieceBytes: localPiece})) }

func run(p parts) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	limitMemory(importMemory)
	return execute(ctx, os.Args[1:], &shell{
		parts: p, self: invokedAs(os.Args[0]), environ: os.Environ(), out: os.Stdout, errOut: os.Stderr,
	})
}

// invokedAs is the word that calls this command again from the same shell.
func invokedAs(arg string) string {
	name := filepath.Base(arg)
	if _, err := exec.LookPath(name); err == nil {
		return name
	}
	return arg
}
