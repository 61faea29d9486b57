// Package hostile holds small inputs that have broken importers, one family of
// trouble a file, each with what must become of it: how many rows go in, and
// which line is rejected for which reason. [WriteDir] writes them for
// testdata/hostile, with a table for people and EXPECTED.json for tests.
//
// Each file is imported alone, with its dataset named, into a new source that
// holds the rows of [Base]. Inputs that are hostile by size are made by the
// tests that need them.
package hostile
