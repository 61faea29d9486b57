package paypal

import (
	"reseed/pkg/source/system"
)

// The fields of PayPal's objects that are mapped, by PayPal's names.

type planShape struct {
	ID            string       `json:"id"`
	Name          string       `json:"name"`
	BillingCycles []cycleShape `json:"billing_cycles"`
}

type cycleShape struct {
	TenureType    string         `json:"tenure_type"`
	Sequence      int64          `json:"sequence"`
	TotalCycles   int64          `json:"total_cycles"`
	Frequency     frequencyShape `json:"frequency"`
	PricingScheme pricingShape   `json:"pricing_scheme"`
}

type frequencyShape struct {
	IntervalUnit  string `json:"interval_unit"`
	IntervalCount *int64 `json:"interval_count"`
}

type pricingShape struct {
	FixedPrice moneyShape `json:"fixed_price"`
}

type moneyShape struct {
	CurrencyCode string         `json:"currency_code"`
	Value        system.Decimal `json:"value"`
}

type customerShape struct {
	PayerID         string        `json:"payer_id"`
	Name            nameShape     `json:"name"`
	EmailAddress    string        `json:"email_address"`
	ShippingAddress shippingShape `json:"shipping_address"`
}

type nameShape struct {
	GivenName string `json:"given_name"`
	Surname   string `json:"surname"`
	FullName  string `json:"full_name"`
}

type shippingShape struct {
	Address addressShape `json:"address"`
}

type addressShape struct {
	CountryCode string `json:"country_code"`
	AdminArea1  string `json:"admin_area_1"`
	AdminArea2  string `json:"admin_area_2"`
	PostalCode  string `json:"postal_code"`
}

type subscriptionShape struct {
	ID               string           `json:"id"`
	PlanID           string           `json:"plan_id"`
	Status           string           `json:"status"`
	StatusUpdateTime system.Moment    `json:"status_update_time"`
	StartTime        system.Moment    `json:"start_time"`
	Quantity         system.Decimal   `json:"quantity"`
	Plan             subscribedShape  `json:"plan"`
	BillingInfo      billingInfoShape `json:"billing_info"`
}

type subscribedShape struct {
	BillingCycles      []cycleShape     `json:"billing_cycles"`
	PaymentPreferences preferencesShape `json:"payment_preferences"`
}

type preferencesShape struct {
	SetupFee moneyShape `json:"setup_fee"`
}

type billingInfoShape struct {
	LastFailedPayment failedShape `json:"last_failed_payment"`
}

type failedShape struct {
	Amount moneyShape    `json:"amount"`
	Time   system.Moment `json:"time"`
}

type paymentShape struct {
	ID     string         `json:"id"`
	Status string         `json:"status"`
	Time   system.Moment  `json:"time"`
	Amount breakdownShape `json:"amount_with_breakdown"`
}

type breakdownShape struct {
	Gross    moneyShape `json:"gross_amount"`
	Items    moneyShape `json:"total_item_amount"`
	Shipping moneyShape `json:"shipping_amount"`
	Tax      moneyShape `json:"tax_amount"`
	Fee      moneyShape `json:"fee_amount"`
}

type eventShape struct {
	Info eventInfoShape `json:"transaction_info"`
}

type eventInfoShape struct {
	TransactionID string        `json:"transaction_id"`
	Code          string        `json:"transaction_event_code"`
	ReferenceID   string        `json:"paypal_reference_id"`
	Date          system.Moment `json:"transaction_initiation_date"`
	Status        string        `json:"transaction_status"`
	Amount        moneyShape    `json:"transaction_amount"`
}

// names are the fields that name an object and others.
type names struct {
	ID         string `json:"id"`
	Payer      string `json:"payer_id"`
	Subscriber struct {
		Payer string `json:"payer_id"`
	} `json:"subscriber"`
	Info struct {
		ID        string `json:"transaction_id"`
		Code      string `json:"transaction_event_code"`
		Date      string `json:"transaction_initiation_date"`
		Reference string `json:"paypal_reference_id"`
	} `json:"transaction_info"`
}

// own is the id of an object. One transaction may be several events.
func (n names) own(s system.Stream) string {
	switch {
	case s == Customers:
		return n.Payer
	case s == Events && n.Info.ID != "":
		return n.Info.ID + ":" + n.Info.Code + ":" + n.Info.Date
	case s == Events:
		return ""
	}
	return n.ID
}

// Reads are none: objects are read whole.
func (System) Reads() map[system.Stream]system.Fields { return nil }

// BelongsTo finds out whose an object is. Payments belong to their subscription, and events to their payment.
func (System) BelongsTo(o system.Object) (system.Belongs, error) {
	var n names
	if err := system.Decode(o.JSON, &n); err != nil {
		return system.Belongs{}, err
	}
	b := system.Belongs{Own: n.own(o.Stream)}
	switch o.Stream {
	case Plans:
		b.Catalog = true
	case Customers:
		b.Customer, b.Self = n.Payer, true
	case Subscriptions:
		b.Customer = n.Subscriber.Payer
	case Payments:
		b.Stream, b.ID = Subscriptions, o.Parent
	case Events:
		b.Stream, b.ID = Payments, n.Info.Reference
	}
	return b, nil
}
