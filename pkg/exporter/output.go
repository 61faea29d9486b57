package exporter

import (
	"bytes"
	"hash/crc32"

	"github.com/klauspost/compress/flate"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// output is the part of one dataset that is being written.
type output struct {
	dataset billing.Dataset
	format  source.Format
	writer  source.Writer
	shape   source.Shape
	head    int64 // bytes before the first row of a file

	raw     []byte // the new rows
	items   []written
	content []byte // reused

	packed  bytes.Buffer  // the rows before, compressed
	deflate *flate.Writer // made with the first row
	rows    int64
	size    int // bytes, before they are compressed
	crc     uint32
}

// written is a record, and where its row begins among the new ones.
type written struct {
	table.Item

	from int
	part edit.Part // of an edit; the item is its record then
}

func newOutput(spec *job.ExportSpec, ds billing.Dataset) (*output, error) {
	format, writer, err := writerOf(spec, ds)
	if err != nil {
		return nil, err
	}
	return &output{dataset: ds, format: format, writer: writer, shape: writer.Shape(), head: int64(len(writer.Head()))}, nil
}

// writerOf returns the format and the writer of an export's files.
func writerOf(spec *job.ExportSpec, ds billing.Dataset) (source.Format, source.Writer, error) {
	var format source.Format = csvsource.Format{}
	if spec.Format == job.NDJSON || ds == billing.Edits {
		format = records.Format{}
	}
	if !spec.Sheet {
		w, err := format.Writer(ds)
		return format, w, err
	}
	comma := byte(',')
	if spec.Delimiter != "" {
		comma = spec.Delimiter[0]
	}
	w, err := csvsource.NewSheet(ds, comma)
	return format, w, err
}

// add writes a row.
func (o *output) add(k *store.RecordKind, item table.Item) {
	o.items = append(o.items, written{Item: item, from: len(o.raw)})
	o.raw = o.writer.Append(o.raw, k.Decode(item.Attrs))
}

// addEdit writes a line of an edit of a record.
func (o *output) addEdit(record table.Item, p edit.Part, line *billing.Edit) {
	o.items = append(o.items, written{record, len(o.raw), p})
	o.raw = o.writer.Append(o.raw, line)
}

// pack compresses the new rows.
func (o *output) pack() error {
	if len(o.items) == 0 {
		return nil
	}
	var err error
	if o.deflate == nil {
		if o.deflate, err = flate.NewWriter(&o.packed, flate.BestSpeed); err != nil {
			return packing(err)
		}
	}
	if _, err := o.deflate.Write(o.raw); err != nil {
		return packing(err)
	}
	o.rows, o.size, o.crc = o.rows+int64(len(o.items)), o.size+len(o.raw), crc32.Update(o.crc, crc32.IEEETable, o.raw)
	clear(o.items)
	o.raw, o.items = o.raw[:0], o.items[:0]
	return nil
}

// end returns the part, compressed. It ends at a byte, and is not the last block: so another part may
// follow it.
func (o *output) end() ([]byte, error) {
	if err := o.deflate.Flush(); err != nil {
		return nil, packing(err)
	}
	return o.packed.Bytes(), nil
}

// reset begins the next part, which refers to nothing in this one.
func (o *output) reset() {
	o.packed.Reset()
	o.deflate.Reset(&o.packed)
	o.rows, o.size, o.crc = 0, 0, 0
}

func packing(err error) error { return fault.Wrap(err, fault.Internal, "compress", "compress rows") }

// zeros is what joinCRC moves a checksum by.
var zeros [64 << 10]byte //nolint:gochecknoglobals // a constant

// joinCRC returns the CRC-32 of two texts, one after the other, of their checksums and the length of
// the second one. A CRC is linear: moving the first checksum on by as many zeros as the second text
// has bytes, and adding the second checksum, is the same as going on with the text itself.
func joinCRC(a, b uint32, n int64) uint32 {
	a = ^a
	for ; n > 0; n -= int64(len(zeros)) {
		a = crc32.Update(a, crc32.IEEETable, zeros[:min(n, int64(len(zeros)))])
	}
	return ^a ^ b
}
