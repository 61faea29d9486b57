//go:build linux || darwin

package main

import "syscall"

// openFiles is how many files this process may have open (ulimit -n).
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return unlimited
	}
	return limit.Cur
}
