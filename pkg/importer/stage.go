package importer

import (
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/store"
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

func (p *partitions) key(sk string) store.Key { return store.Key{PK: p.of(sk), SK: sk} }

// rangeOf is the key range, out of n, that a sort key belongs to: a run of
// neighbouring shards, so that a partition key has one writer.
func (p *partitions) rangeOf(sk string, n int) int {
	if n == 1 || strings.HasPrefix(sk, store.SKPlan) {
		return 0
	}
	h, _ := store.LeadingH(sk)
	return p.space.ShardOf(h) * n / p.space.Shards
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

func isPlan(sk string) bool     { return strings.HasPrefix(sk, store.SKPlan) }
func isCustomer(sk string) bool { return strings.HasPrefix(sk, store.SKCustomer) }

// missingParent is the reject of a row whose parent is neither stored nor taken in.
func missingParent(sk string) (column, code, message string) {
	if strings.HasPrefix(sk, store.SKInvoice) {
		return "Invoice external ID", "unknown_invoice",
			"The invoice of this row is neither stored in this source nor taken in with this import."
	}
	return "Customer external ID", "unknown_customer",
		"The customer of this row is neither stored in this source nor taken in with this import."
}
