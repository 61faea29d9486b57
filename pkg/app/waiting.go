package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"path"
	"time"

	"github.com/google/uuid"

	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// WaitLife is how long the files of an upload wait for their import. It ends well before the tick
// deletes what belongs to no import: clocks may differ by the rest.
const WaitLife = strayAge - 2*clockSkew

// WaitingUpload is files that wait for a person to say how they are to be imported.
type WaitingUpload struct {
	ID     string
	Source store.Source // the uuid and fence of the source when the upload began
	At     time.Time    // when it began
	Files  []job.File   // with the size that was announced; Version is empty until [App.Arrived] has found them
	// An import was made of it: then the files may belong to a job.
	Imported bool
}

// Until is when the upload can no longer become an import.
func (u *WaitingUpload) Until() time.Time { return u.At.Add(WaitLife) }

// storedUpload is the list of the files of an upload, an object in a folder of its own below the folder
// of the source. The files lie in folders of their own, as those of other imports do. So what becomes
// of no import is deleted like any upload that was refused.
type storedUpload struct {
	At       time.Time    `json:"at"`
	Fence    int64        `json:"fence"`
	Imported bool         `json:"imported,omitempty"`
	Files    []storedFile `json:"files"`
}

type storedFile struct {
	Name   string `json:"name"`
	Object string `json:"object"`
	Size   int64  `json:"size"`
}

func listKey(source, id string) string { return path.Join(uploads, source, id, "upload.json") }

// newObject names an object for a file of an upload.
func (a *App) newObject(src store.Source) string {
	return path.Join(uploads, src.UUID, uuid.MustParse(a.Ledger.NewID()).String(), "input")
}

// Announce begins an upload of files that come by the forms that it returns, one for each. The files
// have names and sizes. Where objects are not sent by forms, the error is fault.Conflict, code
// [CodeNoForms].
func (a *App) Announce(ctx context.Context, src store.Source, files []job.File) (*WaitingUpload, []objects.Form, error) {
	var forms []objects.Form
	for i := range files {
		files[i].Object = a.newObject(src)
		form, err := a.Objects.Form(ctx, files[i].Object, files[i].Size)
		if err != nil {
			return nil, nil, err
		}
		if form.URL == "" {
			return nil, nil, fault.New(fault.Conflict, CodeNoForms, "This server takes files itself: send them as a multipart form.")
		}
		forms = append(forms, form)
	}
	u, err := a.Hold(ctx, src, a.Now(), files)
	return u, forms, err
}

// FormsTo returns the origin to which the forms of [App.Announce] are sent, such as
// https://files.s3.eu-central-1.amazonaws.com; empty where there are none.
func (a *App) FormsTo(ctx context.Context) (string, error) {
	form, err := a.Objects.Form(ctx, uploads+"/origin", 0)
	if err != nil || form.URL == "" {
		return "", err
	}
	at, err := url.Parse(form.URL)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "bucket_address", "read the address of the bucket")
	}
	return at.Scheme + "://" + at.Host, nil
}

// CodeNoForms is the code of the error of [App.Announce] where files are sent to the server itself.
const CodeNoForms = "no_forms"

// Hold makes an upload of files that began to come in at a time, for the source as it was then. If data
// of the source was erased since, it deletes them, and the error is [importer.Fenced].
func (a *App) Hold(ctx context.Context, src store.Source, at time.Time, files []job.File) (*WaitingUpload, error) {
	u := &WaitingUpload{ID: uuid.MustParse(a.Ledger.NewID()).String(), Source: store.Source{UUID: src.UUID, Fence: src.Fence}, At: at, Files: files}
	err := a.store(ctx, u)
	if err == nil {
		err = a.unfenced(ctx, u) // an erase may have swept before the list was there
	}
	if err != nil {
		a.Drop(ctx, append([]job.File{{Object: listKey(src.UUID, u.ID)}}, files...))
		return nil, err
	}
	return u, nil
}

