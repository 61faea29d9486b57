package httpapi

import (
	"errors"
	"fmt"
	"net/http"

	"reseed/pkg/fault"
)

// This file says which status and which body each error has; the bodies are ChartMogul's. Clients
// retry every 5xx for minutes, so an error that a client can cause never has one.

// Error is an error as it goes over the wire.
type Error struct {
	Status     int
	Body       any
	RetryAfter int // seconds; 0 leaves the header out
}

// Error names the status only: bodies may hold what the client sent (I8).
func (f *Error) Error() string { return http.StatusText(f.Status) }

// problemA is error family A: 400, 401, the 404 of a search, and all errors about the request
// itself.
type problemA struct {
	Code    int     `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
}

// problemB is error family B: the 404 of a record.
type problemB struct {
	Error string `json:"error"`
}

// problemC is error family C: 422, a text for each field.
type problemC struct {
	Errors map[string]string `json:"errors"`
}

// Texts that clients compare or show.
const (
	textNoKey       = "No valid API key provided"
	textCrowded     = "Too many uploads or large bodies are being received. Try again in a moment."
	textBroken      = "Something went wrong on our side. Trying again later may help."
	textNotJSON     = "The request body is not valid JSON"
	textUnknownPath = "There is no such endpoint"
	textBadMethod   = "This endpoint does not support that method"
	textBadCurrency = "Currency is invalid"
	textInFuture    = "Date is in the future"
	// TextBlank and TextTooMany (of a number) are complaints about members.
	TextBlank   = "can't be blank"
	TextTooMany = "holds more than %d; split the call"
)

// Problem is an answer of family A. param may be empty.
func Problem(status int, param, message string) *Error {
	p := problemA{Code: status, Message: message}
	if param != "" {
		p.Param = &param
	}
	return &Error{Status: status, Body: p}
}

// Missing is the answer to a required parameter that was not sent at all.
func Missing(param string) *Error {
	return Problem(http.StatusBadRequest, param, fmt.Sprintf("Parameter %q is missing", param))
}

// Unusable is the answer to a parameter that cannot be read.
func Unusable(param string) *Error {
	return Problem(http.StatusBadRequest, param, fmt.Sprintf("Parameter %q is invalid", param))
}

// Absent is the answer about a record that is not there, or not visible: the two must not differ.
func Absent(what string) *Error {
	return &Error{Status: http.StatusNotFound, Body: problemB{what + " not found"}}
}

// Refused is the answer about fields that break a rule.
func Refused(errs map[string]string) *Error {
	return &Error{Status: http.StatusUnprocessableEntity, Body: problemC{errs}}
}

// TooLarge is the answer to a body of more than so many bytes.
func TooLarge(limit int64) *Error {
	return Problem(http.StatusRequestEntityTooLarge, "", fmt.Sprintf("The request body is larger than %d MB", limit>>20))
}

// Broken is the body of an answer about an error whose cause is on our side.
func Broken() any { return problemB{textBroken} }

// Ours reports whether the cause of an error is on our side.
func Ours(err error) bool {
	_, ours := errorOf(err)
	return ours
}

const retrySeconds = 5

// statusOf is the status of an error for which no handler has made an [Error].
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Busy:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// errorOf makes an [Error] of any error. If ours is true the cause is on our side: it is logged,
// and the client is not told.
func errorOf(err error) (f *Error, ours bool) {
	if errors.As(err, &f) {
		return f, false
	}
	status := statusOf(fault.KindOf(err))
	if status >= http.StatusInternalServerError {
		f = Problem(status, "", textBroken)
		if status == http.StatusServiceUnavailable {
			f.RetryAfter = retrySeconds
		}
		return f, true
	}
	var e *fault.Error
	if !errors.As(err, &e) {
		return Problem(http.StatusInternalServerError, "", textBroken), true
	}
	switch status {
	case http.StatusUnprocessableEntity:
		if e.Param != "" {
			return Refused(map[string]string{e.Param: e.Message}), false
		}
	case http.StatusNotFound:
		return &Error{Status: status, Body: problemB{e.Message}}, false
	}
	f = Problem(status, e.Param, e.Message)
	if status == http.StatusTooManyRequests {
		f.RetryAfter = retrySeconds
	}
	return f, false
}
