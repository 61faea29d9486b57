package billing

import (
	"slices"
	"strings"
)

// likeness says how probable it is that a column of a file is a known column of a dataset: from 0,
// it is not, to 1. Either the names differ by a slip of the keys, or one has all words of the other.
func likeness(name, known string, ds Dataset) float64 {
	if slip(headerKey(name), headerKey(known)) {
		return 1
	}
	a, b := sameWords(plainWords(name)), sameWords(plainWords(known))
	noun := headerWords(strings.TrimSuffix(string(ds), "s"))
	bare := slices.DeleteFunc(slices.Clone(a), func(w string) bool { return slices.Contains(noun, w) })
	return max(shared(a, b), shared(bare, b))
}

// shared is the share of the words that two names have in common; 0 if each has one of its own.
func shared(a, b []string) float64 {
	both := 0
	for _, w := range a {
		if slices.Contains(b, w) {
			both++
		}
	}
	if both == 0 || both < min(len(a), len(b)) {
		return 0
	}
	return 2 * float64(both) / float64(len(a)+len(b))
}

// sameWords replaces words by those that known columns have for the same.
func sameWords(words []string) []string {
	for i, w := range words {
		switch w {
		case "uuid", "number", "no", "nr", "ref", "reference":
			words[i] = "id"
		case "value":
			words[i] = "amount"
		case "product":
			words[i] = "plan"
		case "client", "user":
			words[i] = "customer"
		case "qty":
			words[i] = "quantity"
		default:
			if lexicon := meanings(); lexicon.amounts[w] && !lexicon.aside[w] {
				words[i] = "amount"
			}
		}
	}
	return words
}

// slip reports whether two keys differ by one letter, or two in a longer key. A key of three letters
// or less has no slips: too many are near to each other.
func slip(a, b string) bool {
	const shortest, long, longest = 4, 8, 60
	x, y := []rune(a), []rune(b)
	if min(len(x), len(y)) < shortest || max(len(x), len(y)) > longest {
		return false
	}
	most := 1
	if len(y) >= long {
		most = 2
	}
	return distance(x, y) <= most
}

// distance counts the letters that are to be changed, put in or left out to make b of a.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range a {
		above := row[0]
		row[0] = i + 1
		for j, s := range b {
			cost := above
			if r != s {
				cost = min(above, row[j], row[j+1]) + 1
			}
			above, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
