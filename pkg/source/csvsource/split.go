package csvsource

import (
	"bytes"
	"strings"
)

// splitter splits records into cells. fields has the cells of the last record. They are substrings
// of the record's text, except cells with a quote inside.
type splitter struct {
	comma  byte
	fields []string
}

// split splits a record, given its text from [scanner.content]. In a bad record it stops at the
// quoted cell that does not end properly, and returns what is wrong with it: open or stray. fields
// has the cells before that one.
func (p *splitter) split(rec *record, text string) outcome {
	raw := rec.text
	if n := marks(raw); n > 0 {
		raw, text = raw[n:], text[n:]
	}
	if rec.quoted {
		return p.splitQuoted(raw, text)
	}
	fields := p.fields[:0]
	for {
		size := 0
		if text == "" || text[0] != p.comma { // many cells are empty
			size = strings.IndexByte(text, p.comma)
		}
		if size < 0 {
			p.fields = append(fields, text)
			return closed
		}
		fields = append(fields, text[:size])
		text = text[size+1:]
	}
}

// marks returns how many bytes at the beginning of a record are no part of its cells: where files were
// joined, the Ctrl-Z with which old programs end a file, and the byte order mark of the next one.
func marks(text []byte) (n int) {
	if len(text) == 0 || text[0] != endMark && text[0] != utf8BOM[0] {
		return 0
	}
	for n < len(text) && text[n] == endMark {
		n++
	}
	if bytes.HasPrefix(text[n:], []byte(utf8BOM)) {
		n += len(utf8BOM)
	}
	return n
}

const endMark = 0x1a

// splitQuoted splits a text that holds a quote; raw is the same text as bytes.
func (p *splitter) splitQuoted(raw []byte, text string) outcome {
	p.fields = p.fields[:0]
	for pos := 0; ; pos++ { // skip the delimiter
		from := pos
		if pos = skipSpaces(raw, from, p.comma); pos < len(raw) && raw[pos] == '"' {
			begin := pos + 1
			end, result := skipQuoted(raw, begin, true)
			if result != closed {
				return result
			}
			if pos = skipSpaces(raw, end, p.comma); pos < len(raw) && raw[pos] != p.comma {
				return stray
			}
			p.fields = append(p.fields, unescape(text[begin:end-1]))
		} else {
			if pos = bytes.IndexByte(raw[from:], p.comma) + from; pos < from {
				pos = len(raw)
			}
			p.fields = append(p.fields, text[from:pos])
		}
		if pos == len(raw) {
			return closed
		}
	}
}

// unescape undoes the doubling of quotes in a quoted cell.
func unescape(cell string) string {
	if strings.IndexByte(cell, '"') < 0 {
		return cell
	}
	return strings.ReplaceAll(cell, `""`, `"`)
}

// blank says whether a cell holds nothing but white space.
func blank(cell string) bool { return strings.TrimSpace(cell) == "" }

func allBlank(cells []string) bool {
	for _, cell := range cells {
		if !blank(cell) {
			return false
		}
	}
	return true
}
