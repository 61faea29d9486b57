package objects

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"reseed/pkg/fault"
)

// S3 keeps objects in a bucket, which should have versions: else reads are pinned by
// ETag, which tells equal contents from none.
func S3(ctx context.Context, client *s3.Client, bucket string) (*Objects, error) {
	b, err := s3blob.OpenBucket(ctx, client, bucket, nil)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "object_bucket", "open the bucket for objects")
	}
	return &Objects{bucket: b, s3: &versions{client, bucket}}, nil
}

// versions is what the blob package does not know about a bucket.
type versions struct {
	client *s3.Client
	bucket string
}

// isETag tells an ETag, which is quoted, from a version id.
func isETag(version string) bool { return strings.HasPrefix(version, `"`) }

// pin makes a read answer for one version only.
func pin(version string) func(as func(any) bool) error {
	if version == "" {
		return nil
	}
	return func(as func(any) bool) error {
		var (
			in   *s3.GetObjectInput
			file *os.File
		)
		switch {
		case as(&in) && isETag(version):
			in.IfMatch = aws.String(version)
		case in != nil:
			in.VersionId = aws.String(version)
		case as(&file): // the opened file itself: what its name leads to may change any time
			st, err := file.Stat()
			if err != nil {
				return err
			}
			if etag(st.ModTime(), st.Size()) != version {
				return os.ErrNotExist
			}
		}
		return nil
	}
}

// isVersion tells whether that is what was opened: not every store with the API of S3
// heeds all conditions.
func isVersion(r *blob.Reader, version string) bool {
	var got s3.GetObjectOutput
	if r.As(&got) {
		return version == aws.ToString(got.VersionId) || version == aws.ToString(got.ETag)
	}
	return version == etag(r.ModTime(), r.Size())
}

// head describes the version of an object, or the newest for "".
func (v *versions) head(ctx context.Context, key, version string) (Info, error) {
	in := &s3.HeadObjectInput{Bucket: aws.String(v.bucket), Key: aws.String(key)}
	switch {
	case isETag(version):
		in.IfMatch = aws.String(version)
	case version != "":
		in.VersionId = aws.String(version)
	}
	out, err := v.client.HeadObject(ctx, in)
	if err != nil {
		return Info{}, headError(err)
	}
	if version != "" && version != aws.ToString(out.VersionId) && version != aws.ToString(out.ETag) {
		return Info{}, gone()
	}
	info := Info{Key: key, Size: aws.ToInt64(out.ContentLength), Version: aws.ToString(out.VersionId), Modified: aws.ToTime(out.LastModified)}
	if info.Version == "" {
		info.Version = aws.ToString(out.ETag)
	}
	return info, nil
}

// headError knows that an answer without a body has only its status: 404, 405 for a
// delete marker, 412 for another ETag.
func headError(err error) error {
	if known := explained(err); known != nil {
		return known
	}
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) {
		switch answer.HTTPStatusCode() {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusPreconditionFailed:
			return gone()
		}
	}
	return unsorted(err, "look at an object")
}

// deleteAll deletes every version of every object whose key begins with prefix and is
// wanted, and tells how many keys it found.
func (v *versions) deleteAll(ctx context.Context, prefix string, wanted func(key string) bool) (int64, error) {
	keys := map[string]bool{}
	pages := s3.NewListObjectVersionsPaginator(v.client, &s3.ListObjectVersionsInput{
		Bucket: aws.String(v.bucket), Prefix: aws.String(prefix),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return int64(len(keys)), unsorted(err, "list the versions of objects")
		}
		batch := identifiers(page, wanted)
		if err := v.deleteBatch(ctx, batch); err != nil {
			return int64(len(keys)), err
		}
		for _, id := range batch {
			keys[*id.Key] = true
		}
	}
	return int64(len(keys)), nil
}

// identifiers names the wanted versions and delete markers of a page, at most 1,000.
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

func (v *versions) deleteBatch(ctx context.Context, ids []types.ObjectIdentifier) error {
	if len(ids) == 0 {
		return nil
	}
	out, err := v.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: aws.String(v.bucket), Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return unsorted(err, "delete versions of objects")
	}
	if len(out.Errors) > 0 { // its message names the key (I8)
		return fault.Newf(fault.Unavailable, "object_store",
			"%d versions of objects could not be deleted: %s", len(out.Errors), aws.ToString(out.Errors[0].Code))
	}
	return nil
}

// explained is what the client of the bucket has said for people (see package cloud); nil if it has not.
func explained(err error) error {
	if known, ok := errors.AsType[*fault.Error](err); ok && strings.HasPrefix(known.Code, "aws_") {
		return known
	}
	return nil
}

// unsorted is an error that the bucket has no better word for. Of an answer of S3
// only its code is kept: its text may name the object (I8).
func unsorted(err error, doing string) error {
	if known := explained(err); known != nil {
		return known
	}
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return fault.Wrap(err, fault.Unavailable, "object_store", doing)
	}
	cause := errors.New(api.ErrorCode())
	switch api.ErrorCode() {
	case "NoSuchVersion": // of a read
		return gone()
	case "NoSuchBucket":
		return fault.Wrap(cause, fault.Internal, "object_bucket", "there is no bucket for objects")
	case "ConditionalRequestConflict": // somebody else is creating it
		return fault.Wrap(cause, fault.Conflict, "object_exists", "somebody else is writing this object")
	default:
		return fault.Wrap(cause, fault.Unavailable, "object_store", doing)
	}
}

// readError sorts what a read ends with; io.EOF stays what it is.
func readError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return failed(err, "read an object")
}
