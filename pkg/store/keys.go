package store

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"reseed/pkg/table"
)

// This file is the only one that spells keys. docs/TABLE.md describes each pattern and its readers;
// keys_test.go pins them. They can never change.

// Epochs are the generations of a source's items. Raising Customers hides everything imported,
// raising Data hides all of that but customers and contacts, and raising Edits hides the edits.
// Items of an older epoch are invisible at once, and are swept later.
type Epochs struct {
	Customers int `json:"c"`
	Data      int `json:"d"`
	Edits     int `json:"e"`
}

// Space spells the keys of one source at one set of epochs.
type Space struct {
	Tag    Tag
	Epochs Epochs
	Shards int // a power of two from 1 to 256; never changes within an epoch
}

// MaxShards is the largest number of shards of a source.
const MaxShards = 256

// ShardOf returns the shard of an identity, which its top bits give.
func (s Space) ShardOf(h H) int {
	return int(h[0]) >> (8 - bits.Len(uint(s.Shards-1)))
}

// partition spells a tag, the letter of an epoch, the epoch and a suffix.
func (s Space) partition(letter byte, epoch int, more ...byte) string {
	var room [64]byte
	b := room[:0]
	for shift := 16; shift >= 0; shift -= 4 {
		b = append(b, digits[s.Tag>>shift&15])
	}
	b = strconv.AppendInt(append(b, '.', letter), int64(epoch), 10)
	return string(append(b, more...))
}

const digits = "0123456789abcdef"

func (s Space) base() string { return s.partition('c', s.Epochs.Customers) }

func shardName(n int) []byte { return []byte{'#', digits[n>>4], digits[n&15]} }

// CustomerPK is the partition of customers, contacts and e-mail pointers.
func (s Space) CustomerPK(shard int) string {
	return s.partition('c', s.Epochs.Customers, shardName(shard)...)
}

func (s Space) dataBase() string { return s.base() + ".d" + strconv.Itoa(s.Epochs.Data) }

// DataPK is the partition of invoices, events and their pointers.
func (s Space) DataPK(shard int) string { return s.dataBase() + string(shardName(shard)) }

// PlanPK is the partition of plans.
func (s Space) PlanPK() string { return s.dataBase() + "#p" }

func (s Space) editBase() string { return s.partition('e', s.Epochs.Edits) }

// EditPK is the partition of the edits of records in the same shard.
func (s Space) EditPK(shard int) string {
	return s.partition('e', s.Epochs.Edits, shardName(shard)...)
}

// Has tells whether a partition belongs to the source at its epochs.
func (s Space) Has(pk string) bool {
	base, _, _ := strings.Cut(pk, "#")
	return base == s.base() || base == s.dataBase() || base == s.editBase()
}

// EditsIn tells whether a partition of a source holds edits.
func EditsIn(pk string) bool {
	const tag = 5 // hex digits
	return len(pk) > tag+1 && pk[tag:tag+2] == ".e"
}

// PlanEditPK is the partition of the edits of plans.
func (s Space) PlanEditPK() string { return s.editBase() + "#p" }

// Sort keys of each kind of item begin with a prefix of its own.
const (
	SKCustomer = "c#"
	SKContact  = "k#"
	SKEmail    = "m#"
	SKPlan     = "p#"
	SKInvoice  = "i#"
	SKOwner    = "o#" // customer → invoice
	SKEvent    = "e#"
	SKExternal = "x#" // external id → line item, transaction, event; or a request that is writing
	// Parts of an invoice: this follows the identity of the invoice.
	SKLine  = "#l#"
	SKTrans = "#t#"
)

// Sort keys. An import merges in their order. The partition follows from the identity that a sort
// key begins with.

// CustomerSK is a customer's sort key.
func CustomerSK(h H) string { return SKCustomer + h.String() }

// ContactSK is a contact's sort key.
func ContactSK(customer, h H) string { return SKContact + customer.String() + "#" + h.String() }

// EmailSK is the sort key of the pointer from an e-mail address to a customer.
func EmailSK(email, customer H) string { return SKEmail + email.String() + "#" + customer.String() }

