package chartmogul

import (
	"maps"
	"slices"
	"strconv"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
)

const statusNewLead = "New Lead" // the status of every customer, until there are metrics

// customerWire is a customer on the wire.
type customerWire struct {
	ID                 uint32         `json:"id"`
	UUID               string         `json:"uuid"`
	ExternalID         string         `json:"external_id"`
	Name               string         `json:"name"`
	Email              string         `json:"email"`
	Status             string         `json:"status"`
	CustomerSince      optText        `json:"customer-since"`
	Attributes         attributesWire `json:"attributes"`
	DataSourceUUID     string         `json:"data_source_uuid"`
	DataSourceUUIDs    []string       `json:"data_source_uuids"`
	ExternalIDs        []string       `json:"external_ids"`
	Company            string         `json:"company"`
	Country            optText        `json:"country"`
	State              optText        `json:"state"`
	City               optText        `json:"city"`
	Zip                optText        `json:"zip"`
	LeadCreatedAt      stamp          `json:"lead_created_at"`
	FreeTrialStartedAt stamp          `json:"free_trial_started_at"`
	Address            addressWire    `json:"address"`
	MRR                int64          `json:"mrr"`
	ARR                int64          `json:"arr"`
	BillingSystemURL   optText        `json:"billing-system-url"`
	ChartMogulURL      string         `json:"chartmogul-url"`
	BillingSystemType  string         `json:"billing-system-type"`
	Currency           string         `json:"currency"`
	CurrencySign       string         `json:"currency-sign"`
	Owner              optText        `json:"owner"`
	WebsiteURL         optText        `json:"website_url"`
}

type addressWire struct {
	Country optText `json:"country"`
	State   optText `json:"state"`
	City    optText `json:"city"`
	Zip     optText `json:"address_zip"`
}

// attributesWire is what people added to a customer.
type attributesWire struct {
	Tags   []string       `json:"tags"`
	Stripe struct{}       `json:"stripe"`
	Custom map[string]any `json:"custom"`

	Truncated bool `json:"truncated,omitempty"` // some are left out
}

// customerTail is the tail of a list of customers.
type customerTail struct {
	CurrentPage *int    `json:"current_page,omitempty"`
	TotalPages  *int    `json:"total_pages,omitempty"`
	HasMore     bool    `json:"has_more"`
	PerPage     *int    `json:"per_page,omitempty"`
	Page        *int    `json:"page,omitempty"`
	Cursor      *string `json:"cursor"`
}

// searchTail is customerTail with a total_pages that is null.
type searchTail struct {
	customerTail
	TotalPages *int `json:"total_pages"`
}

func (c *call) customerWire(r records.Customer) *customerWire {
	w := &customerWire{}
	c.spellOut(r, w)
	return w
}

// spellOut makes w the wire form of a customer.
func (c *call) spellOut(r records.Customer, w *customerWire) {
	cu := r.Record
	id := r.CustomerID()
	sources, ids := w.DataSourceUUIDs[:0], w.ExternalIDs[:0]
	for _, m := range r.Group { // as they were imported
		sources, ids = append(sources, m.Source.UUID), append(ids, m.Attrs.Str("external_id"))
	}
	*w = customerWire{
		ID: r.H.Number(), UUID: id, ExternalID: cu.ExternalID, Name: cu.DisplayName(), Email: cu.Email,
		Status: statusNewLead, Attributes: attributesOf(r.Group),
		DataSourceUUID: r.Source.UUID, DataSourceUUIDs: sources, ExternalIDs: ids,
		Company: cu.Company, Country: optText(cu.Country), State: optText(cu.State), City: optText(cu.City), Zip: optText(cu.Zip),
		LeadCreatedAt: stamp(cu.LeadCreatedAt), FreeTrialStartedAt: stamp(cu.FreeTrialStartedAt),
		Address: addressWire{
			Country: optText(billing.CountryName(cu.Country)), State: optText(billing.StateName(cu.State)),
			City: optText(cu.City), Zip: optText(cu.Zip),
		},
		ChartMogulURL:     c.PublicURL + "/customers/" + id,
		BillingSystemType: r.Source.System, Currency: c.Currency, CurrencySign: c.sign,
		Owner: optText(cu.Owner), WebsiteURL: optText(cu.WebsiteURL),
	}
}

// maxAttributes is how many bytes of tags, and of custom attributes, an answer has for one
// customer. Only a merged customer can have more; the list of edits has all of them.
const maxAttributes = httpapi.MaxAnswer / 3

