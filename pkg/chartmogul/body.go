package chartmogul

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

// fields reads the members of one JSON object that a client sent, and notes
// what is wrong with each: the first complaint about a member stands. Unknown
// members are ignored; null and "" are the same as a member that is not there
// (chartmogul-api §2.10), except for [fields.has].
type fields struct {
	raw    map[string]json.RawMessage
	prefix string // of the names in errs, e.g. "line_items."
	errs   map[string]string
}

// body reads the request's JSON object.
func (c *call) body() (*fields, error) {
	all, err := c.text()
	if err != nil {
		return nil, err
	}
	return readBody(all)
}

func readBody(all []byte) (*fields, error) {
	if err := checkShape(all); err != nil {
		return nil, err
	}
	f, ok := parseFields(all, "", map[string]string{})
	if !ok {
		return nil, failA(http.StatusBadRequest, "", textNotJSON)
	}
	return f, nil
}

// bodyIfAny is body for a request that may have none.
func (c *call) bodyIfAny() (*fields, error) {
	all, err := c.text()
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(all)) == 0 {
		return newFields(), nil
	}
	return readBody(all)
}

// text reads the request's body.
func (c *call) text() ([]byte, error) {
	if err := c.takeRoom(); err != nil {
		return nil, err
	}
	all, err := io.ReadAll(http.MaxBytesReader(c.w, c.Body, c.limit))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge(c.limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, tooSlow()
	case err != nil:
		return nil, failA(http.StatusBadRequest, "", textNotJSON)
	}
	return all, nil
}

func tooSlow() *failure {
	return failA(http.StatusRequestTimeout, "", "The request body came too slowly. Nothing of it was taken: send it again.")
}

// left is an error once the client has gone: nobody waits for the rest.
func (c *call) left() error {
	if err := c.Context().Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "client_left", "the client has gone")
	}
	return nil
}

// parseFields reads one object; ok is false for anything else.
func parseFields(raw []byte, prefix string, errs map[string]string) (*fields, bool) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' || !utf8.Valid(raw) {
		return nil, false
	}
	f := &fields{prefix: prefix, errs: errs}
	return f, json.Unmarshal(raw, &f.raw) == nil
}

// newFields are members that come one by one, as texts; see put.
func newFields() *fields {
	return &fields{raw: map[string]json.RawMessage{}, errs: map[string]string{}}
}

// put adds a member.
func (f *fields) put(name, text string) {
	raw, _ := json.Marshal(text) // a string never fails
	f.raw[name] = raw
}

// only complains of every member that is none of the names.
func (f *fields) only(names ...string) {
	for name := range f.raw {
		if !slices.Contains(names, name) {
			f.fail(name, "is not known here")
		}
	}
}

// has tells whether the member was sent at all, even as null.
func (f *fields) has(name string) bool { _, ok := f.raw[name]; return ok }

// fail notes what is wrong with a member.
func (f *fields) fail(name, text string) {
	if _, already := f.errs[f.prefix+name]; !already {
		f.errs[f.prefix+name] = text
	}
}

// require answers with the first of the members that was not sent at all.
func (f *fields) require(names ...string) error {
	for _, n := range names {
		if !f.has(n) {
			return missing(n)
		}
	}
	return nil
}

// value is a member's raw JSON; nil if it is not given.
func (f *fields) value(name string) []byte {
	raw := bytes.TrimSpace(f.raw[name])
	if string(raw) == "null" || string(raw) == `""` {
		return nil
	}
	return raw
}

// text is a name or another short text; empty if not given.
func (f *fields) text(name string) string { return f.limited(name, billing.MaxText) }

// limited is text of at most so many characters, without spaces around it.
func (f *fields) limited(name string, most int) string {
	raw := f.value(name)
	if raw == nil {
		return ""
	}
	s, ok := scalarText(raw)
	if !ok {
		f.fail(name, "must be a text")
		return ""
	}
	s = strings.TrimSpace(s)
	return f.checked(name, s, billing.CheckLength(s, most))
}

// checked is s, or nothing and a complaint if a rule of the domain refuses it.
func (f *fields) checked(name, s string, err error) string {
	if err == nil {
		return s
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		f.fail(name, e.Message)
	}
	return ""
}

// id is an external id; empty if not given.
func (f *fields) id(name string) string {
	s := f.text(name)
	if s == "" {
		return ""
	}
	return f.checked(name, s, billing.CheckID(s))
}

