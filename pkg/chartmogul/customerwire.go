package chartmogul

import (
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
)

const (
	whatCustomer  = "Customer"
	statusNewLead = "New Lead" // of everybody, until there are metrics
)

// customerWire is a customer on the wire (chartmogul-api §2.3).
type customerWire struct {
	ID                 uint32         `json:"id"`
	UUID               string         `json:"uuid"`
	ExternalID         string         `json:"external_id"`
	Name               string         `json:"name"`
	Email              string         `json:"email"`
	Status             string         `json:"status"`
	CustomerSince      *string        `json:"customer-since"`
	Attributes         attributesWire `json:"attributes"`
	DataSourceUUID     string         `json:"data_source_uuid"`
	DataSourceUUIDs    []string       `json:"data_source_uuids"`
	ExternalIDs        []string       `json:"external_ids"`
	Company            string         `json:"company"`
	Country            *string        `json:"country"`
	State              *string        `json:"state"`
	City               *string        `json:"city"`
	Zip                *string        `json:"zip"`
	LeadCreatedAt      stamp          `json:"lead_created_at"`
	FreeTrialStartedAt stamp          `json:"free_trial_started_at"`
	Address            addressWire    `json:"address"`
	MRR                int64          `json:"mrr"`
	ARR                int64          `json:"arr"`
	BillingSystemURL   *string        `json:"billing-system-url"`
	ChartMogulURL      string         `json:"chartmogul-url"`
	BillingSystemType  string         `json:"billing-system-type"`
	Currency           string         `json:"currency"`
	CurrencySign       string         `json:"currency-sign"`
	Owner              *string        `json:"owner"`
	WebsiteURL         *string        `json:"website_url"`
}

type addressWire struct {
	Country *string `json:"country"`
	State   *string `json:"state"`
	City    *string `json:"city"`
	Zip     *string `json:"address_zip"`
}

// attributesWire is what people added to a customer.
type attributesWire struct {
	Tags   []string       `json:"tags"`
	Stripe struct{}       `json:"stripe"`
	Custom map[string]any `json:"custom"`
}

type customerList struct {
	Entries     []customerWire `json:"entries"`
	CurrentPage *int           `json:"current_page,omitempty"`
	TotalPages  *int           `json:"total_pages,omitempty"`
	HasMore     bool           `json:"has_more"`
	PerPage     *int           `json:"per_page,omitempty"`
	Page        *int           `json:"page,omitempty"`
	Cursor      *string        `json:"cursor"`
}

// searchList is customerList with a total_pages that is null.
type searchList struct {
	customerList
	TotalPages *int `json:"total_pages"`
}

// customerEntries is the answer of what is done by e-mail: no paging keys.
type customerEntries struct {
	Entries []customerWire `json:"entries"`
}

// customerRow is a customer as people see it: one or more that were merged.
type customerRow struct {
	*edit.Member // the one that the others were merged into: everything but tags, custom attributes and ids is its own
	group        edit.Group
	record       *billing.Customer // as it is to be seen
}

func rowOf(g edit.Group) customerRow {
	return customerRow{g[0], g, store.DecodeCustomer(g[0].Shown())}
}

func (c *call) customerWire(r customerRow) customerWire {
	cu := r.record
	id := r.CustomerID()
	sources, ids := pairs(r.group)
	return customerWire{
		ID: r.H.Number(), UUID: id, ExternalID: cu.ExternalID, Name: cu.DisplayName(), Email: cu.Email,
		Status: statusNewLead, Attributes: attributesOf(r.group),
		DataSourceUUID: r.Source.UUID, DataSourceUUIDs: sources, ExternalIDs: ids,
		Company: cu.Company, Country: opt(cu.Country), State: opt(cu.State), City: opt(cu.City), Zip: opt(cu.Zip),
		LeadCreatedAt: stamp(cu.LeadCreatedAt), FreeTrialStartedAt: stamp(cu.FreeTrialStartedAt),
		Address: addressWire{
			Country: opt(billing.CountryName(cu.Country)), State: opt(billing.StateName(cu.State)),
			City: opt(cu.City), Zip: opt(cu.Zip),
		},
		ChartMogulURL:     c.PublicURL + "/customers/" + id,
		BillingSystemType: r.Source.System, Currency: c.Currency, CurrencySign: billing.CurrencySign(c.Currency),
		Owner: opt(cu.Owner), WebsiteURL: opt(cu.WebsiteURL),
	}
}

func (c *call) customerWires(page []shown) []customerWire {
	out := make([]customerWire, len(page))
	for i, s := range page {
		out[i] = c.customerWire(rowOf(s.group))
	}
	return out
}

// pairs are the source and the external id of every member.
func pairs(g edit.Group) (sources, ids []string) {
	for _, m := range g {
		sources, ids = append(sources, m.Source.UUID), append(ids, m.Attrs.Str("external_id"))
	}
	return sources, ids
}

func attributesOf(g edit.Group) attributesWire {
	return attributesWire{Tags: tagsOf(g.Tags()), Custom: edit.Custom(g.Attributes())}
}

// tagsOf is never null on the wire.
func tagsOf(tags []string) []string {
	if tags == nil {
		return []string{}
	}
	return tags
}
