package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/s2"

	"reseed/pkg/billing"
	"reseed/pkg/table"
)

// TestErasedIsNowhere plants a word, the canary, in all personal data of a source that was imported
// several times, with rejects, was edited by hand, and has a plan, a failed import and imports that
// were killed. After an erase, of the source or a part of it, the canary is nowhere: in no item, in
// no byte of any file, and in nothing that a command or a server prints.
func TestErasedIsNowhere(t *testing.T) {
	t.Parallel()
	k := &killer{bin: commands(t)}
	from := t.TempDir()
	ids := k.aviary(t, from)
	k.leftovers(t, from)
	found := places(t, from, canary)
	for what, where := range kindsOfPlace() {
		if !slices.ContainsFunc(found, regexp.MustCompile(where).MatchString) {
			t.Errorf("before: the canary is not in %s, so this test says nothing of it: %q", what, found)
		}
	}
	if said := k.rejects(t, from, lookAt(t, from).jobs[1].ID); !strings.Contains(said, canary) {
		t.Errorf("before: nothing is said of the canary: %s", said)
	}
	hidden := t.TempDir() // by an erase that can be restored
	copyFolder(t, from, hidden)
	k.say(t, hidden, "erase", "content", companyName, "--grace", "72h", "--yes")
	source, content := []string{"source", companyName}, []string{"content", companyName, "--keep-edits=false"}
	for name, x := range map[string]struct {
		from string
		args []string
	}{
		"source":         {from, source},
		"content":        {from, content},
		"customer":       {from, []string{"customer", ids.marked, "--forget"}},
		"manual":         {from, []string{"manual-customers"}},
		"import":         {from, []string{"import", ids.first}},
		"hidden source":  {hidden, source},
		"hidden content": {hidden, content},
	} {
		for _, served := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, served %t", name, served), func(t *testing.T) {
				t.Parallel()
				data := t.TempDir()
				copyFolder(t, x.from, data)
				if x.args[0] == "source" {
					putByHand(t, data)
				}
				k.nowhere(t, data, append(append([]string{"erase"}, x.args...), "--yes"), served)
			})
		}
	}
}

// TestTheForgottenAreOnlyInUploads imports a customer again, in tables and records, after it was put
// on the do-not-reload list. Of all that the data folder holds, only the new uploads name it; and
// nothing is left of them after one more erase, for which there is no record.
func TestTheForgottenAreOnlyInUploads(t *testing.T) {
	t.Parallel()
	k := &killer{bin: commands(t)}
	from := t.TempDir()
	ids := k.aviary(t, from)
	k.say(t, from, "erase", "customer", ids.marked, "--forget", "--yes")
	dir := t.TempDir()
	files := twelve(t, 2).marked().write(t, dir, billing.Customers, billing.Contacts, billing.Invoices, billing.Events)
	records := filepath.Join(dir, "records.ndjson")
	lines := fmt.Sprintf(`{"dataset":"customers","external_id":%[1]q,"email":"%[2]s@example.com"}
{"dataset":"customers","email":"%[2]s","external_id":%[1]q}
{"dataset":"contacts","customer_external_id":%[1]q,"note":"%[2]s"
{"external_id":%[1]q,"name":"%[2]s"}
`, ids.external, canary)
	if err := os.WriteFile(records, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	k.plain(t, from, wholeBytes, append([]string{"import", "--source", companyName, records}, files...)...)
	found := places(t, from, canary)
	if len(found) < len(files)+1 {
		t.Errorf("only %q hold the canary, so this test says nothing", found)
	}
	for _, place := range found {
		if !strings.HasPrefix(place, "file objects/uploads/ds_") {
			t.Errorf("the canary is in %s", place)
		}
	}
	id := lookAt(t, from).jobs[len(lookAt(t, from).jobs)-1].ID
	for _, how := range [][]string{nil, {"--json"}, {"--changes"}} {
		said := k.say(t, from, append([]string{"jobs", id}, how...)...)
		if strings.Contains(said, canary) || how == nil && !strings.Contains(said, "still name 1 customer on the do-not-reload list") {
			t.Errorf("jobs %s says: %s", how, said)
		}
	}
	if text := k.rejects(t, from, id); strings.Contains(text, canary) || !strings.Contains(text, "forgotten") {
		t.Errorf("the rejects are %s", text)
	}
	for _, served := range []bool{false, true} {
		t.Run(fmt.Sprintf("served %t", served), func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			copyFolder(t, from, data)
			k.nowhere(t, data, []string{"erase", "customer", "--source", companyName, "--external-id", ids.external, "--yes"}, served)
		})
	}
}

