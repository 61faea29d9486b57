package chargify

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// Map makes records of the objects that belong to one customer. Objects may come in any order, and more than once.
func (System) Map(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	m.index()
	if m.owner == "" {
		m.out.Left[LeftOfNobody] += m.kept.Len()
		return m.mapped()
	}
	m.customer()
	m.invoices()
	m.creditNotes()
	for _, sub := range m.subscriptions {
		m.subscription(sub)
	}
	return m.mapped()
}

// MapCatalog makes a plan of each price point of a product; and one of each product, for lines that do not say which price point they are of.
func (System) MapCatalog(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	names := map[id]string{}
	for _, p := range decode[productShape](m, Products) {
		names[p.ID] = p.Name
		m.plan(Products, string(p.ID), planID(p.ID, ""), p.Name, p.Interval, p.IntervalUnit, "")
	}
	for _, p := range decode[pricePointShape](m, PricePoints) {
		name := strings.TrimPrefix(names[p.ProductID]+" – "+p.Name, " – ")
		m.plan(PricePoints, string(p.ID), planID(p.ProductID, p.ID), name, p.Interval, p.IntervalUnit, string(p.ProductID))
	}
	for _, c := range decode[componentShape](m, Components) {
		if c.Interval != nil {
			m.note(system.Issue{
				Dataset: billing.Plans, Stream: Components, Object: string(c.ID), Field: "interval", Code: CodeOwnInterval,
				Message: "The component has an interval of its own; its lines are of the plan of their product all the same, with the service period that they have.",
			}, "")
		}
	}
	return m.mapped()
}

// planID is the external id of the plan that a price point of a product is; or the product, if the price point is not known.
func planID(product, pricePoint id) string {
	if pricePoint == "" {
		return string(product)
	}
	return string(product + ":" + pricePoint)
}

func (m *mapper) plan(s system.Stream, object, record, name string, count *int64, unit, on string) {
	p := &billing.Plan{ExternalID: record, Name: cmp.Or(name, record), IntervalUnit: unit}
	if count != nil {
		p.IntervalCount = *count
	}
	if unit != "day" && unit != "month" || p.IntervalCount < 1 {
		m.reject(system.Issue{Dataset: billing.Plans, Record: record, Stream: s, Object: object, Field: "interval_unit", Code: CodeInterval, Message: "Reseed does not know the interval of the plan."}, on)
		return
	}
	m.put(p)
}

// mapper maps one bundle of objects.
type mapper struct {
	settings system.Settings
	kept     system.Kept
	site     string // host
	out      system.Mapped
	owner    string // id of the customer

	customers     []customerShape
	subscriptions []subscriptionShape
	bills         []invoiceShape
	notes         []creditNoteShape

	trial    time.Time                      // when the first trial began
	items    map[id]map[string]bool         // external ids of subscriptions that were ever part of one, by its id
	planOf   map[id]map[id]id               // price point of a product that a subscription was last billed for
	events   map[id][]eventShape            // by subscription, as they happened
	happened map[string][]invoiceEventShape // by invoice, as they happened
	refunded map[id]time.Time               // when money was paid back, by transaction
	voided   map[string]bool                // uids of invoices
	left     map[string]string              // why an invoice was left out, by uid
}

func newMapper(objects []system.Object, s system.Settings) *mapper {
	m := &mapper{
		settings: s, kept: system.Kept{}, out: system.Mapped{Left: map[string]int{}}, items: map[id]map[string]bool{}, planOf: map[id]map[id]id{},
		events: map[id][]eventShape{}, happened: map[string][]invoiceEventShape{}, refunded: map[id]time.Time{}, voided: map[string]bool{}, left: map[string]string{},
	}
	for _, o := range objects {
		m.site = max(m.site, o.Parent)
	}
	for _, o := range objects {
		h, err := headOf(o.Stream, o.JSON)
		if err != nil {
			m.reject(system.Misfit(o.JSON, system.Issue{Dataset: datasetOf(o.Stream), Stream: o.Stream, Object: string(o.Stream), Field: system.FieldOf(err), Code: CodeBadObject, Message: "Chargify has sent something that is no object."}), "")
			continue
		}
		m.kept.Add(o.Stream, "", h.own, o.JSON)
	}
	return m
}

