package store

import (
	"slices"
	"strings"

	"reseed/pkg/billing"
)

// StageEdits is the stage of edits: behind those of all records that they may belong to, and of all
// that are still to come. It has no kinds of records.
const StageEdits = 99

// EditedSK returns the sort key of the record that an edit names.
func EditedSK(hr *Hasher, e *billing.Edit) string {
	where := KindFor(e.Of).Locate(hr, e.Record)
	if !where.Natural {
		return where.SK
	}
	return NthSK(where.SK, int(max(e.Nth, 1))-1)
}

// Identifying returns a record that holds what identifies rec, and nothing else: what an edit of it
// names. Records without external ids may be several of the same.
func Identifying(rec billing.Record) billing.Record {
	switch r := rec.(type) {
	case *billing.Customer:
		return &billing.Customer{ExternalID: r.ExternalID}
	case *billing.Plan:
		if r.ExternalID != "" {
			return &billing.Plan{ExternalID: r.ExternalID}
		}
		return &billing.Plan{Name: r.Name, IntervalCount: r.IntervalCount, IntervalUnit: r.IntervalUnit}
	case *billing.Invoice:
		return &billing.Invoice{ExternalID: r.ExternalID}
	case *billing.LineItem:
		if r.ExternalID != "" {
			return &billing.LineItem{InvoiceExternalID: r.InvoiceExternalID, ExternalID: r.ExternalID}
		}
		return &billing.LineItem{
			InvoiceExternalID: r.InvoiceExternalID, Type: r.Type, SubscriptionExternalID: r.SubscriptionExternalID,
			PlanExternalID: r.PlanExternalID, ServicePeriodStart: r.ServicePeriodStart, Description: r.Description,
		}
	case *billing.Transaction:
		if r.ExternalID != "" {
			return &billing.Transaction{InvoiceExternalID: r.InvoiceExternalID, ExternalID: r.ExternalID}
		}
		return &billing.Transaction{InvoiceExternalID: r.InvoiceExternalID, Type: r.Type, Result: r.Result, Date: r.Date}
	}
	return rec
}

// FieldAttr returns the attribute in which a field of a record is stored.
func FieldAttr(field string) string {
	if field == "external_id" {
		return field
	}
	return strings.TrimSuffix(field, "_external_id")
}

// AttrField returns the field of a dataset's records that is stored in an attribute; empty if there
// is none.
func AttrField(ds billing.Dataset, attr string) string {
	fields := billing.FieldsOf(ds)
	if i := slices.IndexFunc(fields, func(f billing.Field) bool { return FieldAttr(f.Name) == attr }); i >= 0 {
		return fields[i].Name
	}
	return ""
}
