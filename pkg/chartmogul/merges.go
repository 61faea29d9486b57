package chartmogul

import (
	"net/http"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
)

// mergeCustomers is POST /customers/merges.
func mergeCustomers(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := f.Require("from", "into"); err != nil {
		return httpapi.Reply{}, err
	}
	from, into := f.Object("from"), f.Object("into")
	for name, o := range map[string]*httpapi.Fields{"from": from, "into": into} {
		if o == nil {
			f.Fail(name, "must be an object")
		}
	}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	one, err := c.customerNamed(a, from)
	if err != nil {
		return httpapi.Reply{}, err
	}
	other, err := c.customerNamed(a, into)
	if err != nil {
		return httpapi.Reply{}, err
	}
	return accepted(c.Records.Merge(c.Context(), one, other, c.Author))
}

// customerNamed finds the customer that an object names: by its uuid, or by a source and an
// external id of it.
func (c *call) customerNamed(a records.Account, f *httpapi.Fields) (edit.Ref, error) {
	if id := f.Text("customer_uuid"); id != "" {
		return c.Records.Ref(c.Context(), a, records.Name{ID: id})
	}
	n := records.Name{Source: f.Needed("data_source_uuid"), ExternalID: f.Needed("external_id")}
	if err := f.Refused(); err != nil {
		return edit.Ref{}, err
	}
	return c.Records.Ref(c.Context(), a, n)
}

// unmergeCustomers is POST /customers/unmerges: it splits one source customer off. There is nothing
// yet that could be moved with it.
func unmergeCustomers(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := f.Require("customer_uuid", "data_source_uuid", "external_id"); err != nil {
		return httpapi.Reply{}, err
	}
	root, src, ext := f.Needed("customer_uuid"), f.Needed("data_source_uuid"), f.Needed("external_id")
	movable := []string{"tasks", "opportunities", "notes"}
	for _, what := range f.Texts("move_to_new_customer", len(movable)) {
		if !slices.Contains(movable, what) {
			f.Fail("move_to_new_customer", "must be a list of: tasks, opportunities, notes")
		}
	}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	whole, err := c.Records.Ref(c.Context(), a, records.Name{ID: root})
	if err != nil {
		return httpapi.Reply{}, err
	}
	part, err := c.Records.Ref(c.Context(), a, records.Name{Source: src, ExternalID: ext})
	if err != nil {
		return httpapi.Reply{}, err
	}
	return accepted(c.Records.Unmerge(c.Context(), part, whole))
}

// accepted is the answer to what ChartMogul does after it answers, and Reseed before.
func accepted(err error) (httpapi.Reply, error) {
	return httpapi.Reply{Status: http.StatusAccepted, Body: struct{}{}}, err
}
