package wire

// Customer is a customer as people see it, in ChartMogul's shape: the members that this client needs.
type Customer struct {
	ID          string     `json:"uuid"`
	ExternalID  string     `json:"external_id"`
	ExternalIDs []string   `json:"external_ids"` // of all that are merged into it, its own first
	Source      string     `json:"data_source_uuid"`
	Sources     []string   `json:"data_source_uuids"` // in the order of ExternalIDs
	Name        string     `json:"name"`              // or what stands for it
	Email       string     `json:"email"`
	Company     string     `json:"company"`
	Attributes  Attributes `json:"attributes"`
}

// Attributes are what people added to a customer.
type Attributes struct {
	Tags   []string       `json:"tags"`
	Custom map[string]any `json:"custom"`
}

// CustomerPage is a page of customers.
type CustomerPage struct {
	Customers []Customer `json:"entries"`
	Cursor    *string    `json:"cursor"` // of the next page
	HasMore   bool       `json:"has_more"`
}

// CustomAttribute is a custom attribute to be set.
type CustomAttribute struct {
	Type  string `json:"type"` // one of AttributeTypes
	Key   string `json:"key"`
	Value string `json:"value"` // as text, whatever the type
}

// AttributeTypes are the types of custom attributes.
func AttributeTypes() []string {
	return []string{"String", "Integer", "Decimal", "Timestamp", "Boolean"}
}

// NewCustomer is a customer to be made. What is empty is not given.
type NewCustomer struct {
	Source             string `json:"data_source_uuid"`
	ExternalID         string `json:"external_id"`
	Name               string `json:"name,omitempty"`
	Company            string `json:"company,omitempty"`
	Email              string `json:"email,omitempty"`
	Country            string `json:"country,omitempty"` // ISO 3166-1
	State              string `json:"state,omitempty"`
	City               string `json:"city,omitempty"`
	Zip                string `json:"zip,omitempty"`
	LeadCreatedAt      string `json:"lead_created_at,omitempty"` // such as 2026-11-23
	FreeTrialStartedAt string `json:"free_trial_started_at,omitempty"`
	Owner              string `json:"owner,omitempty"` // an e-mail address
	WebsiteURL         string `json:"website_url,omitempty"`
	Manual             bool   `json:"manual"` // somebody makes it by hand
}
