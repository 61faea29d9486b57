// Package blocks writes and reads files of sorted entries: runs, change sets, and what a plan rests on. They are made by one step of
// a job and read by the next one.
//
// A file is a sequence of blocks, and a block is a sequence of frames: a key and a payload. Each block is compressed by
// itself:
//
//	length (uvarint) · CRC-32C of what follows (4 bytes) · S2 block of:
//	  n (uvarint) · n times: length of key, length of payload (uvarints) · all keys · all payloads
//
// So a reader makes two allocations for a block and none for a frame.
package blocks

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/s2"

	"reseed/pkg/fault"
)

// Sizes, in bytes.
const (
	blockBytes = 32 << 10 // a block ends with the frame that reaches this size
	MaxBlock   = 8 << 20  // uncompressed bytes that a block may claim, far above the largest frame
)

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// Writer writes frames, in the order in which the caller adds them.
type Writer struct {
	w        io.Writer
	n        int
	lengths  []byte
	keys     []byte
	payloads []byte
	raw, out []byte
}

// NewWriter makes a writer.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Frame adds one frame. Its payload is the parts one after the other.
func (b *Writer) Frame(key []byte, parts ...[]byte) error {
	b.n++
	b.keys = append(b.keys, key...)
	size := 0
	for _, p := range parts {
		size += len(p)
		b.payloads = append(b.payloads, p...)
	}
	b.lengths = binary.AppendUvarint(b.lengths, uint64(len(key)))
	b.lengths = binary.AppendUvarint(b.lengths, uint64(size))
	if len(b.keys)+len(b.payloads) < blockBytes {
		return nil
	}
	return b.Flush()
}

// Flush writes the current block, if it has any frames.
func (b *Writer) Flush() error {
	if b.n == 0 {
		return nil
	}
	b.raw = binary.AppendUvarint(b.raw[:0], uint64(b.n)) //nolint:gosec // a count
	b.raw = append(append(append(b.raw, b.lengths...), b.keys...), b.payloads...)
	if need := s2.MaxEncodedLen(len(b.raw)); cap(b.out) < need {
		b.out = make([]byte, need)
	}
	body := s2.Encode(b.out[:cap(b.out)], b.raw)
	var head [binary.MaxVarintLen64 + 4]byte
	n := binary.PutUvarint(head[:], uint64(len(body)))
	binary.BigEndian.PutUint32(head[n:], checksum(body))
	b.n, b.lengths, b.keys, b.payloads = 0, b.lengths[:0], b.keys[:0], b.payloads[:0]
	if _, err := b.w.Write(head[:n+4]); err != nil {
		return err
	}
	_, err := b.w.Write(body)
	return err
}

// ErrDamaged is the error for a run or change set that cannot be read: a defect, or a damaged
// object.
func ErrDamaged() error {
	return fault.New(fault.Internal, "damaged_block", "an intermediate file of this import cannot be read")
}

// Reader reads frames. Keys and payloads stay valid; each of them keeps its block in memory.
type Reader struct {
	r          *bufio.Reader
	body       []byte
	begin, end int64  // offsets of the block and of the one behind it
	frames     int    // in the block
	left       int    // frames left in the block
	lengths    []byte // of the frames left
	keys       string
	payloads   []byte
	lastKey    int // length of the last key of the block
}

// NewReader makes a reader.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 16<<10)}
}

// Next reads the next frame; io.EOF after the last one.
func (b *Reader) Next() (key string, payload []byte, err error) {
	if b.left == 0 {
		if err := b.block(); err != nil {
			return "", nil, err
		}
	}
	k, w := binary.Uvarint(b.lengths)
	if w <= 0 || k > uint64(len(b.keys)) {
		return "", nil, ErrDamaged()
	}
	n, v := binary.Uvarint(b.lengths[w:])
	if v <= 0 || n > uint64(len(b.payloads)) {
		return "", nil, ErrDamaged()
	}
	b.lengths = b.lengths[w+v:]
	key, b.keys = b.keys[:k], b.keys[k:]
	payload, b.payloads = b.payloads[:n:n], b.payloads[n:]
	b.left--
	return key, payload, nil
}

// SkipTo skips blocks whose keys all come before a key. The keys must be in order.
func (b *Reader) SkipTo(key string) error {
	for b.left == 0 || b.lastKey > 0 && b.keys[len(b.keys)-b.lastKey:] < key {
		if err := b.block(); err != nil {
			return err
		}
	}
	return nil
}

func (b *Reader) block() error {
	size, err := b.size()
	if err != nil {
		return err
	}
	if uint64(cap(b.body)) < size {
		b.body = make([]byte, size)
	}
	b.body = b.body[:size]
	var sum [4]byte
	for _, part := range [][]byte{sum[:], b.body} {
		if _, err := io.ReadFull(b.r, part); err != nil {
			return fault.Wrap(err, fault.Unavailable, "read_block", "read an intermediate file of this import")
		}
	}
	if binary.BigEndian.Uint32(sum[:]) != checksum(b.body) {
		return ErrDamaged()
	}
	if n, err := s2.DecodedLen(b.body); err != nil || n > MaxBlock {
		return ErrDamaged()
	}
	raw, err := s2.Decode(nil, b.body)
	if err != nil {
		return ErrDamaged()
	}
	b.begin, b.end = b.end, b.end+headSize(size)+int64(len(b.body))
	return b.split(raw)
}

// Resume reads the block at the offset at which the file was opened, and returns how many frames it has.
func (b *Reader) Resume(offset int64) (frames int, err error) {
	b.end = offset
	err = b.block()
	return b.frames, err
}

// size reads the size of the next block; io.EOF after the last one.
func (b *Reader) size() (uint64, error) {
	head, err := b.r.Peek(binary.MaxVarintLen64) // fewer at the end of the file
	size, n := binary.Uvarint(head)
	switch {
	case n > 0 && size <= MaxBlock:
		_, err = b.r.Discard(n)
		return size, err
	case n != 0 || len(head) == binary.MaxVarintLen64:
		return 0, ErrDamaged()
	case errors.Is(err, io.EOF) && len(head) == 0:
		return 0, io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return 0, fault.Wrap(err, fault.Unavailable, "read_block", "read an intermediate file of this import")
}

// headSize is how many bytes stand before the body of a block of a size.
func headSize(size uint64) int64 {
	return int64(len(binary.AppendUvarint(nil, size)) + crc32.Size)
}

// Place is where the next frame is: the offset of its block, and its number in it.
func (b *Reader) Place() (offset int64, frame int) {
	if b.left == 0 {
		return b.end, 0
	}
	return b.begin, b.frames - b.left
}

// split splits an uncompressed block into lengths, keys and payloads.
func (b *Reader) split(raw []byte) error {
	n, w := binary.Uvarint(raw)
	if w <= 0 || n == 0 || n > uint64(len(raw)) {
		return ErrDamaged()
	}
	at, keys := w, uint64(0)
	for range n {
		k, kw := binary.Uvarint(raw[at:])
		if kw <= 0 || k > MaxBlock {
			return ErrDamaged()
		}
		_, pw := binary.Uvarint(raw[at+kw:])
		if pw <= 0 {
			return ErrDamaged()
		}
		at += kw + pw
		keys += k
		b.lastKey = int(k)
	}
	if keys > MaxBlock || at+int(keys) > len(raw) {
		return ErrDamaged()
	}
	end := at + int(keys)
	b.left, b.frames = int(n), int(n) //nolint:gosec // at most len(raw)
	b.lengths = raw[w:at]
	b.keys = string(raw[at:end])
	b.payloads = raw[end:]
	return nil
}
