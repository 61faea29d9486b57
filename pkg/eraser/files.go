package eraser

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// uploads is the folder of the object store that holds what people have sent, one folder a source.
const uploads = "uploads/"

// historyPage is how many jobs are read at a time.
const historyPage = 200

// clearFiles deletes the files that may name what was erased: the uploads of
// the imports concerned and all that these have made; and the names of those files.
func (r *run) clearFiles(ctx context.Context) error {
	kind := Kind(r.job.Erase.Selection)
	if r.c.Objects == nil || !kind.clearsFiles() {
		return nil
	}
	ours, others, err := r.imports(ctx)
	if err != nil {
		return err
	}
	for _, j := range ours {
		if err := r.clearImport(ctx, j, others); err != nil {
			return err
		}
	}
	r.lead.Files = len(ours)
	if kind == Source {
		return r.clearFolders(ctx, others)
	}
	for _, j := range ours { // what is left of these was put there anew
		for _, f := range j.Import.Inputs() {
			others[f.Object] = true
		}
	}
	for _, src := range r.sources() {
		if err := r.clearStrays(ctx, src, others); err != nil {
			return err
		}
	}
	return nil
}

// clearImport deletes the files of one import, under the lock of its source: an undo that is at them, or a plan that is
// applied, comes to its end first.
func (r *run) clearImport(ctx context.Context, j *job.Job, others map[string]bool) error {
	if err := r.late(ctx); err != nil {
		return err
	}
	if r.job.Tag == 0 {
		mine, err := r.ledger.Lock(ctx, j.Tag, r.job.ID)
		if err != nil {
			return err
		}
		if !mine {
			return errStop
		}
	}
	if _, err := r.c.Objects.DeleteAll(ctx, j.Prefix()); err != nil {
		return err
	}
	if err := r.clearInputs(ctx, j, others); err != nil {
		return err
	}
	if err := r.clearNames(ctx, j); err != nil || r.job.Tag != 0 {
		return err
	}
	next, err := r.ledger.Unlock(ctx, j.Tag, r.job.ID)
	if err != nil {
		return err
	}
	return r.dispatch(ctx, next)
}

// clearNames takes the names of an import's files out of its job, and what notes and an error may tell of them.
func (r *run) clearNames(ctx context.Context, j *job.Job) error {
	_, err := r.ledger.Update(ctx, j.ID, func(j *job.Job) error {
		for _, files := range [][]job.File{j.Import.Files, j.Import.Zips} {
			for i := range files {
				f, name := &files[i], fmt.Sprintf("file %d", i+1)
				if f.Name != "" {
					j.Error = strings.ReplaceAll(j.Error, f.Name, name)
				}
				f.Name, f.Object, f.Version, f.Header = name, "", "", nil
			}
		}
		j.Import.FilesErased = true
		if j.Error != "" && !j.Import.Scanned { // then it is about what stands in the files: names within ZIPs, columns
			j.Error = "It failed; what it said of that was erased with its files."
		}
		j.Notes = []string{"The files of this import were erased, and their names and its notes with them, since they may have named what was erased."}
		return nil
	})
	return err
}

// clearStrays deletes uploads that have come to no import, whole or half written: their request was refused or died. One
// that began before the erase and still goes on fails; its sender can repeat it.
func (r *run) clearStrays(ctx context.Context, src store.Source, named map[string]bool) error {
	folders := map[string]bool{}
	for object := range named {
		folders[objects.RequestFolder(object)] = true
	}
	for folder, err := range r.c.Objects.Folders(ctx, uploads+src.UUID+"/") {
		if err != nil {
			return err
		}
		if folders[folder] || !r.posted(folder) {
			continue
		}
		if err := r.late(ctx); err != nil {
			return err
		}
		if _, err := r.c.Objects.DeleteAll(ctx, folder); err != nil {
			return err
		}
	}
	return nil
}

// posted tells whether a folder is one that a request has made for an upload, before the erase began.
func (r *run) posted(folder string) bool {
	at, ok := objects.RequestTime(folder)
	return ok && at.Before(r.job.CreatedAt)
}

