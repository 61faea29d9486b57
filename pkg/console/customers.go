package console

import (
	"strings"

	"reseed/pkg/api/wire"
)

// customersPage is the search for customers.
type customersPage struct {
	base
	customerSearch
}

// customerSearch is what somebody has searched for, and found.
type customerSearch struct {
	Query string
	Found []foundCustomer
	More  bool // only the first are found
}

type foundCustomer struct {
	wire.Customer
	SourceNames []string
}

// searchCustomers is GET /customers: by an exact e-mail address or external id, over all data sources.
func (c *Console) searchCustomers(v *visit) (answer, error) {
	p := customersPage{base: v.base("Customers", "customers")}
	var err error
	p.customerSearch, err = v.searchFor(v.FormValue("q"))
	return show("customers", p), err
}

// searchFor finds customers by e-mail address, external id or id.
func (v *visit) searchFor(query string) (s customerSearch, err error) {
	s.Query = strings.TrimSpace(query)
	if s.Query == "" {
		return s, nil
	}
	pages := []wire.CustomerPage{{}, {}}
	if pages[0], err = v.client.CustomersWithID(v.ctx(), s.Query); err != nil {
		return s, err
	}
	if strings.Contains(s.Query, "@") {
		if pages[1], err = v.client.CustomersWithEmail(v.ctx(), s.Query); err != nil {
			return s, err
		}
	}
	names, err := v.sourceNames()
	if err != nil {
		return s, err
	}
	seen := map[string]bool{}
	for _, page := range pages {
		s.More = s.More || page.HasMore
		for _, cu := range page.Customers {
			if !seen[cu.ID] {
				seen[cu.ID] = true
				s.Found = append(s.Found, foundCustomer{cu, namesOf(cu.Sources, names)})
			}
		}
	}
	return s, nil
}

// sourceNames are the names of the data sources by uuid.
func (v *visit) sourceNames() (map[string]string, error) {
	list, err := v.client.Sources(v.ctx())
	names := map[string]string{}
	for _, s := range list {
		names[s.UUID] = s.Name
	}
	return names, err
}

// namesOf lists the names of data sources, each once.
func namesOf(sources []string, names map[string]string) (out []string) {
	seen := map[string]bool{}
	for _, s := range sources {
		if !seen[s] {
			seen[s] = true
			out = append(out, names[s])
		}
	}
	return out
}
