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

// Stages that this package names, see [store.RecordKind].
const (
	stagePlans     = store.StagePlans
	stageCustomers = store.StageCustomers
)

// stageOf is the stage of a dataset's rows. It is -1, which is the stage of no job, if this version
// does not know the dataset.
func stageOf(ds billing.Dataset) int {
	if k := store.KindFor(ds); k != nil {
		return k.Stage
	}
	return -1
}

// anyOf reports whether the condition holds for a kind of the stage.
func anyOf(stage int, is func(*store.RecordKind) bool) bool {
	return slices.ContainsFunc(store.KindsOf(stage), is)
}

// looksUp reports whether rows of a stage ask about other keys before they can be merged.
func looksUp(stage int) bool { return anyOf(stage, (*store.RecordKind).LooksUp) }

// namesPlans reports whether rows of a stage name plans.
func namesPlans(stage int) bool {
	return anyOf(stage, func(k *store.RecordKind) bool { return k.Plan != nil })
}

// hasParts reports whether the records of a stage have parts, whose keys follow theirs.
func hasParts(stage int) bool {
	return anyOf(stage, func(k *store.RecordKind) bool { return k.Part })
}

// underCustomers reports whether the keys of a stage's rows begin with the identity of their
// customer.
func underCustomers(stage int) bool {
	return anyOf(stage, func(k *store.RecordKind) bool { return k.Under() && k.Of == store.KindCustomer })
}

// heads reports whether rows belong to the records of a stage, as the keys of those rows or of
// their pointers say.
func heads(stage int) bool { return stage == stageCustomers || hasParts(stage) }

// hung lists the kinds of records that belong to customers.
func hung() []*store.RecordKind { return store.Hanging(store.KindCustomer) }

// rangeOf is the key range, out of n, that holds a sort key. A range is some neighbouring shards,
// so that each partition key has one writer.
func (p *partitions) rangeOf(sk string, n int) int {
	if n == 1 || isPlan(sk) {
		return 0
	}
	h, _ := store.LeadingH(sk)
	return p.ShardOf(h) * n / p.Shards
}

// partitions keeps the partition keys of a source, so that each is made once.
type partitions struct{ *store.Partitions }

func newPartitions(sp store.Space) *partitions { return &partitions{sp.Partitions()} }

func (p *partitions) key(sk string) table.Key { return table.Key{PK: p.Of(sk), SK: sk} }

// scans lists the queries for all stored records of a stage in one key range out of n, in key
// order.
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

// datasetOf is the dataset in which a stored record was imported; empty for an item that is not a
// record.
func datasetOf(sk string, a table.Attrs) billing.Dataset {
	if k := store.RecordAt(sk); k != nil {
		return k.CameWith(a)
	}
	return ""
}

func isPlan(sk string) bool     { return store.PlaceOf(sk) == store.WithPlans }
func isCustomer(sk string) bool { return sk[:len(store.SKCustomer)] == store.SKCustomer }

// missingParent is the reason to reject a row whose parent will not exist.
func (w *work) missingParent(sk string) (column, code, message string) {
	parent := store.RecordAt(sk).Parent()
	return parent.Called, "unknown_" + string(parent.Kind), w.notThere(string(parent.Kind), parent.Dataset, "row")
}

// notThere says that the record that a row belongs to will not exist. If the import replaces the
// dataset of that record, stored records do not count.
func (w *work) notThere(what string, ds billing.Dataset, row string) string {
	if w.replaces(ds) {
		return fmt.Sprintf("The %s of this %s is not in this import, which replaces all %s.", what, row, ds)
	}
	return fmt.Sprintf("The %s of this %s is neither stored in this source nor taken in with this import.", what, row)
}

// replaces reports whether the import replaces all rows of a dataset.
func (w *work) replaces(ds billing.Dataset) bool {
	return w.job.Import.Mode == job.Replace && w.given(ds)
}

// knowsDatasets refuses a job of a later version that has rows of a kind which this version does
// not know, since it would leave them out.
func knowsDatasets(j *job.Job) error {
	for _, ds := range j.Import.Datasets {
		if store.KindFor(billing.Dataset(ds)) == nil {
			return fault.Newf(fault.Unavailable, "unknown_kind", "this version does not know the dataset %q; deploy the version that began the job", ds)
		}
	}
	return nil
}

// errUnknownKey is the error for a key that this version does not know. A later version made it; a
// worker of that version can do the task.
func errUnknownKey(sk string) error {
	return fault.Newf(fault.Unavailable, "unknown_kind",
		"this version does not know the records whose sort keys begin with %q; deploy the version that made them", store.What(sk))
}
