package chartmogul

import (
	"net/http"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/records"
)

// mergeCustomers is POST /customers/merges.
func mergeCustomers(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("from", "into"); err != nil {
		return reply{}, err
	}
	from, into := f.object("from"), f.object("into")
	for name, o := range map[string]*fields{"from": from, "into": into} {
		if o == nil {
			f.fail(name, "must be an object")
		}
	}
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return reply{}, err
	}
	one, err := c.customerNamed(a, from)
	if err != nil {
		return reply{}, err
	}
	other, err := c.customerNamed(a, into)
	if err != nil {
		return reply{}, err
	}
	return accepted(c.Records.Merge(c.Context(), one, other, c.author))
}

// customerNamed finds the customer that an object names: by its uuid, or by a source and an external id of it.
func (c *call) customerNamed(a records.Account, f *fields) (edit.Ref, error) {
	if id := f.text("customer_uuid"); id != "" {
		return c.Records.Ref(c.Context(), a, records.Name{ID: id})
	}
	n := records.Name{Source: f.needed("data_source_uuid"), ExternalID: f.needed("external_id")}
	if err := f.refused(); err != nil {
		return edit.Ref{}, err
	}
	return c.Records.Ref(c.Context(), a, n)
}

// unmergeCustomers is POST /customers/unmerges: it splits one source customer off. There is nothing yet that could
// be moved with it.
func unmergeCustomers(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("customer_uuid", "data_source_uuid", "external_id"); err != nil {
		return reply{}, err
	}
	root, src, ext := f.needed("customer_uuid"), f.needed("data_source_uuid"), f.needed("external_id")
	movable := []string{"tasks", "opportunities", "notes"}
	for _, what := range f.texts("move_to_new_customer", len(movable)) {
		if !slices.Contains(movable, what) {
			f.fail("move_to_new_customer", "must be a list of: tasks, opportunities, notes")
		}
	}
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return reply{}, err
	}
	whole, err := c.Records.Ref(c.Context(), a, records.Name{ID: root})
	if err != nil {
		return reply{}, err
	}
	part, err := c.Records.Ref(c.Context(), a, records.Name{Source: src, ExternalID: ext})
	if err != nil {
		return reply{}, err
	}
	return accepted(c.Records.Unmerge(c.Context(), part, whole))
}

// accepted is the answer to what ChartMogul does behind the answer, and we before it.
func accepted(err error) (reply, error) {
	return reply{status: http.StatusAccepted, body: struct{}{}}, err
}
