package job

import (
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// openKey returns the key of the mark that says that a job has not ended.
func openKey(j *Job) table.Key {
	if j.Status == Grace && j.Erase.hasTombstones() {
		return store.GraceKey(j.Erase.Until, j.ID)
	}
	return store.OpenJobKey(j.ID)
}

// hasTombstones tells whether an erase hides single records, or the rows that an import added.
// There may be many such erases.
func (s *EraseSpec) hasTombstones() bool { return s != nil && (len(s.Records) > 0 || s.Import != "") }

// unmark returns the writes that remove the mark of a job: both possible ones, since older versions
// marked all erases as open.
func unmark(j *Job) []table.Write {
	gone := []table.Write{{Item: table.Item{Key: store.OpenJobKey(j.ID)}, Delete: true}}
	if k := openKey(j); k != gone[0].Item.Key {
		gone = append(gone, table.Write{Item: table.Item{Key: k}, Delete: true})
	}
	return gone
}

func mark(k table.Key, id string) table.Item {
	return table.Item{Key: k, Attrs: table.NewBuilder().Str(attrJob, id).Attrs()}
}
