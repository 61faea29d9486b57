//go:build race

package api_test

func init() { detecting = 1.25 } // the race detector allocates beside the program
