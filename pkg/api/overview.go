package api

import (
	"net/http"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/store"
)

const mostBriefReasons = 3

// getOverview is GET /v1/overview: all data sources with what their jobs have counted. It reads what
// is stored about each source, at most two of its jobs, and the open jobs; it counts no rows.
func getOverview(c *call) (httpapi.Reply, error) {
	d, err := c.Store.Directory(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	tallies, err := c.Jobs.Tallies(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	var ids []string
	for _, t := range tallies {
		ids = append(ids, t.Latest, t.Waiting)
	}
	ended, err := c.Jobs.Several(c.Context(), ids)
	if err != nil {
		return httpapi.Reply{}, err
	}
	syncs, err := c.Syncs.All(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	out := wire.Overview{ShareWith: c.Syncs.ShareWith(), Sources: make([]wire.SourceOverview, len(d.Sources))}
	at := map[store.Tag]*wire.SourceOverview{}
	for i, src := range d.Sources {
		out.Sources[i] = overviewOf(src, tallies[src.Tag], ended, syncs)
		at[src.Tag] = &out.Sources[i]
	}
	open, err := c.Jobs.Open(c.Context())
	for i := 0; i < len(open) && err == nil; i++ {
		err = c.placeOpen(open[i], at, &out)
	}
	return httpapi.Reply{Status: http.StatusOK, Body: out}, err
}

func overviewOf(src store.Source, t *job.Tally, ended map[string]*job.Job, syncs map[store.Tag]puller.Setting) wire.SourceOverview {
	w := wire.SourceOverview{UUID: src.UUID, Name: src.Name, System: src.System, CreatedAt: src.CreatedAt}
	w.Rows, w.Unknown = t.Rows(src)
	if t != nil {
		w.Latest, w.Plan = briefOf(ended[t.Latest]), briefOf(ended[t.Waiting])
	}
	if w.Plan != nil && w.Plan.Status != wire.Planned { // it is being applied
		w.Plan = nil
	}
	if s, pulls := syncs[src.Tag]; pulls {
		w.Sync = &wire.SourceSync{SpreadsheetURL: addressOf(s.Spreadsheet), Every: wire.FormatEvery(s.Every)}
		if at := s.System; at != nil {
			account := wire.Account(at.Account)
			w.Sync.System, w.Sync.Account, w.Sync.Refused, w.Sync.Disconnected = at.Name, &account, at.Refused, at.Disconnected
		}
		if s.Every > 0 {
			next := s.Next.UTC().Truncate(time.Second)
			w.Sync.Next = &next
		}
	}
	return w
}

// placeOpen adds an open job where people look for it.
func (c *call) placeOpen(j *job.Job, at map[store.Tag]*wire.SourceOverview, out *wire.Overview) error {
	src := at[j.Tag]
	switch {
	case j.Status == job.Grace:
		out.Restorable = append(out.Restorable, *briefOf(j))
	case j.Status == job.Waiting && src != nil:
		src.Waiting++
	case j.Status == job.Running && src != nil:
		w, err := c.told(j)
		if err != nil {
			return err
		}
		src.Running = briefOf(j)
		src.Running.Signs = w.Signs
	default: // its source may be erased
		out.Several = append(out.Several, *briefOf(j))
	}
	return nil
}

// briefOf is a job in short; nil stays nil.
func briefOf(j *job.Job) *wire.Job {
	if j == nil {
		return nil
	}
	w := wireOfJob(j)
	w.Totals = nil
	w.Reasons = w.Reasons[:min(len(w.Reasons), mostBriefReasons)]
	for i := range w.Reasons {
		w.Reasons[i].First = w.Reasons[i].First[:min(len(w.Reasons[i].First), 1)]
	}
	return &w
}
