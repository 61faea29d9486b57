package store

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// The same name of a source may be spelled in several ways: macOS writes ö as o and two dots, and
// a space at the end cannot be seen. So names are compared by their normal form, regardless of
// case. Stored names stay as they are: older versions have stored any spelling.

// NormalName is the form in which the names of new sources are stored: composed (NFC), without
// spaces at the ends.
func NormalName(name string) string { return norm.NFC.String(strings.TrimSpace(name)) }

// SameName tells whether two names of sources have the same normal form, regardless of case.
func SameName(a, b string) bool { return strings.EqualFold(NormalName(a), NormalName(b)) }

// Named lists the sources that a uuid or a name may mean. The first is the one that it means: by
// the exact spelling, or else by the normal form. The others have the same normal form; there are
// such only if a version before 2026-11-30 has made them.
func (d *Directory) Named(nameOrUUID string) []Source {
	if s, ok := d.ByUUID(nameOrUUID); ok {
		return []Source{s}
	}
	var named []Source
	for _, s := range d.Sources {
		switch {
		case s.Name == nameOrUUID:
			named = slices.Insert(named, 0, s)
		case SameName(s.Name, nameOrUUID):
			named = append(named, s)
		}
	}
	return named
}

// ByName finds the source that a name means, see [Directory.Named].
func (d *Directory) ByName(name string) (Source, bool) {
	if named := d.Named(name); len(named) > 0 && named[0].UUID != name {
		return named[0], true
	}
	return Source{}, false
}

// NamesakeNote names the other sources whose names have the same normal form as that of a source,
// in a sentence for people; it is empty if there are none.
func (d *Directory) NamesakeNote(of Source) string {
	var others []string
	for _, s := range d.Named(of.Name) {
		if s.UUID != of.UUID {
			others = append(others, fmt.Sprintf("%q (%s)", s.Name, s.UUID))
		}
	}
	if len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("This is the data source %q (%s). Another one has the same name in another spelling: %s. To mean that one, give its id.",
		of.Name, of.UUID, strings.Join(others, ", "))
}
