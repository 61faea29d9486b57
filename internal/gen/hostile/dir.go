package hostile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// WriteDir writes the cases, the files that they need (base/), EXPECTED.json and
// README.md to dir. It makes dir if it does not exist.
func WriteDir(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "base"), 0o750); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	files, err := contents()
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(content), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// contents returns every file of the folder by its slash-separated name.
func contents() (map[string]string, error) {
	files := map[string]string{"README.md": readme()}
	for name, content := range Base() {
		files["base/"+name] = content
	}
	for _, c := range Cases() {
		files[c.File] = c.Content
	}
	expected, err := json.MarshalIndent(Cases(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the expectations: %w", err)
	}
	files["EXPECTED.json"] = string(expected) + "\n"
	return files, nil
}

const intro = `# Hostile files

Small inputs that break importers, and what must become of each. Written by
` + "`go run ./internal/gen -hostile -out testdata/hostile`" + `; EXPECTED.json says the same to tests.

Every file is imported alone, its dataset named, into a new source that holds the rows of base/ (customer
scus_base, plan plan_gold, invoices inv_base in USD and inv_yen in JPY). Lines are physical lines, the header being
line 1. Always: rows read = added + repeats (counted as unchanged) + rejected. A refused file changes nothing.
Inputs that are hostile by size (a quote that opens 200 MB, a cell of 500 KB, a million columns) are made by tests.

| file | dataset | family | what is odd | added | repeats | refused as a whole, or rejects: line (column) code |
|---|---|---|---|---|---|---|
`

func readme() string {
	var text strings.Builder
	text.WriteString(intro)
	for _, c := range Cases() {
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %d | %d | %s |\n", c.File, c.Dataset, c.Family, c.Why, c.Added, c.Repeats, c.outcome())
	}
	return text.String()
}

// outcome returns the last cell of the table. Rejects with the same column and
// code are listed together.
func (c *Case) outcome() string {
	if c.Refused != "" {
		return "refused: " + c.Refused
	}
	var parts []string
	for i := 0; i < len(c.Rejects); {
		r := c.Rejects[i]
		var at []string
		for ; i < len(c.Rejects) && c.Rejects[i].Code == r.Code && c.Rejects[i].Column == r.Column; i++ {
			at = append(at, fmt.Sprint(c.Rejects[i].Line))
		}
		column := ""
		if r.Column != "" {
			column = " (" + r.Column + ")"
		}
		parts = append(parts, strings.Join(at, ", ")+column+" "+r.Code)
	}
	if len(c.Unknown) > 0 {
		parts = append(parts, "ignored columns: "+strings.Join(c.Unknown, ", "))
	}
	return strings.Join(parts, "; ")
}
