package dynamo

import (
	"reseed/pkg/table"
	"reseed/pkg/table/dynamojson"
)

// answer reads an answer of the service, and sums the capacity that it reports.
type answer struct {
	*dynamojson.Decoder
	milli int64
}

func (a *answer) capacities() error { return a.Array(a.capacity) }

func (a *answer) capacity() error {
	return a.Object(func(name []byte) error {
		if string(name) != "CapacityUnits" {
			return a.Skip()
		}
		units, err := a.Float()
		a.milli += table.MilliUnits(units)
		return err
	})
}

// member calls read for the member of an object that is named like the table, and skips the others.
func (a *answer) member(tableName string, read func() error) error {
	return a.Object(func(name []byte) error {
		if string(name) != tableName {
			return a.Skip()
		}
		return read()
	})
}

func readQuery(body []byte, keysOnly bool) (table.Page, error) {
	page, err := readPage(body, keysOnly)
	return table.Page{Items: page.Items, Next: page.Next.SK, Cost: page.Cost}, err
}

// readPage reads the answer to a Query or a Scan.
func readPage(body []byte, keysOnly bool) (page table.Scanned, err error) {
	a := answer{Decoder: dynamojson.NewDecoder(body)}
	err = a.Object(func(name []byte) error {
		switch string(name) {
		case "Items":
			return a.Array(func() error {
				it, err := a.item(keysOnly)
				page.Items = append(page.Items, it)
				return err
			})
		case "LastEvaluatedKey":
			page.Next, err = a.Key()
			return err
		case "ConsumedCapacity":
			return a.capacity()
		}
		return a.Skip()
	})
	page.Cost.ReadMilli = a.milli
	return page, err
}

func (a *answer) item(keyOnly bool) (it table.Item, err error) {
	if keyOnly {
		it.Key, err = a.Key()
		return it, err
	}
	return a.Item()
}

// getAnswer holds the items that a BatchGetItem found, and the keys that it left unread.
type getAnswer struct {
	items []table.Item
	left  []table.Key
	milli int64
}

func readGet(body []byte, tableName string, most int) (got getAnswer, err error) {
	got.items = make([]table.Item, 0, most)
	a := answer{Decoder: dynamojson.NewDecoder(body)}
	err = a.Object(func(name []byte) error {
		switch string(name) {
		case "Responses":
			return a.member(tableName, func() error {
				return a.Array(func() error {
					it, err := a.Item()
					got.items = append(got.items, it)
					return err
				})
			})
		case "UnprocessedKeys":
			return a.member(tableName, func() error { return a.unread(&got.left) })
		case "ConsumedCapacity":
			return a.capacities()
		}
		return a.Skip()
	})
	got.milli = a.milli
	return got, err
}

func (a *answer) unread(left *[]table.Key) error {
	return a.Object(func(name []byte) error {
		if string(name) != "Keys" {
			return a.Skip()
		}
		return a.Array(func() error { return a.key(left) })
	})
}

func (a *answer) key(to *[]table.Key) error {
	k, err := a.Key()
	*to = append(*to, k)
	return err
}

// writeAnswer holds the keys of the writes that a BatchWriteItem left undone.
type writeAnswer struct {
	left  []table.Key
	milli int64
}

func readWrite(body []byte, tableName string) (got writeAnswer, err error) {
	a := answer{Decoder: dynamojson.NewDecoder(body)}
	err = a.Object(func(name []byte) error {
		switch string(name) {
		case "UnprocessedItems":
			return a.member(tableName, func() error {
				return a.Array(func() error { return a.undone(&got.left) })
			})
		case "ConsumedCapacity":
			return a.capacities()
		}
		return a.Skip()
	})
	got.milli = a.milli
	return got, err
}

// undone reads {"PutRequest":{"Item":…}} or {"DeleteRequest":{"Key":…}}.
func (a *answer) undone(left *[]table.Key) error {
	return a.Object(func([]byte) error {
		return a.Object(func([]byte) error { return a.key(left) })
	})
}
