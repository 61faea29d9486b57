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
	"reseed/pkg/source"
	"reseed/pkg/store"
)

// uploads is the folder of the object store that holds uploads, in one folder for each source.
const uploads = "uploads/"

// historyPage is how many jobs are read at a time.
const historyPage = 200

// clearFiles deletes the files that may hold what was erased: the uploads of the imports concerned
// and all files that these imports made, and the files of exports. It also deletes the names of the
// uploads.
func (r *run) clearFiles(ctx context.Context) error {
	kind := Kind(r.job.Erase.Selection)
	if r.c.Objects == nil || !kind.clearsFiles() {
		return nil
	}
	ours, others, err := r.imports(ctx)
	if err != nil {
		return err
	}
	r.lead.Files = 0
	for _, j := range ours {
		if err := r.clearJob(ctx, j, others); err != nil {
			return err
		}
		if j.Import != nil {
			r.lead.Files++
		}
	}
	if kind == Source {
		return r.clearFolders(ctx, others)
	}
	for _, j := range ours { // if one is left, it was put there again: keep it
		for _, f := range inputsOf(j) {
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

// inputsOf lists the files that a job has read.
func inputsOf(j *job.Job) []job.File {
	if j.Import == nil {
		return nil
	}
	return j.Import.Inputs()
}

// clearJob deletes the files of one import or export, under the lock of its source. So an undo that
// reads them, or a plan that is applied, ends first.
func (r *run) clearJob(ctx context.Context, j *job.Job, others map[string]bool) error {
	if err := r.checkTime(ctx); err != nil {
		return err
	}
	if r.job.Tag != 0 && r.job.Tag != j.Tag && !j.Status.Ended() {
		return errStop // an export of a merged customer, under the lock of another source: it is about to fail
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
	if err := r.clearFilesOf(ctx, j, others); err != nil {
		return err
	}
	if j.Import != nil && j.Import.Pull != nil {
		if err := r.ledger.DropPull(ctx, j.ID); err != nil {
			return err
		}
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

// clearFilesOf deletes the uploads of an import, and the files that an import or export made.
func (r *run) clearFilesOf(ctx context.Context, j *job.Job, others map[string]bool) error {
	inputs, n, err := r.inputs(ctx, j, others)
	if err != nil {
		return err
	}
	made, err := madeBy(ctx, r.c.Objects, j)
	if err != nil {
		return err
	}
	n.Add(made)
	return r.clear(j.Prefix(), n, func() error {
		if _, err := r.c.Objects.DeleteAll(ctx, j.Prefix()); err != nil {
			return err
		}
		for _, object := range inputs {
			if err := r.c.Objects.Delete(ctx, object); err != nil {
				return err
			}
		}
		return nil
	})
}

// clear deletes files, and adds their numbers to those in the receipt. It notes the numbers first,
// with the folder that it is at. So a sweep that goes on after a kill neither loses them nor counts
// what is left once more.
func (r *run) clear(folder string, n Counts, del func() error) error {
	if n.Total() > 0 && r.lead.At != folder {
		if r.lead.Cleared == nil {
			r.lead.Cleared = Counts{}
		}
		r.lead.At = folder
		r.lead.Cleared.Add(n)
		if err := r.save(); err != nil {
			return err
		}
	}
	return del()
}

// clearUploads deletes a folder of uploads.
func (r *run) clearUploads(ctx context.Context, folder string) error {
	names, err := r.c.Objects.Names(ctx, folder)
	if err != nil {
		return err
	}
	return r.clear(folder, Counts{Uploads: int64(len(names))}, func() error {
		_, err := r.c.Objects.DeleteAll(ctx, folder)
		return err
	})
}

// kindOfFile returns the kind under which a file in the folder of a job is counted.
func kindOfFile(j *job.Job, name string) string {
	if j.Export != nil {
		return Exports
	}
	switch folder, _, _ := strings.Cut(name, "/"); folder {
	case "input":
		return Unpacked
	case "rejects", "rejects.csv":
		return Rejects
	case "changes":
		return ChangeSets
	case "samples":
		return Samples
	}
	return WorkingFiles
}

// clearNames removes the names of an import's files from its job, and from its notes and error; the
// reasons of its rejects, which may name them, too; and the external id of the one customer that it pulled.
func (r *run) clearNames(ctx context.Context, j *job.Job) error {
	_, err := r.ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if j.Export != nil {
			j.Export.Deleted = true
			return nil
		}
		for _, files := range [][]job.File{j.Import.Files, j.Import.Zips} {
			for i := range files {
				f, name := &files[i], fmt.Sprintf("file %d", i+1)
				if f.Name != "" {
					j.Error = strings.ReplaceAll(j.Error, f.Name, name)
				}
				f.Name, f.Object, f.Version, f.Tab, f.GID, f.Header, f.Settings = name, "", "", "", nil, nil, source.Settings{}
			}
		}
		if j.Import.Pull != nil {
			j.Import.Pull.Lost = nil
			if j.Import.Pull.Customer != "" {
				j.Import.Pull.Customer = job.ErasedCustomer
			}
		}
		j.Import.FilesErased, j.Reasons = true, nil
		if j.Error != "" && !j.Import.Scanned && j.ErrorCode != job.CodeEmptied { // then the error is about the files: names within ZIPs, columns
			j.Error = "It failed; what it said of that was erased with its files."
		}
		j.Notes = []string{"The files of this import were erased, and their names and its notes with them, since they may have named what was erased."}
		return nil
	})
	return err
}

// clearStrays deletes uploads that belong to no import, whole or half written: their request was
// refused or its process died. An upload that began before the erase and is still going on fails,
// and can be sent again.
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
		if err := r.checkTime(ctx); err != nil {
			return err
		}
		if err := r.clearUploads(ctx, folder); err != nil {
			return err
		}
	}
	return nil
}

// posted tells whether a request made the folder for an upload before the erase began.
func (r *run) posted(folder string) bool {
	at, ok := objects.RequestTime(folder)
	return ok && at.Before(r.job.CreatedAt)
}

// imports reads the history of jobs. It returns the imports and exports whose files must be deleted,
// and the objects that other jobs have read.
func (r *run) imports(ctx context.Context) (ours []*job.Job, others map[string]bool, err error) {
	older, err := coveredErases(ctx, r.ledger, r.job)
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
		case j.Export != nil:
			if r.concernsExport(j) {
				ours = append(ours, j)
			}
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

// concerns tells whether an import's files must be deleted with the selection. If the source is
// erased, the files of all its imports are. Otherwise only the files of ended imports are, since
// one that waits has yet to read its files. If the content of a source is erased, the files of the
// imports that wrote at the hidden epochs are.
func (r *run) concerns(j *job.Job, epochs []store.Epochs) bool {
	before := j.Status.Ended() && j.ID < r.job.ID
	// An import may have got its id a moment after the erase and yet have begun before. The epoch
	// under which it wrote tells.
	old := j.Status.Ended() && j.Import.Scanned
	switch Kind(r.job.Erase.Selection) {
	case Source:
		return j.Tag == r.job.Tag
	case ManualCustomers:
		return before || old && j.Import.ManualEpoch < r.job.Erase.Manual
	case Content, Dependent: // an import after the erase found the source empty, and may have filled it since
		return (before || old) && j.Tag == r.job.Tag && slices.Contains(epochs, j.Import.Epochs)
	case Customer, CustomerInvoices, Invoice: // rejects of later imports may name it too
		return mayHaveNamed(j, r.job.Erase.Records)
	case Import:
		return j.Status.Ended() && j.Tag == r.job.Tag
	}
	return false
}

// concernsExport tells whether an export's file must be deleted with the selection: it began to read
// one of the sources concerned before the erase. A later one holds nothing of what was erased.
func (r *run) concernsExport(j *job.Job) bool {
	return slices.ContainsFunc(append([]store.Source{r.job.Erase.Was}, r.job.Erase.Sources...), func(src store.Source) bool {
		return slices.ContainsFunc(j.Export.Read(), func(read store.Source) bool { return src.UUID == read.UUID && read.Fence <= src.Fence })
	})
}

// inputs lists the uploads that an import has read, and how many of them exist, without those that
// another job has read too or that were put there again. What the import itself has unpacked lies in
// its own folder and is not listed.
func (r *run) inputs(ctx context.Context, j *job.Job, others map[string]bool) (keys []string, n Counts, err error) {
	n = Counts{}
	for _, f := range inputsOf(j) {
		if f.Object == "" || others[f.Object] || strings.HasPrefix(f.Object, j.Prefix()) || slices.Contains(keys, f.Object) {
			continue
		}
		info, err := r.c.Objects.Stat(ctx, f.Object)
		switch {
		case fault.Is(err, fault.NotFound): // older versions of it may exist
		case err != nil:
			return nil, nil, err
		case f.Version != "" && f.Version != info.Version, f.Version == "" && !info.Modified.Before(r.job.CreatedAt):
			continue
		default:
			n[Uploads]++
		}
		keys = append(keys, f.Object)
	}
	return keys, n, nil
}

// clearFolders deletes the upload folders of an erased source, with all versions: the folder with
// its uuid, and folders with its name in any spelling, unless another source has the name or new
// files are in the folder.
func (r *run) clearFolders(ctx context.Context, others map[string]bool) error {
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	// No job reads from the folder with its uuid any more.
	if err := r.clearUploads(ctx, uploads+r.job.Source+"/"); err != nil {
		return err
	}
	for folder, err := range r.c.Objects.Folders(ctx, uploads) {
		if err != nil {
			return err
		}
		name := path.Base(folder)
		if _, taken := d.ByName(name); taken || !store.SameName(name, r.job.SourceName) {
			continue
		}
		if err := r.clearFolder(ctx, folder, others); err != nil {
			return err
		}
	}
	return nil
}

// clearFolder deletes a folder, unless another job has read from it or new files are in it.
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
	return r.clearUploads(ctx, folder)
}

// fresh tells whether anything was put into a folder since the erase began.
func (r *run) fresh(ctx context.Context, folder string) (bool, error) {
	for info, err := range r.c.Objects.List(ctx, folder) {
		if err != nil {
			return false, err
		}
		if info.Modified.Before(r.job.CreatedAt) {
			continue
		}
		// A move may have brought it since: then Stat knows when it was put there.
		info, err = r.c.Objects.Stat(ctx, info.Key)
		switch {
		case fault.Is(err, fault.NotFound): // it is gone
		case fault.CodeOf(err) == objects.CodeNotAFile:
			return true, nil
		case err != nil:
			return false, err
		case !info.Modified.Before(r.job.CreatedAt):
			return true, nil
		}
	}
	return false, nil
}
