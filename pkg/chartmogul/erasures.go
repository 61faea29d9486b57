package chartmogul

import (
	"net/http"
	"slices"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
)

// planOfErasure is the answer to a dry run: what would go, counted by kind.
type planOfErasure struct {
	Selection  string           `json:"selection"`
	Source     string           `json:"source,omitempty"`
	SourceName string           `json:"source_name,omitempty"`
	Counts     map[string]int64 `json:"counts"`   // records and edits
	Pointers   map[string]int64 `json:"pointers"` // what they are found by
	Notes      []string         `json:"notes"`
}

// erased makes a selection invisible and answers like every DELETE. What
// vanished between the look and the erase is as gone as it was asked to be.
func (c *call) erased(sel eraser.Selection) (reply, error) {
	_, err := c.Erase.Start(c.Context(), sel)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}

// deleteSource is DELETE /data_sources/:uuid: the source and everything in it.
func deleteSource(c *call) (reply, error) {
	s, err := c.source()
	if err != nil {
		return reply{}, err
	}
	return c.erased(eraser.Selection{Kind: eraser.Source, Source: s.UUID})
}

// deleteCustomer is DELETE /customers/:uuid: the customer and all that hangs on it. What was merged into it goes
// first: so when something comes between, the customer is still there to be deleted.
func deleteCustomer(c *call) (reply, error) {
	_, row, err := c.customer(c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	for _, m := range slices.Backward(row.group) {
		if _, err := c.erased(eraser.Selection{Kind: eraser.Customer, Source: m.Source.UUID, H: m.H}); err != nil {
			return reply{}, err
		}
	}
	return reply{status: http.StatusNoContent}, nil
}

// createErasure is POST /v1/erasures: a plan with dry_run, else a job.
func createErasure(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("selection"); err != nil {
		return reply{}, err
	}
	f.only("selection", "id", "dry_run") // a misspelt dry_run must not erase
	what, id, dry := f.text("selection"), f.text("id"), f.truth("dry_run")
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	sel, err := c.selection(what, id)
	if err != nil {
		return reply{}, err
	}
	if dry {
		return c.planned(sel)
	}
	j, err := c.Erase.Start(c.Context(), sel)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusAccepted, body: jobWireOf(j)}, nil
}

// selection reads what to erase. Nothing, or something unknown, is never "everything".
func (c *call) selection(what, id string) (eraser.Selection, error) {
	switch kind := eraser.Kind(what); kind {
	case eraser.ManualCustomers:
		if id != "" {
			return eraser.Selection{}, refused(map[string]string{"id": "must not be given: all manual customers are meant"})
		}
		return eraser.Selection{Kind: kind}, nil
	case eraser.Source, eraser.Customer, eraser.Invoice:
		if id == "" {
			return eraser.Selection{}, missing("id")
		}
		return c.selected(kind, id)
	}
	return eraser.Selection{}, refused(map[string]string{"selection": "must be one of: source, manual-customers, customer, invoice"})
}

func (c *call) selected(kind eraser.Kind, id string) (eraser.Selection, error) {
	switch kind {
	case eraser.Customer:
		_, m, err := c.member(id) // a part of a merged customer can be erased by itself
		if err != nil {
			return eraser.Selection{}, err
		}
		return eraser.Selection{Kind: kind, Source: m.Source.UUID, H: m.H}, nil
	case eraser.Invoice:
		_, row, err := c.invoice(id)
		if err != nil {
			return eraser.Selection{}, err
		}
		return eraser.Selection{Kind: kind, Source: row.src.UUID, H: row.h}, nil
	case eraser.Source, eraser.ManualCustomers:
	}
	a, err := c.account()
	if err != nil {
		return eraser.Selection{}, err
	}
	if _, ok := a.ByUUID(id); !ok {
		return eraser.Selection{}, absent(whatSource)
	}
	return eraser.Selection{Kind: kind, Source: id}, nil
}

func (c *call) planned(sel eraser.Selection) (reply, error) {
	p, err := c.Erase.Plan(c.Context(), sel)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: planOfErasure{
		Selection: string(p.Kind), Source: p.Source, SourceName: p.SourceName, Counts: p.Removes, Pointers: p.Pointers, Notes: p.Notes,
	}}, nil
}

// getErasure is GET /v1/erasures/:id.
func getErasure(c *call) (reply, error) { return c.oneJob(job.Erase) }
