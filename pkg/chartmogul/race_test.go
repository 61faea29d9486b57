//go:build race

package chartmogul_test

func init() { detecting = 1.25 } // the race detector allocates beside the program
