package lambdatest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/googletest"
	"reseed/internal/lambdatest"
	"reseed/pkg/app"
	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo/dynotest"
)

var (
	engine   dynotest.Engine
	binaries string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "reseed-functions-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		binaries = dir
		err = lambdatest.Build(context.Background(), filepath.Join("..", ".."), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return engine.Run(m)
}

func newBed(t *testing.T) *lambdatest.Bed {
	t.Helper()
	return lambdatest.NewBed(t, &engine, binaries)
}

// datasets returns the datasets in such an order that each file refers only to files before it.
func datasets() []string {
	return []string{"plans", "customers", "contacts", "invoices", "line_items", "transactions", "subscription_events"}
}

func sample(t *testing.T, b *lambdatest.Bed, dataset string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.Template.Root, "testdata", "twelve", dataset+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func jobs(t *testing.T, b *lambdatest.Bed) []*job.Job {
	t.Helper()
	list, err := job.NewLedger(b.Store, time.Now).List(t.Context(), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func ended(t *testing.T, b *lambdatest.Bed, want int) {
	t.Helper()
	list := jobs(t, b)
	if len(list) != want {
		t.Fatalf("%d jobs, want %d", len(list), want)
	}
	for _, j := range list {
		if j.Status != job.Done {
			t.Errorf("job of %v: %s %s", j.Import, j.Status, j.Error)
		}
		for dataset, n := range j.Datasets {
			if n.Read != n.Added+n.Changed+n.Unchanged+n.Rejected || n.Rejected > 0 {
				t.Errorf("%s: %+v", dataset, n)
			}
		}
	}
}

func directory(t *testing.T, b *lambdatest.Bed) *store.Directory {
	t.Helper()
	d, err := b.Store.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// items counts the items in the partitions of a source.
func items(t *testing.T, b *lambdatest.Bed, src store.Source) (n int) {
	t.Helper()
	sp := src.Space()
	pks := []string{sp.PlanPK()}
	for shard := range src.Shards {
		pks = append(pks, sp.CustomerPK(shard), sp.DataPK(shard), sp.EditPK(shard))
	}
	for _, pk := range pks {
		for _, err := range b.Store.Items(t.Context(), table.Query{PK: pk, KeysOnly: true}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	return n
}

func TestEveryEventIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for _, e := range b.Template.Events(t) {
		f := b.Functions[e.Function]
		if f == nil {
			t.Errorf("%s: there is no such function", e.Name)
			continue
		}
		said, err := f.Invoke(t.Context(), e.Body)
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if want := map[string]int{"api.ping": 200, "api.create-source": 201, "api.customers": 200, "api.no-key": 401, "api.unknown-path": 404}[e.Name]; want != 0 {
			var answer struct {
				StatusCode int `json:"statusCode"`
			}
			if err := json.Unmarshal(said, &answer); err != nil || answer.StatusCode != want {
				t.Errorf("%s: %s", e.Name, said)
			}
		}
		if bytes.Contains(said, []byte(`"itemIdentifier"`)) {
			t.Errorf("%s: a message failed: %s", e.Name, said)
		}
	}
	// The events make one source, and erase it again. Their uploads do not exist.
	if d := directory(t, b); len(d.Sources) != 0 || d.ManualEpoch != 2 {
		t.Errorf("sources %v, manual epoch %d", d.Sources, d.ManualEpoch)
	}
	ended(t, b, 2) // the erases
	if n := b.Messages(t); n != 0 {
		t.Errorf("%d messages are left", n)
	}
}

func TestUploadsBecomeItemsAndAreErased(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	last := upload(t, b, "Acme & Söhne", "Acme") // one name is a prefix of the other
	b.Invoke(t, "ingest-csv", last)              // the same event a second time
	b.Work(t)
	b.Invoke(t, "tick", map[string]string{})
	b.Work(t)
	ended(t, b, 14)

	d := directory(t, b)
	acme, ok := d.ByName("Acme")
	other, ok2 := d.ByName("Acme & Söhne")
	if !ok || !ok2 || len(d.Sources) != 2 || acme.System != "CSV" {
		t.Fatalf("sources: %+v", d.Sources)
	}
	n := items(t, b, acme)
	if n != items(t, b, other) || n < 12 {
		t.Fatalf("%d and %d items", n, items(t, b, other))
	}
	status, body := b.Call(t, http.MethodGet, "/v1/customers?data_source_uuid="+acme.UUID+"&per_page=200", "", nil)
	if got := strings.Count(body, `"data_source_uuid"`); status != http.StatusOK || got < 12 {
		t.Errorf("the API lists %d customers, status %d", got, status)
	}

	eraseSource(t, b, acme, n)
	if got := items(t, b, other); got != n {
		t.Errorf("the neighbour has %d items of %d", got, n)
	}
	if b.Objects(t, "uploads/Acme/") != 0 || b.Objects(t, "uploads/Acme & Söhne/") != 7 {
		t.Error("an erase must delete the uploads of its source, and no others")
	}
	b.Invoke(t, "ingest-csv", last) // too late: the erase has deleted its object
	if d := directory(t, b); len(d.Sources) != 1 {
		t.Errorf("an upload that is gone made a source: %+v", d.Sources)
	}
	eraseManual(t, b)
}

// upload uploads every dataset of the sample company to each source, and returns the last event.
func upload(t *testing.T, b *lambdatest.Bed, sources ...string) (last any) {
	t.Helper()
	for _, source := range sources {
		for _, dataset := range datasets() {
			event := b.Put(t, "uploads/"+source+"/"+dataset+" 2026.csv", sample(t, b, dataset))
			b.Invoke(t, "ingest-csv", event)
			last = event
		}
	}
	return last
}

// eraseSource plans an erase of a source of n items, restores it from an erase with a grace period,
// then erases it.
func eraseSource(t *testing.T, b *lambdatest.Bed, src store.Source, n int) {
	t.Helper()
	dry := erase(t, b, "delete-source", app.EraseSource{Source: src.Name, DryRun: true})
	if dry.Plan == nil || dry.Job != "" || items(t, b, src) != n {
		t.Fatalf("dry run: %+v", dry)
	}
	if planned := dry.Plan.Removes.Total() + dry.Plan.Pointers.Total(); planned != int64(n) {
		t.Errorf("planned %d of %d items", planned, n)
	}
	restored(t, b, src, n)
	erased := erase(t, b, "delete-source", app.EraseSource{Source: src.Name})
	if got := eraser.Counts(erased.Removed).Total(); erased.Status != job.Done || got != int64(n) {
		t.Errorf("erased %d of %d items: %+v", got, n, erased)
	}
	if r := erased.Receipt; r == nil || r.Total != int64(n) || len(r.Residue) != 3 {
		t.Errorf("the receipt: %+v", r)
	}
	if left := items(t, b, src); left != 0 {
		t.Errorf("%d items are left", left)
	}
}

// restored erases the content of a source with a grace period, and restores it over the API.
func restored(t *testing.T, b *lambdatest.Bed, src store.Source, n int) {
	t.Helper()
	hidden := erase(t, b, "delete-source", app.EraseSource{Selection: "content", Source: src.Name, Grace: "1h"})
	if hidden.Status != job.Grace || hidden.Until.IsZero() {
		t.Fatalf("an erase with a grace period: %+v", hidden)
	}
	b.Invoke(t, "tick", map[string]any{})
	if _, body := b.Call(t, http.MethodGet, "/v1/customers?data_source_uuid="+src.UUID, "", nil); strings.Contains(body, "cus_") {
		t.Errorf("what was emptied is visible: %s", body)
	}
	if status, body := b.Call(t, http.MethodPost, "/v1/erasures/"+hidden.Job+"/restore", "", nil); status != http.StatusOK || items(t, b, src) != n {
		t.Errorf("restored: %d %s", status, body)
	}
}

func eraseManual(t *testing.T, b *lambdatest.Bed) {
	t.Helper()
	manual := erase(t, b, "delete-manual-customers", app.EraseManual{})
	if manual.Status != job.Done || eraser.Counts(manual.Removed).Total() == 0 {
		t.Errorf("manual customers: %+v", manual)
	}
	if _, body := b.Call(t, http.MethodGet, "/v1/customers", "", nil); strings.Contains(body, "cus_") {
		t.Errorf("manual customers are left: %s", body)
	}
}

func erase(t *testing.T, b *lambdatest.Bed, folder string, in any) app.Erased {
	t.Helper()
	var out app.Erased
	if err := json.Unmarshal(b.Invoke(t, folder, in), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFilesPostedToTheAPIAreImportedAndErased(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	status, body := b.Call(t, http.MethodPost, "/v1/data_sources", "application/json", []byte(`{"name":"Posted"}`))
	var src struct {
		UUID string `json:"uuid"`
	}
	if err := json.Unmarshal([]byte(body), &src); err != nil || status != http.StatusCreated {
		t.Fatal(status, body, err)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for _, dataset := range []string{"customers", "plans"} {
		part, err := w.CreateFormFile("file", dataset+".csv")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte(sample(t, b, dataset)))
	}
	_ = w.Close()
	post := func() {
		t.Helper()
		status, body := b.Call(t, http.MethodPost, "/v1/data_sources/"+src.UUID+"/imports", w.FormDataContentType(), form.Bytes())
		if status != http.StatusAccepted {
			t.Fatal(status, body)
		}
		b.Work(t)
	}
	post()
	ended(t, b, 1)
	gone := directory(t, b).Sources[0]
	n := items(t, b, gone)
	if n < 12 {
		t.Errorf("%d items", n)
	}
	added := erase(t, b, "delete-source", app.EraseSource{Selection: "import", ID: jobs(t, b)[0].ID})
	if total := eraser.Counts(added.Removed).Total(); added.Status != job.Done || total != int64(n) || items(t, b, gone) != 0 {
		t.Errorf("what the import added: %+v", added)
	}
	if post(); items(t, b, gone) != n {
		t.Errorf("%d items again", items(t, b, gone))
	}
	if status, body = b.Call(t, http.MethodDelete, "/v1/data_sources/"+src.UUID, "", nil); status/100 != 2 {
		t.Fatal(status, body)
	}
	b.Work(t)
	if n := items(t, b, gone); n != 0 || b.Objects(t, "uploads/") != 0 {
		t.Errorf("%d items and %d objects are left", n, b.Objects(t, "uploads/"))
	}
}

// call makes a request to the API, which must answer with status want, and decodes the answer.
func call[T any](t *testing.T, b *lambdatest.Bed, want int, method, path, contentType string, body []byte) (out T) {
	t.Helper()
	status, said := b.Call(t, method, path, contentType, body)
	if err := json.Unmarshal([]byte(said), &out); err != nil || status != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, said)
	}
	return out
}

// seen is a source or a job as the API shows it.
type seen struct {
	UUID     string                `json:"uuid"`
	ID       string                `json:"id"`
	Status   job.Status            `json:"status"`
	Error    string                `json:"error"`
	Datasets map[string]job.Counts `json:"datasets"`
}

// ran delivers all messages, and returns the job, which must have status want.
func ran(t *testing.T, b *lambdatest.Bed, id string, want job.Status) seen {
	t.Helper()
	b.Work(t)
	j := call[seen](t, b, http.StatusOK, http.MethodGet, "/v1/imports/"+id, "", nil)
	if j.Status != want {
		t.Fatalf("the job is %s, want %s: %s", j.Status, want, j.Error)
	}
	return j
}

func TestPlanApplyUndoOverTheAPI(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	src := call[seen](t, b, http.StatusCreated, http.MethodPost, "/v1/data_sources", "application/json", []byte(`{"name":"Books"}`))
	imports, jobs := "/v1/data_sources/"+src.UUID+"/imports", "/v1/imports/"
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	if err := w.WriteField("plan", "true"); err != nil {
		t.Fatal(err)
	}
	part, err := w.CreateFormFile("file", "customers.csv")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte(sample(t, b, "customers")))
	_ = w.Close()

	plan := call[seen](t, b, http.StatusAccepted, http.MethodPost, imports, w.FormDataContentType(), form.Bytes()).ID
	if j := ran(t, b, plan, job.Planned); j.Datasets["customers"] != (job.Counts{Read: 12, Added: 12}) || items(t, b, directory(t, b).Sources[0]) != 0 {
		t.Errorf("planned: %+v", j)
	}
	samples := call[struct{ Changes []any }](t, b, http.StatusOK, http.MethodGet, jobs+plan+"/samples", "", nil)
	if len(samples.Changes) != 3 {
		t.Errorf("%d samples", len(samples.Changes))
	}
	call[seen](t, b, http.StatusAccepted, http.MethodPost, jobs+plan+"/apply", "", nil)
	ran(t, b, plan, job.Done)
	if n := items(t, b, directory(t, b).Sources[0]); n != 23 { // 12 customers and 11 e-mail pointers
		t.Errorf("%d items are there after apply", n)
	}
	if n := strings.Count(changes(t, b, plan, "ndjson"), `"action":"added"`); n != 12 {
		t.Errorf("%d changes", n)
	}
	if n := strings.Count(changes(t, b, plan, "dynamodb-json"), `{"Item":`); n != 23 {
		t.Errorf("%d items are exported", n)
	}
	undo := call[seen](t, b, http.StatusAccepted, http.MethodPost, jobs+plan+"/undo", "", nil).ID
	if j := ran(t, b, undo, job.Done); j.Datasets["customers"] != (job.Counts{Read: 12, Removed: 12}) || items(t, b, directory(t, b).Sources[0]) != 0 {
		t.Errorf("undone: %+v", j)
	}

	// A file in the bucket is imported by its name; a plan can be cancelled, and an import that
	// waits.
	b.Put(t, "uploads/Books/plans.csv", sample(t, b, "plans"))
	order := []byte(`{"objects":["uploads/Books/plans.csv"],"mode":"replace","plan":true,"max_removed":0}`)
	named := call[seen](t, b, http.StatusAccepted, http.MethodPost, imports, "application/json", order).ID
	ran(t, b, named, job.Planned)
	if j := call[seen](t, b, http.StatusOK, http.MethodDelete, jobs+named, "", nil); j.Status != job.Cancelled {
		t.Errorf("cancelled: %+v", j)
	}
	waits := call[seen](t, b, http.StatusAccepted, http.MethodPost, imports, "application/json", order).ID
	next := call[seen](t, b, http.StatusAccepted, http.MethodPost, imports, "application/json", order)
	if j := call[seen](t, b, http.StatusOK, http.MethodDelete, jobs+next.ID, "", nil); next.Status != job.Waiting || j.Status != job.Cancelled {
		t.Errorf("an import that waits: %+v, %+v", next, j)
	}
	ran(t, b, waits, job.Planned)
	call[struct{ Message string }](t, b, http.StatusConflict, http.MethodPost, jobs+plan+"/apply", "", nil)
	call[struct{ Error string }](t, b, http.StatusNotFound, http.MethodPost, jobs+"nobody/undo", "", nil)
}

// changes returns the change set of a job, uncompressed.
func changes(t *testing.T, b *lambdatest.Bed, id, format string) string {
	t.Helper()
	status, packed := b.Call(t, http.MethodGet, "/v1/imports/"+id+"/changes?format="+format, "", nil)
	if status != http.StatusOK {
		t.Fatalf("changes: %d %s", status, packed)
	}
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTickResendsLostMessages(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.Invoke(t, "ingest-csv", b.Put(t, "uploads/Lost/customers.csv", sample(t, b, "customers")))
	b.Drop(t)
	b.Work(t)
	if j := jobs(t, b)[0]; j.Status != job.Running {
		t.Fatalf("without a message the job is %s", j.Status)
	}
	b.Invoke(t, "tick", map[string]string{})
	b.Work(t)
	ended(t, b, 1)
}

func TestRefusedInvocations(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for folder, event := range map[string]any{
		"delete-source":           map[string]any{"source": " "},
		"delete-manual-customers": map[string]any{"key1": "value1"},
		"ingest-csv":              map[string]any{"key1": "value1"},
	} {
		body, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		said, err := b.Functions[folder].Invoke(t.Context(), body)
		if failure := (*lambdatest.FunctionError)(nil); !errors.As(err, &failure) {
			t.Errorf("%s: %s, %v", folder, said, err)
		}
	}
	if diff := cmp.Diff(0, len(jobs(t, b))); diff != "" {
		t.Error("a refused invocation made a job")
	}
}

// named is an answer with an id.
type named struct {
	UUID string `json:"uuid"`
	ID   string `json:"id"`
}

// A spreadsheet is connected over the API and pulled by the functions: now, and when it is due.
func TestASpreadsheetIsPulled(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	const id = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
	b.Google.Add(&googletest.Spreadsheet{ID: id, Title: "Company", TimeZone: "UTC", Shared: []string{lambdatest.GoogleAccount}, Tabs: []*googletest.Tab{
		{ID: 7, Title: "Customers", Cells: [][]any{{"External ID", "Name"}, {1, "Acme"}, {2, "Bolt"}}},
	}})
	call := func(method, path, body string, want int) (out named) {
		t.Helper()
		status, text := b.Call(t, method, path, "application/json", []byte(body))
		if status != want || json.Unmarshal([]byte(text), &out) != nil {
			t.Fatalf("%s %s: %d %s", method, path, status, text)
		}
		return out
	}
	src := call("POST", "/v1/data_sources", `{"name":"Sheet"}`, 201)
	call("POST", "/v1/data_sources/"+src.UUID+"/syncs", ``, 409)
	call("PATCH", "/v1/data_sources/"+src.UUID+"/syncs", `{"spreadsheet":"`+id+`","every":"6h"}`, 200)
	j := call("POST", "/v1/data_sources/"+src.UUID+"/syncs", ``, 202)
	call("POST", "/v1/data_sources/"+src.UUID+"/syncs", ``, 409)
	b.Work(t)
	ended(t, b, 1)
	d := directory(t, b)
	if n := items(t, b, d.Sources[0]); n != 2 {
		t.Errorf("%d items of 2 customers", n)
	}
	if n := b.Objects(t, "jobs/"+j.ID+"/input/"); n != 0 {
		t.Errorf("%d frozen tables are left", n)
	}
	said := b.Invoke(t, "pull", map[string]any{"source": "Sheet"})
	if !strings.Contains(string(said), `"status":"running"`) {
		t.Errorf("an invocation: %s", said)
	}
	b.Drop(t) // the message is lost, and the tick sends it again
	b.Invoke(t, "tick", map[string]any{})
	b.Work(t)
	ended(t, b, 2)
	if strings.Contains(b.Functions["pull"].Output(), "PRIVATE KEY") {
		t.Error("the log holds the key")
	}
}
