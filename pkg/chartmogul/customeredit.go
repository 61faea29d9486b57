package chartmogul

import (
	"net/http"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/table"
)

// patchCustomer is PATCH /customers/:uuid: always an edit, which stays whatever is imported later.
// In a merged customer the edit goes to the member that the others were merged into. A lead status
// is accepted but has no effect, since every customer is a "New Lead".
func patchCustomer(c *call) (httpapi.Reply, error) {
	body, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	cu, err := c.Records.EditCustomer(c.Context(), c.PathValue("uuid"), func(a records.Account, cu records.Customer) ([]records.CustomerEdit, error) {
		list := c.ownChanges(body, cu.Group)
		ch, err := c.customerForm().edit(body, cu.Stored(), func(attrs table.Attrs) any {
			return c.customerWire(records.CustomerOf(edit.Group{{Ref: cu.Ref, Source: cu.Source, Attrs: attrs}}))
		})
		return append(list, a.EditFields(cu, ch, c.Author)), err
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: c.customerWire(cu)}, nil
}

func (c *call) customerForm() form {
	return form{
		open: []string{
			"name", "email", "company", "country", "state", "city", "zip", "lead_created_at", "free_trial_started_at", "owner", "website_url",
		},
		fixed: []string{"external_id", "data_source_uuid"},
		read:  func(f *httpapi.Fields) (billing.Record, error) { return c.readCustomer(f), nil },
	}
}

// ownChanges are the edits of tags and custom attributes that a PATCH asks for. Its tags replace
// the tags of all members.
func (c *call) ownChanges(body *httpapi.Fields, g edit.Group) (list []records.CustomerEdit) {
	if body.Value("primary_contact") != nil {
		body.Fail("primary_contact", textFixed)
	}
	f := body.Object("attributes")
	if f == nil {
		return nil
	}
	if f.Value("custom") != nil {
		if values := readCustomMap(f, "custom"); len(values) > 0 {
			list = append(list, records.PutCustom(g, c.Author, values))
		}
	}
	if f.Value("tags") == nil {
		return list
	}
	return append(list, records.SetTags(g, c.Author, f.Texts("tags", edit.MaxTags))...)
}
