package importer_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/table/mem"
)

// Sequences that once went wrong, each against the model.

// eachWay tries a sequence with imports that one worker does in memory, and with imports in pieces
// and key ranges.
func eachWay(t *testing.T, sequence func(tester, *subject)) {
	t.Helper()
	small, large := [2]int64{0, 1 << 30}, [2]int64{60, 1}
	for _, way := range []struct {
		name    string
		sizes   [2]int64
		spelled spelling
	}{{"small", small, inCSV}, {"large", large, inCSV}, {"small, packed", small, inGzip}, {"large, in one file", large, inOneFile}} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := newSubject(t, mem.New(mem.Options{}), 16)
			s.spelled = way.spelled
			s.process(way.sizes[0], way.sizes[1], 1)
			sequence(t, s)
			s.check(t)
		})
	}
}

// export is some datasets of exported, without the rows that have one of these values.
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
		// The replace has no line items: so i2 and i3 stay, and so must c2.
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
		s.holds(t, plan, "p1", true) // named by a line item
		s.submit(t, replacing([]billing.Dataset{billing.Plans, billing.Events, billing.LineItems}, "p1", "p2"))
		s.holds(t, plan, "p1", false)
	})
}

// What a plan rests on, what it does not rest on, and the words of the error.
func TestAPlanIsOutdated(t *testing.T) {
	t.Parallel()
	invoices := []billing.Dataset{billing.Invoices, billing.LineItems, billing.Transactions}
	one := rows(billing.Invoices, row{"Customer external ID": "c3", "Invoice external ID": "i4", "Invoiced date": "2026-01-01", "Currency": "EUR"})
	line := func(invoice string) request {
		return rows(billing.LineItems, row{"Invoice external ID": invoice, "External ID": "l9", "Type": "one_time", "Amount in cents": "1"})
	}
	paid := rows(billing.Transactions, row{"Invoice external ID": "i1", "External ID": "t9", "Type": "payment", "Result": "successful", "Date": "2026-02-01"})
	customers := []billing.Dataset{billing.Customers, billing.Contacts}
	submit := func(q request) func(tester, *subject) {
		return func(t tester, s *subject) { t.Helper(); s.submit(t, q) }
	}
	for name, c := range map[string]struct {
		plan request
		then func(tester, *subject)
		want string // beginning of the error; empty: the plan is applied
	}{
		"by nothing": {replacing(invoices, "i3"), func(tester, *subject) {}, ""},
		"not by a plan to remove rows that was never applied": {
			one, func(t tester, s *subject) { t.Helper(); q := replacing(invoices, "i3"); q.plan = true; s.submit(t, q) }, "",
		},
		"not by a replace that removed other rows": {one, submit(replacing(invoices, "i3")), ""},
		"not by a replace that was refused": {
			one, submit(request{sheets: []sheet{{billing.Invoices, nil}}, replace: true}), "",
		},
		"not by an undo of other rows": {
			one, func(t tester, s *subject) {
				t.Helper()
				s.undo(t, s.submit(t, rows(billing.Customers, row{"External ID": "c6"})))
			}, "",
		},
		"not by an undo that changed nothing": {one, func(t tester, s *subject) {
			t.Helper()
			p := s.submit(t, rows(billing.Customers, row{"External ID": "c6"}))
			s.touch(t, p.deltas[0].id, "somebody")
			s.undo(t, p)
		}, ""},
		"by a removal of its customer, with an older plan": {
			one, func(t tester, s *subject) { t.Helper(); s.apply(t, s.model.jobs[1]) }, "Customers that its rows belong to have changed, or are gone,",
		},
		"by a change of its customer": {
			one, submit(rows(billing.Customers, row{"External ID": "c3", "Name": "Another"})), "Customers that its rows belong to have changed, or are gone,",
		},
		"by a change of its invoice's currency": {paid, submit(rows(billing.Invoices, row{
			"Customer external ID": "c1", "Invoice external ID": "i1", "Invoiced date": "2026-01-01", "Currency": "CHF",
		})), "Invoices that its rows belong to have changed, or are gone,"},
		"by a change of its invoice by hand": {
			paid, func(t tester, s *subject) {
				t.Helper()
				s.touch(t, row{"Invoice external ID": "i1"}.ident(billing.Invoices), "somebody")
			},
			"Invoices that its rows belong to have changed, or are gone,",
		},
		"by rows that came to what it removes": {replacing(customers, "c3"), submit(one), "Rows have come that belong to what it removes"},
		"by line items that came to an invoice that it removes": {
			replacing(invoices, "i1"), submit(line("i1")), "Rows have come that belong to what it removes",
		},
		"not by rows that came elsewhere, if it removes some": {
			replacing(customers, "c3"), submit(rows(billing.Customers, row{"External ID": "c5"})), "",
		},
		"not by rows that were put since, if it removes none": {rows(billing.Customers, row{"External ID": "c5"}), submit(one), ""},
		"by an external id that was given since":              {line("i1"), submit(line("i2")), "External IDs of its rows have been given, moved or freed"},
		"by the same rows":                                    {rows(billing.Customers, row{"External ID": "c5"}), submit(rows(billing.Customers, row{"External ID": "c5"})), "Rows that it changes have changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWay(t, func(t tester, s *subject) {
				s.submit(t, all())
				older := replacing(customers, "c3")
				plan := c.plan
				older.plan, plan.plan = true, true
				s.submit(t, older)
				p := s.submit(t, plan)
				c.then(t, s)
				s.apply(t, p)
				j, err := s.ledger.Get(t.Context(), p.id)
				if err != nil || !strings.HasPrefix(j.Error, c.want) || (j.Error == "") != (c.want == "") {
					t.Fatalf("%v, it is %s: %s", err, j.Status, j.Error)
				}
			})
		})
	}
}

