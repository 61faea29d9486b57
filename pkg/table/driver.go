package table

import "context"

// Driver is one engine that holds the table. Every method is safe for concurrent use. Reads are
// strongly consistent. Errors are *fault.Error: Conflict for a failed condition, Busy for
// throttling, Unavailable if the engine cannot be reached, otherwise Internal. The suite in
// tabletest is the contract.
type Driver interface {
	// Limits says how large one call may be. The caller never exceeds it.
	Limits() Limits

	// Get returns the items found, in any order; a key without an item is no error. left holds
	// the keys that the engine did not read: the caller asks for them again. Keys are distinct
	// and at most Limits().Get.
	Get(ctx context.Context, keys []Key) (items []Item, left []Key, cost Cost, err error)

	// Query returns one page of the items of one partition key in ascending
	// order of the sort key (descending if q.Reverse).
	Query(ctx context.Context, q Query) (Page, error)

	// Write puts and deletes up to Limits().Write items, each on its own: in no order, not
	// atomically. A put replaces the whole item; to delete an absent item is no error. left holds
	// the writes that the engine did not do: the caller sends them again. A batch never names a
	// key twice. If err is nil, everything not in left is durable.
	Write(ctx context.Context, batch []Write) (left []Write, cost Cost, err error)

	// Transact does up to Limits().Transact writes, all or none, each under its condition. If a
	// condition fails it writes nothing and returns fault.Conflict. A single write is a plain
	// conditional write, not billed as a transaction.
	Transact(ctx context.Context, writes []Write) (Cost, error)

	// Scan returns one page of all items of the table, behind the key after; the zero key begins. A
	// page has at most limit items; 0 means as many as a page of the engine holds. The items of a
	// partition come one after another, in ascending order of the sort key. The partitions come in
	// an order of the engine's own, which stays the same as long as nothing is written.
	Scan(ctx context.Context, after Key, limit int) (Scanned, error)

	// Close frees what the driver holds. The items stay stored.
	Close() error
}

// Limits are an engine's limits.
type Limits struct {
	Get      int // most keys in a Get
	Write    int // most writes in a Write
	Transact int // most writes in a Transact
	Parallel int // calls that are worth having in flight at once
	// UnitsASecond is how many write units a second a new table takes. Estimates of time use it.
	UnitsASecond int
	// Exclusive says that only one process can have the table open (an embedded store). A lease
	// that another process took is then void: that process has ended.
	Exclusive bool
}

// Query asks for a page of one partition key.
type Query struct {
	PK string
	// From and To bound the sort key: From <= SK < To. Empty means unbounded.
	From, To string
	// After is the sort key to continue behind, in the order of the query. Empty starts with the
	// first item of the range, or with the last one if Reverse.
	After   string
	Limit   int  // most items on the page; 0 means as many as a page of the engine holds (about 1 MB)
	Reverse bool // descending order
	// KeysOnly leaves Attrs nil.
	KeysOnly bool
}

// Page is one answer to a Query.
type Page struct {
	Items []Item
	// Next is the After of the next page; empty when the range is exhausted.
	Next string
	Cost Cost
	// Sizes holds the size of each item (see [Item.Size]) if the query asked for keys only and the
	// engine knows the sizes. Otherwise it is nil.
	Sizes []int
}

// Scanned is one answer to a Scan.
type Scanned struct {
	Items []Item
	// Next is the key to continue behind; the zero key when there are no more items.
	Next Key
	Cost Cost
}

// Deletes returns the writes that delete the page's items.
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
	Item   Item // of a delete the Key alone
	Delete bool
	If     Cond // only Transact looks at it
	// Replaces is what the caller knows of the item stored under the key: its size in bytes (see
	// [Item.Size]), [Nothing], or 0 for unknown. An engine that counts units itself then need not
	// look it up. It affects the count only, never what is stored.
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

// The conditions that a write may have.
const (
	Always       CondOp = iota // no condition
	Absent                     // the item does not exist
	AbsentOrLess               // it does not exist, or Attr exists and is below N
	Equals                     // it exists and Attr equals N
	Less                       // it exists, and Attr exists and is below N
)

// Holds reports whether the stored attributes meet the condition; found says whether the item
// exists. Drivers of engines without conditions use it.
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

// Cost is consumed capacity, in thousandths of a DynamoDB capacity unit: so the sums of fractions
// stay exact.
type Cost struct {
	WriteMilli int64 `json:"write_milli"`
	ReadMilli  int64 `json:"read_milli"`
}

// Add returns the sum of two costs.
func (c Cost) Add(d Cost) Cost {
	return Cost{c.WriteMilli + d.WriteMilli, c.ReadMilli + d.ReadMilli}
}

// WriteUnits returns the write part in units.
func (c Cost) WriteUnits() float64 { return float64(c.WriteMilli) / 1000 }

// ReadUnits returns the read part in units.
func (c Cost) ReadUnits() float64 { return float64(c.ReadMilli) / 1000 }

// RangeDeleter is a Driver that can delete all items of a partition key at once.
type RangeDeleter interface {
	// DeleteRange deletes every item of pk. It is durable when it returns.
	DeleteRange(ctx context.Context, pk string) error
}

// Purger is a Driver that can remove deleted bytes from the disk.
type Purger interface {
	// Purge returns when everything that was deleted or replaced in the partitions before the call
	// has left the disk. It may take long. Stopping it loses nothing, and it may be called again at
	// any time.
	Purge(ctx context.Context, pks []string) error
}

// Checkpointer is a Driver that can copy its table into a folder.
type Checkpointer interface {
	// Checkpoint makes dir, which must not exist, and puts the table into it as it is at one moment
	// of the call: every write is there that was acknowledged before the call, and none without
	// those that were acknowledged before it. Other calls go on. If it fails, dir is removed.
	Checkpoint(ctx context.Context, dir string) error
}
