package objects_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"reseed/internal/awsfake"
	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

// over makes a bucket of S3 that a handler serves.
func over(t *testing.T, h http.HandlerFunc) *objects.Objects {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return objects.S3(s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}), "files")
}

// Conditions are sent with the request, so that S3 checks them: two processes have no other way to
// agree.
func TestConditionsGoWithTheRequest(t *testing.T) {
	t.Parallel()
	fake, err := awsfake.NewS3("files")
	must(t, err)
	var (
		mu   sync.Mutex
		seen []string
	)
	o := over(t, func(w http.ResponseWriter, r *http.Request) {
		q, h := r.URL.Query(), r.Header
		mu.Lock()
		seen = append(seen, strings.TrimSpace(fmt.Sprintf("%s none-match=%s match=%s version=%t range=%s after=%s", r.Method, h.Get("If-None-Match"), h.Get("If-Match"), q.Has("versionId"),
			h.Get("Range"), q.Get("start-after"))))
		mu.Unlock()
		fake.ServeHTTP(w, r)
	})
	ctx := t.Context()
	must(t, create(ctx, o, "k", "0123456789"))
	put(t, o, "k", "0123456789")
	info, err := o.Stat(ctx, "k")
	must(t, err)
	_, err = read(ctx, o, "k", info.Version, 2, 3)
	must(t, err)
	_, err = read(ctx, o, "k", `"781e5e245d69b566979b86e28d23f2c7"`, 2, -1)
	must(t, err)
	for _, err := range o.FoldersFrom(ctx, "u/", "01") {
		must(t, err)
	}
	want := []string{
		"PUT none-match=* match= version=false range= after=",
		"PUT none-match= match= version=false range= after=",
		"HEAD none-match= match= version=false range= after=",
		"GET none-match= match= version=true range=bytes=2-4 after=",
		`GET none-match= match="781e5e245d69b566979b86e28d23f2c7" version=false range=bytes=2- after=`,
		"GET none-match= match= version=false range= after=u/01",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// There are more versions than one request of S3 can delete, and S3 refuses to delete one of them.
func TestDeletesInBatches(t *testing.T) {
	t.Parallel()
	fake, err := awsfake.NewS3("files")
	must(t, err)
	refuse := false
	o := over(t, func(w http.ResponseWriter, r *http.Request) {
		if refuse && r.Method == http.MethodPost {
			fmt.Fprint(w, `<DeleteResult><Error><Key>u/acme/secret</Key><Code>InternalError</Code><Message>u/acme/secret is held</Message></Error></DeleteResult>`)
			return
		}
		fake.ServeHTTP(w, r)
	})
	for i := range 1100 {
		put(t, o, fmt.Sprintf("u/acme/secret-%d", i%1050), "x")
	}
	put(t, o, "u/acme2", "x")
	refuse = true
	_, err = o.DeleteAll(t.Context(), "u/acme/")
	wantFault(t, err, fault.Unavailable, "object_store")
	if strings.Contains(fmt.Sprint(err), "secret") || !strings.Contains(fmt.Sprint(err), "InternalError") {
		t.Errorf("the error: %v", err)
	}
	refuse = false
	if n, err := o.DeleteAll(t.Context(), "u/acme/"); n != 1050 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	if names, err := o.Names(t.Context(), ""); !slices.Equal(names, []string{"u/acme2"}) || err != nil {
		t.Errorf("left: %q, %v", names, err)
	}
}

// calls makes every call of a store with a key, and returns their errors.
func calls(ctx context.Context, o *objects.Objects, key string) map[string]error {
	_, open := read(ctx, o, key, "", 0, -1)
	_, stat := o.Stat(ctx, key)
	_, names := o.Names(ctx, key)
	_, all := o.DeleteAll(ctx, key+"/")
	var folders error
	for _, err := range o.Folders(ctx, key+"/") {
		folders = err
	}
	return map[string]error{
		"open": open, "stat": stat, "names": names, "folders": folders, "delete all": all, "delete": o.Delete(ctx, key), "create": create(ctx, o, key, "x"),
		"put": o.Put(ctx, key, strings.NewReader("x")), "large": o.Put(ctx, key, strings.NewReader(strings.Repeat("x", 20<<20))),
	}
}

func TestErrorsOfS3(t *testing.T) {
	t.Parallel()
	type want struct {
		status int
		kind   fault.Kind
		code   string
		unlike map[string]string // codes of single calls
	}
	// an answer to HEAD has no body, and so no code
	gone, bucket := objects.CodeGone, map[string]string{"stat": objects.CodeGone}
	for code, want := range map[string]want{
		"NoSuchBucket":               {404, fault.Internal, "object_bucket", bucket},
		"AccessDenied":               {403, fault.Internal, "object_access", nil},
		"SlowDown":                   {503, fault.Unavailable, "object_store", nil},
		"InvalidArgument":            {400, fault.Unavailable, "object_store", nil},
		"NoSuchKey":                  {404, fault.NotFound, gone, nil},
		"NoSuchVersion":              {404, fault.NotFound, gone, nil},
		"PreconditionFailed":         {412, fault.Conflict, "object_exists", map[string]string{"open": gone, "stat": gone}},
		"ConditionalRequestConflict": {409, fault.Conflict, "object_exists", map[string]string{"stat": "object_store"}},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			o := over(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.WriteHeader(want.status)
				if r.Method != http.MethodHead {
					fmt.Fprintf(w, `<Error><Code>%s</Code><Message>about secret</Message><Resource>/files/secret</Resource></Error>`, code)
				}
			})
			for what, err := range calls(t.Context(), o, "secret") {
				kind, code := want.kind, want.code
				switch want.unlike[what] {
				case gone:
					kind, code = fault.NotFound, gone
				case "object_store":
					kind, code = fault.Unavailable, "object_store"
				}
				if err == nil || fault.KindOf(err) != kind || fault.CodeOf(err) != code || strings.Contains(err.Error(), "secret") {
					t.Errorf("%s: %v (%v, %q), want %v, %q", what, err, fault.KindOf(err), fault.CodeOf(err), kind, code)
				}
			}
		})
	}
}

