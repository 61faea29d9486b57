package billing

// customerRow is a row of a customers file.
type customerRow struct {
	Name               string `csv:"Name"`
	Email              string `csv:"Email"`
	Company            string `csv:"Company"`
	Country            string `csv:"Country"`
	State              string `csv:"State"`
	City               string `csv:"City"`
	Zip                string `csv:"Zip"`
	ExternalID         string `csv:"External ID" rule:"required" names:"id"`
	LeadCreatedAt      string `csv:"Lead created at"`
	FreeTrialStartedAt string `csv:"Free trial started at"`
}

func (r *customerRow) record(c *cells) Record {
	country := parsed(c, &r.Country, ParseCountry)
	customer := &c.records.customer
	*customer = Customer{
		ExternalID:         c.id(&r.ExternalID),
		Name:               c.text(&r.Name),
		Email:              c.email(&r.Email),
		Company:            c.text(&r.Company),
		Country:            country,
		State:              ParseState(country, c.text(&r.State)),
		City:               c.text(&r.City),
		Zip:                c.text(&r.Zip),
		LeadCreatedAt:      c.past(&r.LeadCreatedAt),
		FreeTrialStartedAt: c.time(&r.FreeTrialStartedAt),
	}
	return customer
}
