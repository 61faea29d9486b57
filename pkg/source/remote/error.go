package remote

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"reseed/pkg/fault"
)

// Kind is what an error of a billing system means for the pull.
type Kind uint8

// The kinds of errors.
const (
	Refused Kind = iota // the system does not take this request: a defect of ours
	Auth                // the key is refused, or lacks a permission: a person must act
	Wait                // busy, or out of reach, for longer than a call waits: the same request may succeed later
	Shape               // the answer is not what it should be: nothing may be concluded from it
	Gone                // there is no such object
)

// Codes of the errors, by kind.
const (
	CodeRefused = "system_refused_request"
	CodeAuth    = "system_refused_key"
	CodeWait    = "system_unreachable"
	CodeShape   = "system_bad_answer"
	CodeGone    = "system_object_gone"
)

// Error is a request that failed for good.
type Error struct {
	Kind      Kind
	Status    int           // of HTTP; 0: there was no answer
	Reason    string        // the code that the system gives; may be empty
	Param     string        // the parameter that it is about; may be empty
	Missing   []string      // permissions that the key lacks, as far as the system names them
	RequestID string        // by which the system's support finds the request; may be empty
	After     time.Duration // of Wait: how long the system asks to wait; 0: it does not say

	err   *fault.Error
	again bool
}

// Error is a sentence for people.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the [*fault.Error] with kind and code.
func (e *Error) Unwrap() error { return e.err }

// KindOf returns the kind of an error of this package, and whether it is one.
func KindOf(err error) (Kind, bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return Refused, false
	}
	return e.Kind, true
}

// Unexpected is the error for a document that arrived whole, and is not what was asked for. The
// message is a sentence without values of the document.
func (c *Client) Unexpected(message string) error {
	return c.failure(Shape, &Error{}, message)
}

// failure completes an error: with its kind, its code, and a message, of one or more sentences, that ends with the id of the request.
func (c *Client) failure(kind Kind, e *Error, message string) *Error {
	e.Kind = kind
	if e.RequestID != "" {
		message += " (request " + e.RequestID + ")"
	}
	message = strings.TrimSuffix(message, ".") + "."
	faults := [...]struct {
		kind fault.Kind
		code string
	}{
		Refused: {fault.Internal, CodeRefused},
		Auth:    {fault.Forbidden, CodeAuth},
		Wait:    {fault.Unavailable, CodeWait},
		Shape:   {fault.Unavailable, CodeShape},
		Gone:    {fault.NotFound, CodeGone},
	}
	e.err = fault.New(faults[kind].kind, faults[kind].code, c.System+": "+message)
	return e
}

var (
	word = regexp.MustCompile(`^[a-z][a-z_]{0,63}$`)
	id   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	card = regexp.MustCompile(`[0-9]{12}`)
)

// Word returns a word of the system, such as a code, if it is one: it may stand in errors.
func Word(s string) string {
	if word.MatchString(s) {
		return s
	}
	return ""
}

// requestID returns the id of a request, unless it is something that may hold a number of a card.
func requestID(s string) string {
	if id.MatchString(s) && !card.MatchString(s) {
		return s
	}
	return ""
}
