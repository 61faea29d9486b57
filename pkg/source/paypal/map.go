package paypal

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// Map makes records of the objects that belong to one customer.
func (System) Map(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	if m.owner == "" {
		m.out.Left[LeftOfNobody] += len(objects)
		return m.mapped()
	}
	each(m, Subscriptions, "", billing.Events, func(s subscriptionShape) { m.subscriptions = append(m.subscriptions, s) })
	each(m, Customers, "", billing.Customers, m.customer)
	each(m, Events, "", billing.Transactions, func(e eventShape) { m.events[e.Info.ReferenceID] = append(m.events[e.Info.ReferenceID], e.Info) })
	m.unread()
	for _, s := range m.subscriptions {
		m.charges(s)
		m.end(s)
	}
	for _, unclaimed := range m.events {
		m.out.Left[LeftOutsideInvoices] += len(unclaimed)
	}
	return m.mapped()
}

// unread rejects the invoices of subscriptions that could not be read: their payments are mapped with them.
func (m *mapper) unread() {
	read := map[string]bool{}
	for _, s := range m.subscriptions {
		read[s.ID] = true
	}
	for of := range m.kept.Of(Subscriptions, "") {
		if read[of] {
			continue
		}
		why := system.Issue{Dataset: billing.Invoices, Code: CodeNoSubscription, Message: "The subscription that this is a payment of could not be read."}
		for id := range m.kept.Of(Payments, of) {
			why.Stream, why.Object, why.Record = Payments, id, id
			m.reject(why)
		}
		why.Stream, why.Object, why.Record = Subscriptions, of, of+behindFailed
		m.reject(why)
	}
}

// MapCatalog makes plans.
func (System) MapCatalog(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	each(m, Plans, "", billing.Plans, func(p planShape) {
		count, unit, ok := interval(p.BillingCycles)
		if !ok {
			m.reject(system.Issue{
				Dataset: billing.Plans, Record: p.ID, Stream: Plans, Object: p.ID, Field: "billing_cycles.frequency", Code: CodeInterval,
				Message: "Reseed does not know how often the plan is billed.",
			})
			return
		}
		m.put(&billing.Plan{ExternalID: p.ID, Name: cmp.Or(p.Name, p.ID), IntervalCount: count, IntervalUnit: unit})
	})
	return m.mapped()
}

// interval is how often a plan is billed when trials are over.
func interval(cycles []cycleShape) (count int64, unit string, ok bool) {
	for _, c := range inOrder(cycles) {
		if c.TenureType == "REGULAR" {
			return c.Frequency.interval()
		}
	}
	return 0, "", false
}

