package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Limits of the JSON of any request. checkShape checks them in one pass before the JSON is decoded,
// since a few megabytes can hold millions of values.
const (
	maxValues  = 300_000 // in all: 10,000 records with all their members
	maxDepth   = 32      // objects and lists within each other
	maxMembers = 1000    // of one object
	maxName    = 1 << 10 // bytes of a member's name
	maxNumber  = 100     // characters
)

// checkShape checks the JSON of a request against these limits. The error is 400 for text that is
// not JSON or that no route accepts, and 413 for too much of it.
func checkShape(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var s shape
	for {
		token, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return Problem(http.StatusBadRequest, "", textNotJSON)
		}
		if err := s.take(token); err != nil {
			return err
		}
	}
}

// shape is what checkShape has seen so far.
type shape struct {
	values int
	open   []container // each within the one before
}

// container is an object or a list that has not ended yet.
type container struct {
	object bool
	tokens int // names and values
}

func (s *shape) take(token json.Token) error {
	if token == json.Delim('}') || token == json.Delim(']') {
		s.open = s.open[:len(s.open)-1]
		return nil
	}
	if len(s.open) > 0 {
		in := &s.open[len(s.open)-1]
		if in.tokens++; in.object && in.tokens%2 == 1 {
			return in.takeName(token)
		}
	}
	if s.values++; s.values > maxValues {
		return tooMuch("more than %d values", maxValues)
	}
	switch t := token.(type) {
	case json.Number:
		if len(t) > maxNumber {
			return odd("a number of more than %d characters", maxNumber)
		}
	case json.Delim:
		if s.open = append(s.open, container{object: t == '{'}); len(s.open) > maxDepth {
			return odd("more than %d objects and lists within each other", maxDepth)
		}
	}
	return nil
}

func (c *container) takeName(token json.Token) error {
	if name, _ := token.(string); len(name) > maxName {
		return odd("a name of more than %d bytes", maxName)
	}
	if c.tokens > 2*maxMembers {
		return tooMuch("an object of more than %d members", maxMembers)
	}
	return nil
}

// tooMuch is the answer to JSON that holds more than one request may bring.
func tooMuch(what string, most int) *Error {
	return Problem(http.StatusRequestEntityTooLarge, "", fmt.Sprintf("The request body holds "+what+". Split the call into smaller ones.", most))
}

// odd is the answer to JSON that no route accepts.
func odd(what string, most int) *Error {
	return Problem(http.StatusBadRequest, "", fmt.Sprintf("The request body holds "+what+", which no route accepts.", most))
}
