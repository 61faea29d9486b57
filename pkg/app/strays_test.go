package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"reseed/internal/awsfake/awsfaketest"
	"reseed/pkg/app"
	"reseed/pkg/eraser"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// sweeping is a bed whose tick deletes uploads that belong to no import. It has a clock of its own.
type sweeping struct {
	*bed
	passed  atomic.Int64
	changes atomic.Int64                    // counts changes of objects
	fail    func(change func() error) error // may make the change fail; nil makes all changes
	client  *s3.Client                      // if the objects are in a bucket
}

const bucketOfTest = "files"

// aDay is the age at which an upload that belongs to no import is deleted.
const aDay = 2*app.UploadLife + time.Minute

func (b *sweeping) now() time.Time { return time.Now().Add(time.Duration(b.passed.Load())) }

func (b *sweeping) wait(d time.Duration) { b.passed.Add(int64(d)) }

func (b *sweeping) over(objs *objects.Objects, st *store.Store) {
	b.App = app.New(app.Config{
		Store: st, Now: b.now, Log: slog.New(slog.DiscardHandler), SweepUploads: true,
		Objects: objs.Around(func(change func() error) error {
			b.changes.Add(1)
			if b.fail != nil {
				return b.fail(change)
			}
			return change()
		}),
		Imports: func(_ context.Context, m ...importer.Message) error { b.imports = append(b.imports, m...); return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { b.sweeps = append(b.sweeps, m...); return nil },
	})
}

func everyObjectStore(t *testing.T, test func(*testing.T, *sweeping)) {
	t.Helper()
	for _, kind := range []string{"memory", "folder", "s3"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := &sweeping{bed: &bed{}}
			objs := objects.Mem()
			var err error
			switch kind {
			case "folder":
				objs, err = objects.Dir(t.TempDir())
			case "s3":
				url, _ := awsfaketest.Start(t, awsfaketest.Resources{Buckets: []string{bucketOfTest}})
				b.client = s3.NewFromConfig(aws.Config{
					Region: "eu-central-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
				})
				objs = objects.S3(b.client, bucketOfTest)
			}
			must(t, err)
			b.over(objs, store.New(mem.New(mem.Options{})))
			test(t, b)
		})
	}
}

func (b *sweeping) tick(t *testing.T) {
	t.Helper()
	must(t, b.Tick(t.Context()))
	b.work(t)
}

// uploads lists the objects below uploads/.
func (b *sweeping) uploads(t *testing.T) []string {
	t.Helper()
	names, err := b.Objects.Names(t.Context(), "uploads/")
	must(t, err)
	return names
}

func (b *sweeping) source(t *testing.T, name string) store.Source {
	t.Helper()
	src, err := b.Source(t.Context(), name)
	must(t, err)
	return src
}

func (b *sweeping) kept(t *testing.T, src store.Source) job.File {
	t.Helper()
	f, err := b.Keep(t.Context(), src, "customers.csv", strings.NewReader(customers))
	must(t, err)
	return f
}

// The tick deletes uploads that belong to no import once they are a day old, and nothing else.
func TestTheTickDeletesWhatBelongsToNoImport(t *testing.T) {
	t.Parallel()
	everyObjectStore(t, func(t *testing.T, b *sweeping) {
		t.Helper()
		acme := b.source(t, "Acme")
		odd, err := b.Store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
			d.Sources = append(d.Sources, store.Source{ // older versions allowed such names
				UUID: "ds_" + uuid.NewString(), Tag: d.NextTag, Name: "ds_" + uuid.NewString(), Epochs: store.Epochs{Customers: 1, Data: 1, Edits: 1}, Shards: 1,
			})
			d.NextTag++
			return nil, nil
		})
		must(t, err)
		old := uuid.MustParse(b.Ledger.NewID()).String()
		stray, adopted, planned, erased := b.kept(t, acme), b.kept(t, acme), b.kept(t, acme), b.source(t, "Gone")
		_, err = b.Submit(t.Context(), acme.UUID, []job.File{adopted}, importer.Options{})
		must(t, err)
		b.work(t)
		_, err = b.Submit(t.Context(), acme.UUID, []job.File{planned}, importer.Options{Plan: true})
		must(t, err)
		b.work(t)
		restorable := b.source(t, "Restorable")
		later := b.kept(t, restorable)
		grace := 90 * 24 * time.Hour
		_, err = b.StartErase(t.Context(), eraser.Selection{Kind: eraser.Source, Source: restorable.UUID}, eraser.Options{Grace: &grace})
		must(t, err)
		_, err = b.StartErase(t.Context(), eraser.Selection{Kind: eraser.Source, Source: erased.UUID}, eraser.Options{})
		must(t, err)
		b.work(t)
		stay := []string{
			adopted.Object, planned.Object, later.Object,
			"uploads/Acme/customers.csv", "uploads/Acme/" + old + "/input", "uploads/" + old + "/own.csv",
			"uploads/" + acme.UUID + "/own.csv", "uploads/" + acme.UUID + "/" + uuid.NewString() + "/own.csv", "uploads/" + acme.UUID + "/" + strings.ToUpper(old) + "/own.csv",
			"uploads/" + odd.Sources[1].Name + "/own.csv", "uploads/ds_nobody/own.csv",
		}
		go1 := []string{"uploads/" + erased.UUID + "/late.csv", "uploads/ds_" + uuid.NewString() + "/" + old + "/input", "uploads/ds_" + uuid.NewString() + "/a/b.csv"}
		for _, key := range slices.Concat(stay[3:], go1) {
			b.put(t, key, customers)
		}
		all := slices.Sorted(slices.Values(slices.Concat(stay, go1, []string{stray.Object})))
		b.tick(t)
		b.wait(aDay - time.Hour)
		b.tick(t)
		if diff := cmp.Diff(all, b.uploads(t)); diff != "" {
			t.Fatalf("before a day was over: -want +got\n%s", diff)
		}
		young := b.kept(t, acme)
		b.wait(time.Hour)
		b.tick(t)
		want := slices.Sorted(slices.Values(append(stay, young.Object)))
		if diff := cmp.Diff(want, b.uploads(t)); diff != "" {
			t.Errorf("after a day: -want +got\n%s", diff)
		}
		_, err = b.Submit(t.Context(), acme.UUID, []job.File{young, adopted}, importer.Options{})
		must(t, err)
		b.work(t)
		if _, jobs := b.state(t); jobs[0] != job.Done {
			t.Errorf("what is left can't be imported: %v", jobs)
		}
		if b.client != nil {
			b.noVersions(t, stray.Object, go1)
		}
	})
}

