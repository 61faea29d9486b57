package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// customerNames name a customer that a command is about: by its id, which is an argument, or by its
// source and external id.
type customerNames struct{ source, externalID string }

func (n *customerNames) addFlags(c *cobra.Command) {
	c.Args = n.check
	c.Flags().StringVar(&n.source, "source", "", "name or uuid of the customer's data source, with --external-id")
	c.Flags().StringVar(&n.externalID, "external-id", "", "the customer's id in its data source: no record of it need be stored")
}

// check checks that a customer is named by its id, or by its source and external id.
func (n *customerNames) check(_ *cobra.Command, args []string) error {
	switch byID := len(args) == 1; {
	case len(args) > 1, byID == (n.externalID != ""), byID == (n.source != ""):
		return usage("name the customer by its ID, or by --source and --external-id")
	}
	return nil
}

// wanted is the request for an export of the customer.
func (n *customerNames) wanted(ctx context.Context, sh *shell, cl *client.Client, args []string) (wire.CustomerExport, error) {
	if len(args) == 1 {
		return wire.CustomerExport{Customer: args[0]}, nil
	}
	src, err := sh.sourceNamed(ctx, cl, n.source)
	return wire.CustomerExport{Source: src.UUID, ExternalID: n.externalID}, err
}

func exportCustomerCommand(sh *shell) *cobra.Command {
	var names customerNames
	var o exportOptions
	c := &cobra.Command{
		Use:   "customer ID | --source NAME --external-id X",
		Short: "Write all that is known of one customer, for reading and for programs",
		Long: `Write all that is known of one customer into a ZIP with two files: customer.html to
read and print, and customer.json for programs (docs/FORMATS.md). In them are the
records of the customer, of all customers merged into it and of what belongs to them,
as people see them and as they were imported; who has changed what by hand, and when;
which files may name the customer; which erases concern it; and whether it is on the
do-not-reload list. What is being erased is not in it.

Without --out it is ID-DATE.zip in this folder. --out may also be a new or empty
folder for the files, or - for standard output, which gets the JSON. Nothing is
overwritten.

A customer of which only files, edits or erases may still say something has no record.
Name it by its source and external id.

Exit status: 0 done; 1 failed or cancelled; 2 usage.`,
		Example: `  reseed export customer cus_0007d3df-316e-85cd-9104-875a4096d98a
  reseed export customer --source Company --external-id C-1042 --out c-1042
  reseed export customer cus_0007d3df-316e-85cd-9104-875a4096d98a --out - | jq .customers`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := cmp.Or(o.checkPlace(sh.json), o.free()); err != nil {
				return err
			}
			limitMemory(exportMemory)
			return sh.with(c.Context(), func(cl *client.Client) error {
				want, err := names.wanted(c.Context(), sh, cl, args)
				if err != nil {
					return err
				}
				j, err := cl.ExportCustomer(c.Context(), want)
				if err != nil {
					return err
				}
				j, written, err := sh.finishExport(c.Context(), cl, j.ID, o)
				if err != nil {
					return err
				}
				return sh.reportExport(j, "customer "+j.Export.Customer, written)
			})
		},
	}
	names.addFlags(c)
	c.Flags().StringVar(&o.out, "out", "", "a new FILE.zip, a new or empty folder, or - for standard output")
	return sh.addJSONFlag(c)
}