func (a *App) store(ctx context.Context, u *WaitingUpload) error {
	s := storedUpload{At: u.At, Fence: u.Source.Fence, Imported: u.Imported}
	for _, f := range u.Files {
		s.Files = append(s.Files, storedFile{f.Name, f.Object, f.Size})
	}
	body, err := json.Marshal(s)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "upload", "encode the list of an upload")
	}
	return a.Objects.Put(ctx, listKey(u.Source.UUID, u.ID), bytes.NewReader(body))
}

// unfenced refuses an upload if data of its source was erased since it began.
func (a *App) unfenced(ctx context.Context, u *WaitingUpload) error {
	d, err := a.Store.Directory(ctx)
	if err != nil {
		return err
	}
	switch src, there := d.ByUUID(u.Source.UUID); {
	case !there:
		return noSource()
	case src.Fence != u.Source.Fence:
		return importer.Fenced()
	}
	return nil
}

// Waiting finds an upload. If there is none, or if its time is over, the error is fault.NotFound. If
// data of the source was erased since it began, its files are deleted, and the error is
// [importer.Fenced].
func (a *App) Waiting(ctx context.Context, src store.Source, id string) (*WaitingUpload, error) {
	if _, ok := objects.RequestTime(id); !ok {
		return nil, noUpload()
	}
	r, err := a.Objects.Open(ctx, listKey(src.UUID, id), "", 0, -1)
	if fault.Is(err, fault.NotFound) {
		return nil, noUpload()
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var s storedUpload
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "upload", "read the list of an upload")
	}
	u := &WaitingUpload{ID: id, Source: store.Source{UUID: src.UUID, Fence: s.Fence}, At: s.At, Imported: s.Imported}
	for _, f := range s.Files {
		u.Files = append(u.Files, job.File{Name: f.Name, Object: f.Object, Size: f.Size})
	}
	if a.Now().After(u.Until()) {
		return nil, noUpload()
	}
	if err := a.unfenced(ctx, u); err != nil {
		_ = a.DropUpload(ctx, u) // else the erase or the tick does
		return nil, err
	}
	return u, nil
}

func noUpload() error {
	return fault.New(fault.NotFound, "upload_not_found", "there is no such upload; what becomes no import is deleted after a day")
}

// Arrived completes the files of an upload that are there: with their version and size.
func (a *App) Arrived(ctx context.Context, u *WaitingUpload) error {
	for i := range u.Files {
		f := &u.Files[i]
		info, err := a.Objects.Stat(ctx, f.Object)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return err
		default:
			f.Version, f.Size = info.Version, info.Size
		}
	}
	return nil
}

// inspectedAtOnce is how many files are inspected at any one time. The texts of a workbook may need
// more than 100 MB.
const inspectedAtOnce = 2

// InspectUpload inspects one file of an upload that has arrived, once others leave room.
func (a *App) InspectUpload(ctx context.Context, f job.File, in importer.Inspector) ([]importer.Inspection, error) {
	if err := a.inspecting.Acquire(ctx, 1); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "client_left", "wait for other inspections")
	}
	defer a.inspecting.Release(1)
	return in.InspectObject(ctx, a.Objects, f)
}

// Adopt notes that an import is being made of an upload: from now on its files may belong to a job. If
// data of the source was erased since the upload began, nothing of its list is left, and the error is
// [importer.Fenced].
func (a *App) Adopt(ctx context.Context, u *WaitingUpload) error {
	if u.Imported {
		return nil
	}
	u.Imported = true
	if err := a.store(ctx, u); err != nil {
		return err
	}
	err := a.unfenced(ctx, u)
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) { // the erase may have deleted the list before
		a.Drop(ctx, []job.File{{Object: listKey(u.Source.UUID, u.ID)}})
	}
	return err
}

// DropUpload deletes an upload: its files, too, unless an import may have been made of it. What
// belongs to no import then goes with the tick.
func (a *App) DropUpload(ctx context.Context, u *WaitingUpload) error {
	folders := []string{path.Dir(listKey(u.Source.UUID, u.ID)) + "/"}
	if !u.Imported {
		for _, f := range u.Files {
			folders = append(folders, path.Dir(f.Object)+"/")
		}
	}
	for _, folder := range folders {
		if _, err := a.Objects.DeleteAll(ctx, folder); err != nil {
			return err
		}
	}
	return nil
}
