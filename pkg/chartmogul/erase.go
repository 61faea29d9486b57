package chartmogul

import (
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
)

// deleteSource is DELETE /data_sources/:uuid: the source and everything in it.
func deleteSource(c *call) (httpapi.Reply, error) { return c.deleteOfSource(eraseSource) }

// emptySource is DELETE /data_sources/:uuid/all: everything in the source, which stays, with its
// uuid.
func emptySource(c *call) (httpapi.Reply, error) { return c.deleteOfSource(eraseContent) }

// purgeSource is DELETE /data_sources/:uuid/dependent: everything but the source, its customers and
// their contacts.
func purgeSource(c *call) (httpapi.Reply, error) { return c.deleteOfSource(eraseDependent) }

func (c *call) deleteOfSource(kind string) (httpapi.Reply, error) {
	s, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	return c.Erase(c.Call, Selection{Kind: kind, Source: s.UUID})
}

// deleteCustomer is DELETE /customers/:uuid: the customer and all that belongs to it.
func deleteCustomer(c *call) (httpapi.Reply, error) {
	_, row, err := c.Records.Customer(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	return c.Erase(c.Call, Selection{Kind: eraseCustomer, Source: row.Source.UUID, H: row.H})
}

// deleteCustomerInvoices is DELETE /data_sources/:uuid/customers/:customer/invoices: the invoices
// in this source of the customer and all that were merged into it; with customer_external_id only
// the invoices of that source customer.
func deleteCustomerInvoices(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, row, err := c.Records.Customer(c.Context(), c.PathValue("customer"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	ext, found := c.Param("customer_external_id"), false
	var ans httpapi.Reply
	for _, m := range row.Group {
		if m.Tag != src.Tag || ext != "" && m.H != a.Hash.CustomerH(ext) {
			continue
		}
		found = true
		if ans, err = c.Erase(c.Call, Selection{Kind: eraseCustomerInvoices, Source: src.UUID, H: m.H}); err != nil {
			return httpapi.Reply{}, err
		}
	}
	if !found {
		return httpapi.Reply{}, httpapi.Absent(records.WhatCustomer)
	}
	return ans, nil
}
