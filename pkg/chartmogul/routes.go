package chartmogul

import (
	"net/http"
	"slices"

	"reseed/pkg/httpapi"
)

type methods = map[string]func(*call) (httpapi.Reply, error)

// route is a path with the handlers of its methods.
type route struct {
	path string
	kind string // content type
	methods
}

// ofCustomers are the routes of sources, customers, plans and the import of invoices.
func ofCustomers() []route {
	return []route{
		{"/v1/ping", httpapi.PlainJSON, methods{http.MethodGet: ping}},

		{"/v1/data_sources", httpapi.PlainJSON, methods{http.MethodGet: listSources, http.MethodPost: createSource}},
		{"/v1/data_sources/{uuid}", httpapi.PlainJSON, methods{http.MethodGet: getSource, http.MethodDelete: deleteSource}},
		{"/v1/data_sources/{uuid}/all", httpapi.PlainJSON, methods{http.MethodDelete: emptySource}},
		{"/v1/data_sources/{uuid}/dependent", httpapi.PlainJSON, methods{http.MethodDelete: purgeSource}},
		{"/v1/data_sources/{uuid}/customers/{customer}/invoices", httpapi.PlainJSON, methods{http.MethodDelete: deleteCustomerInvoices}},

		{"/v1/customers", httpapi.PlainJSON, methods{http.MethodGet: listCustomers, http.MethodPost: createCustomer}},
		{"/v1/customers/search", httpapi.PlainJSON, methods{http.MethodGet: searchCustomers}},
		{"/v1/customers/{uuid}", httpapi.PlainJSON, methods{
			http.MethodGet: getCustomer, http.MethodPatch: patchCustomer, http.MethodDelete: deleteCustomer,
		}},
		{"/v1/customers/merges", httpapi.PlainJSON, methods{http.MethodPost: mergeCustomers}},
		{"/v1/customers/unmerges", httpapi.PlainJSON, methods{http.MethodPost: unmergeCustomers}},
		{"/v1/customers/{uuid}/attributes", httpapi.PlainJSON, methods{http.MethodGet: getAttributes}},
		{"/v1/customers/{uuid}/attributes/tags", httpapi.PlainJSON, methods{http.MethodPost: addTags, http.MethodDelete: removeTags}},
		{"/v1/customers/{uuid}/attributes/custom", httpapi.PlainJSON, methods{
			http.MethodPost: addCustom, http.MethodPut: setCustom, http.MethodDelete: removeCustom,
		}},
		{"/v1/customers/attributes/tags", httpapi.PlainJSON, methods{http.MethodPost: addTagsByEmail}},
		{"/v1/customers/attributes/custom", httpapi.PlainJSON, methods{http.MethodPost: addCustomByEmail}},

		{"/v1/plans", httpapi.UTF8JSON, methods{http.MethodGet: listPlans, http.MethodPost: createPlan}},
		{"/v1/plans/{uuid}", httpapi.UTF8JSON, methods{http.MethodGet: getPlan, http.MethodPatch: patchPlan}},

		{"/v1/import/customers/{uuid}/invoices", httpapi.UTF8JSON, methods{
			http.MethodGet: listCustomerInvoices, http.MethodPost: importInvoices,
		}},
	}
}

// ofInvoices are the routes of invoices, line items and transactions.
func ofInvoices() []route {
	return slices.Concat([]route{
		{"/v1/invoices", httpapi.UTF8JSON, methods{
			http.MethodGet: listInvoices, http.MethodPatch: patchInvoice, http.MethodDelete: deleteInvoice,
		}},
		{"/v1/invoices/{uuid}", httpapi.UTF8JSON, methods{
			http.MethodGet: getInvoice, http.MethodPatch: patchInvoice, http.MethodDelete: deleteInvoice,
		}},
		{"/v1/invoices/{uuid}/disabled_state", httpapi.UTF8JSON, methods{http.MethodPatch: disableInvoice}},
		{"/v1/invoices/disabled_state", httpapi.UTF8JSON, methods{http.MethodPatch: disableInvoice}},
		{"/v1/data_sources/{uuid}/invoices/{id}/status", httpapi.UTF8JSON, methods{http.MethodPut: setInvoiceStatus}},
	}, ofParts(lineItems()), ofParts(transactions()))
}

// ofParts are the routes of line items, or of transactions.
func ofParts(k partKind) []route {
	name := k.name
	all, state := "/v1/"+name, "/disabled_state"
	one := all + "/{uuid}"
	change := methods{http.MethodGet: k.get, http.MethodPatch: k.patch, http.MethodDelete: k.remove}
	return []route{
		{"/v1/import/invoices/{uuid}/" + name, httpapi.UTF8JSON, methods{http.MethodPost: k.create}},
		{"/v1/invoices/{uuid}/" + name, httpapi.UTF8JSON, methods{http.MethodGet: k.list}},
		{all, httpapi.UTF8JSON, change},
		{one, httpapi.UTF8JSON, change},
		{all + state, httpapi.UTF8JSON, methods{http.MethodPatch: k.disable}},
		{one + state, httpapi.UTF8JSON, methods{http.MethodPatch: k.disable}},
	}
}

type pong struct {
	Data string `json:"data"`
}

func ping(*call) (httpapi.Reply, error) {
	return httpapi.Reply{Status: http.StatusOK, Body: pong{"pong!"}}, nil
}
