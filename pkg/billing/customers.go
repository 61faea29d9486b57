package billing

// customerRow is a row of a customers file.
type customerRow struct {
	Name               string `csv:"Name" field:"name"`
	Email              string `csv:"Email" field:"email" is:"email"`
	Company            string `csv:"Company" field:"company"`
	Country            string `csv:"Country" field:"country" is:"country"`
	State              string `csv:"State" field:"state"`
	City               string `csv:"City" field:"city"`
	Zip                string `csv:"Zip" field:"zip"`
	ExternalID         string `csv:"External ID" field:"external_id" is:"id" rule:"required" names:"id"`
	LeadCreatedAt      string `csv:"Lead created at" field:"lead_created_at" is:"time"`
	FreeTrialStartedAt string `csv:"Free trial started at" field:"free_trial_started_at" is:"time"`
	Owner              string `csv:"Owner" field:"owner" is:"email"`
	WebsiteURL         string `csv:"Website URL" field:"website_url"`
	CustomAttributes   string `csv:"Custom attributes" field:"custom_attributes" is:"attributes"`
}

func (r *customerRow) record(c *cells) Record {
	country := parsed(c, &r.Country, ParseCountry)
	customer := &c.records.customer
	*customer = Customer{
		ExternalID:         c.own(&r.ExternalID),
		Name:               c.text(&r.Name),
		Email:              c.email(&r.Email),
		Company:            c.text(&r.Company),
		Country:            country,
		State:              ParseState(country, c.text(&r.State)),
		City:               c.text(&r.City),
		Zip:                c.text(&r.Zip),
		LeadCreatedAt:      c.past(&r.LeadCreatedAt),
		FreeTrialStartedAt: c.time(&r.FreeTrialStartedAt),
		Owner:              c.email(&r.Owner),
		WebsiteURL:         c.text(&r.WebsiteURL),
		CustomAttributes:   parsed(c, &r.CustomAttributes, ParseAttributes),
	}
	return customer
}

func (r *customerRow) fill(rec Record) {
	c, _ := rec.(*Customer)
	*r = customerRow{
		Name: c.Name, Email: c.Email, Company: c.Company, Country: c.Country, State: c.State, City: c.City, Zip: c.Zip, ExternalID: c.ExternalID,
		LeadCreatedAt: spellTime(c.LeadCreatedAt), FreeTrialStartedAt: spellTime(c.FreeTrialStartedAt), Owner: c.Owner, WebsiteURL: c.WebsiteURL,
		CustomAttributes: c.CustomAttributes,
	}
}
