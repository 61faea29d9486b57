package console

import (
	"fmt"
	"maps"
	"net/url"
	"slices"

	"reseed/pkg/api/wire"
)

// customerPage is all that is known of a customer.
type customerPage struct {
	base
	ID         string // of the customer
	Part       *memberRow
	Banner     *doneBanner
	Root       recordView // the source customer whose fields are the customer's
	Members    []memberRow
	MoreParts  bool // there are more members
	Contacts   []recordView
	More       bool // there are more contacts
	Origin     *wire.Origin
	Tags       []string
	TagsBy     *wire.Mark // who changed them last
	Attributes []attributeRow
	Timeline   timelineView
	Connected  map[string]string // names of the billing systems that data sources of its parts pull from, by uuid

	// forms that were refused, as they were sent
	Tag        string
	TagProblem string
	Custom     attributeForm
}

// memberRow is a source customer.
type memberRow struct {
	wire.Member
	View recordView
}

// Name is how the source customer is called.
func (m memberRow) Name() string { return nameOf(m.View.Record) }

// nameOf is what people call a customer: by its name, or else by its company, e-mail address or
// external id.
func nameOf(r wire.Record) string {
	for _, field := range []string{"name", "company", "email", "external_id"} {
		if v := r.Field(field).Value; v != "" {
			return v
		}
	}
	return r.ID
}

// attributeRow is a custom attribute.
type attributeRow struct {
	Name, Value string
	From        string     // the data source that it was imported from; empty if it was not
	Was         string     // the value as it was imported, if a person has given another one
	Mark        *wire.Mark // nil: nobody has given it; else who changed the attributes of that source customer last
}

// attributeForm is a custom attribute to be set.
type attributeForm struct {
	wire.CustomAttribute
	Problem string
}

// Types are the types that it may have.
func (attributeForm) Types() []string { return wire.AttributeTypes() }

// showCustomer is GET /customers/{id}. The customer may have been merged into another one, which is
// shown then.
func (c *Console) showCustomer(v *visit) (answer, error) {
	p, err := v.customerPage()
	return show("customer", p), err
}

// members reads the source customers of the customer of the path.
func (v *visit) members() (*wire.Members, error) {
	return v.client.Members(v.ctx(), v.PathValue("id"), "")
}

func (v *visit) customerPage() (p customerPage, err error) {
	all, err := v.members()
	if err != nil {
		return p, err
	}
	path := "/customers/" + all.Customer
	for _, m := range all.Members {
		row := memberRow{m, viewOf(m.Record, path)}
		p.Members = append(p.Members, row)
		if m.ID == v.PathValue("id") && m.ID != all.Customer {
			p.Part = &row
		}
		for _, r := range m.Contacts {
			p.Contacts = append(p.Contacts, viewOf(r, path))
		}
		p.More = p.More || m.MissedContacts
	}
	root := p.Members[0]
	p.base = v.base(root.Name(), "customers")
	p.ID, p.Root, p.MoreParts = all.Customer, root.View, all.HasMore
	p.Tags, p.TagsBy = tagsOf(all.Members)
	p.Attributes = attributesOf(all.Members)
	if p.Connected, err = v.connected(all.Members); err != nil {
		return p, err
	}
	if p.Origin, err = v.client.Origin(v.ctx(), all.Customer); err != nil {
		return p, err
	}
	after := v.URL.Query().Get("after")
	timeline, err := v.client.Timeline(v.ctx(), all.Customer, after, perTimeline)
	if err != nil {
		return p, err
	}
	p.Timeline = timelineOf(timeline, path, after)
	p.Banner = p.bannerOf(v.URL.Query())
	return p, nil
}

// tagsOf lists the tags of all source customers, each once, and who changed some of them last.
func tagsOf(members []wire.Member) (tags []string, by *wire.Mark) {
	for _, m := range members {
		for _, e := range m.Edits {
			if len(e.Tags) == 0 {
				continue
			}
			for _, t := range e.Tags {
				if !slices.Contains(tags, t) {
					tags = append(tags, t)
				}
			}
			if at := e.ChangedAt; at != nil && (by == nil || at.After(by.At)) {
				by = &wire.Mark{Author: e.Author, At: *at}
			}
		}
	}
	return tags, by
}

// attributesOf lists the custom attributes of all source customers: of several of one name, that of
// the first. What people have given a source customer counts more than what was imported.
func attributesOf(members []wire.Member) (rows []attributeRow) {
	found := map[string]attributeRow{}
	for _, m := range slices.Backward(members) {
		imported := attributesIn(m.Record.Field(fieldAttributes).Value)
		for name, v := range imported {
			found[name] = attributeRow{Name: name, Value: fmt.Sprint(v), From: m.SourceName}
		}
		for _, e := range m.Edits {
			for name, v := range e.Attributes {
				row := attributeRow{Name: name, Value: fmt.Sprint(v)}
				if was, is := imported[name]; is {
					row.Was, row.From = fmt.Sprint(was), m.SourceName
				}
				if e.ChangedAt != nil {
					row.Mark = &wire.Mark{Author: e.Author, At: *e.ChangedAt}
				}
				found[name] = row
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		rows = append(rows, found[name])
	}
	return rows
}

// exportCustomer is POST /customers/{id}/export: all that is known of one person.
func (c *Console) exportCustomer(v *visit) (answer, error) {
	j, err := v.client.ExportCustomer(v.ctx(), wire.CustomerExport{Customer: v.PathValue("id")})
	if err != nil {
		return answer{}, err
	}
	return goTo("/jobs/" + url.PathEscape(j.ID)), nil
}