// PlanSK is a plan's sort key.
func PlanSK(h H) string { return SKPlan + h.String() }

// InvoiceSK is an invoice's sort key. The sort keys of its line items and transactions begin with
// it.
func InvoiceSK(h H) string { return SKInvoice + h.String() }

// LineItemSK is a line item's sort key.
func LineItemSK(invoice, h H) string { return SKInvoice + invoice.String() + SKLine + h.String() }

// TransactionSK is a transaction's sort key.
func TransactionSK(invoice, h H) string { return SKInvoice + invoice.String() + SKTrans + h.String() }

// OwnerSK is the sort key of the pointer from a customer to an invoice.
func OwnerSK(customer, invoice H) string { return SKOwner + customer.String() + "#" + invoice.String() }

// EventSK is a subscription event's sort key.
func EventSK(customer H, id int64) string { return SKEvent + customer.String() + "#" + eventID(id) }

// ExternalSK is the sort key of the pointer from the external id of a line item or transaction.
func ExternalSK(kind Kind, h H) string {
	if kind == KindTransaction {
		return SKExternal + "t#" + h.String()
	}
	return SKExternal + "l#" + h.String()
}

// ExternalEventSK is the sort key of the pointer from an event's id.
func ExternalEventSK(id int64) string { return SKExternal + "e#" + eventID(id) }

// WritingSK is the sort key of the note that a request has not written all of its invoices yet.
func WritingSK(token int64) string { return SKExternal + "w#" + fmt.Sprintf("%016x", token) }

// LeadingH returns the identity that follows the prefix of a sort key: of a customer, an invoice,
// an e-mail address or an external id. The pointer from an event's id holds only the leading 53
// bits; the other bits are 0.
func LeadingH(sk string) (H, bool) {
	at := len(SKCustomer)
	if strings.HasPrefix(sk, SKExternal) {
		at += 2
	}
	if len(sk) < at+14 {
		return H{}, false
	}
	if len(sk) >= at+2*HashLen {
		return ParseH(sk[at : at+2*HashLen])
	}
	id, err := strconv.ParseInt(sk[at:], 16, 64)
	return leadingOf(id), err == nil
}

// TrailingH returns the identity that a sort key ends with: of the contact, line item or
// transaction itself, or of the invoice that an owner pointer leads to.
func TrailingH(sk string) (H, bool) {
	if len(sk) < 2*HashLen {
		return H{}, false
	}
	return ParseH(sk[len(sk)-2*HashLen:])
}

// TrailingEventID returns the id that an event's sort key ends with.
func TrailingEventID(sk string) (int64, bool) {
	if len(sk) < 14 {
		return 0, false
	}
	id, err := strconv.ParseInt(sk[len(sk)-14:], 16, 64)
	return id, err == nil
}

// NthSK returns the sort key of the n-th (from 0) of equal rows without an external id, given the
// sort key of the first one. See [H.Nth].
func NthSK(sk string, n int) string {
	if n == 0 {
		return sk
	}
	if strings.HasPrefix(sk, SKEvent) {
		id, _ := TrailingEventID(sk)
		return sk[:len(sk)-14] + eventID(id+2*int64(n)) // 1<<12 of 64 bits is 2 of the top 53
	}
	h, _ := TrailingH(sk)
	return sk[:len(sk)-2*HashLen] + h.Nth(n).String()
}

// Customer is the key of a customer.
func (s Space) Customer(h H) table.Key {
	return table.Key{PK: s.CustomerPK(s.ShardOf(h)), SK: CustomerSK(h)}
}

// Contact is the key of a contact of a customer.
func (s Space) Contact(customer, h H) table.Key {
	return table.Key{PK: s.CustomerPK(s.ShardOf(customer)), SK: ContactSK(customer, h)}
}

// Email is the key of the pointer from an e-mail address to a customer.
func (s Space) Email(email, customer H) table.Key {
	return table.Key{PK: s.CustomerPK(s.ShardOf(email)), SK: EmailSK(email, customer)}
}

