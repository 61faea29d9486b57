package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
)

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
		if t.HasAmounts() {
			shown = append(shown, t)
		}
	}
	if len(shown) > 0 {
		sh.printAmounts(wire.Amounts(isUndo(j)), shown)
	}
	if len(whole) > 0 {
		sh.printf("Without an amount, so of whole invoices: %s\n", strings.Join(whole, ", "))
	}
	if !isUndo(j) && j.Rejects > 0 {
		sh.printf("Rejected rows are in none of these amounts.\n")
	}
}

// printAmounts prints control totals as a table.
func (sh *shell) printAmounts(columns []wire.Amount, totals []*wire.Total) {
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fprintf(w, "amounts\t\t")
	for _, c := range columns {
		fprintf(w, "%s\t", c.Word)
	}
	_, _ = fmt.Fprintln(w)
	for _, t := range totals {
		fprintf(w, "%s\t%s\t", t.Name(), t.Currency)
		for _, c := range columns {
			if t.Over {
				fprintf(w, "too large\t")
				continue
			}
			fprintf(w, "%s\t", billing.Units(c.Of(t), t.Currency))
		}
		_, _ = fmt.Fprintln(w)
	}
	_ = w.Flush()
}