// neededID is an external id that must be there.
func (f *fields) neededID(name string) string {
	s := f.id(name)
	if s == "" {
		f.fail(name, textBlank)
	}
	return s
}

// email is an e-mail address; empty if not given.
func (f *fields) email(name string) string {
	s := f.text(name)
	if s == "" {
		return ""
	}
	return f.checked(name, s, billing.CheckEmail(s))
}

// scalarText is a JSON string, or a number as it is written: ids are often sent as numbers.
func scalarText(raw []byte) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, true
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), true
	}
	return "", false
}

// needed is text that must be there.
func (f *fields) needed(name string) string {
	s := f.text(name)
	if s == "" {
		f.fail(name, textBlank)
	}
	return s
}

// whole is an integer; nil if not given. A number that happens to be whole ("10", 10.0) is accepted.
func (f *fields) whole(name string) *int64 {
	raw := f.value(name)
	if raw == nil {
		return nil
	}
	s, ok := scalarText(raw)
	n, err := strconv.ParseInt(s, 10, 64)
	if x, floatErr := strconv.ParseFloat(s, 64); err != nil && floatErr == nil && x == math.Trunc(x) && math.Abs(x) <= billing.MaxInteger {
		n, err = int64(x), nil
	}
	switch {
	case !ok || err != nil:
		f.fail(name, "must be an integer")
	case n > billing.MaxInteger || n < -billing.MaxInteger:
		f.fail(name, "is too large")
	default:
		return &n
	}
	return nil
}

func (f *fields) wholeOr(name string, otherwise int64) int64 {
	if n := f.whole(name); n != nil {
		return *n
	}
	return otherwise
}

// truth is a boolean; false if not given.
func (f *fields) truth(name string) bool {
	raw := f.value(name)
	if raw == nil {
		return false
	}
	s, _ := scalarText(raw)
	if string(raw) == "true" || s == "true" || s == "1" {
		return true
	}
	if string(raw) != "false" && s != "false" && s != "0" {
		f.fail(name, "must be true or false")
	}
	return false
}

// when is a time; zero if not given.
func (f *fields) when(name string) time.Time {
	s := f.text(name)
	if s == "" {
		return time.Time{}
	}
	t, err := billing.ParseTime(s)
	f.checked(name, s, err)
	return t
}

// past is a time that must not lie ahead.
func (f *fields) past(name string, now time.Time) time.Time {
	t := f.when(name)
	if t.After(now) {
		f.fail(name, textInFuture)
	}
	return t
}

// oneOf is one of a few words, in any case; empty if not given.
func (f *fields) oneOf(name string, words ...string) string {
	s := strings.ToLower(f.text(name))
	if s != "" && !slices.Contains(words, s) {
		f.fail(name, "must be one of: "+strings.Join(words, ", "))
		return ""
	}
	return s
}

// currency is an ISO 4217 code; empty if not given.
func (f *fields) currency(name string) string {
	s := f.text(name)
	if s == "" {
		return ""
	}
	code, err := billing.ParseCurrency(s)
	if err != nil {
		f.fail(name, textBadCurrency)
	}
	return code
}

// list is the elements of an array of at most so many; nil if not given.
func (f *fields) list(name string, most int) []json.RawMessage {
	raw := f.value(name)
	if raw == nil {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		f.fail(name, "must be a list")
	}
	if len(list) > most {
		f.fail(name, fmt.Sprintf(textTooMany, most))
		return nil
	}
	return list
}

// texts is an array of at most so many texts; nil if not given.
func (f *fields) texts(name string, most int) []string {
	var out []string
	for _, raw := range f.list(name, most) {
		s, ok := scalarText(raw)
		switch s = strings.TrimSpace(s); {
		case !ok:
			f.fail(name, "must be a list of texts")
		case f.checked(name, s, billing.CheckLength(s, billing.MaxText)) != "":
			out = append(out, s)
		}
	}
	return out
}

// object is a nested object with errors of its own prefix; nil if not given.
func (f *fields) object(name string) *fields {
	raw := f.value(name)
	if raw == nil {
		return nil
	}
	o, ok := parseFields(raw, f.prefix+name+".", f.errs)
	if !ok {
		f.fail(name, "must be an object")
		return nil
	}
	return o
}

// refused is the 422 with all that was noted, or nil.
func (f *fields) refused() error {
	if len(f.errs) > 0 {
		return refused(f.errs)
	}
	return nil
}
