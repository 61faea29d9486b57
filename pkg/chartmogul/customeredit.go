package chartmogul

import (
	"net/http"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/table"
)

// patchCustomer is PATCH /customers/:uuid: always an edit, which stays whatever is imported later. Of a merged
// customer the one is edited that the others were merged into. A lead status is taken and has no effect, since nobody
// has another than "New Lead".
func patchCustomer(c *call) (ans reply, err error) {
	body, err := c.body()
	if err != nil {
		return reply{}, err
	}
	return ans, c.settled(func() error {
		a, row, err := c.customer(c.PathValue("uuid"))
		if err != nil {
			return err
		}
		list := c.ownChanges(body, row.group)
		s := stored{src: row.Source, key: row.Source.Space().Customer(row.H), attrs: row.Attrs, edits: row.Edits.Row}
		ch, err := c.customerForm().edit(body, s, func(attrs table.Attrs) any {
			return c.customerWire(rowOf(edit.Group{{Ref: row.Ref, Source: row.Source, Attrs: attrs}}))
		})
		if err != nil {
			return err
		}
		list = append(list, customerEdit{row.Member, a.editable(s).Change(ch.want, ch.attrs, c.author)})
		if err := c.edit(a, list); err != nil {
			return err
		}
		ans = reply{status: http.StatusOK, body: c.customerWire(rowOf(row.group))}
		return nil
	})
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

// ownChanges are what a PATCH changes of the things that only people give to a customer. Tags are those of all members
// together.
func (c *call) ownChanges(body *fields, g edit.Group) (list []customerEdit) {
	if body.value("primary_contact") != nil {
		body.fail("primary_contact", textFixed)
	}
	f := body.object("attributes")
	if f == nil {
		return nil
	}
	if f.value("custom") != nil {
		if values := readCustomMap(f, "custom"); len(values) > 0 {
			list = append(list, c.putCustomOf(g, values))
		}
	}
	if f.value("tags") == nil {
		return list
	}
	tags := f.texts("tags", edit.MaxTags)
	list = append(list, customerEdit{g[0], c.editing(g[0]).c.SetTags(tags...)})
	gone := slices.DeleteFunc(slices.Clone(g.Tags()), func(t string) bool { return slices.Contains(tags, t) })
	if len(gone) == 0 {
		return list
	}
	return append(list, c.removeTagsOf(g[1:], gone)...)
}
