package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"reseed/pkg/api/wire"
)

// datasets are what a data source holds, in the order of imports.
func datasets() []string {
	return []string{"plans", "customers", "contacts", "invoices", "line_items", "transactions", "subscription_events"}
}

// asSheet is the form's format of a copy for spreadsheets.
const asSheet = "sheet"

// exportPage asks what an export of a data source is to hold.
type exportPage struct {
	base
	Source    wire.Source
	Format    string // wire.CSV, wire.NDJSON or asSheet
	Edits     string // empty for what is usual
	Delimiter string
	Datasets  []datasetChoice
	Problem   string // what is wrong with the form
	Field     string // and with which field
}

type datasetChoice struct {
	Name   string
	Chosen bool
}

// showExport is GET /sources/{id}/export.
func (c *Console) showExport(v *visit) (answer, error) {
	p, err := v.exportPage()
	return show("export", p), err
}

// export is POST /sources/{id}/export.
func (c *Console) export(v *visit) (answer, error) {
	p, err := v.exportPage()
	if err != nil {
		return answer{}, err
	}
	how := p.options()
	if len(how.Datasets) == 0 {
		p.Field, p.Problem = "datasets", "Choose one dataset or more."
		return refuse("export", p), nil
	}
	j, err := v.client.Export(v.ctx(), p.Source.UUID, how)
	if refused, ok := refusal(err, http.StatusUnprocessableEntity); ok {
		p.Field, p.Problem = cmp.Or(refused.Param, "format"), refused.Message
		return refuse("export", p), nil
	}
	if err != nil {
		return answer{}, err
	}
	return goTo("/jobs/" + url.PathEscape(j.ID)), nil
}

// exportPage makes the page as the form was sent; what was not sent is as usual.
func (v *visit) exportPage() (exportPage, error) {
	src, err := v.sourceOf(v.PathValue("id"))
	if err != nil {
		return exportPage{}, err
	}
	p := exportPage{base: v.base("Export", "sources"), Source: src}
	p.Format = cmp.Or(oneOf(v.FormValue("format"), wire.CSV, wire.NDJSON, asSheet), wire.CSV)
	p.Edits = oneOf(v.FormValue("edits"), wire.EditsApart, wire.EditsLaidOver, wire.NoEdits)
	p.Delimiter = oneOf(v.FormValue("delimiter"), ",", ";", "|", "\t")
	sent := v.Method == http.MethodPost
	for _, ds := range datasets() {
		p.Datasets = append(p.Datasets, datasetChoice{ds, !sent || slices.Contains(v.Form["datasets"], ds)})
	}
	return p, nil
}

// options are what the form asks of the API.
func (p exportPage) options() wire.ExportOptions {
	how := wire.ExportOptions{Format: p.Format, Edits: p.Edits}
	if p.Format == asSheet {
		how.Format, how.Sheet, how.Delimiter = wire.CSV, true, p.Delimiter
	}
	for _, ds := range p.Datasets {
		if ds.Chosen {
			how.Datasets = append(how.Datasets, ds.Name)
		}
	}
	return how
}

// sourceOf finds a data source by its uuid.
func (v *visit) sourceOf(uuid string) (wire.Source, error) {
	var s wire.Source
	err := v.client.Call(v.ctx(), http.MethodGet, "/v1/data_sources/"+url.PathEscape(uuid), nil, &s)
	return s, err
}
