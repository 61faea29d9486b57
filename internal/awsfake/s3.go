package awsfake

import (
	"fmt"
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
	return withoutChecksums(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()), nil
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
