package httpapi

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

// Fields reads the members of a JSON object that a client sent, and notes the first thing that is
// wrong with each of them. Unknown members are ignored. As at ChartMogul, null and "" mean that a
// member is not given; only [Fields.Has] distinguishes them from a member that is absent.
type Fields struct {
	Raw    map[string]json.RawMessage
	Prefix string // of the names in Errs, e.g. "line_items."
	Errs   map[string]string
}

// Fields reads the request's JSON object.
func (c *Call) Fields() (*Fields, error) {
	all, err := c.text()
	if err != nil {
		return nil, err
	}
	return readBody(all)
}

func readBody(all []byte) (*Fields, error) {
	if err := checkShape(all); err != nil {
		return nil, err
	}
	f, ok := ParseFields(all, "", map[string]string{})
	if !ok {
		return nil, Problem(http.StatusBadRequest, "", textNotJSON)
	}
	return f, nil
}

// FieldsIfAny is Fields for a request that may have no body.
func (c *Call) FieldsIfAny() (*Fields, error) {
	all, err := c.text()
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(all)) == 0 {
		return NewFields(), nil
	}
	return readBody(all)
}

// text reads the request's body.
func (c *Call) text() ([]byte, error) {
	if err := c.takeRoom(); err != nil {
		return nil, err
	}
	all, err := io.ReadAll(http.MaxBytesReader(c.w, c.Body, MaxBody))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, TooLarge(MaxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, TooSlow()
	case err != nil:
		return nil, Problem(http.StatusBadRequest, "", textNotJSON)
	}
	return all, nil
}

// TooSlow is the answer to a body that did not come in time.
func TooSlow() *Error {
	return Problem(http.StatusRequestTimeout, "", "The request body came too slowly. Nothing of it was taken: send it again.")
}

// Left returns an error once the client has gone, so that the handler can stop.
func (c *Call) Left() error {
	if err := c.Context().Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "client_left", "the client has gone")
	}
	return nil
}

// ParseFields reads one object; ok is false for anything else.
func ParseFields(raw []byte, prefix string, errs map[string]string) (*Fields, bool) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' || !utf8.Valid(raw) {
		return nil, false
	}
	f := &Fields{Prefix: prefix, Errs: errs}
	return f, json.Unmarshal(raw, &f.Raw) == nil
}

// NewFields returns Fields without members; [Fields.Put] adds some.
func NewFields() *Fields {
	return &Fields{Raw: map[string]json.RawMessage{}, Errs: map[string]string{}}
}

// Put adds a member.
func (f *Fields) Put(name, text string) {
	raw, _ := json.Marshal(text) // a string never fails
	f.Raw[name] = raw
}

// Add adds a text to a member that is a list.
func (f *Fields) Add(name, text string) {
	var list []string
	_ = json.Unmarshal(f.Raw[name], &list) // absent, or made by Add
	f.Raw[name], _ = json.Marshal(append(list, text))
}

// Only notes an error for every member that is not one of the names.
func (f *Fields) Only(names ...string) {
	for name := range f.Raw {
		if !slices.Contains(names, name) {
			f.Fail(name, "is not known here")
		}
	}
}

// Has reports whether the member was sent, even as null.
func (f *Fields) Has(name string) bool { _, ok := f.Raw[name]; return ok }

// Fail notes what is wrong with a member.
func (f *Fields) Fail(name, text string) {
	if _, already := f.Errs[f.Prefix+name]; !already {
		f.Errs[f.Prefix+name] = text
	}
}

// Require returns a 400 about the first of the members that was not sent at all.
func (f *Fields) Require(names ...string) error {
	for _, n := range names {
		if !f.Has(n) {
			return Missing(n)
		}
	}
	return nil
}

// Value is a member's raw JSON; nil if it is not given.
func (f *Fields) Value(name string) []byte {
	raw := bytes.TrimSpace(f.Raw[name])
	if string(raw) == "null" || string(raw) == `""` {
		return nil
	}
	return raw
}

// Text is a name or another short text; empty if not given.
func (f *Fields) Text(name string) string { return f.Limited(name, billing.MaxText) }

// Limited is text of at most so many characters, without spaces around it.
func (f *Fields) Limited(name string, most int) string {
	raw := f.Value(name)
	if raw == nil {
		return ""
	}
	s, ok := scalarText(raw)
	if !ok {
		f.Fail(name, "must be a text")
		return ""
	}
	s = strings.TrimSpace(s)
	return f.Checked(name, s, billing.CheckLength(s, most))
}

// Checked returns s if err is nil, else "". err is what a rule of the domain says about s; Checked
// notes it.
func (f *Fields) Checked(name, s string, err error) string {
	if err == nil {
		return s
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		f.Fail(name, e.Message)
	}
	return ""
}

