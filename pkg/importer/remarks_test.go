package importer_test

import (
	"slices"
	"strings"
	"testing"
)

// TestUnusualCellsAreSaid counts cells over all pieces of a file, and keeps files apart.
func TestUnusualCellsAreSaid(t *testing.T) {
	t.Parallel()
	one := input{name: "one.csv", body: []byte("External ID,Company\n" + strings.Repeat("=\"001\",'5\n", 30))}
	two := input{name: "two.csv", body: []byte("External ID,Company\nx1,“Acme”\n=\"002\",\"=\"\"7\"\"\"\n")}
	for name, small := range map[string]int64{"one worker": 1 << 20, "several pieces": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fresh(t, 100, small)
			src := l.source(t, "A")
			want := []string{
				`one.csv: Cells (30) of the column "Company" written like '00123`,
				`one.csv: Cells (30) of the column "External ID" written like ="00123"`,
				`two.csv: Cells (1) of the column "Company" written like “Acme”`,
				`two.csv: Cells (1) of the column "Company" written like ="00123"`,
				`two.csv: Cells (1) of the column "External ID" written like ="00123"`,
			}
			plan := l.plan(t, src, one, two)
			if !slices.EqualFunc(plan.Notes, want, strings.HasPrefix) {
				t.Errorf("the notes of the plan are %q", plan.Notes)
			}
			if done := l.applied(t, plan); !slices.Equal(done.Notes, plan.Notes) {
				t.Errorf("once applied, the notes are %q", done.Notes)
			}
		})
	}
}
