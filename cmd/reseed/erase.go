package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

type eraseOptions struct {
	plan   bool
	yes    bool
	grace  string
	forget bool
	reason string
	keep   bool
	export string // where an export is written first; empty means that there is to be none
	mail   tellFlag

	customerNames
}

func (o *eraseOptions) addFlags(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&o.plan, "plan", false, "only show what would go, and what stays")
	c.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	c.Flags().StringVar(&o.export, "export", "", "first export what goes to a new FILE.zip or folder; nothing is erased unless that is whole")
	c.Flags().StringVar(&o.reason, "reason", "", "why, in words for the receipt, which is kept: name no people")
	o.mail.addTo(c)
	c.Flags().StringVar(&o.grace, "grace", "", "how long the erase can be restored, such as 72h (default: what the settings of the account say, or else RESEED_GRACE)")
	return c
}

func (o *eraseOptions) addKeepEdits(c *cobra.Command, byDefault bool) {
	c.Flags().BoolVar(&o.keep, "keep-edits", byDefault,
		"keep what people did to the rows by hand: it shows again when the same external ids return")
}

// eraseKind is one subcommand of erase.
type eraseKind struct {
	kind  string // of selection: wire.Select…
	use   string
	short string
	what  string // what the question calls the selection, before the argument
}

// kindsOfErase are the selections that the command can erase.
func kindsOfErase() []eraseKind {
	return []eraseKind{
		{wire.SelectSource, "source NAME", "Erase a data source with everything in it", "data source "},
		{wire.SelectContent, "content NAME", "Empty a data source, which stays, with its id", "everything in data source "},
		{wire.SelectDependent, "dependent NAME", "Erase the plans, invoices and events of a data source; its customers and their contacts stay", "everything but customers and contacts of data source "},
		{wire.SelectManualCustomers, "manual-customers", "Erase all customers that came in a file or were entered by hand (not those made over the API), in every source", "all manual customers"},
		{wire.SelectCustomer, "customer ID | --source NAME --external-id X", "Erase one customer, with the customers merged into it, its invoices, contacts, events and edits", "customer "},
		{wire.SelectCustomerInvoices, "invoices CUSTOMER-ID", "Erase all invoices that a customer has in one source", "all invoices of customer "},
		{wire.SelectInvoice, "invoice ID", "Erase one invoice with its line items and transactions", "invoice "},
		{wire.SelectImport, "import JOB", "Erase the rows that one import added (undo takes back its changes, too)", "what was added by import "},
	}
}

func eraseCommand(sh *shell) *cobra.Command {
	c := &cobra.Command{
		Use:   "erase",
		Short: "Erase a source, its content, all manual customers, one customer, invoices, or what an import added",
		Long: `Erase a selection. The command first shows what goes and what stays, with exact counts,
and asks for a yes. From then on the selection is invisible to everybody. Then it is
physically removed, and at the end there is a receipt. With --grace the erase can be
restored until the removal begins: "reseed restore JOB". After that, it can't be undone.

The plan says whether what goes was exported since it changed last. --export FILE makes
an export first, reads it back, and erases only if nothing has changed meanwhile. Of a
customer and its invoices it is all that is known of the customer ("reseed export
customer"). Of everything else it is each data source concerned, as NDJSON, which holds
every value and which "reseed import" takes; FILE is a folder for manual-customers.

A customer of which only files, rejects or edits may still say something has no id. Name it
by its source and external id.`,
		Example: `  reseed erase source Company --plan
  reseed erase source Company --yes
  reseed erase content Company --grace 72h
  reseed erase source Company --export company.zip
  reseed erase manual-customers
  reseed erase customer cus_0007d3df-316e-85cd-9104-875a4096d98a --forget
  reseed erase customer --source Company --external-id C-1042 --forget`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usage("say what to erase: source NAME, content NAME, dependent NAME, manual-customers, customer ID, invoices CUSTOMER-ID, invoice ID, or import JOB")
		},
	}
	for _, k := range kindsOfErase() {
		c.AddCommand(sh.eraseOne(k))
	}
	return c
}

// eraseOne is the subcommand of one kind of selection.
func (sh *shell) eraseOne(k eraseKind) *cobra.Command {
	var o eraseOptions
	c := &cobra.Command{Use: k.use, Short: k.short, Args: cobra.ExactArgs(1)}
	switch k.kind {
	case wire.SelectManualCustomers:
		c.Args = cobra.NoArgs
	case wire.SelectCustomer:
		o.customerNames.addFlags(c)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.checkExport(k.kind); err != nil {
			return err
		}
		limitMemory(eraseMemory)
		e := wire.Erasure{Selection: k.kind, Source: o.source, ExternalID: o.externalID, Grace: o.grace, Forget: o.forget, Reason: o.reason, Mail: o.mail.wire()}
		if c.Flags().Changed("keep-edits") {
			e.KeepEdits = &o.keep
		}
		what := k.what + strings.Join(args, "")
		switch {
		case len(args) == 0 && o.externalID != "":
			what += "with this external id in data source " + o.source // the id stays out of logs of the output
		case len(args) == 0:
		case k.kind == wire.SelectSource, k.kind == wire.SelectContent, k.kind == wire.SelectDependent:
			e.Source = args[0]
		default:
			e.ID = args[0]
		}
		return sh.with(c.Context(), func(cl *client.Client) error { return sh.runErase(c, cl, e, what, o) })
	}
	switch k.kind {
	case wire.SelectContent, wire.SelectDependent:
		o.addKeepEdits(c, true)
	case wire.SelectCustomerInvoices, wire.SelectInvoice, wire.SelectImport:
		o.addKeepEdits(c, false)
	case wire.SelectCustomer:
		c.Flags().BoolVar(&o.forget, "forget", false, "put the customer on the do-not-reload list: later imports reject its rows")
	case wire.SelectSource, wire.SelectManualCustomers:
	}
	return o.addFlags(sh.addJSONFlag(c))
}