// rows is an import of rows of one dataset.
func rows(ds billing.Dataset, all ...row) request {
	return request{sheets: []sheet{{ds, all}}, maxRemoved: 100}
}

func TestAPlanIsOutdatedByTheRemovalOfAPlanThatItNames(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t tester, s *subject) {
		s.submit(t, all())
		added := s.submit(t, rows(billing.Plans, row{"Name": "New", "Interval count": "1", "Interval unit": "month", "Plan ID": "p9"}))
		q := rows(billing.LineItems, row{"Invoice external ID": "i1", "External ID": "l9", "Type": "one_time", "Amount in cents": "1", "Plan": "p9"})
		q.plan = true
		p := s.submit(t, q)
		s.undo(t, added)
		s.holds(t, plan, "p9", false)
		s.apply(t, p)
		if j, err := s.ledger.Get(t.Context(), p.id); err != nil || !strings.HasPrefix(j.Error, "Plans that its rows name have been removed") {
			t.Fatalf("%v %s", err, j.Error)
		}
	})
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

func TestAnUndoPutsBackInvoicesWithTheirParts(t *testing.T) {
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

// Two rows of one import that share an identity, or a pointer, under different parents: both are
// taken where each has a key of its own, else the later one is a reject. Neither ends the import.
func TestTwoRowsOfOneIdentityAndTwoParents(t *testing.T) {
	t.Parallel()
	const day = "2026-03-01"
	event := row{"Subscription external ID": "s9", "Event Type": "subscription_cancelled", "Date": day, "Effective Date": day}
	line := row{"Type": "one_time", "Amount in cents": "1"}
	paid := row{"Type": "payment", "Result": "successful", "Date": day}
	of := func(r row, cells ...string) row {
		r = maps.Clone(r)
		for i := 0; i < len(cells); i += 2 {
			r[cells[i]] = cells[i+1]
		}
		return r
	}
	for name, c := range map[string]struct {
		dataset billing.Dataset
		rows    []row
		rejects string // codes of those rows
	}{
		"invoices of two customers": {billing.Invoices, []row{
			{"Customer external ID": "c1", "Invoice external ID": "i9", "Invoiced date": day, "Currency": "EUR"},
			{"Customer external ID": "c2", "Invoice external ID": "i9", "Invoiced date": day, "Currency": "EUR"},
		}, "duplicate_differs"},
		"line items of two invoices": {billing.LineItems, []row{
			of(line, "Invoice external ID", "i1", "External ID", "l9"), of(line, "Invoice external ID", "i2", "External ID", "l9"),
		}, "duplicate_differs"},
		"line items of two invoices, without ids": {billing.LineItems, []row{of(line, "Invoice external ID", "i1"), of(line, "Invoice external ID", "i3")}, ""},
		"transactions of two invoices": {billing.Transactions, []row{
			of(paid, "Invoice external ID", "i1", "External ID", "t9"), of(paid, "Invoice external ID", "i2", "External ID", "t9"),
		}, "duplicate_differs"},
		"transactions of two invoices, without ids": {billing.Transactions, []row{of(paid, "Invoice external ID", "i1"), of(paid, "Invoice external ID", "i2")}, ""},
		"contacts of two customers": {billing.Contacts, []row{
			{"Customer External ID": "c1", "External ID": "k9"}, {"Customer External ID": "c2", "External ID": "k9"},
		}, ""},
		"contacts with one e-mail address": {billing.Contacts, []row{
			{"Customer External ID": "c1", "Email": "k9@x.com"}, {"Customer External ID": "c2", "Email": "K9@x.com"},
		}, ""},
		"customers with one e-mail address": {billing.Customers, []row{{"External ID": "c8", "Email": "c@x.com"}, {"External ID": "c9", "Email": "C@x.com"}}, ""},
		"plans of one name, one with an id": {billing.Plans, []row{
			{"Name": "P", "Interval count": "1", "Interval unit": "month"}, {"Name": "P", "Interval count": "1", "Interval unit": "month", "Plan ID": "p9"},
		}, ""},
		"events of two customers": {billing.Events, []row{
			of(event, "Customer external ID", "c1", "External ID", "e9"), of(event, "Customer external ID", "c2", "External ID", "e9"),
		}, "duplicate_differs"},
		"events of two customers, without ids": {billing.Events, []row{
			of(event, "Customer external ID", "c1"), of(event, "Customer external ID", "c2"),
		}, "id_collision"},
		"equal events of three customers, without ids": {billing.Events, []row{
			of(event, "Customer external ID", "c2"), of(event, "Customer external ID", "c1"), of(event, "Customer external ID", "c2"),
			of(event, "Customer external ID", "c1"), of(event, "Customer external ID", "c3"),
		}, "id_collision id_collision id_collision"},
		"cancellations of two customers": {billing.Cancellations, []row{
			{"Customer external ID": "c1", "Subscription external ID": "s9", "Date": day},
			{"Customer external ID": "c2", "Subscription external ID": "s9", "Date": day},
		}, "id_collision"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWay(t, func(t tester, s *subject) {
				s.submit(t, all())
				q := rows(c.dataset, slices.Clone(c.rows)...)
				first := s.submit(t, q)
				var codes []string
				for _, at := range slices.SortedFunc(maps.Keys(first.rejects), func(a, b place) int { return a.line - b.line }) {
					codes = append(codes, first.rejects[at])
				}
				if got := strings.Join(codes, " "); got != c.rejects {
					t.Fatalf("rejected: %s, want %s", got, c.rejects)
				}
				s.submit(t, q)
				// In the other order, from two imports: what is stored keeps the identity.
				slices.Reverse(q.sheets[0].rows)
				q.plan = true
				s.apply(t, s.submit(t, q))
				s.undo(t, first)
				q.plan = false
				s.submit(t, q)
			})
		})
	}
}