// Plan is the key of a plan.
func (s Space) Plan(h H) table.Key { return table.Key{PK: s.PlanPK(), SK: PlanSK(h)} }

// Invoice is the key of an invoice.
func (s Space) Invoice(h H) table.Key { return table.Key{PK: s.DataPK(s.ShardOf(h)), SK: InvoiceSK(h)} }

// LineItem is the key of a line item of an invoice.
func (s Space) LineItem(invoice, h H) table.Key {
	return table.Key{PK: s.DataPK(s.ShardOf(invoice)), SK: LineItemSK(invoice, h)}
}

// Transaction is the key of a transaction of an invoice.
func (s Space) Transaction(invoice, h H) table.Key {
	return table.Key{PK: s.DataPK(s.ShardOf(invoice)), SK: TransactionSK(invoice, h)}
}

// Owner is the key of the pointer from a customer to one of its invoices.
func (s Space) Owner(customer, invoice H) table.Key {
	return table.Key{PK: s.DataPK(s.ShardOf(customer)), SK: OwnerSK(customer, invoice)}
}

// Event is the key of a subscription event of a customer.
func (s Space) Event(customer H, id int64) table.Key {
	return table.Key{PK: s.DataPK(s.ShardOf(customer)), SK: EventSK(customer, id)}
}

// External is the key of the pointer from the external id of a line item or a
// transaction to its row.
func (s Space) External(kind Kind, h H) table.Key {
	return table.Key{PK: s.DataPK(s.ShardOf(h)), SK: ExternalSK(kind, h)}
}

// Writing is the key of the note that a request has not written all of its invoices yet.
func (s Space) Writing(token int64) table.Key {
	return table.Key{PK: s.DataPK(0), SK: WritingSK(token)}
}

// ExternalEvent is the key of the pointer from an event's integer id to its row. Every event has
// one.
func (s Space) ExternalEvent(id int64) table.Key {
	return table.Key{PK: s.DataPK(s.ShardOf(leadingOf(id))), SK: ExternalEventSK(id)}
}

// leadingOf returns an identity whose event id is id.
func leadingOf(id int64) H {
	var h H
	binary.BigEndian.PutUint64(h[:8], uint64(id)<<11) //nolint:gosec // 53 bits
	return h
}

func eventID(id int64) string {
	var b [14]byte
	for i := range b {
		b[13-i] = digits[id>>(4*i)&15]
	}
	return string(b[:])
}

// An edit's sort key ends with what is edited. Only customers have all four.
const (
	EditTags       = "#tags"
	EditAttributes = "#attributes"
	EditFields     = "#fields" // changed fields, and whether the row is disabled or deleted
	EditMerge      = "#merge"  // which customer it is merged into, and which customers are merged into it
)

// CustomerEdit is the key of one edit of a customer.
func (s Space) CustomerEdit(h H, what string) table.Key {
	return table.Key{PK: s.EditPK(s.ShardOf(h)), SK: CustomerSK(h) + what}
}

// FieldsOf is the key of the changed fields of a record: a customer, plan, invoice, line item or
// transaction.
func (s Space) FieldsOf(record table.Key) table.Key {
	return table.Key{PK: s.editsOf(record.SK), SK: record.SK + EditFields}
}

// editsOf is the partition of the edits of the record with that sort key.
func (s Space) editsOf(sk string) string {
	h, _ := LeadingH(sk)
	return s.editPK(PlaceOf(sk), s.ShardOf(h))
}

// Edited is the key of the record that an edit's sort key names; ok is false for a pointer.
func (s Space) Edited(sk string) (record table.Key, ok bool) {
	end := strings.LastIndexByte(sk, '#')
	if end < len(SKCustomer) {
		return table.Key{}, false
	}
	if k := RecordAt(sk[:end]); k == nil || len(k.Edits) == 0 {
		return table.Key{}, false
	}
	return s.Key(sk[:end]), true
}

// EditEmail is the key of the pointer from an e-mail address that a person has given to a customer.
func (s Space) EditEmail(email, customer H) table.Key {
	return table.Key{PK: s.EditPK(s.ShardOf(email)), SK: EmailSK(email, customer)}
}

