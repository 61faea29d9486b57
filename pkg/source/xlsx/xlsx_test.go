package xlsx_test

import (
	"bytes"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/source/xlsx"
)

const formats = `<styleSheet><numFmts>
<numFmt numFmtId="164" formatCode="dd/mm/yyyy\ hh:mm"/><numFmt numFmtId="165" formatCode="&quot;day &quot;0"/><numFmt numFmtId="166" formatCode="00000"/>
<numFmt numFmtId="167" formatCode="[Red]#,##0.00\ _€;[$-409]d"/><numFmt numFmtId="168" formatCode="[h]:mm"/><numFmt numFmtId="169" formatCode="[$-409]d\-mmm\-yy;@"/><numFmt numFmtId="170" formatCode="General"/>
</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>
<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="167"/><xf numFmtId="168"/><xf numFmtId="169"/><xf numFmtId="170"/><xf numFmtId="2"/>
</cellXfs></styleSheet>`

func TestCells(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ row, want string }{
		"shared text":               {`<row r="1"><c r="A1" t="s"><v>1</v></c></row>`, `1|"b & c"`},
		"rich text":                 {`<row r="1"><c r="A1" t="s"><v>2</v></c></row>`, `1|"東京 tower"`},
		"line break":                {`<row r="1"><c r="A1" t="s"><v>3</v></c></row>`, `1|"two\r\nlines"`},
		"underscores":               {`<row r="1"><c r="A1" t="s"><v>4</v></c></row>`, `1|"_x000D_ and _x and _x00ZZ_"`},
		"empty text":                {`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>1</v></c></row>`, `1||1`},
		"inline text":               {`<row r="1"><c r="A1" t="inlineStr"><is><t xml:space="preserve"> a </t></is></c></row>`, `1|" a "`},
		"inline rich text":          {`<row r="1"><c r="A1" t="inlineStr"><is><r><rPr><b/></rPr><t>a</t></r><r><t>b</t></r></is></c></row>`, `1|"ab"`},
		"number":                    {`<row r="1"><c r="A1"><v>12.5</v></c><c r="B1" t="n"><v>1E-7</v></c></row>`, `1|12.5|1e-07`},
		"truth":                     {`<row r="1"><c r="A1" t="b"><v>1</v></c><c r="B1" t="b"><v>0</v></c></row>`, `1|true|false`},
		"error":                     {`<row r="1"><c r="A1" t="e"><v>#N/A</v></c></row>`, `1|!#N/A`},
		"formula":                   {`<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>"a"&amp;"b"</f><v>ab</v></c></row>`, `1|2|"ab"`},
		"formula of an empty text":  {`<row r="1"><c r="A1" t="str"><f>""</f><v></v></c><c r="B1"><v>1</v></c></row>`, `1||1`},
		"formula without a value":   {`<row r="1"><c r="A1"><f>1+1</f></c><c r="B1"><f>2</f><v/></c></row>`, `1|!#UNCALCULATED!|!#UNCALCULATED!`},
		"shared formula":            {`<row r="1"><c r="A1"><f t="shared" si="0"/><v>3</v></c></row>`, `1|3`},
		"ISO date":                  {`<row r="1"><c r="A1" t="d"><v>2024-01-31T10:00:00</v></c></row>`, `1|"2024-01-31T10:00:00"`},
		"date formats":              {`<row r="1"><c r="A1" s="1"><v>45292</v></c><c r="B1" s="2"><v>45292.5</v></c><c r="C1" s="6"><v>1.5</v></c><c r="D1" s="7"><v>45292</v></c></row>`, `1|date 45292|date 45292.5|date 1.5|date 45292`},
		"formats of numbers":        {`<row r="1"><c r="A1" s="3"><v>7</v></c><c r="B1" s="5"><v>7</v></c><c r="C1" s="8"><v>7</v></c><c r="D1" s="9"><v>7</v></c><c r="E1" s="99"><v>7</v></c></row>`, `1|7|7|7|7|7`},
		"zeros that are shown":      {`<row r="1"><c r="A1" s="4"><v>123</v></c><c r="B1" s="4"><v>1234567</v></c><c r="C1" s="4"><v>-1</v></c></row>`, `1|"00123"|"1234567"|-1`},
		"gaps":                      {`<row r="3"><c r="C3"><v>1</v></c><c r="E3" s="1"/></row>`, `3|||1||`},
		"no references":             {`<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>`, "1|1|2\n2|3"},
		"beyond Z":                  {`<row r="1"><c r="AA1"><v>1</v></c></row>`, `1|` + strings.Repeat("|", 26) + `1`},
		"blank rows":                {`<row r="1"/><row r="2" hidden="1"><c r="A2"/></row><row r="5"><c r="A5"><v>1</v></c></row>`, "1\n2|\n5|1"},
		"a prefix":                  {`<x:row r="1"><x:c r="A1" t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c></x:row>`, `1|"a"`},
		"comments and CDATA":        {`<!-- <row> --><row r="1"><c r="A1" t="str"><?x y?><v><![CDATA[a<b&amp;]]> &lt;&#65;&#x42;</v></c></row>`, `1|"a<b&amp; <AB"`},
		"quotes":                    {`<row spans='1:1' r='1'><c x="a>b" r='A1' t='str'><v>a</v></c></row>`, `1|"a"`},
		"what is not known":         {`<row r="1"><c r="A1" t="new"><v>1</v><extLst><ext><v>9</v></ext></extLst></c><extLst/></row>`, `1|1`},
		"a number that is none":     {`<row r="1"><c r="A1"><v>many</v></c></row>`, `1|"many"`},
		"a number that is infinite": {`<row r="1"><c r="A1"><v>1e999</v></c></row>`, `1|"1e999"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := bookOf([]string{"A"}, tt.row)
			p["xl/styles.xml"] = formats
			p["xl/sharedStrings.xml"] = `<sst><si><t/></si><si><t>b &amp; c</t></si><si><r><t>東京</t></r><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><r><t xml:space="preserve"> tower</t></r></si><si><t>two_x000D_&#10;lines</t></si><si><t>_x005F_x000D_ and _x and _x00ZZ_</t></si></sst>`
			b, err := open(t, p.zip(t))
			if err != nil {
				t.Fatal(err)
			}
			got, err := rowsOf(b, 0)
			if err != nil || strings.Join(got, "\n") != tt.want {
				t.Errorf("%v\n%s\nwant\n%s", err, strings.Join(got, "\n"), tt.want)
			}
		})
	}
}

