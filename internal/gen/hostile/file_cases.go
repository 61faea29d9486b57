package hostile

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// The families of bad input. Their names are part of the checked-in files.
const (
	familyStructure  = "B1 structure"
	familyEncoding   = "B2 encoding"
	familyHeaders    = "B4 headers"
	familyDuplicates = "B5 duplicates"
	familyAmounts    = "B6 amounts"
	familyDates      = "B7 dates"
	familyFormulas   = "B8 formulas"
	familySizes      = "B9 sizes"
	familyValues     = "values"
	familyReferences = "B10 references"
)

func structure() []Case {
	return []Case{
		{
			File: "structure_zero_byte.csv", Dataset: "customers", Family: familyStructure,
			Why: "no bytes at all", Refused: "empty_file",
		},
		{
			File: "structure_header_only.csv", Dataset: "customers", Family: familyStructure,
			Why: "a header and no rows: nothing happens, nothing fails", Content: lines(customersHeader),
		},
		{
			File: "structure_no_final_newline.csv", Dataset: "customers", Family: familyStructure,
			Why: "the last row has no line end", Added: 2,
			Content: strings.TrimSuffix(lines(customersHeader, "Ada,ada@example.com,Loom,s1", "Bea,bea@example.com,Mill,s2"), "\n"),
		},
		{
			File: "structure_stray_quote.csv", Dataset: "customers", Family: familyStructure,
			Why: "a quote that opens and never closes costs its own line only", Added: 3,
			Rejects: []Reject{{3, "Company", "bad_quote"}},
			Content: lines(customersHeader, "Ada,ada@example.com,Loom,s1", `Bea,bea@example.com,"Mill,s2`, "Cyd,cyd@example.com,Kiln,s3", "Dov,dov@example.com,Forge,s4"),
		},
		{
			File: "structure_text_after_quote.csv", Dataset: "customers", Family: familyStructure,
			Why: "text after a closing quote spoils the row; a quote inside an unquoted cell is text", Added: 2,
			Rejects: []Reject{{2, "Company", "bad_quote"}},
			Content: lines(customersHeader, `Ada,ada@example.com,"Loom" Ltd.,s1`, `Bea "B" Blue,bea@example.com,5" Mill,s2`, `Cyd,cyd@example.com,"The ""Kiln""",s3`),
		},
		{
			File: "structure_field_count.csv", Dataset: "customers", Family: familyStructure,
			Why: "too few and too many cells; blank cells beyond the header and blank lines do no harm", Added: 2,
			Rejects: []Reject{{2, "", "wrong_field_count"}, {3, "", "wrong_field_count"}},
			Content: lines(customersHeader, "Ada,ada@example.com", "Bea,bea@example.com,Mill,s2,more", "Cyd,cyd@example.com,Kiln,s3,,", "", ",,,", "Dov,dov@example.com,Forge,s4"),
		},
		{
			File: "structure_multiline_cell.csv", Dataset: "customers", Family: familyStructure,
			Why: "line numbers are physical lines: the row after a cell of three lines is in line 5", Added: 1,
			Rejects: []Reject{{5, "External ID", "required"}},
			Content: lines(customersHeader, "Ada,ada@example.com,\"Loom\nof\nAda\",s1", "Bea,bea@example.com,Mill,"),
		},
	}
}

func encodings() []Case {
	good := lines(customersHeader, "Zoë,zoe@example.com,Café,s1", "田中,tanaka@example.com,東京,s2")
	latin1 := lines(customersHeader, "Zo\xeb,zoe@example.com,Caf\xe9,s1", "J\xfcrgen,juergen@example.com,M\xfcller,s2")
	customers := func(file, why, content string, added int, rejects ...Reject) Case {
		return Case{File: file, Dataset: "customers", Family: familyEncoding, Why: why, Content: content, Added: added, Rejects: rejects}
	}
	refused := func(file, why, content string) Case {
		c := customers(file, why, content, 0)
		c.Refused = "bad_encoding"
		return c
	}
	return []Case{
		customers("encoding_bom.csv", "a byte order mark before the header is not part of it", "\ufeff"+good, 2),
		customers("encoding_utf16le.csv", "UTF-16 whose byte order mark says so, little end first", utf16Text(good, binary.LittleEndian), 2),
		customers("encoding_utf16be.csv", "UTF-16 whose byte order mark says so, big end first", utf16Text(good, binary.BigEndian), 2),
		refused("encoding_latin1.csv", "Latin-1 throughout", latin1),
		customers("encoding_one_bad_row.csv", "one row that is not UTF-8 among good ones",
			lines(customersHeader, "Ada,ada@example.com,Loom,s1", "Bea,bea@example.com,Mill\xff,s2", "Cyd,cyd@example.com,Kiln,s3"),
			2, Reject{3, "Company", "bad_encoding"}),
		customers("encoding_nul.csv", "a NUL in a cell",
			lines(customersHeader, "Ada,ada@example.com,Lo\x00om,s1", "Bea,bea@example.com,Mill,s2"),
			1, Reject{2, "Company", "bad_encoding"}),
		customers("encoding_bare_cr.csv", "lines end with CR alone, as on old Macs", strings.ReplaceAll(good, "\n", "\r"), 2),
		customers("encoding_mixed_ends.csv", "LF, CRLF and CR in one file; each ends one line",
			customersHeader+"\r\nAda,ada@example.com,Loom,s1\nBea,bea@example.com,Mill,s2\rCyd,cyd@example.com,Kiln,\r\nDov,dov@example.com,Forge,s4\n",
			3, Reject{4, "External ID", "required"}),
		customers("encoding_line_separator.csv", "U+2028 is text, not the end of a line; in an id nobody can see it",
			lines(customersHeader, "Ada,ada@example.com,Lo\u2028om,s1", "Bea,bea@example.com,Mill,s\u20282"),
			1, Reject{3, "External ID", "bad_character"}),
		customers("encoding_invisible.csv", "right-to-left text is text; zero-width and direction marks may stand in names, not in ids or addresses",
			lines(customersHeader, "שרה,sara@example.com,חברה,s1", "B\u200bea,bea@example.com,\u202eMill,s2",
				"Cyd,cyd@example.com,Kiln,s\u200b3", "Dov,dov@example.com,Forge,\u202es4", "Eli,e\u200bli@example.com,Barn,s5", "עלי,ali@example.com,Gate,مفتاح"),
			3, Reject{4, "External ID", "bad_character"}, Reject{5, "External ID", "bad_character"}, Reject{6, "Email", "bad_email"}),
		customers("encoding_nfc_nfd_twins.csv", "two spellings of é are two ids: ids are compared byte for byte, as the billing system made them",
			lines(customersHeader, "Ada,ada@example.com,Loom,caf\u00e9", "Bea,bea@example.com,Mill,cafe\u0301"), 2),
	}
}

