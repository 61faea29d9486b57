package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"reseed/internal/awsfake/awsfaketest"
	"reseed/pkg/app"
	"reseed/pkg/objects"
	"reseed/pkg/table/mem"
)

// hook is a part of a body that calls a function when the body has been read up to it.
type hook func()

// Read calls the function, and returns no bytes.
func (h hook) Read([]byte) (int, error) { h(); return 0, io.EOF }

// moments of an upload of two files at which something happens: before the first file, when it is
// stored, when both are stored and there is no job yet, and after the request.
const (
	atFirst = iota
	atSecond
	atEnd
	afterwards
)

// uploadAt imports two files and calls at in between.
func (b *bed) uploadAt(at func(moment int)) answer {
	b.t.Helper()
	return b.sentAt("imports", at)
}

// sentAt sends two files to a route of the source, and calls at in between.
func (b *bed) sentAt(route string, at func(moment int)) answer {
	b.t.Helper()
	part := func(name, text string) string {
		return "Content-Disposition: form-data; name=file; filename=" + name + "\r\n\r\n" + text + "\r\n--x"
	}
	pause := func(moment int) io.Reader { return hook(func() { at(moment) }) }
	r := b.request("POST", "/v1/data_sources/"+b.source+"/"+route, "")
	r.Body = io.NopCloser(io.MultiReader(
		pause(atFirst), strings.NewReader("--x\r\n"+part("a.csv", february)+"\r\n"),
		pause(atSecond), strings.NewReader(part("b.csv", "Name,External ID\nEve,c5\n")+"--"),
		pause(atEnd), strings.NewReader("\r\n"),
	))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	ans := b.serve(r)
	at(afterwards)
	return ans
}

// below lists the objects in a folder.
func (b *bed) below(folder string) []string {
	b.t.Helper()
	names, err := b.app.Objects.Names(b.t.Context(), folder)
	if err != nil {
		b.t.Fatal(err)
	}
	return names
}

