package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind is what an error means to whoever called.
type Kind uint8

// The kinds of error. The zero value is Internal: what is not sorted is ours.
const (
	Internal     Kind = iota // a defect of ours
	Invalid                  // the input is wrong; the same input fails again
	NotFound                 // there is no such thing
	Conflict                 // what is there contradicts the request
	Unauthorized             // who is calling is not known
	Forbidden                // who is calling may not do this
	TooLarge                 // above a limit
	Busy                     // somebody else is at it, or too many requests: try again later
	Unavailable              // something below failed or time ran out: try again
)

// String names the kind in lower case, as it is logged.
func (k Kind) String() string {
	names := [...]string{
		Internal: "internal", Invalid: "invalid", NotFound: "not_found", Conflict: "conflict",
		Unauthorized: "unauthorized", Forbidden: "forbidden", TooLarge: "too_large",
		Busy: "busy", Unavailable: "unavailable",
	}
	if int(k) >= len(names) {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return names[k]
}

// Error is an error with a kind. Code is stable (snake_case) and part of the
// interface; Message is a sentence for people, without secrets and personal
// values; Param names the parameter, header or column at fault, if there is
// one; Err is the cause, if there is one.
type Error struct {
	Kind    Kind
	Code    string
	Param   string
	Message string
	Err     error
}

// Error returns the message, followed by the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error without a cause.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Newf is [New] with a formatted message. It does not wrap: for a cause use [Wrap].
func Newf(kind Kind, code, format string, args ...any) *Error {
	return New(kind, code, fmt.Sprintf(format, args...))
}

// Wrap makes an error whose cause is err. A nil err stays nil.
func Wrap(err error, kind Kind, code, message string) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Code: code, Message: message, Err: err}
}

// KindOf returns the kind of the outermost [*Error] in err's chain. Without
// one it is Unavailable for an ended context and Internal for the rest.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	default:
		return Internal
	}
}

// Is reports whether err is an error of this kind (see [KindOf]). A nil error is of none.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// CodeOf returns the code of the outermost [*Error] in err's chain, or "".
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
