package store

import (
	"reseed/pkg/billing"
	"reseed/pkg/table"
)

// This file is the one list of the kinds of records, and of the pointers that lead to them.
// Imports, erases, undos, edits, exports and counts range over it. docs/ADDING-A-KIND.md says how
// to add a kind.

// Place says which partitions items lie in. All items of one place become invisible together.
type Place byte

// The places. Sort keys that this version does not know are Nowhere.
const (
	Nowhere       Place = iota
	WithCustomers       // by shard, of the epoch of customers
	WithData            // by shard, of the epoch of data
	WithPlans           // one partition, of the epoch of data
	places
)

// Stages of an import. Each depends on those before it. The kinds of one stage are merged together,
// in the order of their keys. The numbers are in the names of stored objects, so they can never
// change.
const (
	StagePlans = iota
	StageCustomers
	StageContacts
	StageInvoices // with their line items and transactions
	StageEvents
)

// RecordKind holds the facts of one kind of record.
type RecordKind struct {
	Kind    Kind            // what its identities are hashed with
	Dataset billing.Dataset // what its rows are imported and counted as
	// Came returns the dataset that a stored record came with, if the kind has several. nil means
	// always Dataset.
	Came  func(table.Attrs) billing.Dataset
	SK    string // prefix of its sort keys; of a part, what stands between the parent's identity and its own
	Place Place
	Stage int
	ID    string // prefix of its public ids; empty if it has no public ids

	// Of is the kind of its parent, without which a record of this kind cannot exist; empty for a
	// root. OfAttr is the attribute that holds the parent's external id.
	Of     Kind
	OfAttr string
	Part   bool // its sort key is its parent's, followed by SK and its own identity
	// SK of the pointer that leads to it from its parent; empty if its own sort key begins with the
	// parent's identity
	Found string

	Manual   bool // its records can be manual; then delete-manual-customers removes them
	Pointers []PointerRule
	Times    []string // attributes that are times, in milliseconds
	Edits    []string // what people may change: ends of the sort keys of edits

	Called string // the column in which rows of other datasets name it
	// returns the external id of the plan that a record names, stored as AttrPlan; nil if records
	// name no plan
	Plan func(billing.Record) string
	// Amounts are its attributes that are amounts of money; nil if it has none. Sum tells what a
	// record adds to the sums of a report.
	Amounts []Amount
	Sum     func(table.Attrs) Sum
	// Doubles says that a record without an external id that is imported with a correction is a new
	// one beside the old one, and that few of them belong to one parent: imports warn of it.
	Doubles bool

	// Append appends the attributes of a record, in ascending order of their names. Decode reads
	// them back.
	Append func([]byte, billing.Record) []byte
	Decode func(table.Attrs) billing.Record
	// Locate returns where a record belongs.
	Locate func(*Hasher, billing.Record) Location

	parent *RecordKind
}

// Location says where a record belongs.
type Location struct {
	SK      string
	Natural bool // it has no external id: equal rows are numbered
	// About is the sort key that must be looked up before the record can be merged: of its
	// customer, or of the pointer that says which record has its external id. Empty if nothing must
	// be looked up.
	About string
}

// Amount is an attribute that is an amount of money.
type Amount struct {
	Attr string
	// By is the attribute that holds its currency. If there is no such attribute, the currency is
	// that of the record's invoice.
	By string
}

// Sum is what a record adds to the sums of a report. Its currency is that of the first of the
// kind's [Amount]s.
type Sum struct {
	Of     string // records of another Of are summed up apart; empty if all of a kind are alike
	Amount int64  // minor units
	Whole  bool   // it is of a whole invoice, and has no amount of its own
}

// What the amounts of transactions are summed up as.
const (
	SumPayments       = "payments"
	SumRefunds        = "refunds"
	SumFailedPayments = "failed_payments"
	SumFailedRefunds  = "failed_refunds"
)

// AttrPlan holds the external id of the plan that a record names.
const AttrPlan = "plan"

