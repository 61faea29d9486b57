package eraser

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"reseed/pkg/table"
)

// Digest identifies a set of keys, whatever their order: it is the sum of the SHA-256 of all keys
// (partition key, 0x00, sort key), each taken as four big-endian 64-bit integers that are added
// separately. Keys hold no personal data.
type Digest [4]uint64

// add adds a key.
func (d *Digest) add(k table.Key) {
	b := make([]byte, 0, 128)
	b = append(append(append(b, k.PK...), 0), k.SK...)
	sum := sha256.Sum256(b)
	for i := range d {
		d[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
}

// plus returns the digest of the union of two sets that share no key.
func (d Digest) plus(o Digest) Digest {
	for i := range d {
		d[i] += o[i]
	}
	return d
}

// MarshalText spells the digest in hex.
func (d Digest) MarshalText() ([]byte, error) {
	var b []byte
	for _, n := range d {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return []byte(hex.EncodeToString(b)), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != 8*len(d) {
		return errors.New("this is no digest")
	}
	for i := range d {
		d[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return nil
}
