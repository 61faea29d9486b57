package importer_test

import (
	"strings"
	"testing"

	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/table/mem"
)

// A file that is UTF-8 is not read in the encoding that it is said to have: letters far beyond its
// beginning would become others in silence.
func TestUTF8IsNotReadAsSomethingElse(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("c%,a plain name of a company\n", 5000)
	for name, tt := range map[string]struct {
		last string // a line
		want job.Status
	}{
		"plain":             {"x,Muller\n", job.Done},
		"windows-1252":      {"x,M\xfcller\n", job.Done},
		"UTF-8":             {"x,Müller\n", job.Failed},
		"UTF-8, cut off":    {"x,M\xc3", job.Done},
		"both":              {"x,Müller\ny,M\xfcller\n", job.Done},
		"four bytes":        {"x,😀\n", job.Failed},
		"a lone lead byte":  {"x,\xc3 A\n", job.Done},
		"a lone trail byte": {"x,\xa9\n", job.Done},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), 300, 1)
			src := l.source(t, "S")
			j := l.with(t, src, source.Settings{Encoding: "windows-1252"},
				input{name: "a.csv", body: []byte("External ID,Company\n" + strings.ReplaceAll(many, "%", "") + tt.last)})
			if j.Status != tt.want || tt.want == job.Failed && !strings.Contains(j.Error, "--encoding utf-8") {
				t.Errorf("%s: %s", j.Status, j.Error)
			}
		})
	}
}
