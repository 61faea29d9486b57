package console

import (
	"net/http"
	"net/url"
	"strings"

	"reseed/pkg/api/wire"
)

type newCustomerPage struct {
	sourceHead
	Fields []formField
}

// formField is a text field of a form.
type formField struct {
	Name, Label, Hint string
	Kind              string // of the input
	Most              int    // characters; 0: as many as one likes
	Value, Problem    string
	Required          bool
}

// newCustomerFields are the fields of a customer, in the order of the file format.
func newCustomerFields() []formField {
	return []formField{
		{Name: "external_id", Label: "External ID", Hint: "The id that your files name this customer by. It stays for good.", Kind: "text", Required: true},
		{Name: "name", Label: "Name", Kind: "text"},
		{Name: "company", Label: "Company", Kind: "text"},
		{Name: "email", Label: "E-mail", Kind: "email"},
		{Name: "country", Label: "Country", Hint: "Its English name, or two letters such as DE.", Kind: "text"},
		{Name: "state", Label: "State", Kind: "text"},
		{Name: "city", Label: "City", Kind: "text"},
		{Name: "zip", Label: "Zip", Kind: "text"},
		{Name: "lead_created_at", Label: "Lead created at", Hint: "A day in the past, such as 2026-11-23.", Kind: "text"},
		{Name: "free_trial_started_at", Label: "Free trial started at", Hint: "A day in the past, such as 2026-11-23.", Kind: "text"},
		{Name: "owner", Label: "Owner", Hint: "An e-mail address.", Kind: "email"},
		{Name: "website_url", Label: "Website URL", Kind: "text"},
	}
}

// fill takes what was sent, and what is wrong with it.
func fill(fields []formField, sent url.Values, problems map[string]string) []formField {
	for i := range fields {
		fields[i].Value, fields[i].Problem = sent.Get(fields[i].Name), problems[fields[i].Name]
	}
	return fields
}

// problemsOf is what the API says is wrong with the members of a request; ok is false if the error
// says nothing of that.
func problemsOf(err error) (problems map[string]string, ok bool) {
	e, ok := refusal(err, http.StatusUnprocessableEntity)
	if !ok || len(e.Fields) == 0 {
		return nil, false
	}
	return e.Fields, true
}

// showNewCustomer is GET /sources/{id}/customers/new.
func (c *Console) showNewCustomer(v *visit) (answer, error) {
	head, err := v.sourceHead("customers")
	return show("newcustomer", newCustomerPage{head, newCustomerFields()}), err
}

// addCustomer is POST /sources/{id}/customers/new.
func (c *Console) addCustomer(v *visit) (answer, error) {
	sent := func(name string) string { return strings.TrimSpace(v.PostFormValue(name)) }
	id, err := v.client.AddCustomer(v.ctx(), wire.NewCustomer{
		Source: v.PathValue("id"), ExternalID: sent("external_id"), Name: sent("name"), Company: sent("company"), Email: sent("email"),
		Country: sent("country"), State: sent("state"), City: sent("city"), Zip: sent("zip"), LeadCreatedAt: sent("lead_created_at"),
		FreeTrialStartedAt: sent("free_trial_started_at"), Owner: sent("owner"), WebsiteURL: sent("website_url"), Manual: true,
	})
	if problems, ok := problemsOf(err); ok {
		head, err := v.sourceHead("customers")
		return refuse("newcustomer", newCustomerPage{head, fill(newCustomerFields(), v.PostForm, problems)}), err
	}
	return goTo("/customers/" + url.PathEscape(id)), err
}
