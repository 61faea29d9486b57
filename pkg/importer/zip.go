package importer

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source/xlsx"
)

// openZip lists what is in the file, which is a ZIP or a workbook. It fails if that cannot be unpacked.
func (p *packed) openZip(ctx context.Context, o *objects.Objects) error {
	z, err := openZip(ctx, o, p.file)
	if err != nil {
		return err
	}
	return p.list(z)
}

// list lists the files in a ZIP that may be imported, by their names, the tabs of the workbooks in it,
// and the paths of the others; or the tabs, if the ZIP is a workbook. It fails if the ZIP's directory
// shows that they cannot be unpacked.
func (p *packed) list(z *zip.Reader) (err error) {
	if xlsx.Is(z) {
		p.tabs, err = tabsOf(z, "")
		return cmp.Or(err, p.checkNumber())
	}
	var books []*zip.File
	for _, e := range z.File {
		switch {
		case strings.HasSuffix(e.Name, "/"), strings.HasSuffix(e.Name, `\`), Ignores(e.Name):
		case isPlain(e.Name):
			p.entries = append(p.entries, e)
		case isBook(e.Name):
			books = append(books, e)
		default:
			p.others = append(p.others, e.Name)
		}
	}
	if len(p.entries)+len(books) == 0 {
		return noEntries(z, p.others)
	}
	if err := checkEntries(slices.Concat(p.entries, books)); err != nil {
		return err
	}
	if p.tabs, err = tabsIn(books); err != nil {
		return err
	}
	return p.checkNumber()
}

// checkNumber checks that files and tabs can be numbered.
func (p *packed) checkNumber() error {
	if len(p.entries)+len(p.tabs) > maxZipFiles {
		return badZip("zip_too_many_files", "There are more than %d files and tabs of workbooks in it.", maxZipFiles)
	}
	return nil
}

func checkEntries(entries []*zip.File) error {
	if slices.ContainsFunc(entries, func(e *zip.File) bool { return e.Flags&1 != 0 }) {
		return badZip("zip_encrypted", "The ZIP file is encrypted; send it without a password.")
	}
	if len(entries) > maxZipFiles {
		return badZip("zip_too_many_files", "There are more than %d files in the ZIP.", maxZipFiles)
	}
	for _, e := range entries {
		if e.Method != zip.Store && e.Method != zip.Deflate {
			return inFile(badZip("zip_method", "It is compressed with %s; make the ZIP with another program, or import the file itself.", methodName(e.Method)), e.Name)
		}
	}
	return nil
}

// methodName names a way of compression that cannot be read.
func methodName(method uint16) string {
	switch method {
	case 9:
		return "Deflate64, which Windows uses for files over 2 GB"
	case 12:
		return "bzip2"
	case 14:
		return "LZMA"
	case 93:
		return "Zstandard"
	case 95:
		return "xz"
	case 98:
		return "PPMd"
	}
	return fmt.Sprintf("method %d", method)
}

// noEntries says why there is nothing to import in a ZIP.
func noEntries(z *zip.Reader, others []string) error {
	holds := func(is func(name string) bool) bool {
		return slices.ContainsFunc(z.File, func(e *zip.File) bool { return is(e.Name) })
	}
	switch {
	case holds(func(name string) bool { return name == "xl/workbook.bin" }):
		return badZip("workbook", "This is a binary workbook of Excel (.xlsb); save it as .xlsx, and import that.")
	case holds(func(name string) bool { return name == "content.xml" }):
		return badZip("workbook", "This is a document of OpenDocument (.ods); save it as .xlsx or its sheets as CSV, and import that.")
	case holds(func(name string) bool { return name == "Index.zip" || path.Ext(name) == ".iwa" }):
		return badZip("workbook", "This is a document of Numbers, Pages or Keynote; in Numbers choose File, Export To, Excel or CSV, and import that.")
	}
	return noTable(others)
}

// noTable is the error for a ZIP that holds only these files.
func noTable(others []string) error {
	if len(others) == 0 {
		return badZip("zip_without_csv", "There is no file in the ZIP.")
	}
	return badZip("zip_without_csv", "There is no CSV or NDJSON file and no .xlsx workbook in the ZIP; it holds %s. Unpack what is packed in it, save other workbooks as .xlsx, and import those files.",
		Listed(TellApart(others)))
}

// unreadable is the error of a ZIP, or of a workbook, which is one, whose directory cannot be read.
func unreadable(name string) error {
	if isBook(name) {
		return badZip("bad_zip", "The workbook cannot be read, perhaps since it was not copied to its end; copy it again, or save it anew.")
	}
	return badZip("bad_zip", "The ZIP file cannot be read; make it anew.")
}

// openZip reads the directory of a ZIP.
func openZip(ctx context.Context, o *objects.Objects, f job.File) (*zip.Reader, error) {
	z, err := zip.NewReader(&zipBytes{ctx: ctx, objects: o, file: f}, f.Size)
	if err != nil && !temporary(err) && ctx.Err() == nil {
		err = unreadable(f.Name)
	}
	return z, err
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

// ReadAt implements io.ReaderAt. Offsets stand in the ZIP, so they may be anything.
func (z *zipBytes) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, zip.ErrFormat
	}
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
