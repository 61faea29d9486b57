package xlsx

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"reseed/pkg/fault"
)

// kind is a kind of token.
type kind byte

const (
	start kind = iota // <name attributes> or <name attributes/>
	end               // </name>, also after <name/>
	chars             // text, not yet unescaped
	cdata             // text as it is
)

// maxToken is the size of the longest tag or text, in bytes: eight times the longest text of a cell,
// with each of its characters escaped.
const maxToken = 1 << 20

// tokens splits XML in UTF-8 into tags and texts. It checks no more than it needs: workbooks are
// written by programs. Comments and processing instructions are skipped.
type tokens struct {
	in       io.Reader
	buf      []byte
	pos, end int
	eof      bool

	name, attrs []byte // of a tag: its name without a prefix, and the rest
	text        []byte
	closes      bool // the tag ends itself: its end comes next
}

func newTokens(in io.Reader) *tokens { return &tokens{in: in, buf: make([]byte, 64<<10)} }

// next returns the next token, or io.EOF. What it refers to is valid until the next call.
func (t *tokens) next() (kind, error) {
	if t.closes {
		t.closes = false
		return end, nil
	}
	for {
		if t.pos == t.end {
			if err := t.more(); err != nil {
				return 0, err
			}
		}
		if t.buf[t.pos] != '<' {
			return chars, t.chars()
		}
		k, ok, err := t.markup()
		if ok || err != nil {
			return k, err
		}
	}
}

// more reads on. The bytes from pos on move to the front.
func (t *tokens) more() error {
	if t.eof {
		return io.EOF
	}
	t.end = copy(t.buf, t.buf[t.pos:t.end])
	if t.pos = 0; t.end == len(t.buf) {
		if len(t.buf) >= maxToken {
			return bad("a part of it is too long")
		}
		t.buf = append(t.buf, make([]byte, len(t.buf))...)
	}
	for range 100 {
		n, err := t.in.Read(t.buf[t.end:])
		t.end += n
		switch {
		case errors.Is(err, io.EOF):
			if t.eof = true; n == 0 {
				return io.EOF
			}
			return nil
		case err != nil:
			return err
		case n > 0:
			return nil
		}
	}
	return io.ErrNoProgress
}

// cut says that the XML ends in the midst of a tag.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return bad("it is cut off")
	}
	return err
}

// find returns the index of a text behind the next n bytes.
func (t *tokens) find(n int, what string) (int, error) {
	for {
		if i := bytes.Index(t.buf[min(t.pos+n, t.end):t.end], []byte(what)); i >= 0 {
			return t.pos + n + i, nil
		}
		if err := t.more(); err != nil {
			return 0, cut(err)
		}
	}
}

func (t *tokens) chars() error {
	for from := 0; ; {
		if i := bytes.IndexByte(t.buf[t.pos+from:t.end], '<'); i >= 0 {
			t.text = t.buf[t.pos : t.pos+from+i]
			t.pos += from + i
			return nil
		}
		from = t.end - t.pos
		switch err := t.more(); {
		case errors.Is(err, io.EOF):
			t.text = t.buf[t.pos:t.end]
			t.pos = t.end
			return nil
		case err != nil:
			return err
		}
	}
}

// markup reads what begins with <. ok is false if it is skipped.
func (t *tokens) markup() (k kind, ok bool, err error) {
	const begin = "<![CDATA["
	for t.end-t.pos < len(begin) {
		if err := t.more(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, false, err
		}
	}
	skip := func(from int, until string) (kind, bool, error) {
		at, err := t.find(from, until)
		t.pos = at + len(until)
		return 0, false, err
	}
	switch head := t.buf[t.pos:t.end]; {
	case bytes.HasPrefix(head, []byte("<?")):
		return skip(len("<?"), "?>")
	case bytes.HasPrefix(head, []byte("<!--")):
		return skip(len("<!--"), "-->")
	case bytes.HasPrefix(head, []byte(begin)):
		at, err := t.find(len(begin), "]]>")
		if err != nil {
			return 0, false, err
		}
		t.text = t.buf[t.pos+len(begin) : at]
		t.pos = at + len("]]>")
		return cdata, true, nil
	case bytes.HasPrefix(head, []byte("<!")):
		return 0, false, bad("it has a document type declaration, which no spreadsheet writes")
	}
	k, err = t.tag()
	return k, true, err
}