// kindsOfPlace are the places in which the canary must be before the erase: patterns of what places
// returns.
func kindsOfPlace() map[string]string {
	return map[string]string{
		"a customer": "^item .* c#[0-9a-f]+$", "a contact": "^item .* k#", "an invoice": "^item .* i#[0-9a-f]+$", "a line": "^item .*#l#[0-9a-f]+$",
		"a transaction": "^item .*#t#", "an event": "^item .* e#", "tags": "^item .*#tags$", "names of files": "^item account job#", "attributes": "^item .*#attributes$",
		"changed fields": "^item .* c#.*#fields$", "changed fields of a line": "^item .*#l#.*#fields$",
		"the table": `^file table/.*\.(log|sst)$`, "unpacked tables": `^unpacked table/.*\.sst$`,
		"uploads": "^file objects/uploads/ds_", "a ZIP": "^unpacked objects/uploads/ds_", "half an upload": `^file objects/uploads/ds_.*\.tmp$`, "samples": "/samples/", "rejects": "/rejects/.*csv$", "change sets": "^unpacked objects/jobs/.*/changes/",
	}
}

// leftovers makes what is left over in a data folder after a while: a plan, an import that failed,
// and two uploads that were killed before they became an import, one in the midst of a file and one
// after the last.
func (k *killer) leftovers(t *testing.T, data string) {
	t.Helper()
	in := twelve(t, 2).marked()
	sc := &scenario{killer: k, piece: wholeBytes}
	imports := func(args ...string) []string { return append([]string{"import", "--source", companyName}, args...) }
	sc.start(t, data, "", imports(in.folder(t), "--plan", "--mode", "replace"), fate{}).succeeded(t)
	headless := maps.Clone(in)
	headless[billing.Customers] = in[billing.Customers][1:]
	out := sc.start(t, data, "", imports(headless.write(t, t.TempDir(), billing.Customers)...), fate{}).ended()
	if out.status != exitFailed {
		t.Fatalf("without a header: %+v", out)
	}
	named := headless[billing.Plans]
	named[0] = append(slices.Clone(named[0]), canary+" column")
	file := headless.write(t, t.TempDir(), billing.Plans)[0]
	if err := os.Rename(file, filepath.Join(filepath.Dir(file), canary+".csv")); err != nil {
		t.Fatal(err)
	}
	sc.start(t, data, "", imports(filepath.Join(filepath.Dir(file), canary+".csv")), fate{}).succeeded(t)
	files := in.mixture(t)
	for _, f := range []fate{{object, 1, before}, {object, len(files), after}} {
		if !sc.start(t, data, "", imports(files...), f).ended().killed {
			t.Fatal("it was not killed")
		}
	}
}

