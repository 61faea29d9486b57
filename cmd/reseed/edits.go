package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

func editsCommand(sh *shell) *cobra.Command {
	var orphaned bool
	c := &cobra.Command{
		Use:   "edits NAME",
		Short: "List what people have done to the records of a data source, or drop the edits of records that are gone",
		Long: `List what people have done to the records of a data source: changed fields, disabled and deleted rows, tags,
custom attributes, and merges of customers. Edits stay whatever is imported. An edit whose record is gone
is orphaned: it takes effect again if the record comes back. --json prints one JSON object a line.`,
		Example: `  reseed edits Billing
  reseed edits Billing --orphaned --json
  reseed edits drop Billing`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.withSource(c, args[0], func(cl *client.Client, s wire.Source) error { return sh.listEdits(c, cl, s, orphaned) })
		},
	}
	c.Flags().BoolVar(&orphaned, "orphaned", false, "only edits whose records are gone")
	drop := &cobra.Command{
		Use: "drop NAME", Short: "Drop the orphaned edits of a data source", Args: cobra.ExactArgs(1),
		Example: "  reseed edits drop Billing",
		RunE: func(c *cobra.Command, args []string) error {
			return sh.withSource(c, args[0], func(cl *client.Client, s wire.Source) error {
				out, err := cl.DropEdits(c.Context(), s.UUID)
				if err != nil {
					return err
				}
				return sh.show(out, "Dropped %d orphaned edits.\n", out.Dropped)
			})
		},
	}
	c.AddCommand(sh.addJSONFlag(drop))
	return sh.addJSONFlag(c)
}

func (sh *shell) listEdits(c *cobra.Command, cl *client.Client, s wire.Source, orphaned bool) (err error) {
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
	defer func() { err = errors.Join(err, w.Flush()) }()
	n := 0
	for e, err := range cl.Edits(c.Context(), s.UUID, orphaned) {
		if err != nil {
			return err
		}
		switch {
		case sh.json:
			_ = sh.copyOut(bytes.NewReader(e.Line))
		case n == 0:
			_, _ = fmt.Fprintln(w, "RECORD\tEDIT\tBY\tAT\t")
			fallthrough
		default:
			printEdit(w, e.Edit)
		}
		n++
	}
	if n == 0 && !sh.json {
		sh.printf("No edits.\n")
	}
	return nil
}

func printEdit(w io.Writer, e wire.Edit) {
	var at time.Time
	if e.ChangedAt != nil {
		at = *e.ChangedAt
	}
	mark := ""
	if e.Orphaned {
		mark = "orphaned"
	}
	fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.ID, strings.Join(e.What, ", "), e.Author, at.Format("2006-01-02 15:04"), mark)
}
