package edit

import (
	"encoding/json"
	"errors"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Ref names a customer of one source.
type Ref struct {
	Tag store.Tag
	H   store.H
}

// CustomerID returns the public id of a customer.
func (r Ref) CustomerID() string { return store.ID(store.PrefixCustomer, r.Tag, r.H) }

type refJSON struct {
	Tag store.Tag `json:"tag"`
	H   string    `json:"h"`
}

// MarshalJSON spells the identity in hex.
func (r Ref) MarshalJSON() ([]byte, error) { return json.Marshal(refJSON{r.Tag, r.H.String()}) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Ref) UnmarshalJSON(b []byte) error {
	var j refJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	h, ok := store.ParseH(j.H)
	if !ok {
		return errors.New("h is not an identity of 26 hex digits")
	}
	r.Tag, r.H = j.Tag, h
	return nil
}

// Link is the merge edit of one customer. A link between two customers is stored at both, and
// counts while both have it. So if one of them was erased with its edits, the link is gone, even if
// a customer with the same id comes back.
type Link struct {
	Into *Ref  `json:"into,omitempty"` // the customer that this one is merged into
	Mark       // who merged it into Into, and when
	From []Ref `json:"from,omitempty"` // customers that were merged into this one, oldest merge first
}

func (l Link) linked() bool { return l.Into != nil || len(l.From) > 0 }

// attrLink holds the edit, as JSON.
const attrLink = "link"

func readLink(a table.Attrs) (Link, error) {
	raw, ok := a.Get(attrLink)
	if !ok {
		return Link{}, nil
	}
	var l Link
	if err := json.Unmarshal(raw.Raw, &l); err != nil {
		return Link{}, fault.Wrap(err, fault.Internal, "edit", "read a merge")
	}
	return l, nil
}
