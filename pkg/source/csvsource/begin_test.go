package csvsource_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/sourcetest"
)

// beginning is what is found of a file's beginning.
type beginning struct {
	dataset billing.Dataset
	comma   string
	rows    []string // line: id of each
	ignored []string
	notes   []string
}

func (b beginning) String() string {
	return fmt.Sprintf("%s %q %q, ignored %q, notes %q", b.dataset, b.comma, b.rows, b.ignored, b.notes)
}

// begin scans a text, and reads its pieces.
func begin(t *testing.T, text string, hint source.Hint) (beginning, error) {
	t.Helper()
	var pieces []source.Piece
	s, err := csvsource.Format{}.Scan(t.Context(), iotest.OneByteReader(strings.NewReader(text)), hint, 1, func(p source.Piece) error {
		pieces = append(pieces, p)
		return nil
	})
	if err != nil {
		return beginning{}, err
	}
	found := beginning{dataset: s.Dataset, comma: s.Delimiter, ignored: s.Ignored, notes: s.Notes}
	for _, p := range pieces {
		in := io.NopCloser(strings.NewReader(text[p.Offset : p.Offset+p.Length]))
		rows, err := csvsource.Format{}.Open(in, s, p.Place, sourcetest.Now())
		if err != nil {
			t.Fatal(err)
		}
		for row, err := rows.Next(t.Context()); err == nil; row, err = rows.Next(t.Context()) {
			rec, problem := rows.Record()
			c, ok := rec.(*billing.Customer)
			if !ok {
				t.Fatalf("line %d: %v", row.Line, problem)
			}
			found.rows = append(found.rows, fmt.Sprintf("%d: %s %s", row.Line, c.ExternalID, c.Company))
		}
	}
	return found, nil
}

func testFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "trials", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBeginnings(t *testing.T) {
	t.Parallel()
	acme := []string{"2: x1 Acme"}
	titles := strings.Repeat("Export of customers\n", 10)
	for name, tt := range map[string]struct {
		text     string // a file of testdata/trials if it ends in .csv
		settings source.Settings
		want     beginning
	}{
		"sep line":          {text: "a01_sep_line.csv", want: beginning{comma: ";", rows: []string{"3: x1 Müller GmbH"}, notes: []string{`the first line sets the delimiter ';', and was skipped`}}},
		"comma in a name":   {text: "a02c_semicolon_header_with_comma.csv", want: beginning{comma: ";", rows: acme, ignored: []string{"Address (street, no.)"}}},
		"double BOM":        {text: "a06c_double_bom.csv", want: beginning{comma: ",", rows: acme}},
		"NBSP":              {text: "a13_nbsp_header.csv", want: beginning{comma: ",", rows: acme}},
		"underscore":        {text: "a13e_underscore_header.csv", want: beginning{comma: ",", rows: acme}},
		"title lines":       {text: "a22_preamble.csv", want: beginning{comma: ",", rows: []string{"5: x1 Acme"}, notes: []string{"3 lines above the header row were skipped"}}},
		"sep and tab":       {text: "\"sep=\t\"\nExternal ID\tCompany\nx1\tAcme\n", want: beginning{comma: "\t", rows: []string{"3: x1 Acme"}, notes: []string{`the first line sets the delimiter '\t', and was skipped`}}},
		"sep, spelled":      {text: "\ufeffSEP=\\t\r\nExternal ID\tCompany\r\nx1\tAcme\r\n", want: beginning{comma: "\t", rows: []string{"3: x1 Acme"}, notes: []string{`the first line sets the delimiter '\t', and was skipped`}}},
		"sep above titles":  {text: "sep=,\rMine\r\rExternal ID,Company\rx1,Acme\r", want: beginning{comma: ",", rows: []string{"5: x1 Acme"}, notes: []string{`the first line sets the delimiter ',', and was skipped`, "2 lines above the header row were skipped"}}},
		"bar":               {text: "External ID|Company\nx1|Acme\n", want: beginning{comma: "|", rows: acme}},
		"bars and commas":   {text: "External ID|Company|Owner (first, last, title)\nx1|Acme|\n", want: beginning{comma: "|", rows: acme, ignored: []string{"Owner (first, last, title)"}}},
		"line in a name":    {text: "\"External\nID\",\"Company \n\"\nx1,Acme\n", want: beginning{comma: ",", rows: []string{"4: x1 Acme"}}},
		"one title":         {text: "Customers\nExternal ID;Company\nx1;Acme\n", want: beginning{comma: ";", rows: []string{"3: x1 Acme"}, notes: []string{"1 line above the header row was skipped"}}},
		"quotes in a title": {text: "\"Mine\" and yours\nExternal ID,Company\nx1,Acme\n", want: beginning{comma: ",", rows: []string{"3: x1 Acme"}, notes: []string{"1 line above the header row was skipped"}}},
		"ten titles":        {text: titles + "External ID,Company\nx1,Acme\n", want: beginning{comma: ",", rows: []string{"12: x1 Acme"}, notes: []string{"10 lines above the header row were skipped"}}},
		"lines to skip": {
			text: titles + "\"\nExternal ID,Company\nx1,Acme\n", settings: source.Settings{SkipLines: 11},
			want: beginning{comma: ",", rows: []string{"13: x1 Acme"}},
		},
		"header to skip": {
			text: "External ID,Company\nCompany,External ID\nAcme,x1\n", settings: source.Settings{SkipLines: 1},
			want: beginning{comma: ",", rows: []string{"3: x1 Acme"}},
		},
		"delimiter":         {text: "External ID:Company\nx1:Acme\n", settings: source.Settings{Delimiter: ":"}, want: beginning{comma: ":", rows: acme}},
		"delimiter by name": {text: "External ID\tCompany\nx1\tAcme\n", settings: source.Settings{Delimiter: "Tab"}, want: beginning{comma: "\t", rows: acme}},
		"map":               {text: "Number;Firm, or name\nx1;Acme\n", settings: source.Settings{Map: []string{"number=External ID", "Firm, or name=Company"}}, want: beginning{comma: ";", rows: acme}},
		"map below titles":  {text: "Mine\nNumber;Company\nx1;Acme\n", settings: source.Settings{Map: []string{"number=External ID"}}, want: beginning{comma: ";", rows: []string{"3: x1 Acme"}, notes: []string{"1 line above the header row was skipped"}}},
		"constant":          {text: "External ID\nx1\n", settings: source.Settings{Map: []string{"=Acme=Company"}}, want: beginning{comma: ",", rows: acme}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := tt.text
			if strings.HasSuffix(text, ".csv") {
				text = testFile(t, text)
			}
			got, err := begin(t, text, source.Hint{Settings: tt.settings})
			tt.want.dataset = billing.Customers
			if err != nil || got.String() != tt.want.String() {
				t.Errorf("got %v %v\nwant %v", got, err, tt.want)
			}
		})
	}
}

