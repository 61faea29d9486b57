// Package ses has the way for messages by e-mail through Amazon SES.
package ses

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"reseed/pkg/notify"
	"reseed/pkg/notify/mail"
)

// To returns the way through SES, whose version 2 it calls with the configuration of the SDK. SES gives a message a Message-ID of its
// own; the header X-Reseed-Message is the same in all copies. The SDK does not repeat a call by
// itself: the outbox counts each try.
func To(p mail.People) notify.Way {
	return func(ctx context.Context, m *notify.Message) error {
		p := p.For(m)
		to := make([]string, len(p.To))
		for i := range p.To {
			to[i] = p.To[i].String()
		}
		body, err := p.Compose(m)
		if err != nil {
			return err
		}
		c, err := awsconfig.LoadDefaultConfig(ctx)
		if err != nil {
			return &notify.UnsentError{Why: "The configuration of the AWS SDK is not usable."}
		}
		client := sesv2.NewFromConfig(c, func(o *sesv2.Options) { o.Retryer = aws.NopRetryer{} })
		_, err = client.SendEmail(ctx, &sesv2.SendEmailInput{
			FromEmailAddress: aws.String(p.From.String()), Destination: &types.Destination{ToAddresses: to},
			Content: &types.EmailContent{Raw: &types.RawMessage{Data: body}},
		})
		if err != nil {
			return why(err)
		}
		return nil
	}
}

// why says what went wrong. It leaves out the words of SES, which may hold addresses.
func why(err error) *notify.UnsentError {
	var known smithy.APIError
	var answered interface{ HTTPStatusCode() int }
	switch {
	case errors.As(err, &known) && known.ErrorCode() == "MessageRejected":
		return &notify.UnsentError{Why: "SES refused the message (MessageRejected): verify the addresses, or their domains, in SES, or ask AWS to move the account out of the sandbox."}
	case errors.As(err, &answered) && answered.HTTPStatusCode() == http.StatusForbidden:
		return &notify.UnsentError{Why: "SES does not let the function send (403): RESEED_MAIL_FROM must be the address that the template allows."}
	case errors.As(err, &known):
		return &notify.UnsentError{Why: "SES refused the message (" + known.ErrorCode() + ")."}
	}
	return &notify.UnsentError{Why: "SES could not be reached, or did not answer in time."}
}
