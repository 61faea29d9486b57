package eraser

import (
	"maps"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/store"
)

// Names of what is counted besides the datasets.
const (
	Edits           = "edits"            // items of tags, custom attributes, changed fields
	EmailPointers   = "email_pointers"   // e-mail → customer
	InvoicePointers = "invoice_pointers" // customer → invoice
	IDPointers      = "id_pointers"      // external id → line item, transaction, event
	Others          = "others"           // nothing that this version knows
)

// Counts are numbers of items by kind: the names of datasets, Edits, and pointers.
type Counts map[string]int64

// Rows are the counts of what people put in: records and edits.
func (c Counts) Rows() Counts { return c.only(false) }

// Pointers are the counts of what the records were found by.
func (c Counts) Pointers() Counts { return c.only(true) }

func (c Counts) only(pointers bool) Counts {
	out := maps.Clone(c)
	maps.DeleteFunc(out, func(kind string, _ int64) bool { return strings.HasSuffix(kind, "_pointers") != pointers })
	return out
}

// Total is the number of items.
func (c Counts) Total() (n int64) {
	for _, k := range c {
		n += k
	}
	return n
}

// Add adds d to c.
func (c Counts) Add(d Counts) {
	for kind, n := range d {
		c[kind] += n
	}
}

// part is one partition of a source.
type part struct {
	pk    string
	edits bool
}

func (p part) kindOf(sk string) string {
	if p.edits {
		return Edits
	}
	return kindOf(sk)
}

// shards gives the partitions of a source, one list a shard, the plans being the last.
func shards(sp store.Space) [][]part {
	all := make([][]part, 0, sp.Shards+1)
	for i := range sp.Shards {
		all = append(all, []part{{pk: sp.CustomerPK(i)}, {pk: sp.DataPK(i)}, {pk: sp.EditPK(i), edits: true}})
	}
	return append(all, []part{{pk: sp.PlanPK()}})
}

// kindOf names what a sort key outside the edits stands for.
func kindOf(sk string) string {
	switch store.What(sk) {
	case store.SKCustomer:
		return string(billing.Customers)
	case store.SKContact:
		return string(billing.Contacts)
	case store.SKPlan:
		return string(billing.Plans)
	case store.SKInvoice:
		return string(billing.Invoices)
	case store.SKLine:
		return string(billing.LineItems)
	case store.SKTrans:
		return string(billing.Transactions)
	case store.SKEvent:
		return string(billing.Events)
	case store.SKEmail:
		return EmailPointers
	case store.SKOwner:
		return InvoicePointers
	case store.SKExternal:
		return IDPointers
	}
	return Others
}
