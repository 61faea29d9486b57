package importer

import (
	"fmt"
	"slices"
	"strings"
)

// Endings of the files that can be imported. Except for .ndjson, the first bytes of a file decide
// how it is read.
const (
	endCSV    = ".csv"
	endTSV    = ".tsv"
	endTXT    = ".txt"
	endNDJSON = ".ndjson"
	endZIP    = ".zip"
	endGzip   = ".gz"
	endXLSX   = ".xlsx"
	endXLSM   = ".xlsm"
)

// Takes reports by its name whether a file in a folder is meant to be imported: .csv, .tsv, .txt or
// .ndjson, each also with .gz, .xlsx, .xlsm, or .zip; and not one that [Ignores] knows.
func Takes(name string) bool {
	return !Ignores(name) && (hasEnding(name, endZIP) || isPlain(name) || isBook(name))
}

// isBook reports whether a file of this name may be a workbook.
func isBook(name string) bool { return hasEnding(name, endXLSX) || hasEnding(name, endXLSM) }

// Ignores reports whether a file, by its path in a folder or ZIP, is hidden, or was made by an
// operating system, an archiver or an open spreadsheet: it is left out without a word.
func Ignores(path string) bool {
	parts := segments(path)
	for _, p := range parts {
		if strings.HasPrefix(p, ".") && p != "." && p != ".." || p == "__MACOSX" {
			return true
		}
	}
	if len(parts) == 0 {
		return false
	}
	name := strings.ToLower(parts[len(parts)-1])
	return name == "thumbs.db" || name == "desktop.ini" || strings.HasPrefix(name, "~$")
}

// isPlain reports whether a file of this name may be CSV or NDJSON, on its own or as .gz.
func isPlain(name string) bool {
	name = withoutGzip(name)
	return hasEnding(name, endCSV) || hasEnding(name, endTSV) || hasEnding(name, endTXT) || hasEnding(name, endNDJSON)
}

func hasEnding(name, end string) bool {
	return len(name) >= len(end) && strings.EqualFold(name[len(name)-len(end):], end)
}

func withoutGzip(name string) string {
	if hasEnding(name, endGzip) {
		return name[:len(name)-len(endGzip)]
	}
	return name
}

// segments splits a path at slashes, and at the backslashes of ZIPs that were made on Windows.
func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
}

// TellApart returns the names by which people know files: the last segments of their paths. Where
// several are the same, it is their paths from the first folder in which they differ.
func TellApart(paths []string) []string {
	split, same := make([][]string, len(paths)), map[string][]int{}
	for i, p := range paths {
		split[i] = segments(p)
		if n := len(split[i]); n > 0 {
			same[split[i][n-1]] = append(same[split[i][n-1]], i)
		}
	}
	names := slices.Clone(paths)
	for base, alike := range same {
		if len(alike) == 1 {
			names[alike[0]] = base
			continue
		}
		from := sharedFolders(split, alike)
		for _, i := range alike {
			names[i] = strings.Join(split[i][from:], "/")
		}
	}
	return names
}

// sharedFolders counts the folders at the beginning of paths in which all of some of them are.
func sharedFolders(paths [][]string, some []int) int {
	first := paths[some[0]]
	for n, folder := range first[:len(first)-1] {
		for _, i := range some[1:] {
			if n >= len(paths[i])-1 || paths[i][n] != folder {
				return n
			}
		}
	}
	return len(first) - 1
}

// mostListed limits how many names a sentence lists.
const mostListed = 10

// Listed lists names as a part of a sentence: the first ones, and how many more there are.
func Listed(names []string) string {
	if more := len(names) - mostListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostListed], ", "), more)
	}
	return strings.Join(names, ", ")
}