func TestTabs(t *testing.T) {
	t.Parallel()
	p := bookOf([]string{"Customers", "A &amp; B", "Chart"}, `<row><c><v>1</v></c></row>`, `<row><c><v>2</v></c></row>`, ``)
	p["xl/workbook.xml"] = strings.Replace(p["xl/workbook.xml"], `<sheets>`, `<workbookPr date1904="1"/><sheets>`, 1)
	p["xl/workbook.xml"] = strings.Replace(p["xl/workbook.xml"], `sheetId="2"`, `sheetId="7" state="veryHidden"`, 1)
	p["xl/_rels/workbook.xml.rels"] = strings.Replace(p["xl/_rels/workbook.xml.rels"], `/worksheet" Target="worksheets/sheet3`, `/chartsheet" Target="worksheets/sheet3`, 1)
	b, err := open(t, p.zip(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(b.Tabs(), ","); got != "Customers,A & B" || b.Hidden(0) || !b.Hidden(1) || !b.Since1904() {
		t.Errorf("%q, %v, %v, %v", got, b.Hidden(0), b.Hidden(1), b.Since1904())
	}
	if rows, err := rowsOf(b, 1); err != nil || strings.Join(rows, "") != "1|2" {
		t.Errorf("%v, %v", rows, err)
	}
	if b.Size() == 0 {
		t.Error("it declares no size")
	}
}

// What cannot be read is refused, in bounded memory, and never ends as if it were whole.
func TestHostileBooks(t *testing.T) {
	t.Parallel()
	const doctype = `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>`
	for name, tt := range map[string]struct {
		change func(parts)
		sheet  string
		says   string
	}{
		"entities in a tab":      {sheet: doctype + `<row><c t="str"><v>&b;</v></c></row>`, says: "document type"},
		"entities in the book":   {change: func(p parts) { p["xl/workbook.xml"] = doctype + p["xl/workbook.xml"] }, says: "document type"},
		"entities in texts":      {change: func(p parts) { p["xl/sharedStrings.xml"] = doctype }, sheet: `<row><c t="s"><v>0</v></c></row>`, says: "document type"},
		"an endless text":        {sheet: `<row><c t="str"><v>` + strings.Repeat("x", 2<<20) + `</v></c></row>`, says: "too long"},
		"an endless tag":         {sheet: `<row ` + strings.Repeat("x", 2<<20) + `>`, says: "too long"},
		"an endless comment":     {sheet: `<!--` + strings.Repeat("x", 2<<20), says: "too long"},
		"cut off":                {change: func(p parts) { p["xl/worksheets/sheet1.xml"] = `<worksheet><sheetData><row r="1"><c r="A1"><v>1` }, says: "cut off"},
		"cut off between rows":   {change: func(p parts) { p["xl/worksheets/sheet1.xml"] = `<worksheet><sheetData><row r="1"></row>` }, says: "cut off"},
		"rows out of order":      {sheet: `<row r="2"/><row r="1"/>`, says: "order"},
		"too many rows":          {sheet: `<row r="1048577"/>`, says: "rows"},
		"a row of no number":     {sheet: `<row r="x"/>`, says: "order"},
		"too many columns":       {sheet: `<row r="1"><c r="XFE1"><v>1</v></c></row>`, says: "columns"},
		"far too many columns":   {sheet: `<row r="1"><c r="ZZZZZZZZZZZZ1"><v>1</v></c></row>`, says: "columns"},
		"a text that is missing": {sheet: `<row><c t="s"><v>7</v></c></row>`, says: "text that is missing"},
		"a text of no number":    {sheet: `<row><c t="s"><v>-1</v></c></row>`, says: "text that is missing"},
		"no name":                {sheet: `< row>`, says: "without a name"},
		"a tab that is missing":  {change: func(p parts) { delete(p, "xl/worksheets/sheet1.xml") }, says: "one of its tabs is missing"},
		"no links":               {change: func(p parts) { delete(p, "xl/_rels/workbook.xml.rels") }, says: "workbook.xml.rels is missing"},
		"no tabs":                {change: func(p parts) { p["xl/workbook.xml"] = `<workbook/>` }, says: "no tabs"},
		"no book":                {change: func(p parts) { delete(p, "xl/workbook.xml") }, says: "does not list its tabs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := bookOf([]string{"A"}, tt.sheet)
			if tt.change != nil {
				tt.change(p)
			}
			b, err := open(t, p.zip(t))
			if err == nil {
				_, err = rowsOf(b, 0)
			}
			if !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != xlsx.CodeBadWorkbook || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v (%s), want %q", err, fault.CodeOf(err), tt.says)
			}
		})
	}
}

