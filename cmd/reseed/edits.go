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
		Short: "List what people have done to the records of a data source, or drop what is left of erased ones",
		Long: `List what people have done to the records of a data source: changed fields, disabled and deleted rows, tags,
custom attributes, and merges of customers. Edits stay whatever is imported. One whose record is not there
is orphaned: it counts again when the record comes back. --json prints one JSON object a line.`,
		Example: `  reseed edits Billing
  reseed edits Billing --orphaned --json
  reseed edits drop Billing`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.withSource(c, args[0], func(cl *client.Client, s wire.Source) error { return sh.listEdits(c, cl, s, orphaned) })
		},
	}
	c.Flags().BoolVar(&orphaned, "orphaned", false, "only those whose records are not there")
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

// withSource lets do use the data source of a name.
func (sh *shell) withSource(c *cobra.Command, name string, do func(*client.Client, wire.Source) error) error {
	return sh.with(c.Context(), func(cl *client.Client) error {
		s, ok, err := cl.SourceNamed(c.Context(), name)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("there is no data source %q; to see what there is: %s", name, sh.again("sources list"))
		}
		return do(cl, s)
	})
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
