package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"

	"github.com/google/uuid"

	"reseed/pkg/fault"
)

// HashLen is the length of an H in bytes: 104 bits.
const HashLen = 13

// H is the identity of a record inside a source: 104 bits of a keyed hash of its kind and external
// id. It holds no personal data. Identities sort like their spellings in keys.
type H [HashLen]byte

// String spells H as 26 hex digits.
func (h H) String() string { return hex.EncodeToString(h[:]) }

// IsZero tells whether h is unset.
func (h H) IsZero() bool { return h == H{} }

// ParseH reads what String wrote.
func ParseH(s string) (H, bool) {
	var h H
	n, err := hex.Decode(h[:], []byte(s[:min(len(s), 2*HashLen)]))
	return h, err == nil && n == HashLen && len(s) == 2*HashLen
}

// lead returns the leading 52 bits of h: the bits that stand in the uuid of a line item, a
// transaction or a contact.
func (h H) lead() uint64 { return binary.BigEndian.Uint64(h[:8]) >> 12 }

// Nth returns the identity of the n-th (from 0) of equal rows without an external id. It adds n to
// the leading 52 bits. So equal rows keep their order, and each has a uuid of its own.
func (h H) Nth(n int) H {
	top := binary.BigEndian.Uint64(h[:8])
	binary.BigEndian.PutUint64(h[:8], top+uint64(n)<<12) //nolint:gosec // n counts rows
	return h
}

// EventID returns the integer id of a subscription event: the top 53 bits of its H, since JSON
// numbers hold such integers exactly.
func (h H) EventID() int64 {
	return int64(binary.BigEndian.Uint64(h[:8]) >> 11)
}

// Number returns the leading 32 bits of h: the integer id that a customer has besides its uuid.
func (h H) Number() uint32 { return binary.BigEndian.Uint32(h[:4]) }

// Kind names what an external id belongs to. The text is part of every hash, so it can never
// change.
type Kind string

// The kinds of hashed identities.
const (
	KindCustomer     Kind = "customer"
	KindContact      Kind = "contact"
	KindEmail        Kind = "email"
	KindPlan         Kind = "plan"
	KindInvoice      Kind = "invoice"
	KindLineItem     Kind = "line_item"
	KindTransaction  Kind = "transaction"
	KindEvent        Kind = "subscription_event"
	KindCancellation Kind = "cancellation"
	KindSubscription Kind = "subscription"
	KindForgotten    Kind = "forgotten" // of the do-not-reload list: a customer, or the name of its source
	KindAPIKey       Kind = "api_key"   // by its name
)

// Hasher makes identities under one deployment's secret key. It is safe for concurrent use.
type Hasher struct{ pool *sync.Pool }

// message is the text of one identity while it is put together, with the hash.
type message struct {
	mac hash.Hash
	buf []byte
}

// NewHasher returns the Hasher of a secret key (32 bytes, kept in the directory).
func NewHasher(key []byte) *Hasher {
	return &Hasher{&sync.Pool{New: func() any { return &message{mac: hmac.New(sha256.New, key)} }}}
}

// External returns the identity of a record that has an external id: the first 104 bits of
// HMAC-SHA-256(key, kind ‖ 0 ‖ id).
func (hr *Hasher) External(kind Kind, id string) H {
	m := hr.begin(kind, 0)
	m.buf = append(m.buf, id...)
	return hr.sum(m)
}

// Natural returns the identity of a record without an external id: the first 104 bits of
// HMAC-SHA-256(key, kind ‖ 1 ‖ parts). The length of each part precedes it, so that different lists
// of parts have different texts.
func (hr *Hasher) Natural(kind Kind, parts ...string) H {
	m := hr.begin(kind, 1)
	for _, p := range parts {
		m.buf = binary.AppendUvarint(m.buf, uint64(len(p)))
		m.buf = append(m.buf, p...)
	}
	return hr.sum(m)
}

func (hr *Hasher) begin(kind Kind, mark byte) *message {
	m, _ := hr.pool.Get().(*message)
	m.buf = append(append(m.buf[:0], kind...), mark)
	return m
}

