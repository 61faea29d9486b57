package console

import (
	"net/url"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// dataset is a dataset under the name that people know.
type dataset struct {
	Name, Label string
	Editable    bool // people can change, disable or delete its rows
	Pages       bool // each of its rows has a page of its own, besides those of customers
}

// tables lists the datasets in the order of their tabs.
func tables() []dataset {
	return []dataset{
		{"customers", "Customers", true, false},
		{"contacts", "Contacts", false, false},
		{"invoices", "Invoices", true, true},
		{"line_items", "Invoice Line Items", true, false},
		{"transactions", "Transactions", true, false},
		{"subscription_events", "Subscription Events", false, false},
		{"plans", "Plans", true, true},
	}
}

// The tabs of a data source that are not a dataset's.
const (
	tabImports  = "imports"
	tabSettings = "settings"
)

// sourceHead is what all pages of a data source show first.
type sourceHead struct {
	base
	Source wire.Source
	Pull   *wire.Syncs // what it is pulled from; nil if it is not
	Tab    string
}

// sourceHead reads the data source of the path.
func (v *visit) sourceHead(tab string) (h sourceHead, err error) {
	if h.Source, err = v.client.Source(v.ctx(), v.PathValue("id")); err != nil {
		return h, err
	}
	h.base, h.Tab = v.base(h.Source.Name, "sources"), tab
	pull, err := v.client.Syncs(v.ctx(), h.Source.UUID)
	if client.IsConflict(err) { // it is not connected
		return h, nil
	}
	h.Pull = &pull
	return h, err
}

// To is the address of one of the source's pages.
func (h sourceHead) To(page string) string { return sourcePath(h.Source.UUID, page) }

func sourcePath(id, page string) string { return "/sources/" + url.PathEscape(id) + "/" + page }

// Tabs are the tabs of the source.
func (h sourceHead) Tabs() (tabs []navLink) {
	for _, ds := range tables() {
		tabs = append(tabs, link(h.To(ds.Name), ds.Label, ds.Name, h.Tab))
	}
	return append(tabs, link(h.To(tabImports), "Imports", tabImports, h.Tab))
}

// showSource is GET /sources/{id}: the first tab.
func (c *Console) showSource(v *visit) (answer, error) {
	s, err := v.client.Source(v.ctx(), v.PathValue("id"))
	return goTo(sourcePath(s.UUID, tables()[0].Name)), err
}
