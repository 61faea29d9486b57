package eraser

import (
	"maps"
	"strings"
)

// Names of counts, besides the names of datasets and pointers in [store.Kinds] and
// [store.PointerKinds].
const (
	Edits  = "edits"  // items of tags, custom attributes, changed fields
	Merges = "merges" // items of merges: a merge has one at each of its two customers
	Others = "others" // items that this version does not know
)

// Kinds of files that an erase deletes.
const (
	Uploads      = "uploads"       // as people sent them, ZIPs and packed files included
	Unpacked     = "unpacked"      // what an import unpacked or transcoded of its uploads
	Rejects      = "rejects"       // parts of rejects files, and lists of what undos left alone
	ChangeSets   = "change_sets"   // one for each key range
	Samples      = "samples"       // the first changes of each key range
	WorkingFiles = "working_files" // what imports note for themselves
	Exports      = "exports"       // files of exports, and their parts
)

// Counts are numbers of items or files by name: of a dataset, of a kind of pointer, or one of the
// constants above.
type Counts map[string]int64

// Rows returns the counts of what people put in: records and edits.
func (c Counts) Rows() Counts { return c.where(false) }

// Pointers returns the counts of pointers.
func (c Counts) Pointers() Counts { return c.where(true) }

func (c Counts) where(pointers bool) Counts {
	out := maps.Clone(c)
	maps.DeleteFunc(out, func(kind string, _ int64) bool { return strings.HasSuffix(kind, "_pointers") != pointers })
	return out
}

// Total returns the number of all items.
func (c Counts) Total() (n int64) {
	for _, k := range c {
		n += k
	}
	return n
}

// Add adds d to c.
func (c Counts) Add(d Counts) {
	for kind, n := range d {
		c[kind] += n
	}
}