func TestRefusedBeginnings(t *testing.T) {
	t.Parallel()
	titles := strings.Repeat("Export of customers\n", 11)
	for name, tt := range map[string]struct {
		text     string // a file of testdata/trials if it ends in .csv
		settings source.Settings
		code     string
		says     []string
	}{
		"windows-1252":     {text: "a05_cp1252.csv", code: "bad_encoding", says: []string{"--encoding windows-1252", `"Müller GmbH" and "Käse €5 – “Dörr”"`}},
		"no header":        {text: "a23_no_header.csv", code: billing.CodeUnknownHeader, says: []string{`"x1", "Acme", "GB"`, "looks like data"}},
		"events":           {text: "h01_events_wrong_header.csv", code: billing.CodeWhichDataset, says: []string{"subscription events", `--map "Event=Event Type"`}},
		"subscriptions":    {text: "h03_subscriptions.csv", code: billing.CodeWhichDataset, says: []string{`have no column "Status"`}},
		"amounts":          {text: "h09_trans_amount.csv", code: billing.CodeWhichDataset, says: []string{`--map "Amount=Amount in cents"`}},
		"subscription ids": {text: "h17_subs_extid.csv", code: billing.CodeWhichDataset, says: []string{`"Product", "Status", "Started"`}},
		"eleven titles":    {text: titles + "External ID,Company\nx1,Acme\n", code: billing.CodeUnknownHeader, says: []string{`"Export of customers"`, "Line 12 looks like the header row: --skip-lines 11"}},
		"half a header":    {text: "Mine\n\nName,Email,Company\n", code: billing.CodeUnknownHeader, says: []string{"Line 3 looks like the header row: --skip-lines 2"}},
		"too many skipped": {text: "External ID\nx1\n", settings: source.Settings{SkipLines: 1}, code: billing.CodeUnknownHeader, says: []string{`"x1"`}},
		"all skipped":      {text: "External ID\nx1\n", settings: source.Settings{SkipLines: 5}, code: "empty_file", says: []string{"5 lines"}},
		"letter":           {text: "External ID\n", settings: source.Settings{Delimiter: "x"}, code: "bad_delimiter"},
		"two characters":   {text: "External ID\n", settings: source.Settings{Delimiter: "::"}, code: "bad_delimiter"},
		"quote":            {text: "External ID\n", settings: source.Settings{Delimiter: `"`}, code: "bad_delimiter"},
		"map":              {text: "External ID\n", settings: source.Settings{Map: []string{"Firm=Company"}}, code: billing.CodeBadMap, says: []string{`no column "Firm"`}},
		"constant":         {text: "External ID;Name;Country\nx1;Acme;GB\n", settings: source.Settings{Map: []string{"=DE=Country"}}, code: billing.CodeBadMap, says: []string{`the file has the column "Country" already`}},
		"constant, comma":  {text: "Mine\nExternal ID,Name,Country\n", settings: source.Settings{Map: []string{"=DE=Country", "Foo=City"}}, code: billing.CodeBadMap, says: []string{`its header row is read as "External ID", "Name", "Country"`}},
		"other than sep":   {text: "sep=,\nExternal ID;Name\n", code: billing.CodeUnknownHeader, says: []string{`read as one cell: "External ID;Name"`, `--delimiter ";"`}},
		"caret":            {text: "External ID^Name\n", code: billing.CodeUnknownHeader, says: []string{`--delimiter "^"`}},
		"tilde":            {text: "External ID~Name\n", code: billing.CodeUnknownHeader, says: []string{`--delimiter "~"`}},
		"colon":            {text: "External ID:Name\n", code: billing.CodeUnknownHeader, says: []string{`--delimiter ":"`}},
		"tab in one cell":  {text: "External ID\tName\n", settings: source.Settings{Delimiter: ","}, code: billing.CodeUnknownHeader, says: []string{`--delimiter "tab"`}},
		"colon and map":    {text: "Number:Name\n", settings: source.Settings{Map: []string{"Number=External ID"}}, code: billing.CodeBadMap, says: []string{`--delimiter ":"`}},
		"quoted lines":     {text: "\"External ID,\"\"Name\"\",\"\"Email\"\"\"\n", code: billing.CodeUnknownHeader, says: []string{"Each line is one quoted cell"}},
		"quoted, bare":     {text: "\"External ID;Name\"\n", settings: source.Settings{Delimiter: ";"}, code: billing.CodeUnknownHeader, says: []string{"Each line is one quoted cell"}},
		"single quotes":    {text: "'External ID','Name'\n'x1','Acme'\n", code: source.CodeBadQuote, says: []string{"single quotes"}},
		"twice":            {text: "External ID,external_id\n", code: billing.CodeDuplicateHeader, says: []string{`"External ID" and "external_id"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := tt.text
			if strings.HasSuffix(text, ".csv") {
				text = testFile(t, text)
			}
			_, err := begin(t, text, source.Hint{Name: name, Settings: tt.settings})
			if !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != tt.code {
				t.Fatalf("%v (%s), want invalid, %s", err, fault.CodeOf(err), tt.code)
			}
			if strings.Contains(err.Error(), "one cell") && strings.Contains(err.Error(), "--map") {
				t.Errorf("%v advises a mapping of a whole line", err)
			}
			for _, part := range tt.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v\ndoes not say: %s", err, part)
				}
			}
		})
	}
}

// TestWaysOnFromAQuestion takes a header that leaves a question by each way that its message names.
func TestWaysOnFromAQuestion(t *testing.T) {
	t.Parallel()
	const text = "External ID,Company,Status\nx1,Acme,active\n"
	header := []string{"status", "Company", "external_id"}
	for name, tt := range map[string]struct {
		hint  source.Hint
		notes []string
	}{
		"dataset": {source.Hint{Dataset: billing.Customers}, nil},
		"name":    {source.Hint{Name: "export/Customers.csv"}, []string{"taken as customers, since the file is named so"}},
		"map":     {source.Hint{Settings: source.Settings{Map: []string{"Status=State"}}}, nil},
		"known": {
			source.Hint{Known: map[string]billing.Dataset{csvsource.HeaderDigest(header): billing.Customers}},
			[]string{"taken as customers, as an earlier file with the same header row"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := begin(t, text, tt.hint)
			if err != nil || got.dataset != billing.Customers || !slices.Equal(got.notes, tt.notes) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	for name, hint := range map[string]source.Hint{
		"no hint":          {Name: "export.csv"},
		"does not fit":     {Name: "invoices.csv"},
		"another's header": {Known: map[string]billing.Dataset{csvsource.HeaderDigest(header[:2]): billing.Customers}},
	} {
		if got, err := begin(t, text, hint); fault.CodeOf(err) != billing.CodeWhichDataset {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestRejectColumnsAreNoQuestion recognises a rejects file like the file whose rejects it has.
func TestRejectColumnsAreNoQuestion(t *testing.T) {
	t.Parallel()
	head := csvsource.Format{}.RejectsHead(source.Shape{Delimiter: ",", Header: []string{"External ID"}})
	got, err := begin(t, string(head)+"x1,,f.csv,2,,code,reason\n", source.Hint{})
	if err != nil || got.dataset != billing.Customers || len(got.ignored)+len(got.notes) > 0 {
		t.Errorf("%v, %v", got, err)
	}
	header := strings.Split(strings.TrimSpace(string(head)), ",")
	if csvsource.HeaderDigest(header) != csvsource.HeaderDigest(header[:1]) {
		t.Error("the columns of a rejects file change the digest")
	}
}

// TestAmountsAreNotLostInSilence refuses a column that would change what payments are worth, and says
// how it is read once it is mapped.
func TestAmountsAreNotLostInSilence(t *testing.T) {
	t.Parallel()
	mapped := []string{"Amount=Amount in cents"}
	cents := []string{`the column "Amount" is read as cents: 1250 is 12.50; import with --amounts units if it is in units`}
	for name, tt := range map[string]struct {
		hint  source.Hint
		code  string
		notes []string
	}{
		"dataset": {hint: source.Hint{Dataset: billing.Transactions}, code: billing.CodeMissingColumn},
		"name":    {hint: source.Hint{Name: "transactions.csv"}, code: billing.CodeMissingColumn},
		"mapped":  {hint: source.Hint{Settings: source.Settings{Map: mapped}}, notes: cents},
		"cents":   {hint: source.Hint{Settings: source.Settings{Map: mapped, Amounts: source.AmountsCents}}},
		"units":   {hint: source.Hint{Settings: source.Settings{Map: mapped, Amounts: source.AmountsUnits}}},
	} {
		in := strings.NewReader(testFile(t, "h09_trans_amount.csv"))
		s, err := csvsource.Format{}.Scan(t.Context(), in, tt.hint, 1, func(source.Piece) error { return nil })
		if fault.CodeOf(err) != tt.code || err == nil && !slices.Equal(s.Notes, tt.notes) {
			t.Errorf("%s: %q, %v", name, s.Notes, err)
		}
		if err != nil && !strings.Contains(err.Error(), `--map "Amount=Amount in cents", and --amounts units`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMappingsOfSeveralFiles gives each file the lines that make it a known one.
func TestMappingsOfSeveralFiles(t *testing.T) {
	t.Parallel()
	lines := []string{
		"Customer ID=External ID", "Customer ID=Customer external ID", "Full Name=Name",
		"Invoice ID=Invoice external ID", "Date=Invoiced date", "Curr=Currency",
	}
	for header, want := range map[string]struct {
		name    string
		dataset billing.Dataset
		mapping []string
		code    string
	}{
		"Customer ID,Full Name":            {dataset: billing.Customers, mapping: []string{lines[0], lines[2]}},
		"Customer ID;Invoice ID;Date;Curr": {dataset: billing.Invoices, mapping: []string{lines[1], lines[3], lines[4], lines[5]}},
		"Customer ID,Status":               {code: billing.CodeBadMap},
		"Customer ID,Status ":              {name: "customers.csv", dataset: billing.Customers, mapping: []string{lines[0]}},
	} {
		for range 2 {
			hint := source.Hint{Name: want.name, Beside: true, Settings: source.Settings{Map: lines}}
			s, err := csvsource.Format{}.Scan(t.Context(), strings.NewReader(header+"\n"), hint, 1, func(source.Piece) error { return nil })
			slices.Sort(s.Settings.Map)
			slices.Sort(want.mapping)
			if fault.CodeOf(err) != want.code || s.Dataset != want.dataset || err == nil && !slices.Equal(s.Settings.Map, want.mapping) {
				t.Errorf("%s: %s, %q, %v", header, s.Dataset, s.Settings.Map, err)
			}
			slices.Reverse(lines)
		}
	}
}

// FuzzBeginning feeds any beginning of a file to the scan: it must not panic, find the same whatever
// each read returns, and cut the rest of the file without a gap.
func FuzzBeginning(f *testing.F) {
	for _, seed := range []string{
		"sep=;\nExternal ID;Company\nx1;Acme\n", "\ufeff\ufeffExternal ID|Company\nx1|Acme\n", "Mine,,\n\n,,\nExternal ID,Company\nx1,Acme\n",
		"\"Mine\" x\n\"External\nID\",Company\nx1,Acme\n", "id,name\n1,M\xfcller\n2,Ren\xe9\n", "a\n\"b\n,\"External ID\"\n",
	} {
		f.Add([]byte(seed), uint8(0), "", "")
	}
	f.Add([]byte("a\nNumber:Company\n1:x\n"), uint8(1), ":", "Number=External ID")
	f.Fuzz(func(t *testing.T, text []byte, skip uint8, comma, line string) {
		hint := source.Hint{Settings: source.Settings{SkipLines: int(skip), Delimiter: comma}}
		if line != "" {
			hint.Settings.Map = []string{line}
		}
		scan := func(in io.Reader) (source.Shape, int64, error) {
			end := int64(-1)
			s, err := csvsource.Format{}.Scan(t.Context(), in, hint, 1, func(p source.Piece) error {
				if end >= 0 && p.Offset != end {
					t.Fatalf("a piece at %d follows one that ends at %d", p.Offset, end)
				}
				end = p.Offset + p.Length
				return nil
			})
			return s, end, err
		}
		s, end, err := scan(bytes.NewReader(text))
		if err == nil && end >= 0 && end != int64(len(text)) {
			t.Fatalf("the pieces end at %d of %d", end, len(text))
		}
		again, _, same := scan(iotest.HalfReader(bytes.NewReader(text)))
		if fmt.Sprint(s, err) != fmt.Sprint(again, same) {
			t.Fatalf("%v, %v\nthen %v, %v", s, err, again, same)
		}
	})
}
