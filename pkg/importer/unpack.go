package importer

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
)

// Limits of packed files, against files that unpack to far more than their sender meant. For ZIPs
// they apply to the sizes that the ZIP declares for its CSV and NDJSON files; an entry larger than
// declared is an error. A .gz declares no size, and neither does text in another encoding: they are
// unpacked until they reach the limits.
const (
	maxUnpacked  = 50 << 30  // bytes, all packed files of an import together
	maxRatio     = 200       // unpacked bytes for each packed byte, of each file and of all together
	freeOfRatio  = 100 << 20 // bytes that may be unpacked at any ratio
	maxZipFiles  = 100
	wholeStep    = time.Minute // an attempt to unpack an entry counts only if it had this time before the deadline
	mostAttempts = 3
)

func inputDir(jobID string) string { return jobDir(jobID) + "input/" }

// packed is a file that is not read as it is, but from copies in the folder of its job: a ZIP, a
// workbook, a .gz, or text that is not in UTF-8. Only a ZIP has entries; it and a workbook have tabs.
// What is in it is numbered, the tabs behind the entries.
type packed struct {
	file    job.File
	kept    *source.Readings // by the source; may be nil
	entries []*zip.File      // what may be imported, by its name
	tabs    []tab            // of all workbooks
	others  []string         // paths of the other files in the ZIP
}

// isText reports whether the file is a single one, packed or in another encoding.
func (p packed) isText() bool { return len(p.entries)+len(p.tabs) == 0 }

// The first bytes of packed files.
const (
	magicZIP      = "PK\x03\x04"
	magicEmptyZIP = "PK\x05\x06"
	magicGzip     = "\x1f\x8b"
)

