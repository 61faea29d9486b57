package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"reseed/pkg/job"
)

// What can be done to an import that is planned or has been made.

func applyCommand(sh *shell) *cobra.Command {
	return sh.actCommand("apply", "Apply a planned import or undo", "0 done, 1 failed or cancelled, 2 usage, 3 done with rejects.", `Do exactly what a plan has shown. If rows that it changes, or customers and
invoices that its rows belong to, have changed since, if something new belongs to
what it removes, if external IDs of its rows have been given, moved or freed, or if
data of the source has been erased, nothing is written: make a new plan then.`)
}

func undoCommand(sh *shell) *cobra.Command {
	c := sh.actCommand("undo", "Take an import back", "0 done, 1 failed or cancelled, 2 usage, 3 done with rows left alone.", `Take an import back, row by row: what it added is removed, what it changed or
removed is put back as it was. Rows that something has touched since are left
alone, and so is what other rows depend on; "reseed jobs UNDO --rejects" lists
them (UNDO is the job of the undo). With --plan nothing is written: the report
shows what would go, what would come back, and what would stay and why; "reseed
apply UNDO" does exactly that. An undo can be undone. An import can be taken back
once: to try again, undo the undo first.`)
	var plan bool
	c.Flags().BoolVar(&plan, "plan", false, "only show what would go and come back, and what would stay")
	c.RunE = func(c *cobra.Command, args []string) error {
		return sh.with(c.Context(), func(cl *client) error { return sh.act(c.Context(), cl, args[0], "undo", plan) })
	}
	return c
}

func cancelCommand(sh *shell) *cobra.Command {
	return sh.actCommand("cancel", "Cancel an import that waits, runs, or is planned", "0 cancelled, 1 it had ended before, 2 usage.", `Cancel an import. What a running one has changed by then stays; "reseed undo
JOB" takes it back, and importing the same files again completes it.`)
}

func (sh *shell) actCommand(what, short, exits, long string) *cobra.Command {
	c := &cobra.Command{
		Use: what + " JOB", Short: short, Long: long + `

Exit status: ` + exits,
		Example: "  reseed " + what + " 0192f0c4a3b87c5e9d1f",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.with(c.Context(), func(cl *client) error { return sh.act(c.Context(), cl, args[0], what, false) })
		},
	}
	return sh.addJSONFlag(c)
}

func (sh *shell) act(ctx context.Context, cl *client, id, what string, plan bool) error {
	j, err := cl.act(ctx, id, what, plan)
	if err != nil {
		return err
	}
	if j, err = sh.wait(ctx, cl, j.ID); err != nil {
		return err
	}
	err = sh.showJob(ctx, cl, j)
	switch {
	case what != "cancel":
		return err
	case j.Status != job.Cancelled:
		return fmt.Errorf("too late to cancel: the job is %s", j.Status)
	}
	return nil
}
