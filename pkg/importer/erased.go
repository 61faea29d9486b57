package importer

import (
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

const codeErased = "source_erased"

func errErased() error {
	return fault.New(fault.Conflict, codeErased, "The data source was erased while the import ran; nothing of it is visible.")
}

// stillFull ends an import whose source was emptied while it ran: what it decided rests on data that is gone, and what a pull
// has read before is not to come back.
func stillFull(j *job.Job, now store.Epochs) error {
	if !j.Import.Emptied(now) {
		return nil
	}
	again := "import the files again"
	if pulled(j) {
		again = "to fill it again, sync it again"
	}
	return fault.New(fault.Conflict, job.CodeEmptied, "The data source was emptied, or an earlier state of it was restored, while the import ran. What the import had written is gone; "+again+".")
}

// errManualErased ends an import during which manual customers were erased.
func errManualErased() error {
	return fault.New(fault.Conflict, "manual_erased", "Manual customers were erased while the import ran, with what it had written about them; import the files again.")
}

// codeErasing is the code of rejects whose record an erase hides and can still restore.
const codeErasing = "being_erased"

func erasing(column string) *billing.Problem {
	return &billing.Problem{
		Column: column, Code: codeErasing,
		Message: "This record is being erased, and can still be restored. Restore it, or import again when the erase has ended.",
	}
}
