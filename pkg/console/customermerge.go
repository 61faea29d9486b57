package console

import (
	"fmt"
	"slices"
	"strings"

	"reseed/pkg/api/wire"
)

// mergeCustomerPage is the way from a customer to the one that it is to be merged into: a search, then a
// preview of the result.
type mergeCustomerPage struct {
	base
	customerSearch
	ID      string
	Name    string
	Itself  bool          // the search has found this very customer, which is not listed
	Into    *mergePreview // nil while there is only the search
	Problem string
}

// mergePreview is what people would see after a merge.
type mergePreview struct {
	ID, Name    string
	Rows        []mergeRow
	ExternalIDs []string // of all source customers
	Tags        []string
	Attributes  []attributeRow
	Hidden      []string // custom attributes of the one whose values do not show any more
}

// mergeRow is a field of the result.
type mergeRow struct {
	Label  string
	Now    fieldValue
	Hidden fieldValue // of the other one, if it differs
}

// showMerge is GET /customers/{id}/merge: with q a search, with into a preview.
func (c *Console) showMerge(v *visit) (answer, error) {
	p, from, err := v.mergeCustomerPage()
	if err != nil {
		return answer{}, err
	}
	if into := v.FormValue("into"); into != "" {
		other, err := v.client.Members(v.ctx(), into, "")
		if err != nil {
			return answer{}, err
		}
		if p.Into = mergePreviewOf(from, other); p.Into == nil {
			p.Problem = "These two are the same customer already."
		}
		return show("customermerge", p), nil
	}
	p.customerSearch, err = v.searchFor(v.FormValue("q"))
	all := len(p.Found)
	p.Found = slices.DeleteFunc(p.Found, func(f foundCustomer) bool { return f.ID == p.ID })
	p.Itself = len(p.Found) < all
	return show("customermerge", p), err
}

func (v *visit) mergeCustomerPage() (mergeCustomerPage, *wire.Members, error) {
	from, err := v.members()
	if err != nil {
		return mergeCustomerPage{}, nil, err
	}
	name := nameOf(from.Members[0].Record)
	return mergeCustomerPage{base: v.base("Merge "+name, "customers"), ID: from.Customer, Name: name}, from, nil
}

// mergePreviewOf is what a merge would make of two customers; nil if they are one.
func mergePreviewOf(from, into *wire.Members) *mergePreview {
	if from.Customer == into.Customer {
		return nil
	}
	root, other := into.Members[0], from.Members[0]
	p := &mergePreview{ID: into.Customer, Name: nameOf(root.Record)}
	for _, f := range editable() {
		now, hidden := root.Field(f.Name), other.Field(f.Name)
		if now.Value == "" && hidden.Value == "" {
			continue
		}
		row := mergeRow{Label: labelOf(f.Name), Now: readableField(now.Is, now.Value, nil)}
		if hidden.Value != now.Value {
			row.Hidden = readableField(hidden.Is, hidden.Value, nil)
		}
		p.Rows = append(p.Rows, row)
	}
	all := slices.Concat(into.Members, from.Members)
	for _, m := range all {
		p.ExternalIDs = append(p.ExternalIDs, m.ExternalID+" ("+m.SourceName+")")
	}
	p.Tags, _ = tagsOf(all)
	p.Attributes = attributesOf(all)
	for _, a := range attributesOf(from.Members) {
		if !slices.ContainsFunc(p.Attributes, func(b attributeRow) bool { return b.Name == a.Name && b.Value == a.Value }) {
			p.Hidden = append(p.Hidden, fmt.Sprintf("%s: %s", a.Name, a.Value))
		}
	}
	return p
}

// mergeCustomer is POST /customers/{id}/merge: into another customer.
func (c *Console) mergeCustomer(v *visit) (answer, error) {
	p, from, err := v.mergeCustomerPage()
	if err != nil {
		return answer{}, err
	}
	into, err := v.client.Members(v.ctx(), strings.TrimSpace(v.PostFormValue("into")), "")
	if err != nil {
		return answer{}, err
	}
	if from.Customer == into.Customer { // in another tab
		return done("/customers/"+into.Customer, "merged", hiddenInput{"part", v.PathValue("id")}), nil
	}
	err = v.client.Merge(v.ctx(), from.Customer, into.Customer)
	if e := refusedBy(err); e != nil {
		p.Problem, p.Into = problemOf(e), mergePreviewOf(from, into)
		return refuse("customermerge", p), nil
	}
	return done("/customers/"+into.Customer, "merged", hiddenInput{"part", from.Customer}), err
}

// unmergeCustomer is POST /customers/{id}/unmerge: it splits part, a source customer, off.
func (c *Console) unmergeCustomer(v *visit) (answer, error) {
	all, err := v.members()
	if err != nil {
		return answer{}, err
	}
	part := v.PostFormValue("part")
	at := slices.IndexFunc(all.Members, func(m wire.Member) bool { return m.ID == part && m.ID != all.Customer })
	if at >= 0 {
		m := all.Members[at]
		err = v.client.Unmerge(v.ctx(), all.Customer, m.Source, m.ExternalID)
	}
	if refusedBy(err) != nil { // in another tab
		err = nil
	}
	return done("/customers/"+all.Customer, "unmerged", hiddenInput{"part", part}), err
}
