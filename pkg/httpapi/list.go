package httpapi

import (
	"slices"
	"strconv"
	"sync"
)

// MaxAnswer is how many bytes the JSON of an answer may have. The answer of a Lambda function may
// have 6 MB, in base64 (see pkg/trigger), which makes 4 bytes of 3.
const MaxAnswer = 4 << 20

// Listed is an answer that is an object with a list: members, then the list, then more members.
type Listed struct {
	Before   any // an object with the first members; may be nil
	Name     string
	Elements Elements
	Behind   any // an object with the last members; may be nil
}

// pieces are the JSON of the answer, in parts that follow each other.
func (l Listed) pieces() [][]byte {
	head := appendMembers([]byte{'{'}, l.Before)
	head = append(AppendText(head, l.Name), ':', '[')
	tail := appendMembers([]byte{']', ','}, l.Behind)
	tail[len(tail)-1] = '}' // in place of the last comma
	return [][]byte{head, l.Elements.text, tail}
}

// appendMembers appends the members of an object of our own, each with a comma behind it.
func appendMembers(b []byte, object any) []byte {
	if object == nil {
		return b
	}
	text, _ := AppendJSON(nil, object) // our own types never fail
	if len(text) == len("{}") {
		return b
	}
	return append(append(b, text[1:len(text)-1]...), ',')
}

// Elements are the elements of a list as JSON, as many as fit into an answer.
type Elements struct {
	text []byte // with commas between
	n    int

	Most    int        // how many there may be
	Buffers *sync.Pool // of buffers for the text; may be nil
}

// mostKept is up to how many bytes a buffer may have to be used again.
const mostKept = 1 << 20

// NewBuffers makes a pool of buffers for [Elements].
func NewBuffers() *sync.Pool { return &sync.Pool{New: func() any { return new([]byte) }} }

// done gives the buffer of the elements back to its pool. They must not be used after that.
func (r *Elements) done() {
	if buf := r.text; r.Buffers != nil && cap(buf) <= mostKept {
		r.Buffers.Put(&buf)
	}
	r.text = nil
}

// Add adds a record. It returns false if the record does not fit; the first one always fits.
func (r *Elements) Add(record any) bool {
	was := len(r.text)
	switch {
	case r.n == 1: // the others will be about as long
		r.text = slices.Grow(r.text, min(MaxAnswer, r.Most*(was+was/8)))
	case r.n == 0 && r.Buffers != nil:
		buf, _ := r.Buffers.Get().(*[]byte)
		r.text = (*buf)[:0]
	}
	if r.n > 0 {
		r.text = append(r.text, ',')
	}
	text, err := AppendJSON(r.text, record)
	for err == nil && r.n == 0 && len(text) > MaxAnswer && shortened(record) {
		text, err = AppendJSON(r.text, record)
	}
	if err != nil || r.n > 0 && len(text) > MaxAnswer {
		r.text = r.text[:was]
		return false
	}
	r.text = text
	r.n++
	return true
}

// shortened makes a record shorter if it can, and reports whether it has.
func shortened(record any) bool {
	s, ok := record.(interface{ Shorten() bool })
	return ok && s.Shorten()
}

// raw is finished JSON.
type raw []byte

// MarshalJSON returns the JSON.
func (r raw) MarshalJSON() ([]byte, error) { return r, nil }

// AppendJSON appends the JSON.
func (r raw) AppendJSON(b []byte) []byte { return append(b, r...) }

// Alone is the answer with a single record, shortened until it fits.
func Alone(record any) any {
	var one Elements
	one.Add(record)
	return raw(one.text)
}

// Len is the number of elements.
func (r *Elements) Len() int { return r.n }

// Size is the length of their JSON in bytes.
func (r *Elements) Size() int { return len(r.text) }

// Paged is the tail of a list. Pointers with omitempty are members that only a first page has; nil
// leaves them out.
type Paged struct {
	CurrentPage *int    `json:"current_page,omitempty"`
	TotalPages  *int    `json:"total_pages,omitempty"`
	Cursor      *string `json:"cursor"`
	HasMore     bool    `json:"has_more"`
}

// MaxPage is the most records on a page, and the number if a request does not name one.
const MaxPage = 200

// PerPage is how many records a page may have, by the request's per_page.
func (c *Call) PerPage() (int, error) {
	v := c.Param("per_page")
	if v == "" {
		return MaxPage, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, Unusable("per_page")
	}
	return min(n, MaxPage), nil
}
