package csvsource_test

import (
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
)

// A rejects file with a row that is no row of it is damaged: no part of it passes for the corrected rows,
// even if the rows to correct stand before.
func TestCorrectionsOfADamagedFile(t *testing.T) {
	t.Parallel()
	shape := source.Shape{Header: []string{"Name", "Email"}, Delimiter: ","}
	head := string(csvsource.Format{}.RejectsHead(shape))
	cells := strings.Count(head, ",")
	row := func(line string) string {
		return "Ann,x" + strings.Repeat(","+line, cells-1) + "\n"
	}
	for name, damaged := range map[string]string{"short": "Bob\n", "long": row("8,8"), "quoted": "\"Bob\n"} {
		rows := source.Corrections{7: {"Email": "ann@example.com"}}
		text, err := csvsource.Format{}.Correct(strings.NewReader(head+row("7")+damaged), shape, rows)
		if !fault.Is(err, fault.Internal) || text != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	text, err := csvsource.Format{}.Correct(strings.NewReader(head+row("7")+row("8")), shape, source.Corrections{7: {"Email": "ann@example.com"}})
	if err != nil || !strings.Contains(string(text), "Ann,ann@example.com") || strings.Count(string(text), "\n") != 2 {
		t.Errorf("a whole file: %q, %v", text, err)
	}
}
