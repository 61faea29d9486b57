package console

import (
	"net/http"
	"net/url"
	"slices"

	"reseed/pkg/api/wire"
)

type importsPage struct {
	sourceHead
	Jobs  []sourceImport
	First string
	Next  string // a page may be empty and yet have more behind it
}

// sourceImport is an import with what became of its rows.
type sourceImport struct {
	*wire.Job
	Sum    wire.Counts
	Counts []datasetCounts
	Left   string // address of the count of its rows that are still there; empty if it added none
}

// Lines is how many lines of the table the import has.
func (i sourceImport) Lines() int { return 1 + len(i.Counts) }

// datasetCounts is what became of the rows of one dataset.
type datasetCounts struct {
	dataset
	wire.Counts
}

// listImports is GET /sources/{id}/imports.
func (c *Console) listImports(v *visit) (answer, error) {
	head, err := v.sourceHead(tabImports)
	if err != nil {
		return answer{}, err
	}
	p, cursor := importsPage{sourceHead: head}, v.FormValue("cursor")
	page, err := v.client.JobsOf(v.ctx(), wire.JobFilter{Kind: wire.Import, Source: head.Source.UUID}, cursor)
	if err != nil {
		return answer{}, err
	}
	for _, j := range page.Jobs {
		p.Jobs = append(p.Jobs, p.importOf(j))
	}
	if cursor != "" {
		p.First = p.To(tabImports)
	}
	if page.HasMore && page.Cursor != nil {
		p.Next = p.To(tabImports) + "?cursor=" + url.QueryEscape(*page.Cursor)
	}
	return show("imports", p), nil
}

func (p *importsPage) importOf(j wire.Job) sourceImport {
	i := sourceImport{Job: &j}
	for _, ds := range tables() {
		if n, ok := j.Datasets[ds.Name]; ok {
			i.Counts, i.Sum = append(i.Counts, datasetCounts{ds, n}), i.Sum.Add(n)
		}
	}
	for name, n := range j.Datasets {
		if !slices.ContainsFunc(i.Counts, func(c datasetCounts) bool { return c.Name == name }) { // cancellations, edits
			i.Counts, i.Sum = append(i.Counts, datasetCounts{dataset{Name: name, Label: words(name)}, n}), i.Sum.Add(n)
		}
	}
	if i.Sum.Added > 0 && j.Import.Undo == "" && j.Status == wire.Done {
		i.Left = p.To(tabImports + "/" + url.PathEscape(j.ID) + "/remaining")
	}
	return i
}

type remainingPage struct {
	sourceHead
	Job   string
	Rows  []datasetCount
	Total int64
	Next  string // where the count goes on; empty if it is complete
}

// datasetCount is a number of rows of a dataset.
type datasetCount struct {
	dataset
	Count int64
}

// countRemaining is GET /sources/{id}/imports/{job}/remaining: a page, or for htmx only what it has
// counted.
func (c *Console) countRemaining(v *visit) (answer, error) {
	job := v.PathValue("job")
	left, err := v.client.Remaining(v.ctx(), job, v.FormValue("cursor"))
	if err != nil {
		return answer{}, err
	}
	p := remainingPage{Job: job, Total: left.Rows.Total()}
	for _, ds := range tables() {
		if n := left.Rows[ds.Name]; n > 0 {
			p.Rows = append(p.Rows, datasetCount{ds, n})
		}
	}
	if left.Cursor != nil {
		p.Next = sourcePath(v.PathValue("id"), tabImports+"/"+url.PathEscape(job)+"/remaining") + "?cursor=" + url.QueryEscape(*left.Cursor)
	}
	if v.swaps() {
		p.base = v.base("", "sources")
		return part("remaining", "left", p), nil
	}
	p.sourceHead, err = v.sourceHead(tabImports)
	return answer{status: http.StatusOK, page: "remaining", data: p}, err
}
