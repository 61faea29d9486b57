package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/source"
	"reseed/pkg/source/systems"
)

func sourcesCommand(sh *shell) *cobra.Command {
	c := &cobra.Command{
		Use:   "sources",
		Short: "List, add and remove data sources, and set how their files are read",
		Example: `  reseed sources list
  reseed sources add "March exports" --system CSV
  reseed sources set "March exports"
  reseed sources rm "March exports"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sh.listSources(c) },
	}
	list := &cobra.Command{
		Use: "list", Short: "List the data sources", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sh.listSources(c) },
	}
	c.AddCommand(sh.addJSONFlag(list), addCommand(sh), setCommand(sh), templateCommand(sh), removeCommand(sh))
	return sh.addJSONFlag(c)
}

func addCommand(sh *shell) *cobra.Command {
	var system string
	var pulls syncFlags
	var account systemFlags
	c := &cobra.Command{
		Use: "add NAME", Short: "Make an empty data source", Args: cobra.ExactArgs(1),
		Long: `Make an empty data source. With --spreadsheet it is connected to a spreadsheet in
Google Sheets: share that with the address that is printed, and pull it with "reseed
sync NAME", or at intervals with --every.

With --system and the name of a billing system (` + strings.Join(systemNames(), ", ") + `) it is connected
with your account there. The credentials are asked for on the terminal, or read from
--credentials FILE, or from standard input with --credentials -; they are never an
argument. They are checked before the data source is made: you see whose account it is,
whether it is live, and which permission is missing. Then they are kept apart from the
data: in the folder "credentials" of the data folder, which only you can read, or in
AWS Secrets Manager. They are in no backup, move or export.`,
		Example: `  reseed sources add Billing --system "Import API"
  reseed sources add "Stripe EU" --system Stripe --every 1d
  reseed sources add "Stripe EU" --system Stripe --credentials key.json --count issued
  reseed sources add Plans --system "Google Sheets" --spreadsheet https://docs.google.com/spreadsheets/d/... --every 6h`,
		RunE: func(c *cobra.Command, args []string) error {
			change, connects, err := pulls.change(c)
			if err != nil {
				return err
			}
			if sys, ok := systems.ByName(system); ok && change.Spreadsheet == nil {
				return sh.addSystem(c, args[0], sys, &account, change, connects)
			}
			if account.given(c) {
				return usage("--system names no billing system that can be connected. There are: %s", strings.Join(systemNames(), ", "))
			}
			if connects && change.Spreadsheet == nil {
				return usage("--every needs --spreadsheet, or --system with a billing system")
			}
			sh.makesData = true
			return sh.with(c.Context(), func(cl *client.Client) error {
				s, err := cl.AddSource(c.Context(), args[0], system)
				if err != nil {
					return err
				}
				if !connects {
					return sh.show(s, "Added %s (%s).\n", s.Name, s.UUID)
				}
				if !sh.json {
					sh.printf("Added %s (%s).\n", s.Name, s.UUID)
				}
				got, err := cl.ChangeSyncs(c.Context(), s.UUID, change)
				if err != nil {
					return fmt.Errorf("%w; the data source is there, but not connected: %s", err, sh.again("sources set %s --spreadsheet URL", quoted(s.Name)))
				}
				return sh.showSyncs(s, got)
			})
		},
	}
	c.Flags().StringVar(&system, "system", "CSV", "what the data comes from")
	pulls.addTo(c)
	account.addTo(c)
	return sh.addJSONFlag(c)
}

