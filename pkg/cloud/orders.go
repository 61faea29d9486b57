package cloud

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"

	"reseed/pkg/app"
	"reseed/pkg/fault"
	"reseed/pkg/puller"
	"reseed/pkg/source/system"
)

// Orders returns a function that has orders carried out by the function with that name, and waits for what becomes of them.
// Lambda keeps no copy of an event that somebody waits for. Opening makes no call.
func Orders(function string) func(context.Context, puller.Order) (system.Account, error) {
	return func(ctx context.Context, o puller.Order) (system.Account, error) {
		out, err := invoke(ctx, function, o)
		if err != nil {
			return system.Account{}, err
		}
		return out.Result()
	}
}

func invoke(ctx context.Context, function string, o puller.Order) (puller.Outcome, error) {
	if function == "" {
		return puller.Outcome{}, fault.New(fault.Unavailable, "pull_function", "The API does not know the function that may see credentials: RESEED_PULL_FUNCTION names it.")
	}
	c, err := Open(ctx)
	if err != nil {
		return puller.Outcome{}, err
	}
	event, err := json.Marshal(app.PullInvocation{Order: &o})
	if err != nil {
		return puller.Outcome{}, fault.New(fault.Internal, "order", "an order cannot be encoded")
	}
	out, err := lambda.NewFromConfig(c.aws).Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: event})
	if err != nil {
		return puller.Outcome{}, invokeTrouble(err)
	}
	var answer app.Begun
	if out.FunctionError != nil || json.Unmarshal(out.Payload, &answer) != nil || answer.Outcome == nil { // its log says why
		return puller.Outcome{}, fault.New(fault.Unavailable, "pull_function", "The function that reads billing systems has failed. Try again; its log says why.")
	}
	return *answer.Outcome, nil
}

// invokeTrouble says why a function could not be called: with the code of the service alone, since the event holds secrets.
func invokeTrouble(err error) error {
	why := ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		why = " (" + api.ErrorCode() + ")"
	}
	return fault.New(fault.Unavailable, "pull_function", "The function that reads billing systems cannot be called"+why+". Try again; if it stays so, look at the permissions of the API.")
}