// The error of a broken connection contains the requested address, and so the key.
func TestErrorsOfTheConnectionNameNoKey(t *testing.T) {
	t.Parallel()
	o := over(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for what, err := range calls(t.Context(), o, "secret") {
		if fault.KindOf(err) != fault.Unavailable || fault.CodeOf(err) != "object_store" || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range calls(ctx, o, "secret") {
		if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("cancelled: %s: %v", what, err)
		}
	}
}

// If a read ends before the length of the object, that is an error, not a short object.
func TestReadThatBreaksOff(t *testing.T) {
	t.Parallel()
	o := over(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		fmt.Fprint(w, "half")
	})
	text, err := read(t.Context(), o, "k", "", 0, -1)
	wantFault(t, err, fault.Unavailable, "object_store")
	if text != "half" {
		t.Errorf("read %q", text)
	}
}

// Some stores with the API of S3 ignore conditions: an answer for another version is refused.
func TestAnswerForAnotherVersion(t *testing.T) {
	t.Parallel()
	o := over(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"another"`)
		w.Header().Set("X-Amz-Version-Id", "another")
	})
	for _, version := range []string{"one", `"one"`} {
		_, err := read(t.Context(), o, "k", version, 0, -1)
		wantFault(t, err, fault.NotFound, objects.CodeGone)
		_, err = o.StatVersion(t.Context(), "k", version)
		wantFault(t, err, fault.NotFound, objects.CodeGone)
	}
	for _, version := range []string{"", "another", `"another"`} {
		if _, err := read(t.Context(), o, "k", version, 0, -1); err != nil {
			t.Error(err)
		}
	}
}

// In a bucket without versions, reads are pinned by ETag.
func TestBucketWithoutVersions(t *testing.T) {
	t.Parallel()
	o := over(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		if match := r.Header.Get("If-Match"); match != "" && match != `"one"` {
			w.WriteHeader(http.StatusPreconditionFailed)
		}
	})
	info, err := o.Stat(t.Context(), "k")
	if err != nil || info.Version != `"one"` {
		t.Errorf("Stat: %+v, %v", info, err)
	}
	wantText(t, o, "k", `"one"`, "")
	_, err = read(t.Context(), o, "k", `"two"`, 0, -1)
	wantFault(t, err, fault.NotFound, objects.CodeGone)
	_, err = o.StatVersion(t.Context(), "k", `"two"`)
	wantFault(t, err, fault.NotFound, objects.CodeGone)
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
	o := objects.S3(client, "elsewhere")
	_, err := read(t.Context(), o, "k", "", 0, -1)
	wantFault(t, err, fault.Internal, "object_bucket")
}

// An aborted upload leaves no parts in the bucket, even if its context has ended.
func TestAbortedUploadLeavesNoParts(t *testing.T) {
	t.Parallel()
	var removed atomic.Bool
	o := over(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.Method == http.MethodPost && r.URL.Query().Has("uploads"):
			_, _ = io.WriteString(w, `<InitiateMultipartUploadResult><UploadId>7</UploadId></InitiateMultipartUploadResult>`)
		case r.Method == http.MethodPut:
			w.Header().Set("ETag", `"e"`)
		case r.Method == http.MethodDelete && r.URL.Query().Get("uploadId") == "7":
			removed.Store(true)
			w.WriteHeader(http.StatusNoContent)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	w, err := o.Create(ctx, "runs/a")
	must(t, err)
	part := make([]byte, 1<<20)
	for range 64 {
		_, err := w.Write(part)
		must(t, err)
	}
	cancel()
	w.Abort()
	if !removed.Load() {
		t.Error("the parts stay in the bucket")
	}
}

// The form of an object says which object it stores, how large it is, and for how long it is valid.
func TestFormsOfS3(t *testing.T) {
	t.Parallel()
	s3Client := s3.New(s3.Options{Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "token")})
	form, err := objects.S3(s3Client, "files").Form(t.Context(), "uploads/x/y/input", 4711)
	if err != nil {
		t.Fatal(err)
	}
	if form.URL != "https://files.s3.eu-central-1.amazonaws.com" || form.Fields["key"] != "uploads/x/y/input" || form.Fields["X-Amz-Security-Token"] != "token" {
		t.Errorf("form %+v", form)
	}
	text, err := base64.StdEncoding.DecodeString(form.Fields["policy"])
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Expiration time.Time `json:"expiration"`
		Conditions []any     `json:"conditions"`
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"[content-length-range 4711 4711]", "map[key:uploads/x/y/input]", "map[bucket:files]"} {
		if !slices.ContainsFunc(policy.Conditions, func(c any) bool { return fmt.Sprint(c) == want }) {
			t.Errorf("there is no condition %s in %s", want, text)
		}
	}
	if left := time.Until(policy.Expiration); left > objects.FormLife {
		t.Errorf("it is valid for %s", left)
	}
	if _, err := objects.S3(s3Client, "files").Form(t.Context(), "uploads/../x", 1); !fault.Is(err, fault.Invalid) {
		t.Errorf("a form for a key that no object can have: %v", err)
	}
	folder, err := objects.Dir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]*objects.Objects{"memory": objects.Mem(), "folder": folder} {
		if form, err := o.Form(t.Context(), "uploads/x/y/input", 1); err != nil || form.URL != "" {
			t.Errorf("%s: %+v %v", name, form, err)
		}
	}
}
