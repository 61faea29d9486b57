package xlsx_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"reseed/pkg/source/grid"
	"reseed/pkg/source/xlsx"
)

// parts are the parts of a workbook, by path.
type parts map[string]string

// bookOf makes a workbook of tabs, by their XML within <sheetData>, in the order of their titles.
func bookOf(titles []string, sheets ...string) parts {
	p := parts{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"></Types>`,
		"xl/styles.xml":       `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="1"><xf numFmtId="0"/></cellXfs></styleSheet>`,
	}
	var list, links strings.Builder
	for i, title := range titles {
		fmt.Fprintf(&list, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, title, i+1, i+1)
		fmt.Fprintf(&links, `<Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet%d.xml"/>`, i+1, i+1)
		p[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = `<?xml version="1.0" encoding="UTF-8"?><worksheet><sheetData>` + sheets[i] + `</sheetData></worksheet>`
	}
	links.WriteString(`<Relationship Id="s" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="t" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="/xl/sharedStrings.xml"/>`)
	p["xl/workbook.xml"] = `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>` + list.String() + `</sheets></workbook>`
	p["xl/_rels/workbook.xml.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + links.String() + `</Relationships>`
	p["xl/sharedStrings.xml"] = `<sst/>`
	p["_rels/.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	return p
}

func (p parts) zip(tb testing.TB) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, body := range p {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, body)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func open(tb testing.TB, body []byte) (*xlsx.Book, error) {
	tb.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		tb.Fatal(err)
	}
	return xlsx.Open(z)
}

// rowsOf reads a tab, each cell as its kind and value.
func rowsOf(b *xlsx.Book, n int) (out []string, err error) {
	rows, err := b.Rows(n)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for {
		row, cells, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		text := []string{strconv.FormatInt(row, 10)}
		for _, c := range cells {
			text = append(text, show(c))
		}
		out = append(out, strings.Join(text, "|"))
	}
}

func show(c grid.Cell) string {
	switch c.Kind {
	case grid.Text:
		return strconv.Quote(c.Text)
	case grid.Error:
		return "!" + c.Text
	case grid.Number:
		return strconv.FormatFloat(c.Number, 'g', -1, 64)
	case grid.Date:
		return "date " + strconv.FormatFloat(c.Number, 'g', -1, 64)
	case grid.Truth:
		return fmt.Sprint(c.Number != 0)
	case grid.Empty:
	}
	return ""
}
