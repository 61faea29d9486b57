package objects_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"reseed/internal/awsfake/awsfaketest"
	"reseed/internal/blobtest"
	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

// kinds are the object stores; every test of everyKind holds for all of them.
func kinds() map[string]func(t *testing.T) *objects.Objects {
	return map[string]func(t *testing.T) *objects.Objects{
		"folder": func(t *testing.T) *objects.Objects {
			t.Helper()
			o, err := objects.Dir(filepath.Join(t.TempDir(), "data", "objects"))
			must(t, err)
			return o
		},
		"memory": func(t *testing.T) *objects.Objects { t.Helper(); return objects.Mem() },
		"tests":  func(t *testing.T) *objects.Objects { t.Helper(); return objects.Over(new(blobtest.Bucket).Open(nil)) },
		"S3": func(t *testing.T) *objects.Objects {
			t.Helper()
			o, _ := bucket(t)
			return o
		},
	}
}

func bucket(t *testing.T) (*objects.Objects, *s3.Client) {
	t.Helper()
	url, _ := awsfaketest.Start(t, awsfaketest.Resources{Buckets: []string{"files"}})
	client := s3.NewFromConfig(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	o, err := objects.S3(t.Context(), client, "files")
	must(t, err)
	return o, client
}

func everyKind(t *testing.T, test func(t *testing.T, o *objects.Objects)) {
	t.Helper()
	for name, start := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := start(t)
			t.Cleanup(func() { must(t, o.Close()) })
			test(t, o)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, o *objects.Objects, key, text string) {
	t.Helper()
	must(t, o.Put(t.Context(), key, strings.NewReader(text)))
}

func create(ctx context.Context, o *objects.Objects, key, text string) error {
	w, err := o.Create(ctx, key)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return w.Close()
}

func read(ctx context.Context, o *objects.Objects, key, version string, offset, length int64) (string, error) {
	r, err := o.Open(ctx, key, version, offset, length)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	if e := r.Close(); err == nil {
		err = e
	}
	return string(text), err
}

func wantText(t *testing.T, o *objects.Objects, key, version, want string) {
	t.Helper()
	got, err := read(t.Context(), o, key, version, 0, -1)
	if err != nil || got != want {
		t.Errorf("read %q, %v; want %q", got, err, want)
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	if !fault.Is(err, kind) || fault.CodeOf(err) != code {
		t.Errorf("error %v (%v, %q), want %v, %q", err, fault.KindOf(err), fault.CodeOf(err), kind, code)
	}
}

func TestWhatIsPutIsRead(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		key := "uploads/Acme & Söhne/a+b c%2F=1.csv"
		put(t, o, key, "0123456789")
		for _, tt := range []struct {
			offset, length int64
			want           string
		}{{0, -1, "0123456789"}, {3, 4, "3456"}, {8, 100, "89"}, {9, -1, "9"}, {4, 0, ""}} {
			got, err := read(t.Context(), o, key, "", tt.offset, tt.length)
			if err != nil || got != tt.want {
				t.Errorf("%d+%d: %q, %v; want %q", tt.offset, tt.length, got, err, tt.want)
			}
		}
		info, err := o.Stat(t.Context(), key)
		if err != nil || info.Key != key || info.Size != 10 || info.Version == "" {
			t.Errorf("Stat: %+v, %v", info, err)
		}
	})
}

func TestEmptyObject(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		put(t, o, "empty", "")
		wantText(t, o, "empty", "", "")
	})
}

func TestLargeObject(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		text := strings.Repeat("0123456789abcdef", 20<<20/16) // three parts on S3
		must(t, create(t.Context(), o, "large", text))
		got, err := read(t.Context(), o, "large", "", 16<<20-3, 6)
		if err != nil || got != "def012" {
			t.Errorf("across parts: %q, %v", got, err)
		}
		wantFault(t, create(t.Context(), o, "large", "small"), fault.Conflict, "object_exists")
		info, err := o.Stat(t.Context(), "large")
		if err != nil || info.Size != int64(len(text)) {
			t.Errorf("Stat: %+v, %v", info, err)
		}
	})
}

