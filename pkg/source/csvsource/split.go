package csvsource

import (
	"bytes"
	"strings"
)

// splitter takes records apart. Its fields are those of the last record, at most
// limit of them. They are substrings of the record's text, but for cells with a
// quote inside.
type splitter struct {
	comma  byte
	limit  int
	fields []string
	count  int  // of all cells, also above limit
	extra  bool // a cell above limit is not blank
}

// split takes a record apart, given its text as [scanner.content] makes it. In a bad one it stops in the quoted cell that does
// not end properly, whose column is then count, and returns how: open or stray.
func (p *splitter) split(rec *record, text string) outcome {
	p.fields, p.count, p.extra = p.fields[:0], 0, false
	if rec.quoted {
		return p.splitQuoted(rec.text, text)
	}
	from := 0
	for i := range len(text) {
		if text[i] == p.comma {
			p.add(text[from:i])
			from = i + 1
		}
	}
	p.add(text[from:])
	return closed
}

// splitQuoted takes apart a text that holds a quote; raw are its bytes.
func (p *splitter) splitQuoted(raw []byte, text string) outcome {
	for pos := 0; ; pos++ { // over the delimiter
		from := pos
		if from < len(raw) && raw[from] == '"' {
			var result outcome
			if pos, result = skipQuoted(raw, from+1, p.comma, true); result != closed {
				return result
			}
			p.add(unescape(text[from+1 : pos-1]))
		} else {
			if pos = bytes.IndexByte(raw[from:], p.comma) + from; pos < from {
				pos = len(raw)
			}
			p.add(text[from:pos])
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

func (p *splitter) add(cell string) {
	p.count++
	if len(p.fields) < p.limit {
		p.fields = append(p.fields, cell)
	} else if !p.extra {
		p.extra = !blank(cell)
	}
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
