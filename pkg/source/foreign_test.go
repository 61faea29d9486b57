package source_test

import (
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/source"
)

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ head, code, says string }{
		"workbook, ZIP":       {"PK\x03\x04\x14\x00", source.CodeNotCSV, "an Excel workbook or a compressed archive"},
		"empty ZIP":           {"PK\x05\x06" + strings.Repeat("\x00", 18), source.CodeNotCSV, "a compressed archive"},
		"gzip":                {"\x1f\x8b\x08\x00", source.CodeNotCSV, "a compressed archive"},
		"old workbook":        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00", source.CodeWorkbook, "open it, save it as .xlsx without a password"},
		"7z":                  {"7z\xbc\xaf\x27\x1c\x00\x04", source.CodeNotATable, "packed with 7-Zip, which cannot be read; unpack it"},
		"RAR":                 {"Rar!\x1a\x07\x01\x00", source.CodeNotATable, "packed with RAR"},
		"xz":                  {"\xfd7zXZ\x00\x00\x04", source.CodeNotATable, "packed with xz"},
		"zstd":                {"\x28\xb5\x2f\xfd\x04\x00", source.CodeNotATable, "packed with Zstandard"},
		"bzip2":               {"BZh91AY&SY\x00", source.CodeNotATable, "packed with bzip2"},
		"tar":                 {"customers.csv" + strings.Repeat("\x00", 244) + "ustar\x0000", source.CodeNotATable, "packed with tar"},
		"PDF":                 {"%PDF-1.7\n%\xe2\xe3", source.CodeNotATable, "a PDF document; export the data as CSV"},
		"SQLite":              {"SQLite format 3\x00\x10\x00", source.CodeNotATable, "an SQLite database"},
		"Parquet":             {"PAR1\x15\x04", source.CodeNotATable, "a Parquet file"},
		"PNG":                 {"\x89PNG\r\n\x1a\n", source.CodeNotATable, "an image"},
		"JPEG":                {"\xff\xd8\xff\xe0\x00\x10JFIF", source.CodeNotATable, "an image"},
		"GIF":                 {"GIF89a\x01\x00", source.CodeNotATable, "an image"},
		"WebP":                {"RIFF\x24\x00\x00\x00WEBPVP8 ", source.CodeNotATable, "an image"},
		"web page":            {"\ufeff\r\n<!DOCTYPE HTML>\n<html>", source.CodeNotATable, "a web page; it may be what a site answers"},
		"sheet as a web page": {`<html xmlns:o="urn:schemas-microsoft-com:office:office">`, source.CodeNotATable, "a web page"},
		"table of a page":     {"<table border=1><tr>", source.CodeNotATable, "a web page"},
		"XHTML":               {"<?xml version=\"1.0\"?>\n<!DOCTYPE html>\n<html lang=\"en\">", source.CodeNotATable, "a web page"},
		"XML":                 {"<?xml version=\"1.0\"?>\n<Invoices>", source.CodeNotATable, "XML; export the data as CSV"},
		"XML, no prolog":      {"<Invoices>\n<Invoice>", source.CodeNotATable, "XML"},
		"RTF":                 {`{\rtf1\ansi`, source.CodeNotATable, "RTF"},
		"JSON array":          {"\ufeff[\n  {\"id\": 1}\n]", source.CodeNotATable, "a JSON array; write it as NDJSON"},
		"JSON rows":           {`[["External ID"],["a"]]`, source.CodeNotATable, "a JSON array"},
		"JSON object":         {"{\r\n  \"customers\": [", source.CodeNotATable, "JSON that is spread over several lines; write it as NDJSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := source.Foreign([]byte(tt.head))
			if !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v (%s), want %q (%s)", err, fault.CodeOf(err), tt.says, tt.code)
			}
		})
	}
}

// What may be a table, or lines, is judged by its rows.
func TestWhatIsNotForeign(t *testing.T) {
	t.Parallel()
	for _, head := range []string{
		"", "\ufeff", "External ID,Name\n", "BZh,b\n", "PAR1,b\n", "GIF8,b\n", "<id>,<name>\n", "[External ID],[Name]\n", "{", "{\"dataset\":\"customers\"}\n{",
		"{\"dataset\"\n{\"dataset\":\"customers\"}\n", "\xff\xfeE\x00",
	} {
		if err := source.Foreign([]byte(head)); err != nil {
			t.Errorf("%q: %v", head, err)
		}
	}
}