// noVersions checks that the bucket holds no version of keys.
func (b *sweeping) noVersions(t *testing.T, key string, more []string) {
	t.Helper()
	for _, key := range append(more, key) {
		out, err := b.client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucketOfTest), Prefix: aws.String(key)})
		must(t, err)
		if len(out.Versions)+len(out.DeleteMarkers) > 0 {
			t.Errorf("%s: %d versions are left", key, len(out.Versions))
		}
	}
}

// A tick is interrupted before or after any change: the next one deletes the rest, and nothing
// else.
func TestASweepOfUploadsThatIsCut(t *testing.T) {
	t.Parallel()
	everyObjectStore(t, func(t *testing.T, b *sweeping) {
		t.Helper()
		errCut := errors.New("cut")
		acme := b.source(t, "Acme")
		adopted := b.kept(t, acme)
		_, err := b.Submit(t.Context(), acme.UUID, []job.File{adopted}, importer.Options{})
		must(t, err)
		b.work(t)
		for cut := 0; ; cut++ {
			for range 3 {
				b.kept(t, acme)
			}
			b.put(t, "uploads/ds_"+uuid.NewString()+"/own.csv", customers)
			b.wait(aDay)
			n := 0
			b.fail = func(change func() error) error {
				n++
				switch n*2 - cut {
				case 1:
					return errors.Join(change(), errCut)
				case 2:
					return errCut
				}
				return change()
			}
			err := b.Tick(t.Context())
			b.fail = nil
			if err != nil && !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			b.tick(t)
			if diff := cmp.Diff([]string{adopted.Object}, b.uploads(t)); diff != "" {
				t.Fatalf("cut %d: -want +got\n%s", cut, diff)
			}
			if err == nil {
				if cut < 8 {
					t.Errorf("there were only %d cuts", cut)
				}
				return
			}
		}
	})
}

// A tick deletes a limited number of folders, and the next one goes on, also beyond one page of a
// listing. Folders that were checked once are not checked again.
func TestManyUploadsOfNoImport(t *testing.T) {
	t.Parallel()
	everyObjectStore(t, func(t *testing.T, b *sweeping) {
		t.Helper()
		const many = 1203
		acme := b.source(t, "Acme")
		var adopted job.File
		for n := range many {
			f := job.File{Name: "f.csv", Object: "uploads/" + acme.UUID + "/" + uuid.MustParse(b.Ledger.NewID()).String() + "/input"}
			b.put(t, f.Object, customers)
			if n == many/2 {
				adopted = f
			}
		}
		_, err := b.Submit(t.Context(), acme.UUID, []job.File{adopted}, importer.Options{})
		must(t, err)
		b.work(t)
		b.wait(aDay)
		var left []int
		for range 4 {
			b.tick(t)
			left = append(left, len(b.uploads(t)))
		}
		if diff := cmp.Diff([]int{many - 500, many - 1000, 1, 1}, left); diff != "" {
			t.Errorf("left after each tick: -want +got\n%s", diff)
		}
		was := b.changes.Load()
		b.tick(t)
		if n := b.changes.Load() - was; n != 0 {
			t.Errorf("a tick within the hour makes %d changes", n)
		}
		stray := b.kept(t, acme)
		b.wait(aDay)
		b.tick(t)
		if diff := cmp.Diff([]string{adopted.Object}, b.uploads(t)); diff != "" {
			t.Errorf("a day later, with %s: -want +got\n%s", path.Dir(stray.Object), diff)
		}
	})
}

// A table that was restored from a backup lacks the jobs made since. Their files stay.
func TestARestoredTableSweepsNothing(t *testing.T) {
	t.Parallel()
	driver := mem.New(mem.Options{})
	b := &sweeping{bed: &bed{}}
	objs := objects.Mem()
	b.over(objs, store.New(driver))
	acme := b.source(t, "Acme")
	backup := driver.Clone(mem.Options{})
	_, err := b.Submit(t.Context(), acme.UUID, []job.File{b.kept(t, acme)}, importer.Options{})
	must(t, err)
	b.work(t)
	b.tick(t)
	all := b.uploads(t)
	b.over(objs, store.New(backup))
	b.wait(aDay)
	b.tick(t)
	if diff := cmp.Diff(all, b.uploads(t)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	must(t, b.Objects.Delete(t.Context(), "sweep/uploads.json")) // as the runbook says
	b.tick(t)
	if left := b.uploads(t); len(left) > 0 {
		t.Errorf("left: %v", fmt.Sprint(left))
	}
}
