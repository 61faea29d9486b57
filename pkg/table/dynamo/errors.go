package dynamo

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"reseed/pkg/fault"
)

// failure makes a fault of an error of the SDK, and wraps it for the log. The service's messages
// may quote keys, which hold no personal data, but no values.
func failure(err error) error {
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[*fault.Error](err); ok {
		return own // from reading the answer
	}
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return transaction(cancelled, err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "store_cancelled", "the call was cancelled")
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return answered(api, err)
	}
	var timeout net.Error
	if errors.As(err, &timeout) || unreachable(err) {
		return fault.Wrap(err, fault.Unavailable, "store_unavailable", "the table cannot be reached")
	}
	return fault.Wrap(err, fault.Internal, "store_engine", "the table refused the call")
}

// unreachable reports whether the request got no answer, or only an HTTP status of 500 or more.
func unreachable(err error) bool {
	var send *smithyhttp.RequestSendError
	var response *awshttp.ResponseError
	return errors.As(err, &send) || errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusInternalServerError
}

func answered(api smithy.APIError, err error) error {
	switch api.ErrorCode() {
	case "ConditionalCheckFailedException":
		return conflict(err)
	case "ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded",
		"TransactionConflictException", "TransactionInProgressException", "LimitExceededException":
		return fault.Wrap(err, fault.Busy, "store_busy", "the table is throttling")
	case "InternalServerError", "InternalServerErrorException", "ServiceUnavailable", "ServiceUnavailableException",
		"InternalFailure":
		return fault.Wrap(err, fault.Unavailable, "store_unavailable", "the table failed for the moment")
	}
	if unreachable(err) {
		return fault.Wrap(err, fault.Unavailable, "store_unavailable", "the table failed for the moment")
	}
	return fault.Wrap(err, fault.Internal, "store_engine", "the table refused the call")
}

// transaction makes a fault of the reasons for which writes were refused. If a condition failed it
// is Conflict, whatever the other reasons: another try would fail too.
func transaction(c *types.TransactionCanceledException, err error) error {
	busy := false
	for _, r := range c.CancellationReasons {
		switch aws.ToString(r.Code) {
		case "ConditionalCheckFailed":
			return conflict(err)
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			busy = true
		}
	}
	if busy {
		return fault.Wrap(err, fault.Busy, "store_busy", "the table is throttling")
	}
	return fault.Wrap(err, fault.Internal, "store_engine", "the table refused the transaction")
}

func conflict(err error) error {
	return fault.Wrap(err, fault.Conflict, "store_condition", "the stored item is not as expected")
}
