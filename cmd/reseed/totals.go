package main

import (
	"fmt"
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

// amounts are the sums that the report of a job shows; an undo has its own words for them.
func amounts(j *wire.Job) []amount {
	read := func(t *wire.Total) int64 { return t.Read }
	added := func(t *wire.Total) int64 { return t.Added }
	before := func(t *wire.Total) int64 { return t.Before }
	after := func(t *wire.Total) int64 { return t.After }
	removed := func(t *wire.Total) int64 { return t.Removed }
	if isUndo(j) {
		return []amount{{"removed again", removed}, {"changed back from", before}, {"to", after}, {"put back", added}}
	}
	return []amount{{"read", read}, {"added", added}, {"changed from", before}, {"to", after}, {"removed", removed}}
}

// printTotals prints the control totals of a job.
func (sh *shell) printTotals(j *wire.Job) {
	if len(j.Totals) == 0 {
		return
	}
	var shown []*wire.Total
	var whole []string
	for i := range j.Totals {
		t := &j.Totals[i]
		if t.Whole > 0 {
			whole = append(whole, fmt.Sprintf("%d %s in %s", t.Whole, strings.ReplaceAll(t.Of, "_", " "), t.Currency))
		}
		if t.Whole == 0 || hasAmounts(t) {
			shown = append(shown, t)
		}
	}
	if len(shown) > 0 {
		sh.printAmounts(amounts(j), shown)
	}
	if len(whole) > 0 {
		sh.printf("Without an amount, so of whole invoices: %s\n", strings.Join(whole, ", "))
	}
	if !isUndo(j) && j.Rejects > 0 {
		sh.printf("Rejected rows are in none of these amounts.\n")
	}
}

// printAmounts prints control totals as a table.
func (sh *shell) printAmounts(columns []amount, totals []*wire.Total) {
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fprintf(w, "amounts\t\t")
	for _, c := range columns {
		fprintf(w, "%s\t", c.word)
	}
	_, _ = fmt.Fprintln(w)
	for _, t := range totals {
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
}

func hasAmounts(t *wire.Total) bool {
	return t.Over || t.Read != 0 || t.Added != 0 || t.Removed != 0 || t.Before != 0 || t.After != 0
}

func nameOfTotal(t *wire.Total) string {
	if t.Of == "" {
		return t.Dataset
	}
	return t.Of
}
