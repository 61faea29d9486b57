package chartmogul

import (
	"net/http"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// newCustomer is what POST /customers makes.
type newCustomer struct {
	source  string
	record  *billing.Customer
	contact *billing.Contact // nil: none
	tags    []string
	custom  map[string]edit.Value
}

// createCustomer is POST /customers: the customer, its e-mail pointer, its primary contact, and what people add to it, in one
// transaction.
func createCustomer(c *call) (ans reply, err error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("data_source_uuid", "external_id"); err != nil {
		return reply{}, err
	}
	n := newCustomer{source: f.text("data_source_uuid"), record: c.readCustomer(f)}
	n.contact = readContact(f.object("primary_contact"), n.record)
	n.tags, n.custom = readAttributes(f.object("attributes"))
	return ans, c.settled(func() error {
		row, err := c.makeCustomer(n, f)
		if err == nil {
			ans = reply{status: http.StatusCreated, body: c.customerWire(row)}
		}
		return err
	})
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

// makeCustomer makes a customer that is not there yet. What people gave to an earlier one of its external id is there again.
func (c *call) makeCustomer(n newCustomer, f *fields) (customerRow, error) {
	var h store.H
	a, found, err := c.read(func(d *store.Directory) []table.Key {
		src, ok := d.ByUUID(n.source)
		if !ok {
			return nil
		}
		h = d.Hasher().CustomerH(n.record.ExternalID)
		return append(edit.Keys(src, h), src.Space().Customer(h))
	})
	if err != nil {
		return customerRow{}, err
	}
	src, ok := a.ByUUID(n.source)
	if !ok {
		return customerRow{}, absent(whatSource)
	}
	if err := f.refused(); err != nil {
		return customerRow{}, err
	}
	if err := c.mayMake(a, src, n.record, found[src.Space().Customer(h)]); err != nil {
		return customerRow{}, err
	}
	item := c.encode(src.Space().Customer(h), n.record, 0)
	m := &edit.Member{Ref: edit.Ref{Tag: src.Tag, H: h}, Source: src, Attrs: item.Attrs}
	if m.Edits, err = edit.Read(a.Directory, found, src.Space(), h); err != nil {
		return customerRow{}, err
	}
	var edits []customerEdit
	if len(n.tags) > 0 {
		edits = append(edits, c.editing(m).add(n.tags))
	}
	if len(n.custom) > 0 {
		edits = append(edits, c.editing(m).set(n.custom))
	}
	if err := c.edit(a, edits, c.customerWrites(a, m, n, item)...); err != nil {
		return customerRow{}, err
	}
	groups, err := c.groups(a, m)
	if err != nil || groups[m.Ref] == nil { // the latter: erased already
		return rowOf(edit.Group{m}), err
	}
	return rowOf(groups[m.Ref]), nil
}

// mayMake tells why a customer can't be made, of which attrs are stored.
func (c *call) mayMake(a account, src store.Source, record *billing.Customer, attrs table.Attrs) error {
	h := a.hash.CustomerH(record.ExternalID)
	switch {
	case a.customerVisible(src.Tag, h, attrs):
		return refused(map[string]string{"external_id": textCustomerDup})
	case attrs != nil || a.Buried(src.Tag, store.KindCustomer, h):
		return erasing()
	}
	forgotten, err := c.Erase.Forgotten(c.Context(), a.Directory, src.Name, record.ExternalID)
	if err == nil && forgotten {
		err = refused(map[string]string{"external_id": textForgotten})
	}
	return err
}

// customerWrites make a customer with its e-mail pointer and its primary contact.
func (c *call) customerWrites(a account, m *edit.Member, n newCustomer, item table.Item) []table.Write {
	sp := m.Source.Space()
	writes := []table.Write{{Item: item, If: absentOnly()}}
	for _, p := range sp.PointersOf(a.hash, item) {
		writes = append(writes, table.Write{Item: p})
	}
	if n.contact != nil {
		writes = append(writes, table.Write{Item: c.encode(sp.Contact(m.H, a.hash.ContactH(n.contact)), n.contact, 0)})
	}
	return writes
}

// readAttributes reads what a new customer comes with: tags, and custom attributes as a list.
func readAttributes(f *fields) (tags []string, custom map[string]edit.Value) {
	if f == nil {
		return nil, nil
	}
	return f.texts("tags", edit.MaxTags), readCustomList(f, "custom")
}
