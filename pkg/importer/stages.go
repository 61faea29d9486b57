package importer

import (
	"slices"

	"reseed/pkg/billing"
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
	if ds == billing.Edits {
		return stageEdits
	}
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

// hasDependents reports whether rows belong to the records of a stage, as the keys of those rows or
// of their pointers say.
func hasDependents(stage int) bool { return stage == stageCustomers || hasParts(stage) }

// dependentKinds lists the kinds of records that belong to customers.
func dependentKinds() []*store.RecordKind { return store.ChildrenOf(store.KindCustomer) }

// datasetOf is the dataset in which a stored record was imported; empty for an item that is not a
// record.
func datasetOf(sk string, a table.Attrs) billing.Dataset {
	if k := store.RecordAt(sk); k != nil {
		return k.CameWith(a)
	}
	return ""
}

func isPlan(sk string) bool { return store.PlaceOf(sk) == store.WithPlans }

func isCustomer(sk string) bool { return sk[:len(store.SKCustomer)] == store.SKCustomer }

// stages lists the stages of a job in order.
func stages(j *job.Job) []int {
	var out []int
	for stage := range store.Stages() {
		if hasStage(j, stage) {
			out = append(out, stage)
		}
	}
	if hasStage(j, stageEdits) {
		out = append(out, stageEdits)
	}
	return out
}

func hasStage(j *job.Job, stage int) bool {
	return slices.ContainsFunc(j.Import.Datasets, func(ds string) bool { return stageOf(billing.Dataset(ds)) == stage })
}

// stagePieces lists the indexes of the pieces that have rows of a stage.
func stagePieces(j *job.Job, stage int) []int {
	var out []int
	for i := range j.Import.Pieces {
		if slices.Contains(pieceStages(j, i), stage) {
			out = append(out, i)
		}
	}
	return out
}

// pieceStages lists the stages that a piece has rows of. A piece of a CSV file has one: the stage
// of the file's dataset.
func pieceStages(j *job.Job, piece int) []int {
	p := j.Import.Pieces[piece]
	if len(p.Stages) > 0 {
		return p.Stages
	}
	return []int{stageOf(billing.Dataset(j.Import.Files[p.File].Dataset))}
}