// PointerRule says which pointer a kind of record has.
type PointerRule struct {
	To string // SK of the kind of pointer
	By string // only records with this attribute have the pointer; empty means all records
	SK func(hr *Hasher, sk string, a table.Attrs) string
	// Add adds what the pointer holds besides its record's origin; nil adds nothing.
	Add func(b *table.Builder, sk string, a table.Attrs)
}

// PointerKind is a kind of item that leads to records.
type PointerKind struct {
	SK    string // prefix of its sort keys
	Place Place
	Name  string // counts name it so
	Of    Kind   // the kind of record whose identity its sort keys begin with; empty if it is not a record's
	Edits bool   // edits have such pointers too
	// Unique says that its sort key does not name the record: it names an external id, and the
	// pointer leads to the record that has this id now. It holds the identity of that record's
	// parent (see [HolderOf]).
	Unique bool
}

// Names of pointers in counts.
const (
	EmailPointers   = "email_pointers"   // e-mail → customer
	InvoicePointers = "invoice_pointers" // customer → invoice
	IDPointers      = "id_pointers"      // external id → line item, transaction, event
)

func standardPointers() []PointerKind {
	return []PointerKind{
		{SK: SKEmail, Place: WithCustomers, Name: EmailPointers, Edits: true},
		{SK: SKOwner, Place: WithData, Name: InvoicePointers, Of: KindCustomer, Edits: true},
		{SK: SKExternal, Place: WithData, Name: IDPointers, Unique: true},
	}
}

