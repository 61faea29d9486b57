package job

import (
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// openKey is the key of the mark that a job has not ended.
func openKey(j *Job) table.Key {
	if j.Status == Grace && j.Erase.buries() {
		return store.GraceKey(j.Erase.Until, j.ID)
	}
	return store.OpenJobKey(j.ID)
}

// buries tells whether an erase hides single records, or what an import added. There may be many of those.
func (s *EraseSpec) buries() bool { return s != nil && (len(s.Records) > 0 || s.Import != "") }

// unmark removes the marks that a job has not ended: of erases that older versions have made there is the other one.
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
