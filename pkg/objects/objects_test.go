package objects_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"reseed/internal/awsfake/awsfaketest"
	"reseed/internal/buckettest"
	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

// kinds has the kinds of object stores. A test in everyKind holds for all of them.
func kinds() map[string]func(t *testing.T) *objects.Objects {
	return map[string]func(t *testing.T) *objects.Objects{
		"folder": func(t *testing.T) *objects.Objects {
			t.Helper()
			o, err := objects.Dir(filepath.Join(t.TempDir(), "data", "objects"))
			must(t, err)
			return o
		},
		"memory": func(t *testing.T) *objects.Objects { t.Helper(); return objects.Mem() },
		"tests": func(t *testing.T) *objects.Objects {
			t.Helper()
			return buckettest.Objects(&objects.Memory{}, func(buckettest.Op, bool) error { return nil })
		},
		"S3": func(t *testing.T) *objects.Objects {
			t.Helper()
			o, _ := bucket(t)
			return o
		},
	}
}

func bucket(t *testing.T) (*objects.Objects, *s3.Client) {
	t.Helper()
	address, _ := awsfaketest.Start(t, awsfaketest.Resources{Buckets: []string{"files"}})
	client := s3.NewFromConfig(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &address,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return objects.S3(client, "files"), client
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
		must(t, w.Close()) // does nothing after Abort

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
		if err == nil && text != "one" { // in a bucket with versions the old one still exists
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

func TestEveryStoreIsChecked(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		must(t, o.Check(t.Context()))
		put(t, o, "u/acme/1", "x")
		must(t, o.Check(t.Context()))
	})
}

func TestListingIsInOrderAndKnowsSizes(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		want := []string{"u/a-b", "u/a.b/1", "u/a/1", "u/a/10", "u/b"} // sorted as bytes: - and . are before /
		for i, key := range []string{"u/b", "u/a.b/1", "v", "u/a/10", "u/a-b", "t/1", "u/a/1"} {
			put(t, o, key, strings.Repeat("x", i))
		}
		var got []string
		for info, err := range o.List(t.Context(), "u/") {
			must(t, err)
			got = append(got, info.Key)
			if stat, err := o.Stat(t.Context(), info.Key); err != nil || info.Size != stat.Size || info.Modified.IsZero() {
				t.Errorf("List: %+v; Stat: %+v, %v", info, stat, err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for name := range o.List(t.Context(), "") { // a caller may stop
			if name.Key != "t/1" {
				t.Errorf("the first is %q", name.Key)
			}
			break
		}
	})
}

func TestFoldersFromAName(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		for _, key := range []string{"u/01-a/1", "u/02-b/1", "u/02-b/2", "u/03-c/deep/1", "u/9", "v/04/1"} {
			put(t, o, key, "x")
		}
		for from, want := range map[string][]string{
			"": {"u/01-a/", "u/02-b/", "u/03-c/"}, "02": {"u/02-b/", "u/03-c/"}, "02-b": {"u/02-b/", "u/03-c/"}, "02-c": {"u/03-c/"}, "04": nil,
		} {
			var got []string
			for name, err := range o.FoldersFrom(t.Context(), "u/", from) {
				must(t, err)
				got = append(got, name)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("from %q (-want +got):\n%s", from, diff)
			}
		}
	})
}

// Anybody who has a link can read the object, for a quarter of an hour. Only S3 has links.
func TestLink(t *testing.T) {
	t.Parallel()
	for name, start := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := start(t)
			put(t, o, "a/b c", "text")
			link, err := o.Link(t.Context(), "a/b c")
			must(t, err)
			if name != "S3" {
				if link != "" {
					t.Errorf("a link: %s", link)
				}
				return
			}
			address, err := url.Parse(link)
			must(t, err)
			if life := address.Query().Get("X-Amz-Expires"); life != "900" {
				t.Errorf("the link is good for %q seconds", life)
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
			must(t, err)
			answer, err := http.DefaultClient.Do(request)
			must(t, err)
			defer answer.Body.Close()
			if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "text" {
				t.Errorf("the link gives %q, %v", text, err)
			}
		})
	}
}

func TestAbortedLargeObjectLeavesNothing(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		put(t, o, "bystander", "text")
		w, err := o.Replace(t.Context(), "large")
		must(t, err)
		_, err = w.Write(make([]byte, 20<<20)) // on S3 some parts are being sent
		must(t, err)
		w.Abort()
		w.Abort()
		names, err := o.Names(t.Context(), "")
		if diff := cmp.Diff([]string{"bystander"}, names); diff != "" || err != nil {
			t.Errorf("names: %v\n%s", err, diff)
		}
	})
}

func TestAroundMayRefuseAChange(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, o *objects.Objects) {
		t.Helper()
		put(t, o, "u/1", "text")
		refused := errors.New("refused")
		guarded := o.Around(func(func() error) error { return refused })
		_, err := guarded.DeleteAll(t.Context(), "u/")
		for what, err := range map[string]error{
			"put": guarded.Put(t.Context(), "u/2", strings.NewReader("x")), "delete": guarded.Delete(t.Context(), "u/1"), "delete all": err,
		} {
			if !errors.Is(err, refused) {
				t.Errorf("%s: %v", what, err)
			}
		}
		names, err := o.Names(t.Context(), "")
		if diff := cmp.Diff([]string{"u/1"}, names); diff != "" || err != nil {
			t.Errorf("names: %v\n%s", err, diff)
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
