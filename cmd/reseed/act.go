package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// This file has the commands that act on an import: apply, undo and cancel.

func applyCommand(sh *shell) *cobra.Command {
	return sh.actCommand("apply", "Apply a planned import or undo", "0 done, 1 failed or cancelled, 2 usage, 3 done with rejects.", `Do exactly what a plan has shown. If rows that it changes, or customers and
invoices that its rows belong to, have changed since, if something new belongs to
what it removes, if external IDs of its rows have been given, moved or freed, or if
data of the source has been erased, nothing is written: make a new plan then.`, (*client.Client).Apply)
}

func undoCommand(sh *shell) *cobra.Command {
	var plan bool
	var mail tellFlag
	c := sh.actCommand("undo", "Take an import back", "0 done, 1 failed or cancelled, 2 usage, 3 done with rows left alone.", `Take an import back, row by row: what it added is removed, what it changed or
removed is put back as it was. Rows that something has touched since are left
alone, and so is what other rows depend on; "reseed jobs UNDO --rejects" lists
them (UNDO is the job of the undo). With --plan nothing is written: the report
shows what would go, what would come back, and what would stay and why; "reseed
apply UNDO" does exactly that. An undo can be undone. An import can be taken back
once: to try again, undo the undo first.`, func(cl *client.Client, ctx context.Context, id string) (*wire.Job, error) {
		return cl.UndoWith(ctx, id, wire.UndoOptions{Plan: plan, Mail: mail.wire()})
	})
	mail.addTo(c)
	c.Flags().BoolVar(&plan, "plan", false, "only show what would go and come back, and what would stay")
	return c
}

func cancelCommand(sh *shell) *cobra.Command {
	c := sh.actCommand("cancel", "Cancel an import that waits, runs, or is planned, or an export", "0 cancelled, 1 it had ended before, 2 usage.", `Cancel an import. What a running one has changed by then stays; "reseed undo
JOB" takes it back, and importing the same files again completes it. A cancelled
export leaves no file.`, (*client.Client).Cancel)
	c.RunE = func(c *cobra.Command, args []string) error {
		return sh.with(c.Context(), func(cl *client.Client) error { return sh.cancel(c.Context(), cl, args[0]) })
	}
	return c
}

// verb does something to an import, and returns the job, which may still be running.
type verb func(cl *client.Client, ctx context.Context, id string) (*wire.Job, error)

func (sh *shell) actCommand(what, short, exits, long string, do verb) *cobra.Command {
	c := &cobra.Command{
		Use: what + " JOB", Short: short, Long: long + `

Exit status: ` + exits,
		Example: "  reseed " + what + " 0192f0c4a3b87c5e9d1f",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.with(c.Context(), func(cl *client.Client) error { return sh.act(c.Context(), cl, do, args[0]) })
		},
	}
	return sh.addJSONFlag(c)
}

// act does something to an import, waits for the job to end, and shows how it ended.
func (sh *shell) act(ctx context.Context, cl *client.Client, do verb, id string) error {
	j, err := do(cl, ctx, id)
	if err != nil {
		return err
	}
	if j, err = sh.wait(ctx, cl, j.ID); err != nil {
		return err
	}
	return sh.showJob(ctx, cl, j)
}

// cancelOf is what cancels a job. An export that is done stays as it is.
func cancelOf(j *wire.Job) verb {
	if j.Kind == wire.Export && !j.Status.Ended() {
		return (*client.Client).DropExport
	}
	return (*client.Client).Cancel
}

func (sh *shell) cancel(ctx context.Context, cl *client.Client, id string) error {
	j, err := cl.Job(ctx, id)
	if err != nil {
		return err
	}
	if j, err = cancelOf(j)(cl, ctx, id); err != nil {
		return err
	}
	if j, err = sh.wait(ctx, cl, j.ID); err != nil {
		return err
	}
	_ = sh.showJob(ctx, cl, j) // its exit status calls a cancelled job a failure, but here it is what was asked for
	if j.Status != wire.Cancelled {
		return fmt.Errorf("too late to cancel: the job is %s", j.Status)
	}
	return nil
}
