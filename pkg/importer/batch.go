package importer

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"reseed/pkg/blocks"
)

// batch collects entries in memory, encoded one after the other, and sorts them.
type batch struct {
	mem  []byte
	refs []ref
}

// ref says where an entry of a batch is, and holds what it is sorted by. Most comparisons end with
// lead.
type ref struct {
	lead    uint64 // first bytes of the key, see lead
	offset  int64  // of the row in its file
	file    int32
	at, key uint32 // offset of the entry in mem, and length of its key
	end     uint32
}

func (b *batch) add(e *entry) {
	at := b.begin(e)
	b.mem = append(b.mem, e.body...)
	b.end(e, at)
}

// begin adds an entry up to its body, which the caller appends to mem; end completes the entry.
func (b *batch) begin(e *entry) (at int) {
	at = len(b.mem)
	b.mem = append(b.mem, e.key...)
	b.mem = appendHead(b.mem, e)
	return at
}

func (b *batch) end(e *entry, at int) {
	b.refs = append(b.refs, ref{
		lead: lead(e.key), offset: e.place.offset, file: int32(e.place.file), //nolint:gosec // an import has few files
		at: uint32(at), key: uint32(len(e.key)), end: uint32(len(b.mem)), //nolint:gosec // a batch holds one piece
	})
}

// lead is the first byte of a key and the seven after the "#", which follows that byte in all keys
// of a batch.
func lead(key string) uint64 {
	if len(key) < 9 {
		return 0
	}
	return uint64(key[0])<<56 | uint64(key[2])<<48 | uint64(key[3])<<40 | uint64(key[4])<<32 |
		uint64(key[5])<<24 | uint64(key[6])<<16 | uint64(key[7])<<8 | uint64(key[8])
}

// sort sorts the entries. Entries of the same row must have been added in their final order.
func (b *batch) sort() {
	slices.SortFunc(b.refs, func(x, y ref) int {
		if x.lead != y.lead {
			return cmp.Compare(x.lead, y.lead)
		}
		kx, ky := b.mem[x.at:x.at+x.key], b.mem[y.at:y.at+y.key]
		return cmp.Or(strings.Compare(string(kx), string(ky)), cmp.Compare(x.file, y.file), cmp.Compare(x.offset, y.offset), cmp.Compare(x.at, y.at))
	})
}

// write writes the entries as a run.
func (b *batch) write(w io.Writer) error {
	out := blocks.NewWriter(w)
	for _, r := range b.refs {
		if err := out.Frame(b.mem[r.at:r.at+r.key], b.mem[r.at+r.key:r.end]); err != nil {
			return err
		}
	}
	return out.Flush()
}
