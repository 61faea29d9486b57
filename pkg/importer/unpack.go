package importer

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
)

// Limits of a ZIP, against files that unpack to more than anybody meant to send.
const (
	maxUnpacked = 50 << 30 // bytes of all files of an import, as the ZIP declares them
	maxZipFiles = 100
)

// unpack returns the files of a job with the CSV files of each ZIP in its
// place. They are told by their first bytes, whatever they are called. The sizes that a ZIP
// declares are looked at before anything is unpacked, and an entry that holds more than it declares is an error.
func (im *Importer) unpack(ctx context.Context, j *job.Job) (out, zips []job.File, err error) {
	for i, f := range j.Import.Files {
		is, err := im.isZip(ctx, f)
		if err != nil {
			return nil, nil, inFile(err, f.Name)
		}
		if !is {
			out = append(out, f)
			continue
		}
		unpacked, err := im.unpackFile(ctx, fmt.Sprintf("%sinput/%03d", jobDir(j.ID), i), f)
		if err != nil {
			return nil, nil, inFile(err, f.Name)
		}
		out, zips = append(out, unpacked...), append(zips, f)
	}
	return out, zips, nil
}

func (im *Importer) isZip(ctx context.Context, f job.File) (bool, error) {
	const magic = "PK\x03\x04"
	in, err := im.c.Objects.Open(ctx, f.Object, f.Version, 0, int64(len(magic)))
	if err != nil {
		return false, err
	}
	defer func() { _ = in.Close() }()
	head, err := io.ReadAll(in)
	return string(head) == magic, err
}

func (im *Importer) unpackFile(ctx context.Context, dir string, f job.File) ([]job.File, error) {
	z, err := zip.NewReader(&zipBytes{ctx: ctx, objects: im.c.Objects, file: f}, f.Size)
	if err != nil {
		return nil, badZip("bad_zip", "The ZIP file cannot be read; make it anew.")
	}
	entries := csvEntries(z)
	var declared uint64
	for _, e := range entries {
		declared += e.UncompressedSize64
		if e.UncompressedSize64 > maxUnpacked || declared > maxUnpacked {
			return nil, badZip("zip_too_large", "The files in the ZIP would unpack to more than %d GiB; send them in parts.", maxUnpacked>>30)
		}
		if e.Flags&1 != 0 {
			return nil, badZip("zip_encrypted", "The ZIP file is encrypted; send it without a password.")
		}
	}
	switch {
	case len(entries) == 0 && isWorkbook(z):
		return nil, badZip("workbook", "This is a workbook of a spreadsheet; save its sheet as CSV, and import that.")
	case len(entries) == 0:
		return nil, badZip("zip_without_csv", "There is no CSV file in the ZIP.")
	case len(entries) > maxZipFiles:
		return nil, badZip("zip_too_many_files", "There are more than %d files in the ZIP.", maxZipFiles)
	}
	out := make([]job.File, len(entries))
	for n, e := range entries {
		object := fmt.Sprintf("%s-%04d.csv", dir, n)
		if err := im.unpackEntry(ctx, object, e); err != nil {
			return nil, inFile(err, e.Name)
		}
		info, err := im.c.Objects.Stat(ctx, object)
		if err != nil {
			return nil, err
		}
		out[n] = job.File{Name: path.Base(e.Name), Object: object, Version: info.Version, Size: info.Size, Dataset: f.Dataset}
	}
	return out, nil
}

// isWorkbook tells whether a ZIP is a file of Excel, or of another spreadsheet in the same or the open format.
func isWorkbook(z *zip.Reader) bool {
	return slices.ContainsFunc(z.File, func(e *zip.File) bool { return strings.HasPrefix(e.Name, "xl/") || e.Name == "content.xml" })
}

// csvEntries lists the CSV files, but not what archivers and systems add of their own.
func csvEntries(z *zip.Reader) []*zip.File {
	var out []*zip.File
	for _, e := range z.File {
		name := path.Base(e.Name)
		if strings.HasPrefix(e.Name, "__MACOSX/") || strings.HasPrefix(name, ".") || !strings.EqualFold(path.Ext(name), ".csv") {
			continue
		}
		out = append(out, e)
	}
	return out
}

func (im *Importer) unpackEntry(ctx context.Context, object string, e *zip.File) error {
	r, err := e.Open()
	if err != nil {
		return badZip("bad_zip", "This file in the ZIP cannot be read; make the ZIP anew.")
	}
	defer func() { _ = r.Close() }()
	limited := &io.LimitedReader{R: r, N: int64(e.UncompressedSize64) + 1} //nolint:gosec // at most maxUnpacked
	err = im.c.Objects.Put(ctx, object, limited)
	switch {
	case limited.N <= 0:
		return badZip("zip_lies", "A file in the ZIP holds more than the ZIP declares.")
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF):
		return badZip("bad_zip", "This file in the ZIP is damaged; make the ZIP anew.")
	}
	return err
}

func badZip(code, format string, args ...any) error {
	return fault.Newf(fault.Invalid, code, format, args...)
}

// zipBytes reads an object at any offset. A ZIP is read from its end, then
// from front to back: the last chunk that was read is kept.
type zipBytes struct {
	ctx     context.Context //nolint:containedctx // io.ReaderAt has no room for it
	objects *objects.Objects
	file    job.File
	chunk   []byte
	at      int64
}

const zipChunk = 1 << 20

// ReadAt reads from offset on.
func (z *zipBytes) ReadAt(p []byte, offset int64) (int, error) {
	n := 0
	for n < len(p) {
		if offset >= z.file.Size {
			return n, io.EOF
		}
		if offset < z.at || offset >= z.at+int64(len(z.chunk)) {
			if err := z.load(offset); err != nil {
				return n, err
			}
		}
		copied := copy(p[n:], z.chunk[offset-z.at:])
		n += copied
		offset += int64(copied)
	}
	return n, nil
}

func (z *zipBytes) load(offset int64) error {
	in, err := z.objects.Open(z.ctx, z.file.Object, z.file.Version, offset, min(zipChunk, z.file.Size-offset))
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(in); err != nil {
		return err
	}
	if b.Len() == 0 {
		return io.ErrUnexpectedEOF
	}
	z.chunk, z.at = b.Bytes(), offset
	return nil
}
