package stripe

import (
	"cmp"
	"slices"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// Map makes records of the objects that belong to one customer. Objects may come in any order, and more than once.
func (System) Map(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	m.index()
	if m.left() {
		return m.mapped()
	}
	m.customer()
	each(m, Invoices, "", billing.Invoices, m.invoice)
	m.unclaimed()
	each(m, Subscriptions, "", billing.Events, m.subscription)
	return m.mapped()
}

// MapCatalog makes plans of products and prices.
func (System) MapCatalog(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	names := map[string]string{}
	each(m, Products, "", billing.Plans, func(p productShape) { names[p.ID] = p.Name })
	each(m, Prices, "", billing.Plans, func(p priceShape) { m.plan(p, names[string(p.Product)]) })
	return m.mapped()
}

// mapper maps one bundle of objects.
type mapper struct {
	settings system.Settings
	kept     system.Kept
	out      system.Mapped
	live     bool
	owner    string // id of the customer

	invoicesOf map[string][]string      // ids of invoices, by the payment intent or charge that has paid them
	intentOf   map[string]string        // payment intent, by charge
	failed     map[string][]chargeShape // by invoice
	refunds    map[string][]givenBack   // by invoice
	itemOf     map[soldAs]string        // subscription item, by what it is sold as
	itemsOf    map[string][]string      // all items ever seen, by subscription, sorted
	trial      int64                    // when the first trial began
	newest     invoiceShape             // names the customer, if that was deleted
}

// soldAs is what identifies a subscription item if only its price is known. Without a price it stands
// for the only item of the subscription.
type soldAs struct{ subscription, price string }

// givenBack is money that the customer got back.
type givenBack struct {
	stream   system.Stream
	id       string
	amount   int64 // as Stripe writes it
	currency string
	created  int64
	failed   bool
}

func newMapper(objects []system.Object, s system.Settings) *mapper {
	m := &mapper{
		settings: s, kept: system.Kept{}, out: system.Mapped{Left: map[string]int{}},
		invoicesOf: map[string][]string{}, intentOf: map[string]string{}, failed: map[string][]chargeShape{},
		refunds: map[string][]givenBack{}, itemOf: map[soldAs]string{}, itemsOf: map[string][]string{},
	}
	for _, o := range objects {
		if !m.add(o.Stream, o.Parent, o.JSON) {
			m.reject(system.Misfit(o.JSON, system.Issue{Stream: o.Stream, Object: o.Parent, Code: CodeBadObject, Message: "Stripe has sent something that is no object."}))
		}
	}
	return m
}

func (m *mapper) mapped() system.Mapped {
	place := map[billing.Dataset]int{}
	for i, ds := range billing.Order() {
		place[ds] = i
	}
	slices.SortStableFunc(m.out.Records, func(a, b billing.Record) int { return cmp.Compare(place[a.Dataset()], place[b.Dataset()]) })
	for i := range m.out.Issues {
		m.out.Issues[i].Link = Link(m.out.Issues[i].Stream, m.out.Issues[i].Object, m.live)
	}
	m.out.Issues = system.SortIssues(m.out.Issues) // what is read twice says so twice
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
	deleted := false
	each(m, Customers, "", billing.Customers, func(c customerShape) { deleted = deleted || c.Deleted })
	if deleted && !m.settings.DeletedCustomers {
		m.out.Issues, m.out.Left = nil, map[string]int{}
		m.out.Left[LeftDeletedCustomer]++
		return true
	}
	return false
}

func (m *mapper) customer() {
	if m.kept.Count(Customers, "") == 0 {
		m.reject(system.Issue{
			Dataset: billing.Customers, Record: m.owner, Stream: Customers, Object: m.owner, Code: CodeNoCustomer,
			Message: "Stripe has objects of this customer, but did not list the customer. It may have been deleted or made during the pull: sync again.",
		})
		return
	}
	each(m, Customers, "", billing.Customers, func(c customerShape) {
		r := &billing.Customer{ExternalID: c.ID, Name: c.Name, Company: c.BusinessName, Email: m.email(c, c.Email, "email")}
		if c.Deleted { // a stub
			r.Name, r.Email = m.newest.CustomerName, m.email(c, m.newest.CustomerEmail, "")
		}
		r.FreeTrialStartedAt = moment(m.trial)
		r.LeadCreatedAt = r.FreeTrialStartedAt
		if a := c.Address; a != nil {
			r.Country, r.City, r.Zip = m.country(c, a.Country), a.City, a.PostalCode
			r.State = billing.ParseState(r.Country, a.State)
		}
		r.CustomAttributes = m.settings.Attributes(c.Metadata, m.out.Left)
		m.put(r)
	})
}

func (m *mapper) email(c customerShape, address, field string) string {
	if address == "" || billing.CheckEmail(address) == nil {
		return address
	}
	m.note(system.Issue{Dataset: billing.Customers, Stream: Customers, Object: c.ID, Field: field, Code: CodeEmail, Message: "The customer has no e-mail address that can be one; it is left blank."})
	return ""
}

func (m *mapper) country(c customerShape, code string) string {
	if code == "" {
		return ""
	}
	country, err := billing.ParseCountry(code)
	if err != nil {
		m.note(system.Issue{Dataset: billing.Customers, Stream: Customers, Object: c.ID, Field: "address.country", Code: CodeCountry, Message: "Reseed does not know the country of the customer; it is left blank."})
	}
	return country
}

func (m *mapper) plan(p priceShape, product string) {
	m.live = p.Livemode
	if p.Recurring == nil {
		m.out.Left[LeftOneTimePrice]++
		return
	}
	plan := &billing.Plan{ExternalID: p.ID, Name: cmp.Or(p.Nickname, product, p.ID), IntervalCount: p.Recurring.IntervalCount, IntervalUnit: p.Recurring.Interval}
	switch plan.IntervalUnit {
	case "day", "month", "year":
	case "week":
		plan.IntervalUnit = "day"
		plan.IntervalCount *= 7
	default:
		m.reject(system.Issue{Dataset: billing.Plans, Record: p.ID, Stream: Prices, Object: p.ID, Field: "recurring.interval", Code: CodeInterval, Message: "Reseed does not know the interval of the price."})
		return
	}
	m.put(plan)
}

// moment is a time of Stripe: seconds since 1970; 0 is "not given".
func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