func TestCreateNeverReplaces(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		must(t, create(t.Context(), o, "a/b", "first"))
		wantFault(t, create(t.Context(), o, "a/b", "second"), fault.Conflict, "object_exists")
		wantText(t, o, "a/b", "", "first")
	})
}

func TestOfManyCreatorsOneWins(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		var (
			all    sync.WaitGroup
			won    atomic.Int32
			winner atomic.Value
		)
		for i := range 16 {
			all.Go(func() {
				text := fmt.Sprint("writer ", i)
				switch err := create(t.Context(), o, "change-set", text); {
				case err == nil:
					won.Add(1)
					winner.Store(text)
				case !fault.Is(err, fault.Conflict):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d writers won", won.Load())
		}
		text, _ := winner.Load().(string)
		wantText(t, o, "change-set", "", text)
	})
}

func TestReplacePutsAnotherInItsPlace(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		put(t, o, "k", "old")
		put(t, o, "k", "newer")
		wantText(t, o, "k", "", "newer")
	})
}

func TestAbortedAndCancelledWritesLeaveNothing(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		w, err := o.Create(t.Context(), "aborted")
		must(t, err)
		_, err = io.WriteString(w, "half")
		must(t, err)
		w.Abort()
		must(t, w.Close()) // nothing any more

		ctx, cancel := context.WithCancel(t.Context())
		w, err = o.Create(ctx, "cancelled")
		must(t, err)
		_, err = io.WriteString(w, "half")
		must(t, err)
		cancel()
		if err := w.Close(); !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("Close after cancel: %v", err)
		}
		names, err := o.Names(t.Context(), "")
		if err != nil || len(names) != 0 {
			t.Errorf("left: %q, %v", names, err)
		}
	})
}

func TestReadsArePinnedToAVersion(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		put(t, o, "k", "one")
		first, err := o.Stat(t.Context(), "k")
		must(t, err)
		wantText(t, o, "k", first.Version, "one")
		if again, err := o.StatVersion(t.Context(), "k", first.Version); err != nil || again != first {
			t.Errorf("StatVersion: %+v, %v; want %+v", again, err, first)
		}
		put(t, o, "k", "another")
		text, err := read(t.Context(), o, "k", first.Version, 0, -1)
		if err == nil && text != "one" { // where there are versions, the old one is still there
			t.Errorf("another version was read: %q", text)
		}
		if err != nil {
			wantFault(t, err, fault.NotFound, objects.CodeGone)
		}
		_, err = o.DeleteAll(t.Context(), "other/")
		must(t, err)
		_, err = o.StatVersion(t.Context(), "k", `"no-such-etag"`)
		wantFault(t, err, fault.NotFound, objects.CodeGone)
		_, err = read(t.Context(), o, "k", `"no-such-etag"`, 0, -1)
		wantFault(t, err, fault.NotFound, objects.CodeGone)
	})
}

func TestMissingObject(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		_, err := o.Stat(t.Context(), "nothing/here")
		wantFault(t, err, fault.NotFound, objects.CodeGone)
		_, err = read(t.Context(), o, "nothing/here", "", 0, -1)
		wantFault(t, err, fault.NotFound, objects.CodeGone)
		if err != nil && strings.Contains(err.Error(), "nothing") {
			t.Errorf("the error names the object: %v", err)
		}
		must(t, o.Delete(t.Context(), "nothing/here"))
	})
}

func TestDeleteAllSparesTheNeighbour(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		for _, key := range []string{"u/acme/1", "u/acme/deep/2", "u/acme2/1", "u/acm", "v/1"} {
			put(t, o, key, "x")
		}
		put(t, o, "u/acme/1", "y")
		must(t, o.Delete(t.Context(), "u/acm"))
		n, err := o.DeleteAll(t.Context(), "u/acme/")
		if err != nil || n != 2 {
			t.Errorf("deleted %d, %v; want 2", n, err)
		}
		names, err := o.Names(t.Context(), "")
		if diff := cmp.Diff([]string{"u/acme2/1", "v/1"}, names); diff != "" || err != nil {
			t.Errorf("left (-want +got): %v\n%s", err, diff)
		}
		for _, prefix := range []string{"", "/", "u/acme", "../", "u//"} {
			_, err := o.DeleteAll(t.Context(), prefix)
			wantFault(t, err, fault.Invalid, "bad_prefix")
		}
	})
}

