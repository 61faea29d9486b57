package eraser

import (
	"maps"
	"slices"
	"strings"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Names of what is counted besides datasets and pointers, which [store.Kinds] and [store.PointerKinds] name.
const (
	Edits  = "edits"  // items of tags, custom attributes, changed fields
	Merges = "merges" // customers that are merged, or have others merged into them
	Others = "others" // nothing that this version knows
)

// Counts are numbers of items by kind: the names of datasets, Edits, and pointers.
type Counts map[string]int64

// Rows are the counts of what people put in: records and edits.
func (c Counts) Rows() Counts { return c.only(false) }

// Pointers are the counts of what the records were found by.
func (c Counts) Pointers() Counts { return c.only(true) }

func (c Counts) only(pointers bool) Counts {
	out := maps.Clone(c)
	maps.DeleteFunc(out, func(kind string, _ int64) bool { return strings.HasSuffix(kind, "_pointers") != pointers })
	return out
}

// Total is the number of items.
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

// part is a partition of a source, or a range of its sort keys.
type part struct {
	pk       string
	from, to string // empty: from the beginning, to the end
	edits    bool
}

func (p part) query() table.Query { return table.Query{PK: p.pk, From: p.from, To: p.to} }

func (p part) kindOf(sk string) string {
	switch {
	case !p.edits, store.PointerAt(sk) != nil:
		return kindOf(sk)
	case strings.HasSuffix(sk, store.EditMerge):
		return Merges
	}
	return Edits
}

// Partitions of a source: one list a shard, those of the plans being the last.
type partitions [][]part

func customerParts(sp store.Space) partitions {
	return eachShard(sp, func(i int) []part { return []part{{pk: sp.CustomerPK(i)}} })
}

func dataParts(sp store.Space) partitions {
	return append(eachShard(sp, func(i int) []part { return []part{{pk: sp.DataPK(i)}} }), []part{{pk: sp.PlanPK()}})
}

func editParts(sp store.Space) partitions {
	return append(eachShard(sp, func(i int) []part { return []part{{pk: sp.EditPK(i), edits: true}} }), []part{{pk: sp.PlanEditPK(), edits: true}})
}

// dependentEdits are the edits of what lies in [dataParts], with their pointers.
func dependentEdits(sp store.Space) partitions {
	var letters []string
	for _, k := range store.Kinds() {
		if k.Place == store.WithData && !k.Part && len(k.Edits) > 0 {
			letters = append(letters, k.SK)
		}
	}
	for _, p := range store.PointerKinds() {
		if p.Place == store.WithData && p.Edits {
			letters = append(letters, p.SK)
		}
	}
	return append(eachShard(sp, func(i int) (parts []part) {
		for _, letter := range letters {
			parts = append(parts, part{pk: sp.EditPK(i), from: letter, to: store.After(letter), edits: true})
		}
		return parts
	}), []part{{pk: sp.PlanEditPK(), edits: true}})
}

// rowParts are the partitions of everything but edits.
func rowParts(sp store.Space) partitions { return customerParts(sp).with(dataParts(sp)) }

// allParts are all partitions of a source.
func allParts(sp store.Space) partitions { return rowParts(sp).with(editParts(sp)) }

func eachShard(sp store.Space, of func(int) []part) partitions {
	all := make(partitions, sp.Shards)
	for i := range all {
		all[i] = of(i)
	}
	return all
}

// with joins partitions shard by shard.
func (ps partitions) with(more partitions) partitions {
	out := make(partitions, max(len(ps), len(more)))
	for i := range out {
		if i < len(ps) {
			out[i] = append(out[i], ps[i]...)
		}
		if i < len(more) {
			out[i] = append(out[i], more[i]...)
		}
	}
	return out
}

// pks are the partition keys, each once.
func (ps partitions) pks() []string {
	var pks []string
	for _, parts := range ps {
		for _, p := range parts {
			pks = append(pks, p.pk)
		}
	}
	slices.Sort(pks)
	return slices.Compact(pks)
}

// hiddenBy are the partitions that nobody sees any more once an erase has hidden a selection of a source, and that are empty
// at the epochs that follow if nothing was put there since.
func hiddenBy(spec *job.EraseSpec, sp store.Space) partitions {
	switch kind, keepEdits := Kind(spec.Selection), spec.KeepEdits; {
	case kind == Source, kind == Content && !keepEdits:
		return allParts(sp)
	case kind == Content:
		return rowParts(sp)
	case kind == Dependent:
		return dataParts(sp)
	}
	return nil
}

// kindOf names what a sort key outside the edits stands for: a dataset, or a kind of pointer.
func kindOf(sk string) string {
	if k := store.RecordAt(sk); k != nil {
		return string(k.Dataset)
	}
	if p := store.PointerAt(sk); p != nil {
		return p.Name
	}
	return Others
}
