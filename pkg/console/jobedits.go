package console

import (
	"net/http"
	"net/url"
	"strings"

	"reseed/pkg/api/wire"
)

// jobEditsPage lists what people did by hand to records that go if an import is undone.
type jobEditsPage struct {
	base
	Job    jobPage
	Edits  []wire.Edit
	Cursor string
	Next   string // address of the next page; empty after the last one
}

// jobEdits is GET /jobs/{id}/edits?cursor=: of an undo, or of an import, the edits of the records that
// the import added.
func (c *Console) jobEdits(v *visit) (answer, error) {
	job, err := v.jobPage()
	if err != nil {
		return answer{}, err
	}
	if job.Job.Import == nil {
		return v.problem(http.StatusNotFound, "Not found", "Only imports and undos have such a page."), nil
	}
	p := jobEditsPage{base: v.base("Edits that lose their record", "jobs"), Job: job, Cursor: v.FormValue("cursor")}
	of := job.Job.ID
	if job.IsUndo() {
		of = job.Job.Import.Undo
	}
	page, err := v.client.EditsAddedBy(v.ctx(), job.Job.Source, of, p.Cursor, pageOfChanges)
	if err != nil {
		return answer{}, err
	}
	p.Edits = page.Edits
	if page.HasMore && page.Cursor != nil {
		p.Next = jobPath(job.Job, "edits") + "?" + url.Values{"cursor": {*page.Cursor}}.Encode()
	}
	return show("jobedits", p), nil
}

// RecordPath is the page of an edited record.
func (p jobEditsPage) RecordPath(e wire.Edit) string {
	if strings.HasPrefix(e.ID, "cus_") {
		return "/customers/" + e.ID
	}
	return "/records/" + e.ID
}

// What says in words what people did.
func (p jobEditsPage) What(e wire.Edit) string { return strings.Join(e.What, ", ") }
