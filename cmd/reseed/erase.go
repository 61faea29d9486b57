package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"reseed/pkg/job"
)

type eraseOptions struct {
	plan bool
	yes  bool
}

func (o *eraseOptions) addFlags(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&o.plan, "plan", false, "only show what would go")
	c.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	return c
}

// erasePlan is the answer to a dry run.
type erasePlan struct {
	Selection string           `json:"selection"`
	Counts    map[string]int64 `json:"counts"`
}

func eraseCommand(sh *shell) *cobra.Command {
	var o eraseOptions
	c := &cobra.Command{
		Use:   "erase",
		Short: "Erase a source, all manual customers, or one customer",
		Long: `Erase a selection. What goes is shown first, with exact counts, and asked for.
From the yes on it is invisible to everybody; then it is physically removed.
Erasing can't be undone.`,
		Example: `  reseed erase source Company --plan
  reseed erase source Company --yes
  reseed erase manual-customers
  reseed erase customer cus_0007d3df-316e-85cd-9104-875a4096d98a`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usage("say what to erase: source NAME, manual-customers, or customer ID")
		},
	}
	src := &cobra.Command{
		Use: "source NAME", Short: "Erase a data source with everything in it", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return sh.eraseSource(c, args[0], o) },
	}
	manual := &cobra.Command{
		Use: "manual-customers", Short: "Erase all customers that came by file or by hand, in every source", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return sh.with(c.Context(), func(cl *client) error {
				return sh.runErase(c, cl, erasure{Selection: "manual-customers"}, "all manual customers", o)
			})
		},
	}
	customer := &cobra.Command{
		Use: "customer ID", Short: "Erase one customer with its invoices, contacts, events and edits", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.with(c.Context(), func(cl *client) error {
				return sh.runErase(c, cl, erasure{Selection: "customer", ID: args[0]}, "customer "+args[0], o)
			})
		},
	}
	for _, sub := range []*cobra.Command{src, manual, customer} {
		c.AddCommand(o.addFlags(sh.addJSONFlag(sub)))
	}
	return c
}

func (sh *shell) eraseSource(c *cobra.Command, name string, o eraseOptions) error {
	return sh.with(c.Context(), func(cl *client) error {
		s, ok, err := cl.sourceNamed(c.Context(), name)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("there is no data source %q; to see what there is: %s", name, sh.again("sources list"))
		}
		return sh.runErase(c, cl, erasure{Selection: "source", ID: s.UUID}, "data source "+s.Name, o)
	})
}

func (sh *shell) runErase(c *cobra.Command, cl *client, e erasure, what string, o eraseOptions) error {
	ctx := c.Context()
	var plan erasePlan
	dry := e
	dry.DryRun = true
	if err := cl.erase(ctx, dry, &plan); err != nil {
		return err
	}
	if o.plan && sh.json {
		return sh.show(plan, "")
	}
	if !sh.json {
		sh.printf("Erasing %s removes:\n", what)
		sh.printCounts(plan.Counts, "")
		if len(plan.Counts) == 0 {
			sh.printf("  nothing: it is empty\n")
		}
	}
	if o.plan {
		return nil
	}
	if !o.yes && !sh.confirmed(what) {
		return &exitError{exitFailed, fmt.Errorf("nothing was erased")}
	}
	var j job.Job
	if err := cl.erase(ctx, e, &j); err != nil {
		return err
	}
	done, err := sh.wait(ctx, cl, j.ID)
	if err != nil {
		return err
	}
	return sh.showJob(ctx, cl, done)
}

// confirmed asks a person. Without one, --yes is the answer that counts.
func (sh *shell) confirmed(what string) bool {
	if !sh.onTerminal() {
		_, _ = fmt.Fprintln(sh.errOut, "reseed: no terminal to ask on; say --yes to erase")
		return false
	}
	return sh.asked("Erase " + what + "? This can't be undone.")
}

func (sh *shell) onTerminal() bool { return term.IsTerminal(int(os.Stdin.Fd())) }

// asked puts a question that only a whole yes answers.
func (sh *shell) asked(question string) bool {
	_, _ = fmt.Fprintf(sh.errOut, "%s Type yes: ", question)
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	return strings.EqualFold(strings.TrimSpace(line), "yes")
}