// EditOwner is the key of the pointer from a customer to an invoice whose date a person has
// changed.
func (s Space) EditOwner(customer, invoice H) table.Key {
	return table.Key{PK: s.EditPK(s.ShardOf(customer)), SK: OwnerSK(customer, invoice)}
}

// PartsOf is the range of an invoice's line items, or of its transactions.
func (s Space) PartsOf(kind Kind, invoice H) table.Query {
	return under(s.DataPK(s.ShardOf(invoice)), partsSK(kind, invoice))
}

// PartsLike is the range of the line items or transactions of an invoice that a public id may name:
// h is the identity in the public id, which holds only the beginning of theirs (see [Under]).
func (s Space) PartsLike(kind Kind, invoice, h H) table.Query {
	_, own := SplitUnder(h)
	return under(s.DataPK(s.ShardOf(invoice)), partsSK(kind, invoice)+own)
}

// PartEditsBetween is the range of the edits of the line items or transactions of an invoice from
// first to last, both included.
func (s Space) PartEditsBetween(first, last table.Key) table.Query {
	return table.Query{PK: s.editsOf(first.SK), From: first.SK, To: After(last.SK)}
}

func partsSK(kind Kind, invoice H) string {
	if kind == KindTransaction {
		return InvoiceSK(invoice) + SKTrans
	}
	return InvoiceSK(invoice) + SKLine
}

// EmailsOf is the range of the pointers from an e-mail address to its customers.
func (s Space) EmailsOf(email H) table.Query {
	return under(s.CustomerPK(s.ShardOf(email)), SKEmail+email.String()+"#")
}

// CustomersIn is the range of the customers of one shard.
func (s Space) CustomersIn(shard int) table.Query { return under(s.CustomerPK(shard), SKCustomer) }

// InvoicesIn is the range of the invoices of one shard, each followed by its line items and
// transactions.
func (s Space) InvoicesIn(shard int) table.Query { return under(s.DataPK(shard), SKInvoice) }

// Plans is the range of all plans.
func (s Space) Plans() table.Query { return under(s.PlanPK(), SKPlan) }

// EditsBetween is the range of the edits of the customers of one shard from first to last, both
// included.
func (s Space) EditsBetween(first, last H) table.Query {
	return table.Query{PK: s.EditPK(s.ShardOf(first)), From: SKCustomer + first.String(), To: After(SKCustomer + last.String())}
}

// InvoiceEditsBetween is the range of the edits of the invoices of one shard from first to last,
// both included, and of their line items and transactions.
func (s Space) InvoiceEditsBetween(first, last H) table.Query {
	return table.Query{PK: s.EditPK(s.ShardOf(first)), From: InvoiceSK(first), To: After(InvoiceSK(last))}
}

// EditsIn is the range of the edits in one of the Shards+1 partitions of edits: first one partition
// for each shard, and last the one of plans. Pointers may be among the edits, see [SplitEdit].
func (s Space) EditsIn(part int) table.Query {
	if part == s.Shards {
		return s.PlanEdits()
	}
	first, last := editLetters()
	return table.Query{PK: s.EditPK(part), From: first, To: After(last)}
}

// PartsUnder is a range that holds the line item or transaction that a public id names, given the
// identity in the public id (see [Under]). The range holds other items too.
func (s Space) PartsUnder(h H) table.Query {
	parent, _ := SplitUnder(h)
	return under(s.DataPK(s.ShardOf(h)), SKInvoice+parent)
}

// PlanEdits is the range of the edits of all plans.
func (s Space) PlanEdits() table.Query { return under(s.PlanEditPK(), SKPlan) }

// EditEmailsOf is the range of the pointers from an e-mail address to the customers that people
// have given it to.
func (s Space) EditEmailsOf(email H) table.Query {
	return under(s.EditPK(s.ShardOf(email)), SKEmail+email.String()+"#")
}

// EditOwnersOf is the range of the pointers from a customer to its invoices whose dates people have
// changed.
func (s Space) EditOwnersOf(customer H) table.Query {
	return under(s.EditPK(s.ShardOf(customer)), SKOwner+customer.String()+"#")
}

