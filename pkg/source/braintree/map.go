package braintree

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// Map makes records of the objects that belong to one customer.
func (System) Map(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	each(m, Customers, billing.Customers, func(c customerShape) { m.customers = append(m.customers, c) })
	each(m, Subscriptions, billing.Events, func(s subscriptionShape) { m.subscriptions = append(m.subscriptions, s) })
	each(m, Transactions, billing.Invoices, m.sort)
	if m.left() {
		return m.mapped()
	}
	m.customer()
	for _, c := range m.charges() {
		m.charge(c)
	}
	m.unclaimed()
	for _, t := range m.credits {
		m.credit(t)
	}
	for _, s := range m.subscriptions {
		m.subscription(s)
	}
	return m.mapped()
}

// MapCatalog makes plans.
func (System) MapCatalog(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	each(m, Plans, billing.Plans, func(p planShape) {
		if p.BillingFrequency <= 0 {
			m.reject(system.Issue{
				Dataset: billing.Plans, Record: p.ID, Stream: Plans, Object: p.ID, Field: "billing_frequency", Code: CodeInterval,
				Message: "The plan does not say after how many months it is billed again.",
			})
			return
		}
		m.put(&billing.Plan{ExternalID: p.ID, Name: cmp.Or(p.Name, p.ID), IntervalCount: p.BillingFrequency, IntervalUnit: "month"})
	})
	return m.mapped()
}

// mapper maps one bundle of objects.
type mapper struct {
	settings system.Settings
	kept     system.Kept
	out      system.Mapped
	panel    string
	owner    string // id of the customer

	customers     []customerShape // one, if it is not deleted
	subscriptions []subscriptionShape
	sales         []transactionShape
	refunds       map[string][]transactionShape // by the transaction that they pay back
	credits       []transactionShape            // paid to the customer for nothing
	newest        transactionShape              // names the customer, if that is deleted
}

func newMapper(objects []system.Object, s system.Settings) *mapper {
	m := &mapper{settings: s, kept: system.Kept{}, out: system.Mapped{Left: map[string]int{}}, refunds: map[string][]transactionShape{}}
	for _, o := range objects {
		if m.panel == "" {
			m.panel = panelOf(o.JSON)
		}
		var b belongs
		if err := json.Unmarshal(o.JSON, &b); err != nil && b.ID == "" && b.Token == "" {
			m.reject(system.Misfit(o.JSON, system.Issue{Stream: o.Stream, Object: o.Parent, Code: CodeBadObject, Message: "Braintree has sent something that is no object."}))
			continue
		}
		m.owner = cmp.Or(m.owner, b.Owner, b.Customer.ID)
		if o.Stream == Customers {
			m.owner = b.ID
		}
		m.kept.Add(o.Stream, "", cmp.Or(b.ID, b.Token), o.JSON)
	}
	return m
}

// each decodes the objects of a stream, in the order of their ids. What is not of the shape is rejected.
func each[T any](m *mapper, s system.Stream, ds billing.Dataset, do func(T)) {
	for id, o := range m.kept.Of(s, "") {
		var shape T
		if err := system.Decode(o, &shape); err != nil {
			m.reject(system.Misfit(o, system.Issue{
				Dataset: ds, Record: recordOf(ds, id), Stream: s, Object: id, Field: system.FieldOf(err), Code: CodeBadObject,
				Message: "Braintree has sent a field of another type than Reseed knows.",
			}))
			continue
		}
		do(shape)
	}
}

// recordOf is the external id of the record that an object becomes.
func recordOf(ds billing.Dataset, id string) string {
	if ds == billing.Events {
		return id + behindEnd
	}
	return id
}

func (m *mapper) mapped() system.Mapped {
	system.SortRecords(m.out.Records)
	for i := range m.out.Issues {
		m.out.Issues[i].Link = link(m.panel, m.out.Issues[i].Stream, m.out.Issues[i].Object)
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

// left reports whether the whole customer is left out.
func (m *mapper) left() bool {
	if m.owner == "" {
		m.out.Left[LeftOfNobody] += m.kept.Len()
		return true
	}
	if m.kept.Has(Customers, "", m.owner) || m.settings.DeletedCustomers {
		return false
	}
	m.out.Issues, m.out.Left = nil, map[string]int{LeftDeletedCustomer: 1}
	return true
}

// customer maps the customer; a deleted one as its newest transaction names it.
func (m *mapper) customer() {
	if !m.kept.Has(Customers, "", m.owner) {
		m.newest.Customer.ID = m.owner
		m.customers = append(m.customers, m.newest.Customer)
	}
	for _, c := range m.customers {
		r := &billing.Customer{
			ExternalID: c.ID, Name: strings.TrimSpace(c.FirstName + " " + c.LastName), Company: c.Company, Email: m.email(c), WebsiteURL: c.Website, FreeTrialStartedAt: m.trial(),
		}
		r.LeadCreatedAt = r.FreeTrialStartedAt
		if len(c.Addresses) > 0 {
			a := c.Addresses[0]
			r.Country, r.City, r.Zip = m.country(c, a.Country), a.Locality, a.PostalCode
			r.State = billing.ParseState(r.Country, a.Region)
		}
		r.CustomAttributes = m.settings.Attributes(c.CustomFields, m.out.Left)
		m.put(r)
	}
}

func (m *mapper) email(c customerShape) string {
	if c.Email == "" || billing.CheckEmail(c.Email) == nil {
		return c.Email
	}
	m.note(system.Issue{Dataset: billing.Customers, Stream: Customers, Object: c.ID, Field: "email", Code: CodeEmail, Message: "The customer has no e-mail address that can be one; it is left blank."})
	return ""
}

func (m *mapper) country(c customerShape, code string) string {
	if code == "" {
		return ""
	}
	country, err := billing.ParseCountry(code)
	if err != nil {
		m.note(system.Issue{
			Dataset: billing.Customers, Stream: Customers, Object: c.ID, Field: "addresses.country_code_alpha2", Code: CodeCountry,
			Message: "Reseed does not know the country of the customer; it is left blank.",
		})
	}
	return country
}

// trial is when the first trial began; zero if there was none.
func (m *mapper) trial() time.Time {
	var first time.Time
	for _, s := range m.subscriptions {
		if !s.TrialPeriod || s.TrialDuration <= 0 || s.FirstBillingDate.IsZero() {
			continue
		}
		at := s.FirstBillingDate.AddDate(0, 0, -s.TrialDuration)
		if s.TrialDurationUnit == "month" {
			at = s.FirstBillingDate.AddDate(0, -s.TrialDuration, 0)
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
