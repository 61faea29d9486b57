package chartmogul

import (
	"bytes"
	"io"
	"net/http"

	"reseed/pkg/app"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/records"
)

// confirmation of an erase: how many items its plan has counted.
const textMoved = "The selection holds %d items now, not %d as confirmed. Nothing was erased; look at the plan again."

// erased answers a DELETE of ChartMogul's API: it makes a selection invisible, or only tells what would go if
// dry_run is asked for. What vanished between the look and the erase is as gone as it was asked to be.
func (c *call) erased(sel eraser.Selection) (reply, error) {
	opt := eraser.Options{By: c.author, Forget: c.flag("forget")}
	if v := c.param("keep_edits"); v != "" {
		keep := c.flag("keep_edits")
		opt.KeepEdits = &keep
	}
	var err error
	if opt.Grace, err = app.ParseGrace(c.param("grace")); err != nil {
		return reply{}, err
	}
	if c.flag("dry_run") {
		return c.planned(sel, opt)
	}
	_, err = c.Erase.Start(c.Context(), sel, opt)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}

// deleteSource is DELETE /data_sources/:uuid: the source and everything in it.
func deleteSource(c *call) (reply, error) { return c.deleteOfSource(eraser.Source) }

// emptySource is DELETE /data_sources/:uuid/all: everything in it; it stays, with its uuid.
func emptySource(c *call) (reply, error) { return c.deleteOfSource(eraser.Content) }

// purgeSource is DELETE /data_sources/:uuid/dependent: everything but the source, its customers and their contacts.
func purgeSource(c *call) (reply, error) { return c.deleteOfSource(eraser.Dependent) }

func (c *call) deleteOfSource(kind eraser.Kind) (reply, error) {
	s, err := c.source()
	if err != nil {
		return reply{}, err
	}
	return c.erased(eraser.Selection{Kind: kind, Source: s.UUID})
}

// deleteCustomer is DELETE /customers/:uuid: the customer and all that hangs on it.
func deleteCustomer(c *call) (reply, error) {
	_, row, err := c.Records.Customer(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	return c.erased(eraser.Selection{Kind: eraser.Customer, Source: row.Source.UUID, H: row.H})
}

// deleteCustomerInvoices is DELETE /data_sources/:uuid/customers/:customer/invoices: those that came from this source,
// of whatever of it is merged into the customer. With customer_external_id they are those of that one alone.
func deleteCustomerInvoices(c *call) (reply, error) {
	src, err := c.source()
	if err != nil {
		return reply{}, err
	}
	a, row, err := c.Records.Customer(c.Context(), c.PathValue("customer"))
	if err != nil {
		return reply{}, err
	}
	ext, found := c.param("customer_external_id"), false
	var ans reply
	for _, m := range row.Group {
		if m.Tag != src.Tag || ext != "" && m.H != a.Hash.CustomerH(ext) {
			continue
		}
		found = true
		if ans, err = c.erased(eraser.Selection{Kind: eraser.CustomerInvoices, Source: src.UUID, H: m.H}); err != nil {
			return reply{}, err
		}
	}
	if !found {
		return reply{}, absent(records.WhatCustomer)
	}
	return ans, nil
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
	f.only("selection", "id", "source", "keep_edits", "forget", "grace", "confirm", "dry_run") // a misspelt dry_run must not erase
	kind, source, id := eraser.Kind(f.text("selection")), f.text("source"), f.text("id")
	opt := eraser.Options{By: c.author, Forget: f.truth("forget")}
	if f.has("keep_edits") {
		keep := f.truth("keep_edits")
		opt.KeepEdits = &keep
	}
	grace, dry, confirm := f.text("grace"), f.truth("dry_run"), f.whole("confirm")
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	if opt.Grace, err = app.ParseGrace(grace); err != nil {
		return reply{}, err
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return reply{}, err
	}
	sel, err := eraser.Select(a.Directory, kind, source, id)
	if err != nil {
		return reply{}, err
	}
	if dry {
		return c.planned(sel, opt)
	}
	if err := c.confirmed(sel, opt, confirm); err != nil {
		return reply{}, err
	}
	j, err := c.Erase.Start(c.Context(), sel, opt)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusAccepted, body: jobWireOf(j)}, nil
}

// confirmed refuses an erase of another number of items than somebody has said yes to.
func (c *call) confirmed(sel eraser.Selection, opt eraser.Options, confirm *int64) error {
	if confirm == nil {
		return nil
	}
	p, err := c.Erase.Plan(c.Context(), sel, opt)
	if err != nil {
		return err
	}
	if n := p.Total(); n != *confirm {
		return fault.Newf(fault.Conflict, "selection_moved", textMoved, n, *confirm)
	}
	return nil
}

func (c *call) planned(sel eraser.Selection, opt eraser.Options) (reply, error) {
	p, err := c.Erase.Plan(c.Context(), sel, opt)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: p}, nil
}

// getErasure is GET /v1/erasures/:id.
func getErasure(c *call) (reply, error) { return c.oneJob(job.Erase) }

// listErasures is GET /v1/erasures: newest first.
func listErasures(c *call) (reply, error) { return c.jobs(job.Erase) }

// restoreErasure is POST /v1/erasures/:id/restore.
func restoreErasure(c *call) (reply, error) {
	j, err := c.findJob(job.Erase)
	if err != nil {
		return reply{}, err
	}
	if j, err = c.Erase.Restore(c.Context(), j.ID); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: jobWireOf(j)}, nil
}

// getReceipt is GET /v1/erasures/:id/receipt: JSON, or one page of HTML with format=html.
func getReceipt(c *call) (reply, error) {
	j, err := c.findJob(job.Erase)
	if err != nil {
		return reply{}, err
	}
	r, err := eraser.ReceiptOf(j)
	if err != nil {
		return reply{}, err
	}
	switch c.param("format") {
	case "", "json":
		return reply{status: http.StatusOK, body: r}, nil
	case "html":
		var page bytes.Buffer
		err := r.WriteHTML(&page)
		return reply{status: http.StatusOK, body: io.NopCloser(&page), kind: "text/html; charset=utf-8"}, err
	}
	return reply{}, unusable("format")
}

// listReceipts is GET /v1/receipts: newest first.
func listReceipts(c *call) (reply, error) {
	finished := func(j *job.Job) bool { return j.Erase != nil && len(j.Erase.Receipt) > 0 }
	list, tail, err := c.jobPage(finished, func(j *job.Job) (any, error) { return eraser.ReceiptOf(j) })
	return reply{status: http.StatusOK, body: listed{name: "receipts", elements: list, behind: tail}}, err
}

// liftForgotten is DELETE /v1/data_sources/:uuid/forgotten?external_id: the customer may be loaded again.
func liftForgotten(c *call) (reply, error) {
	src, err := c.source()
	if err != nil {
		return reply{}, err
	}
	ext := c.param("external_id")
	if ext == "" {
		return reply{}, missing("external_id")
	}
	was, err := c.Erase.Remember(c.Context(), src.Name, ext)
	if err != nil {
		return reply{}, err
	}
	if !was {
		return reply{}, absent("Entry of the do-not-reload list")
	}
	return reply{status: http.StatusNoContent}, nil
}
