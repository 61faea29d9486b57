package importer

import (
	"fmt"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Stages of an import, in the order in which they depend on one another. A
// stage's datasets share one key order.
const (
	stagePlans = iota
	stageCustomers
	stageContacts
	stageInvoices // with their line items and transactions
	stageEvents
	stageCount
)

func stageOf(ds billing.Dataset) int {
	switch ds {
	case billing.Plans:
		return stagePlans
	case billing.Customers:
		return stageCustomers
	case billing.Contacts:
		return stageContacts
	case billing.Invoices, billing.LineItems, billing.Transactions:
		return stageInvoices
	case billing.Events, billing.Cancellations:
		return stageEvents
	}
	return stageCount
}

// looksUp tells whether a stage's rows ask about other keys before they can be merged.
func looksUp(stage int) bool { return stage == stageInvoices || stage == stageEvents }

// partitions spells the partition keys of a source once.
type partitions struct {
	space     store.Space
	plans     string
	customers []string // by shard
	data      []string // by shard
}

func newPartitions(sp store.Space) *partitions {
	p := &partitions{space: sp, plans: sp.PlanPK()}
	for n := range sp.Shards {
		p.customers = append(p.customers, sp.CustomerPK(n))
		p.data = append(p.data, sp.DataPK(n))
	}
	return p
}

// of is the partition that a sort key lies in.
func (p *partitions) of(sk string) string {
	if strings.HasPrefix(sk, store.SKPlan) {
		return p.plans
	}
	h, _ := store.LeadingH(sk)
	switch sk[:2] {
	case store.SKCustomer, store.SKContact, store.SKEmail:
		return p.customers[p.space.ShardOf(h)]
	}
	return p.data[p.space.ShardOf(h)]
}

func (p *partitions) key(sk string) table.Key { return table.Key{PK: p.of(sk), SK: sk} }

// rangeOf is the key range, out of n, that a sort key belongs to: a run of
// neighbouring shards, so that a partition key has one writer.
func (p *partitions) rangeOf(sk string, n int) int {
	if n == 1 || strings.HasPrefix(sk, store.SKPlan) {
		return 0
	}
	h, _ := store.LeadingH(sk)
	return p.space.ShardOf(h) * n / p.space.Shards
}

// prefixOf is what the sort keys of a stage's records begin with.
func prefixOf(stage int) string {
	return [stageCount]string{store.SKPlan, store.SKCustomer, store.SKContact, store.SKInvoice, store.SKEvent}[stage]
}

// scans lists the queries that walk all stored records of a stage in one key range out of n, in key order.
func (p *partitions) scans(stage, keyRange, n int) []table.Query {
	prefix := prefixOf(stage)
	q := table.Query{From: prefix, To: store.After(prefix)}
	if stage == stagePlans {
		if q.PK = p.plans; keyRange > 0 {
			return nil
		}
		return []table.Query{q}
	}
	of := p.data
	if stage == stageCustomers || stage == stageContacts {
		of = p.customers
	}
	var out []table.Query
	for _, pk := range of[keyRange*p.space.Shards/n : (keyRange+1)*p.space.Shards/n] {
		q.PK = pk
		out = append(out, q)
	}
	return out
}

// datasetOf is the dataset that a stored record came with.
func datasetOf(sk string, a table.Attrs) billing.Dataset {
	switch store.What(sk) {
	case store.SKPlan:
		return billing.Plans
	case store.SKCustomer:
		return billing.Customers
	case store.SKContact:
		return billing.Contacts
	case store.SKInvoice:
		return billing.Invoices
	case store.SKLine:
		return billing.LineItems
	case store.SKTrans:
		return billing.Transactions
	}
	if v, _ := a.Get("cancellation"); v.Bool() {
		return billing.Cancellations
	}
	return billing.Events
}

// parentOf is the sort key of the record without which sk's cannot be; empty
// for those that stand alone, and for invoices, which look their customer up.
func parentOf(sk string) string {
	switch {
	case strings.HasPrefix(sk, store.SKContact), strings.HasPrefix(sk, store.SKEvent):
		h, _ := store.LeadingH(sk)
		return store.CustomerSK(h)
	case strings.HasPrefix(sk, store.SKInvoice) && len(sk) > len(store.SKInvoice)+2*store.HashLen:
		return sk[:len(store.SKInvoice)+2*store.HashLen]
	}
	return ""
}

// together tells whether two rows, one behind the other in key order, are of one invoice.
func together(a, b string) bool {
	const n = len(store.SKInvoice) + 2*store.HashLen
	return strings.HasPrefix(b, store.SKInvoice) && len(a) >= n && len(b) > n && a[:n] == b[:n]
}

func isPlan(sk string) bool     { return strings.HasPrefix(sk, store.SKPlan) }
func isCustomer(sk string) bool { return strings.HasPrefix(sk, store.SKCustomer) }

// missingParent is the reject of a row whose parent will not be there.
func (w *work) missingParent(sk string) (column, code, message string) {
	if strings.HasPrefix(sk, store.SKInvoice) {
		return "Invoice external ID", "unknown_invoice", w.notThere("invoice", billing.Invoices, "row")
	}
	return "Customer external ID", "unknown_customer", w.notThere("customer", billing.Customers, "row")
}

// notThere says that what a row belongs to will not be there: what is stored does not count if it is replaced.
func (w *work) notThere(what string, ds billing.Dataset, row string) string {
	if w.replaces(ds) {
		return fmt.Sprintf("The %s of this %s is not in this import, which replaces all %s.", what, row, ds)
	}
	return fmt.Sprintf("The %s of this %s is neither stored in this source nor taken in with this import.", what, row)
}

// replaces tells whether the import is the whole truth for a dataset.
func (w *work) replaces(ds billing.Dataset) bool {
	return w.job.Import.Mode == job.Replace && w.given(ds)
}
