package chartmogul

import (
	"net/http"
	"slices"
)

type methods = map[string]handler

// routes is every path that is served. Content types follow chartmogul-api §1.2.
func (s *server) routes() []route {
	return slices.Concat(s.compatible(), ofInvoices(), s.own())
}

// compatible are ChartMogul's routes.
func (s *server) compatible() []route {
	return []route{
		{"/v1/ping", plainJSON, MaxBody, methods{http.MethodGet: ping}},

		{"/v1/data_sources", plainJSON, MaxBody, methods{http.MethodGet: listSources, http.MethodPost: createSource}},
		{"/v1/data_sources/{uuid}", plainJSON, MaxBody, methods{http.MethodGet: getSource, http.MethodDelete: deleteSource}},
		{"/v1/data_sources/{uuid}/all", plainJSON, MaxBody, methods{http.MethodDelete: emptySource}},
		{"/v1/data_sources/{uuid}/dependent", plainJSON, MaxBody, methods{http.MethodDelete: purgeSource}},
		{"/v1/data_sources/{uuid}/customers/{customer}/invoices", plainJSON, MaxBody, methods{http.MethodDelete: deleteCustomerInvoices}},

		{"/v1/customers", plainJSON, MaxBody, methods{http.MethodGet: listCustomers, http.MethodPost: createCustomer}},
		{"/v1/customers/search", plainJSON, MaxBody, methods{http.MethodGet: searchCustomers}},
		{"/v1/customers/{uuid}", plainJSON, MaxBody, methods{
			http.MethodGet: getCustomer, http.MethodPatch: patchCustomer, http.MethodDelete: deleteCustomer,
		}},
		{"/v1/customers/merges", plainJSON, MaxBody, methods{http.MethodPost: mergeCustomers}},
		{"/v1/customers/unmerges", plainJSON, MaxBody, methods{http.MethodPost: unmergeCustomers}},
		{"/v1/customers/{uuid}/attributes", plainJSON, MaxBody, methods{http.MethodGet: getAttributes}},
		{"/v1/customers/{uuid}/attributes/tags", plainJSON, MaxBody, methods{http.MethodPost: addTags, http.MethodDelete: removeTags}},
		{"/v1/customers/{uuid}/attributes/custom", plainJSON, MaxBody, methods{
			http.MethodPost: addCustom, http.MethodPut: setCustom, http.MethodDelete: removeCustom,
		}},
		{"/v1/customers/attributes/tags", plainJSON, MaxBody, methods{http.MethodPost: addTagsByEmail}},
		{"/v1/customers/attributes/custom", plainJSON, MaxBody, methods{http.MethodPost: addCustomByEmail}},

		{"/v1/plans", utf8JSON, MaxBody, methods{http.MethodGet: listPlans, http.MethodPost: createPlan}},
		{"/v1/plans/{uuid}", utf8JSON, MaxBody, methods{http.MethodGet: getPlan, http.MethodPatch: patchPlan}},

		{"/v1/import/customers/{uuid}/invoices", utf8JSON, MaxBody, methods{
			http.MethodGet: listCustomerInvoices, http.MethodPost: importInvoices,
		}},
	}
}

// ofInvoices are those of invoices, line items and transactions.
func ofInvoices() []route {
	return slices.Concat([]route{
		{"/v1/invoices", utf8JSON, MaxBody, methods{
			http.MethodGet: listInvoices, http.MethodPatch: patchInvoice, http.MethodDelete: deleteInvoice,
		}},
		{"/v1/invoices/{uuid}", utf8JSON, MaxBody, methods{
			http.MethodGet: getInvoice, http.MethodPatch: patchInvoice, http.MethodDelete: deleteInvoice,
		}},
		{"/v1/invoices/{uuid}/disabled_state", utf8JSON, MaxBody, methods{http.MethodPatch: disableInvoice}},
		{"/v1/invoices/disabled_state", utf8JSON, MaxBody, methods{http.MethodPatch: disableInvoice}},
		{"/v1/data_sources/{uuid}/invoices/{id}/status", utf8JSON, MaxBody, methods{http.MethodPut: setInvoiceStatus}},
	}, ofParts(lineItems()), ofParts(transactions()))
}

