package app_test

import (
	"testing"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// An erase is over between the look at an upload and its import: nothing of the upload comes back, its
// list with the names of files neither. An upload of another source stays.
func TestAnUploadThatWasErasedIsNotAdopted(t *testing.T) {
	t.Parallel()
	everyObjectStore(t, func(t *testing.T, b *sweeping) {
		t.Helper()
		acme, other := b.source(t, "Acme"), b.source(t, "Other")
		hold := func(src store.Source) string {
			u, err := b.Hold(t.Context(), src, b.now(), []job.File{b.kept(t, src)})
			must(t, err)
			return u.ID
		}
		id, bystander := hold(acme), hold(other)
		u, err := b.Waiting(t.Context(), acme, id)
		must(t, err)
		_, err = b.StartErase(t.Context(), eraser.Selection{Kind: eraser.Content, Source: acme.UUID}, eraser.Options{})
		must(t, err)
		b.work(t)
		if err := b.Adopt(t.Context(), u); !fault.Is(err, fault.Conflict) || fault.CodeOf(err) != importer.CodeFenced {
			t.Errorf("the upload was adopted: %v", err)
		}
		left, err := b.Objects.Names(t.Context(), "uploads/"+acme.UUID+"/")
		must(t, err)
		if len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		u, err = b.Waiting(t.Context(), other, bystander)
		must(t, err)
		must(t, b.Adopt(t.Context(), u))
		if u, err = b.Waiting(t.Context(), other, bystander); err != nil || !u.Imported || len(u.Files) != 1 {
			t.Errorf("the upload of another source: %+v %v", u, err)
		}
	})
}
