package chartmogul

import (
	"net/http"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/eraser"
	"reseed/pkg/records"
	"reseed/pkg/table"
)

// textTransition is what an invoice's status is not set to by its route.
const textTransition = "Status transition is not allowed"

type messageWire struct {
	Message string `json:"message"`
	Invoice any    `json:"invoice,omitempty"`
}

// named is the record that the path or the query names.
func (c *call) named() (records.Name, error) {
	if id := c.PathValue("uuid"); id != "" {
		return records.Name{ID: id}, nil
	}
	for _, name := range []string{"data_source_uuid", "external_id"} {
		if c.param(name) == "" {
			return records.Name{}, missing(name)
		}
	}
	return records.Name{Source: c.param("data_source_uuid"), ExternalID: c.param("external_id")}, nil
}

func (c *call) invoiceForm() form {
	return form{
		open:  []string{records.AttrDate, "due_date", "currency", "status", "collection_method"},
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
	name, err := c.named()
	if err != nil {
		return reply{}, err
	}
	a, inv, err := c.Records.ChangeInvoice(c.Context(), name, c.author, func(a records.Account, inv *records.Invoice) (records.Change, error) {
		return c.invoiceForm().patch(body, inv.Stored, (&invoiceRow{Invoice: inv}).told(a))
	})
	if err != nil {
		return reply{}, err
	}
	return c.oneInvoice(a, inv)
}

// disableInvoice is PATCH /invoices/:uuid/disabled_state and /invoices/disabled_state?data_source_uuid&external_id.
func disableInvoice(c *call) (reply, error) {
	disabled, err := c.disabling()
	if err != nil {
		return reply{}, err
	}
	name, err := c.named()
	if err != nil {
		return reply{}, err
	}
	a, inv, err := c.Records.DisableInvoice(c.Context(), name, c.author, disabled)
	if err != nil {
		return reply{}, err
	}
	return c.oneInvoice(a, inv)
}

// deleteInvoice is DELETE /invoices/:uuid and /invoices?data_source_uuid&external_id: with its line items and transactions.
func deleteInvoice(c *call) (reply, error) {
	asEdit, err := c.deleting()
	if err != nil {
		return reply{}, err
	}
	name, err := c.named()
	if err != nil {
		return reply{}, err
	}
	if asEdit {
		return reply{status: http.StatusNoContent}, c.Records.HideInvoice(c.Context(), name, c.author)
	}
	_, inv, err := c.Records.Invoice(c.Context(), name)
	if err != nil {
		return reply{}, err
	}
	if inv.Deleted() {
		return reply{}, records.Absent(records.WhatInvoice)
	}
	return c.erased(eraser.Selection{Kind: eraser.Invoice, Source: inv.Source.UUID, H: inv.H})
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
	name := records.Name{Source: c.PathValue("uuid"), ExternalID: c.PathValue("id")}
	a, inv, err := c.Records.ChangeInvoice(c.Context(), name, c.author, func(records.Account, *records.Invoice) (records.Change, error) {
		return records.Change{Want: table.NewBuilder().Str("status", status).Attrs(), Attrs: []string{"status"}}, nil
	})
	if err != nil {
		return reply{}, err
	}
	ans, err := c.oneInvoice(a, inv)
	if err != nil {
		return reply{}, err
	}
	ans.body = messageWire{"Invoice updated", ans.body}
	return ans, nil
}
