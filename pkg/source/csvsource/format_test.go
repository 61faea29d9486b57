package csvsource_test

import (
	"encoding/csv"
	"strings"
	"testing"

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
		Broken: "\"x\"y,c,\n", Code: source.CodeBadQuote, Column: "Email", Blank: " , ,\n",
	})
}
