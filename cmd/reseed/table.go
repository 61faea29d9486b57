package main

import (
	"context"

	"github.com/spf13/cobra"

	"reseed/pkg/cloud"
)

// mostBackupDays is how many days back a table can be restored to at most.
const mostBackupDays = 35

func tableCommand(sh *shell) *cobra.Command {
	c := &cobra.Command{Use: "table", Short: "Make the DynamoDB table", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	days := mostBackupDays
	create := &cobra.Command{
		Use:   "create",
		Short: "Make the DynamoDB table RESEED_TABLE",
		Long: `Make the DynamoDB table RESEED_TABLE as template.yaml makes it: with the keys pk and
sk, on-demand capacity, encryption, and point-in-time recovery. If there is one like
that, nothing happens; if there is another one, the command says how it differs.
Region and credentials come from the AWS SDK's own variables.`,
		Example: `  RESEED_TABLE=reseed AWS_REGION=eu-central-1 reseed table create`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return sh.createTable(c.Context(), days) },
	}
	create.Flags().IntVar(&days, "backup-days", days, "how many days back the table can be restored to, 1 to 35")
	c.AddCommand(create)
	return c
}

func (sh *shell) createTable(ctx context.Context, days int) error {
	c, err := sh.settings()
	switch {
	case err != nil:
		return err
	case c.Table == "":
		return usage("the table's name is expected in RESEED_TABLE")
	case days < 1 || days > mostBackupDays:
		return usage("--backup-days is a number from 1 to %d", mostBackupDays)
	}
	at, err := cloud.Open(ctx)
	if err != nil {
		return err
	}
	made, err := at.MakeTable(ctx, c.Table, days)
	if err != nil {
		return err
	}
	if made.New {
		sh.printf("Made the table %s.\n", c.Table)
	} else {
		sh.printf("There is a table %s already, as Reseed needs it.\n", c.Table)
	}
	if !made.Backups {
		fprintf(sh.errOut, "reseed: this service has no point-in-time recovery: the table cannot be restored to an earlier time\n")
	}
	return nil
}
