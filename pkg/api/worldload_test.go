package api_test

import (
	"maps"
	"slices"
)

// This file has what an import changes in the world.

// load imports rows by name, and returns the names of the rejected ones, each with its code in
// front.
func (w *world) load(s *origin, input rows, replace bool, by string) (rejected []string) {
	w.loads = append(w.loads, load{by, s.tag, s.space})
	w.brought[w.epoch] = true
	in, named := map[string]bool{}, w.plansNamed(s)
	stays := func(id string) bool { return named[id] || w.stays(s, id) }
	there := func(id string) bool {
		_, stored := w.row(s, id)
		return in[id] || stored && (!replace || kindOf(id) != "i" && stays(id))
	}
	seen := w.all(s, "cpilt")
	manual := map[string]int64{}
	for _, kind := range []string{"p", "c", "i", "l", "t"} {
		for _, id := range slices.Sorted(maps.Keys(input)) {
			if kindOf(id) != kind {
				continue
			}
			f := input[id].fields
			if code := w.refused(s, id, f, there); code != "" {
				rejected = append(rejected, w.orForgotten(s, input, id, code)+" "+id)
				continue
			}
			in[id] = true
			manual[id] = w.origin(s, id, f, manual)
			w.put(s, id, record{manual[id], by, f})
		}
	}
	if !replace || len(rejected) > 0 {
		return rejected
	}
	for _, id := range seen {
		if !in[id] && !stays(id) {
			delete(s.customers, id)
			delete(s.data, id)
		}
	}
	return rejected
}

// orForgotten is the code of a rejected row: a row of an invoice that is rejected because its customer
// is forgotten may name that customer, too.
func (w *world) orForgotten(s *origin, input rows, id, code string) string {
	of, is := input[invoiceOf(invoiceIn(id))]
	if is && code == "unknown_invoice" && w.forgotten[s.name+"/"+of.fields["customer"]] {
		return "forgotten"
	}
	return code
}

// stays reports whether a replace keeps what it lacks: a customer with an invoice that is being
// erased or stays, or an invoice with a row that is being erased.
func (w *world) stays(s *origin, id string) bool {
	for other, r := range s.data {
		switch kindOf(other) {
		case "i":
			if customerOf(r.fields["customer"]) == id && (w.invoiceHidden(s.tag, other[2:], id[2:]) || w.leaving(s, other) || w.stays(s, other)) {
				return true
			}
		case "l", "t":
			if invoiceOf(invoiceIn(other)) == id && w.leaving(s, other) {
				return true
			}
		}
	}
	return false
}

// left reports whether any row is left, in the place where the import put it, of those it added.
func (w *world) left(s *origin, l load) bool {
	ours := func(from rows) bool {
		for _, r := range from {
			if r.by == l.id {
				return true
			}
		}
		return false
	}
	return sameMap(s.customers, l.was.customers) && sameMap(s.data, l.was.data) && (ours(s.customers) || ours(s.data))
}

// needed reports whether rows from elsewhere belong to what an import added.
func (w *world) needed(s *origin, by string) bool {
	for id, r := range s.data {
		var on []record
		switch kindOf(id) {
		case "i":
			on = append(on, s.customers[customerOf(r.fields["customer"])])
		case "l", "t":
			on = append(on, s.data[invoiceOf(invoiceIn(id))], s.data[planOf(r.fields["plan"])])
		}
		if r.by != by && slices.ContainsFunc(on, func(o record) bool { return o.by == by }) {
			return true
		}
	}
	return false
}

// plansNamed are the plans that a replace keeps since line items name them. It keeps them only
// while records of the source are being erased.
func (w *world) plansNamed(s *origin) map[string]bool {
	named := map[string]bool{}
	for _, e := range w.erases {
		if e.hides() && e.concerns(s) {
			for _, r := range s.data {
				named[planOf(r.fields["plan"])] = true
			}
		}
	}
	return named
}

// refused says why an import rejects a row; empty if it does not.
func (w *world) refused(s *origin, id string, f map[string]string, there func(string) bool) string {
	customer, invoice := f["customer"], invoiceIn(id)
	if kindOf(id) == "c" {
		customer = id[2:]
	}
	switch kindOf(id) {
	case "p":
		return map[bool]string{true: "being_erased"}[w.leaving(s, id)]
	case "l", "t":
		switch plan := f["plan"]; {
		case plan != "" && !there(planOf(plan)):
			return "unknown_plan"
		case w.hiding(s.tag, "invoice", invoice) != nil, w.leaving(s, id), w.hiddenInvoice(s, invoiceOf(invoice)):
			return "being_erased"
		case !there(invoiceOf(invoice)):
			return "unknown_invoice"
		}
		return ""
	}
	switch {
	case w.forgotten[s.name+"/"+customer]:
		return "forgotten"
	case w.hiding(s.tag, "customer", customer) != nil, kindOf(id) == "i" && w.invoiceHidden(s.tag, invoice, customer):
		return "being_erased"
	case w.leaving(s, customerOf(customer)):
		return "being_erased"
	case kindOf(id) == "i" && !there(customerOf(customer)):
		return "unknown_customer"
	case w.hiddenInvoice(s, id): // it belongs to another customer, or an import added it
		return "being_erased"
	}
	return ""
}

// hiddenInvoice reports whether an invoice is stored that is being erased.
func (w *world) hiddenInvoice(s *origin, id string) bool {
	r, ok := s.data[id]
	return ok && kindOf(id) == "i" && (w.leaving(s, id) || w.invoiceHidden(s.tag, id[2:], r.fields["customer"]))
}

// origin is the manual epoch of a row of a file: the epoch with which its customer was made.
func (w *world) origin(s *origin, id string, f map[string]string, now map[string]int64) int64 {
	switch kindOf(id) {
	case "p":
		return 0
	case "i":
		id = customerOf(f["customer"])
	case "l", "t":
		id = invoiceOf(invoiceIn(id))
	}
	if m, known := now[id]; known {
		return m
	}
	if r, ok := w.row(s, id); ok {
		return r.manual
	}
	return w.epoch
}

// put stores a row, unless it is there already.
func (w *world) put(s *origin, id string, r record) {
	if was, ok := w.row(s, id); ok {
		if maps.Equal(was.fields, r.fields) {
			return
		}
		r.by = was.by
	}
	if kindOf(id) == "c" {
		s.putCustomer(id, r)
	} else {
		s.data[id] = r
	}
}

// putCustomer stores a customer. If it replaces a hidden one, the pointer from that one's e-mail
// address stays, since it is not read. It goes with its manual epoch, or with its source.
func (s space) putCustomer(id string, r record) {
	stale := func(email string) string { return "m/" + email + "/" + id[2:] }
	if was, ok := s.customers[id]; ok && was.manual != r.manual && was.fields["email"] != "" {
		s.customers[stale(was.fields["email"])] = record{manual: was.manual, by: was.by}
	}
	delete(s.customers, stale(r.fields["email"]))
	s.customers[id] = r
}
