package api

import (
	"bytes"
	"io"
	"net/http"

	"reseed/pkg/api/wire"
	"reseed/pkg/app"
	"reseed/pkg/chartmogul"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
)

// textMoved refuses an erase whose selection does not hold the number of items that was confirmed.
const textMoved = "The selection holds %d items now, not %d as confirmed. Nothing was erased; look at the plan again."

// maxReason is how many characters the reason for an erase may have.
const maxReason = 300

// eraseOf answers a DELETE of ChartMogul's API.
func (s *server) eraseOf(c *httpapi.Call, sel chartmogul.Selection) (httpapi.Reply, error) {
	return (&call{server: s, Call: c}).erased(eraser.Selection{Kind: eraser.Kind(sel.Kind), Source: sel.Source, H: sel.H})
}

// erased answers a DELETE of ChartMogul's API: it makes a selection invisible, or, with dry_run,
// only says what would go. If the selection was erased by somebody else in between, that is a
// success.
func (c *call) erased(sel eraser.Selection) (httpapi.Reply, error) {
	opt := eraser.Options{By: c.Author, Forget: c.Flag("forget"), Quiet: c.Param("mail") != "" && !c.Flag("mail")}
	if v := c.Param("keep_edits"); v != "" {
		keep := c.Flag("keep_edits")
		opt.KeepEdits = &keep
	}
	var err error
	if opt.Grace, err = app.ParseGrace(c.Param("grace")); err != nil {
		return httpapi.Reply{}, err
	}
	if c.Flag("dry_run") {
		return c.planned(sel, opt)
	}
	_, err = c.Erase.Start(c.Context(), sel, opt)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusNoContent}, nil
}

// createErasure is POST /v1/erasures: it answers with a plan if dry_run is set, else with a job.
func createErasure(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := f.Require("selection"); err != nil {
		return httpapi.Reply{}, err
	}
	// A misspelt dry_run must not erase.
	f.Only("selection", "id", "source", "external_id", "keep_edits", "forget", "grace", "confirm", "plan", "reason", "dry_run", "mail")
	kind, names := eraser.Kind(f.Text("selection")), eraser.Names{Source: f.Text("source"), ID: f.Text("id"), ExternalID: f.Text("external_id")}
	opt := eraser.Options{By: c.Author, Forget: f.Truth("forget"), Quiet: quiet(f), Plan: f.Text("plan"), Reason: f.Limited("reason", maxReason)}
	if f.Has("keep_edits") {
		keep := f.Truth("keep_edits")
		opt.KeepEdits = &keep
	}
	grace, dry, confirm := f.Text("grace"), f.Truth("dry_run"), f.Whole("confirm")
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	if opt.Grace, err = app.ParseGrace(grace); err != nil {
		return httpapi.Reply{}, err
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	sel, err := eraser.Select(a.Directory, kind, names)
	switch {
	case fault.Is(err, fault.NotFound) && !dry:
		return c.begunBefore(sel, opt, err)
	case err != nil:
		return httpapi.Reply{}, err
	case dry:
		return c.planned(sel, opt)
	}
	if err := c.confirmed(sel, opt, confirm); err != nil {
		return httpapi.Reply{}, err
	}
	j, err := c.Erase.Start(c.Context(), sel, opt)
	if fault.CodeOf(err) == eraser.CodeStale {
		return c.stalePlan(sel, opt, err)
	}
	return answerJob(http.StatusAccepted, j, err)
}

// begunBefore answers a request whose selection is not there. If an erase was begun with its plan, that
// is why, and the answer is its job.
func (c *call) begunBefore(sel eraser.Selection, opt eraser.Options, absent error) (httpapi.Reply, error) {
	j, err := c.Erase.Begun(c.Context(), sel, opt)
	if err == nil && j == nil {
		err = absent
	}
	return answerJob(http.StatusAccepted, j, err)
}

// stalePlan refuses a plan that was confirmed, with what the erase would do now.
func (c *call) stalePlan(sel eraser.Selection, opt eraser.Options, why error) (httpapi.Reply, error) {
	p, err := c.Erase.Plan(c.Context(), sel, opt)
	if err != nil {
		return httpapi.Reply{}, err
	}
	const status = http.StatusConflict
	return httpapi.Reply{}, &httpapi.Error{Status: status, Body: wire.StalePlan{Code: status, Message: why.Error(), Param: "plan", Plan: wireOfPlan(p)}}
}

// confirmed refuses an erase if the selection does not hold the number of items that the request
// confirms.
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

func (c *call) planned(sel eraser.Selection, opt eraser.Options) (httpapi.Reply, error) {
	p, err := c.Erase.Plan(c.Context(), sel, opt)
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: wireOfPlan(p)}, nil
}

// getErasure is GET /v1/erasures/:id.
func getErasure(c *call) (httpapi.Reply, error) { return c.oneJob(job.Erase) }

// listErasures is GET /v1/erasures: newest first.
func listErasures(c *call) (httpapi.Reply, error) { return c.jobs(job.Erase) }

// restoreErasure is POST /v1/erasures/:id/restore. With {"mail": false} nobody is told of it.
func restoreErasure(c *call) (httpapi.Reply, error) {
	j, err := c.findJob(job.Erase)
	if err != nil {
		return httpapi.Reply{}, err
	}
	f, err := c.FieldsIfAny()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("mail")
	opt := eraser.RestoreOptions{Quiet: quiet(f)}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	j, err = c.Erase.Restore(c.Context(), j.ID, opt)
	return answerJob(http.StatusOK, j, err)
}

// getReceipt is GET /v1/erasures/:id/receipt: JSON, or one page of HTML with format=html.
func getReceipt(c *call) (httpapi.Reply, error) {
	j, err := c.findJob(job.Erase)
	if err != nil {
		return httpapi.Reply{}, err
	}
	r, err := eraser.ReceiptOf(j)
	if err != nil {
		return httpapi.Reply{}, err
	}
	switch c.Param("format") {
	case "", "json":
		return httpapi.Reply{Status: http.StatusOK, Body: wireOfReceipt(r)}, nil
	case "html":
		var page bytes.Buffer
		err := r.WriteHTML(&page)
		return httpapi.Reply{Status: http.StatusOK, Body: io.NopCloser(&page), Kind: "text/html; charset=utf-8"}, err
	}
	return httpapi.Reply{}, httpapi.Unusable("format")
}

// listReceipts is GET /v1/receipts: newest first.
func listReceipts(c *call) (httpapi.Reply, error) {
	finished := func(j *job.Job) bool { return j.Erase != nil && len(j.Erase.Receipt) > 0 }
	list, tail, err := c.jobPage(finished, func(j *job.Job) (any, error) {
		r, err := eraser.ReceiptOf(j)
		return wireOfReceipt(r), err
	})
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Name: "receipts", Elements: list, Behind: tail}}, err
}

// liftForgotten is DELETE /v1/data_sources/:uuid/forgotten?external_id: it takes a customer off the
// do-not-reload list.
func liftForgotten(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	ext := c.Param("external_id")
	if ext == "" {
		return httpapi.Reply{}, httpapi.Missing("external_id")
	}
	was, err := c.Erase.Remember(c.Context(), src.Name, ext)
	if err != nil {
		return httpapi.Reply{}, err
	}
	if !was {
		return httpapi.Reply{}, httpapi.Absent("Entry of the do-not-reload list")
	}
	return httpapi.Reply{Status: http.StatusNoContent}, nil
}
