package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// bucket is an object store behind signed links. Each link is good for one request, gives at most so
// many bytes, and then breaks the connection.
type bucket struct {
	file    []byte
	most    int  // bytes a link gives; 0 is no limit
	ranges  bool // it knows ranges
	expired int  // so many links have expired before they are used
	wrong   bool // it gives another range than it was asked for

	links, used int
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		w.WriteHeader(http.StatusBadRequest) // the key must not leave the API
		return
	}
	if b.used++; b.used <= b.expired || r.URL.Query().Get("signature") != fmt.Sprint(b.links) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
		return
	}
	from := 0
	if asked := r.Header.Get("Range"); asked != "" && b.ranges {
		_, _ = fmt.Sscanf(asked, "bytes=%d-", &from)
		if b.wrong {
			from = 0
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(b.file)-1, len(b.file)))
		w.Header().Set("Content-Length", fmt.Sprint(len(b.file)-from))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", fmt.Sprint(len(b.file)))
	}
	body := b.file[from:]
	if b.most > 0 && len(body) > b.most {
		body = body[:b.most] // fewer than promised: the connection breaks
	}
	_, _ = w.Write(body)
}

// fetched fetches a file through an API that links to the bucket. The two are different hosts.
func (b *bucket) fetched(t *testing.T, to io.Writer) error {
	t.Helper()
	files := httptest.NewServer(b)
	t.Cleanup(files.Close)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.links++
		http.Redirect(w, r, strings.Replace(files.URL, "127.0.0.1", "localhost", 1)+fmt.Sprintf("/file?signature=%d", b.links), http.StatusSeeOther)
	}))
	t.Cleanup(api.Close)
	j := &wire.Job{ID: "1", Export: &wire.ExportJob{Size: int64(len(b.file))}}
	return fetchAll(t.Context(), client.New(api.URL, "key", api.Client()), j, to)
}

// A download whose link expires takes a new one, and goes on behind the last byte.
func TestLinksThatExpire(t *testing.T) {
	t.Parallel()
	file := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	for name, b := range map[string]*bucket{
		"whole":                  {ranges: true},
		"in pieces":              {ranges: true, most: 9999},
		"expired twice at first": {ranges: true, expired: 2},
		"no ranges":              {most: len(file)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b.file = file
			var got bytes.Buffer
			if err := b.fetched(t, &got); err != nil || !bytes.Equal(got.Bytes(), file) {
				t.Fatalf("%d bytes, %v", got.Len(), err)
			}
			if want := 1 + b.expired; b.most == 9999 && b.links != 7 || b.most != 9999 && b.links != want {
				t.Errorf("%d links", b.links)
			}
		})
	}
}

// A download that cannot succeed ends, and says why.
func TestDownloadsThatFail(t *testing.T) {
	t.Parallel()
	file := bytes.Repeat([]byte("x"), 64<<10)
	t.Run("never a valid link", func(t *testing.T) {
		t.Parallel()
		b := &bucket{file: file, expired: 1000}
		if err := b.fetched(t, io.Discard); err == nil || b.links != mostIdle+1 {
			t.Errorf("%v after %d links", err, b.links)
		}
	})
	t.Run("another range", func(t *testing.T) {
		t.Parallel()
		b := &bucket{file: file, ranges: true, most: 1000, wrong: true}
		if err := b.fetched(t, io.Discard); err == nil || !strings.Contains(err.Error(), "another part of the file") {
			t.Error(err)
		}
	})
	t.Run("disk full", func(t *testing.T) {
		t.Parallel()
		b := &bucket{file: file, ranges: true}
		if err := b.fetched(t, fullDisk{}); !errors.Is(err, errFull) || b.links != 1 {
			t.Errorf("%v after %d links", err, b.links)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		t.Parallel()
		asked := 0
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"The file of this export is deleted."}`)
		}))
		t.Cleanup(api.Close)
		err := fetchAll(t.Context(), client.New(api.URL, "key", api.Client()), &wire.Job{ID: "1", Export: &wire.ExportJob{Size: 9}}, io.Discard)
		if err == nil || err.Error() != "The file of this export is deleted." || asked != 1 {
			t.Errorf("%v after %d requests", err, asked)
		}
	})
}

var errFull = errors.New("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