func TestFolders(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		for _, key := range []string{"u/acme/1", "u/acme/deep/2", "u/acme/deeper/and/deeper/3", "u/acme2/other/1", "v/1"} {
			put(t, o, key, "x")
		}
		for prefix, want := range map[string][]string{"": {"u/", "v/"}, "u/acme/": {"u/acme/deep/", "u/acme/deeper/"}, "none/": nil} {
			var got []string
			for name, err := range o.Folders(t.Context(), prefix) {
				must(t, err)
				got = append(got, name)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("folders of %q (-want +got):\n%s", prefix, diff)
			}
		}
	})
}

func TestHostileKeysAreRefused(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		for _, key := range []string{
			"", ".", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", "a/./b", "a\x00b", "a\nb", `a\b`,
			"\xff", "a.attrs", "x__0x2f__y", "k.18790f5d3a7b2c41.tmp", strings.Repeat("k", objects.MaxKey+1),
		} {
			wantFault(t, create(t.Context(), o, key, "x"), fault.Invalid, "bad_key")
			_, err := o.Stat(t.Context(), key)
			wantFault(t, err, fault.Invalid, "bad_key")
			_, err = read(t.Context(), o, key, "", 0, 1)
			wantFault(t, err, fault.Invalid, "bad_key")
			wantFault(t, o.Delete(t.Context(), key), fault.Invalid, "bad_key")
		}
	})
}

func TestFolderHoldsPlainFilesOnly(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "objects")
	o, err := objects.Dir(root)
	must(t, err)
	put(t, o, "uploads/acme/a.csv", "text")
	stranded := filepath.Join(root, "uploads", "acme", "b.csv.18790f5d3a7b2c41.tmp") // as a kill leaves it
	must(t, os.WriteFile(stranded, []byte("half"), 0o600))
	names, err := o.Names(t.Context(), "uploads/")
	if diff := cmp.Diff([]string{"uploads/acme/a.csv"}, names); diff != "" || err != nil {
		t.Errorf("names: %v\n%s", err, diff)
	}
	text, err := os.ReadFile(filepath.Join(root, "uploads", "acme", "a.csv"))
	if err != nil || string(text) != "text" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	_, err = o.DeleteAll(t.Context(), "uploads/acme/")
	must(t, err)
	if _, err := os.Stat(filepath.Join(root, "uploads", "acme")); !os.IsNotExist(err) {
		t.Errorf("the folder, or what was half written, is still there: %v", err)
	}
}

func TestBucketKeepsNoVersionOfWhatIsDeleted(t *testing.T) {
	t.Parallel()
	o, client := bucket(t)
	for _, text := range []string{"one", "two", "three"} {
		put(t, o, "u/a/k", text)
	}
	put(t, o, "u/b/k", "one")
	put(t, o, "u/b/k", "two")
	put(t, o, "u/b/k2", "neighbour")
	n, err := o.DeleteAll(t.Context(), "u/a/")
	if err != nil || n != 1 {
		t.Fatalf("deleted %d, %v", n, err)
	}
	must(t, o.Delete(t.Context(), "u/b/k"))
	left, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String("files")})
	must(t, err)
	if len(left.Versions) != 1 || len(left.DeleteMarkers) != 0 || *left.Versions[0].Key != "u/b/k2" {
		t.Errorf("left: %d versions, %d markers", len(left.Versions), len(left.DeleteMarkers))
	}
}

func TestBucketReadsAnOlderVersion(t *testing.T) {
	t.Parallel()
	o, _ := bucket(t)
	put(t, o, "k", "one")
	first, err := o.Stat(t.Context(), "k")
	must(t, err)
	put(t, o, "k", "two")
	wantText(t, o, "k", first.Version, "one")
	wantText(t, o, "k", "", "two")
	_, err = read(t.Context(), o, "k", "no-such-version", 0, -1)
	wantFault(t, err, fault.NotFound, objects.CodeGone)
	_, err = o.StatVersion(t.Context(), "k", "no-such-version")
	wantFault(t, err, fault.NotFound, objects.CodeGone)
}

