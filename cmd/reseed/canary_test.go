package main

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/s2"

	"reseed/pkg/store"
)

// places are where a word is in a data folder that no process has: items, and the bytes of files, as they are and unpacked.
func places(t *testing.T, data, word string) (found []string) {
	t.Helper()
	for k, a := range everyItem(t, data) {
		if strings.Contains(k.PK+k.SK+a, word) {
			found = append(found, "item "+k.PK+" "+k.SK)
		}
	}
	err := filepath.WalkDir(data, func(name string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(data, name)
		if strings.Contains(rel, word) {
			found = append(found, "name "+rel)
		}
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		if bytes.Contains(body, []byte(word)) {
			found = append(found, "file "+rel)
		}
		if bytes.Contains(unpacked(t, name, body), []byte(word)) {
			found = append(found, "unpacked "+rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// everyItem is all that a table holds, by key.
func everyItem(t *testing.T, data string) map[store.Key]string {
	t.Helper()
	db, err := engine.Open(filepath.Join(data, "table"), &engine.Options{ReadOnly: true, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	iter, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[store.Key]string{}
	for more := iter.First(); more; more = iter.Next() {
		pk, sk, _ := strings.Cut(string(iter.Key()), "\x00")
		all[store.Key{PK: pk, SK: sk}] = string(iter.Value())
	}
	for _, err := range []error{iter.Error(), iter.Close(), db.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// unpacked is what a file holds that is compressed: the keys and values of a table of the engine, those that are deleted or
// replaced too, or the blocks of a run or change set.
func unpacked(t *testing.T, name string, body []byte) []byte {
	t.Helper()
	switch {
	case strings.HasSuffix(name, ".sst"):
		return everyVersion(t, name)
	case strings.Contains(name, "/runs/"), strings.Contains(name, "/changes/"):
		return blocks(t, name, body)
	}
	return nil
}

// everyVersion is all that a table of the engine holds.
func everyVersion(t *testing.T, name string) (all []byte) {
	t.Helper()
	file, err := vfs.Default.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		t.Fatal(err)
	}
	opt := &engine.Options{}
	opt.EnsureDefaults()
	r, err := sstable.NewReader(t.Context(), readable, opt.MakeReaderOptions())
	if err != nil {
		t.Fatal(err)
	}
	iter, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		t.Fatal(err)
	}
	for kv := iter.First(); kv != nil; kv = iter.Next() {
		v, _, err := kv.Value(nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(append(all, kv.K.UserKey...), 0), v...)
	}
	for _, err := range []error{iter.Close(), r.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// blocks are those of package importer: a length, a checksum, and S2. What a kill has torn ends in the midst of one.
func blocks(t *testing.T, name string, body []byte) (all []byte) {
	t.Helper()
	const sum = 4
	for len(body) > 0 {
		size, n := binary.Uvarint(body)
		if n <= 0 || uint64(len(body)) < uint64(n)+sum+size {
			break
		}
		raw, err := s2.Decode(nil, body[n+sum:][:size])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all, body = append(all, raw...), body[uint64(n)+sum+size:]
	}
	return all
}
