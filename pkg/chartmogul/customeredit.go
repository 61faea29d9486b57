package chartmogul

import (
	"net/http"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
)

// patchCustomer is PATCH /customers/:uuid: always an edit, which stays whatever is imported later. Of a merged
// customer the one is edited that the others were merged into. A lead status is taken and has no effect, since nobody
// has another than "New Lead".
func patchCustomer(c *call) (reply, error) {
	body, err := c.body()
	if err != nil {
		return reply{}, err
	}
	a, row, err := c.customer(c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	own := readOwnChange(body)
	s := stored{src: row.Source, key: row.Source.Space().Customer(row.H), attrs: row.Attrs, edits: row.Edits.Row}
	ch, err := c.customerForm().edit(body, s, func(attrs store.Attrs) any {
		return c.customerWire(rowOf(edit.Group{{Ref: row.Ref, Source: row.Source, Attrs: attrs}}))
	})
	if err != nil {
		return reply{}, err
	}
	if err := own.apply(c, row.group); err != nil { // first, since an attribute's type may refuse its value
		return reply{}, err
	}
	if err := c.apply(a, &s, ch); err != nil {
		return reply{}, err
	}
	row.Edits.Row = s.edits
	return reply{status: http.StatusOK, body: c.customerWire(rowOf(row.group))}, nil
}

func (c *call) customerForm() form {
	return form{
		open: []string{
			"name", "email", "company", "country", "state", "city", "zip", "lead_created_at", "free_trial_started_at", "owner", "website_url",
		},
		fixed: []string{"external_id", "data_source_uuid"},
		read:  func(f *fields) (billing.Record, error) { return c.readCustomer(f), nil },
	}
}

// ownChange is what a PATCH changes of the things that only people give to a customer.
type ownChange struct {
	tags    []string
	setTags bool
	custom  map[string]edit.Untyped
}

func readOwnChange(body *fields) (ch ownChange) {
	if body.value("primary_contact") != nil {
		body.fail("primary_contact", textFixed)
	}
	f := body.object("attributes")
	if f == nil {
		return ch
	}
	if ch.setTags = f.value("tags") != nil; ch.setTags {
		ch.tags = f.texts("tags")
	}
	if f.value("custom") != nil {
		ch.custom = readCustomMap(f, "custom")
	}
	return ch
}

func (ch ownChange) apply(c *call, g edit.Group) (err error) {
	if len(ch.custom) > 0 {
		if err := c.putCustomOf(g, ch.custom); err != nil {
			return err
		}
	}
	if !ch.setTags {
		return nil
	}
	root := g[0]
	if root.Edits.Tags, err = c.Edits.SetTags(c.Context(), c.editing(root), ch.tags...); err != nil {
		return err
	}
	gone := slices.DeleteFunc(g.Tags(), func(t string) bool { return slices.Contains(ch.tags, t) })
	if len(gone) == 0 {
		return nil
	}
	return c.removeTagsOf(g[1:], gone)
}
