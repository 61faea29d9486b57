package xlsx

import (
	"errors"
	"io"

	"reseed/pkg/fault"
)

// maxShared is how much memory the texts that cells share may take, in bytes.
const maxShared = 128 << 20

const (
	blockSize   = 1 << 20
	placesSize  = 1 << 16
	placeMemory = 16 // bytes of a place
)

// shared are the texts that cells refer to by number. They are kept in blocks, so that memory grows
// by what is added only.
type shared struct {
	blocks [][]byte
	places [][]place // each full, but for the last
	count  int
	memory int
}

// place is where a text is.
type place struct {
	block, at, size uint32
}

func (s *shared) add(text []byte) error {
	if s.memory += len(text) + placeMemory; s.memory > maxShared {
		return fault.Newf(fault.TooLarge, "workbook_too_large",
			"The workbook has more than %d MB of different texts; save its sheets as CSV, and import those.", maxShared>>20)
	}
	n := len(s.blocks)
	if n == 0 || cap(s.blocks[n-1])-len(s.blocks[n-1]) < len(text) {
		s.blocks = append(s.blocks, make([]byte, 0, max(blockSize, len(text))))
		n++
	}
	block := &s.blocks[n-1]
	at := len(*block)
	*block = append(*block, text...)
	if s.count%placesSize == 0 {
		s.places = append(s.places, make([]place, 0, placesSize))
	}
	last := &s.places[len(s.places)-1]
	*last = append(*last, place{uint32(n - 1), uint32(at), uint32(len(text))}) //nolint:gosec // below maxShared
	s.count++
	return nil
}

// text returns a text. It must not be changed.
func (s *shared) text(n int) []byte {
	p := s.places[n/placesSize][n%placesSize]
	return s.blocks[p.block][p.at : p.at+p.size]
}

// readShared reads the part with the texts that cells share.
func readShared(in io.Reader) (*shared, error) {
	s, t := &shared{}, newTokens(in)
	var text []byte
	for {
		k, err := t.next()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err == nil && k == start && string(t.name) == "si" {
			if text, err = t.rich(text[:0]); err == nil {
				err = s.add(unescapeControls(text))
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// rich appends the text of an element of runs, up to its end: that of all <t> in it, but for the
// pronunciations beside them.
func (t *tokens) rich(dst []byte) ([]byte, error) {
	inText := false
	for depth := 1; ; {
		k, err := t.next()
		if err != nil {
			return dst, cut(err)
		}
		switch k {
		case start:
			if string(t.name) == "rPh" {
				if err := t.skip(); err != nil {
					return dst, err
				}
				continue
			}
			depth++
			inText = string(t.name) == "t"
		case end:
			if depth--; depth == 0 {
				return dst, nil
			}
			inText = false
		case chars, cdata:
			if inText {
				dst = t.appendText(dst, k)
			}
		}
	}
}

// unescapeControls replaces what Excel writes for characters that XML cannot hold: _x000D_ is a
// carriage return, and _x005F_ the underscore of a text that looks so. It changes text.
func unescapeControls(text []byte) []byte {
	const size = len("_x0000_")
	out := text[:0]
	for i := 0; i < len(text); i++ {
		if r, ok := control(text[i:min(len(text), i+size)]); ok {
			out = append(out, r)
			i += size - 1
			continue
		}
		out = append(out, text[i])
	}
	return out
}

// control reads _xHHHH_ of a character below U+0080, which others need not be written so.
func control(text []byte) (byte, bool) {
	if len(text) != len("_x0000_") || text[0] != '_' || text[1] != 'x' || text[6] != '_' || text[2] != '0' || text[3] != '0' {
		return 0, false
	}
	high, low := hex(text[4]), hex(text[5])
	if high < 0 || high > 7 || low < 0 || high == 0 && low == 0 {
		return 0, false
	}
	return byte(high<<4 | low), true //nolint:gosec // at most 127
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
