package objects

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"reseed/pkg/fault"
)

// An upload holds in memory the whole object if it fits into one PutObject, else three parts: two
// that are being sent and one that is being filled. Sizes are in bytes.
const (
	partSize    = 8 << 20
	singleLimit = 2 * partSize
	partsAtOnce = 2
)

// bucket is a bucket of S3.
type bucket struct {
	client  *s3.Client
	uploads *transfermanager.Client
	name    string
}

// abortTime is how long the removal of the parts of a broken upload may take. It does not stop with
// the context of the upload. Parts that it leaves are removed by the bucket's lifecycle rule.
const abortTime = 5 * time.Second

// S3 stores objects in a bucket. The bucket should have versions: without them, reads are pinned by
// ETag, which does not change if the content is replaced by the same content. S3 makes no call.
func S3(client *s3.Client, name string) *Objects {
	uploads := transfermanager.New(client, func(o *transfermanager.Options) {
		o.PartSizeBytes, o.MultipartUploadThreshold, o.Concurrency = partSize, singleLimit, partsAtOnce
		o.FailTimeout = abortTime
	})
	return Over(&bucket{client, uploads, name})
}

// isETag tells whether a version is an ETag, which is quoted, and not a version id.
func isETag(version string) bool { return strings.HasPrefix(version, `"`) }

// pin returns the parameters by which a request reads one version only: its id, or a condition on
// its ETag.
func pin(version string) (id, ifMatch *string) {
	switch {
	case version == "":
		return nil, nil
	case isETag(version):
		return nil, &version
	default:
		return &version, nil
	}
}

// isVersion tells whether an answer is for the requested version. Some stores with the API of S3
// ignore conditions.
func isVersion(asked string, id, etag *string) bool {
	return asked == "" || asked == aws.ToString(id) || asked == aws.ToString(etag)
}

// Begin implements [Bucket].
func (b *bucket) Begin(ctx context.Context, key string, create bool) (Pending, error) {
	in := &transfermanager.UploadObjectInput{Key: &key}
	if create {
		in.IfNoneMatch = aws.String("*")
	}
	return b.upload(ctx, in), nil
}

// Names of the metadata of an object that was brought from another store. S3 copies metadata with
// an object; the digest of the key tells such a copy from the object itself.
const (
	metaVersion  = "reseed-version"
	metaModified = "reseed-modified"
	metaKey      = "reseed-key"
)

func keyDigest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Bring implements [Bucket].
func (b *bucket) Bring(ctx context.Context, key string, was Info) (Pending, error) {
	return b.upload(ctx, &transfermanager.UploadObjectInput{Key: &key, Metadata: map[string]string{
		metaVersion: was.Version, metaModified: was.Modified.UTC().Format(time.RFC3339Nano), metaKey: keyDigest(key),
	}}), nil
}

func (b *bucket) upload(ctx context.Context, in *transfermanager.UploadObjectInput) *upload {
	r, w := io.Pipe()
	in.Bucket, in.ContentType, in.Body = &b.name, aws.String("application/octet-stream"), r
	ctx, cancel := context.WithCancel(ctx)
	u := &upload{pipe: w, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(u.done)
		_, u.err = b.uploads.UploadObject(ctx, in)
		_ = r.CloseWithError(u.err) // a Write that is blocked returns the error
	}()
	return u
}

// upload sends an object while it is being written: the transfer manager reads the other end of a
// pipe.
type upload struct {
	pipe   *io.PipeWriter
	cancel context.CancelFunc
	done   chan struct{} // closed once the upload has ended and err is set
	err    error
}

// Write implements [Pending].
func (u *upload) Write(p []byte) (int, error) {
	n, err := u.pipe.Write(p)
	if err != nil {
		err = failedS3(err, "write an object")
	}
	return n, err
}

// Commit implements [Pending].
func (u *upload) Commit() error {
	defer u.cancel()
	_ = u.pipe.Close() // it never returns an error
	<-u.done
	return failedS3(u.err, "complete an object")
}

// Abort implements [Pending].
func (u *upload) Abort() {
	u.cancel()
	_ = u.pipe.CloseWithError(context.Canceled) // it never returns an error
	<-u.done
}