func objectStores() map[string]func(t *testing.T) *objects.Objects {
	return map[string]func(t *testing.T) *objects.Objects{
		"memory": func(*testing.T) *objects.Objects { return objects.Mem() },
		"folder": func(t *testing.T) *objects.Objects {
			t.Helper()
			o, err := objects.Dir(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			return o
		},
		"s3": func(t *testing.T) *objects.Objects {
			t.Helper()
			url, _ := awsfaketest.Start(t, awsfaketest.Resources{Buckets: []string{"files"}})
			return objects.S3(s3.NewFromConfig(aws.Config{
				Region: "eu-central-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
			}), "files")
		},
	}
}

// newUploadBed makes a bed with something to erase and a bystander. erases are the erases that
// delete files, by name, as bodies of requests.
func newUploadBed(t *testing.T, opt mem.Options, objs *objects.Objects) (b *bed, erases map[string]string) {
	t.Helper()
	b = newBedWith(t, nil, mem.New(opt), objs)
	id := b.done("done", file("a.csv", february))
	b.id(b.form(b.second(), file("other.csv", february)))
	b.put("uploads/Second/own.csv", "Name\n")
	b.work()
	return b, map[string]string{
		"source":           fmt.Sprintf(`{"selection":"source","id":%q}`, b.source),
		"content":          fmt.Sprintf(`{"selection":"content","id":%q}`, b.source),
		"dependent":        fmt.Sprintf(`{"selection":"dependent","id":%q}`, b.source),
		"manual-customers": `{"selection":"manual-customers"}`,
		"customer":         fmt.Sprintf(`{"selection":"customer","id":%q}`, b.c1()),
		"import":           fmt.Sprintf(`{"selection":"import","id":%q}`, id),
	}
}

func (b *bed) second() string {
	b.t.Helper()
	d, err := b.store.Directory(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	src, _ := d.ByName("Second")
	return src.UUID
}

// TestAnEraseDuringAnUpload starts an erase at each moment of an upload, and ends it at each later
// moment. The erase never waits for the upload, and every file that is left after both belongs to a
// job or was not to be erased.
func TestAnEraseDuringAnUpload(t *testing.T) {
	t.Parallel()
	for store, open := range objectStores() {
		kinds := []string{"source", "content", "customer"}
		if store == "memory" {
			kinds = append(kinds, "dependent", "manual-customers", "import")
		}
		for _, kind := range kinds {
			t.Run(store+"/"+kind, func(t *testing.T) {
				t.Parallel()
				for erased := range afterwards + 1 {
					for swept := erased; swept <= afterwards; swept++ {
						eraseDuringUpload(t, open(t), kind, erased, swept)
					}
				}
			})
		}
	}
}

func eraseDuringUpload(t *testing.T, objs *objects.Objects, kind string, erased, swept int) {
	t.Helper()
	b, erases := newUploadBed(t, mem.Options{}, objs)
	var id string
	ans := b.uploadAt(func(moment int) {
		if moment == erased {
			if erased == afterwards {
				b.work() // else the import would begin only after the erase, and fill the source again
			}
			b.wait(time.Second)
			id = b.erase("%s", erases[kind])
		}
		if moment == swept {
			b.work()
			b.must(200, "GET", "/v1/erasures/"+id+"/receipt", "")
		}
	})
	want := http.StatusConflict
	switch {
	case erased == afterwards:
		want = http.StatusAccepted
	case kind == "source":
		want = http.StatusNotFound
	}
	if ans.status != want {
		t.Errorf("%s at %d, swept at %d: the upload is answered %d, want %d: %s", kind, erased, swept, ans.status, want, ans.body)
	}
	if left := b.below("uploads/" + b.source + "/"); len(left) > 0 {
		t.Errorf("%s at %d, swept at %d: %v are left after the receipt", kind, erased, swept, left)
	}
	if left := b.below("uploads/Second/"); len(left) != 1 {
		t.Errorf("%s: a bystander's file is gone: %v", kind, left)
	}
	if left := b.below("uploads/" + b.second() + "/"); len(left) != 1 && kind != "manual-customers" {
		t.Errorf("%s: a bystander's upload is gone: %v", kind, left)
	}
}

// An erase of an invoice leaves files, so uploads go on.
func TestAnEraseOfAnInvoiceLetsUploadsPass(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.done("done", accountFiles("", "")...)
	invoice := text(t, entries(t, b.must(200, "GET", "/v1/invoices", ""), "invoices")[0], "uuid")
	ans := b.uploadAt(func(moment int) {
		if moment == atSecond {
			b.erase(`{"selection":"invoice","id":%q}`, invoice)
			b.work()
		}
	})
	b.id(ans)
	b.work()
}

// errDied is the error of every call that a killed process would make.
var errDied = errors.New("killed")

// TestAnUploadThatIsKilled kills the process before and after each change of objects that an upload
// makes, for an import or to wait, with and without an erase of the source afterwards. A day later the tick has deleted the
// objects that belong to no import, and no others.
func TestAnUploadThatIsKilled(t *testing.T) {
	t.Parallel()
	for store, open := range objectStores() {
		for _, route := range []string{"imports", "uploads"} {
			for _, kind := range []string{"", "source", "content", "customer"} {
				t.Run(store+"/"+route+"/"+kind, func(t *testing.T) {
					t.Parallel()
					for cut := 0; killedUpload(t, open(t), route, kind, cut); cut++ {
					}
				})
			}
		}
	}
}

// killedUpload kills an upload at change cut/2: before it if cut is even, else after it. It returns
// false if there are fewer changes.
func killedUpload(t *testing.T, objs *objects.Objects, route, kind string, cut int) bool {
	t.Helper()
	var dead, armed atomic.Bool
	n := -1
	die := func() error {
		if dead.Load() {
			return errDied
		}
		if n++; n == cut {
			dead.Store(true)
			return errDied
		}
		return nil
	}
	fragile := objs.Around(func(change func() error) error {
		if !armed.Load() {
			return change()
		}
		if err := die(); err != nil {
			return err
		}
		return errors.Join(change(), die())
	})
	opt := mem.Options{Before: func(mem.Op, int) error {
		if dead.Load() && armed.Load() {
			return errDied
		}
		return nil
	}}
	b, erases := newUploadBed(t, opt, fragile)
	b.sentAt(route, func(moment int) {
		armed.Store(false) // another process does the erase
		if moment == atSecond && kind != "" {
			b.wait(time.Second)
			b.erase("%s", erases[kind])
			b.work()
		}
		armed.Store(moment < afterwards)
	})
	killed := dead.Load()
	b.work()
	for range 2 {
		b.wait(app.UploadLife)
		b.wait(time.Hour)
		if err := b.app.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.work()
	}
	b.onlyAdopted(fmt.Sprintf("%s, cut %d", kind, cut))
	return killed
}

// onlyAdopted checks that every object that requests have stored belongs to a job, and that the
// files that people have put there are still there.
func (b *bed) onlyAdopted(when string) {
	b.t.Helper()
	named := map[string]bool{}
	for j, err := range b.ledger.All(b.t.Context(), 100, "") {
		if err != nil {
			b.t.Fatal(err)
		}
		if j.Import == nil {
			continue
		}
		for _, f := range j.Import.Inputs() {
			if f.Object != "" {
				named[f.Object] = true
			}
		}
	}
	left := b.below("uploads/ds_")
	if i := slices.IndexFunc(left, func(key string) bool { return !named[key] }); i >= 0 {
		b.t.Errorf("%s: %s is left and belongs to no import", when, left[i])
	}
	if len(left) != len(named) || len(b.below("uploads/Second/")) != 1 {
		b.t.Errorf("%s: %d objects are named by jobs, %d are there", when, len(named), len(left))
	}
}

// An upload that is refused or breaks off leaves no file.
func TestARefusedUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	whole := "--x\r\nContent-Disposition: form-data; name=file; filename=a.csv\r\n\r\n" + february + "\r\n--x"
	for name, rest := range map[string]string{
		"cut short":        "",
		"cut on a line":    "\r\n",
		"a wrong option":   "\r\nContent-Disposition: form-data; name=mode\r\n\r\nmirror\r\n--x--\r\n",
		"no name":          "\r\nContent-Type: text/csv\r\n\r\nx\r\n--x--\r\n",
		"a hostile name":   "\r\nContent-Disposition: form-data; name=file; filename=\"a\u202e.csv\"\r\n\r\nx\r\n--x--\r\n",
		"too large":        "\r\nContent-Disposition: form-data; name=file; filename=b.csv\r\n\r\n" + strings.Repeat("x", 2<<20) + "\r\n--x--\r\n",
		"no end of a file": "\r\nContent-Disposition: form-data; name=file; filename=b.csv\r\n\r\nhalf of it",
	} {
		for store, open := range objectStores() {
			t.Run(name+"/"+store, func(t *testing.T) {
				t.Parallel()
				b := newBedWith(t, nil, mem.New(mem.Options{}), open(t))
				r := b.request("POST", "/v1/data_sources/"+b.source+"/imports", whole+rest)
				r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
				if ans := b.serve(r); ans.status < 400 || ans.status >= 500 {
					t.Errorf("status %d: %s", ans.status, ans.body)
				}
				if left := b.below("uploads/"); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		}
	}
}

// slowUploads: an upload may take long, but has to end before the tick would delete its files as
// left over; and it is refused if its source was erased meanwhile.
func slowUploads(b *bed) {
	for _, route := range []string{"imports", "uploads"} {
		late := b.sentAt(route, func(moment int) {
			if moment == atEnd {
				b.wait(app.UploadLife + time.Minute)
			}
		})
		overtaken := b.sentAt(route, func(moment int) {
			if moment == atEnd {
				b.erase(`{"selection":"content","source":"First"}`)
			}
		})
		for _, ans := range []struct{ got, want int }{{late.status, http.StatusRequestTimeout}, {overtaken.status, http.StatusConflict}} {
			if ans.got != ans.want {
				b.t.Errorf("%s: status %d, want %d", route, ans.got, ans.want)
			}
		}
		if left := b.below("uploads/"); len(left) > 0 {
			b.t.Errorf("%s: left: %v", route, left)
		}
	}
}
