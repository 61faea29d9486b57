package chartmogul

import (
	"errors"
	"fmt"
	"net/http"

	"reseed/pkg/fault"
)

// This file is the status table: which error has which status and which of the
// error bodies (chartmogul-api §1.6). Clients retry every 5xx for minutes, so
// nothing a client can cause may end in one.

// failure is an error as it goes over the wire.
type failure struct {
	status     int
	body       any
	retryAfter int // seconds; 0 leaves the header out
}

// Error names the status only: bodies may hold what the client sent (I8).
func (f *failure) Error() string { return http.StatusText(f.status) }

// problemA is error family A: 400, 401, 404 of a search, and whatever is about the request itself.
type problemA struct {
	Code    int     `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
}

// problemB is error family B: 404 of a resource.
type problemB struct {
	Error string `json:"error"`
}

// problemC is error family C: 422, a text for each field.
type problemC struct {
	Errors map[string]string `json:"errors"`
}

// Texts that clients compare or show.
const (
	textNoKey          = "No valid API key provided"
	textCrowded        = "Too many uploads or large bodies are being received. Try again in a moment."
	textBroken         = "Something went wrong on our side. Trying again later may help."
	textNotJSON        = "The request body is not valid JSON"
	textUnknownPath    = "There is no such endpoint"
	textBadMethod      = "This endpoint does not support that method"
	textNameTaken      = "Has already been taken."
	textNameNeeded     = "A name is required for each data source."
	textBlank          = "can't be blank"
	textBadCurrency    = "Currency is invalid"
	textInFuture       = "Date is in the future"
	textTooManyOwners  = "is that of more than %d customers; name them one by one"
	textTooMany        = "holds more than %d; split the call"
	textTooManyRecords = "hold more than %d invoices, line items, transactions and cancellations together; split the call"
)

func failA(status int, param, message string) *failure {
	p := problemA{Code: status, Message: message}
	if param != "" {
		p.Param = &param
	}
	return &failure{status: status, body: p}
}

// missing is the answer to a required parameter that was not sent at all.
func missing(param string) *failure {
	return failA(http.StatusBadRequest, param, fmt.Sprintf("Parameter %q is missing", param))
}

// unusable is the answer to a parameter that cannot be read.
func unusable(param string) *failure {
	return failA(http.StatusBadRequest, param, fmt.Sprintf("Parameter %q is invalid", param))
}

// absent is the answer to a resource that is not there, or not visible: the two must not differ.
func absent(what string) *failure {
	return &failure{status: http.StatusNotFound, body: problemB{what + " not found"}}
}

// refused is the answer to fields that break a rule.
func refused(errs map[string]string) *failure {
	return &failure{status: http.StatusUnprocessableEntity, body: problemC{errs}}
}

func tooLarge(limit int64) *failure {
	return failA(http.StatusRequestEntityTooLarge, "", fmt.Sprintf("The request body is larger than %d MB", limit>>20))
}

const retrySeconds = 5

// statusOf is the status of an error that no handler has given a form of its own.
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

// failureOf gives any error its form on the wire. ours says that the cause is
// on our side: it is logged, and the client learns nothing of it.
func failureOf(err error) (f *failure, ours bool) {
	if errors.As(err, &f) {
		return f, false
	}
	status := statusOf(fault.KindOf(err))
	if status >= http.StatusInternalServerError {
		f = failA(status, "", textBroken)
		if status == http.StatusServiceUnavailable {
			f.retryAfter = retrySeconds
		}
		return f, true
	}
	var e *fault.Error
	if !errors.As(err, &e) {
		return failA(http.StatusInternalServerError, "", textBroken), true
	}
	switch status {
	case http.StatusUnprocessableEntity:
		if e.Param != "" {
			return refused(map[string]string{e.Param: e.Message}), false
		}
	case http.StatusNotFound:
		return &failure{status: status, body: problemB{e.Message}}, false
	}
	f = failA(status, e.Param, e.Message)
	if status == http.StatusTooManyRequests {
		f.retryAfter = retrySeconds
	}
	return f, false
}
