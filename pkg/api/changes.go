package api

import (
	"net/http"
	"slices"
	"strings"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/importer"
	"reseed/pkg/job"
)

// asJSON is the format of changes and rejects in pages.
const asJSON = "json"

// listChanges is GET /v1/imports/:id/changes?format=json: changes of an import, page by page.
func (c *call) listChanges(j *job.Job) (httpapi.Reply, error) {
	size, err := c.PerPage()
	if err != nil {
		return httpapi.Reply{}, err
	}
	ds, err := c.datasetParam()
	if err != nil {
		return httpapi.Reply{}, err
	}
	action := importer.Action(c.Param("action"))
	if !slices.Contains([]importer.Action{"", importer.Added, importer.Changed, importer.Removed, importer.Kept}, action) {
		return httpapi.Reply{}, httpapi.Unusable("action")
	}
	filter := importer.ChangeFilter{Dataset: ds, Action: action}
	page, err := c.Imports.ChangePage(c.Context(), j, filter, c.Param("cursor"), size)
	if err != nil {
		return httpapi.Reply{}, pageError(err)
	}
	list, decimals := make([]wire.Change, len(page.Changes)), map[string]int{}
	for i, ch := range page.Changes {
		list[i] = wireOfChange(ch)
		addDecimals(decimals, ch.Before)
		addDecimals(decimals, ch.After)
		if ch.Currency != "" {
			decimals[ch.Currency] = billing.Exponent(ch.Currency)
		}
	}
	return httpapi.Reply{Status: http.StatusOK, Body: wire.ChangePage{
		Changes: list, Searched: page.Searched, Cursor: nextCursor(page.Next), HasMore: page.Next != "", Decimals: decimals,
	}}, nil
}

// addDecimals adds the decimals of the currencies that a row names.
func addDecimals(decimals map[string]int, row map[string]any) {
	for name, value := range row {
		if code, is := value.(string); is && (name == "currency" || strings.HasSuffix(name, "_currency")) {
			decimals[code] = billing.Exponent(code)
		}
	}
}

// listRejects is GET /v1/imports/:id/rejects?format=json: rejects of an import, page by page.
func (c *call) listRejects(j *job.Job) (httpapi.Reply, error) {
	size, err := c.PerPage()
	if err != nil {
		return httpapi.Reply{}, err
	}
	ds, err := c.datasetParam()
	if err != nil {
		return httpapi.Reply{}, err
	}
	filter := importer.RejectFilter{Dataset: ds, Column: c.Param("column"), Code: c.Param("code")}
	page, err := c.Imports.RejectPage(c.Context(), j, filter, c.Param("cursor"), size)
	if err != nil {
		return httpapi.Reply{}, pageError(err)
	}
	list := make([]wire.Reject, len(page.Rejects))
	for i, r := range page.Rejects {
		list[i] = wireOfReject(j, r)
	}
	return httpapi.Reply{Status: http.StatusOK, Body: wire.RejectPage{
		Rejects: list, Searched: page.Searched, Cursor: nextCursor(page.Next), HasMore: page.Next != "",
	}}, nil
}

// datasetParam is the query parameter dataset; empty if it is not given.
func (c *call) datasetParam() (billing.Dataset, error) {
	ds := billing.Dataset(c.Param("dataset"))
	if ds != "" && !slices.Contains(billing.Datasets(), ds) {
		return "", httpapi.Unusable("dataset")
	}
	return ds, nil
}

// pageError is the answer to an error of a page.
func pageError(err error) error {
	if fault.CodeOf(err) == importer.CodeBadCursor {
		return httpapi.Unusable("cursor")
	}
	return err
}

// nextCursor is the cursor of the next page; nil if there is none.
func nextCursor(next string) *string {
	if next == "" {
		return nil
	}
	return &next
}

func wireOfReject(j *job.Job, r importer.Reject) wire.Reject {
	w := wire.Reject{Dataset: string(r.Dataset), Line: r.Line, Record: r.Record, Column: r.Column, Code: r.Code, Reason: r.Reason, Row: r.Whole}
	if r.File != nil {
		w.File, w.Place, w.Link = r.File.Name, importer.PlaceOf(*r.File, r.Line, r.Column), linkOf(j.Import, *r.File, r.Line, r.Column)
	}
	for _, cell := range r.Cells {
		w.Cells = append(w.Cells, wire.Cell(cell))
	}
	return w
}
