package importer

import (
	"fmt"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

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
