package chartmogul

import (
	"net/http"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// createCustomer is POST /customers: the customer, its e-mail pointer and its
// primary contact in one transaction; then what people add to it.
func createCustomer(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("data_source_uuid", "external_id"); err != nil {
		return reply{}, err
	}
	a, err := c.account()
	if err != nil {
		return reply{}, err
	}
	src, ok := a.ByUUID(f.text("data_source_uuid"))
	if !ok {
		return reply{}, absent(whatSource)
	}
	record := c.readCustomer(f)
	contact := readContact(f.object("primary_contact"), record)
	tags, custom := readAttributes(f.object("attributes"))
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	row, err := c.storeCustomer(a, src, record, contact)
	if err != nil {
		return reply{}, err
	}
	if err = c.addEdits(row, tags, custom); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, body: c.customerWire(row)}, nil
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

// storeCustomer makes a customer that is not there yet.
func (c *call) storeCustomer(a account, src store.Source, record *billing.Customer, contact *billing.Contact) (customerRow, error) {
	sp, h := src.Space(), a.hash.CustomerH(record.ExternalID)
	if a.Buried(src.Tag, store.KindCustomer, h) {
		return customerRow{}, erasing()
	}
	forgotten, err := c.Erase.Forgotten(c.Context(), a.Directory, src.Name, record.ExternalID)
	if err != nil {
		return customerRow{}, err
	}
	if forgotten {
		return customerRow{}, refused(map[string]string{"external_id": textForgotten})
	}
	item := c.encode(sp.Customer(h), record, 0)
	writes := []store.Write{{Item: item, If: a.fresh()}}
	if record.Email != "" {
		writes = append(writes, store.Write{Item: pointer(sp.Email(a.hash.EmailH(record.Email), h), store.Origin{}, nil)})
	}
	if contact != nil {
		writes = append(writes, store.Write{Item: c.encode(sp.Contact(h, a.hash.ContactH(contact)), contact, 0)})
	}
	err = c.Store.Transact(c.Context(), writes...)
	if fault.KindOf(err) == fault.Conflict && err != nil {
		return customerRow{}, c.taken(a, item.Key, textCustomerDup)
	}
	return rowOf(edit.Group{{Ref: edit.Ref{Tag: src.Tag, H: h}, Source: src, Attrs: item.Attrs}}), err
}

// readAttributes reads what a new customer comes with: tags, and custom attributes as a list.
func readAttributes(f *fields) (tags []string, custom map[string]edit.Value) {
	if f == nil {
		return nil, nil
	}
	return f.texts("tags"), readCustomList(f, "custom")
}

// addEdits adds tags and custom attributes to a customer that was made by this
// request. Should it fail here, the customer is there and both can be added again: they are sets.
func (c *call) addEdits(row customerRow, tags []string, custom map[string]edit.Value) (err error) {
	if len(tags) > 0 {
		if row.Edits.Tags, err = c.Edits.AddTags(c.Context(), c.editing(row.Member), tags...); err != nil {
			return err
		}
	}
	if len(custom) > 0 {
		row.Edits.Attributes, err = c.Edits.Set(c.Context(), c.editing(row.Member), custom)
	}
	return err
}
