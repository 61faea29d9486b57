package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
)

func sourcesCommand(sh *shell) *cobra.Command {
	c := &cobra.Command{
		Use:   "sources",
		Short: "List, add and remove data sources",
		Example: `  reseed sources list
  reseed sources add "March exports" --system CSV
  reseed sources rm "March exports"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sh.listSources(c) },
	}
	list := &cobra.Command{
		Use: "list", Short: "List the data sources", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sh.listSources(c) },
	}
	var system string
	add := &cobra.Command{
		Use: "add NAME", Short: "Make an empty data source", Args: cobra.ExactArgs(1),
		Example: `  reseed sources add Billing --system "Import API"`,
		RunE: func(c *cobra.Command, args []string) error {
			sh.makesData = true
			return sh.with(c.Context(), func(cl *client.Client) error {
				s, err := cl.AddSource(c.Context(), args[0], system)
				if err != nil {
					return err
				}
				return sh.show(s, "Added %s (%s).\n", s.Name, s.UUID)
			})
		},
	}
	add.Flags().StringVar(&system, "system", "CSV", "what the data comes from")
	c.AddCommand(sh.addJSONFlag(list), sh.addJSONFlag(add), removeCommand(sh))
	return sh.addJSONFlag(c)
}

// removeCommand is "erase source" under the name that people look for first.
func removeCommand(sh *shell) *cobra.Command {
	k := kindsOfErase()[0]
	k.use = "rm NAME"
	return sh.eraseOne(k)
}

func (sh *shell) listSources(c *cobra.Command) error {
	return sh.with(c.Context(), func(cl *client.Client) error {
		list, err := cl.Sources(c.Context())
		if err != nil {
			return err
		}
		if sh.json {
			return sh.show(map[string]any{"data_sources": list}, "")
		}
		if len(list) == 0 {
			sh.printf("No data sources yet. \"reseed import FILE --source NAME\" makes one.\n")
			return nil
		}
		w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "NAME\tSYSTEM\tSTATUS\tCREATED\tUUID")
		for _, s := range list {
			fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.System, s.Status, s.CreatedAt.Format("2006-01-02 15:04"), s.UUID)
		}
		return w.Flush()
	})
}
