package app_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"reseed/internal/awsfake/awsfaketest"
	"reseed/internal/ziptest"
	"reseed/pkg/app"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamojson"
	"reseed/pkg/table/mem"
)

// bed is an App in memory whose messages wait until work is called.
type bed struct {
	*app.App
	imports []importer.Message
	sweeps  []app.Sweep
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{}
	b.App = app.New(app.Config{
		Store: store.New(mem.New(mem.Options{})), Objects: objects.Mem(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Imports: func(_ context.Context, m ...importer.Message) error { b.imports = append(b.imports, m...); return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { b.sweeps = append(b.sweeps, m...); return nil },
	})
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// work handles messages until there are none.
func (b *bed) work(t *testing.T) {
	t.Helper()
	for len(b.imports)+len(b.sweeps) > 0 {
		imports, sweeps := b.imports, b.sweeps
		b.imports, b.sweeps = nil, nil
		for _, m := range imports {
			must(t, b.Work(t.Context(), m))
		}
		for _, m := range sweeps {
			must(t, b.Sweep(t.Context(), m))
		}
	}
}

const customers = "Name,External ID\nA,a\nB,b\n"

func (b *bed) put(t *testing.T, key, text string) app.Upload {
	t.Helper()
	must(t, b.Objects.Put(t.Context(), key, strings.NewReader(text)))
	info, err := b.Objects.Stat(t.Context(), key)
	must(t, err)
	return app.Upload{Key: key, Version: info.Version, Once: key + info.Version}
}

// state returns the names of the sources, and the states of the jobs, newest first.
func (b *bed) state(t *testing.T) (sources []string, jobs []job.Status) {
	t.Helper()
	d, err := b.Store.Directory(t.Context())
	must(t, err)
	for _, s := range d.Sources {
		sources = append(sources, s.Name)
	}
	list, err := b.Ledger.List(t.Context(), 100, "")
	must(t, err)
	for _, j := range list {
		jobs = append(jobs, j.Status)
	}
	return sources, jobs
}

func (b *bed) want(t *testing.T, sources []string, jobs []job.Status) {
	t.Helper()
	s, j := b.state(t)
	if diff := cmp.Diff(sources, s); diff != "" {
		t.Errorf("sources: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(jobs, j); diff != "" {
		t.Errorf("jobs: -want +got\n%s", diff)
	}
}

func TestAnUploadMakesItsSourceOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	u := b.put(t, "uploads/Acme & Söhne/customers.csv", customers)
	for range 3 { // delivered several times
		must(t, b.Ingest(t.Context(), u))
	}
	b.work(t)
	must(t, b.Ingest(t.Context(), u)) // and once more when all is done
	b.work(t)
	b.want(t, []string{"Acme & Söhne"}, []job.Status{job.Done})

	d, err := b.Store.Directory(t.Context())
	must(t, err)
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/"+d.Sources[0].UUID+"/customers.CSV", customers))) // by uuid
	// names regardless of case
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/ACME & söhne/more.csv", customers)))
	b.work(t)
	b.want(t, []string{"Acme & Söhne"}, []job.Status{job.Done, job.Done, job.Done})
}

func TestAnUploadMayBeAZIP(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/Zipped/export.ZIP", ziptest.Of(t, "export/customers.csv", customers))))
	b.work(t)
	b.want(t, []string{"Zipped"}, []job.Status{job.Done})
	list, err := b.Ledger.List(t.Context(), 1, "")
	must(t, err)
	if diff := cmp.Diff(map[string]job.Counts{"customers": {Read: 2, Added: 2}}, list[0].Datasets); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAnUploadMayBeNDJSON(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	const line = `{"dataset":"customers","external_id":"a"}` + "\n"
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(line))
	must(t, err)
	must(t, z.Close())
	for name, text := range map[string]string{"x.ndjson": line, "x.NDJSON.gz": packed.String(), "x.csv.gz": packed.String(), "x.ndjson.zip": "PK", "x.gz": line, "x.json": line, "ndjson": line} {
		must(t, b.Ingest(t.Context(), b.put(t, "uploads/Lines/"+name, text)))
	}
	b.work(t)
	_, jobs := b.state(t)
	slices.Sort(jobs)
	if diff := cmp.Diff([]job.Status{job.Done, job.Done, job.Done, job.Failed}, jobs); diff != "" { // "PK" is no ZIP
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestWhatIsNoUploadMakesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for _, key := range []string{
		"uploads/Acme/readme.md", "uploads/Acme/._customers.csv", "uploads/Acme/~$customers.csv", "uploads/customers.csv", "uploads/Acme/2026/customers.csv", "jobs/Acme/rejects.csv",
		"uploads/ /customers.csv", "uploads/ds_0190d9fc-1c5b-4d1f-9f0a-6c1f6a1d2b3c/customers.csv",
	} {
		must(t, b.Ingest(t.Context(), b.put(t, key, customers)))
	}
	u := b.put(t, "uploads/Gone/customers.csv", customers)
	must(t, b.Objects.Delete(t.Context(), u.Key))
	must(t, b.Ingest(t.Context(), u))
	replaced := b.put(t, "uploads/Replaced/customers.csv", customers)
	b.put(t, "uploads/Replaced/customers.csv", customers+"C,c\n")
	must(t, b.Ingest(t.Context(), replaced))
	must(t, b.Ingest(t.Context(), app.Upload{Key: "uploads/../customers.csv"}))
	must(t, b.Ingest(t.Context(), app.Upload{Key: "uploads/a\x00b/customers.csv"}))
	b.want(t, nil, nil)
}

func TestFilesOfTheAPI(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	src, err := b.Source(t.Context(), "Posted")
	must(t, err)
	f, err := b.Keep(t.Context(), src, "../../customers.csv", strings.NewReader(customers+"C,\n"))
	must(t, err)
	if !strings.HasPrefix(f.Object, "uploads/"+src.UUID+"/") || f.Name != "../../customers.csv" || f.Size != int64(len(customers)+3) {
		t.Errorf("%+v", f)
	}
	must(t, b.Ingest(t.Context(), app.Upload{Key: f.Object, Version: f.Version})) // the event of S3 about it is ignored
	j, err := b.Submit(t.Context(), src.UUID, []job.File{f}, importer.Options{})
	must(t, err)
	b.work(t)
	b.want(t, []string{"Posted"}, []job.Status{job.Done})
	ended, err := b.Ledger.Get(t.Context(), j.ID)
	must(t, err)
	rejects, err := b.Rejects(t.Context(), ended)
	must(t, err)
	must(t, rejects.Body.Close())
	if _, err := b.Submit(t.Context(), "ds_nobody", nil, importer.Options{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such source: %v", err)
	}
}

func TestTickSendsLostMessagesAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/A/customers.csv", customers)))
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/A/again.csv", customers))) // waits for its turn
	src, err := b.Source(t.Context(), "B")
	must(t, err)
	_, err = b.StartErase(t.Context(), eraser.Selection{Kind: eraser.Source, Source: src.UUID}, eraser.Options{})
	must(t, err)
	b.want(t, []string{"A"}, []job.Status{job.Running, job.Waiting, job.Running})
	b.imports, b.sweeps = nil, nil // the messages are lost
	must(t, b.Tick(t.Context()))
	b.work(t)
	b.want(t, []string{"A"}, []job.Status{job.Done, job.Done, job.Done})
	must(t, b.Tick(t.Context()))
	if len(b.imports)+len(b.sweeps) != 0 {
		t.Error("there is nothing left to hand out")
	}
	must(t, b.Sweep(t.Context(), app.Sweep{Job: "nobody"}))
}

func TestEraseByInvocation(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/Acme/customers.csv", customers)))
	b.work(t)
	dry, err := b.EraseSource(t.Context(), app.EraseSource{Source: "acme", DryRun: true})
	if err != nil || dry.Plan == nil || dry.Plan.Removes.Total() != 2 {
		t.Fatalf("%+v, %v", dry, err)
	}
	b.want(t, []string{"Acme"}, []job.Status{job.Done})
	manual, err := b.EraseManual(t.Context(), app.EraseManual{})
	if err != nil || manual.Status != job.Done || eraser.Counts(manual.Removed).Total() != 2 {
		t.Errorf("%+v, %v", manual, err)
	}
	done, err := b.EraseSource(t.Context(), app.EraseSource{Source: "Acme"})
	if err != nil || done.Status != job.Done || len(b.sweeps) != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	b.want(t, nil, []job.Status{job.Done, job.Done, job.Done})
	for _, name := range []string{"", " "} {
		if _, err := b.EraseSource(t.Context(), app.EraseSource{Source: name}); fault.CodeOf(err) != "empty_selection" {
			t.Errorf("source %q: %v", name, err)
		}
	}
	if _, err := b.EraseSource(t.Context(), app.EraseSource{Source: "Acme"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a source that is gone: %v", err)
	}
}

func TestEraseByExternalID(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/Acme/customers.csv", customers)))
	b.work(t)
	nobody, err := b.EraseSource(t.Context(), app.EraseSource{Selection: "customer", Source: "acme", ExternalID: "nobody", Forget: true})
	if err != nil || nobody.Receipt == nil || nobody.Receipt.Forgotten != 1 || nobody.Receipt.Files["uploads"] != 1 {
		t.Errorf("%+v, %v", nobody, err)
	}
}

func TestAnEraseBehindAnImportWaits(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/Acme/customers.csv", customers)))
	out, err := b.EraseSource(t.Context(), app.EraseSource{Source: "Acme"})
	if err != nil || out.Status != job.Waiting || out.Removed != nil {
		t.Fatalf("%+v, %v", out, err)
	}
	b.work(t)
	_, jobs := b.state(t)
	if jobs[0] != job.Done || !jobs[1].Ended() {
		t.Errorf("jobs: %v", jobs)
	}
}

// TestAnExportIsWhatApplyWrites loads the export of a plan into the table, as DynamoDB's bulk
// loader does: the same files find nothing to do then (docs/CHANGES.md).
func TestAnExportIsWhatApplyWrites(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	src, err := b.Source(t.Context(), "Books")
	must(t, err)
	var files []job.File
	for _, name := range []string{"customers", "contacts", "plans", "invoices", "line_items", "transactions", "subscription_events"} {
		text, err := os.Open(filepath.Join("../../testdata/twelve", name+".csv"))
		must(t, err)
		f, err := b.Keep(t.Context(), src, name+".csv", text)
		must(t, err)
		must(t, text.Close())
		files = append(files, f)
	}
	plan, err := b.Submit(t.Context(), src.UUID, files, importer.Options{Plan: true})
	must(t, err)
	b.work(t)
	plan, err = b.Ledger.Get(t.Context(), plan.ID)
	must(t, err)
	export, err := b.Changes(t.Context(), plan, importer.DynamoDBJSON)
	must(t, err)
	z, err := gzip.NewReader(export.Body)
	must(t, err)
	var writes []table.Write
	for lines := bufio.NewScanner(z); lines.Scan(); {
		text, ok := strings.CutPrefix(lines.Text(), `{"Item":`)
		it, err := dynamojson.NewDecoder([]byte(strings.TrimSuffix(text, "}"))).Item()
		if err != nil || !ok {
			t.Fatal(lines.Text(), err)
		}
		writes = append(writes, table.Write{Item: it})
	}
	must(t, b.Store.Write(t.Context(), writes))
	again, err := b.Submit(t.Context(), src.UUID, files, importer.Options{})
	must(t, err)
	b.work(t)
	again, err = b.Ledger.Get(t.Context(), again.ID)
	must(t, err)
	for ds, n := range again.Datasets {
		if n.Read == 0 || n.Unchanged != n.Read || again.Cost.WriteMilli != 0 {
			t.Errorf("%s: %+v", ds, n)
		}
	}
	// The plan itself can't be applied any more: its rows are there.
	_, err = b.Importer.Apply(t.Context(), plan.ID)
	must(t, err)
	b.work(t)
	if plan, err = b.Ledger.Get(t.Context(), plan.ID); err != nil || plan.Status != job.Failed || len(again.Datasets) != 7 {
		t.Errorf("the plan is %s: %s, %v", plan.Status, plan.Error, err)
	}
}

// Older versions stored the rejects of an import in one file, which is returned as it is.
func TestRejectsOfOlderVersions(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	j := b.rejecting(t, 1)
	const old = "Name,External ID,Reject file\nA,,old.csv\n"
	must(t, b.Objects.Put(t.Context(), importer.RejectsName(j.ID), strings.NewReader(old)))
	if got := b.rejects(t, j); got != old {
		t.Errorf("%s", got)
	}
}

// rejecting makes an import of files that have so many rejected rows.
func (b *bed) rejecting(t *testing.T, rows ...int) *job.Job {
	t.Helper()
	src, err := b.Source(t.Context(), "Posted")
	must(t, err)
	var files []job.File
	var all int64
	for _, n := range rows {
		f, err := b.Keep(t.Context(), src, "c.csv", strings.NewReader("Name,External ID\n"+strings.Repeat("Nobody of any name,\n", n)))
		must(t, err)
		files, all = append(files, f), all+int64(n)
	}
	j, err := b.Submit(t.Context(), src.UUID, files, importer.Options{})
	must(t, err)
	b.work(t)
	j, err = b.Ledger.Get(t.Context(), j.ID)
	must(t, err)
	if j.Rejects != all {
		t.Fatalf("%s, %d rejects", j.Status, j.Rejects)
	}
	return j
}

func (b *bed) rejects(t *testing.T, j *job.Job) string {
	t.Helper()
	d, err := b.Rejects(t.Context(), j)
	must(t, err)
	if d.Link != "" {
		d.Body = fetched(t, d.Link)
	}
	text, err := io.ReadAll(d.Body)
	must(t, errors.Join(err, d.Body.Close()))
	return string(text)
}

func fetched(t *testing.T, link string) io.ReadCloser {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	must(t, err)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	return answer.Body
}

// If the rejects do not fit into an answer of Lambda, they are stored as one object, once, and the
// answer is a link to it.
func TestManyRejectsAreLinkedTo(t *testing.T) {
	t.Parallel()
	url, _ := awsfaketest.Start(t, awsfaketest.Resources{Buckets: []string{"files"}})
	b := newBed(t)
	few := b.rejecting(t, 2)
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &url, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	c := b.Config
	c.Objects = objects.S3(client, "files")
	b.App = app.New(c)
	if _, err := b.Rejects(t.Context(), few); !fault.Is(err, fault.NotFound) {
		t.Errorf("rejects that are gone: %v", err)
	}
	for _, rows := range []int{3, 50_000} {
		j := b.rejecting(t, rows)
		d, err := b.Rejects(t.Context(), j)
		must(t, err)
		if (d.Link != "") != (rows > 3) || d.Ending != ".csv" {
			t.Errorf("%d rejects: link %q to %s", rows, d.Link, d.Ending)
		}
		first := b.rejects(t, j)
		if strings.Count(first, "\n") != rows+1 || first != b.rejects(t, j) {
			t.Errorf("%d lines of %d rejects", strings.Count(first, "\n"), rows)
		}
	}
}

// The rejects of several files are a ZIP with a file for each, in whichever way they are sent.
func TestRejectsOfSeveralFilesAreZipped(t *testing.T) {
	t.Parallel()
	url, _ := awsfaketest.Start(t, awsfaketest.Resources{Buckets: []string{"files"}})
	b := newBed(t)
	c := b.Config
	c.Objects = objects.S3(s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &url, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}), "files")
	b.App = app.New(c)
	for _, rows := range []int{3, 50_000} {
		j := b.rejecting(t, rows, rows)
		d, err := b.Rejects(t.Context(), j)
		must(t, err)
		if d.Ending != ".zip" {
			t.Errorf("%d rejects: %s", rows, d.Ending)
		}
		if _, err := b.Objects.Stat(t.Context(), j.Prefix()+"export/rejects.zip"); (err == nil) != (rows > 3) {
			t.Errorf("%d rejects: %v", rows, err)
		}
		first := b.rejects(t, j)
		if first != b.rejects(t, j) {
			t.Error("the second time they are others")
		}
		z, err := zip.NewReader(strings.NewReader(first), int64(len(first)))
		must(t, err)
		for i, want := range []string{"c.rejects.csv", "c-2.rejects.csv"} {
			r, err := z.File[i].Open()
			must(t, err)
			text, err := io.ReadAll(r)
			must(t, err)
			if z.File[i].Name != want || bytes.Count(text, []byte("\n")) != rows+1 {
				t.Errorf("%s with %d lines, want %s", z.File[i].Name, bytes.Count(text, []byte("\n")), want)
			}
		}
	}
}