// packedFiles finds the packed files of a job, by their indexes, and checks the sizes that they
// declare.
func (im *Importer) packedFiles(ctx context.Context, j *job.Job) (map[int]packed, error) {
	out := map[int]packed{}
	for i, f := range j.Import.Files {
		p, is, err := packedFile(ctx, im.c.Objects, f, j.Import.Readings)
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
func packedFile(ctx context.Context, o *objects.Objects, f job.File, kept *source.Readings) (p packed, is bool, err error) {
	if f.Tab != "" { // a frozen table
		return p, false, nil
	}
	head, err := objectPart(ctx, o, f.Object, f.Version, 0, beginBytes)
	p.file, p.kept = f, kept
	switch {
	case err != nil:
		return p, false, err
	case bytes.HasPrefix(head, []byte(magicZIP)), bytes.HasPrefix(head, []byte(magicEmptyZIP)):
		err = p.openZip(ctx, o)
		return p, true, err
	case bytes.HasPrefix(head, []byte(magicGzip)):
		return p, true, nil
	}
	enc, _, err := encodingOf(ctx, head, f, kept)
	return p, enc != nil, err
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
	if p.isText() {
		return sizes{}
	}
	s := sizes{packed: uint64(p.file.Size)} //nolint:gosec // never negative
	for _, e := range p.entries {
		s = s.add(sizes{unpacked: e.UncompressedSize64})
	}
	for _, t := range p.tabs {
		if t.n == 0 {
			s = s.add(sizes{unpacked: t.book.Size()})
		}
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
		parts, _, err := files[i].tables(ctx)
		if err != nil {
			return nil, inFile(err, files[i].file.Name)
		}
		for _, n := range parts {
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

// readUnpacked reads the name of [unpackedObject]; ok is false for other objects.
func readUnpacked(jobID, object string) (i, n int, ok bool) {
	name, ok := strings.CutPrefix(object, inputDir(jobID))
	if !ok {
		return 0, 0, false
	}
	_, err := fmt.Sscanf(name, "%d-%d.csv", &i, &n)
	return i, n, err == nil
}

// packedAs returns which of the packed files of a job an object was unpacked from. They are in the
// order of what was unpacked from them.
func packedAs(jobID string, files []job.File, object string) int {
	of, _, _ := readUnpacked(jobID, object)
	var before []int
	for _, f := range files {
		if i, _, ok := readUnpacked(jobID, f.Object); ok && i < of && !slices.Contains(before, i) {
			before = append(before, i)
		}
	}
	return len(before)
}

// inputs are the files that an import reads.
type inputs struct {
	files []job.File
	zips  []job.File // the packed ones, in whose place unpacked ones are read
	notes []string   // what of them is left out
}

// inputs lists the files of a job, with unpacked files in place of packed ones. Files of the same
// name are told apart by their paths.
func (im *Importer) inputs(ctx context.Context, j *job.Job) (in inputs, err error) {
	found, err := im.packedFiles(ctx, j)
	if err != nil {
		return in, err
	}
	for i, f := range j.Import.Files {
		if p, is := found[i]; !is {
			in.files = append(in.files, f)
		} else if err := im.addUnpacked(ctx, &in, p, func(n int) string { return unpackedObject(j.ID, i, n) }); err != nil {
			return in, inFile(err, f.Name)
		}
	}
	var paths []string
	for _, f := range in.files {
		paths = append(paths, f.Name)
	}
	for i, name := range TellApart(paths) {
		in.files[i].Name = name
	}
	return in, nil
}

// addUnpacked adds what was unpacked from a file.
func (im *Importer) addUnpacked(ctx context.Context, in *inputs, p packed, object func(n int) string) error {
	parts, leftOut, err := p.tables(ctx)
	if err != nil {
		return err
	}
	for _, n := range parts {
		info, err := im.c.Objects.Stat(ctx, object(n))
		if err != nil {
			return err
		}
		f := p.part(n)
		if f.Settings.Encoding, err = p.encoding(ctx, im.c.Objects, n); err != nil {
			return err
		}
		f.Object, f.Version, f.Size = info.Key, info.Version, info.Size
		in.files = append(in.files, f)
	}
	in.zips = append(in.zips, p.file)
	if len(leftOut) > 0 {
		in.notes = append(in.notes, p.file.Name+": left out: "+Listed(TellApart(leftOut)))
	}
	return nil
}

// part is the n-th file in a packed file, named by its path, the ZIP included. It has no object.
func (p packed) part(n int) job.File {
	f := job.File{Name: withoutGzip(p.file.Name), Dataset: p.file.Dataset, Settings: p.file.Settings, LeftOut: leftOutOf(p.file, n)}
	switch {
	case p.isText():
	case n < len(p.entries):
		f.Name = p.file.Name + "/" + withoutGzip(p.entries[n].Name)
	default:
		t := p.tabs[n-len(p.entries)]
		f.Name, f.Tab = p.file.Name+"/"+t.path(), t.title
		f.Settings.Encoding, f.Settings.Delimiter = "", ""
	}
	return f
}

// encoding is the name of the encoding in which the n-th file is read because of settings.
func (p packed) encoding(ctx context.Context, o *objects.Objects, n int) (string, error) {
	if p.file.Settings.Encoding == "" && p.kept == nil || p.part(n).Tab != "" {
		return "", nil
	}
	in, err := p.open(ctx, o, n)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }()
	_, head, err := unzipped(in)
	return encodingName(ctx, head, p.part(n), p.kept), err
}

// tables lists the numbers of the files in a packed file that are imported, and the paths of those
// in a ZIP that are left out: those that cannot be imported, and .txt files that are no tables.
func (p packed) tables(ctx context.Context) (parts []int, leftOut []string, err error) {
	if p.isText() {
		return []int{0}, nil, nil
	}
	leftOut = slices.Clip(p.others)
	for n, e := range p.entries {
		prose, err := p.isProse(ctx, n)
		switch {
		case err != nil:
			return nil, nil, inFile(err, e.Name)
		case prose:
			leftOut = append(leftOut, e.Name)
		default:
			parts = append(parts, n)
		}
	}
	for i := range p.tabs {
		t := &p.tabs[i]
		err := p.judgeTab(ctx, i)
		switch {
		case err == nil:
			parts = append(parts, len(p.entries)+i)
		case fault.Is(err, fault.Invalid) && !LeavesOut(t.title, err): // left out in silence, rows would be missing
			return nil, nil, inFile(err, t.path())
		case fault.Is(err, fault.Invalid) && t.book.Hidden(t.n):
		case fault.Is(err, fault.Invalid):
			leftOut = append(leftOut, t.path())
		default:
			return nil, nil, inFile(err, t.path())
		}
	}
	if len(parts) == 0 {
		return nil, nil, p.noTable(leftOut)
	}
	return parts, leftOut, nil
}

// isProse reports whether the n-th file of a ZIP is text for people. One that is damaged is not
// judged here.
func (p packed) isProse(ctx context.Context, n int) (bool, error) {
	prose, err := IsProse(ctx, p.part(n), p.kept, p.entries[n].Open)
	if isDamage(err) {
		return false, nil
	}
	return prose, err
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
	p, _, err := packedFile(ctx, w.objects, f, w.job.Import.Readings)
	switch {
	case err != nil:
	case done >= mostAttempts:
		err = p.inEntry(n, badZip("zip_entry_too_large",
			"This file %stakes longer to unpack than one step may take; import it unpacked.", p.place()))
	default:
		err = p.inEntry(n, w.unpackPart(ctx, object, p, n))
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
	if p.isText() {
		return ""
	}
	return "in the ZIP "
}

// inEntry puts the name of the n-th file of a ZIP in front of an error.
func (p packed) inEntry(n int, err error) error {
	switch {
	case p.isText():
		return err
	case n < len(p.entries):
		return inFile(err, p.entries[n].Name)
	}
	return inFile(err, p.tabs[n-len(p.entries)].path())
}

// unpackPart writes the n-th file of a packed file to its object, in UTF-8.
func (w *work) unpackPart(ctx context.Context, object string, p packed, n int) error {
	room, err := w.roomFor(ctx, p.file)
	if err != nil {
		return err
	}
	if n >= len(p.entries) && !p.isText() {
		return p.damage(w.freeze(ctx, object, p, n-len(p.entries), room))
	}
	in, err := p.open(ctx, w.objects, n)
	if err != nil {
		return p.damage(err)
	}
	defer func() { _ = in.Close() }()
	watch := &watched{ctx: ctx, w: w, r: in}
	text, err := asText(ctx, watch, p.part(n), p.kept)
	if err == nil {
		err = w.objects.Put(ctx, object, &bounded{&io.LimitedReader{R: text, N: room + 1}, tooLarge(room)})
	}
	if p.isText() && watch.err != nil { // an error of the object store does not mean that the file is damaged
		return err
	}
	return p.damage(err)
}

// open opens the n-th file of a packed file, without its ZIP.
func (p packed) open(ctx context.Context, o *objects.Objects, n int) (io.ReadCloser, error) {
	if p.isText() {
		return o.Open(ctx, p.file.Object, p.file.Version, 0, -1)
	}
	e := p.entries[n]
	in, err := e.Open()
	if err != nil {
		return nil, err
	}
	declared := int64(e.UncompressedSize64) //nolint:gosec // at most maxUnpacked
	return struct {
		io.Reader
		io.Closer
	}{&bounded{&io.LimitedReader{R: in, N: declared + 1}, badZip("zip_lies", "A file in the ZIP is larger than the ZIP declares.")}, in}, nil
}

// damage returns the error of a file that is damaged in place of an error that means that.
func (p packed) damage(err error) error {
	switch {
	case err == nil, !isDamage(err):
		return err
	case len(p.tabs) > 0 && len(p.entries) == 0:
		return damagedBook(err)
	case !p.isText():
		return badZip("bad_zip", "This file in the ZIP is damaged; make the ZIP anew.")
	}
	return badZip("bad_gzip", "The .gz file is damaged or cut off; make it anew.")
}

// roomFor is how many bytes a file may unpack to: no more than its own limit, and no more than the
// others have left of the limit for all.
func (w *work) roomFor(ctx context.Context, f job.File) (int64, error) {
	var all int64
	for _, o := range w.job.Import.Files {
		all += o.Size
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

func tooLarge(room int64) error {
	return badZip("gzip_too_large",
		"It unpacks to more than %d MiB, which is the limit at its size and beside the other packed files of this import; import the file itself, not packed.", room>>20)
}

// bounded fails at its limit.
type bounded struct {
	*io.LimitedReader

	over error
}

// Read reads on, unless the limit is reached.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.LimitedReader.Read(p)
	if b.N <= 0 {
		return 0, b.over
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

// Read reads on, unless the worker must stop. It is told that once.
func (r *watched) Read(p []byte) (n int, err error) {
	if r.err != nil {
		return 0, r.err
	}
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
