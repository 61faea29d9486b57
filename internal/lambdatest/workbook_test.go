package lambdatest_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reseed/pkg/job"
)

// A workbook is imported by the functions, as an upload and as a request; rejects name the cell.
func TestAWorkbookIsImported(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	book, err := os.ReadFile(filepath.Join(b.Template.Root, "testdata", "workbooks", "libreoffice-cells.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	event := b.Put(t, "uploads/People/people.xlsx", string(book))
	b.Invoke(t, "ingest-csv", event)
	b.Invoke(t, "ingest-csv", event) // a second time
	b.Work(t)
	uploaded := jobs(t, b)
	if len(uploaded) != 1 || uploaded[0].Status != job.Done || uploaded[0].Datasets["customers"].Added == 0 || uploaded[0].Rejects == 0 {
		t.Fatalf("%d jobs, %+v", len(uploaded), uploaded[0])
	}

	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "people.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(book)
	_ = w.Close()
	status, body := b.Call(t, http.MethodPost, "/v1/data_sources/"+uploaded[0].Source+"/imports", w.FormDataContentType(), form.Bytes())
	var posted named
	if json.Unmarshal([]byte(body), &posted) != nil || status != http.StatusAccepted {
		t.Fatal(status, body)
	}
	b.Work(t)
	status, body = b.Call(t, http.MethodGet, "/v1/imports/"+posted.ID, "", nil)
	if status != http.StatusOK || !strings.Contains(body, `"place":"`) {
		t.Errorf("%d %s", status, body)
	}
	for dataset, n := range jobs(t, b)[0].Datasets {
		if n.Added+n.Changed > 0 || n.Unchanged != uploaded[0].Datasets[dataset].Added {
			t.Errorf("the same workbook again: %s %+v", dataset, n)
		}
	}
}
