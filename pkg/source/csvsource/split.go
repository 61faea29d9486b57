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
// has the cells before that one. A byte order mark is dropped: a file that was joined to another one
// may begin with the record.
func (p *splitter) split(rec *record, text string) outcome {
	raw := rec.text
	if strings.HasPrefix(text, utf8BOM) {
		raw, text = raw[len(utf8BOM):], text[len(utf8BOM):]
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

// splitQuoted splits a text that holds a quote; raw is the same text as bytes.
func (p *splitter) splitQuoted(raw []byte, text string) outcome {
	p.fields = p.fields[:0]
	for pos := 0; ; pos++ { // skip the delimiter
		from := pos
		if at := skipSpaces(raw, from, p.comma); at < len(raw) && raw[at] == '"' {
			end, result := skipQuoted(raw, at+1, true)
			if result != closed {
				return result
			}
			if pos = skipSpaces(raw, end, p.comma); pos < len(raw) && raw[pos] != p.comma {
				return stray
			}
			p.fields = append(p.fields, unescape(text[at+1:end-1]))
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
