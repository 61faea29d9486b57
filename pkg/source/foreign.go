package source

import (
	"bytes"
	"regexp"

	"reseed/pkg/fault"
)

// HeadBytes is how much of the beginning of a file [Foreign] needs to see, at most.
const HeadBytes = 512

// Codes of [Foreign].
const (
	CodeNotCSV    = "not_csv"     // packed, where only a table can be read
	CodeWorkbook  = "workbook"    // a spreadsheet
	CodeNotATable = "not_a_table" // anything else
)

// Remedies, which are parts of messages.
const (
	unpackFirst = "unpack it, and import the files that are in it, or a ZIP of them"
	exportData  = "export the data as CSV from where it comes from, and import that"
)

// Foreign returns fault.Invalid if the beginning of a file shows that it is neither CSV nor NDJSON:
// what it is, and what to do with it.
func Foreign(head []byte) error {
	for _, k := range binaries() {
		if len(head) >= k.at && bytes.HasPrefix(head[k.at:], []byte(k.magic)) {
			return k.refusal()
		}
	}
	text := string(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"))
	for _, k := range texts() {
		if k.like.MatchString(text) {
			return k.refusal()
		}
	}
	return nil
}

// foreign is a kind of file that cannot be imported.
type foreign struct {
	code, what, remedy string
}

func (k foreign) refusal() error {
	return fault.Newf(fault.Invalid, k.code, "the file is %s; %s", k.what, k.remedy)
}

// binary is a kind that is known by bytes at a place.
type binary struct {
	foreign

	at    int
	magic string
}

func binaries() []binary {
	archive := func(name, magic string) binary {
		return binary{foreign{CodeNotATable, "packed with " + name + ", which cannot be read", unpackFirst}, 0, magic}
	}
	image := func(at int, magic string) binary {
		return binary{foreign{CodeNotATable, "an image", exportData}, at, magic}
	}
	packed := foreign{CodeNotCSV, "an Excel workbook or a compressed archive, not a CSV file", `in Excel choose "Save as", then "CSV UTF-8 (comma delimited)", and import that file; unpack an archive first`}
	tar := archive("tar", "ustar")
	tar.at = 257
	return []binary{
		{packed, 0, "PK\x03\x04"},
		{packed, 0, "PK\x05\x06"},
		{packed, 0, "\x1f\x8b"},
		{foreign{CodeWorkbook, "a workbook of an old version of Excel (.xls), or one with a password", "open it, save it as .xlsx without a password, and import that"}, 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"},
		archive("7-Zip", "7z\xbc\xaf\x27\x1c"),
		archive("RAR", "Rar!\x1a\x07"),
		archive("xz", "\xfd7zXZ\x00"),
		archive("Zstandard", "\x28\xb5\x2f\xfd"),
		{archive("bzip2", "").foreign, 4, "1AY&SY"},
		tar,
		{foreign{CodeNotATable, "a PDF document", exportData}, 0, "%PDF-"},
		{foreign{CodeNotATable, "an SQLite database", exportData}, 0, "SQLite format 3\x00"},
		{foreign{CodeNotATable, "a Parquet file", exportData}, 0, "PAR1\x15"},
		image(0, "\x89PNG\r\n"), image(0, "\xff\xd8\xff"), image(0, "GIF87a"), image(0, "GIF89a"), image(8, "WEBP"),
	}
}

// text is a kind that is known by how it begins, behind a byte order mark and white space.
type text struct {
	foreign

	like *regexp.Regexp
}

func texts() []text {
	const (
		again   = "it may be what a site answers to somebody who has to sign in: download the file again; if it is a report that was saved as a page, save it as CSV"
		asLines = "write it as NDJSON, one object a line (jq -c '.[]' makes that of an array)"
	)
	kind := func(what, remedy string, like *regexp.Regexp) text {
		return text{foreign{CodeNotATable, what, remedy}, like}
	}
	return []text{
		kind("a web page", again, likeHTML),
		kind("XML", exportData, likeXML),
		kind("a document in RTF", exportData, likeRTF),
		kind("a JSON array", asLines, likeArray),
		kind("JSON that is spread over several lines", asLines, likeObject),
	}
}

var (
	likeHTML   = regexp.MustCompile(`(?is)^<(!doctype html|html|head|body|table|meta|script|style|(\?xml|!--).*<html)\b`)
	likeXML    = regexp.MustCompile(`^<(\?xml|!--|!DOCTYPE|[A-Za-z][\w.:-]*( [^>]*)?>\s*<)`)
	likeRTF    = regexp.MustCompile(`^\{\\rtf`)
	likeArray  = regexp.MustCompile(`^\[\s*[{\["\]]`)
	likeObject = regexp.MustCompile(`^\{[ \t]*\r?\n\s*"`)
)