// FuzzBook changes the parts of a workbook: whatever they hold, reading ends, and does not panic.
func FuzzBook(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" t="s"><v>0</v></c></row>`, `<sst><si><t>a</t></si></sst>`, formats)
	f.Add(`<row><c t="inlineStr"><is><r><t>a</t></r></is></c><c s="1"><f>1</f><v>2</v></c></row>`, `<sst/>`, formats)
	f.Add(`<![CDATA[x]]><row/><!-- --><?x?>`, `<sst><si>`, `<styleSheet><numFmt numFmtId="1" formatCode="[h]\"/>`)
	f.Fuzz(func(t *testing.T, sheet, texts, styles string) {
		p := bookOf([]string{"A"}, sheet)
		p["xl/sharedStrings.xml"], p["xl/styles.xml"] = texts, styles
		if b, err := open(t, p.zip(t)); err == nil {
			_, _ = rowsOf(b, 0)
		}
	})
}

func TestWhatIsABook(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"xl/workbook.xml": true, `XL\Workbook.xml`: true, "xl/workbook2.xml": true, "xl/workbook.bin": false, "content.xml": false, "customers.csv": false} {
		_, err := open(t, parts{name: "<x/>"}.zip(t))
		if is := !strings.Contains(err.Error(), "does not list"); is != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Texts that cells share keep their places beyond one block of memory, and are limited.
func TestManyTexts(t *testing.T) {
	t.Parallel()
	var list, rows bytes.Buffer
	list.WriteString("<sst>")
	word := strings.Repeat("x", 5000)
	for i := range 70_000 {
		if i%300 == 0 {
			list.WriteString("<si><t>" + word + "</t></si>")
		} else {
			list.WriteString("<si><t>t</t></si>")
		}
	}
	list.WriteString("</sst>")
	rows.WriteString(`<row><c t="s"><v>69900</v></c><c t="s"><v>69999</v></c><c t="s"><v>0</v></c></row>`)
	p := bookOf([]string{"A"}, rows.String())
	p["xl/sharedStrings.xml"] = list.String()
	b, err := open(t, p.zip(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rowsOf(b, 0); err != nil || strings.Join(got, "") != `1|"`+word+`"|"t"|"`+word+`"` {
		t.Errorf("%.100q, %v", got, err)
	}
}