// tag reads a tag.
func (t *tokens) tag() (kind, error) {
	size, err := t.tagSize()
	if err != nil {
		return 0, err
	}
	tag := t.buf[t.pos+1 : t.pos+size-1]
	t.pos += size
	k := start
	if len(tag) > 0 && tag[0] == '/' {
		k, tag = end, tag[1:]
	} else if n := len(tag) - 1; n >= 0 && tag[n] == '/' {
		t.closes, tag = true, tag[:n]
	}
	n := 0
	for n < len(tag) && tag[n] > ' ' {
		n++
	}
	t.name, t.attrs = local(tag[:n]), tag[n:]
	if len(t.name) == 0 {
		return 0, bad("it has a tag without a name")
	}
	return k, nil
}

// tagSize is the length of the tag at pos. A > within quotes does not end it.
func (t *tokens) tagSize() (int, error) {
	quote := byte(0)
	for i := 1; ; i++ {
		if t.pos+i == t.end {
			if err := t.more(); err != nil {
				return 0, cut(err)
			}
		}
		switch c := t.buf[t.pos+i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1, nil
		}
	}
}

// local is a name without its prefix.
func local(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

// attr takes the first attribute off a list of them. The name has no prefix; the value is not yet
// unescaped. ok is false at the end.
func attr(list []byte) (name, value, rest []byte, ok bool) {
	i := 0
	for i < len(list) && list[i] <= ' ' {
		i++
	}
	from := i
	for i < len(list) && list[i] != '=' {
		i++
	}
	name = bytes.TrimRight(list[from:i], " \t\r\n")
	for i < len(list) && list[i] != '"' && list[i] != '\'' {
		i++
	}
	if i == len(list) {
		return nil, nil, nil, false
	}
	size := bytes.IndexByte(list[i+1:], list[i])
	if size < 0 {
		return nil, nil, nil, false
	}
	return local(name), list[i+1 : i+1+size], list[i+size+2:], true
}

// value returns an attribute of the tag; empty if there is none.
func (t *tokens) value(name string) string {
	for rest := t.attrs; ; {
		n, v, more, ok := attr(rest)
		if !ok {
			return ""
		}
		if string(n) == name {
			return string(appendUnescaped(nil, v))
		}
		rest = more
	}
}

// skip reads to the end of the element whose start was read last.
func (t *tokens) skip() error {
	for depth := 1; depth > 0; {
		k, err := t.next()
		switch {
		case err != nil:
			return cut(err)
		case k == start:
			depth++
		case k == end:
			depth--
		}
	}
	return nil
}

// appendText appends the text of the token.
func (t *tokens) appendText(dst []byte, k kind) []byte {
	if k == cdata {
		return append(dst, t.text...)
	}
	return appendUnescaped(dst, t.text)
}

// appendUnescaped appends a text with its entities replaced, and line ends as XML has them.
func appendUnescaped(dst, text []byte) []byte {
	if bytes.IndexByte(text, '&') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return append(dst, text...)
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\r':
			if i+1 == len(text) || text[i+1] != '\n' {
				dst = append(dst, '\n')
			}
		case '&':
			size := bytes.IndexByte(text[i:], ';')
			if size < 0 {
				dst = append(dst, '&')
				continue
			}
			dst = appendEntity(dst, text[i:i+size+1])
			i += size
		default:
			dst = append(dst, text[i])
		}
	}
	return dst
}

// appendEntity appends what an entity stands for. One that is not known stays as it is.
func appendEntity(dst, entity []byte) []byte {
	name := string(entity[1 : len(entity)-1])
	switch name {
	case "lt":
		return append(dst, '<')
	case "gt":
		return append(dst, '>')
	case "amp":
		return append(dst, '&')
	case "quot":
		return append(dst, '"')
	case "apos":
		return append(dst, '\'')
	}
	if len(name) > 1 && name[0] == '#' {
		digits, base := name[1:], 10
		if digits[0] == 'x' || digits[0] == 'X' {
			digits, base = digits[1:], 16
		}
		if n, err := strconv.ParseUint(digits, base, 32); err == nil && n <= utf8.MaxRune {
			return utf8.AppendRune(dst, rune(n))
		}
	}
	return append(dst, entity...)
}

// CodeBadWorkbook is the code of a workbook that cannot be read.
const CodeBadWorkbook = "bad_workbook"

func bad(why string) error {
	return fault.Newf(fault.Invalid, CodeBadWorkbook, "The workbook cannot be read: %s. Open it in a spreadsheet, save it as .xlsx, and import that.", why)
}
