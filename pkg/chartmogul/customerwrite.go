package chartmogul

import (
	"net/http"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
)

// createCustomer is POST /customers: with a primary contact, tags and custom attributes. ChartMogul
// does not have the member manual: it says that a person has made the customer by hand.
func createCustomer(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := f.Require("data_source_uuid", "external_id"); err != nil {
		return httpapi.Reply{}, err
	}
	n := records.NewCustomer{Source: f.Text("data_source_uuid"), Record: c.readCustomer(f), By: c.Author, Manual: f.Truth("manual")}
	n.Contact = readContact(f.Object("primary_contact"), n.Record)
	n.Tags, n.Custom = readAttributes(f.Object("attributes"))
	n.Wrong = f.Refused()
	made, err := c.Records.CreateCustomer(c.Context(), n)
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusCreated, Body: c.customerWire(made)}, nil
}

// readCustomer reads the writable fields of a customer.
func (c *call) readCustomer(f *httpapi.Fields) *billing.Customer {
	cu := c.readProfile(f)
	cu.ExternalID = f.NeededID("external_id")
	cu.State = billing.ParseState(cu.Country, f.Text("state"))
	return cu
}

// readProfile reads all fields but the external id, and but the state, which depends on the
// country.
func (c *call) readProfile(f *httpapi.Fields) *billing.Customer {
	now := c.Now()
	cu := &billing.Customer{
		Name: f.Text("name"), Email: f.Email("email"), Company: f.Text("company"),
		City: f.Text("city"), Zip: f.Text("zip"), Owner: f.Email("owner"), WebsiteURL: f.Text("website_url"),
		LeadCreatedAt: f.Past("lead_created_at", now), FreeTrialStartedAt: f.Past("free_trial_started_at", now),
	}
	if s := f.Text("country"); s != "" {
		code, err := billing.ParseCountry(s)
		cu.Country = f.Checked("country", code, err)
	}
	return cu
}

// readContact reads the primary contact of a new customer; nil if there is none.
func readContact(f *httpapi.Fields, owner *billing.Customer) *billing.Contact {
	if f == nil {
		return nil
	}
	return &billing.Contact{
		CustomerExternalID: owner.ExternalID, Position: 1,
		FirstName: f.Text("first_name"), LastName: f.Text("last_name"), Email: f.Email("email"), Title: f.Text("title"),
		Phone: f.Text("phone"), LinkedIn: f.Text("linked_in"), Twitter: f.Text("twitter"), Note: f.Limited("notes", billing.MaxNote),
	}
}

// readAttributes reads the tags and custom attributes of a new customer, the latter as a list.
func readAttributes(f *httpapi.Fields) (tags []string, custom map[string]edit.Value) {
	if f == nil {
		return nil, nil
	}
	return f.Texts("tags", edit.MaxTags), readCustomList(f, "custom")
}
