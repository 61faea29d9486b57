package chartmogul

import (
	"net/http"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/table"
)

// textTransition is the error about a status that the status route does not set.
const textTransition = "Status transition is not allowed"

type messageWire struct {
	Message string `json:"message"`
	Invoice any    `json:"invoice,omitempty"`
}

// named is the name of the record that the path or the query names.
func (c *call) named() (records.Name, error) {
	if id := c.PathValue("uuid"); id != "" {
		return records.Name{ID: id}, nil
	}
	for _, name := range []string{"data_source_uuid", "external_id"} {
		if c.Param(name) == "" {
			return records.Name{}, httpapi.Missing(name)
		}
	}
	return records.Name{Source: c.Param("data_source_uuid"), ExternalID: c.Param("external_id")}, nil
}

func (c *call) invoiceForm() form {
	return form{
		open:  []string{records.AttrDate, "due_date", "currency", "status", "collection_method"},
		fixed: []string{"external_id", "customer_external_id"},
		read:  func(f *httpapi.Fields) (billing.Record, error) { return c.readInvoice(f), nil },
	}
}

// patchInvoice is PATCH /invoices/:uuid and /invoices?data_source_uuid&external_id.
func patchInvoice(c *call) (httpapi.Reply, error) {
	body, err := c.changing()
	if err != nil {
		return httpapi.Reply{}, err
	}
	name, err := c.named()
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, inv, err := c.Records.ChangeInvoice(c.Context(), name, c.Author, func(a records.Account, inv *records.Invoice) (records.Change, error) {
		return c.invoiceForm().patch(body, inv.Stored, (&invoiceRow{Invoice: inv}).wireWith(a))
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	return c.oneInvoice(a, inv)
}

// disableInvoice is PATCH /invoices/:uuid/disabled_state and
// /invoices/disabled_state?data_source_uuid&external_id.
func disableInvoice(c *call) (httpapi.Reply, error) {
	disabled, err := c.disabling()
	if err != nil {
		return httpapi.Reply{}, err
	}
	name, err := c.named()
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, inv, err := c.Records.DisableInvoice(c.Context(), name, c.Author, disabled)
	if err != nil {
		return httpapi.Reply{}, err
	}
	return c.oneInvoice(a, inv)
}

// deleteInvoice is DELETE /invoices/:uuid and /invoices?data_source_uuid&external_id: an invoice
// with its line items and transactions.
func deleteInvoice(c *call) (httpapi.Reply, error) {
	asEdit, err := c.deleting()
	if err != nil {
		return httpapi.Reply{}, err
	}
	name, err := c.named()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if asEdit {
		return httpapi.Reply{Status: http.StatusNoContent}, c.Records.HideInvoice(c.Context(), name, c.Author)
	}
	_, inv, err := c.Records.Invoice(c.Context(), name)
	if err != nil {
		return httpapi.Reply{}, err
	}
	if inv.Deleted() {
		return httpapi.Reply{}, records.Absent(records.WhatInvoice)
	}
	return c.Erase(c.Call, Selection{Kind: eraseInvoice, Source: inv.Source.UUID, H: inv.H})
}

// setInvoiceStatus is PUT /data_sources/:uuid/invoices/:id/status, where id is the invoice's
// external id.
func setInvoiceStatus(c *call) (httpapi.Reply, error) {
	body, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := body.Require("status"); err != nil {
		return httpapi.Reply{}, err
	}
	status := strings.ToLower(body.Text("status"))
	if status != "voided" && status != "written_off" {
		return httpapi.Reply{}, &httpapi.Error{Status: http.StatusUnprocessableEntity, Body: messageWire{Message: textTransition}}
	}
	name := records.Name{Source: c.PathValue("uuid"), ExternalID: c.PathValue("id")}
	a, inv, err := c.Records.ChangeInvoice(c.Context(), name, c.Author, func(records.Account, *records.Invoice) (records.Change, error) {
		return records.Change{Want: table.NewBuilder().Str("status", status).Attrs(), Attrs: []string{"status"}}, nil
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	ans, err := c.oneInvoice(a, inv)
	if err != nil {
		return httpapi.Reply{}, err
	}
	ans.Body = messageWire{"Invoice updated", ans.Body}
	return ans, nil
}
