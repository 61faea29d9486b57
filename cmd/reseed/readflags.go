package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"reseed/pkg/api/wire"
	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// readFlags are the flags that say how tables are read.
type readFlags struct {
	dataset string
	given   wire.Settings
}

// names lists the flags of the settings. With "_" for "-" they are the names in JSON.
func (readFlags) names() []string {
	return []string{"encoding", "delimiter", "skip-lines", "map", "date-format", "amounts", "decimal", "ids"}
}

func (r *readFlags) addTo(c *cobra.Command, dataset string) {
	f, s := c.Flags(), &r.given
	f.StringVar(&r.dataset, "dataset", "", dataset)
	f.StringVar(&s.Encoding, "encoding", "", "of the text, such as windows-1252; a byte order mark in a file beats it")
	f.StringVar(&s.Delimiter, "delimiter", "", `what separates cells: one character, or "tab"`)
	f.IntVar(&s.SkipLines, "skip-lines", 0, "lines before the header row")
	f.StringArrayVar(&s.Map, "map", nil, `"Customer ID=External ID": a column of the files and the column that it is; "=USD=Currency": a value for all rows; @FILE: one a line`)
	f.StringVar(&s.DateFormat, "date-format", "", "such as DD.MM.YYYY")
	f.StringVar(&s.Amounts, "amounts", "", "units: amounts are written as 12.50; cents: as 1250")
	f.StringVar(&s.Decimal, "decimal", "", "comma: amounts are written as 12,50; point: as 12.50")
	f.StringVar(&s.IDs, "ids", "", "verbatim: take ids as they stand, even if a spreadsheet seems to have damaged them; checked: reject those")
}

// settings are the settings that were given, with files of mappings read.
func (r *readFlags) settings() (wire.Settings, error) {
	s := r.given
	if s.Delimiter == "\t" {
		s.Delimiter = source.DelimiterTab
	}
	s.Map = nil
	for _, m := range r.given.Map {
		file, is := strings.CutPrefix(m, "@")
		if !is {
			s.Map = append(s.Map, m)
			continue
		}
		text, err := os.ReadFile(file) //nolint:gosec // the person names the file
		if err != nil {
			return s, usage("--map: %v", err)
		}
		for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
			if line = strings.TrimSpace(line); line != "" {
				s.Map = append(s.Map, line)
			}
		}
	}
	if e, ok := errors.AsType[*fault.Error](source.Settings(s).Check()); ok {
		return s, usage("--%s: %s", strings.ReplaceAll(e.Param, "_", "-"), e.Message)
	}
	return s, nil
}

// changes are the settings that were given, and those that are to be cleared, by their names in
// JSON. It is empty if there are none.
func (r *readFlags) changes(c *cobra.Command, cleared []string) (map[string]any, error) {
	s, err := r.settings()
	if err != nil {
		return nil, err
	}
	values := map[string]any{
		"encoding": s.Encoding, "delimiter": s.Delimiter, "skip-lines": s.SkipLines, "map": s.Map,
		"date-format": s.DateFormat, "amounts": s.Amounts, "decimal": s.Decimal, "ids": s.IDs,
	}
	out := map[string]any{}
	for _, name := range r.names() {
		if c.Flags().Changed(name) {
			out[jsonName(name)] = values[name]
		}
	}
	for _, name := range cleared {
		name = strings.TrimPrefix(name, "--")
		switch _, given := out[jsonName(name)]; {
		case !slices.Contains(r.names(), name):
			return nil, usage("--clear %s: there is no such setting; the settings are %s", name, strings.Join(r.names(), ", "))
		case given:
			return nil, usage("--%s is both given and cleared", name)
		}
		out[jsonName(name)] = nil
	}
	return out, nil
}

func jsonName(flag string) string { return strings.ReplaceAll(flag, "-", "_") }