// Open implements [Bucket].
func (b *bucket) Open(ctx context.Context, key, version string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.open(ctx, key, version, offset, length)
	if err != nil && version != "" {
		if own := b.broughtAs(ctx, key, version); own != "" {
			return b.open(ctx, key, own, offset, length)
		}
	}
	return r, err
}

func (b *bucket) open(ctx context.Context, key, version string, offset, length int64) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &b.name, Key: &key}
	in.VersionId, in.IfMatch = pin(version)
	switch {
	case length >= 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	case offset > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	out, err := b.client.GetObject(ctx, in)
	if err != nil && statusOf(err) == http.StatusPreconditionFailed { // another ETag
		return nil, gone()
	}
	if err != nil {
		return nil, failedS3(err, "open an object")
	}
	if !isVersion(version, out.VersionId, out.ETag) {
		_ = out.Body.Close()
		return nil, gone()
	}
	return &reader{out.Body, out.Body, failedS3}, nil
}

// Stat implements [Bucket].
func (b *bucket) Stat(ctx context.Context, key, version string) (Info, error) {
	_, info, err := b.stat(ctx, key, version)
	if err != nil && version != "" {
		if own := b.broughtAs(ctx, key, version); own != "" {
			_, info, err = b.stat(ctx, key, own)
		}
	}
	return info, err
}

// broughtAs returns the version, in this bucket, of an object that had the given version in the
// store that it was brought from; "" if the newest version of the object is another one.
func (b *bucket) broughtAs(ctx context.Context, key, version string) string {
	own, info, err := b.stat(ctx, key, "")
	if err != nil || !info.Brought || info.Version != version {
		return ""
	}
	return own
}

// stat describes an object, and returns its version in this bucket, too.
func (b *bucket) stat(ctx context.Context, key, version string) (own string, info Info, err error) {
	in := &s3.HeadObjectInput{Bucket: &b.name, Key: &key}
	in.VersionId, in.IfMatch = pin(version)
	out, err := b.client.HeadObject(ctx, in)
	if err != nil {
		return "", Info{}, failedHead(err)
	}
	if !isVersion(version, out.VersionId, out.ETag) {
		return "", Info{}, gone()
	}
	own = cmp.Or(aws.ToString(out.VersionId), aws.ToString(out.ETag))
	info = Info{Key: key, Size: aws.ToInt64(out.ContentLength), Version: own, Modified: aws.ToTime(out.LastModified)}
	if at, err := time.Parse(time.RFC3339Nano, out.Metadata[metaModified]); err == nil && out.Metadata[metaKey] == keyDigest(key) {
		info.Version, info.Modified, info.Brought = out.Metadata[metaVersion], at, true
	}
	return own, info, nil
}

// failedHead translates an error of a HEAD request. Its answer has no body, so only the status
// counts: 404, 405 for a delete marker, 412 for another ETag.
func failedHead(err error) error {
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusPreconditionFailed:
		if explained(err) == nil {
			return gone()
		}
	}
	return failedS3(err, "look at an object")
}

