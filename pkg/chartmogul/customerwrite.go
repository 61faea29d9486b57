package chartmogul

import (
	"net/http"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/records"
)

// createCustomer is POST /customers: with a primary contact and what people add to the customer.
func createCustomer(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("data_source_uuid", "external_id"); err != nil {
		return reply{}, err
	}
	n := records.NewCustomer{Source: f.text("data_source_uuid"), Record: c.readCustomer(f), By: c.author}
	n.Contact = readContact(f.object("primary_contact"), n.Record)
	n.Tags, n.Custom = readAttributes(f.object("attributes"))
	n.Wrong = f.refused()
	made, err := c.Records.CreateCustomer(c.Context(), n)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, body: c.customerWire(made)}, nil
}

// readCustomer reads the writable fields of a customer.
func (c *call) readCustomer(f *fields) *billing.Customer {
	cu := c.readProfile(f)
	cu.ExternalID = f.neededID("external_id")
	cu.State = billing.ParseState(cu.Country, f.text("state"))
	return cu
}

// readProfile reads all but the external id, and the state, which depends on the country.
func (c *call) readProfile(f *fields) *billing.Customer {
	now := c.Now()
	cu := &billing.Customer{
		Name: f.text("name"), Email: f.email("email"), Company: f.text("company"),
		City: f.text("city"), Zip: f.text("zip"), Owner: f.email("owner"), WebsiteURL: f.text("website_url"),
		LeadCreatedAt: f.past("lead_created_at", now), FreeTrialStartedAt: f.past("free_trial_started_at", now),
	}
	if s := f.text("country"); s != "" {
		code, err := billing.ParseCountry(s)
		cu.Country = f.checked("country", code, err)
	}
	return cu
}

// readContact reads the primary contact of a new customer; nil if there is none.
func readContact(f *fields, owner *billing.Customer) *billing.Contact {
	if f == nil {
		return nil
	}
	return &billing.Contact{
		CustomerExternalID: owner.ExternalID, Position: 1,
		FirstName: f.text("first_name"), LastName: f.text("last_name"), Email: f.email("email"), Title: f.text("title"),
		Phone: f.text("phone"), LinkedIn: f.text("linked_in"), Twitter: f.text("twitter"), Note: f.limited("notes", billing.MaxNote),
	}
}

// readAttributes reads what a new customer comes with: tags, and custom attributes as a list.
func readAttributes(f *fields) (tags []string, custom map[string]edit.Value) {
	if f == nil {
		return nil, nil
	}
	return f.texts("tags", edit.MaxTags), readCustomList(f, "custom")
}
