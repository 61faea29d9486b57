package httpapi

import (
	"slices"
	"strconv"
	"sync"
)

// MaxAnswer is how many bytes the JSON of an answer may have. A Lambda function's answer holds 6
// MB, in which base64 (see pkg/trigger) makes 4 bytes of 3.
const MaxAnswer = 4 << 20

// Listed is an answer that is a list: members before the elements, the elements, members behind
// them.
type Listed struct {
	Before   any // nil for none
	Name     string
	Elements Elements
	Behind   any // nil for none
}

// pieces are the JSON of the answer, in order.
func (l Listed) pieces() [][]byte {
	head := appendMembers([]byte{'{'}, l.Before)
	head = append(AppendText(head, l.Name), ':', '[')
	tail := appendMembers([]byte{']', ','}, l.Behind)
	tail[len(tail)-1] = '}' // in place of the last comma
	return [][]byte{head, l.Elements.text, tail}
}

// appendMembers appends the members of one of our own objects, each with a comma behind it.
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

// mostKept is how large the room of some elements may be, in bytes, to be used again.
const mostKept = 1 << 20

// NewRooms makes a pool of buffers for the JSON of lists.
func NewRooms() *sync.Pool { return &sync.Pool{New: func() any { return new([]byte) }} }

// done gives the buffer of the elements back to its pool. They must not be used after that.
func (r *Elements) done() {
	if room := r.text; r.Rooms != nil && cap(room) <= mostKept {
		r.Rooms.Put(&room)
	}
	r.text = nil
}

// Elements are the elements of a list as JSON, as many as an answer holds.
type Elements struct {
	text []byte // with commas between
	n    int

	Most  int        // how many there may be
	Rooms *sync.Pool // nil: the text has no room that is used again
}

// Add adds one more record. It is false if the record does not fit; the first always does.
func (r *Elements) Add(record any) bool {
	was := len(r.text)
	switch {
	case r.n == 1: // the others will be about as long
		r.text = slices.Grow(r.text, min(MaxAnswer, r.Most*(was+was/8)))
	case r.n == 0 && r.Rooms != nil:
		room, _ := r.Rooms.Get().(*[]byte)
		r.text = (*room)[:0]
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

// shortened makes a record shorter, and reports whether it could.
func shortened(record any) bool {
	s, ok := record.(interface{ Shorten() bool })
	return ok && s.Shorten()
}

// raw is JSON that is spelled already.
type raw []byte

// MarshalJSON gives it.
func (r raw) MarshalJSON() ([]byte, error) { return r, nil }

// AppendJSON appends it.
func (r raw) AppendJSON(b []byte) []byte { return append(b, r...) }

// Alone is an answer that is one record, shortened until it fits.
func Alone(record any) any {
	var one Elements
	one.Add(record)
	return raw(one.text)
}

// Len is how many there are.
func (r *Elements) Len() int { return r.n }

// Size is how many bytes they have.
func (r *Elements) Size() int { return len(r.text) }

// Paged is the tail of a list. The keys that only a first page has are
// pointers: nil leaves them out.
type Paged struct {
	CurrentPage *int    `json:"current_page,omitempty"`
	TotalPages  *int    `json:"total_pages,omitempty"`
	Cursor      *string `json:"cursor"`
	HasMore     bool    `json:"has_more"`
}

// MaxPage is the most records on a page, and how many there are when nothing is asked for.
const MaxPage = 200

// PerPage is how many records are asked for.
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