func (sh *shell) runErase(c *cobra.Command, cl *client.Client, e wire.Erasure, what string, o eraseOptions) error {
	ctx := c.Context()
	if e.Source != "" {
		s, err := sh.sourceNamed(ctx, cl, e.Source)
		if err != nil {
			return err
		}
		e.Source = s.UUID
	}
	plan, err := cl.PlanErase(ctx, e)
	if err != nil {
		return err
	}
	if o.plan && sh.json {
		return sh.show(plan, "")
	}
	if !sh.json {
		sh.printErasePlan(what, plan)
	}
	if o.plan {
		return nil
	}
	if !o.yes && !sh.confirmed(what, o.export, plan.Grace > 0) {
		return &exitError{exitFailed, fmt.Errorf("nothing was erased")}
	}
	if o.export != "" {
		if err := sh.exportFirst(ctx, cl, e, plan, o.export); err != nil {
			return &exitError{exitFailed, fmt.Errorf("nothing was erased: %w", err)}
		}
	}
	total := plan.Total()
	e.Confirm = &total
	j, err := cl.Erase(ctx, e)
	if err != nil {
		return err
	}
	return sh.waitErased(c, cl, j)
}

func (sh *shell) printErasePlan(what string, p *wire.ErasePlan) {
	sh.printf("Erasing %s removes:\n", what)
	sh.printCounts(p.Removes, "")
	if n := p.Pointers.Total(); n > 0 {
		sh.printf("  %8d  pointers to them\n", n)
	}
	if p.Total() == 0 {
		sh.printf("  no record, edit or pointer\n")
	}
	for _, text := range p.Notes {
		sh.printf("%s\n", text)
	}
	sh.printf("What stays:\n")
	for _, text := range p.Survives {
		sh.printf("  %s\n", text)
	}
	if p.Total() > 0 {
		sh.printf("About %.0f write units, $%.4f on DynamoDB (%s).\n", p.WriteUnits, p.Dollars, p.PricesOf)
	}
	for _, x := range p.Exports {
		sh.printf("%s\n", x.Says)
	}
	if p.Grace > 0 {
		sh.printf("It can be restored for %s.\n", time.Duration(p.Grace*float64(time.Second)))
	}
}

// waitErased waits for the end of an erase and shows it. An erase in its grace period is shown at
// once: nothing more happens until the period is over.
func (sh *shell) waitErased(c *cobra.Command, cl *client.Client, j *wire.Job) error {
	ctx := c.Context()
	if j.Status != wire.Grace {
		done, err := sh.wait(ctx, cl, j.ID)
		if err != nil {
			return err
		}
		j = done
	}
	if err := sh.showJob(ctx, cl, j); err != nil || sh.json {
		return err
	}
	if j.Status == wire.Done {
		sh.printf("Seen gone. The receipt: %s\n", sh.again("receipts %s", j.ID))
	}
	return nil
}

// confirmed asks on the terminal whether to erase. Without a terminal the answer is no.
func (sh *shell) confirmed(what, export string, restorable bool) bool {
	if !sh.onTerminal() {
		_, _ = fmt.Fprintln(sh.errOut, "reseed: no terminal to ask on; say --yes to erase")
		return false
	}
	question := "Erase " + what + "?"
	if export != "" {
		question += " First it is exported to " + export + "."
	}
	if !restorable {
		question += " This can't be undone."
	}
	return sh.asked(question)
}

func (sh *shell) onTerminal() bool { return term.IsTerminal(int(os.Stdin.Fd())) }

// asked asks a question on the terminal. Only the whole word yes is a yes.
func (sh *shell) asked(question string) bool {
	fprintf(sh.errOut, "%s Type yes: ", question)
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	return strings.EqualFold(strings.TrimSpace(line), "yes")
}

func restoreCommand(sh *shell) *cobra.Command {
	var mail tellFlag
	c := &cobra.Command{
		Use:   "restore JOB",
		Short: "Bring back what an erase has hidden, while its grace period lasts",
		Long: `Bring back what an erase has hidden. It is all visible again at once. That is possible
until the erase's grace period is over and the removal begins. A source that was emptied
and has been filled again must be erased first.`,
		Example: "  reseed restore 0192f0c4a3b87c5e9d1f",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.with(c.Context(), func(cl *client.Client) error {
				j, err := cl.RestoreWith(c.Context(), args[0], wire.RestoreOptions{Mail: mail.wire()})
				if err != nil {
					return err
				}
				return sh.showJob(c.Context(), cl, j)
			})
		},
	}
	mail.addTo(c)
	return sh.addJSONFlag(c)
}
