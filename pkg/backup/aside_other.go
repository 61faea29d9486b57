//go:build !linux

package backup

// aside calls f. Only Linux has threads with priorities of their own.
func aside(f func() error) error { return f() }
