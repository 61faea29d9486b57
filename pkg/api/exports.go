package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"reseed/pkg/exporter"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
	"reseed/pkg/person"
)

// createExport is POST /v1/data_sources/:uuid/exports. All members may be left out: format, datasets
// (a list), edits, sheet and delimiter.
func createExport(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f, err := c.FieldsIfAny()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("format", "datasets", "edits", "sheet", "delimiter")
	r := exporter.Request{
		Source: src, Format: f.OneOf("format", job.CSV, job.NDJSON), Sheet: f.Truth("sheet"), Delimiter: delimiter(f), By: c.Author,
		Edits: f.OneOf("edits", job.EditsApart, job.EditsLaidOver, exporter.NoEdits),
	}
	if v := f.Value("datasets"); v != nil && json.Unmarshal(v, &r.Datasets) != nil {
		f.Fail("datasets", "must be a list of datasets")
	}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	j, err := c.Exports.Start(c.Context(), r)
	return answerJob(http.StatusAccepted, j, err)
}

// delimiter is what stands between the cells of a copy for spreadsheets; empty if not given. Other
// words lose the spaces around them, but a tab is one of these.
func delimiter(f *httpapi.Fields) (s string) {
	v := f.Value("delimiter")
	if v != nil && (json.Unmarshal(v, &s) != nil || !slices.Contains([]string{",", ";", "|", "\t"}, s)) {
		f.Fail("delimiter", "must be one of: , ; | or a tab")
	}
	return s
}

// createCustomerExport is POST /v1/exports: of all that is known of one customer, which is named by
// its id, or by its data source and external id.
func createCustomerExport(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("customer", "source", "external_id")
	names := person.Names{ID: f.Text("customer"), Source: f.Text("source"), ExternalID: f.Text("external_id")}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	j, err := c.Exports.StartCustomer(c.Context(), names, c.Author)
	return answerJob(http.StatusAccepted, j, err)
}

// listExports is GET /v1/exports: newest first.
func listExports(c *call) (httpapi.Reply, error) { return c.jobs(job.Export) }

// getExport is GET /v1/exports/:id.
func getExport(c *call) (httpapi.Reply, error) { return c.oneJob(job.Export) }

// deleteExport is DELETE /v1/exports/:id: it deletes the file of an export that is done, and cancels
// one that is not.
func deleteExport(c *call) (httpapi.Reply, error) {
	j, err := c.findJob(job.Export)
	if err != nil {
		return httpapi.Reply{}, err
	}
	j, err = c.Exports.Drop(c.Context(), j.ID)
	return answerJob(http.StatusOK, j, err)
}

// getExportFile is GET /v1/exports/:id/file: a ZIP.
func getExportFile(c *call) (httpapi.Reply, error) {
	j, err := c.findJob(job.Export)
	if err != nil {
		return httpapi.Reply{}, err
	}
	file, err := c.Exports.File(c.Context(), j)
	if err != nil {
		return httpapi.Reply{}, err
	}
	return c.download(file, typeZip, j.ID+".zip")
}