// standardKinds lists the kinds, each after the kinds that it depends on.
func standardKinds() []RecordKind {
	return []RecordKind{
		{
			Kind: KindPlan, Dataset: billing.Plans, SK: SKPlan, Place: WithPlans, Stage: StagePlans, ID: PrefixPlan,
			Edits:  []string{EditFields},
			Append: appends(appendPlan), Decode: decodes(DecodePlan),
			// Two plans of one name and interval are one plan, so they are not numbered.
			Locate: locates(func(hr *Hasher, p *billing.Plan) Location { return Location{SK: PlanSK(hr.PlanH(p))} }),
		},
		{
			Kind: KindCustomer, Dataset: billing.Customers, SK: SKCustomer, Place: WithCustomers, Stage: StageCustomers, ID: PrefixCustomer,
			Manual:   true,
			Pointers: []PointerRule{{To: SKEmail, By: "email", SK: emailPointer}},
			Times:    []string{"free_trial_started_at", "lead_created_at"},
			Edits:    []string{EditTags, EditAttributes, EditFields, EditMerge},
			Called:   "Customer external ID",
			Append:   appends(appendCustomer), Decode: decodes(DecodeCustomer),
			Locate: locates(func(hr *Hasher, c *billing.Customer) Location {
				return Location{SK: CustomerSK(hr.CustomerH(c.ExternalID))}
			}),
		},
		{
			Kind: KindContact, Dataset: billing.Contacts, SK: SKContact, Place: WithCustomers, Stage: StageContacts, ID: PrefixContact,
			Of: KindCustomer, OfAttr: attrCustomer, Manual: true, Doubles: true,
			Append: appends(appendContact), Decode: decodes(DecodeContact), Locate: locates(locateContact),
		},
		{
			Kind: KindInvoice, Dataset: billing.Invoices, SK: SKInvoice, Place: WithData, Stage: StageInvoices, ID: PrefixInvoice,
			Of: KindCustomer, OfAttr: attrCustomer, Found: SKOwner, Manual: true,
			Pointers: []PointerRule{{To: SKOwner, SK: ownerPointer, Add: addDate}},
			Times:    []string{"date", "due_date"},
			Edits:    []string{EditFields},
			Called:   "Invoice external ID",
			Append:   appends(appendInvoice), Decode: decodes(DecodeInvoice), Locate: locates(locateInvoice),
		},
		{
			Kind: KindLineItem, Dataset: billing.LineItems, SK: SKLine, Place: WithData, Stage: StageInvoices, ID: PrefixLineItem,
			Of: KindInvoice, OfAttr: attrInvoice, Part: true, Manual: true, Doubles: true,
			Pointers: []PointerRule{partPointer(KindLineItem)},
			Times:    []string{"service_period_end", "service_period_start"},
			Edits:    []string{EditFields},
			Plan:     func(r billing.Record) string { return as[*billing.LineItem](r).PlanExternalID },
			Amounts: []Amount{
				{Attr: attrAmount},
				{Attr: "balance_transfer"},
				{Attr: "discount_amount_in_cents"},
				{Attr: "tax_amount_in_cents"},
				{Attr: attrFees, By: attrFeesCurrency},
			},
			Sum:    func(a table.Attrs) Sum { return Sum{Amount: a.Num(attrAmount)} },
			Append: appends(appendLineItem), Decode: decodes(DecodeLineItem), Locate: locates(locateLineItem),
		},
		{
			Kind: KindTransaction, Dataset: billing.Transactions, SK: SKTrans, Place: WithData, Stage: StageInvoices, ID: PrefixTransaction,
			Of: KindInvoice, OfAttr: attrInvoice, Part: true, Manual: true, Doubles: true,
			Pointers: []PointerRule{partPointer(KindTransaction)},
			Times:    []string{"date"},
			Edits:    []string{EditFields},
			Amounts:  []Amount{{Attr: attrAmount}, {Attr: attrFees, By: attrFeesCurrency}},
			Sum:      sumTransaction,
			Append:   appends(appendTransaction), Decode: decodes(DecodeTransaction), Locate: locates(locateTransaction),
		},
		{
			Kind: KindEvent, Dataset: billing.Events, Came: eventCame, SK: SKEvent, Place: WithData, Stage: StageEvents,
			Of: KindCustomer, OfAttr: attrCustomer, Manual: true,
			Pointers: []PointerRule{{To: SKExternal, SK: eventPointer, Add: addCustomer}},
			Times:    []string{"date", "effective_date"},
			Plan:     func(r billing.Record) string { return as[*billing.Event](r).PlanExternalID },
			Amounts:  []Amount{{Attr: attrAmount, By: attrCurrency}, {Attr: "tax_amount_in_cents", By: attrCurrency}},
			Sum:      func(a table.Attrs) Sum { return Sum{Amount: a.Num(attrAmount)} },
			Append:   appends(appendEvent), Decode: decodes(DecodeEvent), Locate: locates(locateEvent),
		},
	}
}

// Attributes that hold the external id of the parent; in pointers, the identity of the parent in
// hex.
const (
	attrCustomer = "customer"
	attrInvoice  = "invoice"
)

// Attributes of amounts and of their currencies.
const (
	attrAmount       = "amount_in_cents"
	attrCurrency     = "currency"
	attrFees         = "transaction_fees_in_cents"
	attrFeesCurrency = "transaction_fees_currency"
)

// as returns the record as its own type. Callers pass only records of that type.
func as[T billing.Record](r billing.Record) T {
	rec, _ := r.(T)
	return rec
}

func appends[T billing.Record](f func([]byte, T) []byte) func([]byte, billing.Record) []byte {
	return func(b []byte, r billing.Record) []byte { return f(b, as[T](r)) }
}

func decodes[T billing.Record](f func(table.Attrs) T) func(table.Attrs) billing.Record {
	return func(a table.Attrs) billing.Record { return f(a) }
}

func locates[T billing.Record](f func(*Hasher, T) Location) func(*Hasher, billing.Record) Location {
	return func(hr *Hasher, r billing.Record) Location { return f(hr, as[T](r)) }
}

func locateContact(hr *Hasher, c *billing.Contact) Location {
	return Location{SK: ContactSK(hr.CustomerH(c.CustomerExternalID), hr.ContactH(c)), Natural: c.ExternalID == ""}
}

