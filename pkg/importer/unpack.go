package importer

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
)

// Limits of ZIPs, against files that unpack to more than anybody meant to send. They hold for the sizes that the ZIPs declare, of their CSV
// files: an entry that holds more than it declares is an error.
const (
	maxUnpacked  = 50 << 30  // bytes, of all ZIPs of an import
	maxRatio     = 200       // of the unpacked bytes to those of the ZIP, of each and of all
	freeOfRatio  = 100 << 20 // bytes that may be unpacked whatever the ratio
	maxZipFiles  = 100
	wholeStep    = time.Minute // an attempt to unpack an entry that had less time before the deadline of its step does not count
	mostAttempts = 3
)

func inputDir(jobID string) string { return jobDir(jobID) + "input/" }

// zipped is a file that is a ZIP, and its CSV files.
type zipped struct {
	file    job.File
	entries []*zip.File
}

// zips finds the ZIPs among the files of a job, by their indexes, and looks at what they declare. They are told by their first bytes,
// whatever they are called.
func (im *Importer) zips(ctx context.Context, j *job.Job) (map[int]zipped, error) {
	out := map[int]zipped{}
	for i, f := range j.Import.Files {
		is, err := im.isZip(ctx, f)
		if err == nil && is {
			var entries []*zip.File
			entries, err = im.zipEntries(ctx, f)
			out[i] = zipped{f, entries}
		}
		if err != nil {
			return nil, inFile(err, f.Name)
		}
	}
	return out, checkSizes(out)
}

// checkSizes holds ZIPs to the limits.
func checkSizes(zips map[int]zipped) error {
	var all sizes
	for _, z := range zips {
		all = all.add(z.sizes())
	}
	if all.unpacked > maxUnpacked {
		return badZip("zip_too_large", "The ZIP files of this import would unpack to more than %d GiB in all; import them in several parts.", maxUnpacked>>30)
	}
	for _, i := range slices.Sorted(maps.Keys(zips)) {
		if s := zips[i].sizes(); s.overRatio() {
			return inFile(s.bomb("The ZIP file"), zips[i].file.Name)
		}
	}
	if all.overRatio() {
		return all.bomb("The ZIP files of this import together")
	}
	return nil
}

// sizes are bytes of one ZIP or several.
type sizes struct{ packed, unpacked uint64 }

// add adds up; what is above the limit stays there, so that no sum runs over.
func (s sizes) add(o sizes) sizes {
	return sizes{s.packed + o.packed, min(s.unpacked, maxUnpacked+1) + min(o.unpacked, maxUnpacked+1)}
}

func (z zipped) sizes() sizes {
	s := sizes{packed: uint64(z.file.Size)} //nolint:gosec // never negative
	for _, e := range z.entries {
		s = s.add(sizes{unpacked: e.UncompressedSize64})
	}
	return s
}

func (s sizes) overRatio() bool { return s.unpacked > freeOfRatio && s.unpacked > maxRatio*s.packed }

func (s sizes) bomb(what string) error {
	return badZip("zip_ratio", "%s would unpack to %d MiB, which is more than %d times its size; import the CSV files themselves, not packed.",
		what, s.unpacked>>20, maxRatio)
}

// unpackTasks lists the tasks that unpack the ZIPs of a job, one for each CSV file in them.
func (im *Importer) unpackTasks(ctx context.Context, j *job.Job, phase string) ([]string, error) {
	zips, err := im.zips(ctx, j)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, i := range slices.Sorted(maps.Keys(zips)) {
		for n := range zips[i].entries {
			numbers = append(numbers, i*maxZipFiles+n)
		}
	}
	return numbered(phase, numbers...), nil
}

// unpackedObject is where the n-th CSV file of a ZIP goes, which is the i-th file of its job.
func unpackedObject(jobID string, i, n int) string {
	return fmt.Sprintf("%s%03d-%04d.csv", inputDir(jobID), i, n)
}

// inputs are the files of a job with the unpacked CSV files of each ZIP in its place.
func (im *Importer) inputs(ctx context.Context, j *job.Job) (out, zips []job.File, err error) {
	found, err := im.zips(ctx, j)
	if err != nil {
		return nil, nil, err
	}
	for i, f := range j.Import.Files {
		z, is := found[i]
		if !is {
			out = append(out, f)
			continue
		}
		zips = append(zips, f)
		for n, e := range z.entries {
			info, err := im.c.Objects.Stat(ctx, unpackedObject(j.ID, i, n))
			if err != nil {
				return nil, nil, err
			}
			out = append(out, job.File{Name: path.Base(e.Name), Object: info.Key, Version: info.Version, Size: info.Size, Dataset: f.Dataset})
		}
	}
	return out, zips, nil
}

