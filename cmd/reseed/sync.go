package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/source/sheets"
)

func syncCommand(sh *shell) *cobra.Command {
	var how wire.SyncOptions
	var yes, mail bool
	c := &cobra.Command{
		Use:   "sync NAME",
		Short: "Pull a data source from its billing system, or its spreadsheet in Google Sheets",
		Long: `Pull a data source from the billing system or the spreadsheet that it is connected
to ("reseed sources add", "reseed sources set").

All of it is read before anything is imported. Of a spreadsheet each tab whose header
row is that of a dataset is read; other tabs are named and left out. If somebody
changes it meanwhile, it is read again, and after three times nothing is imported.

A pull is an import with --mode replace. What you did by hand, and rows that came over
REST, stay. What was deleted in the billing system is removed; an object that cannot
be imported is rejected, and what is stored of it stays. Nothing is removed because a
tab of a spreadsheet has vanished, is empty, or has lost its header row. Before a large
removal it waits for your yes. "reseed undo JOB" takes it back.

With --customer a single customer is pulled from a billing system: nothing of another
one is changed or removed.

Pulls of one data source take turns: if one is under way, also one whose process was
killed, that one comes to its end first.

With --plan nothing is written: the report shows what would change. "reseed apply JOB"
then does exactly that, although what was read may have moved on.

Exit status: 0 done or planned, 1 failed or cancelled, or waits for your yes,
2 usage, 3 done or planned with rejects.`,
		Example: `  reseed sync "Stripe EU" --plan
  reseed sync "Stripe EU" --customer cus_NffrFeUfNV2Hib
  reseed sync Plans`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.withSource(c, args[0], func(cl *client.Client, s wire.Source) error {
				if how.Mail = &mail; c.Flags().Changed("customer") && how.Customer == "" {
					return usage("--customer is the external id of a customer")
				}
				return sh.sync(c.Context(), cl, s, how, yes)
			})
		},
	}
	c.Flags().BoolVar(&how.Plan, "plan", false, "only show what would change")
	c.Flags().StringVar(&how.Customer, "customer", "", "external id of the one customer to pull, from a billing system")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask before a large removal, or if a tab is missing")
	c.Flags().BoolVar(&mail, "mail", false, "tell people how it ends, or that it waits, by mail or webhook, as the settings of the server say (README.md)")
	return sh.addJSONFlag(c)
}

func reprocessCommand(sh *shell) *cobra.Command {
	how := wire.SyncOptions{Reprocess: true}
	var yes, mail bool
	c := &cobra.Command{
		Use:   "reprocess NAME",
		Short: "Import again what the last sync has read from a billing system",
		Long: `Map what the last sync of a data source has read from its billing system anew, and
import that: after a change of the settings of the data source, or with a later version
of Reseed. Nothing is read from the billing system.

It is an import like that of "reseed sync", and "reseed undo JOB" takes it back. If rows
of the data source were changed or erased since that sync, it waits for your yes. If what
was read is gone, since it was erased, sync again.

Exit status: as of "reseed sync".`,
		Example: `  reseed sources set "Stripe EU" --count issued
  reseed reprocess "Stripe EU" --plan`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.withSource(c, args[0], func(cl *client.Client, s wire.Source) error {
				how.Mail = &mail
				return sh.sync(c.Context(), cl, s, how, yes)
			})
		},
	}
	c.Flags().BoolVar(&how.Plan, "plan", false, "only show what would change")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask before a large removal, or if rows were changed since")
	c.Flags().BoolVar(&mail, "mail", false, "tell people how it ends, or that it waits, by mail or webhook, as the settings of the server say (README.md)")
	return sh.addJSONFlag(c)
}

func (sh *shell) sync(ctx context.Context, cl *client.Client, s wire.Source, how wire.SyncOptions, yes bool) error {
	started, err := sh.startSync(ctx, cl, s, how)
	if err != nil {
		return err
	}
	j, err := sh.wait(ctx, cl, started.ID)
	if err != nil {
		return err
	}
	if j.Status != wire.Planned || how.Plan {
		return sh.showJob(ctx, cl, j)
	}
	return sh.confirmRemoval(ctx, cl, j, yes)
}

