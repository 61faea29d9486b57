package chartmogul

import (
	"net/http"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/eraser"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// textTransition is what an invoice's status is not set to by its route.
const textTransition = "Status transition is not allowed"

type messageWire struct {
	Message string `json:"message"`
	Invoice any    `json:"invoice,omitempty"`
}

// namedInvoice reads the invoice that the path or the query names. It may be disabled.
func (c *call) namedInvoice() (account, *invoiceRow, error) {
	if id := c.PathValue("uuid"); id != "" {
		return there(c.invoice(id))
	}
	source, ext, err := c.externalID()
	if err != nil {
		return account{}, nil, err
	}
	return c.externalInvoice(source, ext)
}

// externalID reads how a record is named by a query.
func (c *call) externalID() (source, ext string, err error) {
	for _, name := range []string{"data_source_uuid", "external_id"} {
		if c.param(name) == "" {
			return "", "", missing(name)
		}
	}
	return c.param("data_source_uuid"), c.param("external_id"), nil
}

// externalInvoice reads an invoice by its external id.
func (c *call) externalInvoice(source, ext string) (account, *invoiceRow, error) {
	return there(c.invoiceAt(func(d *store.Directory) (store.Source, store.H, error) {
		src, ok := d.ByUUID(source)
		if !ok {
			return src, store.H{}, absent(whatSource)
		}
		return src, d.Hasher().InvoiceH(ext), nil
	}))
}

// there refuses an invoice that a person has deleted.
func there(a account, row *invoiceRow, err error) (account, *invoiceRow, error) {
	if err == nil && row.deleted() {
		return a, nil, absent(whatInvoice)
	}
	return a, row, err
}

func (c *call) invoiceForm() form {
	return form{
		open:  []string{attrDate, "due_date", "currency", "status", "collection_method"},
		fixed: []string{"external_id", "customer_external_id"},
		read:  func(f *fields) (billing.Record, error) { return c.readInvoice(f), nil },
	}
}

// patchInvoice is PATCH /invoices/:uuid and /invoices?data_source_uuid&external_id.
func patchInvoice(c *call) (reply, error) {
	body, err := c.changing()
	if err != nil {
		return reply{}, err
	}
	return c.changedInvoice(c.namedInvoice, func(a account, row *invoiceRow) (change, error) {
		return c.invoiceForm().patch(body, row.stored, row.told(a))
	})
}

// changedInvoice makes a change of an invoice and answers with it.
func (c *call) changedInvoice(
	find func() (account, *invoiceRow, error), what func(account, *invoiceRow) (change, error),
) (ans reply, err error) {
	return ans, c.settled(func() error {
		a, row, err := find()
		if err != nil {
			return err
		}
		ch, err := what(a, row)
		if err != nil {
			return err
		}
		if err := c.apply(a, &row.stored, ch); err != nil {
			return err
		}
		ans, err = c.oneInvoice(a, row)
		return err
	})
}

// disableInvoice is PATCH /invoices/:uuid/disabled_state and /invoices/disabled_state?data_source_uuid&external_id.
func disableInvoice(c *call) (ans reply, err error) {
	disabled, err := c.disabling()
	if err != nil {
		return reply{}, err
	}
	return ans, c.settled(func() error {
		a, row, err := c.namedInvoice()
		if err != nil {
			return err
		}
		if err := c.disable(a, &row.stored, disabled); err != nil {
			return err
		}
		ans, err = c.oneInvoice(a, row)
		return err
	})
}

// deleteInvoice is DELETE /invoices/:uuid and /invoices?data_source_uuid&external_id: with its line items and transactions.
func deleteInvoice(c *call) (reply, error) {
	asEdit, err := c.deleting()
	if err != nil {
		return reply{}, err
	}
	if asEdit {
		return reply{status: http.StatusNoContent}, c.settled(func() error {
			a, row, err := c.namedInvoice()
			if err != nil {
				return err
			}
			return c.deleteAsEdit(a, row.stored)
		})
	}
	_, row, err := c.namedInvoice()
	if err != nil {
		return reply{}, err
	}
	return c.erased(eraser.Selection{Kind: eraser.Invoice, Source: row.src.UUID, H: row.h})
}

// setInvoiceStatus is PUT /data_sources/:uuid/invoices/:id/status, where id is the invoice's external id.
func setInvoiceStatus(c *call) (reply, error) {
	body, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := body.require("status"); err != nil {
		return reply{}, err
	}
	status := strings.ToLower(body.text("status"))
	if status != "voided" && status != "written_off" {
		return reply{}, &failure{status: http.StatusUnprocessableEntity, body: messageWire{Message: textTransition}}
	}
	ans, err := c.changedInvoice(func() (account, *invoiceRow, error) {
		return c.externalInvoice(c.PathValue("uuid"), c.PathValue("id"))
	}, func(account, *invoiceRow) (change, error) {
		return change{want: table.NewBuilder().Str("status", status).Attrs(), attrs: []string{"status"}}, nil
	})
	if ans.body != nil {
		ans.body = messageWire{"Invoice updated", ans.body}
	}
	return ans, err
}