func under(pk, prefix string) table.Query {
	return table.Query{PK: pk, From: prefix, To: After(prefix)}
}

// SKPrefix returns the prefix of the sort key of a record or pointer, such as SKCustomer; for parts
// of an invoice SKLine or SKTrans. [RecordAt] and [PointerAt] return the facts of the kind.
func SKPrefix(sk string) string {
	if len(sk) > len(SKInvoice)+2*HashLen && sk[:2] == SKInvoice {
		return sk[len(SKInvoice)+2*HashLen:][:len(SKLine)]
	}
	return sk[:min(2, len(sk))]
}

// After returns a string above all keys that begin with prefix: the end of a range that holds
// exactly those keys. Keys are ASCII.
func After(prefix string) string { return prefix + "\x7f" }

// Keys of the account itself.

// AccountPK is the partition of the directory, jobs and locks.
const AccountPK = "account"

// DirectoryKey is the directory's key.
func DirectoryKey() table.Key { return table.Key{PK: AccountPK, SK: "directory"} }

// Prefixes of the sort keys of the job ledger.
const (
	SKJob    = "job#"
	SKLock   = "lock#"
	SKTask   = "task#"
	SKOpen   = "open#"
	SKGrace  = "grace#"
	SKOutbox = "outbox#"
)

// JobKey is the key of a job. Ids sort by the time at which they were made.
func JobKey(id string) table.Key { return table.Key{PK: AccountPK, SK: SKJob + id} }

// OpenJobKey is the key of the mark of a job that has not ended. Marks spare a walk through the
// history to find work.
func OpenJobKey(id string) table.Key { return table.Key{PK: AccountPK, SK: SKOpen + id} }

// GraceKey is the key of the mark of an erase of single records that can be restored until a time.
// There may be many such erases, so they are not looked for before that time.
func GraceKey(until time.Time, id string) table.Key {
	return table.Key{PK: AccountPK, SK: fmt.Sprintf("%s%013d#%s", SKGrace, until.UnixMilli(), id)}
}

// GracesUntil is the range of these marks up to a time; all of them for the zero time.
func GracesUntil(until time.Time) table.Query {
	q := under(AccountPK, SKGrace)
	if !until.IsZero() {
		q.To = fmt.Sprintf("%s%013d", SKGrace, until.UnixMilli()+1)
	}
	return q
}

// GraceJob returns the id of the erase whose mark has a sort key.
func GraceJob(sk string) string { return sk[strings.LastIndexByte(sk, '#')+1:] }

// LockKey is the key of the lock that gives one job at a time the right to write to a source.
func LockKey(tag Tag) table.Key {
	return table.Key{PK: AccountPK, SK: fmt.Sprintf("%s%05x", SKLock, uint32(tag))}
}

// TaskPK is the partition of one job's tasks.
func TaskPK(job string) string { return "job#" + job }

// TaskKey is the key of one task of a job.
func TaskKey(job, task string) table.Key { return table.Key{PK: TaskPK(job), SK: SKTask + task} }

// OutboxKey is the key of a message about a job that people have not been told yet. about is what
// the message tells of the job, without a #.
func OutboxKey(job, about string) table.Key {
	return table.Key{PK: AccountPK, SK: SKOutbox + job + "#" + about}
}

// Outbox is the range of these messages, those of older jobs first.
func Outbox() table.Query { return under(AccountPK, SKOutbox) }

// OnceKey is the key of the mark by which an event that is delivered several times makes one job.
func OnceKey(digest string) table.Key { return table.Key{PK: AccountPK, SK: "once#" + digest} }

// ForgottenKey is the key of a customer's entry in the do-not-reload list (see
// [Hasher.ForgottenH]).
func ForgottenKey(source, customer H) table.Key {
	return table.Key{PK: forgottenPK, SK: source.String() + "#" + customer.String()}
}

// ForgottenAt is the key of the entry with a sort key.
func ForgottenAt(sk string) table.Key { return table.Key{PK: forgottenPK, SK: sk} }

