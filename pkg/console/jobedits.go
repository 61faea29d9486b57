package console

import (
	"net/http"
	"net/url"
)

// jobEditsPage lists what people did by hand to records that go if an import is undone.
type jobEditsPage struct {
	base
	Job    jobPage
	Edits  []sourceEdit
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
	page, err := v.client.EditsAddedBy(v.ctx(), job.Job.Source, of, p.Cursor, pageOfRejects)
	if err != nil {
		return answer{}, err
	}
	for _, e := range page.Edits {
		p.Edits = append(p.Edits, editOf(e))
	}
	if page.HasMore && page.Cursor != nil {
		p.Next = jobPath(job.Job, "edits") + "?" + url.Values{"cursor": {*page.Cursor}}.Encode()
	}
	return show("jobedits", p), nil
}
