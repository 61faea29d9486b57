// Package hostile holds small files that have broken importers, each with the
// outcome that an import must have: how many rows go in, and which lines are
// rejected for which reason. [WriteDir] writes them for testdata/hostile, with a
// table for people and EXPECTED.json for tests.
//
// Each file is imported alone, with its dataset named, into a new source that
// holds the rows of [Base]. Files that are hostile by their size are made by the
// tests that need them.
package hostile
