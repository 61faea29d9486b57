package backup

import (
	"runtime"
	"syscall"
)

// lowest is the priority of a thread that gets what the others leave.
const lowest = 19

// aside calls f at the lowest priority, so that imports are not slower meanwhile. The thread is
// never unlocked, and so ends with the goroutine: its priority cannot be raised again.
func aside(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), lowest) // on Linux, of this thread alone
		done <- f()
	}()
	return <-done
}