// pages yields the pages of a listing, up to the first error.
func (b *bucket) pages(ctx context.Context, in *s3.ListObjectsV2Input, doing string) iter.Seq2[*s3.ListObjectsV2Output, error] {
	in.Bucket = &b.name
	return func(yield func(*s3.ListObjectsV2Output, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(nil, failedS3(err, doing))
				return
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// List implements [Bucket].
func (b *bucket) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for page, err := range b.pages(ctx, &s3.ListObjectsV2Input{Prefix: &prefix}, "list objects") {
			if err != nil {
				yield(Info{}, err)
				return
			}
			for _, o := range page.Contents {
				if !yield(Info{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
		}
	}
}

// Folders implements [Bucket].
func (b *bucket) Folders(ctx context.Context, prefix, from string) iter.Seq2[string, error] {
	in := &s3.ListObjectsV2Input{Prefix: &prefix, Delimiter: aws.String("/")}
	if from != "" {
		in.StartAfter = aws.String(prefix + from)
	}
	return func(yield func(string, error) bool) {
		for page, err := range b.pages(ctx, in, "list folders of objects") {
			if err != nil {
				yield("", err)
				return
			}
			for _, folder := range page.CommonPrefixes {
				if !yield(aws.ToString(folder.Prefix), nil) {
					return
				}
			}
		}
	}
}

// Link implements [Bucket].
func (b *bucket) Link(ctx context.Context, key string) (string, error) {
	signer := s3.NewPresignClient(b.client, s3.WithPresignExpires(linkLife))
	request, err := signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return "", failedS3(err, "make a link to an object")
	}
	return request.URL, nil
}

// Form implements [Bucket].
func (b *bucket) Form(ctx context.Context, key string, size int64) (Form, error) {
	request, err := s3.NewPresignClient(b.client).PresignPostObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key}, func(o *s3.PresignPostOptions) {
		o.Expires = FormLife
		o.Conditions = []any{[]any{"content-length-range", size, size}}
	})
	if err != nil {
		return Form{}, failedS3(err, "make a form for an object")
	}
	return Form{URL: request.URL, Fields: request.Values}, nil
}

// Delete implements [Bucket].
func (b *bucket) Delete(ctx context.Context, key string) error {
	_, err := b.deleteVersions(ctx, key, func(k string) bool { return k == key })
	return err
}

// DeleteAll implements [Bucket].
func (b *bucket) DeleteAll(ctx context.Context, prefix string) (int64, error) {
	return b.deleteVersions(ctx, prefix, func(string) bool { return true })
}

// deleteVersions deletes all versions of the objects whose key begins with prefix and is wanted. It
// returns how many keys it found.
func (b *bucket) deleteVersions(ctx context.Context, prefix string, wanted func(key string) bool) (int64, error) {
	keys := map[string]bool{}
	pages := s3.NewListObjectVersionsPaginator(b.client, &s3.ListObjectVersionsInput{
		Bucket: &b.name, Prefix: &prefix,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return int64(len(keys)), failedS3(err, "list the versions of objects")
		}
		batch := identifiers(page, wanted)
		if err := b.deleteBatch(ctx, batch); err != nil {
			return int64(len(keys)), err
		}
		for _, id := range batch {
			keys[*id.Key] = true
		}
	}
	return int64(len(keys)), nil
}

// identifiers lists the wanted versions and delete markers of a page, at most 1,000.
func identifiers(page *s3.ListObjectVersionsOutput, wanted func(key string) bool) []types.ObjectIdentifier {
	ids := make([]types.ObjectIdentifier, 0, len(page.Versions)+len(page.DeleteMarkers))
	for _, v := range page.Versions {
		ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, m := range page.DeleteMarkers {
		ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	return slices.DeleteFunc(ids, func(id types.ObjectIdentifier) bool { return !wanted(aws.ToString(id.Key)) })
}

func (b *bucket) deleteBatch(ctx context.Context, ids []types.ObjectIdentifier) error {
	if len(ids) == 0 {
		return nil
	}
	out, err := b.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &b.name, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return failedS3(err, "delete versions of objects")
	}
	if len(out.Errors) > 0 { // the message of S3 names the key (I8)
		return fault.Newf(fault.Unavailable, "object_store",
			"%d versions of objects could not be deleted: %s", len(out.Errors), aws.ToString(out.Errors[0].Code))
	}
	return nil
}

// explained returns the explanation that package cloud has added to an error of the client; nil if
// there is none.
func explained(err error) error {
	if known, ok := errors.AsType[*fault.Error](err); ok && strings.HasPrefix(known.Code, "aws_") {
		return known
	}
	return nil
}

// statusOf returns the HTTP status of an error, or 0.
func statusOf(err error) int {
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

// failedS3 translates an error of the client. It keeps only the code of an answer of S3, since the
// text may name the object (I8). It returns nil for a nil err.
func failedS3(err error, doing string) error {
	if known := explained(err); known != nil {
		return known
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return unavailable(err, doing)
	}
	cause := errors.New(api.ErrorCode())
	switch api.ErrorCode() {
	case "NoSuchKey", "NoSuchVersion", "NotFound", "ObjectNotInActiveTierError":
		return gone()
	case "NoSuchBucket":
		return fault.Wrap(cause, fault.Internal, "object_bucket", "there is no bucket for objects")
	case "PreconditionFailed":
		return exists()
	case "ConditionalRequestConflict": // another request is creating it
		return fault.Wrap(cause, fault.Conflict, "object_exists", "another request is writing this object")
	case "AccessDenied", "Forbidden":
		return fault.Wrap(cause, fault.Internal, "object_access", "no access to the object store: "+doing)
	default:
		return unavailable(cause, doing)
	}
}
