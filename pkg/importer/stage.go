package importer

import (
	"fmt"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Stages of an import that others refer to, see [store.RecordKind].
const (
	stagePlans     = store.StagePlans
	stageCustomers = store.StageCustomers
)

// stageOf is the stage of a dataset's rows; -1, which no job has, if this version does not know it.
func stageOf(ds billing.Dataset) int {
	if k := store.KindFor(ds); k != nil {
		return k.Stage
	}
	return -1
}

// anyOf tells whether something is true of a kind of a stage.
func anyOf(stage int, is func(*store.RecordKind) bool) bool {
	return slices.ContainsFunc(store.KindsOf(stage), is)
}

// looksUp tells whether a stage's rows ask about other keys before they can be merged.
func looksUp(stage int) bool { return anyOf(stage, (*store.RecordKind).LooksUp) }

// namesPlans tells whether rows of a stage name plans.
func namesPlans(stage int) bool {
	return anyOf(stage, func(k *store.RecordKind) bool { return k.Plan != nil })
}

// hasParts tells whether the records of a stage have parts, which follow them.
func hasParts(stage int) bool {
	return anyOf(stage, func(k *store.RecordKind) bool { return k.Part })
}

// underCustomers tells whether the keys of a stage's rows say whose they are.
func underCustomers(stage int) bool {
	return anyOf(stage, func(k *store.RecordKind) bool { return k.Under() && k.Of == store.KindCustomer })
}

// heads tells whether rows hang on the records of a stage, as their keys say, or those of pointers.
func heads(stage int) bool { return stage == stageCustomers || hasParts(stage) }

// hung lists the kinds of what hangs on customers.
func hung() []*store.RecordKind { return store.ChildrenOf(store.KindCustomer) }

// rangeOf is the key range, out of n, that a sort key belongs to: a run of
// neighbouring shards, so that a partition key has one writer.
func (p *partitions) rangeOf(sk string, n int) int {
	if n == 1 || isPlan(sk) {
		return 0
	}
	h, _ := store.LeadingH(sk)
	return p.ShardOf(h) * n / p.Shards
}

// partitions spells the partition keys of a source once.
type partitions struct{ *store.Partitions }

func newPartitions(sp store.Space) *partitions { return &partitions{sp.Partitions()} }

func (p *partitions) key(sk string) table.Key { return table.Key{PK: p.Of(sk), SK: sk} }

// scans lists the queries that walk all stored records of a stage in one key range out of n, in key order.
func (p *partitions) scans(stage, keyRange, n int) []table.Query {
	kind := store.KindsOf(stage)[0]
	q := table.Query{From: kind.SK, To: store.After(kind.SK)}
	of := p.At(kind.Place)
	if kind.Place == store.WithPlans {
		if keyRange > 0 {
			return nil
		}
	} else {
		of = of[keyRange*p.Shards/n : (keyRange+1)*p.Shards/n]
	}
	var out []table.Query
	for _, pk := range of {
		q.PK = pk
		out = append(out, q)
	}
	return out
}

// datasetOf is the dataset that a stored record came with; empty of what is no record.
func datasetOf(sk string, a table.Attrs) billing.Dataset {
	if k := store.RecordAt(sk); k != nil {
		return k.CameWith(a)
	}
	return ""
}

func isPlan(sk string) bool     { return store.PlaceOf(sk) == store.WithPlans }
func isCustomer(sk string) bool { return sk[:len(store.SKCustomer)] == store.SKCustomer }

// missingParent is the reject of a row whose parent will not be there.
func (w *work) missingParent(sk string) (column, code, message string) {
	parent := store.RecordAt(sk).Parent()
	return parent.Called, "unknown_" + string(parent.Kind), w.notThere(string(parent.Kind), parent.Dataset, "row")
}

// notThere says that what a row belongs to will not be there: what is stored does not count if it is replaced.
func (w *work) notThere(what string, ds billing.Dataset, row string) string {
	if w.replaces(ds) {
		return fmt.Sprintf("The %s of this %s is not in this import, which replaces all %s.", what, row, ds)
	}
	return fmt.Sprintf("The %s of this %s is neither stored in this source nor taken in with this import.", what, row)
}

// replaces tells whether the import is the whole truth for a dataset.
func (w *work) replaces(ds billing.Dataset) bool {
	return w.job.Import.Mode == job.Replace && w.given(ds)
}

// knowsDatasets refuses a job of a later version that has rows of a kind which this one does not know: it would pass them over.
func knowsDatasets(j *job.Job) error {
	for _, ds := range j.Import.Datasets {
		if store.KindFor(billing.Dataset(ds)) == nil {
			return fault.Newf(fault.Unavailable, "unknown_kind", "this version does not know the dataset %q; deploy the version that has begun the job", ds)
		}
	}
	return nil
}

// errUnknownKey is the answer to a key that this version does not know: a later one has made it, and may take the task.
func errUnknownKey(sk string) error {
	return fault.Newf(fault.Unavailable, "unknown_kind",
		"this version does not know the records whose sort keys begin with %q; deploy the version that has made them", store.SKPrefix(sk))
}
