package recurly

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// Map makes records of the objects that belong to one account. Objects may come in any order, and more than once.
func (System) Map(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	m.index()
	if m.owner == "" {
		m.out.Left[LeftOfNobody] += m.kept.Len()
		return m.mapped()
	}
	m.customer()
	m.invoices()
	each(m, Subscriptions, "", billing.Events, m.subscription)
	return m.mapped()
}

// MapCatalog makes plans of plans and add-ons. Of plans with the same code the one that is still sold counts, else the newest.
func (System) MapCatalog(objects []system.Object, s system.Settings) system.Mapped {
	m := newMapper(objects, s)
	plans, byID := map[string]planShape{}, map[string]planShape{}
	each(m, Plans, "", billing.Plans, func(p planShape) {
		byID[p.ID] = p
		if there, ok := plans[p.Code]; !ok || later(p.DeletedAt, p.CreatedAt, there.DeletedAt, there.CreatedAt) {
			plans[p.Code] = p
		}
	})
	addOns := map[string]addOnShape{}
	each(m, AddOns, "", billing.Plans, func(a addOnShape) {
		p, ok := byID[a.PlanID]
		if !ok {
			m.reject(system.Issue{Dataset: billing.Plans, Stream: AddOns, Object: a.ID, Field: "plan_id", Code: CodeNoAddOnPlan, Message: "Recurly did not list the plan of the add-on. It may have been made during the pull: sync again."}, "")
			return
		}
		id := addOnPlan(p.Code, a.Code)
		if there, ok := addOns[id]; !ok || later(a.DeletedAt, a.CreatedAt, there.DeletedAt, there.CreatedAt) {
			addOns[id] = a
		}
	})
	for _, code := range slices.Sorted(maps.Keys(plans)) {
		p := plans[code]
		m.plan(Plans, p.ID, code, p.Name, p)
	}
	for _, id := range slices.Sorted(maps.Keys(addOns)) {
		a := addOns[id]
		m.plan(AddOns, a.ID, id, a.Name, byID[a.PlanID])
	}
	return m.mapped()
}

// later reports whether what was deleted and created at the former times stands for what was at the latter.
func later(deleted, created, otherDeleted, otherCreated system.Moment) bool {
	if deleted.IsZero() != otherDeleted.IsZero() {
		return deleted.IsZero()
	}
	return created.After(otherCreated.Time)
}

// addOnPlan is the external id of the plan that an add-on of a plan is.
func addOnPlan(plan, addOn string) string { return plan + ":" + addOn }

// plan makes a plan that is billed as often as one of Recurly.
func (m *mapper) plan(s system.Stream, id, record, name string, as planShape) {
	plan := &billing.Plan{ExternalID: record, Name: cmp.Or(name, record), IntervalCount: 1}
	if as.IntervalLength != nil {
		plan.IntervalCount = *as.IntervalLength
	}
	switch as.IntervalUnit {
	case "days":
		plan.IntervalUnit = "day"
	case "months":
		plan.IntervalUnit = "month"
	}
	if plan.IntervalUnit == "" || plan.IntervalCount < 1 {
		m.reject(system.Issue{Dataset: billing.Plans, Record: record, Stream: s, Object: id, Field: "interval_unit", Code: CodeInterval, Message: "Reseed does not know the interval of the plan."}, "")
		return
	}
	m.put(plan)
}

// mapper maps one bundle of objects.
type mapper struct {
	settings system.Settings
	kept     system.Kept
	heads    map[place]head
	out      system.Mapped
	owner    string // code of the account

	itemsOf   map[string]map[string]bool // external ids of subscriptions that were ever part of one, by its id
	paidBy    map[string]string          // invoice, by the id of the transaction that has paid it
	refunds   map[string][]refund        // by the invoice of which money was paid back
	backed    map[string]bool            // invoices that only say that money was paid back for another one
	disputed  map[string]bool            // ids of transactions of which a refund says that they were charged back
	left      map[string]string          // why an invoice was left out
	otherPays bool                       // another account pays for this one
	trial     time.Time                  // when the first trial began
}

// refund is a refund, and the invoice that shows it.
type refund struct {
	transactionShape

	on string
}

func newMapper(objects []system.Object, s system.Settings) *mapper {
	m := &mapper{
		settings: s, kept: system.Kept{}, heads: map[place]head{}, out: system.Mapped{Left: map[string]int{}},
		itemsOf: map[string]map[string]bool{}, paidBy: map[string]string{}, refunds: map[string][]refund{}, backed: map[string]bool{},
		disputed: map[string]bool{}, left: map[string]string{},
	}
	for _, o := range objects {
		if !m.add(o.Stream, o.Parent, o.JSON) {
			m.reject(system.Misfit(o.JSON, system.Issue{Stream: o.Stream, Object: o.Parent, Code: CodeBadObject, Message: "Recurly has sent something that is no object."}), "")
		}
	}
	return m
}

func (m *mapper) mapped() system.Mapped {
	system.SortRecords(m.out.Records)
	m.out.Issues = system.SortIssues(m.out.Issues)
	return m.out
}

func (m *mapper) put(r billing.Record) { m.out.Records = append(m.out.Records, r) }

func (m *mapper) customer() {
	if m.kept.Count(Accounts, "") == 0 {
		m.reject(system.Issue{
			Dataset: billing.Customers, Record: m.owner, Stream: Accounts, Object: m.owner, Code: CodeNoCustomer,
			Message: "Recurly has objects of this account, but did not list the account. It may have been made during the pull: sync again.",
		}, "")
		return
	}
	each(m, Accounts, "", billing.Customers, func(a accountShape) {
		r := &billing.Customer{
			ExternalID: a.Code, Name: strings.TrimSpace(a.FirstName + " " + a.LastName), Company: a.Company, Email: m.email(a),
			FreeTrialStartedAt: m.trial, LeadCreatedAt: m.trial,
		}
		if at := a.address(); at != nil {
			r.Country, r.City, r.Zip = m.country(a, at.Country), at.City, at.PostalCode
			r.State = billing.ParseState(r.Country, at.Region)
		}
		own := map[string]string{}
		for _, f := range a.CustomFields {
			own[f.Name] = f.Value
		}
		r.CustomAttributes = m.settings.Attributes(own, m.out.Left)
		m.put(r)
	})
}

// address is that of the account; if it has no country, that of its billing information.
func (a accountShape) address() *addressShape {
	if (a.Address == nil || a.Address.Country == "") && a.BillingInfo != nil && a.BillingInfo.Address != nil {
		return a.BillingInfo.Address
	}
	return a.Address
}

func (m *mapper) email(a accountShape) string {
	if a.Email == "" || billing.CheckEmail(a.Email) == nil {
		return a.Email
	}
	m.note(system.Issue{Dataset: billing.Customers, Stream: Accounts, Object: a.ID, Field: "email", Code: CodeEmail, Message: "The account has no e-mail address that can be one; it is left blank."}, "")
	return ""
}

func (m *mapper) country(a accountShape, code string) string {
	if code == "" {
		return ""
	}
	country, err := billing.ParseCountry(code)
	if err != nil {
		m.note(system.Issue{Dataset: billing.Customers, Stream: Accounts, Object: a.ID, Field: "address.country", Code: CodeCountry, Message: "Reseed does not know the country of the account; it is left blank."}, "")
	}
	return country
}