// ofParts are the routes of line items, or of transactions.
func ofParts(k partKind) []route {
	name := k.name
	all, state := "/v1/"+name, "/disabled_state"
	one := all + "/{uuid}"
	change := methods{http.MethodGet: k.get, http.MethodPatch: k.patch, http.MethodDelete: k.remove}
	return []route{
		{"/v1/import/invoices/{uuid}/" + name, utf8JSON, MaxBody, methods{http.MethodPost: k.create}},
		{"/v1/invoices/{uuid}/" + name, utf8JSON, MaxBody, methods{http.MethodGet: k.list}},
		{all, utf8JSON, MaxBody, change},
		{one, utf8JSON, MaxBody, change},
		{all + state, utf8JSON, MaxBody, methods{http.MethodPatch: k.disable}},
		{one + state, utf8JSON, MaxBody, methods{http.MethodPatch: k.disable}},
	}
}

// own are Reseed's routes, which the command uses against a running instance.
func (s *server) own() []route {
	return []route{
		{"/v1/data_sources/{uuid}/imports", plainJSON, s.MaxUpload, methods{http.MethodPost: createImport}},
		{"/v1/data_sources/{uuid}/edits", plainJSON, MaxBody, methods{http.MethodGet: listEdits, http.MethodDelete: dropEdits}},
		{"/v1/edits/{id}", plainJSON, MaxBody, methods{http.MethodGet: getEdit, http.MethodDelete: revertEdit}},
		{"/v1/imports", plainJSON, MaxBody, methods{http.MethodGet: listImports}},
		{"/v1/imports/{id}", plainJSON, MaxBody, methods{http.MethodGet: getImport, http.MethodDelete: cancelImport}},
		{"/v1/imports/{id}/apply", plainJSON, MaxBody, methods{http.MethodPost: applyImport}},
		{"/v1/imports/{id}/undo", plainJSON, MaxBody, methods{http.MethodPost: undoImport}},
		{"/v1/imports/{id}/samples", plainJSON, MaxBody, methods{http.MethodGet: getSamples}},
		{"/v1/imports/{id}/changes", plainJSON, MaxBody, methods{http.MethodGet: getChanges}},
		{"/v1/imports/{id}/rejects", plainJSON, MaxBody, methods{http.MethodGet: getRejects}},
		{"/v1/erasures", plainJSON, MaxBody, methods{http.MethodGet: listErasures, http.MethodPost: createErasure}},
		{"/v1/erasures/{id}", plainJSON, MaxBody, methods{http.MethodGet: getErasure}},
		{"/v1/erasures/{id}/restore", plainJSON, MaxBody, methods{http.MethodPost: restoreErasure}},
		{"/v1/erasures/{id}/receipt", plainJSON, MaxBody, methods{http.MethodGet: getReceipt}},
		{"/v1/receipts", plainJSON, MaxBody, methods{http.MethodGet: listReceipts}},
		{"/v1/data_sources/{uuid}/forgotten", plainJSON, MaxBody, methods{http.MethodDelete: liftForgotten}},
		{"/v1/keys", plainJSON, MaxBody, methods{http.MethodGet: listKeys, http.MethodPost: createKey}},
		{"/v1/keys/{name}", plainJSON, MaxBody, methods{http.MethodDelete: deleteKey}},
		{"/v1/jobs", plainJSON, MaxBody, methods{http.MethodGet: listJobs}},
		{"/v1/jobs/{id}", plainJSON, MaxBody, methods{http.MethodGet: getJob}},
	}
}

type pong struct {
	Data string `json:"data"`
}

func ping(*call) (reply, error) { return reply{status: http.StatusOK, body: pong{"pong!"}}, nil }
