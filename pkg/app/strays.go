package app

import (
	"context"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// The tick deletes what lies below uploads/ds_… and belongs to no import: uploads of requests whose
// process was killed, and folders of sources that are gone for good. Files that people put there
// for an existing source stay, and so do folders with other names.
const (
	strayAge    = 2 * UploadLife // by then an upload can no longer become an import
	strayEvery  = time.Hour      // how often the tick looks for strays
	strayMost   = 500            // how many folders one tick deletes
	historyPage = 200            // how many jobs are read at a time
	clockSkew   = time.Hour      // between the clocks of several processes
	// historyMost is how many jobs are read in all. Uploads older than these jobs stay until an
	// erase of their source.
	historyMost = 20_000
)

// strayMarkKey is the object that says how far the uploads were checked. It lies with the files, so
// that it shows whether the table was restored from a backup and lacks their jobs.
const strayMarkKey = "sweep/uploads.json"

// strayMark is the content of that object.
type strayMark struct {
	At     time.Time `json:"at"`               // when the tick last looked for strays
	Before time.Time `json:"before,omitzero"`  // all older folders of requests were checked
	Newest string    `json:"newest,omitempty"` // the id of the newest job at that time
}

// sweepStrays deletes uploads that belong to no import, if it is time to look for them. What it
// does not get to is left to the next tick.
func (a *App) sweepStrays(ctx context.Context) error {
	var mark strayMark
	err := a.readMark(ctx, strayMarkKey, &mark)
	now := a.Now().UTC().Truncate(time.Millisecond) // the names of folders are as exact
	if err != nil || now.Sub(mark.At) < strayEvery {
		return err
	}
	folders, err := a.sourceFolders(ctx)
	if err != nil || len(folders) == 0 {
		return err
	}
	newest, same, err := a.sameTable(ctx, mark)
	if err != nil {
		return err
	}
	if !same {
		a.Log.ErrorContext(ctx, "uploads are not swept: the table lacks a job that it had; see the runbook, Restoring", "job", mark.Newest)
		return nil
	}
	kept, gone, ok, err := a.judge(ctx, folders)
	if err != nil || !ok {
		return err
	}
	s := strays{App: a, cut: now.Add(-strayAge), left: strayMost}
	if err := s.sweepRequests(ctx, kept, mark.Before); err != nil {
		return err
	}
	if err := s.sweepSources(ctx, gone); err != nil {
		return err
	}
	if s.deleted > 0 {
		a.Log.InfoContext(ctx, "uploads that belong to no import were deleted", "folders", s.deleted)
	}
	if s.left == 0 {
		return nil
	}
	before := s.cut
	if len(kept)+len(gone) < len(folders) { // a source may come back: then all its uploads must be checked
		before = mark.Before
	}
	return a.writeMark(ctx, strayMarkKey, strayMark{At: now, Before: before, Newest: newest})
}

// sourceFolders lists the folders below uploads/ whose names are uuids of sources.
func (a *App) sourceFolders(ctx context.Context) (names []string, err error) {
	for folder, err := range a.Objects.Folders(ctx, uploads+"/") {
		if err != nil {
			return nil, err
		}
		name := path.Base(folder)
		if id, err := uuid.Parse(strings.TrimPrefix(name, store.PrefixSource)); err == nil && name == store.PrefixSource+id.String() {
			names = append(names, name)
		}
	}
	return names, nil
}

// sameTable tells whether the table has the job that the mark names, and returns the id of the
// newest job.
func (a *App) sameTable(ctx context.Context, m strayMark) (newest string, same bool, err error) {
	if m.Newest != "" {
		_, err := a.Ledger.Get(ctx, m.Newest)
		if fault.Is(err, fault.NotFound) {
			return "", false, nil // a missing job is the answer, and no error
		}
		if err != nil {
			return "", false, err
		}
	}
	list, err := a.Ledger.List(ctx, 1, "")
	if len(list) > 0 {
		newest = list[0].ID
	}
	return newest, true, err
}

// judge sorts folders: kept belong to sources that exist, gone to sources that are gone for good. A
// folder is in neither list if an erase of its source can be restored, or if a source is named like
// the folder. ok is false if the directory has changed meanwhile: then the next tick looks again.
func (a *App) judge(ctx context.Context, names []string) (kept, gone []string, ok bool, err error) {
	d, err := a.Store.Directory(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	open, err := a.Ledger.Open(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	erasing := map[string]bool{}
	for _, j := range open {
		erasing[j.Source] = true
	}
	for _, name := range names {
		_, named := d.ByName(name)
		switch _, there := d.ByUUID(name); {
		case there:
			kept = append(kept, name)
		case !named && !erasing[name]:
			gone = append(gone, name)
		}
	}
	again, err := a.Store.Directory(ctx)
	return kept, gone, err == nil && again.Version == d.Version, err
}

// strays is one run that deletes strays.
type strays struct {
	*App
	cut     time.Time // younger uploads stay
	left    int       // how many folders may still be deleted
	deleted int
}

func (s *strays) remove(ctx context.Context, folder string) error {
	if s.left == 0 {
		return nil
	}
	if _, err := s.Objects.DeleteAll(ctx, folder); err != nil {
		return err
	}
	s.left--
	s.deleted++
	return nil
}

// sweepRequests deletes the folders that requests have made since from and in which no job names an
// object.
func (s *strays) sweepRequests(ctx context.Context, sources []string, from time.Time) error {
	var folders []string
	oldest := s.cut
	for _, name := range sources {
		for folder, err := range s.Objects.FoldersFrom(ctx, uploads+"/"+name+"/", objects.RequestPrefix(from)) {
			if err != nil {
				return err
			}
			at, ok := objects.RequestTime(folder)
			if !ok || at.Before(from) || !at.Before(s.cut) {
				continue
			}
			folders = append(folders, folder)
			if at.Before(oldest) {
				oldest = at
			}
		}
	}
	if len(folders) == 0 {
		return nil
	}
	named, known, err := s.named(ctx, oldest)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if at, _ := objects.RequestTime(folder); named[folder] || at.Before(known) {
			continue
		}
		if err := s.remove(ctx, folder); err != nil {
			return err
		}
	}
	return nil
}

// named returns the folders of the objects that jobs name which were made since a time. If there
// are too many jobs, known is the time since which all jobs were read; else it is zero.
func (s *strays) named(ctx context.Context, since time.Time) (folders map[string]bool, known time.Time, err error) {
	folders = map[string]bool{}
	since = since.Add(-clockSkew)
	n := 0
	for j, err := range s.Ledger.All(ctx, historyPage, "") {
		if err != nil {
			return nil, known, err
		}
		if j.CreatedAt.Before(since) {
			break
		}
		if n++; n > historyMost {
			known = j.CreatedAt.Add(clockSkew)
			s.Log.WarnContext(ctx, "uploads before a time are not swept: too many jobs came after them", "before", known)
			break
		}
		for _, f := range inputsOf(j) {
			folders[objects.RequestFolder(f.Object)] = true
		}
	}
	return folders, known, nil
}

func inputsOf(j *job.Job) []job.File {
	if j.Import == nil {
		return nil
	}
	return j.Import.Inputs()
}

// sweepSources deletes the folders of sources that are gone for good, once everything in them is
// old enough.
func (s *strays) sweepSources(ctx context.Context, gone []string) error {
	for _, name := range gone {
		folder := uploads + "/" + name + "/"
		old, err := s.old(ctx, folder)
		if err == nil && old {
			err = s.remove(ctx, folder)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *strays) old(ctx context.Context, folder string) (bool, error) {
	for info, err := range s.Objects.List(ctx, folder) {
		if err != nil {
			return false, err
		}
		if at, ok := objects.RequestTime(path.Dir(info.Key)); ok && !at.Before(s.cut) || !ok && !info.Modified.Before(s.cut) {
			return false, nil
		}
	}
	return true, nil
}