func locateInvoice(hr *Hasher, i *billing.Invoice) Location {
	return Location{SK: InvoiceSK(hr.InvoiceH(i.ExternalID)), About: CustomerSK(hr.CustomerH(i.CustomerExternalID))}
}

func locateLineItem(hr *Hasher, l *billing.LineItem) Location {
	invoice, own := hr.InvoiceH(l.InvoiceExternalID), hr.LineItemH(l)
	if l.ExternalID == "" {
		return Location{SK: LineItemSK(invoice, own), Natural: true}
	}
	return Location{SK: LineItemSK(invoice, own), About: ExternalSK(KindLineItem, own)}
}

func locateTransaction(hr *Hasher, t *billing.Transaction) Location {
	invoice, own := hr.InvoiceH(t.InvoiceExternalID), hr.TransactionH(t)
	if t.ExternalID == "" {
		return Location{SK: TransactionSK(invoice, own), Natural: true}
	}
	return Location{SK: TransactionSK(invoice, own), About: ExternalSK(KindTransaction, own)}
}

func locateEvent(hr *Hasher, e *billing.Event) Location {
	customer, id := hr.CustomerH(e.CustomerExternalID), hr.EventH(e).EventID()
	// Every event has a pointer, and the customer is no part of the identity: so another customer's
	// event may have the same one, even if neither has an external id.
	return Location{SK: EventSK(customer, id), Natural: e.ExternalID == "", About: ExternalEventSK(id)}
}

// sumTransaction tells payments from refunds, and those that failed from those that did not.
func sumTransaction(a table.Attrs) Sum {
	amount, given := a.Int(attrAmount)
	kind, _ := a.Get("type")
	result, _ := a.Get("result")
	sum := Sum{Of: SumPayments, Amount: amount, Whole: !given}
	switch refund, failed := string(kind.Raw) == billing.Refund, string(result.Raw) == billing.Failed; {
	case refund && failed:
		sum.Of = SumFailedRefunds
	case refund:
		sum.Of = SumRefunds
	case failed:
		sum.Of = SumFailedPayments
	}
	return sum
}

func eventCame(a table.Attrs) billing.Dataset {
	if v, _ := a.Get("cancellation"); v.Bool() {
		return billing.Cancellations
	}
	return billing.Events
}

// emailPointer returns the sort key of the pointer from a customer's e-mail address.
func emailPointer(hr *Hasher, sk string, a table.Attrs) string {
	h, _ := LeadingH(sk)
	return EmailSK(hr.EmailH(a.Str("email")), h)
}

// ownerPointer returns the sort key of the pointer from a customer to an invoice.
func ownerPointer(hr *Hasher, sk string, a table.Attrs) string {
	h, _ := LeadingH(sk)
	return OwnerSK(hr.CustomerH(a.Str(attrCustomer)), h)
}

func addDate(b *table.Builder, _ string, a table.Attrs) {
	date, _ := a.Int("date")
	b.Int("date", date)
}

// partPointer is the rule for pointers from the external id of a line item or transaction to its
// invoice. If a row has an external id, its identity is made from it.
func partPointer(kind Kind) PointerRule {
	return PointerRule{
		To: SKExternal, By: "external_id",
		SK: func(_ *Hasher, sk string, _ table.Attrs) string {
			own, _ := TrailingH(sk)
			return ExternalSK(kind, own)
		},
		Add: func(b *table.Builder, sk string, _ table.Attrs) {
			invoice, _ := LeadingH(sk)
			b.Str(attrInvoice, invoice.String())
		},
	}
}

// eventPointer returns the sort key of the pointer from an event's id to its customer.
func eventPointer(_ *Hasher, sk string, _ table.Attrs) string {
	id, _ := TrailingEventID(sk)
	return ExternalEventSK(id)
}

func addCustomer(b *table.Builder, sk string, _ table.Attrs) {
	customer, _ := LeadingH(sk)
	b.Str(attrCustomer, customer.String())
}
