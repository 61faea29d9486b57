package lambdatest_test

import (
	"archive/zip"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"reseed/internal/lambdatest"
	"reseed/pkg/job"
)

// An export is made by the workers of imports. A small file is the answer, a large one behind a
// link that needs no key. What it holds can be imported: nothing changes.
func TestExports(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	upload(t, b, "Acme", "Other")
	b.Work(t)
	acme, _ := directory(t, b).ByName("Acme")
	n := items(t, b, acme)

	small := export(t, b, acme.UUID, `{}`)
	_, body := b.Call(t, http.MethodGet, "/v1/exports/"+small.ID+"/file", "", nil)
	files := unzipped(t, body)
	if len(files) != 7 || strings.Count(files["customers.csv"], "\n") != 13 {
		t.Fatalf("exported: %v", files)
	}
	if small.Export.Rows["customers"] != 12 || small.Export.Size != int64(len(body)) {
		t.Errorf("the job says %+v of %d bytes", small.Export, len(body))
	}
	unchanged(t, b, "Acme", files)

	const rows = 800
	// Notes that cannot be compressed, so that the file is too large for an answer.
	b.Invoke(t, "ingest-csv", b.Put(t, "uploads/Large/customers.csv", "External ID\none\n"))
	b.Invoke(t, "ingest-csv", b.Put(t, "uploads/Large/contacts.csv", noise(rows)))
	b.Work(t)
	large, _ := directory(t, b).ByName("Large")
	made := export(t, b, large.UUID, `{"format":"ndjson","datasets":["contacts"]}`)
	link := b.Location(t, "/v1/exports/"+made.ID+"/file")
	if link == "" {
		t.Fatalf("%d bytes came without a link", made.Export.Size)
	}
	answer, err := http.Get(link) //nolint:noctx // of the stand-in for S3
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	packed, err := io.ReadAll(answer.Body)
	if err != nil || int64(len(packed)) != made.Export.Size {
		t.Fatalf("%d bytes of %d: %v", len(packed), made.Export.Size, err)
	}
	for name, text := range unzipped(t, string(packed)) {
		if strings.Count(text, "\n") != rows {
			t.Errorf("%s has %d rows", name, strings.Count(text, "\n"))
		}
	}

	// An erase takes the files of its source, and no others.
	eraseSource(t, b, acme, n)
	call[struct{ Error string }](t, b, http.StatusNotFound, http.MethodGet, "/v1/exports/"+small.ID+"/file", "", nil)
	if b.Location(t, "/v1/exports/"+made.ID+"/file") == "" {
		t.Error("the export of another source is gone")
	}
	if n := b.Messages(t); n != 0 {
		t.Errorf("%d messages are left", n)
	}
}

// exported is a job of an export as the API shows it.
type exported struct {
	seen
	Export struct {
		Rows map[string]int64 `json:"rows"`
		Size int64            `json:"size"`
	} `json:"export"`
}

// export makes an export, delivers all messages and returns the job, which must be done.
func export(t *testing.T, b *lambdatest.Bed, source, order string) exported {
	t.Helper()
	j := call[exported](t, b, http.StatusAccepted, http.MethodPost, "/v1/data_sources/"+source+"/exports", "application/json", []byte(order))
	b.Work(t)
	j = call[exported](t, b, http.StatusOK, http.MethodGet, "/v1/exports/"+j.ID, "", nil)
	if j.Status != job.Done {
		t.Fatalf("the export is %s: %s", j.Status, j.Error)
	}
	return j
}

// unchanged imports files into a source, which must change nothing.
func unchanged(t *testing.T, b *lambdatest.Bed, source string, files map[string]string) {
	t.Helper()
	for _, dataset := range datasets() {
		b.Invoke(t, "ingest-csv", b.Put(t, "uploads/"+source+"/"+dataset+" again.csv", files[dataset+".csv"]))
	}
	b.Work(t)
	for _, j := range jobs(t, b)[:len(datasets())] {
		if j.Kind != job.Import {
			continue
		}
		for dataset, n := range j.Datasets {
			if n.Read == 0 || n.Unchanged != n.Read {
				t.Errorf("imported again: %s %+v", dataset, n)
			}
		}
	}
}

func unzipped(t *testing.T, packed string) map[string]string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(text)
	}
	return out
}

// noise is a file of contacts with random notes, of 9,000 characters each.
func noise(rows int) string {
	random, text := rand.NewChaCha8([32]byte{}), make([]byte, 6750)
	var b strings.Builder
	b.WriteString("Customer External ID,External ID,Note\n")
	for i := range rows {
		_, _ = random.Read(text)
		fmt.Fprintf(&b, "one,n%d,%s\n", i, base64.RawURLEncoding.EncodeToString(text))
	}
	return b.String()
}
