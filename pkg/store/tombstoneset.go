package store

import (
	"encoding/binary"
	"maps"
	"slices"
)

// covered is what a tombstone covers.
type covered struct {
	tag  Tag
	kind byte // see kindNumber
	h    H    // of an import: its number, in the first eight bytes
}

// coveredBy returns what a tombstone covers; false if this version does not know the kind of the
// tombstone.
func coveredBy(t Tombstone) (covered, bool) {
	if t.Kind == KindImport {
		return importCovered(t.Import), true
	}
	h, ok := ParseH(t.H)
	n := kindNumber(t.Kind)
	return covered{t.Tag, n, h}, ok && n > 0
}

// importCovered leaves the tag out: the numbers of imports are unique in the account.
func importCovered(number int64) covered {
	what := covered{kind: kindNumber(KindImport)}
	binary.BigEndian.PutUint64(what.h[:8], uint64(number)) //nolint:gosec // only its bits count
	return what
}

func kindNumber(k Kind) byte {
	switch k { //nolint:exhaustive // there are no tombstones of other kinds
	case KindCustomer:
		return 1
	case KindInvoicesOf:
		return 2
	case KindInvoice:
		return 3
	case KindImport:
		return 4
	}
	return 0
}

// setParts is the number of parts of a set of tombstones. A change copies only the parts that it
// touches.
const setParts = 256

// tombstones is the set of tombstones at one version of the directory. Readers share it, so it is
// never changed. nil is the empty set.
type tombstones struct {
	version int64
	parts   [setParts]map[covered]string // to the ids of their erases
	imports int                          // how many cover rows of imports
}

// part returns the number of the part that holds it; for an import, from the first and the last
// byte of its number.
func (what covered) part() byte { return what.h[0] ^ what.h[7] }

// eraseOf returns the erase whose tombstone covers something; empty if no tombstone does.
func (s *tombstones) eraseOf(what covered) string {
	if s == nil {
		return ""
	}
	return s.parts[what.part()][what]
}

func (s *tombstones) ofImports() int {
	if s == nil {
		return 0
	}
	return s.imports
}

// with makes the set of another version by applying changes to a copy.
func (s *tombstones) with(version int64, changes ...tombstoneChange) *tombstones {
	next := &tombstones{}
	if s != nil {
		*next = *s
	}
	next.version = version
	var own [setParts]bool // maps that were copied, and so are not shared
	for _, c := range changes {
		for _, t := range c.Stones {
			what, known := coveredBy(t)
			if !known {
				continue
			}
			part := what.part()
			if !own[part] {
				own[part] = true
				if next.parts[part] = maps.Clone(next.parts[part]); next.parts[part] == nil {
					next.parts[part] = map[covered]string{}
				}
			}
			next.put(what, c)
		}
	}
	return next
}

// put applies a change to one tombstone. The map that holds it must not be shared.
func (s *tombstones) put(what covered, c tombstoneChange) {
	part, n := s.parts[what.part()], 0
	switch was, there := part[what]; {
	case c.Gone && there && was == c.Job:
		delete(part, what)
		n = -1
	case !c.Gone:
		part[what] = c.Job
		if !there {
			n = 1
		}
	}
	if what.kind == kindNumber(KindImport) {
		s.imports += n
	}
}

// olderTombstones are tombstones that older versions stored in the directory itself. They stay
// there until they are removed.
type olderTombstones struct {
	list   []Tombstone
	counts map[Tag]int64
	set    *tombstones
}

func (o *olderTombstones) fill(list []Tombstone) {
	*o = olderTombstones{list: list}
	if len(list) == 0 {
		return
	}
	o.counts = map[Tag]int64{}
	changes := make([]tombstoneChange, len(list))
	for i, t := range list {
		o.counts[t.Tag]++
		changes[i] = tombstoneChange{Job: t.Job, Stones: list[i : i+1]}
	}
	o.set = o.set.with(0, changes...)
}

func (o *olderTombstones) remove(job string) {
	if slices.ContainsFunc(o.list, func(t Tombstone) bool { return t.Job == job }) {
		o.fill(slices.DeleteFunc(slices.Clone(o.list), func(t Tombstone) bool { return t.Job == job }))
	}
}
