package csvsource

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"

	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// Correct copies the corrected rows of a rejects file, see [source.Format]. The cell [columnRow] of
// each is emptied: a person has said what belongs into the others.
func (Format) Correct(rejects io.Reader, s source.Shape, rows source.Corrections) ([]byte, error) {
	in := csv.NewReader(withoutMark(rejects))
	in.Comma, in.FieldsPerRecord = rune(s.Delimiter[0]), -1
	header, err := in.Read()
	if err != nil {
		return nil, badRejects(err)
	}
	names := withoutRejectColumns(header)
	unescapeFormulas(names)
	added := addedColumns(header)
	line, whole := slices.Index(added, columnLine), slices.Index(added, columnRow)
	if line < 0 || whole < 0 {
		return nil, badRejects(errors.New("a column is missing"))
	}
	out := tableWriter{comma: s.Delimiter[0]}
	unescapeFormulas(header)
	text := out.append([]byte(utf8BOM), header)
	for {
		row, err := in.Read()
		switch {
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return nil, badRejects(err)
		case len(row) != len(header):
			return nil, badRejects(errors.New("a row has another number of cells than the header row"))
		}
		n, _ := strconv.ParseInt(row[line], 10, 64) // written by AppendReject
		cells, corrected := rows.Take(n)
		if !corrected {
			continue
		}
		unescapeFormulas(row)
		if row[whole] = ""; !put(row, names, cells) {
			return nil, source.NoSuchColumn(n)
		}
		text = out.append(text, row)
	}
}

// put sets cells by the names of their columns. It reports whether there are such columns.
func put(row, names []string, cells map[string]string) bool {
	for name, cell := range cells {
		i := slices.Index(names, name)
		if i < 0 || name == "" {
			return false
		}
		row[i] = cell
	}
	return true
}

// withoutMark reads a text without a byte order mark at its beginning.
func withoutMark(r io.Reader) io.Reader {
	in := bufio.NewReader(r)
	if head, _ := in.Peek(len(utf8BOM)); string(head) == utf8BOM {
		_, _ = in.Discard(len(utf8BOM)) // it is in the buffer
	}
	return in
}

func badRejects(err error) error {
	return fault.Wrap(err, fault.Internal, "rejects_file", "read a rejects file")
}
