package billing

import "time"

// Dataset is a kind of record, under the name that files and reports use for it.
type Dataset string

// The datasets.
const (
	Customers     Dataset = "customers"
	Contacts      Dataset = "contacts"
	Plans         Dataset = "plans"
	Invoices      Dataset = "invoices"
	LineItems     Dataset = "line_items"
	Transactions  Dataset = "transactions"
	Events        Dataset = "subscription_events"
	Cancellations Dataset = "cancellations" // the older file; its rows become events
)

// Record is a validated domain value: one of the pointer types of this file.
type Record interface{ Dataset() Dataset }

// Customer is a customer of one source. Times are UTC; a zero time is "not given".
type Customer struct {
	ExternalID         string // at most 255 characters, permanent
	Name               string
	Email              string
	Company            string
	Country            string // ISO 3166-1 alpha-2
	State              string // ISO 3166-2 ("US-CA") if it is a known US state, else as it was written
	City               string
	Zip                string
	LeadCreatedAt      time.Time
	FreeTrialStartedAt time.Time
	Owner              string // e-mail of a user
	WebsiteURL         string
	CustomAttributes   string // as [ParseAttributes] returns them; what people have given is an edit, and counts more
}

// DisplayName returns what people see: the name, else the company, else the external id.
func (c *Customer) DisplayName() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.Company != "":
		return c.Company
	}
	return c.ExternalID
}

// Contact is a person at a customer.
type Contact struct {
	CustomerExternalID string
	ExternalID         string // optional
	FirstName          string
	LastName           string
	Email              string
	Position           int64 // 0 is "not given"
	Title              string
	Phone              string
	LinkedIn           string
	Twitter            string
	Note               string
}

// Plan is something that customers subscribe to. It is billed once per interval.
type Plan struct {
	ExternalID    string // optional
	Name          string
	IntervalCount int64
	IntervalUnit  string // day, month or year
}

// Invoice is a bill to a customer.
type Invoice struct {
	CustomerExternalID string
	ExternalID         string
	Date               time.Time
	DueDate            time.Time
	Currency           string // ISO 4217
	Status             string // open, paid, refunded, written_off, voided; empty if not given
	CollectionMethod   string // manual, automatic; empty if not given
}

// Types of line items and transactions, and results of transactions.
const (
	Subscription = "subscription"
	OneTime      = "one_time"
	Payment      = "payment"
	Refund       = "refund"
	Successful   = "successful"
	Failed       = "failed"
)

// LineItem is one line of an invoice. Amounts are integer cents (minor units)
// of the invoice's currency, after discount and tax; they may be negative.
type LineItem struct {
	InvoiceExternalID         string
	ExternalID                string // optional
	Type                      string // Subscription or OneTime
	SubscriptionExternalID    string
	SubscriptionSetExternalID string
	AmountInCents             int64
	PlanExternalID            string
	ServicePeriodStart        time.Time
	ServicePeriodEnd          time.Time
	Quantity                  int64 // never 0
	Prorated                  bool
	ProrationType             string // differential, full or empty
	DiscountCode              string
	DiscountAmountInCents     int64
	DiscountDescription       string
	TaxAmountInCents          int64
	Description               string
	TransactionFeesInCents    int64
	TransactionFeesCurrency   string
	AccountCode               string
	EventOrder                *int64
	BalanceTransfer           *int64 // cents; one-time lines only
}

// Transaction is a payment or refund of an invoice.
type Transaction struct {
	InvoiceExternalID       string
	ExternalID              string // optional
	Type                    string // Payment or Refund
	Result                  string // Successful or Failed
	Date                    time.Time
	AmountInCents           *int64 // nil: the whole invoice
	ExcludeTaxOnRefund      bool
	ExcludeDiscountOnRefund bool
	ExcludeFeesOnRefund     bool
	TransactionFeesInCents  *int64
	TransactionFeesCurrency string
}

// Event is something that happened to a subscription.
type Event struct {
	CustomerExternalID        string
	ExternalID                string // optional
	SubscriptionExternalID    string
	SubscriptionSetExternalID string
	PlanExternalID            string
	Type                      string // one of EventTypes
	Date                      time.Time
	EffectiveDate             time.Time
	Currency                  string
	AmountInCents             *int64
	TaxAmountInCents          *int64
	Quantity                  *int64
	RetractedEventID          string
	EventOrder                *int64
	InvoiceExternalID         string
	Cancellation              bool // came as a row of the older cancellations file
}

// Dataset names the dataset of the record.
func (*Customer) Dataset() Dataset { return Customers }

// Dataset names the dataset of the record.
func (*Contact) Dataset() Dataset { return Contacts }

// Dataset names the dataset of the record.
func (*Plan) Dataset() Dataset { return Plans }

// Dataset names the dataset of the record.
func (*Invoice) Dataset() Dataset { return Invoices }

// Dataset names the dataset of the record.
func (*LineItem) Dataset() Dataset { return LineItems }

// Dataset names the dataset of the record.
func (*Transaction) Dataset() Dataset { return Transactions }

// Dataset names the dataset of the record.
func (e *Event) Dataset() Dataset {
	if e.Cancellation {
		return Cancellations
	}
	return Events
}

// Problem says why a row is rejected.
type Problem struct {
	Column  string // its header, in the spelling of [Columns]; may be empty
	Code    string // never changes
	Message string // a sentence for people in finance; holds no personal data (I8)
}
