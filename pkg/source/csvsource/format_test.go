package csvsource_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/sourcetest"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, sourcetest.Spelling{
		Format: csvsource.Format{}, Head: "Name,External ID,Email\n",
		Customer: func(id, name, email string) string {
			var b strings.Builder
			w := csv.NewWriter(&b)
			_ = w.Write([]string{name, id, email})
			w.Flush()
			return b.String()
		},
		Broken: "\"x\"y,c,\n", Code: source.CodeBadQuote, Within: "c", Column: "Email", Blank: " , ,\n",
	})
}

// The header row of a rejects file: the columns of the file, then those that a rejects file adds,
// once, however many the file has of them.
func TestRejectsHead(t *testing.T) {
	t.Parallel()
	const added = "Reject row,Reject file,Reject line,Reject column,Reject code,Reject reason,Reject settings"
	const old = "Reject file,Reject line,Reject column,Reject code,Reject reason"
	for header, want := range map[string]string{
		"External ID,Name":                                    "External ID,Name," + added,
		"External ID;Name":                                    "External ID;Name;" + strings.ReplaceAll(added, ",", ";"),
		"External ID\tName":                                   "External ID\tName\t" + strings.ReplaceAll(added, ",", "\t"),
		"External ID,Name," + old:                             "External ID,Name," + added,
		"External ID,Name," + old + "," + old:                 "External ID,Name," + added,
		"Reject code,External ID," + old + ",Name,'=x":        "External ID,Name,'=x," + added,
		"External ID,Name,'=x":                                "External ID,Name,''=x," + added,
		"External ID,Name,reject_row":                         "External ID,Name," + added,
		"external_id,REJECTROW,reject_file,name,rejectcode":   "external_id,name," + added,
		"External ID," + old + ",,\"a,b\"," + added + ",Name": "External ID,,\"a,b\",Name," + added,
	} {
		s, err := csvsource.Format{}.Scan(t.Context(), strings.NewReader(header+"\n"), source.Hint{}, 1, func(source.Piece) error { return nil })
		if err != nil {
			t.Fatalf("%s: %v", header, err)
		}
		if got := string(csvsource.Format{}.RejectsHead(s)); got != want+"\n" {
			t.Errorf("%s: %s, want %s", header, got, want)
		}
		if slices.ContainsFunc(s.Ignored, func(name string) bool { return strings.HasPrefix(strings.ToLower(name), "reject") }) {
			t.Errorf("%s: %q are ignored", header, s.Ignored)
		}
	}
}

// A rejects file has the delimiter of its file. A row that could not be split stands whole in it:
// once a person has corrected the cells and emptied that one, it goes in.
func TestRejectsAreCorrected(t *testing.T) {
	t.Parallel()
	told := strings.NewReplacer("{}", `"{""dataset"":""customers""}"`)
	for _, test := range []struct{ file, rejects, code, corrected string }{
		{
			"External ID;Name\nx1;\"Acme \"Best\" Inc\"\n", "x1;;\"x1;\"\"Acme \"\"Best\"\" Inc\"\"\";f;7;c;%s;r;{}\n",
			source.CodeBadQuote, "x1;\"Acme \"\"Best\"\" Inc\";;f;7;c;%s;r;{}\n",
		},
		{
			"External ID\tName\nx3\tGam\tma\tmore\n", "x3\tGam\t\"x3\tGam\tma\tmore\"\tf\t7\tc\t%s\tr\t{}\n",
			source.CodeWrongFieldCount, "x3\tGam ma\t\tf\t7\tc\t%s\tr\t{}\n",
		},
		{
			"External ID,Name\n=x1,M\xfcller\n", "'=x1,M\ufffdller,\"'=x1,M\ufffdller\",f,7,c,%s,r,{}\n",
			source.CodeBadEncoding, "'=x1,Müller,,f,7,c,%s,r,{}\n",
		},
	} {
		head, row := rejectOf(t, test.file, test.code)
		if want := told.Replace(fmt.Sprintf(test.rejects, test.code)); row != want {
			t.Errorf("%q, want %q", row, want)
		}
		if _, again := rejectOf(t, head+row, test.code); again != row {
			t.Errorf("%q, then %q", row, again)
		}
		if _, again := rejectOf(t, head+strings.Replace(row, test.code, "No Code", 1), source.CodeNotCorrected); !strings.Contains(again, source.CodeNotCorrected) {
			t.Error(again)
		}
		if _, rest := rejectOf(t, head+told.Replace(fmt.Sprintf(test.corrected, test.code)), ""); rest != "" {
			t.Errorf("corrected, it is %q", rest)
		}
	}
}

// rejectOf writes the rejects file of a file with one row; empty if the row is not rejected.
func rejectOf(t *testing.T, text, code string) (head, row string) {
	t.Helper()
	var piece source.Piece
	s, err := csvsource.Format{}.Scan(t.Context(), strings.NewReader(text), source.Hint{}, 1, func(p source.Piece) error { piece = p; return nil })
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csvsource.Format{}.Open(io.NopCloser(strings.NewReader(text[piece.Offset:])), s, piece.Place, sourcetest.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rows.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, problem := rows.Record()
	if problem == nil {
		problem = &billing.Problem{}
	}
	if problem.Code != code {
		t.Fatalf("%q: %+v, want %q", text, problem, code)
	}
	if code == "" {
		return "", ""
	}
	return string(csvsource.Format{}.RejectsHead(s)), string(rows.AppendReject(nil, source.Reject{File: "f", Line: 7, Column: "c", Code: code, Reason: "r"}))
}
