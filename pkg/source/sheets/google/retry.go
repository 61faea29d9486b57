package google

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"reseed/pkg/fault"
	"reseed/pkg/source/sheets"
)

// Pauses between tries of a call that Google refuses for a while.
const (
	firstPause = time.Second
	longest    = 64 * time.Second
	patience   = 10 * time.Minute
)

// call makes a call, at the pace that the quota allows, until it succeeds or cannot. A token that is
// refused is replaced once: it may have been revoked, or have expired by Google's clock.
func (c *Client) call(ctx context.Context, do func(context.Context, *api) error) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, longest
	renewed := false
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := c.once(ctx, do, &renewed)
		if again, ok := errors.AsType[*later](err); ok {
			if again.after > 0 {
				return struct{}{}, backoff.RetryAfter(int(again.after.Seconds()))
			}
			return struct{}{}, again.err
		}
		if err != nil {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(patience))
	return c.outcome(ctx, err)
}

// outcome is the error of a call after its last try.
func (c *Client) outcome(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case fault.KindOf(err) != fault.Internal:
		return err
	}
	return busy() // the last error was a wait that is longer than is worth it
}

// later is an error after which the same call may succeed.
type later struct {
	err   error
	after time.Duration // that Google asks to wait; 0: it does not say
}

// Error is the error for people.
func (l *later) Error() string { return l.err.Error() }

// once makes a call once, in its turn.
func (c *Client) once(ctx context.Context, do func(context.Context, *api) error, renewed *bool) error {
	if err := c.c.Turn(ctx); err != nil {
		if ctx.Err() == nil { // its turn would come after the deadline
			err = context.DeadlineExceeded
		}
		return err
	}
	a, err := c.connect(ctx)
	if err != nil {
		return err
	}
	err = do(ctx, a)
	var refused *googleapi.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &refused):
		if refused.Code == http.StatusUnauthorized && !*renewed {
			*renewed = true
			c.reconnect(a)
			return &later{err: c.noEntry()}
		}
		return c.refusal(refused)
	}
	if token, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		c.reconnect(a)
		if token.Response != nil && (token.Response.StatusCode >= http.StatusInternalServerError || token.Response.StatusCode == http.StatusTooManyRequests) {
			return &later{err: unreachable()}
		}
		return c.noEntry()
	}
	return &later{err: unreachable()}
}

// refusal says what an answer of Google other than 401 means. It holds nothing of Google's message,
// which may hold anything.
func (c *Client) refusal(e *googleapi.Error) error {
	switch {
	case e.Code == http.StatusTooManyRequests, e.Code == http.StatusForbidden && limited(e):
		return &later{busy(), retryAfter(e)}
	case e.Code >= http.StatusInternalServerError:
		return &later{unreachable(), retryAfter(e)}
	case e.Code == http.StatusUnauthorized:
		return c.noEntry()
	case e.Code == http.StatusForbidden && disabled(e):
		return fault.New(fault.Forbidden, sheets.CodeAPIDisabled,
			"The project of the service account "+c.address+" has not enabled the Google Sheets API and the Google Drive API. Enable both in the Google Cloud console under APIs and services, wait a few minutes, then sync again.")
	case e.Code == http.StatusForbidden, e.Code == http.StatusNotFound:
		kind := fault.Forbidden
		if e.Code == http.StatusNotFound {
			kind = fault.NotFound
		}
		return fault.New(kind, sheets.CodeNotShared,
			"The spreadsheet cannot be read: it is not shared with "+c.address+", or it was deleted. Open it, choose Share, add that address as a viewer, then sync again.")
	case strings.Contains(e.Message, "not supported for this document"):
		return notASheet()
	case strings.Contains(e.Message, "Unable to parse range"), strings.Contains(e.Message, "exceeds grid limits"):
		return fault.New(fault.Conflict, sheets.CodeChanged, "The spreadsheet was changed while it was read.")
	}
	return fault.Newf(fault.Invalid, sheets.CodeRefused, "Google refused to read the spreadsheet, with status %d.", e.Code)
}

// limited reports whether an answer with status 403 means that a quota is used up, as Drive says it.
func limited(e *googleapi.Error) bool {
	return hasReason(e, "userRateLimitExceeded", "rateLimitExceeded", "dailyLimitExceeded", "quotaExceeded")
}

// disabled reports whether an API is not enabled for the project of the service account.
func disabled(e *googleapi.Error) bool {
	return hasReason(e, "accessNotConfigured", "SERVICE_DISABLED") || strings.Contains(e.Body, "SERVICE_DISABLED")
}

func hasReason(e *googleapi.Error, reasons ...string) bool {
	return slices.ContainsFunc(e.Errors, func(i googleapi.ErrorItem) bool { return slices.Contains(reasons, i.Reason) })
}

// retryAfter is how long Google asks to wait; 0 if it does not say.
func retryAfter(e *googleapi.Error) time.Duration {
	seconds, err := strconv.Atoi(e.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(patience.Seconds()))) * time.Second
}

func busy() error {
	return fault.New(fault.Busy, sheets.CodeBusy, "Google's quota is used up, and asking again did not help. It allows 60 reads a minute for each service account.")
}

func unreachable() error {
	return fault.New(fault.Unavailable, sheets.CodeUnreachable, "Google Sheets could not be reached, or answered with an error of its own.")
}

func notASheet() error {
	return fault.New(fault.Invalid, sheets.CodeNotASheet,
		"The file is not a spreadsheet of Google Sheets, but another file in Google Drive. If it is an Excel workbook, open it there and choose File, Save as Google Sheets; then add the address of that.")
}

func (c *Client) noEntry() error {
	return fault.New(fault.Unauthorized, sheets.CodeKeyRefused,
		"Google refused the key of the service account "+c.address+": it was deleted, or the account was. Make a new key, put it in the place of the old one, then sync again.")
}
