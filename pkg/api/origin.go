package api

import (
	"fmt"
	"net/http"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// getOrigin is GET /v1/records/:id/origin: the imports that have added a record and changed it last,
// and where in their input it is. Stored are the times of these imports only, which lead to them.
func getOrigin(c *call) (httpapi.Reply, error) {
	_, src, it, err := c.record()
	if err != nil {
		return httpapi.Reply{}, err
	}
	w := wire.Origin{ID: c.PathValue("id"), AddedAt: it.Attrs.Time(store.AttrCreated), ChangedAt: it.Attrs.Time(store.AttrUpdated)}
	number := store.OriginOf(it.Attrs).Import
	added, err := c.jobMade(w.AddedAt, number != 0, func(j *job.Job) bool { return job.Number(j.ID) == number })
	if err != nil {
		return httpapi.Reply{}, err
	}
	changed := added
	if !w.ChangedAt.Equal(w.AddedAt) {
		if changed, err = c.jobMade(w.ChangedAt, true, func(j *job.Job) bool { return j.Tag == src.Tag }); err != nil {
			return httpapi.Reply{}, err
		}
	}
	if added != nil {
		w.AddedBy = added.ID
	}
	w.Says = originSays(&w, number != 0)
	if changed != nil {
		w.ChangedBy = changed.ID
		err = c.findRow(&w, changed, src, it)
	}
	return httpapi.Reply{Status: http.StatusOK, Body: w}, err
}

// jobMade finds the import that was made at a time; nil if there is none, or none is looked for.
func (c *call) jobMade(at time.Time, look bool, is func(*job.Job) bool) (*job.Job, error) {
	if !look {
		return nil, nil //nolint:nilnil // no job is an answer
	}
	return c.Jobs.MadeAt(c.Context(), at, func(j *job.Job) bool { return j.Import != nil && is(j) })
}

// originSays tells what is known without the change set.
func originSays(w *wire.Origin, imported bool) string {
	switch {
	case !w.ChangedAt.Equal(w.AddedAt):
		return "Changed last over the API."
	case imported:
		return "Added by an import whose job is not stored any more."
	}
	return "Added over the API."
}

// findRow finds where in the input of a job a record is.
func (c *call) findRow(w *wire.Origin, j *job.Job, src store.Source, it table.Item) error {
	did := "Added"
	if w.ChangedBy != w.AddedBy {
		did = "Changed last"
	}
	did += " by job " + j.ID
	change, err := c.Imports.ChangeOf(c.Context(), j, src.Space(), it.SK)
	switch {
	case fault.Is(err, fault.NotFound):
		w.Says = did + ". Where in its files is not known any more: data of the source was erased since, and its change set with it."
	case fault.Is(err, fault.TooLarge):
		w.Says = fmt.Sprintf("%s. Its change set is too large to be looked through here; reseed jobs %s --changes lists all rows.", did, j.ID)
	case err != nil:
		return err
	case change == nil:
		w.Says = did + "."
	case change.File == "":
		w.Says = did + ", which was an undo, and read no file."
	case j.Import.Pull != nil && j.Import.Pull.System != "": // its files are ours
		w.Says = fmt.Sprintf("%s, from the %s account %s.", did, j.Import.Pull.System, j.Import.Pull.Account)
	default:
		w.File, w.Line, w.Place = change.File, change.Line, change.Place
		w.Says = fmt.Sprintf("%s, from line %d of a file.", did, change.Line)
		if w.Place != "" {
			w.Says = did + ", from a spreadsheet."
		}
	}
	return nil
}
