package chartmogul

import (
	"slices"
	"sync"
)

// maxAnswer is how many bytes the JSON of an answer may have. A Lambda function's answer holds 6 MB, in which base64
// (see pkg/trigger) makes 4 bytes of 3.
const maxAnswer = 4 << 20

// listed is an answer that is a list: members before the elements, the elements, members behind them.
type listed struct {
	before   any // nil for none
	name     string
	elements elements
	behind   any // nil for none
}

// pieces spell the answer, one behind the other.
func (l listed) pieces() [][]byte {
	head := appendMembers([]byte{'{'}, l.before)
	head = append(appendText(head, l.name), ':', '[')
	tail := appendMembers([]byte{']', ','}, l.behind)
	tail[len(tail)-1] = '}' // in place of the last comma
	return [][]byte{head, l.elements.text, tail}
}

// appendMembers appends the members of one of our own objects, each with a comma behind it.
func appendMembers(b []byte, object any) []byte {
	if object == nil {
		return b
	}
	text, _ := spelled(nil, object) // our own types never fail
	if len(text) == len("{}") {
		return b
	}
	return append(append(b, text[1:len(text)-1]...), ',')
}

// mostKept is how large the room of some elements may be, in bytes, to be used again.
const mostKept = 1 << 20

// newRooms are used again and again for the texts of lists of customers.
func newRooms() *sync.Pool { return &sync.Pool{New: func() any { return new([]byte) }} }

// done gives the room of the elements back. Nobody may look at them any more.
func (r *elements) done() {
	if room := r.text; r.rooms != nil && cap(room) <= mostKept {
		r.rooms.Put(&room)
	}
	r.text = nil
}

// elements are spelled one after the other, as many as an answer holds.
type elements struct {
	text []byte // with commas between
	n    int
	most int // how many there may be

	rooms *sync.Pool // nil: the text has no room that is used again
}

// add spells one more record. It is false if that does not fit any more: the first always does.
func (r *elements) add(record any) bool {
	was := len(r.text)
	switch {
	case r.n == 1: // the others will be about as long
		r.text = slices.Grow(r.text, min(maxAnswer, r.most*(was+was/8)))
	case r.n == 0 && r.rooms != nil:
		room, _ := r.rooms.Get().(*[]byte)
		r.text = (*room)[:0]
	}
	if r.n > 0 {
		r.text = append(r.text, ',')
	}
	text, err := spelled(r.text, record)
	for err == nil && r.n == 0 && len(text) > maxAnswer && shortened(record) {
		text, err = spelled(r.text, record)
	}
	if err != nil || r.n > 0 && len(text) > maxAnswer {
		r.text = r.text[:was]
		return false
	}
	r.text = text
	r.n++
	return true
}

// shortened makes a record shorter, if it can be.
func shortened(record any) bool {
	s, ok := record.(interface{ shorten() bool })
	return ok && s.shorten()
}

// raw is JSON that is spelled already.
type raw []byte

// MarshalJSON gives it.
func (r raw) MarshalJSON() ([]byte, error) { return r, nil }

func (r raw) appendTo(b []byte) []byte { return append(b, r...) }

// alone spells one record that is the whole answer.
func alone(record any) raw {
	var one elements
	one.add(record)
	return raw(one.text)
}

// spell adds the records of a page to none, and ends the page where an answer is full: the next goes on from there.
func spell[T any](out elements, page []T, tail *paged, at func(T) position, record func(T) any) elements {
	out.most = len(page)
	for i, r := range page {
		if !out.add(record(r)) {
			tail.end(at(page[i-1]), len(page), i)
			break
		}
	}
	return out
}

// end makes the page end at a place, with n of its records in place of size.
func (p *paged) end(at position, size, n int) {
	cursor := at.cursor()
	p.Cursor, p.HasMore = &cursor, true
	if p.TotalPages != nil {
		total := max(2, (*p.TotalPages*size+n-1)/n)
		p.TotalPages = &total
	}
}
