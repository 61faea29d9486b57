package main

import "math"

// How many files the process has open at most, by what for. Imports, logs and the machine's own commands have
// the rest: a third at least.
const (
	mostConnections = 2000 // of the network; each takes about 20 KB
	mostTableFiles  = 1000 // of the embedded store, which closes one to open another
	ownConnections  = 64   // of commands on the data folder, beside those
)

// share is the part of the limit of open files that one use may take.
func share(limit uint64, most int) int {
	return int(min(limit/3, uint64(most))) //nolint:gosec // both are small
}

// unlimited is the limit of open files where there is none to be found.
const unlimited = math.MaxInt64