func attributesOf(g edit.Group) attributesWire {
	w := attributesWire{Tags: tagsOf(g.Tags()), Custom: edit.Custom(g.Attributes())}
	if len(g) > 1 {
		w.shorten()
	}
	return w
}

// shorten leaves out the last tags and custom attributes if there are too many.
func (w *attributesWire) shorten() {
	room := maxAttributes
	for i, t := range w.Tags {
		if room -= len(httpapi.AppendText(nil, t)) + 1; room < 0 {
			w.Tags, w.Truncated = w.Tags[:i], true
			break
		}
	}
	room = maxAttributes
	for _, name := range slices.Sorted(maps.Keys(w.Custom)) {
		value, _ := httpapi.AppendJSON(httpapi.AppendText(nil, name), w.Custom[name]) // never fails
		if room -= len(value) + 2; room < 0 {
			delete(w.Custom, name)
			w.Truncated = true
		}
	}
}

// tagsOf replaces nil by an empty list, which is not null on the wire.
func tagsOf(tags []string) []string {
	if tags == nil {
		return []string{}
	}
	return tags
}

// AppendJSON appends the customer.
func (w *customerWire) AppendJSON(b []byte) []byte {
	b = strconv.AppendUint(append(b, `{"id":`...), uint64(w.ID), 10)
	b = httpapi.AppendPlain(append(b, `,"uuid":`...), w.UUID)
	b = httpapi.AppendText(append(b, `,"external_id":`...), w.ExternalID)
	b = httpapi.AppendText(append(b, `,"name":`...), w.Name)
	b = httpapi.AppendText(append(b, `,"email":`...), w.Email)
	b = httpapi.AppendPlain(append(b, `,"status":`...), w.Status)
	b = w.CustomerSince.appendTo(append(b, `,"customer-since":`...))
	b = w.Attributes.appendTo(append(b, `,"attributes":`...))
	b = httpapi.AppendPlain(append(b, `,"data_source_uuid":`...), w.DataSourceUUID)
	b = httpapi.AppendTexts(append(b, `,"data_source_uuids":`...), w.DataSourceUUIDs)
	b = httpapi.AppendTexts(append(b, `,"external_ids":`...), w.ExternalIDs)
	b = httpapi.AppendText(append(b, `,"company":`...), w.Company)
	b = w.Country.appendTo(append(b, `,"country":`...))
	b = w.State.appendTo(append(b, `,"state":`...))
	b = w.City.appendTo(append(b, `,"city":`...))
	b = w.Zip.appendTo(append(b, `,"zip":`...))
	b = w.LeadCreatedAt.appendTo(append(b, `,"lead_created_at":`...))
	b = w.FreeTrialStartedAt.appendTo(append(b, `,"free_trial_started_at":`...))
	b = w.Address.Country.appendTo(append(b, `,"address":{"country":`...))
	b = w.Address.State.appendTo(append(b, `,"state":`...))
	b = w.Address.City.appendTo(append(b, `,"city":`...))
	b = w.Address.Zip.appendTo(append(b, `,"address_zip":`...))
	b = strconv.AppendInt(append(b, `},"mrr":`...), w.MRR, 10)
	b = strconv.AppendInt(append(b, `,"arr":`...), w.ARR, 10)
	b = w.BillingSystemURL.appendTo(append(b, `,"billing-system-url":`...))
	b = httpapi.AppendText(append(b, `,"chartmogul-url":`...), w.ChartMogulURL)
	b = httpapi.AppendText(append(b, `,"billing-system-type":`...), w.BillingSystemType)
	b = httpapi.AppendText(append(b, `,"currency":`...), w.Currency)
	b = httpapi.AppendText(append(b, `,"currency-sign":`...), w.CurrencySign)
	b = w.Owner.appendTo(append(b, `,"owner":`...))
	b = w.WebsiteURL.appendTo(append(b, `,"website_url":`...))
	return append(b, '}')
}

// appendTo appends what people added to a customer.
func (w *attributesWire) appendTo(b []byte) []byte {
	b = httpapi.AppendTexts(append(b, `{"tags":`...), w.Tags)
	b = append(b, `,"stripe":{},"custom":`...)
	if len(w.Custom) == 0 {
		b = append(b, '{', '}')
	} else {
		b, _ = httpapi.AppendJSON(b, w.Custom) // texts, numbers and truth values never fail
	}
	if w.Truncated {
		b = append(b, `,"truncated":true`...)
	}
	return append(b, '}')
}
