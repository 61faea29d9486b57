package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
)

// asText returns a file as it is to be read: unpacked, if it is a .gz, and in UTF-8. What its
// encoding does not have becomes U+FFFD. Reading fails (already_utf8) if it is UTF-8, and was said to
// be in another encoding.
func asText(ctx context.Context, in io.Reader, f job.File, kept *source.Readings) (io.Reader, error) {
	text, head, err := unzipped(in)
	if err != nil {
		return nil, err
	}
	enc, said, err := encodingOf(ctx, head, f, kept)
	switch {
	case err != nil || enc == nil:
		return text, err
	case said != "":
		return enc.NewDecoder().Reader(&foreignText{in: text, encoding: said}), nil
	}
	return enc.NewDecoder().Reader(text), nil
}

// unzipped returns a file unpacked, if it is a .gz, and how it begins then.
func unzipped(in io.Reader) (text *bufio.Reader, head []byte, err error) {
	text = bufio.NewReaderSize(in, beginBytes)
	head, err = peek(text)
	if err == nil && bytes.HasPrefix(head, []byte(magicGzip)) {
		var z *gzip.Reader
		if z, err = gzip.NewReader(text); err == nil {
			text = bufio.NewReaderSize(z, beginBytes)
			head, err = peek(text)
		}
	}
	return text, head, err
}

// peek returns the beginning of a file without reading it.
func peek(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(beginBytes)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head, err
}

// encodingOf returns the encoding of a file that begins with head, or nil if the file is to be read
// as it is. said is the name that settings give it; empty if a byte order mark tells it. That beats
// the settings, which are for tables: NDJSON is always UTF-8. kept may be nil.
func encodingOf(ctx context.Context, head []byte, f job.File, kept *source.Readings) (enc encoding.Encoding, said string, err error) {
	for _, m := range marks() {
		if bytes.HasPrefix(head, []byte(m.mark)) {
			return m.encoding, "", nil
		}
	}
	if said = encodingName(ctx, head, f, kept); said == "" { // it is UTF-8, or no text at all
		return nil, "", nil
	}
	switch enc, err = htmlindex.Get(said); {
	case err != nil:
		return nil, "", fault.Newf(fault.Invalid, "unknown_encoding", "There is no encoding %q.", said)
	case enc == unicode.UTF8:
		return nil, "", nil
	}
	return enc, said, nil
}

// encodingName is the name of the encoding that was given for a table, or that its source keeps for
// its dataset; empty for a file that has a byte order mark or is no table.
func encodingName(ctx context.Context, head []byte, f job.File, kept *source.Readings) string {
	switch {
	case beginningOf(head, false).marked(), formatOf(head, f.Name) != "", source.Foreign(head) != nil:
		return ""
	case f.Settings.Encoding != "" || kept == nil:
		return f.Settings.Encoding
	}
	return resolve(ctx, kept, beginningOf(head, false), hintOf(f)).settings().Encoding
}

// mark is a byte order mark, and what it says; no encoding means UTF-8.
type mark struct {
	mark     string
	encoding encoding.Encoding
}

// marks lists the longer ones first: the mark of UTF-32 begins like that of UTF-16.
func marks() []mark {
	return []mark{
		{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
		{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
		{"\xef\xbb\xbf", nil},
		{"\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
		{"\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
	}
}
