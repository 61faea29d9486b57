package billing_test

import (
	"strings"
	"testing"
	"time"

	"reseed/pkg/billing"
)

// Ids that have fewer digits than those with zeros before them are remarked on, counted over all
// parts of a file.
func TestZerosThatAreGone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ids  string
		says string
	}{
		"some":         {"00123 124 00125 7 12345", "Cells (2) of the column \"External ID\" have fewer than 5 digits, and others have zeros at their beginning, like 00001."},
		"of two sizes": {"0012 00123 7 456", "Cells (2) of the column \"External ID\" have fewer than 4 digits"},
		"all have":     {"00123 00124 12345 123456", ""},
		"none has":     {"123 7 0", ""},
		"no digits":    {"00123 a1 b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all billing.Remarks
			for id := range strings.FieldsSeq(tt.ids) {
				l, err := billing.NewLayout(billing.Customers, []string{"External ID"}, billing.Values{})
				if err != nil {
					t.Fatal(err)
				}
				if _, p := l.Record([]string{id}, time.Now()); p != nil {
					t.Fatal(p)
				}
				for _, r := range l.Remarks() {
					all.Add(r.Code, r.Column, r.Count)
				}
			}
			said := strings.Join(all.Sentences(), "\n")
			if !strings.HasPrefix(said, tt.says) || tt.says == "" && said != "" || strings.Count(said, "\n") > 0 {
				t.Errorf("%q, want %q", said, tt.says)
			}
		})
	}
}
