package credentials_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reseed/pkg/credentials"
	"reseed/pkg/credentials/credentialstest"
	"reseed/pkg/fault"
)

const source = "ds_4d5f8a52-7f0b-11f0-9d3e-0242ac120002"

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data", "credentials")
	credentialstest.Run(t, func() credentials.Vault { return credentials.NewFolder(dir) })
}

func TestMemory(t *testing.T) {
	t.Parallel()
	m := &credentialstest.Memory{}
	credentialstest.Run(t, func() credentials.Vault { return m })
}

func TestOnlyTheOwnerReadsTheFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "credentials")
	if err := os.Mkdir(dir, 0o755); err != nil { // somebody has made it
		t.Fatal(err)
	}
	left := filepath.Join(dir, source+".tmp") // of a process that was killed
	if err := os.WriteFile(left, []byte(`{"key":"old`), 0o644); err != nil {
		t.Fatal(err)
	}
	v := credentials.NewFolder(dir)
	if err := v.Put(t.Context(), source, map[string]string{"key": "new"}); err != nil {
		t.Fatal(err)
	}
	modes := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		info, statErr := os.Stat(name)
		if statErr == nil {
			modes[filepath.Base(name)] = info.Mode().Perm()
		}
		return err
	})
	if err != nil || len(modes) != 2 || modes["credentials"] != 0o700 || modes[source+".json"] != 0o600 {
		t.Errorf("%v, %v", modes, err)
	}
}

func TestDeleteTakesWhatAKilledProcessHasLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{source + ".tmp", "bystander"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := credentials.NewFolder(dir).Delete(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "bystander" {
		t.Errorf("%v, %v", left, err)
	}
}

func TestTroubleDoesNotTellSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v := credentials.NewFolder(dir)
	if err := os.WriteFile(filepath.Join(dir, source+".json"), []byte(`{"key":"`+credentialstest.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := v.Get(t.Context(), source)
	if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), credentialstest.Secret) {
		t.Errorf("a file that is cut: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err = credentials.NewFolder(file).Put(t.Context(), source, map[string]string{"key": credentialstest.Secret})
	if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), credentialstest.Secret) {
		t.Errorf("no folder: %v", err)
	}
}
