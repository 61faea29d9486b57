package console

import (
	"html/template"
	"io"
	"sync"
)

// pages are the templates of all pages. Each is parsed when it is shown for the first time, with the
// layout and the parts of web/common: so a function of Lambda starts without waiting for that.
type pages struct {
	functions template.FuncMap
	mu        sync.Mutex
	parsed    map[string]*template.Template
}

func newPages(a assets) *pages {
	return &pages{functions: functions(a), parsed: map[string]*template.Template{}}
}

// page is the template of a page.
func (p *pages) page(name string) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.parsed[name]; t != nil {
		return t, nil
	}
	t, err := template.New(name).Funcs(p.functions).ParseFS(web, "web/common/*.html", "web/pages/"+name+".html")
	if err != nil {
		return nil, err
	}
	p.parsed[name] = t
	return t, nil
}

// render writes a page, or a part of it.
func (p *pages) render(w io.Writer, name, part string, data any) error {
	t, err := p.page(name)
	if err != nil {
		return err
	}
	if part == "" {
		part = "layout"
	}
	return t.ExecuteTemplate(w, part, data)
}