func utf16Text(text string, order binary.ByteOrder) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		var pair [2]byte
		order.PutUint16(pair[:], unit)
		out = append(out, pair[:]...)
	}
	return string(out)
}

func headers() []Case {
	rows := []string{"Ada,ada@example.com,Loom,s1", "Bea,bea@example.com,Mill,s2"}
	customers := func(file, why, header string, rows ...string) Case {
		return Case{
			File: file, Dataset: "customers", Family: familyHeaders, Why: why,
			Added: len(rows), Content: lines(append([]string{header}, rows...)...),
		}
	}
	refused := func(c Case, code string) Case {
		c.Refused, c.Added = code, 0
		return c
	}
	unknown := customers("header_unknown_columns.csv", "columns that no dataset has are named once and ignored",
		"Name,Favourite colour,External ID,Owner's cat", "Ada,blue,s1,Tom", "Bea,,s2,")
	unknown.Unknown = []string{"Favourite colour", "Owner's cat"}
	return []Case{
		refused(customers("header_duplicate.csv", "one column twice: which one counts?", "Name,External ID,Name", "Ada,s1,Bea"), "duplicate_header"),
		refused(customers("header_duplicate_case.csv", "one column twice, in another case", "Name,External ID,external id", "Ada,s1,s2"), "duplicate_header"),
		refused(customers("header_missing_required.csv", "External ID is missing", "Name,Email,Company", "Ada,ada@example.com,Loom"), "missing_column"),
		refused(customers("header_stray_quote.csv", "a quote opens in the header", `Name,"Email,Company,External ID`, rows...), "bad_header"),
		customers("header_case_and_space.csv", "other case, spaces around", "  NAME , email,Company ,EXTERNAL id", rows...),
		customers("header_other_order.csv", "columns in another order", "External ID,Company,Email,Name", "s1,Loom,ada@example.com,Ada", "s2,Mill,bea@example.com,Bea"),
		customers("header_semicolons.csv", "semicolons, as spreadsheets of some countries write",
			"Name;Email;Company;External ID", "Ada;ada@example.com;Loom, Ltd.;s1", "Bea;bea@example.com;Mill;s2"),
		customers("header_tabs.csv", "tabs, as pasted from a spreadsheet",
			"Name\tEmail\tCompany\tExternal ID", "Ada\tada@example.com\tLoom, Ltd.\ts1", "Bea\tbea@example.com\tMill\ts2"),
		unknown,
	}
}

func duplicates() []Case {
	oneTime := "inv_base,,,OneTime,500,,2024-01-01,2024-01-02,1,FALSE,Workshop"
	return []Case{
		{
			File: "duplicate_identical.csv", Dataset: "customers", Family: familyDuplicates,
			Why: "the same row twice", Added: 2, Repeats: 1,
			Content: lines(customersHeader, "Ada,ada@example.com,Loom,s1", "Bea,bea@example.com,Mill,s2", "Ada,ada@example.com,Loom,s1"),
		},
		{
			File: "duplicate_differing.csv", Dataset: "customers", Family: familyDuplicates,
			Why: "one id, two customers: the first counts, the reject names its line", Added: 2,
			Rejects: []Reject{{4, "External ID", "duplicate_differs"}},
			Content: lines(customersHeader, "Ada,ada@example.com,Loom,s1", "Bea,bea@example.com,Mill,s2", "Cyd,cyd@example.com,Kiln,s1"),
		},
		{
			File: "duplicate_id_spaces.csv", Dataset: "customers", Family: familyDuplicates,
			Why: "spaces around an id are not part of it; letters in another case are another id", Added: 2, Repeats: 1,
			Content: lines(customersHeader, "Ada,ada@example.com,Loom,s1", "Ada,ada@example.com,Loom, s1 ", "Bea,bea@example.com,Mill,S1"),
		},
		{
			File: "duplicate_lines_without_id.csv", Dataset: "line_items", Family: familyDuplicates,
			Why: "equal lines without an id are two sales, not one", Added: 3,
			Content: lines(lineItemsHeader, oneTime, oneTime, strings.Replace(oneTime, "Workshop", "Travel", 1)),
		},
		{
			File: "duplicate_transaction_id.csv", Dataset: "transactions", Family: familyDuplicates,
			Why: "one transaction id on two invoices", Added: 1,
			Rejects: []Reject{{3, "External ID", "duplicate_differs"}},
			Content: lines(transactionsHeader, "inv_base,tr_1,payment,successful,2024-01-02", "inv_yen,tr_1,payment,successful,2024-01-02"),
		},
	}
}
