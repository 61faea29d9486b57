package chartmogul

import (
	"errors"
	"net/http"

	"reseed/pkg/httpapi"
	"reseed/pkg/records"
)

// problemE is error family E: the invoices of an import, each with its errors.
type problemE struct {
	Invoices []invoiceWire `json:"invoices"`
}

// importInvoices is POST /import/customers/:uuid/invoices: it stores all of the invoices or none.
func importInvoices(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := f.Require("invoices"); err != nil {
		return httpapi.Reply{}, err
	}
	list := f.List("invoices", maxInvoices)
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	a, made, err := c.Records.ImportInvoices(c.Context(), c.PathValue("uuid"), func() ([]*records.Draft, error) { return c.readDrafts(list) })
	if wrong, ok := errors.AsType[*records.RefusedError](err); ok {
		return httpapi.Reply{}, refusedDrafts(wrong)
	}
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusCreated, Body: httpapi.Listed{Name: "invoices", Elements: draftAnswers(a, made)}}, nil
}

// draftAnswers is what was stored, on the wire. Once the answer is half full, invoices come without
// line items and transactions.
func draftAnswers(a records.Account, drafts []*records.Draft) httpapi.Elements {
	out := httpapi.Elements{Most: len(drafts)}
	for _, d := range drafts {
		t := invoiceAnswer{&invoiceRow{Invoice: d.Invoice}, a, style{}}
		if was := out; !out.Add(t) || out.Size() > httpapi.MaxAnswer/2 {
			out = was
			t.dropParts()
			out.Add(t)
		}
	}
	return out
}

// refusedDrafts is the 422 of family E. No invoice is stored.
func refusedDrafts(wrong *records.RefusedError) error {
	out := make([]invoiceWire, len(wrong.Drafts))
	for i, d := range wrong.Drafts {
		row := &invoiceRow{Invoice: d.Invoice}
		out[i] = row.head(wrong.Account, row.Record, style{})
		out[i].UUID, out[i].Errors = nil, d.Errs
	}
	return &httpapi.Error{Status: http.StatusUnprocessableEntity, Body: problemE{out}}
}