func setCommand(sh *shell) *cobra.Command {
	var r readFlags
	var pulls syncFlags
	var account systemFlags
	var system string
	var cleared []string
	var disconnect bool
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Show and change how the CSV files of a data source are read, and what it pulls from",
		Long: `Show the settings that a data source keeps for reading its CSV files, one line for
each dataset. With --dataset and settings, change them: what is given is kept for the
next imports, what is cleared is not. An import that gives a setting itself goes by
that.

With --spreadsheet, connect the data source to a spreadsheet in Google Sheets; with
--every, set how often it is pulled, or never.

With --credentials, give a data source that pulls from a billing system new credentials
of the same account; with --system and the name of a billing system, connect it (see
"reseed sources add --help"). With --count and the settings after it, change what
becomes of the objects of the billing system, from the next sync or reprocessing on.

With --disconnect, delete the credentials of a data source and end its schedule. What was
imported stays, and so does the account: credentials of the same one connect it again. A
sync that is under way may still end.`,
		Example: `  reseed sources set Shop
  reseed sources set Shop --dataset customers --encoding windows-1252 --date-format DD.MM.YYYY
  reseed sources set Shop --dataset customers --clear encoding
  reseed sources set Plans --every never
  reseed sources set "Stripe EU" --credentials key.json
  reseed sources set "Stripe EU" --count issued --without-voided
  reseed sources set "Stripe EU" --disconnect`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if disconnect {
				return sh.disconnect(c, args[0])
			}
			pull, given, err := pulls.change(c)
			if err != nil {
				return err
			}
			if system != "" || account.given(c) {
				return sh.setSystem(c, args[0], system, &account, pull, given)
			}
			if given {
				return sh.setPulls(c, args[0], pull, r, cleared)
			}
			change, err := r.changes(c, cleared)
			if err != nil {
				return err
			}
			if len(change) > 0 && r.dataset == "" {
				return usage("--dataset says for which files the settings are, such as --dataset customers")
			}
			return sh.withSource(c, args[0], func(cl *client.Client, s wire.Source) error {
				if len(change) == 0 {
					return sh.showKept(c, cl, s, r.dataset)
				}
				change["dataset"] = r.dataset
				list, err := cl.ChangeSettings(c.Context(), s.UUID, change)
				return sh.showSettings(s, r.dataset, list, err)
			})
		},
	}
	r.addTo(c, "what the files hold, such as customers")
	c.Flags().StringArrayVar(&cleared, "clear", nil, "a setting that is not to be kept any more, such as encoding")
	c.Flags().StringVar(&system, "system", "", "billing system to connect the data source with")
	c.Flags().BoolVar(&disconnect, "disconnect", false, "delete the credentials; what was imported stays")
	pulls.addTo(c)
	pulls.addShares(c)
	account.addTo(c)
	return sh.addJSONFlag(c)
}

// setPulls changes what a source pulls from, and when.
func (sh *shell) setPulls(c *cobra.Command, name string, pull wire.SyncChange, r readFlags, cleared []string) error {
	if change, err := r.changes(c, cleared); err != nil {
		return err
	} else if len(change) > 0 || r.dataset != "" {
		return usage("settings of files, and of what the data source pulls from, are set by two commands")
	}
	return sh.withSource(c, name, func(cl *client.Client, s wire.Source) error {
		got, err := cl.ChangeSyncs(c.Context(), s.UUID, pull)
		if err != nil {
			return err
		}
		return sh.showSyncs(s, got)
	})
}

// showKept prints the settings that a source keeps for files, and what it pulls from, if it does.
func (sh *shell) showKept(c *cobra.Command, cl *client.Client, s wire.Source, dataset string) error {
	list, err := cl.Settings(c.Context(), s.UUID)
	if err := sh.showSettings(s, dataset, list, err); err != nil || sh.json || dataset != "" {
		return err
	}
	got, err := cl.Syncs(c.Context(), s.UUID)
	if problem, ok := errors.AsType[*client.Error](err); ok && problem.Status == http.StatusConflict { // it pulls from nothing
		return nil
	}
	if err != nil {
		return err
	}
	return sh.showSyncs(s, got)
}

// showSettings prints the settings that a source keeps for a dataset, or for all.
func (sh *shell) showSettings(s wire.Source, dataset string, list []wire.KeptSettings, err error) error {
	if err != nil {
		return err
	}
	if dataset != "" {
		list = slices.DeleteFunc(list, func(k wire.KeptSettings) bool { return k.Dataset != dataset })
	}
	if sh.json {
		return sh.show(wire.SourceSettings{Settings: list}, "")
	}
	if len(list) == 0 {
		sh.printf("%s keeps no settings for %s: they are read as docs/FORMATS.md says, unless an import says otherwise.\n", s.Name, cmp.Or(dataset, "its files"))
	}
	for _, k := range list {
		sh.printf("%s: %s\n", k.Dataset, source.Settings(k.Settings))
	}
	return nil
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
		refused, err := refusedSources(c.Context(), cl, list)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "NAME\tSYSTEM\tSTATUS\tCREATED\tUUID")
		for _, s := range list {
			status := s.Status
			if trouble := refused[s.UUID]; trouble != "" {
				status += ", " + trouble
			}
			fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.System, status, s.CreatedAt.Format("2006-01-02 15:04"), s.UUID)
		}
		return w.Flush()
	})
}
