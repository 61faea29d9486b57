package store_test

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

func backupNote(n int) store.Backup {
	return store.Backup{ID: fmt.Sprintf("0192f0c4a3b87c5e9d1f%04d", n), At: time.Date(2026, 11, 29, 9, n, 0, 0, time.UTC), Folder: fmt.Sprintf("/backups/%d", n)}
}

// The golden file is the promise that stored notes stay readable. It is written once.
func TestBackupsGolden(t *testing.T) {
	t.Parallel()
	it := store.EncodeBackup(backupNote(7))
	goldenKeys(t, "backups", "backup\t"+it.PK+" "+it.SK+"\t"+hex.EncodeToString(it.Attrs)+"\n")
}

func TestBackups(t *testing.T) {
	t.Parallel()
	st := store.New(mem.New(mem.Options{}))
	var want []store.Backup
	for n := range 30 {
		if err := st.NoteBackup(t.Context(), backupNote(n)); err != nil {
			t.Fatal(err)
		}
		if n != 12 {
			want = append(want, backupNote(n))
		}
	}
	if err := st.ForgetBackup(t.Context(), backupNote(12).ID); err != nil {
		t.Fatal(err)
	}
	got, err := st.Backups(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v: -want +got\n%s", err, diff)
	}
}