// decode decodes the objects of a stream, in the order of their ids. What is not of the shape is rejected.
func decode[T any](m *mapper, s system.Stream) []T {
	var all []T
	for own, o := range m.kept.Of(s, "") {
		var shape T
		if err := system.Decode(o, &shape); err != nil {
			m.reject(system.Misfit(o, system.Issue{
				Dataset: datasetOf(s), Record: recordOf(s, own, o), Stream: s, Object: own, Field: system.FieldOf(err), Code: CodeBadObject,
				Message: "Chargify has sent a field of another type than Reseed knows.",
			}), "")
			continue
		}
		all = append(all, shape)
	}
	return all
}

// datasetOf is what the objects of a stream become.
func datasetOf(s system.Stream) billing.Dataset {
	switch s {
	case Products, PricePoints, Components:
		return billing.Plans
	case Customers, Metadata:
		return billing.Customers
	case Subscriptions, Events:
		return billing.Events
	case InvoiceEvents:
		return billing.Transactions
	}
	return billing.Invoices
}

// recordOf is the external id of the record that an object becomes, if it can be known of an object that is not of its shape.
func recordOf(s system.Stream, own string, o json.RawMessage) string {
	switch s {
	case Customers, Products, Invoices, CreditNotes:
		return own
	case PricePoints:
		var p struct {
			ProductID id `json:"product_id"`
		}
		if json.Unmarshal(o, &p) == nil && p.ProductID != "" {
			return planID(p.ProductID, id(own))
		}
	}
	return ""
}

func (m *mapper) mapped() system.Mapped {
	system.SortRecords(m.out.Records)
	m.out.Issues = system.SortIssues(m.out.Issues)
	return m.out
}

func (m *mapper) put(r billing.Record) { m.out.Records = append(m.out.Records, r) }

// note keeps an issue. on is the object that people find the issue's object on, if it has no page of its own.
func (m *mapper) note(i system.Issue, on string) {
	i.Link = link(m.site, i.Stream, i.Object, on)
	m.out.Issues = append(m.out.Issues, i)
}

func (m *mapper) reject(i system.Issue, on string) {
	i.Rejects = true
	m.note(i, on)
}

// index decodes what belongs to the customer, and finds out what belongs to what.
func (m *mapper) index() {
	m.customers = decode[customerShape](m, Customers)
	m.subscriptions = decode[subscriptionShape](m, Subscriptions)
	m.bills = decode[invoiceShape](m, Invoices)
	m.notes = decode[creditNoteShape](m, CreditNotes)
	for own := range m.kept.Of(Customers, "") {
		m.owner = own
	}
	for _, s := range m.subscriptions {
		m.owner = cmp.Or(m.owner, string(s.Customer.ID))
		if at := s.TrialStartedAt.Time; !at.IsZero() && (m.trial.IsZero() || at.Before(m.trial)) {
			m.trial = at
		}
		m.see(s.ID, string(s.ID))
	}
	slices.SortStableFunc(m.bills, func(a, b invoiceShape) int { return a.date().Compare(b.date().Time) })
	for _, in := range m.bills {
		m.indexInvoice(in)
	}
	for _, n := range m.notes {
		m.owner = cmp.Or(m.owner, string(n.CustomerID))
		for _, r := range n.Refunds {
			m.refunded[r.TransactionID] = n.IssueDate.Time
		}
	}
	m.indexEvents()
}