const forgottenPK = "account.forgotten"

// Forgotten is the range of the entries of one source's name.
func Forgotten(source H) table.Query { return under(forgottenPK, source.String()+"#") }

const tombstonesPK = "account.tombstones"

// TombstonesKey is the key of the tombstones of one erase.
func TombstonesKey(job string) table.Key { return table.Key{PK: tombstonesPK, SK: SKTombstones + job} }

// SKTombstones begins the sort keys of tombstones.
const SKTombstones = "job#"

// TombstoneJob returns the id of the erase whose tombstones have a sort key.
func TombstoneJob(sk string) string { return strings.TrimPrefix(sk, SKTombstones) }

// Tombstones is the range of the tombstones of all erases.
func Tombstones() table.Query { return under(tombstonesPK, SKTombstones) }

// TombstoneLogKey is the key of the log of the latest changes of tombstones.
func TombstoneLogKey() table.Key { return table.Key{PK: tombstonesPK, SK: "log"} }

// ReadingsKey is the key of what a source keeps about the reading of its files.
func ReadingsKey(tag Tag) table.Key {
	return table.Key{PK: "account.readings", SK: fmt.Sprintf("source#%05x", uint32(tag))}
}

// PullKey is the key of what a source pulls from, and how that goes.
func PullKey(tag Tag) table.Key { return table.Key{PK: PullsPK, SK: skPull + tagText(tag)} }

// PullOf returns the tag in the sort key of a [PullKey]; ok is false if it is another key.
func PullOf(sk string) (tag Tag, ok bool) {
	return tagIn(sk, skPull)
}

func tagIn(sk, prefix string) (tag Tag, ok bool) {
	var n uint32
	_, err := fmt.Sscanf(sk, prefix+"%05x", &n)
	return Tag(n), err == nil && sk == prefix+tagText(Tag(n))
}

// WrittenKey is the key of the mark of the latest job that has changed rows of a source that pulls;
// TouchedKey is that of the latest change over REST.
func WrittenKey(tag Tag) table.Key { return table.Key{PK: PullsPK, SK: "written#" + tagText(tag)} }

// TouchedKey is the key of the other mark of [WrittenKey].
func TouchedKey(tag Tag) table.Key { return table.Key{PK: PullsPK, SK: "touched#" + tagText(tag)} }

// PullsPK is the partition of all of these.
const (
	PullsPK = "account.pulls"
	skPull  = "source#"
)

// TallyKey is the key of what jobs have counted of a source.
func TallyKey(tag Tag) table.Key { return table.Key{PK: talliesPK, SK: skTally + tagText(tag)} }

// Tallies is the range of these, of all sources.
func Tallies() table.Query { return under(talliesPK, skTally) }

// TallyOf returns the tag in the sort key of a [TallyKey]; ok is false if it is another key.
func TallyOf(sk string) (tag Tag, ok bool) { return tagIn(sk, skTally) }

const (
	talliesPK = "account.tallies"
	skTally   = "source#"
)

// TestMailKey is the key of the latest test message.
func TestMailKey() table.Key { return table.Key{PK: AccountPK, SK: "testmail"} }

// AccountSettingsKey is the key of the settings of the account.
func AccountSettingsKey() table.Key { return table.Key{PK: AccountPK, SK: "settings"} }

func tagText(tag Tag) string { return fmt.Sprintf("%05x", uint32(tag)) }

// APIKeyKey is the key of an API key, by the identity of its name.
func APIKeyKey(name H) table.Key { return table.Key{PK: apiKeysPK, SK: apiKeyPrefix + name.String()} }

// Keys of API keys, and of sessions beside them (sessions.go).
const (
	apiKeysPK    = "account.keys"
	apiKeyPrefix = "key#"
)

// BackupKey is the key of the note of a backup.
func BackupKey(id string) table.Key { return table.Key{PK: backupsPK, SK: skBackup + id} }

func backups() table.Query { return under(backupsPK, skBackup) }

const (
	backupsPK = "account.backups"
	skBackup  = "backup#"
)