func (im *Importer) isZip(ctx context.Context, f job.File) (bool, error) {
	const magic = "PK\x03\x04"
	head, err := objectPart(ctx, im.c.Objects, f.Object, f.Version, 0, int64(len(magic)))
	return string(head) == magic, err
}

// zipEntries lists the CSV files of a ZIP, which can be unpacked as far as its directory tells.
func (im *Importer) zipEntries(ctx context.Context, f job.File) ([]*zip.File, error) {
	z, err := openZip(ctx, im.c.Objects, f)
	if err != nil {
		return nil, err
	}
	entries := csvEntries(z)
	switch {
	case slices.ContainsFunc(entries, func(e *zip.File) bool { return e.Flags&1 != 0 }):
		return nil, badZip("zip_encrypted", "The ZIP file is encrypted; send it without a password.")
	case len(entries) == 0 && isWorkbook(z):
		return nil, badZip("workbook", "This is a workbook of a spreadsheet; save its sheet as CSV, and import that.")
	case len(entries) == 0:
		return nil, badZip("zip_without_csv", "There is no CSV file in the ZIP.")
	case len(entries) > maxZipFiles:
		return nil, badZip("zip_too_many_files", "There are more than %d files in the ZIP.", maxZipFiles)
	}
	return entries, nil
}

// openZip reads the directory of a ZIP.
func openZip(ctx context.Context, o *objects.Objects, f job.File) (*zip.Reader, error) {
	z, err := zip.NewReader(&zipBytes{ctx: ctx, objects: o, file: f}, f.Size)
	if err != nil && !passes(err) && ctx.Err() == nil {
		err = badZip("bad_zip", "The ZIP file cannot be read; make it anew.")
	}
	return z, err
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

// unpack unpacks one CSV file of a ZIP, unless that was done already. One that is cut off begins again; done counts the attempts that
// had a whole step's time and did not come to the end in it.
func (w *work) unpack(ctx context.Context, number, done int, saved func(int) error) error {
	deadline, limited := ctx.Deadline()
	whole := limited && deadline.Sub(w.clock()) >= wholeStep
	i, n := number/maxZipFiles, number%maxZipFiles
	f := w.job.Import.Files[i]
	z, err := openZip(ctx, w.objects, f)
	if err != nil {
		return inFile(err, f.Name)
	}
	e, object := csvEntries(z)[n], unpackedObject(w.job.ID, i, n)
	if info, err := w.objects.Stat(ctx, object); err == nil && uint64(info.Size) == e.UncompressedSize64 { //nolint:gosec // never negative
		return nil
	}
	if done >= mostAttempts {
		return inFile(inFile(badZip("zip_entry_too_large",
			"This file in the ZIP takes longer to unpack than one step may take here; import it itself, not packed."), e.Name), f.Name)
	}
	err = w.unpackEntry(ctx, object, e)
	if errors.Is(err, errStopped) && whole {
		if err := saved(done + 1); err != nil {
			return err
		}
	}
	return inFile(inFile(err, e.Name), f.Name)
}

func (w *work) unpackEntry(ctx context.Context, object string, e *zip.File) error {
	r, err := e.Open()
	if err != nil && (passes(err) || ctx.Err() != nil) {
		return err
	}
	if err != nil {
		return badZip("bad_zip", "This file in the ZIP cannot be read; make the ZIP anew.")
	}
	defer func() { _ = r.Close() }()
	limited := &io.LimitedReader{R: r, N: int64(e.UncompressedSize64) + 1} //nolint:gosec // at most maxUnpacked
	err = w.objects.Put(ctx, object, &watched{ctx, w, limited})
	switch {
	case limited.N <= 0:
		return badZip("zip_lies", "A file in the ZIP holds more than the ZIP declares.")
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(flate.CorruptInputError)):
		return badZip("bad_zip", "This file in the ZIP is damaged; make the ZIP anew.")
	}
	return err
}

// watched is a reader that ends as soon as the worker has to put its work aside.
type watched struct {
	ctx context.Context //nolint:containedctx // io.Reader has no room for it
	w   *work
	r   io.Reader
}

// Read reads on, unless it has to stop.
func (r *watched) Read(p []byte) (int, error) {
	r.w.makeWay()
	if err := r.w.interrupted(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(p)
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
	chunk, err := objectPart(z.ctx, z.objects, z.file.Object, z.file.Version, offset, min(zipChunk, z.file.Size-offset))
	if err != nil {
		return err
	}
	if len(chunk) == 0 {
		return io.ErrUnexpectedEOF
	}
	z.chunk, z.at = chunk, offset
	return nil
}