func (m *mapper) indexInvoice(in invoiceShape) {
	m.owner = cmp.Or(m.owner, string(in.CustomerID))
	m.voided[in.UID] = in.status() == "voided"
	if in.LineItems == nil || in.SubscriptionID == "" {
		return
	}
	for _, l := range *in.LineItems {
		if !m.recurs(l) {
			continue
		}
		m.see(in.SubscriptionID, item(in.SubscriptionID, l))
		if l.ProductPricePointID != "" {
			if m.planOf[in.SubscriptionID] == nil {
				m.planOf[in.SubscriptionID] = map[id]id{}
			}
			m.planOf[in.SubscriptionID][l.ProductID] = l.ProductPricePointID
		}
	}
}

// indexEvents keeps what has happened, in that order. The time of an event of a refund is more exact than the date of its credit note.
func (m *mapper) indexEvents() {
	for _, e := range decode[eventShape](m, Events) {
		m.events[e.SubscriptionID] = append(m.events[e.SubscriptionID], e)
	}
	for _, all := range m.events {
		slices.SortStableFunc(all, func(a, b eventShape) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt.Time), compareIDs(a.ID, b.ID))
		})
	}
	for _, e := range decode[invoiceEventShape](m, InvoiceEvents) {
		if e.Invoice.UID == "" {
			m.out.Left[LeftEvents]++
			continue
		}
		m.happened[e.Invoice.UID] = append(m.happened[e.Invoice.UID], e)
		if at := e.Data.TransactionTime.Time; e.EventType == "refund_invoice" && !at.IsZero() {
			m.refunded[e.Data.RefundID] = at
		}
	}
	for _, all := range m.happened {
		slices.SortStableFunc(all, func(a, b invoiceEventShape) int {
			return cmp.Or(a.Timestamp.Compare(b.Timestamp.Time), compareIDs(a.ID, b.ID))
		})
	}
}

// compareIDs compares numbers.
func compareIDs(a, b id) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// see notes that something is sold by a subscription: its product or a component.
func (m *mapper) see(subscription id, item string) {
	if m.items[subscription] == nil {
		m.items[subscription] = map[string]bool{}
	}
	m.items[subscription][item] = true
}

func (m *mapper) customer() {
	if m.kept.Count(Customers, "") == 0 {
		m.reject(system.Issue{
			Dataset: billing.Customers, Record: m.owner, Stream: Customers, Object: m.owner, Code: CodeNoCustomer,
			Message: "Chargify has objects of this customer, but did not list the customer. It may have been made during the pull: sync again.",
		}, "")
		return
	}
	metadata := map[string]string{}
	for _, d := range decode[metadataShape](m, Metadata) {
		metadata[d.Name] = d.Value
	}
	for _, c := range m.customers {
		r := &billing.Customer{
			ExternalID: string(c.ID), Name: strings.TrimSpace(c.FirstName + " " + c.LastName), Company: c.Organization, Email: m.email(c),
			Country: m.country(c), City: c.City, Zip: c.Zip, FreeTrialStartedAt: m.trial, LeadCreatedAt: m.trial,
		}
		if r.Company == r.Name { // Chargify writes the name of a person there who has no company
			r.Company = ""
		}
		r.State = billing.ParseState(r.Country, c.State)
		r.CustomAttributes = m.settings.Attributes(metadata, m.out.Left)
		m.put(r)
	}
}

func (m *mapper) email(c customerShape) string {
	if c.Email == "" || billing.CheckEmail(c.Email) == nil {
		return c.Email
	}
	m.note(system.Issue{Dataset: billing.Customers, Stream: Customers, Object: string(c.ID), Field: "email", Code: CodeEmail, Message: "The customer has no e-mail address that can be one; it is left blank."}, "")
	return ""
}

func (m *mapper) country(c customerShape) string {
	if c.Country == "" {
		return ""
	}
	country, err := billing.ParseCountry(c.Country)
	if err != nil {
		m.note(system.Issue{Dataset: billing.Customers, Stream: Customers, Object: string(c.ID), Field: "country", Code: CodeCountry, Message: "Reseed does not know the country of the customer; it is left blank."}, "")
	}
	return country
}
