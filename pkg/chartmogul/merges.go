package chartmogul

import (
	"net/http"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/store"
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
	a, err := c.account()
	if err != nil {
		return reply{}, err
	}
	one, err := c.named(a, from)
	if err != nil {
		return reply{}, err
	}
	other, err := c.named(a, into)
	if err != nil {
		return reply{}, err
	}
	return accepted(c.Edits.Merge(c.Context(), one, other, c.author))
}

// named finds the customer that an object names: by its uuid, or by a source and an external id of it.
func (c *call) named(a account, f *fields) (edit.Ref, error) {
	if id := f.text("customer_uuid"); id != "" {
		return c.rootOf(a, id)
	}
	src, ext := f.needed("data_source_uuid"), f.needed("external_id")
	if err := f.refused(); err != nil {
		return edit.Ref{}, err
	}
	return a.pair(src, ext)
}

// rootOf is the customer of a uuid. One that was merged away is not there.
func (c *call) rootOf(a account, id string) (edit.Ref, error) {
	tag, h, err := store.ParseID(store.PrefixCustomer, id)
	if err != nil {
		return edit.Ref{}, absent(whatCustomer)
	}
	r := edit.Ref{Tag: tag, H: h}
	groups, err := c.Edits.Groups(c.Context(), a.Directory, r)
	if err != nil {
		return r, err
	}
	if g := groups[r]; g == nil || g[0].Ref != r {
		return r, absent(whatCustomer)
	}
	return r, nil
}

// pair is the source customer of an external id.
func (a account) pair(source, ext string) (edit.Ref, error) {
	src, ok := a.ByUUID(source)
	if !ok {
		return edit.Ref{}, absent(whatSource)
	}
	return edit.Ref{Tag: src.Tag, H: a.hash.CustomerH(ext)}, nil
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
	a, err := c.account()
	if err != nil {
		return reply{}, err
	}
	whole, err := c.rootOf(a, root)
	if err != nil {
		return reply{}, err
	}
	part, err := a.pair(src, ext)
	if err != nil {
		return reply{}, err
	}
	return accepted(c.Edits.Unmerge(c.Context(), part, whole))
}

// accepted is the answer to what ChartMogul does behind the answer, and we before it.
func accepted(err error) (reply, error) {
	if fault.Is(err, fault.NotFound) {
		return reply{}, absent(whatCustomer)
	}
	return reply{status: http.StatusAccepted, body: struct{}{}}, err
}
