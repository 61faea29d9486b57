package chartmogul

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"reseed/pkg/store"
)

// position is where a page ended: the last record's place in the order of its list. It stays valid
// when filters change between pages, when records come and go, and when the source is emptied.
type position struct {
	kind byte      // of the list: one of the at… constants
	tag  store.Tag // of the source
	h    store.H   // of the record
	date int64     // Unix milliseconds; only in lists by date
}

// Kinds of lists. A list does not accept a cursor of another kind.
const (
	atCustomer byte = 'c'
	atPlan     byte = 'p'
	atInvoice  byte = 'i'
	atOwned    byte = 'o' // invoices of one customer, newest first

	atLine        byte = 'l' // line items of one invoice
	atTransaction byte = 't' // transactions of one invoice
)

const cursorLen = 1 + 4 + 8 + store.HashLen

// cursor encodes the position; clients need not understand it, and it is safe in a query.
func (p position) cursor() string {
	b := make([]byte, 0, cursorLen)
	b = append(b, p.kind)
	b = binary.BigEndian.AppendUint32(b, uint32(p.tag))
	b = binary.BigEndian.AppendUint64(b, uint64(p.date)) //nolint:gosec // two's complement both ways
	b = append(b, p.h[:]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor reads what cursor wrote for a list of the same kind.
func parseCursor(kind byte, s string) (position, bool) {
	if len(s) != base64.RawURLEncoding.EncodedLen(cursorLen) { // the decoder passes over line breaks
		return position{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != cursorLen || b[0] != kind {
		return position{}, false
	}
	p := position{
		kind: kind,
		tag:  store.Tag(binary.BigEndian.Uint32(b[1:])),
		date: int64(binary.BigEndian.Uint64(b[5:])), //nolint:gosec // two's complement both ways
	}
	copy(p.h[:], b[13:])
	return p, p.tag <= store.MaxTag
}

// before reports whether p comes before o in the order by source and identity.
func (p position) before(o position) bool {
	if p.tag != o.tag {
		return p.tag < o.tag
	}
	return bytes.Compare(p.h[:], o.h[:]) < 0
}
