package chargify

import (
	"encoding/json"
	"errors"

	"reseed/pkg/source/system"
)

// head is what says which object it is, when it was made, and whose it is.
type head struct {
	ID             id            `json:"id"`
	UID            string        `json:"uid"`
	CustomerID     id            `json:"customer_id"`
	ResourceID     id            `json:"resource_id"`
	SubscriptionID id            `json:"subscription_id"`
	CreatedAt      system.Moment `json:"created_at"`
	Customer       idShape       `json:"customer"`
	Invoice        struct {
		CustomerID id `json:"customer_id"`
	} `json:"invoice"`
	Name string `json:"name"`

	own string // by which the object is known: id, uid, or customer and name
}

// headOf reads the head of an object of a stream. The error is that of an object of another shape, or without an id.
func headOf(s system.Stream, o json.RawMessage) (head, error) {
	var h head
	if err := system.Decode(o, &h); err != nil {
		return h, err
	}
	switch h.own = string(h.ID); {
	case s == Invoices, s == CreditNotes:
		h.own = h.UID
	case s == Metadata && h.ResourceID != "":
		h.own = string(h.ResourceID) + ":" + h.Name
	}
	if h.own == "" {
		return h, errors.New("an object has no id")
	}
	return h, nil
}

// Reads are none: objects are read whole.
func (System) Reads() map[system.Stream]system.Fields { return nil }

// BelongsTo finds out whose an object is. The error is that of a JSON document of another shape.
func (System) BelongsTo(o system.Object) (system.Belongs, error) {
	h, err := headOf(o.Stream, o.JSON)
	if err != nil {
		return system.Belongs{}, err
	}
	b := system.Belongs{Own: ownOf(o.Stream, h.own)}
	switch o.Stream {
	case Customers:
		b.Customer, b.Self = h.own, true
	case Products, PricePoints, Components:
		b.Catalog = true
	case Metadata:
		b.Customer = string(h.ResourceID)
	case Subscriptions:
		b.Customer = string(h.Customer.ID)
	case Invoices, CreditNotes:
		b.Customer = string(h.CustomerID)
	case InvoiceEvents:
		b.Customer = string(h.Invoice.CustomerID)
	case Events:
		b.Customer = string(h.CustomerID)
		if b.Customer == "" && h.SubscriptionID != "" {
			b.Stream, b.ID = Subscriptions, ownOf(Subscriptions, string(h.SubscriptionID))
		}
	}
	return b, nil
}

// ownOf tells the numbers of one kind of objects from those of another: a customer and a subscription may have the same.
func ownOf(s system.Stream, id string) string {
	if s == Customers {
		return id
	}
	return string(s) + "/" + id
}
