package chartmogul

import (
	"errors"
	"net/http"

	"reseed/pkg/records"
)

// problemE is error family E: each invoice of an import with its own errors.
type problemE struct {
	Invoices []invoiceWire `json:"invoices"`
}

// importInvoices is POST /import/customers/:uuid/invoices: all of them or none.
func importInvoices(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("invoices"); err != nil {
		return reply{}, err
	}
	list := f.list("invoices", maxInvoices)
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	a, made, err := c.Records.ImportInvoices(c.Context(), c.PathValue("uuid"), func() ([]*records.Draft, error) { return c.readDrafts(list) })
	if wrong, ok := errors.AsType[*records.RefusedError](err); ok {
		return reply{}, refusedDrafts(wrong)
	}
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, body: listed{name: "invoices", elements: draftsTold(a, made)}}, nil
}

// draftsTold spells what was stored: with their line items and transactions as long as there is room for those.
func draftsTold(a records.Account, drafts []*records.Draft) elements {
	out := elements{most: len(drafts)}
	for _, d := range drafts {
		t := told{&invoiceRow{Invoice: d.Invoice}, a, style{}}
		if was := out; !out.add(t) || len(out.text) > maxAnswer/2 {
			out = was
			t.behead()
			out.add(t)
		}
	}
	return out
}

// refusedDrafts is the 422 of family E: every invoice with its own errors, none stored.
func refusedDrafts(wrong *records.RefusedError) error {
	out := make([]invoiceWire, len(wrong.Drafts))
	for i, d := range wrong.Drafts {
		row := &invoiceRow{Invoice: d.Invoice}
		out[i] = row.head(wrong.Account, row.Record, style{})
		out[i].UUID, out[i].Errors = nil, d.Errs
	}
	return &failure{status: http.StatusUnprocessableEntity, body: problemE{out}}
}
