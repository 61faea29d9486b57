package bundle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"

	"reseed/pkg/fault"
	"reseed/pkg/source/system"
)

// MostBytes is the largest raw object, in bytes. Of a larger one [system.Cut] leaves what names it.
const MostBytes = 4 << 20

// window is how far back, in bytes, a page may repeat itself: some objects. A larger one costs memory, which is cleared for each page.
const window = 256 << 10

// page names the object of a page.
func (c Config) page(n int) string { return fmt.Sprintf("%s%06d.ndjson.zst", c.Raw, n) }

// WritePage freezes the n-th page, from 0. Done again, it replaces the page. The error is fault.Internal, code raw_object, for
// an object that is no JSON.
func (c Config) WritePage(ctx context.Context, n int, page []system.Object) error {
	var text bytes.Buffer
	w, err := zstd.NewWriter(&text, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "raw_page", "compress a page")
	}
	var line bytes.Buffer
	for _, o := range page {
		line.Reset()
		if err := appendLine(&line, o); err != nil {
			return err
		}
		if _, err := w.Write(line.Bytes()); err != nil {
			return fault.Wrap(err, fault.Internal, "raw_page", "compress a page")
		}
	}
	if err := w.Close(); err != nil {
		return fault.Wrap(err, fault.Internal, "raw_page", "compress a page")
	}
	return c.Objects.Put(ctx, c.page(n), &text)
}

// The parts of a line around its values. A line is the JSON of a [system.Object].
const (
	lineStream = `{"stream":"`
	lineParent = `","parent":`
	lineObject = `"object":`
)

func appendLine(line *bytes.Buffer, o system.Object) error {
	line.WriteString(lineStream)
	line.WriteString(string(o.Stream))
	if o.Parent != "" {
		line.WriteString(lineParent)
		parent, _ := json.Marshal(o.Parent) // a text
		line.Write(parent)
		line.WriteString(",")
	} else {
		line.WriteString(`",`)
	}
	line.WriteString(lineObject)
	compact, err := jsontext.AppendFormat(line.AvailableBuffer(), o.JSON, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true))
	if err != nil {
		return fault.Newf(fault.Internal, "raw_object", "An object of the stream %s is no JSON document.", o.Stream)
	}
	if line.Len()+len(compact) > MostBytes {
		compact = system.Cut(compact, MostBytes-line.Len())
	}
	line.Write(compact)
	line.WriteString("}\n")
	return nil
}

// readLine reads what appendLine has written.
func readLine(line []byte) (o system.Object, err error) {
	rest, ok := bytes.CutPrefix(line, []byte(lineStream))
	n := bytes.IndexByte(rest, '"')
	if !ok || n < 0 {
		return o, errPage()
	}
	o.Stream, rest = system.Stream(rest[:n]), rest[n:]
	if after, has := bytes.CutPrefix(rest, []byte(lineParent)); has {
		end := endOfText(after)
		if end < 0 || json.Unmarshal(after[:end], &o.Parent) != nil {
			return o, errPage()
		}
		rest = after[end:]
	} else {
		rest = rest[1:]
	}
	rest, ok = bytes.CutPrefix(rest, []byte(","+lineObject))
	body, closed := bytes.CutSuffix(rest, []byte("}"))
	if !ok || !closed {
		return o, errPage()
	}
	o.JSON = body
	return o, nil
}

// endOfText is the offset behind a JSON text that stands at the beginning; -1 if it does not end.
func endOfText(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func errPage() error {
	return fault.New(fault.Internal, "raw_page", "a page of raw objects cannot be read")
}

// pageReader reads pages, one after the other.
type pageReader struct {
	c     Config
	z     *zstd.Decoder
	lines *bufio.Reader
	long  []byte // a line that is longer than the buffer
}

func (c Config) newPageReader() (*pageReader, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "raw_page", "read pages")
	}
	return &pageReader{c: c, z: z, lines: bufio.NewReaderSize(z, 64<<10)}, nil
}

func (r *pageReader) close() { r.z.Close() }

// each calls do for each object of a page. Its JSON is valid during the call only.
func (r *pageReader) each(ctx context.Context, n int, do func(o system.Object) error) error {
	in, err := r.c.Objects.Open(ctx, r.c.page(n), "", 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := r.z.Reset(in); err != nil {
		return errPage()
	}
	r.lines.Reset(r.z)
	for {
		line, err := r.line()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		o, err := readLine(line)
		if err != nil {
			return err
		}
		if err := do(o); err != nil {
			return err
		}
	}
}

// line reads a line, without its end; io.EOF after the last one. It is valid until the next call.
func (r *pageReader) line() ([]byte, error) {
	r.long = r.long[:0]
	for {
		part, err := r.lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			r.long = append(r.long, part...)
			continue
		case errors.Is(err, io.EOF) && len(part)+len(r.long) == 0:
			return nil, io.EOF
		case err != nil:
			return nil, errPage()
		}
		if len(r.long) > 0 {
			r.long = append(r.long, part...)
			part = r.long
		}
		return part[:len(part)-1], nil
	}
}