// startSync begins a pull, when one that is under way has ended: also one whose process was killed,
// with which this process goes on.
func (sh *shell) startSync(ctx context.Context, cl *client.Client, s wire.Source, how wire.SyncOptions) (wire.Job, error) {
	for {
		j, err := cl.Sync(ctx, s.UUID, how)
		if problem, ok := errors.AsType[*client.Error](err); !ok || problem.Status != http.StatusConflict {
			return j, err
		}
		is, readErr := cl.Syncs(ctx, s.UUID)
		if readErr != nil || is.Latest == nil || is.Latest.Status.Ended() {
			return j, err
		}
		if !sh.json {
			sh.printf("A sync of %s is under way: %s. This one begins when that has ended.\n", s.Name, is.Latest.ID)
		}
		if _, err := sh.wait(ctx, cl, is.Latest.ID); err != nil {
			return j, err
		}
	}
}

// syncFlags say what a source pulls from, and when.
type syncFlags struct {
	spreadsheet, every     string
	maxChanged, maxRemoved int
}

func (f *syncFlags) addTo(c *cobra.Command) {
	c.Flags().StringVar(&f.spreadsheet, "spreadsheet", "", "address of the spreadsheet in Google Sheets to pull from")
	c.Flags().StringVar(&f.every, "every", "", "how often to pull, such as 6h, 30m or 1d; never: only by \"reseed sync\"")
}

func (f *syncFlags) addShares(c *cobra.Command) {
	c.Flags().IntVar(&f.maxChanged, "max-changed", 0, "percent of a dataset's rows above which the changes of a pull by schedule wait for a yes (default 50)")
	c.Flags().IntVar(&f.maxRemoved, "max-removed", 0, "percent of a dataset's rows above which the removals of a pull wait for a yes (default 20)")
}

// change reads the flags that are given; given is false if there are none.
func (f *syncFlags) change(c *cobra.Command) (change wire.SyncChange, given bool, err error) {
	is := func(name string) bool {
		found := c.Flags().Lookup(name)
		is := found != nil && found.Changed
		given = given || is
		return is
	}
	if is("spreadsheet") {
		if _, err := sheets.ID(f.spreadsheet); err != nil {
			return change, true, usage("--spreadsheet: %s", err.Error())
		}
		change.Spreadsheet = &f.spreadsheet
	}
	if is("every") {
		if _, err := wire.ParseEvery(f.every); err != nil {
			return change, true, usage("--every %q is not a time such as 6h, 30m or 1d, and not never", f.every)
		}
		change.Every = &f.every
	}
	if is("max-changed") {
		change.MaxChanged = &f.maxChanged
	}
	if is("max-removed") {
		change.MaxRemoved = &f.maxRemoved
	}
	return change, given, nil
}

// showSyncs prints what a source pulls from.
func (sh *shell) showSyncs(s wire.Source, got wire.Syncs) error {
	if sh.json {
		return sh.show(got, "")
	}
	if got.Connection != nil {
		sh.showConnection(s, *got.Connection)
	} else {
		sh.printf("%s pulls from %s\n", s.Name, got.SpreadsheetURL)
	}
	if got.Next != nil {
		sh.printf("Every %s, next at %s, as long as a server runs\n", got.Every, got.Next.Format(time.RFC3339))
	} else {
		sh.printf("Only when you ask for it\n")
	}
	sh.printf("A schedule's pull waits for a yes if it would change more than %d %% of the rows of a dataset, any pull if it would remove more than %d %%\n", got.MaxChanged, got.MaxRemoved)
	if got.Skipped > 0 {
		sh.printf("Skipped because another one ran: %d\n", got.Skipped)
	}
	if j := got.Latest; j != nil {
		sh.printf("Latest pull: %s, %s\n", j.ID, j.Status)
		if j.Error != "" {
			sh.printf("  %s\n", j.Error)
		}
	}
	switch {
	case got.Connection != nil:
	case got.ShareWith != "":
		sh.printf("Share the spreadsheet with %s (as a viewer)\n", got.ShareWith)
	default:
		sh.printf("Share the spreadsheet with the e-mail address of the service account whose key the server uses (GOOGLE_APPLICATION_CREDENTIALS)\n")
	}
	if got.Connection == nil || !got.Connection.Disconnected {
		sh.printf("To pull now: %s\n", sh.again("sync %s", quoted(s.Name)))
	}
	return nil
}
