package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
)

// amount is one sum of a control total, with the words for it.
type amount struct {
	word string
	of   func(*wire.Total) int64
}

// amounts are the sums that the report of a job shows: those that are 0 everywhere are left out,
// except what was read.
func amounts(j *wire.Job) []amount {
	words := []string{"read", "added", "changed from", "to", "removed"}
	if isUndo(j) {
		words = []string{"taken back", "put back", "changed back from", "to", "removed again"}
	}
	out := []amount{
		{words[0], func(t *wire.Total) int64 { return t.Read }},
		{words[1], func(t *wire.Total) int64 { return t.Added }},
		{words[2], func(t *wire.Total) int64 { return t.Before }},
		{words[3], func(t *wire.Total) int64 { return t.After }},
		{words[4], func(t *wire.Total) int64 { return t.Removed }},
	}
	any := func(of func(*wire.Total) int64) bool {
		return slices.ContainsFunc(j.Totals, func(t wire.Total) bool { return of(&t) != 0 })
	}
	changed := any(out[2].of) || any(out[3].of)
	return slices.DeleteFunc(out, func(a amount) bool {
		switch a.word {
		case words[0]:
			return false
		case words[2], words[3]:
			return !changed
		}
		return !any(a.of)
	})
}

// printTotals prints the control totals of a job.
func (sh *shell) printTotals(j *wire.Job) {
	if len(j.Totals) == 0 {
		return
	}
	columns := amounts(j)
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fprintf(w, "amounts\t\t")
	for _, c := range columns {
		fprintf(w, "%s\t", c.word)
	}
	_, _ = fmt.Fprintln(w)
	for i := range j.Totals {
		t := &j.Totals[i]
		fprintf(w, "%s\t%s\t", nameOfTotal(t), t.Currency)
		for _, c := range columns {
			if t.Over {
				fprintf(w, "too large\t")
				continue
			}
			fprintf(w, "%s\t", billing.Units(c.of(t), t.Currency))
		}
		_, _ = fmt.Fprintln(w)
	}
	_ = w.Flush()
	for i := range j.Totals {
		if t := &j.Totals[i]; t.Whole > 0 {
			sh.printf("Without an amount: %d %s of whole invoices in %s\n", t.Whole, strings.ReplaceAll(t.Of, "_", " "), t.Currency)
		}
	}
	if !isUndo(j) && j.Rejects > 0 {
		sh.printf("Rejected rows are in none of these amounts.\n")
	}
}

func nameOfTotal(t *wire.Total) string {
	if t.Of == "" {
		return t.Dataset
	}
	return t.Of
}