// putByHand puts a file into the upload folder of a source, for the next server. Only an erase of
// the source removes it.
func putByHand(t *testing.T, data string) {
	t.Helper()
	dir := filepath.Join(data, "objects", "uploads", companyName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	twelve(t, 2).marked().write(t, dir, billing.Customers)
}

// nowhere erases, and looks for the canary in every place.
func (k *killer) nowhere(t *testing.T, data string, erase []string, served bool) {
	t.Helper()
	said := map[string]string{}
	say := func(args ...string) { said[strings.Join(args, " ")] = k.say(t, data, args...) }
	if served {
		said["serve"] = k.serving(t, data, func() { say(erase...) })
	} else {
		say(erase...)
	}
	for _, place := range places(t, data, canary) {
		t.Errorf("the canary is in %s", place)
	}
	jobs := lookAt(t, data).jobs
	for _, j := range jobs {
		for _, how := range []string{"--json", "--rejects", "--changes", "--export=dynamodb-json"} {
			say("jobs", j.ID, how)
		}
	}
	id := jobs[len(jobs)-1].ID
	for _, args := range [][]string{{"jobs"}, {"jobs", "--json"}, {"jobs", id}, {"receipts"}, {"receipts", "--json"}, {"receipts", id}, {"receipts", id, "--json"}, {"receipts", id, "--html"}} {
		say(args...)
	}
	for what, text := range said {
		if strings.Contains(text, canary) || text == "" && what != "serve" {
			t.Errorf("%s says: %s", what, text)
		}
	}
	for _, place := range places(t, data, canary) {
		t.Errorf("later: the canary is in %s", place)
	}
}

// rejects is the text of the rejects files of an import that has several.
func (k *killer) rejects(t *testing.T, data, id string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rejects.zip")
	k.say(t, data, "jobs", id, "--rejects", "--out", file)
	packed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(unzipped(t, packed))
}

// say runs a command and returns its output and its complaints.
func (k *killer) say(t *testing.T, data string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), filepath.Join(k.bin, "reseed"), append([]string{"--data", data}, args...)...)
	out, err := c.CombinedOutput()
	// An import with rejects, or one that failed, says so.
	if err != nil && (args[0] != "jobs" || c.ProcessState.ExitCode() == exitUsage) {
		t.Fatalf("%q: %v: %s", args, err, out)
	}
	return string(out)
}

// serving calls do while a server has the data folder open, and returns the output of the server.
func (k *killer) serving(t *testing.T, data string, do func()) string {
	t.Helper()
	p := (&scenario{killer: k}).start(t, data, "", []string{"serve", "--addr", "127.0.0.1:0"}, fate{})
	select {
	case <-p.out.line:
	case <-p.gone:
	}
	do()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	out := p.succeeded(t)
	return out.stdout + out.stderr
}

// places lists where a word is in a data folder that no process has open: in items, and in the
// bytes of files, as they are and unpacked.
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
func everyItem(t *testing.T, data string) map[table.Key]string {
	t.Helper()
	db, err := engine.Open(filepath.Join(data, "table"), &engine.Options{ReadOnly: true, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	iter, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[table.Key]string{}
	for more := iter.First(); more; more = iter.Next() {
		pk, sk, _ := strings.Cut(string(iter.Key()), "\x00")
		all[table.Key{PK: pk, SK: sk}] = string(iter.Value())
	}
	for _, err := range []error{iter.Error(), iter.Close(), db.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// unpacked is the content of a compressed file: the keys and values of a table of the engine,
// deleted and replaced ones included, or the blocks of a run or change set.
func unpacked(t *testing.T, name string, body []byte) []byte {
	t.Helper()
	switch {
	case strings.HasSuffix(name, ".sst"):
		return everyVersion(t, name)
	case bytes.HasPrefix(body, []byte("PK\x03\x04")):
		return unzipped(t, body)
	case strings.Contains(name, "/runs/"), strings.Contains(name, "/changes/"):
		return blocks(t, name, body)
	}
	return nil
}

// unzipped is the content of the files in a ZIP; nil for a torn one, which can't be read.
func unzipped(t *testing.T, body []byte) (all []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// everyVersion is all that a table of the engine holds, deleted and replaced values included.
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

// blocks decodes blocks of package importer: a length, a checksum, and S2. A file that a kill has
// torn ends in the midst of one.
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
