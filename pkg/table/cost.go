package table

import "math"

// DynamoDB's limits and units. The other engines use them too, so that an import costs the same
// number of units wherever it runs.
const (
	MaxItemBytes = 400 << 10 // largest item, names and values together
	PageBytes    = 1 << 20   // a page ends with the item that reaches this size

	writeUnitBytes = 1 << 10
	readUnitBytes  = 4 << 10
	milli          = 1000
	listOverhead   = 3 // a list counts 3 bytes,
	listElement    = 1 // and 1 more for each element
)

// Names of the two key attributes. No attribute of an item may have one of these names.
const (
	AttrPK = "pk"
	AttrSK = "sk"
)

// Size returns the item's size in bytes as DynamoDB counts it: the names and values of its
// attributes and of its key (Developer Guide, "DynamoDB item sizes and formats").
func (it Item) Size() int { return it.size() + it.Attrs.Size() }

func (k Key) size() int { return len(AttrPK) + len(k.PK) + len(AttrSK) + len(k.SK) }

// Size returns the part of [Item.Size] that the attributes make up.
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

// intSize is one byte for every two significant digits, plus one, plus another one for a minus
// sign. Zero has no significant digit.
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

// WriteCost returns the cost of a put or a delete: one write unit for each started KB of the item
// before or the item after, whichever is larger. Size 0 means that there is no item. Every write
// costs at least one unit.
func WriteCost(before, after int) Cost {
	return Cost{WriteMilli: milli * units(max(before, after), writeUnitBytes)}
}

// InTransaction returns the cost of the same writes in a transaction of several: DynamoDB writes
// every item twice, to prepare and to commit.
func (c Cost) InTransaction() Cost { return Cost{WriteMilli: 2 * c.WriteMilli, ReadMilli: c.ReadMilli} }

// ReadCost returns the cost of a strongly consistent read: one read unit for each started 4 KB, and
// one for finding nothing. A Get counts item by item, a Query the sum of a page.
func ReadCost(size int) Cost { return Cost{ReadMilli: milli * units(size, readUnitBytes)} }

// MilliUnits converts an engine's own figure, in capacity units, to thousandths as in [Cost].
func MilliUnits(units float64) int64 { return int64(math.Round(units * milli)) }

// Prices of DynamoDB on demand, in dollars per million units, and the region and month they are
// from.
const (
	dollarsPerMillionWrites = 0.625
	dollarsPerMillionReads  = 0.125
	PricesOf                = "us-east-1, November 2024"
)

// Dollars returns the price of c on DynamoDB on demand.
func (c Cost) Dollars() float64 {
	return (c.WriteUnits()*dollarsPerMillionWrites + c.ReadUnits()*dollarsPerMillionReads) / 1e6
}

func units(size, per int) int64 { return int64(max(1, (size+per-1)/per)) }
