package console

import (
	"fmt"
	"net/url"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

type sourcesPage struct {
	base
	Sources    []sourceRow
	Several    []*wire.Job // open jobs that concern several sources
	Restorable []*wire.Job
}

// sourceRow is a data source in the list.
type sourceRow struct{ wire.SourceOverview }

// listSources is GET /sources.
func (c *Console) listSources(v *visit) (answer, error) {
	p, err := v.sourcesPage()
	return show("sources", p), err
}

// showSourcesProgress is GET /sources/progress: the list, which asks for itself again as long as a job
// runs.
func (c *Console) showSourcesProgress(v *visit) (answer, error) {
	p, err := v.sourcesPage()
	p.Path = "/sources" // where the forms in it lead back to
	return part("sources", "list", p), err
}

func (v *visit) sourcesPage() (sourcesPage, error) {
	o, err := v.client.Overview(v.ctx())
	p := sourcesPage{base: v.base("Data Sources", "sources"), Several: pointers(o.Several), Restorable: pointers(o.Restorable)}
	for _, s := range o.Sources {
		p.Sources = append(p.Sources, sourceRow{s})
	}
	return p, err
}

func pointers(jobs []wire.Job) (list []*wire.Job) {
	for i := range jobs {
		list = append(list, &jobs[i])
	}
	return list
}

// Live reports whether the list asks again how far jobs are.
func (p sourcesPage) Live() bool { return !p.Paused && p.Busy() }

// Busy reports whether a job runs, or waits for its turn.
func (p sourcesPage) Busy() bool {
	for _, s := range p.Sources {
		if s.Running != nil || s.Waiting > 0 {
			return true
		}
	}
	return len(p.Several) > 0
}

// Said is what people who do not see the page are told of what runs: it changes with each quarter.
func (p sourcesPage) Said() string {
	var out []string
	for _, s := range p.Sources {
		if s.Running != nil {
			out = append(out, fmt.Sprintf("%s: %s, %d %%", s.Name, activityOf(s.Running), int(s.Running.Progress.Fraction*4)*25))
		}
	}
	if len(out) == 0 {
		return "Nothing is running."
	}
	return strings.Join(out, "; ")
}

// datasetRows is how many rows a dataset has.
type datasetRows struct {
	Dataset string
	Rows    int64
}

// datasetOrder is the order in which people look for datasets.
func datasetOrder() []string {
	return []string{"customers", "contacts", "invoices", "line_items", "transactions", "subscription_events", "plans"}
}

// Counted are the datasets that have rows, as the jobs of the source have counted them.
func (s sourceRow) Counted() (list []datasetRows) {
	for _, ds := range datasetOrder() {
		if n := s.Rows[ds]; n > 0 {
			list = append(list, datasetRows{ds, n})
		}
	}
	return list
}

// AllUnknown reports whether no number is known, since the source is older than counts.
func (s sourceRow) AllUnknown() bool { return len(s.Unknown) >= len(datasetOrder()) }

// WaitingJobs is how many jobs of the source wait for their turn.
func (s sourceRow) WaitingJobs() int64 { return int64(s.Waiting) }

// IsSheet reports whether the source pulls from a spreadsheet, or is to do so.
func (s sourceRow) IsSheet() bool { return s.Sync != nil || s.System == systemSheets }

// resync is POST /sources/{id}/sync: it pulls a source and shows what would change before anything does.
// If a pull runs already, that one is shown.
func (c *Console) resync(v *visit) (answer, error) {
	id := v.PathValue("id")
	j, err := v.client.Sync(v.ctx(), id, wire.SyncOptions{Plan: true})
	if err == nil {
		return goTo("/jobs/" + j.ID), nil
	}
	if client.IsConflict(err) {
		s, err := v.client.Syncs(v.ctx(), id)
		if err == nil && s.Latest != nil && !s.Latest.Status.Ended() {
			return goTo("/jobs/" + s.Latest.ID), nil
		}
		if client.IsConflict(err) { // it pulls from nothing
			return goTo("/sources/" + url.PathEscape(id) + "/sheet"), nil
		}
	}
	return answer{}, err
}