// ID is an external id; empty if not given.
func (f *Fields) ID(name string) string {
	s := f.Text(name)
	if s == "" {
		return ""
	}
	return f.Checked(name, s, billing.CheckID(s))
}

// NeededID is an external id that must be there.
func (f *Fields) NeededID(name string) string {
	s := f.ID(name)
	if s == "" {
		f.Fail(name, TextBlank)
	}
	return s
}

// Email is an e-mail address; empty if not given.
func (f *Fields) Email(name string) string {
	s := f.Text(name)
	if s == "" {
		return ""
	}
	return f.Checked(name, s, billing.CheckEmail(s))
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

// Needed is text that must be there.
func (f *Fields) Needed(name string) string {
	s := f.Text(name)
	if s == "" {
		f.Fail(name, TextBlank)
	}
	return s
}

// Whole is an integer; nil if not given. A number that happens to be whole ("10", 10.0) is
// accepted.
func (f *Fields) Whole(name string) *int64 {
	raw := f.Value(name)
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
		f.Fail(name, "must be an integer")
	case n > billing.MaxInteger || n < -billing.MaxInteger:
		f.Fail(name, "is too large")
	default:
		return &n
	}
	return nil
}

// WholeOr is Whole, with a default for a member that is not given or wrong.
func (f *Fields) WholeOr(name string, otherwise int64) int64 {
	if n := f.Whole(name); n != nil {
		return *n
	}
	return otherwise
}

// Truth is a boolean; false if not given.
func (f *Fields) Truth(name string) bool {
	raw := f.Value(name)
	if raw == nil {
		return false
	}
	s, _ := scalarText(raw)
	if string(raw) == "true" || s == "true" || s == "1" {
		return true
	}
	if string(raw) != "false" && s != "false" && s != "0" {
		f.Fail(name, "must be true or false")
	}
	return false
}

// When is a time; zero if not given.
func (f *Fields) When(name string) time.Time {
	s := f.Text(name)
	if s == "" {
		return time.Time{}
	}
	t, err := billing.ParseTime(s)
	f.Checked(name, s, err)
	return t
}

// Past is a time that must not lie ahead.
func (f *Fields) Past(name string, now time.Time) time.Time {
	t := f.When(name)
	if t.After(now) {
		f.Fail(name, textInFuture)
	}
	return t
}

// OneOf is one of a few words, in any case; empty if not given.
func (f *Fields) OneOf(name string, words ...string) string {
	s := strings.ToLower(f.Text(name))
	if s != "" && !slices.Contains(words, s) {
		f.Fail(name, "must be one of: "+strings.Join(words, ", "))
		return ""
	}
	return s
}

// Currency is an ISO 4217 code; empty if not given.
func (f *Fields) Currency(name string) string {
	s := f.Text(name)
	if s == "" {
		return ""
	}
	code, err := billing.ParseCurrency(s)
	if err != nil {
		f.Fail(name, textBadCurrency)
	}
	return code
}

// List is the elements of an array of at most so many; nil if not given.
func (f *Fields) List(name string, most int) []json.RawMessage {
	raw := f.Value(name)
	if raw == nil {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		f.Fail(name, "must be a list")
	}
	if len(list) > most {
		f.Fail(name, fmt.Sprintf(TextTooMany, most))
		return nil
	}
	return list
}

// Texts is an array of at most so many texts; nil if not given.
func (f *Fields) Texts(name string, most int) []string {
	var out []string
	for _, raw := range f.List(name, most) {
		s, ok := scalarText(raw)
		switch s = strings.TrimSpace(s); {
		case !ok:
			f.Fail(name, "must be a list of texts")
		case f.Checked(name, s, billing.CheckLength(s, billing.MaxText)) != "":
			out = append(out, s)
		}
	}
	return out
}

// Object is a nested object with errors of its own prefix; nil if not given.
func (f *Fields) Object(name string) *Fields {
	raw := f.Value(name)
	if raw == nil {
		return nil
	}
	o, ok := ParseFields(raw, f.Prefix+name+".", f.Errs)
	if !ok {
		f.Fail(name, "must be an object")
		return nil
	}
	return o
}

// Refused returns a 422 with all that was noted, or nil.
func (f *Fields) Refused() error {
	if len(f.Errs) > 0 {
		return Refused(f.Errs)
	}
	return nil
}

// Given notes an error for each of the members that is not given.
func (f *Fields) Given(names ...string) {
	for _, n := range names {
		if f.Value(n) == nil {
			f.Fail(n, TextBlank)
		}
	}
}
