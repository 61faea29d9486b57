package importer

import (
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// knowsDatasets refuses a job of a later version that has rows of a kind which this version does
// not know, since it would leave them out.
func knowsDatasets(j *job.Job) error {
	for _, ds := range j.Import.Datasets {
		if j.Pulling() && (ds == job.Unread || ds == job.Unmapped) || ds == job.RejectedStay {
			continue
		}
		if stageOf(billing.Dataset(ds)) < 0 {
			return fault.Newf(fault.Unavailable, "unknown_kind", "this version does not know the dataset %q; deploy the version that began the job", ds)
		}
	}
	return nil
}

// errUnknownKey is the error for a key that this version does not know. A later version made it; a
// worker of that version can do the task.
func errUnknownKey(sk string) error {
	return fault.Newf(fault.Unavailable, "unknown_kind",
		"this version does not know the records whose sort keys begin with %q; deploy the version that made them", store.SKPrefix(sk))
}
