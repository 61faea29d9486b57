package billing

// contactRow is a row of a contacts file. ChartMogul's sample has no column for an id; a file that
// has one can change a contact's names and e-mail address without making a new contact.
type contactRow struct {
	CustomerExternalID string `csv:"Customer External ID" field:"customer_external_id" is:"id" rule:"required" names:"customer"`
	ExternalID         string `csv:"External ID" field:"external_id" is:"id" names:"id"`
	FirstName          string `csv:"First name" field:"first_name"`
	LastName           string `csv:"Last name" field:"last_name"`
	Email              string `csv:"Email" field:"email" is:"email"`
	Position           string `csv:"Position" field:"position" is:"integer"`
	Title              string `csv:"Title" field:"title"`
	Phone              string `csv:"Phone" field:"phone"`
	LinkedIn           string `csv:"LinkedIn" field:"linked_in"`
	Twitter            string `csv:"Twitter" field:"twitter"`
	Note               string `csv:"Note" field:"notes" is:"note"`
}

func (r *contactRow) record(c *cells) Record {
	if r.ExternalID == "" && r.FirstName == "" && r.LastName == "" && r.Email == "" {
		c.fail(&r.Email, invalid(CodeRequired, "A contact needs an id, an e-mail address or a name that identifies it."))
	}
	contact := &c.records.contact
	*contact = Contact{
		CustomerExternalID: c.id(&r.CustomerExternalID),
		ExternalID:         c.own(&r.ExternalID),
		FirstName:          c.text(&r.FirstName),
		LastName:           c.text(&r.LastName),
		Email:              c.email(&r.Email),
		Position:           parsed(c, &r.Position, parseInteger),
		Title:              c.text(&r.Title),
		Phone:              c.text(&r.Phone),
		LinkedIn:           c.text(&r.LinkedIn),
		Twitter:            c.text(&r.Twitter),
		Note:               c.note(&r.Note),
	}
	return contact
}

func (r *contactRow) fill(rec Record) {
	c, _ := rec.(*Contact)
	*r = contactRow{
		CustomerExternalID: c.CustomerExternalID, ExternalID: c.ExternalID, FirstName: c.FirstName, LastName: c.LastName, Email: c.Email,
		Position: spellSome(c.Position), Title: c.Title, Phone: c.Phone, LinkedIn: c.LinkedIn, Twitter: c.Twitter, Note: c.Note,
	}
}
