package backup_test

import (
	"errors"
	"runtime"
	"syscall"
	"testing"

	"reseed/pkg/backup"
)

// What is done aside has the lowest priority, and nothing else has.
func TestAside(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	priority := func() int { // as the system call gives it: 20 less the nice value
		p, err := syscall.Getpriority(syscall.PRIO_PROCESS, syscall.Gettid())
		must(t, err)
		return p
	}
	before := priority()
	var meanwhile int
	failed := errors.New("failed")
	if err := backup.Aside(func() error { meanwhile = priority(); return failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	if meanwhile != 1 || priority() != before {
		t.Errorf("priority %d meanwhile, %d after, %d before", meanwhile, priority(), before)
	}
}
