package importer

import (
	"archive/zip"
	"compress/flate"
	"compress/gzip"
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

// Limits of packed files, against files that unpack to far more than their sender meant. For ZIPs
// they apply to the sizes that the ZIP declares for its CSV and NDJSON files; an entry larger than
// declared is an error. A .gz declares no size: it is unpacked until it reaches the limits.
const (
	maxUnpacked  = 50 << 30  // bytes, all packed files of an import together
	maxRatio     = 200       // unpacked bytes for each packed byte, of each file and of all together
	freeOfRatio  = 100 << 20 // bytes that may be unpacked at any ratio
	maxZipFiles  = 100
	wholeStep    = time.Minute // an attempt to unpack an entry counts only if it had this time before the deadline
	mostAttempts = 3
)

func inputDir(jobID string) string { return jobDir(jobID) + "input/" }

// packed is a ZIP with its CSV and NDJSON files, or a .gz, which has no entries.
type packed struct {
	file    job.File
	entries []*zip.File
}

// names lists the names of the unpacked files.
func (p packed) names() (out []string) {
	if len(p.entries) == 0 {
		name := p.file.Name
		if strings.EqualFold(path.Ext(name), endGzip) {
			name = name[:len(name)-len(endGzip)]
		}
		return []string{name}
	}
	for _, e := range p.entries {
		out = append(out, path.Base(e.Name))
	}
	return out
}

// The first bytes of packed files.
const (
	magicZIP  = "PK\x03\x04"
	magicGzip = "\x1f\x8b"
)

// packedFiles finds the packed files of a job, by their indexes, and checks the sizes that they
// declare.
func (im *Importer) packedFiles(ctx context.Context, j *job.Job) (map[int]packed, error) {
	out := map[int]packed{}
	for i, f := range j.Import.Files {
		p, is, err := packedFile(ctx, im.c.Objects, f)
		if err != nil {
			return nil, inFile(err, f.Name)
		}
		if is {
			out[i] = p
		}
	}
	return out, checkSizes(out)
}

// packedFile reports whether a file is packed, and what is in it. Its first bytes decide, not its
// name.
func packedFile(ctx context.Context, o *objects.Objects, f job.File) (p packed, is bool, err error) {
	magic, err := objectPart(ctx, o, f.Object, f.Version, 0, int64(len(magicZIP)))
	p.file = f
	switch {
	case err != nil:
		return p, false, err
	case string(magic) == magicZIP:
		p.entries, err = zipEntries(ctx, o, f)
		return p, true, err
	}
	return p, isPacked(magic), nil
}

// isPacked tells by the first bytes of a file whether it is packed.
func isPacked(magic []byte) bool {
	return string(magic) == magicZIP || strings.HasPrefix(string(magic), magicGzip)
}

// checkSizes checks ZIPs against the limits.
func checkSizes(zips map[int]packed) error {
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

// add adds sizes. What is above the limit is cut to just above it, so that no sum overflows.
func (s sizes) add(o sizes) sizes {
	return sizes{s.packed + o.packed, min(s.unpacked, maxUnpacked+1) + min(o.unpacked, maxUnpacked+1)}
}

// sizes are bytes of one or more ZIPs.
func (p packed) sizes() sizes {
	if len(p.entries) == 0 {
		return sizes{}
	}
	s := sizes{packed: uint64(p.file.Size)} //nolint:gosec // never negative
	for _, e := range p.entries {
		s = s.add(sizes{unpacked: e.UncompressedSize64})
	}
	return s
}

func (s sizes) overRatio() bool { return s.unpacked > freeOfRatio && s.unpacked > maxRatio*s.packed }

func (s sizes) bomb(what string) error {
	return badZip("zip_ratio", "%s would unpack to %d MiB, which is more than %d times its size; import the files themselves, not packed.",
		what, s.unpacked>>20, maxRatio)
}

// unpackTasks lists the tasks that unpack the files of a job, one for each file in them.
func (im *Importer) unpackTasks(ctx context.Context, j *job.Job, phase string) ([]string, error) {
	files, err := im.packedFiles(ctx, j)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, i := range slices.Sorted(maps.Keys(files)) {
		for n := range files[i].names() {
			numbers = append(numbers, i*maxZipFiles+n)
		}
	}
	return numbered(phase, numbers...), nil
}

// unpackedObject names the object for the n-th file in a packed file, which is the i-th file of its
// job.
func unpackedObject(jobID string, i, n int) string {
	return fmt.Sprintf("%s%03d-%04d.csv", inputDir(jobID), i, n)
}

// inputs lists the files of a job, with unpacked files in place of packed ones; zips lists the
// packed ones.
func (im *Importer) inputs(ctx context.Context, j *job.Job) (out, zips []job.File, err error) {
	found, err := im.packedFiles(ctx, j)
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
		for n, name := range z.names() {
			info, err := im.c.Objects.Stat(ctx, unpackedObject(j.ID, i, n))
			if err != nil {
				return nil, nil, err
			}
			out = append(out, job.File{Name: name, Object: info.Key, Version: info.Version, Size: info.Size, Dataset: f.Dataset})
		}
	}
	return out, zips, nil
}

// zipEntries lists the CSV and NDJSON files of a ZIP. It fails if the ZIP's directory shows that
// they cannot be unpacked.
func zipEntries(ctx context.Context, o *objects.Objects, f job.File) ([]*zip.File, error) {
	z, err := openZip(ctx, o, f)
	if err != nil {
		return nil, err
	}
	entries := inputEntries(z)
	switch {
	case slices.ContainsFunc(entries, func(e *zip.File) bool { return e.Flags&1 != 0 }):
		return nil, badZip("zip_encrypted", "The ZIP file is encrypted; send it without a password.")
	case len(entries) == 0 && isWorkbook(z):
		return nil, badZip("workbook", "This is a workbook of a spreadsheet; save its sheet as CSV, and import that.")
	case len(entries) == 0:
		return nil, badZip("zip_without_csv", "There is no CSV or NDJSON file in the ZIP.")
	case len(entries) > maxZipFiles:
		return nil, badZip("zip_too_many_files", "There are more than %d files in the ZIP.", maxZipFiles)
	}
	return entries, nil
}

// openZip reads the directory of a ZIP.
func openZip(ctx context.Context, o *objects.Objects, f job.File) (*zip.Reader, error) {
	z, err := zip.NewReader(&zipBytes{ctx: ctx, objects: o, file: f}, f.Size)
	if err != nil && !temporary(err) && ctx.Err() == nil {
		err = badZip("bad_zip", "The ZIP file cannot be read; make it anew.")
	}
	return z, err
}

// isWorkbook reports whether a ZIP is a spreadsheet file: of Excel or of a program that writes
// Excel's format or OpenDocument.
func isWorkbook(z *zip.Reader) bool {
	return slices.ContainsFunc(z.File, func(e *zip.File) bool { return strings.HasPrefix(e.Name, "xl/") || e.Name == "content.xml" })
}

// inputEntries lists the CSV and NDJSON files of a ZIP, without the files that archivers and
// operating systems add.
func inputEntries(z *zip.Reader) []*zip.File {
	var out []*zip.File
	for _, e := range z.File {
		name := path.Base(e.Name)
		if strings.HasPrefix(e.Name, "__MACOSX/") || strings.HasPrefix(name, ".") || !isPlain(name) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// unpack unpacks one file of a packed file, unless that was done before. An interrupted attempt
// starts over. done counts the attempts that had the time of a whole step and did not finish.
func (w *work) unpack(ctx context.Context, number, done int, saved func(int) error) error {
	deadline, limited := ctx.Deadline()
	whole := limited && deadline.Sub(w.clock()) >= wholeStep
	i, n := number/maxZipFiles, number%maxZipFiles
	f, object := w.job.Import.Files[i], unpackedObject(w.job.ID, i, n)
	if _, err := w.objects.Stat(ctx, object); err == nil {
		return nil
	}
	p, _, err := packedFile(ctx, w.objects, f)
	switch {
	case err != nil:
	case done >= mostAttempts:
		err = p.inEntry(n, badZip("zip_entry_too_large",
			"This file %stakes longer to unpack than one step may take; import it unpacked.", p.place()))
	case len(p.entries) == 0:
		err = w.unpackGzip(ctx, object, f)
	default:
		err = p.inEntry(n, w.unpackEntry(ctx, object, p.entries[n]))
	}
	if errors.Is(err, errStopped) && whole {
		if err := saved(done + 1); err != nil {
			return err
		}
	}
	return inFile(err, f.Name)
}

// place says where the unpacked file is, as part of a sentence.
func (p packed) place() string {
	if len(p.entries) == 0 {
		return ""
	}
	return "in the ZIP "
}

// inEntry puts the name of the n-th file of a ZIP in front of an error.
func (p packed) inEntry(n int, err error) error {
	if len(p.entries) == 0 {
		return err
	}
	return inFile(err, p.entries[n].Name)
}

func (w *work) unpackEntry(ctx context.Context, object string, e *zip.File) error {
	r, err := e.Open()
	if err != nil && (temporary(err) || ctx.Err() != nil) {
		return err
	}
	if err != nil {
		return badZip("bad_zip", "This file in the ZIP cannot be read; make the ZIP anew.")
	}
	defer func() { _ = r.Close() }()
	limited := &io.LimitedReader{R: r, N: int64(e.UncompressedSize64) + 1} //nolint:gosec // at most maxUnpacked
	err = w.objects.Put(ctx, object, &watched{ctx: ctx, w: w, r: limited})
	switch {
	case limited.N <= 0:
		return badZip("zip_lies", "A file in the ZIP is larger than the ZIP declares.")
	case err != nil && isDamage(err):
		return badZip("bad_zip", "This file in the ZIP is damaged; make the ZIP anew.")
	}
	return err
}

// unpackGzip unpacks a .gz until it reaches the limits.
func (w *work) unpackGzip(ctx context.Context, object string, f job.File) error {
	room, err := w.roomFor(ctx, f)
	if err != nil {
		return err
	}
	in, err := w.objects.Open(ctx, f.Object, f.Version, 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	// An error of the object store does not mean that the file is damaged.
	watch := &watched{ctx: ctx, w: w, r: in}
	z, err := gzip.NewReader(watch)
	if err == nil {
		limited := &io.LimitedReader{R: z, N: room + 1}
		err = w.objects.Put(ctx, object, &bounded{limited, room})
	}
	if err == nil || ctx.Err() != nil || watch.err != nil || !isDamage(err) {
		return err
	}
	return badZip("bad_gzip", "The .gz file is damaged or cut off; make it anew.")
}

// roomFor is how many bytes a .gz may unpack to: no more than its own limit, and no more than the
// other packed files of the import have left of the limit for all.
func (w *work) roomFor(ctx context.Context, f job.File) (int64, error) {
	var all int64
	for _, o := range w.job.Import.Files {
		magic, err := objectPart(ctx, w.objects, o.Object, o.Version, 0, int64(len(magicZIP)))
		if err != nil {
			return 0, err
		}
		if isPacked(magic) {
			all += o.Size
		}
	}
	left := allowed(all)
	for info, err := range w.objects.List(ctx, inputDir(w.job.ID)) {
		if err != nil {
			return 0, err
		}
		left -= info.Size
	}
	return max(0, min(left, allowed(f.Size))), nil
}

// allowed is how many bytes packed files of this size may unpack to.
func allowed(size int64) int64 { return min(maxUnpacked, max(freeOfRatio, maxRatio*size)) }

// bounded refuses to read on at a limit.
type bounded struct {
	*io.LimitedReader

	room int64
}

// Read reads on, unless the limit is reached.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.LimitedReader.Read(p)
	if b.N <= 0 {
		return 0, badZip("gzip_too_large", "The .gz file unpacks to more than %d MiB, which is the limit at its size and beside the other packed files of this import; import the file itself, not packed.", b.room>>20)
	}
	return n, err
}

// isDamage reports whether an error says that the packed data cannot be unpacked.
func isDamage(err error) bool {
	return errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(flate.CorruptInputError))
}

// watched is a reader that stops as soon as the worker must stop.
type watched struct {
	ctx context.Context //nolint:containedctx // io.Reader has no room for it
	w   *work
	r   io.Reader
	err error // why it stopped, unless at the end
}

// Read reads on, unless the worker must stop.
func (r *watched) Read(p []byte) (n int, err error) {
	r.w.makeWay()
	if err = r.w.interrupted(r.ctx); err == nil {
		n, err = r.r.Read(p)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

func badZip(code, format string, args ...any) error {
	return fault.Newf(fault.Invalid, code, format, args...)
}

// zipBytes reads an object at any offset. A ZIP is read from its end, then from front to back, so
// the chunk that was read last is kept.
type zipBytes struct {
	ctx     context.Context //nolint:containedctx // io.ReaderAt has no room for it
	objects *objects.Objects
	file    job.File
	chunk   []byte
	at      int64
}

const zipChunk = 1 << 20

// ReadAt implements io.ReaderAt.
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
