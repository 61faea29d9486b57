package table

import "context"

// Driver is one engine that holds the table. Every method is safe for
// concurrent use. Reads are strongly consistent. Errors are *fault.Error:
// Conflict for a failed condition, Busy for throttling, Unavailable when the
// engine cannot be reached, Internal otherwise. The suite in storetest is the
// contract.
type Driver interface {
	// Limits tells how large one call may be; the caller never exceeds it.
	Limits() Limits

	// Get returns the items found, in any order; absent keys are simply missing.
	// Keys the engine left unread come back in left and are to be asked again.
	// Keys must be distinct and at most Limits().Get.
	Get(ctx context.Context, keys []Key) (items []Item, left []Key, cost Cost, err error)

	// Query returns one page of the items of one partition key in ascending
	// order of the sort key (descending if q.Reverse).
	Query(ctx context.Context, q Query) (Page, error)

	// Write puts and deletes up to Limits().Write items, each on its own: no
	// order, no atomicity across items. A write replaces the whole item; deleting an absent one
	// is no error. What was left undone comes back and is to be sent again.
	// A batch never names one key twice. When err is nil, everything not in left is durable.
	Write(ctx context.Context, batch []Write) (left []Write, cost Cost, err error)

	// Transact does up to Limits().Transact writes, all or none, each under its
	// condition. A failed condition is fault.Conflict and nothing is written.
	// A single write is a plain conditional write (it costs no transaction).
	Transact(ctx context.Context, writes []Write) (Cost, error)

	// Close frees what the driver holds. The table stays.
	Close() error
}

// Limits are an engine's ceilings per call, in items.
type Limits struct {
	Get      int // keys a Get
	Write    int // writes a Write
	Transact int // writes a Transact
	Parallel int // calls that are worth having in flight at once
	// UnitsASecond is how many write units a second a fresh table takes: what
	// an estimate of time rests on.
	UnitsASecond int
	// Exclusive says that one process owns the table (an embedded store): a
	// lease held by another process is then dead by definition.
	Exclusive bool
}

// Query asks for a page of one partition key.
type Query struct {
	PK string
	// From and To bound the sort key: From <= SK < To. Empty means unbounded.
	From, To string
	// After continues behind this sort key (before it when Reverse); empty starts at the end of the range.
	After   string
	Limit   int // most items on the page; 0 means as many as one engine page holds (about 1 MB)
	Reverse bool
	// KeysOnly leaves Attrs nil.
	KeysOnly bool
}

// Page is one answer to a Query.
type Page struct {
	Items []Item
	// Next is the After of the next page; empty when the range is exhausted.
	Next string
	Cost Cost
	// Sizes are those of the items (see [Item.Size]), on a page of keys only and
	// from an engine that knows them; else nil.
	Sizes []int
}

// Deletes are the writes that delete the page's items.
func (p Page) Deletes() []Write {
	w := make([]Write, len(p.Items))
	for i := range p.Items {
		w[i] = Write{Item: Item{Key: p.Items[i].Key}, Delete: true}
		if p.Sizes != nil {
			w[i].Replaces = p.Sizes[i]
		}
	}
	return w
}

// Write is one put or delete.
type Write struct {
	Item   Item // Attrs nil and Delete true for a delete
	Delete bool
	If     Cond // only looked at by Transact
	// Replaces is what the caller knows of the item stored under the key: its
	// size in bytes (see [Item.Size]), Nothing, or 0 for unknown. An engine that counts units by
	// itself then need not look. It changes the count alone, never what is stored.
	Replaces int
}

// Nothing says in [Write.Replaces] that no item is stored under the key.
const Nothing = -1

// Cond is a condition on the stored item, about one integer attribute.
type Cond struct {
	Op   CondOp
	Attr string
	N    int64
}

// CondOp is the kind of a condition.
type CondOp uint8

// The conditions a conditional write may name.
const (
	Always       CondOp = iota // no condition
	Absent                     // the item does not exist
	AbsentOrLess               // it does not exist, or Attr exists and is below N
	Equals                     // it exists and Attr equals N
	Less                       // it exists, and Attr exists and is below N
)

// Holds tells whether the condition is met by the stored attributes; found
// says whether the item exists. Drivers without conditions of their own use it.
func (c Cond) Holds(stored Attrs, found bool) bool {
	n, has := stored.Int(c.Attr)
	switch c.Op {
	case Always:
		return true
	case Absent:
		return !found
	case AbsentOrLess:
		return !found || has && n < c.N
	case Equals:
		return found && has && n == c.N
	case Less:
		return found && has && n < c.N
	}
	return false
}

// Cost is consumed capacity, in thousandths of a DynamoDB capacity unit so
// that sums stay exact (a transactional or eventual read is a fraction).
type Cost struct {
	WriteMilli int64 `json:"write_milli"`
	ReadMilli  int64 `json:"read_milli"`
}

// Add returns the sum of two costs.
func (c Cost) Add(d Cost) Cost {
	return Cost{c.WriteMilli + d.WriteMilli, c.ReadMilli + d.ReadMilli}
}

// WriteUnits is the cost in write units.
func (c Cost) WriteUnits() float64 { return float64(c.WriteMilli) / 1000 }

// ReadUnits is the cost in read units.
func (c Cost) ReadUnits() float64 { return float64(c.ReadMilli) / 1000 }

// RangeDeleter is what an engine may offer besides: dropping all items of a
// partition key at once.
type RangeDeleter interface {
	// DeleteRange removes every item of pk. It is durable when it returns.
	DeleteRange(ctx context.Context, pk string) error
}

// Purger is what an engine may offer besides: making sure that deleted bytes
// are no longer there.
type Purger interface {
	// Purge returns when what was deleted from the partitions, or replaced in
	// them, before the call has left the disk. It may take long, loses nothing
	// when it is stopped, and can be called again at any time.
	Purge(ctx context.Context, pks []string) error
}
