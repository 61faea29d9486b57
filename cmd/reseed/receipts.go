package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

func receiptsCommand(sh *shell) *cobra.Command {
	var html bool
	c := &cobra.Command{
		Use:   "receipts [JOB]",
		Short: "List the receipts of erases, or show one",
		Long: `List the receipts of all erases that are done, or show one: who asked for what and when, what was removed,
when that was seen to be gone, and where copies may live on, and until when. --html prints one page.`,
		Example: `  reseed receipts
  reseed receipts 0192f0c4a3b87c5e9d1f --html > receipt.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.with(c.Context(), func(cl *client.Client) error {
				switch {
				case len(args) == 0:
					return sh.listReceipts(c, cl)
				case html:
					return sh.receiptPage(c, cl, args[0])
				}
				r, err := cl.Receipt(c.Context(), args[0])
				if err != nil {
					return err
				}
				if sh.json {
					return sh.show(r, "")
				}
				sh.printReceipt(r)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&html, "html", false, "print one page of HTML")
	return sh.addJSONFlag(c)
}

func (sh *shell) receiptPage(c *cobra.Command, cl *client.Client, id string) error {
	page, err := cl.ReceiptPage(c.Context(), id)
	if err != nil {
		return err
	}
	defer func() { _ = page.Close() }()
	return sh.copyOut(page)
}

func (sh *shell) listReceipts(c *cobra.Command, cl *client.Client) error {
	all, err := cl.Receipts(c.Context())
	if err != nil {
		return err
	}
	if sh.json {
		return sh.show(map[string]any{"receipts": all}, "")
	}
	if len(all) == 0 {
		sh.printf("No receipts: nothing has been erased.\n")
		return nil
	}
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "job\tselection\tsource\titems\tseen gone")
	for _, r := range all {
		fprintf(w, "%s\t%s\t%s\t%d\t%s\n", r.Job, r.Selection, r.SourceName, r.Total, r.VerifiedAt.Format("2006-01-02 15:04"))
	}
	return w.Flush()
}

func (sh *shell) printReceipt(r *wire.Receipt) {
	when := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	what := append([]string{r.Selection, r.SourceName, r.Import}, r.Records...)
	what = slices.DeleteFunc(what, func(s string) bool { return s == "" })
	sh.printf("Receipt of erase %s: %s\n", r.Job, strings.Join(what, " "))
	sh.printf("Asked by %s, and invisible since %s. Seen gone %s, after %.1f s.\n", r.AskedBy, when(r.AskedAt), when(r.VerifiedAt), r.Seconds)
	if r.Reason != "" {
		sh.printf("Why: %s\n", r.Reason)
	}
	sh.printf("Removed:\n")
	sh.printCounts(r.Removed, "")
	sh.printf("  %8d  items in all\n", r.Total)
	sh.printf("Digest of the keys: %s\n", r.KeyDigest)
	sh.printf("Imports whose files are gone: %d\n", r.Imports)
	sh.printCounts(r.Files, " deleted")
	if r.Forgotten > 0 {
		sh.printf("Customers on the do-not-reload list: %d\n", r.Forgotten)
	}
	sh.printf("What stays:\n")
	for _, text := range r.Survives {
		sh.printf("  %s\n", text)
	}
	sh.printf("Where copies may live on:\n")
	for _, x := range r.Residue {
		until := ""
		if !x.Until.IsZero() {
			until = "until " + when(x.Until) + ". "
		}
		sh.printf("  %s: %s%s\n", x.What, until, x.Note)
	}
	sh.printf("Cost: %.1f write units, %.1f read units, $%.4f (%s).\n", r.WriteUnits, r.ReadUnits, r.Dollars, r.PricesOf)
}
