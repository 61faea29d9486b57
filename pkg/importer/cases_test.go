package importer_test

import (
	"slices"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store/mem"
)

// Sequences that once went wrong, each against the model.

// eachWay tries a sequence with imports that one worker does in memory, and with imports in pieces and key ranges.
func eachWay(t *testing.T, sequence func(tester, *subject)) {
	t.Helper()
	for name, sizes := range map[string][2]int64{"small": {0, 1 << 30}, "large": {60, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSubject(t, mem.New(mem.Options{}), 16)
			s.process(sizes[0], sizes[1], 1)
			sequence(t, s)
			s.check(t)
		})
	}
}

// export is what exported is, but only some datasets, and without the rows that have one of some values.
func export(given []billing.Dataset, without ...string) (out []sheet) {
	for _, s := range exported() {
		if !slices.Contains(given, s.dataset) {
			continue
		}
		s.rows = slices.DeleteFunc(s.rows, func(r row) bool {
			for _, v := range without {
				for _, cell := range r {
					if cell == v {
						return true
					}
				}
			}
			return false
		})
		out = append(out, s)
	}
	return out
}

func all(without ...string) request {
	return request{sheets: export(billing.Order(), without...), maxRemoved: 100}
}

// replacing is a replace of some datasets.
func replacing(given []billing.Dataset, without ...string) request {
	return request{sheets: export(given, without...), replace: true, allowEmpty: true, maxRemoved: 100}
}

func (s *subject) holds(t tester, k kind, externalID string, want bool) {
	t.Helper()
	found := s.model.any(func(r *record) bool { return r.id.kind == k && r.str("external_id") == externalID })
	if found != want {
		t.Fatalf("%s is there: %v, want %v", externalID, found, want)
	}
}

func TestAReplaceKeepsTheCustomerOfAnInvoiceThatStays(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t tester, s *subject) {
		s.submit(t, all())
		// Line items are not given: so i2 and i3 stay, and so must c2.
		s.submit(t, replacing([]billing.Dataset{billing.Customers, billing.Contacts, billing.Invoices, billing.Events, billing.Cancellations}, "c2"))
		s.holds(t, customer, "c2", true)
		s.holds(t, invoice, "i2", true)
	})
}

func TestAReplaceKeepsPlansThatRowsName(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t tester, s *subject) {
		s.submit(t, all())
		s.submit(t, replacing([]billing.Dataset{billing.Plans, billing.Events}, "p1", "p2"))
		s.holds(t, plan, "p1", true) // by a line item
		s.submit(t, replacing([]billing.Dataset{billing.Plans, billing.Events, billing.LineItems}, "p1", "p2"))
		s.holds(t, plan, "p1", false)
	})
}

func TestAPlanIsOutdated(t *testing.T) {
	t.Parallel()
	invoices := []billing.Dataset{billing.Invoices, billing.LineItems, billing.Transactions}
	one := request{sheets: []sheet{{billing.Invoices, []row{{
		"Customer external ID": "c3", "Invoice external ID": "i4", "Invoiced date": "2026-01-01", "Currency": "EUR",
	}}}}, maxRemoved: 100}
	line := func(invoice string) request {
		return request{sheets: []sheet{{billing.LineItems, []row{{"Invoice external ID": invoice, "External ID": "l9", "Type": "one_time", "Amount in cents": "1"}}}}}
	}
	for name, c := range map[string]struct {
		plan request
		then func(tester, *subject)
		want job.Status
	}{
		"by nothing": {replacing(invoices, "i3"), func(tester, *subject) {}, job.Done},
		"not by a plan to remove rows that was never applied": {
			one, func(t tester, s *subject) { t.Helper(); q := replacing(invoices, "i3"); q.plan = true; s.submit(t, q) }, job.Done,
		},
		"by a replace that removed rows": {
			one, func(t tester, s *subject) { t.Helper(); s.submit(t, replacing(invoices, "i3")) }, job.Failed,
		},
		"by an older plan that was applied since": {
			one, func(t tester, s *subject) { t.Helper(); s.apply(t, s.model.jobs[1]) }, job.Failed,
		},
		"by rows that were put since, if it removes rows": {
			replacing([]billing.Dataset{billing.Customers, billing.Contacts}, "c3"),
			func(t tester, s *subject) { t.Helper(); s.submit(t, one) }, job.Failed,
		},
		"not by rows that were put since, if it removes none": {
			request{sheets: []sheet{{billing.Customers, []row{{"External ID": "c5"}}}}, maxRemoved: 100},
			func(t tester, s *subject) { t.Helper(); s.submit(t, one) }, job.Done,
		},
		"by an external id that was given since": {
			line("i1"), func(t tester, s *subject) { t.Helper(); s.submit(t, line("i2")) }, job.Failed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWay(t, func(t tester, s *subject) {
				s.submit(t, all())
				older := replacing([]billing.Dataset{billing.Customers, billing.Contacts}, "c3")
				plan := c.plan
				older.plan, plan.plan = true, true
				s.submit(t, older)
				p := s.submit(t, plan)
				c.then(t, s)
				if s.apply(t, p); p.status != c.want {
					t.Fatalf("it is %s, want %s", p.status, c.want)
				}
			})
		})
	}
}

func TestAnUndoGivesInvoicesBackBeforeItTakesTheirNewCustomer(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t tester, s *subject) {
		s.submit(t, all())
		p := s.submit(t, request{sheets: []sheet{
			{billing.Customers, []row{{"External ID": "c5"}}},
			{billing.Invoices, []row{{"Customer external ID": "c5", "Invoice external ID": "i1", "Invoiced date": "2026-01-01", "Currency": "EUR"}}},
		}})
		s.undo(t, p)
		s.holds(t, customer, "c5", false)
	})
}

func TestAnUndoPutsBackInvoicesWithWhatHangsOnThem(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t tester, s *subject) {
		s.submit(t, all())
		p := s.submit(t, replacing(billing.Order(), "i1", "i2"))
		s.holds(t, lineItem, "l1", false)
		u := s.undo(t, p)
		s.holds(t, lineItem, "l1", true)
		s.undo(t, s.undo(t, u))
	})
}

func TestAnUndoPutsNothingBackThatNamesAPlanWhichIsGone(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t tester, s *subject) {
		q := all("e1")
		s.submit(t, q)
		p := s.submit(t, replacing([]billing.Dataset{billing.LineItems}, "l1"))
		s.submit(t, replacing([]billing.Dataset{billing.Plans}, "p1"))
		s.holds(t, plan, "p1", false)
		if u := s.undo(t, p); !slices.Equal(u.left, []string{"parent_gone"}) {
			t.Fatalf("left alone: %v", u.left)
		}
	})
}