// imports reads the history: the imports whose files go, and the objects that other jobs have read.
func (r *run) imports(ctx context.Context) (ours []*job.Job, others map[string]bool, err error) {
	older, err := covered(ctx, r.ledger, r.job)
	if err != nil {
		return nil, nil, err
	}
	epochs := []store.Epochs{{}, r.job.Erase.Was.Epochs}
	for _, j := range older {
		epochs = append(epochs, j.Erase.Was.Epochs)
	}
	others = map[string]bool{}
	for j, err := range r.ledger.All(ctx, historyPage, "") {
		switch {
		case err != nil:
			return nil, nil, err
		case j.Import == nil:
		case r.concerns(j, epochs):
			ours = append(ours, j)
		default:
			for _, f := range j.Import.Inputs() {
				others[f.Object] = true
			}
		}
	}
	return ours, others, nil
}

// concerns tells whether an import's files go with the selection: all of a
// source that is gone; else those that had ended, since one that waits will read its files yet. What empties a source takes
// those along that have filled it at some epochs.
func (r *run) concerns(j *job.Job, epochs []store.Epochs) bool {
	before := j.Status.Ended() && j.ID < r.job.ID
	// One that got its id a moment after the erase, and yet came in before, is told by what it has written into.
	old := j.Status.Ended() && j.Import.Scanned
	switch Kind(r.job.Erase.Selection) {
	case Source:
		return j.Tag == r.job.Tag
	case ManualCustomers:
		return before || old && j.Import.ManualEpoch < r.job.Erase.Manual
	case Content, Dependent: // one that came behind the erase found the source empty, and has filled it since
		return (before || old) && j.Tag == r.job.Tag && slices.Contains(epochs, j.Import.Epochs)
	case Customer, CustomerInvoices, Invoice: // rejects of imports since may name it too
		return j.Status.Ended() && slices.ContainsFunc(r.job.Erase.Records, func(rec job.ErasedRecord) bool { return rec.Tag == j.Tag })
	case Import:
		return j.Status.Ended() && j.Tag == r.job.Tag
	}
	return false
}

// clearInputs deletes what an import has read, unless another job has read it too or it was put there anew.
func (r *run) clearInputs(ctx context.Context, j *job.Job, others map[string]bool) error {
	for _, f := range j.Import.Inputs() {
		if f.Object == "" || others[f.Object] {
			continue
		}
		info, err := r.c.Objects.Stat(ctx, f.Object)
		switch {
		case fault.Is(err, fault.NotFound): // older versions of it may be there
		case err != nil:
			return err
		case f.Version != "" && f.Version != info.Version, f.Version == "" && !info.Modified.Before(r.job.CreatedAt):
			continue
		}
		if err := r.c.Objects.Delete(ctx, f.Object); err != nil {
			return err
		}
	}
	return nil
}

// clearFolders deletes the upload folders of a source that is gone, with all
// versions: the one of its uuid, and the one of its name unless a new source has the name or something
// has come in for one.
func (r *run) clearFolders(ctx context.Context, others map[string]bool) error {
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	// Nobody reads from the folder of its uuid any more.
	if _, err := r.c.Objects.DeleteAll(ctx, uploads+r.job.Source+"/"); err != nil {
		return err
	}
	if !strings.Contains(r.job.SourceName, "/") && !nameTaken(d, r.job.SourceName) {
		return r.clearFolder(ctx, uploads+r.job.SourceName+"/", others)
	}
	return nil
}

// clearFolder deletes a folder that is nobody else's by now.
func (r *run) clearFolder(ctx context.Context, folder string, others map[string]bool) error {
	for object := range others {
		if path.Dir(object)+"/" == folder {
			return nil
		}
	}
	fresh, err := r.fresh(ctx, folder)
	if err != nil || fresh {
		return err
	}
	_, err = r.c.Objects.DeleteAll(ctx, folder)
	return err
}

func nameTaken(d *store.Directory, name string) bool { _, ok := d.ByName(name); return ok }

// fresh tells whether anything was put below a folder since the erase began.
func (r *run) fresh(ctx context.Context, folder string) (bool, error) {
	for info, err := range r.c.Objects.List(ctx, folder) {
		if err != nil {
			return false, err
		}
		if !info.Modified.Before(r.job.CreatedAt) {
			return true, nil
		}
	}
	return false, nil
}