func TestMissingBucketIsNoMissingObject(t *testing.T) {
	t.Parallel()
	_, client := bucket(t)
	o, err := objects.S3(t.Context(), client, "elsewhere")
	must(t, err)
	_, err = read(t.Context(), o, "k", "", 0, -1)
	wantFault(t, err, fault.Internal, "object_bucket")
}

// What lies in a folder in place of a file is never opened: a pipe would hold whoever reads it for ever.
func TestFolderOpensPlainFilesOnly(t *testing.T) {
	t.Parallel()
	root, outside := filepath.Join(t.TempDir(), "objects"), filepath.Join(t.TempDir(), "secret.csv")
	o, err := objects.Dir(root)
	must(t, err)
	in := func(name string) string { return filepath.Join(root, "uploads", "acme", name) }
	put(t, o, "uploads/acme/a.csv", "text")
	put(t, o, "uploads/acme/b.csv", "text")
	must(t, os.WriteFile(outside, []byte("secret"), 0o600))
	must(t, syscall.Mkfifo(in("pipe.csv"), 0o600))
	must(t, syscall.Mkfifo(in("b.csv.attrs"), 0o600)) // fileblob would open it to read b.csv
	must(t, os.Symlink(in("pipe.csv"), in("to-pipe.csv")))
	must(t, os.Symlink(outside, in("out.csv")))
	must(t, os.Symlink(filepath.Dir(outside), in("away")))
	must(t, os.Symlink("nowhere", in("broken.csv")))
	must(t, os.Symlink("a.csv", in("in.csv")))
	for _, name := range []string{"pipe.csv", "to-pipe.csv", "b.csv", "out.csv", "away/secret.csv", "broken.csv"} {
		_, err := o.Stat(t.Context(), "uploads/acme/"+name)
		wantFault(t, err, fault.Invalid, objects.CodeNotAFile)
		_, err = read(t.Context(), o, "uploads/acme/"+name, "", 0, -1)
		wantFault(t, err, fault.Invalid, objects.CodeNotAFile)
	}
	wantText(t, o, "uploads/acme/a.csv", "", "text")
	wantText(t, o, "uploads/acme/in.csv", "", "text")
	names, err := o.Names(t.Context(), "uploads/acme/")
	var want []string
	for _, name := range []string{"a.csv", "away", "b.csv", "broken.csv", "in.csv", "out.csv", "pipe.csv", "to-pipe.csv"} {
		want = append(want, "uploads/acme/"+name)
	}
	if diff := cmp.Diff(want, names); diff != "" || err != nil {
		t.Errorf("names: %v\n%s", err, diff)
	}
	wantFault(t, create(t.Context(), o, "uploads/acme/away/new.csv", "x"), fault.Invalid, objects.CodeNotAFile)
	wantFault(t, create(t.Context(), o, "uploads/acme/away/new/new.csv", "x"), fault.Invalid, objects.CodeNotAFile)
	_, err = o.DeleteAll(t.Context(), "uploads/acme/away/sub/")
	wantFault(t, err, fault.Invalid, objects.CodeNotAFile)
	_, err = o.DeleteAll(t.Context(), "uploads/acme/")
	must(t, err)
	if text, err := os.ReadFile(outside); err != nil || string(text) != "secret" {
		t.Errorf("a file outside the folder: %q, %v", text, err)
	}
}

// The folder of all uploads may be a link to another disk.
func TestFolderOnAnotherDisk(t *testing.T) {
	t.Parallel()
	root, disk := filepath.Join(t.TempDir(), "objects"), t.TempDir()
	o, err := objects.Dir(root)
	must(t, err)
	must(t, os.Symlink(disk, filepath.Join(root, "uploads")))
	must(t, os.Mkdir(filepath.Join(disk, "acme"), 0o700))
	must(t, os.WriteFile(filepath.Join(disk, "acme", "a.csv"), []byte("text"), 0o600))
	wantText(t, o, "uploads/acme/a.csv", "", "text")
	put(t, o, "uploads/acme/b.csv", "more")
	names, err := o.Names(t.Context(), "uploads/")
	if diff := cmp.Diff([]string{"uploads/acme/a.csv", "uploads/acme/b.csv"}, names); diff != "" || err != nil {
		t.Errorf("names: %v\n%s", err, diff)
	}
}
