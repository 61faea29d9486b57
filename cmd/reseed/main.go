// Command reseed takes in subscription data, shows it over REST, and erases it
// predictably: `reseed --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	limitMemory()
	return execute(ctx, os.Args[1:], environment(os.Environ()), os.Stdout, os.Stderr)
}
