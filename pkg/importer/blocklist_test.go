package importer_test

import (
	"fmt"
	"testing"

	"golang.org/x/text/unicode/norm"

	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// A customer is found on the do-not-reload list as another spelling of the source's name, or of its
// own id, has put it there.
func TestTheForgottenAreFoundInAnySpelling(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		source, id string // of the entry
		body       string
		verbatim   bool
		rejects    int64
	}{
		"as it is":             {"Söhne", "00123", "00123", false, 1},
		"a decomposed source":  {norm.NFD.String("söhne"), "00123", "00123", false, 1},
		"another source":       {"Sohne", "00123", "00123", false, 0},
		"another id":           {"Söhne", "00123", "00124", false, 0},
		"taken with the signs": {"Söhne", `="00123"`, `"=""00123"""`, false, 1},
		"read without signs":   {"Söhne", "00123", `"=""00123"""`, false, 1},
		"verbatim":             {"Söhne", "00123", `"=""00123"""`, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 1<<30)
			src := l.source(t, norm.NFC.String("Söhne"))
			_, err := l.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
				d.Forgets = true
				return []table.Write{{Item: table.Item{Key: store.ForgottenKey(d.Hasher().ForgottenH(tt.source, tt.id))}}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			body := fmt.Sprintf("External ID,Name\n%s,Ann\n", tt.body)
			settings := source.Settings{}
			if tt.verbatim {
				settings = verbatim()
			}
			if j := l.with(t, src, settings, input{"c.csv", "", []byte(body)}); j.Status != job.Done || j.Rejects != tt.rejects {
				t.Errorf("%s: %d rejects, want %d", j.Status, j.Rejects, tt.rejects)
			}
		})
	}
}
