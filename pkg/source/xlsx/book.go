package xlsx

import (
	"archive/zip"
	"errors"
	"io"
	"path"
	"strings"
)

// Book is an open workbook. One goroutine uses it.
type Book struct {
	parts     map[string]*zip.File // by path, in small letters
	tabs      []tab
	since1904 bool
	styles    []style
	strings   string  // path of the part; empty if there is none
	shared    *shared // nil until a cell asks for it
}

// tab is a sheet of the workbook.
type tab struct {
	title  string
	hidden bool
	part   *zip.File
}

// Is reports whether a ZIP is a workbook that can be read.
func Is(z *zip.Reader) bool { return mainPart(z) != nil }

// mainPart finds the part that lists the tabs.
func mainPart(z *zip.Reader) *zip.File {
	for _, f := range z.File {
		if name := clean(f.Name); strings.HasPrefix(name, "xl/workbook") && strings.HasSuffix(name, ".xml") {
			return f
		}
	}
	return nil
}

func clean(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(name, `\`, "/")), "/"))
}

// Open reads what a workbook says of itself, and no rows. The error is fault.Invalid, code
// [CodeBadWorkbook], if it cannot be read; or that of reading.
func Open(z *zip.Reader) (*Book, error) {
	main := mainPart(z)
	if main == nil {
		return nil, bad("it does not list its tabs")
	}
	b := &Book{parts: map[string]*zip.File{}}
	for _, f := range z.File {
		b.parts[clean(f.Name)] = f
	}
	folder := path.Dir(clean(main.Name))
	links, err := b.links(folder, path.Base(clean(main.Name)))
	if err != nil {
		return nil, err
	}
	if err := b.readMain(main, links); err != nil {
		return nil, err
	}
	if len(b.tabs) == 0 {
		return nil, bad("it has no tabs")
	}
	for _, l := range links {
		switch l.kind {
		case "styles":
			err = b.part(l.target, func(in io.Reader) (err error) {
				b.styles, err = readStyles(in)
				return err
			})
		case "sharedStrings":
			b.strings = l.target
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// link is a part that another one refers to by an id.
type link struct {
	kind, target string
}

// links reads to what the main part refers.
func (b *Book) links(folder, main string) (map[string]link, error) {
	links := map[string]link{}
	err := b.part(path.Join(folder, "_rels", main+".rels"), func(in io.Reader) error {
		return each(in, "Relationship", func(t *tokens) {
			target := clean(t.value("Target"))
			if !strings.HasPrefix(t.value("Target"), "/") {
				target = clean(path.Join(folder, t.value("Target")))
			}
			kind := t.value("Type")
			links[t.value("Id")] = link{kind[strings.LastIndexByte(kind, '/')+1:], target}
		})
	})
	return links, err
}

// readMain lists the tabs, without charts and the like.
func (b *Book) readMain(main *zip.File, links map[string]link) error {
	missing := false
	err := b.part(clean(main.Name), func(in io.Reader) error {
		return each(in, "", func(t *tokens) {
			switch string(t.name) {
			case "workbookPr":
				v := t.value("date1904")
				b.since1904 = v == "1" || v == "true" || v == "on"
			case "sheet":
				if l := links[t.value("id")]; l.kind == "worksheet" {
					part := b.parts[l.target]
					missing = missing || part == nil
					state := t.value("state")
					b.tabs = append(b.tabs, tab{t.value("name"), state == "hidden" || state == "veryHidden", part})
				}
			}
		})
	})
	if err == nil && missing {
		err = bad("one of its tabs is missing")
	}
	return err
}

// each calls a function at each start of an element of a name; empty stands for every name.
func each(in io.Reader, name string, found func(*tokens)) error {
	for t := newTokens(in); ; {
		k, err := t.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case k == start && (name == "" || string(t.name) == name):
			found(t)
		}
	}
}

// part reads a part of the workbook.
func (b *Book) part(name string, read func(io.Reader) error) error {
	f := b.parts[name]
	if f == nil {
		return bad("its part " + path.Base(name) + " is missing")
	}
	in, err := openPart(f)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return read(in)
}

// openPart opens a part, which may not be larger than the ZIP declares.
func openPart(f *zip.File) (io.ReadCloser, error) {
	if f.Flags&1 != 0 {
		return nil, bad("it is encrypted")
	}
	if f.Method != zip.Store && f.Method != zip.Deflate {
		return nil, bad("it is compressed in an unusual way")
	}
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&declared{in, f.UncompressedSize64}, in}, nil
}

// declared fails if more comes than was declared.
type declared struct {
	in   io.Reader
	left uint64
}

// Read reads on.
func (d *declared) Read(p []byte) (int, error) {
	n, err := d.in.Read(p)
	if uint64(n) > d.left { //nolint:gosec // never negative
		return 0, bad("a part of it is larger than it declares")
	}
	d.left -= uint64(n) //nolint:gosec // never negative
	return n, err
}

// Tabs lists the titles of the tabs, in their order.
func (b *Book) Tabs() []string {
	titles := make([]string, len(b.tabs))
	for i, t := range b.tabs {
		titles[i] = t.title
	}
	return titles
}

// Hidden reports whether the n-th tab is hidden.
func (b *Book) Hidden(n int) bool { return b.tabs[n].hidden }

// Since1904 reports whether the serial numbers of dates count from 1904.
func (b *Book) Since1904() bool { return b.since1904 }

// Size is how many bytes the parts that hold rows unpack to, as they declare.
func (b *Book) Size() (n uint64) {
	const most = 1 << 50 // so that no sum overflows
	for _, t := range b.tabs {
		n += min(most, t.part.UncompressedSize64)
	}
	if f := b.parts[b.strings]; f != nil {
		n += min(most, f.UncompressedSize64)
	}
	return n
}
