package main

import "math"

// How many files the process may have open for each use. At least a third of the limit is left for
// imports, logs and the commands on this machine.
const (
	mostConnections = 2000 // from the network; each takes about 20 KB
	mostTableFiles  = 1000 // of the embedded store, which closes one to open another
	ownConnections  = 64   // from commands on the data folder
)

// share is how many open files one use may have: a third of the limit, but no more than most.
func share(limit uint64, most int) int {
	return int(min(limit/3, uint64(most))) //nolint:gosec // both are small
}

// unlimited stands for the limit of open files where it cannot be found out.
const unlimited = math.MaxInt64
