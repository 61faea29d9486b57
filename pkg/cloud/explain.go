package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"reseed/pkg/fault"
)

// resource is what a client works on, described in the words of its settings.
type resource struct {
	what    string // table, bucket or queue
	name    string
	setting string // the variable that holds the name
	service string // the last part of AWS_ENDPOINT_URL_…
}

// explain makes errors that a wrong setting causes say which resource is meant and what to do.
// Other errors stay as they are. The explained ones are fault.Unavailable: once the setting is
// corrected, work under way goes on.
func (r resource) explain(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Explain", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, about, err := next.HandleInitialize(ctx, in)
		if err != nil && ctx.Err() == nil {
			if known := r.explained(err, awsmiddleware.GetOperationName(ctx), awsmiddleware.GetRegion(ctx)); known != nil {
				err = known
			}
		}
		return out, about, err
	}), middleware.After) // after those that put the names of service and operation into ctx
}

// explained returns an error that tells people what to do; nil if it does not know what they could
// do about err. It quotes nothing of an answer but the code.
func (r resource) explained(err error, operation, region string) error {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return r.answered(api.ErrorCode(), operation, region)
	}
	var call *net.OpError
	var name *net.DNSError
	switch text := err.Error(); {
	case errors.As(err, &name):
		return fault.Newf(fault.Unavailable, "aws_unreachable", "%s cannot be reached: there is no host %s; check AWS_REGION, AWS_ENDPOINT_URL_%s and the network", r, name.Name, r.service)
	case errors.As(err, &call) && call.Op == "dial" && call.Addr != nil:
		return fault.Newf(fault.Unavailable, "aws_unreachable", "%s cannot be reached at %s; check AWS_ENDPOINT_URL_%s and the network", r, call.Addr, r.service)
	case strings.Contains(text, "get identity"), strings.Contains(text, "get credentials"), strings.Contains(text, "retrieve credentials"):
		return fault.Newf(fault.Unavailable, "aws_credentials", "there are no AWS credentials for %s: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in", r)
	}
	return nil
}

func (r resource) answered(code, operation, region string) error {
	in := ""
	if region != "" {
		in = " in " + region
	}
	switch code {
	case "ResourceNotFoundException", "NoSuchBucket", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue":
		return fault.Newf(fault.Unavailable, "aws_missing", "there is no %s%s: check %s and AWS_REGION, or make it", r, in, r.setting)
	case "AccessDeniedException", "AccessDenied", "AllAccessDisabled", "Forbidden":
		return fault.Newf(fault.Unavailable, "aws_denied", "no permission for %s on %s%s: the user or role needs a policy that allows it", operation, r, in)
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return fault.Newf(fault.Unavailable, "aws_credentials", "the AWS credentials for %s have expired (%s): sign in again", r, code)
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "InvalidSignatureException",
		"IncompleteSignature", "MissingAuthenticationToken":
		return fault.Newf(fault.Unavailable, "aws_credentials", "AWS does not accept the credentials for %s (%s): check AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", r, code)
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "MovedPermanently":
		return fault.Newf(fault.Unavailable, "aws_region", "%s is in another region than%s: set AWS_REGION to its own", r, strings.TrimPrefix(in, " in"))
	}
	return nil
}

// String names the resource, e.g. table "reseed".
func (r resource) String() string { return fmt.Sprintf("%s %q", r.what, r.name) }