func inOrder(cycles []cycleShape) []cycleShape {
	cycles = slices.Clone(cycles)
	slices.SortStableFunc(cycles, func(a, b cycleShape) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return cycles
}

// interval is a frequency in days, months or years.
func (f frequencyShape) interval() (count int64, unit string, ok bool) {
	count = 1
	if f.IntervalCount != nil {
		count = *f.IntervalCount
	}
	unit = strings.ToLower(f.IntervalUnit)
	if unit == "week" {
		unit, count = "day", 7*count
	}
	return count, unit, slices.Contains([]string{"day", "month", "year"}, unit) && count > 0 && count <= 10_000
}

// mapper maps one bundle of objects.
type mapper struct {
	settings system.Settings
	kept     system.Kept
	out      system.Mapped
	site     string
	owner    string // external id of the customer

	subscriptions []subscriptionShape
	events        map[string][]eventInfoShape // by payment
}

func newMapper(objects []system.Object, s system.Settings) *mapper {
	m := &mapper{settings: s, kept: system.Kept{}, out: system.Mapped{Left: map[string]int{}}, events: map[string][]eventInfoShape{}}
	for _, o := range objects {
		if m.site == "" {
			m.site = siteOf(o.JSON)
		}
		var n names
		err := json.Unmarshal(o.JSON, &n)
		own, parent := n.own(o.Stream), ""
		if own == "" {
			m.reject(system.Misfit(o.JSON, system.Issue{Stream: o.Stream, Object: o.Parent, Field: system.FieldOf(err), Code: CodeBadObject, Message: "PayPal has sent something that is no object."}))
			continue
		}
		if o.Stream == Customers {
			m.owner = own
		}
		if o.Stream == Payments {
			parent = o.Parent
		}
		m.owner = cmp.Or(m.owner, n.Subscriber.Payer)
		m.kept.Add(o.Stream, parent, own, o.JSON)
	}
	return m
}

// each decodes the objects of a stream that are parts of an object, in the order of their ids. What is not of the shape is rejected.
func each[T any](m *mapper, s system.Stream, parent string, ds billing.Dataset, do func(T)) {
	for id, o := range m.kept.Of(s, parent) {
		var shape T
		if err := system.Decode(o, &shape); err != nil {
			id, _, _ = strings.Cut(id, ":")
			record := id
			if ds == billing.Events {
				record += behindEnd
			}
			m.reject(system.Misfit(o, system.Issue{
				Dataset: ds, Record: record, Stream: s, Object: id, Field: system.FieldOf(err), Code: CodeBadObject,
				Message: "PayPal has sent a field of another type than Reseed knows.",
			}))
			continue
		}
		do(shape)
	}
}

func (m *mapper) mapped() system.Mapped {
	system.SortRecords(m.out.Records)
	for i := range m.out.Issues {
		m.out.Issues[i].Link = link(m.site, m.out.Issues[i].Stream, m.out.Issues[i].Object)
	}
	m.out.Issues = system.SortIssues(m.out.Issues)
	return m.out
}

func (m *mapper) put(r billing.Record) { m.out.Records = append(m.out.Records, r) }

func (m *mapper) note(i system.Issue) { m.out.Issues = append(m.out.Issues, i) }

func (m *mapper) reject(i system.Issue) {
	i.Rejects = true
	m.note(i)
}

// customer maps whom subscriptions name.
func (m *mapper) customer(c customerShape) {
	r := &billing.Customer{
		ExternalID: c.PayerID, Name: cmp.Or(strings.TrimSpace(c.Name.GivenName+" "+c.Name.Surname), c.Name.FullName), Email: c.EmailAddress, FreeTrialStartedAt: m.trial(),
	}
	r.LeadCreatedAt = r.FreeTrialStartedAt
	if r.Email != "" && billing.CheckEmail(r.Email) != nil {
		r.Email = ""
		m.note(system.Issue{
			Dataset: billing.Customers, Stream: Customers, Object: c.PayerID, Field: "email_address", Code: CodeEmail,
			Message: "The customer has no e-mail address that can be one; it is left blank.",
		})
	}
	a := c.ShippingAddress.Address
	r.City, r.Zip = a.AdminArea2, a.PostalCode
	if a.CountryCode == "C2" { // how PayPal writes China
		a.CountryCode = "CN"
	}
	if a.CountryCode != "" {
		country, err := billing.ParseCountry(a.CountryCode)
		if err != nil {
			m.note(system.Issue{
				Dataset: billing.Customers, Stream: Customers, Object: c.PayerID, Field: "shipping_address.address.country_code", Code: CodeCountry,
				Message: "Reseed does not know the country of the customer; it is left blank.",
			})
		}
		r.Country = country
	}
	r.State = billing.ParseState(r.Country, a.AdminArea1)
	m.put(r)
}

// trial is when the first trial began; zero if there was none.
func (m *mapper) trial() time.Time {
	var first time.Time
	for _, s := range m.subscriptions {
		trial := slices.ContainsFunc(s.Plan.BillingCycles, func(c cycleShape) bool { return c.TenureType == "TRIAL" })
		if at := s.StartTime.Time; trial && !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// What is behind the id of a subscription in the ids of its records.
const (
	behindEnd    = ":cancelled"
	behindFailed = ":failed"
)

// end maps the end of a subscription. A suspension is one: if it is over, the event is gone with the next pull.
func (m *mapper) end(s subscriptionShape) {
	switch s.Status {
	case "APPROVAL_PENDING", "APPROVED", "ACTIVE":
		return
	case "SUSPENDED", "CANCELLED", "EXPIRED":
	default:
		m.note(system.Issue{
			Dataset: billing.Events, Stream: Subscriptions, Object: s.ID, Field: "status", Code: CodeStatus,
			Message: "Reseed does not know the status of the subscription; whether it has ended is left open.",
		})
		return
	}
	at := s.StatusUpdateTime.Time
	if at.IsZero() {
		m.reject(system.Issue{
			Dataset: billing.Events, Record: s.ID + behindEnd, Stream: Subscriptions, Object: s.ID, Field: "status_update_time", Code: CodeNoEnd,
			Message: "The subscription has ended, and does not say when.",
		})
		return
	}
	m.put(&billing.Event{
		CustomerExternalID: m.owner, SubscriptionExternalID: s.ID, SubscriptionSetExternalID: s.ID, ExternalID: s.ID + behindEnd, Type: billing.Cancelled, Date: at, EffectiveDate: at,
	})
}