func (hr *Hasher) sum(m *message) H {
	m.mac.Reset()
	m.mac.Write(m.buf)
	m.buf = m.mac.Sum(m.buf[:0])
	h := H(m.buf[:HashLen])
	hr.pool.Put(m)
	return h
}

// Tag is a source's number inside the account: 18 bits, never used twice.
type Tag uint32

// MaxTag is the largest tag.
const MaxTag Tag = 1<<18 - 1

// UUID returns the UUIDv8 whose 122 free bits are the tag and the identity. So the key of a record
// follows from its id, and a re-import gives the same ids.
func UUID(tag Tag, h H) uuid.UUID {
	// payload: 18 bits tag, then 104 bits h, spread over 48 | 12 | 62 bits (RFC 9562, section 5.8:
	// https://www.rfc-editor.org/rfc/rfc9562#section-5.8).
	h1 := binary.BigEndian.Uint64(h[:8])                              // first 64 bits of h
	h2 := uint64(h[8])<<32 | uint64(binary.BigEndian.Uint32(h[9:13])) // last 40 bits of h
	a := uint64(tag)<<30 | h1>>34                                     // 18 + 30 bits = 48
	b := h1 >> 22 & 0xfff                                             // 12
	c := (h1&(1<<22-1))<<40 | h2                                      // 22 + 40 = 62
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], a<<16|8<<12|b)
	binary.BigEndian.PutUint64(u[8:], 2<<62|c)
	return u
}

// ParseUUID is the inverse of UUID. ok is false for a uuid that UUID does not make.
func ParseUUID(u uuid.UUID) (tag Tag, h H, ok bool) {
	hi, lo := binary.BigEndian.Uint64(u[:8]), binary.BigEndian.Uint64(u[8:])
	if hi>>12&0xf != 8 || lo>>62 != 2 {
		return 0, h, false
	}
	a, b, c := hi>>16, hi&0xfff, lo&(1<<62-1)
	h1 := a<<34 | b<<22 | c>>40
	binary.BigEndian.PutUint64(h[:8], h1)
	var low [8]byte
	binary.BigEndian.PutUint64(low[:], c&(1<<40-1))
	copy(h[8:], low[3:])
	return Tag(a >> 30), h, true
}

// Under returns the identity in the uuid of a child (line item, transaction, contact): the leading
// 52 bits of its parent's identity, then the leading 52 bits of its own.
func Under(parent, own H) H {
	p, o := parent.lead(), own.lead()
	var h H
	binary.BigEndian.PutUint64(h[:8], p<<12|o>>40)
	var low [8]byte
	binary.BigEndian.PutUint64(low[:], o&(1<<40-1))
	copy(h[8:], low[3:])
	return h
}

// SplitUnder splits such an identity into the 13 hex digits that the parent's identity begins with,
// and the 13 that the child's begins with.
func SplitUnder(h H) (parent, own string) {
	s := h.String()
	return s[:13], s[13:]
}

// Prefixes of the ids that people and programs see (ChartMogul's).
const (
	PrefixSource       = "ds_"
	PrefixCustomer     = "cus_"
	PrefixContact      = "con_"
	PrefixPlan         = "pl_"
	PrefixInvoice      = "inv_"
	PrefixLineItem     = "li_"
	PrefixTransaction  = "tr_"
	PrefixSubscription = "sub_"
)

// ID spells a record's public id.
func ID(prefix string, tag Tag, h H) string {
	const length = 36
	var room [len(PrefixCustomer) + length]byte // the longest prefix there is
	u := UUID(tag, h)
	b := append(room[:0], prefix...)
	for i, part := range [...][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return string(b)
}

// ParseID reads a public id with the given prefix. The error is fault.NotFound for anything else,
// since such a record cannot exist.
func ParseID(prefix, id string) (Tag, H, error) {
	missing := fault.New(fault.NotFound, "not_found", "no such id")
	if len(id) != len(prefix)+36 || id[:len(prefix)] != prefix {
		return 0, H{}, missing
	}
	u, err := uuid.Parse(id[len(prefix):])
	if err != nil {
		return 0, H{}, missing
	}
	tag, h, ok := ParseUUID(u)
	if !ok {
		return 0, H{}, missing
	}
	return tag, h, nil
}
