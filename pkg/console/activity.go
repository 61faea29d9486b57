package console

import (
	"net/url"
	"slices"

	"reseed/pkg/api/wire"
)

type activityPage struct {
	base
	Filter   wire.JobFilter
	Jobs     []*wire.Job
	Searched int
	Next     string // address of the next page; empty on the last one
	Picture  *barPicture
	Sources  []wire.Source
	Uploads  []wire.FailedUpload
}

// showActivity is GET /jobs: all jobs, newest first, with filters in the address.
func (c *Console) showActivity(v *visit) (answer, error) {
	q := v.URL.Query()
	p := activityPage{base: v.base("Activity", "jobs"), Filter: wire.JobFilter{State: q.Get("state"), Kind: q.Get("kind"), Source: q.Get("source")}}
	page, err := v.client.JobsOf(v.ctx(), p.Filter, q.Get("cursor"))
	if err != nil {
		return answer{}, err
	}
	if p.Sources, err = v.client.Sources(v.ctx()); err != nil {
		return answer{}, err
	}
	p.Jobs, p.Uploads, p.Picture = pointers(page.Jobs), page.Uploads, importPicture(page.Jobs)
	if page.Searched != nil {
		p.Searched = *page.Searched
	}
	if page.HasMore && page.Cursor != nil {
		p.Next = p.address(*page.Cursor)
	}
	return show("activity", p), nil
}

// address is the address of a page of this list.
func (p activityPage) address(cursor string) string {
	q := url.Values{}
	for name, value := range map[string]string{"state": p.Filter.State, "kind": p.Filter.Kind, "source": p.Filter.Source, "cursor": cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return "/jobs"
	}
	return "/jobs?" + q.Encode()
}

// First is the address of the first page; empty on it.
func (p activityPage) First() string {
	if u, err := url.Parse(p.Path); err != nil || u.Query().Get("cursor") == "" {
		return ""
	}
	return p.address("")
}

// Filtered reports whether the list leaves jobs out.
func (p activityPage) Filtered() bool { return p.Filter != (wire.JobFilter{}) }

// States are the states to choose from.
func (p activityPage) States() []option {
	names := map[string]string{
		string(wire.Waiting): "waiting for their turn", string(wire.Running): "running", string(wire.Planned): "waiting for you", string(wire.Done): "done",
		wire.WithRejects: "done with rejects", string(wire.Failed): "failed", string(wire.Cancelled): "cancelled", string(wire.Grace): "erased, can be restored", string(wire.Restored): "restored",
	}
	list := []option{{"", "every state", p.Filter.State == ""}}
	for _, s := range wire.JobStates() {
		list = append(list, option{s, names[s], p.Filter.State == s})
	}
	return list
}

// Kinds are the kinds of job to choose from.
func (p activityPage) Kinds() []option {
	list := []option{{"", "every kind", false}, {wire.Import, "imports, re-syncs and undos", false}, {wire.Erase, "erases", false}, {wire.Export, "exports", false}}
	for i := range list {
		list[i].Chosen = list[i].Value == p.Filter.Kind
	}
	return list
}

// SourceChoices are the data sources to choose from.
func (p activityPage) SourceChoices() []option {
	list := []option{{"", "every data source", p.Filter.Source == ""}}
	for _, s := range p.Sources {
		list = append(list, option{s.UUID, s.Name, p.Filter.Source == s.UUID})
	}
	if p.Filter.Source != "" && !slices.ContainsFunc(list, func(o option) bool { return o.Chosen }) {
		list = append(list, option{p.Filter.Source, "a data source that was deleted", true})
	}
	return list
}
