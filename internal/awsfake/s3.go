package awsfake

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// NewS3 returns a handler of the S3 API with these buckets, versioned and empty at first.
func NewS3(buckets ...string) (http.Handler, error) {
	backend := s3mem.New()
	for _, name := range buckets {
		if err := createVersioned(backend, name); err != nil {
			return nil, err
		}
	}
	return withoutChecksums(gofakes3.New(forgetful{backend}, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()), nil
}

func createVersioned(backend *s3mem.Backend, name string) error {
	if err := backend.CreateBucket(name); err != nil {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	enabled := gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}
	if err := backend.SetVersioningConfiguration(name, enabled); err != nil {
		return fmt.Errorf("turn on versions of bucket %s: %w", name, err)
	}
	return nil
}

// forgetful is a backend where an object that takes the place of another one does not inherit
// metadata of Reseed from it, as gofakes3 would have it.
type forgetful struct{ *s3mem.Backend }

// PutObject implements [gofakes3.Backend].
func (f forgetful) PutObject(bucket, key string, meta map[string]string, in io.Reader, size int64, conditions *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	for _, name := range []string{"Version", "Modified", "Key"} {
		if name = "X-Amz-Meta-Reseed-" + name; meta[name] == "" {
			meta[name] = ""
		}
	}
	return f.Backend.PutObject(bucket, key, meta, in, size, conditions)
}

// withoutChecksums drops the checksum headers of a request. gofakes3 would store them as metadata
// and return the checksum of the whole object with every range of it, which the SDK refuses.
func withoutChecksums(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Checksum-") {
				r.Header.Del(name)
			}
		}
		next.ServeHTTP(w, r)
	})
}
