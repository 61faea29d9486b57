// Command reseed takes in subscription data, shows it over REST, and erases it
// predictably: `reseed --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run(parts{open: openData, pieceBytes: localPiece})) }

func run(p parts) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	limitMemory()
	return execute(ctx, os.Args[1:], &shell{parts: p, env: environment(os.Environ()), out: os.Stdout, errOut: os.Stderr})
}
