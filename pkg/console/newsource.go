package console

import (
	"cmp"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// Systems of the data sources that the console makes.
const (
	systemFiles  = "CSV"
	systemSheets = "Google Sheets"
	systemAPI    = "Import API"
)

// sourceKind is a kind of data source that can be added.
type sourceKind struct {
	Slug, Name, About string
	Steps             []string // after the name
	system, then      string   // the system it is stored with, and the page of its first step
}

func sourceKinds() []sourceKind {
	return []sourceKind{
		{
			"files", "Files", "CSV files, workbooks and NDJSON, alone or in a ZIP: exports of another system, or tables that somebody keeps.",
			[]string{"Choose the files", "See how they are read, and what would change", "Import"},
			systemFiles, "import",
		},
		{
			"sheets", "Google Sheets", "A spreadsheet that people work in. It is read again whenever you ask for it, or by a schedule.",
			[]string{"Share the spreadsheet, and give its address", "See what would change", "Import"},
			systemSheets, "sheet",
		},
		{
			"api", "Import API", "A program of your own sends customers, plans and invoices. Clients for ChartMogul's Import API work without a change.",
			[]string{"Copy the address and the number of the data source into the program"},
			systemAPI, "api",
		},
	}
}

type addPage struct {
	base
	Kinds   []sourceKind
	Systems []wire.System
}

// showAdd is GET /sources/new: which system the data comes from.
func (c *Console) showAdd(v *visit) (answer, error) {
	list, err := v.client.Systems(v.ctx())
	return show("add", addPage{v.base("Add a data source", "sources"), sourceKinds(), list}), err
}

type newSourcePage struct {
	base
	Kind    sourceKind
	Name    string
	Problem string // with the name
}

// newSourcePage is the page of the kind that the path ends with.
func (v *visit) newSourcePage() (newSourcePage, bool) {
	for _, k := range sourceKinds() {
		if k.Slug == path.Base(v.URL.Path) {
			return newSourcePage{base: v.base("Add a data source: "+k.Name, "sources"), Kind: k, Name: strings.TrimSpace(v.PostFormValue("name"))}, true
		}
	}
	return newSourcePage{}, false
}

// showNewSource is GET /sources/new/{system}: the name of the new data source.
func (c *Console) showNewSource(v *visit) (answer, error) {
	p, ok := v.newSourcePage()
	if !ok {
		return c.unknown(v)
	}
	return show("newsource", p), nil
}

// addSource is POST /sources/new/{system}: it makes the data source, and leads to the first step of its
// system.
func (c *Console) addSource(v *visit) (answer, error) {
	p, ok := v.newSourcePage()
	if !ok {
		return c.unknown(v)
	}
	s, err := v.client.AddSource(v.ctx(), p.Name, p.Kind.system)
	if e := refusedBy(err); e != nil {
		if p.Problem = problemOf(e); p.Name == "" {
			p.Problem = "Give the data source a name, such as that of the system or of the team."
		}
		return refuse("newsource", p), nil
	}
	if err != nil {
		return answer{}, err
	}
	return goTo("/sources/" + s.UUID + "/" + p.Kind.then), nil
}

type sheetPage struct {
	base
	UUID, Name  string
	Connected   bool
	ShareWith   string
	Spreadsheet string
	Every       string
	Problems    map[string]string
}

// Schedules are the intervals that the form offers.
func (p sheetPage) Schedules() []string {
	list := []string{wire.Never, "1h", "6h", "24h", "168h"}
	if !slices.Contains(list, p.Every) {
		list = append(list, p.Every)
	}
	return list
}

// showSheet is GET /sources/{id}/sheet: the spreadsheet that a source pulls from.
func (c *Console) showSheet(v *visit) (answer, error) {
	p, err := v.sheetPage()
	return show("sheet", p), err
}

func (v *visit) sheetPage() (sheetPage, error) {
	p := sheetPage{base: v.base("Connect a spreadsheet", "sources"), UUID: v.PathValue("id"), Every: wire.Never, Problems: map[string]string{}}
	o, err := v.client.Overview(v.ctx())
	if err != nil {
		return p, err
	}
	p.ShareWith = o.ShareWith
	for _, s := range o.Sources {
		if s.UUID != p.UUID {
			continue
		}
		p.Name = s.Name
		if s.Sync != nil {
			p.Connected, p.Spreadsheet, p.Every = true, s.Sync.SpreadsheetURL, s.Sync.Every
		}
		return p, nil
	}
	return p, &client.Error{Status: http.StatusNotFound, Message: "There is no such data source. It may have been deleted."}
}

// connectSheet is POST /sources/{id}/sheet: it connects the source, reads the spreadsheet, and leads to
// what would change.
func (c *Console) connectSheet(v *visit) (answer, error) {
	p, err := v.sheetPage()
	if err != nil {
		return answer{}, err
	}
	p.Spreadsheet, p.Every = strings.TrimSpace(v.PostFormValue("spreadsheet")), cmp.Or(v.PostFormValue("every"), wire.Never)
	if p.Spreadsheet == "" {
		p.Problems["spreadsheet"] = "Give the address of the spreadsheet, as the browser shows it while the spreadsheet is open."
		return refuse("sheet", p), nil
	}
	_, err = v.client.ChangeSyncs(v.ctx(), p.UUID, wire.SyncChange{Spreadsheet: &p.Spreadsheet, Every: &p.Every})
	if e := refusedBy(err); e != nil {
		field, known := "spreadsheet", false
		for name := range e.Fields {
			field, known = name, true
		}
		if p.Problems[field] = problemOf(e); !known || field != "every" {
			p.Problems = map[string]string{"spreadsheet": problemOf(e)}
		}
		return refuse("sheet", p), nil
	}
	if err != nil {
		return answer{}, err
	}
	return c.resync(v)
}

type apiPage struct {
	base
	UUID, Name string
	Address    string // of the server
}

// showAPI is GET /sources/{id}/api: how a program sends data into a source.
func (c *Console) showAPI(v *visit) (answer, error) {
	s, err := v.client.SourcesNamed(v.ctx(), v.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if len(s) == 0 {
		return c.unknown(v)
	}
	p := apiPage{base: v.base("Send data to "+s[0].Name, "sources"), UUID: s[0].UUID, Name: s[0].Name, Address: c.address(v)}
	return show("sendapi", p), nil
}

// address is where programs reach this server, as far as this request tells.
func (c *Console) address(v *visit) string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	u := url.URL{Scheme: "http", Host: v.Host}
	if isSecure(v.Request) {
		u.Scheme = "https"
	}
	return u.String()
}
