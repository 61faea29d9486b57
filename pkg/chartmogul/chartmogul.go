package chartmogul

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
)

// Config is what ChartMogul's routes need. All fields except PublicURL must be set.
type Config struct {
	Records *records.Records
	Now     func() time.Time
	// Erase erases a selection, and returns the answer to the DELETE that asked for it.
	Erase func(*httpapi.Call, Selection) (httpapi.Reply, error)
	// Processing returns how far the latest import of each source is, by the uuid of the source. A
	// source without imports may be missing.
	Processing func(context.Context) (map[string]Processing, error)

	PublicURL string // where people open the console, without a slash at the end
	Currency  string // of the account, ISO 4217
}

// Selection is what a DELETE removes.
type Selection struct {
	Kind   string  // as package eraser names them
	Source string  // uuid
	H      store.H // of the customer or invoice
}

// Kinds of selection.
const (
	eraseSource           = "source"
	eraseContent          = "content"
	eraseDependent        = "dependent"
	eraseCustomer         = "customer"
	eraseCustomerInvoices = "customer-invoices"
	eraseInvoice          = "invoice"
)

// Processing counts the rows of an import, by how far they are.
type Processing struct {
	Processed int64 `json:"processed"`
	Failed    int64 `json:"failed"`
	Pending   int64 `json:"pending"`
}

// server is what all calls share.
type server struct {
	Config
	sign    string     // of the account's currency
	buffers *sync.Pool // for the JSON of lists
}

// call is one request on its way through a handler.
type call struct {
	*server
	*httpapi.Call
	room *atomic.Int64 // how many more bytes may be held for a page; nil: no limit
}

// Routes are ChartMogul's routes.
func Routes(c Config) []httpapi.Route {
	s := &server{Config: c, sign: billing.CurrencySign(c.Currency), buffers: httpapi.NewBuffers()}
	var out []httpapi.Route
	for _, r := range slices.Concat(ofCustomers(), ofInvoices()) {
		handlers := map[string]httpapi.Handler{}
		for method, h := range r.methods {
			handlers[method] = func(c *httpapi.Call) (httpapi.Reply, error) { return h(&call{server: s, Call: c}) }
		}
		out = append(out, httpapi.Route{Path: r.path, Kind: r.kind, Methods: handlers})
	}
	return out
}
