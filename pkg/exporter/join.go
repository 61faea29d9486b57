package exporter

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
)

func partsDir(j *job.Job) string { return j.Prefix() + "parts/" }

func partName(j *job.Job, ds string, shard, part int) string {
	return fmt.Sprintf("%s%s/%03d-%06d", partsDir(j), ds, shard, part)
}

// FileName is the name of the object with the ZIP that an export has made.
func FileName(j *job.Job) string { return j.Prefix() + "export/export.zip" }

// NDJSONName is the name of the file in the ZIP of an export as NDJSON.
const NDJSONName = "export.ndjson"

// EditsName is the name of the file with the edits.
const EditsName = "edits.ndjson"

// entry is a file of the ZIP: its beginning and the parts of some datasets, one after the other.
type entry struct {
	name     string
	head     []byte
	datasets []string
}

// entries lists the files of an export, without empty ones.
func entries(spec *job.ExportSpec, sum *sum) (list []entry, err error) {
	all := entry{name: NDJSONName}
	for _, ds := range spec.Datasets {
		if sum.of(ds).Rows == 0 {
			continue
		}
		_, w, err := writerOf(spec, billing.Dataset(ds))
		if err != nil {
			return nil, err
		}
		list = append(list, entry{ds + ".csv", w.Head(), []string{ds}})
		all.datasets = append(all.datasets, ds)
	}
	if spec.Format == job.NDJSON {
		list = []entry{all}
	}
	if sum.of(string(billing.Edits)).Rows > 0 {
		list = append(list, entry{name: EditsName, datasets: []string{string(billing.Edits)}})
	}
	return list, nil
}

// join makes the ZIP of all parts, which stay as they are: compressed. It is whole or not there.
func (x *Exporter) join(ctx context.Context, j *job.Job) error {
	if _, err := unerased(ctx, x.c.Store, j); err != nil {
		return err
	}
	tasks, err := x.c.Ledger.Tasks(ctx, j.ID, phaseRead+"/")
	if err != nil {
		return err
	}
	sum, err := sumOf(j.Export, tasks)
	if err != nil {
		return err
	}
	if j.Export.Customer != "" {
		return x.joinCustomer(ctx, j, sum.shards[0].Files)
	}
	list, err := entries(j.Export, sum)
	if err != nil {
		return err
	}
	file, err := x.c.Objects.Replace(ctx, FileName(j))
	if err != nil {
		return err
	}
	defer file.Abort()
	z := zip.NewWriter(file)
	for _, e := range list {
		if err := x.joinEntry(ctx, z, j, e, sum); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return file.Close()
}

func (x *Exporter) joinEntry(ctx context.Context, z *zip.Writer, j *job.Job, e entry, sum *sum) error {
	head, last, err := ends(e.head)
	if err != nil {
		return err
	}
	h := &zip.FileHeader{
		Name: e.name, Method: zip.Deflate, Modified: j.CreatedAt, Flags: 1 << 3, // sizes and checksum follow the content
		CRC32: crc32.ChecksumIEEE(e.head), UncompressedSize64: uint64(len(e.head)), CompressedSize64: uint64(len(head) + len(last)),
	}
	for _, ds := range e.datasets {
		for i := range sum.shards {
			t := sum.shards[i].Files[ds]
			h.CRC32 = joinCRC(h.CRC32, t.CRC, t.Raw)
			h.UncompressedSize64 += uint64(t.Raw)  //nolint:gosec // never negative
			h.CompressedSize64 += uint64(t.Packed) //nolint:gosec // never negative
		}
	}
	w, err := z.CreateRaw(h)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, ds := range e.datasets {
		for shard := range sum.shards {
			for part := range sum.shards[shard].Files[ds].Parts {
				if err := x.copyPart(ctx, w, partName(j, ds, shard, part)); err != nil {
					return err
				}
			}
		}
	}
	_, err = w.Write(last)
	return err
}

// copyPart copies a part, unless the job is to end.
func (x *Exporter) copyPart(ctx context.Context, w io.Writer, name string) error {
	if x.late(ctx) {
		return errStopped
	}
	in, err := x.c.Objects.Open(ctx, name, "", 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	_, err = io.Copy(w, in)
	return err
}

// ends compresses what stands before the parts of a file, and returns the last block, which ends a
// compressed file.
func ends(head []byte) (first, last []byte, err error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(head)
	}
	if err == nil && len(head) > 0 {
		err = w.Flush()
	}
	first = bytes.Clone(b.Bytes())
	if err == nil {
		b.Reset()
		w.Reset(&b)
		err = w.Close()
	}
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Internal, "compress", "compress rows")
	}
	return first, b.Bytes(), nil
}
