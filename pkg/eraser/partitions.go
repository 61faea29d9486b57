package eraser

import (
	"slices"
	"strings"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// part is a partition of a source, or a range of sort keys in it.
type part struct {
	pk       string
	from, to string // the range; empty means from the beginning, to the end
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

// partitions are parts of a source: one list for each shard, and a last one for plans.
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

// dependentEdits are the edits of the records in [dataParts], with their pointers.
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

// hiddenParts lists the partitions of a source that an erase hides as a whole. At the epochs that
// follow, they are empty until something is written there. It is nil for other selections.
func hiddenParts(spec *job.EraseSpec, sp store.Space) partitions {
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

// kindOf returns the name under which an item is counted, given a sort key that is not of an edit:
// a dataset, or a kind of pointer.
func kindOf(sk string) string {
	if k := store.RecordAt(sk); k != nil {
		return string(k.Dataset)
	}
	if p := store.PointerAt(sk); p != nil {
		return p.Name
	}
	return Others
}
