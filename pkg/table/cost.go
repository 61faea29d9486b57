package table

import "math"

// Ceilings and rates of DynamoDB. Engines that have none of their own count by
// them too, so that an import costs the same number of units wherever it runs.
const (
	MaxItemBytes = 400 << 10 // largest item, names and values together
	PageBytes    = 1 << 20   // a query's page ends with the item that reaches it

	writeUnitBytes = 1 << 10
	readUnitBytes  = 4 << 10
	milli          = 1000
	listOverhead   = 3 // a list counts for 3 bytes,
	listElement    = 1 // and for one more with each element
)

// Names of the two key attributes. No attribute of an item may be called so.
const (
	AttrPK = "pk"
	AttrSK = "sk"
)

// Size is what the item counts for, in bytes: the names and values of its
// attributes and of its key, by DynamoDB's rules ("Item sizes and formats").
func (it Item) Size() int { return it.size() + it.Attrs.Size() }

func (k Key) size() int { return len(AttrPK) + len(k.PK) + len(AttrSK) + len(k.SK) }

// Size is the attributes' part of [Item.Size].
func (a Attrs) Size() int {
	n := 0
	for rest := []byte(a); len(rest) > 0; {
		name, v, after, ok := Next(rest)
		if !ok {
			break
		}
		n += len(name) + v.size()
		rest = after
	}
	return n
}

func (v Value) size() int {
	switch v.Type {
	case Int:
		return intSize(v.Int())
	case Bool:
		return 1
	case List:
		return listSize(v.Raw)
	case String, Bytes:
		return len(v.Raw)
	}
	return len(v.Raw)
}

// intSize is one byte per two significant digits, and one more; a minus is another.
// Zero has no significant digit.
func intSize(n int64) int {
	if n == 0 {
		return 1
	}
	extra := 1
	u := uint64(n) //nolint:gosec // negated below if it was negative
	if n < 0 {
		extra, u = 2, -u
	}
	for u%10 == 0 {
		u /= 10
	}
	digits := 0
	for ; u > 0; u /= 10 {
		digits++
	}
	return (digits+1)/2 + extra
}

func listSize(raw []byte) int {
	n := listOverhead
	for ok := true; ok && len(raw) > 0; {
		var element []byte
		element, raw, ok = cut(raw)
		n += listElement + len(element)
	}
	return n
}

// WriteCost is the cost of a put or a delete: one write unit per started KB of
// the larger of the item before and the item after; 0 stands for none. A write
// that changes nothing costs one unit.
func WriteCost(before, after int) Cost {
	return Cost{WriteMilli: milli * units(max(before, after), writeUnitBytes)}
}

// InTransaction is the cost of the same writes in a transaction of several:
// DynamoDB writes every item twice, to prepare and to commit.
func (c Cost) InTransaction() Cost { return Cost{WriteMilli: 2 * c.WriteMilli, ReadMilli: c.ReadMilli} }

// ReadCost is the cost of a strong read: one read unit per started 4 KB, and
// one for finding nothing. A Get counts item by item, a Query the sum of a page.
func ReadCost(size int) Cost { return Cost{ReadMilli: milli * units(size, readUnitBytes)} }

// MilliUnits is an engine's own figure, in capacity units, as Cost counts it.
func MilliUnits(units float64) int64 { return int64(math.Round(units * milli)) }

// Prices of DynamoDB on demand, in dollars per million units, and where and when they hold.
const (
	dollarsPerMillionWrites = 0.625
	dollarsPerMillionReads  = 0.125
	PricesOf                = "us-east-1, November 2024"
)

// Dollars is what c costs on DynamoDB on demand.
func (c Cost) Dollars() float64 {
	return (c.WriteUnits()*dollarsPerMillionWrites + c.ReadUnits()*dollarsPerMillionReads) / 1e6
}

func units(size, per int) int64 { return int64(max(1, (size+per-1)/per)) }
